//! Creates topics with the settings the engine relies on.
//!
//! A topic that exists is left as it is.

use super::{Events, KafkaConfig, MESSAGE_BYTES_MAX};
use crate::source::SourceError;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;
use std::time::Duration;

/// The setting that says what becomes of old records, and the value that would take away all but the newest of each key.
const CLEANUP_SETTING: &str = "cleanup.policy";
const COMPACT: &str = "compact";
/// The setting that says whose time a record bears, and the value that the engine needs.
const TIME_SETTING: &str = "message.timestamp.type";
const BROKERS_TIME: &str = "LogAppendTime";
/// The settings by which records age out of a topic, and the value that keeps them.
const RETENTION_SETTINGS: [&str; 2] = ["retention.ms", "retention.bytes"];
const FOR_EVER: &str = "-1";
/// How long the cluster may take to tell the settings of a topic.
const SETTINGS_MAX: Duration = Duration::from_secs(5);

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

/// What is to be said of a topic's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Why the topic cannot be the log: its records bear times that anybody can make up, or all but the newest of each key
    /// are removed.
    pub fault: Option<String>,
    /// Why the log will not last: its oldest records are removed after a while.
    pub removal: Option<String>,
}

/// What is to be said of the topic's settings: nothing also where the cluster does not tell them, or not us; each record
/// says for itself whose time it bears.
pub fn settings(config: &KafkaConfig) -> Result<Settings, SourceError> {
    let client = config.client(&[])?.create_with_context(Events::new(config));
    let client: AdminClient<Events> = client.map_err(|error| config.fault(error))?;
    settings_by(&client, config)
}

/// As [`settings`], asked by a client that is there.
pub(super) fn settings_by(client: &AdminClient<Events>, config: &KafkaConfig) -> Result<Settings, SourceError> {
    let options = AdminOptions::new().request_timeout(Some(SETTINGS_MAX));
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| config.fault(error))?;
    let asked = ResourceSpecifier::Topic(&config.topic);
    let told = match runtime.block_on(client.describe_configs([&asked], &options)) {
        Ok(mut results) => results.pop().and_then(Result::ok),
        Err(error) => {
            tracing::debug!(topic = config.topic, %error, "the cluster does not tell the topic's settings");
            None
        }
    };
    let Some(topic) = told else { return Ok(Settings::default()) };
    let value = |setting: &str| topic.get(setting).and_then(|entry| entry.value.clone());
    Ok(Settings { fault: fault(config, value), removal: removal(config, value) })
}

/// Why records will be removed.
fn removal(config: &KafkaConfig, value: impl Fn(&str) -> Option<String>) -> Option<String> {
    let ages = |setting: &str| value(setting).filter(|limit| limit != FOR_EVER);
    let (setting, limit) = RETENTION_SETTINGS.iter().find_map(|setting| Some((setting, ages(setting)?)))?;
    Some(format!(
        "its {setting} is {limit}: once the oldest records are removed, no restart can read the log from its beginning, which \
         it must. Keep every record: {}",
        advice(config, &RETENTION_SETTINGS.join("=-1,"), FOR_EVER)
    ))
}

/// Why the topic cannot be the log.
fn fault(config: &KafkaConfig, value: impl Fn(&str) -> Option<String>) -> Option<String> {
    if let Some(policy) = value(CLEANUP_SETTING).filter(|policy| policy.contains(COMPACT)) {
        return Some(format!(
            "its {CLEANUP_SETTING} is {policy}: all but the newest event of each repository would be removed. Keep every \
             record: {}",
            advice(config, CLEANUP_SETTING, "delete")
        ));
    }
    value(TIME_SETTING).filter(|value| value != BROKERS_TIME).map(|value| {
        format!(
            "its {TIME_SETTING} is {value}: records bear times that whoever appends them makes up, and one from the far \
             future would call every waiting change clean. Let the broker set the time: {}",
            time_advice(config)
        )
    })
}

/// The command that lets the broker set the times of a topic's records.
pub(super) fn time_advice(config: &KafkaConfig) -> String {
    advice(config, TIME_SETTING, BROKERS_TIME)
}

fn advice(config: &KafkaConfig, setting: &str, value: &str) -> String {
    format!(
        "kafka-configs.sh --bootstrap-server {} --alter --entity-type topics --entity-name {} --add-config {setting}={value}",
        config.brokers, config.topic
    )
}

/// Creates the topic; false when it exists already.
pub fn create_topic(config: &KafkaConfig, spec: &TopicSpec) -> Result<bool, SourceError> {
    let of_topic = KafkaConfig { topic: spec.name.clone(), ..config.clone() };
    let fault = |reason: String| of_topic.fault(reason);
    let client = config.client(&[])?.create_with_context(Events::new(config));
    let client: AdminClient<Events> = client.map_err(|error| fault(error.to_string()))?;
    let bytes = MESSAGE_BYTES_MAX.to_string();
    let topic = NewTopic::new(&spec.name, spec.partitions as i32, TopicReplication::Fixed(spec.replication as i32))
        .set("max.message.bytes", &bytes)
        // The log is the truth: nothing may age out of it, and its times are the broker's, not the producer's.
        .set(RETENTION_SETTINGS[0], FOR_EVER)
        .set(RETENTION_SETTINGS[1], FOR_EVER)
        .set(TIME_SETTING, BROKERS_TIME)
        .set(CLEANUP_SETTING, if spec.compacted { COMPACT } else { "delete" });
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
