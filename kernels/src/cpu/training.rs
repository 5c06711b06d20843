//! The state of jobs in training: scores, gradients, the order of rows and the histograms that are alive.
//!
//! A row that a tree does not see has a gradient word of zero: it is sorted along with the others, which keeps scores of all
//! rows up to date, and adds nothing to any sum.

use super::dataset::{Binned, CpuDataset};
use super::histogram::Histogram;
use super::partition::{Aside, divide_rows};
use super::paths::{Path, on_each_path};
use crate::backend::{JobStart, LeafTask, PartitionTask};
use crate::exact::{Classes, Sums, gradient, pack, row_hash, unpack};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Rows of one task when gradients are computed by several threads.
const GRADIENT_ROWS: usize = 1 << 13;

/// Rows of a set whose leaves are shared between threads.
const PARALLEL_LEAF_ROWS: usize = 1 << 15;

/// A wave of jobs in training.
#[derive(Debug)]
pub struct CpuTraining {
    jobs: Vec<JobState>,
}

#[derive(Debug)]
pub(super) struct JobState {
    path: Path,
    pub(super) binned: Arc<Binned>,
    pub(super) slots: Vec<Histogram>,
    /// Histograms of threads that share the rows of a node.
    spare: Vec<Histogram>,
    classes: Classes,
    seed: u64,
    row_hash_below: u64,
    scores: Vec<i64>,
    /// Packed gradients by row.
    gradients: Vec<u64>,
    /// Row indices; the rows of a node are a range of it.
    order: Vec<u32>,
    /// Rows going right while a range is divided.
    right: Aside,
}

impl CpuTraining {
    pub(super) fn begin(path: Path, jobs: &[JobStart<'_, CpuDataset>]) -> Self {
        Self { jobs: jobs.iter().map(|job| JobState::new(path, job)).collect() }
    }

    pub(super) fn job(&mut self, job: usize) -> &mut JobState {
        &mut self.jobs[job]
    }

    pub(super) fn view(&self, job: usize) -> &JobState {
        &self.jobs[job]
    }
}

impl JobState {
    fn new(path: Path, start: &JobStart<'_, CpuDataset>) -> Self {
        let binned = start.dataset.binned().clone();
        let rows = binned.keys.len();
        Self {
            path,
            slots: (0..start.slots).map(|_| Histogram::new(&binned)).collect(),
            spare: Vec::new(),
            classes: start.classes,
            seed: start.seed,
            row_hash_below: start.row_hash_below,
            scores: vec![start.start_q24; rows],
            gradients: vec![0; rows],
            order: vec![0; rows],
            right: Aside::new(rows),
            binned,
        }
    }

    /// Starts a tree: gradients of the rows it sees, the rows in their first order, and the totals.
    pub(super) fn gradients(&mut self, tree: u32) -> Sums {
        let (path, binned, scores) = (self.path, &*self.binned, &self.scores);
        let is_weighted = binned.is_weighted();
        let (classes, seed, below) = (self.classes, self.seed, self.row_hash_below);
        let chunk = |(index, (words, order)): (usize, (&mut [u64], &mut [u32]))| {
            let rows = index * GRADIENT_ROWS..index * GRADIENT_ROWS + words.len();
            order.iter_mut().zip(rows.start as u32..).for_each(|(row, index)| *row = index);
            let one = Labelled { scores: &scores[rows.clone()], labels: &binned.labels[rows.clone()], classes };
            row_gradients(path, one, words);
            if is_weighted {
                // The word of w copies, or of none: neither half of the product overflows.
                let weights = words.iter_mut().zip(&binned.weights[rows.clone()]);
                weights.for_each(|(word, &weight)| *word = word.wrapping_mul(u64::from(weight)));
            }
            if below < 1 << 32 {
                let keys = words.iter_mut().zip(&binned.keys[rows]);
                keys.for_each(|(word, &key)| *word *= u64::from(u64::from(row_hash(seed, tree, key)) < below));
            }
            total(path, words)
        };
        let add = |a: Sums, b: Sums| a + b;
        if self.gradients.len() <= GRADIENT_ROWS {
            return chunk((0, (&mut self.gradients, &mut self.order)));
        }
        let chunks = self.gradients.par_chunks_mut(GRADIENT_ROWS).zip(self.order.par_chunks_mut(GRADIENT_ROWS));
        chunks.enumerate().map(chunk).reduce(Sums::default, add)
    }

