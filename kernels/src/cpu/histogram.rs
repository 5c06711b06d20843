//! Sums of gradients and Hessians per column and bin.
//!
//! Both sums share a 64-bit word while all of them fit (see `exact::PACKED_WEIGHT_MAX`); a larger set is summed in packed
//! chunks that are flushed to wide entries before any half can overflow.

use super::awake::keep_awake;
use super::dataset::{Binned, TILE};
use super::paths::prefetch;
use crate::exact::{BINS, Sums, unpack};
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Words of a tile.
const TILE_WORDS: usize = TILE * BINS;
/// Rows that go through all tiles before the next ones: their bins stay in the cache meanwhile.
const BLOCK: usize = 1024;
/// Rows whose bins are asked for ahead of their turn: about what the memory needs to answer.
const AHEAD: usize = 24;
/// Values of a node's rows that are worth a second thread: to wake one takes as long as a quarter of them.
const PARALLEL_VALUES: usize = 1 << 18;
/// Rows a thread takes at a time: few enough that no thread waits long for another one at the end.
const SHARE: usize = 1 << 11;
/// Histograms from which on they are merged by several threads.
const PARALLEL_MERGE: usize = 4;

/// One node's histogram: 256 entries a column, packed while the node's weight allows it.
#[derive(Debug)]
pub(super) struct Histogram {
    /// The entries of a packed histogram; all zero in a wide one.
    words: Vec<u64>,
    /// The entries of a wide histogram; empty until the first one.
    sums: Vec<Sums>,
    is_packed: bool,
}

/// The entries of a histogram in either width.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entries<'a> {
    Packed(&'a [u64]),
    Wide(&'a [Sums]),
}

impl Histogram {
    pub(super) fn new(binned: &Binned) -> Self {
        Self { words: vec![0; binned.width().div_ceil(TILE) * TILE_WORDS], sums: Vec::new(), is_packed: true }
    }

    pub(super) fn entries(&self) -> Entries<'_> {
        if self.is_packed { Entries::Packed(&self.words) } else { Entries::Wide(&self.sums) }
    }

    /// Replaces the contents by the sums of `rows`.
    ///
    /// Threads share rows, not columns, so that a row is read by one of them only. Which rows a thread takes depends on how
    /// busy it is, and what it sums does not. All but the first sum into a histogram of `spare`, which are made as needed.
    pub(super) fn fill(&mut self, binned: &Binned, gradients: &[u64], rows: &[u32], spare: &mut Vec<Self>) {
        let is_packed = rows.len() <= binned.packed_rows_max();
        let work = Work { binned, gradients, rows, is_packed, next: AtomicUsize::new(0) };
        let threads = 2 * rows.len() * binned.width() / PARALLEL_VALUES;
        let others = threads.min(rows.len() / SHARE).min(rayon::current_num_threads()).saturating_sub(1);
        if others == 0 {
            return self.add_all(&work);
        }
        keep_awake(others);
        spare.resize_with(others.max(spare.len()), || Self::new(binned));
        let spare = &mut spare[..others];
        let mut used = vec![false; others];
        rayon::scope(|scope| {
            for (other, used) in spare.iter_mut().zip(&mut used) {
                scope.spawn(|_| *used = other.add_share(&work));
            }
            self.add_all(&work);
        });
        let others: Vec<&Self> = spare.iter().zip(used).filter(|(_, used)| *used).map(|(other, _)| other).collect();
        if is_packed {
            let others: Vec<&[u64]> = others.iter().map(|other| other.words.as_slice()).collect();
            merge(&mut self.words, &others, u64::wrapping_add);
        } else {
            let others: Vec<&[Sums]> = others.iter().map(|other| other.sums.as_slice()).collect();
            merge(&mut self.sums, &others, |sum, more| sum + more);
        }
    }

    /// Becomes the sums of the rows that this thread takes, perhaps of none.
    fn add_all(&mut self, work: &Work<'_>) {
        self.clear(work.is_packed);
        if let Some(rows) = work.take() {
            self.add(work, rows);
        }
    }

    /// Becomes the sums of the rows that this thread takes; false, and still what it was, if none were left.
    fn add_share(&mut self, work: &Work<'_>) -> bool {
        let Some(rows) = work.take() else { return false };
        self.clear(work.is_packed);
        self.add(work, rows);
        true
    }

    fn add(&mut self, work: &Work<'_>, first: &[u32]) {
        let rows_max = work.binned.packed_rows_max();
        let (mut next, mut held) = (Some(first), 0);
        while let Some(rows) = next {
            for rows in rows.chunks(rows_max) {
                // Packed words are flushed before a half of one can overflow.
                if !work.is_packed && held + rows.len() > rows_max {
                    self.flush();
                    held = 0;
                }
                accumulate(work.binned, work.gradients, rows, &mut self.words);
                held += rows.len();
            }
            next = work.take();
        }
        if !work.is_packed {
            self.flush();
        }
    }

    /// Moves what the words hold to the wide entries.
    fn flush(&mut self) {
        for (sum, word) in self.sums.iter_mut().zip(&mut self.words) {
            *sum += unpack(std::mem::take(word));
        }
    }

    fn clear(&mut self, is_packed: bool) {
        self.is_packed = is_packed;
        self.words.fill(0);
        if !is_packed {
            self.sums.clear();
            self.sums.resize(self.words.len(), Sums::default());
        }
    }

    /// Takes away a child's sums, which leaves the other child's; exact, because all are integers. A child has fewer rows
    /// than its parent, so it is never wider.
    pub(super) fn subtract(&mut self, child: &Self) {
        match child.entries() {
            Entries::Packed(words) if self.is_packed => {
                self.words.iter_mut().zip(words).for_each(|(word, child)| *word = word.wrapping_sub(*child));
            }
            Entries::Packed(words) => {
                self.sums.iter_mut().zip(words).for_each(|(sum, child)| *sum = *sum - unpack(*child));
            }
            Entries::Wide(sums) => self.sums.iter_mut().zip(sums).for_each(|(sum, child)| *sum = *sum - *child),
        }
    }
}

