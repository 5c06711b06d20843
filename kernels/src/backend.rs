//! What a device must be able to do: a few whole-batch methods over handles that stay where the device keeps them.
//!
//! No method assumes that a handle's contents are in host memory; what crosses the line is rows on the way in, and node
//! totals, best splits and integer results on the way out. Every backend returns the same bits: sums are integers with a
//! stated bound, floating point has a fixed order, and ties go to the lowest column, then the lowest bin.

use crate::KernelError;
use crate::choice::RowChoice;
use crate::drift::{CompareTask, Comparison, KernelSumTask};
use crate::edges::{BinCounts, Edges};
use crate::exact::{Classes, Sums};
use crate::gbdt::Gbdt;
use crate::rows::{ClassWeights, Rows, TrainSet};
use crate::tokens::{TokenCounts, TokenTask};
use std::ops::Range;
use std::sync::Arc;

/// What the host knows of a data set that is resident on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Rows of weight above zero.
    pub rows: u32,
    /// Weight of each class.
    pub classes: ClassWeights,
    /// Where the bins of each column end.
    pub edges: Arc<Edges>,
}

/// Rows of a resident data set to be chosen by the hash of their keys.
#[derive(Debug)]
pub struct ChoiceTask<'a, D> {
    /// The rows.
    pub dataset: &'a D,
    /// Which of them, and how many copies of each.
    pub choice: RowChoice,
}

impl<D> Clone for ChoiceTask<'_, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for ChoiceTask<'_, D> {}

/// One model to train, as the device sees it.
#[derive(Debug)]
pub struct JobStart<'a, D> {
    /// The rows.
    pub dataset: &'a D,
    /// The score every row starts from, in Q24.
    pub start_q24: i64,
    /// How much a row of each class counts.
    pub classes: Classes,
    /// Chooses which rows a tree sees.
    pub seed: u64,
    /// A row is seen by a tree when its hash is below this; 2^32 is every row.
    pub row_hash_below: u64,
    /// Histograms that are alive at once at most.
    pub slots: usize,
}

/// Starts tree `tree` of a job.
#[derive(Clone, Copy, Debug)]
pub struct GradientTask {
    /// Index of the job in its wave.
    pub job: usize,
    /// Index of the tree in its model.
    pub tree: u32,
}

/// Fills a histogram from a range of the job's row order.
#[derive(Clone, Debug)]
pub struct HistogramTask {
    /// Index of the job in its wave.
    pub job: usize,
    /// The histogram to fill.
    pub slot: usize,
    /// The rows, as a range of the job's row order.
    pub rows: Range<u32>,
}

/// Turns a parent's histogram into that of one child by taking away the other child's.
#[derive(Clone, Copy, Debug)]
pub struct SubtractTask {
    /// Index of the job in its wave.
    pub job: usize,
    /// The parent's histogram, which becomes the child's.
    pub from: usize,
    /// The other child's histogram.
    pub minus: usize,
}

/// Asks for the best split of a node.
#[derive(Clone, Debug)]
pub struct SplitTask<'a> {
    /// Index of the job in its wave.
    pub job: usize,
    /// The node's histogram.
    pub slot: usize,
    /// The node's totals.
    pub total: Sums,
    /// Columns that may be used, increasing.
    pub columns: &'a [u16],
    /// Added to Hessian sums, in gradient units.
    pub lambda: f64,
    /// Hessian sum of a child at least, in gradient units, at least one.
    pub min_hessian: i64,
}

/// The best split of a node: the largest gain above zero; ties go to the lowest column, then the lowest bin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// Gain, in gradient units.
    pub gain: f64,
    /// Column that decides.
    pub column: u16,
    /// Rows whose bin is at most this go left.
    pub bin: u8,
    /// Totals of the rows that go left.
    pub left: Sums,
}

/// Sorts a range of the job's row order so that the rows going left come first.
#[derive(Clone, Debug)]
pub struct PartitionTask {
    /// Index of the job in its wave.
    pub job: usize,
    /// The rows, as a range of the job's row order.
    pub rows: Range<u32>,
    /// Column that decides.
    pub column: u16,
    /// Rows whose bin is at most this go left.
    pub bin: u8,
}

/// Adds a leaf's value to the scores of its rows.
#[derive(Clone, Debug)]
pub struct LeafTask {
    /// Index of the job in its wave.
    pub job: usize,
    /// The rows, as a range of the job's row order.
    pub rows: Range<u32>,
    /// The leaf's value in Q24.
    pub value_q24: i32,
}

/// Rows to be scored or explained by one forest.
#[derive(Clone, Copy, Debug)]
pub struct ForestTask<'a, F> {
    /// The resident forest.
    pub forest: &'a F,
    /// The rows, as wide as the forest's columns.
    pub rows: Rows<'a>,
}

