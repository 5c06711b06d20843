//! The fold against a replay of lists of lines, and cases worked by hand.

use super::sample::{any_change, at, blob, change, file, hunk, key};
use super::*;
use crate::testing::{assert_matches_batch, updates};
use driftline_schema::{BlobId, FileClass, HunkRow, Language};
use proptest::prelude::*;

type Lines = Vec<Option<Position>>;

/// The definition: every version as a list of lines, replayed from scratch.
#[derive(Default)]
struct Replay {
    /// In the order in which they were remembered.
    versions: Vec<(FileId, BlobId, Lines)>,
}

impl Replay {
    fn find(&self, file: FileId, blob: BlobId) -> Option<&Lines> {
        self.versions.iter().find(|(f, b, _)| (*f, *b) == (file, blob)).map(|(_, _, lines)| lines)
    }

    fn edited(&self, file: FileId, blob: Option<BlobId>, hunks: &[HunkRow], origin: Option<Position>) -> Lines {
        let mut lines = blob.and_then(|blob| self.find(file, blob)).cloned().unwrap_or_default();
        for hunk in hunks.iter().rev() {
            let (start, end) = (hunk.old_start as usize, (hunk.old_start + hunk.old_lines) as usize);
            lines.resize(lines.len().max(end), None);
            lines.splice(start..end, std::iter::repeat_n(origin, hunk.new_lines as usize));
        }
        lines
    }

    fn after(&self, change: &ChangeRow, file: &FileRow) -> Option<Lines> {
        let before = file.old_file.unwrap_or(file.file);
        if !change.merge {
            return Some(self.edited(before, file.old_blob, &file.hunks, Some(change.key.position)));
        }
        if self.find(file.file, file.blob?).is_some() {
            return None;
        }
        let mut parents = vec![self.edited(before, file.old_blob, &file.hunks, None)];
        parents.extend(file.other_parents.iter().map(|(blob, hunks)| self.edited(file.file, Some(*blob), hunks, None)));
        let longest = parents.iter().map(Vec::len).max()?;
        Some((0..longest).map(|line| parents.iter().find_map(|lines| *lines.get(line)?)).collect())
    }

    fn remember(&mut self, file: FileId, blob: BlobId, lines: Lines, versions_max: usize) {
        self.versions.retain(|(f, b, _)| (*f, *b) != (file, blob));
        self.versions.push((file, blob, lines));
        if self.versions.iter().filter(|(f, _, _)| *f == file).count() > versions_max {
            let oldest = self.versions.iter().position(|(f, _, _)| *f == file).expect("there are some");
            self.versions.remove(oldest);
        }
    }

    fn candidate(&self, change: &ChangeRow, file: &FileRow) -> Option<Candidate> {
        let before = file.old_file.unwrap_or(file.file);
        let old = file.old_blob?;
        let known = self.find(before, old)?;
        let mut blamed: Vec<Blamed> = Vec::new();
        for hunk in &file.hunks {
            let mut neighbour = None;
            for line in hunk.old_start..hunk.old_start + hunk.old_lines {
                let origin = known.get(line as usize).copied().flatten().filter(|_| !hunk.cosmetic.contains(&line));
                let comment_like = u32::from(hunk.comment_like.contains(&line));
                if let Some(origin) = origin {
                    match blamed.last_mut() {
                        Some(last) if neighbour == Some(origin) => {
                            last.lines += 1;
                            last.comment_like += comment_like;
                        }
                        _ => blamed.push(Blamed { origin, start: line, lines: 1, comment_like }),
                    }
                }
                neighbour = origin;
            }
        }
        let lines = blamed.into_boxed_slice();
        let old = Some(BlobKey { blob: old, language: Language::Rust });
        (!lines.is_empty()).then_some(Candidate { fix: change.key, file: before, old, lines })
    }
}

fn batch(changes: &[Arc<ChangeRow>], versions_max: usize) -> Vec<Candidate> {
    let mut sorted = changes.to_vec();
    sorted.sort();
    let mut replay = Replay::default();
    let mut candidates = Vec::new();
    for change in &sorted {
        let files = || change.files.iter().filter(|file| file.class != FileClass::Documentation);
        if change.fix && !change.merge && change.reverts.is_empty() {
            candidates.extend(files().filter_map(|file| replay.candidate(change, file)));
        }
        let after: Vec<_> = files().map(|file| (file, replay.after(change, file))).collect();
        for (file, lines) in after {
            if let (Some(lines), Some(blob)) = (lines, file.blob) {
                replay.remember(file.file, blob, lines, versions_max);
            }
        }
    }
    candidates
}

