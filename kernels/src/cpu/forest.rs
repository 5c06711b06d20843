//! Scoring: binned rows walk flat trees without a branch on data, or sixty-four of them ask all nodes at once.
//!
//! A leaf points to itself, so every row takes as many steps as its tree is deep, and several rows (or, for one row, several
//! trees) walk side by side. Scores are integer sums, so the interleaving is free to change.

use super::explain::ForestPaths;
use super::masks::{self, MaskForest};
use super::paths::Path;
use super::search::{ColumnEdges, code_bins, codes, row_bins};
use crate::exact::BINS;
use crate::gbdt::{Gbdt, Tree};
use crate::rows::Rows;
use rayon::prelude::*;

/// Rows, or trees, that walk side by side: independent chains of loads hide each other's latency.
const LANES: usize = 16;
/// Rows binned and scored together.
const BLOCK: usize = 256;

/// Left child in the high twelve bits, column in the next twelve, bin in the low eight.
#[derive(Clone, Copy, Debug)]
struct FlatNode(u32);

/// The words of a tree's nodes. A leaf compares with 255, which no bin exceeds, and is its own left child.
pub(crate) fn flat_nodes(tree: &Tree) -> impl Iterator<Item = u32> {
    let word = |left: usize, column: u16, bin: u8| (left as u32) << 20 | u32::from(column) << 8 | u32::from(bin);
    tree.nodes.iter().enumerate().map(move |(index, node)| {
        if node.is_leaf() {
            word(index, 0, (BINS - 1) as u8)
        } else {
            word(usize::from(node.left), node.column, node.bin)
        }
    })
}

impl FlatNode {
    /// The child for a row with these bins.
    fn next(self, bins: &[u8]) -> u32 {
        let bin = bins[(self.0 >> 8 & 0xfff) as usize];
        (self.0 >> 20) + u32::from(bin > self.0 as u8)
    }
}

#[derive(Debug)]
struct FlatTree {
    first: usize,
    end: usize,
    depth: u32,
}

/// A model laid out for scoring and explaining.
#[derive(Debug)]
pub struct CpuForest {
    pub(super) path: Path,
    edges: Vec<ColumnEdges>,
    /// Columns that some tree asks for.
    used: Vec<u16>,
    base_q24: i64,
    nodes: Vec<FlatNode>,
    values: Vec<i32>,
    trees: Vec<FlatTree>,
    masks: Option<MaskForest>,
    pub(super) paths: ForestPaths,
}

impl CpuForest {
    pub(super) fn new(path: Path, model: &Gbdt) -> Self {
        let mut used: Vec<u16> = inner(&model.trees).map(|node| node.column).collect();
        used.sort_unstable();
        used.dedup();
        let mut forest = Self {
            path,
            edges: ColumnEdges::of(&model.edges),
            used,
            base_q24: model.base_q24,
            nodes: Vec::new(),
            values: Vec::new(),
            trees: Vec::new(),
            masks: MaskForest::new(&model.trees),
            paths: ForestPaths::new(model),
        };
        model.trees.iter().for_each(|tree| forest.push(tree));
        forest
    }

    fn push(&mut self, tree: &Tree) {
        let first = self.nodes.len();
        self.nodes.extend(flat_nodes(tree).map(FlatNode));
        self.values.extend(tree.nodes.iter().map(|node| node.value_q24));
        let depth = tree.depths().into_iter().max().unwrap_or(0);
        self.trees.push(FlatTree { first, end: self.nodes.len(), depth });
    }

    pub(super) fn columns(&self) -> usize {
        self.edges.len()
    }

    /// Bins of one row; columns that no tree asks for are left as they are.
    pub(super) fn bin_row(&self, row: &[f32], bins: &mut [u8]) {
        row_bins(self.path, &self.edges, &self.used, row, bins);
    }

    /// Bins of 64 rows, column after column; columns that no tree asks for are left as they are.
    pub(super) fn bin_columns(&self, rows: &[f32], bins: &mut masks::Bins) {
        let width = self.columns();
        let (mut values, mut made) = ([0.0; masks::ROWS], [0; masks::ROWS]);
        for &column in &self.used {
            let column = usize::from(column);
            for (value, row) in values.iter_mut().zip(rows.chunks_exact(width)) {
                *value = row[column];
            }
            codes(self.path, &values, &mut made);
            code_bins(self.path, &self.edges[column], &made, &mut bins[column]);
        }
    }

