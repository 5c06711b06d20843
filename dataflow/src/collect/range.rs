//! A range of commits as git writes it, resolved before any work is done.

use super::change::{commit_id, commit_seconds};
use super::difference::{Link, difference};
use super::error::Cause;
use super::graph;
use super::locate::Located;
use super::objects::RawCommit;
use crate::terminal::shown;
use driftline_schema::CommitId;
use gix::ObjectId;
use std::collections::HashSet;

/// Why a range cannot be scored.
#[derive(Debug, thiserror::Error)]
pub enum RangeError {
    /// A revision names no commit.
    #[error(
        "`{}` names no commit of repository `{}`; `git log` and `git branch --all` show what there is",
        shown(revision),
        shown(repository)
    )]
    Unknown {
        /// What was asked for.
        revision: String,
        /// The repository's name.
        repository: String,
        /// What git's rules say.
        source: Cause,
    },
    /// A revision names no commit of a shallow clone, which may only lack it.
    #[error("`{}` names no commit of repository `{}`, which is a shallow clone", shown(revision), shown(repository))]
    UnknownInShallow {
        /// What was asked for.
        revision: String,
        /// The repository's name.
        repository: String,
    },
    /// Three dots.
    #[error(
        "`{}` means commits of both sides; write {}..{} for those that are only on the second",
        shown(range),
        shown(from),
        shown(to)
    )]
    TwoSided {
        /// What was asked for.
        range: String,
        /// The first side.
        from: String,
        /// The second side.
        to: String,
    },
    /// Nothing is named.
    #[error("`{}` names no commit; write HEAD for the one that is checked out, or FROM..TO for several", shown(range))]
    Blank {
        /// What was asked for.
        range: String,
    },
    /// The commits are not among those that are followed.
    #[error(
        "`{}` is not on the branch that is checked out, and only that is followed; check it out first: git switch {}, or \
         git switch --detach with the commit's id",
        shown(revision),
        shown(revision)
    )]
    NotOnHead {
        /// What was asked for.
        revision: String,
    },
    /// Commits are damaged or missing.
    #[error("the commits of `{}` cannot be read; `git fsck` shows what is damaged", shown(range))]
    Unreadable {
        /// What was asked for.
        range: String,
        /// Why not.
        source: Cause,
    },
}

impl RangeError {
    /// Whether the command line itself is at fault.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::TwoSided { .. } | Self::Blank { .. })
    }
}

impl Located {
    /// The commits of `REV..REV`, or the one of `REV`, newest first. All are reachable from `HEAD`.
    pub fn range(&self, range: &str) -> Result<Vec<CommitId>, RangeError> {
        let repo = self.repository();
        let unreadable = |source: Cause| RangeError::Unreadable { range: range.to_owned(), source };
        // One side of a range may be left out, as in git. A variable that is empty leaves out all there is.
        if range.trim_matches(|c: char| c == '.' || c.is_whitespace()).is_empty() {
            return Err(RangeError::Blank { range: range.to_owned() });
        }
        if let Some((from, to)) = range.split_once("...") {
            let (from, to) = (from.to_owned(), to.to_owned());
            return Err(RangeError::TwoSided { range: range.to_owned(), from, to });
        }
        let (from, tip_name) = range.split_once("..").map_or((None, range), |(from, to)| (Some(from), to));
        let from = from.map(|from| self.resolve(&repo, from)).transpose()?;
        let tip = self.resolve(&repo, tip_name)?;
        let head = self.resolve(&repo, "HEAD")?;
        let beyond = |hidden: ObjectId| difference(&[tip], &[hidden], links(&repo)).map_err(unreadable);
        if !beyond(head)?.is_empty() {
            return Err(RangeError::NotOnHead { revision: tip_name.to_owned() });
        }
        let Some(from) = from else { return Ok(vec![commit_id(tip)]) };
        let order = graph::sorted(&beyond(from)?);
        Ok(order.into_iter().rev().map(commit_id).collect())
    }

    /// The commit a revision names; none means `HEAD`, as in git.
    fn resolve(&self, repo: &gix::Repository, revision: &str) -> Result<ObjectId, RangeError> {
        let named = if revision.is_empty() { "HEAD" } else { revision };
        let refuse = |source: Cause| {
            let (revision, repository) = (named.to_owned(), self.name().to_owned());
            if self.is_shallow() {
                RangeError::UnknownInShallow { revision, repository }
            } else {
                RangeError::Unknown { revision, repository, source }
            }
        };
        let object = repo.rev_parse_single(named).and_then(|id| id.object()).map_err(|error| refuse(error.into()))?;
        object.peel_to_kind(gix::objs::Kind::Commit).map(|commit| commit.id).map_err(|error| refuse(error.into()))
    }

    /// Parents of its first commits that a shallow clone lacks, sorted; none of a whole repository.
    pub fn missing_parents(&self) -> Vec<CommitId> {
        let repo = self.repository();
        let shallow = repo.shallow_commits().ok().flatten();
        let boundary = shallow.iter().flat_map(|commits| commits.iter());
        let commits = boundary.filter_map(|id| repo.find_commit(*id).ok());
        let parents = commits.flat_map(|commit| commit.parent_ids().map(|id| id.detach()).collect::<Vec<_>>());
        let mut missing: Vec<CommitId> = parents.filter(|id| !repo.has_object(id)).map(commit_id).collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }
}

/// Reads how commits follow from one another, as everything else here does: replacements are not followed, and the walk
/// ends where a shallow clone does.
fn links(repo: &gix::Repository) -> impl FnMut(ObjectId) -> Result<Link, Cause> {
    let mut repo = repo.clone();
    repo.objects.ignore_replacements = true;
    let ends = repo.shallow_commits().map(|ends| ends.iter().flat_map(|ends| ends.iter().copied()).collect());
    let ends: Result<HashSet<ObjectId>, Cause> = ends.map_err(Cause::from);
    move |id| {
        let ends = ends.as_ref().map_err(ToString::to_string)?;
        let object = repo.find_object(id)?;
        let is_commit = object.kind == gix::objs::Kind::Commit;
        let commit = RawCommit::parse(&object.data).filter(|_| is_commit).ok_or("it is no well-formed commit")?;
        let seconds = commit_seconds(&commit);
        Ok(Link { seconds, parents: if ends.contains(&id) { Vec::new() } else { commit.parents } })
    }
}
