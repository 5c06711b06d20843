<?php
// First values of members, receivers, arms that take everything, heads of loops; the comment above says what counts.
class P {
  // cc=2 cog=1 kind=initializer name=P::$a
  public $a = X ? 1 : 2;
  // cc=2 cog=1 name=P::B
  const B = X && Y;
  public static $plain = [3];
  // cc=5 cog=6 nest=2
  function heads($a) { for ($i = $a ? 1 : 2; $i < 3; $i++) { } foreach ($a ? $p : $q as $x) { } }
  // cc=3 cog=3
  function jumps($a) { while ($a) { break 1; } while ($a) { break 2; } }
}
enum E {
  case A;
  // cc=2 cog=1 name=E::K
  const K = X ? 1 : 2;
}
