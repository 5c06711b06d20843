//! Which paths differ between two trees.
//!
//! Equal subtrees are never read, so the cost follows the change and not the size of the repository.

use super::error::CollectError;
use super::history::Shared;
use super::objects::Objects;
use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice as _};
use gix::diff::tree::visit::{Action, Change};
use gix::diff::tree::{State, Visit};
use gix::objs::tree::EntryMode;
use gix::objs::{Find as _, Kind, TreeRefIter};
use std::collections::VecDeque;

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

/// Compares trees, reusing its buffers.
#[derive(Default)]
pub(super) struct TreeDiff {
    state: State,
    old: Vec<u8>,
    new: Vec<u8>,
}

impl TreeDiff {
    /// The paths at which `new` differs from `old` (nothing for the empty tree), in the order of the trees.
    pub(super) fn changes(
        &mut self,
        objects: &Objects,
        shared: &Shared,
        (old, new): (Option<ObjectId>, ObjectId),
    ) -> Result<Vec<PathChange>, CollectError> {
        let Self { state, old: old_buffer, new: new_buffer } = self;
        let empty = TreeRefIter::from_bytes(&[], new.kind());
        let old_tree = match old {
            Some(id) => tree(objects, shared, id, old_buffer)?,
            None => empty,
        };
        let new_tree = tree(objects, shared, new, new_buffer)?;
        let mut collector = Collector::default();
        gix::diff::tree(old_tree, new_tree, state, objects.trees(), &mut collector)
            .map_err(|error| shared.unreadable(new, "a tree or a folder in it".to_owned(), error.into()))?;
        Ok(collector.changes)
    }
}

fn tree<'a>(
    objects: &Objects,
    shared: &Shared,
    id: ObjectId,
    buffer: &'a mut Vec<u8>,
) -> Result<TreeRefIter<'a>, CollectError> {
    let refuse = |source| shared.unreadable(id, "the tree of a commit".to_owned(), source);
    if id == ObjectId::empty_tree(id.kind()) {
        return Ok(TreeRefIter::from_bytes(&[], id.kind()));
    }
    match objects.trees().try_find(&id, buffer).map_err(|error| refuse(error.into()))? {
        Some(object) if object.kind == Kind::Tree => Ok(TreeRefIter::from_bytes(object.data, id.kind())),
        Some(object) => Err(refuse(format!("it is no tree but a {}", object.kind).into())),
        None => Err(refuse("it is missing".into())),
    }
}

/// Follows the walk and keeps what is no folder.
#[derive(Default)]
struct Collector {
    path: BString,
    folders: VecDeque<BString>,
    changes: Vec<PathChange>,
}

impl Collector {
    fn push(&mut self, name: &BStr) {
        if !name.is_empty() {
            if !self.path.is_empty() {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(name);
        }
    }
}

impl Visit for Collector {
    fn pop_front_tracked_path_and_set_current(&mut self) {
        self.path = self.folders.pop_front().expect("a folder is queued before the walk enters it");
    }
    fn push_back_tracked_path_component(&mut self, component: &BStr) {
        self.push(component);
        self.folders.push_back(self.path.clone());
    }
    fn push_path_component(&mut self, component: &BStr) {
        self.push(component);
    }
    fn pop_path_component(&mut self) {
        let end = self.path.rfind_byte(b'/').unwrap_or(0);
        self.path.truncate(end);
    }
    fn visit(&mut self, change: Change) -> Action {
        let (old, new) = match change {
            Change::Addition { entry_mode: mode, oid: id, .. } => (None, Some(Entry { id, mode })),
            Change::Deletion { entry_mode: mode, oid: id, .. } => (Some(Entry { id, mode }), None),
            Change::Modification { previous_entry_mode, previous_oid, entry_mode: mode, oid: id } => {
                (Some(Entry { id: previous_oid, mode: previous_entry_mode }), Some(Entry { id, mode }))
            }
        };
        // Old gits wrote modes that newer ones read as one of the few they know, and write anew with the next change.
        if old.zip(new).is_some_and(|(old, new)| (old.id, old.mode.kind()) == (new.id, new.mode.kind())) {
            return Action::Continue(());
        }
        let (old, new) = (old.filter(|entry| !entry.mode.is_tree()), new.filter(|entry| !entry.mode.is_tree()));
        if old.is_some() || new.is_some() {
            self.changes.push(PathChange { path: self.path.clone(), old, new });
        }
        Action::Continue(())
    }
}
