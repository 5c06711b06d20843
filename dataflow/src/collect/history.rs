//! A git repository as a source of change events.
//!
//! Only the repository's own files are read, never the machine's or the user's git configuration, so that the same
//! repository gives the same events everywhere.

use super::author_key::AuthorKey;
use super::branches;
use super::error::{Cause, CollectError};
use super::graph::{self, Order};
use super::locate;
use super::pipeline::Events;
use super::regular;
use super::stats::Counters;
use crate::cpu::StageCpu;
use driftline_schema::Limits;
use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice as _};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::num::NonZeroUsize;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Which commits belong to the history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Heads {
    /// Those reachable from `HEAD`; when it is attached to a branch, that branch is what is followed.
    #[default]
    Head,
    /// Those reachable from this branch, by its short or full name.
    Branch(String),
    /// Those reachable from any local or remote-tracking branch.
    AllBranches,
}

/// What to collect and how.
#[derive(Clone, Debug)]
pub struct CollectOptions {
    /// The repository's name in events; by default `owner/name` of the origin's address, or else the folder's name.
    pub repository: Option<String>,
    /// The key of author pseudonyms.
    pub author_key: AuthorKey,
    /// Which commits belong to the history.
    pub heads: Heads,
    /// Revisions whose commits, and all before them, are left out.
    pub since: Vec<String>,
    /// What an event may hold.
    pub limits: Limits,
    /// Threads that read and compare. The events do not depend on it.
    pub threads: NonZeroUsize,
    /// Where the CPU time of these threads is added up.
    pub cpu: Arc<StageCpu>,
    /// Grows as objects are read: whoever waits for a repository sees that it is not stuck.
    pub pulse: Arc<AtomicU64>,
}

impl CollectOptions {
    /// The whole history of `HEAD`, read by one thread, under the default limits.
    pub fn new(author_key: AuthorKey) -> Self {
        Self {
            repository: None,
            author_key,
            heads: Heads::Head,
            since: Vec::new(),
            limits: Limits::default(),
            threads: NonZeroUsize::MIN,
            cpu: Arc::default(),
            pulse: Arc::default(),
        }
    }
}

/// What all threads of a collection share.
pub(super) struct Shared {
    pub(super) repo: gix::ThreadSafeRepository,
    pub(super) name: String,
    pub(super) author_key: AuthorKey,
    pub(super) limits: Limits,
    /// Commits whose parents a shallow clone does not have.
    pub(super) shallow: HashSet<ObjectId>,
    /// Whether the repository is a partial clone, which may lack contents.
    pub(super) partial: bool,
    /// What stood at its place when it was opened.
    identity: Vec<Option<(u64, u64)>>,
    /// References that were said to lead nowhere, so that following the repository does not say it again and again.
    passed_over: Mutex<BTreeSet<String>>,
    pub(super) counters: Counters,
    pub(super) cpu: Arc<StageCpu>,
    pub(super) pulse: Arc<AtomicU64>,
}

impl Shared {
    /// The error of an object that cannot be read.
    pub(super) fn unreadable(&self, id: ObjectId, mut place: String, source: Cause) -> CollectError {
        if self.partial {
            place += "; this is a partial clone, and `git fetch --refetch --no-filter` in it gets what it lacks";
        }
        CollectError::Object { id: id.to_string(), repository: self.name.clone(), place, source }
    }

    /// Says that a branch leads to no commit, once.
    pub(super) fn pass_over(&self, name: &str, error: &dyn std::fmt::Display) {
        if self.passed_over.lock().insert(name.to_owned()) {
            self.counters.passed_over_references();
            tracing::warn!(
                repository = self.name,
                reference = name,
                "passed over, because it leads to no commit: {error}"
            );
        }
    }

    pub(super) fn references(&self, source: impl Into<Cause>) -> CollectError {
        CollectError::References { repository: self.name.clone(), source: source.into() }
    }
}

