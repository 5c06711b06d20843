//! What a webhook says: `{type, timestamp, data}` and an id that names the occurrence.

use crate::alerts::AlertChange;
use crate::utc::rfc3339;
use driftline_schema::ids::to_hex;
use sha2::{Digest, Sha256};

/// One message, the same for every endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// The value of `webhook-id`.
    pub(super) id: String,
    /// The alert it speaks of; messages about one alert are delivered in order.
    pub(super) alert: String,
    /// JSON.
    pub(super) body: String,
}

/// The message about one change at a closed time. `now_s` is when it was made, seconds since 1970.
///
/// The id is a hash of the time and the change: applying the closed time again gives it again, and an alert that opens a
/// second time gets another.
pub(super) fn message(change: &AlertChange, time: u64, now_s: i64) -> Message {
    let data = serde_json::to_string(&change.alert).expect("records always serialise");
    let mut hash = Sha256::new();
    hash.update(time.to_be_bytes());
    hash.update(change.event.code());
    hash.update(&data);
    let id = format!("msg_{}", to_hex(&hash.finalize()[..16]));
    let (kind, made) = (change.event.code(), rfc3339(now_s));
    let body = format!(r#"{{"type":"alert.{kind}","timestamp":"{made}","data":{data}}}"#);
    Message { id, alert: change.alert.id.clone(), body }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::{AlertEvent, alert_changes};
    use crate::testing::alert;

    #[test]
    fn the_body_is_these_bytes() {
        let change = alert_changes(&[(alert("a1"), 1)]).remove(0);
        let message = message(&change, 7, 1_700_000_123);
        let expected = concat!(
            r#"{"type":"alert.opened","timestamp":"2023-11-14T22:15:23Z","data":{"id":"a1","repository":"owner/name","#,
            r#""feature":"la","state":"open","opened_at":{"partition":0,"offset":5},"opened_time":1700000000,"#,
            r#""resolved_at":null,"resolution":null,"psi":0.3125,"p_adjusted":0.0012,"#,
            r#""summary":"lines added drifted"}}"#,
        );
        assert_eq!(message.body, expected);
    }

    #[test]
    fn the_id_depends_on_the_occurrence_alone() {
        let change = AlertChange { event: AlertEvent::Opened, alert: alert("a1") };
        let id = |change: &AlertChange, time, now| message(change, time, now).id;
        assert_eq!(id(&change, 7, 1), id(&change, 7, 2));
        assert_ne!(id(&change, 7, 1), id(&change, 8, 1));
        assert_ne!(id(&change, 7, 1), id(&AlertChange { event: AlertEvent::Resolved, ..change.clone() }, 7, 1));
    }
}
