//! The host's side of one job: the tree that is growing, its leaves, and which of them is split next.
//!
//! Leaves are picked by gain, ties to the lowest node, so the tree is a function of the splits alone.

use crate::backend::{HistogramTask, JobStart, LeafTask, PartitionTask, Split, SplitTask, Summary};
use crate::exact::{Classes, GRADIENT_ONE, Sums, logit_q24, mix};
use crate::gbdt::{Gbdt, Node, Tree};
use crate::params::{GbdtParams, Growth};
use std::ops::Range;

/// Separates the hashes that choose columns from those that choose rows.
const COLUMN_STREAM: u64 = 0x636f_6c75_6d6e_7331;

/// A leaf of the growing tree. It has a histogram in `slot` while it may still be split.
#[derive(Debug)]
struct Leaf {
    node: usize,
    depth: u32,
    rows: Range<u32>,
    slot: usize,
    total: Sums,
    split: Option<Split>,
}

/// The two leaves a split made, by number of rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Children {
    pub(super) small: usize,
    pub(super) large: usize,
}

/// One model in training.
#[derive(Debug)]
pub(super) struct Grower<'a> {
    summary: &'a Summary,
    params: &'a GbdtParams,
    lambda: f64,
    learning_rate: f64,
    min_hessian: i64,
    columns: Vec<u16>,
    nodes: Vec<Node>,
    leaves: Vec<Leaf>,
    trees: Vec<Tree>,
}

/// Thousandths of a row in gradient units.
fn units(milli: u32) -> f64 {
    (i64::from(milli) * GRADIENT_ONE) as f64 / 1000.0
}

impl<'a> Grower<'a> {
    pub(super) fn new(summary: &'a Summary, params: &'a GbdtParams) -> Self {
        Self {
            summary,
            params,
            lambda: units(params.lambda_milli),
            learning_rate: f64::from(params.learning_rate_milli) / 1000.0,
            // At least one, so that no child is empty.
            min_hessian: (units(params.min_child_hessian_milli) as i64).max(1),
            columns: Vec::new(),
            nodes: Vec::new(),
            leaves: Vec::new(),
            trees: Vec::new(),
        }
    }

    /// Log-odds of the true share of defective rows.
    fn share_q24(&self) -> i64 {
        logit_q24(self.summary.classes.defective, self.summary.classes.total())
    }

