//! Which repositories a command works on, and what the data folder calls them.
//!
//! A name stands for one history for ever. The data folder remembers the first commits of each repository; another
//! history under the same name would withdraw what the first brought, so it is refused. Two histories are the same when
//! they share a commit, for a commit's id fixes all that came before it: a shallow clone that was deepened and a history
//! that got a second root stay what they were.

use crate::collect::{CollectError, Located, parse_name};
use crate::importer::Branches;
use crate::log::{LogError, write_whole};
use crate::plain_file;
use crate::terminal::{self, shown};
use clap::builder::{OsStringValueParser, TypedValueParser};
use driftline_schema::CommitId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// The file of the data folder that remembers them.
const FILE: &str = "repositories.json";
/// Its format.
const FORMAT: u32 = 1;
/// Largest such file, in bytes: a hundred thousand repositories.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Why a command cannot work on the repositories that were named.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// A path is no repository.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// The same repository was named twice.
    #[error("{} and {} are the same repository; name it once", shown_path(first), shown_path(second))]
    GivenTwice {
        /// As it was given first.
        first: PathBuf,
        /// As it was given again.
        second: PathBuf,
    },
    /// Two repositories would have one name.
    #[error(
        "{} and {} would both be called `{}`; give one another name: --repo NAME={}",
        shown_path(first),
        shown_path(second),
        shown(name),
        shown_path(second)
    )]
    OneName {
        /// The name.
        name: String,
        /// Where the first is.
        first: PathBuf,
        /// Where the second is.
        second: PathBuf,
    },
    /// The data folder holds another history under the name.
    #[error(
        "{} shares no commit with the repository that {} knows as `{}`; give it another name (--repo NAME={}) or another \
         data folder (--data DIR){}",
        shown_path(path), shown_path(data), shown(name), shown_path(path), if *shallow { SHALLOW_ADVICE } else { "" }
    )]
    OtherHistory {
        /// The repository.
        path: PathBuf,
        /// The data folder.
        data: PathBuf,
        /// The name.
        name: String,
        /// Whether it is a shallow clone, which may only lack the commits in common.
        shallow: bool,
    },
    /// A name that events cannot carry.
    #[error(
        "the repository at {} would be called {reason}; name it with --repo NAME={}",
        shown_path(path),
        shown_path(path)
    )]
    BadName {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with the name.
        reason: String,
    },
    /// The history that is to be asked about is followed from another clone, and this one is behind it.
    #[error(
        "{} knows `{}` from {}. Commits that {} lacks would be withdrawn if it were brought in from there: ask about {}, \
         give this clone a data folder of its own (--data DIR), or follow it from now on with `driftline up --repo {}={}`",
        shown_path(data),
        shown(name),
        shown(before),
        shown_path(path),
        shown(before),
        shown(name),
        shown_path(path)
    )]
    Elsewhere {
        /// The clone that was named.
        path: PathBuf,
        /// The data folder.
        data: PathBuf,
        /// The name.
        name: String,
        /// The clone that is followed.
        before: String,
    },
    /// The data folder's memory cannot be read.
    #[error(
        "{} cannot be read; if it is damaged, remove it, and it is made anew from the log, except for the \
         branches that were followed: check each of them out once more, or commits that only they reach are withdrawn",
        shown_path(path)
    )]
    Memory {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The data folder's memory cannot be written.
    #[error(transparent)]
    Log(#[from] LogError),
}

const SHALLOW_ADVICE: &str = "; it is a shallow clone, and if only the commits in common are missing, \
                              `git fetch --unshallow` (in a CI checkout: fetch-depth: 0) brings them";

impl RepositoryError {
    /// Whether the command line itself is at fault.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::GivenTwice { .. } | Self::OneName { .. } | Self::BadName { .. })
    }
}

/// A path for people.
pub fn shown_path(path: &Path) -> String {
    shown(&path.to_string_lossy()).into_owned()
}

/// A repository as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoArg {
    /// The name it is to have.
    pub name: Option<String>,
    /// Where it is.
    pub path: PathBuf,
}

impl RepoArg {
    /// Without a name.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { name: None, path: path.into() }
    }

    /// Reads `[NAME=]PATH`. What begins with `/`, `.` or `~` is a path, whatever signs it holds.
    fn parse(text: OsString) -> Result<Self, String> {
        let bytes = text.as_bytes();
        let at = bytes.iter().position(|byte| *byte == b'=');
        match at.filter(|_| !bytes.starts_with(b"/") && !bytes.starts_with(b".") && !bytes.starts_with(b"~")) {
            None => Ok(Self::at(text)),
            Some(at) => {
                let name = std::str::from_utf8(&bytes[..at]).map_err(|_| "the name is not UTF-8".to_owned())?;
                let path = OsString::from_vec(bytes[at + 1..].to_vec());
                if path.is_empty() {
                    return Err(format!("a path belongs after `{}=`", shown(name)));
                }
                Ok(Self { name: Some(parse_name(name)?), path: path.into() })
            }
        }
    }

    /// Parses `[NAME=]PATH` for the command line.
    pub fn parser() -> impl TypedValueParser<Value = Self> {
        OsStringValueParser::new().try_map(Self::parse)
    }
}

