//! A bundle made resident on a backend, for scoring and explaining many batches.

use super::Bundle;
use crate::KernelError;
use crate::backend::{Backend, Contributions, ForestTask};
use crate::rows::Rows;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What each expert says of one row. Log-odds are at the natural share of defective rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scores {
    /// Log-odds of the boosted trees, in Q24.
    pub gbdt_q24: i64,
    /// Log-odds of the logistic regression, in Q24.
    pub logistic_q24: i64,
    /// The feature "lines added" itself, in Q24: a rank, not log-odds.
    pub lines_added_q24: i64,
}

/// Why the experts say so.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Explanation {
    /// The score of the boosted trees, by feature.
    pub gbdt: Contributions,
    /// The score of the logistic regression, by feature.
    pub logistic: Contributions,
}

/// A bundle that is ready to score.
#[derive(Debug)]
pub struct Scorer<B: Backend> {
    bundle: Arc<Bundle>,
    forest: B::Forest,
}

impl<B: Backend> Scorer<B> {
    /// Lays the bundle out on the backend.
    pub fn new(backend: &B, bundle: Arc<Bundle>) -> Result<Self, KernelError> {
        let forest = backend.forests(&[bundle.gbdt()])?.pop().expect("one forest per model");
        Ok(Self { bundle, forest })
    }

    /// The bundle.
    pub fn bundle(&self) -> &Arc<Bundle> {
        &self.bundle
    }

    /// Scores of every row, in order.
    pub fn score(&self, backend: &B, rows: Rows<'_>) -> Result<Vec<Scores>, KernelError> {
        Ok(score_many(backend, &[(self, rows)])?.pop().expect("one result per task"))
    }

    /// Explanations of every row, in order.
    pub fn explain(&self, backend: &B, rows: Rows<'_>) -> Result<Vec<Explanation>, KernelError> {
        rows.check(self.bundle.columns())?;
        let forests =
            backend.explain(&[ForestTask { forest: &self.forest, rows }])?.pop().expect("one result per task");
        let lines = rows.features.chunks_exact(self.bundle.columns());
        let logistic = self.bundle.logistic();
        Ok(lines.zip(forests).map(|(row, gbdt)| Explanation { gbdt, logistic: logistic.explain_row(row) }).collect())
    }

    fn assemble(&self, rows: Rows<'_>, gbdt: Vec<i64>) -> Vec<Scores> {
        let lines = rows.features.chunks_exact(self.bundle.columns());
        lines
            .zip(gbdt)
            .map(|(row, gbdt_q24)| Scores {
                gbdt_q24,
                logistic_q24: self.bundle.logistic().score_row(row),
                lines_added_q24: self.bundle.lines_added().score_row(row),
            })
            .collect()
    }
}

/// Scores the rows of many models as one batch.
pub fn score_many<B: Backend>(backend: &B, tasks: &[(&Scorer<B>, Rows<'_>)]) -> Result<Vec<Vec<Scores>>, KernelError> {
    tasks.iter().try_for_each(|(scorer, rows)| rows.check(scorer.bundle.columns()))?;
    let forests: Vec<ForestTask<'_, B::Forest>> =
        tasks.iter().map(|(scorer, rows)| ForestTask { forest: &scorer.forest, rows: *rows }).collect();
    let scores = backend.score(&forests)?;
    Ok(tasks.iter().zip(scores).map(|((scorer, rows), gbdt)| scorer.assemble(*rows, gbdt)).collect())
}
