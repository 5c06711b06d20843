//! Drift as rows: statistics of one feature at one evaluation, and alerts that open and resolve.

use crate::fixed::Fixed;
use crate::ids::RepoId;
use crate::position::Position;
use serde::{Deserialize, Serialize};

/// The drift statistics of one feature of one repository, as of its last evaluation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DriftRow {
    /// The repository.
    pub repo: RepoId,
    /// Its name.
    pub repository: String,
    /// The feature, or `risk` for the scores.
    pub feature: String,
    /// The change at which it was evaluated.
    pub position: Position,
    /// Serial number of the frozen bins (and reference window).
    pub bins_version: u32,
    /// Rows in the reference window.
    pub reference_rows: u32,
    /// Rows in the current window.
    pub current_rows: u32,
    /// Population stability index, smoothing 0.5 a bin.
    pub psi: Fixed,
    /// Two-sample chi-square statistic over the bins.
    pub chi_square: Fixed,
    /// Jensen-Shannon distance in bits (square root of the divergence).
    pub js_distance: Fixed,
    /// p-value of the chi-square test, in millionths (0 means below 5e-7).
    pub p_value: Fixed,
    /// p-value after Benjamini-Hochberg over the features evaluated together.
    pub p_adjusted: Fixed,
    /// Whether the alert's conditions hold at this evaluation.
    pub drifting: bool,
}

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum AlertState {
    Open,
    Resolved,
}

/// A drift alert. Its row is replaced when it resolves, and taken away when the data it rested on is taken back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Alert {
    /// Stable: hash of (repository, feature, position of opening).
    pub id: String,
    /// The repository's name.
    pub repository: String,
    /// The feature that drifts.
    pub feature: String,
    /// Where it stands.
    pub state: AlertState,
    /// The change at which it opened.
    pub opened_at: Position,
    /// Event time of that change, seconds since 1970.
    pub opened_time: i64,
    /// The change at which it resolved.
    pub resolved_at: Option<Position>,
    /// Why it resolved.
    pub resolution: Option<String>,
    /// PSI when it opened.
    pub psi: Fixed,
    /// Adjusted p-value when it opened.
    pub p_adjusted: Fixed,
    /// What it says in one sentence.
    pub summary: String,
}
