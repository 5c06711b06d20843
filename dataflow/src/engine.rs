//! The running engine: a source behind a clock, workers, trainer, publisher, sinks and view, started and stopped as one.
//!
//! Nothing here knows which log it runs on. A panic of a worker ends the engine: partial answers are worse than none.

use crate::capture::{Publisher, Reflected, Reflections};
use crate::clock::{Clock, ClockConfig, ClockError};
use crate::conductor::Conductor;
use crate::config::{BackendChoice, LabelConfig, TrainingConfig};
use crate::controls::ControlRule;
use crate::cpu::StageCpu;
use crate::delivery::Deliveries;
use crate::log::DataDir;
use crate::plan::{Counts, Plan};
use crate::source::{AppendError, Appender, Source};
use crate::standing::Standing;
use crate::telemetry::{Telemetry, Watched};
use crate::trainer::{Trainer, TrainerConfig, TrainerError};
use crate::worker;
use driftline_kernels::backend::Backend as _;
use driftline_kernels::{AutoBackend, CudaConfig};
use driftline_operators::features::{FEATURES, FEATURES_VERSION, column};
use driftline_operators::validate::REPOSITORY_BYTES_MAX;
use driftline_schema::{Limits, ModelId, ModelInfo, ModelRef};
use driftline_sinks::Sink;
use driftline_sinks::metrics::{Metrics, MetricsSink};
use driftline_sinks::view::{View, ViewReader};
use parking_lot::Mutex;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use timely::communication::WorkerGuards;

/// Seconds between two tries to announce models.
const ANNOUNCE_PAUSE_S: u64 = 2;

/// How the engine is set up, whatever the log.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Dataflow workers.
    pub workers: NonZeroUsize,
    /// How bindings are cut.
    pub clock: ClockConfig,
    /// When models are trained.
    pub training: TrainingConfig,
    /// Where models are trained and scored.
    pub backend: BackendChoice,
    /// How labels come about.
    pub labels: LabelConfig,
    /// What one event may hold.
    pub limits: Limits,
    /// Whether trained models are announced in the log; a replay only reads it.
    pub announce: bool,
    /// Which control records are the engine's own. By default none that stand in a log are: whoever opens one gives its
    /// key.
    pub controls: ControlRule,
    /// Where models of the log are looked for that cannot be rebuilt from it, besides the data folder.
    pub further_models: Option<PathBuf>,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            workers: NonZeroUsize::MIN,
            clock: ClockConfig::default(),
            training: TrainingConfig::default(),
            backend: BackendChoice::default(),
            labels: LabelConfig::default(),
            limits: Limits::default(),
            announce: true,
            controls: ControlRule::of_this_run(),
            further_models: None,
        }
    }
}

/// Why the engine does not run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The clock could not start or stopped.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// Models cannot be trained or kept.
    #[error(transparent)]
    Trainer(#[from] TrainerError),
    /// A control record could not be appended.
    #[error("the log does not take control records")]
    Append(#[from] AppendError),
    /// An event within the limits could be refused by the log.
    #[error(
        "limits.event_bytes_max is {event_bytes_max}, but the log takes records of {record_bytes_max} bytes at most, key \
         included: set a smaller limit"
    )]
    RecordLimit {
        /// The limit on an event.
        event_bytes_max: usize,
        /// The limit of the log.
        record_bytes_max: usize,
    },
    /// A thread could not be started.
    #[error("cannot start the engine's threads")]
    Threads(#[source] std::io::Error),
    /// The log can no longer be read.
    #[error("the log can no longer be read: {0}")]
    Source(String),
    /// timely refused its configuration.
    #[error("cannot start the dataflow: {0}")]
    Dataflow(String),
    /// A worker stopped before it was asked to; its panic was printed above.
    #[error(
        "a dataflow worker stopped: {0}; the log is whole, so start again, and report the message if it comes back"
    )]
    Worker(String),
}

/// A running engine.
pub struct Engine {
    clock: Arc<Clock>,
    workers: Option<WorkerGuards<()>>,
    publisher: Option<Publisher>,
    telemetry: Option<Telemetry>,
    metrics: Metrics,
    trainer: Arc<Trainer>,
    backend: String,
    view: ViewReader,
    counts: Arc<Counts>,
    standing: Arc<Standing>,
    stopping: Arc<AtomicBool>,
    conductor: Arc<Conductor>,
    training_failed: Arc<Mutex<Option<AppendError>>>,
}

