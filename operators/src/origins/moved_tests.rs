//! From events to origins against `git blame -w -M -C`, on generated histories in which code is indented and moved.

use super::git_tests::{Dice, Folder, git, numbers_of_marks};
use super::*;
use crate::validate::{Body, RawRecord, blob_id_of, validate};
use driftline_schema::{AuthorId, BlobId, Change, CommitId, Event, FileChange, FileKind, Hunk, Limits, RepoId, wire};
use std::fmt::Write as _;

const PATHS: [&str; 2] = ["a.rs", "b.rs"];

/// A line that occurs once: its number, and how far it is indented. Each is heavy enough to be seen to move by itself: git
/// weighs what is left of a block today, driftline the block as it moved.
type Line = (u32, u32);

/// Both files after a commit.
type Tree = [Vec<Line>; 2];

fn text((number, indent): Line) -> String {
    let indent = "    ".repeat(indent as usize);
    format!("{indent}let value_{number} = compute_the_total_of(input_{number}, other_{number}, third_{number});\n")
}

fn texts(lines: &[Line]) -> String {
    lines.iter().copied().map(text).collect()
}

struct History {
    dice: Dice,
    next: u32,
    trees: Vec<Tree>,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut history = Self { dice: Dice(seed), next: 0, trees: Vec::new() };
        let tree = [history.fresh(30), history.fresh(20)];
        history.trees.push(tree);
        history
    }

    fn fresh(&mut self, lines: u32) -> Vec<Line> {
        let from = self.next;
        self.next += lines;
        (from..self.next).map(|number| (number, 0)).collect()
    }

    /// A range of at most `most` lines of a file.
    fn range(&mut self, lines: &[Line], most: usize) -> std::ops::Range<usize> {
        let from = self.dice.below(lines.len() + 1);
        from..(from + 1 + self.dice.below(most)).min(lines.len())
    }

    /// Edits, indents and moves, and whatever of these comes together.
    fn grow(&mut self, commits: usize) {
        for _ in 0..commits {
            let mut tree = self.trees.last().expect("there is a first").clone();
            for _ in 0..1 + self.dice.below(2) {
                let file = self.dice.below(2);
                match self.dice.below(5) {
                    0 => {
                        let range = self.range(&tree[file], 8);
                        tree[file][range].iter_mut().for_each(|line| line.1 = (line.1 + 1) % 3);
                    }
                    1 | 2 => {
                        // A block moves, indented or not, within its file or to the other one.
                        let range = self.range(&tree[file], 5);
                        let mut block: Vec<Line> = tree[file].drain(range).collect();
                        let indent = self.dice.below(2) as u32;
                        block.iter_mut().for_each(|line| line.1 = (line.1 + indent) % 3);
                        let to = self.dice.below(2);
                        let at = self.dice.below(tree[to].len() + 1);
                        tree[to].splice(at..at, block);
                    }
                    _ => {
                        let range = self.range(&tree[file], 3);
                        let lines = self.dice.below(4) as u32;
                        let added = self.fresh(lines);
                        tree[file].splice(range, added);
                    }
                }
            }
            self.trees.push(tree);
        }
    }

    fn event(&self, index: usize) -> Event {
        let empty = [Vec::new(), Vec::new()];
        let before = index.checked_sub(1).map_or(&empty, |before| &self.trees[before]);
        let file = |(path, (old, new)): (&str, (&Vec<Line>, &Vec<Line>))| file_change(path, old, new);
        let files = PATHS.into_iter().zip(before.iter().zip(&self.trees[index])).filter_map(file).collect();
        let id = |number: usize| CommitId::from_bytes(&[number as u8 + 1; 20]).expect("20 bytes");
        let change = Change {
            commit: id(index),
            parents: index.checked_sub(1).map(id).into_iter().collect(),
            author: AuthorId([1; 16]),
            author_time: 1_000_000_000,
            author_offset_min: 0,
            commit_time: 1_000_000_000 + 60 * index as i64,
            message: "m".into(),
            merge: false,
            files,
            left_out: None,
        };
        Event::of_change("r", change)
    }

    /// The rows that the validator makes of the history's events.
    fn rows(&self) -> Vec<Arc<ChangeRow>> {
        let row = |index: usize| {
            let record = RawRecord {
                position: super::sample::at(index as u64),
                key: b"r".to_vec(),
                append_time: 2_000_000_000,
                payload: wire::encode(&self.event(index)),
                control: false,
                envelope: None,
            };
            match validate(&record, &Limits::default()).expect("the event is valid").body {
                Body::Change { row, .. } => row,
                other => panic!("a change was expected: {other:?}"),
            }
        };
        (0..self.trees.len()).map(row).collect()
    }

    fn stream(&self) -> String {
        let mut stream = String::new();
        for (index, tree) in self.trees.iter().enumerate() {
            let time = 1_000_000_000 + 60 * index;
            writeln!(stream, "commit refs/heads/main\nmark :{}", index + 1).expect("strings take text");
            writeln!(stream, "committer A <a@example.org> {time} +0000\ndata 1\nm").expect("strings take text");
            for (path, lines) in PATHS.into_iter().zip(tree) {
                let text = texts(lines);
                writeln!(stream, "M 644 inline {path}\ndata {}\n{text}", text.len()).expect("strings take text");
            }
        }
        stream
    }
}

