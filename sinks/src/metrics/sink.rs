//! Metrics that follow from closed times: what was predicted, labelled, rejected, and what drifts.
//!
//! Counts are the view's, so each time is shown once the view has taken it, though it has a thread of its own. A statistic whose row is gone leaves `/metrics` too.

use super::labels::{Exact, Slots, partition};
use super::{Metrics, REPOSITORIES_MAX};
use crate::alerts::{AlertEvent, alert_changes};
use crate::batch::{ClosedTime, Sink, SinkError};
use crate::view::{Summary, ViewReader};
use driftline_schema::{DriftRow, EvidenceKind, ModelInfo, Prediction, RejectReason, Scope, Verdict};
use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long a time is waited for that the view has not taken yet; a view that takes none any more keeps no sink waiting.
const VIEW_WAIT_MAX: Duration = Duration::from_secs(10);

/// Shows closed times and the view's counts as metrics.
pub struct MetricsSink {
    reader: ViewReader,
    last: Option<u64>,
    totals: Totals,
    gauges: Gauges,
    repositories: Slots,
    drift: Exact<3>,
    models: Exact<4>,
    quality: Exact<1>,
}

struct Totals {
    rejected: IntCounterVec,
    predictions: IntCounterVec,
    taken_back: IntCounter,
    risk: Histogram,
    alerts: IntCounterVec,
    closed: IntCounter,
}

struct Gauges {
    time: IntGauge,
    reflected: IntGaugeVec,
    event_clock: IntGaugeVec,
    labels: IntGaugeVec,
    alerts_open: IntGauge,
    models: IntGauge,
    rows: IntGaugeVec,
    view_bytes: IntGauge,
    waiting: IntGauge,
    conflicts: IntGauge,
}

impl MetricsSink {
    /// Makes the metrics in `metrics`' registry; call it once per registry.
    pub fn new(metrics: &Metrics, reader: ViewReader) -> Self {
        let make = metrics.maker();
        let drift = make.float_gauges(
            "driftline_drift_statistic",
            "Drift statistics as of the last evaluation; repositories beyond 50 share `other` (the largest value).",
            &["repository", "feature", "statistic"],
        );
        let models = make.float_gauges(
            "driftline_model_info",
            "Always 1: a model in force, the newest of its scope.",
            &["scope", "model", "cut", "features_version"],
        );
        let quality = make.float_gauges(
            "driftline_prediction_quality_ratio",
            "How good the predictions at arrival turned out to be, over all current labels.",
            &["measure"],
        );
        Self {
            reader,
            last: None,
            totals: Totals::new(&make),
            gauges: Gauges::new(&make),
            repositories: Slots::new(REPOSITORIES_MAX),
            drift: Exact::new(drift),
            models: Exact::new(models),
            quality: Exact::new(quality),
        }
    }

    fn show_drift(&mut self) {
        let rows = self.reader.drift(None).1;
        self.repositories.keep(&rows.iter().map(|row| row.repository.as_str()).collect());
        let mut values = BTreeMap::<[String; 3], f64>::new();
        for row in &rows {
            for (statistic, value) in statistics(row) {
                let labels = [self.repositories.label(&row.repository), &row.feature, statistic].map(str::to_owned);
                let shown = values.entry(labels).or_insert(value);
                *shown = shown.max(value);
            }
        }
        self.drift.show(values);
    }

    fn show_models(&mut self) {
        // Newest first, of which the first of each scope is in force; like repositories, only so many get a line.
        let rows = self.reader.models().1;
        let mut scopes = BTreeSet::new();
        let in_force: Vec<&ModelInfo> = rows.iter().filter(|model| scopes.insert(&model.scope)).collect();
        self.gauges.models.set(in_force.len() as i64);
        self.models.show(in_force.into_iter().take(REPOSITORIES_MAX).map(|model| (model_labels(model), 1.0)).collect());
    }

    fn show_quality(&mut self, summary: &Summary) {
        let quality = &summary.quality;
        let (precision, recall) = quality.at_one_half();
        let measures =
            [("auc", quality.auc()), ("brier", quality.brier()), ("precision", precision), ("recall", recall)];
        let present = measures.into_iter().filter_map(|(name, value)| Some(([name.to_owned()], value?)));
        self.quality.show(present.collect());
    }
}

