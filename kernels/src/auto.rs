//! The backend of whatever machine this is: CUDA where a device can be used, else the CPU.
//!
//! Both give the same bits, so the choice is free, and so is sending small batches of rows to the CPU. From how many rows on
//! a device is used is measured at the first call that may be worth it.

use crate::KernelError;
use crate::backend::{
    Backend, ChoiceTask, Contributions, CountTask, ForestTask, GradientTask, HistogramTask, JobStart, LeafTask,
    PartitionTask, Split, SplitTask, SubtractTask, Summary,
};
use crate::cpu::{CpuBackend, CpuDataset, CpuForest, CpuTraining};
use crate::crossover::{Timing, crossover_rows, least_us};
use crate::cuda::{CudaBackend, CudaConfig, CudaDataset, CudaForest, CudaTraining, NoCuda};
use crate::drift::{CompareTask, Comparison, KernelSumTask};
use crate::edges::BinCounts;
use crate::exact::Sums;
use crate::gbdt::Gbdt;
use crate::rows::{Rows, TrainSet};
use crate::tokens::{TokenCounts, TokenTask};
use std::sync::{Arc, OnceLock};

/// Rows of a call from which on a device may be used until its crossover was measured: an estimate from a launch's round trip
/// of about ten microseconds and a core's of about one a row. The first call of as many rows measures.
pub const CROSSOVER_ROWS: usize = 256;
/// Rows of the small and, at most, of the large batch that are timed.
const TIMED_ROWS: [usize; 2] = [16, 4096];
/// Pairs of rows, and uses of tokens, that cost a core about as much as the score of one row.
const PAIRS_PER_ROW: usize = 32;
const USES_PER_ROW: usize = 512;

/// CUDA where a device can be used, else the CPU.
#[derive(Clone, Debug)]
pub struct AutoBackend {
    cpu: CpuBackend,
    cuda: Result<CudaBackend, NoCuda>,
    /// Shared by clones, so that one of them measures for all.
    crossover_rows: Arc<OnceLock<usize>>,
}

/// A data set of an [`AutoBackend`].
#[derive(Clone, Debug)]
pub enum AutoDataset {
    /// In host memory.
    Cpu(CpuDataset),
    /// In device memory.
    Cuda(CudaDataset),
}

/// A wave of jobs of an [`AutoBackend`].
#[derive(Debug)]
pub enum AutoTraining {
    /// In host memory.
    Cpu(CpuTraining),
    /// In device memory.
    Cuda(Box<CudaTraining>),
}

/// A model of an [`AutoBackend`]: in host memory for small batches, and on the device if there is one.
#[derive(Debug)]
pub struct AutoForest {
    cpu: CpuForest,
    cuda: Option<CudaForest>,
}

impl AutoBackend {
    /// Looks for a device; says in one log line which backend it is and, for the CPU, why.
    pub fn probe(config: &CudaConfig) -> Self {
        let cuda = CudaBackend::probe(config);
        match &cuda {
            Ok(backend) => tracing::info!(device = backend.description(), "kernels run on CUDA"),
            Err(reason) => tracing::info!(%reason, "kernels run on the CPU"),
        }
        Self { cpu: CpuBackend::new(), cuda, crossover_rows: Arc::default() }
    }

    /// The CPU, without looking for a device.
    pub fn cpu() -> Self {
        Self { cpu: CpuBackend::new(), cuda: Err(NoCuda::NotWanted), crossover_rows: Arc::default() }
    }

    /// Scores, explains and counts on the device from this many rows of a call on, without measuring.
    pub fn with_crossover(self, rows: usize) -> Self {
        Self { crossover_rows: Arc::new(OnceLock::from(rows)), ..self }
    }

    /// From how many rows of a call on the device is used; `None` until it was measured.
    pub fn crossover(&self) -> Option<usize> {
        self.crossover_rows.get().copied()
    }

    /// Why the CPU was chosen; `None` where a device is used. For a metric.
    pub fn fallback(&self) -> Option<&NoCuda> {
        self.cuda.as_ref().err()
    }

