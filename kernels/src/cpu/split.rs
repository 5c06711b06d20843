//! The best split of a node: one scan over each column's bins.
//!
//! Sums are integers up to the one conversion before the gain, and gains use fixed operations, so every backend finds the
//! same split. A strictly larger gain wins, which leaves ties to the lowest column, then the lowest bin.

use super::histogram::Entries;
use super::training::CpuTraining;
use crate::backend::{Split, SplitTask};
use crate::exact::{BINS, Sums, unpack};
use rayon::prelude::*;

/// Columns worth a second thread.
const PARALLEL_COLUMNS: usize = 32;

pub(super) fn best(training: &CpuTraining, task: &SplitTask<'_>) -> Option<Split> {
    let job = training.view(task.job);
    let edges = &job.binned.summary.edges;
    let scan = |&column: &u16| {
        let bins = usize::from(edges.bin_max(usize::from(column)));
        let at = usize::from(column) * BINS;
        match job.slots[task.slot].entries() {
            Entries::Packed(words) => scan(task, column, words[at..at + bins].iter().map(|&word| unpack(word))),
            Entries::Wide(sums) => scan(task, column, sums[at..at + bins].iter().copied()),
        }
    };
    // `better` prefers its first argument on ties, so any grouping of the columns gives the same split.
    if task.columns.len() < PARALLEL_COLUMNS {
        task.columns.iter().map(scan).reduce(better).flatten()
    } else {
        task.columns.par_iter().with_min_len(PARALLEL_COLUMNS / 2).map(scan).reduce(|| None, better)
    }
}

fn better(first: Option<Split>, second: Option<Split>) -> Option<Split> {
    match (first, second) {
        (Some(first), Some(second)) if second.gain > first.gain => Some(second),
        (None, second) => second,
        (first, _) => first,
    }
}

/// The best split of one column, from all its bins but the last: a split behind the last would leave nothing on the right.
fn scan(task: &SplitTask<'_>, column: u16, bins: impl Iterator<Item = Sums>) -> Option<Split> {
    let root = task.total.strength(task.lambda);
    let mut left = Sums::default();
    let mut best: Option<Split> = None;
    let mut best_gain = 0.0;
    for (bin, sums) in bins.enumerate() {
        if sums.hessian == 0 {
            continue;
        }
        left += sums;
        let right = task.total - left;
        if left.hessian < task.min_hessian {
            continue;
        }
        if right.hessian < task.min_hessian {
            break;
        }
        let gain = left.strength(task.lambda) + right.strength(task.lambda) - root;
        if gain > best_gain {
            best_gain = gain;
            best = Some(Split { gain, column, bin: bin as u8, left });
        }
    }
    best
}
