//! The fold against a replay of lists of lines, and cases worked by hand.

use super::sample::{any_change, at, blob, change, file, hunk, key};
use super::*;
use crate::testing::{assert_matches_batch, updates};
use driftline_schema::{BlobId, FileClass, HunkRow, KeptRun, Language};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// The number of the change that brought each line.
type Lines = Vec<Option<usize>>;

/// The definition: every version as a list of lines, replayed from scratch.
#[derive(Default)]
struct Replay {
    changes: Vec<Arc<ChangeRow>>,
    /// In the order in which they were remembered; whether the text is known, or the lines are those before it was lost.
    versions: Vec<(FileId, BlobId, bool, Lines)>,
}

impl Replay {
    fn find(&self, file: FileId, blob: Option<BlobId>) -> Option<(bool, &Lines)> {
        let found = self.versions.iter().find(|(f, b, ..)| (*f, Some(*b)) == (file, blob));
        found.map(|(_, _, known, lines)| (*known, lines))
    }

    fn known(&self, file: FileId, blob: Option<BlobId>) -> Lines {
        self.find(file, blob).filter(|(known, _)| *known).map(|(_, lines)| lines.clone()).unwrap_or_default()
    }

    fn edited(&self, file: FileId, blob: Option<BlobId>, hunks: &[HunkRow], origin: Option<usize>) -> Lines {
        let mut lines = self.known(file, blob);
        for hunk in hunks.iter().rev() {
            let (start, end) = (hunk.old_start as usize, (hunk.old_start + hunk.old_lines) as usize);
            lines.resize(lines.len().max(end), None);
            lines.splice(start..end, std::iter::repeat_n(origin, hunk.new_lines as usize));
        }
        lines
    }

    /// Line by line: which of the lost lines' changes added it, anywhere; the neighbours decide between several.
    fn recovered(&self, file: &FileRow, lost: &Lines) -> Lines {
        let added = |change: usize, hash: &u32| self.changes[change].files.iter().any(|f| f.line_hashes.contains(hash));
        let brought =
            |hash| -> BTreeSet<usize> { lost.iter().flatten().copied().filter(|c| added(*c, hash)).collect() };
        let possible: Vec<BTreeSet<usize>> = file.line_hashes.iter().map(brought).collect();
        let mut lines: Lines = possible.iter().map(|set| set.first().copied().filter(|_| set.len() == 1)).collect();
        for (line, possible) in possible.iter().enumerate().skip(1) {
            lines[line] = lines[line].or(lines[line - 1].filter(|origin| possible.contains(origin)));
        }
        for line in (1..lines.len()).rev() {
            lines[line - 1] = lines[line - 1].or(lines[line].filter(|origin| possible[line - 1].contains(origin)));
        }
        lines
    }

    fn after(&self, change: &ChangeRow, file: &FileRow) -> Option<(bool, Lines)> {
        let before = file.old_file.unwrap_or(file.file);
        let old = self.find(before, file.old_blob);
        if change.merge && self.find(file.file, Some(file.blob?)).is_some() {
            return None;
        }
        let renamed_only = file.places == Places::Exact && file.hunks.is_empty() && file.old_blob == file.blob;
        if file.places == Places::Unknown && !file.has_content || renamed_only && old.is_some_and(|(known, _)| !known) {
            return old.map(|(_, lines)| (false, lines.clone()));
        }
        let origin = Some(self.changes.len() - 1).filter(|_| !change.merge);
        let mut first = self.edited(before, file.old_blob, &file.hunks, origin);
        for run in &file.kept {
            let from = change.files.get(run.file as usize);
            let source = from.map(|from| self.known(from.old_file.unwrap_or(from.file), from.old_blob));
            for line in 0..run.lines as usize {
                let at = run.new_start as usize + line;
                first.resize(first.len().max(at + 1), None);
                first[at] = source.as_ref().and_then(|lines| *lines.get(run.old_start as usize + line)?);
            }
        }
        if file.places == Places::Unknown {
            first = self.recovered(file, old.map_or(&Vec::new(), |(_, lines)| lines));
        }
        if !change.merge {
            return Some((true, first));
        }
        let others = file.other_parents.iter();
        let mut parents = vec![first];
        parents.extend(others.map(|(blob, hunks)| self.edited(file.file, Some(*blob), hunks, None)));
        let longest = parents.iter().map(Vec::len).max()?;
        Some((true, (0..longest).map(|line| parents.iter().find_map(|lines| *lines.get(line)?)).collect()))
    }

