//! Launches that sum a Gaussian kernel over pairs of rows.

use super::device::{Buffer, Device, Kernel};
use crate::KernelError;
use crate::drift::{KernelSumTask, place};
use crate::rows::Rows;
use cudarc::driver::DeviceRepr;

/// Rows of a block of `kernel_sums`, its others, and how many of those it holds at once.
const PAIR_THREADS: u32 = 128;
const PAIR_OTHERS: u32 = 4096;
const PAIR_LANES: u32 = 4;
/// Columns of a word of marks.
const MARKS: usize = 32;
/// Rows of a piece at most: the numbers of its blocks stay within 32 bits. Small in tests, so that they cut rows.
const PIECE_ROWS: usize = if cfg!(test) { 150 } else { 1 << 20 };

/// `PairTask` in `kernel_sums.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct PairSums {
    rows: u64,
    row_missing: u64,
    others: u64,
    other_missing: u64,
    sums: u64,
    gamma: f64,
    row_count: u32,
    other_count: u32,
    columns: u32,
    words: u32,
}

// SAFETY: words without padding, in the order of the kernel's structure.
unsafe impl DeviceRepr for PairSums {}

impl PairSums {
    fn parts(&self) -> u32 {
        self.row_count.div_ceil(PAIR_THREADS) * self.other_count.div_ceil(PAIR_OTHERS)
    }

    fn shared_bytes(&self) -> u32 {
        PAIR_LANES * (8 * self.columns + 4 * self.words)
    }
}

/// Rows on the device: their places, and which columns they have no value in.
struct Points {
    places: Buffer<f32>,
    missing: Buffer<u32>,
}

fn marks(row: &[f32]) -> impl Iterator<Item = u32> {
    row.chunks(MARKS)
        .map(|part| part.iter().zip(0..).fold(0, |word, (value, bit)| word | u32::from(value.is_nan()) << bit))
}

/// A table of `width` entries a row, turned so that the entries of a column stand together.
fn turned<T: Copy>(table: &[T], width: usize) -> Vec<T> {
    (0..width).flat_map(|column| table.iter().skip(column).step_by(width)).copied().collect()
}

impl Points {
    fn new(device: &Device, rows: Rows<'_>, by_column: bool) -> Result<Self, KernelError> {
        let mut places: Vec<f32> = rows.features.iter().map(|&value| place(value)).collect();
        let mut missing: Vec<u32> = rows.features.chunks_exact(rows.columns).flat_map(marks).collect();
        if by_column {
            places = turned(&places, rows.columns);
            missing = turned(&missing, rows.columns.div_ceil(MARKS));
        }
        Ok(Self { places: device.upload(&places)?, missing: device.upload(&missing)? })
    }
}

/// One piece of a task's rows.
struct Piece {
    task: usize,
    count: usize,
    points: Points,
    sums: Buffer<i64>,
}

/// One launch for all tasks, over pieces of their rows.
pub(super) fn sums(device: &Device, tasks: &[KernelSumTask<'_>]) -> Result<Vec<Vec<i64>>, KernelError> {
    tasks.iter().try_for_each(KernelSumTask::check)?;
    let others = |task: &KernelSumTask<'_>| Points::new(device, task.others, false);
    let others = tasks.iter().map(others).collect::<Result<Vec<Points>, KernelError>>()?;
    let cut = (0..).zip(tasks).flat_map(|(task, own)| own.rows.pieces(PIECE_ROWS).map(move |rows| (task, rows)));
    let piece = |(task, rows): (usize, Rows<'_>)| {
        let count = rows.count();
        Ok(Piece { task, count, points: Points::new(device, rows, true)?, sums: device.zeros(count)? })
    };
    let pieces = cut.map(piece).collect::<Result<Vec<Piece>, KernelError>>()?;
    let record = |piece: &Piece| {
        let (task, others) = (&tasks[piece.task], &others[piece.task]);
        PairSums {
            rows: device.address(&piece.points.places),
            row_missing: device.address(&piece.points.missing),
            others: device.address(&others.places),
            other_missing: device.address(&others.missing),
            sums: device.address(&piece.sums),
            gamma: task.gamma(),
            row_count: piece.count as u32,
            other_count: task.others.count() as u32,
            columns: task.rows.columns as u32,
            words: task.rows.columns.div_ceil(MARKS) as u32,
        }
    };
    let records: Vec<PairSums> = pieces.iter().map(record).collect();
    let shared_bytes = records.iter().map(PairSums::shared_bytes).max().unwrap_or(0);
    let parts = |index: usize| records[index].parts();
    device.tasks(&records)?.launch_shared(Kernel::SumPairs, shared_bytes, parts)?;
    let mut sums = vec![Vec::new(); tasks.len()];
    for piece in &pieces {
        sums[piece.task].extend(device.download(&piece.sums)?.into_iter().take(piece.count));
    }
    Ok(sums)
}
