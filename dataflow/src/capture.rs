//! What leaves the dataflow: each worker's differences by time, merged and handed to the sinks once a time is closed.
//!
//! A closed time reaches every sink whole and in order. Each sink has its own thread and bounded queue, so a slow one
//! delays the others only when its queue is full, and then the source with them.

use crate::delivery::Deliveries;
use crossbeam_channel::{Receiver, Sender};
use driftline_operators::digest::Digests;
use driftline_sinks::metrics::{EngineMetrics, Metrics, SinkMetrics};
use driftline_sinks::{ClosedTime, Diff, Sink, SinkError};
use parking_lot::{Condvar, Mutex};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Closed times a sink may lag behind before the source slows down.
const QUEUE: usize = 64;
/// First and longest pause between two tries to reach a sink.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// One worker's share of one time.
#[derive(Default)]
pub struct Share {
    /// Differences for the sinks.
    pub closed: ClosedTime,
    /// Digests of every maintained collection.
    pub digests: Digests,
    /// When its first record was in hand; for the latency that people see, never for an answer.
    pub begun: Option<Instant>,
}

/// A worker's differences by time, filled while the dataflow runs and emptied when times close.
#[derive(Clone, Default)]
pub struct Outbox(Rc<RefCell<BTreeMap<u64, Share>>>);

impl Outbox {
    /// Changes the share of `time`.
    pub fn at(&self, time: u64, change: impl FnOnce(&mut Share)) {
        change(self.0.borrow_mut().entry(time).or_default());
    }
    /// Notes that records of `time` are in hand.
    pub fn begin(&self, time: u64) {
        self.at(time, |share| {
            share.begun.get_or_insert_with(Instant::now);
        });
    }
    /// Takes the shares of all times before `frontier`.
    pub fn take_before(&self, frontier: u64) -> BTreeMap<u64, Share> {
        let mut shares = self.0.borrow_mut();
        let later = shares.split_off(&frontier);
        std::mem::replace(&mut shares, later)
    }
}

/// A worker's report: everything before `frontier` is complete.
pub struct Report {
    /// The worker's index.
    pub worker: usize,
    /// Its shares of the times that closed since its last report.
    pub shares: BTreeMap<u64, Share>,
    /// The first time that is not yet complete.
    pub frontier: u64,
}

/// What is reflected: the newest time that every worker has completed and the view has taken.
#[derive(Clone, Debug, Default)]
pub struct Reflected {
    /// The time.
    pub time: u64,
    /// Next offset of each partition.
    pub as_of: Vec<u64>,
    /// Digests of every maintained collection at that time.
    pub digests: Digests,
}

/// Tells what is reflected.
#[derive(Clone)]
pub struct Reflections(Arc<(Mutex<Reflected>, Condvar)>);

impl Reflections {
    /// What is reflected now.
    pub fn now(&self) -> Reflected {
        self.0.0.lock().clone()
    }
}

/// Merges the workers' reports and feeds the sinks.
pub struct Publisher {
    reports: Option<Sender<Report>>,
    reflected: Arc<(Mutex<Reflected>, Condvar)>,
    stopping: Arc<AtomicBool>,
    deliveries: Deliveries,
    threads: Vec<JoinHandle<()>>,
}

/// Tells the offset vector of a time.
pub type VectorOf = Box<dyn Fn(u64) -> Vec<u64> + Send>;