    /// The device, for people: its name and compute capability, or "cpu".
    pub fn description(&self) -> &str {
        self.cuda.as_ref().map_or("cpu", CudaBackend::description)
    }

    /// The device, if it is worth its launches for this many rows.
    fn device_for(&self, rows: usize) -> Option<&CudaBackend> {
        self.cuda.as_ref().ok().filter(|_| rows >= self.crossover().unwrap_or(CROSSOVER_ROWS))
    }

    /// Measures the crossover with the largest of these tasks, unless that was done or all of them are small.
    fn measure_crossover(&self, cuda: &CudaBackend, tasks: &[ForestTask<'_, AutoForest>]) {
        let Some(task) = tasks.iter().max_by_key(|task| task.rows.count()) else { return };
        if self.crossover().is_none() && task.rows.count() >= CROSSOVER_ROWS {
            self.crossover_rows.get_or_init(|| {
                let rows = self.time(cuda, task).map_or(CROSSOVER_ROWS, |[cpu, device]| crossover_rows(cpu, device));
                tracing::info!(rows, "calls of as many rows are scored on the device");
                rows
            });
        }
    }

    /// Times of a small and a large part of a task, on the CPU and on the device.
    fn time(&self, cuda: &CudaBackend, task: &ForestTask<'_, AutoForest>) -> Option<[[Timing; 2]; 2]> {
        let columns = task.rows.columns;
        let part = |rows: usize| Rows { columns, features: &task.rows.features[..rows * columns] };
        let sizes = TIMED_ROWS.map(|rows| rows.min(task.rows.count()));
        let resident = task.forest.cuda.as_ref()?;
        let on_cpu = |rows| least_us(|| self.cpu.score(&[ForestTask { forest: &task.forest.cpu, rows: part(rows) }]));
        let on_device = |rows| least_us(|| cuda.score(&[ForestTask { forest: resident, rows: part(rows) }]));
        let timing = |rows: usize, us| Timing { rows: rows as f64, us };
        let [small, large] = sizes;
        Some([
            [timing(small, on_cpu(small)?), timing(large, on_cpu(large)?)],
            [timing(small, on_device(small)?), timing(large, on_device(large)?)],
        ])
    }
}

/// Handles of one backend that were given to the other.
fn mixed() -> KernelError {
    KernelError::Device { reason: "a handle of another backend was given".to_owned() }
}

fn row_count(tasks: &[ForestTask<'_, AutoForest>]) -> usize {
    tasks.iter().map(|task| task.rows.count()).sum()
}

fn cpu_tasks<'a>(tasks: &[ForestTask<'a, AutoForest>]) -> Vec<ForestTask<'a, CpuForest>> {
    tasks.iter().map(|task| ForestTask { forest: &task.forest.cpu, rows: task.rows }).collect()
}

/// The same tasks on the device; `None` when a forest is not there.
fn cuda_tasks<'a>(tasks: &[ForestTask<'a, AutoForest>]) -> Option<Vec<ForestTask<'a, CudaForest>>> {
    tasks.iter().map(|task| Some(ForestTask { forest: task.forest.cuda.as_ref()?, rows: task.rows })).collect()
}

/// A job over the backend's own kind of data set.
fn start<'a, D>(job: &JobStart<'_, AutoDataset>, dataset: &'a D) -> JobStart<'a, D> {
    let &JobStart { start_q24, classes, seed, row_hash_below, slots, .. } = job;
    JobStart { dataset, start_q24, classes, seed, row_hash_below, slots }
}

