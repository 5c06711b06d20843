//! Kafka as the log, through librdkafka: partitions assigned by hand at offsets that we own.
//!
//! Never a group rebalance: which partition is read, and from where, follows from bindings alone. The group id serves lag
//! monitoring. Whatever passes by waiting (a broker down, a leader moving) is retried; [`Found`] says for how long it lasts.

mod admin;
mod consumer;
mod ends;
mod headers;
mod producer;
mod scan;
#[cfg(test)]
mod tests;
mod topic;
mod watch;

pub use admin::{Settings, TopicSpec, create_topic, settings};
pub use consumer::KafkaSource;
pub use producer::KafkaAppender;
pub use topic::{TopicDescription, topic_id};
pub use watch::{Found, OpenTransaction};

use super::SourceError;
use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{DeliveryResult, ProducerContext};
use rdkafka::topic_partition_list::TopicPartitionList;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The header that marks a control record, with value `1`.
pub const CONTROL_HEADER: &str = "driftline-control";

/// Largest message, as on the broker: `message.max.bytes`. The embedded log has the same limit.
const MESSAGE_BYTES_MAX: usize = crate::log::RECORD_BYTES_MAX;

/// Where the topic is and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaConfig {
    /// Brokers to begin with, `HOST:PORT[,HOST:PORT...]`.
    pub brokers: String,
    /// The topic that carries everything.
    pub topic: String,
    /// Group id under which progress is reported for lag monitoring; nothing is ever read back from it.
    pub group: String,
    /// How long (milliseconds) to wait for the cluster before giving up: on opening, and for a confirmation of appends.
    /// Half a minute outlasts the election of a new leader.
    pub timeout_ms: u32,
    /// Records fetched ahead, in KiB for each partition. Eight MiB keep one worker busy for as long as a fetch takes.
    pub queue_kbytes_max: u32,
    /// Further librdkafka properties, such as `client.id`. Those that decide what is read cannot be set, and those of TLS need
    /// OpenSSL, which this build leaves out.
    pub properties: BTreeMap<String, String>,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            topic: "code-events".to_owned(),
            group: "driftline".to_owned(),
            timeout_ms: 30_000,
            queue_kbytes_max: 8192,
            properties: BTreeMap::new(),
        }
    }
}

/// Properties that would name another cluster, make every client a transactional one, or load code into this process.
const RESERVED: [&str; 4] = ["bootstrap.servers", "metadata.broker.list", "transactional.id", "plugin.library.paths"];

impl KafkaConfig {
    fn timeout(&self) -> Duration {
        Duration::from_millis(u64::from(self.timeout_ms))
    }

    /// Why a list of brokers names none that could be reached: each is a host, and a port unless it is Kafka's own.
    pub fn brokers_fault(&self) -> Option<String> {
        let fault = |broker: &str| {
            let address = broker.trim().split_once("://").map_or(broker.trim(), |(_, address)| address);
            let (host, port) = match address.rsplit_once(':') {
                // An IPv6 address is written in brackets when a port follows.
                Some((host, _)) if host.contains(':') && !host.ends_with(']') => (address, None),
                Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
                _ => (address, None),
            };
            let is_host =
                !host.is_empty() && !host.contains(|letter: char| letter.is_whitespace() || letter.is_control());
            let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
            (!is_host || !is_port).then(|| format!("names `{broker}`, which is no `host:port`"))
        };
        self.brokers.split(',').find_map(fault)
    }

    fn fault(&self, reason: impl ToString) -> SourceError {
        let mut reason = reason.to_string();
        let is_silent = |code| reason.contains(&format!("{code:?}"));
        let silent = [
            RDKafkaErrorCode::OperationTimedOut,
            RDKafkaErrorCode::BrokerTransportFailure,
            RDKafkaErrorCode::AllBrokersDown,
        ];
        if silent.into_iter().any(is_silent) {
            reason =
                format!("{} does not answer ({reason}); start the brokers, or correct kafka.brokers", self.brokers);
        }
        SourceError::Kafka { topic: self.topic.clone(), reason }
    }

