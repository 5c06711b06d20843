//! One answer as JSON, straight from the packed prediction.
//!
//! The text is that of the records' own `Serialize` up to the digits of numbers, which are written as they are stored,
//! without a way through `f64`. Building the record first, with its fifty strings, costs more than all the rest of a request.

use super::entry::Entry;
use super::names::Names;
use super::pack::{GROUPS, Reader};
use driftline_schema::{ChangeKey, Fixed};
use serde::Serialize;

/// Writes JSON into a buffer; commas and colons stand in the keys.
pub(super) struct Json<'a>(pub(super) &'a mut Vec<u8>);

impl Json<'_> {
    pub(super) fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Any record that is short or rare.
    pub(super) fn record(&mut self, value: &impl Serialize) {
        serde_json::to_writer(&mut *self.0, value).expect("records always serialise");
    }

    fn uint(&mut self, mut value: u64) {
        let mut digits = [0_u8; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (value % 10) as u8;
            value /= 10;
            if value == 0 {
                break;
            }
        }
        self.0.extend_from_slice(&digits[at..]);
    }

    fn int(&mut self, value: i64) {
        if value < 0 {
            self.0.push(b'-');
        }
        self.uint(value.unsigned_abs());
    }

    /// A decimal with one to six places.
    fn fixed(&mut self, value: Fixed) {
        if value.0 < 0 {
            self.0.push(b'-');
        }
        let (whole, mut part) =
            (value.0.unsigned_abs() / Fixed::ONE as u64, value.0.unsigned_abs() % Fixed::ONE as u64);
        self.uint(whole);
        let mut digits = *b".000000";
        for digit in digits[1..].iter_mut().rev() {
            *digit += (part % 10) as u8;
            part /= 10;
        }
        let used = digits.iter().rposition(|digit| *digit > b'0').unwrap_or(0);
        self.0.extend_from_slice(&digits[..used.max(1) + 1]);
    }

    fn hex(&mut self, bytes: &[u8]) {
        self.0.push(b'"');
        let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
        self.0.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
        self.0.push(b'"');
    }

    fn text(&mut self, text: &[u8]) {
        self.0.push(b'"');
        let mut plain = 0;
        for (at, byte) in text.iter().enumerate() {
            if *byte >= 0x20 && *byte != b'"' && *byte != b'\\' {
                continue;
            }
            self.0.extend_from_slice(&text[plain..at]);
            plain = at + 1;
            match byte {
                b'"' | b'\\' => self.0.extend([b'\\', *byte]),
                _ => {
                    self.raw("\\u00");
                    self.0.extend([b'0' + (byte >> 4), b"0123456789abcdef"[usize::from(byte & 15)]]);
                }
            }
        }
        self.0.extend_from_slice(&text[plain..]);
        self.0.push(b'"');
    }

    fn option<'p>(&mut self, from: &mut Reader<'p>, write: impl FnOnce(&mut Self, &mut Reader<'p>)) {
        if from.byte() == 1 { write(self, from) } else { self.raw("null") }
    }

    fn list<'p>(&mut self, from: &mut Reader<'p>, mut write: impl FnMut(&mut Self, &mut Reader<'p>)) {
        self.0.push(b'[');
        for index in 0..from.uint() {
            if index > 0 {
                self.0.push(b',');
            }
            write(self, from);
        }
        self.0.push(b']');
    }
}

/// Writes `"prediction":…,"label":…,"evidence":…` of an entry that has a prediction, without braces around them.
pub(super) fn judged(out: &mut Json<'_>, entry: &Entry, names: &Names, key: ChangeKey, repository: &str) {
    out.raw("\"prediction\":");
    match &entry.prediction {
        Some(scored) => prediction(out, &scored.packed, names, key, repository),
        None => out.raw("null"),
    }
    out.raw(",\"label\":");
    out.record(&entry.label);
    out.raw(",\"evidence\":");
    out.record(&entry.evidence);
}

/// The prediction packed under `key`, as an object; fields come in the order packed.
fn prediction(out: &mut Json<'_>, packed: &[u8], names: &Names, key: ChangeKey, repository: &str) {
    let from = &mut Reader(packed);
    out.raw("{\"repository\":");
    out.text(repository.as_bytes());
    out.raw(",\"commit\":");
    out.hex(from.bytes());
    out.raw(",\"subject\":");
    out.text(from.bytes());
    out.raw(",\"time\":");
    out.int(from.int());
    for name in [",\"risk\":", ",\"percentile\":"] {
        out.raw(name);
        out.option(from, |out, from| out.fixed(from.fixed()));
    }
    out.raw(",\"abstained\":");
    out.option(from, |out, from| out.text(from.bytes()));
    out.raw(",\"experts\":");
    out.list(from, |out, from| {
        out.raw("{\"expert\":");
        out.text(names.text_of(from.uint()).as_bytes());
        out.raw(",\"value\":");
        out.fixed(from.fixed());
        out.raw("}");
    });
    out.raw(",\"reasons\":");
    out.list(from, |out, from| reason(out, from, names));
    let sums = [
        ",\"remaining_contribution\":",
        ",\"base\":",
        ",\"score\":",
        ",\"size_contribution\":",
        ",\"other_contribution\":",
    ];
    for name in sums {
        out.raw(name);
        out.fixed(from.fixed());
    }
    out.raw(",\"places\":");
    out.list(from, place);
    receipt(out, from, names, key);
    out.raw("}");
}

