//! What the dataflow reports: intake, parsing, time, lag, stages and state.
//!
//! Labels are `&'static str`, so the code bounds how many there are; partitions beyond 64 share one label.

use super::{LATENCY_SECONDS, Maker};
use prometheus::{CounterVec, Gauge, Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

/// Typed setters for the dataflow crate. Cloning gives the same metrics.
///
/// Rejects, predictions, labels, drift and alerts are counted by [`super::MetricsSink`] from closed times; the dataflow
/// does not report them here.
#[derive(Clone)]
pub struct EngineMetrics {
    read: IntCounter,
    accepted: IntCounter,
    parsed_files: IntCounterVec,
    parsed_bytes: IntCounterVec,
    parse_errors: IntCounterVec,
    blobs_reused: IntCounter,
    bound: IntGauge,
    frontier: IntGauge,
    lag_records: IntGauge,
    lag_seconds: Gauge,
    log_down: IntGauge,
    held_back: IntGauge,
    control_repeats: IntCounter,
    log_end: IntGaugeVec,
    reflect: Histogram,
    training: Histogram,
    stage_cpu: CounterVec,
    state_records: IntGaugeVec,
    state_bytes: IntGaugeVec,
    memory: IntGaugeVec,
    queue: IntGaugeVec,
}

impl EngineMetrics {
    pub(super) fn new(make: &Maker<'_>) -> Self {
        let log_end = "Next offset of each partition at the source.";
        let reflect = "Seconds from reading a record until it is reflected in the view.";
        Self {
            read: make.counter("driftline_events_read_total", "Records read from the log."),
            accepted: make.counter("driftline_events_accepted_total", "Records accepted as events."),
            parsed_files: make.counters("driftline_parsed_files_total", "Blobs parsed.", &["language"]),
            parsed_bytes: make.counters("driftline_parsed_bytes_total", "Bytes parsed.", &["language"]),
            parse_errors: make.counters("driftline_parse_errors_total", "Blobs with syntax errors.", &["language"]),
            blobs_reused: make.counter("driftline_blobs_reused_total", "Blobs not parsed again."),
            bound: make.gauge("driftline_bound_time", "Newest binding of offsets to a time."),
            frontier: make.gauge("driftline_frontier_time", "Every time before this one is complete."),
            lag_records: make.gauge("driftline_lag_records", "Records in the log that are not reflected yet."),
            lag_seconds: make.float_gauge("driftline_lag_seconds", "Age of the oldest record not reflected yet."),
            log_down: make.gauge("driftline_log_down", "Whether the log cannot be read at the moment."),
            held_back: make.gauge(
                "driftline_log_held_back_records",
                "Records that a transaction somebody left open hides from readers.",
            ),
            control_repeats: make.counter(
                "driftline_control_repeats_total",
                "Control records of this installation's key whose number was used before.",
            ),
            log_end: make.gauges("driftline_log_end_offset", log_end, &["partition"]),
            reflect: make.histogram("driftline_reflect_latency_seconds", reflect, &LATENCY_SECONDS),
            training: make.histogram(
                "driftline_training_seconds",
                "Seconds a training run took.",
                &[0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0, 600.0],
            ),
            stage_cpu: make.float_counters("driftline_stage_cpu_seconds_total", "CPU time of a stage.", &["stage"]),
            state_records: make.gauges("driftline_state_records", "Records a collection holds.", &["collection"]),
            state_bytes: make.gauges("driftline_state_bytes", "Memory a collection holds.", &["collection"]),
            memory: make.gauges(
                "driftline_memory_bytes",
                "Memory that is no file: `used` by the program (but for syntax trees), and `resident`.",
                &["kind"],
            ),
            queue: make.gauges("driftline_queue_records", "Records waiting in a bounded queue.", &["queue"]),
        }
    }

    /// `records` more were read.
    pub fn read(&self, records: u64) {
        self.read.inc_by(records);
    }
    /// `records` more were accepted.
    pub fn accepted(&self, records: u64) {
        self.accepted.inc_by(records);
    }
    /// A blob of `language` and `bytes` was parsed.
    pub fn parsed(&self, language: &'static str, bytes: u64, syntax_errors: bool) {
        self.parsed_files.with_label_values(&[language]).inc();
        self.parsed_bytes.with_label_values(&[language]).inc_by(bytes);
        self.parse_errors.with_label_values(&[language]).inc_by(u64::from(syntax_errors));
    }
    /// `blobs` more were known already.
    pub fn reused(&self, blobs: u64) {
        self.blobs_reused.inc_by(blobs);
    }
    /// The newest binding.
    pub fn set_bound(&self, time: u64) {
        self.bound.set(time as i64);
    }
    /// The frontier: every time before it is complete.
    pub fn set_frontier(&self, time: u64) {
        self.frontier.set(time as i64);
    }
    /// How far the view is behind the log.
    pub fn set_lag(&self, records: u64, seconds: f64) {
        self.lag_records.set(records as i64);
        self.lag_seconds.set(seconds);
    }
    /// Whether the log cannot be read at the moment.
    pub fn set_log_down(&self, down: bool) {
        self.log_down.set(i64::from(down));
    }
    /// Records that an open transaction hides from readers.
    pub fn set_held_back(&self, records: u64) {
        self.held_back.set(records as i64);
    }
    /// `records` more control records of the installation's key bear a number that was used before.
    pub fn control_repeats(&self, records: u64) {
        self.control_repeats.inc_by(records);
    }
    /// The next offset of a partition at the source.
    pub fn set_log_end(&self, partition: u32, offset: u64) {
        self.log_end.with_label_values(&[super::labels::partition(partition).as_str()]).set(offset as i64);
    }
    /// A record was reflected so long after it was read.
    pub fn observe_reflected(&self, seconds: f64) {
        self.reflect.observe(seconds);
    }
    /// A training run took so long.
    pub fn observe_training(&self, seconds: f64) {
        self.training.observe(seconds);
    }
    /// CPU seconds a stage has used since the start; a smaller figure than before is ignored.
    pub fn set_stage_cpu(&self, stage: &'static str, seconds_total: f64) {
        let counter = self.stage_cpu.with_label_values(&[stage]);
        let more = seconds_total - counter.get();
        if more > 0.0 {
            counter.inc_by(more);
        }
    }
    /// Memory that is no file, in bytes: in use, and resident.
    pub fn set_memory(&self, used: u64, resident: u64) {
        self.memory.with_label_values(&["used"]).set(used as i64);
        self.memory.with_label_values(&["resident"]).set(resident as i64);
    }
    /// What a collection holds.
    pub fn set_state(&self, collection: &'static str, records: u64, bytes: u64) {
        self.state_records.with_label_values(&[collection]).set(records as i64);
        self.state_bytes.with_label_values(&[collection]).set(bytes as i64);
    }
    /// How full a bounded queue is.
    pub fn set_queue(&self, queue: &'static str, records: u64) {
        self.queue.with_label_values(&[queue]).set(records as i64);
    }
}
