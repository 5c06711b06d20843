//! Results on Kafka: predictions by repository and commit, alerts by id, and what was not accepted.
//!
//! Invariant: a closed time is noted as done only after every record of it was acknowledged, or was refused for its size in
//! every form and counted; so none is lost in silence. After a crash
//! the newest time may be sent again; its records carry the same keys and values, so on a compacted topic nothing changes.

mod config;
mod encode;
mod forms;
mod sender;
mod sink;

#[cfg(test)]
mod tests;

pub use config::KafkaSinkConfig;
pub use encode::{Outgoing, SentHeader, Topic, encode};
pub use sink::{KafkaError, KafkaSink};
