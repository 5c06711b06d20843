//! The state of jobs in training: scores, gradients, the order of rows and the histograms that are alive.
//!
//! A row that a tree does not see has a gradient word of zero: it is sorted along with the others, which keeps scores of all
//! rows up to date, and adds nothing to any sum.

use super::dataset::{Binned, CpuDataset};
use super::histogram::Histogram;
use crate::backend::{JobStart, PartitionTask};
use crate::exact::{Classes, Sums, gradient, pack, row_hash};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Rows of one task when gradients are computed by several threads.
const GRADIENT_ROWS: usize = 1 << 13;

/// A wave of jobs in training.
#[derive(Debug)]
pub struct CpuTraining {
    jobs: Vec<JobState>,
}

#[derive(Debug)]
pub(super) struct JobState {
    pub(super) binned: Arc<Binned>,
    pub(super) slots: Vec<Histogram>,
    classes: Classes,
    seed: u64,
    row_hash_below: u64,
    scores: Vec<i64>,
    /// Packed gradients by row.
    gradients: Vec<u64>,
    /// Row indices; the rows of a node are a range of it.
    order: Vec<u32>,
    /// Rows going right while a range is divided.
    right: Vec<u32>,
}

impl CpuTraining {
    pub(super) fn begin(jobs: &[JobStart<'_, CpuDataset>]) -> Self {
        Self { jobs: jobs.iter().map(JobState::new).collect() }
    }

    pub(super) fn job(&mut self, job: usize) -> &mut JobState {
        &mut self.jobs[job]
    }

    pub(super) fn view(&self, job: usize) -> &JobState {
        &self.jobs[job]
    }
}

impl JobState {
    fn new(start: &JobStart<'_, CpuDataset>) -> Self {
        let binned = start.dataset.binned().clone();
        let rows = binned.keys.len();
        Self {
            slots: (0..start.slots).map(|_| Histogram::new(&binned)).collect(),
            classes: start.classes,
            seed: start.seed,
            row_hash_below: start.row_hash_below,
            scores: vec![start.start_q24; rows],
            gradients: vec![0; rows],
            order: (0..rows as u32).collect(),
            right: vec![0; rows],
            binned,
        }
    }

    /// Starts a tree: gradients of the rows it sees, the rows in their first order, and the totals.
    pub(super) fn gradients(&mut self, tree: u32) -> Sums {
        self.order.iter_mut().enumerate().for_each(|(index, row)| *row = index as u32);
        let (binned, scores) = (&*self.binned, &self.scores);
        let (classes, seed, below) = (self.classes, self.seed, self.row_hash_below);
        let chunk = |(index, words): (usize, &mut [u64])| {
            let first = index * GRADIENT_ROWS;
            let mut total = Sums::default();
            for (row, word) in (first..).zip(words) {
                let is_seen = u64::from(row_hash(seed, tree, binned.keys[row])) < below;
                let sums = if is_seen {
                    let weight = i64::from(binned.weights[row]);
                    let one = gradient(scores[row], binned.labels[row], classes);
                    Sums { gradient: one.gradient * weight, hessian: one.hessian * weight }
                } else {
                    Sums::default()
                };
                total += sums;
                *word = pack(sums);
            }
            total
        };
        let add = |a: Sums, b: Sums| a + b;
        if self.gradients.len() <= GRADIENT_ROWS {
            return chunk((0, &mut self.gradients));
        }
        self.gradients.par_chunks_mut(GRADIENT_ROWS).enumerate().map(chunk).reduce(Sums::default, add)
    }

    pub(super) fn histogram(&mut self, slot: usize, rows: Range<u32>) {
        let rows = &self.order[rows.start as usize..rows.end as usize];
        self.slots[slot].fill(&self.binned, &self.gradients, rows);
    }

    pub(super) fn subtract(&mut self, from: usize, minus: usize) {
        let [from, minus] =
            self.slots.get_disjoint_mut([from, minus]).expect("a parent and its child have histograms of their own");
        from.subtract(minus);
    }

    /// Stable and without a branch on data: both targets are written, one of them is kept.
    pub(super) fn partition(&mut self, task: &PartitionTask) -> u32 {
        let bins = self.binned.column(usize::from(task.column));
        let rows = &mut self.order[task.rows.start as usize..task.rows.end as usize];
        let aside = &mut self.right[..rows.len()];
        let (mut left, mut right) = (0, 0);
        for index in 0..rows.len() {
            let row = rows[index];
            let goes_left = usize::from(bins[row as usize] <= task.bin);
            rows[left] = row;
            aside[right] = row;
            left += goes_left;
            right += 1 - goes_left;
        }
        rows[left..].copy_from_slice(&aside[..right]);
        left as u32
    }

    pub(super) fn add_leaf(&mut self, rows: Range<u32>, value_q24: i32) {
        for &row in &self.order[rows.start as usize..rows.end as usize] {
            self.scores[row as usize] += i64::from(value_q24);
        }
    }
}
