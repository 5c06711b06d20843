//! Launches that count rows by bin.

use super::dataset::{CountBinsTask, PIECE_ROWS, RowBins, bin_rows, edge_table};
use super::device::{Buffer, Device, Kernel};
use crate::KernelError;
use crate::backend::CountTask;
use crate::edges::BinCounts;
use crate::exact::BINS;
use crate::rows::Rows;

/// How many rows fall into each bin of each column.
pub(super) fn count_bins(device: &Device, tasks: &[CountTask<'_>]) -> Result<Vec<BinCounts>, KernelError> {
    tasks.iter().try_for_each(|task| task.rows.check(task.edges.count()))?;
    let edges = |task: &CountTask<'_>| device.upload(&edge_table(task.edges));
    let edges = tasks.iter().map(edges).collect::<Result<Vec<Buffer<u32>>, KernelError>>()?;
    let room = |task: &CountTask<'_>| device.zeros(task.edges.count() * BINS);
    let counts = tasks.iter().map(room).collect::<Result<Vec<Buffer<u64>>, KernelError>>()?;
    // Pieces of one task share its counts.
    let pieces: Vec<(usize, Rows<'_>)> =
        (0..).zip(tasks).flat_map(|(task, own)| own.rows.pieces(PIECE_ROWS).map(move |piece| (task, piece))).collect();
    let table = |&(task, rows): &(usize, Rows<'_>)| {
        RowBins::new(device, rows.features, device.address(&edges[task]), rows.columns)
    };
    let tables = pieces.iter().map(table).collect::<Result<Vec<RowBins>, KernelError>>()?;
    bin_rows(device, &tables)?;
    let made = |(table, (task, _)): (&RowBins, &(usize, Rows<'_>))| CountBinsTask {
        words: device.address(&table.words),
        counts: device.address(&counts[*task]),
        hot: 0,
        rows: table.rows,
        columns: table.columns,
    };
    let made: Vec<CountBinsTask> = tables.iter().zip(&pieces).map(made).collect();
    device.tasks(&made)?.launch(Kernel::CountBins, |index| made[index].parts())?;
    let result = |(task, counts): (&CountTask<'_>, &Buffer<u64>)| {
        let counts = device.download(counts)?;
        let columns = counts.as_chunks::<BINS>().0.iter().take(task.edges.count());
        Ok(BinCounts { columns: columns.copied().collect() })
    };
    tasks.iter().zip(&counts).map(result).collect()
}