    pub(super) fn job_start<'d, D>(&self, dataset: &'d D) -> JobStart<'d, D> {
        let weights = self.summary.classes;
        let balance = self.params.balance_classes;
        JobStart {
            dataset,
            // Balanced classes have even odds before any tree.
            start_q24: if balance { 0 } else { self.share_q24() },
            classes: if balance { Classes::balanced(weights.clean, weights.defective) } else { Classes::PLAIN },
            seed: self.params.seed,
            row_hash_below: (u64::from(self.params.rows_per_tree_milli) << 32) / 1000,
            slots: self.params.leaves_max as usize,
        }
    }

    pub(super) fn trees(&self) -> u32 {
        self.params.trees
    }

    /// Takes the columns with the lowest hashes for this tree and starts from one leaf of all rows.
    pub(super) fn start_tree(&mut self, tree: u32, total: Sums) {
        let count = self.summary.edges.count();
        let kept = (count * self.params.columns_per_tree_milli as usize).div_ceil(1000);
        let stream = mix(self.params.seed ^ COLUMN_STREAM).wrapping_add(u64::from(tree) << 16);
        let mut columns: Vec<u16> = (0..count as u16).collect();
        columns.sort_unstable_by_key(|&column| (mix(stream.wrapping_add(u64::from(column))), column));
        columns.truncate(kept);
        columns.sort_unstable();
        self.columns = columns;
        self.nodes = vec![Node { cover: total.hessian.max(1) as u64, ..Node::default() }];
        let rows = 0..self.summary.rows;
        self.leaves = vec![Leaf { node: 0, depth: 0, rows, slot: 0, total, split: None }];
    }

    /// Whether a leaf may be split as far as is known before its histogram.
    pub(super) fn is_open(&self, leaf: usize) -> bool {
        let leaf = &self.leaves[leaf];
        let has_room = (self.leaves.len() as u32) < self.params.leaves_max;
        has_room && leaf.depth < self.params.depth_max && leaf.total.hessian >= 2 * self.min_hessian
    }

    pub(super) fn slot(&self, leaf: usize) -> usize {
        self.leaves[leaf].slot
    }

    pub(super) fn histogram_task(&self, job: usize, leaf: usize) -> HistogramTask {
        let leaf = &self.leaves[leaf];
        HistogramTask { job, slot: leaf.slot, rows: leaf.rows.clone() }
    }

    pub(super) fn split_task(&self, job: usize, leaf: usize) -> SplitTask<'_> {
        SplitTask {
            job,
            slot: self.leaves[leaf].slot,
            total: self.leaves[leaf].total,
            columns: &self.columns,
            lambda: self.lambda,
            min_hessian: self.min_hessian,
        }
    }

    pub(super) fn set_split(&mut self, leaf: usize, split: Option<Split>) {
        self.leaves[leaf].split = split;
    }

    /// The leaves to split now.
    pub(super) fn pick(&self) -> Vec<usize> {
        let room = (self.params.leaves_max as usize).saturating_sub(self.leaves.len());
        let gain = |leaf: usize| self.leaves[leaf].split.map_or(0.0, |split| split.gain);
        let mut picks: Vec<usize> = (0..self.leaves.len()).filter(|&leaf| self.leaves[leaf].split.is_some()).collect();
        picks.sort_by(|&a, &b| gain(b).total_cmp(&gain(a)).then(self.leaves[a].node.cmp(&self.leaves[b].node)));
        picks.truncate(match self.params.growth {
            Growth::Leaves => room.min(1),
            Growth::Levels => room,
        });
        picks
    }

    pub(super) fn partition_task(&self, job: usize, leaf: usize) -> PartitionTask {
        let leaf = &self.leaves[leaf];
        let split = leaf.split.expect("a picked leaf has a split");
        PartitionTask { job, rows: leaf.rows.clone(), column: split.column, bin: split.bin }
    }

    /// Replaces a leaf by its two children; the larger one inherits the histogram.
    pub(super) fn split(&mut self, index: usize, left_rows: u32) -> Children {
        let leaf = &mut self.leaves[index];
        let split = leaf.split.take().expect("a picked leaf has a split");
        let (first, end, depth) = (leaf.rows.start, leaf.rows.end, leaf.depth + 1);
        let middle = first + left_rows;
        let (old_slot, total) = (leaf.slot, leaf.total);
        let (left, new) = (self.nodes.len(), self.leaves.len());
        let node = &mut self.nodes[self.leaves[index].node];
        (node.left, node.column, node.bin) = (left as u16, split.column, split.bin);
        let is_left_small = left_rows <= end - middle;
        let (left_slot, right_slot) = if is_left_small { (new, old_slot) } else { (old_slot, new) };
        let right_total = total - split.left;
        for total in [split.left, right_total] {
            self.nodes.push(Node { cover: total.hessian as u64, ..Node::default() });
        }
        let leaf = |node, rows, slot, total| Leaf { node, depth, rows, slot, total, split: None };
        self.leaves[index] = leaf(left, first..middle, left_slot, split.left);
        self.leaves.push(leaf(left + 1, middle..end, right_slot, right_total));
        if is_left_small { Children { small: index, large: new } } else { Children { small: new, large: index } }
    }

    /// Sets leaf values, keeps the tree, and gives what each leaf adds to its rows.
    pub(super) fn finish_tree(&mut self, job: usize) -> Vec<LeafTask> {
        let mut tasks = Vec::with_capacity(self.leaves.len());
        for leaf in self.leaves.drain(..) {
            let value_q24 = leaf.total.leaf_q24(self.lambda, self.learning_rate);
            self.nodes[leaf.node].value_q24 = value_q24;
            tasks.push(LeafTask { job, rows: leaf.rows, value_q24 });
        }
        self.trees.push(Tree { nodes: std::mem::take(&mut self.nodes) });
        tasks
    }

    pub(super) fn into_model(self) -> Gbdt {
        Gbdt { base_q24: self.share_q24(), edges: (*self.summary.edges).clone(), trees: self.trees }
    }
}
