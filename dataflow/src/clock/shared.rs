//! What the intake thread, the workers and the main thread share.
//!
//! A time is *released* once its binding is durable and all its records are queued here, and only then may a worker see
//! any of them; so whatever is released can be finished without the intake thread.

use super::{ClockConfig, ClockStats};
use crate::clock::binder::Bound;
use crate::source::{LastControls, LogEnd, Record, Wake};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use timely::scheduling::SyncActivator;

/// How many vectors of completed times are kept for whoever publishes late.
const PAST_VECTORS: usize = 1024;

/// What a worker finds at a time.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// The records of its partitions, by partition and offset.
    Records(Vec<Record>),
    /// The time is not released yet.
    Wait,
    /// The time will not be released any more.
    Over,
}

/// A time on its way through the workers.
struct InFlight {
    time: u64,
    bytes: usize,
}

struct State {
    /// For each partition the batches not taken yet, by time.
    queues: Vec<VecDeque<(u64, Vec<Record>)>>,
    released: u64,
    /// Time completed by each worker.
    completed: Vec<u64>,
    in_flight: VecDeque<InFlight>,
    /// Vectors of the newest times, the last being that of `released`.
    vectors: VecDeque<Vec<u64>>,
    stats: ClockStats,
    last: LastControls,
    waiting_since: Option<Instant>,
    stopping: bool,
    failure: Option<Arc<str>>,
    activators: Vec<SyncActivator>,
}

impl State {
    fn completed(&self) -> u64 {
        self.completed.iter().copied().min().expect("there is one worker at least")
    }
}

pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Wakes the intake thread.
    pub wake: Wake,
    end: Arc<dyn LogEnd>,
    outstanding_max: u64,
}

impl Shared {
    pub(super) fn new(start: &[u64], workers: usize, end: Arc<dyn LogEnd>, config: &ClockConfig) -> Self {
        assert!(workers > 0, "a clock needs a worker");
        let state = State {
            queues: start.iter().map(|_| VecDeque::new()).collect(),
            released: 0,
            completed: vec![0; workers],
            in_flight: VecDeque::new(),
            vectors: VecDeque::from([start.to_vec()]),
            stats: ClockStats::default(),
            last: LastControls::default(),
            waiting_since: None,
            stopping: false,
            failure: None,
            activators: Vec::new(),
        };
        let outstanding_max = u64::from(config.outstanding_max.get());
        Self { state: Mutex::new(state), changed: Condvar::new(), wake: Wake::default(), end, outstanding_max }
    }

    /// Whether another time may be released.
    pub(super) fn has_room(&self) -> bool {
        let state = self.state.lock();
        state.released - state.completed() < self.outstanding_max
    }

    /// Releases the next time; false when the clock was stopped before.
    pub(super) fn release(&self, time: u64, bound: Bound) -> bool {
        let mut state = self.state.lock();
        if state.stopping {
            return false;
        }
        assert_eq!(time, state.released + 1, "times are released one by one");
        state.released = time;
        state.stats.records_read += bound.records as u64;
        state.stats.bytes_read += bound.bytes as u64;
        state.stats.control_copies += bound.controls as u64;
        state.stats.control_repeats += bound.repeats;
        state.stats.bytes_in_flight += bound.bytes as u64;
        state.stats.released = time;
        state.last = bound.last;
        (state.stats.records_staged, state.stats.bytes_staged) = (0, 0);
        state.in_flight.push_back(InFlight { time, bytes: bound.bytes });
        while state.queues.len() < bound.vector.len() {
            state.queues.push(VecDeque::new());
        }
        state.vectors.push_back(bound.vector);
        for (queue, batch) in state.queues.iter_mut().zip(bound.batches) {
            if !batch.is_empty() {
                queue.push_back((time, batch));
            }
        }
        // A worker that ended has dropped its operators; nobody is left there to be woken.
        state.activators.retain(|activator| activator.activate().is_ok());
        drop(state);
        self.changed.notify_all();
        true
    }

    /// Partitions that are read.
    pub(super) fn partitions(&self) -> u32 {
        self.state.lock().queues.len() as u32
    }

