//! Reading of git objects by one thread, with what this build believes of them checked.
//!
//! Replacement references are not followed: an event's ids are hashes of its contents. Every failure names the object,
//! what it is and where it was needed.

use super::blobs::{Blob, BlobCache, Body};
use super::error::{Cause, CollectError};
use super::history::Shared;
use super::tree_diff::place;
use gix::ObjectId;
use gix::bstr::{BString, ByteSlice as _};
use gix::hashtable::HashSet;
use gix::objs::{Find as _, FindHeader as _, Kind};
use gix::odb::pack::cache;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Memory for decoded bases of delta chains, in bytes; two of these per thread.
const PACK_CACHE_BYTES: usize = 4 << 20;
/// Memory for decoded commits and trees, in bytes per thread: consecutive commits share most of their trees.
const OBJECT_CACHE_BYTES: usize = 4 << 20;

/// Largest commit object that is read, in bytes. Messages of megabytes occur; beyond this it is an attack on memory.
const COMMIT_BYTES_MAX: u64 = 256 << 20;
/// A buffer that a rare large object made larger than this is given back.
const BUFFER_BYTES_KEPT: usize = 4 << 20;
/// No encoding of text makes more than four bytes of a character that UTF-8 writes in one.
const ENCODED_BYTES_MAX: usize = 4;

/// Trees of at most this many bytes need not be asked for their size again, and so many of them are remembered: most trees
/// are read twice, as what comes after one commit and before the next.
const SMALL_TREE_BYTES: usize = 1 << 20;
const SMALL_TREES_MAX: usize = 10_000;

/// The object store, as one thread sees it.
pub(super) struct Objects {
    /// Commits and trees: decoded objects are cached.
    trees: gix::OdbHandle,
    /// Contents: only bases of delta chains are cached, because decoded contents have a cache of their own.
    blobs: gix::OdbHandle,
    contents: Arc<BlobCache>,
    shared: Arc<Shared>,
    buffer: Vec<u8>,
    small_trees: RefCell<HashSet<ObjectId>>,
}

/// The fields of a commit that matter here, still as bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RawCommit<'a> {
    pub(super) tree: ObjectId,
    pub(super) parents: Vec<ObjectId>,
    pub(super) author: &'a [u8],
    pub(super) committer: &'a [u8],
    /// What the author, the committer and the message are written in, if it is said.
    pub(super) encoding: Option<&'a [u8]>,
    pub(super) message: &'a [u8],
}

impl<'a> RawCommit<'a> {
    /// Reads the header line by line. Old tools wrote author lines that strict parsers refuse; those are left to the
    /// reader of the line.
    pub(super) fn parse(data: &'a [u8]) -> Option<Self> {
        let (mut rest, mut tree, mut parents) = (data, None, Vec::new());
        let (mut author, mut committer, mut encoding): (&[u8], &[u8], _) = (b"", b"", None);
        let mut past_parents = false;
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            let (line, after) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
            rest = after;
            // To git a line `parent` further down is none.
            past_parents |= tree.is_some() && !line.starts_with(b"parent ");
            if line.is_empty() {
                break;
            } else if let Some(hex) = line.strip_prefix(b"tree ") {
                tree = Some(ObjectId::from_hex(hex).ok()?);
            } else if let Some(hex) = line.strip_prefix(b"parent ").filter(|_| !past_parents) {
                parents.push(ObjectId::from_hex(hex).ok()?);
            } else if let Some(value) = line.strip_prefix(b"author ") {
                author = value;
            } else if let Some(value) = line.strip_prefix(b"committer ") {
                committer = value;
            } else if let Some(value) = line.strip_prefix(b"encoding ") {
                encoding = Some(value);
            }
        }
        Some(Self { tree: tree?, parents, author, committer, encoding, message: rest })
    }
}

impl Objects {
    /// A view of its own for one thread; contents are shared.
    pub(super) fn new(shared: Arc<Shared>, contents: Arc<BlobCache>) -> Self {
        let mut blobs = shared.repo.to_thread_local().objects;
        blobs.ignore_replacements = true;
        blobs.set_pack_cache(|| Box::new(cache::lru::MemoryCappedHashmap::new(PACK_CACHE_BYTES)));
        let mut trees = blobs.clone();
        trees.set_object_cache(|| Box::new(cache::object::MemoryCappedHashmap::new(OBJECT_CACHE_BYTES)));
        Self { trees, blobs, contents, shared, buffer: Vec::new(), small_trees: RefCell::default() }
    }

