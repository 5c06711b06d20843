//! The secret under which e-mail addresses become pseudonyms.
//!
//! The address itself is never stored. The same key gives the same pseudonym for ever, so all that
//! collects for an installation shares one key.

use super::error::CollectError;
use crate::log::ignore_in_git;
use crate::plain_file;
use driftline_schema::AuthorId;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Bytes of a key made here.
const KEY_BYTES: usize = 32;
/// Bytes a key must have at least: below, addresses could be found by trying keys.
const KEY_BYTES_MIN: usize = 16;
/// Bytes a key file may have: more is a mix-up of files.
const KEY_BYTES_MAX: u64 = 4096;

/// A key; its bytes are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorKey(Vec<u8>);

impl AuthorKey {
    /// The key of these bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }
    /// The key's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
    /// What tells this key from another without giving it away: the pseudonym of a text that is no address.
    pub fn fingerprint(&self) -> AuthorId {
        AuthorId::of(&self.0, "the fingerprint of a driftline author key")
    }
}

impl fmt::Debug for AuthorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorKey(..)")
    }
}

/// Where the key of an installation lies unless another file is named: in the user's configuration folder, so that
/// whatever collects for this user gives a person the same pseudonym.
pub fn default_author_key() -> PathBuf {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let configuration = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")));
    configuration.unwrap_or_else(|| PathBuf::from(".")).join("driftline").join("author.key")
}

/// The key kept in the file `path`; on first use 32 random bytes are written there, readable by the owner alone.
pub fn author_key(path: &Path) -> Result<AuthorKey, CollectError> {
    let refuse = |source| CollectError::AuthorKey { path: path.to_owned(), source };
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path).and_then(|()| read(path)),
        outcome => outcome,
    }
    .map_err(refuse)
}

fn read(path: &Path) -> io::Result<AuthorKey> {
    let file = plain_file::open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "others may read the author key; use mode 0600");
    }
    let mut bytes = Vec::new();
    file.take(KEY_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() < KEY_BYTES_MIN || bytes.len() as u64 > KEY_BYTES_MAX {
        let reason = format!("it has {} bytes, not {KEY_BYTES_MIN} to {KEY_BYTES_MAX}", bytes.len());
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    }
    Ok(AuthorKey(bytes))
}

/// Writes a key aside and links it into place, so that a reader never sees a part of it and the first of two writers
/// wins.
fn create(path: &Path) -> io::Result<()> {
    // A bare name has an empty parent, which is the current folder and was not made here.
    let parent = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = parent.filter(|folder| !folder.exists()) {
        fs::create_dir_all(folder)?;
        // A secret in a folder of its own must not be committed by accident.
        ignore_in_git(folder)?;
    }
    let mut key = [0; KEY_BYTES];
    fs::File::open("/dev/urandom")?.read_exact(&mut key)?;
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}.new", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
    let linked = file.write_all(&key).and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(&aside, path));
    fs::remove_file(&aside)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("data/author.key");
        let key = author_key(&path).expect("is made");
        assert_eq!(key.as_bytes().len(), KEY_BYTES);
        assert_eq!(author_key(&path).expect("is read"), key);
        assert_eq!(fs::metadata(&path).expect("exists").permissions().mode() & 0o777, 0o600);
        let names: Vec<_> = fs::read_dir(folder.path().join("data")).expect("readable").flatten().collect();
        let mut names: Vec<_> = names.iter().map(|entry| entry.file_name().into_string().expect("text")).collect();
        names.sort();
        assert_eq!(names, [".gitignore", "author.key"], "nothing is left aside");
        let other = author_key(&folder.path().join("other.key")).expect("is made");
        assert_ne!(other, key);
        assert!(!folder.path().join(".gitignore").exists(), "only a folder that was made is kept from git");
        assert_ne!(other.fingerprint(), key.fingerprint());
        assert_eq!(format!("{key:?}"), "AuthorKey(..)");
    }

    #[test]
    fn a_file_that_is_no_key_is_refused_by_name() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("short.key");
        fs::write(&path, b"short").expect("is written");
        let error = author_key(&path).expect_err("too short");
        assert!(error.to_string().contains("short.key"), "{error}");
        let error = author_key(Path::new("/dev/zero")).expect_err("a device is refused at once");
        assert!(error.to_string().contains("/dev/zero"), "{error}");
    }
}
