//! A Kafka topic as the place to append to.
//!
//! Records go to the partition we name ([`partition_of`]), whatever the client's partitioner. A control record is one
//! transaction over all partitions; its transactional id is that of the topic, so a newer conductor fences off an older.

use super::{CONTROL_HEADER, Events, KafkaConfig, MESSAGE_BYTES_MAX, partition_count, scan};
use crate::controls::ControlRule;
use crate::source::{AppendError, Appender, LastControls, SourceError, partition_of};
use driftline_schema::{Event, wire};
use parking_lot::Mutex;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::time::{Duration, Instant};

/// Headers, lengths and the batch around one record, in bytes, at most.
const ENVELOPE_BYTES_MAX: usize = 1024;
/// How often a transaction is begun anew before giving up.
const ATTEMPTS: u32 = 3;

/// Appends to a Kafka topic.
pub struct KafkaAppender {
    config: KafkaConfig,
    partitions: u32,
    producer: BaseProducer<Events>,
    /// Made when first needed: most processes append no control records, and making it fences off the one that does.
    transactional: Mutex<Option<BaseProducer<Events>>>,
}

impl KafkaAppender {
    /// Connects and learns the number of partitions.
    pub fn open(config: &KafkaConfig) -> Result<Self, SourceError> {
        let producer = config.producer()?.create_with_context(Events::new(config));
        let producer: BaseProducer<Events> = producer.map_err(|error| config.fault(error))?;
        let partitions = partition_count(producer.client(), config)?;
        Ok(Self { config: config.clone(), partitions, producer, transactional: Mutex::default() })
    }

    fn not_durable(&self, records: u64, reason: impl ToString) -> AppendError {
        AppendError::NotDurable { topic: self.config.topic.clone(), records, reason: reason.to_string() }
    }

    /// Hands a record to the client, waiting while its buffers are full.
    fn send(&self, producer: &BaseProducer<Events>, record: BaseRecord<'_, [u8], [u8]>) -> Result<(), AppendError> {
        let bytes = record.key.map_or(0, <[u8]>::len) + record.payload.map_or(0, <[u8]>::len);
        let deadline = Instant::now() + self.config.timeout();
        let mut record = record;
        loop {
            let (error, unsent) = match producer.send(record) {
                Ok(()) => return Ok(()),
                Err(refused) => refused,
            };
            if !matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) {
                return Err(AppendError::Refused {
                    topic: self.config.topic.clone(),
                    bytes,
                    reason: error.to_string(),
                });
            }
            if Instant::now() >= deadline {
                return Err(self.not_durable(producer.in_flight_count() as u64, error));
            }
            producer.poll(Duration::from_millis(50));
            record = unsent;
        }
    }

    /// One transaction over all partitions.
    fn transact(&self, payload: &[u8], partitions: u32) -> Result<Vec<u64>, AppendError> {
        let mut slot = self.transactional.lock();
        let mut reason = String::new();
        for _ in 0..ATTEMPTS {
            let producer = match slot.take() {
                Some(producer) => producer,
                None => self.fence()?,
            };
            match self.attempt(&producer, payload, partitions) {
                Ok(()) => {
                    let ends = self.ends(&producer, partitions);
                    *slot = Some(producer);
                    return Ok(ends);
                }
                Err(error) => {
                    // An aborted transaction leaves the producer usable; after anything else a new one fences it off,
                    // which also aborts what it had open.
                    let aborted = needs_abort(&error) && producer.abort_transaction(self.config.timeout()).is_ok();
                    reason = error.to_string();
                    tracing::debug!(topic = %self.config.topic, reason, aborted, "a control transaction failed");
                    *slot = aborted.then_some(producer);
                }
            }
        }
        Err(self.not_durable(u64::from(self.partitions), reason))
    }

    /// A producer that is the only one to append control records from now on.
    fn fence(&self) -> Result<BaseProducer<Events>, AppendError> {
        let create = || -> Result<BaseProducer<Events>, SourceError> {
            let mut client = self.config.producer()?;
            client.set("transactional.id", format!("driftline-control-{}", self.config.topic));
            // An open transaction holds all readers back, so one whose owner died must end soon.
            client.set("transaction.timeout.ms", self.config.timeout_ms.min(10_000).to_string());
            client.set("message.timeout.ms", self.config.timeout_ms.min(10_000).to_string());
            let producer: BaseProducer<Events> =
                client.create_with_context(Events::new(&self.config)).map_err(|error| self.config.fault(error))?;
            retrying(|| producer.init_transactions(self.config.timeout())).map_err(|error| self.config.fault(error))?;
            Ok(producer)
        };
        create().map_err(|error| self.not_durable(u64::from(self.partitions), error))
    }

    fn attempt(&self, producer: &BaseProducer<Events>, payload: &[u8], partitions: u32) -> KafkaResult<()> {
        if partitions > self.partitions {
            // A client refuses what goes to a partition that it does not know, and by itself asks for new ones after minutes.
            producer.client().fetch_metadata(Some(&self.config.topic), self.config.timeout())?;
        }
        producer.begin_transaction()?;
        for partition in 0..partitions {
            let mark = OwnedHeaders::new().insert(Header { key: CONTROL_HEADER, value: Some("1") });
            let record = BaseRecord::<[u8], [u8]>::to(&self.config.topic)
                .partition(partition as i32)
                .payload(payload)
                .headers(mark);
            producer.send(record).map_err(|(error, _record)| error)?;
        }
        retrying(|| producer.commit_transaction(self.config.timeout()))
    }

    fn ends(&self, producer: &BaseProducer<Events>, partitions: u32) -> Vec<u64> {
        let deliveries = producer.context().deliveries.lock();
        (0..partitions).map(|partition| deliveries.ends.get(&partition).copied().unwrap_or(0)).collect()
    }
}

