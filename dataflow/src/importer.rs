//! Brings repositories into the embedded log: the history first, then whatever is pushed.
//!
//! The log is cut at fixed numbers of changes, and after a cut nothing is appended until its models are ready. So the same
//! history gives the same log, byte for byte, whether it was there at the start or was pushed in parts. A repository that cannot be read
//! is left where it is and tried again; what was appended of it is not appended twice.

mod reader;
mod repository;
#[cfg(test)]
mod tests;

pub use reader::Trouble;
pub use repository::POLL;

use crate::collect::{AuthorKey, CollectError, CollectOptions};
use crate::conductor::Conductor;
use crate::config::TrainingConfig;
use crate::cpu::StageCpu;
use crate::engine::{Engine, EngineError};
use crate::source::{AppendError, Appender};
use crossbeam_channel::{Receiver, Sender, bounded};
use driftline_api::RepositoryState;
use driftline_schema::{CommitId, Event, Limits, wire};
use reader::{Order, Told};
use repository::Repository;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Appends that may be outstanding before they are made durable, in bytes: bounds what a crash makes the importer redo.
const SYNC_BYTES: usize = 8 << 20;

/// Why a repository cannot be brought in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Reading the repository.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// Some of several repositories; the others were brought in.
    #[error("{down} of {all} repositories could not be brought in: {reasons}")]
    Repositories {
        /// How many.
        down: usize,
        /// Of how many.
        all: usize,
        /// Which, and why each.
        reasons: String,
    },
    /// Writing the log.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The engine stopped.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// When cuts are due, by the number of changes in the log that were not withdrawn.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    first: u64,
    every: u64,
}

impl Schedule {
    /// A cut after `first_cut` changes and then after every `cut_every`.
    pub fn new(training: &TrainingConfig) -> Self {
        Self { first: u64::from(training.first_cut.get()), every: u64::from(training.cut_every.get()) }
    }
    /// Cuts that a log of this many changes has had. One that has had more, because changes were withdrawn after a cut, is
    /// not cut again at the same number.
    pub fn cuts(&self, changes: u64) -> u64 {
        if changes < self.first { 0 } else { 1 + changes / self.every - self.first / self.every }
    }
}

/// Told how far the import is: (events so far, events known to come).
pub type Progress<'a> = &'a dyn Fn(u64, u64);

/// Tells which commits of a repository stand in the log already.
pub type Known = Arc<dyn Fn(&str) -> Vec<CommitId>>;

/// Remembers which branches of a repository were followed, from one process to the next: else a restart would follow what
/// is checked out at that moment, and withdraw the rest.
pub trait Branches {
    /// The branches that were followed under this name.
    fn followed(&self, repository: &str) -> BTreeSet<String>;
    /// These are followed from now on; durable on return.
    fn remember(&mut self, repository: &str, branches: &BTreeSet<String>) -> Result<(), String>;
}

/// Told how each repository stands, whenever that changes.
pub type Watch = Box<dyn Fn(&BTreeMap<String, RepositoryState>)>;

/// What is done where a cut is due.
type AtCut<'a> = &'a mut dyn FnMut(&Importer) -> Result<(), ImportError>;

/// Events that readers may have told ahead.
const TOLD_AHEAD: usize = 8;
/// How long a repository may take to open before the others are turned to.
const OPEN_MAX: Duration = Duration::from_secs(10);
/// How often the engine and silent readers are looked at while nothing is told.
const LISTEN: Duration = Duration::from_millis(250);

/// Follows repositories into a log. Each has a reader of its own, so one that is gone, damaged or slow keeps no other
/// from being followed.
pub struct Importer {
    repositories: Vec<Repository>,
    told: Receiver<(usize, Told)>,
    teller: Sender<(usize, Told)>,
    known: Known,
    watch: Option<Watch>,
    branches: Option<Box<dyn Branches>>,
    appender: Arc<dyn Appender>,
    conductor: Arc<Conductor>,
    schedule: Schedule,
    changes: u64,
    events: u64,
    unsynced: usize,
    /// What the thread that appends uses.
    append: Arc<StageCpu>,
    /// What the threads that read a history use.
    collect: Arc<StageCpu>,
}

impl Importer {
    /// An importer into the log of `engine`; what the engine reflects stands in it already, and `known` tells it.
    pub fn new(appender: Arc<dyn Appender>, engine: &Engine, training: &TrainingConfig, known: Known) -> Self {
        let (teller, told) = bounded(TOLD_AHEAD);
        Self {
            repositories: Vec::new(),
            told,
            teller,
            known,
            watch: None,
            branches: None,
            appender,
            conductor: engine.conductor().clone(),
            schedule: Schedule::new(training),
            changes: engine.standing().changes(),
            events: 0,
            unsynced: 0,
            append: engine.counts().stages.append.clone(),
            collect: engine.counts().stages.collect.clone(),
        }
    }

