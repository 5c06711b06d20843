//! Binned data sets on the device: edges come from the host's sorted counts, bins from the device.

use super::device::{Buffer, Device, Kernel};
use crate::KernelError;
use crate::backend::Summary;
use crate::cpu::column_edges;
use crate::edges::Edges;
use crate::exact::BINS;
use crate::rows::TrainSet;
use cudarc::driver::DeviceRepr;
use rayon::prelude::*;
use std::borrow::Cow;
use std::sync::Arc;

/// Columns of a word of bins.
pub(super) const WORD_COLUMNS: usize = 4;
/// Rows of a table that is scored, explained or counted at most: the numbers of its blocks stay within 32 bits.
/// Small in tests, so that they cut rows.
pub(super) const PIECE_ROWS: usize = if cfg!(test) { 200 } else { 1 << 20 };
/// Rows of a block of `bin_rows`.
const BIN_ROWS: u32 = 1024;
/// Rows of a block of `count_bins`.
const COUNT_ROWS: u32 = 16_384;

/// A binned data set in device memory.
#[derive(Clone, Debug)]
pub struct CudaDataset(pub(super) Arc<Resident>);

impl CudaDataset {
    /// What the host knows of it.
    pub(crate) fn summary(&self) -> &Summary {
        &self.0.summary
    }
}

/// A choice of rows shares all but its weights with its set.
#[derive(Debug)]
pub(super) struct Resident {
    pub(super) summary: Summary,
    /// Bins of four columns a word, word after word.
    pub(super) words: Arc<Buffer<u32>>,
    pub(super) keys: Arc<Buffer<u64>>,
    /// Weight in the high bits, label in the lowest.
    pub(super) marks: Buffer<u32>,
    /// The most frequent bin of each column.
    pub(super) hot: Arc<Buffer<u8>>,
    pub(super) weight_max: u32,
}

/// `BinTask` in `bin.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct BinTask {
    pub(super) features: u64,
    pub(super) edges: u64,
    pub(super) words: u64,
    pub(super) rows: u32,
    pub(super) columns: u32,
}

/// `CountTask` in `count.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct CountBinsTask {
    pub(super) words: u64,
    pub(super) counts: u64,
    pub(super) hot: u64,
    pub(super) rows: u32,
    pub(super) columns: u32,
}

// SAFETY: words without padding, in the order of the kernels' structures.
unsafe impl DeviceRepr for BinTask {}
unsafe impl DeviceRepr for CountBinsTask {}

impl BinTask {
    pub(super) fn parts(&self) -> u32 {
        self.columns.div_ceil(WORD_COLUMNS as u32) * self.rows.div_ceil(BIN_ROWS)
    }
}

impl CountBinsTask {
    pub(super) fn parts(&self) -> u32 {
        self.columns.div_ceil(WORD_COLUMNS as u32) * self.rows.div_ceil(COUNT_ROWS)
    }
}

/// Rows on the device, with room for their bins.
#[derive(Debug)]
pub(super) struct RowBins {
    pub(super) words: Buffer<u32>,
    pub(super) rows: u32,
    pub(super) columns: u32,
    features: Buffer<f32>,
    edges: u64,
}

impl RowBins {
    /// Uploads whole rows; `edges` is the address of an [`edge_table`] that stays until [`bin_rows`] has returned.
    pub(super) fn new(device: &Device, features: &[f32], edges: u64, columns: usize) -> Result<Self, KernelError> {
        let rows = features.len() / columns.max(1);
        Ok(Self {
            words: device.room(rows * columns.div_ceil(WORD_COLUMNS))?,
            rows: rows as u32,
            columns: columns as u32,
            features: device.upload(features)?,
            edges,
        })
    }

    fn task(&self, device: &Device) -> BinTask {
        BinTask {
            features: device.address(&self.features),
            edges: self.edges,
            words: device.address(&self.words),
            rows: self.rows,
            columns: self.columns,
        }
    }
}

/// Finds the bins of all rows of all tables in one launch.
pub(super) fn bin_rows(device: &Device, tables: &[RowBins]) -> Result<(), KernelError> {
    let tasks: Vec<BinTask> = tables.iter().map(|table| table.task(device)).collect();
    device.tasks(&tasks)?.launch(Kernel::BinRows, |index| tasks[index].parts())?;
    Ok(())
}

/// 256 codes a column: its edges, then codes above every value.
pub(super) fn edge_table(edges: &Edges) -> Vec<u32> {
    let padded = |column| {
        let own = edges.column(column);
        own.iter().copied().chain(std::iter::repeat_n(u32::MAX, BINS - own.len()))
    };
    (0..edges.count()).flat_map(padded).collect()
}

