//! How long each primitive takes on a device, beside what its memory and its shared-memory adders allow.
//!
//! Times are medians between two events of the stream, so they hold the device's work and the gaps in which it waits for the
//! host, and nothing else. Floors come from a copy and a loop of adds measured in the same run, never from a datasheet.

use super::device::{Device, Kernel};
use super::{CudaBackend, CudaTraining};
use crate::KernelError;
use crate::backend::{
    Backend, ChoiceTask, CountTask, ForestTask, GradientTask, HistogramTask, JobStart, PartitionTask, SplitTask,
};
use crate::choice::RowChoice;
use crate::cpu::CpuBackend;
use crate::drift::{CompareTask, KernelSumTask};
use crate::exact::{Classes, mix};
use crate::params::{GbdtParams, Growth};
use crate::rows::{Rows, TrainSet};
use crate::tokens::{TokenTask, TokenUse};
use crate::trainer::{TrainJob, train_forests};
use cudarc::driver::DeviceRepr;

/// Repetitions of each measurement, of which the median counts.
const TIMES: usize = 9;

/// One measured step.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// What was done.
    pub name: &'static str,
    /// Median time in microseconds.
    pub median_us: f64,
    /// The time that the measured limits allow at least, in microseconds; zero where none is known.
    pub floor_us: f64,
}

/// What to measure with.
#[derive(Clone, Copy, Debug)]
pub struct MeasureSize {
    /// Rows of the set.
    pub rows: usize,
    /// Columns of the set.
    pub columns: usize,
    /// Trees of the model that is trained and scored with.
    pub trees: u32,
    /// Bytes of the copy by which bandwidth is measured.
    pub copy_bytes: usize,
    /// Models that are trained in one batch, and the rows of each; they have fourteen columns.
    pub models: usize,
    /// Rows of a model of the batch.
    pub model_rows: usize,
}

/// Columns of the models of a batch.
const BATCH_COLUMNS: usize = 14;

/// `RooflineTask` in `roofline.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct AddInShared {
    result: u64,
    adds: u32,
    unused: u32,
}

// SAFETY: words without padding, in the order of the kernel's structure.
unsafe impl DeviceRepr for AddInShared {}

/// What the device allows.
#[derive(Clone, Copy, Debug)]
struct Limits {
    bytes_per_us: f64,
    adds_per_us: f64,
}

impl Limits {
    fn floor_us(self, bytes: usize, adds: usize) -> f64 {
        (bytes as f64 / self.bytes_per_us).max(adds as f64 / self.adds_per_us)
    }
}

/// Median time of `work` in microseconds, after one run that does not count.
fn median_us<R>(device: &Device, mut work: impl FnMut() -> Result<R, KernelError>) -> Result<f64, KernelError> {
    work()?;
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        times.push(device.elapsed_us(|| work().map(drop))?);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[TIMES / 2])
}

fn limits(device: &Device, size: MeasureSize) -> Result<Limits, KernelError> {
    const ADDS: u32 = 4096;
    let (from, mut to) = (device.zeros::<u8>(size.copy_bytes)?, device.zeros::<u8>(size.copy_bytes)?);
    let copy_us = median_us(device, || device.copy(&from, &mut to))?;
    let blocks = 4 * device.multiprocessors();
    let result = device.zeros::<u32>(1)?;
    let task = AddInShared { result: device.address(&result), adds: ADDS.min(size.rows as u32), unused: 0 };
    let add = || device.tasks(&[task])?.launch_shared(Kernel::AddInShared, 16_384, |_| blocks).map(drop);
    let adds = f64::from(blocks) * 256.0 * f64::from(task.adds);
    // A copy reads and writes every byte.
    Ok(Limits { bytes_per_us: 2.0 * size.copy_bytes as f64 / copy_us, adds_per_us: adds / median_us(device, add)? })
}

/// Rows like those of changes: a third of all values zero, labels that two columns explain.
fn made_up(rows: usize, columns: usize, seed: u64) -> TrainSet {
    let mut set = TrainSet::new(columns);
    let mut features = vec![0.0; columns];
    for row in (0..rows as u64).map(|row| seed << 32 | row) {
        for (column, feature) in (0..).zip(&mut features) {
            let word = mix(row << 10 | column);
            *feature = if word.is_multiple_of(3) { 0.0 } else { (word >> 40) as f32 };
        }
        let risk = 1 + 3 * u64::from(features[0] > 4e6) + 2 * u64::from(features[columns - 1] > 8e6);
        set.push(row, &features, mix(row ^ 0xfeed) % 10 < risk, 1);
    }
    set
}

