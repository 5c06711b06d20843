//! The whole path against `git blame` on generated histories with branches, merges and renames.

use super::sample::{at, change, file, hunk};
use super::*;
use driftline_schema::{BlobId, HunkRow};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file as lines that are all different, so that there is only one way to compare two versions.
type Text = Vec<u32>;

/// A small generator of numbers; the same history every time.
pub(super) struct Dice(pub(super) u64);
impl Dice {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// A commit of the generated history: its only file, and its parents by number.
struct Commit {
    parents: Vec<usize>,
    path: &'static str,
    text: Text,
}

struct History {
    dice: Dice,
    next_line: u32,
    commits: Vec<Commit>,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut history = Self { dice: Dice(seed), next_line: 0, commits: Vec::new() };
        let text = history.fresh(40);
        history.commits.push(Commit { parents: Vec::new(), path: "a.rs", text });
        history
    }

    fn fresh(&mut self, lines: u32) -> Text {
        let from = self.next_line;
        self.next_line += lines;
        (from..self.next_line).collect()
    }

    fn commit(&mut self, parents: Vec<usize>, path: &'static str, text: Text) -> usize {
        self.commits.push(Commit { parents, path, text });
        self.commits.len() - 1
    }

    /// Replaces up to three lines at up to two places of `text`, never touching `kept`.
    fn edit(&mut self, mut text: Text, kept: Option<u32>) -> Text {
        for _ in 0..1 + self.dice.below(2) {
            let from = self.dice.below(text.len() + 1);
            let to = (from + self.dice.below(4)).min(text.len());
            if kept.is_some_and(|kept| text[from..to].contains(&kept)) {
                continue;
            }
            let lines = self.dice.below(4) as u32;
            let added = self.fresh(lines);
            text.splice(from..to, added);
        }
        text
    }

    /// Commits on top of `tip`, editing only above or only below the line `middle`.
    fn branch(&mut self, mut tip: usize, middle: u32, above: bool) -> usize {
        for _ in 0..1 + self.dice.below(3) {
            let text = self.commits[tip].text.clone();
            let at = text.iter().position(|line| *line == middle).expect("no branch removes the middle");
            let (mut upper, lower) = (text[..at].to_vec(), text[at..].to_vec());
            let text = if above {
                upper = self.edit(upper, None);
                [upper, lower].concat()
            } else {
                [upper, self.edit(lower, Some(middle))].concat()
            };
            tip = self.commit(vec![tip], self.commits[tip].path, text);
        }
        tip
    }

    /// A branch above and a branch below the middle line, and their merge, which may write lines of its own.
    fn fork(&mut self, tip: usize) -> usize {
        let text = &self.commits[tip].text;
        let middle = text[text.len() / 2];
        let (ours, theirs) = (self.branch(tip, middle, true), self.branch(tip, middle, false));
        let half = |text: &Text, above: bool| {
            let at = text.iter().position(|line| *line == middle).expect("no branch removes the middle");
            if above { text[..at].to_vec() } else { text[at..].to_vec() }
        };
        let mut text = half(&self.commits[ours].text, true);
        let own = self.dice.below(2) as u32;
        text.extend(self.fresh(own));
        text.extend(half(&self.commits[theirs].text, false));
        self.commit(vec![ours, theirs], self.commits[tip].path, text)
    }

    /// A straight line of edits, renames and forks.
    fn grow(&mut self) {
        let mut tip = 0;
        for _ in 0..30 {
            let path = self.commits[tip].path;
            tip = match self.dice.below(6) {
                0 | 1 => self.fork(tip),
                2 => {
                    let renamed = if path == "a.rs" { "b.rs" } else { "a.rs" };
                    self.commit(vec![tip], renamed, self.commits[tip].text.clone())
                }
                _ => {
                    let text = self.edit(self.commits[tip].text.clone(), None);
                    self.commit(vec![tip], path, text)
                }
            };
        }
    }

    /// The rows a collector would send.
    fn rows(&self) -> Vec<ChangeRow> {
        let row = |(offset, commit): (usize, &Commit)| {
            let first = commit.parents.first().map(|parent| &self.commits[*parent]);
            let old = first.map_or(&[][..], |first| &first.text);
            let name = |path: &str| FileId(u64::from(path.as_bytes()[0]));
            let others = commit.parents.iter().skip(1).map(|parent| &self.commits[*parent].text);
            let file = FileRow {
                old_file: first.filter(|first| first.path != commit.path).map(|first| name(first.path)),
                blob: Some(content(&commit.text)),
                old_blob: first.map(|first| content(&first.text)),
                other_parents: others.map(|text| (content(text), compare(text, &commit.text))).collect(),
                ..file(name(commit.path).0, None, Some(0), compare(old, &commit.text))
            };
            let same = first.is_some_and(|first| first.path == commit.path && first.text == commit.text);
            let files = if same { Vec::new() } else { vec![file] };
            ChangeRow { merge: commit.parents.len() > 1, files, ..change(offset as u64) }
        };
        self.commits.iter().enumerate().map(row).collect()
    }

