//! The label of each change, as a function of the live evidence about it.
//!
//! People decide if they agree by weight; otherwise any sign of a defect does; time alone makes a change provisionally
//! clean. A change without evidence has no label, and a retracted row of evidence takes its part of the label back.

use crate::Records;
use driftline_schema::{ChangeKey, Evidence, EvidenceKind, Label, RepoId, Verdict};
use std::cmp::Ordering;

/// Maintains the label of every change with enough evidence for one.
pub fn labels<'scope>(evidence: Records<'scope, Evidence>) -> Records<'scope, (ChangeKey, Label)> {
    evidence.map(|evidence| (evidence.change, evidence)).reduce(|_change, rows, labels| {
        let live: Vec<Evidence> = rows.iter().filter(|(_, count)| *count > 0).map(|(row, _)| **row).collect();
        labels.extend(decide(&live).map(|label| (label, 1)));
    })
}

/// How many labels each repository has of each kind and verdict.
pub fn count_labels<'scope>(
    labels: Records<'scope, (ChangeKey, Label)>,
) -> Records<'scope, ((RepoId, EvidenceKind, Verdict), u64)> {
    let kinds = labels.map(|(change, label)| (change.repo, label.kind, label.verdict));
    kinds.count().map(|(kind, labels)| (kind, labels.unsigned_abs() as u64))
}

/// The label that `evidence` about one change gives; `None` when it says nothing, or when votes alone are tied.
pub fn decide(evidence: &[Evidence]) -> Option<Label> {
    let (verdict, kind) = majority(evidence)
        .map(|verdict| (verdict, EvidenceKind::Vote))
        .or_else(|| strongest_defect(evidence).map(|kind| (Verdict::Defective, kind)))
        .or_else(|| waited(evidence).then_some((Verdict::Clean, EvidenceKind::Waiting)))?;
    let provisional = kind == EvidenceKind::Waiting;
    Some(Label { verdict, kind, provisional, evidence: u32::try_from(evidence.len()).unwrap_or(u32::MAX) })
}

/// What the votes say by weight; `None` when there are none or they are tied.
fn majority(evidence: &[Evidence]) -> Option<Verdict> {
    let weight = |verdict| {
        let votes = evidence.iter().filter(|row| row.kind == EvidenceKind::Vote && row.verdict == verdict);
        votes.map(|row| u64::from(row.weight)).sum::<u64>()
    };
    match weight(Verdict::Defective).cmp(&weight(Verdict::Clean)) {
        Ordering::Greater => Some(Verdict::Defective),
        Ordering::Less => Some(Verdict::Clean),
        Ordering::Equal => None,
    }
}

/// The strongest kind of sign of a defect that is no vote.
fn strongest_defect(evidence: &[Evidence]) -> Option<EvidenceKind> {
    let signs = evidence.iter().filter(|row| row.verdict == Verdict::Defective && row.kind != EvidenceKind::Vote);
    signs.map(|row| row.kind).min()
}

fn waited(evidence: &[Evidence]) -> bool {
    evidence.iter().any(|row| row.kind == EvidenceKind::Waiting)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origins::sample::{REPO, at, key};
    use crate::testing::{assert_matches_batch, updates};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const KINDS: [EvidenceKind; 5] =
        [EvidenceKind::Vote, EvidenceKind::Trailer, EvidenceKind::Revert, EvidenceKind::Szz, EvidenceKind::Waiting];

    fn row(change: u64, kind: EvidenceKind, verdict: Verdict, weight: u32) -> Evidence {
        Evidence { change: key(change), kind, verdict, source: at(u64::from(weight)), weight }
    }

    fn evidence() -> impl Strategy<Value = Evidence> {
        (0..3u64, 0..9usize, any::<bool>(), 1..4u32).prop_map(|(change, kind, clean, weight)| {
            let kind = KINDS.get(kind).copied().unwrap_or(EvidenceKind::Vote);
            let clean = kind == EvidenceKind::Waiting || (kind == EvidenceKind::Vote && clean);
            row(change, kind, if clean { Verdict::Clean } else { Verdict::Defective }, weight)
        })
    }

    /// The rules as a table, written down once more.
    fn batch(rows: &[Evidence]) -> Vec<(ChangeKey, Label)> {
        let mut by_change: BTreeMap<ChangeKey, Vec<Evidence>> = BTreeMap::new();
        rows.iter().for_each(|row| by_change.entry(row.change).or_default().push(*row));
        by_change
            .into_iter()
            .filter_map(|(change, rows)| {
                let balance: i64 = rows
                    .iter()
                    .filter(|row| row.kind == EvidenceKind::Vote)
                    .map(|row| if row.verdict == Verdict::Clean { -1 } else { 1 } * i64::from(row.weight))
                    .sum();
                let has = |kind| rows.iter().any(|row| row.kind == kind);
                let (verdict, kind) = match balance {
                    1.. => (Verdict::Defective, EvidenceKind::Vote),
                    ..0 => (Verdict::Clean, EvidenceKind::Vote),
                    0 if has(EvidenceKind::Trailer) => (Verdict::Defective, EvidenceKind::Trailer),
                    0 if has(EvidenceKind::Revert) => (Verdict::Defective, EvidenceKind::Revert),
                    0 if has(EvidenceKind::Szz) => (Verdict::Defective, EvidenceKind::Szz),
                    0 if has(EvidenceKind::Waiting) => (Verdict::Clean, EvidenceKind::Waiting),
                    0 => return None,
                };
                let provisional = kind == EvidenceKind::Waiting;
                Some((change, Label { verdict, kind, provisional, evidence: rows.len() as u32 }))
            })
            .collect()
    }

    type Counts = ((RepoId, EvidenceKind, Verdict), u64);

    fn batch_counts(rows: &[Evidence]) -> Vec<Counts> {
        let mut counts: BTreeMap<(RepoId, EvidenceKind, Verdict), u64> = BTreeMap::new();
        for (change, label) in batch(rows) {
            *counts.entry((change.repo, label.kind, label.verdict)).or_default() += 1;
        }
        counts.into_iter().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn equal_the_rules_from_scratch_at_every_time(updates in updates(evidence(), 40)) {
            assert_matches_batch(&updates, labels, batch);
        }

        #[test]
        fn counts_follow_the_labels(updates in updates(evidence(), 20)) {
            assert_matches_batch(&updates, |rows| count_labels(labels(rows)), batch_counts);
        }
    }

    #[test]
    fn late_evidence_corrects_and_votes_overrule() {
        use EvidenceKind::*;
        let mut rows = vec![row(1, Waiting, Verdict::Clean, 1)];
        let label = |rows: &[Evidence]| decide(rows).map(|label| (label.verdict, label.kind, label.provisional));
        assert_eq!(label(&[]), None);
        assert_eq!(label(&rows), Some((Verdict::Clean, Waiting, true)));
        rows.push(row(1, Szz, Verdict::Defective, 3));
        assert_eq!(label(&rows), Some((Verdict::Defective, Szz, false)));
        rows.push(row(1, Vote, Verdict::Clean, 2));
        assert_eq!(label(&rows), Some((Verdict::Clean, Vote, false)));
        rows.push(row(1, Vote, Verdict::Defective, 2));
        assert_eq!(label(&rows), Some((Verdict::Defective, Szz, false)), "a tie leaves it to the rest");
        assert_eq!(label(&rows[2..]), None, "a tie and nothing else");
        assert_eq!(key(1).repo, REPO);
    }
}
