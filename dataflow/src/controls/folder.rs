//! Where the key of control records is kept, and what a data folder remembers of it.
//!
//! The secret is a file of the installation, beside the author key. A data folder notes which key its log was written
//! with, so that a lost or changed key is refused before anything is read, and never turns all models into rejects.

use super::ControlRule;
use crate::collect::default_author_key;
use crate::log::{LogError, write_whole};
use crate::plain_file;
use clap::Args;
use driftline_schema::ControlKey;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The file of a data folder that says which key its control records are sealed with.
const FILE: &str = "control.json";
/// Bytes of a key made here.
const KEY_BYTES: usize = 32;
/// Bytes a key must have at least: below, it could be found by trying.
const KEY_BYTES_MIN: usize = 16;
/// Bytes a key file may have: more is a mix-up of files.
const KEY_BYTES_MAX: u64 = 4096;

/// Where the key of control records is.
#[derive(Clone, Debug, Default, Args)]
pub struct ControlKeyArgs {
    /// Secret that seals control records (cuts, models in force, erasures); made on first use. Without it: the file that
    /// the data folder was written with, else `control.key` beside the author key.
    #[arg(long, value_name = "FILE", env = "DRIFTLINE_CONTROL_KEY_FILE")]
    pub control_key_file: Option<PathBuf>,
}

/// Why control records cannot be told from forged ones.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The key file cannot be used.
    #[error("the control key {} cannot be used", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The data folder was written with a key that is gone.
    #[error(
        "the control key {} is gone, with which {} was written. Put the file back or name it with --control-key-file. If \
         it is lost for good, `{mend}` takes the control records that stand in the log on trust and goes on with a new key",
        path.display(), data.display()
    )]
    Lost {
        /// The file.
        path: PathBuf,
        /// The data folder.
        data: PathBuf,
        /// The command that goes on without it.
        mend: String,
    },
    /// The key is not the one the log was written with.
    #[error(
        "{} holds another control key than the one {what} was written with. Name the right file with --control-key-file. \
         If it is lost for good, `{mend}` goes on with this one",
        path.display()
    )]
    Another {
        /// The file.
        path: PathBuf,
        /// The data folder or topic.
        what: String,
        /// The command that goes on without it.
        mend: String,
    },
    /// The data folder's note cannot be read.
    #[error("{} is damaged: {reason}. Remove it to take the control records that stand in the log on trust", path.display())]
    Note {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The data folder.
    #[error(transparent)]
    Data(#[from] LogError),
}

/// What a data folder remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    format: u32,
    /// The log.
    log: String,
    /// Tells the key from others.
    fingerprint: String,
    /// Where the key was last found.
    key_file: PathBuf,
    /// Offsets before which control records are taken on trust: they were there when the folder got its key.
    trusted_until: Vec<u64>,
}

/// A data folder as the rule of control records is opened for it.
pub struct Folder<'a> {
    /// The folder; whoever may change what it remembers holds its lock.
    pub path: &'a Path,
    /// The name of its log.
    pub log: String,
    /// The key's file, where the user names one.
    pub key_file: Option<PathBuf>,
    /// The author key's file, where the user names one: the control key lies beside it.
    pub author_key_file: Option<PathBuf>,
    /// The command that goes on when the key is lost.
    pub mend: String,
}

