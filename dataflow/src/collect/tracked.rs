//! Whether a folder is part of what a repository's HEAD holds.

use super::Located;
use std::path::{Path, PathBuf};

impl Located {
    /// Whether the commit that is checked out holds something at `folder`. What is not in the work tree, or cannot be
    /// read, is not held.
    pub fn tracks(&self, folder: &Path) -> bool {
        let repo = self.repo.to_thread_local();
        let (Some(tree), Some(folder)) = (repo.workdir().and_then(|tree| tree.canonicalize().ok()), settled(folder))
        else {
            return false;
        };
        let Ok(inside) = folder.strip_prefix(&tree) else { return false };
        if inside.as_os_str().is_empty() {
            return false;
        }
        repo.head_tree().is_ok_and(|tree| tree.lookup_entry_by_path(inside).is_ok_and(|entry| entry.is_some()))
    }
}

/// A path without links, also where its last part is not there yet.
fn settled(path: &Path) -> Option<PathBuf> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    path.canonicalize().ok().or_else(|| Some(parent.canonicalize().ok()?.join(path.file_name()?)))
}
