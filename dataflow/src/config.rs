//! The configuration file of `driftline run`, and the settings every way of running shares.
//!
//! Unknown keys are errors: a misspelt limit that is silently ignored is worse than no limit.

use crate::controls::check_key_file;
use crate::log::{RECORD_BYTES_MAX, is_topic_name};
use crate::plain_file;
use driftline_schema::Limits;
use driftline_sinks::webhook::{Secret, url_fault};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};

/// Room for a record's key, headers and envelope beside the event.
const RECORD_AROUND_BYTES: usize = 4096;

/// Everything `driftline run --config FILE` reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where models, bindings and the webhook outbox are kept.
    pub data: PathBuf,
    /// Where HTTP is served.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// To whom HTTP is answered.
    #[serde(default)]
    pub http: HttpConfig,
    /// Dataflow workers (threads). On two cores one worker beside the API is the faster choice.
    #[serde(default = "one")]
    pub workers: NonZeroUsize,
    /// The secret that seals control records; the same file for every process of an installation. Without it:
    /// `driftline/control.key` in the user's configuration folder, made on first use.
    #[serde(default)]
    pub control_key_file: Option<PathBuf>,
    /// The cluster and topics.
    pub kafka: KafkaConfig,
    /// Where alerts are sent.
    #[serde(default)]
    pub webhook: Vec<WebhookConfig>,
    /// When models are trained.
    #[serde(default)]
    pub training: TrainingConfig,
    /// Where models are trained and scored.
    #[serde(default)]
    pub backend: BackendChoice,
    /// How labels come about.
    #[serde(default)]
    pub labels: LabelConfig,
    /// What one event may hold.
    #[serde(default)]
    pub limits: Limits,
}

/// Where models are trained and scored; every choice gives the same bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum BackendChoice {
    /// CUDA where a device can be used, else the CPU.
    #[default]
    Auto,
    /// The CPU, without looking for a device.
    Cpu,
}

/// To whom HTTP is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Further names under which HTTP is answered, such as a reverse proxy's. `*.example.org` allows all names below one,
    /// `*` every name. A loopback address answers as localhost without being told, another address under every address
    /// and every private name (one word, `.local`, `.internal`, `.svc`).
    pub allowed_hosts: Vec<String>,
}

/// The Kafka cluster and the topics on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaConfig {
    /// Bootstrap servers, `host:port,host:port`.
    pub brokers: String,
    /// Topic that is read.
    #[serde(default = "default_topic")]
    pub topic: String,
    /// Compacted topic for predictions.
    #[serde(default = "default_predictions")]
    pub predictions: String,
    /// Topic for drift alerts.
    #[serde(default = "default_alerts")]
    pub alerts: String,
    /// Topic for input that was not accepted.
    #[serde(default = "default_dead_letters")]
    pub dead_letters: String,
    /// Group id under which lag can be watched; it never decides what is read.
    #[serde(default = "default_group")]
    pub group: String,
    /// Makes topics that do not exist; without it they must.
    #[serde(default)]
    pub create_topics: Option<CreateTopics>,
    /// Further librdkafka properties, such as `client.id`. Those of TLS need OpenSSL, which this build leaves out.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// How topics are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateTopics {
    /// Partitions of each.
    pub partitions: NonZeroU32,
    /// Copies of each, at most the number of brokers.
    pub replication: NonZeroU32,
}

/// A receiver of alerts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Where alerts are posted.
    pub url: String,
    /// File that holds the signing secret, `whsec_...`; kept out of the configuration so that it can be shown.
    pub secret_file: PathBuf,
}

/// When models are trained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Changes before the first cut.
    pub first_cut: NonZeroU32,
    /// Later cuts are at multiples of this number of changes.
    pub cut_every: NonZeroU32,
    /// Labelled changes a scope must have before it gets a model.
    pub rows_min: usize,
}

impl Default for TrainingConfig {
    /// Two hundred changes hold about a hundred labels; later cuts cost a fraction of a second each.
    fn default() -> Self {
        Self {
            first_cut: NonZeroU32::new(200).expect("200 is not zero"),
            cut_every: NonZeroU32::new(500).expect("500 is not zero"),
            rows_min: 100,
        }
    }
}

