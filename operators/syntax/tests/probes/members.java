// First values of members, receivers, arms that take everything, heads of loops; the comment above says what counts.
class P {
  // cc=2 cog=1 kind=initializer name=P::a
  int a = x ? 1 : 2, plain = 3;
  // cc=3 cog=2 name=P::LIMIT
  static final int LIMIT = x && y ? 77 : 88;
  List<X> list = new ArrayList<>();
  // cc=1 cog=6 own=0 name=P::c kind=initializer
  Comparator<X> c = new Comparator<X>() {
    // cc=2 cog=1 name=P::c::k kind=initializer
    int k = q ? 1 : 2;
    // cc=2 cog=1 name=P::c::<instance> kind=initializer
    { if (k > 0) { k = 1; } }
    // cc=2 cog=1 name=P::c::compare kind=method
    public int compare(X a, X b) { return a > b ? 1 : 0; }
  };
  // cc=2 cog=1 name=P::f kind=closure
  Function<A, B> f = y -> y ? 1 : 2;
  // cc=2 cog=1 name=P::<instance> kind=initializer
  { if (a > 0) { a = 1; } }
  // cc=1 cog=0 name=P::<instance>#2
  { a = 2; }
  // cc=2 cog=1 name=P::<static> kind=initializer
  static { if (x) { x = 1; } }
  // cc=1/2/2 cog=4/1/1 name=P::m/P::m::z/P::m::<instance>
  Object m() { return new Object() { int z = q ? 1 : 2; { if (z > 0) { z = 1; } } }; }
  // cc=3 cog=1 mod=2
  int nullAndDefault(Object o) { return switch (o) { case String s -> 1; case Integer i -> 3; case null, default -> 2; }; }
  // cc=3 cog=1
  int labels(int o) { switch (o) { case 1: default: return 2; case 3: return 1; } }
  // cc=7 cog=8 nest=2
  int heads(boolean a) { for (int i = 0; i < (a ? 1 : 2); i++) { } for (int x : a ? p : q) { } while (a ? b : c) { } return 0; }
  // cc=1 cog=0 params=1
  int receiver(P this, int b) { return b; }
  // cc=2 cog=2
  int labelled() { outer: for (;;) { break outer; } }
  // cc=2 cog=1
  int local(boolean a) { int b = a ? 1 : 2; return b; }
}
enum E {
  A {
    // cc=2 cog=1 name=E::k
    int k = q ? 1 : 2;
  };
  // cc=2 cog=1 name=E::w
  int w = x ? 1 : 2;
  // cc=2 cog=1 name=E::<instance>
  { if (w > 0) { } }
}
interface I {
  // cc=2 cog=1 name=I::K
  int K = x ? 1 : 2;
}
