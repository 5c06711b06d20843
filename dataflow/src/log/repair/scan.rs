//! Finds the whole records in a file of the log, whatever else is in it, in time that grows only with its length.
//!
//! Where the bytes of a record stand says nothing: each record names its own offset, and that is where it belongs.

use super::super::frame::{self, HEADER_BYTES, Header};
use super::super::home::Home;
use std::cell::OnceCell;
use std::ops::Range;

/// Bytes between two checksums that are kept. A record of several times as many is checked by them, and a shorter one
/// is hashed.
const STEP_BYTES: usize = 1 << 10;

/// A whole record: its offset, and its first and last byte in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub offset: u64,
    at: u32,
    end: u32,
    /// Whether the record before it stands directly before it.
    is_in_line: bool,
}

impl Kept {
    pub(super) fn bytes(self) -> Range<usize> {
        self.at as usize..self.end as usize
    }
}

/// Records that fill a stretch of the file among themselves: one in its right place, or several that are out of order.
pub(super) struct Block<'a> {
    pub kept: &'a [Kept],
    pub bytes: Range<usize>,
}

/// Which records a file may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    /// Offsets, up to the first of the next file. In the last file of a partition the end is a guess that is too high.
    pub offsets: Range<u64>,
    /// Whether it is the last file.
    pub is_last: bool,
}

impl Expected {
    fn holds(&self, header: &Header) -> bool {
        if self.offsets.contains(&header.offset) {
            return true;
        }
        // A record that came after so many durable bytes may well have had so many records before it.
        let most = u64::from(header.durable) / HEADER_BYTES as u64;
        self.is_last && header.offset.checked_sub(self.offsets.start).is_some_and(|before| before <= most)
    }
}

/// What a file holds.
#[derive(Default)]
pub(super) struct Scan {
    /// One record of each offset, by offset: the first that is in line, or else the first.
    pub kept: Vec<Kept>,
    /// The byte behind the last whole record of any kind, and the offset that belongs there.
    pub whole_end: usize,
    next: u64,
    /// The offset of the first whole record that belongs to this partition, to this file or to another.
    pub first: Option<u64>,
    /// The highest such offset.
    pub highest: Option<u64>,
    /// Records whose key belongs to this partition, and records whose key belongs to another.
    pub own: usize,
    pub foreign: usize,
    /// Where the first record of another partition stands, and what is said of it.
    pub fault: Option<(usize, String)>,
}

impl Scan {
    pub(super) fn of(bytes: &[u8], home: Home, expected: &Expected) -> Self {
        let (checksums, mut at) = (Checksums::of(bytes), 0);
        let mut scan = Self { next: expected.offsets.start, ..Self::default() };
        while at < bytes.len() {
            match checksums.whole(at) {
                Ok(header) => {
                    scan.note(bytes, home, expected, (at, &header));
                    at += header.record_bytes();
                    (scan.whole_end, scan.next) = (at, header.offset.saturating_add(1));
                }
                Err(_) => at += 1,
            }
        }
        if !scan.kept.is_sorted_by(|one, next| one.offset < next.offset) {
            // The sort keeps the order of equals, and the first record of an offset is the one that stays.
            scan.kept.sort_by_key(|kept| (kept.offset, !kept.is_in_line));
            scan.kept.dedup_by_key(|kept| kept.offset);
        }
        scan
    }

    fn note(&mut self, bytes: &[u8], home: Home, expected: &Expected, (at, header): (usize, &Header)) {
        let key = &bytes[at + HEADER_BYTES..][..usize::from(header.key_bytes)];
        if let Some(fault) = home.fault(header, key) {
            self.foreign += 1;
            self.fault.get_or_insert((at, fault));
            return;
        }
        self.own += usize::from(!header.control && !key.is_empty());
        self.first.get_or_insert(header.offset);
        self.highest = self.highest.max(Some(header.offset));
        if expected.holds(header) {
            let end = at + header.record_bytes();
            let is_in_line = at == self.whole_end && header.offset == self.next;
            self.kept.push(Kept { offset: header.offset, at: at as u32, end: end as u32, is_in_line });
        }
    }

    /// Splits the records into the smallest blocks that follow one another in order.
    pub(super) fn blocks(&self) -> Vec<Block<'_>> {
        let mut places: Vec<u32> = self.kept.iter().map(|kept| kept.at).collect();
        places.sort_unstable();
        let (mut blocks, mut begin, mut last) = (Vec::new(), 0, Kept { offset: 0, at: 0, end: 0, is_in_line: true });
        for (index, kept) in self.kept.iter().enumerate() {
            if index == begin || kept.at > last.at {
                last = *kept;
            }
            // All records so far come before all others.
            if last.at == places[index] {
                let bytes = places[begin] as usize..last.end as usize;
                blocks.push(Block { kept: &self.kept[begin..=index], bytes });
                begin = index + 1;
            }
        }
        blocks
    }
}

