//! Which changes count: of every commit the first record that was neither withdrawn nor written by an erased author.
//!
//! All three inputs may be taken back. A withdrawn commit counts again from its next record on, and a later duplicate
//! steps in when the first record goes, so the answer is always that of a log without what was withdrawn or erased.

use crate::Records;
use crate::validate::{BranchRow, ControlRow};
use differential_dataflow::{AsCollection, Hashable};
use driftline_schema::{AuthorId, ChangeRow, CommitId, ControlAction, Position, RepoId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::generic::operator::Operator;

/// The authors that control records erase; an author counts once for every partition the record stands in.
pub fn erased_authors<'scope>(controls: Records<'scope, ControlRow>) -> Records<'scope, AuthorId> {
    controls.flat_map(|row| match row.control.action {
        ControlAction::Erase { author } => Some(author),
        _ => None,
    })
}

/// A commit that no branch reaches any more: its records before `position` do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Withdrawal {
    /// The repository.
    pub repo: RepoId,
    /// The commit.
    pub commit: CommitId,
    /// Where the branch move stands.
    pub position: Position,
}

/// The commits that branch moves withdraw.
pub fn withdrawn_commits<'scope>(branches: Records<'scope, BranchRow>) -> Records<'scope, Withdrawal> {
    branches.flat_map(|branch| {
        let (repo, position) = (branch.repo, branch.position);
        branch.withdrawn.into_iter().map(move |commit| Withdrawal { repo, commit, position })
    })
}

/// What decides whether a change counts, addressed to the worker that holds the repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Fact {
    Change(Arc<ChangeRow>),
    Withdrawn(Withdrawal),
    /// One copy for each worker, since an author may have written in any repository.
    Erased(u64, AuthorId),
}

/// A commit of a repository.
type Commit = (RepoId, CommitId);

/// Everything known of one commit.
#[derive(Default)]
struct Slot {
    rows: Vec<(Arc<ChangeRow>, isize)>,
    withdrawals: Vec<(Position, isize)>,
    /// The row that downstream holds.
    live: Option<Arc<ChangeRow>>,
}

/// How often each erased author is erased; authors at zero are not kept.
type Erased = BTreeMap<AuthorId, isize>;

impl Slot {
    /// The first record after the last withdrawal whose author is not erased.
    fn first(&self, erased: &Erased) -> Option<&Arc<ChangeRow>> {
        let withdrawn = self.withdrawals.iter().filter(|(_, count)| *count > 0).map(|(position, _)| *position).max();
        self.rows
            .iter()
            .filter(|(row, count)| *count > 0 && !erased.contains_key(&row.author))
            .map(|(row, _)| row)
            .filter(|row| withdrawn.is_none_or(|withdrawn| row.key.position > withdrawn))
            .min_by(|a, b| (a.key.position, a).cmp(&(b.key.position, b)))
    }
    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.withdrawals.is_empty()
    }
}

/// Adds `diff` to the count of `item`, forgetting it at zero.
fn add<D: PartialEq>(counts: &mut Vec<(D, isize)>, item: D, diff: isize) {
    match counts.iter_mut().find(|(known, _)| *known == item) {
        Some((_, count)) => *count += diff,
        None => counts.push((item, diff)),
    }
    counts.retain(|(_, count)| *count != 0);
}

/// All commits of the repositories of one worker.
#[derive(Default)]
struct Commits {
    slots: HashMap<Commit, Slot>,
    erased: Erased,
}

