//! The sink against librdkafka's mock cluster, kept far below its 5 MiB for each partition.

use super::*;
use crate::batch::{ClosedTime, Sink, SinkError};
use crate::testing::{alert, closed, prediction};
use driftline_schema::{Position, Reject, RejectReason};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::{Offset, TopicPartitionList};
use std::path::Path;
use std::time::{Duration, Instant};

type Cluster = MockCluster<'static, DefaultProducerContext>;
type Pair = (String, Option<Vec<u8>>);

fn cluster() -> Cluster {
    let cluster = MockCluster::new(1).expect("a mock cluster");
    for topic in ["predictions", "alerts", "dead-letters"] {
        cluster.create_topic(topic, 1, 1).expect("a topic");
    }
    cluster
}

/// Patient, so that a busy machine fails no test; whoever tests an outage shortens it.
fn config(cluster: &Cluster, folder: &Path) -> KafkaSinkConfig {
    let text = serde_json::json!({
        "brokers": cluster.bootstrap_servers(),
        "progress": folder.join("progress.json"),
        "timeout_ms": 30_000,
        "options": { "retry.backoff.ms": "20", "reconnect.backoff.ms": "20", "reconnect.backoff.max.ms": "50" },
    });
    serde_json::from_value(text).expect("a configuration")
}

/// Everything in partition 0 of a topic.
fn read(cluster: &Cluster, topic: &str, wanted: usize) -> Vec<Pair> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", cluster.bootstrap_servers())
        .set("group.id", "test")
        .create()
        .expect("a consumer");
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_offset(topic, 0, Offset::Beginning).expect("an offset");
    consumer.assign(&partitions).expect("assigned");
    let mut records = Vec::new();
    let end = Instant::now() + Duration::from_secs(10);
    // A little longer than the last wanted record, to see ones that should not be there.
    while Instant::now() < end {
        let patience = if records.len() < wanted { 500 } else { 100 };
        match consumer.poll(Duration::from_millis(patience)) {
            Some(Ok(message)) => {
                let key = String::from_utf8(message.key().expect("a key").to_vec()).expect("text");
                records.push((key, message.payload().map(<[u8]>::to_vec)));
            }
            None if records.len() >= wanted => break,
            _ => {}
        }
    }
    records
}

fn open(config: KafkaSinkConfig) -> Result<KafkaSink, KafkaError> {
    KafkaSink::open(config, crate::Metrics::new().sinks)
}

fn batch(time: u64, offset: u64) -> ClosedTime {
    ClosedTime { predictions: vec![(prediction("o/n", offset, 300_000), 1)], ..closed(time, offset + 1) }
}

fn pairs(times: &[ClosedTime]) -> Vec<Pair> {
    let text = |key: Option<Vec<u8>>| String::from_utf8(key.expect("a key")).expect("text");
    times.iter().flat_map(encode).map(|record| (text(record.key), record.payload)).collect()
}

#[test]
fn results_arrive_on_their_topics_and_a_restart_sends_nothing_again() {
    let (cluster, folder) = (cluster(), tempfile::tempdir().expect("a folder"));
    let config = config(&cluster, folder.path());
    let withdrawn = ClosedTime { predictions: vec![(prediction("o/n", 1, 300_000), -1)], ..closed(2, 3) };
    let times = [batch(1, 1), withdrawn, batch(3, 4)];
    let mut sink = open(config.clone()).expect("a producer");
    for time in &times[..2] {
        sink.apply(time).expect("acknowledged");
    }
    let alerts = ClosedTime { alerts: vec![(alert("a"), 1)], ..closed(4, 5) };
    drop(sink);
    let mut sink = open(config.clone()).expect("a producer");
    assert_eq!(sink.acknowledged(), Some(2));
    for time in times.iter().chain([&alerts]) {
        sink.apply(time).expect("acknowledged or skipped");
    }
    assert_eq!(read(&cluster, "predictions", 3), pairs(&times));
    assert_eq!(read(&cluster, "alerts", 1), pairs(std::slice::from_ref(&alerts)));
    // Other topics have their own progress.
    let elsewhere = KafkaSinkConfig { alerts_topic: "predictions".to_owned(), ..config };
    assert_eq!(open(elsewhere).expect("a producer").acknowledged(), None);
}

#[test]
fn an_outage_is_reported_and_mended_without_loss() {
    let (cluster, folder) = (cluster(), tempfile::tempdir().expect("a folder"));
    let times = [batch(1, 1), batch(2, 2), batch(3, 3)];
    open(config(&cluster, folder.path())).expect("a producer").apply(&times[0]).expect("acknowledged");
    let config = KafkaSinkConfig { timeout_ms: 2_000, ..config(&cluster, folder.path()) };
    let mut sink = open(config).expect("a producer");
    cluster.broker_down(1).expect("a broker");
    let refused = sink.apply(&times[1]);
    assert!(matches!(refused, Err(SinkError::Unreachable { .. })), "{refused:?}");
    assert_eq!(sink.acknowledged(), Some(1));
    cluster.broker_up(1).expect("a broker");
    let end = Instant::now() + Duration::from_secs(20);
    while sink.apply(&times[1]).is_err() {
        assert!(Instant::now() < end, "the broker is back");
    }
    while sink.apply(&times[2]).is_err() {
        assert!(Instant::now() < end, "the broker is back");
    }
    let mut arrived = read(&cluster, "predictions", 3);
    // At least once: a repeat is allowed, a gap or another order is not.
    arrived.dedup();
    assert_eq!(arrived, pairs(&times));
}

