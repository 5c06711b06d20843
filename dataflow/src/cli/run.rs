//! `driftline run`: the whole engine on a Kafka cluster.

use super::Outcome;
use super::conditions::{report_sinks, report_topic};
use super::data::DataError;
use super::result_topics::{progress, send_again};
use super::serve;
use super::summary::{Summary, print_summary};
use crate::clock::bound_until;
use crate::config::{Config, CreateTopics};
use crate::controls::{ControlKeyArgs, ControlRule, Folder, change_key, open_controls};
use crate::engine::{Engine, EngineConfig};
use crate::importer::Schedule;
use crate::log::DataDir;
use crate::plain_file;
use crate::reject_lines::RejectLines;
use crate::source::kafka::{Found, KafkaAppender, KafkaConfig, KafkaSource, TopicSpec, create_topic, settings};
use crate::source::{AppendError, Appender, Source, SourceError};
use crate::terminal::note;
use clap::Args;
use driftline_sinks::webhook::{EndpointConfig, Secret, WebhookConfig, WebhookSink};
use driftline_sinks::{KafkaSink, KafkaSinkConfig, Metrics, Sink};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often cuts are considered.
const POLL: Duration = Duration::from_millis(300);
/// How long a run that is to end waits for the cluster, and for its results to be acknowledged: longer than the sink needs to find out that a
/// topic is not there.
const DELIVERY_MAX: Duration = Duration::from_secs(45);

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
    #[command(flatten)]
    control: ControlKeyArgs,
    /// Go on with another control key, because the old one is lost: control records that the engine has read so far are
    /// taken on trust. Look for rejects with the reason `forged_control` first: they would be taken on trust as well.
    #[arg(long)]
    new_control_key: bool,
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
    let source_config = config.source();
    note!("connecting to {}", source_config.brokers);
    let made = match &config.kafka.create_topics {
        Some(create) => create_topics(config, &source_config, create)?,
        None => Vec::new(),
    };
    if let Some(reason) = settings(&source_config)?.fault {
        return Err(SourceError::Kafka { topic: source_config.topic, reason }.into());
    }
    let dir = DataDir::open(&config.data)?;
    send_again(config, &source_config, &made)?;
    let mut source = Box::new(KafkaSource::open(&source_config)?);
    let topic = source.found();
    let ends: Vec<u64> = source.range()?.into_iter().map(|range| range.end).collect();
    let appender = Arc::new(KafkaAppender::open(&source_config)?);
    let controls = controls(args, config, &dir, appender.as_ref())?;
    let engine_config = EngineConfig {
        workers: config.workers,
        training: config.training.clone(),
        backend: config.backend,
        labels: config.labels.clone(),
        limits: config.limits.clone(),
        controls,
        ..EngineConfig::default()
    };
    let metrics = Metrics::new();
    let engine = Engine::start_with(&dir, source, appender, &engine_config, sinks(config, &metrics)?, metrics)?;
    let serving = serve::start(&engine, &dir, config.listen, &config.http.allowed_hosts)?;
    note!("driftline listens on http://{}", serving.address());
    note!("kernels run on: {}", engine.backend());
    let schedule = Schedule::new(&config.training);
    let mut caught_up = false;
    loop {
        engine.check()?;
        dir.check()?;
        report_topic(&topic, serving.readiness(), &engine.metrics().engine);
        report_sinks(&engine.deliveries(), serving.readiness());
        if engine.clock().idle().is_some_and(|time| engine.reflected().time >= time) {
            serving.ready();
        }
        if args.exit_when_idle && topic.trouble_lasts().is_some_and(|lasts| lasts > DELIVERY_MAX) {
            let reason = topic.trouble().unwrap_or_default();
            return Err(SourceError::Kafka { topic: config.kafka.topic.clone(), reason }.into());
        }
        caught_up |= has_read(&engine, &ends);
        // Only who has read the whole log knows the numbers of its control records for certain.
        let busy = !caught_up || conduct(&engine, &topic, schedule)?;
        if args.exit_when_idle && !busy && engine.clock().idle().is_some() {
            engine.wait_until_idle()?;
            // What was reflected meanwhile may make a cut due, and a control record that was appended just now may not have
            // been read yet: the cluster tells the end of a log a moment later.
            let has_read_own = engine.clock().last_controls().sequence >= engine.conductor().last().sequence;
            if !cut_when_due(&engine, schedule)? && has_read_own {
                break;
            }
        }
        if serving.wait_for_signal(POLL) {
            break;
        }
    }
    end(args, engine, serving)
}

