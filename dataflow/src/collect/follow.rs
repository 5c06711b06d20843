//! New commits of a repository as they arrive, and commits that a force-push took away.
//!
//! The follower knows which commits it has handed out; an answer is what the heads reach and the follower does not know,
//! and what it knows and no head reaches any more. Both are functions of these two sets, so a follower started again
//! with the commits that stand in the log goes on exactly where the log ends.
//!
//! A commit is appended to the log after its ancestors, unless the clone lacked them: the first commits of a shallow clone
//! look as if they had added every file. Once such a clone is deepened, these commits and all their descendants are
//! withdrawn, and appended again after the ancestors.

use super::blobs::BlobCache;
use super::branches;
use super::change::commit_id;
use super::change::commit_seconds;
use super::difference::{Link, difference};
use super::error::CollectError;
use super::graph::{self, Order};
use super::history::GitHistory;
use super::objects::{Objects, RawCommit};
use super::pipeline::Events;
use driftline_schema::{Branch, CommitId, Event};
use gix::ObjectId;
use gix::bstr::{BString, ByteSlice as _};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// Commits that one branch event withdraws; more follow in further ones, so that none is larger than an event may be.
#[cfg(not(test))]
const WITHDRAWN_MAX: usize = 100_000;
/// In tests few commits are many.
/// The commits that `tips` reach by what the commits themselves say, whatever the boundary of a shallow clone is, as far as
/// they are there.
fn written_ancestors(repo: &gix::Repository, tips: &[ObjectId]) -> HashSet<ObjectId> {
    let (mut open, mut seen) = (tips.to_vec(), HashSet::new());
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let Ok(commit) = repo.find_object(id).map_err(drop).and_then(|object| object.try_into_commit().map_err(drop))
        else {
            continue;
        };
        open.extend(commit.parent_ids().map(gix::Id::detach));
    }
    seen
}

#[cfg(test)]
const WITHDRAWN_MAX: usize = 20;

/// Where the branches point, by full name.
type Heads = BTreeMap<BString, ObjectId>;

/// What came since the last confirmed answer: first the branches, then the commits.
pub struct News {
    /// Branches that moved, by name. The first that abandoned commits withdraws them all. When only `HEAD` or one branch
    /// is followed, a branch is named only when something is withdrawn.
    pub branches: Vec<Event>,
    /// The changes of new commits, in order.
    pub changes: Events,
}

/// Follows the heads of a repository.
pub struct Follower {
    history: GitHistory,
    /// Commits the options leave out.
    left_out: HashSet<ObjectId>,
    /// Branches that `HEAD` was attached to.
    followed: BTreeSet<BString>,
    known: HashSet<ObjectId>,
    /// Where the heads were; `None` before the first confirmed answer.
    heads: Option<Heads>,
    pending: Option<Pending>,
    /// An answer was confirmed in part: commits are missing although the heads have not moved.
    unfinished: bool,
    /// Contents that were said to be missing.
    absent: u64,
    /// The repository was opened since the last confirmed answer, and may have ancestors now that it lacked.
    reopened: bool,
}

/// What becomes true when an answer is confirmed.
struct Pending {
    heads: Heads,
    new: Vec<ObjectId>,
    withdrawn: Vec<ObjectId>,
}

/// A commit that is not there or cannot be read.
struct Unread;

impl Follower {
    /// Follows `history`; `known` are the commits whose changes stand in the log already and are not withdrawn.
    pub fn new(history: GitHistory, known: impl IntoIterator<Item = CommitId>) -> Result<Self, CollectError> {
        // Both kinds of id have 20 or 32 bytes, so the conversion cannot panic.
        let known = known.into_iter().map(|id| ObjectId::from_bytes_or_panic(id.as_bytes())).collect();
        let left_out = history.left_out()?;
        let (followed, heads, pending) = (BTreeSet::new(), None, None);
        Ok(Self { history, left_out, followed, known, heads, pending, unfinished: false, absent: 0, reopened: true })
    }

    /// Branches that were followed before and go on being followed, although `HEAD` may be elsewhere now.
    pub fn follow_also(&mut self, branches: impl IntoIterator<Item = String>) {
        self.followed.extend(branches.into_iter().map(|branch| self.history.remembered(&branch)));
    }

    /// The branches that `HEAD` was attached to, where no others were asked for, as texts to remember them by.
    pub fn branches(&self) -> BTreeSet<String> {
        self.followed.iter().map(|branch| branches::to_text(branch.as_bstr())).collect()
    }

    /// The repository that is followed.
    pub fn history(&self) -> &GitHistory {
        &self.history
    }

