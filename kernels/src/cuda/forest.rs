//! Forests on the device, and launches that score rows with them.

use super::dataset::{BinTask, PIECE_ROWS, RowBins, WORD_COLUMNS, bin_rows, edge_table};
use super::device::{Buffer, Device, Kernel};
use super::explain::ResidentPaths;
use crate::KernelError;
use crate::backend::ForestTask;
use crate::cpu::flat_nodes;
use crate::gbdt::{Gbdt, Tree};
use cudarc::driver::DeviceRepr;

/// Threads of a block of `score_rows`.
const SCORE_THREADS: u32 = 128;
/// Nodes of trees that share a block's memory; the largest tree fits.
const CHUNK_NODES: u32 = 2048;
/// Rows of more words than this share a block with fewer others, so that their bins fit as well.
const NARROW_WORDS: u32 = 32;
/// Features of a call up to this size go through page-locked memory and a graph; more of them take longer to copy once more
/// than launches take. Small in tests, so that both ways are taken.
const REPLAYED_BYTES: usize = if cfg!(test) { 1 << 11 } else { 1 << 18 };

/// `TreeSpan` in `forest.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct TreeSpan {
    first: u32,
    depth: u32,
}

/// `TreeChunk` in `forest.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct TreeChunk {
    first_tree: u32,
    end_tree: u32,
    first_node: u32,
    nodes: u32,
}

/// `ScoreTask` in `forest.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct ScoreRows {
    words: u64,
    nodes: u64,
    values: u64,
    trees: u64,
    chunks: u64,
    scores: u64,
    rows: u32,
    words_per_row: u32,
    chunk_count: u32,
    rows_per_block: u32,
}

// SAFETY: words without padding, in the order of the kernels' structures.
unsafe impl DeviceRepr for TreeSpan {}
unsafe impl DeviceRepr for TreeChunk {}
unsafe impl DeviceRepr for ScoreRows {}

/// A model on the device, laid out for scoring and explaining.
#[derive(Debug)]
pub struct CudaForest {
    columns: usize,
    base_q24: i64,
    edges: Buffer<u32>,
    nodes: Buffer<u32>,
    values: Buffer<i32>,
    trees: Buffer<TreeSpan>,
    chunks: Buffer<TreeChunk>,
    chunk_count: u32,
    chunk_nodes: u32,
    pub(super) paths: ResidentPaths,
}

/// Cuts the trees, in order, into chunks that fit into a block's memory.
fn chunks(trees: &[Tree]) -> Vec<TreeChunk> {
    let mut chunks: Vec<TreeChunk> = Vec::new();
    let mut first_node = 0;
    for (index, tree) in (0..).zip(trees) {
        let nodes = tree.nodes.len() as u32;
        match chunks.last_mut() {
            Some(chunk) if chunk.nodes + nodes <= CHUNK_NODES => {
                chunk.nodes += nodes;
                chunk.end_tree = index + 1;
            }
            _ => chunks.push(TreeChunk { first_tree: index, end_tree: index + 1, first_node, nodes }),
        }
        first_node += nodes;
    }
    chunks
}

impl CudaForest {
    pub(super) fn new(device: &Device, model: &Gbdt) -> Result<Self, KernelError> {
        let nodes: Vec<u32> = model.trees.iter().flat_map(flat_nodes).collect();
        let values: Vec<i32> = model.trees.iter().flat_map(|tree| &tree.nodes).map(|node| node.value_q24).collect();
        let mut first = 0;
        let span = |tree: &Tree| {
            let span = TreeSpan { first, depth: tree.depths().into_iter().max().unwrap_or(0) };
            first += tree.nodes.len() as u32;
            span
        };
        let spans: Vec<TreeSpan> = model.trees.iter().map(span).collect();
        let chunks = chunks(&model.trees);
        Ok(Self {
            columns: model.columns(),
            base_q24: model.base_q24,
            edges: device.upload(&edge_table(&model.edges))?,
            nodes: device.upload(&nodes)?,
            values: device.upload(&values)?,
            trees: device.upload(&spans)?,
            chunks: device.upload(&chunks)?,
            chunk_count: chunks.len() as u32,
            chunk_nodes: chunks.iter().map(|chunk| chunk.nodes).max().unwrap_or(0),
            paths: ResidentPaths::new(device, model)?,
        })
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }
}