/// Rows to be summed, of which threads take one share after another.
struct Work<'a> {
    binned: &'a Binned,
    gradients: &'a [u64],
    rows: &'a [u32],
    is_packed: bool,
    /// The first row that nobody has taken.
    next: AtomicUsize,
}

impl Work<'_> {
    fn take(&self) -> Option<&[u32]> {
        let start = self.next.fetch_add(SHARE, Ordering::Relaxed).min(self.rows.len());
        let rows = &self.rows[start..self.rows.len().min(start + SHARE)];
        Some(rows).filter(|rows| !rows.is_empty())
    }
}

/// Adds the entries of `others`.
fn merge<T: Copy + Send + Sync>(own: &mut [T], others: &[&[T]], add: impl Fn(T, T) -> T + Sync) {
    let part = |(index, own): (usize, &mut [T])| {
        for other in others {
            own.iter_mut().zip(&other[index * TILE_WORDS..]).for_each(|(own, more)| *own = add(*own, *more));
        }
    };
    if others.len() < PARALLEL_MERGE {
        own.chunks_mut(TILE_WORDS).enumerate().for_each(part);
    } else {
        own.par_chunks_mut(TILE_WORDS).enumerate().for_each(part);
    }
}

/// Adds packed gradients of `rows` to `words`; the caller sees to it that the sums fit.
fn accumulate(binned: &Binned, gradients: &[u64], rows: &[u32], words: &mut [u64]) {
    let mut near = [0; BLOCK];
    for block in rows.chunks(BLOCK) {
        // Side by side, because every tile reads them again.
        for (near, &row) in near.iter_mut().zip(block) {
            *near = gradients[row as usize];
        }
        for (tile, words) in words.chunks_exact_mut(TILE_WORDS).enumerate() {
            let words = words.try_into().expect("the chunk has the size of a tile");
            let fetches = tile.is_multiple_of(4);
            let block = Block { binned, rows: block, gradients: &near, fetches };
            // Padding need not be summed.
            match binned.width() - tile * TILE {
                0..=4 => block.add_tile::<4>(tile, words),
                5..=8 => block.add_tile::<8>(tile, words),
                9..=12 => block.add_tile::<12>(tile, words),
                13..=14 => block.add_tile::<14>(tile, words),
                _ => block.add_tile::<TILE>(tile, words),
            }
        }
    }
}

/// Rows that go through all tiles before the next ones.
struct Block<'a> {
    binned: &'a Binned,
    rows: &'a [u32],
    gradients: &'a [u64; BLOCK],
    /// A line holds four tiles: the first of them brings it, and it stays until the last.
    fetches: bool,
}

