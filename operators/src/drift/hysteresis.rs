//! When an alert opens and resolves: never on one evaluation alone.
//!
//! The state is counters, so the step before is restored by copying them back.

use super::DriftConfig;
use super::finding::AlertFact;
use driftline_schema::Fixed;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Why an alert resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) enum Resolution {
    /// The current window is like the reference again.
    Recovered,
    /// The current window became the reference.
    Adopted,
}

/// Whether a feature's alert is open, and how long its evaluations have spoken against that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Track {
    /// The open alert.
    pub(super) alert: Option<Arc<AlertFact>>,
    /// Evaluations in a row that contradict the present state: drifting ones while no alert is open, else calm ones.
    against: u32,
    /// Evaluations since the alert opened.
    age: u32,
}

/// What an evaluation does to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Stay,
    Open,
    Resolve(Resolution),
}

impl Track {
    /// The track of an alert that has just opened.
    pub(super) fn opened(alert: Arc<AlertFact>) -> Self {
        Self { alert: Some(alert), against: 0, age: 0 }
    }

    /// Counts one evaluation and says what follows.
    pub(super) fn turn(&mut self, drifting: bool, config: &DriftConfig) -> Turn {
        let open = self.alert.is_some();
        self.against = if drifting == open { 0 } else { self.against + 1 };
        if !open {
            return if self.against >= config.open_after.get() { Turn::Open } else { Turn::Stay };
        }
        self.age += 1;
        if self.against >= config.resolve_after.get() {
            Turn::Resolve(Resolution::Recovered)
        } else if self.age >= config.adopt_after.get() {
            Turn::Resolve(Resolution::Adopted)
        } else {
            Turn::Stay
        }
    }
}

/// Whether an evaluation drifts: significant after adjustment, and large enough to matter.
///
/// It looks at the rounded numbers, so a reader of the row comes to the same verdict.
pub(super) fn drifts(psi: Fixed, p_adjusted: Fixed, config: &DriftConfig) -> bool {
    p_adjusted < config.p_adjusted_max && psi >= config.psi_min
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftline_schema::Position;

    /// The turns of a string of evaluations, `d` for drifting: `o` open, `r` recovered, `a` adopted.
    fn turns(evaluations: &str, config: &DriftConfig) -> String {
        let mut track = Track::default();
        let fact = AlertFact {
            repository: "r".into(),
            column: 0,
            opened_at: Position::default(),
            opened_time: 0,
            psi: Fixed::ZERO,
            p_adjusted: Fixed::ZERO,
            end: None,
        };
        let mut turn = |evaluation| match track.turn(evaluation == 'd', config) {
            Turn::Stay => '.',
            Turn::Open => {
                track = Track::opened(Arc::new(fact.clone()));
                'o'
            }
            Turn::Resolve(resolution) => {
                track = Track::default();
                if resolution == Resolution::Recovered { 'r' } else { 'a' }
            }
        };
        evaluations.chars().map(&mut turn).collect()
    }

    #[test]
    fn one_evaluation_alone_neither_opens_nor_resolves() {
        let config = DriftConfig::default();
        assert_eq!(turns("d-d-d-dd-d-d--d--dd", &config), ".......o.....r....o");
    }

    #[test]
    fn an_alert_that_stays_open_is_adopted() {
        let config = DriftConfig { adopt_after: 4.try_into().expect("not zero"), ..DriftConfig::default() };
        assert_eq!(turns("dddd-ddd", &config), ".o...a.o");
        assert_eq!(turns("dddd--dd", &config), ".o...r.o", "recovery comes before adoption");
        assert_eq!(turns("ddddd-dd", &config), ".o...a.o", "calm once, when its time is up");
        assert_eq!(turns("ddd--ddd", &config), ".o..r.o.");
    }

    #[test]
    fn both_conditions_must_hold() {
        let config = DriftConfig::default();
        assert!(drifts(Fixed(200_000), Fixed(9_999), &config));
        assert!(!drifts(Fixed(199_999), Fixed(0), &config));
        assert!(!drifts(Fixed(900_000), Fixed(10_000), &config));
    }
}
