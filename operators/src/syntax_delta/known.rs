//! Which facts a change asks for: of the contents it brings, and of those it found if the log held them already.
//!
//! The fold remembers the contents brought so far in a repository. Without it a later record that brings an old content
//! again would complete the vector of an earlier change, and the future would leak into it.

use crate::Records;
use crate::ordered_fold::{PositionFold, ordered_fold};
use driftline_schema::{BlobKey, ChangeKey, ChangeRow, FileRow, Position};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// Which version of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) enum Side {
    /// In the first parent.
    Before,
    /// After the change.
    After,
}

/// Who asks for the facts of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Lookup {
    pub(super) change: ChangeKey,
    /// Index of the file in the row.
    pub(super) file: u32,
    pub(super) side: Side,
}

/// The content that a file brings, if a grammar measures it.
fn brought(file: &FileRow) -> Option<BlobKey> {
    let blob = file.blob.filter(|_| file.has_content)?;
    Some(BlobKey { blob, language: file.language? })
}

/// The content that a file had before; across a rename it counts as written in the language of the new path.
fn found(file: &FileRow) -> Option<BlobKey> {
    Some(BlobKey { blob: file.old_blob?, language: file.language? })
}

/// What each change asks for, by content.
pub(super) fn lookups<'scope>(changes: Records<'scope, Arc<ChangeRow>>) -> Records<'scope, (BlobKey, Lookup)> {
    ordered_fold(changes.map(|row| (row.key.repo, (row.key.position, row))), "KnownContents", KnownContents).map(
        |(repo, (position, (blob, file, side)))| (blob, Lookup { change: ChangeKey { repo, position }, file, side }),
    )
}

struct KnownContents;

impl PositionFold for KnownContents {
    type Value = Arc<ChangeRow>;
    type Output = (BlobKey, u32, Side);
    /// How often each content was brought.
    type State = HashMap<BlobKey, u32>;
    type Undo = Arc<ChangeRow>;

    fn step(
        &self,
        state: &mut Self::State,
        _position: Position,
        row: &Arc<ChangeRow>,
        outputs: &mut Vec<Self::Output>,
    ) -> Arc<ChangeRow> {
        for (index, file) in (0..).zip(&row.files) {
            let before = found(file).filter(|blob| state.contains_key(blob));
            outputs.extend(before.map(|blob| (blob, index, Side::Before)));
            outputs.extend(brought(file).map(|blob| (blob, index, Side::After)));
        }
        for blob in row.files.iter().filter_map(brought) {
            *state.entry(blob).or_insert(0) += 1;
        }
        row.clone()
    }

    fn undo(&self, state: &mut Self::State, row: Arc<ChangeRow>) {
        for blob in row.files.iter().filter_map(brought) {
            let count = state.entry(blob).or_insert(1);
            *count -= 1;
            if *count == 0 {
                state.remove(&blob);
            }
        }
    }
}
