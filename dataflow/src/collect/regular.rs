//! Refuses a repository in which a file that would be read is a named pipe or a device: reading it could wait for ever.
//!
//! The library opens whatever has the right name, so the names are looked at first. Loose objects are not: there may be
//! millions, and a reader that waits for one is noticed by its silence.

use super::error::CollectError;
use crate::plain_file;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// What is read of a git folder.
const FILES: [&str; 6] = ["HEAD", "config", "config.worktree", "packed-refs", "shallow", "info/grafts"];
/// What is read of a folder of objects.
const OBJECT_FILES: [&str; 2] = ["info/alternates", "info/commit-graph"];
/// Folders of it of which every file may be read.
const OBJECT_FOLDERS: [&str; 2] = ["pack", "info/commit-graphs"];
/// Files that hold a path or a reference, and lists of paths, are at most this long, in bytes.
const LINK_BYTES_MAX: u64 = 1 << 20;
/// Files and folders that are looked at, at most: a hundred thousand branches and packs.
const LOOKS_MAX: usize = 200_000;
/// Symbolic references that are followed from one to the next.
const LINKS_MAX: usize = 5;

/// Looks at all that may be read of the repository that `path` is or lies in. Where there is none, nothing is wrong.
pub(super) fn check(path: &Path) -> Result<(), CollectError> {
    // A path that names nothing is told by whoever opens it.
    let Ok(path) = path.canonicalize() else { return Ok(()) };
    for folder in path.ancestors() {
        for place in [folder.join(".git"), folder.to_owned()] {
            let Some(git) = git_folder(&place)? else { continue };
            let common = common_folder(&git)?;
            check_files(&git, &common)?;
            let mut looks = Looks { seen: BTreeSet::new(), left: LOOKS_MAX };
            looks.objects(&common.join("objects"))?;
            return folders(&git, &common).try_for_each(|folder| looks.tree(&folder.join("refs")));
        }
    }
    Ok(())
}

/// Looks at the few files that are read again and again while a repository is followed.
pub(super) fn check_files(git: &Path, common: &Path) -> Result<(), CollectError> {
    for folder in folders(git, common) {
        FILES.iter().try_for_each(|name| require(&folder.join(name)))?;
    }
    OBJECT_FILES.iter().try_for_each(|name| require(&common.join("objects").join(name)))?;
    let mut name = b"HEAD".to_vec();
    for _ in 0..LINKS_MAX {
        let target = folders(git, common).find_map(|folder| {
            let text = link(&folder.join(OsStr::from_bytes(&name))).ok().flatten()?;
            Some(text.strip_prefix(b"ref:")?.trim_ascii().to_vec())
        });
        let Some(target) = target else { break };
        check_reference(git, common, &target)?;
        name = target;
    }
    Ok(())
}

/// Looks at the file of a loose reference.
pub(super) fn check_reference(git: &Path, common: &Path, name: &[u8]) -> Result<(), CollectError> {
    folders(git, common).try_for_each(|folder| require(&folder.join(OsStr::from_bytes(name))))
}

/// Both folders, once where they are one.
fn folders<'a>(git: &'a Path, common: &'a Path) -> impl Iterator<Item = &'a Path> {
    std::iter::once(git).chain(Some(common).filter(|common| *common != git))
}

/// Refuses what is there and neither a regular file nor a folder.
fn require(file: &Path) -> Result<(), CollectError> {
    let Ok(metadata) = std::fs::metadata(file) else { return Ok(()) };
    if metadata.is_dir() {
        return Ok(());
    }
    plain_file::require_regular(&metadata).map_err(|source| CollectError::NotRegular { file: file.to_owned(), source })
}

/// What a short file says; `None` when there is none that can be read.
fn link(file: &Path) -> Result<Option<Vec<u8>>, CollectError> {
    require(file)?;
    Ok(plain_file::read(file, LINK_BYTES_MAX).ok())
}

/// The git folder that a place is or points to.
fn git_folder(place: &Path) -> Result<Option<PathBuf>, CollectError> {
    if place.join("objects").is_dir() && place.join("HEAD").symlink_metadata().is_ok() {
        return Ok(Some(place.to_owned()));
    }
    if place.is_dir() || place.file_name() != Some(OsStr::new(".git")) {
        return Ok(None);
    }
    let Some(text) = link(place)? else { return Ok(None) };
    let target = text.strip_prefix(b"gitdir:").map(|target| Path::new(OsStr::from_bytes(target.trim_ascii())));
    Ok(target.and_then(|target| Some(place.parent()?.join(target))))
}

/// The folder that a work tree of its own shares with the others.
fn common_folder(git: &Path) -> Result<PathBuf, CollectError> {
    let text = link(&git.join("commondir"))?;
    Ok(text.map_or_else(|| git.to_owned(), |text| git.join(OsStr::from_bytes(text.trim_ascii()))))
}

/// What was looked at.
struct Looks {
    seen: BTreeSet<PathBuf>,
    left: usize,
}

impl Looks {
    /// A folder of objects and all that it borrows from.
    fn objects(&mut self, folder: &Path) -> Result<(), CollectError> {
        let mut open = vec![folder.to_owned()];
        while let Some(folder) = open.pop() {
            let is_new = folder.canonicalize().is_ok_and(|folder| self.seen.insert(folder));
            if !is_new || self.left == 0 {
                continue;
            }
            self.left -= 1;
            OBJECT_FILES.iter().try_for_each(|name| require(&folder.join(name)))?;
            OBJECT_FOLDERS.iter().try_for_each(|name| self.tree(&folder.join(name)))?;
            let lines = link(&folder.join("info/alternates"))?.unwrap_or_default();
            let paths = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && !line.starts_with(b"#"));
            open.extend(paths.map(|path| folder.join(OsStr::from_bytes(path))));
        }
        Ok(())
    }

    /// All files below a folder.
    fn tree(&mut self, folder: &Path) -> Result<(), CollectError> {
        let mut open = vec![folder.to_owned()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                if self.left == 0 {
                    return Ok(());
                }
                self.left -= 1;
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => open.push(entry.path()),
                    Ok(kind) if kind.is_file() => {}
                    _ => require(&entry.path())?,
                }
            }
        }
        Ok(())
    }
}
