//! Forms bindings: gathers records until a binding is full, and never lets one extend past a control record.
//!
//! A partition that meets a control record is held there until all partitions stand at the same one; the binding then ends
//! just after it. So the state at that time is exactly the log before the control record, plus it. What counts as a
//! control record follows from the log and its key alone, never from when a record was read or how bindings were cut
//! before: it is the engine's own ([`ControlRule`]), its number is larger than the one before it in its partition, and no
//! partition has passed that number without it.

use super::ClockConfig;
use crate::conductor::{cut_id, model_ready_id};
use crate::controls::{ControlRule, Own};
use crate::source::{LastControls, Record};
use driftline_schema::{Control, ControlAction};

/// A record that waits at the front of its partition.
struct Held {
    record: Record,
    /// What it says, if it may be a control record.
    control: Option<Own>,
    /// It is the engine's own and bears a number that was used before.
    repeats: bool,
}

/// The last accepted control records of a partition.
#[derive(Clone, Copy, Default)]
struct Seen {
    cut: u64,
    model_ready: u64,
}

impl Seen {
    /// Whether a control record may follow. What repeats or skips back was copied here from elsewhere: it is left to
    /// the validating operator, which rejects it. A gap is allowed, since an append that failed may use up a number.
    fn admits(&self, action: &ControlAction) -> bool {
        match action {
            ControlAction::Cut { cut } => *cut > self.cut,
            ControlAction::ModelReady { cut, .. } => *cut > self.model_ready && *cut <= self.cut,
            ControlAction::Tick { .. } | ControlAction::Erase { .. } | ControlAction::Threshold { .. } => true,
        }
    }

    fn note(&mut self, action: &ControlAction) {
        match action {
            ControlAction::Cut { cut } => self.cut = *cut,
            ControlAction::ModelReady { cut, .. } => self.model_ready = *cut,
            ControlAction::Tick { .. } | ControlAction::Erase { .. } | ControlAction::Threshold { .. } => {}
        }
    }
}

/// A binding with its records.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Bound {
    /// Next offset of each partition.
    pub vector: Vec<u64>,
    /// Records of each partition, in order.
    pub batches: Vec<Vec<Record>>,
    /// How many.
    pub records: usize,
    /// Their keys and payloads.
    pub bytes: usize,
    /// Copies of an accepted control record among them.
    pub controls: usize,
    /// Records among them that are sealed with the engine's key and bear a number that was used before.
    pub repeats: u64,
    /// The highest numbers of control records up to here.
    pub last: LastControls,
    /// How many partitions there are from here on, when the control record at the end opens more.
    pub opens: Option<u32>,
}

/// Forms one binding at a time.
pub(super) struct Binder {
    records_max: usize,
    bytes_max: usize,
    /// The vector to reach exactly, when bindings of an earlier run are repeated.
    target: Option<Vec<u64>>,
    positions: Vec<u64>,
    staged: Vec<Vec<Record>>,
    records: usize,
    bytes: usize,
    held: Vec<Option<Held>>,
    rule: ControlRule,
    seen: Seen,
    /// The number of the last control record in each partition, accepted or not.
    sequences: Vec<u64>,
    /// The number of the control record that opened each partition; 0 for those that were there at first.
    opened_by: Vec<u64>,
    opens: Option<u32>,
    last: LastControls,
    repeats: u64,
    told_of_repeats: bool,
}

impl Binder {
    /// Begins after `start`.
    pub(super) fn new(start: &[u64], config: &ClockConfig, rule: ControlRule) -> Self {
        Self {
            records_max: config.records_per_binding_max.get() as usize,
            bytes_max: config.bytes_per_binding_max.get() as usize,
            target: None,
            positions: start.to_vec(),
            staged: vec![Vec::new(); start.len()],
            records: 0,
            bytes: 0,
            held: start.iter().map(|_| None).collect(),
            rule,
            seen: Seen::default(),
            sequences: vec![0; start.len()],
            opened_by: vec![0; start.len()],
            opens: None,
            last: LastControls::default(),
            repeats: 0,
            told_of_repeats: false,
        }
    }

    /// Says whether the next binding must reach a given vector or is to be formed freely. Nothing may be staged.
    pub(super) fn aim(&mut self, target: Option<Vec<u64>>) {
        assert_eq!(self.records, 0, "a binding is aimed before its first record");
        self.target = target.map(|mut vector| {
            // A binding names a partition from the time on at which something stands in it.
            vector.resize(vector.len().max(self.held.len()), 0);
            vector
        });
        for partition in 0..self.held.len() {
            if let Some(held) = self.held[partition].take() {
                self.offer(held.record);
            }
        }
    }