#[test]
fn a_prediction_too_large_for_its_topic_is_shortened_and_what_no_form_mends_is_counted() {
    let (cluster, folder) = (cluster(), tempfile::tempdir().expect("a folder"));
    let mut config = config(&cluster, folder.path());
    config.options.insert("message.max.bytes".to_owned(), "3000".to_owned());
    let metrics = crate::Metrics::new();
    let mut sink = KafkaSink::open(config, metrics.sinks.clone()).expect("a producer");
    let with = |offset, repository: &str, subject: &str| {
        let subject = subject.to_owned();
        (driftline_schema::Prediction { subject, ..prediction(repository, offset, 1) }, 1)
    };
    let mut large = batch(1, 1);
    large.predictions.push(with(2, "o/n", &"x".repeat(5_000)));
    sink.apply(&large).expect("the long one is shortened");
    let hopeless = ClosedTime { predictions: vec![with(4, &"r".repeat(5_000), "s")], ..batch(2, 3) };
    let refused = sink.apply(&hopeless);
    assert!(
        matches!(&refused, Err(SinkError::Refused { time: 2, records: 1, reason, .. })
            if reason.contains("topic predictions") && reason.contains("max.message.bytes")),
        "{refused:?}"
    );
    sink.apply(&hopeless).expect("left behind, not tried for ever");
    let mut seen: Vec<bool> = read(&cluster, "predictions", 2)
        .into_iter()
        .map(|(_, value)| String::from_utf8(value.expect("a value")).expect("text").contains("\"shortened\""))
        .collect();
    seen.sort();
    assert_eq!(seen, [false, true]);
    let text = String::from_utf8(metrics.text()).expect("text");
    assert!(text.contains(r#"driftline_sink_records_total{outcome="shortened",sink="kafka"} 1"#), "{text}");
}

#[test]
fn a_topic_that_may_not_be_written_is_tried_again_and_loses_nothing() {
    let (cluster, folder) = (cluster(), tempfile::tempdir().expect("a folder"));
    let mut sink = open(config(&cluster, folder.path())).expect("a producer");
    let refuse = rdkafka::types::RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    cluster.request_errors(rdkafka::types::RDKafkaApiKey::Produce, &[refuse]);
    let refused = sink.apply(&batch(1, 1));
    assert!(
        matches!(&refused, Err(SinkError::Unreachable { reason, .. })
            if reason.contains("topic predictions") && reason.contains("allow this client")),
        "{refused:?}"
    );
    assert_eq!(sink.acknowledged(), None);
    let end = Instant::now() + Duration::from_secs(20);
    while let Err(error) = sink.apply(&batch(1, 1)) {
        assert!(Instant::now() < end, "it may now: {error}");
    }
    assert_eq!(read(&cluster, "predictions", 1), pairs(&[batch(1, 1)]));
}

#[test]
fn a_process_that_ends_does_not_wait_for_a_broker_that_is_away() {
    let (cluster, folder) = (cluster(), tempfile::tempdir().expect("a folder"));
    let config = config(&cluster, folder.path());
    let mut sink = open(config).expect("a producer");
    let stopping = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    sink.stop_with(stopping);
    cluster.broker_down(1).expect("a broker");
    let began = Instant::now();
    let refused = sink.apply(&batch(1, 1));
    assert!(matches!(refused, Err(SinkError::Unreachable { .. })), "{refused:?}");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn a_dead_letter_the_producer_cannot_send_is_sent_as_a_pointer() {
    let (cluster, folder) = (cluster(), tempfile::tempdir().expect("a folder"));
    let mut config = config(&cluster, folder.path());
    config.options.insert("message.max.bytes".to_owned(), "100000".to_owned());
    let mut sink = open(config).expect("a producer");
    let reject = |offset, bytes: Vec<u8>| Reject {
        position: Position { partition: 0, offset },
        reason: RejectReason::OverLimit,
        detail: "d".repeat(5_000),
        key: format!("key {offset}").into(),
        commit: None,
        bytes: bytes.into(),
        envelope: None,
    };
    let rejects = vec![reject(1, b"small".to_vec()), reject(2, vec![b'x'; 150_000]), reject(3, b"last".to_vec())];
    sink.apply(&ClosedTime { rejects, ..closed(1, 4) }).expect("every letter is sent");
    let mut letters = read(&cluster, "dead-letters", 3);
    letters.sort();
    let seen: Vec<(&str, usize)> =
        letters.iter().map(|(key, value)| (key.as_str(), value.as_ref().map_or(0, Vec::len))).collect();
    assert_eq!(seen, [("key 1", 5), ("key 2", 64 << 10), ("key 3", 4)]);
}