impl Publisher {
    /// Starts one thread for merging and one for each sink.
    pub fn start(
        workers: usize,
        vector_of: VectorOf,
        sinks: Vec<Box<dyn Sink>>,
        metrics: &Metrics,
    ) -> std::io::Result<Self> {
        let stopping = Arc::new(AtomicBool::new(false));
        let reflected: Arc<(Mutex<Reflected>, Condvar)> = Arc::default();
        let (mut queues, mut threads) = (Vec::new(), Vec::new());
        let deliveries = Deliveries::default();
        for mut sink in sinks {
            let (sender, queue) = crossbeam_channel::bounded(QUEUE);
            metrics.sinks.set_down(sink.name(), false);
            sink.stop_with(stopping.clone());
            queues.push((sink.name().to_owned(), sender));
            let name = format!("driftline-{}", sink.name());
            let mut drain = Drain {
                sink,
                stopping: stopping.clone(),
                deliveries: deliveries.clone(),
                metrics: metrics.sinks.clone(),
            };
            threads.push(std::thread::Builder::new().name(name).spawn(move || drain.run(&queue))?);
        }
        let (reports, incoming) = crossbeam_channel::bounded(QUEUE);
        let shared = reflected.clone();
        let merger = Merger {
            frontiers: vec![0; workers],
            pending: BTreeMap::new(),
            vector_of,
            queues,
            deliveries: deliveries.clone(),
            shared,
            metrics: metrics.engine.clone(),
        };
        threads
            .push(std::thread::Builder::new().name("driftline-publish".into()).spawn(move || merger.run(&incoming))?);
        Ok(Self { reports: Some(reports), reflected, stopping, deliveries, threads })
    }

    /// Where workers send their reports; sending blocks while the sinks lag too far behind.
    pub fn reports(&self) -> Sender<Report> {
        self.reports.clone().expect("present until drop")
    }

    /// What is reflected now.
    pub fn reflected(&self) -> Reflected {
        self.reflected.0.lock().clone()
    }

    /// A handle that tells the same, for threads of their own.
    pub fn reflections(&self) -> Reflections {
        Reflections(self.reflected.clone())
    }

    /// How the sinks fare.
    pub fn deliveries(&self) -> &Deliveries {
        &self.deliveries
    }

    /// Waits until `time` is reflected or `timeout` has passed; says whether it is.
    pub fn wait(&self, time: u64, timeout: Duration) -> bool {
        let (state, changed) = &*self.reflected;
        let mut state = state.lock();
        if state.time < time {
            changed.wait_while_for(&mut state, |state| state.time < time, timeout);
        }
        state.time >= time
    }

    /// Lets the sinks finish what was reported; one that cannot be reached is left, and what it should have is kept for the
    /// next start.
    pub fn finish(mut self) {
        self.reports = None;
        self.stopping.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            // A panic has printed its own message; the other sinks are still to be drained.
            let _ = thread.join();
        }
    }
}

struct Merger {
    frontiers: Vec<u64>,
    pending: BTreeMap<u64, Share>,
    vector_of: VectorOf,
    queues: Vec<(String, Sender<Arc<ClosedTime>>)>,
    deliveries: Deliveries,
    shared: Arc<(Mutex<Reflected>, Condvar)>,
    metrics: EngineMetrics,
}

impl Merger {
    fn run(mut self, incoming: &Receiver<Report>) {
        for report in incoming {
            for (time, share) in report.shares {
                merge(self.pending.entry(time).or_default(), share);
            }
            self.frontiers[report.worker] = self.frontiers[report.worker].max(report.frontier);
            let closed = self.frontiers.iter().copied().min().unwrap_or(0);
            self.publish_before(closed);
        }
    }

    fn publish_before(&mut self, frontier: u64) {
        let later = self.pending.split_off(&frontier);
        let ready = std::mem::replace(&mut self.pending, later);
        let newest = frontier.saturating_sub(1);
        let known = self.shared.0.lock().time;
        if newest <= known {
            return;
        }
        // A time without differences still moves `as_of`: the newest is always published.
        let mut shares = ready;
        shares.entry(newest).or_default();
        for (time, share) in shares {
            self.publish(time, share);
        }
    }

    fn publish(&self, time: u64, share: Share) {
        let mut closed = share.closed;
        closed.time = time;
        closed.as_of = (self.vector_of)(time);
        sort(&mut closed);
        let closed = Arc::new(closed);
        for (sink, queue) in &self.queues {
            self.deliveries.handed(sink);
            // A sink that ended early (its own panic) must not stop the others.
            let _ = queue.send(closed.clone());
        }
        let (state, changed) = &*self.shared;
        let mut state = state.lock();
        state.time = time;
        state.as_of.clone_from(&closed.as_of);
        state.digests.merge(&share.digests);
        changed.notify_all();
        drop(state);
        if let Some(begun) = share.begun {
            self.metrics.observe_reflected(begun.elapsed().as_secs_f64());
        }
    }
}

