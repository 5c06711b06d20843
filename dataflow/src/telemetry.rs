//! Feeds `/metrics` from what the engine counts, once a second, on a thread of its own, and trims the heap.

use crate::capture::Reflections;
use crate::clock::Clock;
use crate::memory::{HeapTrimmer, heap};
use crate::plan::Plan;
use driftline_sinks::metrics::{EngineMetrics, Metrics};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Time between two looks.
const TICK: Duration = Duration::from_secs(1);

/// The thread that looks; it ends when this is dropped.
pub struct Telemetry {
    stop: crossbeam_channel::Sender<()>,
    thread: Option<JoinHandle<()>>,
}

/// What is looked at.
pub struct Watched {
    /// The registry.
    pub metrics: Metrics,
    /// Intake.
    pub clock: Arc<Clock>,
    /// Counters.
    pub plan: Plan,
    /// What the view reflects.
    pub reflections: Reflections,
}

/// Counters as of the last look: the registry takes increments.
#[derive(Default)]
struct Seen {
    read: u64,
    accepted: u64,
    reused: u64,
    repeats: u64,
    behind_since: Option<Instant>,
}

impl Telemetry {
    /// Starts looking.
    pub fn start(watched: Watched) -> std::io::Result<Self> {
        let (stop, stopped) = crossbeam_channel::bounded::<()>(0);
        let thread = std::thread::Builder::new().name("driftline-telemetry".into()).spawn(move || {
            let mut seen = Seen::default();
            let mut trimmer = HeapTrimmer::default();
            look(&watched, &mut seen);
            while stopped.recv_timeout(TICK) == Err(crossbeam_channel::RecvTimeoutError::Timeout) {
                trimmer.trim_if_worthwhile(heap());
                look(&watched, &mut seen);
            }
            look(&watched, &mut seen);
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let (closed, _) = crossbeam_channel::bounded(0);
        drop(std::mem::replace(&mut self.stop, closed));
        if let Some(thread) = self.thread.take() {
            // A panic has printed its own message, and metrics are not worth another.
            let _ = thread.join();
        }
    }
}

/// What grew since the last look.
fn grown(now: u64, seen: &mut u64) -> u64 {
    let more = now.saturating_sub(*seen);
    *seen = now;
    more
}

fn look(watched: &Watched, seen: &mut Seen) {
    let (engine, clock, counts) = (&watched.metrics.engine, watched.clock.stats(), &watched.plan.counts);
    let reflected = watched.reflections.now();
    engine.read(grown(clock.records_read, &mut seen.read));
    engine.accepted(grown(counts.accepted.load(Ordering::Relaxed), &mut seen.accepted));
    engine.reused(grown(counts.parse.reused(), &mut seen.reused));
    engine.control_repeats(grown(clock.control_repeats, &mut seen.repeats));
    engine.set_bound(clock.released);
    engine.set_frontier(reflected.time + 1);
    engine.set_queue("staged", clock.records_staged);
    engine.set_queue("times_in_flight", clock.released.saturating_sub(reflected.time));
    lag(engine, &reflected.as_of, watched, seen);
    let seconds = |ns: u64| ns as f64 / 1e9;
    let parse = counts.parse.cpu_ns();
    engine.set_stage_cpu("parse", seconds(parse));
    engine.set_stage_cpu("dataflow", seconds(counts.stages.dataflow.ns().saturating_sub(parse)));
    engine.set_stage_cpu("train", seconds(counts.stages.train.ns()));
    engine.set_stage_cpu("collect", seconds(counts.stages.collect.ns()));
    engine.set_stage_cpu("append", seconds(counts.stages.append.ns()));
    let sizes = &watched.plan.origins.sizes;
    let runs = (sizes.runs() + sizes.undo_runs()).unsigned_abs();
    engine.set_state("line_origins", sizes.versions().unsigned_abs(), runs * 8);
    engine.set_state("facts", counts.parse.kept(), counts.parse.kept_bytes());
    engine.set_state("in_flight", clock.records_staged, clock.bytes_in_flight + clock.bytes_staged);
    let heap = heap();
    engine.set_memory(heap.used, heap.resident);
}

/// Records bound but not reflected, and for how long the view has been behind.
fn lag(engine: &EngineMetrics, reflected: &[u64], watched: &Watched, seen: &mut Seen) {
    let bound = watched.clock.vector(watched.clock.stats().released).unwrap_or_default();
    for (partition, offset) in bound.iter().enumerate() {
        engine.set_log_end(partition as u32, *offset);
    }
    let at = |partition: usize| reflected.get(partition).copied().unwrap_or(0);
    let behind: u64 = bound.iter().enumerate().map(|(partition, end)| end.saturating_sub(at(partition))).sum();
    let since = (behind > 0).then(|| *seen.behind_since.get_or_insert_with(Instant::now));
    seen.behind_since = since;
    engine.set_lag(behind, since.map_or(0.0, |start| start.elapsed().as_secs_f64()));
}