fn blob(lines: &[Line]) -> BlobId {
    blob_id_of(texts(lines).as_bytes(), 20)
}

/// What a collector says of a file; `None` when it is the same.
fn file_change(path: &str, old: &[Line], new: &[Line]) -> Option<FileChange> {
    let content = texts(new);
    (old != new).then(|| FileChange {
        path: path.into(),
        old_path: None,
        kind: if old.is_empty() { FileKind::Added } else { FileKind::Modified },
        blob: Some(blob(new)),
        old_blob: (!old.is_empty()).then(|| blob(old)),
        bytes: content.len() as u64,
        content: Some(content),
        omitted: None,
        encoding: None,
        old_omitted: None,
        old_lines: old.len() as u32,
        line_counts: None,
        hunks: hunks(old, new),
        other_parents: vec![],
    })
}

/// The hunks between two texts, by a longest common subsequence.
fn hunks(old: &[Line], new: &[Line]) -> Vec<Hunk> {
    let mut best = vec![vec![0; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let apart = best[i + 1][j].max(best[i][j + 1]);
            best[i][j] = if old[i] == new[j] { best[i + 1][j + 1] + 1 } else { apart };
        }
    }
    let (mut i, mut j, mut hunks) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        let (from, to) = (i, j);
        while (i < old.len() || j < new.len()) && !(i < old.len() && j < new.len() && old[i] == new[j]) {
            let removed = i < old.len() && (j == new.len() || best[i + 1][j] >= best[i][j + 1]);
            if removed { i += 1 } else { j += 1 }
        }
        if (i, j) != (from, to) {
            let removed = texts(&old[from..i]);
            hunks.push(Hunk {
                old_start: from as u32,
                old_lines: (i - from) as u32,
                new_start: to as u32,
                new_lines: (j - to) as u32,
                removed,
            });
        }
        (i, j) = (i + 1, j + 1);
    }
    hunks
}

#[test]
fn origins_are_those_of_git_blame_without_white_space_and_with_moves() {
    let (mut lines, mut moved) = (0, 0);
    for seed in [2, 7, 11, 23, 42, 77] {
        let mut history = History::new(seed);
        history.grow(40);
        let fold = OriginFold(OriginSettings::default());
        let mut state = Versions::default();
        let rows = history.rows();
        for row in &rows {
            fold.step(&mut state, row.key.position, row, &mut Vec::new());
        }
        moved += rows.iter().flat_map(|row| &row.files).map(|file| file.kept.len()).sum::<usize>();
        let folder = Folder::new(&format!("moved-{seed}"));
        git(&folder.0, &["init", "--quiet", "--bare", "."], "");
        git(&folder.0, &["fast-import", "--quiet", "--export-marks=marks"], &history.stream());
        let numbers = numbers_of_marks(&folder.0);
        for (path, text) in PATHS.into_iter().zip(history.trees.last().expect("there are some")) {
            let blame = git(&folder.0, &["blame", "-l", "-s", "--root", "-w", "-M", "-C", "main", "--", path], "");
            let theirs = blame.lines().map(|line| numbers[line.split(' ').next().expect("an id comes first")]);
            let version = state.find(FileId::of(RepoId::of("r"), path), blob(text)).expect("it is the newest");
            let ours = version.lines().expect("its text is known").lines();
            for (line, blamed) in theirs.enumerate() {
                let found = ours.get(line).and_then(|origin| state.position(*origin));
                assert_eq!(found.map(|position| position.offset), Some(blamed as u64), "{path}:{line}, seed {seed}");
                lines += 1;
            }
        }
    }
    assert!(lines > 200 && moved > 100, "{lines} lines, {moved} kept runs");
}
