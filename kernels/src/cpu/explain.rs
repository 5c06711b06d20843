//! Which feature added how much: path-dependent Shapley values of a forest, exact to the last unit of the score.
//!
//! A leaf's game over the d distinct columns of its path is a product: a known column contributes 1 or 0 (does the row take
//! the path's side?), an unknown one the share z of training rows that do. The Shapley value of column i is then
//!   v (o_i - z_i) * integral over t in (0, 1) of the product over j != i of (z_j (1 - t) + o_j t) dt,
//! a polynomial of degree d - 1, which Gauss-Legendre quadrature with at least d / 2 points integrates exactly. Every factor
//! is positive, so the product without i is the product divided by i's factor. One pass down a tree multiplies the factors,
//! one pass up adds the leaves and leaves each edge's share behind; both passes have a fixed order of operations. Shares are
//! rounded to Q40 and summed as integers, so the order of trees and devices is free.
//!
//! Rounding rule: totals are rounded to Q24 (half up), and what then is missing to the score (a few units) goes to the
//! column with the largest magnitude, ties to the lowest.

use super::forest::CpuForest;
use super::quadrature::{LEGENDRE_2, LEGENDRE_4, LEGENDRE_8, LEGENDRE_16, Quadrature};
use crate::backend::Contributions;
use crate::gbdt::{Gbdt, Tree};
use crate::rows::Rows;
use rayon::prelude::*;

/// Extra bits of a contribution before the final rounding.
const EXTRA_BITS: u32 = 16;
/// Rows explained by one task.
const BLOCK: usize = 32;
/// Adding and removing this rounds a number below 2^51 to the nearest integer, half to even, and leaves it in the low bits.
const ROUND: f64 = (3u64 << 51) as f64;

/// What a row's side at one edge means for the product and for the edge's share, by how much of the path it takes: 0 when it
/// had already left the path at this column, 1 when it leaves here, 2 when it stays.
type ByState<const M: usize> = [[f64; M]; 3];

/// The edge into a node.
#[derive(Clone, Debug)]
struct Edge<const M: usize> {
    parent: u32,
    /// The node whose edge asked for the same column before; 0 for none.
    previous: u32,
    column: u16,
    /// The row stays on the path while its bin is in `low..=high`.
    low: u8,
    high: u8,
    multipliers: ByState<M>,
    shares: ByState<M>,
}

/// One tree prepared for explaining; entry i of `edges` leads to node i + 1.
#[derive(Debug)]
struct Paths<const M: usize> {
    weights: [f64; M],
    edges: Vec<Edge<M>>,
    /// Value of each node in Q40, below 2^47 and so exact; zero for inner nodes.
    values_q40: Vec<f64>,
}

/// A tree by the number of points that its longest path needs.
#[derive(Debug)]
enum TreePaths {
    Short(Paths<2>),
    Middle(Paths<4>),
    Long(Paths<8>),
    Longest(Paths<16>),
}

/// All trees of a forest, and the score of a row of which nothing is known.
#[derive(Debug)]
pub(crate) struct ForestPaths {
    base_q24: i64,
    trees: Vec<TreePaths>,
}

/// Memory that is reused from tree to tree.
#[derive(Default)]
struct Scratch {
    is_known: Vec<u8>,
    products: Vec<f64>,
}

/// What is known of a column at a node: its interval of bins, and the share of training rows within it.
#[derive(Clone, Copy)]
struct Asked {
    node: u32,
    column: u16,
    low: u8,
    high: u8,
    share: f64,
}

/// Everything a device needs to explain a forest, as flat arrays.
#[derive(Debug, Default)]
pub(crate) struct PathTables {
    /// The score of a row of which nothing is known.
    pub(crate) base_q24: i64,
    pub(crate) trees: Vec<PathTree>,
    /// The edges of all trees; entry i of a tree leads to its node i + 1.
    pub(crate) edges: Vec<PathEdge>,
    /// Per tree its quadrature weights, then per edge three multipliers and three shares by state, one number per point.
    pub(crate) factors: Vec<f64>,
    /// Value of each node of all trees in Q40.
    pub(crate) values_q40: Vec<f64>,
}

/// Where a tree begins in the arrays of [`PathTables`].
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct PathTree {
    first_factor: u64,
    first_edge: u32,
    first_value: u32,
    pub(crate) nodes: u32,
    pub(crate) points: u32,
}

/// An [`Edge`] without its factors.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct PathEdge {
    parent: u32,
    previous: u32,
    column: u16,
    low: u8,
    high: u8,
}

impl ForestPaths {
    pub(crate) fn tables(&self) -> PathTables {
        let mut tables = PathTables { base_q24: self.base_q24, ..PathTables::default() };
        for tree in &self.trees {
            match tree {
                TreePaths::Short(paths) => paths.append(&mut tables),
                TreePaths::Middle(paths) => paths.append(&mut tables),
                TreePaths::Long(paths) => paths.append(&mut tables),
                TreePaths::Longest(paths) => paths.append(&mut tables),
            }
        }
        tables
    }

