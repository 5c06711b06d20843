//! Where readers are held back by a transaction that nobody ends.
//!
//! A reader of committed records sees nothing past the first open transaction of a partition, whoever opened it, and takes
//! what it sees for the end. So the end that readers see is compared with the end that the broker has.

use super::{Events, KafkaConfig};
use crate::source::SourceError;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::time::Duration;

/// Asks for both ends of every partition.
pub(super) struct Ends {
    topic: String,
    committed: BaseConsumer<Events>,
    all: BaseConsumer<Events>,
}

impl Ends {
    pub(super) fn open(config: &KafkaConfig) -> Result<Self, SourceError> {
        let client = |level: &str| -> Result<BaseConsumer<Events>, SourceError> {
            let mut client = config.consumer()?;
            client.set("isolation.level", level);
            client.create_with_context(Events::new(config)).map_err(|error| config.fault(error))
        };
        let (committed, all) = (client("read_committed")?, client("read_uncommitted")?);
        Ok(Self { topic: config.topic.clone(), committed, all })
    }

    /// The client whose questions about the cluster are answered as a reader's.
    pub(super) fn client(&self) -> &BaseConsumer<Events> {
        &self.committed
    }

    /// For each partition the offset that readers see as its end, and its end. `None` when not all of it is known.
    pub(super) fn ask(&self, partitions: u32, limit: Duration) -> Option<Vec<(u64, u64)>> {
        // The end readers see is asked for first: what is appended in between
        // may make the second larger, and the watch therefore waits for the first to stand still.
        let seen = self.of(&self.committed, Offset::End, partitions, limit)?;
        let ends = self.of(&self.all, Offset::End, partitions, limit)?;
        Some(seen.into_iter().zip(ends).collect())
    }

    /// The first offset of each partition. `None` when not all of them are known.
    pub(super) fn begin(&self, partitions: u32, limit: Duration) -> Option<Vec<u64>> {
        self.of(&self.all, Offset::Beginning, partitions, limit)
    }

    fn of(&self, client: &BaseConsumer<Events>, at: Offset, partitions: u32, limit: Duration) -> Option<Vec<u64>> {
        let mut wanted = TopicPartitionList::new();
        for partition in 0..partitions {
            wanted.add_partition_offset(&self.topic, partition as i32, at).ok()?;
        }
        let found = client.offsets_for_times(wanted, limit).ok()?;
        let offset = |partition: u32| match found.find_partition(&self.topic, partition as i32)?.offset() {
            Offset::Offset(offset) => u64::try_from(offset).ok(),
            _ => None,
        };
        (0..partitions).map(offset).collect()
    }
}
