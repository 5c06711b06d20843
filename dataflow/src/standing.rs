//! Which commits the log holds, whatever became of them: what an importer needs to go on where the log ends.
//!
//! The view cannot say it: a change that was rejected, or whose author is erased, is in the log all the same, and to
//! append it again would make the log depend on how often the importer was started. The index is fed by every change, reject
//! and branch move as the log is read, in any order of these three, because the last record of a commit decides.
//!
//! The number of these commits decides when models are trained. A commit that was withdrawn does not count, and one that
//! came back counts once, so a branch that was forced back and forward again is cut where one that never moved is.

use driftline_schema::{CommitId, RepoId};
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// The last record of each commit: its offset, and whether it is a change.
type Last = BTreeMap<CommitId, (u64, bool)>;

/// The commits of the changes that the log holds: about a hundred bytes for each, little beside the change itself.
#[derive(Debug, Default)]
pub struct Standing(Mutex<Index>);

#[derive(Debug, Default)]
struct Index {
    commits: BTreeMap<RepoId, Last>,
    /// How many of the last records are changes.
    changes: u64,
}

impl Standing {
    /// A change of this commit is at `offset`, accepted or not.
    pub fn note_change(&self, repo: RepoId, commit: CommitId, offset: u64) {
        self.0.lock().note(repo, &[commit], (offset, true));
    }

    /// A branch move at `offset` withdraws these commits.
    pub fn note_withdrawn(&self, repo: RepoId, commits: &[CommitId], offset: u64) {
        self.0.lock().note(repo, commits, (offset, false));
    }

    /// Commits whose change is in the log, rejected or not, and was not withdrawn since: cuts are due at numbers of these.
    pub fn changes(&self) -> u64 {
        self.0.lock().changes
    }

    /// The commits of a repository that are in the log and were not withdrawn since.
    pub fn commits(&self, repository: &str) -> Vec<CommitId> {
        let index = self.0.lock();
        let of_repository = index.commits.get(&RepoId::of(repository)).into_iter().flatten();
        of_repository.filter(|(_, (_, is_change))| *is_change).map(|(commit, _)| *commit).collect()
    }
}

impl Index {
    fn note(&mut self, repo: RepoId, commits: &[CommitId], record: (u64, bool)) {
        if commits.is_empty() {
            return;
        }
        let known = self.commits.entry(repo).or_default();
        for commit in commits {
            let last = known.entry(*commit).or_insert((record.0, false));
            let before = last.1;
            *last = (*last).max(record);
            self.changes = self.changes + u64::from(last.1) - u64::from(before);
        }
    }
}

#[cfg(test)]
mod tests;
