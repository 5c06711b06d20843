// Probes: one construct a function; the comment above holds its cyclomatic and cognitive complexity.
class P: Q {
  // cc=3 cog=3 nest=1 params=2 exits=3
  func ifElse(a: Int, _ b: Int) -> Int { if a > 0 { return 1 } else if b > 0 { return 2 } else { return 3 } }
  // cc=2 cog=1
  func guards(a: Int?) { guard let b = a else { return } }
  // cc=3 cog=1
  func same(a: Bool, b: Bool, c: Bool) -> Bool { return a && b && c }
  // cc=4 cog=3
  func mixed(a: Bool, b: Bool, c: Bool, d: Bool) -> Bool { a && b || c && d }
  // cc=3 cog=2
  func negated(a: Bool, b: Bool, c: Bool) -> Bool { return a && !(b && c) }
  // cc=3 cog=3
  func ternary(a: Bool, b: Bool) -> Int { return a ? (b ? 1 : 2) : 3 }
  // cc=3 cog=2
  func tries() { do { try g() } catch E.x { h() } catch let e as F { } }
  // cc=4 cog=1 mod=3
  func cases(a: E) -> Int { switch a { case 1, 2: return 1; case .foo(let z) where z > 1: fallthrough; default: return 3 } }
  // cc=1/2 cog=2/1 name=P::closure/P::closure::<anonymous> kind=method/closure params=0/1
  func closure() { list.map { z in if z > 1 { g() } } }
  // cc=1/2 cog=2/1 name=P::named/P::named::l params=0/2
  func named() { let l = { (x: Int, y: Int) -> Int in return x > y ? x : y } }
  // cc=1/2 cog=2/1 name=P::local/P::local::inner kind=method/function
  func local() { func inner(_ a: Int) { if a > 0 { g() } } }
  // cc=5 cog=3
  func loops(a: [Int]) {
    for i in a where i > 1 { }
    while true { break }
    repeat { } while a.count > 1
  }
  // cc=4 cog=7 nest=3
  func nested(a: [Int]) { outer: for x in a { while true { if x > 0 { continue outer } } } }
  // cc=2 cog=2
  func recursion(n: Int) -> Int { if n > 0 { return self.recursion(n: n - 1) }; return 0 }
  // cc=1 cog=0 params=2
  func overload(by a: Int, c: Int = 3) -> Int { return overload(a) }
  // cc=1 cog=1 params=1
  func overload(_ a: Int) -> Int { return overload(a - 1) }
  // cc=3 cog=4
  func elseIf(a: Int) { if a > 0 { g() } else { if a < -1 { h() } } }
  // cc=2 cog=0
  func nils(a: P?) -> Int { return a?.b ?? 0 }
  // cc=3 cog=2
  func condition(a: Int) { if (a > 0 ? true : false) { g() } }
  // cc=1 cog=0 exits=1
  func throwing() throws { throw E(1) }
  // cc=2 cog=1 branches=1
  func preprocessor(a: Bool) {
    #if DEBUG
    if a { g() }
    #else
    h()
    #endif
  }
  // cc=1 cog=0 name=P::init kind=constructor params=2
  init(a: Int, _ b: String = "x") { self.k = a }
  // cc=1 cog=0 name=P::deinit kind=method
  deinit { g() }
  // cc=2 cog=1 name=P::len kind=method params=0
  var len: Int { return k > 0 ? 1 : 0 }
  var v: Int {
    // cc=1 cog=0 name=P::v::get kind=method exits=1
    get { return k }
    // cc=1 cog=0 name=P::v::set kind=method
    set(n) { k = n }
  }
  // cc=5 cog=2
  static func runs(a: Bool, b: Bool, c: Bool) -> Bool { return a && (b && c) && !(a && b) }
}
extension P: R {
  // cc=1 cog=0 name=P::ext kind=method
  func ext() { }
}
// cc=1 cog=1 name=top kind=function
func top(_ a: Int) -> Int { return top(a - 1) }