    /// Whether another record of this partition can be taken.
    pub(super) fn wants(&self, partition: usize) -> bool {
        self.held[partition].is_none()
            && match &self.target {
                Some(target) => self.positions[partition] < target[partition],
                None => !self.is_full(),
            }
    }

    /// Takes the next record of a partition that [`Self::wants`] one.
    pub(super) fn offer(&mut self, record: Record) {
        let partition = record.position.partition as usize;
        let own = self.rule.own(&record);
        if self.opened_by[partition] > 0 && own.as_ref().and_then(|own| own.sequence) == Some(self.opened_by[partition])
        {
            // The copy of the control record that opened this partition: it took effect when the others stood at it.
            return self.stage(Held { record, control: own, repeats: false }, true);
        }
        let sealed = own.as_ref().is_some_and(|own| own.sequence.is_some());
        let control = own.filter(|own| self.admits(record.position.partition, own));
        let repeats = sealed && control.is_none();
        self.place(Held { record, control, repeats });
        if self.target.is_none() {
            self.settle();
        }
    }

    /// Takes note that the partition holds nothing more before its target: what was bound there is gone, as in a
    /// compacted topic.
    pub(super) fn skip(&mut self, partition: usize) {
        if let Some(target) = &self.target {
            self.positions[partition] = self.positions[partition].max(target[partition]);
        }
    }

    /// Records staged.
    pub(super) fn records(&self) -> usize {
        self.records
    }

    /// Key and payload bytes staged.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether no further record fits.
    pub(super) fn is_full(&self) -> bool {
        self.records >= self.records_max || self.bytes >= self.bytes_max
    }

    /// Whether the binding must be closed now: it stands at a control record, or at its target.
    pub(super) fn is_complete(&self) -> bool {
        match &self.target {
            None => self.agreed(),
            Some(target) => (0..target.len()).all(|p| self.positions[p] >= target[p] || self.held[p].is_some()),
        }
    }

    /// Ends the binding and begins the next. `None` when it holds nothing and no target asks for it.
    pub(super) fn close(&mut self) -> Option<Bound> {
        let controls = if self.agreed() && self.within_target() { self.accept() } else { 0 };
        if let Some(target) = self.target.take() {
            for (partition, &end) in target.iter().enumerate() {
                // A candidate that does not stand at the end in every partition was found to be none before.
                if let Some(held) = self.held[partition].take_if(|held| held.record.position.offset < end) {
                    self.stage(held, false);
                }
                self.positions[partition] = self.positions[partition].max(end);
            }
        } else if self.records == 0 {
            return None;
        }
        let partitions = self.staged.len();
        Some(Bound {
            vector: self.positions.clone(),
            batches: std::mem::replace(&mut self.staged, vec![Vec::new(); partitions]),
            records: std::mem::take(&mut self.records),
            bytes: std::mem::take(&mut self.bytes),
            controls,
            last: self.last,
            repeats: std::mem::take(&mut self.repeats),
            opens: self.opens.take(),
        })
    }

    fn place(&mut self, held: Held) {
        let position = held.record.position;
        let partition = position.partition as usize;
        let hold = match &self.target {
            // Past the target: what stood there is gone, as in a compacted topic. Or the control record at its end.
            Some(target) if position.offset >= target[partition] => true,
            Some(target) => held.control.is_some() && position.offset + 1 == target[partition],
            None => held.control.is_some(),
        };
        if hold {
            self.held[partition] = Some(held);
        } else {
            self.stage(held, false);
        }
    }

    /// Whether a control record may follow in its partition. What repeats a number is a copy of an older record.
    fn admits(&self, partition: u32, own: &Own) -> bool {
        let fresh = own.sequence.is_none_or(|sequence| sequence > self.sequences[partition as usize]);
        fresh && self.seen.admits(&own.control.action)
    }

    fn stage(&mut self, held: Held, control: bool) {
        let Held { mut record, control: own, repeats } = held;
        record.control = control;
        if repeats {
            self.note_repeat(&record);
        }
        let partition = record.position.partition as usize;
        if let Some(sequence) = own.and_then(|own| own.sequence) {
            self.sequences[partition] = sequence;
        }
        self.positions[partition] = record.position.offset + 1;
        self.records += 1;
        self.bytes += record.bytes();
        self.staged[partition].push(record);
    }

    /// Counts a genuine control record that comes too late for its number. One that is new in the log is told: an engine
    /// that appends beside this one has its cuts and models refused here, and this one's are refused there.
    fn note_repeat(&mut self, record: &Record) {
        self.repeats += 1;
        if self.target.is_none() && !std::mem::replace(&mut self.told_of_repeats, true) {
            tracing::warn!(
                position = %record.position,
                "a control record of this installation's key bears a number that was used before and is a reject: another \
                 engine with this key appends to the same log, or somebody copied a record. Let one engine alone run on a \
                 log; further ones are counted (driftline_control_repeats_total)"
            );
        }
    }

