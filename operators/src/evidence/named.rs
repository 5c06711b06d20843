//! Changes that a later change names: by a `Fixes:` trailer, or by reverting them.
//!
//! A prefix is looked up among the commits that stand before the one that names it, never among later ones; if it fits
//! none or more than one of them, there is no evidence but a row that says so. Retracting a commit may make a prefix
//! unique, or unknown, and the evidence follows.

use crate::Records;
use crate::ordered_fold::{PositionFold, ordered_fold};
use driftline_schema::{ChangeKey, ChangeRow, CommitId, Evidence, EvidenceKind, Position, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Shorter prefixes name nobody: git itself prints seven digits at least.
pub const PREFIX_DIGITS_MIN: usize = 7;

/// A trailer or revert that leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Unresolved {
    /// The change whose message has it.
    pub source: ChangeKey,
    /// `Trailer` or `Revert`.
    pub kind: EvidenceKind,
    /// Why.
    pub reason: UnresolvedReason,
}

/// Why a prefix leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnresolvedReason {
    /// It is no prefix of an object id, or too short a one.
    NotAPrefix,
    /// No earlier commit has it.
    Unknown,
    /// More than one earlier commit has it.
    Ambiguous,
}

/// What a change's message says of earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Named {
    Found(Evidence),
    Lost(Unresolved),
}

/// Evidence from trailers and reverts, and those that lead nowhere.
pub fn named_evidence<'scope>(
    changes: Records<'scope, Arc<ChangeRow>>,
) -> (Records<'scope, Evidence>, Records<'scope, Unresolved>) {
    let rows = changes.map(|change| (change.key.repo, (change.key.position, change)));
    let named = ordered_fold(rows, "NamedCommits", NamedFold).map(|(_repo, (_source, named))| named);
    let found = named.clone().flat_map(|named| match named {
        Named::Found(evidence) => Some(evidence),
        Named::Lost(_) => None,
    });
    let lost = named.flat_map(|named| match named {
        Named::Found(_) => None,
        Named::Lost(unresolved) => Some(unresolved),
    });
    (found, lost)
}

/// The commits seen so far, by id.
type Commits = BTreeMap<CommitId, Position>;

struct NamedFold;

impl PositionFold for NamedFold {
    type Value = Arc<ChangeRow>;
    type Output = Named;
    type State = Commits;
    /// The commit that was entered.
    type Undo = Option<CommitId>;

    fn step(
        &self,
        commits: &mut Commits,
        position: Position,
        change: &Arc<ChangeRow>,
        outputs: &mut Vec<Named>,
    ) -> Option<CommitId> {
        let trailers = change.fixes.iter().map(|prefix| (EvidenceKind::Trailer, prefix));
        let reverts = change.reverts.iter().map(|prefix| (EvidenceKind::Revert, prefix));
        for (kind, prefix) in trailers.chain(reverts) {
            let named = match resolve(commits, prefix) {
                Ok(found) => Named::Found(Evidence {
                    change: ChangeKey { repo: change.key.repo, position: found },
                    kind,
                    verdict: Verdict::Defective,
                    source: position,
                    weight: 1,
                }),
                Err(reason) => Named::Lost(Unresolved { source: change.key, kind, reason }),
            };
            // Naming a commit twice says no more than naming it once.
            if !(matches!(named, Named::Found(_)) && outputs.contains(&named)) {
                outputs.push(named);
            }
        }
        if commits.contains_key(&change.commit) {
            return None;
        }
        commits.insert(change.commit, position);
        Some(change.commit)
    }

    fn undo(&self, commits: &mut Commits, undo: Option<CommitId>) {
        if let Some(entered) = undo {
            commits.remove(&entered);
        }
    }
}

/// The only commit whose id begins with `prefix`.
fn resolve(commits: &Commits, prefix: &str) -> Result<Position, UnresolvedReason> {
    let (first, last) = range(prefix).ok_or(UnresolvedReason::NotAPrefix)?;
    let mut fitting = commits.range(first..=last).map(|(_, position)| *position);
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(UnresolvedReason::Unknown),
        (Some(_), Some(_)) => Err(UnresolvedReason::Ambiguous),
    }
}