/// Stops everything. Results that did not get out are a failure of a run that was to bring them out and end; one that
/// follows its topic is ended at any time, and says what the next start delivers.
fn end(args: &RunArgs, engine: Engine, serving: serve::Serving) -> Result<(), DataError> {
    let deliveries = engine.deliveries();
    let began = Instant::now();
    while args.exit_when_idle && !deliveries.are_done() && began.elapsed() < DELIVERY_MAX {
        report_sinks(&deliveries, serving.readiness());
        if serving.wait_for_signal(POLL / 10) {
            break;
        }
    }
    serving.stop();
    let summary = Summary::of(&engine, 0);
    engine.stop()?;
    print_summary(&summary, args.json);
    match deliveries.undelivered() {
        Some(undelivered) if args.exit_when_idle => Err(DataError::Undelivered(undelivered)),
        Some(undelivered) => {
            note!("warning: not everything was delivered: {undelivered}");
            Ok(())
        }
        None => Ok(()),
    }
}

/// Appends the control records that are due; says whether something is under way. While the cluster is away nothing can be
/// appended, which passes.
fn conduct(engine: &Engine, topic: &Found, schedule: Schedule) -> Result<bool, DataError> {
    if topic.trouble().is_some() {
        return Ok(true);
    }
    if let Err(error) = engine.conductor().settle() {
        tracing::warn!(%error, "partitions still wait at a control record that others do not hold");
    }
    let growing = topic.partitions() > engine.clock().partitions();
    static TOLD: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    if growing {
        let (from, to) = (engine.clock().partitions(), topic.partitions());
        if TOLD.fetch_max(to, std::sync::atomic::Ordering::Relaxed) < to {
            tracing::warn!(
                from,
                to,
                "the topic has more partitions now, so later events of a repository may go to another one than before. A \
                 history is ordered within one partition only: a repository whose events are in two gets no risks any more. \
                 To have them, collect into a new topic with this many partitions and read it with an empty data folder"
            );
        }
    }
    let opened = if growing { engine.conductor().open_partitions(topic.partitions()) } else { Ok(()) };
    match opened.map_err(DataError::from).and_then(|()| cut_when_due(engine, schedule)) {
        Err(DataError::Append(error @ AppendError::NotDurable { .. })) => {
            tracing::warn!(%error, "a control record could not be appended; it is tried again");
            Ok(true)
        }
        cutting => Ok(cutting? || growing),
    }
}

/// Cuts the log when enough changes have come since the last cut; says whether models are being waited for.
fn cut_when_due(engine: &Engine, schedule: Schedule) -> Result<bool, DataError> {
    let last = engine.conductor().last();
    if last.cut > last.model_ready {
        return Ok(true);
    }
    // A restart cuts at the same numbers of changes, since it counts what the log holds.
    let due = schedule.cuts(engine.standing().changes()) > last.cut;
    if due {
        engine.conductor().cut()?;
    }
    Ok(due)
}

/// Whether everything before these offsets is reflected; a topic may end in offsets that hold no record.
fn has_read(engine: &Engine, ends: &[u64]) -> bool {
    let clock = engine.clock();
    let reached = |vector: Vec<u64>| vector.iter().zip(ends).all(|(next, end)| next >= end);
    clock.idle().is_some() || clock.vector(clock.stats().completed).is_some_and(reached)
}

/// Which control records of the topic are the engine's own. A state folder from before there were keys keeps those it has
/// read; what else stands in the topic could be anybody's.
fn controls(args: &RunArgs, config: &Config, dir: &DataDir, log: &KafkaAppender) -> Result<ControlRule, DataError> {
    let (topic, mend) =
        (&config.kafka.topic, format!("driftline run --config {} --new-control-key", args.config.display()));
    let folder = Folder {
        path: dir.path(),
        log: format!("kafka:{topic}"),
        key_file: args.control.control_key_file.clone().or_else(|| config.control_key_file.clone()),
        author_key_file: None,
        mend,
    };
    let bound = bound_until(&dir.path().join("bindings"), &folder.log)?;
    let nothing = vec![0; log.partitions() as usize];
    if args.new_control_key {
        let file = change_key(&folder, bound.clone().unwrap_or_else(|| nothing.clone()))?;
        note!("control records are sealed with the key in {} from now on", file.display());
    }
    open_controls(&folder, |rule| {
        let Some(bound) = bound else {
            let last = log.last_controls(rule)?;
            // Anybody can write such records, so they must not keep the engine from starting; but they may also be those of
            // an installation whose key was lost, and then its models are trained anew.
            if last.sequence == 0 && last.foreign > 0 {
                let (count, path) = (last.foreign, folder.key_path()?);
                note!(
                    "warning: topic {topic} holds control records ({count} seen) that another key than {} has sealed, and \
                     none of this one; they are rejects. If this installation wrote them, stop and name its key with \
                     --control-key-file",
                    path.display()
                );
            }
            return Ok(nothing);
        };
        Ok(bound)
    })
}

