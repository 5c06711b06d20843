//! Predictions as a few hundred bytes: variable-length integers, names by number.
//!
//! Packing is a function of the record and the names table alone, so two equal predictions pack to equal bytes; the view
//! relies on that when it takes one back. A `Prediction` of 40 reasons would hold some 50 separate strings instead.

use super::names::Names;
use driftline_schema::{ChangeKey, CommitId, ExpertScore, FeatureGroup, Fixed, Place, Prediction, Reason, Receipt};
use std::sync::Arc;

/// Groups by the number they are packed as.
pub(super) const GROUPS: [FeatureGroup; 7] = [
    FeatureGroup::Size,
    FeatureGroup::Diffusion,
    FeatureGroup::History,
    FeatureGroup::Author,
    FeatureGroup::Purpose,
    FeatureGroup::Syntax,
    FeatureGroup::Coupling,
];

fn group_number(group: FeatureGroup) -> u64 {
    match group {
        FeatureGroup::Size => 0,
        FeatureGroup::Diffusion => 1,
        FeatureGroup::History => 2,
        FeatureGroup::Author => 3,
        FeatureGroup::Purpose => 4,
        FeatureGroup::Syntax => 5,
        FeatureGroup::Coupling => 6,
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn uint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
    /// Zigzag, so that small negative numbers stay short.
    fn int(&mut self, value: i64) {
        self.uint((value << 1 ^ value >> 63) as u64);
    }
    fn fixed(&mut self, value: Fixed) {
        self.int(value.0);
    }
    fn bytes(&mut self, bytes: &[u8]) {
        self.uint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.0.push(value.is_some() as u8);
        if let Some(value) = value {
            write(self, value);
        }
    }
}

/// Packs all of `prediction` but its repository and position, which are the key it is stored under.
pub(super) fn pack(prediction: &Prediction, names: &mut Arc<Names>) -> Arc<[u8]> {
    let mut out = Writer(Vec::with_capacity(512));
    out.bytes(prediction.commit.as_bytes());
    out.bytes(prediction.subject.as_bytes());
    out.int(prediction.time);
    out.option(prediction.risk, Writer::fixed);
    out.option(prediction.percentile, Writer::fixed);
    out.option(prediction.abstained.as_deref(), |out, why| out.bytes(why.as_bytes()));
    out.uint(prediction.experts.len() as u64);
    for expert in &prediction.experts {
        out.uint(Names::text(names, &expert.expert));
        out.fixed(expert.value);
    }
    out.uint(prediction.reasons.len() as u64);
    for reason in &prediction.reasons {
        out.uint(Names::text(names, &reason.feature));
        out.uint(group_number(reason.group));
        out.fixed(reason.value);
        out.fixed(reason.contribution);
    }
    out.fixed(prediction.remaining_contribution);
    for sum in [prediction.base, prediction.score, prediction.size_contribution, prediction.other_contribution] {
        out.fixed(sum);
    }
    pack_places(&mut out, &prediction.places);
    out.option(prediction.receipt.model, |out, model| out.uint(Names::model(names, model)));
    out.option(prediction.receipt.cut, Writer::uint);
    out.uint(u64::from(prediction.receipt.features_version));
    out.0.into()
}

fn pack_places(out: &mut Writer, places: &[Place]) {
    out.uint(places.len() as u64);
    for place in places {
        out.bytes(place.path.as_bytes());
        out.option(place.function.as_deref(), |out, name| out.bytes(name.as_bytes()));
        for number in [place.start_line, place.end_line, place.changed_lines, place.cognitive] {
            out.uint(u64::from(number));
        }
        out.int(i64::from(place.cognitive_delta));
    }
}

/// Reads what [`Writer`] wrote; out of bounds would mean that this file disagrees with itself.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().expect("packed bytes are complete");
        self.0 = rest;
        *first
    }
    pub(super) fn uint(&mut self) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return value;
            }
            shift += 7;
        }
    }
    pub(super) fn int(&mut self) -> i64 {
        let raw = self.uint();
        (raw >> 1) as i64 ^ -((raw & 1) as i64)
    }
    pub(super) fn fixed(&mut self) -> Fixed {
        Fixed(self.int())
    }
    pub(super) fn bytes(&mut self) -> &'a [u8] {
        let length = self.uint() as usize;
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }
    fn text(&mut self) -> String {
        std::str::from_utf8(self.bytes()).expect("packed from a string").to_owned()
    }
    fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.byte() == 1).then(|| read(self))
    }
    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let length = self.uint();
        (0..length).map(|_| read(self)).collect()
    }
}

/// The prediction that was packed under `key` in the repository called `repository`.
pub(super) fn unpack(packed: &[u8], names: &Names, key: ChangeKey, repository: &str) -> Prediction {
    let mut from = Reader(packed);
    // Fields of a struct expression are evaluated in the order written, which is the order packed.
    Prediction {
        repository: repository.to_owned(),
        commit: CommitId::from_bytes(from.bytes()).expect("packed from a commit id"),
        subject: from.text(),
        time: from.int(),
        risk: from.option(Reader::fixed),
        percentile: from.option(Reader::fixed),
        abstained: from.option(Reader::text),
        experts: from.list(|from| ExpertScore { expert: names.text_of(from.uint()).to_owned(), value: from.fixed() }),
        reasons: from.list(|from| Reason {
            feature: names.text_of(from.uint()).to_owned(),
            group: GROUPS[from.uint() as usize],
            value: from.fixed(),
            contribution: from.fixed(),
        }),
        remaining_contribution: from.fixed(),
        base: from.fixed(),
        score: from.fixed(),
        size_contribution: from.fixed(),
        other_contribution: from.fixed(),
        places: from.list(unpack_place),
        receipt: Receipt {
            position: key.position,
            model: from.option(|from| names.model_of(from.uint())),
            cut: from.option(Reader::uint),
            features_version: from.uint() as u32,
        },
    }
}

fn unpack_place(from: &mut Reader<'_>) -> Place {
    Place {
        path: from.text(),
        function: from.option(Reader::text),
        start_line: from.uint() as u32,
        end_line: from.uint() as u32,
        changed_lines: from.uint() as u32,
        cognitive: from.uint() as u32,
        cognitive_delta: from.int() as i32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_packed_prediction_comes_back_equal(prediction in testing::any_prediction()) {
            let mut names = Arc::default();
            let packed = pack(&prediction, &mut names);
            let key = testing::key_of(&prediction);
            prop_assert_eq!(&unpack(&packed, &names, key, &prediction.repository), &prediction);
            prop_assert_eq!(pack(&prediction, &mut names), packed);
        }
    }

    #[test]
    fn extreme_integers_survive() {
        let mut out = Writer(Vec::new());
        for value in [i64::MIN, -1, 0, 1, i64::MAX] {
            out.int(value);
        }
        let mut from = Reader(&out.0);
        assert_eq!([i64::MIN, -1, 0, 1, i64::MAX], std::array::from_fn(|_| from.int()));
        assert!(from.0.is_empty());
    }
}