    /// Adds a repository, under a name of its own where one is given, opens it, and says what it is called. One that cannot
    /// be opened is added as well and tried again later; [`Self::trouble`] tells.
    pub fn add(
        &mut self,
        path: &Path,
        name: Option<&str>,
        key: &AuthorKey,
        limits: &Limits,
    ) -> Result<String, ImportError> {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = NonZeroUsize::new(cores.min(2)).unwrap_or(NonZeroUsize::MIN);
        let (limits, cpu) = (limits.clone(), self.collect.clone());
        let repository = name.map(str::to_owned);
        let options = CollectOptions { repository, limits, threads, cpu, ..CollectOptions::new(key.clone()) };
        let index = self.repositories.len();
        self.repositories.push(Repository::start(index, path, options, self.teller.clone())?);
        self.repositories[index].ask(Order::Open);
        let end = Instant::now() + OPEN_MAX;
        while self.repositories[index].is_answering() {
            match self.told.recv_deadline(end) {
                Ok((from, told)) => self.take(from, told, &|_, _| {}, &mut |_| Ok(()))?,
                Err(_) => self.repositories[index]
                    .hangs(&format!("nothing could be read from it for {} seconds", OPEN_MAX.as_secs())),
            }
        }
        match self.repositories[index].trouble() {
            // Nothing the file system does will mend that.
            Some(Trouble { error: Some(CollectError::SameName { .. }), .. }) => Err(self.take_trouble(index)),
            _ => Ok(self.repositories[index].label()),
        }
    }

    /// Names of the repositories that could be opened, in the order they were added.
    pub fn names(&self) -> Vec<&str> {
        self.repositories.iter().filter_map(Repository::name).collect()
    }

    /// How many repositories are followed, and how many would be.
    pub fn followed(&self) -> (usize, usize) {
        (self.repositories.iter().filter(|repository| repository.is_up()).count(), self.repositories.len())
    }

    /// Why not every repository is followed, when that is so.
    pub fn trouble(&mut self) -> Option<ImportError> {
        let down = |repository: &Repository| !repository.is_up();
        let (all, first) = (self.repositories.len(), self.repositories.iter().position(down)?);
        if all == 1 {
            return Some(self.take_trouble(first));
        }
        let down: Vec<&Repository> = self.repositories.iter().filter(|repository| !repository.is_up()).collect();
        let reason = |repository: &&Repository| {
            let reason = repository.trouble().map_or("no reason is known", |trouble| &trouble.reason);
            format!("{} ({}): {reason}", repository.label(), repository.path().display())
        };
        let reasons = down.iter().map(reason).collect::<Vec<_>>().join("; ");
        Some(ImportError::Repositories { down: down.len(), all, reasons })
    }

    fn take_trouble(&mut self, index: usize) -> ImportError {
        let repository = &mut self.repositories[index];
        let reason = match repository.take_trouble() {
            Some(Trouble { error: Some(error), .. }) => return error.into(),
            Some(Trouble { reason, .. }) => reason,
            None => "no reason is known".to_owned(),
        };
        let reasons = format!("{} ({}): {reason}", repository.label(), repository.path().display());
        ImportError::Repositories { down: 1, all: 1, reasons }
    }

    /// Where the branches that are followed are remembered; to be set before repositories are added.
    pub fn remember_branches(&mut self, branches: Box<dyn Branches>) {
        self.branches = Some(branches);
    }

    /// Tells `watch` how each repository stands, now and whenever that changes.
    pub fn watch(&mut self, watch: Watch) {
        self.watch = Some(watch);
        self.report();
    }

    fn report(&self) {
        let Some(watch) = &self.watch else { return };
        let mut states = BTreeMap::new();
        for repository in &self.repositories {
            let mut label = repository.label();
            // One that was never open has only its folder's name, which may be another's.
            while states.contains_key(&label) {
                label.push('\'');
            }
            states.insert(label, repository.state());
        }
        watch(&states);
    }

    /// Events appended so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Brings in everything that is new, one repository after the other, waiting at every cut for its models. One that
    /// fails is left where it failed.
    pub fn import(&mut self, engine: &Engine, progress: Progress<'_>) -> Result<(), ImportError> {
        self.settle(engine)?;
        let append = self.append.clone();
        let _measuring = append.measure();
        let mut at_cut = |importer: &Self| importer.cut_and_wait(engine);
        for index in 0..self.repositories.len() {
            if !self.repositories[index].is_up() {
                continue;
            }
            self.repositories[index].ask(Order::Look);
            while self.repositories[index].is_answering() {
                match self.told.recv_timeout(LISTEN) {
                    Ok((from, told)) => self.take(from, told, progress, &mut at_cut)?,
                    Err(_) => {
                        engine.check()?;
                        self.check_pulses();
                    }
                }
            }
        }
        Ok(())
    }

