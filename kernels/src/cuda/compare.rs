//! Launches that compare windows counted over the same cells.

use super::device::{Device, Kernel};
use crate::KernelError;
use crate::drift::{CompareTask, Comparison};
use cudarc::driver::DeviceRepr;

/// `CompareTask` in `compare.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct CompareCounts {
    reference: u64,
    current: u64,
    ks_numerator: u64,
    reference_rows: u32,
    current_rows: u32,
    cells: u32,
    unused: u32,
}

// SAFETY: words without padding, in the order of the kernel's structure.
unsafe impl DeviceRepr for CompareCounts {}

/// One launch for all tasks, over one table of all counts.
pub(super) fn compare(device: &Device, tasks: &[CompareTask<'_>]) -> Result<Vec<Comparison>, KernelError> {
    let totals = tasks.iter().map(CompareTask::totals).collect::<Result<Vec<[u64; 2]>, KernelError>>()?;
    // No cell holds more rows than its window, which has at most 2^30.
    let counts: Vec<u32> =
        tasks.iter().flat_map(|task| task.reference.iter().chain(task.current)).map(|&count| count as u32).collect();
    let counts = device.upload(&counts)?;
    let numerators = device.zeros::<u64>(tasks.len())?;
    let mut first = device.address(&counts);
    let mut record = |(index, (task, totals)): (usize, (&CompareTask<'_>, &[u64; 2]))| {
        let cells = task.reference.len();
        let bytes = (cells * size_of::<u32>()) as u64;
        let made = CompareCounts {
            reference: first,
            current: first + bytes,
            ks_numerator: device.address(&numerators) + (index * size_of::<u64>()) as u64,
            reference_rows: totals[0] as u32,
            current_rows: totals[1] as u32,
            cells: cells as u32,
            unused: 0,
        };
        first += 2 * bytes;
        made
    };
    let records: Vec<CompareCounts> = tasks.iter().zip(&totals).enumerate().map(&mut record).collect();
    device.tasks(&records)?.launch(Kernel::CompareCounts, |_| 1)?;
    let numerators = device.download(&numerators)?;
    let made = totals.into_iter().zip(numerators);
    Ok(made.map(|([reference, current], ks_numerator)| Comparison { reference, current, ks_numerator }).collect())
}
