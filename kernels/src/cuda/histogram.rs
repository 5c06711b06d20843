//! Launches that fill, restore and subtract histograms.

use super::device::{Device, DeviceSums, Kernel};
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

/// Fills histograms: zeros, sums of all bins but the most frequent, and that one as what is left of the total.
pub(super) fn fill(device: &Device, training: &mut CudaTraining, tasks: &[HistogramTask]) -> Result<(), KernelError> {
    let totals = device.zeros::<DeviceSums>(tasks.len())?;
    let first = device.address(&totals);
    let clear = |task: &HistogramTask| SubtractHistogram {
        from: training.slot(device, task.job, task.slot),
        minus: 0,
        entries: training.jobs[task.job].entries() as u32,
        unused: 0,
    };
    let cleared: Vec<SubtractHistogram> = tasks.iter().map(clear).collect();
    device.tasks(&cleared)?.launch(Kernel::ClearHistograms, |index| cleared[index].parts())?;
    let fill = |(index, task): (usize, &HistogramTask)| FillHistogram {
        job: training.record(device, task.job),
        histogram: training.slot(device, task.job, task.slot),
        total: first + (index * size_of::<DeviceSums>()) as u64,
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
    let launches = device.tasks(&filled)?;
    launches
        .launch_shared(Kernel::FillHistograms, SHARED_BYTES, parts)?
        .launch(Kernel::RestoreHotBins, |index| columns(index).div_ceil(RESTORE_WARPS))?;
    Ok(())
}

/// Turns parents' histograms into children's.
pub(super) fn subtract(
    device: &Device,
    training: &mut CudaTraining,
    tasks: &[SubtractTask],
) -> Result<(), KernelError> {
    let task = |task: &SubtractTask| SubtractHistogram {
        from: training.slot(device, task.job, task.from),
        minus: training.slot(device, task.job, task.minus),
        entries: training.jobs[task.job].entries() as u32,
        unused: 0,
    };
    let made: Vec<SubtractHistogram> = tasks.iter().map(task).collect();
    device.tasks(&made)?.launch(Kernel::SubtractHistograms, |index| made[index].parts())?;
    Ok(())
}
