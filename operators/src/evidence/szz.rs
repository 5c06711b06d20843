//! Weighs what fixes remove by the syntax of the version they removed it from: only lines with code count.
//!
//! Facts may come later than the fix, or go; the weight is always that of the facts that live, and where there are none
//! the first characters of a line decide whether it is a comment.

use crate::Records;
use crate::kept_facts::KeptFacts;
use crate::origins::{Blamed, Candidate};
use driftline_schema::{BlobKey, ChangeKey, Evidence, EvidenceKind, FileFacts, LineClass, Position, Verdict};

/// Lines with code that a fix removed, without and with the syntax of the old version.
fn weights(candidate: &Candidate, facts: Option<&FileFacts>) -> Vec<isize> {
    let looks_like_code = |blamed: &Blamed| blamed.lines.saturating_sub(blamed.comment_like);
    let end = |blamed: &Blamed| blamed.start.saturating_add(blamed.lines);
    let is_code = |blamed: &Blamed| match facts {
        // Facts that were cut short say nothing about the lines beyond.
        Some(facts) if !facts.truncated && end(blamed) <= facts.lines.len() => {
            facts.lines.count(blamed.start..end(blamed), LineClass::Code)
        }
        _ => looks_like_code(blamed),
    };
    candidate.lines.iter().map(|blamed| is_code(blamed) as isize).collect()
}

type Link = (ChangeKey, Position);

/// Adds `weights` to the links between the fix and the changes that brought the lines.
fn links(candidate: &Candidate, weights: Vec<isize>) -> Vec<(Link, isize)> {
    let repo = candidate.fix.repo;
    let bugs = candidate.lines.iter().map(|blamed| ChangeKey { repo, position: blamed.origin });
    bugs.map(|bug| (bug, candidate.fix.position)).zip(weights).collect()
}

