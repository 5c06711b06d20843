//! Sums of a Gaussian kernel over pairs of rows, in Q32.
//!
//! A distance is one chain of additions over the columns, in their order, and then the number of columns that only one of
//! both rows has a value in. Chains of several rows run side by side, which changes none of them; sums are integers.

use crate::drift::{KernelSumTask, place};
use crate::exact::decay_q32;
use crate::rows::Rows;
use rayon::prelude::*;

/// Rows whose distances run side by side.
const LANES: usize = 16;
/// Columns of a word of marks.
const MARKS: usize = 64;
/// Pairs worth another thread.
const PARALLEL_PAIRS: usize = 1 << 12;

/// Rows in blocks of [`LANES`], column by column within a block; a block that is not full ends in zeros.
struct Blocks {
    values: Vec<f64>,
    /// Which columns each row has no value in.
    missing: Vec<u64>,
    /// Whether any row has a column without a value.
    is_missing: bool,
    words: usize,
    rows: usize,
}

/// One mark per column without a value.
fn marks(row: &[f32]) -> impl Iterator<Item = u64> {
    row.chunks(MARKS)
        .map(|part| part.iter().zip(0..).fold(0, |word, (value, column)| word | u64::from(value.is_nan()) << column))
}

impl Blocks {
    fn new(rows: Rows<'_>) -> Self {
        let (width, count) = (rows.columns, rows.count());
        let mut values = vec![0.0; count.div_ceil(LANES) * LANES * width];
        for (index, row) in rows.features.chunks_exact(width).enumerate() {
            let first = index / LANES * LANES * width + index % LANES;
            for (column, &value) in row.iter().enumerate() {
                values[first + column * LANES] = f64::from(place(value));
            }
        }
        let missing: Vec<u64> = rows.features.chunks_exact(width).flat_map(marks).collect();
        let is_missing = missing.iter().any(|&word| word != 0);
        Self { values, missing, is_missing, words: width.div_ceil(MARKS), rows: count }
    }

    /// The sum of the kernel between `row` and all rows here, with the widest lanes of this processor. Wider lanes do the same
    /// operations on more rows at once, and multiplications and additions are never fused, so the width changes no bit.
    fn sum(&self, row: &[f32], gamma: f64) -> i64 {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
                // SAFETY: the processor has what the function is compiled for.
                return unsafe { self.sum_avx512(row, gamma) };
            }
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has what the function is compiled for.
                return unsafe { self.sum_avx2(row, gamma) };
            }
        }
        self.sum_portable(row, gamma)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn sum_avx512(&self, row: &[f32], gamma: f64) -> i64 {
        self.sum_portable(row, gamma)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn sum_avx2(&self, row: &[f32], gamma: f64) -> i64 {
        self.sum_portable(row, gamma)
    }

    #[inline(always)]
    fn sum_portable(&self, row: &[f32], gamma: f64) -> i64 {
        let places: Vec<f64> = row.iter().map(|&value| f64::from(place(value))).collect();
        let missing: Vec<u64> = marks(row).collect();
        let is_missing = self.is_missing || missing.iter().any(|&word| word != 0);
        let mut sum = 0;
        for (index, block) in self.values.chunks_exact(LANES * row.len()).enumerate() {
            let mut squares = [0.0; LANES];
            for (place, others) in places.iter().zip(block.as_chunks::<LANES>().0) {
                for (square, other) in squares.iter_mut().zip(others) {
                    let gap = place - other;
                    *square += gap * gap;
                }
            }
            let lanes = LANES.min(self.rows - index * LANES);
            // Nothing to add is the rule.
            if is_missing {
                for (lane, square) in squares.iter_mut().take(lanes).enumerate() {
                    let other = &self.missing[(index * LANES + lane) * self.words..][..self.words];
                    let apart: u32 = missing.iter().zip(other).map(|(own, other)| (own ^ other).count_ones()).sum();
                    *square += f64::from(apart);
                }
            }
            let mut values = [0; LANES];
            for (value, square) in values.iter_mut().zip(squares) {
                *value = decay_q32(square * gamma);
            }
            sum += values[..lanes].iter().sum::<i64>();
        }
        sum
    }
}

/// For each row, the sum of the kernel over all others.
pub(super) fn sums(task: &KernelSumTask<'_>) -> Vec<i64> {
    let (others, gamma) = (Blocks::new(task.others), task.gamma());
    let sum = |row: &[f32]| others.sum(row, gamma);
    let width = task.rows.columns;
    if task.rows.count() * others.rows < PARALLEL_PAIRS {
        return task.rows.features.chunks_exact(width).map(sum).collect();
    }
    task.rows.features.par_chunks_exact(width).map(sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::mix;

    #[test]
    fn every_width_of_lanes_has_the_same_bits() {
        for (rows, columns) in [(1, 1), (15, 3), (16, 64), (17, 65), (257, 14)] {
            let value = |cell: u64| {
                if mix(cell).is_multiple_of(11) { f32::NAN } else { (mix(cell) % 9_999) as f32 / 2_500.0 }
            };
            let features: Vec<f32> = (0..(rows * columns) as u64).map(value).collect();
            let blocks = Blocks::new(Rows { columns, features: &features });
            for row in features.chunks_exact(columns) {
                let portable = blocks.sum_portable(row, 0.01);
                assert_eq!(blocks.sum(row, 0.01), portable);
                #[cfg(target_arch = "x86_64")]
                if is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor has what the function is compiled for.
                    assert_eq!(unsafe { blocks.sum_avx2(row, 0.01) }, portable);
                }
            }
        }
    }
}
