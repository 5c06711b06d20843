//! The versions of every file of one repository whose line origins are remembered, newest last.
//!
//! A file keeps a fixed number of versions; the oldest makes room. What made room can come back: it is kept as its
//! difference from a version derived from it, so that undoing costs memory in proportion to the hunks and not to the
//! files.

use super::lines::{LineOrigins, Origin};
use driftline_schema::{BlobId, BlobKey, ChangeRow, FileId, FileRow, Position};
use std::collections::HashMap;
use std::sync::Arc;

/// One version: the file row that brought it, and where its lines come from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Version {
    blob: BlobId,
    change: Arc<ChangeRow>,
    /// Which of the change's files it is.
    index: u32,
    traced: Traced,
}

/// Where the lines of a version come from, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Traced {
    /// Every line has its origin, or none.
    Known(LineOrigins),
    /// The text is not known; these are the lines of the last version before it that was.
    Lost(LineOrigins),
}

impl Traced {
    fn lines(&self) -> &LineOrigins {
        let (Self::Known(lines) | Self::Lost(lines)) = self;
        lines
    }

    fn runs(&self) -> i64 {
        self.lines().runs() as i64
    }
}

impl Version {
    /// The version that file `index` of `change` brings; `None` when the file is deleted.
    pub(super) fn new(change: &Arc<ChangeRow>, index: usize, traced: Traced) -> Option<Self> {
        let blob = change.files[index].blob?;
        Some(Self { blob, change: change.clone(), index: index as u32, traced })
    }

    /// The origins of its lines; `None` where its text is not known.
    pub(super) fn lines(&self) -> Option<&LineOrigins> {
        match &self.traced {
            Traced::Known(lines) => Some(lines),
            Traced::Lost(_) => None,
        }
    }

    /// The origins of the lines of the newest version up to this one whose text is known.
    pub(super) fn last_known(&self) -> &LineOrigins {
        self.traced.lines()
    }

    fn row(&self) -> &FileRow {
        &self.change.files[self.index as usize]
    }

    /// The key under which its syntax facts stand.
    pub(super) fn facts_key(&self) -> Option<BlobKey> {
        self.row().language.map(|language| BlobKey { blob: self.blob, language })
    }
}

/// How much a repository's versions take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) versions: i64,
    pub(super) runs: i64,
    pub(super) undo_runs: i64,
}

/// The state of the fold over one repository.
#[derive(Default)]
#[cfg_attr(test, derive(Clone, Debug, PartialEq))]
pub(super) struct Versions {
    files: HashMap<FileId, Vec<Version>>,
    changes: Vec<Arc<ChangeRow>>,
    pub(super) size: Size,
}

/// What takes one insertion back.
pub(super) struct Insertion {
    file: FileId,
    removed: Option<Box<Removed>>,
}

/// A version that was replaced or made room.
struct Removed {
    /// Where it stood among its file's versions.
    at: u32,
    change: Arc<ChangeRow>,
    index: u32,
    /// Which of the versions then left was derived from it; `None` when `lines` is all of it.
    child: Option<u32>,
    /// Its lines, or those that the child's hunks removed from it.
    traced: Traced,
}

impl Versions {
    /// Enters a change into the table of origins.
    pub(super) fn enter(&mut self, change: &Arc<ChangeRow>) -> Origin {
        self.changes.push(change.clone());
        Origin(u32::try_from(self.changes.len()).expect("a repository has fewer than 2^32 changes"))
    }

    /// Takes the newest change out of the table of origins.
    pub(super) fn leave(&mut self) {
        self.changes.pop();
    }

    /// The change an origin stands for.
    pub(super) fn change(&self, origin: Origin) -> Option<&ChangeRow> {
        (origin.0 as usize).checked_sub(1).map(|index| &*self.changes[index])
    }

    /// Where that change stands.
    pub(super) fn position(&self, origin: Origin) -> Option<Position> {
        self.change(origin).map(|change| change.key.position)
    }

    /// The remembered version of `file` with this content.
    pub(super) fn find(&self, file: FileId, blob: BlobId) -> Option<&Version> {
        self.files.get(&file)?.iter().rev().find(|version| version.blob == blob)
    }

    /// Remembers `version`; one of the same content is replaced, otherwise the oldest beyond `versions_max` goes.
    pub(super) fn insert(&mut self, file: FileId, version: Version, versions_max: usize) -> Insertion {
        let versions = self.files.entry(file).or_default();
        let same = versions.iter().position(|known| known.blob == version.blob);
        let at = same.or_else(|| (versions.len() >= versions_max.max(1)).then_some(0));
        let gone = at.map(|at| (at, versions.remove(at)));
        self.size.versions += 1;
        self.size.runs += version.traced.runs();
        versions.push(version);
        let removed = gone.map(|(at, gone)| {
            let runs = gone.traced.runs();
            let removed = Removed::pack(at, gone, versions);
            self.size.versions -= 1;
            self.size.runs -= runs;
            self.size.undo_runs += removed.traced.runs();
            Box::new(removed)
        });
        Insertion { file, removed }
    }

    /// Takes the newest insertion back.
    pub(super) fn take_back(&mut self, insertion: Insertion) {
        let versions = self.files.get_mut(&insertion.file).expect("the insertion put a version here");
        let restored = insertion.removed.map(|removed| {
            self.size.undo_runs -= removed.traced.runs();
            (removed.at as usize, removed.unpack(versions))
        });
        let newest = versions.pop().expect("the insertion put a version here");
        self.size.versions -= 1;
        self.size.runs -= newest.traced.runs();
        if let Some((at, version)) = restored {
            self.size.versions += 1;
            self.size.runs += version.traced.runs();
            versions.insert(at, version);
        } else if versions.is_empty() {
            self.files.remove(&insertion.file);
        }
    }
}

impl Removed {
    fn pack(at: usize, gone: Version, versions: &[Version]) -> Self {
        let delta = versions.iter().enumerate().find_map(|(child, version)| {
            let row = version.row();
            let (before, after) = (gone.lines()?, version.lines()?);
            if row.old_file.is_some() || row.old_blob != Some(gone.blob) {
                return None;
            }
            let removed = before.removed(&row.hunks);
            // A child of an earlier version with the same content, or a merge, does not lead back; trying tells.
            (after.restored(&row.hunks, &removed) == *before).then_some((child as u32, Traced::Known(removed)))
        });
        let (child, traced) = delta.map_or((None, gone.traced), |(child, removed)| (Some(child), removed));
        Self { at: at as u32, change: gone.change, index: gone.index, child, traced }
    }

    /// The version, given the same versions that `pack` saw.
    fn unpack(self, versions: &[Version]) -> Version {
        let traced = match self.child {
            Some(child) => {
                let child = &versions[child as usize];
                Traced::Known(child.last_known().restored(&child.row().hunks, self.traced.lines()))
            }
            None => self.traced,
        };
        let index = self.index as usize;
        Version::new(&self.change, index, traced).expect("a remembered version has a content")
    }
}
