//! Which files stand in an event that cannot hold all of them.
//!
//! Source code first, then tests, then the rest, generated and vendored files last, each by path: defects are predicted for
//! code and found through the history of code, while huge commits are mostly imports of what others wrote. The choice
//! depends on paths alone, so it is the same for whoever collects.

use driftline_operators::validate::{class_of, path_fault};
use driftline_schema::{FileClass, Limits};
use std::collections::BTreeSet;

/// The files in the order in which they get room; `files` are in the order of their paths.
pub(super) fn ranked<T>(mut files: Vec<T>, path: impl Fn(&T) -> &str) -> Vec<T> {
    files.sort_by_cached_key(|file| match class_of(path(file)) {
        FileClass::Source => 0,
        FileClass::Test => 1,
        FileClass::Other => 2,
        FileClass::Documentation => 3,
        FileClass::Generated => 4,
    });
    files
}

/// Paths that an event uses already. Different bytes that are no UTF-8 may be written alike.
#[derive(Default)]
pub(super) struct Stands {
    paths: BTreeSet<String>,
    old_paths: BTreeSet<String>,
}

/// Whether a file can stand in an event beside those before it: with paths that validation accepts, each used once.
pub(super) fn stands(taken: &mut Stands, path: &str, old_path: Option<String>, limits: &Limits) -> bool {
    let fits = |path: &str| path_fault(path, limits).is_none();
    if !fits(path) || old_path.as_deref().is_some_and(|path| !fits(path)) {
        return false;
    }
    // Only an escaped path can equal another: the paths of a walk differ.
    if path.contains('%') && !taken.paths.insert(path.to_owned()) {
        return false;
    }
    match old_path {
        Some(old_path) if old_path.contains('%') => {
            !taken.paths.contains(&old_path) && taken.old_paths.insert(old_path)
        }
        _ => !taken.old_paths.contains(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_gets_room_first_and_generated_files_last() {
        let files = vec!["a/README.md", "b/lib.rs", "c/data.bin", "tests/t.py", "vendor/v.go", "z/main.rs"];
        let order = ["b/lib.rs", "z/main.rs", "tests/t.py", "c/data.bin", "a/README.md", "vendor/v.go"];
        assert_eq!(ranked(files, |path| path), order);
    }

    #[test]
    fn a_path_is_used_once_and_must_be_one_that_is_accepted() {
        let (mut taken, limits) = (Stands::default(), Limits::default());
        let mut try_one = |path: &str, old: Option<&str>| stands(&mut taken, path, old.map(str::to_owned), &limits);
        assert!(try_one("a", None) && try_one("a%FF", None) && try_one("b", Some("c%FE")));
        assert!(!try_one("a%FF", None), "twice");
        assert!(!try_one("d", Some("c%FE")), "renamed to two paths");
        assert!(!try_one("c%FE", None), "renamed away and changed in place");
        for bad in ["a/../b", "", "/a", "a//b", &"x".repeat(4097)] {
            assert!(!try_one(bad, None) && !try_one("e", Some(bad)), "{bad}");
        }
    }
}
