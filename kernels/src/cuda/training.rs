//! Jobs in training on the device: scores, gradients, the order of rows and histograms, in one arena each for the wave.

use super::dataset::{CudaDataset, Resident};
use super::device::{Buffer, Device, DeviceSums, Kernel};
use super::histogram;
use super::replay::Replay;
use crate::KernelError;
use crate::backend::{GradientTask, HistogramTask, JobStart, LeafTask, PartitionTask, SubtractTask};
use crate::exact::{BINS, Sums, row_stream};
use cudarc::driver::DeviceRepr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Rows of a block of `gradients` and `start_scores`.
const GRADIENT_ROWS: u32 = 2048;
/// Rows of a block of `divide_rows`, `return_rows` and `add_leaves`.
const PARTITION_ROWS: u32 = 2048;

/// `Job` in `exact.cuh`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct DeviceJob {
    words: u64,
    keys: u64,
    marks: u64,
    sigmoid_q30: u64,
    hot: u64,
    scores: u64,
    pairs: u64,
    order: u64,
    aside: u64,
    row_hash_below: u64,
    rows: u32,
    columns: u32,
    clean_q16: u32,
    defective_q16: u32,
}

/// `StartTask` in `gradient.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct StartScores {
    job: u64,
    score_q24: i64,
}

/// `GradientTask` in `gradient.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct TreeGradients {
    job: u64,
    total: u64,
    stream: u64,
}

/// `PartitionTask` in `partition.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct DivideRows {
    job: u64,
    taken: u64,
    start: u32,
    end: u32,
    column: u32,
    bin: u32,
}

/// `LeafTask` in `partition.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct AddLeaf {
    job: u64,
    start: u32,
    end: u32,
    value_q24: i64,
}

// SAFETY: words without padding, in the order of the kernels' structures.
unsafe impl DeviceRepr for DeviceJob {}
unsafe impl DeviceRepr for StartScores {}
unsafe impl DeviceRepr for TreeGradients {}
unsafe impl DeviceRepr for DivideRows {}
unsafe impl DeviceRepr for AddLeaf {}

/// What the host keeps of a job.
#[derive(Debug)]
pub(super) struct HostJob {
    pub(super) dataset: Arc<Resident>,
    seed: u64,
    /// Index of the job's first histogram entry in the arena.
    first_entry: usize,
    slots: usize,
}

/// A wave of jobs in training on the device.
#[derive(Debug)]
pub struct CudaTraining {
    pub(super) jobs: Vec<HostJob>,
    records: Buffer<DeviceJob>,
    histograms: Buffer<DeviceSums>,
    pending: Mutex<Pending>,
    /// Alive as long as the records that point into them.
    _arenas: Arenas,
}

/// What was asked for and is not queued yet, and the means to queue it. Whatever reads or changes what it works on settles
/// it first, so nobody can tell.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) fills: Vec<HistogramTask>,
    pub(super) subtracts: Vec<SubtractTask>,
    pub(super) replay: Replay,
}

impl Pending {
    pub(super) fn take(&mut self) -> (Vec<HistogramTask>, Vec<SubtractTask>) {
        (std::mem::take(&mut self.fills), std::mem::take(&mut self.subtracts))
    }
}

#[derive(Debug)]
struct Arenas {
    scores: Buffer<i64>,
    pairs: Buffer<u64>,
    order: Buffer<u32>,
    aside: Buffer<u32>,
}

impl HostJob {
    pub(super) fn rows(&self) -> u32 {
        self.dataset.summary.rows
    }

    pub(super) fn columns(&self) -> u32 {
        self.dataset.summary.edges.count() as u32
    }

    /// Entries of a histogram of this job.
    pub(super) fn entries(&self) -> usize {
        self.columns() as usize * BINS
    }
}

impl Arenas {
    fn new(device: &Device, rows: usize) -> Result<Self, KernelError> {
        Ok(Self {
            scores: device.room(rows)?,
            pairs: device.room(rows)?,
            order: device.room(rows)?,
            aside: device.room(rows)?,
        })
    }

    /// The device's record of a job whose rows begin at `first` in every arena.
    fn record(&self, device: &Device, start: &JobStart<'_, CudaDataset>, first: u64) -> DeviceJob {
        let dataset = &start.dataset.0;
        DeviceJob {
            words: device.address(&dataset.words),
            keys: device.address(&dataset.keys),
            marks: device.address(&dataset.marks),
            sigmoid_q30: device.sigmoid_q30(),
            hot: device.address(&dataset.hot),
            scores: device.address(&self.scores) + first * 8,
            pairs: device.address(&self.pairs) + first * 8,
            order: device.address(&self.order) + first * 4,
            aside: device.address(&self.aside) + first * 4,
            row_hash_below: start.row_hash_below,
            rows: dataset.summary.rows,
            columns: dataset.summary.edges.count() as u32,
            clean_q16: start.classes.clean_q16,
            defective_q16: start.classes.defective_q16,
        }
    }
}

