//! Watches the topic for what no record tells: that it has more partitions now, or is another topic of the same name.
//!
//! The thread that reads must never wait for the cluster, so a thread of its own asks, and the others look at what it
//! found. Nothing here decides an answer: new partitions are read only from the control record on that names them.

use super::topic::Describer;
use super::{Events, KafkaConfig};
use crate::source::SourceError;
use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How often the cluster is asked. A new partition is noticed within this time.
const EVERY: Duration = Duration::from_secs(2);

/// What the watch found last.
#[derive(Debug, Default)]
pub struct Found {
    partitions: AtomicU32,
    replaced: Mutex<Option<String>>,
}

impl Found {
    /// Partitions the topic has now.
    pub fn partitions(&self) -> u32 {
        self.partitions.load(Ordering::Acquire)
    }

    /// Why the topic is no longer the one that was opened, if it is not.
    pub(super) fn replaced(&self) -> Option<String> {
        self.replaced.lock().clone()
    }
}

/// The thread that asks; dropping it ends the thread.
pub(super) struct Watch {
    found: Arc<Found>,
    /// Its end ends the thread, which nobody waits for: it may be waiting for the cluster.
    _stop: Sender<()>,
}

impl Watch {
    /// Watches the topic that has this id (`None` where the cluster gives topics no ids) and so many partitions now.
    pub(super) fn start(config: &KafkaConfig, id: Option<String>, partitions: u32) -> Result<Self, SourceError> {
        let (describer, consumer) = (Describer::open(config)?, config.consumer()?);
        let consumer: BaseConsumer<Events> =
            consumer.create_with_context(Events::new(config)).map_err(|error| config.fault(error))?;
        let found = Arc::new(Found { partitions: AtomicU32::new(partitions), ..Found::default() });
        let (noted, topic) = (found.clone(), config.topic.clone());
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("kafka-watch".to_owned()).spawn(move || {
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                look(&describer, &consumer, &topic, id.as_deref(), &noted);
            }
        });
        thread.map_err(|error| config.fault(error))?;
        Ok(Self { found, _stop: stop })
    }

    pub(super) fn found(&self) -> &Arc<Found> {
        &self.found
    }
}

/// Asks once. An outage is no finding: the threads that read and append say so themselves.
fn look(describer: &Describer, consumer: &BaseConsumer<Events>, topic: &str, id: Option<&str>, found: &Found) {
    match describer.describe() {
        Ok(Some(description)) => {
            found.partitions.fetch_max(description.partitions, Ordering::AcqRel);
            if id.is_some_and(|id| id != description.id) {
                *found.replaced.lock() = Some(replaced(id.unwrap_or_default(), &description.id));
            }
        }
        Ok(None) => {
            let metadata = consumer.fetch_metadata(Some(topic), EVERY);
            let partitions = metadata.ok().and_then(|metadata| metadata.topics().first().map(|t| t.partitions().len()));
            let partitions = partitions.and_then(|count| u32::try_from(count).ok()).unwrap_or(0);
            found.partitions.fetch_max(partitions, Ordering::AcqRel);
        }
        Err(error) => tracing::debug!(topic, %error, "the topic could not be described"),
    }
}

/// What is said of a topic that has another id than the one before.
fn replaced(before: &str, now: &str) -> String {
    format!(
        "it was deleted and made anew: its id was {before} and is {now} now. Offsets of the old topic mean nothing in the \
         new one. To start over with the new topic, name another, empty data folder"
    )
}
