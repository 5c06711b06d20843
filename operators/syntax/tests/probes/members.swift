// First values of members, receivers, arms that take everything, heads of loops; the comment above says what counts.
class P {
  // cc=2 cog=1 kind=initializer name=P::a
  let a = x ? 1 : 2
  // cc=1/2 cog=3/2 name=P::b/P::b::<anonymous>
  var b: Int = { if x { return 1 } else { return 2 } }()
  // cc=2 cog=1 name=P::c
  lazy var c: Int = x ? 1 : 2
  // cc=2 cog=1 name=P::s
  static let s = x && y
  let plain = make(1)
  // cc=2 cog=1 name=P::e kind=closure
  var e = { (q: Int) -> Int in return q > 1 ? 1 : 2 }
  // cc=2 cog=1
  func m() { let l = x ? 1 : 2 }
  // cc=3 cog=3 nest=2
  func heads(a: Bool) { for i in (a ? p : q) { } }
  // cc=2 cog=1
  func alternatives(a: Int) -> Int { switch a { case 1: return 1; case 2, _: return 2 } }
  // cc=2 cog=1
  func wildcard(a: Int) -> Int { switch a { case 1: return 1; case _: return 2 } }
  // cc=3 cog=1
  func parts(a: Int) -> Int { switch a { case (_, 1): return 1; case _ where a > 1: return 2; default: return 3 } }
}
extension P {
  // cc=2 cog=1 name=P::k
  static let k = x ? 1 : 2
}
