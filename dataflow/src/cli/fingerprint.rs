//! Which author key a data folder was written with.
//!
//! Under another key every person would get a second pseudonym: experience would be split, and an erasure would reach
//! half of what a person did. So the folder remembers a fingerprint of its key, from which the key cannot be found, and
//! no other key is used or made for it.

use super::repositories::shown_path;
use crate::collect::AuthorKey;
use crate::log::{LogError, write_whole};
use crate::plain_file;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The file that holds the fingerprint, in hex.
const FILE: &str = "author-key.fingerprint";
/// Largest such file, in bytes.
const FILE_BYTES_MAX: u64 = 1_000;

/// Why the author key cannot be used with a data folder.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key's file is gone.
    #[error(
        "the author key {} is missing, and {} was written with one; bring it back from a copy, name it with \
         --author-key-file FILE, or begin a new data folder (--data DIR): a new key would give everybody a second pseudonym",
        shown_path(path),
        shown_path(data)
    )]
    Missing {
        /// Where the key was looked for.
        path: PathBuf,
        /// The data folder.
        data: PathBuf,
    },
    /// The key is another one.
    #[error(
        "the author key {} is not the one that {} was written with; name that one with --author-key-file FILE, or begin a \
         new data folder (--data DIR): another key would give everybody a second pseudonym",
        shown_path(path),
        shown_path(data)
    )]
    Another {
        /// The key's file.
        path: PathBuf,
        /// The data folder.
        data: PathBuf,
    },
    /// The fingerprint cannot be read.
    #[error(
        "the key's fingerprint {} cannot be read; if you are sure of the key, remove that file, and it is made anew",
        shown_path(path)
    )]
    Fingerprint {
        /// Its file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The fingerprint cannot be written.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// The fingerprint that stands in `data`.
fn remembered(data: &Path) -> Result<Option<String>, KeyError> {
    let path = data.join(FILE);
    match plain_file::read(&path, FILE_BYTES_MAX) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes).trim().to_owned();
            let digits = AuthorKey::new(*b"any key").fingerprint().to_string().len();
            if text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Ok(Some(text));
            }
            let what = if text.is_empty() { "it is empty" } else { "it holds something else than a fingerprint" };
            Err(KeyError::Fingerprint { path, source: std::io::Error::new(ErrorKind::InvalidData, what) })
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(KeyError::Fingerprint { path, source }),
    }
}

/// Whether the fingerprint in `data` can be read; a folder of an earlier version has none.
pub fn check_file(data: &Path) -> Result<(), KeyError> {
    remembered(data).map(drop)
}

/// Whether the log in `data` holds any record; earlier versions left no fingerprint beside it.
fn has_records(data: &Path) -> bool {
    let entries = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let partitions = entries(data.join(crate::log::LogConfig::default().topic));
    let mut segments = partitions.flat_map(|partition| entries(partition.path()));
    segments.any(|file| {
        file.path().extension().is_some_and(|end| end == "log") && file.metadata().is_ok_and(|it| it.len() > 0)
    })
}

/// Refuses to go on where a key would have to be made for a folder that was written with one.
pub fn may_be_made(data: &Path, key: &Path) -> Result<(), KeyError> {
    if key.exists() || (remembered(data)?.is_none() && !has_records(data)) {
        return Ok(());
    }
    Err(KeyError::Missing { path: key.to_owned(), data: data.to_owned() })
}

/// Refuses another key than the one that `data` was written with.
pub fn check(data: &Path, path: &Path, key: &AuthorKey) -> Result<(), KeyError> {
    match remembered(data)? {
        Some(fingerprint) if fingerprint != key.fingerprint().to_string() => {
            Err(KeyError::Another { path: path.to_owned(), data: data.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Remembers the key of a data folder, which must be locked.
pub fn remember(data: &Path, key: &AuthorKey) -> Result<(), KeyError> {
    if remembered(data)?.is_none() {
        write_whole(&data.join(FILE), format!("{}\n", key.fingerprint()).as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_key_and_a_lost_one_are_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (data, path) = (folder.path().join("data"), folder.path().join("key"));
        may_be_made(&data, &path).expect("nothing was written yet");
        std::fs::create_dir(&data).expect("is made");
        let key = AuthorKey::new(*b"a key of the test suite");
        check(&data, &path, &key).expect("the first key is taken");
        remember(&data, &key).expect("is written");
        check(&data, &path, &key).expect("it is the same");
        let error = check(&data, &path, &AuthorKey::new(*b"another key of the test")).expect_err("is refused");
        assert!(error.to_string().contains("--author-key-file"), "{error}");
        let error = may_be_made(&data, &path).expect_err("is refused");
        assert!(error.to_string().contains("bring it back"), "{error}");
        std::fs::write(&path, b"whatever").expect("is written");
        may_be_made(&data, &path).expect("there is a key");
    }

    #[test]
    fn a_fingerprint_that_is_none_is_called_that_and_not_another_key() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (file, key) = (folder.path().join(FILE), AuthorKey::new(*b"a key of the test suite"));
        for (bytes, words) in
            [(&b""[..], "empty"), (b"\n", "empty"), (b"zz", "something else"), (b"0a", "something else")]
        {
            std::fs::write(&file, bytes).expect("is written");
            let error = check(folder.path(), Path::new("key"), &key).expect_err("is refused");
            assert!(
                matches!(&error, KeyError::Fingerprint { source, .. } if source.to_string().contains(words)),
                "{error}"
            );
        }
    }

    #[test]
    fn a_folder_of_an_earlier_version_gets_no_new_key_either() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let partition = folder.path().join("code-events/0");
        std::fs::create_dir_all(&partition).expect("is made");
        let segment = partition.join("00000000000000000000.log");
        std::fs::write(&segment, b"").expect("is written");
        may_be_made(folder.path(), &folder.path().join("key")).expect("the log is empty");
        std::fs::write(&segment, b"a record").expect("is written");
        may_be_made(folder.path(), &folder.path().join("key")).expect_err("the log was written with a key");
    }
}
