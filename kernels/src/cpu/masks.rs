//! Scores sixty-four rows at once by asking every node of a tree instead of walking through it.
//!
//! One comparison answers a node for all sixty-four rows, as a word of 64 bits. A word per node says which rows reach it, and
//! where a row turns right the leaves on the left are counted, so a row's leaf is found without following its path. A tree of
//! few leaves takes less time so than sixty-four walks, whatever its depth. Sums are of integers, so the scores are the same.

use super::paths::Path;
use crate::gbdt::Tree;

/// Rows of a block.
pub(super) const ROWS: usize = 64;
/// Leaves of a tree at most: their index is a byte, and a node costs as much as a few steps of a walk.
const LEAVES_MAX: usize = 128;
/// An inner node's word is at its index; leaves share the last one, which is never read.
const WORDS: usize = LEAVES_MAX;

/// One inner node, parents before children.
#[derive(Clone, Copy, Debug)]
struct Inner {
    column: u16,
    bin: u8,
    /// Leaves below the left child.
    lefts: u8,
    /// Inner nodes below, or [`WORDS`] - 1 for a leaf.
    left: u8,
    right: u8,
}

/// One tree.
#[derive(Debug)]
struct MaskTree {
    inner: Vec<Inner>,
    /// Leaves from left to right, and zeros.
    values: Box<[i32; LEAVES_MAX]>,
}

/// A forest of small trees; larger ones are left to walks.
#[derive(Debug)]
pub(super) struct MaskForest {
    trees: Vec<MaskTree>,
}

/// Bins of a block, 64 rows of each column.
pub(super) type Bins = [[u8; ROWS]];

impl MaskForest {
    /// `None` when a tree has too many leaves.
    pub(super) fn new(trees: &[Tree]) -> Option<Self> {
        trees.iter().map(MaskTree::new).collect::<Option<_>>().map(|trees| Self { trees })
    }

    /// Adds all trees to the scores of a block; `false` when the path has no way to do so.
    pub(super) fn add(&self, path: Path, bins: &Bins, scores: &mut [i64; ROWS]) -> bool {
        #[cfg(target_arch = "x86_64")]
        match path {
            // SAFETY: the path is only made where the core has its instructions.
            Path::Avx512 => self.trees.iter().for_each(|tree| unsafe { wide::add_avx512(tree, bins, scores) }),
            // SAFETY: as above.
            Path::Avx2 => self.trees.iter().for_each(|tree| unsafe { wide::add_avx2(tree, bins, scores) }),
            Path::Portable => {}
        }
        let _ = (bins, scores);
        path != Path::Portable && cfg!(target_arch = "x86_64")
    }
}

impl MaskTree {
    fn new(tree: &Tree) -> Option<Self> {
        let leaves = tree.nodes.iter().filter(|node| node.is_leaf()).count();
        if leaves > LEAVES_MAX {
            return None;
        }
        let mut counts = vec![1u8; tree.nodes.len()];
        let mut places = vec![(WORDS - 1) as u8; tree.nodes.len()];
        let is_inner = |at: &usize| !tree.nodes[*at].is_leaf();
        for (place, at) in (0..tree.nodes.len()).filter(is_inner).enumerate() {
            places[at] = place as u8;
        }
        for at in (0..tree.nodes.len()).rev().filter(is_inner) {
            let [left, right] = tree.nodes[at].children();
            counts[at] = counts[left] + counts[right];
        }
        let mut values = Box::new([0; LEAVES_MAX]);
        let mut firsts = vec![0u8; tree.nodes.len()];
        let mut inner = Vec::with_capacity(leaves);
        for (at, node) in tree.nodes.iter().enumerate() {
            if node.is_leaf() {
                values[usize::from(firsts[at])] = node.value_q24;
                continue;
            }
            let [left, right] = node.children();
            firsts[left] = firsts[at];
            firsts[right] = firsts[at] + counts[left];
            let (lefts, left, right) = (counts[left], places[left], places[right]);
            inner.push(Inner { column: node.column, bin: node.bin, lefts, left, right });
        }
        Some(Self { inner, values })
    }
}

#[cfg(target_arch = "x86_64")]
mod wide {
    //! The two ways to compare and count.