fn create_topics(config: &Config, source: &KafkaConfig, create: &CreateTopics) -> Result<Vec<String>, DataError> {
    let kafka = &config.kafka;
    let mut made = Vec::new();
    let topics =
        [(&kafka.topic, false), (&kafka.predictions, true), (&kafka.alerts, false), (&kafka.dead_letters, false)];
    for (name, compacted) in topics {
        let spec = TopicSpec {
            name: name.clone(),
            partitions: create.partitions.get(),
            replication: create.replication.get(),
            compacted,
        };
        if create_topic(source, &spec)? {
            made.push(name.clone());
        }
    }
    Ok(made)
}

fn sinks(config: &Config, metrics: &Metrics) -> Result<Vec<Box<dyn Sink>>, DataError> {
    let settings = KafkaSinkConfig {
        brokers: config.kafka.brokers.clone(),
        progress: progress(config),
        predictions_topic: config.kafka.predictions.clone(),
        alerts_topic: config.kafka.alerts.clone(),
        dead_letters_topic: config.kafka.dead_letters.clone(),
        timeout_ms: 30_000,
        options: config.kafka.properties.clone(),
    };
    let kafka = KafkaSink::open(settings, metrics.sinks.clone());
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(kafka.map_err(DataError::sink)?), Box::new(RejectLines::new())];
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conductor::Conductor;
    use crate::controls::testing::rule;
    use crate::log::scratch;
    use clap::Parser;
    use driftline_schema::{Control, ControlAction, ControlId, Event, Position, wire};
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::DefaultProducerContext;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: RunArgs,
    }

    /// What `run` with these arguments makes of a state folder: whether a bare cut at offset 3 is taken on trust.
    fn trusts(config: &Config, log: &KafkaAppender, line: &[&str]) -> Result<bool, String> {
        let dir = DataDir::open(&config.data).expect("free");
        let args = Line::parse_from([&["run"], line].concat()).args;
        let rule = controls(&args, config, &dir, log).map_err(|error| error.to_string())?;
        let cut = Control { id: ControlId::of("cut", 1), action: ControlAction::Cut { cut: 1 } };
        let reading = rule.read(Position { partition: 0, offset: 3 }, &wire::encode(&Event::of_control(cut)));
        Ok(reading != crate::controls::Reading::No)
    }

    #[test]
    fn a_fresh_state_folder_trusts_nothing_that_another_key_has_sealed() {
        let mock: MockCluster<'static, DefaultProducerContext> = MockCluster::new(1).expect("starts");
        mock.create_topic("code-events", 2, 1).expect("creates");
        let scratch = scratch();
        let file = scratch.path().join("driftline.toml");
        let text = |data: &str| {
            let (folder, brokers) = (scratch.path().display(), mock.bootstrap_servers());
            let key = format!("control_key_file = \"{folder}/control.key\"");
            std::fs::write(&file, format!("data = \"{folder}/{data}\"\n{key}\n[kafka]\nbrokers = \"{brokers}\"\n"))
                .expect("writes");
            Config::read(&file).expect("is valid")
        };
        let (first, second, old) = (text("first"), text("second"), text("old"));
        let log = Arc::new(KafkaAppender::open(&first.source()).expect("opens"));
        assert_eq!(trusts(&first, &log, &[]), Ok(false));
        Conductor::open(log.clone(), rule()).expect("opens").cut().expect("another installation cuts");
        assert_eq!(trusts(&first, &log, &[]), Ok(false), "whose key is known is never held up by what others write");
        assert_eq!(trusts(&second, &log, &[]), Ok(false), "anybody could have written them, so they stop nobody");
        assert_eq!(trusts(&second, &log, &["--new-control-key"]), Ok(false));
        // A folder from before there were keys: what the engine has read is its own.
        let data = DataDir::open(&old.data).expect("free");
        crate::clock::bind_for_test(&data, "kafka:code-events", &[4, 0]);
        drop(data);
        assert_eq!(trusts(&old, &log, &[]), Ok(true));
        assert_eq!(trusts(&old, &log, &[]), Ok(true), "also at the next start");
    }
}
