//! First values of members, receivers, arms that take everything, heads of loops; the comment above says what counts.
impl T {
    // cc=1 cog=0 name=T::boxed params=1
    fn boxed(self: Box<Self>, n: u32) {}
    // cc=1 cog=0 params=1
    fn counted(mut self: Rc<Self>, n: u32) {}
    // cc=1 cog=0 params=1
    fn borrowed(&self, n: u32) {}
    // cc=1 cog=0 params=2
    fn other(self_x: u32, n: u32) {}
}
// cc=2 cog=1
fn alternatives(a: u32) -> u32 { match a { 1 => 1, 2 | _ => 2 } }
// cc=2 cog=1
fn captured(a: u32) -> u32 { match a { 1 => 1, x @ _ => 2 } }
// cc=4 cog=1
fn parts(a: (u32, u32)) -> u32 { match a { (1, _) => 1, (_, _) => 2, _ if a.0 > 2 => 4, _ => 3 } }
// cc=3 cog=4 nest=2
fn heads(a: bool) { for x in if a { 1 } else { 2 } { } }
