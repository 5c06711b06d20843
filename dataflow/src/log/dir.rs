//! The data directory and its lock: one process writes it at a time.
//!
//! The lock is the operating system's, on an open file, so it ends with the process however that ends; a leftover
//! `LOCK` file alone locks nothing. A holder that serves HTTP writes where into the directory; whoever takes the lock
//! removes what an earlier one left, so the address that is found there is the present holder's.

use super::error::LogError;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The data folder of a work tree, which is found by this name.
pub(crate) const FOLDER: &str = ".driftline";

/// How deep a data folder is: the log, its partitions, their segments.
const DEPTH: usize = 3;

/// Refuses a data folder with a symbolic link in it: what is written there would be written to a file that lies elsewhere
/// and is somebody else's. A repository that is cloned can bring such links along. The folder itself may be one where the
/// user names it; the folder `.driftline`, which is found by its name, may not.
fn refuse_links(path: &Path) -> Result<(), LogError> {
    let is_link = |path: &Path| path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
    if path.file_name().is_some_and(|name| name == FOLDER) && is_link(path) {
        return Err(LogError::misplaced(path, "it is a symbolic link; name the folder that it leads to with --data"));
    }
    refuse_links_in(path, DEPTH)
}

fn refuse_links_in(folder: &Path, depth: usize) -> Result<(), LogError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        // What is no folder yet is made, and what cannot be read is told by whoever opens it.
        Err(_) => return Ok(()),
    };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_symlink() {
            let reason = "it is a symbolic link, and a data folder has none: what is written to it would go elsewhere. Remove \
                          it, or put the file it leads to in its place";
            return Err(LogError::misplaced(&entry.path(), reason));
        }
        if kind.is_dir() && depth > 1 {
            refuse_links_in(&entry.path(), depth - 1)?;
        }
    }
    Ok(())
}

/// Tries for a fifth of a second: a child process that is just being started holds a copy of every open file until it
/// runs its own program, and with it the lock of a directory that was closed meanwhile.
fn try_lock(file: &File) -> Result<(), TryLockError> {
    for _ in 0..20 {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(std::time::Duration::from_millis(10)),
            outcome => return outcome,
        }
    }
    file.try_lock()
}

/// A locked data directory. Clones share the lock, which ends with the last of them.
#[derive(Clone, Debug)]
pub struct DataDir {
    path: PathBuf,
    lock: Arc<File>,
}

impl DataDir {
    /// Creates the directory where needed and locks it; fails at once when another holder has it.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, LogError> {
        let path = path.into();
        refuse_links(&path)?;
        let is_new = std::fs::read_dir(&path).map_or(true, |mut entries| entries.next().is_none());
        create_dir(&path)?;
        if is_new {
            ignore_in_git(&path).map_err(|source| LogError::io("write .gitignore in", &path, source))?;
        }
        let file_path = path.join("LOCK");
        // A pipe or a device cannot be locked.
        crate::plain_file::output(&file_path).map_err(|source| LogError::io("lock", &file_path, source))?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&file_path)
            .map_err(|source| LogError::io("open", &file_path, source))?;
        match try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = Holder::read(&path).map_or_else(|| "another process".to_owned(), |holder| holder.words());
                return Err(LogError::Locked { holder, path });
            }
            Err(TryLockError::Error(source)) => return Err(LogError::io("lock", &file_path, source)),
        }
        // The process id is only for the message above; the lock itself is what counts.
        let noted = file.set_len(0).and_then(|()| file.write_all(std::process::id().to_string().as_bytes()));
        noted.map_err(|source| LogError::io("write", &file_path, source))?;
        let dir = Self { path, lock: Arc::new(file) };
        dir.withdraw();
        Ok(dir)
    }

    /// Tells other processes where this one answers.
    pub fn announce(&self, url: &str) -> Result<(), LogError> {
        let address = Address { pid: std::process::id(), url: url.to_owned() };
        write_whole(&self.path.join(ADDRESS), &serde_json::to_vec(&address).expect("a number and a text"))
    }

    /// Takes that back. What cannot be removed names a process that no longer holds the lock and is not asked.
    pub fn withdraw(&self) {
        let _ = std::fs::remove_file(self.path.join(ADDRESS));
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the folder is still the one that was opened: one that was removed takes what is written without a word.
    pub fn check(&self) -> Result<(), LogError> {
        use std::os::unix::fs::MetadataExt as _;
        let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        let there = std::fs::metadata(self.path.join("LOCK")).map(identity).ok();
        match self.lock.metadata().map(identity) {
            Ok(held) if there != Some(held) => Err(LogError::Gone { path: self.path.clone() }),
            _ => Ok(()),
        }
    }
}

/// The file that says where the holder of the lock answers.
const ADDRESS: &str = "engine.json";

/// What is in it.
#[derive(Serialize, Deserialize)]
struct Address {
    pid: u32,
    url: String,
}

/// Who has a data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// Where it answers, if it does.
    pub url: Option<String>,
}

impl Holder {
    /// Whoever noted itself as holder of `path`; only while the lock is held does that say anything.
    pub fn read(path: &Path) -> Option<Self> {
        let pid = read_small(&path.join("LOCK"))?.trim().parse().ok()?;
        let address = read_small(&path.join(ADDRESS)).and_then(|text| serde_json::from_str::<Address>(&text).ok());
        Some(Self { pid, url: address.filter(|address| address.pid == pid).map(|address| address.url) })
    }

    fn words(&self) -> String {
        match &self.url {
            Some(url) => format!("process {}, which answers at {url}", self.pid),
            None => format!("process {}", self.pid),
        }
    }
}