    /// Notes what the intake thread holds besides.
    pub(super) fn stage(&self, records: usize, bytes: usize) {
        let mut state = self.state.lock();
        (state.stats.records_staged, state.stats.bytes_staged) = (records as u64, bytes as u64);
    }

    /// Notes whether partitions wait at a control record that others do not hold.
    pub(super) fn note_waiting(&self, waits: bool) {
        let mut state = self.state.lock();
        state.waiting_since = waits.then(|| state.waiting_since.unwrap_or_else(Instant::now));
    }

    /// For how long they have been waiting.
    pub(super) fn waiting(&self) -> Option<Duration> {
        self.state.lock().waiting_since.map(|since| since.elapsed())
    }

    /// The highest numbers among the control records that were released.
    pub(super) fn last_controls(&self) -> LastControls {
        self.state.lock().last
    }

    /// Takes a worker's share of a time.
    pub(super) fn take(&self, worker: usize, peers: usize, time: u64) -> Taken {
        let mut state = self.state.lock();
        if time > state.released {
            return if state.stopping { Taken::Over } else { Taken::Wait };
        }
        let mut records = Vec::new();
        for queue in state.queues.iter_mut().skip(worker).step_by(peers) {
            if queue.front().is_some_and(|(at, _)| *at == time) {
                let (_, mut batch) = queue.pop_front().expect("looked at just now");
                if records.is_empty() {
                    records = batch;
                } else {
                    records.append(&mut batch);
                }
            }
        }
        Taken::Records(records)
    }

    pub(super) fn add_activator(&self, activator: SyncActivator) {
        self.state.lock().activators.push(activator);
    }

    pub(super) fn complete(&self, worker: usize, time: u64) {
        let mut state = self.state.lock();
        let time = time.min(state.released);
        if state.completed[worker] >= time {
            return;
        }
        state.completed[worker] = time;
        let completed = state.completed();
        while state.in_flight.front().is_some_and(|first| first.time <= completed) {
            let first = state.in_flight.pop_front().expect("looked at just now");
            state.stats.bytes_in_flight -= first.bytes as u64;
        }
        state.stats.completed = completed;
        let kept = (state.released - completed) as usize + PAST_VECTORS;
        while state.vectors.len() > kept {
            state.vectors.pop_front();
        }
        drop(state);
        self.wake.wake();
        self.changed.notify_all();
    }

    pub(super) fn vector(&self, time: u64) -> Option<Vec<u64>> {
        let state = self.state.lock();
        let back = usize::try_from(state.released.checked_sub(time)?).ok()?;
        let index = state.vectors.len().checked_sub(1 + back)?;
        state.vectors.get(index).cloned()
    }

    /// Time and vector completed by all workers.
    pub(super) fn reflected(&self) -> Option<(u64, Vec<u64>)> {
        let completed = self.state.lock().completed();
        Some((completed, self.vector(completed)?))
    }

    pub(super) fn idle(&self) -> Option<u64> {
        let state = self.state.lock();
        let newest = state.vectors.back().expect("the newest vector is always kept");
        let settled = state.failure.is_none() && state.released == state.completed();
        (settled && self.end.reached(newest)).then_some(state.released)
    }

    pub(super) fn wait<R>(&self, timeout: Duration, mut look: impl FnMut() -> Option<R>) -> Option<R> {
        // The end of the log moves without telling, so it is also looked at from time to time.
        const LOOK_EVERY: Duration = Duration::from_millis(5);
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(found) = look() {
                return Some(found);
            }
            let mut state = self.state.lock();
            if state.failure.is_some() || Instant::now() >= deadline {
                return None;
            }
            self.changed.wait_for(&mut state, LOOK_EVERY);
        }
    }

    pub(super) fn stats(&self) -> ClockStats {
        self.state.lock().stats
    }

    pub(super) fn stop(&self) {
        let mut state = self.state.lock();
        state.stopping = true;
        state.activators.retain(|activator| activator.activate().is_ok());
        drop(state);
        self.wake.wake();
        self.changed.notify_all();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.state.lock().stopping
    }

    pub(super) fn fail(&self, reason: &str) {
        self.state.lock().failure.get_or_insert_with(|| reason.into());
        self.changed.notify_all();
    }

    pub(super) fn failure(&self) -> Option<Arc<str>> {
        self.state.lock().failure.clone()
    }
}
