// Probes of tokens: operators and operands counted by hand.
// cc=2 n1=13 N1=14 n2=7 N2=11 A=1 B=0 C=1
function strings(a, b) { const c = a[0] + b; return c ? 'x' : `y${a}`; }
// cc=2 cog=1 own=1 sonar=0
function a_default_value_is_free(a) { const x = a || {}; return x; }
// cc=2 cog=1 own=1 sonar=1
function a_choice_of_two_names_is_not(a, b) { const x = a || b; return x; }
// cc=2/2 cog=4/1 own=1/1 sonar=1/1
function inner_functions_stand_apart(a) { if (a) { return () => { if (a) { a(); } }; } }
// cc=3 mod=2 cog=1 C=2
function a_switch_counts_once(a) { switch (a) { case 1: case 2: return 1; default: return 2; } }
// cc=2 cog=2 own=2 sonar=1
function recursion_is_free_in_the_sonar_profile(n) { if (n) { recursion_is_free_in_the_sonar_profile(n - 1); } }
// cc=1 cog=0 A=4 B=2 C=0
function assignments(a) { let b = 1; b += a; a.c = b; b++; a.d(); return new E(); }
// cc=1/1 n1=5/5 n2=2/1 N1=10/5 N2=2/1
function distinct_counts_include_inner_functions() { (function () { return a; }); }
