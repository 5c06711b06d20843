#!/usr/bin/env bash
# Lines keep their origin through re-indentation, a rename, a block that moves and re-wrapped arguments: the fix blames the
# commit that added them.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
functions() {
  for i in $(seq 1 30); do
    printf 'int f%d(int a) {\n%sif (a > %d) {\n%s%sreturn a / %d;\n%s}\n%sreturn 0;\n}\n' "$i" "$1" "$i" "$1" "$1" "$i" "$1" "$1"
  done
  printf 'int total(int first, int second) {\n%sreturn combined_price_of(first, second, 31);\n}\n' "$1"
}
init r
functions "  " >r/a.c; commit r "Add functions" 1500000000
functions "	" >r/a.c; commit r "Indent by tabs" 1500100000
git -C r mv a.c b.c; commit r "Move the file" 1500200000
# f7 and f8 go to the end of the file, total wraps its arguments.
awk '/^int f7\(/ {keep = 14} keep > 0 {moved = moved $0 "\n"; keep--; next} {print} END {printf "%s", moved}' r/b.c >r/c
sed -e 's/combined_price_of(first, second, 31);/combined_price_of(\n\t\tfirst,\n\t\tsecond,\n\t\t31);/' r/c >r/b.c; rm r/c
commit r "Move two functions and wrap arguments" 1500300000
sed -i -e 's/return a \/ 7;/return a \/ 8;/' -e 's/^\t\t31);/\t\t32);/' r/b.c; commit r "Fix wrong divisor" 1500400000
import r data >out 2>said || fail "up ends with $?: $(cat said)"
label() { "$DRIFTLINE" explain "$1" --data data | grep -E '^label' || true; }
commits=($(git -C r rev-list --reverse HEAD))
expect_in "the commit that added the lines" "label: Defective" "$(label "${commits[0]}")"
for i in 1 2 3; do
  case $(label "${commits[$i]}") in
    *Defective*) fail "$(git -C r log -1 --format=%s "${commits[$i]}") only moved or re-formatted, and is called defective" ;;
  esac
done
