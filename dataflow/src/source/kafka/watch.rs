//! Watches the topic for what no record tells: that it cannot be reached, has more partitions now, is another topic of the
//! same name, loses records, has settings by which it will, or is held up by a transaction that nobody ends.
//!
//! The thread that reads must never wait for the cluster, so a thread of its own asks, and the others look at what it
//! found. Nothing here decides an answer: new partitions are read only from the control record on that names them.

use super::KafkaConfig;
use super::admin::settings_by;
use super::consumer::Track;
use super::ends::Ends;
use super::topic::Describer;
use crate::source::SourceError;
use parking_lot::Mutex;
use rdkafka::consumer::Consumer;
use rdkafka::error::RDKafkaErrorCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How often the cluster is asked. A new partition is noticed within this time.
const EVERY: Duration = Duration::from_secs(2);
/// After how many looks the topic's settings and its beginning are asked for again.
const SETTINGS_EVERY: u32 = if cfg!(test) { 2 } else { 5 };
/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often the cluster must fail to answer before that is trouble: a leader that moves is none.
const FAILURES: u32 = 2;
/// How long a transaction may be open before it is told. The engine's own end within ten seconds.
const OPEN_MAX: Duration = if cfg!(test) { Duration::from_millis(500) } else { Duration::from_secs(15) };

/// A transaction that holds readers of a partition back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenTransaction {
    /// The partition.
    pub partition: u32,
    /// The offset up to which readers see it.
    pub offset: u64,
    /// Offsets behind that, over all partitions that are held back; markers of transactions count as well.
    pub behind: u64,
}

/// What the watch found last.
#[derive(Debug, Default)]
pub struct Found {
    partitions: AtomicU32,
    replaced: Mutex<Option<String>>,
    trouble: Mutex<Option<(Instant, String)>>,
    open: Mutex<Option<OpenTransaction>>,
    lasting: Mutex<Option<String>>,
    unknown_times: AtomicU64,
}

impl Found {
    /// Partitions the topic has now.
    pub fn partitions(&self) -> u32 {
        self.partitions.load(Ordering::Acquire)
    }

    /// Why nothing can be read at the moment, if that is so. It may pass.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().as_ref().map(|(_, reason)| reason.clone())
    }

    /// For how long that has been so.
    pub fn trouble_lasts(&self) -> Option<Duration> {
        self.trouble.lock().as_ref().map(|(since, _)| since.elapsed())
    }

    /// The transaction that holds readers back, if one does.
    pub fn open_transaction(&self) -> Option<OpenTransaction> {
        self.open.lock().clone()
    }

    /// Why no later start may be able to read the log, if that is so.
    pub fn will_not_last(&self) -> Option<String> {
        self.lasting.lock().clone()
    }

    /// Records read since the start of which only the producer says a time.
    pub fn unknown_times(&self) -> u64 {
        self.unknown_times.load(Ordering::Relaxed)
    }

    /// Counts a record of which only the producer says a time; the first is told.
    pub(super) fn note_unknown_time(&self, config: &KafkaConfig) {
        if self.unknown_times.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!(
                topic = config.topic,
                advice = super::admin::time_advice(config),
                "a record bears its producer's time instead of the broker's; such records never advance the event clock"
            );
        }
    }

    /// Why the topic is no longer what was read: another one of its name, or one that lost records.
    pub(super) fn replaced(&self) -> Option<String> {
        self.replaced.lock().clone()
    }

    /// Notes how the last looks went; one line at the beginning of an outage and one at its end.
    fn note(&self, topic: &str, state: Result<(), String>) {
        let mut trouble = self.trouble.lock();
        match (state, trouble.as_mut()) {
            (Ok(()), None) => {}
            (Ok(()), Some((since, _))) => {
                tracing::info!(topic, seconds = since.elapsed().as_secs(), "the topic can be read again");
                *trouble = None;
            }
            (Err(reason), Some((_, known))) => *known = reason,
            (Err(reason), None) => {
                tracing::warn!(topic, reason, "the topic cannot be read at the moment; it is tried until it can");
                *trouble = Some((Instant::now(), reason));
            }
        }
    }

    /// Notes why the log will not last; logged when the reason first appears and when it changes.
    fn note_lasting(&self, topic: &str, reason: Option<String>) {
        let mut known = self.lasting.lock();
        if let Some(reason) = reason.as_ref().filter(|reason| known.as_ref() != Some(*reason)) {
            tracing::warn!(topic, reason, "the topic will not last as the log");
        }
        *known = reason;
    }

    fn note_open(&self, topic: &str, found: Option<OpenTransaction>) {
        let mut open = self.open.lock();
        match (&found, open.as_ref()) {
            (Some(OpenTransaction { partition, offset, behind }), None) => tracing::warn!(
                topic,
                partition,
                offset,
                behind,
                "a transaction that somebody left open holds records back; kafka-transactions.sh find-hanging names it, \
                 and abort ends it"
            ),
            (None, Some(_)) => tracing::info!(topic, "the transaction that held records back has ended"),
            _ => {}
        }
        *open = found;
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
    pub(super) fn start(
        config: &KafkaConfig,
        id: Option<String>,
        partitions: u32,
        track: Track,
    ) -> Result<Self, SourceError> {
        let found = Arc::new(Found { partitions: AtomicU32::new(partitions), ..Found::default() });
        let mut look = Look {
            describer: Describer::open(config)?,
            ends: Ends::open(config)?,
            config: config.clone(),
            id,
            track,
            failures: 0,
            brokers: 0,
            short: 0,
            held: None,
            looks: 0,
            begin: Vec::new(),
            found: found.clone(),
        };
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("kafka-watch".to_owned()).spawn(move || {
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                look.look();
            }
        });
        thread.map_err(|error| config.fault(error))?;
        Ok(Self { found, _stop: stop })
    }

    pub(super) fn found(&self) -> &Arc<Found> {
        &self.found
    }
}