    /// Finishes what a crash may have left: a cut that is due, a cut without its models.
    fn settle(&mut self, engine: &Engine) -> Result<(), ImportError> {
        let last = self.conductor.last();
        if last.cut > last.model_ready {
            engine.wait_for_models(last.cut)?;
        }
        (last.cut..self.schedule.cuts(self.changes)).try_for_each(|_| self.cut_and_wait(engine))
    }

    /// Cuts the log and waits until the models of the cut are in force.
    fn cut_and_wait(&self, engine: &Engine) -> Result<(), ImportError> {
        let cut = self.conductor.cut()?;
        Ok(engine.wait_for_models(cut)?)
    }

    /// Looks at the repositories that are due and brings in what was pushed since, waiting at every cut for its models;
    /// returns when all have answered, or after `limit`: what is told later is brought in by the next call.
    pub fn follow(&mut self, engine: &Engine, limit: Duration) -> Result<(), ImportError> {
        let append = self.append.clone();
        let _measuring = append.measure();
        let start = Instant::now();
        for repository in &mut self.repositories {
            if repository.due().is_some_and(|due| due <= start) {
                repository.ask(Order::Look);
            }
        }
        // A push of a whole history would else be scored by what was in force when its first commit came: by nothing.
        let mut at_cut = |importer: &Self| importer.cut_and_wait(engine);
        loop {
            let next = match self.told.try_recv() {
                Err(_) if self.is_busy() => self.told.recv_deadline(start + limit).ok(),
                next => next.ok(),
            };
            let Some((from, told)) = next else { break };
            self.take(from, told, &|_, _| {}, &mut at_cut)?;
            if start.elapsed() >= limit {
                break;
            }
        }
        self.check_pulses();
        Ok(())
    }

    /// How long nothing needs to be done: until a repository is due, and not at all while one is telling.
    pub fn pause(&self) -> Duration {
        if self.is_busy() {
            return Duration::ZERO;
        }
        let now = Instant::now();
        let due = self.repositories.iter().filter_map(Repository::due).min();
        due.map_or(POLL, |due| due.saturating_duration_since(now).min(POLL))
    }

    fn is_busy(&self) -> bool {
        self.repositories.iter().any(Repository::is_answering)
    }

    fn check_pulses(&mut self) {
        if !self.told.is_empty() {
            // Whoever was not listened to is not silent.
            return;
        }
        let hang = self.repositories.iter_mut().filter_map(|repository| repository.check_pulse().then_some(())).count();
        if hang > 0 {
            self.report();
        }
    }

    /// Takes what a reader told.
    fn take(&mut self, from: usize, told: Told, progress: Progress<'_>, at_cut: AtCut<'_>) -> Result<(), ImportError> {
        self.repositories[from].heard();
        match told {
            Told::Branch(event) => {
                self.append(&event)?;
                // A reader withdraws only what it knows to be in the log.
                let withdrawn = event.branch.as_ref().map_or(0, |branch| branch.withdrawn.len() as u64);
                self.changes = self.changes.saturating_sub(withdrawn);
                return Ok(());
            }
            Told::Change(event, left) => {
                self.append(&event)?;
                self.changes += 1;
                progress(self.events, self.events + left as u64);
                if self.schedule.cuts(self.changes) > self.conductor.last().cut {
                    self.sync()?;
                    at_cut(self)?;
                }
                return Ok(());
            }
            Told::Open(name) => self.opened(from, name),
            Told::Follows(branches) => {
                let name = self.repositories[from].name().unwrap_or_default();
                if let Some(Err(reason)) = self.branches.as_mut().map(|memory| memory.remember(name, &branches)) {
                    // Without it a restart may withdraw what was followed, which is said then.
                    tracing::warn!(repository = name, reason, "the branches that are followed cannot be remembered");
                }
                return Ok(());
            }
            Told::UpToDate => {
                self.sync()?;
                if !self.repositories[from].is_up_to_date() {
                    return Ok(());
                }
            }
            Told::Trouble(trouble) => {
                self.sync()?;
                self.repositories[from].is_in_trouble(trouble);
            }
        }
        self.report();
        Ok(())
    }

    fn opened(&mut self, from: usize, name: String) {
        let other = self.repositories.iter().find(|other| other.name() == Some(&name));
        if let Some(other) = other {
            let (other, path) = (other.path().to_owned(), self.repositories[from].path().to_owned());
            return self.repositories[from].refuse(CollectError::SameName { repository: name, path, other });
        }
        let known = (self.known)(&name);
        let branches = self.branches.as_ref().map(|memory| memory.followed(&name)).unwrap_or_default();
        self.repositories[from].opened(name, known, branches);
    }

    fn append(&mut self, event: &Event) -> Result<(), ImportError> {
        let payload = wire::encode(event);
        self.appender.append(event.repository.as_bytes(), &payload)?;
        self.events += 1;
        self.unsynced += payload.len();
        if self.unsynced >= SYNC_BYTES {
            self.sync()?;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), ImportError> {
        self.appender.sync()?;
        self.unsynced = 0;
        Ok(())
    }
}
