//! What every worker builds the same dataflow from: one plan, shared, so that no two workers can differ.

use crate::cpu::{StageCpu, thread_cpu_ns};
use crate::engine::EngineConfig;
use crate::standing::Standing;
use driftline_operators::drift::DriftConfig;
use driftline_operators::features::FEATURES;
use driftline_operators::models::{ModelShelf, TrainConfig};
use driftline_operators::origins::OriginSettings;
use driftline_operators::parse::{ParseSettings, ParseStats};
use driftline_operators::syntax::SyntaxLimits;
use driftline_schema::Limits;
use driftline_sinks::metrics::Metrics;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};

/// The settings and shared parts of the dataflow.
#[derive(Clone)]
pub struct Plan {
    /// What one event may hold.
    pub limits: Limits,
    /// How parsing is bounded and observed.
    pub parse: ParseSettings,
    /// How line origins are kept.
    pub origins: OriginSettings,
    /// Seconds of event time after which a change without evidence is provisionally clean.
    pub waiting_s: i64,
    /// When a scope has enough examples.
    pub train: TrainConfig,
    /// Windows and thresholds of drift.
    pub drift: DriftConfig,
    /// The names of the features, in the order of the vectors.
    pub feature_names: Vec<&'static str>,
    /// Who trains and keeps models.
    pub shelf: Arc<dyn ModelShelf>,
    /// Counts that the dataflow keeps for people.
    pub counts: Arc<Counts>,
    /// Which commits the log holds that were not withdrawn since.
    pub standing: Arc<Standing>,
    /// What `/metrics` exports.
    pub metrics: Metrics,
}

/// Counters fed by the dataflow; for people and `/metrics`, never for an answer.
#[derive(Debug, Default)]
pub struct Counts {
    /// What was parsed and what was not parsed again.
    pub parse: Arc<ParseStats>,
    /// CPU time by stage.
    pub stages: Stages,
    /// Records accepted.
    pub accepted: AtomicU64,
    /// Accepted changes that are dated too far after the log took them to advance the event clock.
    pub ahead_of_clock: AtomicU64,
    /// Repositories whose events are in several partitions.
    pub split_repositories: AtomicI64,
    /// Unknown fields in accepted records.
    pub unknown_fields: AtomicU64,
}

impl Counts {
    /// Counts that add training to `train`.
    pub fn with_training(train: Arc<StageCpu>) -> Self {
        Self { stages: Stages { train, ..Stages::default() }, ..Self::default() }
    }
}

/// CPU time of the engine's threads.
#[derive(Debug, Default)]
pub struct Stages {
    /// Reading histories: objects, tree and line diffs.
    pub collect: Arc<StageCpu>,
    /// Writing events to the log.
    pub append: Arc<StageCpu>,
    /// The workers: everything in the dataflow, parsing included.
    pub dataflow: Arc<StageCpu>,
    /// Training.
    pub train: Arc<StageCpu>,
}

impl Plan {
    /// A plan with the default settings of every operator.
    pub fn new(config: &EngineConfig, shelf: Arc<dyn ModelShelf>, train_cpu: Arc<StageCpu>, metrics: Metrics) -> Self {
        let limits = config.limits.clone();
        let syntax = SyntaxLimits { file_bytes_max: limits.file_bytes_max, ..SyntaxLimits::default() };
        let counts = Arc::new(Counts::with_training(train_cpu));
        let parse = ParseSettings { limits: syntax, stats: counts.parse.clone(), cpu_clock: thread_cpu_ns };
        Self {
            limits,
            parse,
            origins: OriginSettings::default(),
            waiting_s: i64::from(config.labels.waiting_days.get()) * 86_400,
            train: TrainConfig { rows_min: config.training.rows_min, ..TrainConfig::default() },
            drift: DriftConfig::default(),
            feature_names: FEATURES.iter().map(|meta| meta.name).collect(),
            shelf,
            counts,
            standing: Arc::new(Standing::default()),
            metrics,
        }
    }
}
