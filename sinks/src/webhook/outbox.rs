//! One endpoint's messages on disk: `outbox/` waits, `dead/` was given up.
//!
//! A message is one file; moving it between the folders is a rename. File names begin with the closed time and the place in
//! it, so their order is the order of the messages, and applying a time again finds its files there.

use super::encode::Message;
use crate::files::{replace, sync_folder};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Dead letters kept for one endpoint; the oldest go first.
const DEAD_MAX: usize = 10_000;

/// A message as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) alert: String,
    pub(super) body: String,
    /// Attempts so far.
    pub(super) attempts: u32,
    /// When it is tried next, milliseconds since 1970.
    pub(super) due_ms: i64,
    /// What the last attempt met.
    pub(super) error: Option<String>,
}

impl Stored {
    pub(super) fn new(message: &Message, now_ms: i64) -> Self {
        let Message { id, alert, body } = message.clone();
        Self { id, alert, body, attempts: 0, due_ms: now_ms, error: None }
    }
}

/// What the delivery thread must know of a waiting message.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) alert: String,
    pub(super) due_ms: i64,
}

/// The folders of one endpoint.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    root: PathBuf,
}

impl Outbox {
    /// Makes the folders where they are missing.
    pub(super) fn open(root: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(root.join("outbox"))?;
        fs::create_dir_all(root.join("dead"))?;
        Ok(Self { root })
    }
    fn waiting_path(&self, name: &str) -> PathBuf {
        self.root.join("outbox").join(name)
    }
    fn dead_path(&self, name: &str) -> PathBuf {
        self.root.join("dead").join(name)
    }
    /// The file name of message number `index` of a closed time.
    pub(super) fn file_name(time: u64, index: usize, id: &str) -> String {
        format!("{time:016x}-{index:04x}-{id}.json")
    }
    /// Whether the message is there already, waiting or given up.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.waiting_path(name).exists() || self.dead_path(name).exists()
    }
    /// Stores a waiting message.
    pub(super) fn store(&self, name: &str, stored: &Stored) -> io::Result<()> {
        replace(&self.waiting_path(name), &serde_json::to_vec(stored).map_err(io::Error::other)?)
    }
    /// Stores a message that is given up at once.
    pub(super) fn store_dead(&self, name: &str, stored: &Stored) -> io::Result<()> {
        replace(&self.dead_path(name), &serde_json::to_vec(stored).map_err(io::Error::other)?)?;
        self.trim_dead()
    }
    /// A waiting message; `None` when the file is gone.
    pub(super) fn load(&self, name: &str) -> io::Result<Option<Stored>> {
        read(&self.waiting_path(name))
    }
    /// Forgets a delivered message.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.waiting_path(name);
        fs::remove_file(&path)?;
        sync_folder(&path)
    }
    /// Gives a message up.
    pub(super) fn bury(&self, name: &str, stored: &Stored) -> io::Result<()> {
        self.store_dead(name, stored)?;
        self.remove(name)
    }
    fn trim_dead(&self) -> io::Result<()> {
        let names = names(&self.root.join("dead"))?;
        names
            .iter()
            .take(names.len().saturating_sub(DEAD_MAX))
            .try_for_each(|name| fs::remove_file(self.dead_path(name)))
    }
    /// How many messages were given up.
    pub(super) fn dead(&self) -> io::Result<usize> {
        Ok(names(&self.root.join("dead"))?.len())
    }
    /// All waiting messages by file name. An unreadable file goes to the dead letters as it is.
    pub(super) fn scan(&self) -> io::Result<BTreeMap<String, Waiting>> {
        let mut waiting = BTreeMap::new();
        for name in names(&self.root.join("outbox"))? {
            match self.load(&name) {
                Ok(Some(stored)) => _ = waiting.insert(name, Waiting { alert: stored.alert, due_ms: stored.due_ms }),
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%name, %error, "a stored webhook cannot be read and goes to the dead letters");
                    fs::rename(self.waiting_path(&name), self.dead_path(&name))?;
                }
            }
        }
        Ok(waiting)
    }
    /// Why nothing is sent to this endpoint any more.
    pub(super) fn disabled(&self) -> Option<String> {
        fs::read_to_string(self.root.join("disabled")).ok()
    }
    /// Stops sending until the file `disabled` is removed.
    pub(super) fn disable(&self, why: &str) -> io::Result<()> {
        replace(&self.root.join("disabled"), why.as_bytes())
    }
}

fn read(path: &Path) -> io::Result<Option<Stored>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// File names of messages, in order.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".json") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// A message that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// The endpoint it was meant for.
    pub endpoint: String,
    /// Its file, which [`resend`] takes.
    pub file: String,
    /// Its `webhook-id`.
    pub id: String,
    /// The alert it speaks of.
    pub alert: String,
    /// Attempts made.
    pub attempts: u32,
    /// What the last attempt met.
    pub error: Option<String>,
}

/// The dead letters of every endpoint below `directory`, oldest first.
pub fn dead_letters(directory: &Path) -> io::Result<Vec<DeadLetter>> {
    let mut letters = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let folder = entry.path().join("dead");
        let endpoint = entry.file_name().to_string_lossy().into_owned();
        if !folder.is_dir() {
            continue;
        }
        for file in names(&folder)? {
            let Ok(Some(Stored { id, alert, attempts, error, .. })) = read(&folder.join(&file)) else { continue };
            letters.push(DeadLetter { endpoint: endpoint.clone(), file, id, alert, attempts, error });
        }
    }
    letters.sort_by(|a, b| (&a.file, &a.endpoint).cmp(&(&b.file, &b.endpoint)));
    Ok(letters)
}

/// Puts a dead letter back into its outbox with its first id and no attempts. A running sink takes it up within a minute.
pub fn resend(directory: &Path, letter: &DeadLetter) -> io::Result<()> {
    let outbox = Outbox { root: directory.join(&letter.endpoint) };
    let path = outbox.dead_path(&letter.file);
    let stored = read(&path)?.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    outbox.store(&letter.file, &Stored { attempts: 0, due_ms: 0, ..stored })?;
    fs::remove_file(&path)?;
    sync_folder(&path)
}