/// What the host prepares of one set.
struct Prepared<'a> {
    summary: Summary,
    features: Cow<'a, [f32]>,
    keys: Vec<u64>,
    marks: Vec<u32>,
    weight_max: u32,
}

fn prepare(set: &TrainSet) -> Result<Prepared<'_>, KernelError> {
    set.check()?;
    let live: Vec<usize> = (0..set.rows()).filter(|&row| set.weights[row] > 0).collect();
    let edges = (0..set.columns).into_par_iter().map(|column| column_edges(set, &live, column).0).collect();
    let features = if live.len() == set.rows() {
        Cow::Borrowed(&*set.features)
    } else {
        live.iter().flat_map(|&row| set.row(row)).copied().collect()
    };
    Ok(Prepared {
        summary: Summary {
            rows: live.len() as u32,
            classes: set.class_weights(),
            edges: Arc::new(Edges::new(edges).expect("edges of sorted values increase and are few")),
        },
        features,
        keys: live.iter().map(|&row| set.keys[row]).collect(),
        marks: live.iter().map(|&row| set.weights[row] << 1 | u32::from(set.labels[row])).collect(),
        weight_max: live.iter().map(|&row| set.weights[row]).max().unwrap_or(1),
    })
}

/// Loads all sound sets with one launch per kernel; a set that is not sound does not fail the others.
pub(super) fn load(device: &Device, sets: &[&TrainSet]) -> Vec<Result<CudaDataset, KernelError>> {
    let prepared: Vec<Result<Prepared<'_>, KernelError>> = sets.par_iter().map(|set| prepare(set)).collect();
    let sound: Vec<&Prepared<'_>> = prepared.iter().flatten().collect();
    match make_resident(device, &sound) {
        Ok(made) => {
            let mut made = made.into_iter();
            let mut next = |_: &Prepared<'_>| made.next().expect("one data set per sound set");
            prepared.iter().map(|set| set.as_ref().map(&mut next).map_err(Clone::clone)).collect()
        }
        Err(error) => prepared.iter().map(|set| set.as_ref().map_err(Clone::clone).and(Err(error.clone()))).collect(),
    }
}

fn make_resident(device: &Device, sets: &[&Prepared<'_>]) -> Result<Vec<CudaDataset>, KernelError> {
    let edges = |set: &&Prepared<'_>| device.upload(&edge_table(&set.summary.edges));
    let edges = sets.iter().map(edges).collect::<Result<Vec<Buffer<u32>>, KernelError>>()?;
    let table = |(set, edges): (&&Prepared<'_>, &Buffer<u32>)| {
        RowBins::new(device, &set.features, device.address(edges), set.summary.edges.count())
    };
    let tables = sets.iter().zip(&edges).map(table).collect::<Result<Vec<RowBins>, KernelError>>()?;
    bin_rows(device, &tables)?;
    let hot = hot_bins(device, &tables)?;
    let resident = |((set, table), hot): ((&&Prepared<'_>, RowBins), Buffer<u8>)| {
        Ok(CudaDataset(Arc::new(Resident {
            summary: set.summary.clone(),
            words: Arc::new(table.words),
            keys: Arc::new(device.upload(&set.keys)?),
            marks: device.upload(&set.marks)?,
            hot: Arc::new(hot),
            weight_max: set.weight_max,
        })))
    };
    sets.iter().zip(tables).zip(hot).map(resident).collect()
}

/// The most frequent bin of every column of every table.
fn hot_bins(device: &Device, tables: &[RowBins]) -> Result<Vec<Buffer<u8>>, KernelError> {
    let room = |table: &RowBins| device.room(table.columns as usize);
    let hot = tables.iter().map(room).collect::<Result<Vec<Buffer<u8>>, KernelError>>()?;
    let zeros = |table: &RowBins| device.zeros(table.columns as usize * BINS);
    let counts = tables.iter().map(zeros).collect::<Result<Vec<Buffer<u64>>, KernelError>>()?;
    let task = |((table, counts), hot): ((&RowBins, &Buffer<u64>), &Buffer<u8>)| CountBinsTask {
        words: device.address(&table.words),
        counts: device.address(counts),
        hot: device.address(hot),
        rows: table.rows,
        columns: table.columns,
    };
    let tasks: Vec<CountBinsTask> = tables.iter().zip(&counts).zip(&hot).map(task).collect();
    let launches = device.tasks(&tasks)?;
    launches.launch(Kernel::CountBins, |index| tasks[index].parts())?;
    launches.launch(Kernel::FindHotBins, |index| tasks[index].columns)?;
    Ok(hot)
}