/// What the thread asks with, and what it remembers of earlier looks.
struct Look {
    config: KafkaConfig,
    describer: Describer,
    ends: Ends,
    id: Option<String>,
    /// How far the reader is.
    track: Track,
    failures: u32,
    /// The most brokers that were seen.
    brokers: usize,
    /// How often in a row the log was found to end before what was read of it.
    short: u32,
    /// Since when readers have been held back at the same ends.
    held: Option<(Instant, Vec<u64>)>,
    /// How often the cluster was asked.
    looks: u32,
    /// The offset at which each partition began when it was first looked at.
    begin: Vec<u64>,
    found: Arc<Found>,
}

impl Look {
    /// Asks once.
    fn look(&mut self) {
        let state = self.state();
        let brokers = *state.as_ref().unwrap_or(&0);
        self.brokers = self.brokers.max(brokers);
        self.failures = if state.is_ok() { 0 } else { self.failures.saturating_add(1) };
        match state {
            Err(_) if self.failures < FAILURES => {}
            state => self.found.note(&self.config.topic, state.map(drop)),
        }
        if self.failures > 0 || brokers < self.brokers {
            // The library keeps a core busy with a description that it has nobody to send to.
            return;
        }
        match self.describer.describe() {
            Ok(Some(description)) => {
                self.found.partitions.fetch_max(description.partitions, Ordering::AcqRel);
                if self.id.as_ref().is_some_and(|id| *id != description.id) {
                    let before = self.id.as_deref().unwrap_or_default();
                    *self.found.replaced.lock() = Some(replaced(before, &description.id));
                }
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(topic = self.config.topic, %error, "the topic could not be described"),
        }
        self.look_at_ends();
        if self.looks.is_multiple_of(SETTINGS_EVERY) {
            self.look_at_what_stays();
        }
        self.looks = self.looks.wrapping_add(1);
    }

    /// Whether the log will be there for the next start: what was removed from its beginning, or will be.
    fn look_at_what_stays(&mut self) {
        let Some(begin) = self.ends.begin(self.found.partitions(), PATIENCE) else { return };
        self.begin.extend(begin.iter().skip(self.begin.len()));
        let removed = begin.iter().zip(&self.begin).position(|(now, first)| now > first);
        let reason = match settings_by(self.describer.admin(), &self.config) {
            _ if removed.is_some() => removed.map(headless),
            Ok(settings) => settings.fault.or(settings.removal),
            Err(_) => return,
        };
        self.found.note_lasting(&self.config.topic, reason);
    }

    /// Whether the topic can be read, as far as the cluster says, and how many brokers the cluster has at the moment; notes
    /// how many partitions the topic has.
    fn state(&self) -> Result<usize, String> {
        let KafkaConfig { topic, brokers, .. } = &self.config;
        let answer = self.ends.client().fetch_metadata(Some(topic), PATIENCE);
        let metadata = answer.map_err(|error| format!("{brokers} does not answer ({error}); start the brokers"))?;
        let Some(described) = metadata.topics().first() else {
            return Err("the cluster does not know the topic".to_owned());
        };
        if let Some(error) = described.error().map(RDKafkaErrorCode::from) {
            return Err(match error {
                RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition => "the topic does not exist \
                    any more. If it was deleted, its log is gone: make the topic, and start over with another, empty data \
                    folder"
                    .to_owned(),
                error => format!("{error}; what the broker's log says of it helps further"),
            });
        }
        let lost = described.partitions().iter().find(|partition| partition.leader() < 0);
        if let Some(partition) = lost {
            return Err(format!("partition {} has no leader; start the brokers that hold it", partition.id()));
        }
        self.found.partitions.fetch_max(described.partitions().len() as u32, Ordering::AcqRel);
        Ok(metadata.brokers().len())
    }

    /// A log that ends before what was read of it has lost records, and may soon hold others under the same offsets. Twice
    /// in a row, as an answer may have been on its way while the reader went on.
    fn look_for_lost_records(&mut self, ends: &[(u64, u64)]) {
        let ends: Vec<u64> = ends.iter().map(|(_, end)| *end).collect();
        let found = self.track.beyond(&ends);
        self.short = if found.is_some() { self.short + 1 } else { 0 };
        if let Some((partition, next, end)) = found.filter(|_| self.short > 1) {
            *self.found.replaced.lock() = Some(shortened(partition, next, end));
        }
    }

    /// Whether records were lost, and whether some transaction holds readers back and has done so for a while.
    fn look_at_ends(&mut self) {
        let Some(ends) = self.ends.ask(self.found.partitions(), PATIENCE) else { return };
        self.look_for_lost_records(&ends);
        let seen: Vec<u64> = ends.iter().map(|(seen, _)| *seen).collect();
        let behind: u64 = ends.iter().map(|(seen, end)| end.saturating_sub(*seen)).sum();
        let first = ends.iter().position(|(seen, end)| seen < end);
        let Some(partition) = first else {
            self.held = None;
            return self.found.note_open(&self.config.topic, None);
        };
        let since = match &self.held {
            // The same partition at the same offset: the others may go on.
            Some((since, before)) if before.get(partition) == seen.get(partition) => *since,
            _ => Instant::now(),
        };
        let offset = seen[partition];
        self.held = Some((since, seen));
        if since.elapsed() >= OPEN_MAX {
            let open = OpenTransaction { partition: partition as u32, offset, behind };
            self.found.note_open(&self.config.topic, Some(open));
        }
    }
}

/// What is said of a partition that ends before what was read of it.
fn shortened(partition: usize, next: u64, end: u64) -> String {
    format!(
        "partition {partition} was read up to offset {next} and ends at {end} now: the cluster lost records, by electing a \
         replica that lagged behind or by a disk of earlier. Answers that were given rest on records that are gone. To start \
         over with what is there, name another, empty data folder"
    )
}

/// What is said of a partition whose first records are gone.
fn headless(partition: usize) -> String {
    format!(
        "the first records of partition {partition} were removed while it was read. Answers are right as long as this process \
         runs; the next start cannot read the log from its beginning. Keep the process, and collect into a new topic whose \
         records stay (retention.ms=-1, retention.bytes=-1)"
    )
}

/// What is said of a topic that has another id than the one before.
pub(super) fn replaced(before: &str, now: &str) -> String {
    format!(
        "it was deleted and made anew: its id was {before} and is {now} now. Offsets of the old topic mean nothing in the \
         new one. To start over with the new topic, name another, empty data folder"
    )
}
