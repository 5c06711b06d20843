//! How much of a content is in another, measured as git does when it looks for renames.
//!
//! A content is a bag of pieces: its lines, and of long lines runs of 64 bytes. A piece is known by a hash of few bits,
//! the same as git's, so that the few pieces that git mixes up are mixed up here. Comparing bags and not sequences makes
//! a pair cost microseconds.

use super::text::is_binary;

/// Bytes of a piece at most.
const PIECE_BYTES: u32 = 64;
/// Number of different hashes of pieces.
const HASHES: u32 = 107_927;
/// The score of equal contents.
pub(super) const SCORE_MAX: u64 = 60_000;
/// The least score of a rename: one half.
pub(super) const SCORE_MIN: u64 = SCORE_MAX / 2;
/// Contents from this size on are counted in a table of all hashes, smaller ones by sorting.
const TABLE_BYTES: usize = 1 << 20;

/// What is compared of a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bag {
    /// Hash and the bytes of all pieces with that hash, by hash.
    pieces: Vec<(u32, u32)>,
    bytes: u64,
}

impl Bag {
    /// The pieces of `data`. Of text, a line end does not depend on the platform it was written on.
    pub(super) fn of(data: &[u8]) -> Self {
        let pieces = if data.len() < TABLE_BYTES { sorted(data) } else { tabled(data) };
        Self { pieces, bytes: data.len() as u64 }
    }

    /// Number of different pieces.
    pub(super) fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// Whether the sizes alone do not rule out a rename.
    pub(super) fn may_resemble(&self, other: &Self) -> bool {
        let (larger, smaller) = (self.bytes.max(other.bytes), self.bytes.min(other.bytes));
        smaller > 0 && (larger - smaller) * SCORE_MAX <= larger * (SCORE_MAX - SCORE_MIN)
    }

    /// Bytes of pieces in both over the larger size, 0 where the sizes differ too much.
    pub(super) fn score(&self, other: &Self) -> u64 {
        if !self.may_resemble(other) {
            return 0;
        }
        let (mut common, mut mine, mut theirs) = (0, self.pieces.iter().peekable(), other.pieces.iter().peekable());
        while let (Some((hash, bytes)), Some((other_hash, other_bytes))) = (mine.peek(), theirs.peek()) {
            if hash <= other_hash {
                mine.next();
            }
            if other_hash <= hash {
                theirs.next();
            }
            if hash == other_hash {
                common += u64::from(*bytes.min(other_bytes));
            }
        }
        self.score_of(other, common)
    }

    /// The same where the bytes of pieces in both are known.
    pub(super) fn score_of(&self, other: &Self, common: u64) -> u64 {
        if self.may_resemble(other) { common * SCORE_MAX / self.bytes.max(other.bytes) } else { 0 }
    }
}

/// Which of many contents hold each piece: to compare another with all of them costs what it has in common with them, and
/// those that have nothing in common cost nothing.
pub(super) struct Index {
    /// Where the entries of each hash begin, and where the last end.
    starts: Vec<u32>,
    /// Number of a content, and the bytes of its pieces with the hash.
    entries: Vec<(u32, u32)>,
}

