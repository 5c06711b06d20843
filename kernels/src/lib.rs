//! Training and scoring of batches of exact models.
//!
//! A model is a pure function of the multiset of its training rows: integers wherever sums happen, choices by hash, ties by
//! rule. It therefore has the same bytes for any order of rows, number of threads and device. `README.md` states the number
//! formats on one page.

mod auto;
pub mod backend;
mod bundle;
mod bytes;
mod choice;
mod cpu;
mod crossover;
mod cuda;
mod drift;
mod edges;
mod error;
pub mod exact;
mod gbdt;
mod lines_added;
mod logistic;
mod params;
mod rows;
mod tokens;
mod trainer;

#[cfg(test)]
mod conformance;

pub use auto::{AutoBackend, AutoDataset, AutoForest, AutoTraining, CROSSOVER_ROWS};
pub use backend::{Backend, Contributions};
pub use bundle::{
    Bundle, Explanation, MixtureExplanation, Scorer, Scores, TrainTask, mixture_q24, score_many, train_bundle,
    train_bundles,
};
pub use choice::RowChoice;
pub use cpu::{CpuBackend, CpuDataset, CpuForest, CpuTraining};
pub use cuda::{CudaBackend, CudaConfig, CudaDataset, CudaForest, CudaTraining, MeasureSize, Measurement, NoCuda};
pub use drift::{CompareTask, Comparison, KernelSumTask, MmdSums, WINDOW_ROWS_MAX, Window, WindowChange};
pub use edges::{BinCounts, Edges};
pub use error::KernelError;
pub use exact::probability_q30;
pub use gbdt::{Gbdt, Node, Tree};
pub use lines_added::{LinesAdded, MISSING_SIZE_Q24};
pub use logistic::Logistic;
pub use params::{BundleParams, GbdtParams, Growth, LogisticParams};
pub use rows::{ClassWeights, Rows, TrainSet};
pub use tokens::{BUCKET_BITS_MAX, TokenCounts, TokenTask, TokenUse, token_bucket};
pub use trainer::{TrainJob, train_forests};
