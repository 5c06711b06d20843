//! What drift watches: every vector beside the score it got at its arrival. Merges repeat what their branches brought,
//! so they are left out.

use super::scoring::Scored;
use crate::Records;
use crate::drift::DriftInput;
use driftline_schema::{ChangeKey, ChangeRow, Position, RepoId, Vector};
use std::sync::Arc;

/// Joins vectors, scores and names by change.
pub fn observe<'scope>(
    vectors: Records<'scope, Vector>,
    scores: Records<'scope, (ChangeKey, Scored)>,
    changes: Records<'scope, Arc<ChangeRow>>,
) -> Records<'scope, (RepoId, (Position, DriftInput))> {
    let names = changes.filter(|row| !row.merge).map(|row| (row.key, (row.repository.clone(), row.time)));
    let values = vectors.map(|vector| (vector.key, Arc::from(vector.values)));
    let risks = scores.map(|(key, scored)| (key, scored.risk));
    let named = risks.join_map(names, |key, risk, (repository, time)| (*key, (repository.clone(), *time, *risk)));
    named.join_map(values, |key: &ChangeKey, (repository, time, risk), values: &Arc<[driftline_schema::Fixed]>| {
        let input = DriftInput { repository: repository.clone(), time: *time, values: values.clone(), score: *risk };
        (key.repo, (key.position, input))
    })
}
