//! The writing side of a topic.
//!
//! An append is durable only once [`Appender::sync`] returned; a control record when its call returned.

use crate::log::{EmbeddedLog, LogError, RECORD_BYTES_MAX};
use driftline_schema::{Control, ControlAction};

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
}

impl LastControls {
    /// Takes one more control record into account.
    pub fn note(&mut self, action: &ControlAction) {
        match action {
            ControlAction::Cut { cut } => self.cut = self.cut.max(*cut),
            ControlAction::ModelReady { cut, .. } => self.model_ready = self.model_ready.max(*cut),
            ControlAction::Tick { .. } | ControlAction::Erase { .. } | ControlAction::Threshold { .. } => {}
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
    /// Appends a control record to every partition, after everything appended before, and makes it durable. Returns a
    /// vector of offsets that lies past it in every partition. After an error it is unknown whether it stands; if it
    /// stands in one partition, it stands (or will stand) in all.
    fn append_control(&self, control: &Control) -> Result<Vec<u64>, AppendError>;
    /// Makes every append before this call durable. Returns a vector of offsets that lies past them; a read whose
    /// `as_of` has reached it reflects them all.
    fn sync(&self) -> Result<Vec<u64>, AppendError>;
    /// The highest numbers among the control records that stand in the log.
    fn last_controls(&self) -> Result<LastControls, AppendError>;
}

impl Appender for EmbeddedLog {
    fn partitions(&self) -> u32 {
        EmbeddedLog::partitions(self)
    }
    fn append(&self, key: &[u8], payload: &[u8]) -> Result<u32, AppendError> {
        Ok(EmbeddedLog::append(self, key, payload)?.partition)
    }
    fn append_control(&self, control: &Control) -> Result<Vec<u64>, AppendError> {
        Ok(EmbeddedLog::append_control(self, control)?)
    }
    fn sync(&self) -> Result<Vec<u64>, AppendError> {
        Ok(EmbeddedLog::sync(self)?)
    }
    fn last_controls(&self) -> Result<LastControls, AppendError> {
        Ok(EmbeddedLog::last_controls(self))
    }
}
