//! Evidence is rows; a label is a function of the live rows.

use crate::position::{ChangeKey, Position};
use serde::{Deserialize, Serialize};

/// What a change turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It did no harm, as far as is known.
    Clean,
    /// It brought a defect.
    Defective,
}

/// Where evidence comes from, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// A person's vote.
    Vote,
    /// A `Fixes:` trailer named the change.
    Trailer,
    /// A later change reverted it.
    Revert,
    /// A fix removed lines that the change had brought (SZZ).
    Szz,
    /// The waiting time passed without evidence of a defect: provisionally clean.
    Waiting,
}

impl EvidenceKind {
    /// The code used in JSON and as a metric label.
    pub fn code(self) -> &'static str {
        match self {
            Self::Vote => "vote",
            Self::Trailer => "trailer",
            Self::Revert => "revert",
            Self::Szz => "szz",
            Self::Waiting => "waiting",
        }
    }
}

/// One reason to call a change defective or clean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Evidence {
    /// The change judged.
    pub change: ChangeKey,
    /// Where it comes from.
    pub kind: EvidenceKind,
    /// What it says.
    pub verdict: Verdict,
    /// The record it rests on: a fix, a revert, a vote.
    pub source: Position,
    /// Lines traced (SZZ), weight of the vote, or 1.
    pub weight: u32,
}

/// What is known of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Label {
    /// The verdict.
    pub verdict: Verdict,
    /// The strongest kind of live evidence for it.
    pub kind: EvidenceKind,
    /// Whether it may still be corrected by the passing of time alone (no explicit evidence yet).
    pub provisional: bool,
    /// Number of live rows of evidence.
    pub evidence: u32,
}