fn needs_abort(error: &KafkaError) -> bool {
    match error {
        KafkaError::Transaction(error) => error.txn_requires_abort(),
        // A record that the client refused is in no transaction, but those before it are.
        KafkaError::MessageProduction(_) => true,
        _ => false,
    }
}

/// Repeats a call that says of itself that it may be repeated.
fn retrying(call: impl Fn() -> KafkaResult<()>) -> KafkaResult<()> {
    for _ in 1..ATTEMPTS {
        match call() {
            Err(KafkaError::Transaction(error)) if error.is_retriable() => {
                std::thread::sleep(Duration::from_millis(100));
            }
            result => return result,
        }
    }
    call()
}

impl Appender for KafkaAppender {
    fn partitions(&self) -> u32 {
        self.partitions
    }

    fn append(&self, key: &[u8], payload: &[u8]) -> Result<u32, AppendError> {
        let partition = partition_of(key, self.partitions);
        let record = BaseRecord::to(&self.config.topic).partition(partition as i32).key(key).payload(payload);
        self.send(&self.producer, record)?;
        self.producer.poll(Duration::ZERO);
        Ok(partition)
    }

    fn append_control(&self, sealed: &Event) -> Result<Vec<u64>, AppendError> {
        self.sync()?;
        // A log that has grown takes it in its new partitions as well.
        let partitions = sealed.seal.map_or(self.partitions, |seal| seal.partitions);
        self.transact(&wire::encode(sealed), partitions)
    }

    /// The client counts the record's envelope against its limit as well.
    fn record_bytes_max(&self) -> usize {
        MESSAGE_BYTES_MAX - ENVELOPE_BYTES_MAX
    }

    fn sync(&self) -> Result<Vec<u64>, AppendError> {
        let flushed = self.producer.flush(self.config.timeout() + Duration::from_secs(1));
        flushed.map_err(|error| self.not_durable(self.producer.in_flight_count() as u64, error))?;
        let mut deliveries = self.producer.context().deliveries.lock();
        let failed = std::mem::take(&mut deliveries.failed);
        let reason = deliveries.reason.take();
        drop(deliveries);
        match reason {
            Some(reason) => Err(self.not_durable(failed, reason)),
            None => Ok(self.ends(&self.producer, self.partitions)),
        }
    }

    fn last_controls(&self, rule: &ControlRule) -> Result<LastControls, AppendError> {
        scan::last_controls(&self.config, rule).map_err(|error| self.not_durable(0, error))
    }
}
