//! What the dataflow asks of whoever trains and keeps models; the doing lies outside, since operators do no I/O.

use driftline_kernels::{Rows, TrainSet};
use driftline_schema::{ModelId, Scope};

/// The examples before a cut, one set for each scope that has enough of them.
#[derive(Clone, Debug)]
pub struct TrainRequest {
    /// The cut.
    pub cut: u64,
    /// What to train; may be empty, and then the cut yields no model.
    pub sets: Vec<(Scope, TrainSet)>,
}

/// What a model says of one row; Q24 numbers are value times 2^24.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// Log-odds: the mean of the boosted trees' and the logistic regression's.
    pub score_q24: i64,
    /// Log-odds of an average row.
    pub base_q24: i64,
    /// What each feature adds; with the base they add up to the score exactly.
    pub contributions_q24: Vec<i64>,
    /// The boosted trees' log-odds.
    pub gbdt_q24: i64,
    /// The logistic regression's log-odds.
    pub logistic_q24: i64,
}

/// Why a model cannot answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShelfError {
    /// It is being trained; ask again.
    #[error("the model is not ready yet")]
    Pending,
    /// It cannot be had: the log names a model that is not kept, and that its own examples do not yield.
    #[error("the model cannot be had: {0}")]
    Unavailable(String),
    /// It can be had, and scoring failed all the same.
    #[error("the model cannot be used: {0}")]
    Broken(String),
}

/// Trains and keeps models.
pub trait ModelShelf: Send + Sync {
    /// Asks for the models of a cut; returns at once.
    fn request(&self, request: TrainRequest);
    /// What the model trained at `cut` says of each row.
    fn opinions(&self, model: ModelId, cut: u64, rows: Rows<'_>) -> Result<Vec<Opinion>, ShelfError>;
    /// Takes note that the log puts a model in force whose cut it does not hold, and says so.
    fn without(&self, model: ModelId, cut: u64) -> ShelfError {
        ShelfError::Unavailable(format!("the log names model {model} for cut {cut}, and holds no such cut"))
    }
    /// Probability in millionths of a Q24 log-odds.
    fn probability(&self, score_q24: i64) -> driftline_schema::Fixed {
        let q30 = driftline_kernels::probability_q30(score_q24);
        driftline_schema::Fixed::ratio(i64::from(q30), 1 << 30)
    }
}
