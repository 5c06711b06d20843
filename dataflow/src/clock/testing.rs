//! A log in memory and a tiny dataflow, for the tests of the clock.
//!
//! The source hesitates in a different way in each run, so that nothing may rest on when a record is read.

use super::{Clock, ClockConfig};
use crate::conductor::cut_id;
use crate::controls::ControlRule;
use crate::controls::testing::rule;
use crate::source::{LogEnd, Next, Record, Source, SourceError, Wake};
use driftline_schema::{Control, ControlAction, Position, wire};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use timely::communication::WorkerGuards;
use timely::dataflow::ProbeHandle;
use timely::dataflow::operators::{Exchange, Inspect, Probe};

/// Partitions of records; offsets may have gaps. Besides, the end of each partition, which stays when records go.
#[derive(Clone, Default)]
pub(super) struct ListLog(pub Arc<Mutex<Vec<Vec<Record>>>>, pub Arc<Mutex<Vec<u64>>>);

impl ListLog {
    pub(super) fn new(partitions: usize) -> Self {
        Self(Arc::new(Mutex::new(vec![Vec::new(); partitions])), Arc::new(Mutex::new(vec![0; partitions])))
    }

    /// Appends to one partition, leaving out `gap` offsets, and returns the position.
    pub(super) fn push(&self, partition: usize, gap: u64, control: bool, payload: &[u8]) -> Position {
        let mut log = self.0.lock();
        let end = &mut self.1.lock()[partition];
        let offset = *end + gap;
        *end = offset + 1;
        let position = Position { partition: partition as u32, offset };
        let (key, payload) = (b"repo".to_vec(), payload.to_vec());
        log[partition].push(Record { position, key, append_time: 7, control, payload, envelope: None });
        position
    }

    /// Appends a cut to every partition, as the conductor does.
    pub(super) fn push_cut(&self, cut: u64) -> Vec<Position> {
        let partitions = self.0.lock().len();
        (0..partitions).map(|partition| self.push(partition, 0, true, &cut_bytes(cut, partitions))).collect()
    }

    /// Gives the log more partitions.
    pub(super) fn grow(&self, partitions: usize) {
        self.0.lock().resize(partitions, Vec::new());
        self.1.lock().resize(partitions, 0);
    }

    pub(super) fn source(&self, hesitation: u64) -> Box<ListSource> {
        let at = vec![0; self.0.lock().len()];
        Box::new(ListSource { log: self.clone(), at, hesitation, fails_at: None })
    }
}

/// A genuine cut; its number leaves room for others between cuts.
pub(super) fn cut_bytes(cut: u64, partitions: usize) -> Vec<u8> {
    let control = Control { id: cut_id(cut), action: ControlAction::Cut { cut } };
    wire::encode(&rule().seal(control, cut * 10, partitions as u32))
}

impl LogEnd for ListLog {
    fn reached(&self, next: &[u64]) -> bool {
        let read =
            |(records, &next): (&Vec<Record>, &u64)| records.last().is_none_or(|record| record.position.offset < next);
        self.0.lock().iter().zip(next).all(read)
    }
}

/// Reads a [`ListLog`].
pub(super) struct ListSource {
    log: ListLog,
    at: Vec<usize>,
    /// State of a small generator; 0 never hesitates.
    hesitation: u64,
    pub fails_at: Option<Position>,
}

