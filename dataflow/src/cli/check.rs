//! `driftline check`: the configuration in layers, from syntax to surroundings.

use super::repositories::shown_path;
use super::{Outcome, check_data};
use crate::clock::inspect_bindings;
use crate::config::{Config, ConfigError, KafkaConfig};
use crate::source::kafka::{beginnings, settings};
use crate::terminal::{note, say};
use clap::Args;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use std::path::PathBuf;
use std::time::Duration;

/// How long a broker may take to answer.
const BROKER_TIMEOUT: Duration = Duration::from_secs(5);

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  driftline check --config driftline.toml --no-environment\n  driftline check --data .driftline --repair"
)]
pub struct CheckArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "driftline.toml")]
    config: PathBuf,
    /// Leave out the surroundings: folders, secrets, brokers.
    #[arg(long)]
    no_environment: bool,
    #[command(flatten)]
    data: check_data::CheckDataArgs,
}

/// Runs the command.
pub fn run(args: CheckArgs) -> Outcome {
    if let Some(folder) = args.data.folder() {
        return check_data::run(&args.data, &folder).into();
    }
    match check(&args) {
        Ok(()) => Outcome::Done,
        Err(error) => Outcome::BadConfiguration(error),
    }
}

fn check(args: &CheckArgs) -> Result<(), ConfigError> {
    let config = Config::read(&args.config)?;
    say!("{}: syntax, keys and values are right", shown_path(&args.config));
    if args.no_environment {
        return Ok(());
    }
    config.check_environment(&args.config)?;
    // A data folder belongs to the log it was written for; one of `up` would be refused by `run`.
    let log = format!("kafka:{}", config.kafka.topic);
    if let Err(error) = inspect_bindings(&config.data.join("bindings"), &log, None) {
        let (path, key) = (args.config.clone(), "data".to_owned());
        return Err(ConfigError::Value { path, key, message: error.to_string() });
    }
    say!("data folder and secrets can be used");
    let found = check_brokers(args, &config)?;
    say!("{found}");
    Ok(())
}

/// Asks the cluster with the very settings that `run` uses, and says what is there.
fn check_brokers(args: &CheckArgs, config: &Config) -> Result<String, ConfigError> {
    let refuse =
        |key: &str, message: String| ConfigError::Value { path: args.config.clone(), key: key.into(), message };
    let source = config.source();
    let consumer: BaseConsumer =
        source.connect_for_questions().map_err(|error| refuse("kafka.properties", error.to_string()))?;
    let KafkaConfig { topic, predictions, alerts, dead_letters, brokers, create_topics, .. } = &config.kafka;
    let mut absent = Vec::new();
    for (key, name) in [
        ("kafka.topic", topic),
        ("kafka.predictions", predictions),
        ("kafka.alerts", alerts),
        ("kafka.dead_letters", dead_letters),
    ] {
        let metadata = consumer.fetch_metadata(Some(name), BROKER_TIMEOUT).map_err(|error| {
            refuse(
                "kafka.brokers",
                format!(
                    "{brokers} does not answer ({error}); start the brokers, or correct the key or \
                     kafka.properties"
                ),
            )
        })?;
        let found = metadata.topics().iter().find(|found| found.name() == name);
        let fault = match found.map(|found| (found.error(), found.partitions().len())) {
            Some((None, partitions)) if partitions > 0 => continue,
            Some((Some(error), _)) if !is_unknown(error) => {
                format!("topic `{name}`: {}", RDKafkaErrorCode::from(error))
            }
            // `run` makes it, with as many copies as there are brokers at most.
            _ if let Some(create) = create_topics => {
                let (wanted, brokers) = (create.replication.get() as usize, metadata.brokers().len());
                if wanted <= brokers {
                    absent.push(name.as_str());
                    continue;
                }
                let fault = format!("replication = {wanted} needs as many brokers, and the cluster has {brokers}");
                return Err(refuse("kafka.create_topics", fault));
            }
            _ => format!("topic `{name}` does not exist; create it first, or set kafka.create_topics"),
        };
        return Err(refuse(key, fault));
    }
    let said = match absent.len() {
        0 => format!("topic {topic} and those of results answer on {brokers}"),
        _ => format!("{brokers} answers; `driftline run` makes the topics that are absent: {}", absent.join(", ")),
    };
    if absent.contains(&topic.as_str()) {
        return Ok(said);
    }
    check_beginnings(config, &source).map_err(|fault| refuse("data", fault))?;
    let found = settings(&source).map_err(|error| refuse("kafka.topic", error.to_string()))?;
    if let Some(reason) = found.removal {
        note!("warning: topic `{topic}`: {reason}");
    }
    match found.fault {
        Some(reason) => Err(refuse("kafka.topic", format!("topic `{topic}`: {reason}"))),
        None => Ok(said),
    }
}

/// Compares where the partitions begin now with where the data folder began to read them.
fn check_beginnings(config: &Config, source: &crate::source::kafka::KafkaConfig) -> Result<(), String> {
    let begin = beginnings(source).map_err(|error| error.to_string())?;
    let (bindings, log) = (config.data.join("bindings"), format!("kafka:{}", source.topic));
    let removed = begin.iter().position(|offset| *offset > 0);
    if let Some(partition) = removed.filter(|_| !bindings.exists()) {
        let offset = begin[partition];
        note!(
            "warning: topic `{}`: the records before offset {offset} of partition {partition} were removed; no answer will \
             take them into account",
            source.topic
        );
    }
    inspect_bindings(&bindings, &log, Some(&begin)).map_err(|error| error.to_string())
}

fn is_unknown(error: rdkafka::types::RDKafkaRespErr) -> bool {
    matches!(
        RDKafkaErrorCode::from(error),
        RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::LeaderNotAvailable
    )
}
