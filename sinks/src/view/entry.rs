//! All that is known of one change.
//!
//! Rows come and go one by one; a change without any row left is no longer in the view.

use driftline_schema::{CommitId, Evidence, EvidenceKind, Fixed, Label, Position, Verdict};
use std::sync::Arc;

/// One change: the parts the engine maintains separately, side by side.
#[derive(Clone, Default)]
pub(super) struct Entry {
    /// First line of the message, from the change itself.
    pub(super) summary: Option<Summary>,
    /// The prediction, packed.
    pub(super) prediction: Option<Scored>,
    /// The feature vector.
    pub(super) vector: Option<VectorRow>,
    /// The label.
    pub(super) label: Option<Label>,
    /// Live evidence, sorted.
    pub(super) evidence: Vec<EvidenceRow>,
}

/// What the change is called.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) commit: CommitId,
    pub(super) subject: Arc<str>,
    pub(super) time: i64,
}

/// A packed prediction and the parts it is found and sorted by.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Scored {
    pub(super) packed: Arc<[u8]>,
    pub(super) commit: CommitId,
    pub(super) time: i64,
    pub(super) risk: Option<Fixed>,
}

/// A vector without its key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct VectorRow {
    pub(super) time: i64,
    pub(super) values: Arc<[Fixed]>,
}

/// A row of evidence without the change it speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct EvidenceRow {
    /// Where it comes from.
    pub kind: EvidenceKind,
    /// What it says.
    pub verdict: Verdict,
    /// The record it rests on.
    pub source: Position,
    /// Lines traced, weight of the vote, or 1.
    pub weight: u32,
}

impl From<Evidence> for EvidenceRow {
    fn from(row: Evidence) -> Self {
        Self { kind: row.kind, verdict: row.verdict, source: row.source, weight: row.weight }
    }
}

impl Entry {
    /// The commit, from whichever part names it.
    pub(super) fn commit(&self) -> Option<CommitId> {
        self.summary.as_ref().map(|summary| summary.commit).or(self.prediction.as_ref().map(|scored| scored.commit))
    }
    /// Whether no row is left.
    pub(super) fn is_empty(&self) -> bool {
        self.summary.is_none()
            && self.prediction.is_none()
            && self.vector.is_none()
            && self.label.is_none()
            && self.evidence.is_empty()
    }
    /// Bytes behind the pointers of this entry.
    pub(super) fn heap_bytes(&self) -> usize {
        // A shared allocation carries two counters.
        const COUNTERS: usize = 16;
        let summary = self.summary.as_ref().map_or(0, |summary| summary.subject.len() + COUNTERS);
        let packed = self.prediction.as_ref().map_or(0, |scored| scored.packed.len() + COUNTERS);
        let vector = self.vector.as_ref().map_or(0, |row| size_of_val(&*row.values) + COUNTERS);
        summary + packed + vector + self.evidence.capacity() * size_of::<EvidenceRow>()
    }
}
