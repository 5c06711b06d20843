//! What happened to alerts in one closed time: the messages that leave by Kafka and by webhook.
//!
//! Pure. An alert that opened and resolved within one closed time gives both messages, so that a receiver sees the same
//! sequence however the log was cut into times.

use crate::batch::Diff;
use driftline_schema::{Alert, AlertState};
use std::collections::BTreeMap;

/// What happened to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertEvent {
    /// It opened, or opened again because its resolution was taken back.
    Opened,
    /// Its figures changed, its state did not.
    Updated,
    /// It resolved by itself.
    Resolved,
    /// The data it rested on was taken back: it should never have been.
    TakenBack,
}

impl AlertEvent {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Opened, Self::Updated, Self::Resolved, Self::TakenBack];

    /// The stable code: in JSON, in the webhook's type after `alert.`, as a metric label.
    pub fn code(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Updated => "updated",
            Self::Resolved => "resolved",
            Self::TakenBack => "taken_back",
        }
    }
}

/// One message about an alert.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct AlertChange {
    /// What happened.
    pub event: AlertEvent,
    /// The alert as it stands now; of one taken back, resolved with the reason.
    #[serde(flatten)]
    pub alert: Alert,
}

/// Why an alert that was taken back is resolved.
pub const TAKEN_BACK: &str = "the data it rested on was taken back";

/// The messages of one closed time, by alert id.
pub fn alert_changes(rows: &[Diff<Alert>]) -> Vec<AlertChange> {
    let mut by_id = BTreeMap::<&str, (Option<&Alert>, Option<&Alert>)>::new();
    for (alert, diff) in rows {
        let (old, new) = by_id.entry(&alert.id).or_default();
        *(if *diff < 0 { old } else { new }) = Some(alert);
    }
    by_id.into_values().flat_map(|(old, new)| changes_of(old, new)).collect()
}

fn changes_of(old: Option<&Alert>, new: Option<&Alert>) -> Vec<AlertChange> {
    let is_open = |alert: &Alert| alert.state == AlertState::Open;
    let change = |event, alert: &Alert| AlertChange { event, alert: alert.clone() };
    match (old, new) {
        (None, None) => Vec::new(),
        (None, Some(new)) if is_open(new) => vec![change(AlertEvent::Opened, new)],
        (None, Some(new)) => vec![change(AlertEvent::Opened, &as_opened(new)), change(AlertEvent::Resolved, new)],
        (Some(old), None) => vec![change(AlertEvent::TakenBack, &as_taken_back(old))],
        (Some(old), Some(new)) => match (is_open(old), is_open(new)) {
            (true, false) => vec![change(AlertEvent::Resolved, new)],
            (false, true) => vec![change(AlertEvent::Opened, new)],
            _ => vec![change(AlertEvent::Updated, new)],
        },
    }
}

/// A resolved alert as it was when it opened.
fn as_opened(alert: &Alert) -> Alert {
    Alert { state: AlertState::Open, resolved_at: None, resolution: None, ..alert.clone() }
}

fn as_taken_back(alert: &Alert) -> Alert {
    Alert { state: AlertState::Resolved, resolution: Some(TAKEN_BACK.to_owned()), ..alert.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{alert, resolved};

    fn events(rows: &[Diff<Alert>]) -> Vec<AlertEvent> {
        alert_changes(rows).into_iter().map(|change| change.event).collect()
    }

    #[test]
    fn each_transition_has_its_message() {
        let open = alert("a");
        let shut = resolved(&open);
        assert_eq!(events(&[(open.clone(), 1)]), [AlertEvent::Opened]);
        assert_eq!(events(&[(open.clone(), -1), (shut.clone(), 1)]), [AlertEvent::Resolved]);
        assert_eq!(events(&[(shut.clone(), 1), (open.clone(), -1)]), [AlertEvent::Resolved]);
        assert_eq!(events(&[(open.clone(), 1), (shut.clone(), -1)]), [AlertEvent::Opened]);
        assert_eq!(events(&[(open.clone(), -1)]), [AlertEvent::TakenBack]);
        let moved = Alert { psi: driftline_schema::Fixed(1), ..open.clone() };
        assert_eq!(events(&[(open, -1), (moved, 1)]), [AlertEvent::Updated]);
    }

    #[test]
    fn opening_and_resolving_within_one_time_gives_the_same_messages_as_in_two() {
        let open = alert("a");
        let shut = resolved(&open);
        let apart: Vec<_> = [vec![(open.clone(), 1)], vec![(open, -1), (shut.clone(), 1)]]
            .iter()
            .flat_map(|rows| alert_changes(rows))
            .collect();
        assert_eq!(alert_changes(&[(shut, 1)]), apart);
    }

    #[test]
    fn an_alert_taken_back_is_resolved_with_the_reason() {
        let change = &alert_changes(&[(alert("a"), -1)])[0];
        assert_eq!(change.alert.state, AlertState::Resolved);
        assert_eq!(change.alert.resolution.as_deref(), Some(TAKEN_BACK));
    }
}
