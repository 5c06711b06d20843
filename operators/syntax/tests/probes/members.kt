// First values of members, receivers, arms that take everything, heads of loops; the comment above says what counts.
class P(val z: Int) {
  // cc=2 cog=2 kind=initializer name=P::a
  val a = if (x) 1 else 2
  val plain = make(1)
  // cc=2 cog=2 name=P::both
  var both = if (x) 3 else 4
    // cc=2 cog=2 name=P::both::get kind=method
    get() = if (x) field else 2
  // cc=1/2 cog=0/0 name=P::d/P::d::<anonymous>
  val d = listOf(1).map { it ?: 2 }
  // cc=2 cog=2 name=P::e kind=closure
  val e = { q: Int -> if (q > 1) 1 else 2 }
  companion object {
    // cc=2 cog=2 name=P::s kind=initializer
    val s = if (x) 1 else 2
  }
  // cc=1 cog=5 own=0
  fun m() {
    val o = object : X {
      // cc=2 cog=2 name=P::m::k kind=initializer
      val k = if (x) 1 else 2
      // cc=2 cog=1 name=P::m::init
      init { if (k > 1) g() }
    }
  }
  // cc=2 cog=2
  fun local() { val l = if (x) 1 else 2 }
  // cc=3 cog=4 nest=2
  fun heads(a: Int) { for (i in if (a > 0) p else q) { } }
}
enum class E(val q: Int) {
  A(1), B(2);
  // cc=2 cog=2 name=E::k
  val k = if (x) 1 else 2
}
