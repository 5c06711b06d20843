//! The backend of whatever machine this is: CUDA where a device can be used, else the CPU.
//!
//! Both give the same bits, so the choice is free, and so is sending small batches of rows to the CPU.

use crate::KernelError;
use crate::backend::{
    Backend, Contributions, CountTask, ForestTask, GradientTask, HistogramTask, JobStart, LeafTask, PartitionTask,
    Split, SplitTask, SubtractTask, Summary,
};
use crate::cpu::{CpuBackend, CpuDataset, CpuForest, CpuTraining};
use crate::cuda::{CudaBackend, CudaConfig, CudaDataset, CudaForest, CudaTraining, NoCuda};
use crate::edges::BinCounts;
use crate::exact::Sums;
use crate::gbdt::Gbdt;
use crate::rows::TrainSet;

/// Rows of a call from which on a device scores them, unless told otherwise: an estimate from a launch's round trip of about
/// ten microseconds and a core's of about one a row; `tests/gpu/run.sh` prints both for a machine.
pub const CROSSOVER_ROWS: usize = 256;

/// CUDA where a device can be used, else the CPU.
#[derive(Clone, Debug)]
pub struct AutoBackend {
    cpu: CpuBackend,
    cuda: Result<CudaBackend, NoCuda>,
    crossover_rows: usize,
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
        Self { cpu: CpuBackend::new(), cuda, crossover_rows: CROSSOVER_ROWS }
    }

    /// The CPU, without looking for a device.
    pub fn cpu() -> Self {
        Self { cpu: CpuBackend::new(), cuda: Err(NoCuda::NotWanted), crossover_rows: CROSSOVER_ROWS }
    }

    /// Scores, explains and counts on the device from this many rows of a call on.
    pub fn with_crossover(self, rows: usize) -> Self {
        Self { crossover_rows: rows, ..self }
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
        self.cuda.as_ref().ok().filter(|_| rows >= self.crossover_rows)
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
}
