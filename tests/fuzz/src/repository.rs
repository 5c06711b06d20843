//! Bytes as a repository of loose objects, read as the collector reads any other.
//!
//! The input is a list of objects: a letter for the kind, two bytes for the length, the body. In the bodies of commits and
//! trees `@3` stands for the id of the fourth object in hex and `#3` for the id itself, so that objects which name each other can
//! be made at all. The last commit is the branch's.

use crate::collect::{AuthorKey, CollectOptions, GitHistory};
use crate::validate::{RawRecord, validate};
use driftline_schema::{Limits, Position, RejectReason, wire};
use gix::ObjectId;
use gix::objs::{Kind, Write as _};
use std::path::{Path, PathBuf};

/// Objects that are read of one input.
const OBJECTS_MAX: usize = 64;

/// A folder that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    /// An empty folder of this process, in memory where there is such a place.
    fn new() -> Self {
        let shared = Path::new("/dev/shm");
        let above = if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() };
        let path = above.join(format!("driftline-fuzz-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("objects")).expect("a folder can be made");
        std::fs::create_dir_all(path.join("refs/heads")).expect("a folder can be made");
        std::fs::write(path.join("HEAD"), "ref: refs/heads/main\n").expect("a file can be written");
        std::fs::write(path.join("config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
            .expect("likewise");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The objects of an input.
fn split(mut data: &[u8]) -> Vec<(Kind, &[u8])> {
    let mut objects = Vec::new();
    while let [kind, high, low, rest @ ..] = data
        && objects.len() < OBJECTS_MAX
    {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let kind = match kind {
            b'c' => Kind::Commit,
            b't' => Kind::Tree,
            b'g' => Kind::Tag,
            _ => Kind::Blob,
        };
        objects.push((kind, &rest[..length]));
        data = &rest[length..];
    }
    objects
}

/// `body` with the ids of the objects before it where it asks for them.
fn resolved(body: &[u8], ids: &[ObjectId]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body;
    while let [first, others @ ..] = rest {
        let named = others.first().filter(|digit| digit.is_ascii_digit()).map(|digit| usize::from(digit - b'0'));
        match (first, named.and_then(|number| ids.get(number))) {
            (b'@', Some(id)) => bytes.extend_from_slice(id.to_string().as_bytes()),
            (b'#', Some(id)) => bytes.extend_from_slice(id.as_bytes()),
            _ => {
                bytes.push(*first);
                rest = others;
                continue;
            }
        }
        rest = &others[1..];
    }
    bytes
}

/// Collects the history that the bytes are; whatever comes of it must be an error or events that the engine takes.
pub fn objects(data: &[u8]) {
    let folder = Folder::new();
    let store = gix::odb::loose::Store::at(folder.0.join("objects"), gix::hash::Kind::Sha1);
    let (mut ids, mut head) = (Vec::new(), None);
    for (kind, body) in split(data) {
        let body = if kind == Kind::Blob { body.to_vec() } else { resolved(body, &ids) };
        let Ok(id) = store.write_buf(kind, &body) else { return };
        head = Some(id).filter(|_| kind == Kind::Commit).or(head);
        ids.push(id);
    }
    let Some(head) = head else { return };
    std::fs::write(folder.0.join("refs/heads/main"), format!("{head}\n")).expect("a file can be written");
    let limits = Limits::default();
    let mut options = CollectOptions::new(AuthorKey::new(*b"a key of the fuzz target"));
    options.repository = Some("demo".to_owned());
    let history = GitHistory::open(&folder.0, options).expect("the repository itself is sound");
    let Ok(events) = history.events() else { return };
    for (offset, event) in (0..).zip(events) {
        let Ok(event) = event else { return };
        let (position, payload) = (Position { partition: 0, offset }, wire::encode(&event));
        let record = RawRecord { position, key: b"demo".to_vec(), append_time: 1_700_000_000, payload, control: false, envelope: None };
        // Trees that git itself never writes, with a name `..` or with one name twice, are a reject with its cause; but what is
        // within the collector's limits is within the validator's.
        if let Err(reject) = validate(&record, &limits)
            && reject.reason == RejectReason::OverLimit
        {
            panic!("what the collector makes is refused: {:?}: {}", reject.reason, reject.detail);
        }
    }
}
