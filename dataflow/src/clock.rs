//! Ties offsets to times: time `t` covers the log up to the vector `V(t)`, durably, before any output at `t` is seen.
//!
//! Bindings decide what is published together, never an answer. One never extends past a control record, so the state at
//! a control record's time is exactly the log up to it.

mod anchors;
mod binder;
mod bindings;
#[cfg(test)]
mod growth_tests;
mod identity;
mod ingest;
mod operator;
mod shared;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use crate::controls::ControlRule;
use crate::log::{DataDir, LogError, data_folder};
use crate::source::{LastControls, Record, Source, SourceError};
use bindings::Bindings;
pub(crate) use bindings::{bound_log, bound_until, inspect_bindings};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use shared::Shared;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use timely::dataflow::{ProbeHandle, Scope, StreamVec};

/// How the log is cut into times. None of it changes an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClockConfig {
    /// Records of one time. More make larger batches, which cost less and come later.
    pub records_per_binding_max: NonZeroU32,
    /// Key and payload bytes of one time, overshot by one record at most.
    pub bytes_per_binding_max: NonZeroU32,
    /// Times that may be on their way through the workers. With the bound on bytes this bounds the memory of records.
    pub outstanding_max: NonZeroU32,
    /// How long (milliseconds) a record waits for others at the same time.
    pub tick_ms: u32,
}

impl Default for ClockConfig {
    fn default() -> Self {
        let count = |n| NonZeroU32::new(n).expect("a constant that is not zero");
        Self {
            records_per_binding_max: count(2_000),
            bytes_per_binding_max: count(4 << 20),
            outstanding_max: count(3),
            tick_ms: 20,
        }
    }
}

/// Why the clock cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// The log failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The data directory failed.
    #[error(transparent)]
    Data(LogError),
    /// The file of bindings could not be read or written.
    #[error("cannot use the bindings {}", path.display())]
    Bindings {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file of bindings is not what was written.
    #[error(
        "the bindings {} are damaged at byte {byte}: {reason}. `driftline check --data {} --repair` moves them aside; the log \
         is then bound anew, which changes no answer",
        path.display(), data_folder(path).display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the first bad row begins.
        byte: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The bindings and the log do not belong together, or one of them lost something.
    #[error("the bindings {} do not fit the log: {reason}", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// How they differ.
        reason: String,
    },
}

impl ClockError {
    /// What went wrong, without where.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Damaged { reason, .. } | Self::Mismatch { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }

    fn bindings(path: &Path, source: std::io::Error) -> Self {
        Self::Bindings { path: path.to_owned(), source }
    }
}

/// What the clock did and holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClockStats {
    /// Records handed to the workers, control records included.
    pub records_read: u64,
    /// Their keys and payloads, in bytes.
    pub bytes_read: u64,
    /// Copies of control records among them: partitions times control records.
    pub control_copies: u64,
    /// Control records of the installation's own key whose number was used before: copies, or those of another engine on
    /// the same log.
    pub control_repeats: u64,
    /// The newest time the workers may see.
    pub released: u64,
    /// The newest time all workers completed.
    pub completed: u64,
    /// Bytes of records released and not completed.
    pub bytes_in_flight: u64,
    /// Records read for the next binding.
    pub records_staged: u64,
    /// Their bytes.
    pub bytes_staged: u64,
}

/// Binds a log up to here, as a run over it would have.
#[cfg(test)]
pub(crate) fn bind_for_test(data: &DataDir, source: &str, vector: &[u64]) {
    let mut bindings = Bindings::open(&data.path().join("bindings"), source, &vec![0; vector.len()]).expect("opens");
    bindings.append(vector).expect("appends");
}

/// The clock of one process. Shared by its workers and its main thread.
pub struct Clock {
    shared: Arc<Shared>,
    intake: Mutex<Option<JoinHandle<()>>>,
}

