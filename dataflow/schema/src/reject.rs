//! Input that cannot be used: kept, counted and sent to `dead-letters`, so that nothing is ever lost.

use crate::ids::CommitId;
use crate::position::Position;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a record was not accepted; the code is stable and is a label of the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// The bytes are no UTF-8.
    NotUtf8,
    /// The bytes are no JSON of an event.
    NotAnEvent,
    /// The schema version is not one this build reads.
    UnknownSchema,
    /// There is no body, or more than one.
    NotOneBody,
    /// The repository name is missing, too long or not the record's key.
    BadRepository,
    /// A path is empty, absolute, too long, or leads out of the repository.
    BadPath,
    /// Something is larger than its limit.
    OverLimit,
    /// Hunks overlap, run backwards or do not fit the file.
    BadHunks,
    /// A blob id is not the hash of the content beside it.
    BlobMismatch,
    /// A value contradicts another: a deleted file with content, a merge with one parent.
    Contradiction,
    /// It claims to be a control record and is not one of the engine's own.
    ForgedControl,
}

impl RejectReason {
    /// The stable code, as in JSON.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotUtf8 => "not_utf8",
            Self::NotAnEvent => "not_an_event",
            Self::UnknownSchema => "unknown_schema",
            Self::NotOneBody => "not_one_body",
            Self::BadRepository => "bad_repository",
            Self::BadPath => "bad_path",
            Self::OverLimit => "over_limit",
            Self::BadHunks => "bad_hunks",
            Self::BlobMismatch => "blob_mismatch",
            Self::Contradiction => "contradiction",
            Self::ForgedControl => "forged_control",
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A header of a record, exactly as bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordHeader {
    /// Its name.
    pub name: Box<[u8]>,
    /// Its value, which may be absent.
    pub value: Option<Box<[u8]>>,
}

/// What a record carries besides the bytes of its key and its value. The default is that of most records: both are there,
/// the key is text, and there are no headers.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Envelope {
    /// The key, where it is no UTF-8 and so cannot be shown as text.
    pub key: Option<Box<[u8]>>,
    /// There is no key, as opposed to an empty one.
    pub key_is_null: bool,
    /// There is no value, as opposed to an empty one.
    pub value_is_null: bool,
    /// Headers, in order.
    pub headers: Vec<RecordHeader>,
}

/// A record that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reject {
    /// Where it stands.
    pub position: Position,
    /// Why, as a code.
    pub reason: RejectReason,
    /// What exactly and where in the record.
    pub detail: String,
    /// The record's key, as far as it is text.
    pub key: Box<str>,
    /// The commit, when the record is a change that says which.
    pub commit: Option<CommitId>,
    /// The original bytes.
    pub bytes: std::sync::Arc<[u8]>,
    /// What the record carries besides; `None` for one with a key of text, a value, and no headers.
    pub envelope: Option<std::sync::Arc<Envelope>>,
}
