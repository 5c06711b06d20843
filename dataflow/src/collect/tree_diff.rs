//! Which paths differ between two trees.
//!
//! Equal subtrees are never read, so the cost follows the change and not the size of the repository. A few objects can name
//! more paths than any machine can list, so a walk counts as it goes and ends at its allowance; it holds neither trees
//! nor stack for the folders it is in, whatever their depth.

use super::error::CollectError;
use super::history::Shared;
use super::objects::Objects;
use driftline_schema::Limits;
use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice as _};
use gix::objs::TreeRefIter;
use gix::objs::tree::{EntryMode, EntryRef};
use std::cmp::Ordering;

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: ObjectId,
    pub(super) mode: EntryMode,
}

impl Entry {
    /// Whether it is a file with content, neither a link nor a submodule.
    pub(super) fn is_file(&self) -> bool {
        self.mode.is_blob()
    }
}

/// A path at which two trees differ; folders are not listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PathChange {
    pub(super) path: BString,
    pub(super) old: Option<Entry>,
    pub(super) new: Option<Entry>,
}

/// Paths a walk may list for every file that an event may hold: the rest of a large import is still counted.
const PATHS_A_FILE: usize = 10;
/// Bytes of tree objects that the walks of one commit may read. The trees of three million files have half as many.
const TREE_BYTES_MAX: usize = 256 << 20;

/// What the walks of one commit may still cost.
#[derive(Clone, Debug)]
pub(super) struct Allowance {
    paths: usize,
    path_bytes: usize,
    tree_bytes: usize,
    /// Longest path that is followed.
    path_bytes_max: usize,
}

impl Allowance {
    /// For one commit. Paths take memory, so they are bounded in number and together.
    pub(super) fn of(limits: &Limits) -> Self {
        Self {
            paths: limits.files_max.saturating_mul(PATHS_A_FILE),
            path_bytes: limits.event_bytes_max.saturating_mul(2),
            tree_bytes: TREE_BYTES_MAX,
            path_bytes_max: limits.path_bytes_max,
        }
    }

    /// Takes what one more path costs; false when there is not enough left.
    fn take_path(&mut self, bytes: usize) -> bool {
        let enough = self.paths > 0 && self.path_bytes >= bytes;
        if enough {
            self.paths -= 1;
            self.path_bytes -= bytes;
        }
        enough
    }
}

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The paths that differ, in order, each once.
    pub(super) changes: Vec<PathChange>,
    /// Files that differ but whose paths are too long.
    pub(super) too_long: u64,
    /// Whether more may differ: the allowance was used up, or a folder's path is too long.
    pub(super) incomplete: bool,
}

/// Two versions of a folder that are still to be compared; `None` where there is none.
struct Folder {
    path: BString,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
}

/// Compares trees, reusing its buffers.
#[derive(Default)]
pub(super) struct TreeDiff {
    old: Vec<u8>,
    new: Vec<u8>,
    open: Vec<Folder>,
}

impl TreeDiff {
    /// The paths at which `new` differs from `old` (nothing for the empty tree).
    pub(super) fn changes(
        &mut self,
        objects: &Objects,
        shared: &Shared,
        (old, new): (Option<ObjectId>, ObjectId),
        allowance: &mut Allowance,
    ) -> Result<Walk, CollectError> {
        let mut walk = Walk::default();
        self.open.clear();
        if old != Some(new) {
            self.open.push(Folder { path: BString::default(), old, new: Some(new) });
        }
        while let Some(folder) = self.open.pop() {
            let mut read = |id, buffer| -> Result<Option<&[u8]>, CollectError> {
                let tree = objects.tree(id, buffer, allowance.tree_bytes, &folder.path)?;
                allowance.tree_bytes -= tree.map_or(0, <[u8]>::len);
                Ok(tree)
            };
            let (Some(before), Some(after)) = (read(folder.old, &mut self.old)?, read(folder.new, &mut self.new)?)
            else {
                walk.incomplete = true;
                continue;
            };
            let first_below = self.open.len();
            let mut found = Found { folder: &folder.path, walk: &mut walk, open: &mut self.open, allowance };
            let compared = compare(before, after, new.kind(), &mut found).map_err(|error| {
                shared.unreadable(folder.new.or(folder.old).unwrap_or(new), place(folder.path.as_bstr()), error)
            });
            if !compared? {
                walk.incomplete = true;
                break;
            }
            // The folder that is pushed last is taken first.
            self.open[first_below..].reverse();
        }
        walk.changes.sort_by(|a, b| a.path.cmp(&b.path));
        join_equal_paths(&mut walk.changes);
        Ok(walk)
    }
}

/// What a tree is, for messages.
pub(super) fn place(path: &BStr) -> String {
    if path.is_empty() { "the tree of a commit".to_owned() } else { format!("the tree of the folder `{path}`") }
}