/// Rows to be counted by bin.
#[derive(Clone, Copy, Debug)]
pub struct CountTask<'a> {
    /// Frozen edges.
    pub edges: &'a Edges,
    /// The rows, as wide as the edges.
    pub rows: Rows<'a>,
}

/// A score split into what each feature adds to it: `base_q24` plus all features is the score, exactly.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Contributions {
    /// What the model says of a row it knows nothing about, in Q24.
    pub base_q24: i64,
    /// What each feature adds, in Q24.
    pub features_q24: Vec<i64>,
}

/// A device that trains and scores batches of models.
pub trait Backend: Sync {
    /// A binned data set; cloning copies the handle only.
    type Dataset: Clone + Send + Sync;
    /// Scores, gradients, row orders and histograms of a wave of jobs.
    type Training: Send;
    /// Trees laid out for scoring.
    type Forest: Send + Sync;

    /// A short name for logs and receipts.
    fn name(&self) -> &'static str;

    /// How many jobs one wave should advance together: a device wants all of them in each launch, a core one at a time.
    fn wave(&self) -> usize;

    /// Finds the edges of each set, bins it and keeps it; one bad set does not fail the others.
    fn load(&self, sets: &[&TrainSet]) -> Vec<Result<Self::Dataset, KernelError>>;

    /// What the host may know of a data set.
    fn summary<'a>(&self, dataset: &'a Self::Dataset) -> &'a Summary;

    /// Chooses rows of resident sets by the hash of their keys. The sets made share bins, edges and memory with theirs and
    /// differ in weights only, so any number of folds and resamples can be trained on in one batch; a choice that no model
    /// can be trained on does not fail the others.
    fn choose_rows(&self, tasks: &[ChoiceTask<'_, Self::Dataset>]) -> Vec<Result<Self::Dataset, KernelError>>;

    /// Makes room for a wave of jobs and sets every score to its start.
    fn begin(&self, jobs: &[JobStart<'_, Self::Dataset>]) -> Result<Self::Training, KernelError>;

    /// Computes gradients at the present scores, zero for rows the tree does not see; gives the totals of all rows.
    fn gradients(&self, training: &mut Self::Training, tasks: &[GradientTask]) -> Result<Vec<Sums>, KernelError>;

    /// Fills histograms from rows.
    fn histograms(&self, training: &mut Self::Training, tasks: &[HistogramTask]) -> Result<(), KernelError>;

    /// Turns parents' histograms into children's.
    fn subtract(&self, training: &mut Self::Training, tasks: &[SubtractTask]) -> Result<(), KernelError>;

    /// The best split of each node, `None` where no split gains.
    fn best_splits(
        &self,
        training: &Self::Training,
        tasks: &[SplitTask<'_>],
    ) -> Result<Vec<Option<Split>>, KernelError>;

    /// Divides rows; gives the number that went left. The order inside each side is free.
    fn partition(&self, training: &mut Self::Training, tasks: &[PartitionTask]) -> Result<Vec<u32>, KernelError>;

    /// Adds leaf values to scores.
    fn add_leaves(&self, training: &mut Self::Training, tasks: &[LeafTask]) -> Result<(), KernelError>;

    /// Lays out models for scoring.
    fn forests(&self, models: &[&Gbdt]) -> Result<Vec<Self::Forest>, KernelError>;

    /// The score of every row, in Q24.
    fn score(&self, tasks: &[ForestTask<'_, Self::Forest>]) -> Result<Vec<Vec<i64>>, KernelError>;

    /// The score of every row, split into contributions of its features (path-dependent Shapley values).
    fn explain(&self, tasks: &[ForestTask<'_, Self::Forest>]) -> Result<Vec<Vec<Contributions>>, KernelError>;

    /// How many rows fall into each bin of each column. The counts of two windows are all that the population stability index
    /// needs; counts of inserted and retracted rows add and subtract.
    fn count_bins(&self, tasks: &[CountTask<'_>]) -> Result<Vec<BinCounts>, KernelError>;

    /// How far two windows that were counted over the same cells are apart, for a Kolmogorov-Smirnov test.
    fn compare_counts(&self, tasks: &[CompareTask<'_>]) -> Result<Vec<Comparison>, KernelError>;

    /// For each row of a task, the sum of the kernel over all its other rows, in Q32: what a maximum mean discrepancy is made
    /// of, row by row ([`crate::MmdSums`]).
    fn kernel_sums(&self, tasks: &[KernelSumTask<'_>]) -> Result<Vec<Vec<i64>>, KernelError>;

    /// How often each bucket of hashed tokens was used in each class.
    fn count_tokens(&self, tasks: &[TokenTask<'_>]) -> Result<Vec<TokenCounts>, KernelError>;
}