impl Sink for MetricsSink {
    fn name(&self) -> &str {
        "metrics"
    }
    fn apply(&mut self, closed: &ClosedTime) -> Result<(), SinkError> {
        if self.last.is_some_and(|last| closed.time <= last) {
            return Ok(());
        }
        self.last = Some(closed.time);
        self.totals.count(closed);
        self.reader.block_until_time(closed.time, VIEW_WAIT_MAX);
        let summary = self.reader.summary();
        self.gauges.show(&summary, self.reader.waiting());
        if !closed.drift.is_empty() {
            self.show_drift();
        }
        if !closed.models.is_empty() {
            self.show_models();
        }
        if !(closed.labels.is_empty() && closed.predictions.is_empty()) {
            self.show_quality(&summary);
        }
        Ok(())
    }
}

impl Totals {
    fn new(make: &super::Maker<'_>) -> Self {
        let rejected =
            make.counters("driftline_events_rejected_total", "Records not accepted, by reason.", &["reason"]);
        for reason in REASONS {
            rejected.with_label_values(&[reason.code()]);
        }
        let predictions = make.counters("driftline_predictions_total", "Predictions made, by outcome.", &["outcome"]);
        for outcome in ["scored", "abstained", "model_unavailable"] {
            predictions.with_label_values(&[outcome]);
        }
        let alerts = make.counters("driftline_alerts_total", "What happened to drift alerts.", &["event"]);
        for event in AlertEvent::ALL {
            alerts.with_label_values(&[event.code()]);
        }
        let bounds: Vec<f64> = (1..=20).map(|step| f64::from(step) / 20.0).collect();
        Self {
            rejected,
            predictions,
            taken_back: make.counter("driftline_predictions_taken_back_total", "Predictions taken back."),
            risk: make.histogram("driftline_prediction_risk_ratio", "Risk of predictions at arrival.", &bounds),
            alerts,
            closed: make.counter("driftline_closed_times_total", "Times that became final."),
        }
    }

    fn count(&self, closed: &ClosedTime) {
        self.closed.inc();
        for reject in &closed.rejects {
            self.rejected.with_label_values(&[reject.reason.code()]).inc();
        }
        for (prediction, diff) in &closed.predictions {
            if *diff < 0 {
                self.taken_back.inc();
                continue;
            }
            let outcome = outcome(prediction);
            self.predictions.with_label_values(&[outcome]).inc();
            if let Some(risk) = prediction.risk {
                self.risk.observe(risk.to_f64());
            }
        }
        for change in alert_changes(&closed.alerts) {
            self.alerts.with_label_values(&[change.event.code()]).inc();
        }
    }
}

/// What came of a prediction; a model that cannot be had is told from a history that is too short.
fn outcome(prediction: &Prediction) -> &'static str {
    match (&prediction.risk, prediction.receipt.model) {
        (Some(_), _) => "scored",
        (None, None) => "abstained",
        (None, Some(_)) => "model_unavailable",
    }
}

impl Gauges {
    fn new(make: &super::Maker<'_>) -> Self {
        let reflected = "Next offset of each partition that is not reflected yet.";
        let clock = "Largest event time seen in each partition, seconds since 1970.";
        Self {
            time: make.gauge("driftline_closed_time", "Newest time reflected in the view."),
            reflected: make.gauges("driftline_reflected_offset", reflected, &["partition"]),
            event_clock: make.gauges("driftline_event_clock_seconds", clock, &["partition"]),
            labels: make.gauges("driftline_labels", "Current labels.", &["kind", "verdict"]),
            alerts_open: make.gauge("driftline_alerts_open", "Drift alerts that are open."),
            models: make.gauge("driftline_models", "Models in force: the newest of each scope."),
            rows: make.gauges("driftline_view_rows", "Rows in the view.", &["collection"]),
            view_bytes: make.gauge("driftline_view_bytes", "Memory the view holds, estimated from its parts."),
            waiting: make.gauge("driftline_view_waiting_readers", "Readers that wait for a position."),
            conflicts: make.gauge("driftline_view_conflicts", "Rows that broke the one-row-a-key rule."),
        }
    }