/// How labels come about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LabelConfig {
    /// Days of event time after which a change without evidence is provisionally clean.
    pub waiting_days: NonZeroU32,
}

impl Default for LabelConfig {
    /// The literature's waiting time; about half of all defects are found later and then corrected.
    fn default() -> Self {
        Self { waiting_days: NonZeroU32::new(90).expect("90 is not zero") }
    }
}

/// The most dataflow workers: four for each core, and 64 on any machine. Each is connected with every other, so memory
/// grows with the square of their number: 5,000 take 22 GB before the first event.
pub fn workers_max() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get).saturating_mul(4).max(64)
}

/// A number of workers as it is written on the command line.
pub fn parse_workers(text: &str) -> Result<NonZeroUsize, String> {
    let most = workers_max();
    let number = text.parse().ok().filter(|number: &NonZeroUsize| number.get() <= most);
    number.ok_or_else(|| format!("a number from 1 to {most} is needed (on this machine)"))
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 7070))
}
fn one() -> NonZeroUsize {
    NonZeroUsize::MIN
}
fn default_topic() -> String {
    "code-events".into()
}
fn default_predictions() -> String {
    "predictions".into()
}
fn default_alerts() -> String {
    "alerts".into()
}
fn default_dead_letters() -> String {
    "dead-letters".into()
}
fn default_group() -> String {
    "driftline".into()
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}; name another with --config FILE")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no valid configuration; the message names line, column and key.
    #[error("the configuration {path} cannot be understood: {message}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        message: String,
    },
    /// A value is well formed but cannot work here.
    #[error("{path}: `{key}`: {message}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What is wrong and what to do.
        message: String,
    },
}

