//! What the topic `code-events` carries, as it stands on the wire.
//!
//! An event names its repository and holds exactly one body. Unknown fields are ignored and counted, so that an older
//! reader survives a newer writer; an unknown schema version is a reject, so that it never misreads one.

use crate::fixed::Fixed;
use crate::ids::{AuthorId, BlobId, CommitId, ControlId, ModelId};
use crate::label::Verdict;
use crate::seal::Seal;
use serde::{Deserialize, Serialize};

/// The version this build reads and writes.
pub const SCHEMA_VERSION: u32 = 1;

/// One record of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Schema version, [`SCHEMA_VERSION`].
    pub schema: u32,
    /// Repository name, which is also the record's key; empty for a control record.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub repository: String,
    /// A commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Box<Change>>,
    /// A person's verdict on a commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vote: Option<Vote>,
    /// A branch moved; commits no longer reachable are withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<Branch>,
    /// A control record, which stands in every partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<Control>,
    /// What makes the control record the engine's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
}

impl Event {
    fn empty(repository: &str) -> Self {
        Self {
            schema: SCHEMA_VERSION,
            repository: repository.to_owned(),
            change: None,
            vote: None,
            branch: None,
            control: None,
            seal: None,
        }
    }
    /// An event that carries a change.
    pub fn of_change(repository: &str, change: Change) -> Self {
        Self { change: Some(Box::new(change)), ..Self::empty(repository) }
    }
    /// An event that carries a vote.
    pub fn of_vote(repository: &str, vote: Vote) -> Self {
        Self { vote: Some(vote), ..Self::empty(repository) }
    }
    /// An event that carries a branch move.
    pub fn of_branch(repository: &str, branch: Branch) -> Self {
        Self { branch: Some(branch), ..Self::empty(repository) }
    }
    /// A control record without a seal, which no log takes as the engine's own.
    pub fn of_control(control: Control) -> Self {
        Self { control: Some(control), ..Self::empty("") }
    }
    /// A sealed control record.
    pub fn of_sealed(control: Control, seal: Seal) -> Self {
        Self { control: Some(control), seal: Some(seal), ..Self::empty("") }
    }
}

/// A commit as it was pushed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The commit.
    pub commit: CommitId,
    /// Its parents, the first being the one the hunks are against.
    #[serde(default)]
    pub parents: Vec<CommitId>,
    /// Who wrote it, as a keyed pseudonym.
    pub author: AuthorId,
    /// When it was written, seconds since 1970.
    pub author_time: i64,
    /// The author's offset from UTC in minutes.
    #[serde(default)]
    pub author_offset_min: i32,
    /// When it was committed, seconds since 1970: the event time.
    pub commit_time: i64,
    /// The whole message.
    pub message: String,
    /// Whether it has more than one parent.
    #[serde(default)]
    pub merge: bool,
    /// The files that differ from the first parent, by path.
    pub files: Vec<FileChange>,
    /// What the event would not hold; absent when nothing was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
}

/// What was left out of a change so that its event stays within the limits, in the order in which it is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct LeftOut {
    /// Files whose content after the change was left out.
    pub contents: u64,
    /// Hunks whose removed text was left out.
    pub removed_texts: u64,
    /// Hunks that were left out; the counts of lines of their files are exact all the same.
    pub hunks: u64,
    /// Files that were left out whole.
    pub files: u64,
    /// Lines added in files that were left out whole.
    pub lines_added: u64,
    /// Lines removed in files that were left out whole.
    pub lines_removed: u64,
    /// Further parents that were left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub parents: u64,
    /// Whether counting ended at a limit as well, so that more may have been left out than the other fields say.
    #[serde(skip_serializing_if = "is_false")]
    pub uncounted: bool,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}
fn is_false(flag: &bool) -> bool {
    !flag
}

/// How a file differs from the first parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum FileKind {
    Added,
    Modified,
    Deleted,
    Renamed,
}

/// Why a file's content is not in the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Omitted {
    /// It is no text: it holds a NUL byte.
    Binary,
    /// It is larger than the limit on one file.
    TooLarge,
    /// The event as a whole would be larger than the limit; largest files are left out first.
    EventTooLarge,
    /// It is a submodule or a symbolic link.
    NotAFile,
    /// It exists, but not in the clone that was read (a partial clone).
    Missing,
}