impl Block<'_> {
    /// Adds the first `COLUMNS` columns of one tile.
    fn add_tile<const COLUMNS: usize>(&self, tile: usize, words: &mut [u64; TILE_WORDS]) {
        let tiles = self.binned.tiles();
        let at = |row: u32| row as usize * self.binned.row_tiles + tile;
        for (index, (&row, &gradient)) in self.rows.iter().zip(self.gradients).enumerate() {
            if let (true, Some(&row)) = (self.fetches, self.rows.get(index + AHEAD)) {
                prefetch(&tiles[at(row)]);
            }
            let bins = &tiles[at(row)];
            for column in 0..COLUMNS {
                let word = &mut words[column * BINS + usize::from(bins[column])];
                *word = word.wrapping_add(gradient);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dataset::CpuDataset;
    use super::super::paths::Path;
    use super::*;
    use crate::exact::{GRADIENT_ONE, WEIGHT_MAX, pack};
    use crate::rows::TrainSet;

    /// Rows of one value, so that one bin takes them all, with the weight that makes the sums largest.
    fn hot(rows: usize, weight: u32) -> CpuDataset {
        let mut set = TrainSet::new(1);
        (0..rows).for_each(|row| set.push(row as u64, &[1.0], row % 2 == 0, weight));
        CpuDataset::load(Path::Portable, &set).unwrap()
    }

    #[test]
    fn sums_are_exact_on_both_sides_of_the_packed_bound() {
        let cases = [
            (65_535, 1),
            (65_536, 1),
            (200_001, 1),
            (15, WEIGHT_MAX),
            (16, WEIGHT_MAX),
            (1_000, WEIGHT_MAX),
            (21_845, 3),
            (21_846, 3),
        ];
        for (rows, weight) in cases {
            let dataset = hot(rows, weight);
            let binned = dataset.binned();
            let (mut histogram, mut spare) = (Histogram::new(binned), Vec::new());
            let order: Vec<u32> = (0..rows as u32).collect();
            for sign in [-1, 1] {
                let row = Sums {
                    gradient: sign * GRADIENT_ONE * i64::from(weight),
                    hessian: (GRADIENT_ONE / 4) * i64::from(weight),
                };
                histogram.fill(binned, &vec![pack(row); rows], &order, &mut spare);
                let is_packed = rows as u64 * u64::from(weight) <= 65_535;
                let found = match histogram.entries() {
                    Entries::Packed(words) if is_packed => unpack(words[1]),
                    Entries::Wide(sums) if !is_packed => sums[1],
                    _ => panic!("{rows} rows of weight {weight} have the wrong width"),
                };
                assert_eq!(found, Sums { gradient: row.gradient * rows as i64, hessian: row.hessian * rows as i64 });
            }
        }
    }

    #[test]
    fn threads_that_share_rows_sum_what_one_does() {
        const ROWS: u32 = 40_000;
        const COLUMNS: usize = 32;
        // Weights that make words packed, wide, and wide with a flush every fifteen rows.
        for weight in [0, 1, WEIGHT_MAX] {
            let mut set = TrainSet::new(COLUMNS);
            for row in 0..ROWS {
                let features: Vec<f32> =
                    (0..COLUMNS as u32).map(|column| (mix_row(row, column) % 300) as f32).collect();
                set.push(u64::from(row), &features, row % 3 == 0, weight.max(1));
            }
            let dataset = CpuDataset::load(Path::Portable, &set).unwrap();
            let binned = dataset.binned();
            let packed = |row: u32| Sums { gradient: i64::from(row % 65) - 32, hessian: i64::from(row % 7) + 1 };
            let words: Vec<u64> = (0..ROWS).map(|row| pack(packed(row))).collect();
            // Packed words hold some rows of weight one, and no set of the largest weight.
            let order: Vec<u32> = (0..ROWS).filter(|row| weight > 0 || row % 2 == 0).collect();
            let fill = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let (mut histogram, mut spare) = (Histogram::new(binned), Vec::new());
                // Twice, so that nothing is left of what was there before.
                for _ in 0..2 {
                    pool.install(|| histogram.fill(binned, &words, &order, &mut spare));
                }
                assert_eq!(spare.is_empty(), threads == 1);
                (histogram.words, histogram.sums)
            };
            let one = fill(1);
            for threads in [2, 3, 8] {
                assert_eq!(fill(threads), one, "{threads} threads, weight {weight}");
            }
        }
    }

    fn mix_row(row: u32, column: u32) -> u64 {
        crate::exact::mix(u64::from(row) << 16 | u64::from(column))
    }
}
