//! Which files are measured: those named, and those with a grammar in the folders named.
//!
//! The order is that of paths, whatever order the file system lists them in. A file that several paths reach is measured
//! once, under the first of them.

use crate::terminal::shown;
use driftline_operators::syntax::has_grammar;
use driftline_schema::Language;
use ignore::WalkBuilder;
use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Larger files are refused unread; nobody writes such source, and reading it would only exhaust memory.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// A file to measure.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    /// Where it is.
    pub(super) path: PathBuf,
    /// How it is named in what is printed.
    pub(super) shown: String,
    /// The grammar.
    pub(super) language: Language,
}

/// A file or folder that cannot be measured, and why.
#[derive(Debug)]
pub(super) struct Refusal {
    path: String,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Other(String),
    Missing,
    NoFile,
    NoLanguage,
    NothingFound,
    TooLarge(u64),
    NotUtf8(usize),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(error) => write!(f, "cannot be read: {error}"),
            Self::Missing => write!(f, "no such file or folder"),
            Self::NoFile => write!(f, "neither a file nor a folder"),
            Self::NoLanguage => write!(f, "no grammar for files of this name"),
            Self::NothingFound => write!(
                f,
                "this folder holds no file that can be measured: files named {} are, but for hidden ones and what \
                 `.gitignore` or `.ignore` names",
                measured_suffixes()
            ),
            Self::TooLarge(bytes) => write!(f, "{bytes} bytes are more than the {FILE_BYTES_MAX} that are read"),
            Self::NotUtf8(offset) => {
                write!(f, "no text: not UTF-8 at byte {offset}, and a NUL byte near its beginning")
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", shown(&self.path), shown(&self.reason.to_string()))
    }
}

impl Refusal {
    fn new(path: &Path, reason: Reason) -> Self {
        Self { path: path.display().to_string(), reason }
    }

    /// What the search below `folder` met, at its own path where it is known.
    fn of_walk(folder: &Path, error: ignore::Error) -> Self {
        let mut inner = &error;
        loop {
            match inner {
                ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => inner = err,
                ignore::Error::WithPath { path, err } => {
                    let reason = err.io_error().map_or_else(|| Reason::Other(err.to_string()), reason);
                    return Self::new(path, reason);
                }
                other => return Self::new(folder, Reason::Other(other.to_string())),
            }
        }
    }
}

fn reason(error: &io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::NotFound => Reason::Missing,
        _ => Reason::Other(error.to_string()),
    }
}

impl Candidate {
    /// The file at `path`, if its language has a grammar.
    fn of(path: PathBuf) -> Result<Self, PathBuf> {
        let shown = path.to_string_lossy().into_owned();
        // Paths are told apart by `/` in records; a folder's name plays no part in the language.
        let language = path.file_name().and_then(|name| Language::of_path(&name.to_string_lossy()));
        match language.filter(|language| has_grammar(*language)) {
            Some(language) => Ok(Self { path, shown, language }),
            None => Err(path),
        }
    }

    /// Its text.
    pub(super) fn read(&self) -> Result<String, Refusal> {
        let refuse = |reason| Refusal::new(&self.path, reason);
        let bytes = std::fs::metadata(&self.path).map_err(|error| refuse(reason(&error)))?.len();
        if bytes > FILE_BYTES_MAX {
            return Err(refuse(Reason::TooLarge(bytes)));
        }
        let bytes = std::fs::read(&self.path).map_err(|error| refuse(reason(&error)))?;
        // What is measured of a history is measured here.
        String::from_utf8(bytes).or_else(|error| {
            let offset = error.utf8_error().valid_up_to();
            crate::collect::text_of(error.as_bytes()).ok_or_else(|| refuse(Reason::NotUtf8(offset)))
        })
    }
}

/// What names of source files end with, of every language.
const SUFFIXES: [&str; 33] = [
    "py", "pyi", "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "java", "c", "h", "cc", "cpp", "cxx", "c++",
    "hh", "hpp", "hxx", "h++", "inl", "go", "rs", "cs", "php", "rb", "kt", "kts", "swift", "scala", "sh", "bash",
];

/// The suffixes of the languages whose grammar is compiled in, for people.
fn measured_suffixes() -> String {
    let language = |suffix: &str| Language::of_path(&format!("x.{suffix}"));
    let measured = SUFFIXES.iter().filter(|suffix| language(suffix).is_some_and(has_grammar));
    measured.map(|suffix| format!(".{suffix}")).collect::<Vec<_>>().join(" ")
}

/// The files that `paths` name, in order, and what cannot be searched.
pub(super) fn find(paths: &[PathBuf]) -> (Vec<Candidate>, Vec<Refusal>) {
    let (mut candidates, mut refusals) = (Vec::new(), Vec::new());
    for path in paths {
        let before = (candidates.len(), refusals.len());
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => search(path, &mut candidates, &mut refusals),
            // A file that is named is meant: that it cannot be measured must be said.
            Ok(metadata) if metadata.is_file() => match Candidate::of(path.clone()) {
                Ok(candidate) => candidates.push(candidate),
                Err(path) => refusals.push(Refusal::new(&path, Reason::NoLanguage)),
            },
            Ok(_) => refusals.push(Refusal::new(path, Reason::NoFile)),
            Err(error) => refusals.push(Refusal::new(path, reason(&error))),
        }
        // A path that is mistyped must not pass for a folder without faults.
        if before == (candidates.len(), refusals.len()) {
            refusals.push(Refusal::new(path, Reason::NothingFound));
        }
    }
    if paths.len() > 1 {
        // A file found by two paths would be told of as a copy of itself.
        let mut seen = HashSet::new();
        candidates.retain(|candidate| {
            let real = candidate.path.canonicalize().unwrap_or_else(|_| candidate.path.clone());
            seen.insert((real, candidate.language))
        });
    }
    candidates.sort();
    (candidates, refusals)
}

/// Adds the source files below `folder`.
fn search(folder: &Path, candidates: &mut Vec<Candidate>, refusals: &mut Vec<Refusal>) {
    // A `.gitignore` (and an `.ignore`, which search tools read as well) holds for an exported tree as well as for a clone.
    for entry in WalkBuilder::new(folder).require_git(false).build() {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                candidates.extend(Candidate::of(entry.into_path()));
            }
            Ok(_) => {}
            Err(error) => refusals.push(Refusal::of_walk(folder, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffixes_are_those_of_all_languages() {
        let named: HashSet<Language> =
            SUFFIXES.iter().map(|suffix| Language::of_path(&format!("x.{suffix}")).expect("a language")).collect();
        assert_eq!(named.len(), Language::ALL.len());
    }
}
