//! Incremental SZZ: where every line comes from, kept up to date by each diff, and the lines that fixes remove.
//!
//! A version of a file is derived from the version it replaces, in the order of the log; histories are graphs, but their
//! log is topological, so a version's parents stand before it. Retracting a change, even an early one, gives the
//! candidates of a log in which it never was: its lines then belong to nobody, and so does what they had been copied to.

mod blame;
mod lines;
mod recovered;
mod versions;

#[cfg(test)]
mod agreement_report;
#[cfg(test)]
mod git_tests;
#[cfg(test)]
mod moved_tests;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

pub use blame::{FIX_FILES_MAX, FIX_LINES_MAX};

use crate::Records;
use crate::ordered_fold::{PositionFold, ordered_fold};
use blame::{candidate, file_before, is_blamable, is_traced_fix};
use driftline_schema::{BlobKey, ChangeKey, ChangeRow, FileId, FileRow, Places, Position};
use lines::{LineOrigins, Origin};
use recovered::recovered;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use versions::{Insertion, Size, Traced, Version, Versions};

/// What a fix removes from one file, by who brought it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Candidate {
    /// The fix.
    pub fix: ChangeKey,
    /// The file, as it was called before the fix.
    pub file: FileId,
    /// Under which the syntax facts of the version before the fix stand, if it has a language.
    pub old: Option<BlobKey>,
    /// The removed lines, in order; never empty.
    pub lines: Box<[Blamed]>,
}

/// Neighbouring removed lines that one change brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Blamed {
    /// The change that brought them, in the same repository as the fix.
    pub origin: Position,
    /// Index of the first, from 0, in the version before the fix.
    pub start: u32,
    /// How many.
    pub lines: u32,
    /// How many of them look like comments, as far as that can be told without syntax.
    pub comment_like: u32,
}

/// How line origins are kept.
#[derive(Clone, Debug)]
pub struct OriginSettings {
    /// Versions of a file that are remembered. A branch that lags behind by more of them loses the origins of its file.
    pub versions_max: usize,
    /// Counts what is kept; for metrics, never for an answer.
    pub sizes: Arc<OriginSizes>,
}

impl Default for OriginSettings {
    /// Of 2,187 candidates on four public histories, 32 versions lose one and 16 lose nine; a thousand changes take at
    /// most about one mebibyte.
    fn default() -> Self {
        Self { versions_max: 32, sizes: Arc::default() }
    }
}

/// How much the line origins of a worker's repositories take.
#[derive(Debug, Default)]
pub struct OriginSizes {
    versions: AtomicI64,
    runs: AtomicI64,
    undo_runs: AtomicI64,
}

impl OriginSizes {
    /// Versions that are remembered.
    pub fn versions(&self) -> i64 {
        self.versions.load(Ordering::Relaxed)
    }
    /// Runs of lines in them, 8 bytes each.
    pub fn runs(&self) -> i64 {
        self.runs.load(Ordering::Relaxed)
    }
    /// Runs kept to take changes back, 8 bytes each.
    pub fn undo_runs(&self) -> i64 {
        self.undo_runs.load(Ordering::Relaxed)
    }
    fn add(&self, before: Size, after: Size) {
        self.versions.fetch_add(after.versions - before.versions, Ordering::Relaxed);
        self.runs.fetch_add(after.runs - before.runs, Ordering::Relaxed);
        self.undo_runs.fetch_add(after.undo_runs - before.undo_runs, Ordering::Relaxed);
    }
}

/// The lines that fixes remove, with the changes that brought them.
pub fn trace_fixes<'scope>(
    changes: Records<'scope, Arc<ChangeRow>>,
    settings: OriginSettings,
) -> Records<'scope, Candidate> {
    let rows = changes.map(|change| (change.key.repo, (change.key.position, change)));
    ordered_fold(rows, "LineOrigins", OriginFold(settings)).map(|(_repo, (_fix, candidate))| candidate)
}

struct OriginFold(OriginSettings);

impl PositionFold for OriginFold {
    type Value = Arc<ChangeRow>;
    type Output = Candidate;
    type State = Versions;
    type Undo = Box<[Insertion]>;

    fn step(
        &self,
        state: &mut Versions,
        _position: Position,
        change: &Arc<ChangeRow>,
        outputs: &mut Vec<Candidate>,
    ) -> Self::Undo {
        let before = state.size;
        if is_traced_fix(change) {
            let removing = change.files.iter().filter(|file| is_blamable(file));
            outputs.extend(removing.filter_map(|file| candidate(state, change, file)));
        }
        let origin = state.enter(change);
        // All versions are derived before one is remembered: a change may swap two files.
        let brought: Vec<(FileId, Version)> = change
            .files
            .iter()
            .enumerate()
            .filter(|(_, file)| is_blamable(file))
            .filter_map(|(index, file)| {
                let traced = traced_after(state, change, file, origin)?;
                Some((file.file, Version::new(change, index, traced)?))
            })
            .collect();
        let insertions =
            brought.into_iter().map(|(file, version)| state.insert(file, version, self.0.versions_max)).collect();
        self.0.sizes.add(before, state.size);
        insertions
    }

    fn undo(&self, state: &mut Versions, undo: Self::Undo) {
        let before = state.size;
        for insertion in undo.into_iter().rev() {
            state.take_back(insertion);
        }
        state.leave();
        self.0.sizes.add(before, state.size);
    }
}

/// The line origins of `file` after `change`; `None` when there is nothing to remember.
fn traced_after(versions: &Versions, change: &ChangeRow, file: &FileRow, origin: Origin) -> Option<Traced> {
    let blob = file.blob?;
    let old = file.old_blob.and_then(|old| versions.find(file_before(file), old));
    if change.merge && versions.find(file.file, blob).is_some() {
        // The merge took another parent's version as it is.
        return None;
    }
    let unknown = LineOrigins::default();
    let same_content = file.hunks.is_empty() && file.old_blob == file.blob;
    match file.places {
        Places::Unknown if !file.has_content => return old.map(|old| Traced::Lost(old.last_known().clone())),
        // A file that was only renamed is as unknown as before.
        Places::Exact if same_content && old.is_some_and(|old| old.lines().is_none()) => {
            return old.map(|old| Traced::Lost(old.last_known().clone()));
        }
        _ => {}
    }
    let first = match file.places {
        Places::Unknown => recovered(versions, file, old.map_or(&unknown, Version::last_known)),
        Places::Exact => {
            let origin = if change.merge { Origin::NONE } else { origin };
            let before = |index: u32| {
                let file = change.files.get(index as usize)?;
                versions.find(file_before(file), file.old_blob?)?.lines()
            };
            old.and_then(Version::lines).unwrap_or(&unknown).edited(&file.hunks, origin).with_kept(&file.kept, before)
        }
    };
    Some(Traced::Known(file.other_parents.iter().filter(|_| change.merge).fold(first, |lines, (parent, hunks)| {
        let theirs = versions.find(file.file, *parent).and_then(Version::lines);
        lines.overlaid(&theirs.unwrap_or(&unknown).edited(hunks, Origin::NONE))
    })))
}