/// Cuts the rows of every task into pieces, which are tasks of their own.
pub(super) fn pieces<'a>(tasks: &[ForestTask<'a, CudaForest>]) -> Result<Vec<ForestTask<'a, CudaForest>>, KernelError> {
    tasks.iter().try_for_each(|task| task.rows.check(task.forest.columns))?;
    let cut = |task: &ForestTask<'a, CudaForest>| {
        let forest = task.forest;
        task.rows.pieces(PIECE_ROWS).map(move |rows| ForestTask { forest, rows })
    };
    Ok(tasks.iter().flat_map(cut).collect())
}

/// Puts the results of pieces back together.
pub(super) fn joined<R>(tasks: &[ForestTask<'_, CudaForest>], made: Vec<Vec<R>>) -> Vec<Vec<R>> {
    let mut made = made.into_iter().flatten();
    tasks.iter().map(|task| made.by_ref().take(task.rows.count()).collect()).collect()
}

/// Bins the rows of all tasks in one launch.
pub(super) fn row_bins(device: &Device, tasks: &[ForestTask<'_, CudaForest>]) -> Result<Vec<RowBins>, KernelError> {
    let table = |task: &ForestTask<'_, CudaForest>| {
        RowBins::new(device, task.rows.features, device.address(&task.forest.edges), task.forest.columns)
    };
    let tables = tasks.iter().map(table).collect::<Result<Vec<RowBins>, KernelError>>()?;
    bin_rows(device, &tables)?;
    Ok(tables)
}

impl ScoreRows {
    /// Rows whose bins lie, or will lie, at `words`, and whose sums go to `scores`.
    fn new(device: &Device, forest: &CudaForest, rows: u32, words: u64, scores: u64) -> Self {
        let words_per_row = forest.columns.div_ceil(WORD_COLUMNS) as u32;
        Self {
            words,
            nodes: device.address(&forest.nodes),
            values: device.address(&forest.values),
            trees: device.address(&forest.trees),
            chunks: device.address(&forest.chunks),
            scores,
            rows,
            words_per_row,
            chunk_count: forest.chunk_count,
            rows_per_block: if words_per_row > NARROW_WORDS { 32 } else { SCORE_THREADS },
        }
    }

    fn parts(&self) -> u32 {
        self.rows.div_ceil(self.rows_per_block) * self.chunk_count
    }
}

/// Shared memory of a block that serves any of these tasks.
fn shared_bytes(tasks: &[ForestTask<'_, CudaForest>], made: &[ScoreRows]) -> u32 {
    let shared = |(task, made): (&ForestTask<'_, CudaForest>, &ScoreRows)| {
        4 * (2 * task.forest.chunk_nodes + made.words_per_row * made.rows_per_block)
    };
    tasks.iter().zip(made).map(shared).max().unwrap_or(0)
}

/// The score of every row, in Q24.
pub(super) fn score(device: &Device, tasks: &[ForestTask<'_, CudaForest>]) -> Result<Vec<Vec<i64>>, KernelError> {
    let pieces = pieces(tasks)?;
    let bytes: usize = pieces.iter().map(|task| size_of_val(task.rows.features)).sum();
    if bytes <= REPLAYED_BYTES {
        return Ok(joined(tasks, score_replayed(device, &pieces)?));
    }
    let tables = row_bins(device, &pieces)?;
    Ok(joined(tasks, score_bins(device, &pieces, &tables)?))
}

/// The same for few rows: one copy to the device, one graph, one copy back.
fn score_replayed(device: &Device, tasks: &[ForestTask<'_, CudaForest>]) -> Result<Vec<Vec<i64>>, KernelError> {
    let counts: Vec<usize> = tasks.iter().map(|task| task.rows.count()).collect();
    let total = counts.iter().sum();
    let features: Vec<f32> = tasks.iter().flat_map(|task| task.rows.features).copied().collect();
    let words_of = |task: &ForestTask<'_, CudaForest>| task.rows.count() * task.forest.columns.div_ceil(WORD_COLUMNS);
    let word_count = tasks.iter().map(words_of).sum();
    let mut replay = device.scoring();
    let scores = replay.run(device, |plan| {
        let scores = plan.zeros::<i64>(total);
        let features = plan.table(&features);
        let words = plan.zeros::<u32>(word_count);
        let (mut row, mut cell, mut word) = (0, 0, 0);
        let (mut binned, mut scored) = (Vec::new(), Vec::new());
        for (task, &count) in tasks.iter().zip(&counts) {
            let own_words = plan.address::<u32>(words, word);
            binned.push(BinTask {
                features: plan.address::<f32>(features, cell),
                edges: device.address(&task.forest.edges),
                words: own_words,
                rows: count as u32,
                columns: task.forest.columns as u32,
            });
            let own_scores = plan.address::<i64>(scores, row);
            scored.push(ScoreRows::new(device, task.forest, count as u32, own_words, own_scores));
            row += count;
            cell += task.rows.features.len();
            word += words_of(task);
        }
        let table = plan.table(&binned);
        plan.launch((Kernel::BinRows, 0), (table, tasks.len()), |index| binned[index].parts());
        let table = plan.table(&scored);
        let shared_bytes = shared_bytes(tasks, &scored);
        plan.launch((Kernel::ScoreRows, shared_bytes), (table, tasks.len()), |index| scored[index].parts());
        scores
    })?;
    let mut sums = replay.read::<i64>(device, scores, total)?.into_iter();
    let own = |(task, &count): (&ForestTask<'_, CudaForest>, &usize)| {
        sums.by_ref().take(count).map(|sum| sum + task.forest.base_q24).collect()
    };
    Ok(tasks.iter().zip(&counts).map(own).collect())
}

/// The scores of rows whose bins are known.
pub(super) fn score_bins(
    device: &Device,
    tasks: &[ForestTask<'_, CudaForest>],
    tables: &[RowBins],
) -> Result<Vec<Vec<i64>>, KernelError> {
    let zeros = |task: &ForestTask<'_, CudaForest>| device.zeros(task.rows.count());
    let scores = tasks.iter().map(zeros).collect::<Result<Vec<Buffer<i64>>, KernelError>>()?;
    let made = |((task, table), scores): ((&ForestTask<'_, CudaForest>, &RowBins), &Buffer<i64>)| {
        ScoreRows::new(device, task.forest, table.rows, device.address(&table.words), device.address(scores))
    };
    let made: Vec<ScoreRows> = tasks.iter().zip(tables).zip(&scores).map(made).collect();
    let shared_bytes = shared_bytes(tasks, &made);
    device.tasks(&made)?.launch_shared(Kernel::ScoreRows, shared_bytes, |index| made[index].parts())?;
    let result = |(task, scores): (&ForestTask<'_, CudaForest>, &Buffer<i64>)| {
        let mut scores = device.download(scores)?;
        scores.truncate(task.rows.count());
        // Sums are integers, so the base may be added last; sending it would cost as much as the scores.
        scores.iter_mut().for_each(|score| *score += task.forest.base_q24);
        Ok(scores)
    };
    tasks.iter().zip(&scores).map(result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gbdt::Node;

    #[test]
    fn chunks_hold_whole_trees_and_all_of_them() {
        let sizes = [1, 2047, 1, 1, 1000, 1047, 5];
        let trees = sizes.map(|nodes| Tree { nodes: vec![Node::default(); nodes] });
        let made: Vec<[u32; 4]> =
            chunks(&trees).iter().map(|c| [c.first_tree, c.end_tree, c.first_node, c.nodes]).collect();
        assert_eq!(made, [[0, 2, 0, 2048], [2, 5, 2048, 1002], [5, 7, 3050, 1052]]);
        assert!(chunks(&[]).is_empty());
    }
}
