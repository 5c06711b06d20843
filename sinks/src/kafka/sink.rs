//! Sending closed times, and noting what was acknowledged.
//!
//! One closed time is in flight at once. When it is not acknowledged in time the records stay with the producer; the next
//! call for the same time waits on instead of sending them a second time. What is too large for its topic is sent alone,
//! then in smaller forms; what no form mends is counted and said.

use super::config::KafkaSinkConfig;
use super::encode::{Outgoing, Topic, encode};
use super::forms::{FORMS, form};
use super::sender::{Limit, Sender, unreachable};
use crate::batch::{ClosedTime, Sink, SinkError};
use crate::files::replace;
use crate::metrics::SinkMetrics;
use rdkafka::error::KafkaError as ClientError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Why the Kafka sink cannot start.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// The producer's settings are wrong.
    #[error("the Kafka producer cannot be made")]
    Client(#[from] ClientError),
    /// The progress file cannot be read.
    #[error("the progress file {path} cannot be read")]
    Progress {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Sends closed times to Kafka.
pub struct KafkaSink {
    config: KafkaSinkConfig,
    sender: Sender,
    progress: Progress,
    in_flight: Option<InFlight>,
    metrics: SinkMetrics,
    stopping: Arc<AtomicBool>,
    told_of_short_forms: bool,
}

/// What the progress file says. It speaks of these topics of this cluster alone: with others, sending starts anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    brokers: String,
    topics: [String; 3],
    time: Option<u64>,
}

impl Progress {
    fn none(config: &KafkaSinkConfig) -> Self {
        let topics = [&config.predictions_topic, &config.alerts_topic, &config.dead_letters_topic].map(String::clone);
        Self { brokers: config.brokers.clone(), topics, time: None }
    }
}

/// A time that was handed to the producer up to a record.
struct InFlight {
    time: u64,
    handed_over: usize,
}

impl KafkaSink {
    /// Makes the producer and reads how far an earlier run came.
    pub fn open(config: KafkaSinkConfig, metrics: SinkMetrics) -> Result<Self, KafkaError> {
        let progress = match fs::read(&config.progress) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Progress::none(&config)),
            Err(error) => Err(error),
        };
        let mut progress: Progress =
            progress.map_err(|source| KafkaError::Progress { path: config.progress.clone(), source })?;
        let none = Progress::none(&config);
        if (&progress.brokers, &progress.topics) != (&none.brokers, &none.topics) {
            progress = none;
        }
        let sender = Sender::open(&config, false)?;
        let stopping = Arc::default();
        Ok(Self { config, sender, progress, in_flight: None, metrics, stopping, told_of_short_forms: false })
    }

    /// The last time that was fully acknowledged.
    pub fn acknowledged(&self) -> Option<u64> {
        self.progress.time
    }

    fn topic(&self, topic: Topic) -> &str {
        match topic {
            Topic::Predictions => &self.config.predictions_topic,
            Topic::Alerts => &self.config.alerts_topic,
            Topic::DeadLetters => &self.config.dead_letters_topic,
        }
    }

    /// Sends what was not sent yet, waits until everything is answered, and returns what was too large for its topic.
    fn send(&mut self, time: u64, records: &[Outgoing], limit: &Limit) -> Result<BTreeMap<usize, String>, SinkError> {
        if let Some(reason) = self.sender.fatal() {
            tracing::warn!(reason, "the Kafka producer failed for good and is replaced");
            self.sender = Sender::open(&self.config, false).map_err(|error| unreachable(error.to_string()))?;
            self.in_flight = None;
        }
        let handed_over = match &self.in_flight {
            Some(flight) if flight.time == time => flight.handed_over,
            _ => {
                self.sender.take_reports();
                0
            }
        };
        for (index, record) in records.iter().enumerate().skip(handed_over) {
            if !self.sender.hand_over(self.topic(record.topic), index, record, limit) {
                self.in_flight = Some(InFlight { time, handed_over: index });
                return Err(unreachable("the producer's queue stays full".to_owned()));
            }
        }
        self.in_flight = Some(InFlight { time, handed_over: records.len() });
        self.sender.wait(limit)?;
        // Everything is answered: a next call for this time would send all of it again.
        self.in_flight = None;
        let reports = self.sender.take_reports();
        reports.failed.map_or(Ok(reports.too_large), |reason| Err(unreachable(reason)))
    }

    /// Sends what was too large once more: whole, since it may have been refused for another record of its batch, and then
    /// in smaller forms. Returns what no form mends.
    fn send_forms(
        &mut self,
        records: &[Outgoing],
        mut refused: BTreeMap<usize, String>,
        limit: &Limit,
    ) -> Result<BTreeMap<usize, String>, SinkError> {
        let sender = Sender::open(&self.config, true).map_err(|error| unreachable(error.to_string()))?;
        for number in 0..FORMS {
            let mut left = BTreeMap::new();
            for (index, reason) in std::mem::take(&mut refused) {
                let Some(smaller) = form(&records[index], number) else {
                    left.insert(index, reason);
                    continue;
                };
                if !sender.hand_over(self.topic(smaller.topic), index, &smaller, limit) {
                    return Err(unreachable("the producer's queue stays full".to_owned()));
                }
                refused.insert(index, reason);
            }
            sender.wait(limit)?;
            let reports = sender.take_reports();
            if let Some(reason) = reports.failed {
                return Err(unreachable(reason));
            }
            self.note_forms(number, refused.len().saturating_sub(reports.too_large.len()));
            left.extend(reports.too_large);
            refused = left;
        }
        Ok(refused)
    }

    fn note_forms(&mut self, number: usize, records: usize) {
        if number == 0 || records == 0 {
            return;
        }
        self.metrics.shortened("kafka", records as u64);
        if !std::mem::replace(&mut self.told_of_short_forms, true) {
            tracing::warn!(
                "a record was too large for its topic and was sent in a smaller form; a larger max.message.bytes on the \
                 topic takes it whole (driftline_sink_records_total counts them)"
            );
        }
    }

    /// What could not be delivered in any form.
    fn refused(&self, time: u64, left: &BTreeMap<usize, String>) -> Result<(), SinkError> {
        let Some(reason) = left.values().next() else { return Ok(()) };
        let progress = self.config.progress.display();
        let reason = format!(
            "{reason}; raise max.message.bytes of the topic. To have everything sent again, stop driftline and remove {progress}"
        );
        Err(SinkError::Refused { sink: "kafka".to_owned(), time, records: left.len() as u64, reason })
    }
}

impl Sink for KafkaSink {
    fn name(&self) -> &str {
        "kafka"
    }
    fn stop_with(&mut self, stopping: Arc<AtomicBool>) {
        self.stopping = stopping;
    }
    fn apply(&mut self, closed: &ClosedTime) -> Result<(), SinkError> {
        if self.progress.time.is_some_and(|time| closed.time <= time) {
            return Ok(());
        }
        let records = encode(closed);
        if records.is_empty() {
            // Nothing to acknowledge; the note can wait until there is.
            return Ok(());
        }
        let limit = Limit::new(self.config.timeout_ms, &self.stopping);
        let too_large = self.send(closed.time, &records, &limit)?;
        let left = if too_large.is_empty() { too_large } else { self.send_forms(&records, too_large, &limit)? };
        let progress = Progress { time: Some(closed.time), ..self.progress.clone() };
        let bytes = serde_json::to_vec(&progress).expect("texts and numbers always serialise");
        replace(&self.config.progress, &bytes)
            .map_err(|error| unreachable(format!("the progress file cannot be written: {error}")))?;
        self.progress = progress;
        self.refused(closed.time, &left)
    }
}