    pub(super) fn score(&self, rows: Rows<'_>) -> Vec<i64> {
        let width = self.columns();
        let mut scores = vec![self.base_q24; rows.count()];
        let block = |(features, scores): (&[f32], &mut [i64])| {
            let (features, scores) = self.score_masked(features, scores);
            let mut bins = vec![0; scores.len() * width];
            features
                .chunks_exact(width)
                .zip(bins.chunks_exact_mut(width))
                .for_each(|(row, bins)| self.bin_row(row, bins));
            self.score_block(&bins, scores);
        };
        if scores.len() <= BLOCK {
            block((rows.features, &mut scores));
        } else {
            let features = rows.features.par_chunks(BLOCK * width);
            features.zip(scores.par_chunks_mut(BLOCK)).for_each(block);
        }
        scores
    }

    /// Scores whole blocks of 64 rows where that is faster, and gives the rows that are left.
    fn score_masked<'a>(&self, features: &'a [f32], scores: &'a mut [i64]) -> (&'a [f32], &'a mut [i64]) {
        let Some(masks) = self.masks.as_ref().filter(|_| self.path != Path::Portable) else {
            return (features, scores);
        };
        let width = self.columns();
        let whole = scores.len() / masks::ROWS * masks::ROWS;
        let (blocks, rest) = scores.split_at_mut(whole);
        let (rows, rest_features) = features.split_at(whole * width);
        let mut bins = vec![[0; masks::ROWS]; if whole > 0 { width } else { 0 }];
        for (rows, scores) in rows.chunks_exact(masks::ROWS * width).zip(blocks.as_chunks_mut().0) {
            self.bin_columns(rows, &mut bins);
            masks.add(self.path, &bins, scores);
        }
        (rest_features, rest)
    }

    fn score_block(&self, bins: &[u8], scores: &mut [i64]) {
        let width = self.columns();
        let whole = scores.len() / LANES * LANES;
        let (groups, rest) = scores.split_at_mut(whole);
        for (bins, scores) in bins.chunks(LANES * width).zip(groups.chunks_exact_mut(LANES)) {
            self.trees.iter().for_each(|tree| self.walk_rows(tree, bins, scores));
        }
        for (bins, score) in bins[whole * width..].chunks_exact(width).zip(rest) {
            *score += self.trees.chunks(LANES).map(|trees| self.walk_trees(trees, bins)).sum::<i64>();
        }
    }

    /// Sixteen rows through one tree.
    fn walk_rows(&self, tree: &FlatTree, bins: &[u8], scores: &mut [i64]) {
        let nodes = &self.nodes[tree.first..tree.end];
        let values = &self.values[tree.first..tree.end];
        let width = self.columns();
        let lanes: [&[u8]; LANES] = std::array::from_fn(|lane| &bins[lane * width..(lane + 1) * width]);
        let mut at = [0u32; LANES];
        for _ in 0..tree.depth {
            for (at, bins) in at.iter_mut().zip(lanes) {
                *at = nodes[*at as usize].next(bins);
            }
        }
        for (score, at) in scores.iter_mut().zip(at) {
            *score += i64::from(values[at as usize]);
        }
    }

    /// One row through sixteen trees.
    fn walk_trees(&self, trees: &[FlatTree], bins: &[u8]) -> i64 {
        let depth = trees.iter().map(|tree| tree.depth).max().unwrap_or(0);
        let mut at = [0u32; LANES];
        for _ in 0..depth {
            for (tree, at) in trees.iter().zip(&mut at) {
                *at = self.nodes[tree.first + *at as usize].next(bins);
            }
        }
        trees.iter().zip(at).map(|(tree, at)| i64::from(self.values[tree.first + at as usize])).sum()
    }
}

fn inner(trees: &[Tree]) -> impl Iterator<Item = &crate::gbdt::Node> {
    trees.iter().flat_map(|tree| &tree.nodes).filter(|node| !node.is_leaf())
}
