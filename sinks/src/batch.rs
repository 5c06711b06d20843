//! Everything that became final at one time, and the trait of whoever takes it.
//!
//! A sink sees each closed time once and whole. Applying the same time twice must be harmless: after a crash the newest
//! times are handed over again.

use driftline_schema::{
    Alert, ChangeKey, CommitId, DriftRow, Evidence, Label, ModelInfo, Position, Prediction, Reject, Vector,
};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What the view knows of a change besides its prediction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct ChangeSummary {
    /// Repository and position.
    pub key: ChangeKey,
    /// Repository name.
    pub repository: String,
    /// The commit.
    pub commit: CommitId,
    /// First line of the message.
    pub subject: String,
    /// Event time, seconds since 1970.
    pub time: i64,
}

/// A record and by how much its multiplicity changed: `+1` appeared, `-1` was taken back.
pub type Diff<D> = (D, isize);

/// All differences of one closed time, consolidated and sorted.
#[derive(Clone, Debug, Default)]
pub struct ClosedTime {
    /// The time: serial number of the binding.
    pub time: u64,
    /// Next offset of each partition: the log up to here is reflected.
    pub as_of: Vec<u64>,
    /// Live changes.
    pub changes: Vec<Diff<ChangeSummary>>,
    /// Feature vectors.
    pub vectors: Vec<Diff<Vector>>,
    /// Evidence rows.
    pub evidence: Vec<Diff<Evidence>>,
    /// Labels.
    pub labels: Vec<Diff<(ChangeKey, Label)>>,
    /// Predictions at arrival.
    pub predictions: Vec<Diff<Prediction>>,
    /// Drift statistics as of the last evaluation.
    pub drift: Vec<Diff<DriftRow>>,
    /// Drift alerts.
    pub alerts: Vec<Diff<Alert>>,
    /// Models in use.
    pub models: Vec<Diff<ModelInfo>>,
    /// Input that was not accepted.
    pub rejects: Vec<Reject>,
    /// The event clock of each partition that advanced: (position of the record, event time in seconds).
    pub event_clock: Vec<(Position, i64)>,
}

/// Why a batch did not reach its sink.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// May succeed later: the caller keeps the batch and retries.
    #[error("{sink} is not reachable: {reason}")]
    Unreachable {
        /// The sink's name.
        sink: String,
        /// What happened.
        reason: String,
    },
    /// Retrying cannot help: what was refused is counted, said and left.
    #[error("{sink} refused {records} records at time {time}: {reason}")]
    Refused {
        /// The sink's name.
        sink: String,
        /// The closed time.
        time: u64,
        /// How many of its records were refused.
        records: u64,
        /// What it said.
        reason: String,
    },
}

/// Takes every closed time, in order.
pub trait Sink: Send {
    /// A short stable name, used in logs and as a metric label.
    fn name(&self) -> &str;
    /// Tells the flag that is set when the process is to end soon: nothing should then be waited for longer than a second
    /// or two.
    fn stop_with(&mut self, _stopping: Arc<AtomicBool>) {}
    /// Applies one closed time.
    fn apply(&mut self, closed: &ClosedTime) -> Result<(), SinkError>;
}
