// Probes of tokens: operators and operands counted by hand.
class Tokens {
  // cc=2 n1=12 N1=15 n2=8 N2=12
  func f(a: Int, b: [Int]) -> Int { return b.get(0) == nil ? -1 : a }
  // cc=4 cog=4 A=2 B=2 C=4
  func g(a: Int) {
    var b = 1; b += a
    // cc=1
    if a == b || a > 2 { h(); i(1) { } } else { j[0] }
    do { } catch { }
  }
  // cc=1 n1=8 N1=8 n2=6 N2=7
  func s(a: P) -> T { return "x\(a.b)" }
}