/// A repository to work on.
pub struct Chosen {
    /// As it was named.
    pub arg: RepoArg,
    /// What was found there; nothing, while the disk it is on is missing.
    pub located: Option<Located>,
}

/// Finds the repositories; two that are one, or would have one name, are refused before anything of them is read. One of
/// several may be missing: the others do not wait for it.
pub fn choose(args: &[RepoArg]) -> Result<Vec<Chosen>, RepositoryError> {
    let mut chosen: Vec<Chosen> = Vec::new();
    for arg in args {
        let located = match Located::at(&arg.path) {
            Err(error) if args.len() == 1 => return Err(error.into()),
            located => located.ok(),
        };
        let one = Chosen { arg: arg.clone(), located };
        let name = one.name();
        if let Some(Err(reason)) = name.map(parse_name) {
            return Err(RepositoryError::BadName { path: arg.path.clone(), reason });
        }
        for other in &chosen {
            let (first, second) = (other.arg.path.clone(), arg.path.clone());
            if other.place() == one.place() {
                return Err(RepositoryError::GivenTwice { first, second });
            }
            if let Some(name) = name.filter(|name| other.name() == Some(name)) {
                return Err(RepositoryError::OneName { name: name.to_owned(), first, second });
            }
        }
        chosen.push(one);
    }
    Ok(chosen)
}

impl Chosen {
    /// What it is called where no data folder says otherwise; nothing is known of one that is missing.
    fn name(&self) -> Option<&str> {
        self.arg.name.as_deref().or(self.located.as_ref().map(Located::name))
    }

    /// What to open it by: its top folder, which stays when folders inside it go, unless its git folder lies elsewhere.
    pub fn path(&self) -> PathBuf {
        let place = self.place();
        if place.join(".git").exists() || place.join("HEAD").exists() { place } else { self.arg.path.clone() }
    }

    /// Where it is, or where it would be.
    pub fn place(&self) -> PathBuf {
        let absolute = || std::path::absolute(&self.arg.path).unwrap_or_else(|_| self.arg.path.clone());
        self.located.as_ref().map_or_else(absolute, |located| located.place().to_owned())
    }
}

/// One repository of a data folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    name: String,
    /// Where it was last.
    path: String,
    /// Its first commits.
    roots: Vec<CommitId>,
    /// Branches that were followed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    branches: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
struct File {
    format: u32,
    repositories: Vec<Known>,
}

/// What a data folder remembers of its repositories.
pub struct Memory {
    data: PathBuf,
    known: Vec<Known>,
    changed: bool,
    /// Repositories that were known at another place: the name, and where.
    moved: Vec<(String, String)>,
}