fn merge(into: &mut Share, share: Share) {
    let (to, from) = (&mut into.closed, share.closed);
    to.changes.extend(from.changes);
    to.vectors.extend(from.vectors);
    to.evidence.extend(from.evidence);
    to.labels.extend(from.labels);
    to.predictions.extend(from.predictions);
    to.drift.extend(from.drift);
    to.alerts.extend(from.alerts);
    to.models.extend(from.models);
    to.rejects.extend(from.rejects);
    to.event_clock.extend(from.event_clock);
    into.digests.merge(&share.digests);
    into.begun = into.begun.into_iter().chain(share.begun).min();
}

/// Brings every list into one order, so that what a sink writes does not depend on which worker was first.
fn sort(closed: &mut ClosedTime) {
    consolidate(&mut closed.changes);
    consolidate(&mut closed.vectors);
    consolidate(&mut closed.evidence);
    consolidate(&mut closed.labels);
    consolidate(&mut closed.predictions);
    consolidate(&mut closed.drift);
    consolidate(&mut closed.alerts);
    consolidate(&mut closed.models);
    closed.rejects.sort();
    closed.event_clock.sort();
}

/// Sorts, adds up equal records, drops those that cancel; retractions come before insertions of equal rank.
fn consolidate<D: Ord>(diffs: &mut Vec<Diff<D>>) {
    diffs.sort_by(|one, other| one.0.cmp(&other.0));
    diffs.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            earlier.1 += later.1;
        }
        same
    });
    diffs.retain(|(_, diff)| *diff != 0);
}

/// Feeds one sink.
struct Drain {
    sink: Box<dyn Sink>,
    stopping: Arc<AtomicBool>,
    deliveries: Deliveries,
    metrics: SinkMetrics,
}

impl Drain {
    /// Runs until the queue is closed and empty.
    fn run(&mut self, queue: &Receiver<Arc<ClosedTime>>) {
        for closed in queue {
            if !self.give(&closed) {
                // What follows is kept as well: a sink that has noted a later time as done never asks for this one again.
                let later = queue.iter().count() as u64;
                return self.deliveries.keep(self.sink.name(), 1 + later);
            }
        }
    }

