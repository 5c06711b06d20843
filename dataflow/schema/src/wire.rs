//! Bytes to events and back.
//!
//! Decoding looks at the bytes alone; whether an event makes sense is the validating operator's business.

use crate::event::{Event, SCHEMA_VERSION};
use crate::ids::CommitId;
use crate::limits::Limits;
use crate::named::Named;
use crate::reject::RejectReason;
use serde::Deserialize;

/// Why bytes are no event.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct DecodeError {
    /// The code.
    pub reason: RejectReason,
    /// What exactly.
    pub detail: String,
}

fn refuse(reason: RejectReason, detail: String) -> DecodeError {
    DecodeError { reason, detail }
}

/// The event's JSON, one line.
pub fn encode(event: &Event) -> Vec<u8> {
    serde_json::to_vec(event).expect("an event has string keys and finite numbers only")
}

/// An event and what was left aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The event.
    pub event: Event,
    /// Fields this build does not know; they are ignored and counted.
    pub unknown_fields: u32,
}

/// Reads one event of a schema version this build knows, with exactly one body.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, DecodeError> {
    if bytes.len() > limits.event_bytes_max {
        let detail = format!("the event has {} bytes, the limit is {}", bytes.len(), limits.event_bytes_max);
        return Err(refuse(RejectReason::OverLimit, detail));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| refuse(RejectReason::NotUtf8, format!("invalid UTF-8 at byte {}", error.valid_up_to())))?;
    let mut unknown_fields = 0;
    let event = parse(text, &mut unknown_fields).map_err(|error| explain(text, &error))?;
    if event.schema != SCHEMA_VERSION {
        return Err(unknown_schema(event.schema));
    }
    let bodies = [event.change.is_some(), event.vote.is_some(), event.branch.is_some(), event.control.is_some()];
    match bodies.iter().filter(|present| **present).count() {
        1 => Ok(Decoded { event, unknown_fields }),
        found => Err(refuse(
            RejectReason::NotOneBody,
            format!("expected one of change, vote, branch, control; found {found}"),
        )),
    }
}

/// The commit of a record that is a change, read as leniently as can be: a record that is refused as a whole still says
/// which commit it is about.
pub fn commit_of(bytes: &[u8]) -> Option<CommitId> {
    #[derive(serde::Deserialize)]
    struct Outer {
        change: Inner,
    }
    #[derive(serde::Deserialize)]
    struct Inner {
        commit: CommitId,
    }
    let outer = Outer::deserialize(Named::new(&mut serde_json::Deserializer::from_slice(bytes)));
    outer.ok().map(|outer| outer.change.commit)
}

fn parse(text: &str, unknown_fields: &mut u32) -> Result<Event, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let named = Named::new(&mut deserializer);
    let event = serde_ignored::deserialize(named, |_path| *unknown_fields = unknown_fields.saturating_add(1))?;
    deserializer.end()?;
    Ok(event)
}

fn unknown_schema(found: u32) -> DecodeError {
    refuse(RejectReason::UnknownSchema, format!("schema version {found}, this build reads {SCHEMA_VERSION}"))
}

