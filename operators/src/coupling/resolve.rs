//! Which file an import means, language by language, as keys that a map of the repository's files can look up.
//!
//! Pure functions of a path and the import's text: they know no repository. What an import may mean is a list of
//! [`Target`]s, the first of which that exists counts. A module is a file, but for what a language cannot import apart:
//! all files of a Go package folder, and a Python stub with its source, are one module.

mod languages;
#[cfg(test)]
mod tests;

use super::names::{Family, Key, join, name_hash};
use driftline_schema::{Import, Language, NameHash};

/// Where a file stands among what can be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) family: Family,
    /// Its module.
    pub(super) module: Key,
    /// Ends of the module's path under which it may be found, each with the folder that the end begins in.
    pub(super) suffixes: Box<[(Key, Key)]>,
    /// The folders the file is in, innermost first, the root last.
    pub(super) folders: Box<[Key]>,
}

/// One thing that an import may mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// The module of this path.
    At(Key),
    /// The module whose path ends so: that in the innermost folder around the importing file, else the only one.
    Near(Key),
}

impl Target {
    /// The key under which the module, when there is one, announces itself.
    pub(super) fn key(self) -> Key {
        match self {
            Self::At(key) | Self::Near(key) => key,
        }
    }
}

/// What one import asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Want {
    /// The module as written, hashed.
    pub(super) name: NameHash,
    /// The first that exists is meant.
    pub(super) first_of: Box<[Target]>,
    /// Those that exist are meant as well: imported names may be modules themselves.
    pub(super) names: Box<[Target]>,
    /// Whether it can only mean something in the repository.
    pub(super) local: bool,
}

fn hashes(segments: &[&str]) -> Vec<NameHash> {
    segments.iter().map(|segment| name_hash(segment)).collect()
}

/// The segments of a file's module: its path without what a language leaves out when it imports the file.
fn module_names(path: &str, family: Family) -> Vec<&str> {
    let mut names: Vec<&str> = path.split('/').collect();
    let file = names.pop().unwrap_or_default();
    match family {
        Family::Python => {
            let stem = file.strip_suffix(".pyi").or_else(|| file.strip_suffix(".py")).unwrap_or(file);
            names.extend(Some(stem).filter(|stem| *stem != "__init__"));
        }
        Family::JavaScript => names.push(languages::script_stem(file)),
        Family::Java => names.push(file.strip_suffix(".java").unwrap_or(file)),
        Family::C => names.push(file),
        Family::Go => {}
        Family::Rust => {
            let stem = file.strip_suffix(".rs").unwrap_or(file);
            names.extend(Some(stem).filter(|stem| *stem != "mod"));
        }
    }
    names
}

/// The keys of a path's beginnings, from the root to the whole.
fn folder_keys(segments: &[NameHash]) -> Vec<Key> {
    let mut keys = vec![0];
    for segment in segments {
        keys.push(join(keys[keys.len() - 1], *segment));
    }
    keys
}

/// The place of the file at `path`; `None` when its language has no rules.
pub(super) fn place(path: &str, language: Language) -> Option<Place> {
    let family = Family::of(language)?;
    let names = module_names(path, family);
    let segments = hashes(&names);
    let beginnings = folder_keys(&segments);
    let starts: Vec<usize> = match family {
        Family::Python | Family::Java | Family::C => (0..segments.len()).collect(),
        Family::JavaScript => (0..segments.len()).filter(|at| names[*at] == "src").collect(),
        Family::Go => vec![],
        Family::Rust => names.len().checked_sub(3).filter(|at| names[at + 1..] == ["src", "lib"]).into_iter().collect(),
    };
    let folders: Vec<&str> = path.split('/').collect();
    let mut folders = folder_keys(&hashes(&folders[..folders.len() - 1]));
    folders.reverse();
    Some(Place {
        family,
        module: family.whole(&segments),
        suffixes: starts.into_iter().map(|start| (family.suffix(&segments[start..]), beginnings[start])).collect(),
        folders: folders.into(),
    })
}

/// What `import` asks for in the file at `path`; `None` when it names nothing that could be a module.
pub(super) fn want(path: &str, language: Language, import: &Import) -> Option<Want> {
    let text = import.module.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>'));
    let found = match Family::of(language)? {
        Family::Python => languages::python(path, text, &import.names),
        Family::JavaScript => languages::script(path, text)?,
        Family::Java => languages::java(text)?,
        Family::C => languages::include(path, text),
        Family::Go => languages::go(path, text),
        Family::Rust => languages::rust(path, text, &import.names)?,
    };
    Some(Want { name: name_hash(text), ..found })
}
