//! The writing side of a topic.
//!
//! An append is durable only once [`Appender::sync`] returned; a control record when its call returned.

use crate::controls::{ControlRule, Own, Reading};
use crate::log::{EmbeddedLog, LogError, RECORD_BYTES_MAX};
use driftline_schema::{ControlAction, Event, Position};

/// Why records are not in the log.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The embedded log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// This one record cannot be appended; others can.
    #[error("topic {topic} does not take a record of {bytes} bytes: {reason}")]
    Refused {
        /// The topic.
        topic: String,
        /// Size of key and payload.
        bytes: usize,
        /// What the client or the broker said.
        reason: String,
    },
    /// The cluster did not confirm in time: appends since the last sync may or may not be there.
    #[error("topic {topic} did not confirm {records} records: {reason}")]
    NotDurable {
        /// The topic.
        topic: String,
        /// How many.
        records: u64,
        /// What the client or the broker said.
        reason: String,
    },
}

/// The highest numbers among the control records of the log; 0 when there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastControls {
    /// The last cut.
    pub cut: u64,
    /// The last cut whose models are ready.
    pub model_ready: u64,
    /// The last number of all; 0 also where control records have none.
    pub sequence: u64,
    /// Partitions the log had at the last of them; 0 where control records do not say.
    pub partitions: u32,
    /// Records met that another key has sealed.
    pub foreign: u64,
}

impl LastControls {
    /// Takes one more control record into account.
    pub fn note(&mut self, own: &Own) {
        self.sequence = self.sequence.max(own.sequence.unwrap_or(0));
        // A log may grow but never shrinks.
        self.partitions = self.partitions.max(own.partitions);
        match &own.control.action {
            ControlAction::Cut { cut } => self.cut = self.cut.max(*cut),
            ControlAction::ModelReady { cut, .. } => self.model_ready = self.model_ready.max(*cut),
            ControlAction::Tick { .. } | ControlAction::Erase { .. } | ControlAction::Threshold { .. } => {}
        }
    }

    /// Takes a record into account that claims to be a control record.
    pub(crate) fn read(&mut self, rule: &ControlRule, position: Position, payload: &[u8]) {
        match rule.read(position, payload) {
            Reading::Own(own) => self.note(&own),
            Reading::Foreign => self.foreign += 1,
            Reading::No => {}
        }
    }

    /// Whether the last of each kind is known.
    pub(crate) fn are_known(&self) -> bool {
        self.cut > 0 && self.model_ready > 0
    }

    /// The higher of each number.
    pub(crate) fn or_later(self, other: Self) -> Self {
        Self {
            cut: self.cut.max(other.cut),
            model_ready: self.model_ready.max(other.model_ready),
            sequence: self.sequence.max(other.sequence),
            partitions: self.partitions.max(other.partitions),
            foreign: self.foreign.max(other.foreign),
        }
    }
}

/// Appends to a topic. Safe to share: calls of several threads are put in one order.
pub trait Appender: Send + Sync {
    /// Number of partitions.
    fn partitions(&self) -> u32;
    /// Largest record that is taken: bytes of key and payload together.
    fn record_bytes_max(&self) -> usize {
        RECORD_BYTES_MAX
    }
    /// Appends to the partition of the key ([`super::partition_of`]) and returns it. Waits when buffers are full.
    fn append(&self, key: &[u8], payload: &[u8]) -> Result<u32, AppendError>;
    /// Appends a control record, as [`ControlRule::seal`] gives it, to every partition, after everything appended before, and makes it durable. Returns a
    /// vector of offsets that lies past it in every partition. After an error it is unknown whether it stands; if it
    /// stands in one partition, it stands (or will stand) in all.
    fn append_control(&self, sealed: &Event) -> Result<Vec<u64>, AppendError>;
    /// Makes every append before this call durable. Returns a vector of offsets that lies past them; a read whose
    /// `as_of` has reached it reflects them all.
    fn sync(&self) -> Result<Vec<u64>, AppendError>;
    /// The highest numbers among the control records that stand in the log, looked for from its end.
    fn last_controls(&self, rule: &ControlRule) -> Result<LastControls, AppendError>;
}

impl Appender for EmbeddedLog {
    fn partitions(&self) -> u32 {
        EmbeddedLog::partitions(self)
    }
    fn append(&self, key: &[u8], payload: &[u8]) -> Result<u32, AppendError> {
        Ok(EmbeddedLog::append(self, key, payload)?.partition)
    }
    fn append_control(&self, sealed: &Event) -> Result<Vec<u64>, AppendError> {
        Ok(EmbeddedLog::append_control(self, sealed)?)
    }
    fn sync(&self) -> Result<Vec<u64>, AppendError> {
        Ok(EmbeddedLog::sync(self)?)
    }
    fn last_controls(&self, rule: &ControlRule) -> Result<LastControls, AppendError> {
        Ok(EmbeddedLog::last_controls(self, rule)?)
    }
}
