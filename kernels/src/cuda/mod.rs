//! The CUDA backend: own kernels (`cu/`), compiled for the device at hand when it is opened, with the CPU's bits.
//!
//! Nothing here needs CUDA to build or to start: driver and compiler are looked up when a device is asked for, and what is
//! missing is an error that says so. The same code runs on the stand-in driver of `cusim/`, which is how it is tested
//! where there is no GPU.

mod choice;
mod compare;
pub(crate) mod compiler;
mod count;
mod dataset;
mod device;
mod explain;
mod forest;
mod histogram;
mod kernel_sums;
mod measure;
mod pinned;
mod replay;
mod split;
mod tokens;
mod training;

pub use dataset::CudaDataset;
pub use forest::CudaForest;
pub use measure::{MeasureSize, Measurement};
pub use training::CudaTraining;

use crate::KernelError;
use crate::backend::{
    Backend, ChoiceTask, Contributions, CountTask, ForestTask, GradientTask, HistogramTask, JobStart, LeafTask,
    PartitionTask, Split, SplitTask, SubtractTask, Summary,
};
use crate::drift::{CompareTask, Comparison, KernelSumTask};
use crate::edges::BinCounts;
use crate::exact::Sums;
use crate::gbdt::Gbdt;
use crate::rows::TrainSet;
use crate::tokens::{TokenCounts, TokenTask};
use device::Device;
use std::path::PathBuf;
use std::sync::Arc;

/// Jobs of a wave: enough to fill a device, few enough that the histograms of small jobs fit into its memory.
const WAVE: usize = 1024;

/// Which device to use, and where to keep what was compiled for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CudaConfig {
    /// Number of the device, as the driver counts.
    pub ordinal: usize,
    /// Folder for compiled kernels; without one they are compiled at every start, which takes about a second.
    pub cubin_cache: Option<PathBuf>,
}

/// Why there is no CUDA backend. The CPU gives the same bits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCuda {
    /// The CPU was asked for.
    #[error("the CPU was asked for")]
    NotWanted,
    /// No library of the CUDA driver was found.
    #[error("no CUDA driver is installed")]
    NoDriver,
    /// The driver is too old for the calls the backend makes.
    #[error("the CUDA driver has version {version}, at least {min} is needed")]
    OldDriver {
        /// Version found, 1000 x major + 10 x minor.
        version: i32,
        /// Oldest version that is used.
        min: i32,
    },
    /// The driver has no such device, or cannot use it.
    #[error("no CUDA device can be used: {reason}")]
    NoDevice {
        /// What the driver said.
        reason: String,
    },
    /// No library of the run-time compiler was found.
    #[error("no CUDA run-time compiler (NVRTC) is installed")]
    NoCompiler,
    /// The compiler refused the kernels, for instance because it does not know the device's architecture.
    #[error("the CUDA compiler failed: {log}")]
    Compiler {
        /// What the compiler said.
        log: String,
    },
}

/// Trains and scores on a CUDA device.
#[derive(Clone, Debug)]
pub struct CudaBackend {
    device: Arc<Device>,
}

impl CudaBackend {
    /// Opens a device, or says why there is none; never panics.
    pub fn probe(config: &CudaConfig) -> Result<Self, NoCuda> {
        // A driver without one of the calls makes the bindings panic: that is a driver that cannot be used.
        let opened = std::panic::catch_unwind(|| Device::open(config));
        let device = opened.unwrap_or_else(|_| {
            Err(NoCuda::NoDevice { reason: "the driver or the compiler lacks a function that is needed".to_owned() })
        })?;
        Ok(Self { device: Arc::new(device) })
    }

    /// The device, for logs: its name and compute capability.
    pub fn description(&self) -> &str {
        self.device.description()
    }

    /// How many sequences of launches were replayed as graphs so far. For a metric.
    pub fn graphs_replayed(&self) -> u64 {
        self.device.replays()
    }
}

impl Backend for CudaBackend {
    type Dataset = CudaDataset;
    type Training = CudaTraining;
    type Forest = CudaForest;

    fn name(&self) -> &'static str {
        "cuda"
    }

    /// All jobs share each launch.
    fn wave(&self) -> usize {
        WAVE
    }

    fn load(&self, sets: &[&TrainSet]) -> Vec<Result<CudaDataset, KernelError>> {
        dataset::load(&self.device, sets)
    }

    fn summary<'a>(&self, dataset: &'a CudaDataset) -> &'a Summary {
        &dataset.0.summary
    }

    fn choose_rows(&self, tasks: &[ChoiceTask<'_, CudaDataset>]) -> Vec<Result<CudaDataset, KernelError>> {
        choice::choose(&self.device, tasks)
    }

    fn begin(&self, jobs: &[JobStart<'_, CudaDataset>]) -> Result<CudaTraining, KernelError> {
        CudaTraining::begin(&self.device, jobs)
    }

    fn gradients(&self, training: &mut CudaTraining, tasks: &[GradientTask]) -> Result<Vec<Sums>, KernelError> {
        training.gradients(&self.device, tasks)
    }

    fn histograms(&self, training: &mut CudaTraining, tasks: &[HistogramTask]) -> Result<(), KernelError> {
        histogram::fill(&self.device, training, tasks)
    }

    fn subtract(&self, training: &mut CudaTraining, tasks: &[SubtractTask]) -> Result<(), KernelError> {
        histogram::subtract(&self.device, training, tasks)
    }

    fn best_splits(&self, training: &CudaTraining, tasks: &[SplitTask<'_>]) -> Result<Vec<Option<Split>>, KernelError> {
        split::best(&self.device, training, tasks)
    }

    fn partition(&self, training: &mut CudaTraining, tasks: &[PartitionTask]) -> Result<Vec<u32>, KernelError> {
        training.partition(&self.device, tasks)
    }

    fn add_leaves(&self, training: &mut CudaTraining, tasks: &[LeafTask]) -> Result<(), KernelError> {
        training.add_leaves(&self.device, tasks)
    }

    fn forests(&self, models: &[&Gbdt]) -> Result<Vec<CudaForest>, KernelError> {
        models.iter().map(|model| CudaForest::new(&self.device, model)).collect()
    }

    fn score(&self, tasks: &[ForestTask<'_, CudaForest>]) -> Result<Vec<Vec<i64>>, KernelError> {
        forest::score(&self.device, tasks)
    }

    fn explain(&self, tasks: &[ForestTask<'_, CudaForest>]) -> Result<Vec<Vec<Contributions>>, KernelError> {
        explain::explain(&self.device, tasks)
    }

    fn count_bins(&self, tasks: &[CountTask<'_>]) -> Result<Vec<BinCounts>, KernelError> {
        count::count_bins(&self.device, tasks)
    }

    fn compare_counts(&self, tasks: &[CompareTask<'_>]) -> Result<Vec<Comparison>, KernelError> {
        compare::compare(&self.device, tasks)
    }

    fn kernel_sums(&self, tasks: &[KernelSumTask<'_>]) -> Result<Vec<Vec<i64>>, KernelError> {
        kernel_sums::sums(&self.device, tasks)
    }

    fn count_tokens(&self, tasks: &[TokenTask<'_>]) -> Result<Vec<TokenCounts>, KernelError> {
        tokens::count(&self.device, tasks)
    }
}
