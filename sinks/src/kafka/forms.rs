//! Smaller forms of records that are too large for their topic.
//!
//! Pure. A form keeps what a reader cannot find elsewhere, says that it is a form, and is smaller than the one before it.

use super::encode::{Outgoing, Topic};
use sha2::{Digest, Sha256};

/// Forms from the whole record (0) to the smallest.
pub(super) const FORMS: usize = 3;

/// What a dead letter keeps of bytes that no record can hold, and of its key, its detail and the headers it came with.
const LETTER_BYTES_MAX: usize = 64 << 10;
const LETTER_TEXT_MAX: usize = 1 << 10;
const LETTER_HEADERS_MAX: usize = 16 << 10;
/// The same of the smallest letter, which has room in any topic that takes records of 1 KiB.
const LEAST_TEXT_MAX: usize = 64;

/// Fields that a shortened prediction goes without: people read them, and the API has them.
const LEFT_OUT: [&str; 5] = ["subject", "experts", "reasons", "remaining_contribution", "places"];

/// Form number `form` of a record; `None` where it has no such form.
pub(super) fn form(record: &Outgoing, form: usize) -> Option<Outgoing> {
    match (form, record.topic) {
        (0, _) => Some(record.clone()),
        (1, Topic::DeadLetters) => Some(pointer(record, LETTER_BYTES_MAX, LETTER_TEXT_MAX, LETTER_HEADERS_MAX)),
        (2, Topic::DeadLetters) => Some(pointer(record, 0, LEAST_TEXT_MAX, 0)),
        (1, Topic::Predictions) => shortened(record),
        _ => None,
    }
}

/// A prediction without what explains it; `shortened` lists what is left out.
fn shortened(record: &Outgoing) -> Option<Outgoing> {
    let mut prediction: serde_json::Value = serde_json::from_slice(record.payload.as_deref()?).ok()?;
    let fields = prediction.as_object_mut()?;
    LEFT_OUT.iter().for_each(|name| drop(fields.remove(*name)));
    fields.insert("shortened".to_owned(), LEFT_OUT.to_vec().into());
    let payload = serde_json::to_vec(&prediction).expect("JSON always serialises");
    Some(Outgoing { payload: Some(payload), ..record.clone() })
}

