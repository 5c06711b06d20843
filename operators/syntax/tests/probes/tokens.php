<?php
// Probes of tokens: operators and operands counted by hand.
class Tokens {
  // cc=2 n1=11 N1=12 n2=8 N2=11
  function f(int $a, $b) { return $b->get(0) == null ? $a : 'x' . $a; }
  // cc=4 cog=4 A=3 B=2 C=4
  function g($a) { $b = 1; $b += $a; $b++; if ($a == $b || $a > 2) { h(); new I(); } else { } try { } catch (E $e) { } }
  // cc=1 n1=6 N1=7 n2=4 N2=5
  function s($a) { return "x{$a->b}"; }
}
