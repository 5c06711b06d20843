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
use super::masks;
use super::paths::{Path, on_each_path};
use super::quadrature::{LEGENDRE_2, LEGENDRE_4, LEGENDRE_8, LEGENDRE_16, Quadrature};
use crate::backend::Contributions;
use crate::gbdt::{Gbdt, Tree};
use crate::rows::Rows;
use rayon::prelude::*;

/// Extra bits of a contribution before the final rounding.
const EXTRA_BITS: u32 = 16;
/// Rows explained side by side.
const LANES: usize = 8;
/// Adding and removing this rounds a number below 2^51 to the nearest integer, half to even, and leaves it in the low bits.
const ROUND: f64 = (3u64 << 51) as f64;

/// What a row's side at one edge means for the product and for the edge's share, by how much of the path it takes: 0 when it
/// had already left the path at this column, 1 when it leaves here, 2 when it stays.
type ByState<const M: usize> = [[f64; M]; 3];

/// The same as bits: those of state 0, and what turns them into those of the other two. A row chooses with two masks, which
/// has the same form for any number of rows.
#[derive(Clone, Debug)]
struct Turns<const M: usize>([[u64; M]; 3]);

impl<const M: usize> Turns<M> {
    fn new(table: &ByState<M>) -> Self {
        let [first, ..] = table.map(|numbers| numbers.map(f64::to_bits));
        let turn = |state: usize| std::array::from_fn(|q| table[state][q].to_bits() ^ first[q]);
        Self([first, turn(1), turn(2)])
    }

    fn table(&self) -> ByState<M> {
        let [first, one, two] = self.0;
        let turned = |turn: [u64; M]| std::array::from_fn(|q| f64::from_bits(first[q] ^ turn[q]));
        [turned([0; M]), turned(one), turned(two)]
    }
}

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
    multipliers: Turns<M>,
    shares: Turns<M>,
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

/// Memory that is reused from tree to tree: whether rows took the edge into a node, and a product per node and point.
#[derive(Default)]
struct Scratch<const L: usize> {
    is_known: Vec<[u8; L]>,
    products: Vec<[f64; L]>,
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
        for &Edge { parent, previous, column, low, high, ref multipliers, ref shares } in &self.edges {
            tables.edges.push(PathEdge { parent, previous, column, low, high });
            tables.factors.extend(multipliers.table().iter().chain(&shares.table()).flatten());
        }
        tables.values_q40.extend(&self.values_q40);
    }
}

/// The rows of a block from `first` on.
#[derive(Clone, Copy)]
struct Lanes<'a> {
    bins: &'a masks::Bins,
    first: usize,
}

