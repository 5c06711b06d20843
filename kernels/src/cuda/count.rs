//! Launches that count rows by bin.

use super::dataset::{CountBinsTask, RowBins, bin_rows, edge_table};
use super::device::{Buffer, Device, Kernel};
use crate::KernelError;
use crate::backend::CountTask;
use crate::edges::BinCounts;
use crate::exact::BINS;

/// How many rows fall into each bin of each column.
pub(super) fn count_bins(device: &Device, tasks: &[CountTask<'_>]) -> Result<Vec<BinCounts>, KernelError> {
    tasks.iter().try_for_each(|task| task.rows.check(task.edges.count()))?;
    let edges = |task: &CountTask<'_>| device.upload(&edge_table(task.edges));
    let edges = tasks.iter().map(edges).collect::<Result<Vec<Buffer<u32>>, KernelError>>()?;
    let table = |(task, edges): (&CountTask<'_>, &Buffer<u32>)| {
        RowBins::new(device, task.rows.features, device.address(edges), task.edges.count())
    };
    let tables = tasks.iter().zip(&edges).map(table).collect::<Result<Vec<RowBins>, KernelError>>()?;
    bin_rows(device, &tables)?;
    let room = |task: &CountTask<'_>| device.zeros(task.edges.count() * BINS);
    let counts = tasks.iter().map(room).collect::<Result<Vec<Buffer<u64>>, KernelError>>()?;
    let made = |(table, counts): (&RowBins, &Buffer<u64>)| CountBinsTask {
        words: device.address(&table.words),
        counts: device.address(counts),
        hot: 0,
        rows: table.rows,
        columns: table.columns,
    };
    let made: Vec<CountBinsTask> = tables.iter().zip(&counts).map(made).collect();
    device.tasks(&made)?.launch(Kernel::CountBins, |index| made[index].parts())?;
    let result = |(task, counts): (&CountTask<'_>, &Buffer<u64>)| {
        let counts = device.download(counts)?;
        let columns = counts.as_chunks::<BINS>().0.iter().take(task.edges.count());
        Ok(BinCounts { columns: columns.copied().collect() })
    };
    tasks.iter().zip(&counts).map(result).collect()
}
