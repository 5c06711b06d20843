//! Launches that fill, restore and subtract histograms.

use super::device::{Device, DeviceSums, Kernel};
use super::replay::Plan;
use super::training::CudaTraining;
use crate::KernelError;
use crate::backend::{HistogramTask, SubtractTask};
use crate::exact::PACKED_WEIGHT_MAX;
use cudarc::driver::DeviceRepr;

/// Columns of a block of `fill_histograms`.
const GROUP_COLUMNS: u32 = 16;
/// Two planes of sixteen columns times 256 bins.
const SHARED_BYTES: u32 = 2 * GROUP_COLUMNS * 256 * 4;
/// Rows of a block of `fill_histograms`: many enough that flushing a plane costs little beside filling it.
const ROWS_PER_BLOCK: u32 = 8192;
/// Columns of a block of `restore_hot_bins`.
const RESTORE_WARPS: u32 = 8;
/// Entries of a block of `subtract_histograms` and `clear_histograms`.
const SUBTRACT_ENTRIES: u32 = 1024;

/// `HistogramTask` in `histogram.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct FillHistogram {
    job: u64,
    histogram: u64,
    total: u64,
    start: u32,
    end: u32,
    rows_per_block: u32,
    rows_per_flush: u32,
}

/// `SubtractTask` in `histogram.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct SubtractHistogram {
    from: u64,
    minus: u64,
    entries: u32,
    unused: u32,
}

// SAFETY: words without padding, in the order of the kernels' structures.
unsafe impl DeviceRepr for FillHistogram {}
unsafe impl DeviceRepr for SubtractHistogram {}

impl SubtractHistogram {
    fn parts(&self) -> u32 {
        self.entries.div_ceil(SUBTRACT_ENTRIES)
    }
}

/// Asks for histograms to be filled; they are when something depends on them, so that a round of training is one sequence.
pub(super) fn fill(device: &Device, training: &mut CudaTraining, tasks: &[HistogramTask]) -> Result<(), KernelError> {
    let is_asked = |asked: &HistogramTask| tasks.iter().any(|task| (task.job, task.slot) == (asked.job, asked.slot));
    let pending = training.pending();
    if !pending.subtracts.is_empty() || pending.fills.iter().any(is_asked) {
        drop(pending);
        training.settle(device)?;
    } else {
        drop(pending);
    }
    training.pending().fills.extend_from_slice(tasks);
    Ok(())
}

/// Asks for parents' histograms to be turned into children's.
pub(super) fn subtract(
    device: &Device,
    training: &mut CudaTraining,
    tasks: &[SubtractTask],
) -> Result<(), KernelError> {
    if !training.pending().subtracts.is_empty() {
        training.settle(device)?;
    }
    training.pending().subtracts.extend_from_slice(tasks);
    Ok(())
}

/// Plans what was asked for: zeros, sums of all bins but the most frequent, that one as what is left of the total, and then
/// differences.
pub(super) fn plan(
    plan: &mut Plan,
    device: &Device,
    training: &CudaTraining,
    (fills, subtracts): (&[HistogramTask], &[SubtractTask]),
) {
    if !fills.is_empty() {
        plan_fills(plan, device, training, fills);
    }
    if subtracts.is_empty() {
        return;
    }
    let task = |task: &SubtractTask| SubtractHistogram {
        from: training.slot(device, task.job, task.from),
        minus: training.slot(device, task.job, task.minus),
        entries: training.jobs[task.job].entries() as u32,
        unused: 0,
    };
    let made: Vec<SubtractHistogram> = subtracts.iter().map(task).collect();
    let table = plan.table(&made);
    plan.launch((Kernel::SubtractHistograms, 0), (table, made.len()), |index| made[index].parts());
}

fn plan_fills(plan: &mut Plan, device: &Device, training: &CudaTraining, tasks: &[HistogramTask]) {
    let clear = |task: &HistogramTask| SubtractHistogram {
        from: training.slot(device, task.job, task.slot),
        minus: 0,
        entries: training.jobs[task.job].entries() as u32,
        unused: 0,
    };
    let cleared: Vec<SubtractHistogram> = tasks.iter().map(clear).collect();
    let table = plan.table(&cleared);
    plan.launch((Kernel::ClearHistograms, 0), (table, tasks.len()), |index| cleared[index].parts());
    let totals = plan.zeros::<DeviceSums>(tasks.len());
    let fill = |(index, task): (usize, &HistogramTask)| FillHistogram {
        job: training.record(device, task.job),
        histogram: training.slot(device, task.job, task.slot),
        total: plan.address::<DeviceSums>(totals, index),
        start: task.rows.start,
        end: task.rows.end,
        rows_per_block: ROWS_PER_BLOCK,
        rows_per_flush: (PACKED_WEIGHT_MAX / u64::from(training.jobs[task.job].dataset.weight_max)) as u32,
    };
    let filled: Vec<FillHistogram> = tasks.iter().enumerate().map(fill).collect();
    let columns = |index: usize| training.jobs[tasks[index].job].columns();
    let parts = |index: usize| {
        let rows = filled[index].end - filled[index].start;
        rows.div_ceil(ROWS_PER_BLOCK) * columns(index).div_ceil(GROUP_COLUMNS)
    };
    let table = plan.table(&filled);
    plan.launch((Kernel::FillHistograms, SHARED_BYTES), (table, tasks.len()), parts);
    let restore = |index| columns(index).div_ceil(RESTORE_WARPS);
    plan.launch((Kernel::RestoreHotBins, 0), (table, tasks.len()), restore);
}