/// Tells at any byte whether a whole record begins there. Bytes that look like the header of a long record may stand
/// anywhere in a damaged file, and hashing up to the end that each of them names would take hours. Checksums of the bytes
/// up to every thousandth or so give that of any stretch at once.
struct Checksums<'a> {
    bytes: &'a [u8],
    /// The checksum of all bytes before each multiple of [`STEP_BYTES`].
    steps: OnceCell<Vec<u32>>,
}

impl<'a> Checksums<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, steps: OnceCell::new() }
    }

    /// The header of the whole record that begins at `at`.
    fn whole(&self, at: usize) -> Result<Header, &'static str> {
        let header = header(&self.bytes[at..])?;
        let end = at + header.record_bytes();
        let is_whole = if header.record_bytes() < 4 * STEP_BYTES {
            frame::is_whole(&self.bytes[at..end])
        } else {
            self.bytes[at..at + 4] == self.between(at + 4, end).to_le_bytes()
        };
        if is_whole { Ok(header) } else { Err("its checksum is wrong") }
    }

    /// The checksum of the bytes from `start` to `end`.
    fn between(&self, start: usize, end: usize) -> u32 {
        let mut before = crc32fast::Hasher::new_with_initial_len(self.before(start), start as u64);
        before.combine(&crc32fast::Hasher::new_with_initial_len(0, (end - start) as u64));
        self.before(end) ^ before.finalize()
    }

    /// The checksum of all bytes before `end`.
    fn before(&self, end: usize) -> u32 {
        let steps = self.steps.get_or_init(|| {
            let mut hasher = crc32fast::Hasher::new();
            let later = self.bytes.chunks_exact(STEP_BYTES).map(|step| {
                hasher.update(step);
                hasher.clone().finalize()
            });
            std::iter::once(0).chain(later).collect()
        });
        let step = end / STEP_BYTES;
        let mut hasher = crc32fast::Hasher::new_with_initial(steps[step]);
        hasher.update(&self.bytes[step * STEP_BYTES..end]);
        hasher.finalize()
    }
}

/// The header of the whole record that `bytes` begin with.
pub(super) fn whole(bytes: &[u8]) -> Result<Header, &'static str> {
    Checksums::of(bytes).whole(0)
}

/// The header at the beginning of `bytes`, if they are long enough for what it says.
fn header(bytes: &[u8]) -> Result<Header, &'static str> {
    let header = frame::decode_header(bytes.get(..HEADER_BYTES).ok_or("it is cut short")?)?;
    if header.record_bytes() <= bytes.len() { Ok(header) } else { Err("it is cut short") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_checksum_of_any_stretch_is_that_of_its_bytes(
            bytes in proptest::collection::vec(any::<u8>(), 1..5_000),
            (one, other) in any::<(proptest::sample::Index, proptest::sample::Index)>(),
        ) {
            let (one, other) = (one.index(bytes.len() + 1), other.index(bytes.len() + 1));
            let (start, end) = (one.min(other), one.max(other));
            prop_assert_eq!(Checksums::of(&bytes).between(start, end), crc32fast::hash(&bytes[start..end]));
        }
    }

    #[test]
    fn what_looks_like_many_long_records_is_read_in_a_moment() {
        // Every sixteenth byte is where the header of a record of a megabyte might begin.
        let bytes = [0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0].repeat(1 << 17);
        let home = Home { partition: 0, partitions: 1 };
        let expected = Expected { offsets: 0..u64::MAX, is_last: true };
        let begun = std::time::Instant::now();
        assert_eq!(Scan::of(&bytes, home, &expected).kept, []);
        assert!(begun.elapsed().as_secs() < 60, "hashing each of them takes longer than a test may");
    }

    #[test]
    fn blocks_are_the_smallest_stretches_in_the_right_order() {
        let kept = |offset: u64, at: u32| Kept { offset, at, end: at + 5, is_in_line: true };
        let records = vec![kept(3, 0), kept(5, 20), kept(6, 10), kept(7, 40), kept(9, 30), kept(10, 60)];
        let scan = Scan { kept: records, ..Scan::default() };
        let blocks: Vec<_> = scan.blocks().iter().map(|block| (block.kept.len(), block.bytes.clone())).collect();
        assert_eq!(blocks, [(1, 0..5), (2, 10..25), (2, 30..45), (1, 60..65)]);
    }
}
