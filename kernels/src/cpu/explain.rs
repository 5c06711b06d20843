//! Which feature added how much: path-dependent Shapley values of a forest, exact to the last unit of the score.
//!
//! A leaf's game over the d distinct columns of its path is a product: a known column contributes 1 or 0 (does the row take
//! the path's side?), an unknown one the share z of training rows that do. The Shapley value of column i is then
//!   v (o_i - z_i) * integral over t in (0, 1) of the product over j != i of (z_j (1 - t) + o_j t) dt,
//! a polynomial of degree d - 1, which Gauss-Legendre quadrature with at least d / 2 points integrates exactly. Every factor
//! is positive, so nothing cancels. Operations have a fixed order; each leaf's value is rounded to Q40 and summed as an
//! integer, so the order of trees and devices is free.
//!
//! Rounding rule: totals are rounded to Q24 (half up), and what then is missing to the score (a few units) goes to the
//! column with the largest magnitude, ties to the lowest.

use super::forest::CpuForest;
use crate::backend::Contributions;
use crate::gbdt::{Gbdt, Tree};
use crate::rows::Rows;
use rayon::prelude::*;

/// Extra bits of a leaf's contribution before the final rounding.
const EXTRA_BITS: u32 = 16;
/// Rows worth handing to the pool.
const PARALLEL_ROWS: usize = 8;

/// Points and weights of Gauss-Legendre quadrature on (0, 1).
struct Quadrature<const M: usize> {
    points: [f64; M],
    weights: [f64; M],
}

const QUADRATURE_4: Quadrature<4> = Quadrature {
    points: [0.06943184420297371, 0.33000947820757187, 0.6699905217924281, 0.9305681557970263],
    weights: [0.17392742256872692, 0.32607257743127305, 0.32607257743127305, 0.17392742256872692],
};
const QUADRATURE_8: Quadrature<8> = Quadrature {
    points: [
        0.019855071751231884,
        0.10166676129318664,
        0.2372337950418355,
        0.4082826787521751,
        0.591717321247825,
        0.7627662049581645,
        0.8983332387068134,
        0.9801449282487681,
    ],
    weights: [
        0.05061426814518813,
        0.11119051722668724,
        0.15685332293894363,
        0.181341891689181,
        0.181341891689181,
        0.15685332293894363,
        0.11119051722668724,
        0.05061426814518813,
    ],
};
const QUADRATURE_16: Quadrature<16> = Quadrature {
    points: [
        0.005299532504175033,
        0.02771248846338371,
        0.06718439880608412,
        0.12229779582249849,
        0.19106187779867811,
        0.2709916111713863,
        0.35919822461037054,
        0.4524937450811813,
        0.5475062549188188,
        0.6408017753896295,
        0.7290083888286137,
        0.8089381222013219,
        0.8777022041775016,
        0.9328156011939158,
        0.9722875115366163,
        0.994700467495825,
    ],
    weights: [
        0.013576229705877048,
        0.031126761969323947,
        0.04757925584124639,
        0.06231448562776694,
        0.07479799440828837,
        0.08457825969750127,
        0.09130170752246179,
        0.09472530522753425,
        0.09472530522753425,
        0.09130170752246179,
        0.08457825969750127,
        0.07479799440828837,
        0.06231448562776694,
        0.04757925584124639,
        0.031126761969323947,
        0.013576229705877048,
    ],
};

/// One distinct column of a leaf's path: the row takes the path when its bin is in `low..=high`.
#[derive(Clone, Copy, Debug)]
struct Step {
    column: u16,
    low: u8,
    high: u8,
    /// Share of training rows that take this side, as covers tell.
    share: f64,
}

impl Step {
    fn is_taken(&self, bins: &[u8]) -> bool {
        (self.low..=self.high).contains(&bins[usize::from(self.column)])
    }
}

#[derive(Clone, Copy, Debug)]
struct Leaf {
    first: usize,
    end: usize,
    /// Value in Q40; below 2^48, so exact.
    value_q40: f64,
}

/// Paths of all leaves of a forest, and the score of a row of which nothing is known.
#[derive(Debug, Default)]
pub(super) struct Paths {
    base_q24: i64,
    leaves: Vec<Leaf>,
    steps: Vec<Step>,
}

impl Paths {
    pub(super) fn new(model: &Gbdt) -> Self {
        let mut paths = Self { base_q24: model.base_q24, ..Self::default() };
        for tree in &model.trees {
            paths.base_q24 += expected_q24(tree);
            paths.descend(tree, 0, &mut Vec::new());
        }
        paths
    }

