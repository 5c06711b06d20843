//! What an evaluation finds, as small facts; the rows that people read are made from them at the very end.
//!
//! Inside the fold a feature is a column number: names and sentences would be held once for each evaluation.

use super::hysteresis::Resolution;
use driftline_schema::ids::to_hex;
use driftline_schema::{Alert, AlertState, DriftRow, Fixed, Position, RepoId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Reason of an alert that resolved because the current window is like the reference again.
pub const RECOVERED: &str = "recovered";
/// Reason of an alert that resolved because the current window became the reference.
pub const ADOPTED: &str = "adopted";

/// What a change at which a repository is evaluated brings forth.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) enum Finding {
    /// The statistics of all features that have their minimum sample.
    Evaluation(Arc<Evaluation>),
    /// An alert, open or resolved.
    Alert(Arc<AlertFact>),
}

/// The statistics found at one change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Evaluation {
    pub(super) repository: Arc<str>,
    pub(super) position: Position,
    pub(super) statistics: Box<[Statistic]>,
}

/// The statistics of one feature; the fields are those of [`DriftRow`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Statistic {
    pub(super) column: u32,
    pub(super) bins_version: u32,
    pub(super) reference_rows: u32,
    pub(super) current_rows: u32,
    pub(super) psi: Fixed,
    pub(super) chi_square: Fixed,
    pub(super) js_distance: Fixed,
    pub(super) p_value: Fixed,
    pub(super) p_adjusted: Fixed,
    pub(super) drifting: bool,
}

/// An alert; `end` says where and why it resolved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct AlertFact {
    pub(super) repository: Arc<str>,
    pub(super) column: u32,
    pub(super) opened_at: Position,
    pub(super) opened_time: i64,
    pub(super) psi: Fixed,
    pub(super) p_adjusted: Fixed,
    pub(super) end: Option<(Position, Resolution)>,
}

impl Evaluation {
    /// One row for each feature.
    pub(super) fn rows(&self, repo: RepoId, names: &[String]) -> Vec<DriftRow> {
        let row = |statistic: &Statistic| DriftRow {
            repo,
            repository: self.repository.to_string(),
            feature: names[statistic.column as usize].clone(),
            position: self.position,
            bins_version: statistic.bins_version,
            reference_rows: statistic.reference_rows,
            current_rows: statistic.current_rows,
            psi: statistic.psi,
            chi_square: statistic.chi_square,
            js_distance: statistic.js_distance,
            p_value: statistic.p_value,
            p_adjusted: statistic.p_adjusted,
            drifting: statistic.drifting,
        };
        self.statistics.iter().map(row).collect()
    }
}

impl AlertFact {
    /// The row that sinks and readers see.
    pub(super) fn row(&self, names: &[String]) -> Alert {
        let feature = &names[self.column as usize];
        Alert {
            id: alert_id(&self.repository, feature, self.opened_at),
            repository: self.repository.to_string(),
            feature: feature.clone(),
            state: if self.end.is_some() { AlertState::Resolved } else { AlertState::Open },
            opened_at: self.opened_at,
            opened_time: self.opened_time,
            resolved_at: self.end.map(|(position, _)| position),
            resolution: self.end.map(|(_, resolution)| code(resolution).to_owned()),
            psi: self.psi,
            p_adjusted: self.p_adjusted,
            summary: self.summary(feature),
        }
    }

    fn summary(&self, feature: &str) -> String {
        let what = format!("{feature} in {}", self.repository);
        // Zero stands for anything that rounds to it.
        let p = if self.p_adjusted == Fixed::ZERO { "below 0.000001".to_owned() } else { self.p_adjusted.to_string() };
        let evidence = format!("PSI {}, adjusted p {p}", self.psi);
        match self.end {
            None => format!("The distribution of {what} has drifted from its reference window: {evidence}."),
            Some((_, Resolution::Recovered)) => {
                format!("The distribution of {what} is back to its reference window; when it drifted: {evidence}.")
            }
            Some((_, Resolution::Adopted)) => {
                format!("The drifted distribution of {what} became its reference window; when it drifted: {evidence}.")
            }
        }
    }
}

fn code(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Recovered => RECOVERED,
        Resolution::Adopted => ADOPTED,
    }
}

/// First sixteen bytes, in hex, of the SHA-256 of the length-prefixed repository, feature and position of opening.
fn alert_id(repository: &str, feature: &str, opened_at: Position) -> String {
    let mut hasher = Sha256::new();
    let (partition, offset) = (opened_at.partition.to_be_bytes(), opened_at.offset.to_be_bytes());
    for part in [b"alert".as_slice(), repository.as_bytes(), feature.as_bytes(), &partition, &offset] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    to_hex(&hasher.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_keeps_its_id_when_it_resolves() {
        let open = AlertFact {
            repository: "acme/app".into(),
            column: 1,
            opened_at: Position { partition: 3, offset: 77 },
            opened_time: 1_700_000_000,
            psi: Fixed(412_000),
            p_adjusted: Fixed::ZERO,
            end: None,
        };
        let resolved =
            AlertFact { end: Some((Position { partition: 3, offset: 99 }, Resolution::Recovered)), ..open.clone() };
        let names = ["files".to_owned(), "entropy".to_owned()];
        let (open, resolved) = (open.row(&names), resolved.row(&names));
        assert_eq!(open.id, resolved.id);
        assert_eq!(open.id.len(), 32);
        assert_eq!((open.state, resolved.state), (AlertState::Open, AlertState::Resolved));
        assert_eq!(resolved.resolution.as_deref(), Some(RECOVERED));
        assert_eq!(
            open.summary,
            "The distribution of entropy in acme/app has drifted from its reference window: PSI 0.412, adjusted p below 0.000001."
        );
    }

    #[test]
    fn every_part_of_an_alert_counts_in_its_id() {
        let at = |offset| Position { partition: 0, offset };
        let ids = [
            alert_id("a", "bc", at(1)),
            alert_id("ab", "c", at(1)),
            alert_id("a", "bc", at(2)),
            alert_id("a", "b", at(1)),
        ];
        for (i, id) in ids.iter().enumerate() {
            assert!(!ids[..i].contains(id), "{i}");
        }
    }
}