impl Source for ListSource {
    fn name(&self) -> String {
        "list".to_owned()
    }
    fn partitions(&self) -> u32 {
        self.at.len() as u32
    }
    fn first_partitions(&mut self, rule: &ControlRule) -> Result<u32, SourceError> {
        let log = self.log.0.lock();
        let first = log[0].iter().find_map(|record| rule.own(record)).map_or(0, |own| own.partitions);
        Ok(if first > 0 { first } else { self.partitions() })
    }
    fn open_partitions(&mut self, count: u32) -> Result<(), SourceError> {
        self.at.resize(count as usize, 0);
        Ok(())
    }
    fn range(&mut self) -> Result<Vec<Range<u64>>, SourceError> {
        Ok(self.log.1.lock().iter().map(|&end| 0..end).collect())
    }
    fn seek(&mut self, next: &[u64]) -> Result<(), SourceError> {
        let log = self.log.0.lock();
        self.at.resize(next.len(), 0);
        for (partition, &offset) in next.iter().enumerate() {
            self.at[partition] = log[partition].partition_point(|record| record.position.offset < offset);
        }
        Ok(())
    }
    fn next(&mut self, partition: u32) -> Result<Next, SourceError> {
        self.hesitation = self.hesitation.wrapping_mul(6_364_136_223_846_793_005).rotate_left(17);
        if self.hesitation % 3 == 1 {
            return Ok(Next::NotYet);
        }
        let at = &mut self.at[partition as usize];
        let Some(record) = self.log.0.lock()[partition as usize].get(*at).cloned() else { return Ok(Next::AtEnd) };
        if self.fails_at == Some(record.position) {
            return Err(SourceError::Kafka { topic: "list".to_owned(), reason: "the disk is gone".to_owned() });
        }
        *at += 1;
        Ok(Next::Record(record))
    }
    fn end(&self) -> Arc<dyn LogEnd> {
        Arc::new(self.log.clone())
    }
    fn wake_on_data(&mut self, _wake: Wake) {}
}

/// What the workers saw: for each time the records, by position, with the worker they entered at.
pub(super) type Seen = BTreeMap<u64, Vec<(Record, usize)>>;

/// A dataflow that notes what enters it, and moves it between workers for good measure.
pub(super) struct Workers {
    guards: Option<WorkerGuards<()>>,
    clock: Arc<Clock>,
    seen: Arc<Mutex<Vec<(u64, Record, usize)>>>,
}

impl Workers {
    pub(super) fn start(clock: &Arc<Clock>, workers: usize) -> Self {
        let seen: Arc<Mutex<Vec<(u64, Record, usize)>>> = Arc::default();
        let (used, noted) = (clock.clone(), seen.clone());
        let guards = timely::execute(timely::Config::process(workers), move |worker| {
            let (probe, index, noted) = (ProbeHandle::new(), worker.index(), noted.clone());
            worker.dataflow::<u64, _, _>(|scope| {
                used.records(scope)
                    .inspect_core(move |event| {
                        let Ok((stamp, records)) = event else { return };
                        let time = *stamp.least().expect("records have a time");
                        noted.lock().extend(records.iter().map(|record: &Record| (time, record.clone(), index)));
                    })
                    .exchange(|record| record.position.offset)
                    .probe_with(&probe);
            });
            while worker.has_dataflows() {
                worker.step_or_park(Some(Duration::from_millis(20)));
                used.observe(index, &probe);
            }
        });
        Self { guards: Some(guards.expect("workers start")), clock: clock.clone(), seen }
    }

    /// Waits for the dataflow to end and says what it saw.
    pub(super) fn join(mut self) -> Seen {
        for result in self.guards.take().expect("joined once").join() {
            result.expect("no worker panics");
        }
        let mut seen = Seen::new();
        for (time, record, worker) in self.seen.lock().drain(..) {
            seen.entry(time).or_default().push((record, worker));
        }
        seen.values_mut().for_each(|records| records.sort());
        seen
    }
}

impl Drop for Workers {
    /// A test that fails must not wait for ever for workers that wait for the clock.
    fn drop(&mut self) {
        self.clock.stop();
    }
}

/// Small bindings, so that a short log has many of them.
pub(super) fn config(records: u32) -> ClockConfig {
    let records_per_binding_max = records.try_into().expect("not zero");
    ClockConfig { records_per_binding_max, tick_ms: 1, ..ClockConfig::default() }
}

/// Long enough for a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