impl CudaTraining {
    pub(super) fn begin(device: &Device, starts: &[JobStart<'_, CudaDataset>]) -> Result<Self, KernelError> {
        let rows = starts.iter().map(|start| start.dataset.0.summary.rows as usize).sum();
        let arenas = Arenas::new(device, rows)?;
        let (mut jobs, mut records): (Vec<HostJob>, Vec<DeviceJob>) = Default::default();
        let (mut first_row, mut first_entry) = (0, 0);
        for start in starts {
            records.push(arenas.record(device, start, first_row));
            let dataset = start.dataset.0.clone();
            let job = HostJob { dataset, seed: start.seed, first_entry, slots: start.slots };
            first_row += u64::from(job.rows());
            first_entry += job.slots * job.entries();
            jobs.push(job);
        }
        let histograms = device.room(first_entry)?;
        let pending = Mutex::new(Pending { fills: Vec::new(), subtracts: Vec::new(), replay: Replay::new() });
        let training = Self { jobs, records: device.upload(&records)?, histograms, pending, _arenas: arenas };
        let task = |(job, start): (usize, &JobStart<'_, CudaDataset>)| StartScores {
            job: training.record(device, job),
            score_q24: start.start_q24,
        };
        let tasks: Vec<StartScores> = starts.iter().enumerate().map(task).collect();
        let parts = |job: usize| training.jobs[job].rows().div_ceil(GRADIENT_ROWS);
        device.tasks(&tasks)?.launch(Kernel::StartScores, parts)?;
        Ok(training)
    }

    /// Address of the device's record of a job.
    pub(super) fn record(&self, device: &Device, job: usize) -> u64 {
        device.address(&self.records) + (job * size_of::<DeviceJob>()) as u64
    }

    /// Address of a histogram.
    pub(super) fn slot(&self, device: &Device, job: usize, slot: usize) -> u64 {
        let own = &self.jobs[job];
        assert!(slot < own.slots, "a job has as many histograms as it asked for");
        let entry = own.first_entry + slot * own.entries();
        device.address(&self.histograms) + (entry * size_of::<DeviceSums>()) as u64
    }

    pub(super) fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues the histograms that were asked for.
    pub(super) fn settle(&self, device: &Device) -> Result<(), KernelError> {
        let mut pending = self.pending();
        let (fills, subtracts) = pending.take();
        pending.replay.run(device, |plan| histogram::plan(plan, device, self, (&fills, &subtracts)))
    }

    pub(super) fn gradients(&mut self, device: &Device, tasks: &[GradientTask]) -> Result<Vec<Sums>, KernelError> {
        self.settle(device)?;
        let mut pending = self.pending();
        let totals = pending.replay.run(device, |plan| {
            let totals = plan.zeros::<DeviceSums>(tasks.len());
            let task = |(index, task): (usize, &GradientTask)| TreeGradients {
                job: self.record(device, task.job),
                total: plan.address::<DeviceSums>(totals, index),
                stream: row_stream(self.jobs[task.job].seed, task.tree),
            };
            let made: Vec<TreeGradients> = tasks.iter().enumerate().map(task).collect();
            let table = plan.table(&made);
            let parts = |index: usize| self.jobs[tasks[index].job].rows().div_ceil(GRADIENT_ROWS);
            plan.launch((Kernel::Gradients, 0), (table, tasks.len()), parts);
            totals
        })?;
        let totals = pending.replay.read::<DeviceSums>(device, totals, tasks.len())?;
        Ok(totals.into_iter().map(Sums::from).collect())
    }

    pub(super) fn partition(&mut self, device: &Device, tasks: &[PartitionTask]) -> Result<Vec<u32>, KernelError> {
        self.settle(device)?;
        let mut pending = self.pending();
        let taken = pending.replay.run(device, |plan| {
            let taken = plan.zeros::<[u32; 2]>(tasks.len());
            let task = |(index, task): (usize, &PartitionTask)| DivideRows {
                job: self.record(device, task.job),
                taken: plan.address::<[u32; 2]>(taken, index),
                start: task.rows.start,
                end: task.rows.end,
                column: u32::from(task.column),
                bin: u32::from(task.bin),
            };
            let made: Vec<DivideRows> = tasks.iter().enumerate().map(task).collect();
            let table = plan.table(&made);
            let parts = |index: usize| (made[index].end - made[index].start).div_ceil(PARTITION_ROWS);
            plan.launch((Kernel::DivideRows, 0), (table, tasks.len()), parts);
            plan.launch((Kernel::ReturnRows, 0), (table, tasks.len()), parts);
            taken
        })?;
        let taken = pending.replay.read::<[u32; 2]>(device, taken, tasks.len())?;
        Ok(taken.into_iter().map(|[left, _right]| left).collect())
    }

    pub(super) fn add_leaves(&mut self, device: &Device, tasks: &[LeafTask]) -> Result<(), KernelError> {
        self.settle(device)?;
        self.pending().replay.run(device, |plan| {
            let task = |task: &LeafTask| AddLeaf {
                job: self.record(device, task.job),
                start: task.rows.start,
                end: task.rows.end,
                value_q24: i64::from(task.value_q24),
            };
            let made: Vec<AddLeaf> = tasks.iter().map(task).collect();
            let table = plan.table(&made);
            let parts = |index: usize| (made[index].end - made[index].start).div_ceil(PARTITION_ROWS);
            plan.launch((Kernel::AddLeaves, 0), (table, tasks.len()), parts);
        })
    }
}