/// An open repository.
#[derive(Clone)]
pub struct GitHistory {
    pub(super) shared: Arc<Shared>,
    heads: Heads,
    since: Vec<String>,
    threads: NonZeroUsize,
}

impl GitHistory {
    /// Opens the repository that `path` is or lies in: a work tree, a folder inside one, or a bare repository.
    pub fn open(path: &Path, options: CollectOptions) -> Result<Self, CollectError> {
        let refuse = |source: Cause| CollectError::CannotOpen { path: path.to_owned(), source };
        let repo = locate::open(path)?;
        let shallow = match repo.shallow_commits().map_err(|error| refuse(error.into()))? {
            Some(commits) => commits.iter().copied().collect(),
            None => HashSet::new(),
        };
        let shared = Shared {
            name: options.repository.unwrap_or_else(|| locate::default_name(&repo)),
            author_key: options.author_key,
            limits: options.limits,
            partial: is_partial(&repo),
            shallow,
            identity: identity(&repo),
            passed_over: Mutex::default(),
            counters: Counters::default(),
            cpu: options.cpu,
            pulse: options.pulse,
            repo: repo.into_sync(),
        };
        if !shared.shallow.is_empty() {
            tracing::warn!(
                repository = shared.name,
                commits = shared.shallow.len(),
                "shallow clone: the first commits it has look as if they had added every file; `git fetch --unshallow` in it \
                 gets the history before them"
            );
        }
        Ok(Self { shared: Arc::new(shared), heads: options.heads, since: options.since, threads: options.threads })
    }

    /// The repository's name in events.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The folder with its references and objects.
    pub fn git_folder(&self) -> &Path {
        self.shared.repo.git_dir()
    }

    /// Whether the repository is a shallow clone, whose first commits look as if they had added every file.
    pub fn is_shallow(&self) -> bool {
        !self.shared.shallow.is_empty()
    }

    /// Whether a shallow clone was deepened, or cut elsewhere, since it was opened; then it must be opened anew.
    pub fn was_deepened(&self) -> bool {
        if !self.is_shallow() {
            return false;
        }
        let repo = self.shared.repo.to_thread_local();
        // What cannot be read now may be in the middle of being written.
        let Ok(now) = repo.shallow_commits() else { return false };
        let now: HashSet<ObjectId> = now.iter().flat_map(|commits| commits.iter().copied()).collect();
        now != self.shared.shallow
    }

    /// Whether something else stands where it was opened, or nothing; then it must be opened anew.
    pub fn was_replaced(&self) -> bool {
        identity(&self.shared.repo.to_thread_local()) != self.shared.identity
    }

    /// What was read so far.
    pub fn stats(&self) -> super::stats::CollectStats {
        self.shared.counters.snapshot()
    }

    /// The changes of the history, parents before children, ties by commit time and id.
    pub fn events(&self) -> Result<Events, CollectError> {
        let heads: Vec<ObjectId> = self.read_heads(&mut BTreeSet::new())?.into_values().collect();
        let before = self.left_out()?;
        self.events_of(graph::order(&self.shared, &heads, |id| before.contains(id))?)
    }

    /// The changes of these commits.
    pub(super) fn events_of(&self, order: Order) -> Result<Events, CollectError> {
        Events::start(&self.shared, order.commits, self.threads)
    }

    /// The commits that the revisions to leave out reach.
    pub(super) fn left_out(&self) -> Result<HashSet<ObjectId>, CollectError> {
        let revisions: Result<Vec<ObjectId>, _> = self.since.iter().map(|revision| self.resolve(revision)).collect();
        Ok(graph::order(&self.shared, &revisions?, |_| false)?.commits.into_iter().collect())
    }

    /// Whether every branch belongs to the history.
    pub(super) fn follows_all_branches(&self) -> bool {
        self.heads == Heads::AllBranches
    }

