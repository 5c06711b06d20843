//! `driftline check`: the configuration in layers, from syntax to surroundings.

use super::repositories::shown_path;
use super::{Outcome, check_data};
use crate::clock::inspect_bindings;
use crate::config::{Config, ConfigError, KafkaConfig};
use crate::source::kafka::settings;
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
    if let Err(error) = inspect_bindings(&config.data.join("bindings"), &log) {
        let (path, key) = (args.config.clone(), "data".to_owned());
        return Err(ConfigError::Value { path, key, message: error.to_string() });
    }
    say!("data folder and secrets can be used");
    check_brokers(args, &config)?;
    say!("topic {} and those of results answer on {}", config.kafka.topic, config.kafka.brokers);
    Ok(())
}

/// Asks the cluster with the very settings that `run` uses.
fn check_brokers(args: &CheckArgs, config: &Config) -> Result<(), ConfigError> {
    let refuse =
        |key: &str, message: String| ConfigError::Value { path: args.config.clone(), key: key.into(), message };
    let source = config.source();
    let consumer: BaseConsumer =
        source.connect_for_questions().map_err(|error| refuse("kafka.properties", error.to_string()))?;
    let KafkaConfig { topic, predictions, alerts, dead_letters, brokers, create_topics, .. } = &config.kafka;
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
            // `run` makes it.
            _ if create_topics.is_some() => continue,
            _ => format!("topic `{name}` does not exist; create it first, or set kafka.create_topics"),
        };
        return Err(refuse(key, fault));
    }
    let found = settings(&source).map_err(|error| refuse("kafka.topic", error.to_string()))?;
    if let Some(reason) = found.removal {
        note!("warning: topic `{topic}`: {reason}");
    }
    match found.fault {
        Some(reason) => Err(refuse("kafka.topic", format!("topic `{topic}`: {reason}"))),
        None => Ok(()),
    }
}

fn is_unknown(error: rdkafka::types::RDKafkaRespErr) -> bool {
    matches!(
        RDKafkaErrorCode::from(error),
        RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::LeaderNotAvailable
    )
}
