//! What a row says of a file whose text, or whose changed lines, are not known.

use super::*;
use driftline_schema::{HunkRow, TextEncoding};

const OLD: &str = "import os\nx = 1\ny = 2\n";

/// A source file that was changed; nothing is said about where.
fn modified() -> FileChange {
    FileChange {
        path: "src/app.py".into(),
        old_path: None,
        kind: FileKind::Modified,
        blob: Some(blob_id_of(OLD.as_bytes(), 20)),
        old_blob: BlobId::from_bytes(&[4; 20]),
        content: Some(OLD.into()),
        omitted: None,
        encoding: None::<TextEncoding>,
        old_omitted: None,
        bytes: 0,
        old_lines: 0,
        line_counts: None,
        hunks: vec![],
        other_parents: vec![],
    }
}

fn omitted() -> FileChange {
    FileChange { content: None, omitted: Some(Omitted::TooLarge), ..modified() }
}

fn row(file: FileChange) -> (FileRow, FileLines) {
    let context = Context { repo: RepoId(1), merge: false, limits: &Limits::default() };
    let checked = file_row(file, context).expect("the file is valid");
    (checked.row, checked.lines)
}

fn told(file: FileChange) -> (Places, u32, u32, usize, usize) {
    let (row, lines) = row(file);
    let mut rows = [row];
    super::super::kept::keep_lines(&mut rows, vec![lines]);
    let [row] = &rows;
    (row.places, row.added, row.removed, row.hunks.len(), row.line_hashes.len())
}

#[test]
fn a_version_that_is_not_known_is_unknown_and_not_empty() {
    let from_binary = FileChange { old_omitted: Some(Omitted::Binary), ..modified() };
    assert_eq!(told(from_binary), (Places::Unknown, 0, 0, 0, 3), "its lines are known, none of them as added");
    let missing = FileChange { old_omitted: Some(Omitted::Missing), ..omitted() };
    assert_eq!(told(missing), (Places::Unknown, 0, 0, 0, 0));
    assert_eq!(told(omitted()), (Places::Unknown, 0, 0, 0, 0), "to a version that is too large");
    let hunk = Hunk { old_start: 0, old_lines: 1, new_start: 0, new_lines: 2, removed: String::new() };
    let left_out = FileChange { omitted: Some(Omitted::EventTooLarge), hunks: vec![hunk], ..omitted() };
    assert_eq!(told(left_out), (Places::Exact, 2, 1, 1, 0), "only the content was left out");
    assert_eq!(told(FileChange { old_blob: modified().blob, ..modified() }).0, Places::Exact, "a new mode alone");
}

#[test]
fn exact_counts_are_used_and_say_whether_the_hunks_are_all() {
    let counts = |added, removed| Some(LineCounts { added, removed });
    let left_out = FileChange { line_counts: counts(2, 7), ..modified() };
    assert_eq!(told(left_out), (Places::Unknown, 2, 7, 0, 3));
    let hunk = || Hunk { old_start: 0, old_lines: 3, new_start: 0, new_lines: 3, removed: String::new() };
    let exact = FileChange { line_counts: counts(3, 3), hunks: vec![hunk()], ..modified() };
    assert_eq!(told(exact), (Places::Exact, 3, 3, 1, 3));
}

#[test]
fn whole_files_have_their_one_hunk_even_without_a_text() {
    let added = FileChange {
        kind: FileKind::Added,
        old_blob: None,
        line_counts: Some(LineCounts { added: 9, removed: 0 }),
        ..omitted()
    };
    assert_eq!(row(added).0.hunks, [HunkRow { new_lines: 9, ..HunkRow::default() }]);
    let deleted = FileChange {
        kind: FileKind::Deleted,
        blob: None,
        content: None,
        line_counts: Some(LineCounts { added: 0, removed: 9 }),
        ..modified()
    };
    assert_eq!(row(deleted).0.hunks, [HunkRow { old_lines: 9, ..HunkRow::default() }]);
}
