//! `driftline check`: the configuration in layers, from syntax to surroundings.

use super::repositories::shown_path;
use super::{Outcome, check_data};
use crate::config::{Config, ConfigError};
use crate::terminal::say;
use clap::Args;
use rdkafka::consumer::{BaseConsumer, Consumer};
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
    say!("data folder and secrets can be used");
    check_brokers(args, &config)?;
    say!("topic {} answers on {}", config.kafka.topic, config.kafka.brokers);
    Ok(())
}

fn check_brokers(args: &CheckArgs, config: &Config) -> Result<(), ConfigError> {
    let refuse =
        |key: &str, message: String| ConfigError::Value { path: args.config.clone(), key: key.into(), message };
    let consumer: BaseConsumer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", &config.kafka.brokers)
        .create()
        .map_err(|error| refuse("kafka.brokers", error.to_string()))?;
    let metadata = consumer.fetch_metadata(Some(&config.kafka.topic), BROKER_TIMEOUT).map_err(|error| {
        refuse(
            "kafka.brokers",
            format!("{} does not answer ({error}); start the brokers, or correct the key", config.kafka.brokers),
        )
    })?;
    let topic = metadata.topics().iter().find(|topic| topic.name() == config.kafka.topic);
    match topic {
        Some(topic) if topic.error().is_none() && !topic.partitions().is_empty() => Ok(()),
        _ => Err(refuse("kafka.topic", format!("topic `{}` does not exist; create it first", config.kafka.topic))),
    }
}
