//! The records one closed time gives, as bytes.
//!
//! Pure: the same closed time gives the same records in the same order, so a repeat overwrites itself.

use crate::alerts::alert_changes;
use crate::batch::{ClosedTime, Diff};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use driftline_schema::{Prediction, RecordHeader, Reject};
use std::collections::BTreeMap;

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
    /// The key; absent for the dead letter of a record without one.
    pub key: Option<Vec<u8>>,
    /// The value; absent for a tombstone, and for the dead letter of a record without one.
    pub payload: Option<Vec<u8>>,
    /// Headers, in order: first those that a refused record came with, then driftline's own.
    pub headers: Vec<SentHeader>,
    /// How many of the headers a refused record came with.
    pub foreign_headers: usize,
}

/// Name and value of a header; the value may be absent.
pub type SentHeader = (String, Option<Vec<u8>>);

/// A header of driftline's own.
fn own(name: &str, value: &str) -> SentHeader {
    (name.to_owned(), Some(value.as_bytes().to_vec()))
}

/// All records of a closed time: predictions, then alerts, then rejects.
pub fn encode(closed: &ClosedTime) -> Vec<Outgoing> {
    let mut records = predictions(&closed.predictions);
    records.extend(alert_changes(&closed.alerts).into_iter().map(|change| Outgoing {
        topic: Topic::Alerts,
        payload: Some(serde_json::to_vec(&change).expect("records always serialise")),
        key: Some(change.alert.id.into_bytes()),
        headers: Vec::new(),
        foreign_headers: 0,
    }));
    records.extend(closed.rejects.iter().map(reject));
    for record in &mut records {
        if record.topic != Topic::DeadLetters {
            record.headers.push(own("content-type", "application/json"));
        }
        record.headers.push(own("driftline-time", &closed.time.to_string()));
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
        key: Some(key.into_bytes()),
        payload: live.map(|prediction| serde_json::to_vec(prediction).expect("records always serialise")),
        headers: Vec::new(),
        foreign_headers: 0,
    };
    by_key.into_iter().map(record).collect()
}

/// The record as it was, key, value and headers, with where it stood and why it was not accepted. Where a record came with
/// a header of one of our names, ours is the last.
fn reject(reject: &Reject) -> Outgoing {
    let envelope = reject.envelope.as_deref();
    let key = envelope.and_then(|envelope| envelope.key.as_deref()).unwrap_or(reject.key.as_bytes());
    let mut headers: Vec<SentHeader> =
        envelope.map_or(Vec::new(), |envelope| envelope.headers.iter().map(theirs).collect());
    let foreign_headers = headers.len();
    headers.push(own("driftline-source-position", &reject.position.to_string()));
    headers.push(own("driftline-reason", reject.reason.code()));
    headers.push(own("driftline-detail", &reject.detail));
    Outgoing {
        topic: Topic::DeadLetters,
        key: (!envelope.is_some_and(|envelope| envelope.key_is_null)).then(|| key.to_vec()),
        payload: (!envelope.is_some_and(|envelope| envelope.value_is_null)).then(|| reject.bytes.to_vec()),
        headers,
        foreign_headers,
    }
}

