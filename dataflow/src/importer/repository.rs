//! One repository as the importer sees it: its reader, how following goes, when to look again.
//!
//! An outage is one line in the log when it begins and one when it is over, however often the repository is tried
//! meanwhile and whatever else is found wrong with it.

use super::reader::{Order, Reader, Told, Trouble};
use crate::collect::{CollectError, CollectOptions};
use crossbeam_channel::{Sender, unbounded};
use driftline_api::{Condition, RepositoryState};
use driftline_schema::CommitId;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often repositories are looked at for new commits: a push is answered within a second.
pub const POLL: Duration = Duration::from_millis(300);
/// The longest pause between two tries of a repository that cannot be read.
const RETRY_MAX: Duration = Duration::from_secs(5);
/// A reader that reads nothing for so long hangs: a disk that is gone, a pipe where a file should be.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A repository that is followed, or would be if it could.
pub(super) struct Repository {
    path: PathBuf,
    /// Its name in events, once it was open.
    name: Option<String>,
    /// What it is called until then.
    given: Option<String>,
    orders: Sender<Order>,
    /// Counts what the reader has read.
    pulse: Arc<AtomicU64>,
    /// The pulse when last seen, and since when it has not changed.
    felt: (u64, Instant),
    busy: bool,
    /// The last order was to look.
    looking: bool,
    hangs: bool,
    condition: Condition,
    since: i64,
    trouble: Option<Trouble>,
    /// Its history was brought in.
    caught_up: bool,
    due: Instant,
    pause: Duration,
}

impl Repository {
    /// Starts a reader, which does nothing yet.
    pub(super) fn start(
        index: usize,
        path: &Path,
        options: CollectOptions,
        told: Sender<(usize, Told)>,
    ) -> Result<Self, CollectError> {
        let (orders, received) = unbounded();
        let (pulse, given) = (options.pulse.clone(), options.repository.clone());
        let reader = Reader { index, path: path.to_owned(), options, orders: received, told };
        // It ends when nobody gives orders any more; one that hangs ends with the process.
        let thread = std::thread::Builder::new().name(format!("follow-{index}")).spawn(move || reader.run());
        thread.map_err(|source| CollectError::Thread { repository: path.display().to_string(), source })?;
        let now = Instant::now();
        Ok(Self {
            path: path.to_owned(),
            name: None,
            given,
            orders,
            pulse,
            felt: (0, now),
            busy: false,
            looking: false,
            hangs: false,
            condition: Condition::Importing,
            since: seconds_now(),
            trouble: None,
            caught_up: false,
            due: now,
            pause: POLL,
        })
    }

    /// Its name in events, once it was open.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What to call it: its name, or the folder's as long as it was never open.
    pub(super) fn label(&self) -> String {
        let folder = || self.path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = self.name.as_ref().or(self.given.as_ref());
        name.cloned().or_else(folder).unwrap_or_else(|| self.path.display().to_string())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether new commits arrive.
    pub(super) fn is_up(&self) -> bool {
        self.condition.is_up()
    }

    /// Why they do not.
    pub(super) fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    /// The same, to be kept.
    pub(super) fn take_trouble(&mut self) -> Option<Trouble> {
        self.trouble.take()
    }

    /// Whether an answer is still to come and can be expected to.
    pub(super) fn is_answering(&self) -> bool {
        self.busy && !self.hangs
    }

    /// When it is to be looked at, unless its reader is busy.
    pub(super) fn due(&self) -> Option<Instant> {
        (!self.busy).then_some(self.due)
    }

    pub(super) fn state(&self) -> RepositoryState {
        let reason = self.trouble.as_ref().map(|trouble| trouble.reason.clone());
        RepositoryState { state: self.condition, since: self.since, reason }
    }

    /// Gives an order that will be answered.
    pub(super) fn ask(&mut self, order: Order) {
        self.busy = true;
        self.looking = matches!(order, Order::Look);
        self.felt = (self.pulse.load(Ordering::Relaxed), Instant::now());
        // A reader only ends when its orders end.
        let _ = self.orders.send(order);
    }

    /// It is open: notes the name and says which commits are known.
    pub(super) fn opened(&mut self, name: String, known: Vec<CommitId>, branches: BTreeSet<String>) {
        self.name = Some(name);
        self.is_over("it can be opened now and is brought in");
        let _ = self.orders.send(Order::Known(known, branches));
    }

    /// It is open and may not be followed.
    pub(super) fn refuse(&mut self, error: CollectError) {
        let _ = self.orders.send(Order::Refused(Box::new(error)));
    }

    /// Ends an outage, if there was one.
    fn is_over(&mut self, what: &str) {
        if let Some(trouble) = self.trouble.take() {
            let (seconds, reason) = (seconds_now() - self.since, trouble.reason);
            // Of the same level as the line it answers, so that whoever saw the one sees the other.
            tracing::warn!(repository = self.label(), seconds, reason, "the trouble with a repository is over: {what}");
            (self.condition, self.since) = (Condition::Importing, seconds_now());
        }
    }

    /// The reader gave a sign of life.
    pub(super) fn heard(&mut self) {
        self.felt.1 = Instant::now();
        self.hangs = false;
    }

    /// The last order was carried out; whether that changes how following goes.
    pub(super) fn is_up_to_date(&mut self) -> bool {
        let before = self.condition;
        self.busy = false;
        self.caught_up |= self.looking;
        self.is_over("it is followed again");
        let condition = if self.caught_up { Condition::Following } else { Condition::Importing };
        if self.condition != condition {
            (self.condition, self.since) = (condition, seconds_now());
        }
        self.pause = POLL;
        self.due = Instant::now() + if self.looking { POLL } else { Duration::ZERO };
        self.condition != before
    }

    /// It cannot be read.
    pub(super) fn is_in_trouble(&mut self, trouble: Trouble) {
        self.busy = false;
        self.note(trouble);
        self.due = Instant::now() + self.pause;
        self.pause = (2 * self.pause).min(RETRY_MAX);
    }

    /// Whether it was found to hang just now.
    pub(super) fn check_pulse(&mut self) -> bool {
        let pulse = self.pulse.load(Ordering::Relaxed);
        if !self.is_answering() || pulse != self.felt.0 {
            self.felt = (pulse, Instant::now());
            return false;
        }
        if self.felt.1.elapsed() < SILENCE_MAX {
            return false;
        }
        self.hangs(&format!("nothing could be read from it for {} seconds", SILENCE_MAX.as_secs()));
        true
    }

    /// Its answer is no longer waited for, though it may come.
    pub(super) fn hangs(&mut self, why: &str) {
        self.hangs = true;
        self.note(Trouble::because(why));
    }

    fn note(&mut self, trouble: Trouble) {
        let condition = if trouble.missing { Condition::Missing } else { Condition::Failed };
        if self.trouble.is_none() {
            // As text with quotes: a path may hold what a terminal obeys.
            tracing::warn!(
                repository = self.label(), path = ?self.path, reason = trouble.reason,
                "the repository cannot be followed; it is tried again until it can, and all others are followed meanwhile"
            );
            (self.condition, self.since) = (condition, seconds_now());
        } else {
            tracing::debug!(repository = self.label(), reason = trouble.reason, "still not");
        }
        self.condition = condition;
        self.trouble = Some(trouble);
    }
}

/// For people who ask since when; no record holds it.
fn seconds_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs() as i64)
}
