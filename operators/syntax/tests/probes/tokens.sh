# Probes of tokens: operators and operands counted by hand.
# cc=1 n1=6 N1=6 n2=8 N2=8
f() { echo "$a" 'b' | grep "x${c}"; }
# cc=3 cog=3 A=2 B=3 C=2
g() { b=1; ((b++)); if [ "$b" = 1 ] || h; then i; else j k; fi; }