    /// The control record at the front of a partition.
    fn front(&self, partition: usize) -> Option<&Own> {
        self.held[partition].as_ref().and_then(|held| held.control.as_ref())
    }

    /// Whether all partitions stand at the same control record.
    fn agreed(&self) -> bool {
        let first = self.front(0);
        first.is_some() && (1..self.held.len()).all(|partition| self.front(partition) == first)
    }

    fn within_target(&self) -> bool {
        let Some(target) = &self.target else { return true };
        let ends =
            |(held, end): (&Option<Held>, &u64)| held.as_ref().is_some_and(|held| held.record.position.offset < *end);
        self.held.iter().zip(target).all(ends)
    }

    fn accept(&mut self) -> usize {
        let own = self.front(0).cloned().expect("every partition stands at a control record");
        self.seen.note(&own.control.action);
        self.last.note(&own);
        let held: Vec<Held> = self.held.iter_mut().filter_map(Option::take).collect();
        let copies = held.len();
        held.into_iter().for_each(|held| self.stage(held, true));
        if own.partitions as usize > copies {
            self.open(own.partitions, own.sequence.unwrap_or(0));
        }
        copies
    }

    /// Opens the partitions below `count` that were not there before. Whatever stands in them comes after the control
    /// record that names them, so their place in the order does not depend on when they were noticed.
    fn open(&mut self, count: u32, sequence: u64) {
        let count = count as usize;
        self.positions.resize(count, 0);
        self.staged.resize(count, Vec::new());
        self.held.resize_with(count, || None);
        // Copies of older control records are none there.
        self.sequences.resize(count, sequence.saturating_sub(1));
        self.opened_by.resize(count, sequence);
        self.opens = Some(count as u32);
    }

    /// Whether a partition waits at a control record that another one has not shown yet; the latter are given.
    pub(super) fn lacking(&self) -> Option<Vec<usize>> {
        let waits = self.target.is_none() && (0..self.held.len()).any(|partition| self.front(partition).is_some());
        let lacking: Vec<usize> = (0..self.held.len()).filter(|&partition| self.held[partition].is_none()).collect();
        (waits && !lacking.is_empty()).then_some(lacking)
    }

    /// When every partition stands at a control record and they differ, some stand in a few partitions only. These become
    /// ordinary records; waiting instead would stall the engine for ever.
    fn settle(&mut self) {
        let fronts: Vec<&Own> = (0..self.held.len()).map_while(|partition| self.front(partition)).collect();
        if fronts.len() < self.held.len() || self.agreed() {
            return;
        }
        let odd = self.odd(&fronts);
        tracing::warn!(partitions = ?odd, control = ?fronts[odd[0]], "a control record that does not stand in every partition");
        for partition in odd {
            let held = self.held[partition].take().expect("found to be held just now");
            self.stage(held, false);
        }
    }

    /// The partitions whose record can no longer come to stand in all. Numbers ascend, so that is the lowest number, and
    /// any from before there were numbers. Where there are none, it is the record that the fewest partitions hold; of
    /// equally many the more doubtful, then the one of the last partition.
    fn odd(&self, fronts: &[&Own]) -> Vec<usize> {
        let lowest = fronts.iter().map(|own| own.sequence).min().expect("there is a partition");
        if fronts.iter().any(|own| own.sequence != lowest) {
            return (0..fronts.len()).filter(|&partition| fronts[partition].sequence == lowest).collect();
        }
        let mut kinds: Vec<(&Own, Vec<usize>)> = Vec::new();
        for (partition, &own) in fronts.iter().enumerate() {
            match kinds.iter_mut().find(|(known, _)| *known == own) {
                Some((_, holders)) => holders.push(partition),
                None => kinds.push((own, vec![partition])),
            }
        }
        let doubt = |own: &Own| 3 - self.doubt(&own.control);
        let odd = kinds.into_iter().rev().min_by_key(|(own, holders)| (holders.len(), doubt(own)));
        odd.expect("there is a partition").1
    }

    /// How little a control record looks like the conductor's next, from 0 to 3.
    fn doubt(&self, control: &Control) -> u8 {
        match control.action {
            ControlAction::Cut { cut } if cut == self.seen.cut + 1 && control.id == cut_id(cut) => 0,
            ControlAction::ModelReady { cut, .. } if control.id == model_ready_id(cut) => 1,
            ControlAction::Tick { .. } | ControlAction::Erase { .. } | ControlAction::Threshold { .. } => 2,
            ControlAction::Cut { .. } | ControlAction::ModelReady { .. } => 3,
        }
    }
}
