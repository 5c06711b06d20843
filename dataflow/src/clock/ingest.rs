//! The intake thread: reads the source, forms bindings, makes them durable, releases them.
//!
//! It reads ahead by one binding at most, and only while fewer than the allowed number of times are on their way through
//! the workers; that is the engine's back-pressure.

use super::anchors::Anchors;
use super::binder::Binder;
use super::bindings::{Binding, Bindings, Replay};
use super::shared::Shared;
use super::{ClockConfig, ClockError};
use crate::controls::ControlRule;
use crate::source::{Next, Source};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Records read from one partition before the next gets its turn.
const TURN: usize = 64;

/// How long to sleep when nothing happens; wakes end it early, but one could be lost.
const NAP: Duration = Duration::from_millis(50);

/// How often monitoring is told how far the engine is.
const REPORT_EVERY: Duration = Duration::from_secs(5);

pub(super) struct Ingest {
    source: Box<dyn Source>,
    bindings: Bindings,
    /// Bindings of earlier runs that are still to be repeated.
    replay: Option<Replay>,
    target: Option<Binding>,
    binder: Binder,
    /// Kept for a log that others may change.
    anchors: Option<Anchors>,
    shared: Arc<Shared>,
    tick: Duration,
    /// When the first record of the binding was read.
    since: Option<Instant>,
    reported: (Instant, u64),
    /// Whether each partition had nothing more when it was last asked.
    ended: Vec<bool>,
}

impl Ingest {
    /// The source must stand at the bindings' start.
    pub(super) fn new(
        source: Box<dyn Source>,
        bindings: Bindings,
        shared: Arc<Shared>,
        config: &ClockConfig,
        rule: ControlRule,
        anchors: Option<Anchors>,
    ) -> Result<Self, ClockError> {
        Ok(Self {
            anchors,
            binder: Binder::new(bindings.start(), config, rule),
            ended: vec![false; bindings.start().len()],
            replay: Some(bindings.replay()?),
            target: None,
            source,
            bindings,
            shared,
            tick: Duration::from_millis(u64::from(config.tick_ms)),
            since: None,
            reported: (Instant::now(), 0),
        })
    }

    /// Runs until the clock is stopped or the log cannot be read on.
    pub(super) fn run(mut self) {
        let result = self.follow();
        if let Err(error) = result {
            let reason = error_chain(&error);
            tracing::error!(reason, "the log cannot be read on");
            self.shared.fail(&reason);
        }
    }

    fn follow(&mut self) -> Result<(), ClockError> {
        self.aim()?;
        while !self.shared.is_stopping() {
            let read = self.fill()?;
            let closed = self.is_due() && self.shared.has_room() && self.close()?;
            self.shared.note_waiting(self.waits_for_a_control_record());
            self.report();
            if !read && !closed {
                self.shared.wake.wait(self.nap());
            }
        }
        if let Some(anchors) = &mut self.anchors {
            anchors.write();
        }
        Ok(())
    }

    /// Sets the binder on the next binding of an earlier run, or free when all are repeated.
    fn aim(&mut self) -> Result<(), ClockError> {
        let Some(replay) = &mut self.replay else { return Ok(()) };
        self.target = replay.next()?;
        if self.target.is_none() {
            self.replay = None;
        }
        self.binder.aim(self.target.as_ref().map(|binding| binding.vector.clone()));
        Ok(())
    }

    /// Reads what the binding takes and the source has; whether there was anything.
    fn fill(&mut self) -> Result<bool, ClockError> {
        let before = self.binder.records();
        let mut more = true;
        while more {
            more = false;
            for partition in 0..self.source.partitions() {
                more |= self.take_turn(partition)?;
            }
        }
        let read = self.binder.records() > before;
        if read {
            self.since.get_or_insert_with(Instant::now);
            self.shared.stage(self.binder.records(), self.binder.bytes());
        }
        Ok(read)
    }

    /// Whether some partitions stand at a control record that the others, read to their ends, do not hold.
    fn waits_for_a_control_record(&self) -> bool {
        self.binder.lacking().is_some_and(|lacking| lacking.iter().all(|&partition| self.ended[partition]))
    }

    /// Whether the partition may have more.
    fn take_turn(&mut self, partition: u32) -> Result<bool, ClockError> {
        for _ in 0..TURN {
            if !self.binder.wants(partition as usize) {
                return Ok(false);
            }
            let next = self.source.next(partition)?;
            self.ended[partition as usize] = next == Next::AtEnd;
            match next {
                Next::Record(record) => {
                    if let Some(anchors) = &mut self.anchors {
                        anchors.take(&record)?;
                    }
                    self.binder.offer(record);
                }
                Next::AtEnd if self.target.is_some() => {
                    if let Some(anchors) = &self.anchors {
                        anchors.end(partition as usize)?;
                    }
                    self.binder.skip(partition as usize);
                    return Ok(false);
                }
                Next::NotYet | Next::AtEnd => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Whether the binding should be closed.
    fn is_due(&self) -> bool {
        if self.binder.is_complete() {
            return true;
        }
        let waited = self.since.is_some_and(|since| since.elapsed() >= self.tick);
        self.target.is_none() && self.binder.records() > 0 && (self.binder.is_full() || waited)
    }

    /// Binds and releases what was gathered.
    fn close(&mut self) -> Result<bool, ClockError> {
        let Some(bound) = self.binder.close() else { return Ok(false) };
        let time = match self.target.take() {
            Some(binding) => binding.time,
            None => self.bindings.append(&bound.vector)?,
        };
        let opens = bound.opens;
        self.shared.release(time, bound);
        if let Some(count) = opens {
            self.source.open_partitions(count)?;
            self.ended.resize(count as usize, false);
        }
        self.since = None;
        self.aim()?;
        Ok(true)
    }

    fn nap(&self) -> Duration {
        let left = self.since.map(|since| self.tick.saturating_sub(since.elapsed()));
        left.filter(|left| !left.is_zero()).map_or(NAP, |left| left.min(NAP))
    }

    fn report(&mut self) {
        if self.reported.0.elapsed() < REPORT_EVERY {
            return;
        }
        self.reported.0 = Instant::now();
        if let Some(anchors) = &mut self.anchors {
            anchors.write();
        }
        if let Some((time, vector)) = self.shared.reflected().filter(|(time, _)| *time > self.reported.1) {
            self.reported.1 = time;
            self.source.report(&vector);
        }
    }
}

impl Drop for Ingest {
    fn drop(&mut self) {
        // A panic must not look like a quiet log.
        if std::thread::panicking() {
            self.shared.fail("the intake thread panicked");
        }
    }
}

/// The error and what caused it, on one line.
fn error_chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