    /// The commit a revision names.
    fn resolve(&self, revision: &str) -> Result<ObjectId, CollectError> {
        let repo = self.shared.repo.to_thread_local();
        let refuse = |source: Cause| CollectError::UnknownRevision {
            revision: revision.to_owned(),
            repository: self.shared.name.clone(),
            source,
        };
        let object =
            repo.rev_parse_single(revision).and_then(|id| id.object()).map_err(|error| refuse(error.into()))?;
        object.peel_to_kind(gix::objs::Kind::Commit).map(|commit| commit.id).map_err(|error| refuse(error.into()))
    }

    /// Branches by full name, and the commits they point to now. `followed` collects the branches `HEAD` was attached to:
    /// checking out another branch adds that one and does not abandon the first.
    pub(super) fn read_heads(
        &self,
        followed: &mut BTreeSet<BString>,
    ) -> Result<BTreeMap<BString, ObjectId>, CollectError> {
        let repo = self.shared.repo.to_thread_local();
        regular::check_files(repo.git_dir(), repo.common_dir())?;
        for branch in followed.iter() {
            regular::check_reference(repo.git_dir(), repo.common_dir(), branch)?;
        }
        match &self.heads {
            Heads::Branch(name) => Ok([branches::named(&repo, &self.shared, name)?].into()),
            Heads::AllBranches => branches::all(&repo, &self.shared),
            Heads::Head => {
                let head = repo.head().map_err(|error| self.shared.references(error))?;
                let attached = head.referent_name().map(|branch| branch.as_bstr().to_owned());
                let is_detached = attached.is_none();
                followed.extend(attached);
                let mut heads = BTreeMap::new();
                for branch in followed.iter() {
                    let id = branches::head(&repo, &self.shared, branch.as_bstr())?;
                    heads.extend(id.map(|id| (branch.clone(), id)));
                }
                // Detached beside branches that are followed: a bisection or a rebase under way, which says nothing yet.
                // Detached with no such branch, as a checkout in CI is, it is what whoever started it asks about.
                if heads.is_empty() && is_detached {
                    let id = head.into_peeled_id().map_err(|error| self.shared.references(error))?;
                    heads.insert("HEAD".into(), id.detach());
                }
                Ok(heads)
            }
        }
    }

    /// The branch that a remembered text stands for. Texts from before names had escapes are names as they are.
    pub(super) fn remembered(&self, text: &str) -> BString {
        let (repo, name) = (self.shared.repo.to_thread_local(), branches::from_text(text));
        let is_there = |name: &BStr| branches::head(&repo, &self.shared, name).is_ok_and(|head| head.is_some());
        if !is_there(name.as_bstr()) && is_there(text.into()) { text.into() } else { name }
    }
}

/// What tells the folders of a repository from others that take their places.
fn identity(repo: &gix::Repository) -> Vec<Option<(u64, u64)>> {
    let link = repo.workdir().map(|folder| folder.join(".git"));
    let places = [Some(repo.git_dir()), Some(repo.common_dir()), link.as_deref()];
    let identity = |place: &Path| std::fs::metadata(place).ok().map(|place| (place.dev(), place.ino()));
    places.into_iter().flatten().map(identity).collect()
}

/// Whether a server promised to deliver on demand what is not here: told by the configuration, or by some pack's mark.
fn is_partial(repo: &gix::Repository) -> bool {
    let config = repo.config_snapshot();
    let promised = |remote: &gix::bstr::BStr| {
        let key = |name: &str| format!("remote.{remote}.{name}");
        config.boolean(key("promisor").as_str()) == Some(true)
            || config.string(key("partialCloneFilter").as_str()).is_some()
    };
    if config.string("extensions.partialClone").is_some()
        || repo.remote_names().iter().any(|name| promised(name.as_ref()))
    {
        return true;
    }
    let packs = std::fs::read_dir(repo.common_dir().join("objects/pack"));
    packs.into_iter().flatten().flatten().any(|file| file.path().extension().is_some_and(|end| end == "promisor"))
}
