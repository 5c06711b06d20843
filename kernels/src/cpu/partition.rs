//! Divides the rows of a node: those going left stay in front, the others follow; both keep their order.
//!
//! Neither path has a branch on data: rows are written to both targets, and one of the two does not advance. Of a large node
//! each thread divides a part, and the parts are then moved together in their order.

use super::awake::keep_awake;
use super::dataset::COLUMN_PADDING;
use super::paths::Path;
use rayon::prelude::*;

/// Entries behind the room for rows going right that a division may overwrite.
const SLACK: usize = 16;
/// Rows worth a thread of their own.
const PART_ROWS: usize = 1 << 13;
/// Parts of one node at most.
const PARTS_MAX: usize = 16;

/// Room for rows going right.
#[derive(Debug)]
pub(super) struct Aside(Vec<u32>);

impl Aside {
    /// Room to divide up to `rows` rows.
    pub(super) fn new(rows: usize) -> Self {
        Self(vec![0; rows + PARTS_MAX * SLACK])
    }
}

/// Divides `rows` by their bin in a column with [`COLUMN_PADDING`] bytes behind it. Gives the number of rows whose bin is at
/// most `bin`.
pub(super) fn divide_rows(path: Path, bins: &[u8], bin: u8, rows: &mut [u32], aside: &mut Aside) -> usize {
    let parts = (rows.len() / PART_ROWS).min(rayon::current_num_threads()).min(PARTS_MAX);
    if parts > 1 {
        keep_awake(parts - 1);
        return divide_parts(path, bins, bin, rows, aside, parts);
    }
    let left = divide(path, bins, bin, rows, &mut aside.0);
    let right = rows.len() - left;
    rows[left..].copy_from_slice(&aside.0[..right]);
    left
}

/// The same by several threads.
fn divide_parts(path: Path, bins: &[u8], bin: u8, rows: &mut [u32], aside: &mut Aside, parts: usize) -> usize {
    let size = rows.len().div_ceil(parts);
    let room = size + SLACK;
    let sides = rows.par_chunks_mut(size).zip(aside.0.par_chunks_mut(room));
    let counts: Vec<(usize, usize)> = sides
        .map(|(rows, aside)| {
            let left = divide(path, bins, bin, rows, aside);
            (left, rows.len() - left)
        })
        .collect();
    let mut total = 0;
    for (start, (left, _)) in (0..).step_by(size).zip(&counts) {
        rows.copy_within(start..start + left, total);
        total += left;
    }
    let mut end = total;
    for (aside, (_, right)) in aside.0.chunks(room).zip(&counts) {
        rows[end..end + right].copy_from_slice(&aside[..*right]);
        end += right;
    }
    total
}

/// Moves the rows whose bin is at most `bin` to the front, in their order, and gives their number; the others stand in
/// `aside`, which has room for all rows and [`SLACK`], and what is behind those in front is of no use.
fn divide(path: Path, bins: &[u8], bin: u8, rows: &mut [u32], aside: &mut [u32]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if path == Path::Avx512 {
        // SAFETY: the path is only made where the core has its instructions.
        return unsafe { wide::divide(bins, bin, rows, aside) };
    }
    let _ = (path, COLUMN_PADDING);
    divide_rest(bins, bin, rows, aside, Sides { read: 0, left: 0, right: 0 })
}

/// How far a division has come: rows read, rows in front, rows aside.
#[derive(Clone, Copy)]
struct Sides {
    read: usize,
    left: usize,
    right: usize,
}

/// Divides the rows from `sides.read` on.
fn divide_rest(bins: &[u8], bin: u8, rows: &mut [u32], aside: &mut [u32], sides: Sides) -> usize {
    let Sides { read, mut left, mut right } = sides;
    for index in read..rows.len() {
        let row = rows[index];
        let goes_left = usize::from(bins[row as usize] <= bin);
        rows[left] = row;
        aside[right] = row;
        left += goes_left;
        right += 1 - goes_left;
    }
    left
}

#[cfg(target_arch = "x86_64")]
mod wide {
    //! Sixteen rows at once.

