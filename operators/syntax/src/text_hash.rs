//! A 64-bit hash of a function's text that is the same on every machine and in every release.
//!
//! A function's text is fed piece by piece with the hashes of its inner functions in between, so that deep nesting costs
//! no more than the file's length. It tells changed from unchanged and is no defence against forgery.

/// Odd constants with evenly spread bits: digits of pi.
const FACTOR: u64 = 0x2432_6a88_85a3_08d3 | 1;
const START: u64 = 0x1319_8a2e_0370_7344;

/// The hash of what was fed so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextHash(u64);

impl TextHash {
    /// Nothing fed yet.
    pub(super) fn new() -> Self {
        Self(START)
    }

    /// Feeds one word.
    pub(super) fn word(&mut self, word: u64) {
        // The two halves of a 128-bit product depend on every bit of both factors.
        let product = u128::from(self.0 ^ word) * u128::from(FACTOR);
        self.0 = (product as u64 ^ (product >> 64) as u64).wrapping_add(START);
    }

    /// Feeds a piece of text and its length.
    pub(super) fn text(&mut self, text: &[u8]) {
        let mut chunks = text.chunks_exact(8);
        for chunk in &mut chunks {
            self.word(u64::from_le_bytes(chunk.try_into().expect("a chunk has eight bytes")));
        }
        let mut rest = [0; 8];
        rest[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
        self.word(u64::from_le_bytes(rest));
        self.word(text.len() as u64);
    }

    /// The hash.
    pub(super) fn finish(self) -> u64 {
        self.0
    }
}

/// The hash by which names are compared across files: the same on every machine and in every release.
#[inline]
pub(super) fn name_hash(name: &[u8]) -> u64 {
    let length = name.len();
    let word = |at: usize| u64::from_le_bytes(name[at..at + 8].try_into().expect("eight bytes"));
    let half = |at: usize| u64::from(u32::from_le_bytes(name[at..at + 4].try_into().expect("four bytes")));
    // Two words that overlap hold every byte of a name of up to sixteen, which most are.
    let (first, last) = match length {
        0 => (0, 0),
        1..=3 => (u64::from(name[0]) << 16 | u64::from(name[length / 2]) << 8 | u64::from(name[length - 1]), 0),
        4..=8 => (half(0), half(length - 4)),
        9..=16 => (word(0), word(length - 8)),
        _ => (long_hash(name), word(length - 8)),
    };
    fold(fold(first ^ START, last ^ FACTOR) ^ length as u64, FACTOR)
}

#[cold]
fn long_hash(name: &[u8]) -> u64 {
    let mut hash = TextHash::new();
    hash.text(name);
    hash.finish()
}

/// The two halves of a 128-bit product, joined.
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn of(text: &str) -> u64 {
        let mut hash = TextHash::new();
        hash.text(text.as_bytes());
        hash.finish()
    }

    #[test]
    fn the_hash_never_changes_between_releases() {
        assert_eq!(of(""), 0x0eb2_d58f_e885_b7dd);
        assert_eq!(of("fn main() {}"), 0x7659_562d_5d84_b747);
    }

    #[test]
    fn texts_that_differ_in_one_bit_or_in_length_differ() {
        let text = "let answer = 42; // the question is not known";
        let mut seen = BTreeSet::from([of(text)]);
        for index in 0..text.len() {
            for bit in 0..7 {
                let mut bytes = text.as_bytes().to_vec();
                bytes[index] ^= 1 << bit;
                assert!(seen.insert(of(std::str::from_utf8(&bytes).expect("ASCII stays ASCII"))));
            }
        }
        for zeros in 1..20 {
            assert!(seen.insert(of(&"\0".repeat(zeros))));
        }
    }
}
