//! Appends control records, one after the other, sealed and with numbers that go on where the log ends.
//!
//! *When* to cut may depend on clocks, label counts or drift; everything that follows is a function of the log.

use crate::clock::Clock;
use crate::controls::{ControlRule, Own};
use crate::source::{AppendError, Appender, LastControls};
use driftline_schema::{Control, ControlAction, ControlId, ModelRef};
use parking_lot::Mutex;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long partitions may wait at a control record that others do not hold before a further one releases them. Kafka
/// shows a transaction's records within a fraction of a second of each other.
const SETTLE_AFTER: Duration = Duration::from_secs(5);

/// The id of the control record of a cut.
pub fn cut_id(cut: u64) -> ControlId {
    ControlId::of("cut", cut)
}

/// The id of the control record that puts the models of a cut in force.
pub fn model_ready_id(cut: u64) -> ControlId {
    ControlId::of("model-ready", cut)
}

/// The one that appends control records. Calls of several threads are put in one order.
pub struct Conductor {
    appender: Arc<dyn Appender>,
    rule: ControlRule,
    numbers: Mutex<Numbers>,
    /// Reads the log from its beginning and so knows the numbers for certain, up to where it is.
    clock: OnceLock<Arc<Clock>>,
}

struct Numbers {
    last: LastControls,
    /// An append failed: the log alone knows whether its number is used.
    unsure: bool,
    settled: Option<Instant>,
}

impl Conductor {
    /// Goes on from the last control records that stand in the log.
    pub fn open(appender: Arc<dyn Appender>, rule: ControlRule) -> Result<Self, AppendError> {
        let last = appender.last_controls(&rule)?;
        let numbers = Mutex::new(Numbers { last, unsure: false, settled: None });
        Ok(Self { appender, rule, numbers, clock: OnceLock::new() })
    }

    /// Also goes on from what this clock has read.
    pub fn follow(&self, clock: Arc<Clock>) {
        // There is one clock a conductor; a second call would name the same.
        let _ = self.clock.set(clock);
    }

    /// Cuts the log here and returns the cut's number; they count from 1.
    pub fn cut(&self) -> Result<u64, AppendError> {
        let mut numbers = self.numbers.lock();
        self.refresh(&mut numbers)?;
        let cut = numbers.last.cut + 1;
        self.append_one(&mut numbers, Control { id: cut_id(cut), action: ControlAction::Cut { cut } })?;
        Ok(cut)
    }

    /// Puts the models trained at a cut in force from here on. False, and nothing is appended, when those of this cut or
    /// of a later one are in force already: a replay trains again what the log has.
    pub fn model_ready(&self, cut: u64, models: Vec<ModelRef>) -> Result<bool, AppendError> {
        let mut numbers = self.numbers.lock();
        self.refresh(&mut numbers)?;
        if cut <= numbers.last.model_ready || cut > numbers.last.cut {
            return Ok(false);
        }
        let action = ControlAction::ModelReady { cut, models };
        self.append_one(&mut numbers, Control { id: model_ready_id(cut), action })?;
        Ok(true)
    }

    /// Appends any other control record.
    pub fn append(&self, control: Control) -> Result<(), AppendError> {
        let mut numbers = self.numbers.lock();
        self.refresh(&mut numbers)?;
        self.append_one(&mut numbers, control)
    }

    /// Releases partitions that have been waiting at a control record which the others do not hold: a further control
    /// record, which says nothing, brings every partition past its number, and what stands in some partitions only is
    /// ignored from then on. To be called from time to time.
    pub fn settle(&self) -> Result<(), AppendError> {
        let waits = self.clock.get().and_then(|clock| clock.waits_for_a_control_record());
        if waits.is_none_or(|waits| waits < SETTLE_AFTER) {
            return Ok(());
        }
        let mut numbers = self.numbers.lock();
        if numbers.settled.is_some_and(|settled| settled.elapsed() < SETTLE_AFTER) {
            return Ok(());
        }
        self.refresh(&mut numbers)?;
        numbers.settled = Some(Instant::now());
        tracing::warn!("a control record stands in some partitions only and is passed over");
        // A time before 1970 advances no clock.
        let action = ControlAction::Tick { time: -1 };
        self.append_one(&mut numbers, Control { id: ControlId::of("settle", 0), action })
    }

    /// Opens the partitions below `count` that the log did not have before: a control record is written to all of them, and
    /// every record of the new ones comes after it. It is a cut where models are in force and none are being trained, since
    /// no model scores the records of a new partition until the next ones are ready; else it says nothing.
    pub fn open_partitions(&self, count: u32) -> Result<(), AppendError> {
        let mut numbers = self.numbers.lock();
        self.refresh(&mut numbers)?;
        let before = numbers.last.partitions;
        if count <= before {
            return Ok(());
        }
        tracing::info!(before, count, "the topic has more partitions; they are read from their beginning");
        numbers.last.partitions = count;
        let LastControls { cut, model_ready, .. } = numbers.last;
        let control = if cut > 0 && cut == model_ready {
            Control { id: cut_id(cut + 1), action: ControlAction::Cut { cut: cut + 1 } }
        } else {
            Control { id: ControlId::of("partitions", u64::from(count)), action: ControlAction::Tick { time: -1 } }
        };
        let appended = self.append_one(&mut numbers, control);
        if appended.is_err() {
            // The log alone knows whether it stands there.
            numbers.last.partitions = before;
        }
        appended
    }