/// The text of a file that this program wrote and that is a few words long.
fn read_small(path: &Path) -> Option<String> {
    let mut text = String::new();
    crate::plain_file::open(path).ok()?.take(4_096).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Creates `path` and makes its name durable.
pub(crate) fn create_dir(path: &Path) -> Result<(), LogError> {
    std::fs::create_dir_all(path).map_err(|source| LogError::io("create", path, source))?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_dir(parent),
        _ => Ok(()),
    }
}

/// Keeps git from seeing a folder that was just made, wherever it lies. An older `.gitignore` is left alone.
pub(crate) fn ignore_in_git(folder: &Path) -> std::io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).open(folder.join(".gitignore")) {
        Ok(mut file) => file.write_all(b"# Made by driftline: nothing in here belongs into a repository.\n*\n"),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes the names in `path` durable: a synced file whose name is lost is lost too.
pub(crate) fn sync_dir(path: &Path) -> Result<(), LogError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(|source| LogError::io("sync", path, source))
}

/// Writes a small file so that it is either there and whole or not there at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), LogError> {
    let fresh = path.with_extension("tmp");
    // Left by a crash; whatever else has the name could make its opening wait for ever.
    match std::fs::remove_file(&fresh) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(LogError::io("remove", &fresh, source));
        }
        _ => {}
    }
    let written = OpenOptions::new().write(true).create_new(true).open(&fresh).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|source| LogError::io("write", &fresh, source))?;
    std::fs::rename(&fresh, path).map_err(|source| LogError::io("rename", &fresh, source))?;
    path.parent().map_or(Ok(()), sync_dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_ignores_a_new_folder_and_nothing_that_was_there() {
        let dir = crate::log::scratch();
        let (new, old) = (dir.path().join("new"), dir.path().join("old"));
        std::fs::create_dir(&old).expect("is made");
        std::fs::write(old.join("work"), b"of somebody else").expect("is written");
        DataDir::open(&new).expect("is made");
        DataDir::open(&old).expect("is opened");
        let text = std::fs::read_to_string(new.join(".gitignore")).expect("is written");
        assert!(text.lines().any(|line| line == "*"), "{text}");
        assert!(!old.join(".gitignore").exists());
    }

    #[test]
    fn a_folder_with_a_link_in_it_is_refused_and_what_the_link_leads_to_is_left() {
        use std::os::unix::fs::symlink;
        let dir = crate::log::scratch();
        let (data, victim) = (dir.path().join("data"), dir.path().join("victim"));
        std::fs::create_dir_all(data.join("code-events/0")).expect("is made");
        std::fs::write(&victim, b"of somebody else").expect("is written");
        for name in ["LOCK", "bindings", "models", "code-events/0/00000000000000000000.log", "code-events/1"] {
            symlink(&victim, data.join(name)).expect("is linked");
            let refused = DataDir::open(&data).expect_err(name).to_string();
            assert!(refused.contains(name) && refused.contains("symbolic link"), "{refused}");
            assert_eq!(std::fs::read(&victim).expect("reads"), b"of somebody else");
            std::fs::remove_file(data.join(name)).expect("removes");
        }
        DataDir::open(&data).expect("is opened");
        symlink(&data, dir.path().join(FOLDER)).expect("is linked");
        let refused = DataDir::open(dir.path().join(FOLDER)).expect_err("is found by its name").to_string();
        assert!(refused.contains("--data"), "{refused}");
        symlink(&data, dir.path().join("elsewhere")).expect("is linked");
        DataDir::open(dir.path().join("elsewhere")).expect("is named by the user");
    }

    #[test]
    fn a_second_holder_is_refused_until_the_first_is_gone() {
        let dir = crate::log::scratch();
        let first = DataDir::open(dir.path()).expect("free");
        let clone = first.clone();
        drop(first);
        let refused = DataDir::open(dir.path()).expect_err("held by the clone").to_string();
        assert!(refused.contains("in use by process"), "{refused}");
        assert!(refused.contains(&std::process::id().to_string()), "{refused}");
        assert!(refused.contains("--data"), "it says what to do: {refused}");
        drop(clone);
        DataDir::open(dir.path()).expect("free again");
    }

    #[test]
    fn a_folder_that_was_removed_or_replaced_is_noticed() {
        let dir = crate::log::scratch();
        let data = dir.path().join("data");
        let held = DataDir::open(&data).expect("free");
        held.check().expect("is there");
        std::fs::rename(&data, dir.path().join("moved")).expect("moves");
        assert!(held.check().expect_err("is gone").to_string().contains("is gone or was replaced"));
        let _other = DataDir::open(&data).expect("is made anew");
        held.check().expect_err("is another");
    }

    #[test]
    fn the_address_is_the_present_holders_or_none() {
        let dir = crate::log::scratch();
        let first = DataDir::open(dir.path()).expect("free");
        let pid = std::process::id();
        assert_eq!(Holder::read(dir.path()), Some(Holder { pid, url: None }));
        first.announce("http://127.0.0.1:7").expect("is written");
        let url = Some("http://127.0.0.1:7".to_owned());
        assert_eq!(Holder::read(dir.path()), Some(Holder { pid, url }));
        let refused = DataDir::open(dir.path()).expect_err("held").to_string();
        assert!(refused.contains("which answers at http://127.0.0.1:7"), "{refused}");
        // It ends without taking the address back, and another takes the lock.
        drop(first);
        let _second = DataDir::open(dir.path()).expect("free");
        assert_eq!(Holder::read(dir.path()), Some(Holder { pid, url: None }));
        let other = Address { pid: pid + 1, url: "http://127.0.0.1:8".to_owned() };
        std::fs::write(dir.path().join(ADDRESS), serde_json::to_vec(&other).expect("JSON")).expect("is written");
        assert_eq!(Holder::read(dir.path()).and_then(|holder| holder.url), None, "another process's address");
    }
}
