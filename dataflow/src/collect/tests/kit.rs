//! Repositories made with git, and what git says of them.

use crate::collect::text::Text;
use crate::collect::{AuthorKey, CollectError, CollectOptions, GitHistory};
use driftline_schema::{Change, FileChange, Hunk, Omitted};
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A repository in a temporary folder. Commits are one minute apart.
pub(super) struct Repo {
    folder: TempDir,
    minutes: Cell<i64>,
}

/// Runs git with nothing of the machine's configuration and returns what it prints.
pub(in crate::collect) fn git_bytes(folder: &Path, args: &[&OsStr], seconds: i64, input: &[u8]) -> Vec<u8> {
    let date = format!("@{seconds} +0130");
    let mut child = Command::new("git")
        .args(["-c", "commit.gpgsign=false", "-c", "core.autocrlf=false", "-c", "gc.auto=0"])
        .args(["-c", "protocol.file.allow=always", "-c", "merge.renames=true", "-c", "advice.detachedHead=false"])
        .args(args)
        .current_dir(folder)
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_NAME", "Ada")
        .env("GIT_AUTHOR_EMAIL", "ada@example.org")
        .env("GIT_AUTHOR_DATE", &date)
        .env("GIT_COMMITTER_NAME", "Ada")
        .env("GIT_COMMITTER_EMAIL", "ada@example.org")
        .env("GIT_COMMITTER_DATE", &date)
        .env_remove("GIT_DIR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("git is installed");
    let mut stdin = child.stdin.take().expect("is piped");
    let input = input.to_vec();
    let feed = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("git ends");
    feed.join().expect("no panic");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

impl Repo {
    pub(super) fn new() -> Self {
        let repo = Self::empty();
        repo.git(&["init", "-q", "-b", "main", "."]);
        repo
    }

    /// A folder that is no repository yet.
    pub(super) fn empty() -> Self {
        let folder = tempfile::Builder::new().prefix("demo").tempdir().expect("a temporary folder");
        Self { folder, minutes: Cell::new(0) }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn join(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    fn seconds(&self) -> i64 {
        1_700_000_000 + 60 * self.minutes.get()
    }

    /// What a git command prints, without the last line end.
    pub(super) fn git(&self, args: &[&str]) -> String {
        let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
        let output = git_bytes(self.path(), &args, self.seconds(), b"");
        String::from_utf8_lossy(&output).trim_end().to_owned()
    }

    pub(super) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.join(path);
        std::fs::create_dir_all(path.parent().expect("below the folder")).expect("is made");
        std::fs::write(path, content).expect("is written");
        self
    }

    /// Commits the work tree and returns the commit's id.
    pub(super) fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.commit_index(message)
    }

    /// Commits the index alone.
    pub(super) fn commit_index(&self, message: &str) -> String {
        self.minutes.set(self.minutes.get() + 1);
        self.git(&["commit", "-q", "--allow-empty", "--allow-empty-message", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// What a git command prints that is given `input`, without the last line end.
    pub(super) fn feed(&self, args: &[&str], input: &[u8]) -> String {
        let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
        String::from_utf8_lossy(&git_bytes(self.path(), &args, self.seconds(), input)).trim_end().to_owned()
    }

    /// Loads a history in the format of `git fast-import`.
    pub(super) fn import(&self, stream: &[u8]) {
        let args = ["fast-import", "--quiet", "--force"].map(OsStr::new);
        git_bytes(self.path(), &args, self.seconds(), stream);
    }

    pub(super) fn history(&self) -> GitHistory {
        GitHistory::open(self.path(), options()).expect("opens")
    }

    /// The changes of `HEAD`, in order.
    pub(super) fn changes(&self) -> Vec<Change> {
        changes(&self.history()).expect("is readable")
    }

    /// The change of the newest commit.
    pub(super) fn last(&self) -> Change {
        self.changes().pop().expect("there is a commit")
    }
}

pub(super) fn options() -> CollectOptions {
    CollectOptions::new(AuthorKey::new(*b"a key of the test suite"))
}

pub(super) fn changes(history: &GitHistory) -> Result<Vec<Change>, CollectError> {
    history.events()?.map(|event| Ok(*event?.change.expect("every event is a change"))).collect()
}

/// The file at `path`.
pub(super) fn file<'a>(change: &'a Change, path: &str) -> &'a FileChange {
    change.files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path} in {change:#?}"))
}

/// Old start and lines, new start and lines of each hunk.
pub(in crate::collect) fn places(hunks: &[Hunk]) -> Vec<(u32, u32, u32, u32)> {
    hunks.iter().map(|h| (h.old_start, h.old_lines, h.new_start, h.new_lines)).collect()
}

/// The definition of hunks: the old text with each applied. What they remove, if they say it, must stand there.
pub(in crate::collect) fn apply(old: &str, new: &str, hunks: &[Hunk]) -> String {
    let old_lines: Vec<&str> = old.split_inclusive('\n').collect();
    let new_lines: Vec<&str> = new.split_inclusive('\n').collect();
    let (mut out, mut next) = (String::new(), 0);
    for hunk in hunks {
        let (start, end) = (hunk.old_start as usize, (hunk.old_start + hunk.old_lines) as usize);
        out.extend(old_lines[next..start].iter().copied());
        assert!(hunk.removed.is_empty() || hunk.removed == old_lines[start..end].concat(), "{hunk:?}");
        let added = hunk.new_start as usize..(hunk.new_start + hunk.new_lines) as usize;
        out.extend(new_lines[added].iter().copied());
        next = end;
    }
    out.extend(old_lines[next..].iter().copied());
    out
}

/// Lines added and removed by path, `None` for what git calls binary.
pub(super) type Numstat = BTreeMap<Vec<u8>, Option<(u32, u32)>>;

/// What git says of `change` against its first parent.
pub(super) fn numstat(folder: &Path, change: &Change) -> Numstat {
    let commit = change.commit.to_string();
    let parent = change.parents.first().map(ToString::to_string);
    let args = ["diff-tree", "-r", "-M", "--numstat", "-z", "--no-commit-id", "--root"];
    let mut args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
    args.extend(parent.as_deref().map(OsStr::new));
    args.push(OsStr::new(&commit));
    parse_numstat(&git_bytes(folder, &args, 0, b""))
}

fn parse_numstat(bytes: &[u8]) -> Numstat {
    let mut parts = bytes.split(|byte| *byte == 0).filter(|part| !part.is_empty());
    let mut found = Numstat::new();
    while let Some(part) = parts.next() {
        let mut columns = part.splitn(3, |byte| *byte == b'\t');
        let mut number = || std::str::from_utf8(columns.next().expect("a column")).expect("ASCII").parse::<u32>().ok();
        let counts = number().zip(number());
        let path = match columns.next() {
            // A rename: both paths follow.
            Some(b"") => parts.nth(1).expect("the new path"),
            path => path.expect("a path"),
        };
        found.insert(path.to_vec(), counts);
    }
    found
}

/// Lines added and removed, `None` where they are not known.
pub(super) fn counts_of(file: &FileChange) -> Option<(u32, u32)> {
    let sum = |lines: fn(&Hunk) -> u32| file.hunks.iter().map(lines).sum();
    match file.line_counts {
        Some(counts) => Some((counts.added, counts.removed)),
        // A link and a submodule have no lines, so nothing is unknown of them.
        None if [file.omitted, file.old_omitted]
            .iter()
            .any(|omitted| !matches!(omitted, None | Some(Omitted::NotAFile))) =>
        {
            None
        }
        None => Some((sum(|hunk| hunk.new_lines), sum(|hunk| hunk.old_lines))),
    }
}

/// Panics unless the events of `HEAD` say of every commit what git says.
pub(super) fn assert_equals_git(repo: &Repo) {
    let changes = repo.changes();
    let mut ids: Vec<String> = changes.iter().map(|change| change.commit.to_string()).collect();
    for (at, change) in changes.iter().enumerate() {
        for parent in &change.parents {
            assert!(changes[..at].iter().any(|earlier| earlier.commit == *parent), "parents come first");
        }
        assert_files_equal_git(repo.path(), change);
    }
    let mut expected: Vec<String> =
        repo.git(&["rev-list", "--topo-order", "HEAD"]).lines().map(str::to_owned).collect();
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
}

fn assert_files_equal_git(folder: &Path, change: &Change) {
    let cat = |id: String| git_bytes(folder, &["cat-file", "blob", &id].map(OsStr::new), 0, b"");
    let mut expected = numstat(folder, change);
    for file in &change.files {
        let counts = expected.remove(file.path.as_bytes()).unwrap_or_else(|| panic!("git does not list {}", file.path));
        let told = counts_of(file);
        // A link has no lines here, and one in git; UTF-16 is text here, and binary in git.
        let is_link = file.omitted == Some(Omitted::NotAFile);
        // A file that has no line loses none, so what loses one was a link.
        let was_link = |removed: u32| removed == 1 && file.old_lines == 0 && file.old_omitted.is_none();
        let counts = counts
            .map(|(added, removed)| (added.saturating_sub(u32::from(is_link)), removed - u32::from(was_link(removed))));
        let other = counts.is_none() && file.omitted.is_none();
        assert!(other || counts == told, "{} in {}: {counts:?}, told {told:?}", file.path, change.commit);
        let Some(content) = &file.content else { continue };
        let bytes = cat(file.blob.expect("it exists").to_string());
        assert_eq!(Text::of(&bytes).map(|text| text.decoded()).as_ref(), Some(content));
        assert_eq!(bytes.len() as u64, file.bytes);
        if file.old_omitted.is_some() {
            assert!(file.hunks.is_empty() && file.old_blob.is_some(), "nothing is known of {}", file.path);
            continue;
        }
        let text = |id: String| Text::of(&cat(id)).map(|text| text.decoded()).unwrap_or_default();
        // A link had no lines, whatever git keeps as its content.
        let old = file.old_blob.filter(|_| file.old_lines > 0).map(|id| text(id.to_string())).unwrap_or_default();
        assert_eq!(apply(&old, content, &file.hunks), *content);
        assert_eq!(file.old_lines as usize, old.split_inclusive('\n').count());
        for parent in &file.other_parents {
            assert_eq!(apply(&text(parent.old_blob.to_string()), content, &parent.hunks), *content);
        }
    }
    assert!(expected.is_empty(), "not listed of {}: {expected:?}", change.commit);
    assert!(change.files.is_sorted_by(|a, b| a.path < b.path), "by path");
}

/// Histories by number: of each commit a clock that says anything, and the numbers of `parents` earlier commits, most of
/// them at most `back` before it.
pub(super) fn histories(
    size: std::ops::Range<usize>,
    back: usize,
    parents: std::ops::Range<usize>,
) -> impl Strategy<Value = Vec<(i64, Vec<usize>)>> {
    let commit = move |number: usize| {
        let parent = prop_oneof![3 => number.saturating_sub(back)..number.max(1), 1 => 0..number.max(1)];
        let clock = prop_oneof![Just(1_700_000_000 + number as i64), 0i64..2_000_000_000, Just(1)];
        (clock, proptest::collection::btree_set(parent, parents.clone())).prop_map(move |(seconds, parents)| {
            (seconds, parents.into_iter().filter(|parent| *parent < number).collect())
        })
    };
    size.prop_flat_map(move |size| (0..size).map(&commit).collect::<Vec<_>>())
}