impl Engine {
    /// Starts everything. `further` sinks take each closed time after the view.
    pub fn start(
        dir: &DataDir,
        source: Box<dyn Source>,
        appender: Arc<dyn Appender>,
        config: &EngineConfig,
        further: Vec<Box<dyn Sink>>,
    ) -> Result<Self, EngineError> {
        Self::start_with(dir, source, appender, config, further, Metrics::new())
    }

    /// The same with a registry of metrics that sinks already report to.
    pub fn start_with(
        dir: &DataDir,
        source: Box<dyn Source>,
        appender: Arc<dyn Appender>,
        config: &EngineConfig,
        further: Vec<Box<dyn Sink>>,
        metrics: Metrics,
    ) -> Result<Self, EngineError> {
        check_record_limit(appender.as_ref(), &config.limits)?;
        let train_cpu = Arc::<StageCpu>::default();
        let training_failed: Arc<Mutex<Option<AppendError>>> = Arc::default();
        let conductor = Arc::new(Conductor::open(appender, config.controls.clone())?);
        let backend = open_backend(dir, config.backend);
        metrics.set_backend(backend.name(), backend.description());
        let description = backend.description().to_owned();
        let stopping = Arc::<AtomicBool>::default();
        let announcer =
            Announcer { conductor: conductor.clone(), failed: training_failed.clone(), stopping: stopping.clone() };
        let trainer = Arc::new(start_trainer(dir, announcer, config, backend, &train_cpu)?);
        let plan = Plan::new(config, trainer.shelf(), train_cpu, metrics.clone());
        let (counts, standing) = (plan.counts.clone(), plan.standing.clone());
        let clock = Clock::start(source, dir, config.workers.get(), &config.clock, &config.controls)?;
        conductor.follow(clock.clone());
        let (view_sink, view) = View::open();
        let metrics_sink = MetricsSink::new(&metrics, view.clone());
        let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(view_sink), Box::new(metrics_sink)];
        sinks.extend(further);
        let vectors = clock.clone();
        let vector_of = Box::new(move |time| vectors.vector(time).unwrap_or_default());
        let publisher =
            Publisher::start(config.workers.get(), vector_of, sinks, &metrics).map_err(EngineError::Threads)?;
        let watched = Watched {
            metrics: metrics.clone(),
            clock: clock.clone(),
            plan: plan.clone(),
            reflections: publisher.reflections(),
        };
        let telemetry = Telemetry::start(watched).map_err(EngineError::Threads)?;
        let (reports, shared) = (publisher.reports(), clock.clone());
        let workers = timely::execute(timely::Config::process(config.workers.get()), move |worker| {
            worker::run(worker, &shared, &plan, &reports);
        })
        .map_err(EngineError::Dataflow)?;
        Ok(Self {
            clock,
            workers: Some(workers),
            publisher: Some(publisher),
            trainer,
            telemetry: Some(telemetry),
            metrics,
            backend: description,
            view,
            counts,
            standing,
            stopping,
            conductor,
            training_failed,
        })
    }

    /// The current view.
    pub fn view(&self) -> &ViewReader {
        &self.view
    }

    /// What `/metrics` exports.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Where models are trained and scored: "cpu", or the device's name.
    pub fn backend(&self) -> &str {
        &self.backend
    }

    /// Counters for people.
    pub fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// Which commits the log holds that were not withdrawn since, as far as it is reflected.
    pub fn standing(&self) -> &Arc<Standing> {
        &self.standing
    }

    /// Who appends control records to the engine's log.
    pub fn conductor(&self) -> &Arc<Conductor> {
        &self.conductor
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// What is reflected, with digests.
    pub fn reflected(&self) -> Reflected {
        self.publisher.as_ref().map(Publisher::reflected).unwrap_or_default()
    }

    /// A handle that tells the same, for threads of their own.
    pub fn reflections(&self) -> Option<Reflections> {
        self.publisher.as_ref().map(Publisher::reflections)
    }

    /// Models trained or rebuilt since the start.
    pub fn models(&self) -> Vec<ModelInfo> {
        self.trainer.infos()
    }

    /// Models of the log that cannot be had, with the reason; their predictions abstain.
    pub fn models_unavailable(&self) -> Vec<(ModelId, String)> {
        self.trainer.unavailable()
    }

    /// How the sinks fare; it goes on telling after the engine was stopped.
    pub fn deliveries(&self) -> Deliveries {
        self.publisher.as_ref().map(|publisher| publisher.deliveries().clone()).unwrap_or_default()
    }

    /// Waits until the models of `cut` are trained and announced.
    pub fn wait_for_models(&self, cut: u64) -> Result<(), EngineError> {
        while !self.trainer.wait(cut, || self.has_stopped()) {
            self.check()?;
        }
        self.check()
    }

    /// Waits until everything durable in the log is reflected in the view.
    pub fn wait_until_idle(&self) -> Result<(), EngineError> {
        loop {
            self.check()?;
            if let Some(time) = self.clock.wait_idle(Duration::from_millis(200))
                && self.publisher.as_ref().is_some_and(|publisher| publisher.wait(time, Duration::from_millis(200)))
                && self.view_reflects(time)
            {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn view_reflects(&self, time: u64) -> bool {
        time == 0 || self.view.as_of().time.is_some_and(|reflected| reflected >= time)
    }

    fn has_stopped(&self) -> bool {
        self.check().is_err()
    }

    /// Whether everything still runs.
    pub fn check(&self) -> Result<(), EngineError> {
        if let Some(error) = self.training_failed.lock().take() {
            return Err(error.into());
        }
        if let Some(reason) = self.clock.failure() {
            return Err(EngineError::Source(reason.to_string()));
        }
        let guards = self.workers.as_ref().map(WorkerGuards::guards).unwrap_or_default();
        if !self.stopping.load(Ordering::Acquire) && guards.iter().any(std::thread::JoinHandle::is_finished) {
            return Err(EngineError::Worker("see the message above".to_owned()));
        }
        Ok(())
    }

    /// Stops in order: source, workers, publisher; what was bound is finished first.
    pub fn stop(mut self) -> Result<(), EngineError> {
        self.stopping.store(true, Ordering::Release);
        self.telemetry = None;
        self.clock.stop();
        let mut result = Ok(());
        if let Some(workers) = self.workers.take() {
            for joined in workers.join() {
                result = result.and(joined.map_err(EngineError::Worker));
            }
        }
        if let Some(publisher) = self.publisher.take() {
            publisher.finish();
        }
        result
    }
}

impl Drop for Engine {
    /// Without this an engine dropped on the way out of an error would wait for workers that nobody has stopped.
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        self.clock.stop();
    }
}

/// The log must take every event that the limits allow, or an importer would stop at one that it does not take.
fn check_record_limit(appender: &dyn Appender, limits: &Limits) -> Result<(), EngineError> {
    let (event_bytes_max, record_bytes_max) = (limits.event_bytes_max, appender.record_bytes_max());
    if event_bytes_max.saturating_add(REPOSITORY_BYTES_MAX) > record_bytes_max {
        return Err(EngineError::RecordLimit { event_bytes_max, record_bytes_max });
    }
    Ok(())
}

/// The backend that is wanted and can be had; what was compiled for a device is kept in the data folder.
fn open_backend(dir: &DataDir, choice: BackendChoice) -> AutoBackend {
    match choice {
        BackendChoice::Auto => {
            let cubin_cache = Some(dir.path().join("kernels"));
            AutoBackend::probe(&CudaConfig { cubin_cache, ..CudaConfig::default() })
        }
        BackendChoice::Cpu => AutoBackend::cpu(),
    }
}

/// Announces trained models in the log.
struct Announcer {
    conductor: Arc<Conductor>,
    failed: Arc<Mutex<Option<AppendError>>>,
    stopping: Arc<AtomicBool>,
}

impl Announcer {
    /// A log that cannot be reached at the moment is tried until it can: the models are trained and wait for nothing else.
    fn announce(&self, cut: u64, models: &[ModelRef]) {
        while let Err(error) = self.conductor.model_ready(cut, models.to_vec()) {
            if !matches!(error, AppendError::NotDurable { .. }) {
                *self.failed.lock() = Some(error);
                return;
            }
            tracing::warn!(cut, %error, "trained models could not be announced; it is tried again");
            for _ in 0..ANNOUNCE_PAUSE_S * 10 {
                if self.stopping.load(Ordering::Acquire) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

fn start_trainer(
    dir: &DataDir,
    announcer: Announcer,
    config: &EngineConfig,
    backend: AutoBackend,
    cpu: &Arc<StageCpu>,
) -> Result<Trainer, EngineError> {
    let announce = config.announce;
    let trainer_config = TrainerConfig {
        folder: dir.path().join("models"),
        further: config.further_models.clone(),
        backend,
        size_column: column("la").expect("lines added is a feature") as u32,
        features_version: FEATURES_VERSION,
        features: FEATURES.iter().map(|feature| feature.name.to_owned()).collect(),
        answered: announcer.conductor.last().model_ready,
        cpu: cpu.clone(),
    };
    let on_ready = Box::new(move |cut, models: Vec<ModelRef>| {
        if announce {
            announcer.announce(cut, &models);
        }
    });
    Ok(Trainer::start(trainer_config, on_ready)?)
}
