//! Probes of tokens: operators and operands counted by hand.
// cc=1/1 n1=11/2 N1=19/3 n2=11/2 N2=14/3 B=3/0
fn m<'a>(x: &'a str) -> Option<u8> { x.bytes().next().map(|b| b + 1) }
// cc=3 mod=2 cog=1 A=2
fn n(mut a: u8) -> u8 { let b = 1; a += b; match a { 1 => 2, 3 => 4, _ => 5 } }