/// Trees that are not in order may give the two sides of one path apart from each other.
fn join_equal_paths(changes: &mut Vec<PathChange>) {
    if changes.windows(2).all(|pair| pair[0].path != pair[1].path) {
        return;
    }
    changes.dedup_by(|next, kept| {
        let same = next.path == kept.path;
        if same {
            kept.old = kept.old.or(next.old);
            kept.new = kept.new.or(next.new);
        }
        same
    });
    changes.retain(|change| change.old != change.new);
}

/// Where the differences of one folder go.
struct Found<'a> {
    folder: &'a BString,
    walk: &'a mut Walk,
    open: &'a mut Vec<Folder>,
    allowance: &'a mut Allowance,
}

impl Found<'_> {
    /// Notes that `name` differs; false when the allowance is used up. Both sides are folders, or neither is.
    fn note(&mut self, name: &BStr, old: Option<Entry>, new: Option<Entry>) -> bool {
        let is_tree = old.or(new).is_some_and(|entry| entry.mode.is_tree());
        let bytes = self.folder.len() + 1 + name.len();
        if bytes > self.allowance.path_bytes_max + 1 {
            self.walk.incomplete |= is_tree;
            self.walk.too_long += u64::from(!is_tree);
            return true;
        }
        if !self.allowance.take_path(bytes) {
            return false;
        }
        let mut path = BString::from(Vec::with_capacity(bytes));
        if !self.folder.is_empty() {
            path.extend_from_slice(self.folder);
            path.push(b'/');
        }
        path.extend_from_slice(name);
        if is_tree {
            let id = |entry: Option<Entry>| entry.map(|entry| entry.id);
            self.open.push(Folder { path, old: id(old), new: id(new) });
        } else {
            self.walk.changes.push(PathChange { path, old, new });
        }
        true
    }
}

type Malformed = Box<dyn std::error::Error + Send + Sync>;

/// Walks two trees side by side; false when the allowance was used up.
fn compare(mut old: &[u8], mut new: &[u8], kind: gix::hash::Kind, found: &mut Found<'_>) -> Result<bool, Malformed> {
    let entry = |entry: &EntryRef<'_>| Entry { id: entry.oid.to_owned(), mode: entry.mode };
    loop {
        // Most entries are equal on both sides.
        while let Some(bytes) = entry_bytes(old, kind)
            && new.starts_with(&old[..bytes])
        {
            (old, new) = (&old[bytes..], &new[bytes..]);
        }
        let (before, after) = (first(old, kind)?, first(new, kind)?);
        let order = match (&before, &after) {
            (None, None) => return Ok(true),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(before), Some(after)) => git_order(before, after),
        };
        let (before, after) =
            (before.filter(|_| order != Ordering::Greater), after.filter(|_| order != Ordering::Less));
        old = rest(old, before.is_some(), kind);
        new = rest(new, after.is_some(), kind);
        let name = before.as_ref().or(after.as_ref()).expect("one of both is there").filename;
        let (before, after) = (before.as_ref().map(entry), after.as_ref().map(entry));
        if !same(before, after) && !found.note(name, before, after) {
            return Ok(false);
        }
    }
}

/// Whether both are the same content in the same role. Modes that old tools wrote (100664 for 100644) make no difference.
fn same(old: Option<Entry>, new: Option<Entry>) -> bool {
    matches!((old, new), (Some(old), Some(new)) if old.id == new.id && old.mode.kind() == new.mode.kind())
}

/// Size of the first entry; `None` when there is none or it is cut off.
fn entry_bytes(tree: &[u8], kind: gix::hash::Kind) -> Option<usize> {
    let bytes = tree.find_byte(0)? + 1 + kind.len_in_bytes();
    (bytes <= tree.len()).then_some(bytes)
}

fn first(tree: &[u8], kind: gix::hash::Kind) -> Result<Option<EntryRef<'_>>, Malformed> {
    TreeRefIter::from_bytes(tree, kind).next().transpose().map_err(|error| error.to_string().into())
}

/// What follows the first entry, if it is `taken`.
fn rest(tree: &[u8], taken: bool, kind: gix::hash::Kind) -> &[u8] {
    let bytes = if taken { entry_bytes(tree, kind).unwrap_or(tree.len()) } else { 0 };
    &tree[bytes..]
}

/// Git's order within a tree: by name, where that of a folder ends with `/`.
fn git_order(a: &EntryRef<'_>, b: &EntryRef<'_>) -> Ordering {
    let common = a.filename.len().min(b.filename.len());
    let next =
        |entry: &EntryRef<'_>| entry.filename.get(common).copied().or_else(|| entry.mode.is_tree().then_some(b'/'));
    a.filename[..common].cmp(&b.filename[..common]).then_with(|| next(a).cmp(&next(b)))
}