    use super::super::dataset::COLUMN_PADDING;
    use super::{SLACK, Sides, divide_rest};
    use std::arch::x86_64::{
        _mm512_and_si512, _mm512_cmple_epu32_mask, _mm512_cmplt_epu32_mask, _mm512_i32gather_epi32, _mm512_loadu_si512,
        _mm512_maskz_compress_epi32, _mm512_set1_epi32, _mm512_storeu_si512,
    };

    const LANES: usize = SLACK;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt,bmi1,bmi2")]
    pub(super) fn divide(bins: &[u8], bin: u8, order: &mut [u32], aside: &mut [u32]) -> usize {
        let count = order.len();
        assert!(aside.len() >= count + SLACK, "the room beside holds every row and a register more");
        let rows_end = u32::try_from(bins.len() - COLUMN_PADDING).unwrap_or(u32::MAX).min(1 << 31);
        let (low_byte, bin_max) = (_mm512_set1_epi32(0xff), _mm512_set1_epi32(i32::from(bin)));
        let ends = _mm512_set1_epi32(rows_end as i32);
        let mut sides = Sides { read: 0, left: 0, right: 0 };
        while sides.read + LANES <= count {
            // SAFETY: sixteen rows from `read` on are within `order`.
            let rows = unsafe { _mm512_loadu_si512(order.as_ptr().add(sides.read).cast()) };
            let known = _mm512_cmplt_epu32_mask(rows, ends);
            assert!(known == u16::MAX, "every row has a bin");
            // SAFETY: every row was just found to be below `rows_end`, so four bytes from it on are within `bins`, and an
            // index below 2^31 is not negative.
            let words = unsafe { _mm512_i32gather_epi32::<1>(rows, bins.as_ptr().cast()) };
            let goes_left = _mm512_cmple_epu32_mask(_mm512_and_si512(words, low_byte), bin_max);
            // SAFETY: `left` is at most `read`, so sixteen entries from it on end no later than those just read; `right` is
            // at most `read` too, and `aside` has sixteen entries more than there are rows.
            unsafe {
                let left = _mm512_maskz_compress_epi32(goes_left, rows);
                _mm512_storeu_si512(order.as_mut_ptr().add(sides.left).cast(), left);
                let right = _mm512_maskz_compress_epi32(!goes_left, rows);
                _mm512_storeu_si512(aside.as_mut_ptr().add(sides.right).cast(), right);
            }
            let lefts = goes_left.count_ones() as usize;
            sides = Sides { read: sides.read + LANES, left: sides.left + lefts, right: sides.right + LANES - lefts };
        }
        divide_rest(bins, bin, order, aside, sides)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::mix;

    #[test]
    fn every_path_divides_alike() {
        for count in [0usize, 1, 15, 16, 31, 32, 33, 100, 1_000, 1_007] {
            let bins: Vec<u8> = (0..2_000 + COLUMN_PADDING as u64).map(|row| mix(row) as u8).collect();
            let rows: Vec<u32> = (0..count as u64).map(|row| (mix(row ^ 77) % 2_000) as u32).collect();
            for bin in [0, 100, 200, 255] {
                let (front, behind): (Vec<u32>, Vec<u32>) = rows.iter().partition(|&&row| bins[row as usize] <= bin);
                for path in [Path::Portable, Path::Avx2.available(), Path::Avx512.available()] {
                    let mut order = rows.clone();
                    let left = divide_rows(path, &bins, bin, &mut order, &mut Aside::new(count));
                    assert_eq!(left, front.len(), "{count} rows, bin {bin}, {path:?}");
                    let expected = [front.as_slice(), &behind].concat();
                    assert_eq!(order, expected, "{count} rows, bin {bin}, {path:?}");
                    for parts in 1..=PARTS_MAX.min(count) {
                        let mut order = rows.clone();
                        let aside = &mut Aside::new(count);
                        assert_eq!(divide_parts(path, &bins, bin, &mut order, aside, parts), front.len());
                        assert_eq!(order, expected, "{count} rows, bin {bin}, {path:?}, {parts} parts");
                    }
                }
            }
        }
    }
}
