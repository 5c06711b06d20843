//! What the ways out report: requests, webhook deliveries, sinks.

use super::Maker;
use parking_lot::Mutex;
use prometheus::{Histogram, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Requests answered by the API, and its connections.
#[derive(Clone)]
pub struct HttpMetrics {
    duration: HistogramVec,
    connections: IntGauge,
    closed: IntCounterVec,
}

impl HttpMetrics {
    pub(super) fn new(make: &Maker<'_>) -> Self {
        let (name, help) = ("driftline_http_request_duration_seconds", "Seconds from request to answer.");
        let closed =
            make.counters("driftline_http_closed_total", "Connections the server closed, by cause.", &["cause"]);
        for cause in ["for_another", "no_place", "no_request", "error"] {
            closed.with_label_values(&[cause]);
        }
        Self {
            duration: make.histograms(name, help, &["route", "method", "status"]),
            connections: make.gauge("driftline_http_connections", "Open connections."),
            closed,
        }
    }
    /// `change` more connections are open.
    pub fn connections(&self, change: i64) {
        self.connections.add(change);
    }
    /// A connection was closed before its client was done: `for_another`, as it had waited longest; `no_place`, as all
    /// were busy; `no_request`, as none came in time; or after an `error` on it.
    pub fn closed(&self, cause: &'static str) {
        self.closed.with_label_values(&[cause]).inc();
    }
    /// The requests of one route; `route` is the pattern, never the path.
    pub fn route(&self, route: &'static str) -> RouteMetrics {
        let read = self.duration.with_label_values(&[route, "GET", "200"]);
        RouteMetrics { route, duration: self.duration.clone(), read }
    }
}

/// Requests of one route.
#[derive(Clone)]
pub struct RouteMetrics {
    route: &'static str,
    duration: HistogramVec,
    /// The usual case, found once.
    read: Histogram,
}

impl RouteMetrics {
    /// One request. Unusual methods share `other`.
    pub fn observe(&self, method: &str, status: u16, seconds: f64) {
        if (method, status) == ("GET", 200) {
            return self.read.observe(seconds);
        }
        let usual = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];
        let method = if usual.contains(&method) { method } else { "other" };
        self.duration.with_label_values(&[self.route, method, &status.to_string()]).observe(seconds);
    }
}

/// Deliveries of the webhook sink.
#[derive(Clone)]
pub struct WebhookMetrics {
    deliveries: IntCounterVec,
    outbox: IntGauge,
    dead: IntGauge,
    /// By receiver: how many messages wait, and how many were given up.
    receivers: Arc<Mutex<BTreeMap<String, (usize, usize)>>>,
}

impl WebhookMetrics {
    pub(super) fn new(make: &Maker<'_>) -> Self {
        let (name, help) = ("driftline_webhook_deliveries_total", "Attempts to deliver a webhook, by outcome.");
        let deliveries = make.counters(name, help, &["outcome"]);
        // Panels and rules ask for rates: a counter that exists from the start has one.
        for outcome in ["delivered", "retried", "dead", "disabled"] {
            deliveries.with_label_values(&[outcome]);
        }
        Self {
            deliveries,
            outbox: make.gauge("driftline_webhook_outbox_messages", "Webhooks waiting for delivery."),
            dead: make.gauge("driftline_webhook_dead_letters", "Webhooks given up."),
            receivers: Arc::default(),
        }
    }
    /// One attempt: `delivered`, `retried`, `dead` or `disabled`.
    pub fn attempt(&self, outcome: &'static str) {
        self.deliveries.with_label_values(&[outcome]).inc();
    }
    /// How many messages wait for a receiver, and how many were given up; what is shown is the sum over all receivers.
    pub fn set_waiting(&self, receiver: &str, outbox: usize, dead: usize) {
        let mut receivers = self.receivers.lock();
        receivers.insert(receiver.to_owned(), (outbox, dead));
        self.outbox.set(receivers.values().map(|(outbox, _)| *outbox as i64).sum());
        self.dead.set(receivers.values().map(|(_, dead)| *dead as i64).sum());
    }
}

/// Closed times handed to sinks.
#[derive(Clone)]
pub struct SinkMetrics {
    batches: IntCounterVec,
    records: IntCounterVec,
    down: IntGaugeVec,
}

impl SinkMetrics {
    pub(super) fn new(make: &Maker<'_>) -> Self {
        let (name, help) = ("driftline_sink_batches_total", "Closed times handed to a sink, by outcome.");
        let batches = make.counters(name, help, &["sink", "outcome"]);
        let (name, help) =
            ("driftline_sink_records_total", "Records that a sink did not take as they were, by outcome.");
        let records = make.counters(name, help, &["sink", "outcome"]);
        let down = make.gauges("driftline_sink_down", "Whether a sink cannot be reached at the moment.", &["sink"]);
        Self { batches, records, down }
    }
    /// Records were sent in a smaller form.
    pub fn shortened(&self, sink: &str, records: u64) {
        self.records.with_label_values(&[sink, "shortened"]).inc_by(records);
    }
    /// Whether a sink cannot be reached at the moment.
    pub fn set_down(&self, sink: &str, down: bool) {
        self.down.with_label_values(&[sink]).set(i64::from(down));
        for outcome in ["shortened", "refused"] {
            self.records.with_label_values(&[sink, outcome]);
        }
    }
    /// A sink took a closed time.
    pub fn applied(&self, sink: &str) {
        self.batches.with_label_values(&[sink, "applied"]).inc();
        // A failure counter must be there before the first failure, or its rate misses that one.
        for outcome in ["unreachable", "refused"] {
            self.batches.with_label_values(&[sink, outcome]);
        }
    }
    /// A sink failed; `error` says whether it will be tried again.
    pub fn failed(&self, sink: &str, error: &crate::SinkError) {
        let outcome = match error {
            crate::SinkError::Unreachable { .. } => "unreachable",
            crate::SinkError::Refused { records, .. } => {
                self.records.with_label_values(&[sink, "refused"]).inc_by(*records);
                "refused"
            }
        };
        self.batches.with_label_values(&[sink, outcome]).inc();
    }
}
