//! The embedded log as a source.
//!
//! Readers go to disk for every record; the operating system's page cache is the only cache.

use super::{LogEnd, Next, Source, SourceError, Wake};
use crate::log::{EmbeddedLog, PartitionReader};
use std::ops::Range;
use std::sync::Arc;

/// Reads a topic of the embedded log.
pub struct EmbeddedSource {
    log: EmbeddedLog,
    readers: Vec<PartitionReader>,
}

impl EmbeddedSource {
    /// Reads from the first record on, until sought.
    pub fn new(log: &EmbeddedLog) -> Result<Self, SourceError> {
        let mut source = Self { log: log.clone(), readers: Vec::new() };
        source.seek(&vec![0; log.partitions() as usize])?;
        Ok(source)
    }
}

impl LogEnd for EmbeddedLog {
    fn reached(&self, next: &[u64]) -> bool {
        self.ends() == next
    }
}

impl Source for EmbeddedSource {
    fn name(&self) -> String {
        format!("embedded:{}", self.log.topic())
    }

    fn partitions(&self) -> u32 {
        self.log.partitions()
    }

    fn open_partitions(&mut self, count: u32) -> Result<(), SourceError> {
        assert!(count <= self.partitions(), "the embedded log keeps its number of partitions");
        Ok(())
    }

    fn range(&mut self) -> Result<Vec<Range<u64>>, SourceError> {
        Ok(self.log.ends().into_iter().map(|end| 0..end).collect())
    }

    fn seek(&mut self, next: &[u64]) -> Result<(), SourceError> {
        assert_eq!(next.len(), self.partitions() as usize, "one offset for each partition");
        let readers: Result<Vec<_>, _> =
            next.iter().enumerate().map(|(partition, &offset)| self.log.reader(partition as u32, offset)).collect();
        self.readers = readers?;
        Ok(())
    }

    fn next(&mut self, partition: u32) -> Result<Next, SourceError> {
        Ok(match self.readers[partition as usize].read()? {
            Some(record) => Next::Record(record),
            None => Next::AtEnd,
        })
    }

    fn end(&self) -> Arc<dyn LogEnd> {
        Arc::new(self.log.clone())
    }

    fn wake_on_data(&mut self, wake: Wake) {
        self.log.wake_on_sync(wake);
    }
}
