//! What models learn from: the vector of a change as it was on arrival, with what is known of the change now.
//!
//! Merges are no examples: their lines were written, and are judged, elsewhere. A corrected label replaces the example, a
//! retracted one removes it.
//!
//! What draws rows from the examples goes by the commit, not by its place in the log: a branch that was forced back and
//! forward again brings its commits at other places, and must give the models of one that never moved.

use crate::Records;
use driftline_schema::{ChangeKey, ChangeRow, CommitId, Fixed, Label, RepoId, Vector, Verdict};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A labelled change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Example {
    /// The change.
    pub key: ChangeKey,
    /// What identifies it when rows are drawn and ordered: a hash of repository and commit.
    pub row: u64,
    /// Event time of the change, seconds since 1970.
    pub time: i64,
    /// One value for each feature of the table, as in the change's vector.
    pub values: Arc<[Fixed]>,
    /// Whether it brought a defect.
    pub defective: bool,
    /// How many rows it counts for: always [`EXAMPLE_WEIGHT`].
    pub weight: u32,
}

/// Explicit and provisional labels count the same: no measurement speaks for another ratio yet.
pub const EXAMPLE_WEIGHT: u32 = 1;

/// How many examples a repository has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExampleCounts {
    /// Of changes that did no harm.
    pub clean: u64,
    /// Of changes that brought a defect.
    pub defective: u64,
}

/// The labelled vectors of all changes but merges.
pub fn examples<'scope>(
    labels: Records<'scope, (ChangeKey, Label)>,
    vectors: Records<'scope, Vector>,
    changes: Records<'scope, Arc<ChangeRow>>,
) -> Records<'scope, Example> {
    let rows =
        changes.filter(|change| !change.merge).map(|change| (change.key, row_of(change.key.repo, &change.commit)));
    // The verdict alone goes on: more evidence for it must not disturb the example.
    let verdicts = labels.map(|(change, label)| (change, label.verdict));
    let verdicts = verdicts.join_map(rows, |key, verdict, row| (*key, (*verdict, *row)));
    let vectors = vectors.map(|Vector { key, time, values }| (key, (time, Arc::<[Fixed]>::from(values))));
    verdicts.join_map(vectors, |key, (verdict, row), (time, values)| Example {
        key: *key,
        row: *row,
        time: *time,
        values: values.clone(),
        defective: *verdict == Verdict::Defective,
        weight: EXAMPLE_WEIGHT,
    })
}

/// Repository and the first bytes of the commit's id, mixed so that neighbours part.
fn row_of(repo: RepoId, commit: &CommitId) -> u64 {
    let first = commit.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let mixed = repo.0 ^ first.rotate_left(32);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 31)
}

/// Maintains the number of examples of each repository that has any.
pub fn count_examples<'scope>(examples: Records<'scope, Example>) -> Records<'scope, (RepoId, ExampleCounts)> {
    let classes = examples.map(|example| (example.key.repo, example.defective)).count();
    classes.map(|((repo, defective), rows)| (repo, (defective, rows))).reduce(|_repo, classes, counts| {
        let rows =
            |class| classes.iter().filter(|((of, _), _)| *of == class).map(|((_, rows), _)| *rows).sum::<isize>();
        let counted =
            ExampleCounts { clean: rows(false).unsigned_abs() as u64, defective: rows(true).unsigned_abs() as u64 };
        counts.push((counted, 1));
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origins::sample::{change, key};
    use crate::testing::{assert_matches_batch, updates};
    use driftline_schema::EvidenceKind;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    enum Input {
        Label(ChangeKey, Label),
        Vector(Vector),
        Change(Arc<ChangeRow>),
    }

    fn repo_key(offset: u64) -> ChangeKey {
        ChangeKey { repo: RepoId(offset % 2), ..key(offset) }
    }

    fn input() -> impl Strategy<Value = Input> {
        let label = (0..6u64, any::<bool>()).prop_map(|(offset, clean)| {
            let verdict = if clean { Verdict::Clean } else { Verdict::Defective };
            Input::Label(repo_key(offset), Label { verdict, kind: EvidenceKind::Szz, provisional: false, evidence: 1 })
        });
        prop_oneof![
            label,
            (0..6u64).prop_map(|offset| {
                let values = Box::new([Fixed(offset as i64)]);
                Input::Vector(Vector { key: repo_key(offset), time: 5, values })
            }),
            (0..6u64).prop_map(|offset| {
                Input::Change(Arc::new(ChangeRow { key: repo_key(offset), merge: offset < 2, ..change(offset) }))
            }),
        ]
    }

    fn batch(rows: &[Input]) -> Vec<Example> {
        let mut examples = Vec::new();
        for row in rows {
            let Input::Vector(vector) = row else { continue };
            let change = rows.iter().find_map(|row| match row {
                Input::Change(row) if row.key == vector.key && !row.merge => Some(row),
                _ => None,
            });
            let Some(change) = change else { continue };
            let labels = rows.iter().filter_map(|row| match row {
                Input::Label(key, label) if *key == vector.key => Some(label.verdict == Verdict::Defective),
                _ => None,
            });
            examples.extend(labels.map(|defective| Example {
                key: vector.key,
                row: row_of(vector.key.repo, &change.commit),
                time: vector.time,
                values: vector.values.clone().into(),
                defective,
                weight: 1,
            }));
        }
        examples
    }

    fn batch_counts(rows: &[Input]) -> Vec<(RepoId, ExampleCounts)> {
        let mut counts: BTreeMap<RepoId, ExampleCounts> = BTreeMap::new();
        for example in batch(rows) {
            let counted = counts.entry(example.key.repo).or_default();
            *if example.defective { &mut counted.defective } else { &mut counted.clean } += 1;
        }
        counts.into_iter().collect()
    }

    fn build<'scope>(rows: Records<'scope, Input>) -> Records<'scope, Example> {
        let labels = rows.clone().flat_map(|row| match row {
            Input::Label(key, label) => Some((key, label)),
            _ => None,
        });
        let vectors = rows.clone().flat_map(|row| match row {
            Input::Vector(vector) => Some(vector),
            _ => None,
        });
        let changes = rows.flat_map(|row| match row {
            Input::Change(change) => Some(change),
            _ => None,
        });
        examples(labels, vectors, changes)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn equal_the_join_from_scratch_at_every_time(updates in updates(input(), 40)) {
            assert_matches_batch(&updates, build, batch);
        }

        #[test]
        fn counts_follow_the_examples(updates in updates(input(), 30)) {
            assert_matches_batch(&updates, |rows| count_examples(build(rows)), batch_counts);
        }
    }
}