    pub(super) fn histogram(&mut self, slot: usize, rows: Range<u32>) {
        let rows = &self.order[rows.start as usize..rows.end as usize];
        self.slots[slot].fill(&self.binned, &self.gradients, rows, &mut self.spare);
    }

    pub(super) fn subtract(&mut self, from: usize, minus: usize) {
        let [from, minus] =
            self.slots.get_disjoint_mut([from, minus]).expect("a parent and its child have histograms of their own");
        from.subtract(minus);
    }

    pub(super) fn partition(&mut self, task: &PartitionTask) -> u32 {
        let bins = self.binned.column(usize::from(task.column));
        let rows = &mut self.order[task.rows.start as usize..task.rows.end as usize];
        divide_rows(self.path, bins, task.bin, rows, &mut self.right) as u32
    }

    /// Adds the values of leaves to the scores of their rows; several threads share the leaves of a large set.
    pub(super) fn add_leaves(&mut self, leaves: &[LeafTask]) {
        let ranges = leaves.iter().map(|leaf| leaf.rows.start as usize..leaf.rows.end as usize);
        if self.order.len() < PARALLEL_LEAF_ROWS {
            for (rows, leaf) in ranges.zip(leaves) {
                for &row in &self.order[rows] {
                    self.scores[row as usize] += i64::from(leaf.value_q24);
                }
            }
            return;
        }
        let mut sorted: Vec<Range<usize>> = ranges.collect();
        sorted.sort_unstable_by_key(|rows| rows.start);
        assert!(sorted.is_sorted_by(|a, b| a.end <= b.start), "a row is in one leaf");
        let (order, rows) = (&self.order, self.scores.len());
        let scores = SharedScores(self.scores.as_mut_ptr());
        leaves.par_iter().for_each(|leaf| {
            for &row in &order[leaf.rows.start as usize..leaf.rows.end as usize] {
                assert!((row as usize) < rows, "the order holds rows of the set");
                // SAFETY: the row was just found to be one of the scores, which outlive the call. The order holds each row
                // once and no two leaves share a part of it, so no other thread touches this score.
                unsafe { *scores.of(row) += i64::from(leaf.value_q24) };
            }
        });
    }
}

/// Scores that threads write at rows of their own.
struct SharedScores(*mut i64);

// SAFETY: who writes through it sees to it that no two threads write at one row.
unsafe impl Sync for SharedScores {}

impl SharedScores {
    fn of(&self, row: u32) -> *mut i64 {
        self.0.wrapping_add(row as usize)
    }
}

/// Rows as the gradients need them.
#[derive(Clone, Copy)]
struct Labelled<'a> {
    scores: &'a [i64],
    labels: &'a [bool],
    classes: Classes,
}

on_each_path!(
    /// The packed gradient of every row at weight one.
    fn row_gradients(rows: Labelled<'_>, words: &mut [u64]) = row_gradients_body
);

#[inline(always)]
fn row_gradients_body(rows: Labelled<'_>, words: &mut [u64]) {
    for ((word, &score), &label) in words.iter_mut().zip(rows.scores).zip(rows.labels) {
        *word = pack(gradient(score, label, rows.classes));
    }
}

on_each_path!(
    /// The sum of packed words, each of one row.
    fn total(words: &[u64]) -> Sums = total_body
);

#[inline(always)]
fn total_body(words: &[u64]) -> Sums {
    let (mut gradient, mut hessian) = (0, 0);
    for &word in words {
        let sums = unpack(word);
        gradient += sums.gradient;
        hessian += sums.hessian;
    }
    Sums { gradient, hessian }
}
