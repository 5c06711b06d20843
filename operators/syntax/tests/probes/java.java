// Probes: one construct a function; the comment above holds its cyclomatic and cognitive complexity.
class P {
  // cc=3 cog=3
  int p01(int a, int b) { if (a > 0) { return 1; } else if (b > 0) { return 2; } else { return 3; } }
  // cc=3 cog=1
  boolean p02(boolean a, boolean b, boolean c) { return a && b && c; }
  // cc=4 cog=3
  boolean p03(boolean a, boolean b, boolean c, boolean d) { return a && b || c && d; }
  // cc=3 cog=2
  boolean p04(boolean a, boolean b, boolean c) { return a && !(b && c); }
  // cc=3 cog=3
  int p05(boolean a, boolean b) { return a ? (b ? 1 : 2) : 3; }
  // cc=3 cog=3
  int p06() { try { return 0; } catch (IllegalStateException e) { return 1; } catch (RuntimeException e) { return 2; } finally { p06(); } }
  // cc=3 cog=1
  int p07(int a) { switch (a) { case 1: return 1; case 2: return 2; default: return 3; } }
  // cc=3 cog=1
  int p08(int a) { switch (a) { case 1: case 2: return 2; default: return 3; } }
  // cc=1/2 cog=2/1
  Runnable p09(boolean a) { return () -> { if (a) { p06(); } }; }
  // cc=1/2 cog=2/1
  Runnable p10(boolean a) { return new Runnable() { public void run() { if (a) { p06(); } } }; }
  // cc=5 cog=4
  int p11(int[] a) { for (int i = 0; i < 3; i++) { p06(); } for (int x : a) { p06(); } do { p06(); } while (a.length > 3); while (a.length > 2) { p06(); } return 0; }
  // cc=4 cog=7
  int p12(int[][] a) { outer: for (int[] x : a) { for (int y : x) { if (y > 0) { continue outer; } } } return 0; }
  // cc=2 cog=2
  int p13(int n) { if (n > 0) { return p13(n - 1); } return 0; }
  // cc=2 cog=1
  void p14(Object o) { synchronized (o) { if (o != null) { p06(); } } }
  // cc=3 cog=4
  int p15(int a) { if (a > 0) return 1; else { if (a < -1) return 2; } return 3; }
  // cc=1 cog=0
  void p16(boolean a) { assert a; }
  // cc=1 cog=0
  int p17(int a) { throw new RuntimeException(); }
  // cc=5 cog=1
  int arrows(Object o) { return switch (o) { case 1, 2 -> 1; case Integer i when i > 3 -> 2; case String s -> 3; default -> 4; }; }
  // cc=1 cog=0 params=2
  int overload(int a, int... b) { return overload(a); }
  // cc=2 cog=2 params=1
  int overload(int a) { return a > 0 ? this.overload(a - 1) : 0; }
  // cc=2 cog=1
  int amongOverloads(Object a) { return a == null ? 0 : amongOverloads((String) a); }
  // cc=1 cog=0
  int amongOverloads(String a) { return 1; }
  // cc=2 cog=2
  int alone(Object a) { return a == null ? 0 : alone((String) a); }
  // cc=1/3 cog=6/4 name=P::holdsOne/P::holdsOne::inner
  Object holdsOne(int a) { return new Object() { int inner(int b) { return b > 0 ? inner(b > 1 ? 1 : 0) : 0; } }; }
  // cc=3 cog=2
  boolean conditionIsNotNested(int a) { if (a > 0 ? true : false) { return true; } return false; }
  // cc=4 cog=4 nest=1
  void chainNestsOnce(int a) { if (a > 0) { } else if (a > 1) { } else if (a > 2) { } else { } }
  // cc=3 cog=4
  void danglingElse(int a) { if (a > 0) if (a > 1) return; else return; }
  abstract void withoutBody(int a);
  // cc=1/1 cog=0/0 name=P::lambdas/P::lambdas::f params=0/1
  void lambdas() { Function<A, B> f = x -> x; }
  class Inner {
    // cc=1 cog=0 kind=constructor name=P::Inner::Inner params=1
    Inner(int a) { }
    // cc=2 cog=1 kind=initializer name=P::Inner::<static>
    static { if (x) { x = 1; } }
    // cc=1 cog=0 exits=1 kind=method
    void fails() { throw new RuntimeException(); }
  }
  // cc=5 cog=2
  boolean runs(boolean a, boolean b, boolean c) { return a && (b && c) && !(a && b); }
}
