//! How the sinks fare: what they were handed, what they took, and what did not get through.
//!
//! A sink that cannot be reached keeps its closed times waiting, and through the bounded queues the whole engine; nothing
//! is dropped for it. What is still waiting when the process ends is not acknowledged, so the next start, which repeats
//! the same times, hands it over again.

use driftline_sinks::SinkError;
use driftline_sinks::metrics::SinkMetrics;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// One sink.
#[derive(Debug, Default)]
struct State {
    /// Closed times handed over, and taken or refused.
    handed: u64,
    done: u64,
    /// Closed times that the next start hands over again.
    kept: u64,
    /// Records refused for good, and what was said of the first.
    refused: u64,
    refusal: Option<String>,
    /// Since when it cannot be reached, and why.
    down: Option<(Instant, String)>,
}

/// What is said of a sink that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be reached; what it should have is kept and tried again.
    Down(String),
    /// It takes what it is given now, and has refused some of it for good.
    Refused(String),
}

/// Tells how the sinks fare. Cloning gives the same.
#[derive(Clone, Default)]
pub struct Deliveries(Arc<Mutex<BTreeMap<String, State>>>);

impl Deliveries {
    fn with<R>(&self, sink: &str, change: impl FnOnce(&mut State) -> R) -> R {
        let mut states = self.0.lock();
        match states.get_mut(sink) {
            Some(state) => change(state),
            None => change(states.entry(sink.to_owned()).or_default()),
        }
    }

    /// A closed time was handed to a sink.
    pub(crate) fn handed(&self, sink: &str) {
        self.with(sink, |state| state.handed += 1);
    }

    /// A sink took a closed time.
    pub(crate) fn took(&self, sink: &str, metrics: &SinkMetrics) {
        metrics.applied(sink);
        self.done(sink, metrics);
    }

    fn done(&self, sink: &str, metrics: &SinkMetrics) {
        let ended = self.with(sink, |state| {
            state.done += 1;
            state.down.take()
        });
        if let Some((since, _)) = ended {
            metrics.set_down(sink, false);
            tracing::info!(sink, seconds = since.elapsed().as_secs(), "the sink can be reached again");
        }
    }

    /// A sink failed; one line tells the beginning of an outage and one the first refusal.
    pub(crate) fn failed(&self, sink: &str, error: &SinkError, metrics: &SinkMetrics) {
        metrics.failed(sink, error);
        match error {
            SinkError::Unreachable { reason, .. } => {
                let begins = self.with(sink, |state| {
                    let since = state.down.as_ref().map(|(since, _)| *since);
                    state.down = Some((since.unwrap_or_else(Instant::now), reason.clone()));
                    since.is_none()
                });
                metrics.set_down(sink, true);
                if begins {
                    tracing::warn!(sink, reason, "the sink cannot be reached; results are kept and tried again");
                }
            }
            SinkError::Refused { records, reason, time, .. } => {
                let first = self.with(sink, |state| {
                    state.refused += records;
                    state.refusal.get_or_insert_with(|| reason.clone());
                    state.refused == *records
                });
                if first {
                    tracing::error!(
                        sink,
                        time,
                        records,
                        reason,
                        "records cannot be delivered; further ones are counted"
                    );
                }
                self.done(sink, metrics);
            }
        }
    }

    /// Closed times are left to the next start.
    pub(crate) fn keep(&self, sink: &str, times: u64) {
        self.with(sink, |state| state.kept += times);
    }

    /// Whether every sink has answered for everything it was handed.
    pub fn are_done(&self) -> bool {
        self.0.lock().values().all(|state| state.done == state.handed)
    }

    /// The sinks that are not as they should be.
    pub fn troubles(&self) -> Vec<Trouble> {
        let refused = |sink: &str, state: &State| {
            let reason = state.refusal.as_deref().unwrap_or_default();
            Trouble::Refused(format!("{sink} did not take {} records, the first because: {reason}", state.refused))
        };
        let states = self.0.lock();
        let trouble = |(sink, state): (&String, &State)| match &state.down {
            Some((_, reason)) => Some(Trouble::Down(format!("{sink}: {reason}; results are kept and tried again"))),
            None => (state.refused > 0).then(|| refused(sink, state)),
        };
        states.iter().filter_map(trouble).collect()
    }

    /// What did not get through, once the sinks have ended.
    pub fn undelivered(&self) -> Option<String> {
        let states = self.0.lock();
        let mut said = Vec::new();
        for (sink, state) in states.iter() {
            if state.kept > 0 {
                let reason = state.down.as_ref().map_or("it did not answer in time", |(_, reason)| reason.as_str());
                said.push(format!(
                    "the results of {} closed times were not delivered to {sink} ({reason}); they are kept, and the next \
                     start delivers them",
                    state.kept
                ));
            }
            if state.refused > 0 {
                let reason = state.refusal.as_deref().unwrap_or_default();
                said.push(format!("{} records could not be delivered to {sink}: {reason}", state.refused));
            }
        }
        (!said.is_empty()).then(|| said.join("; "))
    }
}