impl Commits {
    /// Applies the facts of one time and returns by how much the live rows differ.
    fn apply(&mut self, facts: Vec<(Fact, isize)>) -> Vec<(Arc<ChangeRow>, isize)> {
        let mut touched: BTreeSet<Commit> = BTreeSet::new();
        let mut authors: BTreeSet<AuthorId> = BTreeSet::new();
        for (fact, diff) in facts {
            match fact {
                Fact::Change(row) => {
                    let commit = (row.key.repo, row.commit);
                    add(&mut self.slots.entry(commit).or_default().rows, row, diff);
                    touched.insert(commit);
                }
                Fact::Withdrawn(Withdrawal { repo, commit, position }) => {
                    let commit = (repo, commit);
                    add(&mut self.slots.entry(commit).or_default().withdrawals, position, diff);
                    touched.insert(commit);
                }
                Fact::Erased(_, author) => {
                    *self.erased.entry(author).or_insert(0) += diff;
                    authors.insert(author);
                }
            }
        }
        self.erased.retain(|_, count| *count != 0);
        if !authors.is_empty() {
            // Erasures are rare, so a scan is cheaper than an index of every author's commits.
            let written = |slot: &Slot| slot.rows.iter().any(|(row, _)| authors.contains(&row.author));
            touched.extend(self.slots.iter().filter(|(_, slot)| written(slot)).map(|(commit, _)| *commit));
        }
        let mut changes = Vec::new();
        touched.into_iter().for_each(|commit| self.settle(commit, &mut changes));
        changes
    }

    /// Replaces the live row of `commit` by the one that counts now.
    fn settle(&mut self, commit: Commit, changes: &mut Vec<(Arc<ChangeRow>, isize)>) {
        let Some(slot) = self.slots.get_mut(&commit) else { return };
        let first = slot.first(&self.erased).cloned();
        if first != slot.live {
            changes.extend(slot.live.take().map(|row| (row, -1)));
            changes.extend(first.clone().map(|row| (row, 1)));
            slot.live = first;
        }
        if slot.is_empty() {
            self.slots.remove(&commit);
        }
    }
}

