// Probes: one construct a function; the comment above holds its cyclomatic and cognitive complexity.
class P(val x: Int) : Q(x) {
  // cc=3 cog=3 nest=1 params=2 exits=3
  fun ifElse(a: Int, b: Int): Int { if (a > 0) { return 1 } else if (b > 0) { return 2 } else { return 3 } }
  // cc=2 cog=2
  fun value(a: Int) = if (a > 0) 1 else 2
  // cc=3 cog=1
  fun same(a: Boolean, b: Boolean, c: Boolean) = a && b && c
  // cc=4 cog=3
  fun mixed(a: Boolean, b: Boolean, c: Boolean, d: Boolean): Boolean { return a && b || c && d }
  // cc=3 cog=2
  fun negated(a: Boolean, b: Boolean, c: Boolean) = a && !(b && c)
  // cc=3 cog=2
  fun tries() { try { g() } catch (e: E) { h() } catch (e: F) { } finally { g() } }
  // cc=4 cog=1 mod=2
  fun arms(a: Any) = when (a) { 1, 2 -> 1; in 3..4 -> 2; is Int -> 5; else -> 3 }
  // cc=3 cog=2 mod=3
  fun conditions(a: Int, b: Boolean) = when { a > 1 && b -> 1; else -> 2 }
  // cc=1/2 cog=3/2 name=P::closure/P::closure::<anonymous> kind=method/closure params=0/1
  fun closure() { list.map { z -> if (z > 1) 1 else 2 } }
  // cc=1/2 cog=2/1 name=P::named/P::named::l params=0/2
  fun named() { val l = { x: Int, y -> if (x > y) { g() } } }
  // cc=1/1 cog=0/0 name=P::anonymous/P::anonymous::m kind=method/closure exits=0/1
  fun anonymous() { val m = fun(x: Int): Int { return x } }
  // cc=1/2 cog=2/1 name=P::local/P::local::inner kind=method/function
  fun local() { fun inner(a: Int) { if (a > 0) { g() } } }
  // cc=4 cog=3
  fun loops(a: List<Int>) {
    for (i in a) { }
    while (true) { break }
    do { } while (a.size > 1)
  }
  // cc=4 cog=7 nest=3
  fun nested(a: List<Int>) { outer@ for (x in a) { while (true) { if (x > 0) { continue@outer } } } }
  // cc=2 cog=2
  fun recursion(n: Int): Int { if (n > 0) { return this.recursion(n - 1) }; return 0 }
  // cc=1 cog=0 params=2
  fun overload(a: Int, vararg b: Int = 3): Int = overload(a)
  // cc=1 cog=1 params=1
  fun overload(a: Int): Int = overload(a - 1)
  // cc=3 cog=4
  fun elseIf(a: Int) { if (a > 0) g() else { if (a < -1) h() } }
  // cc=4 cog=0
  fun nulls(a: P?) = a?.b?.c ?: d
  // cc=3 cog=3
  fun condition(a: Int) { if (if (a > 0) true else false) { g() } }
  // cc=1 cog=0 exits=1
  fun throws(): Int { throw E("x") }
  abstract fun withoutBody(a: Int)
  // cc=1 cog=0 name=P::init kind=initializer
  init { g() }
  // cc=1 cog=0 name=P::constructor kind=constructor params=1
  constructor(a: String) : this(1) { g() }
  val len: Int
    // cc=2 cog=2 name=P::len::get kind=method params=0
    get() = if (x > 0) 1 else 2
  var v: Int = 0
    // cc=1 cog=0 name=P::v::get kind=method exits=1
    get() { return field }
    // cc=1 cog=0 name=P::v::set kind=method
    private set(value) { field = value }
  companion object {
    // cc=1 cog=0 name=P::make kind=method
    fun make() = P(1)
  }
  // cc=5 cog=2
  fun runs(a: Boolean, b: Boolean, c: Boolean) = a && (b && c) && !(a && b)
}
// cc=1 cog=1 name=ext kind=function
fun String.ext(a: Int): Int = ext(a - 1)
