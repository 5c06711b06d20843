//! Puts a prediction together from its parts, and ranks it among the repository's earlier ones.

use super::scoring::{Scored, abstain};
use crate::Records;
use crate::ordered_fold::{PositionFold, ordered_fold};
use driftline_schema::prediction::ExpertScore;
use driftline_schema::{
    ChangeKey, ChangeRow, FeatureMeta, Fixed, Place, Position, Prediction, Reason, Receipt, RepoId,
};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;

/// How many earlier predictions a percentile looks back on.
const WINDOW: usize = 1_000;
/// Below this many earlier predictions a percentile says nothing.
const WINDOW_MIN: usize = 20;

/// Why a prediction abstains although a model is in force: the model can neither be loaded nor rebuilt.
pub const MODEL_UNAVAILABLE: &str = "model_unavailable";
/// Why a prediction abstains although it has a score: the repository's events are in several partitions, which have no
/// common order, so what the score rests on may be wrong.
pub const SPLIT_REPOSITORY: &str = "split_repository";

/// One part of a prediction; a prediction exists once all parts of its change do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AnswerPart {
    /// The change itself.
    Change(Arc<ChangeRow>),
    /// Its score.
    Scored(Arc<Scored>),
    /// Its rank.
    Percentile(Option<Fixed>),
    /// Where to look; a change that touches no parsed function has none.
    Places(Arc<Vec<Place>>),
    /// The repository's events have no order.
    Split,
}

struct Rank;

impl PositionFold for Rank {
    type Value = Fixed;
    type Output = Option<Fixed>;
    type State = VecDeque<Fixed>;
    type Undo = Option<Fixed>;

    fn step(
        &self,
        window: &mut VecDeque<Fixed>,
        _position: Position,
        risk: &Fixed,
        outputs: &mut Vec<Option<Fixed>>,
    ) -> Option<Fixed> {
        let lower = window.iter().filter(|earlier| *earlier < risk).count();
        outputs.push((window.len() >= WINDOW_MIN).then(|| Fixed::ratio(lower as i64, window.len() as i64)));
        window.push_back(*risk);
        if window.len() > WINDOW { window.pop_front() } else { None }
    }

    fn undo(&self, window: &mut VecDeque<Fixed>, dropped: Option<Fixed>) {
        window.pop_back();
        if let Some(risk) = dropped {
            window.push_front(risk);
        }
    }
}

/// The share of a repository's last predictions that are less risky, for every change with a risk.
pub fn percentile<'scope>(scores: Records<'scope, (ChangeKey, Scored)>) -> Records<'scope, (ChangeKey, Option<Fixed>)> {
    rank(scores.flat_map(|(key, scored)| scored.risk.map(|risk| (key, risk))))
}

fn rank<'scope>(risks: Records<'scope, (ChangeKey, Fixed)>) -> Records<'scope, (ChangeKey, Option<Fixed>)> {
    let by_repository = risks.map(|(key, risk)| (key.repo, (key.position, risk)));
    ordered_fold(by_repository, "Percentile", Rank)
        .map(|(repo, (position, percentile)): (RepoId, _)| (ChangeKey { repo, position }, percentile))
}

/// The parts of every prediction.
pub fn answer_parts<'scope>(
    changes: Records<'scope, Arc<ChangeRow>>,
    scores: Records<'scope, (ChangeKey, Scored)>,
    percentiles: Records<'scope, (ChangeKey, Option<Fixed>)>,
    places: Records<'scope, (ChangeKey, Vec<Place>)>,
    split: Records<'scope, ChangeKey>,
) -> Records<'scope, (ChangeKey, AnswerPart)> {
    let changes = changes.map(|row| (row.key, AnswerPart::Change(row)));
    let scores = scores.map(|(key, scored)| (key, AnswerPart::Scored(Arc::new(scored))));
    let percentiles = percentiles.map(|(key, rank)| (key, AnswerPart::Percentile(rank)));
    let places = places.map(|(key, places)| (key, AnswerPart::Places(Arc::new(places))));
    let split = split.map(|key| (key, AnswerPart::Split));
    changes.concat(scores).concat(percentiles).concat(places).concat(split)
}

