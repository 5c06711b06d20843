// Probes of tokens: operators and operands counted by hand.
class Tokens {
  // cc=2 n1=12 N1=13 n2=10 N2=13
  int F(int a, List<string> b) { return b.Get(0) == null ? -1 : a; }
  // cc=4 cog=4 A=3 B=2 C=4
  void G(int a) { int b = 1; b += a; b++; if (a == b || a > 2) { H(); new I(); } else { } try { } catch (E e) { } }
  // cc=1 n1=6 N1=6 n2=7 N2=8
  string S(P a) { return $"x{a.B}" + 'c'; }
  // cc=1 n1=8 N1=9 n2=7 N2=9
  void T(int a) { this.b = new C<int>(a); }
}