    pub(crate) fn new(model: &Gbdt) -> Self {
        Self {
            base_q24: model.base_q24 + model.trees.iter().map(expected_q24).sum::<i64>(),
            trees: model.trees.iter().map(TreePaths::new).collect(),
        }
    }
}

/// The mean leaf value weighted by cover, rounded half up: what a tree says of a row it knows nothing about.
fn expected_q24(tree: &Tree) -> i64 {
    let leaves = tree.nodes.iter().filter(|node| node.is_leaf());
    let sum: i128 = leaves.map(|node| i128::from(node.value_q24) * i128::from(node.cover)).sum();
    let cover = i128::from(tree.nodes[0].cover);
    (2 * sum + cover).div_euclid(2 * cover) as i64
}

impl TreePaths {
    fn new(tree: &Tree) -> Self {
        let asked = asked_columns(tree);
        match asked.iter().map(Vec::len).max().unwrap_or(0) {
            0..=4 => Self::Short(Paths::new(tree, &asked, &LEGENDRE_2)),
            5..=8 => Self::Middle(Paths::new(tree, &asked, &LEGENDRE_4)),
            9..=16 => Self::Long(Paths::new(tree, &asked, &LEGENDRE_8)),
            _ => Self::Longest(Paths::new(tree, &asked, &LEGENDRE_16)),
        }
    }

    fn add(&self, bins: &[u8], scratch: &mut Scratch, totals_q40: &mut [i64]) {
        match self {
            Self::Short(paths) => paths.add(bins, scratch, totals_q40),
            Self::Middle(paths) => paths.add(bins, scratch, totals_q40),
            Self::Long(paths) => paths.add(bins, scratch, totals_q40),
            Self::Longest(paths) => paths.add(bins, scratch, totals_q40),
        }
    }
}

/// The distinct columns on the way to each node; the one its own edge asks for stands last.
fn asked_columns(tree: &Tree) -> Vec<Vec<Asked>> {
    let mut asked: Vec<Vec<Asked>> = vec![Vec::new(); tree.nodes.len()];
    for (at, node) in tree.nodes.iter().enumerate().filter(|(_, node)| !node.is_leaf()) {
        let sides = [(0, node.bin), (node.bin + 1, u8::MAX)];
        for (child, (low, high)) in node.children().into_iter().zip(sides) {
            let share = tree.nodes[child].cover as f64 / node.cover as f64;
            let mut path = asked[at].clone();
            let before = path.iter().position(|asked| asked.column == node.column).map(|index| path.remove(index));
            let fresh = Asked { node: 0, column: node.column, low: 0, high: u8::MAX, share: 1.0 };
            let before = before.unwrap_or(fresh);
            path.push(Asked {
                node: child as u32,
                column: node.column,
                low: before.low.max(low),
                high: before.high.min(high),
                share: before.share * share,
            });
            asked[child] = path;
        }
    }
    asked
}

impl<const M: usize> Paths<M> {
    fn new(tree: &Tree, asked: &[Vec<Asked>], quadrature: &Quadrature<M>) -> Self {
        let extra = f64::from(1u32 << EXTRA_BITS);
        let value = |node: &crate::gbdt::Node| if node.is_leaf() { f64::from(node.value_q24) * extra } else { 0.0 };
        let mut edges: Vec<Option<Edge<M>>> = vec![None; tree.nodes.len()];
        for (parent, node) in tree.nodes.iter().enumerate().filter(|(_, node)| !node.is_leaf()) {
            for child in node.children() {
                let own = asked[child].last().expect("a child's edge asks for a column");
                let before = asked[parent].iter().find(|asked| asked.column == own.column);
                edges[child] = Some(edge(parent as u32, own, before, quadrature));
            }
        }
        Self {
            weights: quadrature.weights,
            edges: edges.into_iter().skip(1).map(|edge| edge.expect("every node but the root is a child")).collect(),
            values_q40: tree.nodes.iter().map(value).collect(),
        }
    }

    fn append(&self, tables: &mut PathTables) {
        tables.trees.push(PathTree {
            first_factor: tables.factors.len() as u64,
            first_edge: tables.edges.len() as u32,
            first_value: tables.values_q40.len() as u32,
            nodes: self.values_q40.len() as u32,
            points: M as u32,
        });
        tables.factors.extend(self.weights);
        for &Edge { parent, previous, column, low, high, multipliers, shares } in &self.edges {
            tables.edges.push(PathEdge { parent, previous, column, low, high });
            tables.factors.extend(multipliers.iter().chain(&shares).flatten());
        }
        tables.values_q40.extend(&self.values_q40);
    }