    /// The first of the user's properties that cannot be used, and why. Asks nobody.
    pub fn property_fault(&self) -> Option<(String, String)> {
        // Without brokers, as a client begins to connect when it is made.
        let unconnected = Self { brokers: String::new(), ..self.clone() };
        for (name, value) in &self.properties {
            if RESERVED.contains(&name.as_str()) {
                return Some((name.clone(), "cannot be set: driftline relies on its own value".to_owned()));
            }
            let alone = ClientConfig::new().set(name, value).create_native_config();
            let only = Self { properties: [(name.clone(), value.clone())].into(), ..unconnected.clone() };
            let reason = match (alone, only.consumer().and(only.producer())) {
                (Err(KafkaError::ClientConfig(_, said, _, _)), _) => {
                    format!("cannot be used: {said}")
                }
                (Err(error), _) => error.to_string(),
                (Ok(_), Err(_)) => "cannot be set: driftline relies on its own value".to_owned(),
                (Ok(_), Ok(_)) => continue,
            };
            return Some((name.clone(), reason));
        }
        // What is wrong with several together, such as a certificate that cannot be read.
        let made = unconnected.consumer().map_err(|error| error.to_string()).and_then(|client| {
            let client: Result<rdkafka::consumer::BaseConsumer, _> = client.create();
            client.map(drop).map_err(|error| error.to_string())
        });
        made.err().map(|reason| (String::new(), reason))
    }

    /// The user's properties and ours; one that is in both is refused, because ours carry guarantees.
    fn client(&self, ours: &[(&str, String)]) -> Result<ClientConfig, SourceError> {
        let mut client = ClientConfig::new();
        for (name, value) in &self.properties {
            if ours.iter().any(|(own, _)| own == name) || RESERVED.contains(&name.as_str()) {
                return Err(self.fault(format!("property `{name}` cannot be set: driftline relies on its own value")));
            }
            client.set(name, value);
        }
        if !self.brokers.is_empty() {
            client.set("bootstrap.servers", &self.brokers);
        }
        for (name, value) in ours {
            client.set(*name, value);
        }
        // Errors reach us as results and events; librdkafka's own lines would repeat them several times a second.
        client.set_log_level(RDKafkaLogLevel::Warning);
        Ok(client)
    }

    fn consumer(&self) -> Result<ClientConfig, SourceError> {
        self.client(&[
            ("group.id", self.group.clone()),
            ("enable.auto.commit", "false".to_owned()),
            ("enable.auto.offset.store", "false".to_owned()),
            // An offset that is gone must stop us: jumping to another would lose records without a word.
            ("auto.offset.reset", "error".to_owned()),
            ("isolation.level", "read_committed".to_owned()),
            ("enable.partition.eof", "true".to_owned()),
            ("check.crcs", "true".to_owned()),
            ("statistics.interval.ms", "0".to_owned()),
            ("queued.min.messages", "10000".to_owned()),
            ("queued.max.messages.kbytes", self.queue_kbytes_max.max(1).to_string()),
            ("fetch.message.max.bytes", (1usize << 20).to_string()),
            ("message.max.bytes", MESSAGE_BYTES_MAX.to_string()),
            // With librdkafka's 500 ms the first record of a quiet topic is half a second late.
            ("fetch.wait.max.ms", "20".to_owned()),
            ("fetch.queue.backoff.ms", "10".to_owned()),
        ])
    }

    /// A client for questions about the cluster, with the settings of the one that reads.
    pub fn connect_for_questions(&self) -> Result<rdkafka::consumer::BaseConsumer, SourceError> {
        let mut client = self.consumer()?;
        // The library's own lines would stand beside the answer.
        client.set_log_level(RDKafkaLogLevel::Emerg);
        client.create().map_err(|error| self.fault(error))
    }

    fn producer(&self) -> Result<ClientConfig, SourceError> {
        self.client(&[
            ("enable.idempotence", "true".to_owned()),
            ("acks", "all".to_owned()),
            ("message.max.bytes", MESSAGE_BYTES_MAX.to_string()),
            ("queue.buffering.max.kbytes", (64 << 10).to_string()),
            ("message.timeout.ms", self.timeout_ms.to_string()),
            ("linger.ms", "5".to_owned()),
            ("statistics.interval.ms", "0".to_owned()),
        ])
    }
}

/// The first offset that the topic still has of each partition.
pub fn beginnings(config: &KafkaConfig) -> Result<Vec<u64>, SourceError> {
    use rdkafka::consumer::Consumer as _;
    let consumer = config.connect_for_questions()?;
    let partitions = partition_count(consumer.client(), config)?;
    (0..partitions).map(|partition| Ok(watermarks(consumer.client(), config, partition)?.0)).collect()
}

