//! Brings repositories into the embedded log: the history first, then whatever is pushed.
//!
//! While a history is brought in, cuts stand at fixed numbers of changes and nothing follows a cut before its models do,
//! so the same history gives the same log, byte for byte. While following, nothing waits.

use crate::collect::{AuthorKey, CollectError, CollectOptions, Follower, GitHistory};
use crate::conductor::Conductor;
use crate::config::TrainingConfig;
use crate::cpu::StageCpu;
use crate::engine::{Engine, EngineError};
use crate::source::{AppendError, Appender};
use driftline_schema::{CommitId, Event, Limits, wire};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

/// Appends that may be outstanding before they are made durable, in bytes: bounds what a crash makes the importer redo.
const SYNC_BYTES: usize = 8 << 20;

/// Why a repository cannot be brought in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Reading the repository.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// Writing the log.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The engine stopped.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// When cuts are due, by the number of changes in the log.
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
    /// Whether a cut is due once this many changes stand in the log.
    pub fn due(&self, changes: u64) -> bool {
        changes == self.first || (changes > self.first && changes.is_multiple_of(self.every))
    }
    /// Cuts that stand in a log of this many changes.
    pub fn cuts(&self, changes: u64) -> u64 {
        if changes < self.first { 0 } else { 1 + changes / self.every - self.first / self.every }
    }
}

/// Told how far the import is: (events so far, events known to come).
pub type Progress<'a> = &'a dyn Fn(u64, u64);

/// Follows repositories into a log.
pub struct Importer {
    repositories: Vec<Follower>,
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
    /// An importer into the log of `engine`; what the engine reflects stands in it already.
    pub fn new(appender: Arc<dyn Appender>, engine: &Engine, training: &TrainingConfig) -> Self {
        Self {
            repositories: Vec::new(),
            appender,
            conductor: engine.conductor().clone(),
            schedule: Schedule::new(training),
            changes: engine.view().summary().changes as u64,
            events: 0,
            unsynced: 0,
            append: engine.counts().stages.append.clone(),
            collect: engine.counts().stages.collect.clone(),
        }
    }

    /// Adds a repository, under a name where one is given; `known` gives the commits of a repository that stand in the log already.
    pub fn add(
        &mut self,
        path: &Path,
        name: Option<&str>,
        key: &AuthorKey,
        limits: &Limits,
        known: impl FnOnce(&str) -> Vec<CommitId>,
    ) -> Result<&str, ImportError> {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = NonZeroUsize::new(cores.min(2)).unwrap_or(NonZeroUsize::MIN);
        let (limits, cpu) = (limits.clone(), self.collect.clone());
        let repository = name.map(str::to_owned);
        let options = CollectOptions { repository, limits, threads, cpu, ..CollectOptions::new(key.clone()) };
        let history = GitHistory::open(path, options)?;
        let known = known(history.name());
        self.repositories.push(Follower::new(history, known)?);
        Ok(self.repositories.last().expect("just pushed").history().name())
    }

    /// Names of the repositories, in the order they were added.
    pub fn names(&self) -> Vec<&str> {
        self.repositories.iter().map(|follower| follower.history().name()).collect()
    }

    /// Events appended so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Brings in everything that is new, waiting at every cut for its models.
    pub fn import(&mut self, engine: &Engine, progress: Progress<'_>) -> Result<(), ImportError> {
        self.settle(engine)?;
        self.poll(progress, |importer| {
            let cut = importer.conductor.cut()?;
            Ok(engine.wait_for_models(cut)?)
        })
    }

    /// Finishes what a crash may have left: a cut that is due, a cut without its models.
    fn settle(&mut self, engine: &Engine) -> Result<(), ImportError> {
        let last = self.appender.last_controls()?;
        if last.cut > last.model_ready {
            engine.wait_for_models(last.cut)?;
        }
        for _ in last.cut..self.schedule.cuts(self.changes) {
            let cut = self.conductor.cut()?;
            engine.wait_for_models(cut)?;
        }
        Ok(())
    }

    /// Brings in what was pushed since, without waiting for anything.
    pub fn follow(&mut self) -> Result<(), ImportError> {
        self.poll(&|_, _| {}, |importer| {
            importer.conductor.cut()?;
            Ok(())
        })
    }

    fn poll(
        &mut self,
        progress: Progress<'_>,
        mut at_cut: impl FnMut(&Self) -> Result<(), ImportError>,
    ) -> Result<(), ImportError> {
        let mut repositories = std::mem::take(&mut self.repositories);
        let outcome = repositories.iter_mut().try_for_each(|follower| self.drain(follower, progress, &mut at_cut));
        self.repositories = repositories;
        outcome
    }

    fn drain(
        &mut self,
        follower: &mut Follower,
        progress: Progress<'_>,
        at_cut: &mut impl FnMut(&Self) -> Result<(), ImportError>,
    ) -> Result<(), ImportError> {
        let cpu = self.append.clone();
        let _measuring = cpu.measure();
        let Some(news) = follower.poll_new()? else { return Ok(()) };
        for event in &news.branches {
            self.append(event)?;
        }
        let mut changes = news.changes;
        while let Some(event) = changes.next() {
            self.append(&event?)?;
            self.changes += 1;
            progress(self.events, self.events + changes.remaining() as u64);
            if self.schedule.due(self.changes) {
                self.sync()?;
                at_cut(self)?;
            }
        }
        self.sync()?;
        follower.confirm();
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_are_due_at_fixed_numbers_of_changes() {
        let schedule = Schedule::new(&TrainingConfig::default());
        let due: Vec<u64> = (0..2_100).filter(|changes| schedule.due(*changes)).collect();
        assert_eq!(due, vec![200, 500, 1_000, 1_500, 2_000]);
        for changes in 0..2_100 {
            assert_eq!(schedule.cuts(changes), due.iter().filter(|at| **at <= changes).count() as u64, "{changes}");
        }
    }
}
