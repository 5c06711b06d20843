//! Sending with an idempotent producer, and noting what was acknowledged.
//!
//! One closed time is in flight at once. When it is not acknowledged in time the records stay with the producer; the next
//! call for the same time waits on instead of sending them a second time.

use super::config::KafkaSinkConfig;
use super::encode::{Outgoing, Topic, encode, pointer};
use crate::batch::{ClosedTime, Sink, SinkError};
use crate::files::replace;
use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError as ClientError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Why the Kafka sink cannot start.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// The producer's settings are wrong.
    #[error("the Kafka producer cannot be made")]
    Client(#[from] ClientError),
    /// The progress file cannot be read.
    #[error("the progress file {path} cannot be read")]
    Progress {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Sends closed times to Kafka.
pub struct KafkaSink {
    config: KafkaSinkConfig,
    producer: BaseProducer<Deliveries>,
    progress: Progress,
    in_flight: Option<InFlight>,
}

/// What the progress file says. It speaks of these topics of this cluster alone: with others, sending starts anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    brokers: String,
    topics: [String; 3],
    time: Option<u64>,
}

impl Progress {
    fn none(config: &KafkaSinkConfig) -> Self {
        let topics = [&config.predictions_topic, &config.alerts_topic, &config.dead_letters_topic].map(String::clone);
        Self { brokers: config.brokers.clone(), topics, time: None }
    }
}

/// A time that was handed to the producer up to a record.
struct InFlight {
    time: u64,
    handed_over: usize,
}

/// What came back for the records in flight.
#[derive(Default)]
struct Reports {
    /// The first failure that a retry may mend.
    failed: Option<String>,
    /// Records that are larger than the client or the broker takes, by index, and what was said of each.
    too_large: BTreeMap<usize, String>,
}

#[derive(Default)]
struct Deliveries {
    reports: Mutex<Reports>,
}

impl Deliveries {
    fn note(&self, index: usize, error: &ClientError) {
        let mut reports = self.reports.lock();
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge) {
            reports.too_large.insert(index, error.to_string());
        } else {
            reports.failed.get_or_insert_with(|| error.to_string());
        }
    }
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    /// Index of the record among those of its time.
    type DeliveryOpaque = usize;
    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        if let Err((error, _)) = result {
            self.note(index, error);
        }
    }
}

