//! Where driftline's results go: the current view, Kafka, webhooks, Parquet, Prometheus.

pub mod batch;

pub use batch::{ChangeSummary, ClosedTime, Diff, Sink, SinkError};
