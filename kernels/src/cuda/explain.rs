//! Launches that explain rows: one thread a row and tree, Q40 sums rounded on the host as the CPU rounds them.

use super::dataset::RowBins;
use super::device::{Buffer, Device, Kernel};
use super::forest::{CudaForest, joined, pieces, row_bins, score_bins};
use crate::KernelError;
use crate::backend::{Contributions, ForestTask};
use crate::cpu::{ForestPaths, PathEdge, PathTree, round_to_score};
use crate::gbdt::Gbdt;
use crate::rows::Rows;
use cudarc::driver::DeviceRepr;

/// Threads, and so rows, of a block of `explain_rows`.
const EXPLAIN_THREADS: usize = 64;
/// Bytes for products of paths; rows that would need more are explained in several launches.
const PRODUCTS_BYTES_MAX: usize = 256 << 20;

/// `ExplainTask` in `explain.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct ExplainRows {
    words: u64,
    trees: u64,
    edges: u64,
    factors: u64,
    values: u64,
    totals_q40: u64,
    products: u64,
    is_known: u64,
    products_per_block: u64,
    marks_per_block: u64,
    rows: u32,
    columns: u32,
    tree_count: u32,
    first_part: u32,
}

// SAFETY: words without padding, in the order of the kernels' structures.
unsafe impl DeviceRepr for ExplainRows {}
unsafe impl DeviceRepr for PathTree {}
unsafe impl DeviceRepr for PathEdge {}

/// A forest's paths on the device.
#[derive(Debug)]
pub(super) struct ResidentPaths {
    base_q24: i64,
    trees: Buffer<PathTree>,
    edges: Buffer<PathEdge>,
    factors: Buffer<f64>,
    values_q40: Buffer<f64>,
    tree_count: u32,
    /// Entries that the largest tree needs per row.
    products: usize,
    marks: usize,
}

impl ResidentPaths {
    pub(super) fn new(device: &Device, model: &Gbdt) -> Result<Self, KernelError> {
        let tables = ForestPaths::new(model).tables();
        let largest = |of: fn(&PathTree) -> u32| tables.trees.iter().map(of).max().unwrap_or(0) as usize;
        Ok(Self {
            base_q24: tables.base_q24,
            trees: device.upload(&tables.trees)?,
            edges: device.upload(&tables.edges)?,
            factors: device.upload(&tables.factors)?,
            values_q40: device.upload(&tables.values_q40)?,
            tree_count: tables.trees.len() as u32,
            products: largest(|tree| tree.nodes * tree.points),
            marks: largest(|tree| tree.nodes),
        })
    }
}

/// The score of every row, split into contributions of its features.
pub(super) fn explain(
    device: &Device,
    tasks: &[ForestTask<'_, CudaForest>],
) -> Result<Vec<Vec<Contributions>>, KernelError> {
    let pieces = pieces(tasks)?;
    let tables = row_bins(device, &pieces)?;
    let scores = score_bins(device, &pieces, &tables)?;
    let mut made = Vec::with_capacity(pieces.len());
    for ((task, table), scores) in pieces.iter().zip(&tables).zip(scores) {
        let totals = totals_q40(device, task.forest, task.rows, table)?;
        let rows = totals.chunks_exact(task.forest.columns()).zip(scores);
        made.push(rows.map(|(totals, score)| round_to_score(totals, task.forest.paths.base_q24, score)).collect());
    }
    Ok(joined(tasks, made))
}

/// What each column adds to each row, in Q40.
fn totals_q40(device: &Device, forest: &CudaForest, rows: Rows<'_>, table: &RowBins) -> Result<Vec<i64>, KernelError> {
    let paths = &forest.paths;
    let parts = table.rows.div_ceil(EXPLAIN_THREADS as u32) * paths.tree_count;
    let products_per_block = paths.products * EXPLAIN_THREADS;
    let parts_at_once = (PRODUCTS_BYTES_MAX / (8 * products_per_block).max(1)).clamp(1, parts.max(1) as usize) as u32;
    let totals = device.zeros::<i64>(rows.features.len())?;
    let products = device.room::<f64>(products_per_block * parts_at_once as usize)?;
    let is_known = device.room::<u8>(paths.marks * EXPLAIN_THREADS * parts_at_once as usize)?;
    let task = |first_part: u32| ExplainRows {
        words: device.address(&table.words),
        trees: device.address(&paths.trees),
        edges: device.address(&paths.edges),
        factors: device.address(&paths.factors),
        values: device.address(&paths.values_q40),
        totals_q40: device.address(&totals),
        products: device.address(&products),
        is_known: device.address(&is_known),
        products_per_block: products_per_block as u64,
        marks_per_block: (paths.marks * EXPLAIN_THREADS) as u64,
        rows: table.rows,
        columns: table.columns,
        tree_count: paths.tree_count,
        first_part,
    };
    for first_part in (0..parts).step_by(parts_at_once as usize) {
        let count = parts_at_once.min(parts - first_part);
        device.tasks(&[task(first_part)])?.launch(Kernel::ExplainRows, |_| count)?;
    }
    let mut totals = device.download(&totals)?;
    totals.truncate(rows.features.len());
    Ok(totals)
}
