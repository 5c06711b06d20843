//! The bin of a value: how many edges of its column lie below it.
//!
//! Two comparisons of sixteen edges at once replace eight halvings: the first finds the group of sixteen edges, the second
//! the place in it. Columns are padded with codes above every value, so no path looks at a length.

use super::paths::{Path, on_each_path};
use crate::edges::Edges;
use crate::exact::{BINS, ordered};

/// Edges compared at once.
const GROUP: usize = 16;

/// The edges of one column.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(super) struct ColumnEdges {
    edges: [u32; BINS],
    /// The last edge of each group.
    group_ends: [u32; GROUP],
}

impl ColumnEdges {
    pub(super) fn new(edges: &[u32]) -> Self {
        let mut padded = [u32::MAX; BINS];
        padded[..edges.len()].copy_from_slice(edges);
        Self { edges: padded, group_ends: std::array::from_fn(|group| padded[group * GROUP + GROUP - 1]) }
    }

    pub(super) fn of(edges: &Edges) -> Vec<Self> {
        (0..edges.count()).map(|column| Self::new(edges.column(column))).collect()
    }
}

/// The code of a value; zero, which no value has, stands for "missing".
#[inline(always)]
pub(super) fn code(value: f32) -> u32 {
    ordered(value).unwrap_or(0)
}

/// Eight halvings.
#[inline(always)]
fn below_portable(column: &ColumnEdges, code: u32) -> u32 {
    let mut low = 0;
    let mut step = BINS / 2;
    while step > 0 {
        low += step * usize::from(column.edges[(low + step - 1) & (BINS - 1)] < code);
        step /= 2;
    }
    low as u32
}

#[cfg(target_arch = "x86_64")]
mod wide {
    //! The same count by comparing whole groups.

    use super::{ColumnEdges, GROUP};
    use std::arch::x86_64::{
        _mm256_castsi256_ps, _mm256_cmpgt_epi32, _mm256_loadu_si256, _mm256_movemask_ps, _mm256_set1_epi32,
        _mm256_xor_si256, _mm512_cmplt_epu32_mask, _mm512_loadu_si512, _mm512_set1_epi32,
    };

    #[inline]
    #[target_feature(enable = "avx512f,popcnt")]
    fn group_below_avx512(group: &[u32; GROUP], code: u32) -> u32 {
        // SAFETY: the load reads the sixteen words of the group.
        let edges = unsafe { _mm512_loadu_si512(group.as_ptr().cast()) };
        u32::from(_mm512_cmplt_epu32_mask(edges, _mm512_set1_epi32(code as i32))).count_ones()
    }

    #[inline]
    #[target_feature(enable = "avx512f,popcnt")]
    pub(super) fn below_avx512(column: &ColumnEdges, code: u32) -> u32 {
        let group = group_below_avx512(&column.group_ends, code) as usize & (GROUP - 1);
        (group * GROUP) as u32 + group_below_avx512(&column.edges.as_chunks().0[group], code)
    }

    #[inline]
    #[target_feature(enable = "avx2,popcnt")]
    fn group_below_avx2(group: &[u32; GROUP], code: u32) -> u32 {
        // There is no comparison without sign: the highest bit of both sides is turned.
        let sign = _mm256_set1_epi32(i32::MIN);
        let code = _mm256_xor_si256(_mm256_set1_epi32(code as i32), sign);
        let half = |at: usize| {
            // SAFETY: the load reads eight of the sixteen words of the group.
            let edges = unsafe { _mm256_loadu_si256(group.as_ptr().add(at).cast()) };
            let is_below = _mm256_cmpgt_epi32(code, _mm256_xor_si256(edges, sign));
            (_mm256_movemask_ps(_mm256_castsi256_ps(is_below)) as u32).count_ones()
        };
        half(0) + half(8)
    }

    #[inline]
    #[target_feature(enable = "avx2,popcnt")]
    pub(super) fn below_avx2(column: &ColumnEdges, code: u32) -> u32 {
        let group = group_below_avx2(&column.group_ends, code) as usize & (GROUP - 1);
        (group * GROUP) as u32 + group_below_avx2(&column.edges.as_chunks().0[group], code)
    }
}