    /// What is new; `None` when nothing is. The same is told again until it is confirmed.
    pub fn poll_new(&mut self) -> Result<Option<News>, CollectError> {
        self.pending = None;
        let heads = self.history.read_heads(&mut self.followed)?;
        // A branch without a commit yet says nothing; above all it does not abandon what the log holds.
        if heads.is_empty() && self.heads.is_none() {
            return Ok(None);
        }
        if heads.is_empty() && !self.known.is_empty() {
            // A repository that is being deleted or copied looks like this for a moment.
            return Err(CollectError::NoBranch { repository: self.history.name().to_owned() });
        }
        if self.heads.as_ref() == Some(&heads) && !self.unfinished && !self.reopened {
            return Ok(None);
        }
        let tips: Vec<ObjectId> = heads.values().copied().collect();
        let told_early = self.told_early(&tips)?;
        let is_known = |id: &ObjectId| self.known.contains(id) && !told_early.contains(id);
        let order = graph::order(&self.history.shared, &tips, |id| is_known(id) || self.left_out.contains(id))?;
        if self.is_strange(&order) && told_early.is_empty() {
            return Err(CollectError::OtherHistory { repository: self.history.name().to_owned() });
        }
        let mut withdrawn = self.withdrawn(&tips, &order)?;
        withdrawn.sort_unstable();
        let mut branches = self.branch_events(&heads, &withdrawn)?;
        let mut early: Vec<ObjectId> = told_early.into_iter().collect();
        early.sort_unstable();
        branches.extend(self.take_back(&heads, &early)?);
        withdrawn.append(&mut early);
        if branches.is_empty() && order.commits.is_empty() {
            (self.heads, self.unfinished, self.reopened) = (Some(heads), false, false);
            return Ok(None);
        }
        self.pending = Some(Pending { heads, new: order.commits.clone(), withdrawn });
        Ok(Some(News { branches, changes: self.history.events_of(order)? }))
    }

    /// The last answer stands in the log.
    pub fn confirm(&mut self) {
        self.confirm_some(usize::MAX);
    }

    /// The branches of the last answer stand in the log and the first so many of its changes; the others are told again.
    pub fn confirm_some(&mut self, changes: usize) {
        if let Some(pending) = self.pending.take() {
            for id in &pending.withdrawn {
                self.known.remove(id);
            }
            self.unfinished = changes < pending.new.len();
            self.known.extend(pending.new.into_iter().take(changes));
            self.heads = Some(pending.heads);
            self.reopened = false;
            self.say_what_is_absent();
        }
    }

    /// Says once for each answer how many contents the clone lacked.
    fn say_what_is_absent(&mut self) {
        let absent = self.history.stats().absent_contents;
        if absent > self.absent {
            tracing::warn!(
                repository = self.history.name(),
                contents = absent - self.absent,
                "this is a partial clone that lacks contents, so nothing is known of these versions; \
                 `git fetch --refetch --no-filter` in it gets them, and a fresh data folder then takes them in"
            );
            self.absent = absent;
        }
    }

    /// Goes on with the same repository, opened anew. One that stands elsewhere, has another name or shares no commit with
    /// what is known is another.
    pub fn reopen(&mut self, history: GitHistory) -> Result<(), CollectError> {
        let tips: Vec<ObjectId> = history.read_heads(&mut self.followed.clone())?.into_values().collect();
        let (before, now) = (&self.history, &history);
        let repository = before.name().to_owned();
        if before.name() != now.name() || before.git_folder() != now.git_folder() {
            let found = now.name().to_owned();
            return Err(CollectError::AnotherRepository { repository, found });
        }
        let order = graph::order(&history.shared, &tips, |id| self.known.contains(id))?;
        if !tips.is_empty() && self.is_strange(&order) {
            return Err(CollectError::OtherHistory { repository });
        }
        self.left_out = history.left_out()?;
        self.history = history;
        self.pending = None;
        self.reopened = true;
        Ok(())
    }

    /// Whether no commit that is known was met, though there are some: that is another history. To withdraw all that is
    /// known is never what a push means, and a repository that was put in the place of another looks the same.
    fn is_strange(&self, order: &Order) -> bool {
        !self.known.is_empty() && order.known.is_empty()
    }

    /// Known commits of which an ancestor is not in the log, although the clone has it now.
    fn told_early(&self, tips: &[ObjectId]) -> Result<HashSet<ObjectId>, CollectError> {
        if !self.reopened || self.known.is_empty() {
            return Ok(HashSet::new());
        }
        let is_new = |id: &ObjectId| !self.known.contains(id) && !self.left_out.contains(id);
        let later = graph::reach(&self.history.shared, tips)?.descendants(is_new);
        let early: HashSet<ObjectId> = later.into_iter().filter(|id| self.known.contains(id)).collect();
        if !early.is_empty() {
            tracing::warn!(
                repository = self.history.name(),
                commits = early.len(),
                "the log lacks ancestors of commits that it holds (a shallow clone was deepened, or records were lost); these \
                 commits are withdrawn and appended again after their ancestors. Models trained so far learnt from the old \
                 state: a fresh data folder trains them on the whole history"
            );
        }
        Ok(early)
    }