impl Clock {
    /// Starts reading `source` for `workers` workers: the bindings in `data` are repeated, then new ones are made.
    /// `rule` tells control records from what only claims to be one.
    pub fn start(
        mut source: Box<dyn Source>,
        data: &DataDir,
        workers: usize,
        config: &ClockConfig,
        rule: &ControlRule,
    ) -> Result<Arc<Self>, ClockError> {
        let path = data.path().join("bindings");
        let range = source.range()?;
        let mut begin: Vec<u64> = range.iter().map(|offsets| offsets.start).collect();
        if !path.exists() {
            if let Some((partition, offset)) = begin.iter().enumerate().find(|(_, offset)| **offset > 0) {
                tracing::warn!(
                    partition,
                    offset,
                    "the log does not hold its beginning any more: what stood before this offset is in no answer"
                );
            }
            begin.truncate(source.first_partitions(rule)? as usize);
        }
        let bindings = Bindings::open(&path, &source.name(), &begin)?;
        identity::check(data.path(), &source.name(), source.identity())?;
        for (partition, (&bound, held)) in bindings.last().vector.iter().zip(&range).enumerate() {
            if bound > held.end {
                let end = held.end;
                let reason = format!(
                    "partition {partition} was read up to offset {bound}, and the log ends at {end} now: records are gone. \
                     Bring them back, or name another, empty data folder to start over with what is there"
                );
                return Err(ClockError::Mismatch { path, reason });
            }
        }
        let shared = Arc::new(Shared::new(bindings.start(), workers, source.end(), config));
        source.wake_on_data(shared.wake.clone());
        source.seek(bindings.start())?;
        let lock = data.clone();
        let anchors = source.is_shared().then(|| anchors::Anchors::open(data.path(), &source.name()));
        let ingest = ingest::Ingest::new(source, bindings, shared.clone(), config, rule.clone(), anchors)?;
        let intake = std::thread::Builder::new().name("intake".to_owned()).spawn(move || {
            ingest.run();
            drop(lock);
        });
        let intake = intake.map_err(|error| ClockError::bindings(&path, error))?;
        Ok(Arc::new(Self { shared, intake: Mutex::new(Some(intake)) }))
    }

    /// The log as a stream: this worker's records of each time, at that time. Times count from 1.
    pub fn records<'s>(&self, scope: Scope<'s, u64>) -> StreamVec<'s, u64, Record> {
        operator::records(self.shared.clone(), scope)
    }

    /// Says that this worker is done with all times up to `time`: its probe has passed it. More may be released then.
    pub fn completed(&self, worker: usize, time: u64) {
        self.shared.complete(worker, time);
    }

    /// The same, read off the worker's probe.
    pub fn observe(&self, worker: usize, probe: &ProbeHandle<u64>) {
        let passed = probe.with_frontier(|frontier| frontier.first().map_or(u64::MAX, |time| time.saturating_sub(1)));
        self.completed(worker, passed);
    }

    /// Number of partitions that are read; it grows when a control record opens more.
    pub fn partitions(&self) -> u32 {
        self.shared.partitions()
    }

    /// The next offset of each partition at a released time. `None` for a time not released yet, and for one completed
    /// more than a thousand times ago.
    pub fn vector(&self, time: u64) -> Option<Vec<u64>> {
        self.shared.vector(time)
    }

    /// The newest time, when everything durable in the log is bound and all workers have completed it; 0 for an empty log.
    pub fn idle(&self) -> Option<u64> {
        self.shared.idle()
    }

    /// Waits until the clock is idle. `None` when it is not by then, or has failed.
    pub fn wait_idle(&self, timeout: Duration) -> Option<u64> {
        self.shared.wait(timeout, || self.shared.idle())
    }

    /// Waits until all workers have completed `time`. False when they have not by then, or the clock has failed.
    pub fn wait_completed(&self, time: u64, timeout: Duration) -> bool {
        self.shared.wait(timeout, || (self.stats().completed >= time).then_some(())).is_some()
    }

    /// Why reading the log ended, if it did. The workers then see no further time, but also none that is incomplete.
    pub fn failure(&self) -> Option<Arc<str>> {
        self.shared.failure()
    }

    /// The highest numbers among the control records that the workers may see.
    pub fn last_controls(&self) -> LastControls {
        self.shared.last_controls()
    }

    /// For how long partitions have been waiting at a control record that others, read to their ends, do not hold.
    pub fn waits_for_a_control_record(&self) -> Option<Duration> {
        self.shared.waiting()
    }

    /// What it did and holds.
    pub fn stats(&self) -> ClockStats {
        self.shared.stats()
    }

    /// Stops reading. Workers still get every released time whole; then their sources end, and so does the dataflow.
    pub fn stop(&self) {
        self.shared.stop();
        if let Some(intake) = self.intake.lock().take() {
            // A panic of the thread was noted as a failure when it happened.
            let _ = intake.join();
        }
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.stop();
    }
}
