//! Creates topics with the settings the engine relies on.
//!
//! A topic that exists is left as it is.

use super::{Events, KafkaConfig, MESSAGE_BYTES_MAX};
use crate::source::SourceError;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;

/// A topic to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// Number of partitions, at least 1.
    pub partitions: u32,
    /// Number of copies, at most the number of brokers.
    pub replication: u32,
    /// Keep the last record of each key only. Otherwise every record is kept for ever.
    pub compacted: bool,
}

/// Creates the topic; false when it exists already.
pub fn create_topic(config: &KafkaConfig, spec: &TopicSpec) -> Result<bool, SourceError> {
    let fault = |reason: String| SourceError::Kafka { topic: spec.name.clone(), reason };
    let client = config.client(&[])?.create_with_context(Events::new(config));
    let client: AdminClient<Events> = client.map_err(|error| fault(error.to_string()))?;
    let bytes = MESSAGE_BYTES_MAX.to_string();
    let topic = NewTopic::new(&spec.name, spec.partitions as i32, TopicReplication::Fixed(spec.replication as i32))
        .set("max.message.bytes", &bytes)
        // The log is the truth: nothing may age out of it, and its times are the broker's, not the producer's.
        .set("retention.ms", "-1")
        .set("retention.bytes", "-1")
        .set("message.timestamp.type", "LogAppendTime")
        .set("cleanup.policy", if spec.compacted { "compact" } else { "delete" });
    let options = AdminOptions::new().operation_timeout(Some(config.timeout())).request_timeout(Some(config.timeout()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| fault(error.to_string()))?;
    let results = runtime.block_on(client.create_topics([&topic], &options));
    match results.map_err(|error| fault(error.to_string()))?.pop() {
        Some(Ok(_)) => Ok(true),
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(false),
        Some(Err((_, code))) => Err(fault(code.to_string())),
        None => Err(fault("the cluster gave no answer".to_owned())),
    }
}
