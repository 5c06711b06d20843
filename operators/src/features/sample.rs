//! Changes for tests: small pools of paths, authors, blobs and days, so that drawn changes meet each other.

use crate::validate::class_of;
use driftline_schema::{
    AuthorId, BlobId, ChangeKey, ChangeRow, CommitId, FileClass, FileId, FileKind, FileRow, HunkRow, Language, Places,
    Position, RepoId,
};
use proptest::prelude::*;
use std::sync::Arc;

pub(crate) const DAY: i64 = 86_400;
const PATHS: [&str; 7] =
    ["a.py", "src/b.py", "src/deep/c.rs", "tests/d.py", "docs/e.md", "vendor/f.js", "other/g.yaml"];

pub(crate) fn author(number: u8) -> AuthorId {
    AuthorId([number; 16])
}

pub(crate) fn blob(number: u8) -> BlobId {
    BlobId::from_bytes(&[number; 20]).expect("20 bytes")
}

/// A change without files, written by author 0 at the hour of its offset.
pub(crate) fn change(repo: u64, offset: u64) -> ChangeRow {
    let position = Position { partition: 0, offset };
    let mut commit = [0; 20];
    commit[..8].copy_from_slice(&offset.to_be_bytes());
    ChangeRow {
        key: ChangeKey { repo: RepoId(repo), position },
        repository: "sample".into(),
        commit: CommitId::from_bytes(&commit).expect("20 bytes"),
        parents: vec![],
        author: author(0),
        author_time: offset as i64 * 3600,
        author_offset_min: 0,
        time: offset as i64 * 3600,
        advances_clock: true,
        subject: "do".into(),
        fix: false,
        fixes: vec![],
        reverts: vec![],
        merge: false,
        files: vec![],
        left_out: None,
    }
}

/// A modified file without differences.
pub(crate) fn file(change: &ChangeRow, path: &str) -> FileRow {
    let class = class_of(path);
    let code = matches!(class, FileClass::Source | FileClass::Test);
    FileRow {
        file: FileId::of(change.key.repo, path),
        old_file: None,
        path: path.into(),
        kind: FileKind::Modified,
        class,
        language: code.then(|| Language::of_path(path)).flatten(),
        blob: None,
        old_blob: None,
        has_content: false,
        lines: 0,
        old_lines: 0,
        added: 0,
        removed: 0,
        places: Places::Exact,
        hunks: vec![],
        kept: vec![],
        line_hashes: vec![],
        other_parents: vec![],
    }
}

/// What is drawn of a file besides its path.
#[derive(Clone, Debug)]
struct Draw {
    kind: u8,
    from: usize,
    blobs: (u8, u8),
    has_content: bool,
    hunks: Vec<(u32, u32, u32)>,
}

fn draw() -> impl Strategy<Value = Draw> {
    let hunk = (0..3u32, 0..3u32, 0..3u32);
    (0..8u8, 0..PATHS.len(), (0..5u8, 0..5u8), any::<bool>(), proptest::collection::vec(hunk, 0..3))
        .prop_map(|(kind, from, blobs, has_content, hunks)| Draw { kind, from, blobs, has_content, hunks })
}

/// Draws of hunks as (gap, removed, added) laid out one after the other.
fn lay_out(draws: &[(u32, u32, u32)]) -> Vec<HunkRow> {
    let (mut old_start, mut new_start) = (0, 0);
    let mut hunks = Vec::new();
    for (gap, old_lines, new_lines) in draws.iter().copied().filter(|(_, old, new)| old + new > 0) {
        (old_start, new_start) = (old_start + gap, new_start + gap);
        hunks.push(HunkRow { old_start, old_lines, new_start, new_lines, ..HunkRow::default() });
        (old_start, new_start) = (old_start + old_lines, new_start + new_lines);
    }
    hunks
}

fn drawn_file(row: &ChangeRow, path: &str, draw: &Draw, free: impl Fn(&str) -> bool) -> FileRow {
    let hunks = lay_out(&draw.hunks);
    let old_path = PATHS[draw.from];
    let kind = match draw.kind {
        0 => FileKind::Added,
        1 => FileKind::Deleted,
        2 | 3 if free(old_path) => FileKind::Renamed,
        _ => FileKind::Modified,
    };
    FileRow {
        kind,
        old_file: (kind == FileKind::Renamed).then(|| FileId::of(row.key.repo, old_path)),
        blob: (kind != FileKind::Deleted).then(|| blob(draw.blobs.0)),
        old_blob: (kind != FileKind::Added).then(|| blob(draw.blobs.1)),
        has_content: kind != FileKind::Deleted && draw.has_content,
        lines: 20,
        old_lines: 15,
        added: hunks.iter().map(|hunk| hunk.new_lines).sum(),
        removed: hunks.iter().map(|hunk| hunk.old_lines).sum(),
        hunks,
        ..file(row, path)
    }
}

/// Files at distinct paths; a path is the origin of at most one rename and, then, is not touched in place.
fn drawn_files(row: &ChangeRow, paths: &[usize], draws: &[Draw]) -> Vec<FileRow> {
    let mut origins: Vec<&str> = Vec::new();
    let mut files: Vec<FileRow> = Vec::new();
    for (at, draw) in paths.iter().zip(draws) {
        let path = PATHS[*at];
        let free = |origin: &str| {
            origin != path && !origins.contains(&origin) && !paths.iter().any(|other| PATHS[*other] == origin)
        };
        let file = drawn_file(row, path, draw, free);
        if file.old_file.is_some() {
            origins.push(PATHS[draw.from]);
        }
        files.push(file);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// Days around which changes were written: near each other, years apart, and from clocks that are wrong.
fn any_time() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 0..2_000 * DAY, 1 => Just(-5 * DAY), 1 => Just(i64::MAX), 1 => Just(i64::MIN)]
}

/// Any change of the pools.
pub(crate) fn any_change() -> impl Strategy<Value = Arc<ChangeRow>> {
    let paths = proptest::sample::subsequence((0..PATHS.len()).collect::<Vec<_>>(), 0..=4);
    let draws = proptest::collection::vec(draw(), 4);
    let subjects = prop_oneof![Just("do"), Just("fix #1"), Just("ABC-12 do")];
    let flags = (any::<bool>(), 0..5u8, 0..4u8);
    (((0..2u64), (0..14u64)), (0..3u8, any_time(), subjects), flags, (paths, draws)).prop_map(
        |((repo, offset), (writer, time, subject), (fix, merge, revert), (paths, draws))| {
            let mut row = change(repo, offset);
            row.author = author(writer);
            (row.time, row.author_time) = (time, time);
            row.subject = subject.into();
            (row.fix, row.merge) = (fix, merge == 0);
            row.reverts = if revert == 0 { vec!["1234567".into()] } else { vec![] };
            row.files = drawn_files(&row, &paths, &draws);
            Arc::new(row)
        },
    )
}
