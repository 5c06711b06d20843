//! A Kafka topic as a source.
//!
//! Each partition has its own queue, so holding one back holds back no other; a queue that is not asked fills up to
//! its bound and then librdkafka stops fetching, which is the back-pressure.

use super::topic::Describer;
use super::watch::{Found, Watch, replaced};
use super::{Events, KafkaConfig, headers, is_control, is_transient, partition_count, scan, watermarks};
use crate::controls::ControlRule;
use crate::source::{APPEND_TIME_UNKNOWN, LogEnd, Next, Record, Source, SourceError, Wake};
use driftline_schema::Position;
use parking_lot::RwLock;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message, Timestamp};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How far a partition was read.
#[derive(Debug, Default)]
struct Progress {
    /// The offset after the last record handed out.
    next: AtomicU64,
    /// The broker said that there is no more.
    at_end: AtomicBool,
}

/// How far each partition that is read was read.
#[derive(Clone, Default)]
pub(super) struct Track(Arc<RwLock<Vec<Arc<Progress>>>>);

/// Reads a Kafka topic.
pub struct KafkaSource {
    config: KafkaConfig,
    // Before the consumer: a queue must be gone before the client it belongs to.
    queues: Vec<PartitionQueue<Events>>,
    consumer: Arc<BaseConsumer<Events>>,
    /// Partitions the topic has, as far as is known.
    available: u32,
    /// The topic's id, where the cluster gives topics ids.
    id: Option<String>,
    watch: Watch,
    progress: Vec<Arc<Progress>>,
    track: Track,
    wake: Wake,
}

impl KafkaSource {
    /// Connects and learns the number of partitions; reads nothing until sought.
    pub fn open(config: &KafkaConfig) -> Result<Self, SourceError> {
        let consumer = connect(config)?;
        let available = partition_count(consumer.client(), config)?;
        let id = Describer::open(config)?.describe()?.map(|topic| topic.id);
        let (progress, track) = (Vec::new(), Track::default());
        let watch = Watch::start(config, id.clone(), available, track.clone())?;
        let (config, queues, wake) = (config.clone(), Vec::new(), Wake::default());
        Ok(Self { config, queues, consumer, available, id, watch, progress, track, wake })
    }

    /// What the cluster says of the topic from time to time.
    pub fn found(&self) -> Arc<Found> {
        self.watch.found().clone()
    }

    /// Gives a partition a queue of its own. Before the assignment: from then on records would go to the common queue.
    fn add_queue(&mut self, partition: usize, offset: u64) -> Result<(), SourceError> {
        let queue = self.consumer.split_partition_queue(&self.config.topic, partition as i32);
        let mut queue = queue.ok_or_else(|| self.config.fault("the topic's name is not valid"))?;
        let wake = self.wake.clone();
        queue.set_nonempty_callback(move || wake.wake());
        self.queues.push(queue);
        self.progress.push(Arc::new(Progress { next: AtomicU64::new(offset), at_end: AtomicBool::new(false) }));
        Ok(())
    }

    /// Serves events that concern no single partition.
    fn serve(&self) -> Result<(), SourceError> {
        if let Some(reason) = self.watch.found().replaced() {
            return Err(self.config.fault(reason));
        }
        // A bounded number: a flood of errors must not keep us from records.
        for _ in 0..16 {
            match self.consumer.poll(Duration::ZERO) {
                None => return Ok(()),
                Some(Err(error)) => self.tolerate(error)?,
                Some(Ok(message)) => {
                    let place = format!("{}:{}", message.partition(), message.offset());
                    return Err(self.config.fault(format!("record {place} came by the wrong queue")));
                }
            }
        }
        Ok(())
    }

    fn tolerate(&self, error: KafkaError) -> Result<(), SourceError> {
        match error.rdkafka_error_code() {
            _ if is_transient(&error) => Ok(()),
            Some(
                RDKafkaErrorCode::AutoOffsetReset
                | RDKafkaErrorCode::OffsetOutOfRange
                | RDKafkaErrorCode::LogTruncation,
            ) => Err(self.config.fault(self.offsets_gone())),
            // The watch waits for it to come back and tells whether it is the same.
            // A broker that has just started may say so as well, until it has read what it holds.
            Some(
                RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::UnknownTopicId,
            ) => Ok(()),
            _ => Err(self.config.fault(error)),
        }
    }