/// The smallest and the largest id that begin with `prefix`; `None` when it is no prefix or too short.
fn range(prefix: &str) -> Option<(CommitId, CommitId)> {
    let digits: Option<Vec<u8>> = prefix.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    let digits = digits.filter(|digits| (PREFIX_DIGITS_MIN..=64).contains(&digits.len()))?;
    let (mut first, mut last) = ([0u8; 32], [0xff; 32]);
    for (index, digit) in digits.iter().enumerate() {
        let shift = if index % 2 == 0 { 4 } else { 0 };
        first[index / 2] |= digit << shift;
        last[index / 2] &= !(0xf << shift) | digit << shift;
    }
    // An id of 20 bytes comes before one of 32 bytes that goes on with zeros.
    let shortest = if digits.len() <= 40 { 20 } else { 32 };
    Some((CommitId::from_bytes(&first[..shortest])?, CommitId::from_bytes(&last)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origins::sample::{at, change, key};
    use crate::testing::{assert_matches_batch, updates};
    use proptest::prelude::*;

    /// Ids that agree in their first eight digits, or not.
    fn id(number: u8) -> CommitId {
        let mut bytes = [0xab; 20];
        bytes[number as usize % 3 + 2] = number;
        CommitId::from_bytes(&bytes).expect("20 bytes")
    }

    fn row() -> impl Strategy<Value = Arc<ChangeRow>> {
        let prefix = (0..9u8, prop_oneof![Just(3usize), 7..12usize, Just(40usize)])
            .prop_map(|(number, digits)| Box::<str>::from(&id(number).to_string()[..digits]));
        let prefixes = || proptest::collection::vec(prefix.clone(), 0..3);
        let kind = (0..12u64, 0..9u8);
        (kind, prefixes(), prefixes()).prop_map(|((offset, number), fixes, reverts)| {
            Arc::new(ChangeRow { commit: id(number), fixes, reverts, ..change(offset) })
        })
    }

    /// Every prefix against every earlier commit.
    fn batch(changes: &[Arc<ChangeRow>]) -> Vec<Named> {
        let mut sorted = changes.to_vec();
        sorted.sort();
        let mut named = Vec::new();
        for (index, change) in sorted.iter().enumerate() {
            let mut found = Vec::new();
            let kinds = [(EvidenceKind::Trailer, &change.fixes), (EvidenceKind::Revert, &change.reverts)];
            for (kind, prefix) in kinds.iter().flat_map(|(kind, list)| list.iter().map(move |p| (*kind, p))) {
                let mut fitting: Vec<&Arc<ChangeRow>> = Vec::new();
                for earlier in sorted[..index].iter().filter(|earlier| earlier.commit.has_prefix(prefix)) {
                    if !fitting.iter().any(|known| known.commit == earlier.commit) {
                        fitting.push(earlier);
                    }
                }
                let lost = |reason| Named::Lost(Unresolved { source: change.key, kind, reason });
                found.push(match fitting[..] {
                    _ if prefix.len() < PREFIX_DIGITS_MIN => lost(UnresolvedReason::NotAPrefix),
                    [] => lost(UnresolvedReason::Unknown),
                    [only] => Named::Found(Evidence {
                        change: only.key,
                        kind,
                        verdict: Verdict::Defective,
                        source: change.key.position,
                        weight: 1,
                    }),
                    _ => lost(UnresolvedReason::Ambiguous),
                });
            }
            let (mut once, lost): (Vec<Named>, Vec<Named>) =
                found.into_iter().partition(|named| matches!(named, Named::Found(_)));
            once.sort();
            once.dedup();
            named.extend(once);
            named.extend(lost);
        }
        named
    }

    fn build<'scope>(changes: Records<'scope, Arc<ChangeRow>>) -> Records<'scope, Named> {
        let (found, lost) = named_evidence(changes);
        found.map(Named::Found).concat(lost.map(Named::Lost))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn equals_a_search_of_all_earlier_commits_at_every_time(updates in updates(row(), 30)) {
            assert_matches_batch(&updates, build, batch);
        }

        #[test]
        fn a_range_holds_the_ids_with_the_prefix_and_no_others(
            bytes in any::<[u8; 32]>(), other in any::<[u8; 32]>(), digits in 7..65usize, shared in 0..33usize,
        ) {
            let ids = |bytes: &[u8; 32]| [20, 32].map(|length| CommitId::from_bytes(&bytes[..length]).expect("valid"));
            let prefix = &CommitId::from_bytes(&bytes).expect("valid").to_string()[..digits];
            let (first, last) = range(&prefix.to_uppercase()).expect("a prefix");
            let mut near = other;
            near[..shared].copy_from_slice(&bytes[..shared]);
            for id in ids(&bytes).into_iter().chain(ids(&near)) {
                prop_assert_eq!((first..=last).contains(&id), id.has_prefix(prefix), "{} {}", id, prefix);
            }
        }
    }

    #[test]
    fn words_are_no_prefixes() {
        for text in ["", "abc", "abcdef", "abcdefg", "deadbee\u{e9}", &"a".repeat(65)] {
            assert_eq!(range(text), None, "{text}");
        }
    }

    #[test]
    fn a_trailer_and_a_revert_name_earlier_commits_only() {
        let first = ChangeRow { commit: id(1), fixes: vec![id(2).to_string().into()], ..change(0) };
        let second = ChangeRow { commit: id(2), reverts: vec![id(1).to_string()[..9].into()], ..change(1) };
        let (mut commits, mut named) = (Commits::new(), Vec::new());
        for change in [first, second] {
            NamedFold.step(&mut commits, change.key.position, &Arc::new(change), &mut named);
        }
        let unknown = Unresolved { source: key(0), kind: EvidenceKind::Trailer, reason: UnresolvedReason::Unknown };
        let (kind, verdict) = (EvidenceKind::Revert, Verdict::Defective);
        let found = Evidence { change: key(0), kind, verdict, source: at(1), weight: 1 };
        assert_eq!(named, [Named::Lost(unknown), Named::Found(found)]);
    }
}
