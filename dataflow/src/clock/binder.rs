//! Forms bindings: gathers records until a binding is full, and never lets one extend past a control record.
//!
//! A partition that meets a control record is held there until all partitions stand at the same one; the binding then ends
//! just after it. So the state at that time is exactly the log before the control record, plus it. What counts as a
//! control record follows from the log alone, never from when a record was read or how bindings were cut before.

use super::ClockConfig;
use crate::conductor::{cut_id, model_ready_id};
use crate::source::Record;
use driftline_schema::{Control, ControlAction, Limits, wire};

/// A record that waits at the front of its partition.
struct Held {
    record: Record,
    /// What it says, if it may be a control record.
    control: Option<Control>,
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
    seen: Seen,
}

impl Binder {
    /// Begins after `start`.
    pub(super) fn new(start: &[u64], config: &ClockConfig) -> Self {
        Self {
            records_max: config.records_per_binding_max.get() as usize,
            bytes_max: config.bytes_per_binding_max.get() as usize,
            target: None,
            positions: start.to_vec(),
            staged: vec![Vec::new(); start.len()],
            records: 0,
            bytes: 0,
            held: start.iter().map(|_| None).collect(),
            seen: Seen::default(),
        }
    }

    /// Says whether the next binding must reach a given vector or is to be formed freely. Nothing may be staged.
    pub(super) fn aim(&mut self, target: Option<Vec<u64>>) {
        assert_eq!(self.records, 0, "a binding is aimed before its first record");
        self.target = target;
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
        let control = candidate(&record).filter(|control| self.seen.admits(&control.action));
        self.place(Held { record, control });
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
                    self.stage(held.record, false);
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
            self.stage(held.record, false);
        }
    }

    fn stage(&mut self, mut record: Record, control: bool) {
        record.control = control;
        let partition = record.position.partition as usize;
        self.positions[partition] = record.position.offset + 1;
        self.records += 1;
        self.bytes += record.bytes();
        self.staged[partition].push(record);
    }

    /// The control record at the front of a partition.
    fn front(&self, partition: usize) -> Option<&Control> {
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
        let action = self.front(0).map(|control| control.action.clone());
        self.seen.note(&action.expect("every partition stands at a control record"));
        let held: Vec<Held> = self.held.iter_mut().filter_map(Option::take).collect();
        let copies = held.len();
        held.into_iter().for_each(|held| self.stage(held.record, true));
        copies
    }

    /// When every partition stands at a control record and they differ, some were not written by the conductor. Those
    /// that the fewest partitions hold become ordinary records; of equally many the more doubtful, then the one of the
    /// last partition. Waiting instead would stall the engine for ever.
    fn settle(&mut self) {
        while (0..self.held.len()).all(|partition| self.front(partition).is_some()) && !self.agreed() {
            let mut kinds: Vec<(&Control, Vec<usize>)> = Vec::new();
            for partition in 0..self.held.len() {
                let control = self.front(partition).expect("found to be held just now");
                match kinds.iter_mut().find(|(known, _)| *known == control) {
                    Some((_, holders)) => holders.push(partition),
                    None => kinds.push((control, vec![partition])),
                }
            }
            let odd = kinds.into_iter().rev().min_by_key(|(control, holders)| (holders.len(), 3 - self.doubt(control)));
            let (control, holders) = odd.expect("they differ, so there are two at least");
            tracing::warn!(?control, partitions = ?holders, "a control record that does not stand in every partition");
            for partition in holders {
                let held = self.held[partition].take().expect("found to be held just now");
                self.stage(held.record, false);
            }
        }
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

/// What the record says, if it was appended as a control record and is one.
fn candidate(record: &Record) -> Option<Control> {
    if !record.control {
        return None;
    }
    wire::decode(&record.payload, &Limits::default()).ok()?.event.control
}