    fn show(&self, summary: &Summary, waiting: usize) {
        self.time.set(summary.as_of.time.unwrap_or(0) as i64);
        for (number, offset) in summary.as_of.offsets.iter().enumerate() {
            self.reflected.with_label_values(&[partition(number as u32).as_str()]).set(*offset as i64);
        }
        for (number, seconds) in &summary.event_clock {
            self.event_clock.with_label_values(&[partition(*number).as_str()]).set(*seconds);
        }
        for kind in KINDS {
            for (verdict, name) in [(Verdict::Clean, "clean"), (Verdict::Defective, "defective")] {
                let count = summary.labels.get(&(kind, verdict)).copied().unwrap_or(0);
                self.labels.with_label_values(&[kind.code(), name]).set(count as i64);
            }
        }
        self.alerts_open.set(summary.alerts_open as i64);
        let rows = [
            ("repositories", summary.repositories),
            ("changes", summary.changes),
            ("predictions", summary.predictions),
            ("vectors", summary.vectors),
            ("evidence", summary.evidence),
            ("drift", summary.drift_rows),
            ("alerts", summary.alerts),
        ];
        for (collection, count) in rows {
            self.rows.with_label_values(&[collection]).set(count as i64);
        }
        self.view_bytes.set(summary.bytes as i64);
        self.waiting.set(waiting as i64);
        self.conflicts.set(summary.conflicts as i64);
    }
}

const KINDS: [EvidenceKind; 5] =
    [EvidenceKind::Vote, EvidenceKind::Trailer, EvidenceKind::Revert, EvidenceKind::Szz, EvidenceKind::Waiting];

const REASONS: [RejectReason; 11] = [
    RejectReason::NotUtf8,
    RejectReason::NotAnEvent,
    RejectReason::UnknownSchema,
    RejectReason::NotOneBody,
    RejectReason::BadRepository,
    RejectReason::BadPath,
    RejectReason::OverLimit,
    RejectReason::BadHunks,
    RejectReason::BlobMismatch,
    RejectReason::Contradiction,
    RejectReason::ForgedControl,
];

fn statistics(row: &DriftRow) -> [(&'static str, f64); 4] {
    [
        ("psi", row.psi.to_f64()),
        ("js_distance", row.js_distance.to_f64()),
        ("p_adjusted", row.p_adjusted.to_f64()),
        ("drifting", f64::from(u8::from(row.drifting))),
    ]
}

fn model_labels(model: &ModelInfo) -> [String; 4] {
    let scope = match &model.scope {
        Scope::Organisation => "organisation".to_owned(),
        Scope::Repository(name) => name.clone(),
    };
    let short = model.id.to_string()[..12].to_owned();
    [scope, short, model.cut.to_string(), model.features_version.to_string()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::View;
    use driftline_schema::ModelId;

    #[test]
    fn counts_are_those_of_a_view_that_is_behind() {
        let (mut view, reader) = View::open();
        let metrics = Metrics::new();
        let mut sink = MetricsSink::new(&metrics, reader);
        let model = |cut: u64| {
            let scope = Scope::Repository("owner/name".to_owned());
            ModelInfo { id: ModelId([cut as u8; 32]), scope, cut, rows: 100, defective: 10, features_version: 1 }
        };
        let models = vec![(model(1), 1), (model(2), 1)];
        let closed = ClosedTime { time: 3, as_of: vec![5], models, ..ClosedTime::default() };
        std::thread::scope(|scope| {
            let applied = scope.spawn(|| sink.apply(&closed));
            std::thread::sleep(Duration::from_millis(50));
            view.apply(&closed).expect("the view takes everything");
            applied.join().expect("ends").expect("takes everything");
        });
        let text = String::from_utf8(metrics.text()).expect("is text");
        for line in [
            "driftline_closed_time 3\n",
            "driftline_reflected_offset{partition=\"0\"} 5\n",
            "driftline_models 1\n",
            "driftline_model_info{cut=\"2\",",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(!text.contains("cut=\"1\""), "{text}");
    }
}