    /// The highest numbers appended so far, by this conductor or before it.
    pub fn last(&self) -> LastControls {
        let mut numbers = self.numbers.lock();
        self.learn(&mut numbers);
        numbers.last
    }

    fn learn(&self, numbers: &mut Numbers) {
        if let Some(clock) = self.clock.get() {
            numbers.last = numbers.last.or_later(clock.last_controls());
        }
    }

    fn refresh(&self, numbers: &mut Numbers) -> Result<(), AppendError> {
        if numbers.unsure {
            numbers.last = numbers.last.or_later(self.appender.last_controls(&self.rule)?);
            numbers.unsure = false;
        }
        self.learn(numbers);
        Ok(())
    }

    fn append_one(&self, numbers: &mut Numbers, control: Control) -> Result<(), AppendError> {
        let sequence = numbers.last.sequence + 1;
        let partitions = if numbers.last.partitions > 0 { numbers.last.partitions } else { self.appender.partitions() };
        let sealed = self.rule.seal(control.clone(), sequence, partitions);
        match self.appender.append_control(&sealed) {
            Ok(_ends) => {
                numbers.last.note(&Own { control, sequence: Some(sequence), partitions });
                Ok(())
            }
            Err(error) => {
                numbers.unsure = true;
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::testing::rule;
    use crate::log::{DataDir, EmbeddedLog, LogConfig, scratch};
    use driftline_schema::Event;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Fails after the record was appended, as a lost confirmation does.
    struct Unsure(EmbeddedLog, AtomicBool);

    impl Appender for Unsure {
        fn partitions(&self) -> u32 {
            self.0.partitions()
        }
        fn append(&self, key: &[u8], payload: &[u8]) -> Result<u32, AppendError> {
            Appender::append(&self.0, key, payload)
        }
        fn append_control(&self, sealed: &Event) -> Result<Vec<u64>, AppendError> {
            let ends = self.0.append_control(sealed)?;
            if self.1.swap(false, Ordering::Relaxed) {
                let (topic, reason) = ("t".to_owned(), "lost".to_owned());
                return Err(AppendError::NotDurable { topic, records: 1, reason });
            }
            Ok(ends)
        }
        fn sync(&self) -> Result<Vec<u64>, AppendError> {
            Appender::sync(&self.0)
        }
        fn last_controls(&self, rule: &ControlRule) -> Result<LastControls, AppendError> {
            Appender::last_controls(&self.0, rule)
        }
    }

    #[test]
    fn partitions_are_opened_by_a_cut_where_models_are_in_force_and_none_are_being_trained() {
        let dir = scratch();
        let data = DataDir::open(dir.path()).expect("free");
        let log = EmbeddedLog::open(&data, &LogConfig::default()).expect("opens");
        let partitions = EmbeddedLog::partitions(&log);
        let conductor = Conductor::open(Arc::new(log), rule()).expect("opens");
        conductor.cut().expect("cuts");
        conductor.open_partitions(partitions + 1).expect("opens");
        assert_eq!(conductor.last().cut, 1, "the models of the first cut will cover the new partition");
        assert!(conductor.model_ready(1, vec![]).expect("appends"));
        conductor.open_partitions(partitions + 2).expect("opens");
        let last = conductor.last();
        assert_eq!((last.cut, last.model_ready, last.partitions), (2, 1, partitions + 2));
        conductor.open_partitions(partitions + 2).expect("are open");
        assert_eq!(conductor.last().cut, 2);
    }

    #[test]
    fn numbers_go_on_after_a_restart_and_after_an_append_of_unknown_outcome() {
        let dir = scratch();
        let open = || {
            let data = DataDir::open(dir.path()).expect("free");
            let log = EmbeddedLog::open(&data, &LogConfig::default()).expect("opens");
            let appender = Arc::new(Unsure(log, AtomicBool::new(false)));
            (appender.clone(), Conductor::open(appender, rule()).expect("opens"))
        };
        let (_, conductor) = open();
        assert_eq!(conductor.cut().expect("cuts"), 1);
        assert!(conductor.model_ready(1, vec![]).expect("appends"));
        assert!(!conductor.model_ready(1, vec![]).expect("is there already"));
        assert!(!conductor.model_ready(2, vec![]).expect("there is no such cut"));
        drop(conductor);
        let (appender, conductor) = open();
        assert_eq!(
            conductor.last(),
            LastControls { cut: 1, model_ready: 1, sequence: 2, partitions: appender.partitions(), foreign: 0 }
        );
        appender.1.store(true, Ordering::Relaxed);
        conductor.cut().expect_err("the confirmation was lost");
        assert_eq!(conductor.cut().expect("cuts"), 3, "the lost one stands");
    }
}
