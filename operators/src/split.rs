//! Repositories whose events are in more than one partition.
//!
//! The log orders events within a partition only. Where a repository's events are in several, as after partitions were
//! added to a topic, or from a producer that sets no key, nobody can tell which came first; features and labels that follow
//! from a guessed order would look like any others. Such a repository has no risks, and teaches no model.

use crate::Records;
use crate::validate::{BranchRow, VoteRow};
use driftline_schema::{ChangeKey, ChangeRow, RepoId};
use std::sync::Arc;

/// A repository whose events are in several partitions: its name, where a change tells it, and these, ascending.
pub type SplitRepository = (RepoId, (Arc<str>, Vec<u32>));

/// The repositories that have events in more than one partition. Rejected records have no say in it.
pub fn split_repositories<'scope>(
    changes: Records<'scope, Arc<ChangeRow>>,
    votes: Records<'scope, VoteRow>,
    branches: Records<'scope, BranchRow>,
) -> Records<'scope, SplitRepository> {
    let nameless: Arc<str> = "".into();
    let (of_votes, of_branches) = (nameless.clone(), nameless);
    let changes = changes.map(|row| (row.key.repo, (row.key.position.partition, row.repository.clone())));
    let votes = votes.map(move |row| (row.repo, (row.position.partition, of_votes.clone())));
    let branches = branches.map(move |row| (row.repo, (row.position.partition, of_branches.clone())));
    split(changes.concat(votes).concat(branches))
}

fn split<'scope>(events: Records<'scope, (RepoId, (u32, Arc<str>))>) -> Records<'scope, SplitRepository> {
    events.reduce(|_repo, events, out| {
        let held = || events.iter().filter(|(_, count)| *count > 0).map(|(event, _)| *event);
        // Values come in ascending order, so equal partitions are neighbours.
        let mut partitions: Vec<u32> = held().map(|(partition, _)| *partition).collect();
        partitions.dedup();
        if partitions.len() > 1 {
            let name = held().map(|(_, name)| name).max().cloned().unwrap_or_default();
            out.push(((name, partitions), 1isize));
        }
    })
}

/// The changes of these repositories.
pub fn split_changes<'scope>(
    changes: Records<'scope, Arc<ChangeRow>>,
    split: Records<'scope, SplitRepository>,
) -> Records<'scope, ChangeKey> {
    changes_of(changes.map(|row| row.key), split)
}

fn changes_of<'scope>(
    keys: Records<'scope, ChangeKey>,
    split: Records<'scope, SplitRepository>,
) -> Records<'scope, ChangeKey> {
    keys.map(|key| (key.repo, key.position))
        .join_map(split, |repo, position, _| ChangeKey { repo: *repo, position: *position })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_matches_batch, updates};
    use driftline_schema::Position;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn batch(keys: &[ChangeKey]) -> Vec<ChangeKey> {
        let mut held: BTreeMap<RepoId, BTreeSet<u32>> = BTreeMap::new();
        for key in keys {
            held.entry(key.repo).or_default().insert(key.position.partition);
        }
        keys.iter().filter(|key| held[&key.repo].len() > 1).copied().collect()
    }

    fn split_keys<'scope>(keys: Records<'scope, ChangeKey>) -> Records<'scope, ChangeKey> {
        let partitions = keys.clone().map(|key| (key.repo, (key.position.partition, "".into())));
        changes_of(keys, split(partitions))
    }

    fn key() -> impl Strategy<Value = ChangeKey> {
        (0..3u64, 0..3u32, 0..4u64).prop_map(|(repo, partition, offset)| ChangeKey {
            repo: RepoId(repo),
            position: Position { partition, offset },
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn a_repository_is_split_while_its_events_are_in_two_partitions(updates in updates(key(), 30)) {
            assert_matches_batch(&updates, split_keys, batch);
        }
    }

    #[test]
    fn the_repository_is_named_with_its_partitions_in_ascending_order() {
        let event = |repo, partition, name: &str| ((RepoId(repo), (partition, name.into())), 1);
        let steps = [event(7, 5, "a/b"), event(7, 2, ""), event(7, 2, "a/b"), event(8, 2, ""), event(8, 2, "c/d")];
        let seen = crate::testing::run(&steps, 2, 5, split);
        assert_eq!(seen[0].keys().cloned().collect::<Vec<_>>(), vec![(RepoId(7), ("a/b".into(), vec![2, 5]))]);
    }
}
