<?php
// Probes: one construct a function; the comment above holds its cyclomatic and cognitive complexity.
namespace N {

class P extends Q {
  // cc=4 cog=4 nest=1 params=1
  function ifElse($a) { if ($a > 0) { return 1; } elseif ($a < 1) { return 2; } else if ($a) { return 3; } else { return 4; } }
  // cc=3 cog=3
  function colons($a) { if ($a): echo 1; elseif ($b): echo 2; else: echo 3; endif; }
  // cc=3 cog=1
  function same($a, $b, $c) { return $a && $b and $c; }
  // cc=4 cog=3
  function mixed($a, $b, $c, $d) { return $a && $b || $c && $d; }
  // cc=3 cog=2
  function negated($a, $b, $c) { return $a && !($b && $c); }
  // cc=3 cog=3
  function ternary($a, $b) { return $a ? ($b ?: 2) : 3; }
  // cc=3 cog=2
  function tries() { try { return 0; } catch (E | F $e) { return 1; } catch (G $e) { return 2; } finally { f(); } }
  // cc=3 cog=1 mod=2
  function labels($a) { switch ($a) { case 1: case 2: return 2; default: return 3; } }
  // cc=3 cog=1 mod=2
  function arms($a) { return match (true) { 1, 2 => 3, $a > 1 => 4, default => 5 }; }
  // cc=1/2 cog=2/1 name=N::P::closure/N::P::closure::<anonymous> kind=method/closure params=0/1
  function closure() { return function ($x) use ($a) { if ($x) { f(); } }; }
  // cc=1/2 cog=2/1 name=N::P::named/N::P::named::$g params=0/1
  function named() { $g = fn($x) => $x ? 1 : 2; }
  // cc=5 cog=4
  function loops($a) { for ($i = 0; $i < 3; $i++) { } foreach ($a as $k => $v) { } do { } while ($a); while (true) { break; } }
  // cc=4 cog=7 nest=3
  function nested($a) { foreach ($a as $x) { while (true) { if ($x) { continue 2; } } } }
  // cc=2 cog=2
  function recursion($n) { if ($n) { return $this->recursion($n - 1); } return 0; }
  // cc=1 cog=1
  static function again($n) { return self::again($n); }
  // cc=1 cog=0
  function other($n) { return other($n); }
  // cc=3 cog=4
  function elseIf($a) { if ($a > 0) return 1; else { if ($a < -1) return 2; } return 3; }
  // cc=5 cog=0
  function nulls($a) { $a ??= null; $a?->c(); return $a?->b ?? 0; }
  // cc=2 cog=2
  function jumps($a) { again: if ($a > 0) { goto again; } }
  // cc=3 cog=2
  function condition($a) { if ($a ? true : false) { return true; } return false; }
  // cc=1 cog=0 yields=2 exits=0
  function yields() { yield 1; yield from $a; }
  // cc=1 cog=0 exits=1
  function throws() { throw new E(); }
  // cc=1 cog=0 exits=0
  function leaves() { exit(1); }
  abstract function withoutBody($a);
  // cc=1 cog=0 kind=constructor params=2
  function __construct(private int $q, string ...$r) { parent::__construct($q); }
  public string $z {
    // cc=1 cog=0 name=N::P::get kind=method
    get => $this->x;
    // cc=2 cog=1 name=N::P::set kind=method params=1
    set(string $v) { $this->x = $v ? $v : null; }
  }
  // cc=5 cog=2
  function runs($a, $b, $c) { return $a && ($b && $c) && !($a && $b); }
}
// cc=1 cog=1 name=N::top kind=function
function top($a) { return top($a - 1); }
}