/// An event of another version may fail to parse at any field: its version is then the better reason.
fn explain(text: &str, error: &serde_json::Error) -> DecodeError {
    #[derive(serde::Deserialize)]
    struct Version {
        schema: u32,
    }
    match Version::deserialize(Named::new(&mut serde_json::Deserializer::from_str(text))) {
        Ok(version) if version.schema != SCHEMA_VERSION => unknown_schema(version.schema),
        _ => refuse(RejectReason::NotAnEvent, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::*;
    use crate::ids::{AuthorId, BlobId, ControlId};
    use proptest::prelude::*;

    fn change() -> Change {
        Change {
            commit: CommitId::from_hex(&"11".repeat(20)).expect("hex"),
            parents: vec![CommitId::from_hex(&"22".repeat(20)).expect("hex")],
            author: AuthorId([7; 16]),
            author_time: 1_700_000_000,
            author_offset_min: 60,
            commit_time: 1_700_000_100,
            message: "Fix the parser\n".into(),
            merge: false,
            files: vec![FileChange {
                path: "src/lib.rs".into(),
                old_path: None,
                kind: FileKind::Modified,
                blob: BlobId::from_hex(&"33".repeat(20)),
                old_blob: BlobId::from_hex(&"44".repeat(20)),
                content: Some("fn main() {}\n".into()),
                omitted: None,
                encoding: None,
                old_omitted: None,
                bytes: 13,
                old_lines: 1,
                line_counts: None,
                hunks: vec![Hunk {
                    old_start: 0,
                    old_lines: 1,
                    new_start: 0,
                    new_lines: 1,
                    removed: "fn old() {}\n".into(),
                }],
                other_parents: vec![],
            }],
            left_out: None,
        }
    }

    #[test]
    fn a_change_has_this_wire_form() {
        insta::assert_json_snapshot!(Event::of_change("demo", change()));
    }

    #[test]
    fn a_refused_record_still_says_which_commit_it_is_about() {
        let small = Limits { event_bytes_max: 10, ..Limits::default() };
        let bytes = encode(&Event::of_change("demo", change()));
        assert_eq!(decode(&bytes, &small).expect_err("is over the limit").reason, RejectReason::OverLimit);
        assert_eq!(commit_of(&bytes), Some(change().commit));
        assert_eq!(commit_of(&bytes[..bytes.len() - 1]), None);
        assert_eq!(commit_of(br#"{"schema":7,"change":{"commit":"xyz"}}"#), None);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let events = [
            Event::of_change("demo", change()),
            Event::of_control(Control { id: ControlId::of("cut", 1), action: ControlAction::Cut { cut: 1 } }),
            Event::of_branch("demo", Branch { name: "main".into(), commit: None, withdrawn: vec![], time: 5 }),
        ];
        for event in events {
            assert_eq!(decode(&encode(&event), &Limits::default()).expect("decodes").event, event);
        }
    }

    #[test]
    fn unknown_fields_are_counted_and_left_aside() {
        let bytes = br#"{"schema":1,"colour":"red","control":{"id":1,"action":{"tick":{"time":3}},"shape":{"a":[1]}}}"#;
        assert_eq!(decode(bytes, &Limits::default()).expect("decodes").unknown_fields, 2);
    }

    #[test]
    fn bad_bytes_are_told_apart() {
        let reason = |bytes: &[u8]| decode(bytes, &Limits::default()).expect_err("refused").reason;
        assert_eq!(reason(b"\xff"), RejectReason::NotUtf8);
        assert_eq!(reason(b"{"), RejectReason::NotAnEvent);
        assert_eq!(reason(br#"{"schema":99,"new":{}}"#), RejectReason::UnknownSchema);
        assert_eq!(reason(br#"{"schema":99,"change":{"x":1}}"#), RejectReason::UnknownSchema);
        assert_eq!(reason(br#"{"schema":1,"repository":"a"}"#), RejectReason::NotOneBody);
        let limits = Limits { event_bytes_max: 3, ..Limits::default() };
        assert_eq!(decode(b"{   }", &limits).expect_err("refused").reason, RejectReason::OverLimit);
    }

    /// The value with the objects at this depth (0 is the outermost) turned into lists of their values.
    fn listed(value: serde_json::Value, depth: usize) -> serde_json::Value {
        use serde_json::Value;
        match value {
            Value::Object(map) if depth == 0 => Value::Array(map.into_iter().map(|(_, value)| value).collect()),
            Value::Object(map) => map.into_iter().map(|(name, value)| (name, listed(value, depth - 1))).collect(),
            Value::Array(list) => list.into_iter().map(|value| listed(value, depth)).collect(),
            other => other,
        }
    }

    #[test]
    fn a_list_in_the_place_of_an_object_is_refused_at_any_depth() {
        let event = Event::of_change("demo", change());
        let value = serde_json::to_value(&event).expect("is JSON");
        for depth in 0..4 {
            let bytes = serde_json::to_vec(&listed(value.clone(), depth)).expect("is JSON");
            let refused = decode(&bytes, &Limits::default()).expect_err("refused");
            assert_eq!(refused.reason, RejectReason::NotAnEvent, "depth {depth}");
        }
        let reason = |text: &str| decode(text.as_bytes(), &Limits::default()).expect_err("refused");
        let by_order = reason(r#"[1,"demo",null,null,["main",null,[],5],null,null]"#);
        assert!(by_order.detail.contains("a list in the place of an object"), "{}", by_order.detail);
        for action in
            [r#"{"tick":[3]}"#, r#"{"cut":[3]}"#, r#"{"model_ready":{"cut":1,"models":[["organisation","00",1,1]]}}"#]
        {
            let text = format!(r#"{{"schema":1,"control":{{"id":1,"action":{action}}}}}"#);
            assert_eq!(reason(&text).reason, RejectReason::NotAnEvent, "{text}");
        }
        assert_eq!(commit_of(format!(r#"[["{}"]]"#, "11".repeat(20)).as_bytes()), None);
    }

    #[test]
    fn a_deep_nest_is_refused_without_exhausting_the_stack() {
        let bytes = "[".repeat(1_000_000);
        assert_eq!(decode(bytes.as_bytes(), &Limits::default()).expect_err("refused").reason, RejectReason::NotAnEvent);
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes, &Limits::default());
        }
    }
}
