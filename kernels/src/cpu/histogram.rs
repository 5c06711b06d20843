//! Sums of gradients and Hessians per column and bin.
//!
//! Both sums share a 64-bit word while all of them fit (see `exact::PACKED_WEIGHT_MAX`); a larger set is summed in packed
//! chunks that are flushed to wide entries before any half can overflow.

use super::dataset::{Binned, TILE};
use crate::exact::{BINS, Sums, unpack};
use rayon::prelude::*;

/// Words of a tile.
const TILE_WORDS: usize = TILE * BINS;
/// Rows that go through all tiles before the next ones: their bins stay in the cache meanwhile.
const BLOCK: usize = 1024;
/// Rows worth a second thread.
const PARALLEL_ROWS: usize = 1 << 14;

/// One node's histogram: 256 entries a column.
#[derive(Debug)]
pub(super) enum Histogram {
    /// Every sum fits a packed word.
    Packed(Vec<u64>),
    /// Sums need their full width.
    Wide(Vec<Sums>),
}

impl Histogram {
    pub(super) fn new(binned: &Binned) -> Self {
        let entries = binned.stride * BINS;
        if binned.is_packed() { Self::Packed(vec![0; entries]) } else { Self::Wide(vec![Sums::default(); entries]) }
    }

    /// Replaces the contents by the sums of `rows`.
    pub(super) fn fill(&mut self, binned: &Binned, gradients: &[u64], rows: &[u32]) {
        let threads = rayon::current_num_threads().min(rows.len() / PARALLEL_ROWS).max(1);
        let part_rows = rows.len().div_ceil(threads).max(1);
        match self {
            Self::Packed(words) => {
                words.fill(0);
                if threads == 1 {
                    return accumulate(binned, gradients, rows, words);
                }
                let parts = rows.par_chunks(part_rows).map(|part| {
                    let mut words = vec![0; binned.stride * BINS];
                    accumulate(binned, gradients, part, &mut words);
                    words
                });
                for part in parts.collect::<Vec<_>>() {
                    words.iter_mut().zip(part).for_each(|(word, part)| *word = word.wrapping_add(part));
                }
            }
            Self::Wide(sums) => {
                sums.fill(Sums::default());
                if threads == 1 {
                    return accumulate_wide(binned, gradients, rows, sums);
                }
                let parts = rows.par_chunks(part_rows).map(|part| {
                    let mut sums = vec![Sums::default(); binned.stride * BINS];
                    accumulate_wide(binned, gradients, part, &mut sums);
                    sums
                });
                for part in parts.collect::<Vec<_>>() {
                    sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
                }
            }
        }
    }

    /// Takes away a child's sums, which leaves the other child's; exact, because all are integers.
    pub(super) fn subtract(&mut self, child: &Self) {
        match (self, child) {
            (Self::Packed(words), Self::Packed(child)) => {
                words.iter_mut().zip(child).for_each(|(word, child)| *word = word.wrapping_sub(*child));
            }
            (Self::Wide(sums), Self::Wide(child)) => {
                sums.iter_mut().zip(child).for_each(|(sum, child)| *sum = *sum - *child);
            }
            _ => unreachable!("all histograms of a job have one width"),
        }
    }
}

/// Adds gradients of `rows` in packed chunks, each flushed before a half of its words can overflow.
fn accumulate_wide(binned: &Binned, gradients: &[u64], rows: &[u32], sums: &mut [Sums]) {
    let mut words = vec![0u64; binned.stride * BINS];
    for chunk in rows.chunks(binned.packed_rows_max()) {
        accumulate(binned, gradients, chunk, &mut words);
        for (sum, word) in sums.iter_mut().zip(&mut words) {
            *sum += unpack(std::mem::take(word));
        }
    }
}

/// Adds packed gradients of `rows` to `words`; the caller sees to it that the sums fit.
fn accumulate(binned: &Binned, gradients: &[u64], rows: &[u32], words: &mut [u64]) {
    for block in rows.chunks(BLOCK) {
        for (tile, words) in words.chunks_exact_mut(TILE_WORDS).enumerate() {
            let words: &mut [u64; TILE_WORDS] = words.try_into().expect("the chunk has the size of a tile");
            for &row in block {
                let row = row as usize;
                let at = row * binned.stride + tile * TILE;
                let bins: &[u8; TILE] =
                    binned.tiles[at..at + TILE].try_into().expect("the slice has the size of a tile");
                let gradient = gradients[row];
                for column in 0..TILE {
                    let word = &mut words[column * BINS + usize::from(bins[column])];
                    *word = word.wrapping_add(gradient);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dataset::CpuDataset;
    use super::*;
    use crate::exact::{GRADIENT_ONE, WEIGHT_MAX, pack};
    use crate::rows::TrainSet;

    /// Rows of one value, so that one bin takes them all, with the weight that makes the sums largest.
    fn hot(rows: usize, weight: u32) -> CpuDataset {
        let mut set = TrainSet::new(1);
        (0..rows).for_each(|row| set.push(row as u64, &[1.0], row % 2 == 0, weight));
        CpuDataset::load(&set).unwrap()
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
            assert_eq!(matches!(histogram, Histogram::Packed(_)), rows as u64 * u64::from(weight) <= 65_535);
            let order: Vec<u32> = (0..rows as u32).collect();
            for sign in [-1, 1] {
                let row = Sums {
                    gradient: sign * GRADIENT_ONE * i64::from(weight),
                    hessian: (GRADIENT_ONE / 4) * i64::from(weight),
                };
                histogram.fill(binned, &vec![pack(row); rows], &order);
                let found = match &histogram {
                    Histogram::Packed(words) => unpack(words[1]),
                    Histogram::Wide(sums) => sums[1],
                };
                assert_eq!(found, Sums { gradient: row.gradient * rows as i64, hessian: row.hessian * rows as i64 });
            }
        }
    }
}
