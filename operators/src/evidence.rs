//! Evidence about changes: lines that fixes removed, trailers and reverts that name a commit, votes.
//!
//! Each piece is a row that lives as long as the records it rests on; a label is a function of the live rows. What
//! follows from time alone is in `waiting.rs`.

mod named;
mod szz;
mod votes;

pub use named::{PREFIX_DIGITS_MIN, Unresolved, UnresolvedReason, named_evidence};
pub use szz::szz_evidence;
pub use votes::vote_evidence;

use crate::Records;
use crate::kept_facts::KeptFacts;
use crate::origins::Candidate;
use crate::validate::VoteRow;
use driftline_schema::{BlobKey, ChangeRow, Evidence};
use std::sync::Arc;

/// What the records of the log say about changes.
pub struct Gathered<'scope> {
    /// Every reason but the passing of time.
    pub evidence: Records<'scope, Evidence>,
    /// Trailers and reverts that lead nowhere.
    pub unresolved: Records<'scope, Unresolved>,
}

/// Gathers evidence of every kind; `facts` holds at most one row for a key.
pub fn gather_evidence<'scope>(
    changes: Records<'scope, Arc<ChangeRow>>,
    candidates: Records<'scope, Candidate>,
    facts: Records<'scope, (BlobKey, KeptFacts)>,
    votes: Records<'scope, VoteRow>,
) -> Gathered<'scope> {
    let (named, unresolved) = named_evidence(changes.clone());
    let evidence = named.concat(szz_evidence(candidates, facts)).concat(vote_evidence(changes, votes));
    Gathered { evidence, unresolved }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::labels;
    use crate::origins::sample::{REPO, at, blob, change, commit, file, hunk, key};
    use crate::origins::{OriginSettings, trace_fixes};
    use crate::testing::{Step, run};
    use crate::waiting::wait;
    use driftline_schema::{
        AuthorId, ChangeKey, EvidenceKind, Label, Language, LineClass, LineClasses, SpaceMetrics, Verdict,
    };
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    enum Input {
        Change(Arc<ChangeRow>),
        Facts(BlobKey, KeptFacts),
        Vote(VoteRow),
    }

    /// From changes, facts and votes to labels, with a waiting time of three days.
    fn build<'scope>(rows: Records<'scope, Input>) -> Records<'scope, (ChangeKey, Label)> {
        let changes = rows.clone().flat_map(|row| if let Input::Change(change) = row { Some(change) } else { None });
        let facts =
            rows.clone().flat_map(|row| if let Input::Facts(key, facts) = row { Some((key, facts)) } else { None });
        let votes = rows.flat_map(|row| if let Input::Vote(vote) = row { Some(vote) } else { None });
        let ticks = votes.clone().map(|vote| (vote.position.partition, vote.time));
        let candidates = trace_fixes(changes.clone(), OriginSettings::default());
        let gathered = gather_evidence(changes.clone(), candidates, facts, votes);
        labels(gathered.evidence.concat(wait(changes, ticks, 3 * 86_400).evidence))
    }

    /// A comment in the first of two lines.
    fn facts() -> Input {
        let mut lines = LineClasses::default();
        [LineClass::Comment, LineClass::Code].into_iter().for_each(|class| lines.push(class));
        let (language, metrics, functions) = (Language::Rust, SpaceMetrics::default(), Vec::new());
        let key = BlobKey { blob: blob(10), language };
        Input::Facts(
            key,
            KeptFacts::of(driftline_schema::FileFacts {
                language,
                bytes: 9,
                error_bytes: 0,
                truncated: false,
                metrics,
                functions,
                lines,
                structure: driftline_schema::Structure::default(),
            }),
        )
    }

    fn vote(offset: u64, retract: bool) -> Input {
        Input::Vote(VoteRow {
            repo: REPO,
            position: at(offset),
            commit: commit(0),
            voter: AuthorId([9; 16]),
            verdict: Verdict::Clean,
            weight: 1,
            time: 0,
            advances_clock: false,
            retract,
        })
    }

    #[test]
    fn a_label_follows_every_insertion_and_retraction_that_bears_on_it() {
        let brings = change(0);
        let brings = ChangeRow { files: vec![file(1, None, Some(10), vec![hunk(0, 0, 0, 2)])], ..brings };
        let removing = |lines| vec![file(1, Some(10), Some(11), vec![hunk(0, lines, 0, 0)])];
        let row = |change: ChangeRow| Input::Change(Arc::new(change));
        let fix = row(ChangeRow { fix: true, files: removing(1), ..change(1) });
        let named = commit(0).to_string();
        let trailer = row(ChangeRow { fixes: vec![named[..12].into()], ..change(2) });
        let revert = row(ChangeRow { reverts: vec![named.into()], ..change(4) });
        let later = row(change(3));
        let insert = |input: &Input| (input.clone(), 1);
        let retract = |input: &Input| (input.clone(), -1);
        use EvidenceKind::*;
        use Verdict::*;
        type Told = Option<(Verdict, EvidenceKind, u32)>;
        let story: Vec<(Step<Input>, Told)> = vec![
            ((row(brings), 1), None),
            (insert(&fix), Some((Defective, Szz, 1))),
            // The line it removed turns out to be a comment.
            (insert(&facts()), None),
            (insert(&later), Some((Clean, Waiting, 1))),
            (insert(&trailer), Some((Defective, Trailer, 2))),
            (insert(&revert), Some((Defective, Trailer, 3))),
            (retract(&trailer), Some((Defective, Revert, 2))),
            (insert(&vote(5, false)), Some((Clean, Vote, 3))),
            (insert(&vote(6, true)), Some((Defective, Revert, 2))),
            (retract(&revert), Some((Clean, Waiting, 1))),
            (retract(&later), None),
            (retract(&facts()), Some((Defective, Szz, 1))),
            (retract(&fix), None),
        ];
        let (steps, expected): (Vec<_>, Vec<_>) = story.into_iter().unzip();
        for (time, (found, expected)) in run(&steps, 2, 1, build).into_iter().zip(expected).enumerate() {
            let label = found.keys().find(|(change, _)| *change == key(0)).map(|(_, label)| label);
            let told = label.map(|label| (label.verdict, label.kind, label.evidence));
            assert_eq!(told, expected, "after step {time}");
        }
    }
}
