//! Reading the view: cheap to clone, safe to share, consistent within one answer.

use super::names::Names;
use super::quality::Quality;
use super::query::{
    self, ChangeDetail, Found, Lifted, Lookup, PredictionPage, PredictionQuery, PredictionRow, RepoRow,
};
use super::wait::{self, Reached};
use super::{AsOf, Shared};
use driftline_schema::{Alert, DriftRow, EvidenceKind, ModelInfo, Position, RejectReason, Verdict};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Answers questions about the view.
#[derive(Clone)]
pub struct ViewReader {
    shared: Arc<Shared>,
}

/// Counts over the whole view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// What they reflect.
    pub as_of: Arc<AsOf>,
    /// Repositories with at least one live change.
    pub repositories: usize,
    /// Live changes, that is positions with at least one row.
    pub changes: usize,
    /// Live predictions, those that abstain included.
    pub predictions: usize,
    /// Live predictions with a risk.
    pub scored: usize,
    /// Live vectors.
    pub vectors: usize,
    /// Live rows of evidence.
    pub evidence: usize,
    /// Live labels by strongest evidence and verdict.
    pub labels: BTreeMap<(EvidenceKind, Verdict), u64>,
    /// Rejected records by reason, since the start of the process.
    pub rejects: BTreeMap<RejectReason, u64>,
    /// Alerts that are open.
    pub alerts_open: usize,
    /// Alerts, resolved ones included.
    pub alerts: usize,
    /// Drift statistics.
    pub drift_rows: usize,
    /// Models in use.
    pub models: usize,
    /// The event clock of each partition, seconds since 1970.
    pub event_clock: BTreeMap<u32, i64>,
    /// How good the predictions turned out to be.
    pub quality: Quality,
    /// Memory the view holds, estimated from the sizes of its parts, in bytes.
    pub bytes: usize,
    /// Rows that did not fit the one-row-a-key rule; anything but zero is a bug upstream.
    pub conflicts: u64,
}