/// Chooses rows on the backend that the sets are on; a set of the other fails all tasks, which are one caller's mistake.
fn chosen<B: Backend>(
    backend: &B,
    tasks: &[ChoiceTask<'_, AutoDataset>],
    own: impl Fn(&ChoiceTask<'_, AutoDataset>) -> Option<B::Dataset>,
    keep: impl Fn(B::Dataset) -> AutoDataset,
) -> Vec<Result<AutoDataset, KernelError>> {
    let Some(sets) = tasks.iter().map(own).collect::<Option<Vec<B::Dataset>>>() else {
        return tasks.iter().map(|_| Err(mixed())).collect();
    };
    let task = |(dataset, task): (_, &ChoiceTask<'_, AutoDataset>)| ChoiceTask { dataset, choice: task.choice };
    let own: Vec<ChoiceTask<'_, B::Dataset>> = sets.iter().zip(tasks).map(task).collect();
    backend.choose_rows(&own).into_iter().map(|made| made.map(&keep)).collect()
}

/// Calls the backend that a training is on.
macro_rules! on_backend {
    ($self:ident, $training:ident, $method:ident, $tasks:ident) => {
        match ($training, &$self.cuda) {
            (AutoTraining::Cpu(training), _) => $self.cpu.$method(training, $tasks),
            (AutoTraining::Cuda(training), Ok(cuda)) => cuda.$method(training, $tasks),
            (AutoTraining::Cuda(_), Err(_)) => Err(mixed()),
        }
    };
}

impl Backend for AutoBackend {
    type Dataset = AutoDataset;
    type Training = AutoTraining;
    type Forest = AutoForest;

    fn name(&self) -> &'static str {
        self.cuda.as_ref().map_or(self.cpu.name(), CudaBackend::name)
    }

    fn wave(&self) -> usize {
        self.cuda.as_ref().map_or(self.cpu.wave(), CudaBackend::wave)
    }

    fn load(&self, sets: &[&TrainSet]) -> Vec<Result<AutoDataset, KernelError>> {
        match &self.cuda {
            Ok(cuda) => cuda.load(sets).into_iter().map(|set| set.map(AutoDataset::Cuda)).collect(),
            Err(_) => self.cpu.load(sets).into_iter().map(|set| set.map(AutoDataset::Cpu)).collect(),
        }
    }

    fn summary<'a>(&self, dataset: &'a AutoDataset) -> &'a Summary {
        match dataset {
            AutoDataset::Cpu(dataset) => self.cpu.summary(dataset),
            AutoDataset::Cuda(dataset) => dataset.summary(),
        }
    }

    fn choose_rows(&self, tasks: &[ChoiceTask<'_, AutoDataset>]) -> Vec<Result<AutoDataset, KernelError>> {
        let resident = |task: &ChoiceTask<'_, AutoDataset>| match task.dataset {
            AutoDataset::Cuda(dataset) => Some(dataset.clone()),
            AutoDataset::Cpu(_) => None,
        };
        let local = |task: &ChoiceTask<'_, AutoDataset>| match task.dataset {
            AutoDataset::Cpu(dataset) => Some(dataset.clone()),
            AutoDataset::Cuda(_) => None,
        };
        match &self.cuda {
            Ok(cuda) => chosen(cuda, tasks, resident, AutoDataset::Cuda),
            Err(_) => chosen(&self.cpu, tasks, local, AutoDataset::Cpu),
        }
    }

    fn begin(&self, jobs: &[JobStart<'_, AutoDataset>]) -> Result<AutoTraining, KernelError> {
        if let Ok(cuda) = &self.cuda {
            let resident = |job| match job {
                &JobStart { dataset: AutoDataset::Cuda(dataset), .. } => Ok(start(job, dataset)),
                _ => Err(mixed()),
            };
            let jobs = jobs.iter().map(resident).collect::<Result<Vec<_>, KernelError>>()?;
            return Ok(AutoTraining::Cuda(Box::new(cuda.begin(&jobs)?)));
        }
        let local = |job| match job {
            &JobStart { dataset: AutoDataset::Cpu(dataset), .. } => Ok(start(job, dataset)),
            _ => Err(mixed()),
        };
        let jobs = jobs.iter().map(local).collect::<Result<Vec<_>, KernelError>>()?;
        self.cpu.begin(&jobs).map(AutoTraining::Cpu)
    }

    fn gradients(&self, training: &mut AutoTraining, tasks: &[GradientTask]) -> Result<Vec<Sums>, KernelError> {
        on_backend!(self, training, gradients, tasks)
    }

    fn histograms(&self, training: &mut AutoTraining, tasks: &[HistogramTask]) -> Result<(), KernelError> {
        on_backend!(self, training, histograms, tasks)
    }

    fn subtract(&self, training: &mut AutoTraining, tasks: &[SubtractTask]) -> Result<(), KernelError> {
        on_backend!(self, training, subtract, tasks)
    }

    fn best_splits(&self, training: &AutoTraining, tasks: &[SplitTask<'_>]) -> Result<Vec<Option<Split>>, KernelError> {
        on_backend!(self, training, best_splits, tasks)
    }

    fn partition(&self, training: &mut AutoTraining, tasks: &[PartitionTask]) -> Result<Vec<u32>, KernelError> {
        on_backend!(self, training, partition, tasks)
    }

    fn add_leaves(&self, training: &mut AutoTraining, tasks: &[LeafTask]) -> Result<(), KernelError> {
        on_backend!(self, training, add_leaves, tasks)
    }

    fn forests(&self, models: &[&Gbdt]) -> Result<Vec<AutoForest>, KernelError> {
        let local = self.cpu.forests(models)?.into_iter();
        match &self.cuda {
            Ok(cuda) => {
                let resident = cuda.forests(models)?.into_iter().map(Some);
                Ok(local.zip(resident).map(|(cpu, cuda)| AutoForest { cpu, cuda }).collect())
            }
            Err(_) => Ok(local.map(|cpu| AutoForest { cpu, cuda: None }).collect()),
        }
    }

    fn score(&self, tasks: &[ForestTask<'_, AutoForest>]) -> Result<Vec<Vec<i64>>, KernelError> {
        if let Ok(cuda) = &self.cuda {
            self.measure_crossover(cuda, tasks);
        }
        match self.device_for(row_count(tasks)).zip(cuda_tasks(tasks)) {
            Some((cuda, tasks)) => cuda.score(&tasks),
            None => self.cpu.score(&cpu_tasks(tasks)),
        }
    }

    fn explain(&self, tasks: &[ForestTask<'_, AutoForest>]) -> Result<Vec<Vec<Contributions>>, KernelError> {
        match self.device_for(row_count(tasks)).zip(cuda_tasks(tasks)) {
            Some((cuda, tasks)) => cuda.explain(&tasks),
            None => self.cpu.explain(&cpu_tasks(tasks)),
        }
    }

    fn count_bins(&self, tasks: &[CountTask<'_>]) -> Result<Vec<BinCounts>, KernelError> {
        match self.device_for(tasks.iter().map(|task| task.rows.count()).sum()) {
            Some(cuda) => cuda.count_bins(tasks),
            None => self.cpu.count_bins(tasks),
        }
    }

    /// On the CPU in any case: a sweep over counts is faster than their way to a device.
    fn compare_counts(&self, tasks: &[CompareTask<'_>]) -> Result<Vec<Comparison>, KernelError> {
        self.cpu.compare_counts(tasks)
    }

    fn kernel_sums(&self, tasks: &[KernelSumTask<'_>]) -> Result<Vec<Vec<i64>>, KernelError> {
        let pairs = tasks.iter().map(|task| task.rows.count().saturating_mul(task.others.count()));
        match self.device_for(pairs.fold(0, usize::saturating_add) / PAIRS_PER_ROW) {
            Some(cuda) => cuda.kernel_sums(tasks),
            None => self.cpu.kernel_sums(tasks),
        }
    }

    fn count_tokens(&self, tasks: &[TokenTask<'_>]) -> Result<Vec<TokenCounts>, KernelError> {
        match self.device_for(tasks.iter().map(|task| task.uses.len()).sum::<usize>() / USES_PER_ROW) {
            Some(cuda) => cuda.count_tokens(tasks),
            None => self.cpu.count_tokens(tasks),
        }
    }
}