impl KafkaSink {
    /// Makes the producer and reads how far an earlier run came.
    pub fn open(config: KafkaSinkConfig) -> Result<Self, KafkaError> {
        let progress = match fs::read(&config.progress) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Progress::none(&config)),
            Err(error) => Err(error),
        };
        let mut progress: Progress =
            progress.map_err(|source| KafkaError::Progress { path: config.progress.clone(), source })?;
        let none = Progress::none(&config);
        if (&progress.brokers, &progress.topics) != (&none.brokers, &none.topics) {
            progress = none;
        }
        let producer = producer(&config)?;
        Ok(Self { config, producer, progress, in_flight: None })
    }

    /// The last time that was fully acknowledged.
    pub fn acknowledged(&self) -> Option<u64> {
        self.progress.time
    }

    fn topic(&self, topic: Topic) -> &str {
        match topic {
            Topic::Predictions => &self.config.predictions_topic,
            Topic::Alerts => &self.config.alerts_topic,
            Topic::DeadLetters => &self.config.dead_letters_topic,
        }
    }

    /// Hands the record with this index to the producer, waiting for room until `end`; whether there was room.
    fn hand_over(&self, index: usize, record: &Outgoing, end: Instant) -> bool {
        let headers = record
            .headers
            .iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(value) }));
        let mut outgoing =
            BaseRecord::with_opaque_to(self.topic(record.topic), index).key(record.key.as_bytes()).headers(headers);
        outgoing.payload = record.payload.as_deref();
        loop {
            match self.producer.send(outgoing) {
                Ok(()) => return true,
                Err((ClientError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    if Instant::now() >= end {
                        return false;
                    }
                    self.producer.poll(Duration::from_millis(20));
                    outgoing = back;
                }
                Err((error, _)) => {
                    self.producer.context().note(index, &error);
                    return true;
                }
            }
        }
    }

    /// Sends what was not sent yet and waits until everything is answered.
    fn send(&mut self, closed: &ClosedTime, records: &[Outgoing]) -> Result<(), SinkError> {
        if let Some((_, reason)) = self.producer.client().fatal_error() {
            // An idempotent producer that lost count never sends again; a new one starts over with this time.
            tracing::warn!(reason, "the Kafka producer failed for good and is replaced");
            self.producer = producer(&self.config).map_err(|error| unreachable(error.to_string()))?;
            self.in_flight = None;
        }
        let end = Instant::now() + Duration::from_millis(self.config.timeout_ms);
        let handed_over = match &self.in_flight {
            Some(flight) if flight.time == closed.time => flight.handed_over,
            _ => {
                *self.producer.context().reports.lock() = Reports::default();
                0
            }
        };
        for (index, record) in records.iter().enumerate().skip(handed_over) {
            if !self.hand_over(index, record, end) {
                self.in_flight = Some(InFlight { time: closed.time, handed_over: index });
                return Err(unreachable("the producer's queue stays full".to_owned()));
            }
        }
        self.in_flight = Some(InFlight { time: closed.time, handed_over: records.len() });
        self.flush(end)?;
        // Everything is answered: a next call for this time would send all of it again.
        self.in_flight = None;
        self.send_pointers(records, end)?;
        let Reports { failed, .. } = &*self.producer.context().reports.lock();
        failed.clone().map_or(Ok(()), |reason| Err(unreachable(reason)))
    }

    fn flush(&self, end: Instant) -> Result<(), SinkError> {
        let left = end.saturating_duration_since(Instant::now());
        self.producer.flush(left).map_err(|error| unreachable(error.to_string()))
    }

    /// A dead letter that is too large for its topic is sent as a pointer to the record, so that each reject has its
    /// letter. Small ones that were refused stood in one batch with a large one and are sent again as they are.
    fn send_pointers(&self, records: &[Outgoing], end: Instant) -> Result<(), SinkError> {
        let refused: Vec<usize> = self.producer.context().reports.lock().too_large.keys().copied().collect();
        let letters: Vec<usize> =
            refused.into_iter().filter(|index| records[*index].topic == Topic::DeadLetters).collect();
        for index in &letters {
            self.producer.context().reports.lock().too_large.remove(index);
            if !self.hand_over(*index, &pointer(&records[*index]), end) {
                return Err(unreachable("the producer's queue stays full".to_owned()));
            }
        }
        if letters.is_empty() { Ok(()) } else { self.flush(end) }
    }

    /// What could not be delivered at any number of attempts.
    fn refused(&self, time: u64) -> Result<(), SinkError> {
        let too_large = std::mem::take(&mut self.producer.context().reports.lock().too_large);
        let Some(first) = too_large.values().next() else { return Ok(()) };
        let reason = format!("{} records could not be sent, the first because: {first}", too_large.len());
        Err(SinkError::Refused { sink: "kafka".to_owned(), time, reason })
    }
}

/// An idempotent producer; the configuration's own options come last but may not take that away.
fn producer(config: &KafkaSinkConfig) -> Result<BaseProducer<Deliveries>, ClientError> {
    let mut client = ClientConfig::new();
    // An event may hold 16 MiB; what the broker refuses beyond its own limit is reported, not lost in silence.
    client.set("message.max.bytes", "20000000").set("queue.buffering.max.kbytes", "65536").set("linger.ms", "5");
    client.set("message.timeout.ms", config.timeout_ms.to_string()).set("compression.codec", "zstd");
    config.options.iter().for_each(|(name, value)| _ = client.set(name, value));
    client.set("bootstrap.servers", &config.brokers).set("enable.idempotence", "true");
    client.create_with_context(Deliveries::default())
}

fn unreachable(reason: String) -> SinkError {
    SinkError::Unreachable { sink: "kafka".to_owned(), reason }
}

impl Sink for KafkaSink {
    fn name(&self) -> &str {
        "kafka"
    }
    fn apply(&mut self, closed: &ClosedTime) -> Result<(), SinkError> {
        if self.progress.time.is_some_and(|time| closed.time <= time) {
            return Ok(());
        }
        let records = encode(closed);
        if records.is_empty() {
            // Nothing to acknowledge; the note can wait until there is.
            return Ok(());
        }
        self.send(closed, &records)?;
        let progress = Progress { time: Some(closed.time), ..self.progress.clone() };
        let bytes = serde_json::to_vec(&progress).expect("texts and numbers always serialise");
        replace(&self.config.progress, &bytes)
            .map_err(|error| unreachable(format!("the progress file cannot be written: {error}")))?;
        self.progress = progress;
        self.refused(closed.time)
    }
}