impl Config {
    /// Reads and checks a file: syntax, keys, values; not the surroundings.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = plain_file::read_text(path).map_err(|source| ConfigError::Read { path: path.into(), source })?;
        let config: Self = toml::from_str(&text)
            .map_err(|error| ConfigError::Parse { path: path.into(), message: error.to_string() })?;
        config.check_values(path)?;
        Ok(config)
    }

    /// The topic that is read, as the source takes it.
    pub fn source(&self) -> crate::source::kafka::KafkaConfig {
        crate::source::kafka::KafkaConfig {
            brokers: self.kafka.brokers.clone(),
            topic: self.kafka.topic.clone(),
            group: self.kafka.group.clone(),
            properties: self.kafka.properties.clone(),
            ..crate::source::kafka::KafkaConfig::default()
        }
    }

    fn check_values(&self, path: &Path) -> Result<(), ConfigError> {
        let refuse = |key: &str, message: &str| {
            Err(ConfigError::Value { path: path.into(), key: key.into(), message: message.into() })
        };
        if self.kafka.brokers.trim().is_empty() {
            return refuse("kafka.brokers", "is empty; name at least one broker, such as `127.0.0.1:9092`");
        }
        let topics = [&self.kafka.topic, &self.kafka.predictions, &self.kafka.alerts, &self.kafka.dead_letters]
            .map(String::as_str);
        let keys = ["kafka.topic", "kafka.predictions", "kafka.alerts", "kafka.dead_letters"];
        for (index, topic) in topics.iter().enumerate() {
            if !is_topic_name(topic) {
                return refuse(keys[index], "is no name of a topic: 1 to 249 of letters, digits, `.`, `_`, `-`");
            }
            if let Some(other) = topics[..index].iter().position(|other| other == topic) {
                let reason = format!("is the same topic as `{}`; each needs one of its own", keys[other]);
                return refuse(keys[index], &reason);
            }
        }
        for (key, text) in [("kafka.brokers", &self.kafka.brokers), ("kafka.group", &self.kafka.group)] {
            if text.trim().is_empty() || text.contains('\0') {
                return refuse(key, "is empty or holds a zero byte");
            }
        }
        if let Some(reason) = self.source().brokers_fault() {
            return refuse("kafka.brokers", &reason);
        }
        if let Some((name, reason)) = self.source().property_fault() {
            let key =
                if name.is_empty() { "kafka.properties".to_owned() } else { format!("kafka.properties.\"{name}\"") };
            return refuse(&key, &reason);
        }
        for webhook in &self.webhook {
            if let Some(reason) = url_fault(&webhook.url) {
                return refuse("webhook.url", &reason);
            }
        }
        if self.workers.get() > workers_max() {
            return refuse("workers", &format!("is over what this machine can use; the most is {}", workers_max()));
        }
        if self.limits.event_bytes_max > RECORD_BYTES_MAX - RECORD_AROUND_BYTES {
            return refuse(
                "limits.event_bytes_max",
                "is larger than a record of the log may be; the most is 20 MiB less 4 KiB for what stands around an event",
            );
        }
        if let Err(error) = driftline_api::Hosts::new(self.listen, &self.http.allowed_hosts) {
            return refuse("http.allowed_hosts", &error.to_string());
        }
        self.check_bounds(path)?;
        let Limits { file_bytes_max, event_bytes_max, .. } = self.limits;
        if file_bytes_max > event_bytes_max {
            let reason = format!(
                "is {file_bytes_max}, and limits.event_bytes_max is {event_bytes_max}: a file may not be larger than the \
                 event it comes in"
            );
            return refuse("limits.file_bytes_max", &reason);
        }
        Ok(())
    }

    /// Values with which nothing could work: no folder, no change that could be accepted, no topic that could be made.
    fn check_bounds(&self, path: &Path) -> Result<(), ConfigError> {
        let limits = &self.limits;
        let faults = [
            ("data", self.data.as_os_str().is_empty(), "is empty; name a folder"),
            ("limits.event_bytes_max", limits.event_bytes_max == 0, "is 0, so every change would be rejected"),
            ("limits.files_max", limits.files_max == 0, "is 0, so every change would be rejected"),
            ("limits.path_bytes_max", limits.path_bytes_max == 0, "is 0, so every change would be rejected"),
            ("limits.clock_skew_s_max", limits.clock_skew_s_max < 0, "is below 0; it is how far a time may lie ahead"),
        ];
        let created = self.kafka.create_topics.as_ref();
        let counts = created.map_or((1, 1), |create| (create.partitions.get(), create.replication.get()));
        let mut faults = faults.into_iter().chain([
            ("kafka.create_topics.partitions", counts.0 > 100_000, "is more than a topic may have: 100000"),
            ("kafka.create_topics.replication", counts.1 > 32_767, "is more than a topic may have: 32767"),
        ]);
        match faults.find(|(_, wrong, _)| *wrong) {
            Some((key, _, message)) => {
                Err(ConfigError::Value { path: path.into(), key: key.into(), message: message.into() })
            }
            None => Ok(()),
        }
    }

    /// Checks the surroundings: the data folder can be written, secrets can be read. Brokers are asked by the caller.
    pub fn check_environment(&self, path: &Path) -> Result<(), ConfigError> {
        let refuse =
            |key: &str, message: String| Err(ConfigError::Value { path: path.into(), key: key.into(), message });
        if let Err(error) = std::fs::create_dir_all(&self.data) {
            return refuse("data", format!("{} cannot be created: {error}", self.data.display()));
        }
        // Any port: the one that is named may be in use by the very engine that the file is for.
        if let Err(error) = std::net::TcpListener::bind((self.listen.ip(), 0)) {
            return refuse("listen", format!("{} is no address of this machine: {error}", self.listen.ip()));
        }
        if let Some(key) = &self.control_key_file
            && let Err(error) = check_key_file(key)
        {
            return refuse("control_key_file", format!("{}: {error}", key.display()));
        }
        for webhook in &self.webhook {
            let file = webhook.secret_file.display();
            let text = match plain_file::read_text(&webhook.secret_file) {
                Ok(text) => text,
                Err(error) => return refuse("webhook.secret_file", format!("{file}: {error}")),
            };
            if let Err(error) = Secret::parse(text.trim()) {
                return refuse("webhook.secret_file", format!("{file} holds no secret: {error}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
