//! The CPU backend: portable code on the current rayon pool, and the definition of what every backend returns.
//!
//! The number of threads, the size of a batch and the order of rows change only how integer sums are grouped, so they
//! cannot change a result.

mod awake;
mod choice;
mod compare;
mod dataset;
mod explain;
mod forest;
mod histogram;
mod kernel_sums;
mod masks;
mod partition;
mod paths;
mod quadrature;
mod radix;
mod search;
mod split;
mod tokens;
mod training;

pub use dataset::CpuDataset;
pub(crate) use dataset::column_edges;
pub(crate) use explain::{ForestPaths, PathEdge, PathTree, round_to_score};
pub use forest::CpuForest;
pub(crate) use forest::flat_nodes;
pub(crate) use paths::Path;
pub use training::CpuTraining;

use crate::KernelError;
use crate::backend::{
    Backend, ChoiceTask, Contributions, CountTask, ForestTask, GradientTask, HistogramTask, JobStart, LeafTask,
    PartitionTask, Split, SplitTask, SubtractTask, Summary,
};
use crate::drift::{CompareTask, Comparison, KernelSumTask};
use crate::edges::BinCounts;
use crate::exact::{BINS, Sums};
use crate::gbdt::Gbdt;
use crate::rows::TrainSet;
use crate::tokens::{TokenCounts, TokenTask};
use rayon::prelude::*;

/// Trains and scores on the CPU.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuBackend {
    path_max: Path,
}

impl CpuBackend {
    /// The backend, with whatever instructions the core turns out to have.
    pub const fn new() -> Self {
        Self::up_to(Path::Avx512)
    }

    /// The backend with the instructions that every machine has; the results are the same bits.
    pub const fn portable() -> Self {
        Self::up_to(Path::Portable)
    }

    /// The backend with no more than these instructions.
    pub(crate) const fn up_to(path_max: Path) -> Self {
        Self { path_max }
    }

    fn path(self) -> Path {
        self.path_max.available()
    }
}

impl Backend for CpuBackend {
    type Dataset = CpuDataset;
    type Training = CpuTraining;
    type Forest = CpuForest;

    fn name(&self) -> &'static str {
        "cpu"
    }

    /// One job at a time stays in a core's cache; several jobs run on several cores.
    fn wave(&self) -> usize {
        1
    }

    fn load(&self, sets: &[&TrainSet]) -> Vec<Result<CpuDataset, KernelError>> {
        sets.par_iter().map(|set| CpuDataset::load(self.path(), set)).collect()
    }

    fn summary<'a>(&self, dataset: &'a CpuDataset) -> &'a Summary {
        dataset.summary()
    }

    fn choose_rows(&self, tasks: &[ChoiceTask<'_, CpuDataset>]) -> Vec<Result<CpuDataset, KernelError>> {
        each(tasks, choice::choose)
    }

    fn begin(&self, jobs: &[JobStart<'_, CpuDataset>]) -> Result<CpuTraining, KernelError> {
        Ok(CpuTraining::begin(self.path(), jobs))
    }

    fn gradients(&self, training: &mut CpuTraining, tasks: &[GradientTask]) -> Result<Vec<Sums>, KernelError> {
        Ok(tasks.iter().map(|task| training.job(task.job).gradients(task.tree)).collect())
    }

    fn histograms(&self, training: &mut CpuTraining, tasks: &[HistogramTask]) -> Result<(), KernelError> {
        tasks.iter().for_each(|task| training.job(task.job).histogram(task.slot, task.rows.clone()));
        Ok(())
    }

    fn subtract(&self, training: &mut CpuTraining, tasks: &[SubtractTask]) -> Result<(), KernelError> {
        tasks.iter().for_each(|task| training.job(task.job).subtract(task.from, task.minus));
        Ok(())
    }

    fn best_splits(&self, training: &CpuTraining, tasks: &[SplitTask<'_>]) -> Result<Vec<Option<Split>>, KernelError> {
        Ok(each(tasks, |task| split::best(self.path(), training, task)))
    }

    fn partition(&self, training: &mut CpuTraining, tasks: &[PartitionTask]) -> Result<Vec<u32>, KernelError> {
        Ok(tasks.iter().map(|task| training.job(task.job).partition(task)).collect())
    }

    fn add_leaves(&self, training: &mut CpuTraining, tasks: &[LeafTask]) -> Result<(), KernelError> {
        tasks.chunk_by(|a, b| a.job == b.job).for_each(|leaves| training.job(leaves[0].job).add_leaves(leaves));
        Ok(())
    }

    fn forests(&self, models: &[&Gbdt]) -> Result<Vec<CpuForest>, KernelError> {
        Ok(models.iter().map(|model| CpuForest::new(self.path(), model)).collect())
    }

    fn score(&self, tasks: &[ForestTask<'_, CpuForest>]) -> Result<Vec<Vec<i64>>, KernelError> {
        tasks.iter().try_for_each(|task| task.rows.check(task.forest.columns()))?;
        Ok(each(tasks, |task| task.forest.score(task.rows)))
    }

    fn explain(&self, tasks: &[ForestTask<'_, CpuForest>]) -> Result<Vec<Vec<Contributions>>, KernelError> {
        tasks.iter().try_for_each(|task| task.rows.check(task.forest.columns()))?;
        Ok(each(tasks, |task| task.forest.explain(task.rows)))
    }

    fn count_bins(&self, tasks: &[CountTask<'_>]) -> Result<Vec<BinCounts>, KernelError> {
        tasks.iter().try_for_each(|task| task.rows.check(task.edges.count()))?;
        Ok(each(tasks, count_bins))
    }

    fn compare_counts(&self, tasks: &[CompareTask<'_>]) -> Result<Vec<Comparison>, KernelError> {
        tasks.iter().map(compare::compare).collect()
    }

    fn kernel_sums(&self, tasks: &[KernelSumTask<'_>]) -> Result<Vec<Vec<i64>>, KernelError> {
        tasks.iter().try_for_each(KernelSumTask::check)?;
        Ok(each(tasks, kernel_sums::sums))
    }

    fn count_tokens(&self, tasks: &[TokenTask<'_>]) -> Result<Vec<TokenCounts>, KernelError> {
        tasks.iter().try_for_each(TokenTask::check)?;
        Ok(each(tasks, tokens::count))
    }
}

/// Runs every task; a lone task stays on the calling thread, because a hand-over to the pool costs more than a small batch.
fn each<T: Sync, R: Send>(tasks: &[T], run: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    match tasks {
        [task] => vec![run(task)],
        _ => tasks.par_iter().map(run).collect(),
    }
}

fn count_bins(task: &CountTask<'_>) -> BinCounts {
    let mut columns = vec![[0; BINS]; task.edges.count()];
    for row in task.rows.features.chunks_exact(task.edges.count().max(1)) {
        for (column, (&value, counts)) in row.iter().zip(&mut columns).enumerate() {
            counts[usize::from(task.edges.bin(column, value))] += 1;
        }
    }
    BinCounts { columns }
}