impl CudaBackend {
    /// Measures every primitive at the root of one tree, and the training and scoring of whole models.
    pub fn measure(&self, size: MeasureSize) -> Result<Vec<Measurement>, KernelError> {
        let limits = limits(&self.device, size)?;
        let set = made_up(size.rows, size.columns, 0);
        let dataset = self.load(&[&set]).pop().expect("one result per set")?;
        let start = JobStart {
            dataset: &dataset,
            start_q24: 0,
            classes: Classes::PLAIN,
            seed: 0,
            row_hash_below: 1 << 32,
            slots: 2,
        };
        let mut training = self.begin(&[start])?;
        let mut made = vec![
            Measurement {
                name: "copy, both ways",
                median_us: 2.0 * size.copy_bytes as f64 / limits.bytes_per_us,
                floor_us: 0.0,
            },
            Measurement { name: "a million adds in shared memory", median_us: 1e6 / limits.adds_per_us, floor_us: 0.0 },
        ];
        made.extend(self.measure_primitives(&mut training, size, limits)?);
        made.extend(self.measure_models(&dataset, &set, size, limits)?);
        made.extend(self.measure_batch(size)?);
        made.extend(self.measure_windows(&dataset, &set, size, limits)?);
        Ok(made)
    }

    fn measure_primitives(
        &self,
        training: &mut CudaTraining,
        size: MeasureSize,
        limits: Limits,
    ) -> Result<Vec<Measurement>, KernelError> {
        let (rows, cells) = (size.rows, size.rows * size.columns);
        let all = 0..rows as u32;
        let mut made = Vec::new();
        let mut keep = |name, median_us, floor_us| made.push(Measurement { name, median_us, floor_us });
        let tree = [GradientTask { job: 0, tree: 0 }];
        let total = self.gradients(training, &tree)?[0];
        let time = median_us(&self.device, || self.gradients(training, &tree))?;
        // Key, mark and score are read, a pair and the order written.
        keep("gradients", time, limits.floor_us(rows * 32, 0));
        let fill = [HistogramTask { job: 0, slot: 0, rows: all.clone() }];
        let time =
            median_us(&self.device, || self.histograms(training, &fill).and_then(|()| training.settle(&self.device)))?;
        // A third of the values stands in the bin that is left out.
        keep("histogram of all rows", time, limits.floor_us(cells + rows * 12, 2 * cells * 2 / 3));
        let columns: Vec<u16> = (0..size.columns as u16).collect();
        let task = SplitTask { job: 0, slot: 0, total, columns: &columns, lambda: 32_768.0, min_hessian: 32_768 };
        let time = median_us(&self.device, || self.best_splits(training, std::slice::from_ref(&task)))?;
        keep("best split of a node", time, limits.floor_us(size.columns * 256 * 16, 0));
        let task = [PartitionTask { job: 0, rows: all, column: 0, bin: 100 }];
        let time = median_us(&self.device, || self.partition(training, &task))?;
        // The order is read and written twice, a word of bins read.
        keep("partition of all rows", time, limits.floor_us(rows * 20, 0));
        Ok(made)
    }

