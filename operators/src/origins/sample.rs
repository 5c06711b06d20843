//! Rows for tests: small repositories in which every name is a number.

use driftline_schema::{
    AuthorId, BlobId, ChangeKey, ChangeRow, CommitId, FileClass, FileId, FileKind, FileRow, HunkRow, KeptRun, Language,
    Places, Position, RepoId,
};
use proptest::prelude::*;

/// The repository of all sample changes.
pub(crate) const REPO: RepoId = RepoId(7);

/// A place in the only partition.
pub(crate) fn at(offset: u64) -> Position {
    Position { partition: 0, offset }
}

/// The key of the change at `offset`.
pub(crate) fn key(offset: u64) -> ChangeKey {
    ChangeKey { repo: REPO, position: at(offset) }
}

/// A content.
pub(crate) fn blob(number: u8) -> BlobId {
    BlobId::from_bytes(&[number; 20]).expect("20 bytes")
}

/// A commit whose id repeats one byte.
pub(crate) fn commit(number: u8) -> CommitId {
    CommitId::from_bytes(&[number; 20]).expect("20 bytes")
}

/// A change without files, committed a day after the one before it.
pub(crate) fn change(offset: u64) -> ChangeRow {
    let time = 1_000_000_000 + 86_400 * offset as i64;
    ChangeRow {
        key: key(offset),
        repository: "sample".into(),
        commit: commit(offset as u8),
        parents: Vec::new(),
        author: AuthorId([1; 16]),
        author_time: time,
        author_offset_min: 0,
        time,
        advances_clock: true,
        subject: "".into(),
        fix: false,
        fixes: Vec::new(),
        reverts: Vec::new(),
        merge: false,
        files: Vec::new(),
        left_out: None,
    }
}

/// A Rust source file that goes from one content to another.
pub(crate) fn file(file: u64, old: Option<u8>, new: Option<u8>, hunks: Vec<HunkRow>) -> FileRow {
    FileRow {
        file: FileId(file),
        old_file: None,
        path: "f.rs".into(),
        kind: match (old, new) {
            (None, _) => FileKind::Added,
            (_, None) => FileKind::Deleted,
            _ => FileKind::Modified,
        },
        class: FileClass::Source,
        language: Some(Language::Rust),
        blob: new.map(blob),
        old_blob: old.map(blob),
        has_content: new.is_some(),
        lines: 0,
        old_lines: 0,
        added: hunks.iter().map(|hunk| hunk.new_lines).sum(),
        removed: hunks.iter().map(|hunk| hunk.old_lines).sum(),
        places: Places::Exact,
        hunks,
        kept: Vec::new(),
        line_hashes: Vec::new(),
        other_parents: Vec::new(),
    }
}

/// `old_lines` lines from `old_start` on become `new_lines` lines from `new_start` on.
pub(crate) fn hunk(old_start: u32, old_lines: u32, new_start: u32, new_lines: u32) -> HunkRow {
    HunkRow { old_start, old_lines, new_start, new_lines, ..HunkRow::default() }
}

/// Valid hunks: in order, apart, and never empty on both sides; some removed lines are flagged.
pub(crate) fn hunks() -> impl Strategy<Value = Vec<HunkRow>> {
    let parts = (0..4u32, 0..4u32, 0..4u32, any::<u8>(), any::<u8>());
    proptest::collection::vec(parts, 0..4).prop_map(|parts| {
        let (mut old, mut new) = (0, 0);
        let mut hunks = Vec::new();
        for (gap, old_lines, new_lines, cosmetic, comment_like) in parts {
            if old_lines + new_lines == 0 {
                continue;
            }
            let (old_start, new_start) = (old + gap + 1, new + gap + 1);
            (old, new) = (old_start + old_lines, new_start + new_lines);
            let flagged = |bits: u8| (0..old_lines).filter(|i| bits >> i & 1 == 1).map(|i| old_start + i).collect();
            let (cosmetic, comment_like) = (flagged(cosmetic & 0b0101), flagged(comment_like));
            hunks.push(HunkRow { old_start, old_lines, new_start, new_lines, cosmetic, comment_like });
        }
        // The first hunk may begin at the first line.
        for hunk in &mut hunks {
            hunk.old_start -= 1;
            hunk.new_start -= 1;
            hunk.cosmetic.iter_mut().chain(&mut hunk.comment_like).for_each(|line| *line -= 1);
        }
        hunks
    })
}

fn any_file() -> impl Strategy<Value = FileRow> {
    let names = (0..2u64, proptest::option::weighted(0.2, 0..2u64));
    let contents = (proptest::option::weighted(0.9, 0..6u8), proptest::option::weighted(0.9, 0..6u8));
    let others = proptest::collection::vec((0..6u8, hunks()), 0..3);
    let row =
        (names, contents, hunks(), others, 0..8u8).prop_map(|((name, renamed), (old, new), hunks, others, class)| {
            let others = others.into_iter().map(|(parent, hunks)| (blob(parent), hunks)).collect();
            let class = [FileClass::Documentation, FileClass::Test].get(class as usize).copied();
            FileRow {
                old_file: renamed.map(FileId),
                other_parents: others,
                class: class.unwrap_or(FileClass::Source),
                ..file(name, old, new, hunks)
            }
        });
    let kept = proptest::collection::vec((0..4u32, 1..3u32, 0..3u32, 0..8u32), 0..3);
    let hashes = proptest::collection::vec(0..5u32, 0..12);
    (row, kept, hashes, 0..8u8, any::<bool>()).prop_map(|(row, kept, line_hashes, places, has_content)| {
        let row = FileRow { has_content: row.blob.is_some() && has_content, line_hashes, ..row };
        match places {
            0 | 1 => FileRow { places: Places::Unknown, hunks: Vec::new(), ..row },
            // Nothing is known of the content, but the lines that changed are.
            2 => FileRow { line_hashes: Vec::new(), has_content: false, ..row },
            _ => FileRow { kept: kept_runs(&kept), ..row },
        }
    })
}

/// Runs that ascend and stand apart, from (gap, lines, file, first line there).
fn kept_runs(drawn: &[(u32, u32, u32, u32)]) -> Vec<KeptRun> {
    let mut next = 0;
    let mut run = |&(gap, lines, file, old_start): &(u32, u32, u32, u32)| {
        let run = KeptRun { new_start: next + gap, lines, file, old_start };
        next = run.new_start + lines;
        run
    };
    drawn.iter().map(&mut run).collect()
}

/// Any change of a repository with two files of six contents.
pub(crate) fn any_change() -> impl Strategy<Value = ChangeRow> {
    (0..12u64, proptest::collection::vec(any_file(), 1..3), 0..10u8).prop_map(|(offset, files, kind)| ChangeRow {
        fix: kind % 2 == 0,
        merge: kind == 3 || kind == 6 || kind == 9,
        reverts: if kind == 4 { vec!["abcdef12".into()] } else { Vec::new() },
        files,
        ..change(offset)
    })
}
