//! PHP: names in namespaces, and files by their path.
//!
//! An autoloader maps the beginning of a namespace to a folder (PSR-4), and which one stands in a build file. The rest of
//! the name is the end of the path: the longest end that exists is meant, of two names at least, as a class's name alone
//! is often that of a class of another package. So a class right below its package's folder is found only where the
//! folder bears the package's name.

use super::{Family, Target, Want, beside_or_by_end, external, hashes, wanting};
use crate::coupling::resolve::stem;

/// The fewest names at the end of a path that tell a class.
const NAMES_MIN: usize = 2;

/// A name with namespaces, or a path, which has an extension or a slash.
pub(in super::super) fn php(path: &str, text: &str) -> Want {
    if text.contains('/') || text.ends_with(".php") {
        // Dependencies are installed there and not committed.
        if text.split('/').any(|part| part == "vendor") {
            return external();
        }
        let local = text.starts_with("./") || text.starts_with("../");
        return wanting(beside_or_by_end(Family::Php, path, stem(text, ".php")), local);
    }
    let segments = hashes(&text.split('\\').filter(|part| !part.is_empty()).collect::<Vec<_>>());
    let starts = 0..(segments.len() + 1).saturating_sub(NAMES_MIN);
    wanting(starts.map(|start| Target::Near(Family::Php.suffix(&segments[start..]))).collect(), false)
}