    /// The history for `git fast-import`; marks count from 1.
    fn stream(&self) -> String {
        let mut stream = String::new();
        for (index, commit) in self.commits.iter().enumerate() {
            let text: String = commit.text.iter().map(|line| format!("line {line}\n")).collect();
            let time = 1_000_000_000 + 60 * index;
            writeln!(stream, "commit refs/heads/main\nmark :{}", index + 1).expect("strings take text");
            writeln!(stream, "committer A <a@example.org> {time} +0000\ndata 1\nm").expect("strings take text");
            for (order, parent) in commit.parents.iter().enumerate() {
                let role = if order == 0 { "from" } else { "merge" };
                writeln!(stream, "{role} :{}", parent + 1).expect("strings take text");
            }
            let head = format!("deleteall\nM 644 inline {}\ndata {}", commit.path, text.len());
            writeln!(stream, "{head}\n{text}").expect("strings take text");
        }
        stream
    }
}

/// Stands for the content's hash.
fn content(text: &[u32]) -> BlobId {
    let hash = |seed: u64| {
        text.iter().fold(seed, |hash, line| (hash ^ u64::from(*line)).wrapping_mul(0x0100_0000_01b3)).to_be_bytes()
    };
    let bytes = [hash(0xcbf2_9ce4_8422_2325), hash(1), hash(2)].concat();
    BlobId::from_bytes(&bytes[..20]).expect("20 bytes")
}

/// The hunks between two texts whose common lines keep their order.
fn compare(old: &[u32], new: &[u32]) -> Vec<HunkRow> {
    let (mut left, mut right, mut hunks) = (0, 0, Vec::new());
    while left < old.len() || right < new.len() {
        let removed = old[left..].iter().take_while(|line| !new.contains(line)).count();
        let added = new[right..].iter().take_while(|line| !old.contains(line)).count();
        if removed + added > 0 {
            hunks.push(hunk(left as u32, removed as u32, right as u32, added as u32));
        }
        (left, right) = (left + removed + 1, right + added + 1);
    }
    hunks
}

/// A folder that is removed at the end.
pub(super) struct Folder(pub(super) PathBuf);
impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let folder = Self(std::env::temp_dir().join(format!("driftline-{name}-{}", std::process::id())));
        std::fs::create_dir_all(&folder.0).expect("the temporary directory takes a folder");
        folder
    }
}
impl Drop for Folder {
    fn drop(&mut self) {
        // A folder left behind in the temporary directory is no reason to fail.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(super) fn git(folder: &Path, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new("git")
        .args(["-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git is installed");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("git reads its input");
    let output = child.wait_with_output().expect("git ends");
    assert!(output.status.success(), "git {arguments:?}");
    String::from_utf8(output.stdout).expect("git prints ASCII here")
}

/// The number of each commit, from 0, by its id.
pub(super) fn numbers_of_marks(folder: &Path) -> HashMap<String, usize> {
    let marks = std::fs::read_to_string(folder.join("marks")).expect("git wrote the marks");
    marks
        .lines()
        .filter_map(|line| line.strip_prefix(':')?.split_once(' '))
        .map(|(mark, id)| (id.to_owned(), mark.parse::<usize>().expect("marks are numbers") - 1))
        .collect()
}

/// The number of the commit that git blames for each line of the newest commit.
fn git_blame(history: &History, seed: u64) -> Vec<usize> {
    let folder = Folder::new(&format!("blame-{seed}"));
    git(&folder.0, &["init", "--quiet", "--bare", "."], "");
    git(&folder.0, &["fast-import", "--quiet", "--export-marks=marks"], &history.stream());
    let numbers = numbers_of_marks(&folder.0);
    let path = history.commits.last().expect("there are commits").path;
    let blame = git(&folder.0, &["blame", "-l", "-s", "--root", "main", "--", path], "");
    blame.lines().map(|line| numbers[line.split(' ').next().expect("an id comes first")]).collect()
}

#[test]
fn origins_are_those_of_git_blame() {
    for seed in [3, 5, 8, 13] {
        let mut history = History::new(seed);
        history.grow();
        let fold = OriginFold(OriginSettings::default());
        let mut state = Versions::default();
        for change in history.rows() {
            fold.step(&mut state, change.key.position, &Arc::new(change), &mut Vec::new());
        }
        let last = history.commits.last().expect("there are commits");
        let name = FileId(u64::from(last.path.as_bytes()[0]));
        let version = state.find(name, content(&last.text)).expect("the newest version is known");
        let ours: Vec<Option<Position>> = version
            .lines()
            .expect("its text is known")
            .lines()
            .into_iter()
            .map(|origin| state.position(origin))
            .collect();
        let theirs = git_blame(&history, seed);
        assert!(history.commits.iter().filter(|commit| commit.parents.len() > 1).count() > 3);
        assert_eq!(theirs.len(), last.text.len());
        for (line, blamed) in theirs.into_iter().enumerate() {
            let expected = Some(blamed).filter(|number| history.commits[*number].parents.len() < 2);
            let found = ours.get(line).copied().flatten();
            assert_eq!(found, expected.map(|number| at(number as u64)), "line {line}, seed {seed}");
        }
    }
}