impl Index {
    /// An index of these contents, by their place in the list. Contents that are not known have no pieces.
    pub(super) fn of<'a>(bags: impl Iterator<Item = Option<&'a Bag>> + Clone) -> Self {
        let mut starts = vec![0u32; HASHES as usize + 1];
        for (hash, _) in bags.clone().flatten().flat_map(|bag| &bag.pieces) {
            starts[*hash as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut entries = vec![(0, 0); starts[HASHES as usize] as usize];
        for (number, bag) in (0..).zip(bags) {
            for (hash, bytes) in bag.iter().flat_map(|bag| &bag.pieces) {
                entries[next[*hash as usize] as usize] = (number, *bytes);
                next[*hash as usize] += 1;
            }
        }
        Self { starts, entries }
    }

    fn entries(&self, hash: u32) -> &[(u32, u32)] {
        &self.entries[self.starts[hash as usize] as usize..self.starts[hash as usize + 1] as usize]
    }

    /// Pieces that `bag` has in common with all contents, counted once for each.
    pub(super) fn steps(&self, bag: &Bag) -> usize {
        bag.pieces.iter().map(|(hash, _)| self.entries(*hash).len()).sum()
    }

    /// Sets `common` to the bytes of pieces that `bag` has in common with each content.
    pub(super) fn common(&self, bag: &Bag, common: &mut [u64]) {
        common.fill(0);
        for (hash, bytes) in &bag.pieces {
            for (number, other) in self.entries(*hash) {
                common[*number as usize] += u64::from(*bytes.min(other));
            }
        }
    }
}

/// Calls `piece` with the hash and length of each piece of `data`.
fn each_piece(data: &[u8], mut piece: impl FnMut(u32, u32)) {
    let text = !is_binary(data);
    let (mut low, mut high, mut length) = (0u32, 0u32, 0);
    for (at, byte) in data.iter().enumerate() {
        if text && *byte == b'\r' && data.get(at + 1) == Some(&b'\n') {
            continue;
        }
        // A register of 64 bits that turns by seven for each byte, in two halves.
        (low, high) = ((low << 7) ^ (high >> 25), (high << 7) ^ (low >> 25));
        low = low.wrapping_add(u32::from(*byte));
        length += 1;
        if length == PIECE_BYTES || *byte == b'\n' {
            piece(low.wrapping_add(high.wrapping_mul(0x61)) % HASHES, length);
            (low, high, length) = (0, 0, 0);
        }
    }
    if length > 0 {
        piece(low.wrapping_add(high.wrapping_mul(0x61)) % HASHES, length);
    }
}

fn sorted(data: &[u8]) -> Vec<(u32, u32)> {
    let mut pieces: Vec<(u32, u32)> = Vec::with_capacity(data.len() / 32);
    each_piece(data, |hash, length| pieces.push((hash, length)));
    pieces.sort_unstable();
    pieces.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    pieces
}

fn tabled(data: &[u8]) -> Vec<(u32, u32)> {
    let mut table = vec![0u32; HASHES as usize];
    each_piece(data, |hash, length| table[hash as usize] = table[hash as usize].saturating_add(length));
    (0..).zip(table).filter(|(_, bytes)| *bytes > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn score(old: &str, new: &str) -> u64 {
        Bag::of(old.as_bytes()).score(&Bag::of(new.as_bytes()))
    }

    #[test]
    fn half_the_bytes_must_be_kept() {
        assert_eq!(score("1\n2\n3\n4\n", "1\n2\nx\ny\n"), SCORE_MIN);
        assert_eq!(score("1\n2\n3\n4\n", "1\nw\nx\ny\n"), SCORE_MAX / 4);
        assert_eq!(score("1\n2\n", "1\n2\n3\n4\n5\n"), 0, "the sizes differ too much");
        assert_eq!(score("", ""), 0);
    }

    #[test]
    fn line_ends_count_as_bytes_but_make_no_other_line() {
        assert_eq!(score("1\n2\n3\n", "1\r\n2\r\n3\r\n"), SCORE_MAX * 6 / 9);
        assert_eq!(Bag::of(b"\0a\r\n").pieces, [(Bag::of(b"\0a\r\n").pieces[0].0, 4)], "a binary keeps them");
    }

    #[test]
    fn a_long_line_is_cut_into_runs() {
        let words = |mark: &str| (0..40).map(|n| format!("word{n:03} ")).collect::<String>() + mark + "\n";
        let kept = score(&words("old"), &words("new"));
        assert!(kept > SCORE_MAX * 9 / 10, "{kept}");
        assert_eq!(score("short", "short"), SCORE_MAX, "a last piece without a line end counts");
    }

    #[test]
    fn contents_with_little_in_common_cost_little() {
        let text = |n: usize| (0..100).map(|line| format!("line {line} of file {n}\n")).collect::<String>() + "end\n";
        let bags: Vec<Bag> = (0..200).map(|n| Bag::of(text(n).as_bytes())).collect();
        let index = Index::of(bags[..100].iter().map(Some));
        let steps: usize = bags[100..].iter().map(|bag| index.steps(bag)).sum();
        assert!((10_000..40_000).contains(&steps), "{steps} and not the million of all pairs");
    }

    proptest! {
        #[test]
        fn an_index_gives_the_scores_of_pairs(texts in proptest::collection::vec("([ab]\n|[a-d]{1,3}\n){0,9}", 1..8)) {
            let bags: Vec<Bag> = texts.iter().map(|text| Bag::of(text.as_bytes())).collect();
            let known = |at: usize| (at != 1).then_some(&bags[at]);
            let index = Index::of((0..bags.len()).map(known));
            let mut common = vec![7; bags.len()];
            for bag in &bags {
                index.common(bag, &mut common);
                for (at, common) in common.iter().enumerate() {
                    let expected = known(at).map_or(0, |other| other.score(bag));
                    prop_assert_eq!(known(at).map_or(0, |other| other.score_of(bag, *common)), expected);
                }
                let shared = |other: &Bag| other.pieces.iter().filter(|(hash, _)| bag.pieces.iter().any(|(h, _)| h == hash)).count();
                prop_assert_eq!(index.steps(bag), (0..bags.len()).filter_map(known).map(shared).sum::<usize>());
            }
        }

        #[test]
        fn both_ways_of_counting_agree(data in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'\r')], 0..400)) {
            prop_assert_eq!(sorted(&data), tabled(&data));
        }
    }
}
