//! What the routes answer from.

use crate::limits::WAIT_MAX;
use driftline_schema::FeatureMeta;
use driftline_sinks::{Metrics, ViewReader};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Shared by all requests; cloning is cheap.
#[derive(Clone)]
pub struct ApiState {
    /// The current view.
    pub view: ViewReader,
    /// What `/metrics` exports.
    pub metrics: Arc<Metrics>,
    /// The features table, in the order of the vectors.
    pub features: &'static [FeatureMeta],
    /// What `/readyz` reports.
    pub readiness: Readiness,
    /// How long `?at_least=` waits before it answers 503.
    pub wait_max: Duration,
}

impl ApiState {
    /// A state that is ready as soon as the view reflects a first time.
    pub fn new(view: ViewReader, metrics: Metrics, features: &'static [FeatureMeta]) -> Self {
        let metrics = Arc::new(metrics);
        Self { view, metrics, features, readiness: Readiness::default(), wait_max: WAIT_MAX }
    }
}

/// Named conditions that must all hold before traffic is sent here. Whoever owns a condition reports it.
#[derive(Clone, Default)]
pub struct Readiness {
    checks: Arc<Mutex<BTreeMap<&'static str, Result<(), String>>>>,
}

impl Readiness {
    /// Reports a condition: it holds, or why it does not.
    pub fn set(&self, check: &'static str, state: Result<(), String>) {
        self.checks.lock().insert(check, state);
    }
    /// All conditions by name.
    pub(crate) fn checks(&self) -> BTreeMap<&'static str, Result<(), String>> {
        self.checks.lock().clone()
    }
}