    fn measure_models(
        &self,
        dataset: &super::CudaDataset,
        set: &TrainSet,
        size: MeasureSize,
        limits: Limits,
    ) -> Result<Vec<Measurement>, KernelError> {
        let params = GbdtParams {
            trees: size.trees,
            leaves_max: 64,
            depth_max: 6,
            growth: Growth::Levels,
            ..GbdtParams::default()
        };
        let jobs = [TrainJob { dataset, params: &params }];
        let train = || train_forests(self, &jobs).pop().expect("one result per job");
        let model = train()?;
        let mut made = Vec::new();
        let mut keep = |name, median_us, floor_us| made.push(Measurement { name, median_us, floor_us });
        keep("training, rows resident", self.device.elapsed_us(|| train().map(drop))?, 0.0);
        let forest = self.forests(&[&model])?.pop().expect("one forest per model");
        for (name, rows) in [("score of one row", 1), ("score of 256 rows", 256), ("score of all rows", size.rows)] {
            let count = rows.min(size.rows);
            let rows = Rows { columns: size.columns, features: &set.features[..count * size.columns] };
            let time = median_us(&self.device, || self.score(&[ForestTask { forest: &forest, rows }]))?;
            // Features and bins pass through memory; the transfer from the host is in the time, not in the floor.
            keep(name, time, limits.floor_us(count * size.columns * 6, 0));
        }
        // What one tree costs is nearly all transfer; the rest is what rows that are there already would take.
        let stump = GbdtParams { trees: 1, ..params.clone() };
        let one = train_forests(self, &[TrainJob { dataset, params: &stump }]).pop().expect("one result per job")?;
        let one = self.forests(&[&one])?.pop().expect("one forest per model");
        let rows = Rows { columns: size.columns, features: &set.features };
        let [all, least] =
            [&forest, &one].map(|forest| median_us(&self.device, || self.score(&[ForestTask { forest, rows }])));
        keep("score of all rows, but one tree", (all? - least?).max(0.0), 0.0);
        let cpu = CpuBackend::new();
        let local = cpu.forests(&[&model])?.pop().expect("one forest per model");
        for (name, rows) in [("score of one row, on the CPU", 1), ("score of 256 rows, on the CPU", 256)] {
            let rows = Rows { columns: size.columns, features: &set.features[..rows.min(size.rows) * size.columns] };
            let time = median_us(&self.device, || cpu.score(&[ForestTask { forest: &local, rows }]))?;
            keep(name, time, 0.0);
        }
        let rows = Rows { columns: size.columns, features: &set.features[..size.rows.min(1_000) * size.columns] };
        let time = median_us(&self.device, || self.explain(&[ForestTask { forest: &forest, rows }]))?;
        keep("explanation of 1,000 rows", time, 0.0);
        let rows = Rows { columns: size.columns, features: &set.features };
        let time = median_us(&self.device, || self.count_bins(&[CountTask { edges: model.edges(), rows }]))?;
        let cells = size.rows * size.columns;
        keep("counts of all rows", time, limits.floor_us(cells * 6, cells));
        Ok(made)
    }

    /// Many small models at once, from rows on the host, binning apart.
    fn measure_batch(&self, size: MeasureSize) -> Result<Vec<Measurement>, KernelError> {
        let sets: Vec<TrainSet> =
            (0..size.models as u64).map(|model| made_up(size.model_rows, BATCH_COLUMNS, model + 1)).collect();
        let loaded = self.load(&sets.iter().collect::<Vec<_>>()).into_iter().collect::<Result<Vec<_>, _>>()?;
        let params = GbdtParams { trees: size.trees, ..GbdtParams::default() };
        let jobs: Vec<_> = loaded.iter().map(|dataset| TrainJob { dataset, params: &params }).collect();
        let train = || train_forests(self, &jobs).into_iter().collect::<Result<Vec<_>, _>>();
        train()?;
        let median_us = self.device.elapsed_us(|| train().map(drop))?;
        Ok(vec![Measurement { name: "training of a batch of models", median_us, floor_us: 0.0 }])
    }

    fn measure_windows(
        &self,
        dataset: &super::CudaDataset,
        set: &TrainSet,
        size: MeasureSize,
        limits: Limits,
    ) -> Result<Vec<Measurement>, KernelError> {
        let mut made = Vec::new();
        let mut keep = |name, median_us, floor_us| made.push(Measurement { name, median_us, floor_us });
        let folds = [0, 1, 2, 3, 4].map(|fold| RowChoice::OutsideFold { seed: 1, folds: 5, fold });
        let tasks = folds.map(|choice| ChoiceTask { dataset, choice });
        let choose = || self.choose_rows(&tasks).into_iter().collect::<Result<Vec<_>, KernelError>>();
        // Key and mark are read, a mark is written.
        keep("five folds of all rows", median_us(&self.device, choose)?, limits.floor_us(5 * size.rows * 16, 0));
        let counts: Vec<u64> = (0..256).collect();
        let task = CompareTask { reference: &counts, current: &counts };
        let time = median_us(&self.device, || self.compare_counts(&vec![task; size.columns]))?;
        keep("comparison of two windows' bins", time, limits.floor_us(size.columns * 256 * 8, 0));
        let rows = Rows { columns: size.columns, features: &set.features[..size.rows.min(4_096) * size.columns] };
        let task = KernelSumTask { rows, others: rows, gamma_q32: 1 };
        keep("kernel of 4,096 by 4,096 rows", median_us(&self.device, || self.kernel_sums(&[task]))?, 0.0);
        let one = |row: &u64| TokenUse { token: *row % 5_000, weight: 1, is_defective: row.is_multiple_of(7) };
        let uses: Vec<TokenUse> = set.keys.iter().map(one).collect();
        let task = TokenTask { uses: &uses, bucket_bits: 16 };
        let time = median_us(&self.device, || self.count_tokens(&[task]))?;
        keep("one token of each row", time, limits.floor_us(size.rows * 16, 0));
        Ok(made)
    }
}