    use super::{Bins, MaskTree, ROWS, WORDS};
    use std::arch::x86_64::{
        __m256i, __m512i, _mm256_add_epi8, _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_max_epu8,
        _mm256_movemask_epi8, _mm256_set1_epi8, _mm256_set1_epi32, _mm256_setr_epi8, _mm256_setzero_si256,
        _mm256_shuffle_epi8, _mm256_storeu_si256, _mm512_cmpgt_epu8_mask, _mm512_loadu_si512, _mm512_mask_add_epi8,
        _mm512_set1_epi8, _mm512_setzero_si512, _mm512_storeu_si512,
    };

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2")]
    pub(super) fn add_avx512(tree: &MaskTree, bins: &Bins, scores: &mut [i64; ROWS]) {
        let mut reach = [0u64; WORDS];
        reach[0] = u64::MAX;
        let mut leaves: __m512i = _mm512_setzero_si512();
        for (node, at) in tree.inner.iter().zip(0..WORDS) {
            // SAFETY: the load reads the 64 bytes of the column.
            let column = unsafe { _mm512_loadu_si512(bins[usize::from(node.column)].as_ptr().cast()) };
            let above = _mm512_cmpgt_epu8_mask(column, _mm512_set1_epi8(node.bin as i8));
            let (right, left) = (reach[at] & above, reach[at] & !above);
            reach[usize::from(node.left) & (WORDS - 1)] = left;
            reach[usize::from(node.right) & (WORDS - 1)] = right;
            leaves = _mm512_mask_add_epi8(leaves, right, leaves, _mm512_set1_epi8(node.lefts as i8));
        }
        let mut places = [0u8; ROWS];
        // SAFETY: the store writes the 64 bytes of `places`.
        unsafe { _mm512_storeu_si512(places.as_mut_ptr().cast(), leaves) };
        add_values(tree, &places, scores);
    }

    #[target_feature(enable = "avx2,bmi1,bmi2")]
    pub(super) fn add_avx2(tree: &MaskTree, bins: &Bins, scores: &mut [i64; ROWS]) {
        let mut reach = [0u64; WORDS];
        reach[0] = u64::MAX;
        let mut leaves: [__m256i; 2] = [_mm256_setzero_si256(); 2];
        for (node, at) in tree.inner.iter().zip(0..WORDS) {
            let halves = bins[usize::from(node.column)].as_chunks::<32>().0;
            let above = u64::from(above_avx2(&halves[0], node.bin)) | u64::from(above_avx2(&halves[1], node.bin)) << 32;
            let (right, left) = (reach[at] & above, reach[at] & !above);
            reach[usize::from(node.left) & (WORDS - 1)] = left;
            reach[usize::from(node.right) & (WORDS - 1)] = right;
            let count = _mm256_set1_epi8(node.lefts as i8);
            for (half, leaves) in leaves.iter_mut().enumerate() {
                *leaves = _mm256_add_epi8(*leaves, _mm256_and_si256(bytes_of((right >> (32 * half)) as u32), count));
            }
        }
        let mut places = [0u8; ROWS];
        for (places, leaves) in places.as_chunks_mut::<32>().0.iter_mut().zip(leaves) {
            // SAFETY: the store writes 32 bytes of `places`.
            unsafe { _mm256_storeu_si256(places.as_mut_ptr().cast(), leaves) };
        }
        add_values(tree, &places, scores);
    }

    /// A bit for each bin above `bin`.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn above_avx2(bins: &[u8; 32], bin: u8) -> u32 {
        // SAFETY: the load reads the 32 bytes of `bins`.
        let bins = unsafe { _mm256_loadu_si256(bins.as_ptr().cast()) };
        let limit = _mm256_set1_epi8(bin as i8);
        // There is no comparison without sign: a bin is at most the limit when the larger of both is the limit.
        !(_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(bins, limit), limit)) as u32)
    }

    /// A byte of ones for each bit.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn bytes_of(bits: u32) -> __m256i {
        let spread = _mm256_setr_epi8(
            0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3,
        );
        let bit = _mm256_setr_epi8(
            1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16,
            32, 64, -128,
        );
        let spread = _mm256_shuffle_epi8(_mm256_set1_epi32(bits as i32), spread);
        _mm256_cmpeq_epi8(_mm256_and_si256(spread, bit), bit)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn add_values(tree: &MaskTree, places: &[u8; ROWS], scores: &mut [i64; ROWS]) {
        for (score, &place) in scores.iter_mut().zip(places) {
            *score += i64::from(tree.values[usize::from(place) & (tree.values.len() - 1)]);
        }
    }
}
