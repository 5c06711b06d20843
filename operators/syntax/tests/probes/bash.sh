# Probes: one construct a function; the comment above holds its cyclomatic and cognitive complexity.
# cc=3 cog=3 nest=1 exits=3
if_else() { if [ "$1" = a ]; then return 1; elif test -f "$1"; then return 2; else return 3; fi; }
# cc=3 cog=1
same() { a && b && c; }
# cc=4 cog=3
mixed() { a && b || c && d; }
# cc=5 cog=4
tests() { if [[ $1 == x* || -n $2 ]] && [ "$1" -gt 0 -a "$2" -lt 1 ]; then a; fi; }
# cc=3 cog=1 mod=2
cases() { case "$1" in a | b) a ;; c) b ;; *) c ;; esac; }
# cc=5 cog=4
loops() {
  for i in 1 2; do a; done
  for ((i = 0; i < 3; i++)); do a; done
  while true; do break; done
  until false; do a; done
}
# cc=4 cog=7 nest=3
nested() { for i in a; do while true; do if a; then continue 2; fi; done; done; }
# cc=2 cog=2
recursion() { if a; then recursion b; fi; }
# cc=3 cog=4
else_if() { if a; then b; else if c; then d; fi; fi; }
# cc=2 cog=1
ternary() { a=$(($1 ? 1 : 2)); }
# cc=3 cog=2
arithmetic() { ((a > 1 && b || c)); }
# cc=1 cog=0 exits=0
leaves() { exit 1; }
# cc=2 cog=1 name=with_word kind=function params=0
function with_word { if a; then b; fi; }
# cc=1/2 cog=2/1 name=outer/outer::inner
outer() { inner() { if a; then b; fi; }; }
