//! What driftline answers for a commit: how risky, why, where, how sure, and by which model.

use crate::feature::FeatureGroup;
use crate::fixed::Fixed;
use crate::ids::{CommitId, ModelId};
use crate::position::Position;
use serde::{Deserialize, Serialize};

/// The answer for one commit, as of its arrival.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Prediction {
    /// Repository name.
    pub repository: String,
    /// The commit.
    pub commit: CommitId,
    /// First line of its message.
    pub subject: String,
    /// When it was committed, seconds since 1970.
    pub time: i64,
    /// Probability of a defect in [0, 1]; absent when driftline abstains.
    pub risk: Option<Fixed>,
    /// Share of the repository's earlier predictions (at most the last 1,000) that are less risky, in [0, 1].
    pub percentile: Option<Fixed>,
    /// Why there is no risk: "not enough history", "model_unavailable" or "split_repository".
    pub abstained: Option<String>,
    /// What each expert says.
    pub experts: Vec<ExpertScore>,
    /// The largest contributions to the log-odds, largest first.
    pub reasons: Vec<Reason>,
    /// Contributions of the features not listed; with `base` and `reasons` it adds up to `score` exactly.
    pub remaining_contribution: Fixed,
    /// Log-odds of an average change.
    pub base: Fixed,
    /// Log-odds of this change.
    pub score: Fixed,
    /// Sum of the contributions of the group `size`.
    pub size_contribution: Fixed,
    /// Sum of the contributions of all other groups.
    pub other_contribution: Fixed,
    /// The functions and files to look at first, most suspicious first.
    pub places: Vec<Place>,
    /// What the answer rests on.
    pub receipt: Receipt,
}

/// One expert's opinion.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExpertScore {
    /// `lines_added`, `logistic` or `gbdt`.
    pub expert: String,
    /// Its probability, or for `lines_added` the number of lines.
    pub value: Fixed,
}

/// One feature's part in the score.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reason {
    /// The feature's name in the table.
    pub feature: String,
    /// Its group.
    pub group: FeatureGroup,
    /// Its value for this change.
    pub value: Fixed,
    /// What it adds to the log-odds.
    pub contribution: Fixed,
}

/// Somewhere to look.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The file.
    pub path: String,
    /// The function, if the language is parsed.
    pub function: Option<String>,
    /// First line, from 1.
    pub start_line: u32,
    /// Last line, from 1.
    pub end_line: u32,
    /// Lines this change added or rewrote there.
    pub changed_lines: u32,
    /// Cognitive complexity there after the change.
    pub cognitive: u32,
    /// Cognitive complexity gained by the change.
    pub cognitive_delta: i32,
}

/// What an answer rests on; enough to rebuild it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Receipt {
    /// The record of the change.
    pub position: Position,
    /// The model, if one answered.
    pub model: Option<ModelId>,
    /// The cut the model was trained at.
    pub cut: Option<u64>,
    /// Version of the features table.
    pub features_version: u32,
}
