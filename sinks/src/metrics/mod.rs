//! Everything `/metrics` exports, behind one registry object; the `prometheus` crate is used nowhere else.
//!
//! Names begin with `driftline_` and carry base units. No label holds a commit, an author or a path; repository names are
//! labels for at most [`REPOSITORIES_MAX`] repositories, the rest share `other`.

mod engine;
mod labels;
mod outlets;
mod repositories;
mod sink;

pub use engine::EngineMetrics;
pub use outlets::{HttpMetrics, RouteMetrics, SinkMetrics, WebhookMetrics};
pub use repositories::RepositoryMetrics;
pub use sink::MetricsSink;

use prometheus::core::Collector;
use prometheus::{
    CounterVec, Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};
use std::sync::Arc;

/// Repositories that get a label of their own.
pub const REPOSITORIES_MAX: usize = 50;

/// Seconds from 100 us to 10 s, for requests and for the way through the engine.
const LATENCY_SECONDS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

/// The registry and handles to what is in it. Cloning is cheap and gives the same metrics.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    /// What the dataflow reports.
    pub engine: EngineMetrics,
    /// What the API reports.
    pub http: HttpMetrics,
    /// What the webhook sink reports.
    pub webhook: WebhookMetrics,
    /// What the sinks report.
    pub sinks: SinkMetrics,
    /// What whoever follows repositories reports.
    pub repositories: RepositoryMetrics,
}

impl Metrics {
    /// A registry of its own with every metric of driftline and of the process in it.
    pub fn new() -> Self {
        let registry = Registry::new();
        let make = Maker(&registry);
        make.info("driftline_build_info", "The running version.", &[("version", env!("CARGO_PKG_VERSION"))]);
        #[cfg(target_os = "linux")]
        registry
            .register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))
            .expect("the registry is new");
        let engine = EngineMetrics::new(&make);
        let http = HttpMetrics::new(&make);
        let webhook = WebhookMetrics::new(&make);
        let sinks = SinkMetrics::new(&make);
        let repositories = RepositoryMetrics::new(&make);
        Self { registry: Arc::new(registry), engine, http, webhook, sinks, repositories }
    }

    /// Which kernels train and score: `name` is the backend's, `device` is for people. Called once per registry.
    pub fn set_backend(&self, name: &str, device: &str) {
        let help = "The backend that trains and scores models.";
        self.maker().info("driftline_kernel_backend_info", help, &[("backend", name), ("device", device)]);
    }

    /// The text exposition format.
    pub fn text(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 * 1024);
        let written = TextEncoder::new().encode(&self.registry.gather(), &mut out);
        written.expect("metrics of one registry have distinct names and write to memory");
        out
    }

    fn maker(&self) -> Maker<'_> {
        Maker(&self.registry)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Makes metrics and registers them. Names are literals of this crate, so a refusal is a mistake in it.
struct Maker<'a>(&'a Registry);

const LITERAL: &str = "names and labels are valid literals";

impl Maker<'_> {
    fn add<C: Collector + Clone + 'static>(&self, metric: C) -> C {
        self.0.register(Box::new(metric.clone())).expect("each metric is made once per registry");
        metric
    }
    fn info(&self, name: &str, help: &str, labels: &[(&str, &str)]) {
        let options = labels.iter().fold(Opts::new(name, help), |opts, (key, value)| opts.const_label(*key, *value));
        self.add(IntGauge::with_opts(options).expect(LITERAL)).set(1);
    }
    fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.add(IntCounter::new(name, help).expect(LITERAL))
    }
    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.add(IntCounterVec::new(Opts::new(name, help), labels).expect(LITERAL))
    }
    fn float_counters(&self, name: &str, help: &str, labels: &[&str]) -> CounterVec {
        self.add(CounterVec::new(Opts::new(name, help), labels).expect(LITERAL))
    }
    fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.add(IntGauge::new(name, help).expect(LITERAL))
    }
    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.add(IntGaugeVec::new(Opts::new(name, help), labels).expect(LITERAL))
    }
    fn float_gauge(&self, name: &str, help: &str) -> Gauge {
        self.add(Gauge::new(name, help).expect(LITERAL))
    }
    fn float_gauges(&self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        self.add(GaugeVec::new(Opts::new(name, help), labels).expect(LITERAL))
    }
    fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.add(Histogram::with_opts(options).expect(LITERAL))
    }
    fn histograms(&self, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
        let options = HistogramOpts::new(name, help).buckets(LATENCY_SECONDS.to_vec());
        self.add(HistogramVec::new(options, labels).expect(LITERAL))
    }
}
