// Probes: one construct a function; the comment above holds its cyclomatic and cognitive complexity.
namespace N;

class P : Q {
  // cc=3 cog=3 nest=1
  int IfElse(int a, int b) { if (a > 0) { return 1; } else if (b > 0) { return 2; } else { return 3; } }
  // cc=3 cog=1
  bool Same(bool a, bool b, bool c) { return a && b && c; }
  // cc=4 cog=3
  bool Mixed(bool a, bool b, bool c, bool d) { return a && b || c && d; }
  // cc=3 cog=2
  bool Negated(bool a, bool b, bool c) { return a && !(b && c); }
  // cc=3 cog=3
  int Ternary(bool a, bool b) { return a ? (b ? 1 : 2) : 3; }
  // cc=3 cog=2
  int Try() { try { return 0; } catch (E e) { return 1; } catch { return 2; } finally { Same(); } }
  // cc=4 cog=2
  int Filter(bool a) { try { return 0; } catch (E e) when (e.X && a) { return 1; } }
  // cc=3 cog=1 mod=2
  int Switch(int a) { switch (a) { case 1: return 1; case 2: return 2; default: return 3; } }
  // cc=3 cog=1 mod=2
  int Labels(int a) { switch (a) { case 1: case 2: return 2; default: return 3; } }
  // cc=4 cog=2
  int Guard(object a) { switch (a) { case int n when n > 3: return 1; case string s: goto case 1; default: return 3; } }
  // cc=5 cog=2
  int Arms(int a) { return a switch { 1 => 2, > 3 and < 5 => 1, _ when a > 1 => 4, _ => 3 }; }
  // cc=1/2 cog=2/1 name=P::Block/P::Block::<anonymous> kind=method/closure params=1/1
  Func<int, int> Block(bool a) { return x => { if (a) { Same(); } return x; }; }
  // cc=1/2 cog=2/1 name=P::Named/P::Named::f params=0/2
  void Named() { Func<int, int, int> f = (x, y) => x > y ? x : y; }
  // cc=1/1 cog=0/0 kind=method/closure exits=0/1
  void Delegate() { Func<int> f = delegate (int q) { return q; }; }
  // cc=1/2 cog=2/1 name=P::Local/P::Local::Inner kind=method/function
  void Local() { int Inner(int z) { return z > 0 ? z : 0; } }
  // cc=5 cog=4
  void Loops(int[] a) { for (int i = 0; i < 3; i++) { } foreach (var x in a) { } do { } while (a.Length > 3); while (a.Length > 2) { } }
  // cc=4 cog=6 nest=3
  void Nested(int[] a) { foreach (var x in a) { while (true) { if (x > 0) { continue; } } } }
  // cc=2 cog=2
  int Recursion(int n) { if (n > 0) { return Recursion(n - 1); } return 0; }
  // cc=1 cog=0 params=2
  int Overload(int a, params int[] b) { return Overload(a); }
  // cc=2 cog=2 params=1
  int Overload(int a) { return a > 0 ? this.Overload(a - 1) : 0; }
  // cc=2 cog=1
  void Lock(object o) { lock (o) { using (var a = o) { if (o != null) { Same(); } } } }
  // cc=3 cog=4
  int ElseIf(int a) { if (a > 0) return 1; else { if (a < -1) return 2; } return 3; }
  // cc=3 cog=4
  void DanglingElse(int a) { if (a > 0) if (a > 1) return; else return; }
  // cc=4 cog=0
  int Null(P a) { a ??= null; return a?.B ?? 0; }
  // cc=2 cog=2
  void Goto(int a) { again: if (a > 0) { goto again; } }
  // cc=3 cog=2
  bool Condition(int a) { if (a > 0 ? true : false) { return true; } return false; }
  // cc=1 cog=0 yields=2 exits=0
  IEnumerable<int> Yields() { yield return 1; yield break; }
  // cc=1 cog=0 exits=1
  void Throws() { throw new E(); }
  // cc=2 cog=0 exits=1 params=1
  int Arrow(P a) => a ?? throw new E();
  // cc=2 cog=1 branches=2
  void Preprocessor(bool a) {
#if DEBUG && X
    if (a) { }
#elif Y
    Same();
#endif
  }
  abstract void WithoutBody(int a);
  int Auto { get; set; } = 1;
  // cc=2 cog=1 name=P::Length kind=method params=0
  int Length => Auto > 0 ? 1 : 0;
  int Value {
    // cc=1 cog=0 name=P::Value::get kind=method
    get { return Auto; }
    // cc=2 cog=1 name=P::Value::set kind=method
    private set => Auto = value > 0 ? value : 0;
  }
  event Handler Changed {
    // cc=1 cog=0 name=P::Changed::add kind=method
    add { Same(); }
    // cc=1 cog=0 name=P::Changed::remove kind=method
    remove { }
  }
  int this[int i] {
    // cc=1 cog=0 name=P::get kind=method
    get { return i; }
  }
  // cc=1 cog=0 name=P::P kind=constructor params=1
  P(int a) : base(a) { this.a = a; }
  // cc=1 cog=0 kind=method params=0
  ~P() { }
  // cc=1 cog=0 name=P::+ kind=method params=2
  public static P operator +(P a, P b) => a;
  // cc=1 cog=0 name=P::implicit kind=method params=1
  public static implicit operator int(P p) { return 1; }
  // cc=5 cog=2
  bool Runs(bool a, bool b, bool c) { return a && (b && c) && !(a && b); }
  struct S {
    // cc=2 cog=1 name=P::S::M
    bool M(object o) { return o is string s && s.Length > 0; }
  }
}