impl Folder<'_> {
    fn note_path(&self) -> PathBuf {
        self.path.join(FILE)
    }

    /// What the folder remembers of its control key; an error where that cannot be understood.
    fn note(&self) -> Result<Option<Note>, ControlError> {
        let path = self.note_path();
        let damaged = |reason: String| ControlError::Note { path: path.clone(), reason };
        let bytes = match plain_file::read(&path, plain_file::TEXT_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(LogError::io("read", &path, source).into()),
        };
        let note: Note = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if note.format != 1 {
            return Err(damaged(format!("it has format {}, this build reads 1", note.format)));
        }
        Ok(Some(note))
    }

    /// Whether what the folder remembers of its control key can be read, and is the key it would be opened with; one that
    /// remembers nothing yet is fine.
    pub(crate) fn check_note(&self) -> Result<(), ControlError> {
        match self.note()? {
            Some(_) => read_controls(self).map(drop),
            None => Ok(()),
        }
    }

    /// The key that the folder was written with.
    fn noted_key(&self, note: &Note, file: &Path) -> Result<ControlKey, ControlError> {
        let key = match read(file) {
            Ok(bytes) => self.key(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (path, data, mend) = (file.to_owned(), self.path.to_owned(), self.mend.clone());
                return Err(ControlError::Lost { path, data, mend });
            }
            Err(source) => return Err(ControlError::Key { path: file.to_owned(), source }),
        };
        if key.fingerprint() != note.fingerprint {
            let (what, mend) = (self.path.display().to_string(), self.mend.clone());
            return Err(ControlError::Another { path: file.to_owned(), what, mend });
        }
        Ok(key)
    }

    fn default_file(&self) -> PathBuf {
        let named =
            || std::env::var_os("DRIFTLINE_AUTHOR_KEY_FILE").filter(|value| !value.is_empty()).map(PathBuf::from);
        let author = self.author_key_file.clone().or_else(named).unwrap_or_else(default_author_key);
        author.with_file_name("control.key")
    }

    /// The key's file: as the user names it, else where it was last found, else where it lies by default. The default
    /// also serves where the file is no longer found: folder and key may have moved together.
    pub(crate) fn key_path(&self) -> Result<PathBuf, ControlError> {
        if let Some(named) = &self.key_file {
            return Ok(named.clone());
        }
        let default = self.default_file();
        let noted = self.note()?.map(|note| note.key_file);
        Ok(noted.filter(|noted| noted.exists() || !default.exists()).unwrap_or(default))
    }

    fn write(&self, key: &ControlKey, file: &Path, trusted_until: Vec<u64>) -> Result<(), ControlError> {
        let key_file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let note = Note { format: 1, log: self.log.clone(), fingerprint: key.fingerprint(), key_file, trusted_until };
        let bytes = serde_json::to_vec(&note).expect("names and numbers are written as JSON");
        Ok(write_whole(&self.note_path(), &bytes)?)
    }

    fn key(&self, bytes: &[u8]) -> ControlKey {
        ControlKey::of_log(bytes, &self.log)
    }
}

/// The rule of a data folder. In a folder that has none yet, `stands` says up to where control records are taken on
/// trust, and may refuse the key; that is remembered before anything else is written.
pub fn open_controls<E: From<ControlError>>(
    folder: &Folder<'_>,
    stands: impl FnOnce(&ControlRule) -> Result<Vec<u64>, E>,
) -> Result<ControlRule, E> {
    let note = folder.note()?;
    let file = folder.key_path()?;
    let refuse = |source| ControlError::Key { path: file.clone(), source };
    let Some(note) = note else {
        let key = folder.key(&read_or_create(&file).map_err(refuse)?);
        let trusted_until = stands(&ControlRule::new(key.clone(), Vec::new()))?;
        folder.write(&key, &file, trusted_until.clone())?;
        return Ok(ControlRule::new(key, trusted_until));
    };
    let key = folder.noted_key(&note, &file)?;
    if std::path::absolute(&file).is_ok_and(|file| file != note.key_file) {
        folder.write(&key, &file, note.trusted_until.clone())?;
    }
    Ok(ControlRule::new(key, note.trusted_until))
}

/// The rule of a data folder that another process holds; nothing is written.
pub(crate) fn read_controls(folder: &Folder<'_>) -> Result<ControlRule, ControlError> {
    let (path, file) = (folder.note_path(), folder.key_path()?);
    let note = folder.note()?.ok_or_else(|| ControlError::Note { path, reason: "it is missing".to_owned() })?;
    let key = folder.noted_key(&note, &file)?;
    Ok(ControlRule::new(key, note.trusted_until))
}

/// Gives the folder another key, made where it is missing; what stands in the log before `trusted_until` is taken on
/// trust from now on. Returns the key's file.
pub(crate) fn change_key(folder: &Folder<'_>, trusted_until: Vec<u64>) -> Result<PathBuf, ControlError> {
    let file = folder.key_path()?;
    let key = read_or_create(&file).map_err(|source| ControlError::Key { path: file.clone(), source })?;
    folder.write(&folder.key(&key), &file, trusted_until)?;
    Ok(file)
}

/// Whether the key in a file can be used; one that is not there is made when it is needed.
pub(crate) fn check_key_file(path: &Path) -> io::Result<()> {
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome.map(drop),
    }
}

fn read_or_create(path: &Path) -> io::Result<Vec<u8>> {
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path).and_then(|()| read(path)),
        outcome => outcome,
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = plain_file::open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "others may read the control key; use mode 0600");
    }
    let mut bytes = Vec::new();
    file.take(KEY_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() < KEY_BYTES_MIN || bytes.len() as u64 > KEY_BYTES_MAX {
        let reason = format!("it has {} bytes, not {KEY_BYTES_MIN} to {KEY_BYTES_MAX}", bytes.len());
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    }
    Ok(bytes)
}

