//! A vector is there exactly while all its parts are, has a value for each feature, and never knows the future.

use super::*;
use crate::features::{columns, sample};
use crate::testing::{assert_matches_batch, run, updates};
use driftline_schema::{FeatureGroup, LineClasses, Position, RepoId, SpaceMetrics};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn part() -> impl Strategy<Value = (ChangeKey, Part)> {
    (0..3u64, 0..GROUPS.len(), 0..8i64).prop_map(|(offset, group, value)| {
        let group = GROUPS[group];
        let values = vec![Fixed::from_int(value / 7); columns(group).len()].into();
        let key = ChangeKey { repo: RepoId(1), position: Position { partition: 0, offset } };
        (key, Part { group, time: 5, values })
    })
}

/// The definition: changes with one part of every group.
fn batch(parts: &[(ChangeKey, Part)]) -> Vec<Vector> {
    let mut by_change: BTreeMap<ChangeKey, Vec<&Part>> = BTreeMap::new();
    parts.iter().for_each(|(key, part)| by_change.entry(*key).or_default().push(part));
    let vector = |(key, parts): (ChangeKey, Vec<&Part>)| {
        let of = |group: FeatureGroup| parts.iter().find(|part| part.group == group);
        let whole = parts.len() == GROUPS.len() && GROUPS.into_iter().all(|group| of(group).is_some());
        whole.then(|| {
            let values: Vec<Fixed> =
                GROUPS.into_iter().filter_map(of).flat_map(|part| part.values.iter().copied()).collect();
            Vector { key, time: 5, values: values.into() }
        })
    };
    by_change.into_iter().filter_map(vector).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_vector_stands_while_all_its_parts_do(updates in updates(part(), 60)) {
        assert_matches_batch(&updates, |parts| vectorize([parts]), batch);
    }
}

/// The whole path from live changes, with facts that follow from the blob.
fn wire<'s>(changes: Records<'s, Arc<ChangeRow>>) -> Records<'s, Vector> {
    let contents = changes.clone().flat_map(|row| {
        let brought = row.files.iter().filter(|file| file.has_content).cloned().collect::<Vec<_>>();
        brought.into_iter().filter_map(|file| Some(BlobKey { blob: file.blob?, language: file.language? }))
    });
    let facts = contents.distinct().map(|key| {
        let size = u32::from(key.blob.as_bytes()[0]);
        let metrics = SpaceMetrics { cyclomatic: size, cognitive: size * 2, ..SpaceMetrics::default() };
        let (functions, lines) = (vec![], LineClasses::default());
        let (bytes, error_bytes, truncated) = (size, 0, false);
        (
            key,
            KeptFacts::of(driftline_schema::FileFacts {
                language: key.language,
                bytes,
                error_bytes,
                truncated,
                metrics,
                functions,
                lines,
                structure: driftline_schema::Structure::default(),
            }),
        )
    });
    vectors(changes, facts).vectors
}

fn last(rows: &[Arc<ChangeRow>]) -> Vec<Vector> {
    let steps: Vec<_> = rows.iter().map(|row| (row.clone(), 1)).collect();
    run(&steps, 1, steps.len().max(1), wire).pop().unwrap_or_default().into_keys().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_later_record_changes_no_earlier_vector(
        rows in proptest::collection::vec(sample::any_change(), 1..16),
        other in sample::any_change(),
    ) {
        let mut rows = rows;
        rows.sort();
        rows.dedup_by_key(|row| row.key);
        let changed = rows.last().expect("at least one").key;
        let mut others = rows.clone();
        if let Some(row) = others.last_mut() {
            *row = Arc::new(ChangeRow { key: changed, ..(*other).clone() });
        }
        let before = |vectors: Vec<Vector>| vectors.into_iter().filter(|v| v.key < changed).collect::<Vec<_>>();
        let (with_rows, with_others) = (last(&rows), last(&others));
        prop_assert_eq!(with_rows.len(), rows.len(), "one vector for each change");
        prop_assert!(with_rows.iter().all(|vector| vector.values.len() == FEATURES.len()));
        prop_assert_eq!(before(with_rows), before(with_others));
    }

    #[test]
    fn a_retracted_change_leaves_nothing_and_the_order_of_arrival_does_not_matter(
        rows in proptest::collection::vec(sample::any_change(), 1..10),
    ) {
        let mut rows = rows;
        rows.sort();
        rows.dedup_by_key(|row| row.key);
        let mut steps: Vec<_> = rows.iter().rev().map(|row| (row.clone(), 1)).collect();
        let backwards: Vec<Vector> = run(&steps, 2, 3, wire).pop().unwrap_or_default().into_keys().collect();
        prop_assert_eq!(last(&rows), backwards);
        steps.extend(rows.iter().map(|row| (row.clone(), -1)));
        prop_assert!(run(&steps, 2, 3, wire).pop().unwrap_or_default().is_empty());
    }
}
