//! The records one closed time gives, as bytes.
//!
//! Pure: the same closed time gives the same records in the same order, so a repeat overwrites itself.

use crate::alerts::alert_changes;
use crate::batch::{ClosedTime, Diff};
use driftline_schema::{Prediction, Reject};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What a dead letter keeps of bytes that no record can hold, and of its key and its detail.
const LETTER_BYTES_MAX: usize = 64 << 10;
const LETTER_TEXT_MAX: usize = 1 << 10;

/// Where a record goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Predictions by `repository/commit`.
    Predictions,
    /// What happened to alerts, by alert id.
    Alerts,
    /// Records that were not accepted, by their own key.
    DeadLetters,
}

/// One record to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to.
    pub topic: Topic,
    /// The key.
    pub key: String,
    /// The value; absent for a tombstone.
    pub payload: Option<Vec<u8>>,
    /// Headers, in order.
    pub headers: Vec<(&'static str, String)>,
}

/// All records of a closed time: predictions, then alerts, then rejects.
pub fn encode(closed: &ClosedTime) -> Vec<Outgoing> {
    let mut records = predictions(&closed.predictions);
    records.extend(alert_changes(&closed.alerts).into_iter().map(|change| Outgoing {
        topic: Topic::Alerts,
        payload: Some(serde_json::to_vec(&change).expect("records always serialise")),
        key: change.alert.id,
        headers: Vec::new(),
    }));
    records.extend(closed.rejects.iter().map(reject));
    for record in &mut records {
        if record.topic != Topic::DeadLetters {
            record.headers.push(("content-type", "application/json".to_owned()));
        }
        record.headers.push(("driftline-time", closed.time.to_string()));
    }
    records
}

/// One record a key: the prediction that is live now, or a tombstone where none is left.
///
/// A commit that stands at two positions has one key; the newest position answers for it.
fn predictions(rows: &[Diff<Prediction>]) -> Vec<Outgoing> {
    let mut by_key = BTreeMap::<String, Option<&Prediction>>::new();
    for (prediction, diff) in rows {
        let live = by_key.entry(format!("{}/{}", prediction.repository, prediction.commit)).or_default();
        let newer = live.is_none_or(|other| other.receipt.position < prediction.receipt.position);
        if *diff > 0 && newer {
            *live = Some(prediction);
        }
    }
    let record = |(key, live): (String, Option<&Prediction>)| Outgoing {
        topic: Topic::Predictions,
        key,
        payload: live.map(|prediction| serde_json::to_vec(prediction).expect("records always serialise")),
        headers: Vec::new(),
    };
    by_key.into_iter().map(record).collect()
}

/// The original bytes, with where they stood and why they were not accepted.
fn reject(reject: &Reject) -> Outgoing {
    Outgoing {
        topic: Topic::DeadLetters,
        key: reject.key.clone(),
        payload: Some(reject.bytes.to_vec()),
        headers: vec![
            ("driftline-source-position", reject.position.to_string()),
            ("driftline-reason", reject.reason.code().to_owned()),
            ("driftline-detail", reject.detail.clone()),
        ],
    }
}

/// The dead letter that fits where `letter` does not: the first 64 KiB of the bytes, how many there were, and their
/// SHA-256. The position in the headers says where all of them are.
pub(super) fn pointer(letter: &Outgoing) -> Outgoing {
    let bytes = letter.payload.as_deref().unwrap_or_default();
    let mut headers: Vec<_> =
        letter.headers.iter().map(|(name, value)| (*name, cut(value, LETTER_TEXT_MAX).to_owned())).collect();
    headers.push(("driftline-letter", "pointer".to_owned()));
    headers.push(("driftline-bytes", bytes.len().to_string()));
    headers.push(("driftline-sha256", hex(&Sha256::digest(bytes))));
    Outgoing {
        topic: letter.topic,
        key: cut(&letter.key, LETTER_TEXT_MAX).to_owned(),
        payload: Some(bytes[..bytes.len().min(LETTER_BYTES_MAX)].to_vec()),
        headers,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `text`, or its beginning of at most `bytes_max` bytes.
fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{alert, closed, prediction};
    use driftline_schema::{Fixed, Position, RejectReason};

    #[test]
    fn a_replaced_prediction_is_one_record_and_a_removed_one_a_tombstone() {
        let (old, new) = (prediction("o/n", 1, 300_000), prediction("o/n", 1, 400_000));
        let gone = prediction("o/n", 2, 100_000);
        let rows = vec![(new.clone(), 1), (old.clone(), -1), (gone.clone(), -1)];
        let records = encode(&ClosedTime { predictions: rows, ..closed(3, 9) });
        assert_eq!(records.len(), 2);
        assert_eq!(records[0].key, format!("o/n/{}", new.commit));
        let sent: Prediction = serde_json::from_slice(records[0].payload.as_ref().expect("a value")).expect("JSON");
        assert_eq!(sent.risk, Some(Fixed(400_000)));
        assert_eq!((records[1].key.clone(), &records[1].payload), (format!("o/n/{}", gone.commit), &None));
        assert_eq!(records[1].headers, [("content-type", "application/json".into()), ("driftline-time", "3".into())]);
    }

    #[test]
    fn the_bytes_of_a_prediction_are_these() {
        let records = encode(&ClosedTime { predictions: vec![(prediction("o/n", 1, 300_000), 1)], ..closed(3, 9) });
        let text = String::from_utf8(records[0].payload.clone().expect("a value")).expect("text");
        let expected = concat!(
            r#"{"repository":"o/n","commit":"0101010101010101010101010000000000000001","subject":"change 1","#,
            r#""time":1700000001,"risk":0.3,"percentile":null,"abstained":null,"#,
            r#""experts":[{"expert":"gbdt","value":0.3}],"#,
            r#""reasons":[{"feature":"la","group":"size","value":12.0,"contribution":0.25}],"#,
            r#""remaining_contribution":0.0,"base":-2.0,"score":-1.75,"size_contribution":0.25,"other_contribution":0.0,"places":[],"#,
            r#""receipt":{"position":{"partition":0,"offset":1},"#,
            r#""model":"0707070707070707070707070707070707070707070707070707070707070707","cut":1,"#,
            r#""features_version":1}}"#,
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn an_alert_says_what_happened_and_a_reject_keeps_its_bytes() {
        let reject = Reject {
            position: Position { partition: 2, offset: 40 },
            reason: RejectReason::NotUtf8,
            detail: "byte 0xff at 0".to_owned(),
            key: "o/n".to_owned(),
            commit: None,
            bytes: [0xff, 0x00].into(),
        };
        let closed = ClosedTime { alerts: vec![(alert("a"), -1)], rejects: vec![reject], ..closed(3, 9) };
        let records = encode(&closed);
        let said: serde_json::Value =
            serde_json::from_slice(records[0].payload.as_ref().expect("a value")).expect("JSON");
        assert_eq!(
            (records[0].key.as_str(), &said["event"], &said["state"]),
            ("a", &"taken_back".into(), &"resolved".into())
        );
        assert_eq!(records[1].payload.as_deref(), Some([0xff, 0x00].as_slice()));
        let header =
            |name: &str| records[1].headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str());
        assert_eq!(header("driftline-source-position"), Some("2:40"));
        assert_eq!(
            (header("driftline-reason"), header("driftline-detail")),
            (Some("not_utf8"), Some("byte 0xff at 0"))
        );
    }
}
