// First values of members, receivers, arms that take everything, heads of loops; the comment above says what counts.
class P {
  // cc=2 cog=1 kind=initializer name=P::a
  int a = x ? 1 : 2, plain = 3;
  // cc=3 cog=2 name=P::S
  static readonly int S = x && y ? 7 : 8;
  // cc=2 cog=1 name=P::Auto::<value>
  int Auto { get; set; } = x ? 1 : 2;
  // cc=2 cog=1 name=P::f kind=closure
  Func<int, int> f = q => q > 1 ? 1 : 2;
  // cc=2 cog=1 name=P::h
  event Handler h = x ? p : q;
  List<int> list = new List<int>();
  // cc=2 cog=1 kind=constructor
  static P() { if (x) { } }
  // cc=2 cog=1
  void M() { int l = x ? 1 : 2; }
  // cc=2 cog=1
  int Discard(int a) { switch (a) { case 1: return 1; case _: return 2; } }
  // cc=3 cog=2
  int Either(int a) => a switch { 1 => 2, 2 or _ => 3 };
  // cc=2 cog=1
  int Labels(int a) { switch (a) { case 1: default: return 2; } }
  // cc=6 cog=8 nest=2
  void Heads(bool a) { for (int i = a ? 1 : 2; i < (a ? 1 : 2); i++) { } foreach (var x in a ? p : q) { } }
  // cc=1 cog=0 params=1
  static int Extension(this string s, int a) { return a; }
  // cc=1 cog=0 params=2
  static int NoExtension([A] string thisone, int a) { return a; }
}
interface I {
  // cc=2 cog=1 name=I::K
  static int K = x ? 1 : 2;
}
