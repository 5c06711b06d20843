//! What a change means to do, by its message and its parents.
//!
//! A function of the change alone: retracting the change retracts its part.

use crate::Records;
use crate::features::{Part, Parts, count, flag};
use driftline_schema::{ChangeRow, FeatureGroup, Fixed};
use std::sync::Arc;

/// The part of the group `purpose` for each change.
pub fn purpose<'scope>(changes: Records<'scope, Arc<ChangeRow>>) -> Parts<'scope> {
    changes.map(|row| (row.key, Part { group: FeatureGroup::Purpose, time: row.time, values: purpose_of(&row) }))
}

/// The values, in the order of the features table.
fn purpose_of(row: &ChangeRow) -> Box<[Fixed]> {
    Box::new([
        flag(row.fix),
        flag(row.merge),
        flag(!row.reverts.is_empty()),
        count(row.subject.chars().count()),
        flag(refers_to_an_issue(&row.subject)),
    ])
}

/// Whether a word names an issue: `#12`, or a project's key in capitals with a number, `ABC-12`.
fn refers_to_an_issue(subject: &str) -> bool {
    subject.split(|c: char| !(c.is_alphanumeric() || matches!(c, '#' | '-' | '_'))).any(|word| {
        let number = |text: &str| {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            // A digit run may be followed by a separator (`#12-x`), but not by letters (`#12ab` is a colour).
            digits > 0 && !text[digits..].starts_with(char::is_alphanumeric)
        };
        let after_hash = word.split('#').skip(1).any(number);
        let key = word.split_once('-').is_some_and(|(key, rest)| {
            key.len() >= 2
                && key.starts_with(|c: char| c.is_ascii_uppercase())
                && key.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
                && number(rest)
        });
        after_hash || key
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::sample;
    use crate::testing::{assert_matches_batch, updates};
    use driftline_schema::ChangeKey;
    use proptest::prelude::*;

    #[test]
    fn issues_are_seen_by_their_usual_forms() {
        for yes in ["Close #12", "[SPARK-123] x", "A2-1: y", "fix (#9)", "GH#12", "see #12-x"] {
            assert!(refers_to_an_issue(yes), "{yes}");
        }
        for no in ["", "# heading", "utf-8", "A-1", "colour #12ab34", "X-ray", "UTF-x", "issue 12"] {
            assert!(!refers_to_an_issue(no), "{no}");
        }
    }

    fn batch(rows: &[Arc<ChangeRow>]) -> Vec<(ChangeKey, Part)> {
        let one_if = |condition: bool| Fixed(if condition { 1_000_000 } else { 0 });
        rows.iter()
            .map(|row| {
                let issue = ["fix #1", "ABC-12 do"].contains(&&*row.subject);
                let length = Fixed(row.subject.len() as i64 * 1_000_000);
                let flags = [row.fix, row.merge, !row.reverts.is_empty()].map(one_if);
                let values = [flags[0], flags[1], flags[2], length, one_if(issue)];
                (row.key, Part { group: FeatureGroup::Purpose, time: row.time, values: values.into() })
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn equals_the_flags_of_the_row(updates in updates(sample::any_change(), 20)) {
            assert_matches_batch(&updates, purpose, batch);
        }
    }
}
