//! What the dataflow keeps of an event: integers, hashes and short names; raw content only on its way to the parser.

use crate::event::{FileKind, LeftOut};
use crate::ids::{AuthorId, BlobId, CommitId, FileId};
use crate::language::Language;
use crate::position::ChangeKey;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A change without its contents. Collections carry it as `Arc<ChangeRow>`, so that operators share one copy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChangeRow {
    /// Repository and position.
    pub key: ChangeKey,
    /// Repository name, for what leaves the dataflow.
    pub repository: Arc<str>,
    /// The commit.
    pub commit: CommitId,
    /// Its parents.
    pub parents: Vec<CommitId>,
    /// Who wrote it.
    pub author: AuthorId,
    /// When it was written, seconds since 1970.
    pub author_time: i64,
    /// The author's offset from UTC in minutes.
    pub author_offset_min: i32,
    /// Event time: when it was committed, seconds since 1970.
    pub time: i64,
    /// Whether `time` may advance the event clock (false when it lies too far after the append time).
    pub advances_clock: bool,
    /// First line of the message, at most 120 characters.
    pub subject: Box<str>,
    /// Whether the message speaks of a fix.
    pub fix: bool,
    /// Object id prefixes named by `Fixes:` trailers.
    pub fixes: Vec<Box<str>>,
    /// Object id prefixes named by `This reverts commit`.
    pub reverts: Vec<Box<str>>,
    /// Whether it has more than one parent.
    pub merge: bool,
    /// The files that differ from the first parent, by path.
    pub files: Vec<FileRow>,
    /// What the event would not hold.
    pub left_out: Option<LeftOut>,
}

impl ChangeRow {
    /// Files that differ from the first parent, those included that the event would not hold.
    pub fn files_changed(&self) -> u64 {
        self.files.len() as u64 + self.left_out.map_or(0, |left_out| left_out.files)
    }
}

/// What a file is for, by its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum FileClass {
    Source,
    Test,
    Documentation,
    Generated,
    Other,
}

/// One file of a change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileRow {
    /// The path, as an id.
    pub file: FileId,
    /// The path before a rename, as an id.
    pub old_file: Option<FileId>,
    /// The path.
    pub path: Box<str>,
    /// How it differs.
    pub kind: FileKind,
    /// What it is for.
    pub class: FileClass,
    /// The language whose grammar measures it.
    pub language: Option<Language>,
    /// The content after.
    pub blob: Option<BlobId>,
    /// The content in the first parent.
    pub old_blob: Option<BlobId>,
    /// Whether the event held the content after (so that facts of `blob` exist if it has a language).
    pub has_content: bool,
    /// Lines after.
    pub lines: u32,
    /// Lines in the first parent.
    pub old_lines: u32,
    /// Lines added.
    pub added: u32,
    /// Lines removed.
    pub removed: u32,
    /// What `hunks` tell about the places of these lines.
    pub places: Places,
    /// Differences from the first parent.
    pub hunks: Vec<HunkRow>,
    /// Added lines that stood in a first parent's file already, by `new_start` and apart from each other.
    pub kept: Vec<KeptRun>,
    /// Hashes of lines of source and tests without their white space: of the added ones in the order of the hunks or,
    /// where their places are unknown, of all lines. Empty where the content is not known.
    pub line_hashes: Vec<u32>,
    /// For a merge: differences from the versions in further parents.
    pub other_parents: Vec<(BlobId, Vec<HunkRow>)>,
}

/// What the hunks of a file tell about the places of its changed lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Places {
    /// The hunks are the difference.
    #[default]
    Exact,
    /// Nothing: there are no hunks, although the versions differ.
    Unknown,
}

/// A run of added lines that stood somewhere before the change: they were moved, or only their white space changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeptRun {
    /// Index of the first of them after the change, from 0.
    pub new_start: u32,
    /// How many.
    pub lines: u32,
    /// Which of the change's files they stood in before, as an index into its files.
    pub file: u32,
    /// Index of the first of them in that file's version before the change, from 0.
    pub old_start: u32,
}

/// A run of lines that was replaced; indices count from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HunkRow {
    /// Index of the first removed line.
    pub old_start: u32,
    /// Number of removed lines.
    pub old_lines: u32,
    /// Index of the first added line.
    pub new_start: u32,
    /// Number of added lines.
    pub new_lines: u32,
    /// Old indices of removed lines that are blank, or stand on after the change: elsewhere, or with other white space.
    pub cosmetic: Vec<u32>,
    /// Old indices of removed lines that look like a comment by their first characters; used where no syntax facts of
    /// the old version exist.
    pub comment_like: Vec<u32>,
}

/// A content on its way to the parser; never arranged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlobContent {
    /// What it is, in which language.
    pub key: BlobKey,
    /// The text.
    pub text: Arc<str>,
}

/// A parse result's key: the same content in another language is another result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlobKey {
    /// The content.
    pub blob: BlobId,
    /// The grammar.
    pub language: Language,
}
