//! People's verdicts on commits: of each voter the latest live vote counts.
//!
//! A vote may stand before its commit in the log, as when a review is written before the branch is pushed: it waits for
//! the commit and is evidence from then on. A vote that takes the earlier one back leaves the voter without one.

use crate::Records;
use crate::validate::VoteRow;
use driftline_schema::{ChangeKey, ChangeRow, Evidence, EvidenceKind};
use std::sync::Arc;

/// Evidence from votes on commits that are in the log.
pub fn vote_evidence<'scope>(
    changes: Records<'scope, Arc<ChangeRow>>,
    votes: Records<'scope, VoteRow>,
) -> Records<'scope, Evidence> {
    let latest = votes.map(|vote| ((vote.repo, vote.commit, vote.voter), vote)).reduce(|_voter, votes, latest| {
        let last = votes.iter().map(|(vote, _)| *vote).max_by_key(|vote| (vote.position, *vote));
        latest.extend(last.filter(|vote| !vote.retract).map(|vote| (*vote, 1)));
    });
    let standing = latest.map(|((repo, commit, _voter), vote)| ((repo, commit), vote));
    let commits = changes.map(|change| ((change.key.repo, change.commit), change.key));
    standing.join_map(commits, |_commit, vote, change: &ChangeKey| Evidence {
        change: *change,
        kind: EvidenceKind::Vote,
        verdict: vote.verdict,
        source: vote.position,
        weight: vote.weight,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origins::sample::{REPO, at, change, commit};
    use crate::testing::{assert_matches_batch, updates};
    use driftline_schema::{AuthorId, Verdict};
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    enum Input {
        Change(Arc<ChangeRow>),
        Vote(VoteRow),
    }

    fn vote(offset: u64, number: u8, voter: u8, kind: u8) -> VoteRow {
        VoteRow {
            repo: REPO,
            position: at(offset),
            commit: commit(number),
            voter: AuthorId([voter; 16]),
            verdict: if kind.is_multiple_of(2) { Verdict::Clean } else { Verdict::Defective },
            weight: u32::from(kind) + 1,
            time: 0,
            advances_clock: true,
            retract: kind == 3,
        }
    }

    fn input() -> impl Strategy<Value = Input> {
        prop_oneof![
            // A commit is in the log once: its number is its offset.
            1 => (0..3u64).prop_map(|offset| Input::Change(Arc::new(change(offset)))),
            3 => (0..20u64, 0..3u8, 0..3u8, 0..4u8)
                .prop_map(|(offset, number, voter, kind)| Input::Vote(vote(offset, number, voter, kind))),
        ]
    }

    fn batch(rows: &[Input]) -> Vec<Evidence> {
        let votes: Vec<VoteRow> = rows
            .iter()
            .filter_map(|row| match row {
                Input::Vote(vote) => Some(*vote),
                Input::Change(_) => None,
            })
            .collect();
        let mut evidence = Vec::new();
        for row in rows {
            let Input::Change(change) = row else { continue };
            for vote in votes.iter().filter(|vote| vote.commit == change.commit && !vote.retract) {
                let later = |other: &&VoteRow| {
                    (other.commit, other.voter) == (vote.commit, vote.voter)
                        && (other.position, *other) > (vote.position, vote)
                };
                if !votes.iter().any(|other| later(&other)) {
                    let (kind, verdict, source) = (EvidenceKind::Vote, vote.verdict, vote.position);
                    evidence.push(Evidence { change: change.key, kind, verdict, source, weight: vote.weight });
                }
            }
        }
        evidence
    }

    fn build<'scope>(rows: Records<'scope, Input>) -> Records<'scope, Evidence> {
        let changes = rows.clone().flat_map(|row| match row {
            Input::Change(change) => Some(change),
            Input::Vote(_) => None,
        });
        let votes = rows.flat_map(|row| match row {
            Input::Vote(vote) => Some(vote),
            Input::Change(_) => None,
        });
        vote_evidence(changes, votes)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn equals_the_last_word_of_each_voter_at_every_time(updates in updates(input(), 40)) {
            assert_matches_batch(&updates, build, batch);
        }
    }
}