    fn descend(&mut self, tree: &Tree, at: usize, steps: &mut Vec<Step>) {
        let node = tree.nodes[at];
        if node.is_leaf() {
            let first = self.steps.len();
            self.steps.extend_from_slice(steps);
            let value_q40 = f64::from(node.value_q24) * f64::from(1u32 << EXTRA_BITS);
            self.leaves.push(Leaf { first, end: self.steps.len(), value_q40 });
            return;
        }
        let sides = [(0, node.bin), (node.bin + 1, u8::MAX)];
        for (child, (low, high)) in node.children().into_iter().zip(sides) {
            let share = tree.nodes[child].cover as f64 / node.cover as f64;
            let mut steps = steps.clone();
            match steps.iter_mut().find(|step| step.column == node.column) {
                Some(step) => {
                    step.low = step.low.max(low);
                    step.high = step.high.min(high);
                    step.share *= share;
                }
                None => steps.push(Step { column: node.column, low, high, share }),
            }
            self.descend(tree, child, &mut steps);
        }
    }

    /// Adds every leaf's contributions, in Q40, to `totals`.
    fn add(&self, bins: &[u8], totals: &mut [i64]) {
        for leaf in &self.leaves {
            let steps = &self.steps[leaf.first..leaf.end];
            match steps.len() {
                0 => {}
                1..=8 => add_leaf(&QUADRATURE_4, leaf.value_q40, steps, bins, totals),
                9..=16 => add_leaf(&QUADRATURE_8, leaf.value_q40, steps, bins, totals),
                _ => add_leaf(&QUADRATURE_16, leaf.value_q40, steps, bins, totals),
            }
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

/// Known columns as 1 or 0, unknown ones as their share: at point t a column's factor is between the two.
fn factors<const M: usize>(quadrature: &Quadrature<M>, step: &Step, known: f64) -> [f64; M] {
    quadrature.points.map(|t| step.share * (1.0 - t) + known * t)
}

fn add_leaf<const M: usize>(quadrature: &Quadrature<M>, value: f64, steps: &[Step], bins: &[u8], totals: &mut [i64]) {
    let mut product = quadrature.weights;
    let known = |step: &Step| f64::from(u8::from(step.is_taken(bins)));
    for step in steps {
        let factors = factors(quadrature, step, known(step));
        product.iter_mut().zip(factors).for_each(|(product, factor)| *product *= factor);
    }
    for step in steps {
        let known = known(step);
        let mut integral = 0.0;
        for (product, factor) in product.iter().zip(factors(quadrature, step, known)) {
            integral += product / factor;
        }
        let part = value * (known - step.share) * integral;
        totals[usize::from(step.column)] += part.round_ties_even() as i64;
    }
}

/// Q40 to Q24, and the remainder to the largest.
fn round_to_score(totals: &[i64], base_q24: i64, score_q24: i64) -> Contributions {
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
        let one = |(row, &score): (&[f32], &i64)| {
            let (mut bins, mut totals) = (vec![0; width], vec![0; width]);
            self.bin_row(row, &mut bins);
            self.paths.add(&bins, &mut totals);
            round_to_score(&totals, self.paths.base_q24, score)
        };
        if scores.len() < PARALLEL_ROWS {
            return rows.features.chunks_exact(width).zip(&scores).map(one).collect();
        }
        rows.features.par_chunks_exact(width).zip(&scores).map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quadrature with M points must integrate t^k exactly up to k = 2M - 1.
    fn check<const M: usize>(quadrature: &Quadrature<M>) {
        for power in 0..2 * M as i32 {
            let sum: f64 = quadrature.points.iter().zip(quadrature.weights).map(|(t, w)| w * t.powi(power)).sum();
            assert!((sum - 1.0 / f64::from(power + 1)).abs() < 1e-15, "{M} points, power {power}");
        }
    }

    #[test]
    fn quadratures_are_exact_to_their_degree() {
        check(&QUADRATURE_4);
        check(&QUADRATURE_8);
        check(&QUADRATURE_16);
    }

    #[test]
    fn the_remainder_goes_to_the_largest_and_then_the_lowest_column() {
        let unit = 1 << EXTRA_BITS;
        let made = round_to_score(&[3 * unit, -5 * unit, 5 * unit], 100, 106);
        assert_eq!(made.features_q24, [3, -2, 5]);
        assert_eq!(round_to_score(&[0, 0], 7, 7).features_q24, [0, 0]);
    }
}
