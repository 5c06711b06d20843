//! The tokens of a file in order of place: which of them a space has not seen yet, and what each is by class.
//!
//! Tokens are numbered across all files of a measurer, so that nothing is cleared between files: what was last seen
//! before the file began was not seen. An operand is told by a 64-bit hash of its text alone.

use super::members::Access;
use super::table::{Leaf, Role};

/// Slots of a table of operands that is kept from file to file; a larger one is given back.
const SLOTS: usize = 1 << 12;
const SLOTS_KEPT_MAX: usize = 1 << 16;
/// A file uses one slot for so many of its bytes at first, at least so many in all: the fewer, the more of them stay near
/// the processor.
const BYTES_A_SLOT: usize = 16;
const SLOTS_USED_MIN: usize = 1 << 8;
/// Beyond this number of a token, numbers begin anew with the next file: no file has so many tokens more.
const NUMBER_MAX: u32 = u32::MAX / 2;

/// An operand: its hash and the number of the token that was last seen to be it.
#[derive(Clone, Copy, Default)]
struct Slot {
    hash: u64,
    last: u32,
    /// The last token that was it without anything before it.
    plain: u32,
}

/// A token as its followers see it.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Token {
    /// Hash of an operand's text; zero for an operator.
    pub(super) hash: u64,
    /// Where it starts and ends (bytes).
    pub(super) start: u32,
    /// Where it ends (bytes).
    pub(super) end: u32,
    /// What it is to its neighbours.
    pub(super) role: Role,
}

/// The tokens of the file at hand.
pub(super) struct Tokens {
    slots: Vec<Slot>,
    /// The last of the slots in use, which are a power of two.
    mask: usize,
    /// Operands of this file.
    live: usize,
    /// The last token that was each operator.
    operators: Vec<u32>,
    /// Number of the last token.
    pub(super) now: u32,
    /// Number of the file's first token.
    first: u32,
    trail: [Token; 4],
    /// Class and place of each token, those of imports apart.
    pub(super) codes: Vec<(u32, u32)>,
    /// Uses of members, in order of place.
    pub(super) accesses: Vec<Access>,
}

impl Default for Tokens {
    fn default() -> Self {
        let (slots, operators) = (vec![Slot::default(); SLOTS], Vec::new());
        Self {
            slots,
            mask: SLOTS - 1,
            live: 0,
            operators,
            now: 0,
            first: 1,
            trail: Default::default(),
            codes: Vec::new(),
            accesses: Vec::new(),
        }
    }
}

impl Tokens {
    /// Begins a file of so many bytes, of a language that has so many operators.
    pub(super) fn begin(&mut self, operators: usize, bytes: usize) {
        if self.slots.len() > SLOTS_KEPT_MAX || self.now > NUMBER_MAX {
            *self = Self::default();
        }
        // Some other language may have numbered its operators otherwise; all were seen before this file.
        self.operators.resize(operators.max(self.operators.len()), 0);
        self.first = self.now + 1;
        self.mask = (bytes / BYTES_A_SLOT).next_power_of_two().clamp(SLOTS_USED_MIN, self.slots.len()) - 1;
        self.live = 0;
        self.trail = Default::default();
        self.codes.clear();
        self.accesses.clear();
    }

    /// The token so many before the last one.
    pub(super) fn back(&self, count: u32) -> &Token {
        &self.trail[(self.now.wrapping_sub(count) & 3) as usize]
    }

    fn push(&mut self, token: Token) {
        self.now += 1;
        self.trail[(self.now & 3) as usize] = token;
    }

    /// Notes an operator; returns when it was last seen.
    #[inline]
    pub(super) fn operator(&mut self, leaf: Leaf, start: u32) -> u32 {
        self.push(Token { hash: 0, start, end: start, role: leaf.role });
        let now = self.now;
        self.operators.get_mut(leaf.operator as usize).map_or(now, |last| std::mem::replace(last, now))
    }

    /// Notes an operand; returns when it was last seen and its slot.
    #[inline]
    pub(super) fn operand(&mut self, token: Token) -> (u32, usize) {
        self.push(token);
        let mask = self.mask;
        let mut at = token.hash as usize & mask;
        loop {
            let slot = &mut self.slots[at];
            if slot.last < self.first {
                *slot = Slot { hash: token.hash, last: self.now, plain: 0 };
                self.live += 1;
                if self.live * 2 > mask {
                    self.grow();
                    at = self.find(token.hash);
                }
                return (0, at);
            }
            if slot.hash == token.hash {
                return (std::mem::replace(&mut slot.last, self.now), at);
            }
            at = (at + 1) & mask;
        }
    }

    /// Notes that the operand in this slot stands alone; returns when it last did.
    pub(super) fn plain(&mut self, slot: usize) -> u32 {
        std::mem::replace(&mut self.slots[slot].plain, self.now)
    }

    fn find(&self, hash: u64) -> usize {
        let mask = self.mask;
        let mut at = hash as usize & mask;
        while self.slots[at].last >= self.first && self.slots[at].hash != hash {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let used = &mut self.slots[..=self.mask];
        let live: Vec<Slot> = used.iter().filter(|slot| slot.last >= self.first).copied().collect();
        used.fill(Slot::default());
        self.mask = 2 * self.mask + 1;
        self.slots.resize(self.slots.len().max(self.mask + 1), Slot::default());
        for slot in live {
            let at = self.find(slot.hash);
            self.slots[at] = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operand(tokens: &mut Tokens, hash: u64) -> u32 {
        tokens.operand(Token { hash, ..Token::default() }).0
    }

    #[test]
    fn an_operand_is_found_again_however_the_table_grows() {
        let mut tokens = Tokens::default();
        for _file in 0..3 {
            tokens.begin(0, 0);
            let before = tokens.now;
            // Equal low bits collide until the table is large.
            let hash = |n: u64| n.wrapping_mul(0x1_0000_0001) << 3;
            assert!((0..20_000).all(|n| operand(&mut tokens, hash(n)) == 0), "each is new to its file");
            for n in 0..20_000 {
                assert_eq!(operand(&mut tokens, hash(n)), before + n as u32 + 1);
            }
        }
    }

    #[test]
    fn an_operator_of_another_file_was_not_seen_in_this_one() {
        let leaf = Leaf { code: 0, operator: 3, role: Role::Dot };
        let mut tokens = Tokens::default();
        tokens.begin(5, 0);
        assert_eq!(tokens.operator(leaf, 0), 0);
        assert_eq!(tokens.operator(leaf, 1), 1);
        tokens.begin(5, 0);
        assert!(tokens.operator(leaf, 0) < tokens.first);
        assert_eq!((tokens.back(0).role, tokens.back(1).role), (Role::Dot, Role::Other));
    }
}