impl Memory {
    /// Reads it; a folder of an earlier version has none yet.
    pub fn read(data: &Path) -> Result<Self, RepositoryError> {
        let path = data.join(FILE);
        let refuse = |source| RepositoryError::Memory { path: path.clone(), source };
        let known = match plain_file::read(&path, FILE_BYTES_MAX) {
            Ok(bytes) => {
                let file: File = serde_json::from_slice(&bytes).map_err(|error| refuse(error.into()))?;
                if file.format != FORMAT {
                    let reason = format!("it has format {}, this build reads {FORMAT}", file.format);
                    return Err(refuse(std::io::Error::new(ErrorKind::InvalidData, reason)));
                }
                let mut branches = file.repositories.iter().flat_map(|known| &known.branches);
                if let Some(branch) =
                    branches.find(|branch| gix::validate::reference::name((**branch).as_str().into()).is_err())
                {
                    let reason = format!("`{}` is no name of a branch", shown(branch));
                    return Err(refuse(std::io::Error::new(ErrorKind::InvalidData, reason)));
                }
                file.repositories
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(refuse(error)),
        };
        Ok(Self { data: data.to_owned(), known, changed: false, moved: Vec::new() })
    }

    /// What each repository is called here; nothing, for one that is missing and was never seen. `in_log` gives the commits
    /// that the log holds under a name.
    pub fn settle(
        &mut self,
        repos: &[Chosen],
        in_log: impl Fn(&str) -> Vec<CommitId>,
    ) -> Result<Vec<Option<String>>, RepositoryError> {
        // A name that somebody gives comes before one that is only remembered, wherever it stands.
        let mut taken: Vec<String> = repos.iter().filter_map(|chosen| chosen.arg.name.clone()).collect();
        let mut names: Vec<Option<String>> = Vec::new();
        for chosen in repos {
            let name = self.settle_one(chosen, &taken, &in_log)?;
            if let Some(at) = names.iter().position(|other| name.is_some() && *other == name) {
                let (first, second) = (repos[at].arg.path.clone(), chosen.arg.path.clone());
                return Err(RepositoryError::OneName { name: name.unwrap_or_default(), first, second });
            }
            taken.extend(name.clone());
            names.push(name);
        }
        Ok(names)
    }

    fn settle_one(
        &mut self,
        chosen: &Chosen,
        taken: &[String],
        in_log: &impl Fn(&str) -> Vec<CommitId>,
    ) -> Result<Option<String>, RepositoryError> {
        let place = chosen.place();
        let place = place.to_string_lossy();
        let is_free = |name: &String| !taken.contains(name);
        let named = self.known.iter().filter(|known| known.path == place).map(|known| known.name.clone());
        let mut candidates: Vec<String> = named.collect();
        let Some(located) = &chosen.located else {
            return Ok(chosen.arg.name.clone().or(candidates.into_iter().find(is_free)));
        };
        let same = |name: &str| self.shares_history(located, name, in_log);
        candidates.push(located.name().to_owned());
        candidates.extend(located.earlier_names().iter().cloned());
        candidates.retain(|name| chosen.arg.name.is_none() && is_free(name));
        let kept = candidates.into_iter().find(|name| same(name) == Some(true));
        let name = kept.or(chosen.arg.name.clone()).unwrap_or_else(|| located.name().to_owned());
        if same(&name) == Some(false) {
            let (path, data, shallow) = (chosen.arg.path.clone(), self.data.clone(), located.is_shallow());
            return Err(RepositoryError::OtherHistory { path, data, name, shallow });
        }
        self.note(&name, &place, located);
        Ok(Some(name))
    }

    /// Whether the repository has a commit of the history that is known under `name`; `None` when nothing is.
    fn shares_history(&self, located: &Located, name: &str, in_log: &impl Fn(&str) -> Vec<CommitId>) -> Option<bool> {
        let known = self.known.iter().find(|known| known.name == name);
        let roots = known.map(|known| known.roots.as_slice()).unwrap_or_default();
        if roots.iter().any(|commit| located.holds(*commit)) {
            return Some(true);
        }
        let commits = in_log(name);
        if roots.is_empty() && commits.is_empty() {
            return None;
        }
        Some(commits.iter().any(|commit| located.holds(*commit)))
    }

    /// Remembers it. What is known stays: a later opening may see less of the history.
    fn note(&mut self, name: &str, place: &str, located: &Located) {
        // Of two names of one place the last that was used is the one to go on with.
        for other in self.known.iter_mut().filter(|known| known.path == place && known.name != name) {
            other.path.clear();
            self.changed = true;
        }
        let at = self.known.iter().position(|known| known.name == name);
        let before = at.map(|at| self.known.remove(at));
        if let Some(before) = before.as_ref().filter(|before| !before.path.is_empty() && before.path != place) {
            self.moved.push((name.to_owned(), before.path.clone()));
        }
        let roots = before.as_ref().map(|known| known.roots.clone()).filter(|roots| !roots.is_empty());
        let roots = roots.unwrap_or_else(|| located.roots());
        let branches = before.as_ref().map(|known| known.branches.clone()).unwrap_or_default();
        let known = Known { name: name.to_owned(), path: place.to_owned(), roots, branches };
        self.changed |= before.as_ref() != Some(&known);
        self.known.push(known);
        self.known.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Refuses a clone that is behind the one the history is followed from, which is still there: a question about it must
    /// not withdraw what the other has.
    pub fn stay(&self, asked: &Chosen) -> Result<(), RepositoryError> {
        let is_behind = |before: &str| {
            let head = Located::at(Path::new(before)).ok().and_then(|there| there.head());
            let reaches =
                |head: CommitId| asked.located.as_ref().is_none_or(|here| here.range(&head.to_string()).is_ok());
            head.is_some_and(|head| !reaches(head))
        };
        match self.moved.iter().find(|(_, before)| is_behind(before)) {
            Some((name, before)) => {
                let (path, data) = (asked.arg.path.clone(), self.data.clone());
                Err(RepositoryError::Elsewhere { path, data, name: name.clone(), before: before.clone() })
            }
            None => Ok(()),
        }
    }

    /// Writes what is new.
    pub fn write(&mut self) -> Result<(), RepositoryError> {
        if self.changed {
            let file = File { format: FORMAT, repositories: self.known.clone() };
            let bytes = serde_json::to_vec_pretty(&file).expect("names and ids are plain data");
            write_whole(&self.data.join(FILE), &bytes)?;
            self.changed = false;
        }
        Ok(())
    }
}

impl Branches for Memory {
    fn followed(&self, repository: &str) -> BTreeSet<String> {
        let known = self.known.iter().find(|known| known.name == repository);
        known.map(|known| known.branches.clone()).unwrap_or_default()
    }

    fn remember(&mut self, repository: &str, branches: &BTreeSet<String>) -> Result<(), String> {
        // One that was missing when the folder was opened is known from its first commits on.
        let Some(known) = self.known.iter_mut().find(|known| known.name == repository) else { return Ok(()) };
        if known.branches != *branches {
            known.branches.clone_from(branches);
            self.changed = true;
        }
        self.write().map_err(|error| terminal::chain(&error))
    }
}

#[cfg(test)]
mod tests;
