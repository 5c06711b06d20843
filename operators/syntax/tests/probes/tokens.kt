// Probes of tokens: operators and operands counted by hand.
class Tokens {
  // cc=2 n1=13 N1=17 n2=9 N2=13
  fun f(a: Int, b: List<Int>): Int { return if (b.get(0) == null) -1 else a }
  // cc=4/1 cog=4/0 A=3/0 B=3/0 C=4/0
  fun g(a: Int) { var b = 1; b += a; b++; if (a == b || a > 2) { h(); i(1) { } } else { j[0] } ; try { } catch (e: E) { k() } }
  // cc=1 n1=6 N1=6 n2=5 N2=6
  fun s(a: P) = "x${a.b}"
}