/// Maintains the changes that count. Rows are kept once, by pointer, on the worker that holds their repository.
pub fn live<'scope>(
    changes: Records<'scope, Arc<ChangeRow>>,
    withdrawn: Records<'scope, Withdrawal>,
    erased: Records<'scope, AuthorId>,
) -> Records<'scope, Arc<ChangeRow>> {
    let peers = changes.scope().peers() as u64;
    let erased = erased.flat_map(move |author| (0..peers).map(move |worker| Fact::Erased(worker, author)));
    let facts = changes.map(Fact::Change).concat(withdrawn.map(Fact::Withdrawn)).concat(erased);
    type Update<D> = (D, u64, isize);
    let exchange = Exchange::new(|(fact, _, _): &Update<Fact>| match fact {
        Fact::Change(row) => row.key.repo.hashed(),
        Fact::Withdrawn(withdrawal) => withdrawal.repo.hashed(),
        Fact::Erased(worker, _) => *worker,
    });
    let mut commits = Commits::default();
    let mut waiting = BTreeMap::new();
    type Builder = CapacityContainerBuilder<Vec<Update<Arc<ChangeRow>>>>;
    facts
        .inner
        .unary_frontier::<Builder, _, _, _>(exchange, "Live", move |_capability, _info| {
            move |(input, frontier), output| {
                input.for_each_stamp(|capability, data| {
                    for (fact, time, diff) in data.flat_map(|buffer| buffer.drain(..)) {
                        let (_, facts) = waiting.entry(time).or_insert_with(|| {
                            let mut held = capability.retain_least(0).expect("a message with records has a time");
                            held.downgrade(&time);
                            (held, Vec::new())
                        });
                        facts.push((fact, diff));
                    }
                });
                while let Some(entry) = waiting.first_entry() {
                    if frontier.less_equal(entry.key()) {
                        break;
                    }
                    let (time, (held, facts)) = entry.remove_entry();
                    let changes = commits.apply(facts);
                    output.session(&held).give_iterator(changes.into_iter().map(|(row, diff)| (row, time, diff)));
                }
            }
        })
        .as_collection()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::sample;
    use crate::testing::{assert_matches_batch, updates};
    use proptest::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    enum Input {
        Change(Arc<ChangeRow>),
        Branch(BranchRow),
        Erase(AuthorId),
    }

    fn commit(byte: u8) -> CommitId {
        CommitId::from_bytes(&[byte; 20]).expect("20 bytes")
    }

    fn change(repo: u64, offset: u64, id: u8, author: u8) -> Arc<ChangeRow> {
        let mut row = sample::change(repo, offset);
        row.commit = commit(id);
        row.author = sample::author(author);
        Arc::new(row)
    }

    fn branch(repo: u64, offset: u64, withdrawn: Vec<u8>) -> BranchRow {
        BranchRow {
            repo: RepoId(repo),
            position: Position { partition: 0, offset },
            name: "main".into(),
            commit: None,
            withdrawn: withdrawn.into_iter().map(commit).collect(),
            time: 0,
        }
    }

    fn input() -> impl Strategy<Value = Input> {
        prop_oneof![
            6 => (0..2u64, 0..12u64, 0..3u8, 0..3u8)
                .prop_map(|(repo, offset, id, author)| Input::Change(change(repo, offset, id, author))),
            2 => (0..2u64, 0..12u64, proptest::collection::vec(0..3u8, 1..3))
                .prop_map(|(repo, offset, ids)| Input::Branch(branch(repo, offset, ids))),
            1 => (0..3u8).prop_map(|author| Input::Erase(sample::author(author))),
        ]
    }

    fn wire<'s>(inputs: Records<'s, Input>) -> Records<'s, Arc<ChangeRow>> {
        let changes = inputs.clone().flat_map(|input| match input {
            Input::Change(row) => Some(row),
            _ => None,
        });
        let branches = inputs.clone().flat_map(|input| match input {
            Input::Branch(row) => Some(row),
            _ => None,
        });
        let erased = inputs.flat_map(|input| match input {
            Input::Erase(author) => Some(author),
            _ => None,
        });
        live(changes, withdrawn_commits(branches), erased)
    }

    /// The definition: read the log of the author-less rest in order and strike out what is withdrawn.
    fn batch(inputs: &[Input]) -> Vec<Arc<ChangeRow>> {
        let erased = |author: AuthorId| inputs.contains(&Input::Erase(author));
        let mut log: Vec<&Input> = inputs.iter().filter(|input| !matches!(input, Input::Erase(_))).collect();
        // A withdrawal takes back what stands before it; a change at the same position (impossible in a log) as well.
        log.sort_by_key(|input| match input {
            Input::Change(row) => (row.key.position, 0, Some(row.clone())),
            Input::Branch(row) => (row.position, 1, None),
            Input::Erase(_) => unreachable!("filtered out"),
        });
        let mut live: BTreeMap<Commit, Arc<ChangeRow>> = BTreeMap::new();
        for input in log {
            match input {
                Input::Change(row) if !erased(row.author) => {
                    live.entry((row.key.repo, row.commit)).or_insert_with(|| row.clone());
                }
                Input::Branch(row) => row.withdrawn.iter().for_each(|commit| {
                    live.remove(&(row.repo, *commit));
                }),
                _ => {}
            }
        }
        live.into_values().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn equals_the_log_without_what_was_withdrawn_or_erased(updates in updates(input(), 40)) {
            assert_matches_batch(&updates, wire, batch);
        }
    }

    #[test]
    fn a_later_push_of_a_withdrawn_commit_counts_again() {
        let mut commits = Commits::default();
        let (first, again) = (change(1, 1, 9, 0), change(1, 5, 9, 0));
        assert_eq!(commits.apply(vec![(Fact::Change(first.clone()), 1)]), [(first.clone(), 1)]);
        let withdrawn = Fact::Withdrawn(Withdrawal {
            repo: RepoId(1),
            commit: commit(9),
            position: Position { partition: 0, offset: 3 },
        });
        assert_eq!(commits.apply(vec![(withdrawn.clone(), 1)]), [(first.clone(), -1)]);
        assert_eq!(commits.apply(vec![(Fact::Change(again.clone()), 1)]), [(again.clone(), 1)]);
        assert_eq!(commits.apply(vec![(withdrawn, -1)]), [(again.clone(), -1), (first.clone(), 1)]);
        commits.apply(vec![(Fact::Change(first), -1), (Fact::Change(again), -1)]);
        assert!(commits.slots.is_empty(), "nothing is left of a commit without records");
    }
}