/// How the bytes of a content became text when they are no UTF-8. Decoding loses nothing, so the bytes can be made
/// again from the text and hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextEncoding {
    /// Every byte is the character of its number (ISO 8859-1).
    Latin1,
    /// UTF-16, low byte first, opened by a byte order mark that is not part of the text.
    Utf16Le,
    /// UTF-16, high byte first, opened by a byte order mark that is not part of the text.
    Utf16Be,
}

/// How many lines of a file a change added and removed, as `git log --numstat` counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LineCounts {
    /// Lines added.
    pub added: u32,
    /// Lines removed.
    pub removed: u32,
}

/// One file of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// Path from the root, with `/`.
    pub path: String,
    /// The path before, when it was renamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_path: Option<String>,
    /// How it differs.
    pub kind: FileKind,
    /// The content after; absent when deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<BlobId>,
    /// The content in the first parent; absent when added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_blob: Option<BlobId>,
    /// The text after, when it is text within the limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Why `content` is absent although the file exists after the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub omitted: Option<Omitted>,
    /// How `content` was decoded; absent for UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<TextEncoding>,
    /// Why the first parent's version is not known as text although it existed; its lines are then unknown, not none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_omitted: Option<Omitted>,
    /// Size after, in bytes of the original content.
    #[serde(default)]
    pub bytes: u64,
    /// Lines in the first parent's version, 0 when unknown or none.
    #[serde(default)]
    pub old_lines: u32,
    /// Exact counts of lines where `hunks` do not give them; absent where the sums over `hunks` are exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_counts: Option<LineCounts>,
    /// Differences from the first parent's version, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hunks: Vec<Hunk>,
    /// For a merge: differences from this file in each further parent that holds another version of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_parents: Vec<ParentDiff>,
}

/// A run of lines that was replaced. Line indices count from 0; an empty side stands before its start index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// Index of the first removed line in the old version.
    pub old_start: u32,
    /// Number of removed lines.
    pub old_lines: u32,
    /// Index of the first added line in the new version.
    pub new_start: u32,
    /// Number of added lines.
    pub new_lines: u32,
    /// The removed lines, each with its line end; may be empty when the old version is not text within the limits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub removed: String,
}

/// A merge's differences from one of its further parents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParentDiff {
    /// That parent's version of the file.
    pub old_blob: BlobId,
    /// Differences from it; `removed` is left empty.
    pub hunks: Vec<Hunk>,
}

/// A person's verdict on a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// The commit judged.
    pub commit: CommitId,
    /// Who judges, as a keyed pseudonym. A later vote of the same voter replaces the earlier one.
    pub voter: AuthorId,
    /// The verdict.
    pub verdict: Verdict,
    /// Weight, at least 1.
    #[serde(default = "one")]
    pub weight: u32,
    /// When it was given, seconds since 1970.
    pub time: i64,
    /// Takes the voter's earlier vote back instead.
    #[serde(default)]
    pub retract: bool,
}

fn one() -> u32 {
    1
}

/// A branch moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// The branch's name.
    pub name: String,
    /// Where it points now; absent when it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// Commits that no branch reaches any more; each is withdrawn as if it had never been pushed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withdrawn: Vec<CommitId>,
    /// When it moved, seconds since 1970.
    pub time: i64,
}

/// A control record: written to every partition with one id, it holds in each from its position on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Control {
    /// The same in every partition, so that a half-written record can be completed.
    pub id: ControlId,
    /// What it says.
    pub action: ControlAction,
}

/// What a control record says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlAction {
    /// Train on everything before this point. Cuts count from 1.
    Cut {
        /// Serial number of the cut.
        cut: u64,
    },
    /// The models trained at a cut score what comes after this point.
    ModelReady {
        /// The cut they were trained at.
        cut: u64,
        /// One model for each scope that had enough examples; may be empty.
        models: Vec<ModelRef>,
    },
    /// Advances the event clock when nothing else does, seconds since 1970.
    Tick {
        /// The time it is.
        time: i64,
    },
    /// Withdraws every change of an author, before and after this point.
    Erase {
        /// The author to forget.
        author: AuthorId,
    },
    /// The predicted probability from which a change counts as risky.
    Threshold {
        /// Probability in [0, 1].
        risk: Fixed,
    },
}

/// A model and what it is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ModelRef {
    /// What it scores.
    pub scope: Scope,
    /// Which one it is.
    pub id: ModelId,
    /// Training rows.
    pub rows: u64,
    /// Defective rows among them.
    pub defective: u64,
}

/// What a model scores.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every repository that has no model of its own.
    Organisation,
    /// One repository, by name.
    Repository(String),
}
