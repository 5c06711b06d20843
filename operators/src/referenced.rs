//! The facts that count: of contents which some live change brought.
//!
//! A content stays parsed as long as its record stands in the log, but a withdrawn change must leave no trace: facts that
//! only it brought are taken back with it, as if the content had never been seen.

use crate::Records;
use crate::kept_facts::KeptFacts;
use driftline_schema::{BlobKey, ChangeRow};
use std::sync::Arc;

/// Keeps the facts of contents that live changes brought.
pub fn referenced<'scope>(
    facts: Records<'scope, (BlobKey, KeptFacts)>,
    changes: Records<'scope, Arc<ChangeRow>>,
) -> Records<'scope, (BlobKey, KeptFacts)> {
    let brought = changes.flat_map(|row| brought_by(&row)).distinct();
    facts.semijoin(brought)
}

/// The contents a change brought, where they are measured.
fn brought_by(row: &ChangeRow) -> Vec<BlobKey> {
    let contents = row.files.iter().filter(|file| file.has_content);
    contents.filter_map(|file| Some(BlobKey { blob: file.blob?, language: file.language? })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origins::sample::{blob, change, file};
    use crate::testing::{assert_matches_batch, updates};
    use driftline_schema::{Language, LineClasses, SpaceMetrics};
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    enum Input {
        Facts(BlobKey, KeptFacts),
        Change(Arc<ChangeRow>),
    }

    fn facts(number: u8) -> Input {
        let facts = driftline_schema::FileFacts {
            language: Language::Rust,
            bytes: u32::from(number),
            error_bytes: 0,
            truncated: false,
            metrics: SpaceMetrics::default(),
            functions: vec![],
            lines: LineClasses::default(),
            structure: driftline_schema::Structure::default(),
        };
        Input::Facts(BlobKey { blob: blob(number), language: Language::Rust }, KeptFacts::of(facts))
    }

    fn bringing(offset: u64, number: u8, has_content: bool) -> Input {
        let mut row = change(offset);
        let mut file = file(1, None, Some(number), vec![]);
        file.language = Some(Language::Rust);
        file.has_content = has_content;
        row.files = vec![file];
        Input::Change(Arc::new(row))
    }

    fn split<'scope>(rows: Records<'scope, Input>) -> Records<'scope, (BlobKey, KeptFacts)> {
        let facts = rows.clone().flat_map(|row| match row {
            Input::Facts(key, facts) => Some((key, facts)),
            Input::Change(_) => None,
        });
        let changes = rows.flat_map(|row| match row {
            Input::Change(row) => Some(row),
            Input::Facts(..) => None,
        });
        referenced(facts, changes)
    }

    fn batch(rows: &[Input]) -> Vec<(BlobKey, KeptFacts)> {
        let wanted = |key: &BlobKey| {
            rows.iter().any(|row| match row {
                Input::Change(row) => row.files.iter().any(|file| file.has_content && file.blob == Some(key.blob)),
                Input::Facts(..) => false,
            })
        };
        let facts = rows.iter().filter_map(|row| match row {
            Input::Facts(key, facts) if wanted(key) => Some((*key, facts.clone())),
            _ => None,
        });
        facts.collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn facts_stay_as_long_as_a_live_change_brought_them(updates in updates(prop_oneof![
            (0..4u8).prop_map(facts),
            (0..6u64, 0..4u8, any::<bool>()).prop_map(|(offset, number, content)| bringing(offset, number, content)),
        ], 40)) {
            assert_matches_batch(&updates, split, batch);
        }
    }
}
