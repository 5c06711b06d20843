// Probes: one construct a function; the comment above holds its cyclomatic and cognitive complexity.
package n
class P(val x: Int) extends Q(x) with R {
  // cc=3 cog=3 nest=1 params=2 exits=3
  def ifElse(a: Int, b: Int): Int = { if (a > 0) { return 1 } else if (b > 0) { return 2 } else { return 3 } }
  // cc=2 cog=2
  def value(a: Int) = if (a > 0) 1 else 2
  // cc=3 cog=1
  def same(a: Boolean, b: Boolean, c: Boolean) = a && b && c
  // cc=4 cog=3
  def mixed(a: Boolean, b: Boolean, c: Boolean, d: Boolean) = { a && b || c && d }
  // cc=3 cog=2
  def negated(a: Boolean, b: Boolean, c: Boolean) = a && !(b && c)
  // cc=3 cog=1 mod=2
  def tries() = { try { g() } catch { case e: E => 1; case _: F => h() } finally { g() } }
  // cc=5 cog=1 mod=3
  def arms(a: Any) = a match { case 1 | 2 => 1; case n if n > 3 => 2; case _: Int => 5; case _ => 3 }
  // cc=1/2 cog=2/1 name=P::closure/P::closure::<anonymous> kind=method/closure params=0/1
  def closure() = { list.map { z => if (z > 1) g() } }
  // cc=1/2 cog=3/2 name=P::named/P::named::l params=0/2
  def named() = { val l = (x: Int, y: Int) => if (x > y) x else y }
  // cc=1/2 cog=0/0 kind=method/closure
  def partial() = { list.collect { case 1 => 2; case _ => 3 } }
  // cc=1/2 cog=2/1 name=P::local/P::local::inner kind=method/function
  def local() = { def inner(a: Int) = { if (a > 0) { g() } } }
  // cc=5 cog=3
  def loops(a: List[Int]) = {
    for (i <- a; if i > 1) { g() }
    while (true) { g() }
    do { g() } while (a.size > 1)
  }
  // cc=4 cog=6 nest=3
  def nested(a: List[Int]) = { for (x <- a) { while (true) { if (x > 0) { g() } } } }
  // cc=2 cog=1
  def comprehension(a: List[Int]) = for { x <- a; y = x } yield y
  // cc=2 cog=2
  def recursion(n: Int): Int = { if (n > 0) { return this.recursion(n - 1) }; 0 }
  // cc=1 cog=0 params=2
  def overload[A: B](a: Int)(b: Int = 3): Int = overload(a)
  // cc=1 cog=1 params=1
  def overload(a: Int): Int = overload(a - 1)
  // cc=3 cog=4
  def elseIf(a: Int) = { if (a > 0) g() else { if (a < -1) h() } }
  // cc=3 cog=3
  def condition(a: Int) = { if (if (a > 0) true else false) { g() } }
  // cc=1 cog=0 exits=1
  def throws(): Int = { throw new E("x") }
  def withoutBody(a: Int): Int
  // cc=1 cog=0 name=P::this kind=constructor params=1
  def this(a: String) = { this(1) }
  // cc=5 cog=2
  def runs(a: Boolean, b: Boolean, c: Boolean) = a && (b && c) && !(a && b)
}
object O {
  // cc=1 cog=1 name=O::top kind=method
  def top(a: Int): Int = top(a - 1)
}