impl ViewReader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// What the view reflects now.
    pub fn as_of(&self) -> Arc<AsOf> {
        Arc::clone(&self.shared.state.read().as_of)
    }

    /// The change of `repository` whose commit begins with `prefix` (4 or more hex digits).
    pub fn lookup(&self, repository: &str, prefix: &str) -> (Arc<AsOf>, Lookup) {
        let (as_of, lookup) = self.find(repository, prefix);
        (as_of, lookup.map(|found| Box::new(found.detail())))
    }

    /// The same, left packed: for answers that are written at once.
    pub fn find(&self, repository: &str, prefix: &str) -> (Arc<AsOf>, Lookup<Found>) {
        let state = self.shared.state.read();
        let lookup = query::resolve(&state, repository, prefix);
        let found = lookup.map(|lifted| Found { lifted, names: Arc::clone(&state.names) });
        (Arc::clone(&state.as_of), found)
    }

    /// One page of predictions.
    pub fn predictions(&self, query: &PredictionQuery) -> PredictionPage {
        let (as_of, names, listed) = {
            let state = self.shared.state.read();
            (Arc::clone(&state.as_of), Arc::clone(&state.names), query::list(&state, query))
        };
        let Some((lifted, next)) = listed else { return PredictionPage { as_of, rows: None, next: None } };
        let row = |lifted: Lifted| {
            let detail = lifted.unpack(&names);
            detail.prediction.map(|prediction| PredictionRow { prediction, label: detail.label })
        };
        PredictionPage { as_of, rows: Some(lifted.into_iter().filter_map(row).collect()), next }
    }

    /// All repositories, by name.
    pub fn repositories(&self) -> (Arc<AsOf>, Vec<RepoRow>) {
        let state = self.shared.state.read();
        let rows = state.repo_ids.values().map(|id| RepoRow::of(&state.repos[id])).collect();
        (Arc::clone(&state.as_of), rows)
    }

    /// Whether anything is known under this name: a repository with changes, or one whose drift is still shown.
    pub fn knows(&self, repository: &str) -> bool {
        let state = self.shared.state.read();
        state.repo_ids.contains_key(repository)
            || state.drift.values().any(|row| row.repository == repository)
            || state.alerts.values().any(|alert| alert.repository == repository)
    }

    /// Drift statistics by repository and feature, of one repository where it is named.
    pub fn drift(&self, repository: Option<&str>) -> (Arc<AsOf>, Vec<DriftRow>) {
        let state = self.shared.state.read();
        let wanted = |row: &&DriftRow| repository.is_none_or(|name| row.repository == name);
        let mut rows: Vec<_> = state.drift.values().filter(wanted).cloned().collect();
        let as_of = Arc::clone(&state.as_of);
        drop(state);
        rows.sort_by(|a, b| (&a.repository, &a.feature).cmp(&(&b.repository, &b.feature)));
        (as_of, rows)
    }

    /// Alerts, newest first by event time.
    pub fn alerts(&self) -> (Arc<AsOf>, Vec<Alert>) {
        let state = self.shared.state.read();
        let mut rows: Vec<_> = state.alerts.values().cloned().collect();
        let as_of = Arc::clone(&state.as_of);
        drop(state);
        rows.sort_by(|a, b| (b.opened_time, &b.id).cmp(&(a.opened_time, &a.id)));
        (as_of, rows)
    }

    /// Models in use, newest cut first.
    pub fn models(&self) -> (Arc<AsOf>, Vec<ModelInfo>) {
        let state = self.shared.state.read();
        let mut rows: Vec<_> = state.models.iter().cloned().collect();
        let as_of = Arc::clone(&state.as_of);
        drop(state);
        rows.sort_by(|a, b| (b.cut, &a.scope, a.id).cmp(&(a.cut, &b.scope, b.id)));
        (as_of, rows)
    }

    /// Every change at one instant, by repository id and position. Handles are copied at once, predictions unpacked as
    /// the iterator goes.
    pub fn changes(&self) -> (Arc<AsOf>, impl Iterator<Item = ChangeDetail> + use<>) {
        let state = self.shared.state.read();
        let lifted: Vec<_> = state.entries.keys().map(|key| query::lift(&state, *key)).collect();
        let (as_of, names): (_, Arc<Names>) = (Arc::clone(&state.as_of), Arc::clone(&state.names));
        (as_of, lifted.into_iter().map(move |lifted| lifted.unpack(&names)))
    }

    /// Rejected records by reason, since the start of the process.
    pub fn rejects(&self) -> BTreeMap<RejectReason, u64> {
        self.shared.state.read().rejects.clone()
    }

    /// Counts over the whole view.
    pub fn summary(&self) -> Summary {
        let state = self.shared.state.read();
        Summary {
            as_of: Arc::clone(&state.as_of),
            repositories: state.repos.len(),
            changes: state.entries.len(),
            predictions: state.orders.by_time.len(),
            scored: state.orders.by_risk.len(),
            vectors: state.vectors,
            evidence: state.evidence,
            labels: state.labels.clone(),
            rejects: state.rejects.clone(),
            alerts_open: state.alerts_open(),
            alerts: state.alerts.len(),
            drift_rows: state.drift.len(),
            models: state.models.len(),
            event_clock: state.event_clock.clone(),
            quality: state.quality.clone(),
            bytes: state.bytes(),
            conflicts: state.conflicts,
        }
    }

    /// Completes once the record at `position` is reflected; dropping it leaves nothing behind.
    pub fn reached(&self, position: Position) -> Reached {
        Reached::new(Arc::clone(&self.shared), position)
    }

    /// How many futures of [`Self::reached`] are waiting.
    pub fn waiting(&self) -> usize {
        self.shared.waiters.len()
    }

    /// Blocks until the record at `position` is reflected or `limit` has passed; whether it is reflected.
    pub fn wait_until(&self, position: Position, limit: Duration) -> bool {
        wait::block_until(&self.shared, position, limit)
    }

    /// Blocks the thread until the view reflects `time` or `limit` has passed; whether it does.
    pub fn block_until_time(&self, time: u64, limit: Duration) -> bool {
        wait::block_until_time(&self.shared, time, limit)
    }
}
