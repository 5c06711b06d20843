// Probes: one construct a function; the comment above holds its cyclomatic and cognitive complexity.
// cc=3 cog=3
function p01_if_elif_else(a, b) { if (a) { return 1; } else if (b) { return 2; } else { return 3; } }
// cc=3 cog=1
function p02_bool_same(a, b, c) { return a && b && c; }
// cc=4 cog=3
function p03_bool_mixed(a, b, c, d) { return a && b || c && d; }
// cc=3 cog=2
function p04_bool_not_group(a, b, c) { return a && !(b && c); }
// cc=3 cog=3
function p05_ternary_nested(a, b) { return a ? (b ? 1 : 2) : 3; }
// cc=2 cog=1
function p06_try_catch_finally(a) { try { a(); } catch (e) { return 1; } finally { a(); } }
// cc=3 cog=1
function p07_switch_default(a) { switch (a) { case 1: return 1; case 2: return 2; default: return 3; } }
// cc=3 cog=1
function p08_switch_fallthrough(a) { switch (a) { case 1: case 2: return 2; default: return 3; } }
// cc=2 cog=0
function p09_nullish(a, b) { return a ?? b; }
// cc=3 cog=0
function p10_optional_chain(a) { return a?.b?.c; }
// cc=1/2 cog=2/1
function p11_nested_fn(a) { function inner(b) { if (b) { return 1; } } return inner; }
// cc=1/2 cog=2/1
function p12_callback_if(a) { a.forEach(function (x) { if (x) { a.push(x); } }); }
// cc=2 cog=2
function p13_recursion(n) { if (n) { return p13_recursion(n - 1); } return 0; }
// cc=4 cog=7
function p14_labelled(a) { outer: for (const x of a) { for (const y of x) { if (y) { continue outer; } } } }
// cc=4 cog=1
function p15_default_param(a = 1, b = a || 2) { return b; }
// cc=2 cog=1
function p16_or_default(a) { const x = a || {}; return x; }
// cc=5 cog=4
function p17_for_forms(a) { for (let i = 0; i < 3; i++) { a++; } for (const k in a) { a--; } do { a++; } while (a < 3); while (a) { a--; } }
// cc=4 cog=0
function p18_logical_assign(a, b) { a ||= b; a &&= b; a ??= b; return a; }
// cc=3 cog=4
function p19_else_if_nested(a, b) { if (a) { return 1; } else { if (b) { return 2; } } }
// cc=1/2 cog=2/1
function p20_arrow(a) { return a.map(x => x ? 1 : 2); }
// cc=2/2/2 cog=1/1/1
class C { constructor(a) { if (a) { this.a = a; } } get v() { return this.a ? 1 : 2; } static { if (C.x) { C.x = 1; } } }
// cc=1/2 cog=2/1
function p22_generator(a) { return function* () { if (a) { yield 1; } }; }
// cc=3 cog=0 params=3
function parameter_properties(this: Window, a: number = 1, b?: string, ...c: number[] = []): void { }
abstract class Shape<T> {
  // cc=2 cog=0 params=2 kind=constructor name=Shape::constructor
  constructor(private readonly side: number = 1, kind: T) { }
  abstract area(a: boolean): number;
  // cc=2 cog=1 name=Shape::grow
  private grow = (by: number): number => by ? 1 : 2;
}
namespace Outer {
  // cc=1 cog=0 name=Outer::inner kind=function
  export function inner(a: string extends number ? 1 : 2) { }
}
interface Named { name(a: number): string }
// cc=2 cog=1
function types_hold_no_decisions<T>(a: T extends boolean ? 1 : 2, b: T & string | null) { return a as any && 1; }
// cc=4 cog=0
function optional_members_calls_and_elements(a, b, c) { return a?.b?.(b)?.[c]; }
