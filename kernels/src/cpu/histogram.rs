//! Sums of gradients and Hessians per column and bin.
//!
//! Both sums share a 64-bit word while all of them fit (see `exact::PACKED_WEIGHT_MAX`); a larger set is summed in packed
//! chunks that are flushed to wide entries before any half can overflow.

use super::dataset::{Binned, TILE};
use super::paths::prefetch;
use crate::exact::{BINS, Sums, unpack};
use rayon::prelude::*;

/// Words of a tile.
const TILE_WORDS: usize = TILE * BINS;
/// Rows that go through all tiles before the next ones: their bins stay in the cache meanwhile.
const BLOCK: usize = 1024;
/// Rows whose bins are asked for ahead of their turn: about what the memory needs to answer.
const AHEAD: usize = 24;
/// Rows worth a second thread.
const PARALLEL_ROWS: usize = 1 << 12;
/// Rows from which on threads share rows and not columns: a row is then read by one of them only, and merging costs little
/// beside it.
const SHARED_ROWS: usize = 1 << 15;

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
    pub(super) fn fill(&mut self, binned: &Binned, gradients: &[u64], rows: &[u32]) {
        self.clear(rows.len() <= binned.packed_rows_max());
        let tiles = self.words.len() / TILE_WORDS;
        let threads = if rows.len() < PARALLEL_ROWS { 1 } else { rayon::current_num_threads() };
        if threads > 1 && rows.len() >= SHARED_ROWS {
            return self.fill_by_rows(binned, gradients, rows, threads);
        }
        // Threads share columns and not rows, so there is nothing to merge.
        let threads = threads.min(tiles);
        let share = tiles.div_ceil(threads);
        let words = self.words.chunks_mut(share * TILE_WORDS).enumerate();
        let mut parts: Vec<Part<'_>> = if self.is_packed {
            words.map(|(index, words)| Part { first_tile: index * share, words, sums: None }).collect()
        } else {
            let sums = self.sums.chunks_mut(share * TILE_WORDS);
            words
                .zip(sums)
                .map(|((index, words), sums)| Part { first_tile: index * share, words, sums: Some(sums) })
                .collect()
        };
        match parts.as_mut_slice() {
            [part] => part.add(binned, gradients, rows),
            _ => parts.par_iter_mut().for_each(|part| part.add(binned, gradients, rows)),
        }
    }

    /// Each thread sums rows of its own; the first into this histogram, to which the others are added.
    fn fill_by_rows(&mut self, binned: &Binned, gradients: &[u64], rows: &[u32], threads: usize) {
        let size = rows.len().div_ceil(threads);
        let (own, others) = rows.split_at(size.min(rows.len()));
        let is_packed = self.is_packed;
        let other = |rows: &[u32]| {
            let mut sums = Self::new(binned);
            sums.clear(is_packed);
            sums.whole().add(binned, gradients, rows);
            sums
        };
        let (_, others): (_, Vec<Self>) =
            rayon::join(|| self.whole().add(binned, gradients, own), || others.par_chunks(size).map(other).collect());
        for other in &others {
            self.words.iter_mut().zip(&other.words).for_each(|(word, more)| *word = word.wrapping_add(*more));
            self.sums.iter_mut().zip(&other.sums).for_each(|(sum, more)| *sum += *more);
        }
    }

    /// All tiles as one part.
    fn whole(&mut self) -> Part<'_> {
        let sums = if self.is_packed { None } else { Some(self.sums.as_mut_slice()) };
        Part { first_tile: 0, words: &mut self.words, sums }
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

/// Whole tiles of a histogram from `first_tile` on.
struct Part<'a> {
    first_tile: usize,
    words: &'a mut [u64],
    /// The entries, when the words cannot hold the sums of all rows.
    sums: Option<&'a mut [Sums]>,
}

impl Part<'_> {
    fn add(&mut self, binned: &Binned, gradients: &[u64], rows: &[u32]) {
        let Some(sums) = &mut self.sums else {
            return accumulate(binned, gradients, rows, self.first_tile, self.words);
        };
        // Packed chunks are flushed before a half of their words can overflow.
        for chunk in rows.chunks(binned.packed_rows_max()) {
            accumulate(binned, gradients, chunk, self.first_tile, self.words);
            for (sum, word) in sums.iter_mut().zip(self.words.iter_mut()) {
                *sum += unpack(std::mem::take(word));
            }
        }
    }
}

/// Adds packed gradients of `rows` to the tiles in `words`; the caller sees to it that the sums fit.
fn accumulate(binned: &Binned, gradients: &[u64], rows: &[u32], first_tile: usize, words: &mut [u64]) {
    let mut near = [0; BLOCK];
    for block in rows.chunks(BLOCK) {
        // Side by side, because every tile reads them again.
        for (near, &row) in near.iter_mut().zip(block) {
            *near = gradients[row as usize];
        }
        for (tile, words) in (first_tile..).zip(words.chunks_exact_mut(TILE_WORDS)) {
            let words = words.try_into().expect("the chunk has the size of a tile");
            let fetches = tile == first_tile || tile.is_multiple_of(4);
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
            let mut histogram = Histogram::new(binned);
            let order: Vec<u32> = (0..rows as u32).collect();
            for sign in [-1, 1] {
                let row = Sums {
                    gradient: sign * GRADIENT_ONE * i64::from(weight),
                    hessian: (GRADIENT_ONE / 4) * i64::from(weight),
                };
                histogram.fill(binned, &vec![pack(row); rows], &order);
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
}