on_each_path!(
    /// Adds the contributions of all trees to one row, in Q40.
    fn add_to_one(forest: &ForestPaths, rows: Lanes<'_>, scratch: &mut Scratch<1>, totals_q40: &mut [[i64; 1]]) = add_all
);

on_each_path!(
    /// Adds the contributions of all trees to several rows, in Q40.
    fn add_to_lanes(
        forest: &ForestPaths,
        rows: Lanes<'_>,
        scratch: &mut Scratch<LANES>,
        totals_q40: &mut [[i64; LANES]],
    ) = add_all
);

#[inline(always)]
fn add_all<const L: usize>(
    forest: &ForestPaths,
    rows: Lanes<'_>,
    scratch: &mut Scratch<L>,
    totals_q40: &mut [[i64; L]],
) {
    for tree in &forest.trees {
        match tree {
            TreePaths::Short(paths) => add(paths, rows, scratch, totals_q40),
            TreePaths::Middle(paths) => add(paths, rows, scratch, totals_q40),
            TreePaths::Long(paths) => add(paths, rows, scratch, totals_q40),
            TreePaths::Longest(paths) => add(paths, rows, scratch, totals_q40),
        }
    }
}

/// Adds the contributions of one tree. Every row is a lane of its own, so its operations and their order are those of a row
/// alone.
#[inline(always)]
fn add<const M: usize, const L: usize>(
    paths: &Paths<M>,
    rows: Lanes<'_>,
    scratch: &mut Scratch<L>,
    totals_q40: &mut [[i64; L]],
) {
    let nodes = paths.values_q40.len();
    scratch.is_known.resize(nodes.max(scratch.is_known.len()), [0; L]);
    scratch.products.resize((nodes * M).max(scratch.products.len()), [0.0; L]);
    let is_known = &mut scratch.is_known[..nodes];
    let products = &mut scratch.products.as_chunks_mut::<M>().0[..nodes];
    is_known[0] = [1; L];
    products[0] = paths.weights.map(|weight| [weight; L]);
    for (index, edge) in paths.edges.iter().enumerate() {
        let bins = &rows.bins[usize::from(edge.column)][rows.first..][..L];
        let before = is_known[edge.previous as usize];
        let mut now = [0; L];
        for (now, &bin) in now.iter_mut().zip(bins) {
            *now = u8::from((edge.low <= bin) & (bin <= edge.high));
        }
        is_known[index + 1] = now;
        let masks = masks_of(&before, &now);
        let (above, below) = products.split_at_mut(index + 1);
        let parent = &above[edge.parent as usize];
        for q in 0..M {
            let multipliers = by_state(&masks, &edge.multipliers, q);
            below[0][q] = product_lanes(&parent[q], &multipliers);
        }
    }
    // Upwards a node's entry becomes the sum of its leaves' products, so inner nodes start from zero.
    for (product, value) in products.iter_mut().zip(&paths.values_q40) {
        product.iter_mut().for_each(|lanes| *lanes = product_lanes(lanes, &[*value; L]));
    }
    for (index, edge) in paths.edges.iter().enumerate().rev() {
        let (before, now) = (is_known[edge.previous as usize], is_known[index + 1]);
        let masks = masks_of(&before, &now);
        let (above, below) = products.split_at_mut(index + 1);
        let (parent, sums) = (&mut above[edge.parent as usize], &below[0]);
        let mut shares = [0.0; L];
        // One chain of sums in order: another association would round otherwise.
        for q in 0..M {
            let weights = by_state(&masks, &edge.shares, q);
            shares = sum_lanes(&shares, &product_lanes(&sums[q], &weights));
            parent[q] = sum_lanes(&parent[q], &sums[q]);
        }
        for (total, share) in totals_q40[usize::from(edge.column)].iter_mut().zip(shares) {
            *total += (share + ROUND).to_bits() as i64 - ROUND.to_bits() as i64;
        }
    }
}

#[inline(always)]
fn sum_lanes<const L: usize>(a: &[f64; L], b: &[f64; L]) -> [f64; L] {
    let mut sum = [0.0; L];
    for lane in 0..L {
        sum[lane] = a[lane] + b[lane];
    }
    sum
}

#[inline(always)]
fn product_lanes<const L: usize>(a: &[f64; L], b: &[f64; L]) -> [f64; L] {
    let mut product = [0.0; L];
    for lane in 0..L {
        product[lane] = a[lane] * b[lane];
    }
    product
}

/// A word of ones where a row is in state 1, and where it is in state 2.
#[inline(always)]
fn masks_of<const L: usize>(before: &[u8; L], now: &[u8; L]) -> [[u64; L]; 2] {
    let mut masks = [[0; L]; 2];
    for lane in 0..L {
        masks[0][lane] = u64::from(before[lane] ^ now[lane]).wrapping_neg();
        masks[1][lane] = u64::from(before[lane] & now[lane]).wrapping_neg();
    }
    masks
}

/// The entry of each row's state.
#[inline(always)]
fn by_state<const M: usize, const L: usize>(masks: &[[u64; L]; 2], turns: &Turns<M>, q: usize) -> [f64; L] {
    let [first, one, two] = [turns.0[0][q], turns.0[1][q], turns.0[2][q]];
    let mut made = [0.0; L];
    for lane in 0..L {
        made[lane] = f64::from_bits(first ^ (masks[0][lane] & one) ^ (masks[1][lane] & two));
    }
    made
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
        multipliers: Turns::new(&table(&multiplier)),
        shares: Turns::new(&table(&share)),
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
        let block = |(features, scores): (&[f32], &[i64])| self.explain_block(features, scores);
        if scores.len() <= masks::ROWS {
            return block((rows.features, &scores));
        }
        let features = rows.features.par_chunks(masks::ROWS * width);
        features.zip(scores.par_chunks(masks::ROWS)).flat_map_iter(block).collect()
    }

    /// Up to 64 rows.
    fn explain_block(&self, features: &[f32], scores: &[i64]) -> Vec<Contributions> {
        let width = self.columns();
        let mut bins = vec![[0; masks::ROWS]; width];
        self.bin_columns(features, &mut bins);
        let mut made = Vec::with_capacity(scores.len());
        let (mut several, mut one) = (Scratch::<LANES>::default(), Scratch::<1>::default());
        while made.len() < scores.len() {
            let rows = Lanes { bins: &bins, first: made.len() };
            let rest = &scores[made.len()..];
            // A few rows take less time alone than beside empty lanes, and so do all where registers are narrow.
            if rest.len() < LANES / 2 || self.path == Path::Portable {
                let mut totals = vec![[0]; width];
                add_to_one(self.path, &self.paths, rows, &mut one, &mut totals);
                made.push(round_to_score(totals.as_flattened(), self.paths.base_q24, rest[0]));
                continue;
            }
            let mut totals = vec![[0; LANES]; width];
            add_to_lanes(self.path, &self.paths, rows, &mut several, &mut totals);
            made.extend(rest.iter().take(LANES).enumerate().map(|(lane, &score)| {
                let totals: Vec<i64> = totals.iter().map(|lanes| lanes[lane]).collect();
                round_to_score(&totals, self.paths.base_q24, score)
            }));
        }
        made
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