    /// The bytes of the tree `id` (nothing for the empty tree) of the folder `path`; `None` when there are more than
    /// `bytes_max`, which takes no memory, because the size is asked first.
    pub(super) fn tree<'a>(
        &self,
        id: Option<ObjectId>,
        buffer: &'a mut Vec<u8>,
        bytes_max: usize,
        path: &BString,
    ) -> Result<Option<&'a [u8]>, CollectError> {
        let Some(id) = id.filter(|id| *id != ObjectId::empty_tree(id.kind())) else { return Ok(Some(&[])) };
        let refuse = |source: Cause| self.shared.unreadable(id, place(path.as_bstr()), source);
        let missing = || refuse("it is missing".into());
        if bytes_max < SMALL_TREE_BYTES || !self.small_trees.borrow().contains(&id) {
            let header = self.trees.try_header(&id).map_err(|error| refuse(error.into()))?.ok_or_else(missing)?;
            if header.kind == Kind::Tree && header.size > bytes_max as u64 {
                return Ok(None);
            }
            if header.size <= SMALL_TREE_BYTES as u64 {
                let mut small = self.small_trees.borrow_mut();
                if small.len() == SMALL_TREES_MAX {
                    small.clear();
                }
                small.insert(id);
            }
        }
        match self.trees.try_find(&id, buffer).map_err(|error| refuse(error.into()))? {
            Some(object) if object.kind == Kind::Tree => Ok(Some(object.data)),
            Some(object) => Err(refuse(format!("it is no tree but a {}", object.kind).into())),
            None => Err(missing()),
        }
    }

    /// Refuses a commit object that would fill the memory. The order of commits asks this once of each, so that reading
    /// them need not.
    pub(super) fn check_commit_size(&self, id: ObjectId) -> Result<(), CollectError> {
        let refuse = |source: Cause| self.shared.unreadable(id, "a commit".to_owned(), source);
        match self.trees.try_header(&id).map_err(|error| refuse(error.into()))? {
            Some(header) if header.size > COMMIT_BYTES_MAX => {
                Err(refuse(format!("it has {} bytes, the limit is {COMMIT_BYTES_MAX}", header.size).into()))
            }
            _ => Ok(()),
        }
    }

    /// What `read` makes of the commit `id`; `None` when the store does not have it.
    pub(super) fn commit<T>(
        &mut self,
        id: ObjectId,
        read: impl FnOnce(RawCommit<'_>) -> T,
    ) -> Result<Option<T>, CollectError> {
        let Self { trees, buffer, shared, .. } = self;
        shared.pulse.fetch_add(1, Ordering::Relaxed);
        let refuse = |source: Cause| shared.unreadable(id, "a commit".to_owned(), source);
        if buffer.capacity() > BUFFER_BYTES_KEPT {
            *buffer = Vec::new();
        }
        let Some(object) = trees.try_find(&id, buffer).map_err(|error| refuse(error.into()))? else {
            return Ok(None);
        };
        let parsed = if object.kind == Kind::Commit { RawCommit::parse(object.data) } else { None };
        let mut commit =
            parsed.ok_or_else(|| refuse(format!("it is no well-formed commit but a {}", object.kind).into()))?;
        // An event holds the beginning of a message, so the rest need not be decoded.
        let message_bytes = shared.limits.message_bytes_max.saturating_mul(ENCODED_BYTES_MAX);
        commit.message = &commit.message[..commit.message.len().min(message_bytes)];
        Ok(Some(read(commit)))
    }

    /// The content `id`; `place` says where it is needed.
    pub(super) fn blob(&mut self, id: ObjectId, place: impl Fn() -> String) -> Result<Arc<Blob>, CollectError> {
        if let Some(blob) = self.contents.get(&id) {
            return Ok(blob);
        }
        let blob = Arc::new(self.read(id).map_err(|source| self.shared.unreadable(id, place(), source))?);
        self.contents.put(id, blob.clone());
        Ok(blob)
    }

    /// The size is asked first, so that memory stays bounded whatever the repository holds.
    fn read(&mut self, id: ObjectId) -> Result<Blob, Cause> {
        self.shared.pulse.fetch_add(1, Ordering::Relaxed);
        let Some(header) = self.blobs.try_header(&id)? else {
            return self.absent();
        };
        if header.size > self.shared.limits.file_bytes_max as u64 {
            return Ok(Blob { bytes: header.size, body: Body::TooLarge });
        }
        let Some(object) = self.blobs.try_find(&id, &mut self.buffer)? else {
            return self.absent();
        };
        if object.kind != Kind::Blob {
            return Err(format!("it is no content but a {}", object.kind).into());
        }
        Ok(Blob::of(object.data))
    }

    /// The bytes of the content `id` whatever they are, if there are at most `bytes_max` of them and they are there.
    pub(super) fn raw(&mut self, id: ObjectId, bytes_max: u64) -> Result<Option<Vec<u8>>, CollectError> {
        let Self { blobs, buffer, shared, .. } = self;
        let refuse = |source: Cause| shared.unreadable(id, "a content".to_owned(), source);
        let header = gix::objs::FindHeader::try_header(blobs, &id).map_err(|error| refuse(error.into()))?;
        if header.is_none_or(|header| header.size > bytes_max || header.kind != Kind::Blob) {
            return Ok(None);
        }
        let object = blobs.try_find(&id, buffer).map_err(|error| refuse(error.into()))?;
        Ok(object.map(|object| object.data.to_vec()))
    }

    fn absent(&self) -> Result<Blob, Cause> {
        if !self.shared.partial {
            return Err("it is missing".into());
        }
        self.shared.counters.absent_contents();
        Ok(Blob { bytes: 0, body: Body::Absent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_read_whatever_its_author_line() {
        let tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
        let text = format!("tree {tree}\nparent {tree}\nauthor nobody\nencoding x\ngpgsig a\n b\n\nhello\n\nworld\n");
        let commit = RawCommit::parse(text.as_bytes()).expect("parses");
        assert_eq!((commit.parents.len(), commit.author, commit.committer), (1, &b"nobody"[..], &b""[..]));
        assert_eq!((commit.encoding, commit.message), (Some(&b"x"[..]), &b"hello\n\nworld\n"[..]));
        assert_eq!(RawCommit::parse(format!("tree {tree}").as_bytes()).expect("parses").message, b"");
        let late = format!("tree {tree}\nparent {tree}\nauthor nobody\nparent {tree}\n\nhello");
        assert_eq!(RawCommit::parse(late.as_bytes()).expect("parses").parents.len(), 1, "as git counts them");
        assert!(RawCommit::parse(b"").is_none());
        assert!(RawCommit::parse(b"tree xyz\n\nhello").is_none());
    }
}
