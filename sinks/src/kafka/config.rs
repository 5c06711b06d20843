//! Which cluster and topics results go to.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The Kafka sink's configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaSinkConfig {
    /// `host:port`, separated by commas.
    pub brokers: String,
    /// File that notes the last time fully acknowledged.
    pub progress: PathBuf,
    /// Topic of predictions; should be compacted.
    #[serde(default = "predictions_topic")]
    pub predictions_topic: String,
    /// Topic of alerts.
    #[serde(default = "alerts_topic")]
    pub alerts_topic: String,
    /// Topic of rejects.
    #[serde(default = "dead_letters_topic")]
    pub dead_letters_topic: String,
    /// How long one closed time may take to be acknowledged before the caller hears of it, in milliseconds.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
    /// Further settings of librdkafka: security, compression.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

fn predictions_topic() -> String {
    "predictions".to_owned()
}

fn alerts_topic() -> String {
    "alerts".to_owned()
}

fn dead_letters_topic() -> String {
    "dead-letters".to_owned()
}

/// Long enough for a leader election, short enough that an operator hears of an outage within a minute.
fn timeout_ms() -> u64 {
    30_000
}
