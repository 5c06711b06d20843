//! Ruby and Bash: files by their path, seen from the file or from a folder that is searched.

use super::{Family, Target, Want, beside_or_by_end, external, folder, hashes, walk, wanting};
use crate::coupling::resolve::stem;

/// Paths relative to the file; all others begin in a folder that is searched ([`super::super::place`] says which), or name
/// a gem or the standard library.
pub(in super::super) fn ruby(path: &str, text: &str) -> Want {
    let text = stem(text, ".rb");
    if text.starts_with("./") || text.starts_with("../") {
        let found = walk(folder(path), text).map(|found| Target::At(Family::Ruby.whole(&hashes(&found))));
        return wanting(found.into_iter().collect(), true);
    }
    if text.starts_with(['/', '~']) {
        return external();
    }
    let segments: Vec<&str> = text.split('/').filter(|segment| !segment.is_empty()).collect();
    wanting(vec![Target::Near(Family::Ruby.suffix(&hashes(&segments)))], false)
}

/// Paths beside the file, then by their end, as the shell begins in the folder it is started in; paths of the system name
/// nothing in the repository.
pub(in super::super) fn bash(path: &str, text: &str) -> Want {
    if text.starts_with(['/', '~']) {
        return external();
    }
    wanting(beside_or_by_end(Family::Bash, path, text), text.starts_with("./") || text.starts_with("../"))
}