/// Joins the parts of each change into its prediction.
pub fn answer<'scope>(
    parts: Records<'scope, (ChangeKey, AnswerPart)>,
    features: &'static [FeatureMeta],
    features_version: u32,
) -> Records<'scope, (ChangeKey, Arc<Prediction>)> {
    parts.reduce(move |_key, parts, out| {
        let parts = parts.iter().filter(|(_, count)| *count > 0).map(|(part, _)| *part);
        if let Some(prediction) = assemble(parts, features, features_version) {
            out.push((Arc::new(prediction), 1isize));
        }
    })
}

fn assemble<'a>(
    parts: impl Iterator<Item = &'a AnswerPart>,
    features: &[FeatureMeta],
    features_version: u32,
) -> Option<Prediction> {
    let (mut change, mut scored, mut percentile, mut places, mut split) = (None, None, None, None, false);
    for part in parts {
        match part {
            AnswerPart::Change(row) => change = Some(row),
            AnswerPart::Scored(score) => scored = Some(score),
            AnswerPart::Percentile(rank) => percentile = *rank,
            AnswerPart::Places(list) => places = Some(list),
            AnswerPart::Split => split = true,
        }
    }
    let (change, scored) = (change?, scored?);
    let withheld = abstain(None);
    let (scored, percentile) = if split { (&withheld, None) } else { (&**scored, percentile) };
    let reasons = scored.reasons.iter().map(|(column, value, contribution)| {
        let meta = &features[usize::from(*column)];
        Reason { feature: meta.name.to_owned(), group: meta.group, value: *value, contribution: *contribution }
    });
    Some(Prediction {
        repository: change.repository.to_string(),
        commit: change.commit,
        subject: change.subject.to_string(),
        time: change.time,
        risk: scored.risk,
        percentile,
        abstained: why_abstained(scored, split).map(str::to_owned),
        experts: experts(change, scored),
        reasons: reasons.collect(),
        remaining_contribution: scored.remaining,
        base: scored.base,
        score: scored.score,
        size_contribution: scored.size,
        other_contribution: scored.score - scored.base - scored.size,
        places: places.map(|list| list.to_vec()).unwrap_or_default(),
        receipt: Receipt {
            position: change.key.position,
            model: scored.model.map(|(id, _)| id),
            cut: scored.model.map(|(_, cut)| cut),
            features_version,
        },
    })
}

/// Why there is no risk, where there is none.
fn why_abstained(scored: &Scored, split: bool) -> Option<&'static str> {
    match (&scored.risk, &scored.model) {
        _ if split => Some(SPLIT_REPOSITORY),
        (Some(_), _) => None,
        (None, None) => Some("not enough history"),
        (None, Some(_)) => Some(MODEL_UNAVAILABLE),
    }
}

fn experts(change: &ChangeRow, scored: &Scored) -> Vec<ExpertScore> {
    let added: i64 = change.files.iter().map(|file| i64::from(file.added)).sum();
    let expert = |name: &str, value| ExpertScore { expert: name.to_owned(), value };
    let mut experts = vec![expert("lines_added", Fixed::from_int(added))];
    if scored.risk.is_some() {
        experts.extend([expert("logistic", scored.logistic), expert("gbdt", scored.gbdt)]);
    }
    experts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_matches_batch, updates};
    use proptest::prelude::*;

    fn batch(rows: &[(ChangeKey, Fixed)]) -> Vec<(ChangeKey, Option<Fixed>)> {
        let mut rows = rows.to_vec();
        rows.sort();
        let rank = |index: usize| {
            let (key, risk) = rows[index];
            let earlier: Vec<Fixed> = rows[..index].iter().filter(|r| r.0.repo == key.repo).map(|r| r.1).collect();
            let window = &earlier[earlier.len().saturating_sub(WINDOW)..];
            let lower = window.iter().filter(|other| **other < risk).count();
            (key, (window.len() >= WINDOW_MIN).then(|| Fixed::ratio(lower as i64, window.len() as i64)))
        };
        (0..rows.len()).map(rank).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn a_percentile_looks_back_only(updates in updates(
            (0..2u64, 0..60u64).prop_map(|(repo, offset)| {
                let position = Position { partition: 0, offset };
                (ChangeKey { repo: RepoId(repo), position }, Fixed((offset * 7_919 % 13) as i64))
            }), 120)) {
            assert_matches_batch(&updates, rank, batch);
        }
    }
}
