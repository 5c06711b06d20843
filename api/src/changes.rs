//! All that is known of one change, in one answer at one instant.

use crate::read::{Known, answer, json, wait_for};
use crate::routes::{Answered, Asked, Plain, RepoCommit, asked, find, path};
use crate::state::ApiState;
use axum::extract::State;
use driftline_schema::{CommitId, FeatureMeta, Fixed, Label, Position, Prediction};
use driftline_sinks::view::{ChangeDetail, EvidenceRow};
use serde::{Deserialize, Serialize};

/// The body of `/v1/changes/{repo}/{commit}`; also what the command line reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeAnswer {
    /// Repository name.
    pub repository: String,
    /// The commit, unless only rows without a name have arrived.
    pub commit: Option<CommitId>,
    /// Where its record stands.
    pub position: Position,
    /// The prediction at arrival.
    pub prediction: Option<Prediction>,
    /// The features, in the order of the table; empty when there are none.
    pub features: Vec<FeatureValue>,
    /// The current label.
    pub label: Option<Label>,
    /// The live evidence.
    pub evidence: Vec<EvidenceRow>,
}

/// One feature with what it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureValue {
    /// Its name in the table.
    pub name: String,
    /// The unit.
    pub unit: String,
    /// What it is.
    pub definition: String,
    /// Its value.
    pub value: Fixed,
}

impl FeatureValue {
    /// The values of a vector under the names of `table`.
    fn of(table: &[FeatureMeta], vector: Option<&[Fixed]>) -> Vec<Self> {
        let row = |(meta, value): (&FeatureMeta, &Fixed)| Self {
            name: meta.name.to_owned(),
            unit: meta.unit.to_owned(),
            definition: meta.definition.to_owned(),
            value: *value,
        };
        table.iter().zip(vector.unwrap_or_default()).map(row).collect()
    }
}

impl ChangeAnswer {
    /// What the view knows, under the names of `table`.
    pub fn of(detail: ChangeDetail, table: &[FeatureMeta]) -> Self {
        Self {
            repository: detail.repository.to_string(),
            commit: detail.commit,
            position: detail.key.position,
            prediction: detail.prediction,
            features: FeatureValue::of(table, detail.vector.as_deref()),
            label: detail.label,
            evidence: detail.evidence,
        }
    }
}

/// `/v1/changes/{repo}/{commit}`.
pub(crate) async fn change(
    State(state): State<ApiState>,
    known: Known,
    at: RepoCommit,
    query: Asked<Plain>,
) -> Answered {
    let (repository, commit) = path(at)?;
    wait_for(&state, asked(query)?.at_least).await?;
    let (as_of, found) = find(&state, &repository, &commit)?;
    Ok(answer(&known, &as_of, || json(&as_of, ChangeAnswer::of(found.detail(), state.features))))
}
