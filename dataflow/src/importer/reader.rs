//! One repository's reader: a thread that looks when it is asked and tells what is new.
//!
//! Whatever the repository does (it is gone, its disk hangs, an object is damaged, the code that reads it panics) happens
//! to this thread alone. What was told before an error counts as told: it is not told again.

use crate::collect::{CollectError, CollectOptions, Follower, GitHistory, News};
use crate::terminal::chain;
use crossbeam_channel::{Receiver, Sender};
use driftline_schema::{CommitId, Event};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

/// What a reader is asked to do.
pub(super) enum Order {
    /// Open the repository, unless it is open.
    Open,
    /// These commits of it stand in the log, and these branches were followed; sent once, in answer to its name.
    Known(Vec<CommitId>, BTreeSet<String>),
    /// It may not be followed; the other answer to its name.
    Refused(Box<CollectError>),
    /// Tell what is new.
    Look,
}

/// What a reader tells. Every [`Order::Open`] and [`Order::Look`] is answered by one of the last three.
pub(super) enum Told {
    /// These branches are followed; told before anything of a new one.
    Follows(BTreeSet<String>),
    /// A branch moved.
    Branch(Box<Event>),
    /// A commit is new; so many are left.
    Change(Box<Event>, usize),
    /// It is open; its name and, the first time, a question for the commits that are known.
    Open(String),
    /// Everything that was new was told.
    UpToDate,
    /// It cannot be read now.
    Trouble(Trouble),
}

/// Why a repository cannot be read.
#[derive(Debug)]
pub struct Trouble {
    /// It is not where it should be.
    pub missing: bool,
    /// What happened, the whole chain of causes.
    pub reason: String,
    /// The error itself, unless the reader panicked or gave no answer.
    pub error: Option<CollectError>,
}

impl Trouble {
    fn of(error: CollectError) -> Self {
        let missing = matches!(error, CollectError::NotARepository { .. });
        Self { missing, reason: chain(&error), error: Some(error) }
    }
    /// Trouble without an error.
    pub(super) fn because(reason: impl Into<String>) -> Self {
        Self { missing: false, reason: reason.into(), error: None }
    }
}

/// The thread's side of a repository.
pub(super) struct Reader {
    /// Its place among the repositories.
    pub index: usize,
    pub path: PathBuf,
    pub options: CollectOptions,
    pub orders: Receiver<Order>,
    pub told: Sender<(usize, Told)>,
}

/// Nobody listens any more.
struct Over;

impl Reader {
    /// Follows orders until nobody gives any.
    pub(super) fn run(self) {
        let mut follower: Option<Follower> = None;
        // After trouble the repository is opened anew: another disk may be mounted, another clone stand there.
        let mut open = false;
        while let Ok(order) = self.orders.recv() {
            let look = matches!(order, Order::Look);
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let cpu = self.options.cpu.clone();
                let _measuring = cpu.measure();
                self.answer(&mut follower, open, look)
            }));
            let told = match outcome {
                Ok(Ok(Ok(told))) => {
                    open = true;
                    told
                }
                Ok(Ok(Err(error))) => {
                    open = false;
                    Told::Trouble(self.trouble(error))
                }
                Ok(Err(Over)) => return,
                Err(panic) => {
                    open = false;
                    let text = panic.downcast_ref::<String>().cloned();
                    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                    let text = text.unwrap_or_else(|| "without a message".to_owned());
                    Told::Trouble(Trouble::because(format!("the thread that reads it panicked: {text}")))
                }
            };
            if self.tell(told).is_err() {
                return;
            }
        }
    }

    fn answer(
        &self,
        follower: &mut Option<Follower>,
        open: bool,
        look: bool,
    ) -> Result<Result<Told, CollectError>, Over> {
        let is_other = |history: &GitHistory| history.was_replaced() || history.was_deepened();
        let open = open && !follower.as_ref().is_some_and(|follower| is_other(follower.history()));
        if !open && let Err(error) = self.open(follower)? {
            return Ok(Err(error));
        }
        let follower = follower.as_mut().expect("it was opened above");
        if !look {
            return Ok(Ok(Told::UpToDate));
        }
        let before = follower.branches();
        let polled = follower.poll_new();
        let now = follower.branches();
        if now != before {
            self.tell(Told::Follows(now))?;
        }
        match polled {
            Ok(Some(news)) => self.pass_on(follower, news),
            Ok(None) => Ok(Ok(Told::UpToDate)),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Opens the repository; the first time, asks which of its commits are known.
    fn open(&self, follower: &mut Option<Follower>) -> Result<Result<(), CollectError>, Over> {
        let history = match GitHistory::open(&self.path, self.options.clone()) {
            Ok(history) => history,
            Err(error) => return Ok(Err(error)),
        };
        if let Some(follower) = follower {
            return Ok(follower.reopen(history));
        }
        self.tell(Told::Open(history.name().to_owned()))?;
        match self.orders.recv() {
            Ok(Order::Known(known, branches)) => Ok(Follower::new(history, known).map(|mut new| {
                new.follow_also(branches);
                *follower = Some(new);
            })),
            Ok(Order::Refused(error)) => Ok(Err(*error)),
            _ => Err(Over),
        }
    }

    /// Tells the news one by one; what was told is confirmed, whatever ends it.
    fn pass_on(&self, follower: &mut Follower, news: News) -> Result<Result<Told, CollectError>, Over> {
        for event in news.branches {
            self.tell(Told::Branch(Box::new(event)))?;
        }
        let mut taken = Taken { follower, changes: 0 };
        let mut changes = news.changes;
        while let Some(event) = changes.next() {
            match event {
                Ok(event) => self.tell(Told::Change(Box::new(event), changes.remaining()))?,
                Err(error) => return Ok(Err(error)),
            }
            taken.changes += 1;
        }
        Ok(Ok(Told::UpToDate))
    }

    fn tell(&self, told: Told) -> Result<(), Over> {
        self.told.send((self.index, told)).map_err(|_| Over)
    }

    /// What an error means, seen from outside: a repository that can no longer be opened is missing, whichever file was
    /// looked for first.
    fn trouble(&self, error: CollectError) -> Trouble {
        let reopened = catch_unwind(AssertUnwindSafe(|| GitHistory::open(&self.path, self.options.clone()).err()));
        Trouble::of(reopened.ok().flatten().unwrap_or(error))
    }
}

/// Confirms what was told when it goes, also in a panic.
struct Taken<'a> {
    follower: &'a mut Follower,
    changes: usize,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.follower.confirm_some(self.changes);
    }
}
