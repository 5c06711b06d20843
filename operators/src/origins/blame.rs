//! Which lines a fix removes, and who brought them.
//!
//! Pure: given the versions before the fix. Format-only lines, documentation, generated files and very large fixes are
//! left out here, comments later, where the syntax of the old version is known.

use super::versions::Versions;
use super::{Blamed, Candidate};
use driftline_schema::{ChangeRow, FileClass, FileId, FileRow, HunkRow, Position};

/// A fix that touches more files is taken for a sweep (a rename of an API, a licence header) and not traced, after
/// AG-SZZ and MA-SZZ, which drop very large fixes for the same reason.
pub const FIX_FILES_MAX: usize = 100;
/// A fix that removes more lines of source and test files is not traced either.
pub const FIX_LINES_MAX: u64 = 2_000;

/// Whether line origins of the file are kept: only source and tests are ever blamed.
pub(super) fn is_blamable(file: &FileRow) -> bool {
    matches!(file.class, FileClass::Source | FileClass::Test)
}

/// Whether the removed lines of `change` point at what it fixes.
pub(super) fn is_traced_fix(change: &ChangeRow) -> bool {
    // A revert says itself what it takes back; its removed lines say no more than that.
    let only_reverts = !change.reverts.is_empty() && change.fixes.is_empty();
    let removed = change.files.iter().filter(|file| is_blamable(file)).map(|file| u64::from(file.removed)).sum::<u64>();
    change.fix && !change.merge && !only_reverts && change.files.len() <= FIX_FILES_MAX && removed <= FIX_LINES_MAX
}

/// The path a file had before the change.
pub(super) fn file_before(file: &FileRow) -> FileId {
    file.old_file.unwrap_or(file.file)
}

/// What `file` of the fix `change` removes; `None` when no line of it has a known origin.
pub(super) fn candidate(versions: &Versions, change: &ChangeRow, file: &FileRow) -> Option<Candidate> {
    let before = file_before(file);
    let old = versions.find(before, file.old_blob?)?;
    // Of a version whose text is not known nobody can say which lines went.
    let mut reader = old.lines()?.reader();
    let mut blamed = Vec::new();
    let mut next = 0u32;
    for hunk in &file.hunks {
        reader.take(hunk.old_start.saturating_sub(next), |_, _| {});
        let flags = Flags::of(hunk, blamed.len());
        let mut start = hunk.old_start.max(next);
        reader.take(hunk.old_lines, |lines, origin| {
            if let Some(origin) = versions.position(origin) {
                flags.push_meant(start, lines, origin, &mut blamed);
            }
            start = start.saturating_add(lines);
        });
        next = start;
    }
    let lines = blamed.into_boxed_slice();
    (!lines.is_empty()).then(|| Candidate { fix: change.key, file: before, old: old.facts_key(), lines })
}

/// The flagged lines of a hunk, sorted so that they can be looked up.
struct Flags {
    cosmetic: Vec<u32>,
    comment_like: Vec<u32>,
    /// Where the hunk's own runs begin in the list.
    first: usize,
}

impl Flags {
    fn of(hunk: &HunkRow, first: usize) -> Self {
        let sorted = |lines: &[u32]| {
            let mut lines = lines.to_vec();
            lines.sort_unstable();
            lines
        };
        Self { cosmetic: sorted(&hunk.cosmetic), comment_like: sorted(&hunk.comment_like), first }
    }

    /// Pushes the lines of `start..start + lines` whose meaning changed, as runs as long as they can be: how the versions'
    /// own runs happen to be cut must not show.
    fn push_meant(&self, start: u32, lines: u32, origin: Position, blamed: &mut Vec<Blamed>) {
        let end = start.saturating_add(lines);
        let mut from = start;
        let within = |list: &[u32], from: u32, to: u32| {
            list.partition_point(|line| *line < from)..list.partition_point(|line| *line < to)
        };
        for cosmetic in within(&self.cosmetic, start, end).map(|index| self.cosmetic[index]).chain([end]) {
            if from < cosmetic {
                let comment_like = within(&self.comment_like, from, cosmetic).len() as u32;
                let run = Blamed { origin, start: from, lines: cosmetic - from, comment_like };
                match blamed[self.first..].last_mut() {
                    Some(last) if last.origin == origin && last.start + last.lines == from => {
                        last.lines += run.lines;
                        last.comment_like += comment_like;
                    }
                    _ => blamed.push(run),
                }
            }
            from = cosmetic.saturating_add(1);
        }
    }
}