/// Writes a key aside and links it into place, so that a reader never sees a part of it and the first of two writers
/// wins.
fn create(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
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
    use crate::log::{DataDir, scratch};

    fn open(dir: &Path, key: Option<&Path>, stands: &[u64]) -> Result<Vec<u64>, ControlError> {
        let dir = DataDir::open(dir.join("data")).expect("free");
        let folder = Folder {
            path: dir.path(),
            log: "embedded:code-events".to_owned(),
            key_file: key.map(Path::to_owned),
            author_key_file: Some(dir.path().with_file_name("author.key")),
            mend: "driftline check --data DIR --new-control-key".to_owned(),
        };
        open_controls(&folder, |_| Ok(stands.to_vec())).map(|rule| rule.trusted_until)
    }

    #[test]
    fn the_key_is_made_once_beside_the_author_key_and_the_folder_remembers_it() {
        let scratch = scratch();
        let key = scratch.path().join("control.key");
        assert_eq!(open(scratch.path(), None, &[5, 3]).expect("migrates"), [5, 3]);
        assert_eq!(fs::metadata(&key).expect("is made").permissions().mode() & 0o777, 0o600);
        assert_eq!(open(scratch.path(), None, &[9, 9]).expect("opens"), [5, 3], "the first answer stands");
        let moved = scratch.path().join("elsewhere.key");
        fs::rename(&key, &moved).expect("moves");
        let refused = open(scratch.path(), None, &[]).expect_err("is gone").to_string();
        assert!(refused.contains("control.key is gone") && refused.contains("--new-control-key"), "{refused}");
        assert!(!key.exists(), "no other key is made in silence");
        assert_eq!(open(scratch.path(), Some(&moved), &[]).expect("opens"), [5, 3]);
        assert_eq!(open(scratch.path(), None, &[]).expect("remembers where it is"), [5, 3]);
    }

    #[test]
    fn a_check_finds_a_key_that_the_folder_could_not_be_opened_with() {
        let scratch = scratch();
        let (data, key) = (scratch.path().join("data"), scratch.path().join("control.key"));
        open(scratch.path(), None, &[]).expect("opens");
        let check = || {
            let author_key_file = Some(scratch.path().join("author.key"));
            let (log, mend) = ("embedded:code-events".to_owned(), "mend".to_owned());
            Folder { path: &data, log, key_file: None, author_key_file, mend }
                .check_note()
                .map_err(|error| error.to_string())
        };
        check().expect("is right");
        let bytes = fs::read(&key).expect("reads");
        fs::write(&key, b"another key of enough bytes").expect("writes");
        assert!(check().expect_err("is another").contains("holds another control key"));
        fs::remove_file(&key).expect("removes");
        assert!(check().expect_err("is gone").contains("is gone"));
        assert!(!key.exists(), "a check makes nothing");
        fs::write(&key, bytes).expect("writes");
        let note = fs::read_to_string(data.join(FILE)).expect("reads");
        let flipped = note.replacen("\"fingerprint\":\"", "\"fingerprint\":\"0", 1);
        fs::write(data.join(FILE), flipped).expect("writes");
        assert!(check().expect_err("is another").contains("holds another control key"));
    }

    #[test]
    fn a_folder_that_moves_with_its_key_finds_it_beside_the_author_key() {
        let scratch = scratch();
        let (here, there) = (scratch.path().join("here"), scratch.path().join("there"));
        open(&here, None, &[4]).expect("opens");
        fs::rename(&here, &there).expect("moves");
        assert_eq!(open(&there, None, &[]).expect("opens"), [4]);
        assert!(!here.exists(), "no key is made where it was");
    }

    #[test]
    fn another_key_and_a_file_that_is_no_key_are_refused_by_name() {
        let scratch = scratch();
        open(scratch.path(), None, &[]).expect("opens");
        let other = scratch.path().join("other.key");
        fs::write(&other, [7; 32]).expect("writes");
        let refused = open(scratch.path(), Some(&other), &[]).expect_err("another").to_string();
        assert!(refused.contains("other.key holds another control key"), "{refused}");
        fs::write(&other, b"short").expect("writes");
        assert!(matches!(open(scratch.path(), Some(&other), &[]), Err(ControlError::Key { .. })));
        assert!(matches!(open(scratch.path(), Some(Path::new("/dev/zero")), &[]), Err(ControlError::Key { .. })));
        fs::write(scratch.path().join("data").join(FILE), b"{").expect("writes");
        assert!(matches!(open(scratch.path(), None, &[]), Err(ControlError::Note { .. })));
    }
}