/// A header that a record came with. Names are text for every client; one that is not is sent in base 64 behind a prefix.
fn theirs(header: &RecordHeader) -> SentHeader {
    let name = match std::str::from_utf8(&header.name) {
        Ok(name) => name.to_owned(),
        Err(_) => format!("driftline-name-base64:{}", BASE64_STANDARD.encode(&header.name)),
    };
    (name, header.value.as_deref().map(<[u8]>::to_vec))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{alert, closed, prediction};
    use driftline_schema::{Envelope, Fixed, Position, RejectReason};

    #[test]
    fn a_replaced_prediction_is_one_record_and_a_removed_one_a_tombstone() {
        let (old, new) = (prediction("o/n", 1, 300_000), prediction("o/n", 1, 400_000));
        let gone = prediction("o/n", 2, 100_000);
        let rows = vec![(new.clone(), 1), (old.clone(), -1), (gone.clone(), -1)];
        let records = encode(&ClosedTime { predictions: rows, ..closed(3, 9) });
        assert_eq!(records.len(), 2);
        assert_eq!(records[0].key, Some(format!("o/n/{}", new.commit).into_bytes()));
        let sent: Prediction = serde_json::from_slice(records[0].payload.as_ref().expect("a value")).expect("JSON");
        assert_eq!(sent.risk, Some(Fixed(400_000)));
        let key = format!("o/n/{}", gone.commit).into_bytes();
        assert_eq!((&records[1].key, &records[1].payload), (&Some(key), &None));
        assert_eq!(records[1].headers, [own("content-type", "application/json"), own("driftline-time", "3")]);
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
            key: "o/n".into(),
            commit: None,
            bytes: [0xff, 0x00].into(),
            envelope: None,
        };
        let closed = ClosedTime { alerts: vec![(alert("a"), -1)], rejects: vec![reject], ..closed(3, 9) };
        let records = encode(&closed);
        let said: serde_json::Value =
            serde_json::from_slice(records[0].payload.as_ref().expect("a value")).expect("JSON");
        assert_eq!(
            (records[0].key.as_deref(), &said["event"], &said["state"]),
            (Some(b"a".as_slice()), &"taken_back".into(), &"resolved".into())
        );
        assert_eq!(records[1].payload.as_deref(), Some([0xff, 0x00].as_slice()));
        let header = |name: &str| {
            records[1].headers.iter().find(|header| header.0 == name).and_then(|header| header.1.as_deref())
        };
        assert_eq!(header("driftline-source-position"), Some(b"2:40".as_slice()));
        assert_eq!(
            (header("driftline-reason"), header("driftline-detail")),
            (Some(b"not_utf8".as_slice()), Some(b"byte 0xff at 0".as_slice()))
        );
    }

    #[test]
    fn a_letter_gives_key_value_and_headers_back_as_they_were() {
        let letter = |key: &[u8], envelope: Envelope| {
            let reject = Reject {
                position: Position { partition: 0, offset: 1 },
                reason: RejectReason::NotAnEvent,
                detail: "d".to_owned(),
                key: String::from_utf8_lossy(key).into(),
                commit: None,
                bytes: [].into(),
                envelope: Some(envelope.into()),
            };
            encode(&ClosedTime { rejects: vec![reject], ..closed(3, 9) }).remove(0)
        };
        let odd = letter(
            b"\xff\xfe",
            Envelope { key: Some([0xff, 0xfe].into()), value_is_null: true, ..Envelope::default() },
        );
        assert_eq!((odd.key, odd.payload), (Some(b"\xff\xfe".to_vec()), None));
        let header =
            |name: &[u8], value: Option<&[u8]>| RecordHeader { name: name.into(), value: value.map(Into::into) };
        let headers = vec![
            header(b"trace", Some(&[0xff, 0])),
            header(b"empty", Some(&[])),
            header(b"none", None),
            header(&[0xe9], None),
        ];
        let keyless = letter(b"", Envelope { key_is_null: true, headers, ..Envelope::default() });
        assert_eq!((keyless.key, keyless.payload, keyless.foreign_headers), (None, Some(Vec::new()), 4));
        let expected = [
            ("trace".to_owned(), Some(vec![0xff, 0])),
            ("empty".to_owned(), Some(Vec::new())),
            ("none".to_owned(), None),
            ("driftline-name-base64:6Q==".to_owned(), None),
        ];
        assert_eq!(keyless.headers[..4], expected);
        let empty = letter(b"", Envelope { headers: vec![header(b"a", None)], ..Envelope::default() });
        assert_eq!((empty.key, empty.payload), (Some(Vec::new()), Some(Vec::new())), "empty is not absent");
    }
}