    /// Known commits that no head reaches any more.
    fn withdrawn(&self, tips: &[ObjectId], order: &Order) -> Result<Vec<ObjectId>, CollectError> {
        // A head that still is a head, or that new commits were built upon, keeps all that it reaches.
        let kept = |head: &ObjectId| tips.contains(head) || order.known.binary_search(head).is_ok();
        let left =
            self.heads.as_ref().map(|heads| heads.values().copied().filter(|head| !kept(head)).collect::<Vec<_>>());
        if self.known.is_empty() || left.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Vec::new());
        }
        if let Some(gone) = left.and_then(|left| self.left_behind(&left, order)) {
            return Ok(gone);
        }
        let reached = graph::reach(&self.history.shared, tips)?;
        // A shallow clone lacks most of what its heads reach, so only what it has and no head reaches is gone. Where its
        // boundary was drawn later, what lies below it may still be there, until it is collected as garbage.
        let repo = self.history.shared.repo.to_thread_local();
        let below = if self.history.is_shallow() { written_ancestors(&repo, tips) } else { HashSet::new() };
        let is_gone = |id: &ObjectId| {
            !reached.holds(id) && (!self.history.is_shallow() || (repo.has_object(id) && !below.contains(id)))
        };
        Ok(self.known.iter().filter(|id| is_gone(id)).copied().collect())
    }

    /// The same at the cost of what changed. What is known is what the heads reached, so what is gone lies between the heads
    /// that were `left` and the known commits that new heads are built upon. `None` when that is not so, or cannot be told
    /// because commits that were left are no longer there.
    fn left_behind(&self, left: &[ObjectId], order: &Order) -> Option<Vec<ObjectId>> {
        if self.reopened || self.history.is_shallow() {
            return None;
        }
        let mut objects = Objects::new(self.history.shared.clone(), Arc::new(BlobCache::new(0)));
        let link = |id| {
            objects.check_commit_size(id).map_err(|_| Unread)?;
            let link = |commit: RawCommit<'_>| Link { seconds: commit_seconds(&commit), parents: commit.parents };
            objects.commit(id, link).ok().flatten().ok_or(Unread)
        };
        let gone = difference(left, &order.known, link).ok()?;
        Some(gone.into_iter().map(|(id, _)| id).filter(|id| self.known.contains(id)).collect())
    }

    fn branch_events(&self, heads: &Heads, withdrawn: &[ObjectId]) -> Result<Vec<Event>, CollectError> {
        let nothing = Heads::new();
        let before = self.heads.as_ref().unwrap_or(&nothing);
        let mut withdrawn: Vec<CommitId> = withdrawn.iter().copied().map(commit_id).collect();
        let names: BTreeSet<&BString> = before.keys().chain(heads.keys()).collect();
        let moved = names.iter().copied().filter(|name| before.get(*name) != heads.get(*name));
        // Before the first answer there is nothing a branch could have moved from, but commits may be gone.
        let told = self.history.follows_all_branches() && self.heads.is_some();
        let mut events = Vec::new();
        for name in moved {
            let (old, new) = (before.get(name), heads.get(name));
            let name = &branches::short(name.as_bstr(), |other| names.contains(other));
            let gone = if old.is_some() || self.heads.is_none() { std::mem::take(&mut withdrawn) } else { Vec::new() };
            if told && gone.is_empty() {
                events.push(self.branch_event(name, (old, new), Vec::new())?);
            }
            for gone in gone.chunks(WITHDRAWN_MAX) {
                events.push(self.branch_event(name, (old, new), gone.to_vec())?);
            }
        }
        for gone in withdrawn.chunks(WITHDRAWN_MAX) {
            events.push(self.branch_event("HEAD", (None, heads.values().next()), gone.to_vec())?);
        }
        Ok(events)
    }

    /// Events that take these commits back although the heads still reach them; so they name no commit a branch points to.
    fn take_back(&self, heads: &Heads, commits: &[ObjectId]) -> Result<Vec<Event>, CollectError> {
        let head = (heads.values().next(), None);
        let event =
            |commits: &[ObjectId]| self.branch_event("HEAD", head, commits.iter().copied().map(commit_id).collect());
        commits.chunks(WITHDRAWN_MAX).map(event).collect()
    }

    /// The time of a move is the commit time of where the branch points now, or last pointed: the same whoever looks,
    /// and whenever.
    fn branch_event(
        &self,
        name: &str,
        (old, new): (Option<&ObjectId>, Option<&ObjectId>),
        withdrawn: Vec<CommitId>,
    ) -> Result<Event, CollectError> {
        let mut objects = Objects::new(self.history.shared.clone(), Arc::new(BlobCache::new(0)));
        let time = match new.or(old) {
            Some(id) => objects.commit(*id, |commit| commit_seconds(&commit))?.unwrap_or(0),
            None => 0,
        };
        let branch = Branch { name: name.to_owned(), commit: new.copied().map(commit_id), withdrawn, time };
        Ok(Event::of_branch(self.history.name(), branch))
    }
}
