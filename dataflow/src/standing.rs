//! Which commits stand in the log, whatever became of them: what an importer needs to go on where the log ends.
//!
//! The view cannot say it: a change that was rejected, or whose author is erased, stands in the log all the same, and to
//! append it again would make the log depend on how often the importer was started. The index is fed by every change, reject
//! and branch move as the log is read, in any order of these three, because the last record of a commit decides.

use driftline_schema::{CommitId, RepoId};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// The last record of each commit: its offset, and whether it is a change.
type Last = BTreeMap<CommitId, (u64, bool)>;

/// The commits of the changes that the log holds.
#[derive(Debug)]
pub struct Standing {
    changes: AtomicU64,
    /// `None` where nobody will ask which commits they are.
    commits: Option<Mutex<BTreeMap<RepoId, Last>>>,
}

impl Standing {
    /// An index of an empty log; without `commits` it only counts.
    pub fn new(commits: bool) -> Self {
        Self { changes: AtomicU64::new(0), commits: commits.then(Mutex::default) }
    }

    /// A change of this commit stands at `offset`, accepted or not.
    pub fn note_change(&self, repo: RepoId, commit: CommitId, offset: u64) {
        self.changes.fetch_add(1, Ordering::Relaxed);
        self.note(repo, &[commit], (offset, true));
    }

    /// A branch move at `offset` withdraws these commits.
    pub fn note_withdrawn(&self, repo: RepoId, commits: &[CommitId], offset: u64) {
        self.note(repo, commits, (offset, false));
    }

    fn note(&self, repo: RepoId, commits: &[CommitId], record: (u64, bool)) {
        if let Some(known) = &self.commits
            && !commits.is_empty()
        {
            let mut known = known.lock();
            let known = known.entry(repo).or_default();
            for commit in commits {
                let last = known.entry(*commit).or_insert(record);
                *last = (*last).max(record);
            }
        }
    }

    /// Changes in the log, rejected and withdrawn ones included: cuts are due at numbers of these.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// The commits of a repository that stand in the log and were not withdrawn since.
    pub fn commits(&self, repository: &str) -> Vec<CommitId> {
        let Some(commits) = &self.commits else { return Vec::new() };
        let known = commits.lock();
        let of_repository = known.get(&RepoId::of(repository)).into_iter().flatten();
        of_repository.filter(|(_, (_, is_change))| *is_change).map(|(commit, _)| *commit).collect()
    }
}

#[cfg(test)]
mod tests;