/// The first offset of a partition and the one after its last. A broker that has just gone, or just come, is waited for.
fn watermarks<C: ClientContext>(
    client: &rdkafka::client::Client<C>,
    config: &KafkaConfig,
    partition: u32,
) -> Result<(u64, u64), SourceError> {
    let deadline = Instant::now() + config.timeout();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let asked = client.fetch_watermarks(&config.topic, partition as i32, left.max(Duration::from_millis(100)));
        match asked {
            Ok((low, high)) => return Ok((low as u64, high as u64)),
            Err(error) if left.is_zero() => return Err(config.fault(error)),
            Err(_) => std::thread::sleep(Duration::from_millis(100).min(left)),
        }
    }
}

/// Number of partitions of the topic; waits for the cluster as long as configured.
fn partition_count<C: ClientContext>(
    client: &rdkafka::client::Client<C>,
    config: &KafkaConfig,
) -> Result<u32, SourceError> {
    let deadline = Instant::now() + config.timeout();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let answer = client.fetch_metadata(Some(&config.topic), left.max(Duration::from_millis(100)));
        let reason = match answer.as_ref().map(|metadata| metadata.topics().first()) {
            Ok(Some(topic)) if topic.error().is_none() && !topic.partitions().is_empty() => {
                return Ok(topic.partitions().len() as u32);
            }
            Ok(Some(topic)) => match topic.error() {
                Some(error) => RDKafkaErrorCode::from(error).to_string(),
                None => "it has no partitions".to_owned(),
            },
            Ok(None) => "the cluster does not know it".to_owned(),
            Err(error) => error.to_string(),
        };
        if left.is_zero() {
            return Err(config.fault(format!(
                "{reason} (waited {} ms for {}; `driftline check` says more)",
                config.timeout_ms, config.brokers
            )));
        }
        std::thread::sleep(Duration::from_millis(50).min(left));
    }
}

/// What librdkafka tells besides records.
struct Events {
    topic: String,
    deliveries: Mutex<Deliveries>,
}

/// What became of appended records.
#[derive(Debug, Default)]
struct Deliveries {
    /// For each partition the offset after the last confirmed record.
    ends: BTreeMap<u32, u64>,
    failed: u64,
    reason: Option<KafkaError>,
}

impl Events {
    fn new(config: &KafkaConfig) -> Self {
        Self { topic: config.topic.clone(), deliveries: Mutex::default() }
    }
}

impl ClientContext for Events {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(topic = %self.topic, ?level, facility, message, "librdkafka");
    }
    /// The watch says once what an outage is; each client's own words would repeat it.
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(topic = %self.topic, %error, reason, "librdkafka");
    }
}

impl ConsumerContext for Events {
    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        if let Err(error) = result {
            tracing::debug!(topic = %self.topic, %error, "progress was not reported to the group");
        }
    }
}

impl ProducerContext for Events {
    type DeliveryOpaque = ();
    fn delivery(&self, result: &DeliveryResult<'_>, _opaque: ()) {
        let mut deliveries = self.deliveries.lock();
        match result {
            Ok(message) => {
                let end = deliveries.ends.entry(message.partition() as u32).or_default();
                *end = (*end).max(message.offset() as u64 + 1);
            }
            Err((error, _message)) => {
                deliveries.failed += 1;
                deliveries.reason.get_or_insert_with(|| error.clone());
            }
        }
    }
}

/// Whether waiting may help. Anything else stops the engine: going on might skip records.
fn is_transient(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    let KafkaError::MessageConsumption(code) = error else { return false };
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::WaitingForCoordinator
            | Code::RequestTimedOut
            | Code::NetworkException
            | Code::BrokerNotAvailable
            | Code::ReplicaNotAvailable
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::OffsetNotAvailable
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::KafkaStorageError
            | Code::FetchSessionIdNotFound
            | Code::InvalidFetchSessionEpoch
            | Code::ThrottlingQuotaExceeded
    )
}

/// Whether the message claims to be a control record.
fn is_control(message: &BorrowedMessage<'_>) -> bool {
    let mark = (CONTROL_HEADER.as_bytes(), Some(b"1".as_slice()));
    headers::of(message).contains(&mark)
}
