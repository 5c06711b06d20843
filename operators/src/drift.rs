//! Drift statistics of every feature of every repository, and alerts that open, resolve and can be taken back.
//!
//! Everything advances at points the log defines: every so many changes of one repository. So the answer is that of the
//! live changes in their order, whatever the batches; when a change is taken back, the evaluations after it are repeated
//! without it, and an alert that rested on it is gone as if it had never opened.

pub mod adwin;
pub mod bins;
pub mod elementary;
mod finding;
mod fold;
mod hysteresis;
pub mod statistics;
mod watch;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod split_mix;
#[cfg(test)]
mod stationary_tests;
#[cfg(test)]
mod tests;

use crate::Records;
use crate::ordered_fold::ordered_fold;
use driftline_schema::{Alert, DriftRow, Fixed, Position, RepoId};
use finding::Finding;
use fold::{DriftFold, Sample};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::sync::Arc;

pub use finding::{ADOPTED, RECOVERED};

/// Name under which the scores are watched, beside the features.
pub const RISK: &str = "risk";

/// What drift is computed from: one change that counts. Merges are left out by the caller.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DriftInput {
    /// The repository's name.
    pub repository: Arc<str>,
    /// Event time, seconds since 1970.
    pub time: i64,
    /// One value for each feature; shared, because the windows hold it as well.
    pub values: Arc<[Fixed]>,
    /// The score the change got at its arrival, if there was a model.
    pub score: Option<Fixed>,
}

/// Windows, thresholds and patience. Sizes are in changes that count, patience in evaluations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DriftConfig {
    /// Changes of a repository from one evaluation to the next.
    pub every: NonZeroU32,
    /// Changes in the first reference window.
    pub reference_changes: NonZeroU32,
    /// Most changes in the current window, which begins after the reference.
    pub window_changes: NonZeroU32,
    /// Changes both windows need before anything is said.
    pub sample_min: u32,
    /// An evaluation drifts only with an adjusted p-value below this.
    pub p_adjusted_max: Fixed,
    /// An evaluation drifts only with a PSI of at least this: with enough data the smallest shift is significant.
    pub psi_min: Fixed,
    /// Drifting evaluations in a row that open an alert.
    pub open_after: NonZeroU32,
    /// Evaluations in a row without drift that resolve it.
    pub resolve_after: NonZeroU32,
    /// Evaluations for which an alert stays open before the current window becomes the reference.
    pub adopt_after: NonZeroU32,
}

impl Default for DriftConfig {
    fn default() -> Self {
        let count = |n| NonZeroU32::new(n).expect("the defaults are not zero");
        Self {
            every: count(50),
            reference_changes: count(300),
            window_changes: count(200),
            sample_min: 200,
            p_adjusted_max: Fixed(10_000),
            psi_min: Fixed(200_000),
            open_after: count(2),
            resolve_after: count(2),
            // 1,000 changes: by then the drift is the new normal, and the model was retrained on it.
            adopt_after: count(20),
        }
    }
}

/// A configuration that could never say anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("drift: `{window}` is {changes} changes, below `sample_min` of {sample_min}: nothing would ever be evaluated")]
pub struct DriftConfigError {
    /// The window that is too small.
    pub window: &'static str,
    /// Its size.
    pub changes: u32,
    /// What it would have to reach.
    pub sample_min: u32,
}

impl DriftConfig {
    /// Refuses windows that cannot reach the minimum sample.
    pub fn check(&self) -> Result<(), DriftConfigError> {
        let windows = [("reference_changes", self.reference_changes), ("window_changes", self.window_changes)];
        match windows.into_iter().find(|(_, changes)| changes.get() < self.sample_min) {
            Some((window, changes)) => {
                Err(DriftConfigError { window, changes: changes.get(), sample_min: self.sample_min })
            }
            None => Ok(()),
        }
    }
}

/// What is evaluated together: the features over all changes, the risk over the scored ones.
///
/// The risk has its own windows, because the first changes of a repository are scored by no model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Subject {
    Features,
    Risk,
}

fn samples(input: DriftInput) -> impl Iterator<Item = (Subject, Sample)> {
    let DriftInput { repository, time, values, score } = input;
    let sample = move |subject, values| (subject, Sample { subject, repository: repository.clone(), time, values });
    let risk = score.map(|score| sample(Subject::Risk, Arc::from([score])));
    [sample(Subject::Features, values)].into_iter().chain(risk)
}

/// Maintains the statistics of each repository's newest evaluation, and one row for each alert.
///
/// `names` are the features in the order of `values`. A feature has no row while one of its windows is below the minimum
/// sample. When a feature's alert has been open for `adopt_after` evaluations, its current window becomes its reference
/// under the next `bins_version` (a model is to be retrained then), and its alert resolves as [`ADOPTED`].
///
/// A column for which `accumulates` holds, one that moves with the length of the history or the size of the repository by
/// its definition, has statistics but neither alerts nor a part in the adjustment: that it moved says nothing.
///
/// Readers of the alerts see `+Open` when one opens, `-Open +Resolved` when it resolves, and a lone `-` when the data it
/// rested on was taken back.
pub fn drift<'scope>(
    inputs: Records<'scope, (RepoId, (Position, DriftInput))>,
    config: DriftConfig,
    names: &[&str],
    accumulates: fn(usize) -> bool,
) -> (Records<'scope, DriftRow>, Records<'scope, Alert>) {
    let features: Arc<[String]> = names.iter().map(|name| (*name).to_owned()).collect();
    let risk: Arc<[String]> = Arc::from([RISK.to_owned()]);
    let columns = features.len();
    let samples = inputs.flat_map(move |(repo, (position, input))| {
        assert_eq!(input.values.len(), columns, "a vector has one value for each feature of the table");
        samples(input).map(move |(subject, sample)| ((repo, subject), (position, sample)))
    });
    // An evaluation brings its predecessor's findings along with a minus sign, so the sum over all evaluations is what
    // the newest one found: no reduce, hence no arrangement of a repository's past evaluations.
    let findings = ordered_fold(samples, "drift", DriftFold { config, accumulates })
        .explode(|((repo, subject), (_position, (finding, sign)))| Some(((repo, subject, finding), isize::from(sign))))
        .consolidate();
    let names = move |subject| if subject == Subject::Risk { risk.clone() } else { features.clone() };
    let alert_names = names.clone();
    let rows = findings.clone().flat_map(move |(repo, subject, finding)| match finding {
        Finding::Evaluation(evaluation) => evaluation.rows(repo, &names(subject)),
        Finding::Alert(_) => Vec::new(),
    });
    let alerts = findings.flat_map(move |(_repo, subject, finding)| match finding {
        Finding::Evaluation(_) => None,
        Finding::Alert(alert) => Some(alert.row(&alert_names(subject))),
    });
    (rows, alerts)
}