    /// Adds the contributions of this tree, in Q40, to `totals_q40`.
    fn add(&self, bins: &[u8], scratch: &mut Scratch, totals_q40: &mut [i64]) {
        let nodes = self.values_q40.len();
        scratch.is_known.resize(nodes.max(scratch.is_known.len()), 0);
        scratch.products.resize((nodes * M).max(scratch.products.len()), 0.0);
        let is_known = &mut scratch.is_known[..nodes];
        let products = &mut scratch.products.as_chunks_mut::<M>().0[..nodes];
        is_known[0] = 1;
        products[0] = self.weights;
        for (index, edge) in self.edges.iter().enumerate() {
            let bin = bins[usize::from(edge.column)];
            is_known[index + 1] = u8::from((edge.low..=edge.high).contains(&bin));
            let state = usize::from(is_known[edge.previous as usize] + is_known[index + 1]);
            let parent = products[edge.parent as usize];
            products[index + 1] = std::array::from_fn(|q| parent[q] * edge.multipliers[state][q]);
        }
        // Upwards a node's entry becomes the sum of its leaves' products, so inner nodes start from zero.
        for (product, value) in products.iter_mut().zip(&self.values_q40) {
            product.iter_mut().for_each(|lane| *lane *= value);
        }
        for (index, edge) in self.edges.iter().enumerate().rev() {
            let state = usize::from(is_known[edge.previous as usize] + is_known[index + 1]);
            let sum = products[index + 1];
            let mut share = 0.0;
            // One chain of sums in order: another association would round otherwise.
            for (sum, weight) in sum.iter().zip(&edge.shares[state]) {
                share += sum * weight;
            }
            totals_q40[usize::from(edge.column)] += (share + ROUND).to_bits() as i64 - ROUND.to_bits() as i64;
            let parent = &mut products[edge.parent as usize];
            (0..M).for_each(|q| parent[q] += sum[q]);
        }
    }
}

fn edge<const M: usize>(parent: u32, own: &Asked, before: Option<&Asked>, quadrature: &Quadrature<M>) -> Edge<M> {
    // Known columns count 1 or 0, unknown ones their share: at point t the factor is in between.
    let factor = |share: f64, known: f64, t: f64| share * (1.0 - t) + known * t;
    let table = |of: &dyn Fn(f64, f64, f64) -> f64| {
        [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)].map(|(before, now)| quadrature.points.map(|t| of(before, now, t)))
    };
    let multiplier = |known_before: f64, known: f64, t: f64| {
        let now = factor(own.share, known, t);
        before.map_or(now, |before| now / factor(before.share, known_before, t))
    };
    let share = |known_before: f64, known: f64, t: f64| {
        let now = (known - own.share) / factor(own.share, known, t);
        // A column asked for again counts once, with its latest interval.
        before.map_or(now, |before| now - (known_before - before.share) / factor(before.share, known_before, t))
    };
    Edge {
        parent,
        previous: before.map_or(0, |before| before.node),
        column: own.column,
        low: own.low,
        high: own.high,
        multipliers: table(&multiplier),
        shares: table(&share),
    }
}

/// Q40 to Q24, and the remainder to the largest.
pub(crate) fn round_to_score(totals: &[i64], base_q24: i64, score_q24: i64) -> Contributions {
    let half = 1 << (EXTRA_BITS - 1);
    let mut features_q24: Vec<i64> = totals.iter().map(|total| (total + half) >> EXTRA_BITS).collect();
    let remainder = score_q24 - base_q24 - features_q24.iter().sum::<i64>();
    let largest = (0..totals.len()).max_by_key(|&column| (totals[column].abs(), std::cmp::Reverse(column)));
    features_q24[largest.expect("a model has a column at least")] += remainder;
    Contributions { base_q24, features_q24 }
}

impl CpuForest {
    pub(super) fn explain(&self, rows: Rows<'_>) -> Vec<Contributions> {
        let width = self.columns();
        let scores = self.score(rows);
        let block = |(features, scores): (&[f32], &[i64])| {
            let (mut bins, mut totals, mut scratch) = (vec![0; width], vec![0; width], Scratch::default());
            let one = |(row, &score): (&[f32], &i64)| {
                self.bin_row(row, &mut bins);
                totals.fill(0);
                self.paths.trees.iter().for_each(|tree| tree.add(&bins, &mut scratch, &mut totals));
                round_to_score(&totals, self.paths.base_q24, score)
            };
            features.chunks_exact(width).zip(scores).map(one).collect::<Vec<_>>()
        };
        if scores.len() <= BLOCK {
            return block((rows.features, &scores));
        }
        rows.features.par_chunks(BLOCK * width).zip(scores.par_chunks(BLOCK)).flat_map_iter(block).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remainder_goes_to_the_largest_and_then_the_lowest_column() {
        let unit = 1 << EXTRA_BITS;
        let made = round_to_score(&[3 * unit, -5 * unit, 5 * unit], 100, 106);
        assert_eq!(made.features_q24, [3, -2, 5]);
        assert_eq!(round_to_score(&[0, 0], 7, 7).features_q24, [0, 0]);
    }
}
