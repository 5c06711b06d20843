//! Events into a Kafka topic, keyed by the repository.
//!
//! The producer is idempotent, so a repository's records keep their order and none is written twice by a retry; the
//! partition follows from the key in the way of the Java clients, so any producer agrees on it.

use super::error::CollectError;
use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use std::sync::Arc;
use std::time::Duration;

/// A record may be this large: an event's limit and room for its envelope.
const MESSAGE_BYTES_MAX: usize = 20 << 20;
/// Memory of the producer's queue, in KiB.
const QUEUE_KIB_MAX: usize = 64 << 10;
/// How long brokers may be unreachable before collecting fails.
const REACH_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one record may take, with all retries.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(120);
/// How long one look for reports may take while the queue is full.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);

/// Brokers and a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaTarget {
    /// `HOST:PORT`, separated by commas.
    pub brokers: String,
    /// The topic.
    pub topic: String,
}

impl std::str::FromStr for KafkaTarget {
    type Err = CollectError;

    /// Reads `kafka://HOST:PORT[,HOST:PORT]/TOPIC`.
    fn from_str(target: &str) -> Result<Self, CollectError> {
        let parts = target.strip_prefix("kafka://").and_then(|rest| rest.split_once('/'));
        let legal = |topic: &str| {
            !topic.is_empty()
                && topic.len() <= 249
                && topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        match parts {
            Some((brokers, topic)) if !brokers.is_empty() && legal(topic) => {
                Ok(Self { brokers: brokers.to_owned(), topic: topic.to_owned() })
            }
            _ => Err(CollectError::UnknownTarget { target: target.to_owned() }),
        }
    }
}

/// Remembers the first record that was not delivered.
#[derive(Clone, Default)]
struct Deliveries(Arc<Mutex<Option<String>>>);

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, report: &DeliveryResult<'_>, _: ()) {
        if let Err((error, record)) = report {
            let bytes = record.payload().map_or(0, <[u8]>::len);
            self.0.lock().get_or_insert_with(|| format!("a record of {bytes} bytes was not delivered: {error}"));
        }
    }
}

/// A producer for one topic.
pub(super) struct KafkaOut {
    target: KafkaTarget,
    producer: BaseProducer<Deliveries>,
    deliveries: Deliveries,
}

impl KafkaOut {
    /// Connects, and fails when no broker answers or the topic does not exist.
    pub(super) fn connect(target: KafkaTarget) -> Result<Self, CollectError> {
        let deliveries = Deliveries::default();
        let producer: Result<BaseProducer<Deliveries>, KafkaError> = ClientConfig::new()
            .set("bootstrap.servers", &target.brokers)
            .set("client.id", "driftline-collect")
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("compression.type", "zstd")
            .set("linger.ms", "20")
            .set("message.max.bytes", MESSAGE_BYTES_MAX.to_string())
            .set("queue.buffering.max.kbytes", QUEUE_KIB_MAX.to_string())
            .set("message.timeout.ms", DELIVERY_TIMEOUT.as_millis().to_string())
            .create_with_context(deliveries.clone());
        let refuse = |error: KafkaError| failure(&target, error.to_string());
        let producer = producer.map_err(refuse)?;
        let metadata = producer.client().fetch_metadata(Some(&target.topic), REACH_TIMEOUT).map_err(refuse)?;
        if let Some(error) = metadata.topics().iter().find_map(|topic| topic.error()) {
            let code = RDKafkaErrorCode::from(error);
            return Err(failure(&target, format!("topic `{}`: {code}", target.topic)));
        }
        Ok(Self { target, producer, deliveries })
    }

    /// Hands a record to the producer, waiting while its queue is full.
    pub(super) fn put(&mut self, key: &str, payload: &[u8]) -> Result<(), CollectError> {
        loop {
            match self.producer.send(BaseRecord::to(&self.target.topic).key(key).payload(payload)) {
                Ok(()) => {
                    self.producer.poll(Duration::ZERO);
                    return self.check();
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    self.producer.poll(POLL_TIMEOUT);
                    self.check()?;
                }
                Err((error, _)) => return Err(failure(&self.target, error.to_string())),
            }
        }
    }

    /// Waits until every record is delivered.
    pub(super) fn finish(self) -> Result<(), CollectError> {
        let flushed = self.producer.flush(DELIVERY_TIMEOUT + REACH_TIMEOUT);
        self.check()?;
        flushed.map_err(|error| failure(&self.target, error.to_string()))
    }

    fn check(&self) -> Result<(), CollectError> {
        match self.deliveries.0.lock().clone() {
            Some(reason) => Err(failure(&self.target, reason)),
            None => Ok(()),
        }
    }
}

fn failure(target: &KafkaTarget, reason: String) -> CollectError {
    CollectError::Kafka { brokers: target.brokers.clone(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::consumer::{BaseConsumer, Consumer as _};
    use rdkafka::mocking::MockCluster;
    use rdkafka::{Offset, TopicPartitionList};

    #[test]
    fn a_record_may_be_as_large_as_an_event_and_what_stands_around_it() {
        assert!(driftline_schema::Limits::default().event_bytes_max + 4096 <= MESSAGE_BYTES_MAX);
    }

    #[test]
    fn a_target_names_brokers_and_a_topic() {
        let target: KafkaTarget = "kafka://a:9092,b:9093/code-events".parse().expect("parses");
        assert_eq!((target.brokers.as_str(), target.topic.as_str()), ("a:9092,b:9093", "code-events"));
        for wrong in ["", "kafka://", "kafka://a:1", "kafka://a:1/", "kafka:///t", "http://a:1/t", "kafka://a/t/u"] {
            let error = wrong.parse::<KafkaTarget>().expect_err(wrong);
            assert!(error.to_string().contains("kafka://HOST"), "{error}");
        }
    }

    #[test]
    fn records_of_one_key_arrive_in_order_in_one_partition() {
        let cluster = MockCluster::new(1).expect("a cluster on the loopback");
        cluster.create_topic("events", 3, 1).expect("a topic");
        let brokers = cluster.bootstrap_servers();
        let mut out =
            KafkaOut::connect(KafkaTarget { brokers: brokers.clone(), topic: "events".into() }).expect("connects");
        for index in 0..50 {
            out.put("demo", format!("{index}").as_bytes()).expect("is queued");
        }
        out.finish().expect("is delivered");
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &brokers)
            .set("group.id", "test")
            .set("fetch.wait.max.ms", "5")
            .create()
            .expect("a consumer");
        let mut partitions = TopicPartitionList::new();
        for partition in 0..3 {
            partitions.add_partition_offset("events", partition, Offset::Beginning).expect("a partition");
        }
        consumer.assign(&partitions).expect("is assigned");
        let mut seen = Vec::new();
        while seen.len() < 50 {
            let record = consumer.poll(Duration::from_secs(20)).expect("a record in time").expect("no error");
            assert_eq!(record.key(), Some(&b"demo"[..]));
            seen.push((record.partition(), String::from_utf8_lossy(record.payload().expect("a payload")).into_owned()));
        }
        assert!(seen.iter().all(|(partition, _)| *partition == seen[0].0));
        assert!(seen.iter().enumerate().all(|(index, (_, text))| *text == index.to_string()));
    }
}