    /// Why an offset that is to be read is not there. Going on elsewhere would skip records without a word.
    fn offsets_gone(&self) -> String {
        let described = Describer::open(&self.config).and_then(|describer| describer.describe());
        if let (Ok(Some(now)), Some(before)) = (described, &self.id)
            && now.id != *before
        {
            return replaced(before, &now.id);
        }
        let held = |partition: usize| {
            self.consumer.fetch_watermarks(&self.config.topic, partition as i32, Duration::from_secs(5)).ok()
        };
        let gone = self.progress.iter().enumerate().find_map(|(partition, progress)| {
            let next = progress.next.load(Ordering::Relaxed);
            let (low, high) = held(partition)?;
            let outside = next < low as u64 || next > high as u64;
            outside
                .then(|| format!("offset {next} of partition {partition} is not there: it holds {low} to {high} now"))
        });
        format!(
            "{}. Records were deleted, by retention or by hand, or the topic was made anew. What is gone cannot be skipped \
             without changing answers: to start over with what is left, name another, empty data folder; to keep what \
             comes, set retention.ms=-1 and retention.bytes=-1 on the topic",
            gone.unwrap_or_else(|| "an offset that is to be read is not there".to_owned())
        )
    }

    fn record(&self, message: &BorrowedMessage<'_>) -> Record {
        let append_time = append_time(message.timestamp());
        if append_time == APPEND_TIME_UNKNOWN {
            self.watch.found().note_unknown_time(&self.config);
        }
        Record {
            position: Position { partition: message.partition() as u32, offset: message.offset() as u64 },
            key: message.key().unwrap_or_default().to_vec(),
            append_time,
            control: is_control(message),
            payload: message.payload().unwrap_or_default().to_vec(),
            envelope: headers::envelope(message),
        }
    }

    /// Offsets of the partitions from `first` on.
    fn offsets(&self, first: usize, next: &[u64]) -> Result<TopicPartitionList, SourceError> {
        let mut list = TopicPartitionList::new();
        for (partition, &offset) in (first..).zip(next) {
            list.add_partition_offset(&self.config.topic, partition as i32, Offset::Offset(offset as i64))
                .map_err(|error| self.config.fault(error))?;
        }
        Ok(list)
    }
}

impl Track {
    /// The first partition that was read beyond its end, which is therefore shorter than it was: its number, the offset
    /// after the last record read, and the end.
    pub(super) fn beyond(&self, ends: &[u64]) -> Option<(usize, u64, u64)> {
        let partitions = self.0.read();
        let next = partitions.iter().map(|progress| progress.next.load(Ordering::Acquire));
        next.zip(ends).enumerate().find_map(|(partition, (next, &end))| (next > end).then_some((partition, next, end)))
    }
}

fn connect(config: &KafkaConfig) -> Result<Arc<BaseConsumer<Events>>, SourceError> {
    let consumer = config.consumer()?.create_with_context(Events::new(config));
    Ok(Arc::new(consumer.map_err(|error| config.fault(error))?))
}

impl LogEnd for Track {
    fn reached(&self, next: &[u64]) -> bool {
        let partitions = self.0.read();
        // A partition that was opened since the last binding is not in the vector yet.
        let read = |(partition, next): (&Arc<Progress>, u64)| {
            partition.at_end.load(Ordering::Acquire) && partition.next.load(Ordering::Acquire) <= next
        };
        let next = next.iter().copied().chain(std::iter::repeat(0));
        !partitions.is_empty() && partitions.iter().zip(next).all(read)
    }
}

impl Source for KafkaSource {
    fn name(&self) -> String {
        format!("kafka:{}", self.config.topic)
    }

    fn partitions(&self) -> u32 {
        if self.progress.is_empty() { self.available } else { self.progress.len() as u32 }
    }

