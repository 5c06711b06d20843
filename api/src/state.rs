//! What the routes answer from.

use crate::limits::{EXPORTS_MAX, WAIT_MAX};
use crate::repositories::Repositories;
use driftline_schema::FeatureMeta;
use driftline_sinks::{Metrics, ViewReader};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Shared by all requests; cloning is cheap.
#[derive(Clone)]
pub struct ApiState {
    /// The current view.
    pub view: ViewReader,
    /// What `/metrics` exports.
    pub metrics: Arc<Metrics>,
    /// The features table, in the order of the vectors.
    pub features: &'static [FeatureMeta],
    /// The version of the features table.
    pub features_version: u32,
    /// What `/readyz` reports.
    pub readiness: Readiness,
    /// The repositories that are followed from here, and how that goes.
    pub repositories: Repositories,
    /// Tells the digests of what is reflected; absent where nobody can.
    pub digests: Option<DigestsNow>,
    /// How long `?at_least=` waits before it answers 503.
    pub wait_max: Duration,
    /// One permit for each export that may be under way.
    pub(crate) exports: Arc<Semaphore>,
}

/// The digests of every maintained collection at a place of the log.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DigestsAt {
    /// Next offset of each partition: the log up to here is reflected.
    pub offsets: Vec<u64>,
    /// One digest over all collections.
    pub digest: String,
    /// The digest of each collection by name.
    pub collections: BTreeMap<&'static str, String>,
}

/// Tells the digests of what is reflected now.
pub type DigestsNow = Arc<dyn Fn() -> DigestsAt + Send + Sync>;

impl ApiState {
    /// A state that is ready as soon as the view reflects a first time.
    pub fn new(view: ViewReader, metrics: Metrics, features: &'static [FeatureMeta]) -> Self {
        let metrics = Arc::new(metrics);
        Self {
            view,
            metrics,
            features,
            features_version: 0,
            readiness: Readiness::default(),
            repositories: Repositories::default(),
            digests: None,
            wait_max: WAIT_MAX,
            exports: Arc::new(Semaphore::new(EXPORTS_MAX)),
        }
    }
}

/// How a condition stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// It holds.
    Holds,
    /// It holds for the most part; what does not is said.
    Remark(String),
    /// It does not hold, and why.
    Fails(String),
}

/// Named conditions that must all hold before traffic is sent here. Whoever owns a condition reports it.
#[derive(Clone, Default)]
pub struct Readiness {
    checks: Arc<Mutex<BTreeMap<&'static str, Check>>>,
}

impl Readiness {
    /// Reports a condition: it holds, or why it does not.
    pub fn set(&self, check: &'static str, state: Result<(), String>) {
        let state = state.map_or_else(Check::Fails, |()| Check::Holds);
        self.checks.lock().insert(check, state);
    }
    /// Reports a condition that holds, but not altogether: traffic is welcome, and whoever looks should know.
    pub fn remark(&self, check: &'static str, remark: String) {
        self.checks.lock().insert(check, Check::Remark(remark));
    }
    /// All conditions by name.
    pub(crate) fn checks(&self) -> BTreeMap<&'static str, Check> {
        self.checks.lock().clone()
    }
}