/// Evidence from removed lines; `facts` holds at most one row for a key.
pub fn szz_evidence<'scope>(
    candidates: Records<'scope, Candidate>,
    facts: Records<'scope, (BlobKey, KeptFacts)>,
) -> Records<'scope, Evidence> {
    let unaided = candidates.clone().explode(|candidate| {
        let weights = weights(&candidate, None);
        links(&candidate, weights)
    });
    // What the syntax changes is added as a difference, so that no candidate is kept twice.
    let keyed = candidates.flat_map(|candidate| candidate.old.map(|old| (old, candidate)));
    let corrections = keyed.join_map(facts, |_old, candidate, facts| (candidate.clone(), facts.clone()));
    let corrections = corrections.explode(|(candidate, facts)| {
        let (with, without) = (weights(&candidate, Some(&facts.get())), weights(&candidate, None));
        links(&candidate, with.into_iter().zip(without).map(|(with, without)| with - without).collect())
    });
    unaided.concat(corrections).count().map(|((change, source), lines)| Evidence {
        change,
        kind: EvidenceKind::Szz,
        verdict: Verdict::Defective,
        source,
        weight: u32::try_from(lines).unwrap_or(u32::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origins::sample::{REPO, at, blob, key};
    use crate::testing::{assert_matches_batch, updates};
    use driftline_schema::{FileId, Language, LineClasses, SpaceMetrics};
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};
    use std::collections::BTreeMap;

    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    enum Input {
        Candidate(Candidate),
        Facts(BlobKey, KeptFacts),
    }

    fn blob_key(number: u8) -> BlobKey {
        BlobKey { blob: blob(number), language: Language::Rust }
    }

    fn facts(classes: &[LineClass], truncated: bool) -> FileFacts {
        let mut lines = LineClasses::default();
        classes.iter().for_each(|class| lines.push(*class));
        let (language, metrics) = (Language::Rust, SpaceMetrics::default());
        FileFacts {
            language,
            bytes: 0,
            error_bytes: 0,
            truncated,
            metrics,
            functions: Vec::new(),
            lines,
            structure: driftline_schema::Structure::default(),
        }
    }

    fn candidate(fix: u64, old: Option<u8>, lines: Vec<Blamed>) -> Candidate {
        Candidate { fix: key(fix), file: FileId(1), old: old.map(blob_key), lines: lines.into() }
    }

    /// A content has one set of facts: its number says which.
    fn facts_of(number: u8) -> FileFacts {
        use LineClass::*;
        let classes = [Code, Comment, Code, Blank, Code, Comment, Comment];
        facts(&classes[..4 + number as usize], number == 2)
    }

    fn input() -> impl Strategy<Value = Input> {
        let blamed = (0..4u64, 0..5u32, 1..4u32, 0..3u32).prop_map(|(origin, start, lines, comments)| Blamed {
            origin: at(origin),
            start,
            lines,
            comment_like: comments.min(lines),
        });
        let lines = proptest::collection::vec(blamed, 1..4);
        prop_oneof![
            2 => (4..7u64, proptest::option::weighted(0.9, 0..4u8), lines)
                .prop_map(|(fix, old, lines)| Input::Candidate(candidate(fix, old, lines))),
            1 => (0..4u8).prop_map(|number| Input::Facts(blob_key(number), KeptFacts::of(facts_of(number)))),
        ]
    }

    /// Line by line, with the facts at hand.
    fn batch(rows: &[Input]) -> Vec<Evidence> {
        let known: BTreeMap<BlobKey, std::sync::Arc<FileFacts>> = rows
            .iter()
            .filter_map(|row| match row {
                Input::Facts(key, facts) => Some((*key, facts.get())),
                Input::Candidate(_) => None,
            })
            .collect();
        let mut sums: BTreeMap<(Position, Position), u32> = BTreeMap::new();
        for row in rows {
            let Input::Candidate(candidate) = row else { continue };
            let facts = candidate.old.and_then(|old| known.get(&old)).filter(|facts| !facts.truncated);
            for blamed in &candidate.lines {
                let classes: Option<Vec<LineClass>> = facts.and_then(|facts| {
                    (blamed.start..blamed.start + blamed.lines).map(|line| facts.lines.class(line)).collect()
                });
                let weight = match classes {
                    Some(classes) => classes.iter().filter(|class| **class == LineClass::Code).count() as u32,
                    None => blamed.lines - blamed.comment_like,
                };
                *sums.entry((blamed.origin, candidate.fix.position)).or_default() += weight;
            }
        }
        let evidence = |((bug, source), weight)| Evidence {
            change: ChangeKey { repo: REPO, position: bug },
            kind: EvidenceKind::Szz,
            verdict: Verdict::Defective,
            source,
            weight,
        };
        sums.into_iter().filter(|(_, weight)| *weight > 0).map(evidence).collect()
    }

    fn build<'scope>(rows: Records<'scope, Input>) -> Records<'scope, Evidence> {
        let candidates = rows.clone().flat_map(|row| match row {
            Input::Candidate(candidate) => Some(candidate),
            Input::Facts(..) => None,
        });
        let facts = rows.flat_map(|row| match row {
            Input::Facts(key, facts) => Some((key, facts)),
            Input::Candidate(_) => None,
        });
        szz_evidence(candidates, facts)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn equals_the_count_of_code_lines_at_every_time(updates in updates(input(), 30)) {
            assert_matches_batch(&updates, build, batch);
        }
    }

    #[test]
    fn syntax_tells_a_comment_inside_a_block_from_code() {
        // The old version: code, a comment of two lines whose second line begins like code, code.
        let facts = facts(&[LineClass::Code, LineClass::Comment, LineClass::Comment, LineClass::Code], false);
        let removed = Blamed { origin: at(1), start: 1, lines: 3, comment_like: 1 };
        let candidate = candidate(9, Some(1), vec![removed]);
        assert_eq!(weights(&candidate, None), [2]);
        assert_eq!(weights(&candidate, Some(&facts)), [1]);
    }
}
