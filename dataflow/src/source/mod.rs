//! The log as the engine sees it: partitions read in order from offsets that we own.
//!
//! Nothing behind [`Source`] and [`Appender`] knows which log it is, the embedded one or Kafka.

mod append;
mod embedded;
pub mod kafka;
mod partitioner;
mod wake;

pub use append::{AppendError, Appender, LastControls};
pub use embedded::EmbeddedSource;
pub use partitioner::partition_of;
pub use wake::Wake;

use crate::controls::ControlRule;
use crate::log::LogError;
use driftline_schema::{Envelope, Position};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// The append time of a record of which the log does not know when it took it: earlier than all others, so that such a
/// record never advances the event clock.
pub const APPEND_TIME_UNKNOWN: i64 = i64::MIN;

/// One record of the log, as it was appended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Record {
    /// Where it stands.
    pub position: Position,
    /// Its key: the repository's name, empty for control records.
    pub key: Vec<u8>,
    /// When the log took it, seconds since 1970; [`APPEND_TIME_UNKNOWN`] where only the producer says a time.
    pub append_time: i64,
    /// Whether it was appended as a control record. Behind the clock: whether it *is* one, that is, it decodes as one
    /// and stands in every partition.
    pub control: bool,
    /// The event's bytes.
    pub payload: Vec<u8>,
    /// What it carries besides; `None` for a record with key and value and without headers.
    pub envelope: Option<Arc<Envelope>>,
}

impl Record {
    /// Memory taken by key and payload, in bytes.
    pub fn bytes(&self) -> usize {
        self.key.len() + self.payload.len()
    }
}

/// What a partition has to offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The next record.
    Record(Record),
    /// Nothing at the moment; there may be more.
    NotYet,
    /// Nothing at the moment, and all that was durable when last looked was handed out.
    AtEnd,
}

/// Why the log can no longer be read. None of these passes by waiting; what does is retried inside the source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The embedded log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The Kafka cluster refused, or does not have what is asked.
    #[error("topic {topic} cannot be read: {reason}")]
    Kafka {
        /// The topic.
        topic: String,
        /// What the client or the broker said.
        reason: String,
    },
}

/// Whether everything in the log was read.
pub trait LogEnd: Send + Sync {
    /// Whether nothing durable lies at or past `next`, the next offset of each partition. The embedded log answers for
    /// the moment of the call, Kafka for the last fetch.
    fn reached(&self, next: &[u64]) -> bool;
}

/// The reading side of a topic.
pub trait Source: Send {
    /// A short stable name of log and topic; bindings belong to it.
    fn name(&self) -> String;
    /// Number of partitions that are read.
    fn partitions(&self) -> u32;
    /// What tells the log from another of the same name, where the log knows it.
    fn identity(&self) -> Option<String> {
        None
    }
    /// Whether others keep the log, so that what was read may be gone or be something else at the next start.
    fn is_shared(&self) -> bool {
        false
    }
    /// Partitions to begin with when the log is bound for the first time. Later ones are opened by the control record
    /// that names them, so that their place in the order does not depend on when they were noticed.
    fn first_partitions(&mut self, _rule: &ControlRule) -> Result<u32, SourceError> {
        Ok(self.partitions())
    }
    /// Reads the partitions below `count` that were not read before, each from its beginning.
    fn open_partitions(&mut self, count: u32) -> Result<(), SourceError>;
    /// Offsets held for each partition that there is: from the first record to the end of what is durable.
    fn range(&mut self) -> Result<Vec<Range<u64>>, SourceError>;
    /// Reads these partitions on from these offsets, and no others; they may be fewer than there are.
    fn seek(&mut self, next: &[u64]) -> Result<(), SourceError>;
    /// The next record of a partition, without waiting. Offsets ascend and may have gaps. A partition that is not asked
    /// is not read ahead beyond a fixed bound.
    fn next(&mut self, partition: u32) -> Result<Next, SourceError>;
    /// Tells whether everything was read.
    fn end(&self) -> Arc<dyn LogEnd>;
    /// Whom to wake when there may be more. A caller must also look from time to time: a wake can be lost.
    fn wake_on_data(&mut self, wake: Wake);
    /// Tells whoever monitors lag that everything before these offsets is reflected in what the engine publishes.
    fn report(&mut self, _next: &[u64]) {}
}
