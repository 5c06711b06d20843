//! Records for this crate's tests: arbitrary ones for properties, plain ones for examples.

use crate::batch::{ChangeSummary, ClosedTime};
use driftline_schema::{
    Alert, AlertState, ChangeKey, CommitId, ExpertScore, FeatureGroup, Fixed, ModelId, Place, Position, Prediction,
    Reason, Receipt, RepoId,
};
use proptest::prelude::*;

/// The key of a prediction's change.
pub(crate) fn key_of(prediction: &Prediction) -> ChangeKey {
    ChangeKey { repo: RepoId::of(&prediction.repository), position: prediction.receipt.position }
}

/// A commit id made of one repeated byte, then the offset.
pub(crate) fn commit(byte: u8, offset: u64) -> CommitId {
    let mut bytes = [byte; 20];
    bytes[12..].copy_from_slice(&offset.to_be_bytes());
    CommitId::from_bytes(&bytes).expect("20 bytes")
}

/// A prediction with little in it.
pub(crate) fn prediction(repository: &str, offset: u64, risk: i64) -> Prediction {
    Prediction {
        repository: repository.to_owned(),
        commit: commit(offset as u8, offset),
        subject: format!("change {offset}"),
        time: 1_700_000_000 + offset as i64,
        risk: (risk >= 0).then_some(Fixed(risk)),
        percentile: None,
        abstained: (risk < 0).then(|| "not enough history".to_owned()),
        experts: vec![ExpertScore { expert: "gbdt".to_owned(), value: Fixed(risk) }],
        reasons: vec![Reason {
            feature: "la".to_owned(),
            group: FeatureGroup::Size,
            value: Fixed::from_int(12),
            contribution: Fixed(250_000),
        }],
        base: Fixed(-2_000_000),
        score: Fixed(-1_750_000),
        remaining_contribution: Fixed::ZERO,
        size_contribution: Fixed(250_000),
        other_contribution: Fixed::ZERO,
        places: Vec::new(),
        receipt: Receipt {
            position: Position { partition: 0, offset },
            model: Some(ModelId([7; 32])),
            cut: Some(1),
            features_version: 1,
        },
    }
}

/// The change a prediction speaks of.
pub(crate) fn summary(prediction: &Prediction) -> ChangeSummary {
    ChangeSummary {
        key: key_of(prediction),
        repository: prediction.repository.clone(),
        commit: prediction.commit,
        subject: prediction.subject.clone(),
        time: prediction.time,
    }
}

/// An empty closed time that reflects `offset` records of partition 0.
pub(crate) fn closed(time: u64, offset: u64) -> ClosedTime {
    ClosedTime { time, as_of: vec![offset], ..ClosedTime::default() }
}

/// An open alert.
pub(crate) fn alert(id: &str) -> Alert {
    Alert {
        id: id.to_owned(),
        repository: "owner/name".to_owned(),
        feature: "la".to_owned(),
        state: AlertState::Open,
        opened_at: Position { partition: 0, offset: 5 },
        opened_time: 1_700_000_000,
        resolved_at: None,
        resolution: None,
        psi: Fixed(312_500),
        p_adjusted: Fixed(1_200),
        summary: "lines added drifted".to_owned(),
    }
}

/// `alert` after it resolved.
pub(crate) fn resolved(alert: &Alert) -> Alert {
    Alert {
        state: AlertState::Resolved,
        resolved_at: Some(Position { partition: 0, offset: 9 }),
        resolution: Some("the current window looks like the reference again".to_owned()),
        ..alert.clone()
    }
}

fn fixed() -> impl Strategy<Value = Fixed> {
    any::<i64>().prop_map(Fixed)
}

fn group() -> impl Strategy<Value = FeatureGroup> {
    prop_oneof![Just(FeatureGroup::Size), Just(FeatureGroup::History), Just(FeatureGroup::Syntax)]
}

fn reason() -> impl Strategy<Value = Reason> {
    ("[a-z_]{1,12}", group(), fixed(), fixed()).prop_map(|(feature, group, value, contribution)| Reason {
        feature,
        group,
        value,
        contribution,
    })
}

fn place() -> impl Strategy<Value = Place> {
    (".{0,20}", proptest::option::of(".{0,12}"), any::<[u32; 4]>(), any::<i32>()).prop_map(
        |(path, function, numbers, cognitive_delta)| Place {
            path,
            function,
            start_line: numbers[0],
            end_line: numbers[1],
            changed_lines: numbers[2],
            cognitive: numbers[3],
            cognitive_delta,
        },
    )
}

/// Any prediction at all.
pub(crate) fn any_prediction() -> impl Strategy<Value = Prediction> {
    let name = ("[a-z/]{1,12}", any::<[u8; 32]>(), ".{0,30}", any::<i64>(), any::<bool>());
    let answer = (proptest::option::of(fixed()), proptest::option::of(fixed()), proptest::option::of(".{0,10}"));
    let parts = (proptest::collection::vec(reason(), 0..5), proptest::collection::vec(place(), 0..4));
    let sums = (fixed(), fixed(), fixed(), fixed());
    let receipt = (any::<(u32, u64)>(), proptest::option::of(any::<[u8; 32]>()), any::<Option<u64>>(), any::<u32>());
    (name, answer, parts, sums, receipt).prop_map(|(name, answer, parts, sums, receipt)| Prediction {
        repository: name.0,
        commit: CommitId::from_bytes(if name.4 { &name.1 } else { &name.1[..20] }).expect("20 or 32 bytes"),
        subject: name.2,
        time: name.3,
        risk: answer.0,
        percentile: answer.1,
        abstained: answer.2,
        experts: vec![ExpertScore { expert: "logistic".to_owned(), value: sums.0 }],
        reasons: parts.0,
        base: sums.0,
        score: sums.1,
        remaining_contribution: Fixed::ZERO,
        size_contribution: sums.2,
        other_contribution: sums.3,
        places: parts.1,
        receipt: Receipt {
            position: Position { partition: receipt.0.0, offset: receipt.0.1 },
            model: receipt.1.map(ModelId),
            cut: receipt.2,
            features_version: receipt.3,
        },
    })
}
