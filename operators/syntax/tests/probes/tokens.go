// Probes of tokens: operators and operands counted by hand.
package p

// cc=1 n1=7 N1=12 n2=9 N2=12
func k(a []int, s string) (int, error) { return a[0] + len(s), nil }

// cc=4 mod=2 cog=1 A=2 C=3
func l(a int) { b := a; switch a { case 1: b++; case 2: case 3: default: } }
