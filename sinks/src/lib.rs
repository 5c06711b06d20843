//! Where driftline's results go: the current view, Kafka, webhooks, Parquet, Prometheus.

pub mod alerts;
pub mod batch;
mod files;
pub mod kafka;
pub mod metrics;
pub mod parquet;
#[cfg(test)]
mod testing;
pub mod utc;
pub mod view;
pub mod webhook;

pub use batch::{ChangeSummary, ClosedTime, Diff, Sink, SinkError};
pub use kafka::{KafkaSink, KafkaSinkConfig};
pub use metrics::{Metrics, MetricsSink};
pub use view::{AsOf, View, ViewReader, ViewSink};
pub use webhook::{WebhookConfig, WebhookSink};