fn reason(out: &mut Json<'_>, from: &mut Reader<'_>, names: &Names) {
    out.raw("{\"feature\":");
    out.text(names.text_of(from.uint()).as_bytes());
    out.raw(",\"group\":\"");
    out.raw(GROUPS[from.uint() as usize].code());
    out.raw("\",\"value\":");
    out.fixed(from.fixed());
    out.raw(",\"contribution\":");
    out.fixed(from.fixed());
    out.raw("}");
}

fn place(out: &mut Json<'_>, from: &mut Reader<'_>) {
    out.raw("{\"path\":");
    out.text(from.bytes());
    out.raw(",\"function\":");
    out.option(from, |out, from| out.text(from.bytes()));
    for name in [",\"start_line\":", ",\"end_line\":", ",\"changed_lines\":", ",\"cognitive\":"] {
        out.raw(name);
        out.uint(from.uint());
    }
    out.raw(",\"cognitive_delta\":");
    out.int(from.int());
    out.raw("}");
}

fn receipt(out: &mut Json<'_>, from: &mut Reader<'_>, names: &Names, key: ChangeKey) {
    out.raw(",\"receipt\":{\"position\":");
    out.record(&key.position);
    out.raw(",\"model\":");
    out.option(from, |out, from| out.hex(&names.model_of(from.uint()).0));
    out.raw(",\"cut\":");
    out.option(from, |out, from| out.uint(from.uint()));
    out.raw(",\"features_version\":");
    out.uint(from.uint());
    out.raw("}");
}

#[cfg(test)]
mod tests {
    use super::super::pack::pack;
    use super::*;
    use crate::testing;
    use proptest::prelude::*;
    use serde_json::Value;
    use std::sync::Arc;

    /// Equal but for the last digits of numbers that `f64` cannot hold.
    fn alike(one: &Value, other: &Value) -> bool {
        match (one, other) {
            (Value::Number(one), Value::Number(other)) => {
                let (one, other) = (one.as_f64().expect("a number"), other.as_f64().expect("a number"));
                (one - other).abs() <= 1e-15 * one.abs()
            }
            (Value::Array(one), Value::Array(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
            }
            (Value::Object(one), Value::Object(other)) => {
                let same_order = one.keys().eq(other.keys());
                same_order && one.values().zip(other.values()).all(|(one, other)| alike(one, other))
            }
            _ => one == other,
        }
    }

    proptest! {
        #[test]
        fn the_text_is_that_of_the_record(prediction in testing::any_prediction()) {
            let mut names = Arc::default();
            let packed = pack(&prediction, &mut names);
            let mut text = Vec::new();
            super::prediction(&mut Json(&mut text), &packed, &names, testing::key_of(&prediction), &prediction.repository);
            let written: Value = serde_json::from_slice(&text).expect("it is JSON");
            let expected = serde_json::from_slice(&serde_json::to_vec(&prediction).expect("serialises")).expect("it is JSON");
            prop_assert!(alike(&written, &expected), "{written}\n{expected}");
        }
    }

    fn written(write: impl FnOnce(&mut Json<'_>)) -> String {
        let mut text = Vec::new();
        write(&mut Json(&mut text));
        String::from_utf8(text).expect("text")
    }

    #[test]
    fn numbers_have_the_places_they_need() {
        let cases = [(0, "0.0"), (1, "0.000001"), (-1_500_000, "-1.5"), (20_000_000, "20.0"), (-100, "-0.0001")];
        for (units, text) in cases {
            assert_eq!(written(|out| out.fixed(Fixed(units))), text);
        }
        assert_eq!(written(|out| out.fixed(Fixed(i64::MIN))), "-9223372036854.775808");
        assert_eq!(written(|out| out.int(i64::MIN)), "-9223372036854775808");
        assert_eq!(written(|out| out.uint(u64::MAX)), "18446744073709551615");
    }

    #[test]
    fn every_character_survives() {
        let text: String = (0..0x250).filter_map(char::from_u32).collect::<String>() + "\u{2028}\u{1f980}\"\\";
        let read: String = serde_json::from_str(&written(|out| out.text(text.as_bytes()))).expect("it is JSON");
        assert_eq!(read, text);
    }
}
