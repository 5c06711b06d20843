// Probes of tokens: operators and operands counted by hand.
class Tokens {
  // cc=2 n1=12 N1=13 n2=10 N2=13
  int f(int a, List<String> b) { return b.get(0) == null ? -1 : a; }
  // cc=4 cog=4 A=3 B=2 C=4
  void g(int a) { int b = 1; b += a; b++; if (a == b || a > 2) { h(); new H(); } else { } try { } catch (E e) { } }
}