    fn remember(&mut self, file: FileId, blob: BlobId, (known, lines): (bool, Lines), versions_max: usize) {
        self.versions.retain(|(f, b, ..)| (*f, *b) != (file, blob));
        self.versions.push((file, blob, known, lines));
        if self.versions.iter().filter(|(f, ..)| *f == file).count() > versions_max {
            let oldest = self.versions.iter().position(|(f, ..)| *f == file).expect("there are some");
            self.versions.remove(oldest);
        }
    }

    fn candidate(&self, change: &ChangeRow, file: &FileRow) -> Option<Candidate> {
        let before = file.old_file.unwrap_or(file.file);
        let old = file.old_blob?;
        let (_, known) = self.find(before, Some(old)).filter(|(known, _)| *known)?;
        let mut blamed: Vec<Blamed> = Vec::new();
        for hunk in &file.hunks {
            let mut neighbour = None;
            for line in hunk.old_start..hunk.old_start + hunk.old_lines {
                let origin = known.get(line as usize).copied().flatten().filter(|_| !hunk.cosmetic.contains(&line));
                let origin = origin.map(|change| self.changes[change].key.position);
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
        replay.changes.push(change.clone());
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

/// A row whose places are unknown, with the hashes of all its lines if its text is known.
fn unknown(old: u8, new: u8, hashes: Option<&[u32]>) -> FileRow {
    FileRow {
        places: Places::Unknown,
        has_content: hashes.is_some(),
        line_hashes: hashes.unwrap_or_default().to_vec(),
        ..file(1, Some(old), Some(new), vec![])
    }
}

#[test]
fn lines_keep_their_origins_through_a_version_that_is_no_text() {
    let hashed = |row: FileRow, hashes: &[u32]| FileRow { line_hashes: hashes.to_vec(), ..row };
    // 0: the lines a b c }; 1: the line d } after b; 2, 3: no text; 4: a b d } x c }; 5: a fix of everything but x.
    let found = trace(vec![
        with_files(0, vec![hashed(file(1, None, Some(10), vec![hunk(0, 0, 0, 4)]), &[1, 2, 3, 9])]),
        with_files(1, vec![hashed(file(1, Some(10), Some(11), vec![hunk(2, 0, 2, 2)]), &[4, 9])]),
        with_files(2, vec![unknown(11, 12, None)]),
        // A fix of a text nobody knows blames nobody.
        fix(3, vec![FileRow { removed: 5, ..unknown(12, 13, None) }]),
        with_files(4, vec![unknown(13, 14, Some(&[1, 2, 4, 9, 5, 3, 9]))]),
        fix(5, vec![file(1, Some(14), Some(15), vec![hunk(0, 7, 0, 0)])]),
    ]);
    assert_eq!(found, [(5, 0, 0, 2), (5, 1, 2, 2), (5, 0, 5, 2)], "the line x is nobody's");
}

#[test]
fn a_version_before_the_log_that_is_no_text_makes_its_successors_lines_nobodys() {
    let found = trace(vec![
        with_files(0, vec![unknown(9, 10, Some(&[1, 2, 3]))]),
        with_files(1, vec![file(1, Some(10), Some(11), vec![hunk(1, 1, 1, 1)])]),
        fix(2, vec![file(1, Some(11), Some(12), vec![hunk(0, 3, 0, 0)])]),
    ]);
    assert_eq!(found, [(2, 1, 1, 1)]);
}

#[test]
fn moved_and_reindented_lines_are_blamed_on_the_change_that_added_them() {
    let kept = |new_start, lines, file, old_start| KeptRun { new_start, lines, file, old_start };
    // 0 adds two files of four lines; 1 re-indents lines 1 and 2 of the first and moves line 3 of the second to its end.
    let first = FileRow {
        kept: vec![kept(1, 2, 0, 1), kept(4, 1, 1, 3)],
        ..file(1, Some(10), Some(11), vec![hunk(1, 2, 1, 2), hunk(4, 0, 4, 2)])
    };
    let second = file(2, Some(20), Some(21), vec![hunk(3, 1, 3, 0)]);
    let found = trace(vec![
        with_files(0, vec![file(1, None, Some(10), vec![hunk(0, 0, 0, 4)])]),
        with_files(1, vec![file(2, None, Some(20), vec![hunk(0, 0, 0, 4)])]),
        with_files(2, vec![first, second]),
        fix(3, vec![file(1, Some(11), None, vec![hunk(0, 6, 0, 0)])]),
    ]);
    assert_eq!(found, [(3, 0, 0, 4), (3, 1, 4, 1), (3, 2, 5, 1)]);
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
