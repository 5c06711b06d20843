//! A producer with what came back for the records in flight.
//!
//! Everything that waits here is bounded by a [`Limit`], and by a second and a half once the process is asked to end.

use super::config::KafkaSinkConfig;
use super::encode::Outgoing;
use crate::batch::SinkError;
use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::KafkaError as ClientError;
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long an answer is still waited for when the process is asked to end.
const STOP_MAX: Duration = Duration::from_millis(1_500);
/// How often it is looked whether it is.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Until when to wait.
pub(super) struct Limit {
    end: Cell<Instant>,
    stopping: Arc<AtomicBool>,
    hurried: Cell<bool>,
}

impl Limit {
    pub(super) fn new(timeout_ms: u64, stopping: &Arc<AtomicBool>) -> Self {
        let end = Instant::now() + Duration::from_millis(timeout_ms);
        Self { end: Cell::new(end), stopping: stopping.clone(), hurried: Cell::new(false) }
    }

    /// Time left to wait.
    fn left(&self) -> Duration {
        if self.stopping.load(Ordering::Acquire) && !self.hurried.replace(true) {
            self.end.set(self.end.get().min(Instant::now() + STOP_MAX));
        }
        self.end.get().saturating_duration_since(Instant::now())
    }
}

/// What came back for the records in flight.
#[derive(Debug, Default)]
pub(super) struct Reports {
    /// The first failure that a retry may mend.
    pub(super) failed: Option<String>,
    /// Records that are larger than the client or the broker takes, by index, and what was said of each.
    pub(super) too_large: BTreeMap<usize, String>,
}

#[derive(Default)]
struct Deliveries {
    reports: Mutex<Reports>,
}

impl Deliveries {
    fn note(&self, topic: &str, index: usize, error: &ClientError) {
        let mut reports = self.reports.lock();
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge) {
            reports.too_large.insert(index, format!("topic {topic}: {error}"));
        } else {
            reports.failed.get_or_insert_with(|| explain(topic, error));
        }
    }
}

/// What went wrong with a topic, and what helps.
fn explain(topic: &str, error: &ClientError) -> String {
    use RDKafkaErrorCode as Code;
    let advice = match error.rdkafka_error_code() {
        Some(Code::UnknownTopic | Code::UnknownTopicOrPartition) => {
            "; make the topic, and start driftline again if it held results, which are then sent again"
        }
        Some(Code::MessageTimedOut | Code::BrokerTransportFailure | Code::AllBrokersDown) => "; start the brokers",
        Some(Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed) => "; allow this client to write to it",
        _ => "",
    };
    format!("topic {topic} does not take records: {error}{advice}")
}

impl ClientContext for Deliveries {
    /// What matters comes back with the records; librdkafka's own lines would repeat it several times a second.
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(?level, facility, message, "librdkafka");
    }
    fn error(&self, error: ClientError, reason: &str) {
        tracing::debug!(%error, reason, "librdkafka");
    }
}

impl ProducerContext for Deliveries {
    /// Index of the record among those of its time.
    type DeliveryOpaque = usize;
    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        if let Err((error, message)) = result {
            self.note(message.topic(), index, error);
        }
    }
}

/// Hands records over and waits for what becomes of them.
pub(super) struct Sender {
    producer: BaseProducer<Deliveries>,
    brokers: String,
}

impl Sender {
    /// An idempotent producer; the configuration's own options come last but may not take that away. One that sends each
    /// record `alone` in its batch is slow, and no record fails for the size of another.
    pub(super) fn open(config: &KafkaSinkConfig, alone: bool) -> Result<Self, ClientError> {
        let mut client = ClientConfig::new();
        // An event may hold 16 MiB; what the broker refuses beyond its own limit is reported, not lost in silence.
        client.set("message.max.bytes", "20000000").set("queue.buffering.max.kbytes", "65536").set("linger.ms", "5");
        // Before the wait for all of them ends, so that the cause is known by then.
        client.set("message.timeout.ms", (config.timeout_ms * 4 / 5).max(1).to_string());
        client.set("topic.metadata.propagation.max.ms", (config.timeout_ms / 2).to_string());
        client.set("compression.codec", "zstd");
        config.options.iter().for_each(|(name, value)| _ = client.set(name, value));
        client.set("bootstrap.servers", &config.brokers).set("enable.idempotence", "true");
        if alone {
            client.set("batch.num.messages", "1").set("linger.ms", "0");
        }
        let producer = client.create_with_context(Deliveries::default())?;
        Ok(Self { producer, brokers: config.brokers.clone() })
    }

    /// Why this producer never sends again, if that is so: an idempotent one may lose count.
    pub(super) fn fatal(&self) -> Option<String> {
        self.producer.client().fatal_error().map(|(_, reason)| reason)
    }

    /// Takes what came back so far.
    pub(super) fn take_reports(&self) -> Reports {
        std::mem::take(&mut self.producer.context().reports.lock())
    }

    /// Hands the record with this index to the producer, waiting for room; whether there was room.
    pub(super) fn hand_over(&self, topic: &str, index: usize, record: &Outgoing, limit: &Limit) -> bool {
        let headers = record
            .headers
            .iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: value.as_deref() }));
        let mut outgoing = BaseRecord::<[u8], [u8], usize>::with_opaque_to(topic, index).headers(headers);
        outgoing.key = record.key.as_deref();
        outgoing.payload = record.payload.as_deref();
        loop {
            match self.producer.send(outgoing) {
                Ok(()) => return true,
                Err((ClientError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    if limit.left().is_zero() {
                        return false;
                    }
                    self.producer.poll(Duration::from_millis(20));
                    outgoing = back;
                }
                Err((error, _)) => {
                    self.producer.context().note(topic, index, &error);
                    return true;
                }
            }
        }
    }

    /// Waits until everything in flight is answered.
    pub(super) fn wait(&self, limit: &Limit) -> Result<(), SinkError> {
        loop {
            let left = limit.left();
            match self.producer.flush(left.min(LOOK_EVERY)) {
                Ok(()) => return Ok(()),
                Err(error) if left.is_zero() => {
                    let waiting = self.producer.in_flight_count();
                    let reason = format!("{} did not confirm {waiting} records in time ({error})", self.brokers);
                    return Err(unreachable(reason));
                }
                Err(_) => {}
            }
        }
    }
}

pub(super) fn unreachable(reason: String) -> SinkError {
    SinkError::Unreachable { sink: "kafka".to_owned(), reason }
}
