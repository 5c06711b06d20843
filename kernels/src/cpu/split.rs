//! The best split of a node: one scan over each column's bins.
//!
//! Sums are integers up to the one conversion before the gain, and gains use fixed operations, so every backend finds the
//! same split. A strictly larger gain wins, which leaves ties to the lowest column, then the lowest bin.

use super::histogram::Entries;
use super::paths::{Path, on_each_path};
use super::training::{CpuTraining, JobState};
use crate::backend::{Split, SplitTask};
use crate::exact::{BINS, Sums, unpack};
use rayon::prelude::*;

/// Columns worth a thread: to begin in another one takes as long as some tens of them.
const PARALLEL_COLUMNS: usize = 64;
/// Gains computed side by side.
const LANES: usize = 8;

/// What a column is asked: all of it exact in `f64`, because a node's sums stay below 2^53.
#[derive(Clone, Copy, Debug)]
struct Question {
    gradient: f64,
    hessian: f64,
    lambda: f64,
    min_hessian: f64,
    /// What the node's own leaf would gain.
    root: f64,
}

/// A gain and the last bin that goes left.
#[derive(Clone, Copy, Debug)]
struct Cut {
    gain: f64,
    bin: usize,
}

/// Sums of the rows up to each bin.
struct Lefts {
    gradients: [f64; BINS],
    hessians: [f64; BINS],
}

pub(super) fn best(path: Path, training: &CpuTraining, task: &SplitTask<'_>) -> Option<Split> {
    let job = training.view(task.job);
    let scan = |columns: &[u16]| scan_columns(path, job, task, columns);
    let threads = rayon::current_num_threads().min(task.columns.len() / PARALLEL_COLUMNS).max(1);
    if threads == 1 {
        return scan(task.columns);
    }
    // `better` prefers its first argument on ties, so any grouping of the columns gives the same split.
    task.columns.par_chunks(task.columns.len().div_ceil(threads)).map(scan).reduce(|| None, better)
}

fn better(first: Option<Split>, second: Option<Split>) -> Option<Split> {
    match (first, second) {
        (Some(first), Some(second)) if second.gain > first.gain => Some(second),
        (None, second) => second,
        (first, _) => first,
    }
}

fn scan_columns(path: Path, job: &JobState, task: &SplitTask<'_>, columns: &[u16]) -> Option<Split> {
    let question = Question {
        gradient: task.total.gradient as f64,
        hessian: task.total.hessian as f64,
        lambda: task.lambda,
        min_hessian: task.min_hessian as f64,
        root: task.total.strength(task.lambda),
    };
    let edges = &job.binned.summary.edges;
    let entries = job.slots[task.slot].entries();
    // A split behind the last bin would leave nothing on the right.
    let range = |column: u16| {
        let at = usize::from(column) * BINS;
        at..at + usize::from(edges.bin_max(usize::from(column)))
    };
    let mut best: Option<(u16, Cut)> = None;
    for &column in columns {
        let above = best.map_or(0.0, |(_, cut)| cut.gain);
        let cut = match entries {
            Entries::Packed(words) => cut_packed(path, &words[range(column)], &question, above),
            Entries::Wide(sums) => cut_wide(path, &sums[range(column)], &question, above),
        };
        best = cut.map(|cut| (column, cut)).or(best);
    }
    best.map(|(column, Cut { gain, bin })| {
        let first = range(column).start;
        let left = match entries {
            Entries::Packed(words) => unpack(words[first..=first + bin].iter().fold(0, |a, b| a.wrapping_add(*b))),
            Entries::Wide(sums) => sums[first..=first + bin].iter().fold(Sums::default(), |a, b| a + *b),
        };
        Split { gain, column, bin: bin as u8, left }
    })
}

on_each_path!(
    /// The first bin of the largest gain above `above` in a packed column.
    fn cut_packed(words: &[u64], question: &Question, above: f64) -> Option<Cut> = cut_packed_body
);

#[inline(always)]
fn cut_packed_body(words: &[u64], question: &Question, above: f64) -> Option<Cut> {
    let mut prefix = [0u64; BINS];
    let mut sum = 0u64;
    for (prefix, word) in prefix.iter_mut().zip(words) {
        sum = sum.wrapping_add(*word);
        *prefix = sum;
    }
    let mut lefts = Lefts { gradients: [0.0; BINS], hessians: [0.0; BINS] };
    for (at, word) in prefix.into_iter().enumerate() {
        // Both halves fit in 32 bits with a sign, for which every path has a conversion.
        lefts.gradients[at] = f64::from((word >> 32) as i32);
        lefts.hessians[at] = f64::from(word as i32);
    }
    cut(&lefts, words.len(), question, above)
}

on_each_path!(
    /// The first bin of the largest gain above `above` in a wide column.
    fn cut_wide(sums: &[Sums], question: &Question, above: f64) -> Option<Cut> = cut_wide_body
);

#[inline(always)]
fn cut_wide_body(sums: &[Sums], question: &Question, above: f64) -> Option<Cut> {
    let mut lefts = Lefts { gradients: [0.0; BINS], hessians: [0.0; BINS] };
    let mut sum = Sums::default();
    for (at, sums) in sums.iter().take(BINS).enumerate() {
        sum += *sums;
        lefts.gradients[at] = sum.gradient as f64;
        lefts.hessians[at] = sum.hessian as f64;
    }
    cut(&lefts, sums.len(), question, above)
}

/// Both children must have their Hessian sum, and an empty bin repeats the gain of the one before it, so it never wins.
#[inline(always)]
fn cut(lefts: &Lefts, bins: usize, question: &Question, above: f64) -> Option<Cut> {
    let &Question { gradient, hessian, lambda, min_hessian, root } = question;
    let mut gains = [0.0; BINS];
    let mut largest = [0.0; LANES];
    let lanes = lefts.gradients.as_chunks::<LANES>().0.iter().zip(lefts.hessians.as_chunks::<LANES>().0);
    for (gains, (left_gradients, left_hessians)) in
        gains.as_chunks_mut::<LANES>().0.iter_mut().zip(lanes).take(bins.div_ceil(LANES))
    {
        for lane in 0..LANES {
            let (g, h) = (left_gradients[lane], left_hessians[lane]);
            let (other_g, other_h) = (gradient - g, hessian - h);
            let gain = g * g / (h + lambda) + other_g * other_g / (other_h + lambda) - root;
            let is_allowed = (h >= min_hessian) & (other_h >= min_hessian);
            gains[lane] = if is_allowed { gain } else { 0.0 };
            largest[lane] = if gains[lane] > largest[lane] { gains[lane] } else { largest[lane] };
        }
    }
    let gain = largest.into_iter().fold(0.0, |a, b| if b > a { b } else { a });
    if gain <= above {
        return None;
    }
    gains.iter().position(|&other| other == gain).map(|bin| Cut { gain, bin })
}
