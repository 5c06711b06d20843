//! Launches that find the best split of each node.

use super::device::{Device, DeviceSums, Kernel};
use super::histogram;
use super::replay::{Plan, Section};
use super::training::CudaTraining;
use crate::KernelError;
use crate::backend::{Split, SplitTask};
use cudarc::driver::DeviceRepr;

/// Columns of a block of `scan_columns`.
const SCAN_WARPS: u32 = 4;

/// `Candidate` in `split.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Candidate {
    gain: f64,
    left: DeviceSums,
    column: u32,
    bin: u32,
}

/// `SplitTask` in `split.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct FindSplit {
    histogram: u64,
    columns: u64,
    candidates: u64,
    best: u64,
    total: DeviceSums,
    lambda: f64,
    min_hessian: i64,
    column_count: u32,
    unused: u32,
}

// SAFETY: words without padding, in the order of the kernels' structures; zero bytes are a candidate without gain.
unsafe impl DeviceRepr for Candidate {}
unsafe impl DeviceRepr for FindSplit {}

impl Candidate {
    fn split(self) -> Option<Split> {
        (self.gain > 0.0).then(|| Split {
            gain: self.gain,
            column: self.column as u16,
            bin: self.bin as u8,
            left: self.left.into(),
        })
    }
}

/// The best split of each node: one launch over all columns of all nodes, one over the nodes, behind whatever histograms
/// were asked for.
pub(super) fn best(
    device: &Device,
    training: &CudaTraining,
    tasks: &[SplitTask<'_>],
) -> Result<Vec<Option<Split>>, KernelError> {
    let columns: Vec<u16> = tasks.iter().flat_map(|task| task.columns).copied().collect();
    let mut pending = training.pending();
    let (fills, subtracts) = pending.take();
    let best = pending.replay.run(device, |plan| {
        histogram::plan(plan, device, training, (&fills, &subtracts));
        plan_splits(plan, device, training, (tasks, &columns))
    })?;
    let made = pending.replay.read::<Candidate>(device, best, tasks.len())?;
    Ok(made.into_iter().map(Candidate::split).collect())
}

/// Plans the search; gives where the best candidates will lie.
fn plan_splits(
    plan: &mut Plan,
    device: &Device,
    training: &CudaTraining,
    (tasks, columns): (&[SplitTask<'_>], &[u16]),
) -> Section {
    let best = plan.zeros::<Candidate>(tasks.len());
    let candidates = plan.zeros::<Candidate>(columns.len());
    let columns = plan.table(columns);
    let mut first = 0;
    let mut made = Vec::with_capacity(tasks.len());
    for (index, task) in tasks.iter().enumerate() {
        made.push(FindSplit {
            histogram: training.slot(device, task.job, task.slot),
            columns: plan.address::<u16>(columns, first),
            candidates: plan.address::<Candidate>(candidates, first),
            best: plan.address::<Candidate>(best, index),
            total: task.total.into(),
            lambda: task.lambda,
            min_hessian: task.min_hessian,
            column_count: task.columns.len() as u32,
            unused: 0,
        });
        first += task.columns.len();
    }
    let table = plan.table(&made);
    let parts = |index: usize| made[index].column_count.div_ceil(SCAN_WARPS);
    plan.launch((Kernel::ScanColumns, 0), (table, tasks.len()), parts);
    plan.launch((Kernel::PickSplits, 0), (table, tasks.len()), |_| 1);
    best
}
