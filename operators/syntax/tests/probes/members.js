// First values of members, receivers, arms that take everything, heads of loops; the comment above says what counts.
// cc=3 cog=10 own=2
function around(a, b, p, q) {
  a || b;
  class C {
    // cc=2 cog=1 kind=initializer name=around::C::x
    x = a || b;
    // cc=2 cog=1 name=around::C::y
    static y = p ? 1 : 2;
    // cc=3 cog=2 kind=initializer name=around::C::<static>
    static { if (p && q) { b = 1; } }
    // cc=2 cog=1 name=around::C::m
    m() { return a ? 1 : 2; }
    [a || b] = 1;
  }
  return C;
}
class D {
  // cc=2 cog=1 name=D::x
  x = window.a && window.b;
  // cc=3 cog=3 name=D::z
  static z = window.p ? (window.q ? 1 : 2) : 3;
  // cc=2 cog=1 sonar=0 name=D::free
  free = window.a || {};
  plain = 1;
  call = make(3);
  // cc=1/2 cog=2/1 name=D::held/D::held::<anonymous> kind=initializer/closure
  held = [1].map(q => q ? 1 : 2);
  // cc=2 cog=1 name=D::text
  text = `${window.a || 1}`;
  // cc=2 cog=1 name=D::#hidden
  #hidden = window.a && 1;
  // cc=2 cog=1 name=D::quoted-name
  'quoted-name' = window.a && 1;
  // cc=2 cog=1 name=D::arrow kind=closure params=1
  arrow = a => a ? 1 : 2;
  // cc=1 cog=0 name=D::<static>
  static { }
  // cc=2 cog=1 name=D::<static>#2
  static { if (D.x) { D.x = 1; } }
}
// cc=6 cog=8 nest=2
function headsAreNested(a, b) { for (const x of a ? b : 1) { } for (let i = a ? 1 : 2; i < 3; i += a ? 1 : 2) { } }
// cc=4 cog=3
function conditionsAreNot(a, b) { while (a ? b : 1) { } do { } while (a); }
// cc=2 cog=0 params=2
function noReceiver(a = this, this$b) { }
