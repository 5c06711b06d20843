//! Alerts as webhooks after Standard Webhooks: signed, retried, kept on disk until delivered or given up.
//!
//! Invariant: once a closed time was applied, each of its messages is in the outbox or in the dead letters of every
//! endpoint, or was delivered. A message keeps its `webhook-id` and its body over retries, restarts and repeats of the closed
//! time, so a receiver that remembers ids acts once. This is the edge of the system: a wall clock is read here and nowhere
//! does it reach a record.

mod config;
mod deliver;
mod encode;
mod outbox;
mod sign;
mod sink;

#[cfg(test)]
mod tests;

pub use config::{BadSecret, EndpointConfig, Secret, WebhookConfig, url_fault};
pub use outbox::{DeadLetter, dead_letters, resend};
pub use sign::signature;
pub use sink::{WebhookError, WebhookSink};

/// Milliseconds since 1970 by the wall clock.
fn now_ms() -> i64 {
    // Due times must survive a restart, which no monotonic clock does.
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as i64
}
