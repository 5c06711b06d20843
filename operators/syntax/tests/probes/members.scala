// First values of members, receivers, arms that take everything, heads of loops; the comment above says what counts.
class P(val z: Int) {
  // cc=2 cog=2 kind=initializer name=P::a
  val a = if (x) 1 else 2
  var plain = 3
  // cc=1/2 cog=3/2 name=P::d/P::d::<anonymous>
  lazy val d = xs.map(q => if (q) 1 else 2)
  // cc=2 cog=2 name=P::e kind=closure
  val e = (q: Int) => if (q) 1 else 2
  // cc=2 cog=1 name=P::<instance> kind=initializer
  if (x) { g() }
  g()
  // cc=2 cog=1 name=P::<instance>#2
  a match { case 1 => g(); case _ => h() }
  // cc=2/2/2 cog=7/2/1 own=2/2/1 name=P::m/P::m::k/P::m::<instance>
  def m() = { val l = if (x) 1 else 2; new X { val k = if (x) 1 else 2; if (k) g() } }
  // cc=3 cog=4 nest=2
  def heads(a: Int) = { for (i <- if (a > 0) p else q) { g() } }
  // cc=2 cog=1
  def alternatives(a: Any) = a match { case 1 => 2; case 2 | _ => 3 }
  // cc=2 cog=1
  def captured(a: Any) = a match { case 1 => 2; case x @ _ => 3 }
  // cc=3 cog=1
  def typed(a: Any) = a match { case 1 => 2; case _: Int | _: Long => 3 }
}
