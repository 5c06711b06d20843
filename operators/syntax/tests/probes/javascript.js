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
// cc=1 cog=0 params=4
function rest_and_patterns(a, { b }, [c], ...d) { return a; }
// cc=2 cog=1 name=named_by_variable params=1 kind=closure
const named_by_variable = a => a ? 1 : 2;
// cc=1 cog=0 name=named_by_target
exports.named_by_target = function () {};
// cc=1/1/1 cog=0/0/0 name=key/quoted-key/method
const object = { key: () => 1, 'quoted-key': function () {}, method() {} };
// cc=4 cog=2
function runs_through_parentheses(a, b, c) { return a ? (a && (b && c)) : 0; }
// cc=5 cog=3
function runs_left_to_right(a, b, c, d, e) { return a || b && c || /* or */ (d || e); }
// cc=3 cog=2
function a_condition_is_not_nested(a) { if (a ? 1 : 0) { return 1; } }
// cc=2/2 cog=3/1
function a_callback_in_a_condition_is_not_nested_by_it(a) { while (a.some(x => x ? 1 : 0)) { } }
// cc=4 cog=4 nest=1
function a_chain_nests_once(a, b, c) { if (a) { } else if (b) { } else if (c) { } else { } }
class Recursion {
  // cc=2 cog=2 kind=method name=Recursion::own
  own(n) { if (n) { this.own(n - 1); } }
  // cc=2 cog=1
  other(n) { if (n) { n.other(other(n)); } }
  // cc=2 cog=1 name=Recursion::#hidden
  #hidden(n) { while (n) { break; } }
  // cc=1/2 cog=2/1 name=Recursion::field/Recursion::field::<anonymous> kind=closure/closure
  field = (a) => () => { if (a) { return a; } };
}
// cc=2 cog=2 exits=1
function labels_count_only_when_named(a) { x: while (a) { continue x; } return a; }
// cc=3 cog=0
function destructuring_defaults({ a = 1 }, [b = 2]) { return a + b; }
// cc=4 cog=0
function optional_members_calls_and_elements(a, b, c) { return a?.b?.(b)?.[c]; }
// cc=2 cog=2
const calls_itself = (n) => { if (n) { calls_itself(n - 1); } };
// cc=2/2 cog=1/1
const members_do_not_call_themselves = { calls: (n) => { if (n) { calls(n - 1); } }, 'quoted': (n) => { if (n) { quoted(n - 1); } } };
// cc=2 cog=1
exports.calls = (n) => { if (n) { calls(n - 1); } };