fn settings(versions_max: usize) -> OriginSettings {
    OriginSettings { versions_max, ..OriginSettings::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn equals_a_replay_of_lines_at_every_time(updates in updates(any_change().prop_map(Arc::new), 40), versions_max in 1..8usize) {
        assert_matches_batch(
            &updates,
            move |changes| trace_fixes(changes, settings(versions_max)),
            |changes| batch(changes, versions_max),
        );
    }

    #[test]
    fn undoing_gives_every_earlier_state_back(changes in proptest::collection::vec(any_change(), 0..40), versions_max in 1..5usize) {
        let fold = OriginFold(settings(versions_max));
        let mut state = Versions::default();
        let mut taken = Vec::new();
        for (offset, change) in changes.into_iter().enumerate() {
            let before = state.clone();
            let undo = fold.step(&mut state, at(offset as u64), &Arc::new(change), &mut Vec::new());
            taken.push((before, undo));
        }
        while let Some((before, undo)) = taken.pop() {
            fold.undo(&mut state, undo);
            prop_assert_eq!(&state, &before);
        }
        prop_assert_eq!(fold.0.sizes.versions(), 0);
        prop_assert_eq!(fold.0.sizes.runs(), 0);
        prop_assert_eq!(fold.0.sizes.undo_runs(), 0);
    }
}

/// Steps through `changes` and returns the candidates as (fix offset, origin offset, first line, lines).
fn trace(changes: Vec<ChangeRow>) -> Vec<(u64, u64, u32, u32)> {
    let fold = OriginFold(OriginSettings::default());
    let (mut state, mut candidates) = (Versions::default(), Vec::new());
    for change in changes {
        fold.step(&mut state, change.key.position, &Arc::new(change), &mut candidates);
    }
    let blamed = candidates.iter().flat_map(|found| found.lines.iter().map(move |lines| (found.fix, lines)));
    blamed.map(|(fix, lines)| (fix.position.offset, lines.origin.offset, lines.start, lines.lines)).collect()
}

fn with_files(offset: u64, files: Vec<FileRow>) -> ChangeRow {
    ChangeRow { files, ..change(offset) }
}

fn fix(offset: u64, files: Vec<FileRow>) -> ChangeRow {
    ChangeRow { fix: true, ..with_files(offset, files) }
}

#[test]
fn a_fix_blames_through_a_rename_a_merge_and_a_reformatting() {
    // 0: five lines                        0 0 0 0 0
    // 1: renames, rewrites line 1          0 1 0 0 0
    // 2: (branch from 1) rewrites line 3   0 1 0 2 0
    // 3: (branch from 1) a line on top     3 0 1 0 0 0
    // 4: merges 3 and 2, adds a last line  3 0 1 0 2 0 -
    let renamed = FileRow { old_file: Some(FileId(1)), ..file(2, Some(10), Some(11), vec![hunk(1, 1, 1, 1)]) };
    let merged = FileRow {
        other_parents: vec![(blob(12), vec![hunk(0, 0, 0, 1), hunk(5, 0, 6, 1)])],
        ..file(2, Some(13), Some(14), vec![hunk(4, 1, 4, 1), hunk(6, 0, 6, 1)])
    };
    // 5: reformats lines 1 to 3 (line 3 gets a new meaning too), though it is called a fix: 3 5 5 5 2 0 -
    let format = HunkRow { cosmetic: vec![1, 2], ..hunk(1, 3, 1, 3) };
    // 6: removes lines 1, 4 and 6.
    let removing = vec![hunk(1, 1, 1, 0), hunk(4, 1, 3, 0), hunk(6, 1, 4, 0)];
    let found = trace(vec![
        with_files(0, vec![file(1, None, Some(10), vec![hunk(0, 0, 0, 5)])]),
        with_files(1, vec![renamed]),
        with_files(2, vec![file(2, Some(11), Some(12), vec![hunk(3, 1, 3, 1)])]),
        with_files(3, vec![file(2, Some(11), Some(13), vec![hunk(0, 0, 0, 1)])]),
        ChangeRow { merge: true, ..with_files(4, vec![merged]) },
        fix(5, vec![file(2, Some(14), Some(15), vec![format])]),
        fix(6, vec![file(2, Some(15), Some(16), removing)]),
    ]);
    // The reformatting blames 0 for the one line it changed; the merge's own line is nobody's.
    assert_eq!(found, [(5, 0, 3, 1), (6, 5, 1, 1), (6, 2, 4, 1)]);
}

#[test]
fn a_merge_that_takes_a_parents_version_keeps_its_origins() {
    let taken = FileRow { kind: driftline_schema::FileKind::Added, ..file(1, None, Some(10), vec![hunk(0, 0, 0, 2)]) };
    let found = trace(vec![
        with_files(0, vec![file(1, None, Some(10), vec![hunk(0, 0, 0, 2)])]),
        ChangeRow { merge: true, ..with_files(1, vec![taken]) },
        fix(2, vec![file(1, Some(10), None, vec![hunk(0, 2, 0, 0)])]),
    ]);
    assert_eq!(found, [(2, 0, 0, 2)]);
}

#[test]
fn lines_older_than_the_log_are_nobodys_and_later_ones_are_found_beside_them() {
    let found = trace(vec![
        with_files(0, vec![file(1, Some(10), Some(11), vec![hunk(5, 1, 5, 2)])]),
        fix(1, vec![file(1, Some(11), Some(12), vec![hunk(4, 4, 4, 0)])]),
    ]);
    assert_eq!(found, [(1, 0, 5, 2)]);
}

#[test]
fn two_files_may_be_swapped() {
    let swapped = |name, from, content| FileRow {
        old_file: Some(FileId(from)),
        ..file(name, Some(content), Some(content), vec![])
    };
    let found = trace(vec![
        with_files(0, vec![file(1, None, Some(10), vec![hunk(0, 0, 0, 1)])]),
        with_files(1, vec![file(2, None, Some(11), vec![hunk(0, 0, 0, 1)])]),
        with_files(2, vec![swapped(1, 2, 11), swapped(2, 1, 10)]),
        fix(3, vec![file(1, Some(11), None, vec![hunk(0, 1, 0, 0)])]),
        fix(4, vec![file(2, Some(10), None, vec![hunk(0, 1, 0, 0)])]),
    ]);
    assert_eq!(found, [(3, 1, 0, 1), (4, 0, 0, 1)]);
}

#[test]
fn reverts_sweeps_and_documentation_are_not_traced() {
    let lines = FIX_LINES_MAX as u32 + 1;
    let added = || with_files(0, vec![file(1, None, Some(10), vec![hunk(0, 0, 0, lines)])]);
    let removing = |lines| vec![file(1, Some(10), Some(11), vec![hunk(0, lines, 0, 0)])];
    assert_eq!(trace(vec![added(), fix(1, removing(lines - 1))]).len(), 1);
    assert_eq!(trace(vec![added(), fix(1, removing(lines))]), []);
    assert_eq!(trace(vec![added(), with_files(1, removing(1))]), []);
    let revert = ChangeRow { reverts: vec!["0".repeat(40).into()], ..fix(1, removing(1)) };
    assert_eq!(trace(vec![added(), revert.clone()]), []);
    assert_eq!(trace(vec![added(), ChangeRow { fixes: vec!["00000000".into()], ..revert }]).len(), 1);
    let manual = removing(1).into_iter().map(|file| FileRow { class: FileClass::Documentation, ..file }).collect();
    assert_eq!(trace(vec![added(), fix(1, manual)]), []);
    let many = removing(1).into_iter().chain((0..FIX_FILES_MAX as u64).map(|n| file(9 + n, None, None, vec![])));
    assert_eq!(trace(vec![added(), fix(1, many.collect())]), []);
    assert_eq!(key(1).position, at(1));
}

#[test]
fn what_is_kept_is_bounded_by_file_and_grows_with_the_hunks_alone() {
    let fold = OriginFold(settings(4));
    let mut state = Versions::default();
    // 500 runs of two lines each, then a thousand one-line edits that turn in a circle through the file.
    for offset in 0..500u64 {
        let (old, hunks) = (offset as u32, vec![hunk(2 * offset as u32, 0, 2 * offset as u32, 2)]);
        let row = numbered(old, hunks);
        fold.step(&mut state, at(offset), &Arc::new(with_files(offset, vec![row])), &mut Vec::new());
    }
    for offset in 500..1500u64 {
        let line = (offset as u32 * 7) % 1000;
        let row = numbered(offset as u32, vec![hunk(line, 1, line, 1)]);
        fold.step(&mut state, at(offset), &Arc::new(with_files(offset, vec![row])), &mut Vec::new());
    }
    assert_eq!(fold.0.sizes.versions(), 4);
    assert!(fold.0.sizes.runs() <= 4 * 1000);
    assert!(fold.0.sizes.undo_runs() <= 1500, "one run a hunk, not a version a change");
}

/// The file row that takes version `number` to the next.
fn numbered(number: u32, hunks: Vec<HunkRow>) -> FileRow {
    let version = |number: u32| {
        let mut bytes = [0; 20];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        BlobId::from_bytes(&bytes)
    };
    FileRow { blob: version(number + 1), old_blob: version(number), ..file(1, Some(0), Some(0), hunks) }
}