    fn identity(&self) -> Option<String> {
        self.id.clone()
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn first_partitions(&mut self, rule: &ControlRule) -> Result<u32, SourceError> {
        Ok(scan::first_partitions(&self.config, rule)?.unwrap_or(self.available).min(self.available))
    }

    fn open_partitions(&mut self, count: u32) -> Result<(), SourceError> {
        if count > self.available {
            self.available = partition_count(self.consumer.client(), &self.config)?;
        }
        if count > self.available {
            let reason = format!("its log says that it has {count} partitions, the cluster has {}", self.available);
            return Err(self.config.fault(reason));
        }
        let first = self.progress.len();
        let begin: Vec<u64> = self.range()?[first..count as usize].iter().map(|offsets| offsets.start).collect();
        for (partition, &offset) in (first..).zip(&begin) {
            self.add_queue(partition, offset)?;
        }
        self.track.0.write().clone_from(&self.progress);
        let list = self.offsets(first, &begin)?;
        self.consumer.incremental_assign(&list).map_err(|error| self.config.fault(error))
    }

    fn range(&mut self) -> Result<Vec<Range<u64>>, SourceError> {
        let ask = |partition| {
            let (low, high) = watermarks(self.consumer.client(), &self.config, partition)?;
            Ok(low..high)
        };
        (0..self.available).map(ask).collect()
    }

    fn seek(&mut self, next: &[u64]) -> Result<(), SourceError> {
        assert!(next.len() <= self.available as usize, "no more offsets than partitions");
        if !self.queues.is_empty() {
            // What the old client has fetched already lies in its queues: a new one has nothing to mix up.
            self.queues.clear();
            self.consumer = connect(&self.config)?;
        }
        self.progress.clear();
        for (partition, &offset) in next.iter().enumerate() {
            self.add_queue(partition, offset)?;
        }
        self.track.0.write().clone_from(&self.progress);
        self.consumer.assign(&self.offsets(0, next)?).map_err(|error| self.config.fault(error))
    }

    fn next(&mut self, partition: u32) -> Result<Next, SourceError> {
        let index = partition as usize;
        let (Some(queue), Some(progress)) = (self.queues.get(index), self.progress.get(index)) else {
            return Ok(Next::NotYet);
        };
        loop {
            match queue.poll(Duration::ZERO) {
                Some(Ok(message)) => {
                    let offset = message.offset() as u64;
                    // After a reconnect the broker may send again what we have.
                    if offset < progress.next.load(Ordering::Relaxed) {
                        continue;
                    }
                    progress.at_end.store(false, Ordering::Release);
                    progress.next.store(offset + 1, Ordering::Release);
                    return Ok(Next::Record(self.record(&message)));
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    progress.at_end.store(true, Ordering::Release);
                }
                Some(Err(error)) => self.tolerate(error)?,
                None => break,
            }
        }
        self.serve()?;
        Ok(if progress.at_end.load(Ordering::Acquire) { Next::AtEnd } else { Next::NotYet })
    }

    fn end(&self) -> Arc<dyn LogEnd> {
        Arc::new(self.track.clone())
    }

    fn wake_on_data(&mut self, wake: Wake) {
        for queue in &mut self.queues {
            let wake = wake.clone();
            queue.set_nonempty_callback(move || wake.wake());
        }
        self.wake = wake;
    }

    fn report(&mut self, next: &[u64]) {
        let sent = self.offsets(0, next).map(|offsets| self.consumer.commit(&offsets, CommitMode::Async));
        if let Ok(Err(error)) = sent {
            tracing::debug!(topic = %self.config.topic, %error, "progress was not reported to the group");
        }
    }
}

/// When the broker took a record. A time that a producer set proves nothing, and which of the two it is stands in the
/// record itself, so it is the same for everybody who reads the log, whatever the topic's settings are by then.
fn append_time(timestamp: Timestamp) -> i64 {
    match timestamp {
        Timestamp::LogAppendTime(milliseconds) => milliseconds.div_euclid(1000),
        Timestamp::CreateTime(_) | Timestamp::NotAvailable => APPEND_TIME_UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_brokers_time_is_an_append_time() {
        assert_eq!(append_time(Timestamp::LogAppendTime(1_700_000_000_999)), 1_700_000_000);
        assert_eq!(append_time(Timestamp::CreateTime(i64::MAX)), APPEND_TIME_UNKNOWN);
        assert_eq!(append_time(Timestamp::CreateTime(1_700_000_000_000)), APPEND_TIME_UNKNOWN);
        assert_eq!(append_time(Timestamp::NotAvailable), APPEND_TIME_UNKNOWN);
    }
}
