//! A log in a temporary folder and an engine over it: what the suites run and compare.

use driftline::clock::ClockConfig;
use driftline::conductor::Conductor;
use driftline::config::TrainingConfig;
use driftline::controls::ControlRule;
use driftline::engine::{Engine, EngineConfig};
use driftline::importer::Schedule;
use driftline::log::{DataDir, EmbeddedLog, LogConfig};
use driftline::source::EmbeddedSource;
use driftline_operators::digest::Digests;
use driftline_schema::{ControlKey, Event, wire};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// How an engine is run over a log.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// Dataflow workers.
    pub workers: usize,
    /// Records in one binding at most.
    pub records_per_binding: u32,
}

/// A log with what the suites need around it.
pub struct Lab {
    log: Arc<EmbeddedLog>,
    partitions: u32,
    /// Folders that go with the lab: the log's, and one for the bindings and models of every run.
    folders: Mutex<Vec<tempfile::TempDir>>,
}

/// The rule that labs seal and read control records by.
pub fn control_rule() -> ControlRule {
    ControlRule::new(ControlKey::of_log(b"the secret of all labs", "lab"), Vec::new())
}

/// Cuts come early, so that short histories have models.
pub fn training() -> TrainingConfig {
    let number = |value| NonZeroU32::new(value).expect("not zero");
    TrainingConfig { first_cut: number(100), cut_every: number(100), rows_min: 30 }
}

impl Lab {
    /// An empty log in a folder that goes with the lab.
    pub fn new(partitions: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let lab = Self::open(folder.path(), partitions);
        lab.folders.lock().expect("no holder panics").push(folder);
        lab
    }

    /// The log in `folder`.
    pub fn open(folder: &Path, partitions: u32) -> Self {
        let dir = DataDir::open(folder).expect("the folder can be used");
        let count = NonZeroU32::new(partitions).expect("a log has partitions");
        let log =
            EmbeddedLog::open(&dir, &LogConfig { partitions: count, ..LogConfig::default() }).expect("the log opens");
        Self { log: Arc::new(log), partitions, folders: Mutex::default() }
    }

    /// Number of partitions.
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    fn conductor(&self) -> Conductor {
        Conductor::open(self.log.clone(), control_rule()).expect("the log can be read")
    }

    /// Appends an event as a control record to every partition, whoever sealed it, if anybody did.
    pub fn append_forged(&self, event: &Event) {
        self.log.append_control(event).expect("the log takes it");
    }

    /// Appends events; control records are sealed as the engine's own.
    pub fn append(&self, events: &[Event]) {
        for event in events {
            match &event.control {
                Some(control) => self.conductor().append(control.clone()).expect("the log takes it"),
                None => self.append_raw(event.repository.as_bytes(), &wire::encode(event)),
            }
        }
        self.log.sync().expect("the log takes it");
    }

    /// Appends any bytes.
    pub fn append_raw(&self, key: &[u8], payload: &[u8]) {
        self.log.append(key, payload).expect("the log takes it");
    }

    /// Makes raw appends durable.
    pub fn sync(&self) {
        self.log.sync().expect("the log takes it");
    }

    /// Starts an engine that announces its models, with bindings and models of its own.
    pub fn start(&self, way: Way) -> Engine {
        let records = NonZeroU32::new(way.records_per_binding).expect("a binding holds records");
        let clock = ClockConfig { records_per_binding_max: records, ..ClockConfig::default() };
        let workers = NonZeroUsize::new(way.workers).expect("an engine has workers");
        let config =
            EngineConfig { workers, clock, training: training(), controls: control_rule(), ..EngineConfig::default() };
        let source = Box::new(EmbeddedSource::new(&self.log).expect("the log can be read"));
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let dir = DataDir::open(scratch.path()).expect("the folder can be used");
        self.folders.lock().expect("no holder panics").push(scratch);
        Engine::start(&dir, source, self.log.clone(), &config, Vec::new()).expect("the engine starts")
    }

    /// Appends events with cuts as the importer places them, waiting for the models of each.
    pub fn import(&self, engine: &Engine, events: &[Event]) {
        let schedule = Schedule::new(&training());
        for (index, event) in events.iter().enumerate() {
            self.append_raw(event.repository.as_bytes(), &wire::encode(event));
            if schedule.cuts(index as u64 + 1) > schedule.cuts(index as u64) {
                let cut = engine.conductor().cut().expect("a cut is appended");
                engine.wait_for_models(cut).expect("models are trained");
            }
        }
        self.log.sync().expect("the log takes it");
        engine.wait_until_idle().expect("everything is reflected");
    }

    /// Runs over the log until everything is reflected and gives the digests.
    pub fn digests(&self, way: Way) -> Digests {
        let engine = self.start(way);
        engine.wait_until_idle().expect("everything is reflected");
        let digests = engine.reflected().digests;
        engine.stop().expect("the engine stops");
        digests
    }
}
