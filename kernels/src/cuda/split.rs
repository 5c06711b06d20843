//! Launches that find the best split of each node.

use super::device::{Device, DeviceSums, Kernel};
use super::training::CudaTraining;
use crate::KernelError;
use crate::backend::{Split, SplitTask};
use cudarc::driver::{DeviceRepr, ValidAsZeroBits};

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
unsafe impl ValidAsZeroBits for Candidate {}
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

/// The best split of each node: one launch over all columns of all nodes, one over the nodes.
pub(super) fn best(
    device: &Device,
    training: &CudaTraining,
    tasks: &[SplitTask<'_>],
) -> Result<Vec<Option<Split>>, KernelError> {
    let columns: Vec<u16> = tasks.iter().flat_map(|task| task.columns).copied().collect();
    let candidates = device.room::<Candidate>(columns.len())?;
    let columns = device.upload(&columns)?;
    let best = device.zeros::<Candidate>(tasks.len())?;
    let mut first = 0;
    let mut made = Vec::with_capacity(tasks.len());
    for (index, task) in tasks.iter().enumerate() {
        made.push(FindSplit {
            histogram: training.slot(device, task.job, task.slot),
            columns: device.address(&columns) + (first * size_of::<u16>()) as u64,
            candidates: device.address(&candidates) + (first * size_of::<Candidate>()) as u64,
            best: device.address(&best) + (index * size_of::<Candidate>()) as u64,
            total: task.total.into(),
            lambda: task.lambda,
            min_hessian: task.min_hessian,
            column_count: task.columns.len() as u32,
            unused: 0,
        });
        first += task.columns.len();
    }
    let launches = device.tasks(&made)?;
    launches
        .launch(Kernel::ScanColumns, |index| made[index].column_count.div_ceil(SCAN_WARPS))?
        .launch(Kernel::PickSplits, |_| 1)?;
    Ok(device.download(&best)?.into_iter().take(tasks.len()).map(Candidate::split).collect())
}
