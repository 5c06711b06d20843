//! Which file an import means, language by language, as keys that a map of the repository's files can look up.
//!
//! Pure functions of a path and the import's text: they know no repository. What an import may mean is a list of
//! [`Target`]s, the first of which that exists counts. A module is a file, but for what a language cannot import apart:
//! all files of a Go package folder, and a Python stub with its source, are one module.
//!
//! C# names namespaces and Swift modules, which no path tells: their imports are not counted, neither as reaching a file nor
//! as leading out of the repository, but their files are modules whose calls and class uses are resolved by name.

mod languages;
#[cfg(test)]
mod tests;

use super::names::{Family, Key, join, name_hash};
use super::outline::distinct;
use driftline_schema::{Import, Language, NameHash};

/// Where a file stands among what can be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) family: Family,
    /// Its module.
    pub(super) module: Key,
    /// Ends of the module's path under which it may be found, each with the folder from which it is seen as near.
    pub(super) suffixes: Box<[(Key, Key)]>,
    /// The folders the file is in, innermost first, the root last.
    pub(super) folders: Box<[Key]>,
    /// Ends of its folder's path that name its package, where imports name packages.
    pub(super) packages: Box<[Key]>,
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
    /// The package that is meant as a whole when there is no such module: it is of the repository, and no one file.
    pub(super) package: Option<Key>,
    /// The package that holds what is meant: when it is of the repository, so is what was not found.
    pub(super) within: Option<Key>,
}

fn hashes(segments: &[&str]) -> Vec<NameHash> {
    segments.iter().map(|segment| name_hash(segment)).collect()
}

/// `text` without `extension`.
fn stem<'a>(text: &'a str, extension: &str) -> &'a str {
    text.strip_suffix(extension).unwrap_or(text)
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
        Family::Jvm => names.push([".java", ".kt", ".kts", ".scala"].iter().fold(file, |file, end| stem(file, end))),
        Family::Php => names.push(stem(file, ".php")),
        Family::Ruby => names.push(stem(file, ".rb")),
        Family::C | Family::CSharp | Family::Swift | Family::Bash => names.push(file),
        Family::Go => {}
        Family::Rust => names.extend(Some(stem(file, ".rs")).filter(|stem| *stem != "mod")),
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

/// Whether a file is a module of its own that is found by what it defines as well: Java has one class a file, named alike.
fn has_members(language: Language) -> bool {
    matches!(language, Language::Kotlin | Language::Scala)
}

/// Where the ends of a module's path begin under which it is found.
fn starts(family: Family, names: &[&str]) -> Vec<usize> {
    let all = 0..names.len();
    match family {
        Family::Python | Family::Jvm | Family::C | Family::Php | Family::Bash => all.collect(),
        Family::JavaScript => all.filter(|at| names[*at] == "src").collect(),
        // Below the folders that programs, tests and frameworks search; any end would find `json` in `a/json.rb`.
        Family::Ruby => all.filter(|at| *at == 0 || RUBY_FOLDERS.contains(&names[*at - 1])).collect(),
        Family::Go | Family::CSharp | Family::Swift => vec![],
        Family::Rust => names.len().checked_sub(3).filter(|at| names[at + 1..] == ["src", "lib"]).into_iter().collect(),
    }
}

/// Folders that Ruby's `require` searches.
const RUBY_FOLDERS: &[&str] = &["app", "lib", "spec", "test"];

/// The place of the file at `path`.
pub(super) fn place(path: &str, language: Language) -> Place {
    let family = Family::of(language);
    let names = module_names(path, family);
    let segments = hashes(&names);
    let beginnings = folder_keys(&segments);
    let whole = hashes(&path.split('/').collect::<Vec<_>>());
    let around = &whole[..whole.len() - 1];
    let mut folders = folder_keys(around);
    folders.reverse();
    let named = starts(family, &names);
    // Ruby's code, tests and programs stand side by side and see the same folders.
    let seen_from = |start: usize| beginnings[start.saturating_sub(usize::from(family == Family::Ruby))];
    let packages = if has_members(language) { around } else { &[] };
    Place {
        family,
        // A Java class and Kotlin's functions may share a name, and be imported apart.
        module: family.whole(if has_members(language) { &whole } else { &segments }),
        suffixes: named.into_iter().map(|start| (family.suffix(&segments[start..]), seen_from(start))).collect(),
        folders: folders.into(),
        packages: (0..packages.len()).map(|start| family.suffix(&packages[start..])).collect(),
    }
}

/// The class under which Java finds the functions of a Kotlin file.
fn facade(stem: &str) -> String {
    let mut rest = stem.chars();
    rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).chain("Kt".chars()).collect()
}

/// Names that a file is found by besides its own, and folders above it that an end may begin in: the list is of all pairs.
const MEMBERS_MAX: usize = 4_096;
const FOLDERS_MAX: usize = 32;

/// Ends of paths under which the file at `path` may be found for what it defines outside of all classes, each with the
/// folder that the end begins in; not those of its own name.
pub(super) fn members<'a>(path: &str, language: Language, defined: impl Iterator<Item = &'a str>) -> Box<[(Key, Key)]> {
    if !has_members(language) {
        return Box::default();
    }
    let family = Family::of(language);
    let names = module_names(path, family);
    let mut segments = hashes(&names);
    let beginnings = folder_keys(&segments);
    let last = segments.len() - 1;
    let mut ends = Vec::new();
    let facade = (language == Language::Kotlin).then(|| name_hash(&facade(names[last])));
    let own = segments[last];
    for name in defined.map(name_hash).chain(facade).filter(|name| *name != own).take(MEMBERS_MAX) {
        segments[last] = name;
        let first = (last + 1).saturating_sub(FOLDERS_MAX);
        ends.extend((first..=last).map(|start| (family.suffix(&segments[start..]), beginnings[start])));
    }
    distinct(ends)
}

/// What `import` asks for in the file at `path`; `None` when it names nothing that could be a module.
pub(super) fn want(path: &str, language: Language, import: &Import) -> Option<Want> {
    let text = import.module.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>'));
    let found = match language {
        Language::Python => languages::python(path, text, &import.names),
        Language::JavaScript | Language::TypeScript | Language::Tsx => languages::script(path, text)?,
        Language::Java => languages::java(text)?,
        Language::C | Language::Cpp => languages::include(path, text),
        Language::Go => languages::go(path, text),
        Language::Rust => languages::rust(path, text, &import.names)?,
        Language::Kotlin => languages::kotlin(text),
        Language::Scala => languages::scala(text, &import.names),
        Language::Php => languages::php(path, text),
        Language::Ruby => languages::ruby(path, text),
        Language::Bash => languages::bash(path, text),
        // A namespace or a module, which is no file.
        Language::CSharp | Language::Swift => return None,
    };
    Some(Want { name: name_hash(text), ..found })
}
