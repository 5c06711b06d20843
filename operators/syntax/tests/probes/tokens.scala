// Probes of tokens: operators and operands counted by hand.
class Tokens {
  // cc=2 n1=11 N1=15 n2=8 N2=13
  def f(a: Int, b: List[Int]): Int = if (b.get(0) == null) -a else a
  // cc=3 cog=3 A=3 B=2 C=3
  def g(a: Int) = { var b = 1; b += a; b = a; if (a == b || a > 2) { h(); new I() } else { } }
  // cc=1 n1=8 N1=8 n2=6 N2=8
  def s(a: P) = s"x${a.b}" + 1
}
