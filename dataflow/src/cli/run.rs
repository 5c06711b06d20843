//! `driftline run`: the whole engine on a Kafka cluster.

use super::Outcome;
use super::data::DataError;
use super::serve;
use super::summary::{Summary, print_summary};
use crate::config::{Config, CreateTopics};
use crate::engine::{Engine, EngineConfig};
use crate::importer::Schedule;
use crate::log::DataDir;
use crate::plain_file;
use crate::source::kafka::{KafkaAppender, KafkaConfig, KafkaSource, TopicSpec, create_topic};
use crate::terminal::note;
use clap::Args;
use driftline_sinks::webhook::{EndpointConfig, Secret, WebhookConfig, WebhookSink};
use driftline_sinks::{KafkaSink, KafkaSinkConfig, Metrics, Sink};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often cuts are considered.
const POLL: Duration = Duration::from_millis(300);

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = "Example: driftline run --config driftline.toml")]
pub struct RunArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "driftline.toml")]
    config: PathBuf,
    /// End when everything in the topic is reflected, and print a summary.
    #[arg(long)]
    exit_when_idle: bool,
    /// Print the summary as one JSON object on the last line.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: RunArgs) -> Outcome {
    let checked = Config::read(&args.config).and_then(|config| {
        config.check_environment(&args.config)?;
        Ok(config)
    });
    match checked {
        Ok(config) => follow(&args, &config).into(),
        Err(error) => Outcome::BadConfiguration(error),
    }
}

fn follow(args: &RunArgs, config: &Config) -> Result<(), DataError> {
    let source_config = source_config(config);
    if let Some(create) = &config.kafka.create_topics {
        create_topics(config, &source_config, create)?;
    }
    let dir = DataDir::open(&config.data)?;
    let source = Box::new(KafkaSource::open(&source_config)?);
    let appender = Arc::new(KafkaAppender::open(&source_config)?);
    let engine_config = EngineConfig {
        workers: config.workers,
        training: config.training.clone(),
        backend: config.backend,
        labels: config.labels.clone(),
        limits: config.limits.clone(),
        ..EngineConfig::default()
    };
    let metrics = Metrics::new();
    let engine = Engine::start_with(&dir, source, appender, &engine_config, sinks(config, &metrics)?, metrics)?;
    let serving = serve::start(&engine, config.listen)?;
    note!("driftline listens on http://{}", serving.address());
    note!("kernels run on: {}", engine.backend());
    let schedule = Schedule::new(&config.training);
    loop {
        engine.check()?;
        if engine.clock().idle().is_some() {
            serving.ready();
        }
        let cutting = cut_when_due(&engine, schedule)?;
        if args.exit_when_idle && !cutting && engine.clock().idle().is_some() {
            engine.wait_until_idle()?;
            break;
        }
        if serving.wait_for_signal(POLL) {
            break;
        }
    }
    serving.stop();
    let summary = Summary::of(&engine, 0);
    engine.stop()?;
    print_summary(&summary, args.json);
    Ok(())
}

/// Cuts the log when enough changes have come since the last cut; says whether models are being waited for.
fn cut_when_due(engine: &Engine, schedule: Schedule) -> Result<bool, DataError> {
    let last = engine.conductor().last();
    if last.cut > last.model_ready {
        return Ok(true);
    }
    // A restart cuts at the same numbers of changes, since it counts those that stand in the log.
    let due = schedule.cuts(engine.view().summary().changes as u64) > last.cut;
    if due {
        engine.conductor().cut()?;
    }
    Ok(due)
}

fn source_config(config: &Config) -> KafkaConfig {
    KafkaConfig {
        brokers: config.kafka.brokers.clone(),
        topic: config.kafka.topic.clone(),
        group: config.kafka.group.clone(),
        properties: config.kafka.properties.clone(),
        ..KafkaConfig::default()
    }
}

fn create_topics(config: &Config, source: &KafkaConfig, create: &CreateTopics) -> Result<(), DataError> {
    let kafka = &config.kafka;
    let topics =
        [(&kafka.topic, false), (&kafka.predictions, true), (&kafka.alerts, false), (&kafka.dead_letters, false)];
    for (name, compacted) in topics {
        let spec = TopicSpec {
            name: name.clone(),
            partitions: create.partitions.get(),
            replication: create.replication.get(),
            compacted,
        };
        create_topic(source, &spec)?;
    }
    Ok(())
}

fn sinks(config: &Config, metrics: &Metrics) -> Result<Vec<Box<dyn Sink>>, DataError> {
    let kafka = KafkaSink::open(KafkaSinkConfig {
        brokers: config.kafka.brokers.clone(),
        progress: config.data.join("kafka-sink"),
        predictions_topic: config.kafka.predictions.clone(),
        alerts_topic: config.kafka.alerts.clone(),
        dead_letters_topic: config.kafka.dead_letters.clone(),
        timeout_ms: 30_000,
        options: config.kafka.properties.clone(),
    });
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(kafka.map_err(DataError::sink)?)];
    if !config.webhook.is_empty() {
        let endpoints = config.webhook.iter().enumerate().map(|(index, webhook)| endpoint(index, webhook));
        let webhook = WebhookConfig::new(config.data.join("webhooks"), endpoints.collect::<Result<_, _>>()?);
        sinks.push(Box::new(WebhookSink::open(&webhook, metrics.webhook.clone()).map_err(DataError::sink)?));
    }
    Ok(sinks)
}

fn endpoint(index: usize, webhook: &crate::config::WebhookConfig) -> Result<EndpointConfig, DataError> {
    let text = plain_file::read_text(&webhook.secret_file)
        .map_err(|source| DataError::Read { path: webhook.secret_file.clone(), source })?;
    let secret = Secret::parse(text.trim()).map_err(DataError::sink)?;
    Ok(EndpointConfig { name: format!("webhook-{}", index + 1), url: webhook.url.clone(), secrets: vec![secret] })
}
