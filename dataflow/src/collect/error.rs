//! Why a history cannot be collected, or its events not be handed on.
//!
//! Odd content (a binary file, a missing parent, an author without an address) is data and never an error; an object
//! that should be there and is not ends the collection, because what follows would silently lack it.

use crate::terminal::shown;
use std::path::PathBuf;

/// Whatever the library below had to say.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why collecting stopped.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The path is a repository that is damaged, or not one this build reads.
    #[error(
        "the git repository at {} cannot be opened; `git -C {} status` shows what is wrong with it",
        path.display(),
        path.display()
    )]
    CannotOpen {
        /// What was given.
        path: PathBuf,
        /// Why not.
        source: Cause,
    },
    /// A file of a repository is a named pipe or a device.
    #[error("{} belongs to a git repository and cannot be read", file.display())]
    NotRegular {
        /// The file.
        file: PathBuf,
        /// What it is.
        source: std::io::Error,
    },
    /// The path is no git repository.
    #[error("{} is no git repository and lies in none; give a work tree, a folder in one, or a bare repository", path.display())]
    NotARepository {
        /// What was given.
        path: PathBuf,
        /// Why not.
        source: Cause,
    },
    /// A revision or branch was asked for that does not exist.
    #[error(
        "`{revision}` names no commit of repository `{repository}`; `git branch --all` and `git tag` list what there is"
    )]
    UnknownRevision {
        /// What was asked for.
        revision: String,
        /// The repository's name.
        repository: String,
        /// Why not.
        source: Cause,
    },
    /// A branch was asked for that does not exist.
    #[error(
        "`{}` is no branch of repository `{}`: {}; --branch takes a local or remote-tracking branch by its short or full name",
        shown(branch),
        shown(repository),
        shown(why)
    )]
    NoSuchBranch {
        /// What was asked for.
        branch: String,
        /// The repository's name.
        repository: String,
        /// What it is instead, or what there is.
        why: String,
    },
    /// The references are damaged or not readable.
    #[error("the references of repository `{repository}` cannot be read; `git fsck` shows what is damaged")]
    References {
        /// The repository's name.
        repository: String,
        /// Why not.
        source: Cause,
    },
    /// None of the branches that were followed is there any more.
    #[error(
        "repository `{repository}` has no branch left of those that were followed; what is known of it stays as it is"
    )]
    NoBranch {
        /// The repository's name.
        repository: String,
    },
    /// Where one repository was followed stands another now.
    #[error(
        "another repository, which calls itself `{found}`, stands where `{repository}` was followed; what is known of that \
         one stays as it is; restart driftline to follow the other"
    )]
    AnotherRepository {
        /// The name of the one that was followed.
        repository: String,
        /// The name of the one that is there.
        found: String,
    },
    /// None of the commits that are known is left.
    #[error(
        "another repository stands where `{}` was followed, or its whole history was rewritten: it shares no commit with \
         what is known, which stays as it is; to follow what is there now, give it another name (--repo NAME=PATH) or \
         another data folder (--data DIR)",
        shown(repository)
    )]
    OtherHistory {
        /// The repository's name.
        repository: String,
    },
    /// Two of the repositories that are followed have one name.
    #[error("{} and {} are both called `{repository}`", path.display(), other.display())]
    SameName {
        /// The name.
        repository: String,
        /// The second.
        path: PathBuf,
        /// The first.
        other: PathBuf,
    },
    /// An object is missing, damaged or not readable.
    #[error("object {id} of repository `{repository}` cannot be read ({place}); `git fsck` shows what is damaged")]
    Object {
        /// The object, in hex.
        id: String,
        /// The repository's name.
        repository: String,
        /// What it is and where it is needed.
        place: String,
        /// Why not.
        source: Cause,
    },
    /// The system gives no further thread.
    #[error("no thread to collect repository `{repository}` can be started; raise the limit of processes (ulimit -u)")]
    Thread {
        /// The repository's name.
        repository: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The key of author pseudonyms cannot be read or made.
    #[error("the author key {} cannot be used; --author-key-file FILE names another", path.display())]
    AuthorKey {
        /// The key's file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The target is not of a form known here.
    #[error("`{target}` is no target; expected kafka://HOST:PORT[,HOST:PORT]/TOPIC")]
    UnknownTarget {
        /// What was given.
        target: String,
    },
    /// The file or pipe did not take the events.
    #[error(
        "events cannot be written to {target}; --out FILE names a file that is new or may be replaced, `-` standard output"
    )]
    Output {
        /// The file's name, or `standard output`.
        target: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The brokers are not reachable or refused a record.
    #[error("Kafka at {brokers} did not take the events: {reason}; does it run, and is the topic there?")]
    Kafka {
        /// Where the brokers were looked for.
        brokers: String,
        /// What the client reported.
        reason: String,
    },
}
