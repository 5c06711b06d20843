//! Probes: one construct a function; the comment above holds its cyclomatic and cognitive complexity.
// cc=3 cog=3
fn p01(a: bool, b: bool) -> i32 { if a { 1 } else if b { 2 } else { 3 } }
// cc=3 cog=1
fn p02(a: bool, b: bool, c: bool) -> bool { a && b && c }
// cc=4 cog=3
fn p03(a: bool, b: bool, c: bool, d: bool) -> bool { a && b || c && d }
// cc=3 cog=2
fn p04(a: bool, b: bool, c: bool) -> bool { a && !(b && c) }
// cc=5 cog=1
fn p05(a: i32) -> i32 { match a { 1 => 1, 2 | 3 => 2, x if x > 3 => 3, _ => 4 } }
// cc=2 cog=0
fn p06(a: Result<i32, ()>) -> Result<i32, ()> { let x = a?; Ok(x) }
// cc=5 cog=5
fn p07(a: i32) -> i32 { let mut a = a; for _ in 0..3 { a += 1; } while a > 1 { a -= 1; } loop { if a > 0 { break; } } a }
// cc=2 cog=2
fn p08(a: Option<i32>) -> i32 { if let Some(x) = a { x } else { 0 } }
// cc=2 cog=1
fn p09(a: Option<i32>) -> i32 { let Some(x) = a else { return 0 }; x }
// cc=1/2 cog=3/2
fn p10(a: bool) -> impl Fn() -> i32 { move || if a { 1 } else { 2 } }
// cc=2 cog=2
fn p11(n: i32) -> i32 { if n > 0 { return p11(n - 1); } 0 }
// cc=4 cog=7
fn p12(a: &[Vec<i32>]) { 'o: for x in a { for y in x { if *y > 0 { continue 'o; } } } }
// cc=2 cog=1
fn p13(a: i32) -> bool { matches!(a, 1 | 2) && a > 0 }
// cc=4 cog=1
fn p14(a: bool) { assert!(a && true); if a { println!("{}", if a { 1 } else { 2 }); } }
// cc=3 cog=4
fn p15(mut a: Option<i32>) { while let Some(x) = a { a = if x > 0 { Some(x - 1) } else { None }; } }
struct Tree<T>(T);
impl<'a, T: Copy> Tree<T> {
    // cc=2 cog=2 kind=method name=Tree::depth params=1
    fn depth(&self, n: u32) -> u32 { if n > 0 { return self.depth(n - 1); } 0 }
    // cc=2 cog=2
    fn by_type(n: u32) -> u32 { while n > 0 { Self::by_type(n - 1); } 0 }
    // cc=2 cog=1
    fn other(&self, n: &Self) -> u32 { if n.x { n.other(other(self)); } 0 }
}
trait Shape { fn declared_only(&self, a: bool) -> bool; }
mod inner {
    // cc=1 cog=0 name=inner::free kind=function
    fn free() {}
}
// cc=4 cog=2
fn let_chains(a: Option<bool>, b: bool) { if let Some(x) = a && x && b { } }
// cc=3 cog=1
fn wildcard_with_guard(a: i32, b: bool) -> i32 { match a { 1 => 1, _ if b => 2, _ => 3 } }
// cc=4 cog=4 nest=1
fn a_chain_nests_once(a: i32) { if a > 0 { } else if a > 1 { } else if a > 2 { } else { } }
// cc=3 cog=3
fn let_else_nests(a: Option<i32>) { let Some(_x) = a else { if q() { return } return }; }
// cc=1/3 cog=1/1 name=closures/closures::f params=0/2
fn closures() { let f = |a: bool, b: bool| a && b && true; async { f(true, true) }; }
// cc=4 cog=4
fn a_match_in_a_condition(a: i32) { if match a { 1 => true, _ => false } { while a > 0 { } } }
// cc=3 cog=0 exits=3
fn exits(a: Option<i32>) -> Option<i32> { a?; b()?; return a; }
// cc=4 cog=0
fn repetitions_in_macro_rules() { macro_rules! all { ($($a:expr),*) => { if true { $( if $a && true { } )* } }; } }