    /// Hands a closed time over, again and again while the sink cannot be reached; false when the process is to end first.
    fn give(&mut self, closed: &ClosedTime) -> bool {
        let mut pause = PAUSE_MIN;
        loop {
            match self.sink.apply(closed) {
                Ok(()) => {
                    self.deliveries.took(self.sink.name(), &self.metrics);
                    return true;
                }
                Err(error) => {
                    self.deliveries.failed(self.sink.name(), &error, &self.metrics);
                    if matches!(error, SinkError::Refused { .. }) {
                        return true;
                    }
                }
            }
            let end = Instant::now() + pause;
            while Instant::now() < end {
                if self.stopping.load(Ordering::Acquire) {
                    return false;
                }
                std::thread::sleep(PAUSE_MIN / 2);
            }
            pause = (pause * 2).min(RETRY_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Trouble;
    use driftline_schema::ids::{ModelId, RepoId};
    use driftline_schema::{ChangeKey, EvidenceKind, Label, ModelInfo, Position, Scope, Verdict};

    #[derive(Default)]
    struct Recorder(Arc<Mutex<Vec<ClosedTime>>>, u32);
    impl Sink for Recorder {
        fn name(&self) -> &str {
            "recorder"
        }
        fn apply(&mut self, closed: &ClosedTime) -> Result<(), SinkError> {
            if self.1 > 0 {
                self.1 -= 1;
                return Err(SinkError::Unreachable { sink: "recorder".into(), reason: "not yet".into() });
            }
            self.0.lock().push(closed.clone());
            Ok(())
        }
    }

    /// Takes times but the second, which it cannot while `down`.
    struct Fussy(Arc<Mutex<Vec<u64>>>, Arc<AtomicBool>);
    impl Sink for Fussy {
        fn name(&self) -> &str {
            "fussy"
        }
        fn apply(&mut self, closed: &ClosedTime) -> Result<(), SinkError> {
            if closed.time == 2 && self.1.load(Ordering::Acquire) {
                return Err(SinkError::Unreachable { sink: "fussy".into(), reason: "topic gone".into() });
            }
            self.0.lock().push(closed.time);
            Ok(())
        }
    }

    #[test]
    fn what_follows_an_undelivered_time_is_kept_with_it_and_said() {
        let (seen, down) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(true)));
        let sink = Fussy(seen.clone(), down.clone());
        let publisher = Publisher::start(1, Box::new(|time| vec![time]), vec![Box::new(sink)], &Metrics::new())
            .expect("threads start");
        let reports = publisher.reports();
        let shares = (1..=3).map(|cut| (cut, share(&[cut], 1))).collect();
        reports.send(Report { worker: 0, shares, frontier: 4 }).expect("publisher runs");
        assert!(publisher.wait(3, Duration::from_secs(5)));
        let deliveries = publisher.deliveries().clone();
        let deadline = Instant::now() + Duration::from_secs(10);
        while deliveries.troubles().is_empty() {
            assert!(Instant::now() < deadline, "an outage is told while it lasts");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(matches!(&deliveries.troubles()[..], [Trouble::Down(reason)] if reason.contains("topic gone")));
        assert!(!deliveries.are_done());
        drop(reports);
        publisher.finish();
        assert_eq!(*seen.lock(), [1], "a later time would be noted as done, and the second be lost");
        let said = deliveries.undelivered().expect("it is said");
        assert!(
            said.contains("2 closed times") && said.contains("topic gone") && said.contains("next start"),
            "{said}"
        );
    }

    fn model(cut: u64) -> ModelInfo {
        let id = ModelId([cut as u8; 32]);
        ModelInfo { id, scope: Scope::Organisation, cut, rows: 1, defective: 0, features_version: 1 }
    }

    fn share(cuts: &[u64], diff: isize) -> Share {
        let mut share = Share::default();
        for cut in cuts {
            share.closed.models.push((model(*cut), diff));
            share.digests.update("models", &model(*cut), diff);
        }
        share
    }

    #[test]
    fn a_time_is_published_once_every_worker_has_closed_it_and_in_order() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Recorder(seen.clone(), 2);
        let publisher = Publisher::start(2, Box::new(|time| vec![time * 10]), vec![Box::new(sink)], &Metrics::new())
            .expect("threads start");
        let reports = publisher.reports();
        let send = |worker, shares: Vec<(u64, Share)>, frontier| {
            reports.send(Report { worker, shares: shares.into_iter().collect(), frontier }).expect("publisher runs");
        };
        send(0, vec![(1, share(&[3, 1], 1)), (2, share(&[1], -1))], 3);
        assert!(!publisher.wait(1, Duration::from_millis(50)), "worker 1 has not closed time 1");
        send(1, vec![(1, share(&[2], 1)), (2, share(&[1], 1))], 3);
        assert!(publisher.wait(2, Duration::from_secs(5)));
        let reflected = publisher.reflected();
        assert_eq!(reflected.as_of, vec![20]);
        assert_eq!(reflected.digests, share(&[1, 2, 3], 1).digests);
        // A stopping publisher gives up on sinks that cannot be reached, and this one needs a third try.
        let deadline = Instant::now() + Duration::from_secs(10);
        while seen.lock().len() < 2 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(reports);
        publisher.finish();
        let seen = seen.lock();
        let cuts = |index: usize| seen[index].models.iter().map(|(m, d)| (m.cut, *d)).collect::<Vec<_>>();
        assert_eq!(cuts(0), vec![(1, 1), (2, 1), (3, 1)], "merged over workers and sorted");
        assert_eq!(cuts(1), vec![], "insertion and retraction cancel");
    }

    #[test]
    fn equal_records_of_different_workers_add_up() {
        let key = ChangeKey { repo: RepoId(1), position: Position::default() };
        let label = Label { verdict: Verdict::Clean, kind: EvidenceKind::Waiting, provisional: true, evidence: 1 };
        let mut diffs = vec![((key, label), 1), ((key, label), -1), ((key, label), 1)];
        consolidate(&mut diffs);
        assert_eq!(diffs, vec![((key, label), 1)]);
    }
}