/// The dead letter that fits where `letter` does not: the beginning of the bytes, how many there were, and their SHA-256.
/// The position in the headers says where all of them are.
fn pointer(letter: &Outgoing, bytes_max: usize, text_max: usize, headers_max: usize) -> Outgoing {
    let bytes = letter.payload.as_deref().unwrap_or_default();
    let (theirs, ours) = letter.headers.split_at(letter.foreign_headers);
    let mut room = headers_max;
    let mut headers = Vec::new();
    for header in theirs {
        let size = header.0.len() + header.1.as_ref().map_or(0, Vec::len);
        if size > room {
            break;
        }
        room -= size;
        headers.push(header.clone());
    }
    let foreign_headers = headers.len();
    headers.extend(ours.iter().map(|(name, value)| {
        let value = value.as_ref().map(|value| cut(value, text_max).to_vec());
        (name.clone(), value)
    }));
    let key_bytes = letter.key.as_ref().map_or(0, Vec::len);
    let mut say = |name: &str, value: String| headers.push((name.to_owned(), Some(value.into_bytes())));
    say("driftline-letter", "pointer".to_owned());
    say("driftline-bytes", bytes.len().to_string());
    say("driftline-sha256", hex(&Sha256::digest(bytes)));
    if key_bytes > text_max {
        say("driftline-key-bytes", key_bytes.to_string());
    }
    if foreign_headers < theirs.len() {
        say("driftline-headers-left-out", (theirs.len() - foreign_headers).to_string());
    }
    Outgoing {
        topic: letter.topic,
        key: letter.key.as_ref().map(|key| key[..key.len().min(text_max)].to_vec()),
        payload: letter.payload.as_ref().map(|bytes| bytes[..bytes.len().min(bytes_max)].to_vec()),
        headers,
        foreign_headers,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A value of ours, or its beginning of at most `bytes_max` bytes, in whole characters.
fn cut(value: &[u8], bytes_max: usize) -> &[u8] {
    let text = std::str::from_utf8(value).unwrap_or_default();
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &value[..end]
}

#[cfg(test)]
mod tests {
    use super::super::encode::encode;
    use super::*;
    use crate::batch::ClosedTime;
    use crate::testing::{closed, prediction};
    use driftline_schema::{Envelope, Position, RecordHeader, Reject, RejectReason};
    use std::sync::Arc;

    fn sizes(record: &Outgoing) -> Vec<usize> {
        let size = |form: Outgoing| {
            let headers: usize = form.headers.iter().map(|(n, v)| n.len() + v.as_ref().map_or(0, Vec::len)).sum();
            form.payload.map_or(0, |bytes| bytes.len()) + form.key.map_or(0, |bytes| bytes.len()) + headers
        };
        (0..FORMS).filter_map(|number| form(record, number)).map(size).collect()
    }

    #[test]
    fn a_shortened_prediction_keeps_its_answer_and_says_what_is_left_out() {
        let whole = prediction("o/n", 1, 300_000);
        let record = &encode(&ClosedTime { predictions: vec![(whole, 1)], ..closed(3, 9) })[0];
        let short = form(record, 1).expect("a prediction has a short form");
        assert_eq!(short.key, record.key);
        let sent: serde_json::Value = serde_json::from_slice(&short.payload.expect("a value")).expect("JSON");
        assert_eq!((&sent["risk"], &sent["receipt"]["cut"], &sent["score"]), (&0.3.into(), &1.into(), &(-1.75).into()));
        assert!(sent.get("reasons").is_none() && sent["shortened"][2] == "reasons", "{sent}");
        assert_eq!(form(record, 2), None);
        let tombstone = Outgoing { payload: None, ..record.clone() };
        assert_eq!(form(&tombstone, 1), None, "there is nothing smaller than a tombstone");
    }

    #[test]
    fn a_pointer_keeps_the_beginning_of_everything_and_each_form_is_smaller() {
        let header = |n: u8, bytes: usize| RecordHeader { name: [n].into(), value: Some(vec![n; bytes].into()) };
        let reject = Reject {
            position: Position { partition: 2, offset: 40 },
            reason: RejectReason::NotUtf8,
            detail: "d".repeat(5_000),
            key: "k".repeat(5_000).into(),
            commit: None,
            bytes: vec![0xff; 100_000].into(),
            envelope: Some(Arc::new(Envelope {
                headers: vec![header(b'a', 3), header(b'b', 20_000)],
                ..Envelope::default()
            })),
        };
        let letter = &encode(&ClosedTime { rejects: vec![reject], ..closed(3, 9) })[0];
        let sizes = sizes(letter);
        assert!(sizes[0] > sizes[1] && sizes[1] > sizes[2] && sizes[2] < 700, "{sizes:?}");
        let small = form(letter, 1).expect("a letter has a pointer");
        assert_eq!(small.headers[0], ("a".to_owned(), Some(b"aaa".to_vec())));
        assert_eq!(
            (small.key.map(|key| key.len()), small.payload.map(|bytes| bytes.len())),
            (Some(1 << 10), Some(64 << 10))
        );
        let said =
            |name: &str| small.headers.iter().find(|header| header.0 == name).and_then(|header| header.1.clone());
        assert_eq!(said("driftline-bytes"), Some(b"100000".to_vec()));
        assert_eq!(said("driftline-key-bytes"), Some(b"5000".to_vec()));
        assert_eq!(said("driftline-headers-left-out"), Some(b"1".to_vec()));
        assert_eq!(said("driftline-source-position"), Some(b"2:40".to_vec()));
    }
}