/// Defines a function of each path around a body that takes the path's way to count.
macro_rules! with_count {
    (fn $name:ident($($argument:ident: $type:ty),*) = $body:ident) => {
        pub(super) fn $name(path: Path, $($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
                fn on_avx2($($argument: $type),*) {
                    $body(|column, code| wide::below_avx2(column, code), $($argument),*);
                }
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,popcnt")]
                fn on_avx512($($argument: $type),*) {
                    $body(|column, code| wide::below_avx512(column, code), $($argument),*);
                }
                match path {
                    // SAFETY: a path other than the portable one is only made where the core has its instructions.
                    Path::Avx512 => return unsafe { on_avx512($($argument),*) },
                    // SAFETY: as above.
                    Path::Avx2 => return unsafe { on_avx2($($argument),*) },
                    Path::Portable => {}
                }
            }
            let _ = path;
            $body(below_portable, $($argument),*);
        }
    };
}

#[inline(always)]
fn bin(below: impl Fn(&ColumnEdges, u32) -> u32, column: &ColumnEdges, code: u32) -> u8 {
    // At most 254 edges: the sum fits.
    (below(column, code) + u32::from(code != 0)) as u8
}

#[inline(always)]
fn code_bins_body(below: impl Fn(&ColumnEdges, u32) -> u32, column: &ColumnEdges, codes: &[u32], bins: &mut [u8]) {
    for (to, &code) in bins.iter_mut().zip(codes) {
        *to = bin(&below, column, code);
    }
}

with_count!(fn code_bins(column: &ColumnEdges, codes: &[u32], bins: &mut [u8]) = code_bins_body);

#[inline(always)]
fn row_bins_body(
    below: impl Fn(&ColumnEdges, u32) -> u32,
    edges: &[ColumnEdges],
    used: &[u16],
    row: &[f32],
    bins: &mut [u8],
) {
    for &column in used {
        let column = usize::from(column);
        bins[column] = bin(&below, &edges[column], code(row[column]));
    }
}

with_count!(
    fn row_bins(edges: &[ColumnEdges], used: &[u16], row: &[f32], bins: &mut [u8]) = row_bins_body
);

#[inline(always)]
fn codes_body(values: &[f32], codes: &mut [u32]) {
    for (to, &value) in codes.iter_mut().zip(values) {
        *to = code(value);
    }
}

on_each_path!(
    /// The codes of values.
    pub(super) fn codes(values: &[f32], codes: &mut [u32]) = codes_body
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::{EDGES_MAX, mix};

    #[test]
    fn every_path_finds_the_bin_of_the_definition() {
        let specials = [f32::NAN, f32::NEG_INFINITY, f32::INFINITY, 0.0, -0.0, f32::MAX, f32::MIN, 1e-45];
        for count in [0, 1, 15, 16, 17, 100, EDGES_MAX] {
            let mut values: Vec<f32> = (0..count as u64).map(|i| (mix(i) as i32 >> 9) as f32).collect();
            values.sort_by(f32::total_cmp);
            values.dedup();
            let list: Vec<u32> = values.iter().map(|&value| ordered(value).unwrap()).collect();
            let edges = Edges::new(vec![list]).unwrap();
            let column = ColumnEdges::of(&edges);
            let near = values.iter().flat_map(|&value| [value, value.next_up(), value.next_down()]);
            let asked: Vec<f32> = near.chain(specials).collect();
            for path in [Path::Portable, Path::Avx2.available(), Path::Avx512.available()] {
                let (mut made, mut bins) = (vec![0; asked.len()], vec![0; asked.len()]);
                codes(path, &asked, &mut made);
                code_bins(path, &column[0], &made, &mut bins);
                for (&value, &found) in asked.iter().zip(&bins) {
                    assert_eq!(found, edges.bin(0, value), "{value} among {count} edges on {path:?}");
                    let mut one = [0];
                    row_bins(path, &column, &[0], &[value], &mut one);
                    assert_eq!(one[0], found);
                }
            }
        }
    }
}
