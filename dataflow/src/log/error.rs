//! What can go wrong with files of the data directory.
//!
//! Every message names the file; for damage also the byte.

use std::path::{Path, PathBuf};

/// Why the embedded log (or another file of the data directory) cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Another process, or another part of this one, has the data directory.
    #[error(
        "{} is in use by {holder}; one process at a time works on a data folder: let that one end, or name another folder \
         with --data",
        path.display()
    )]
    Locked {
        /// The data directory.
        path: PathBuf,
        /// Who that is, in words.
        holder: String,
    },
    /// The operating system refused.
    #[error("cannot {action} {}{}", path.display(), advice(source))]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// Bytes that had been made durable are not what was written. Nothing is mended by itself: a copy may still exist.
    #[error(
        "{} is damaged at byte {byte}: {reason}. Nothing was changed. Put the file back from a copy, or run `driftline check \
         --data {} --repair`, which moves the damaged bytes aside and goes on without them",
        path.display(), data_folder(path).display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the first bad record begins.
        byte: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A file or folder that only a person can put right: it lies in the wrong place, or what was lost cannot be told.
    #[error("{}: {reason}. Nothing was changed", path.display())]
    Misplaced {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// The data folder that this process holds is not where it was opened.
    #[error(
        "the data folder {} is gone or was replaced while it was in use; what was written since is lost. Bring it back from \
         a copy, or start again to make a new one",
        path.display()
    )]
    Gone {
        /// Where it was.
        path: PathBuf,
    },
    /// The folder belongs to an engine whose log is elsewhere.
    #[error(
        "{} is the data folder of `driftline run` on the topic {topic}: its log is in the cluster, and only a running engine \
         answers from it. Start it with `driftline run --config FILE`, or name another folder with --data DIR",
        path.display()
    )]
    OfKafka {
        /// The data folder.
        path: PathBuf,
        /// The topic.
        topic: String,
    },
    /// The record is larger than the log takes.
    #[error("a record of {key_bytes} bytes of key and {payload_bytes} of payload is over the limit")]
    TooLarge {
        /// Size of the key.
        key_bytes: usize,
        /// Size of the payload.
        payload_bytes: usize,
    },
    /// A topic's name could not be a folder's name.
    #[error("`{0}` is no topic name: 1 to 249 of letters, digits, `.`, `_`, `-`")]
    TopicName(String),
    /// An earlier sync failed, so it is unknown what of the file is durable; only a restart can tell.
    #[error("{} failed to sync earlier; restart to go on from what is durable", path.display())]
    Halted {
        /// The file.
        path: PathBuf,
    },
    /// The partition does not hold this offset.
    #[error("{} holds offsets up to {end}, not {wanted}", path.display())]
    NoSuchOffset {
        /// The partition's folder.
        path: PathBuf,
        /// The next offset to be written.
        end: u64,
        /// The offset asked for.
        wanted: u64,
    },
}

/// What to do about a failure that passes.
fn advice(source: &std::io::Error) -> &'static str {
    match source.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            "; make room on that disk and start again: what was acknowledged is kept"
        }
        std::io::ErrorKind::FileTooLarge => "; files of this process may not grow so far (ulimit -f)",
        _ => "",
    }
}

/// The data folder that a file lies in: the one with the lock.
pub(crate) fn data_folder(path: &Path) -> &Path {
    path.ancestors().find(|folder| folder.join("LOCK").exists()).unwrap_or(path)
}

impl LogError {
    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
    pub(crate) fn damaged(path: &Path, byte: u64, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), byte, reason: reason.into() }
    }
    pub(crate) fn misplaced(path: &Path, reason: impl Into<String>) -> Self {
        Self::Misplaced { path: path.to_owned(), reason: reason.into() }
    }
}
