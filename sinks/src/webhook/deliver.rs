//! The delivery thread of one endpoint.
//!
//! Messages about one alert go out in order: a later one waits until the earlier one was delivered or given up. Messages
//! about different alerts do not wait for each other.

use super::config::{EndpointConfig, WebhookConfig};
use super::now_ms;
use super::outbox::{Outbox, Stored, Waiting};
use super::sign::signature;
use crate::metrics::WebhookMetrics;
use parking_lot::{Condvar, Mutex};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A running thread looks at its folder this often for messages put back by hand.
const RESCAN_MS: i64 = 60_000;
/// A receiver may ask for at most this much patience.
const PAUSE_MAX_MS: i64 = 24 * 3_600_000;

/// What the sink and the thread share.
#[derive(Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    waiting: BTreeMap<String, Waiting>,
    disabled: Option<String>,
    stop: bool,
}

impl Queue {
    pub(super) fn new(waiting: BTreeMap<String, Waiting>, disabled: Option<String>) -> Self {
        Self { inner: Mutex::new(Inner { waiting, disabled, stop: false }), changed: Condvar::new() }
    }
    pub(super) fn push(&self, name: String, waiting: Waiting) {
        self.inner.lock().waiting.insert(name, waiting);
        self.changed.notify_all();
    }
    pub(super) fn len(&self) -> usize {
        self.inner.lock().waiting.len()
    }
    pub(super) fn disabled(&self) -> Option<String> {
        self.inner.lock().disabled.clone()
    }
    pub(super) fn stop(&self) {
        self.inner.lock().stop = true;
        self.changed.notify_all();
    }
}

/// What an attempt met.
enum Outcome {
    Delivered,
    /// 410: the receiver wants nothing more.
    Gone,
    /// 429 or a server's error: everybody waits at least so long, in milliseconds.
    SlowDown(i64, String),
    Failed(String),
}

/// One endpoint's thread.
pub(super) struct Courier {
    pub(super) endpoint: EndpointConfig,
    pub(super) outbox: Outbox,
    pub(super) queue: Arc<Queue>,
    pub(super) metrics: WebhookMetrics,
    retry_delays_ms: Vec<u64>,
    agent: ureq::Agent,
    paused_until_ms: i64,
}

impl Courier {
    pub(super) fn new(
        config: &WebhookConfig,
        endpoint: EndpointConfig,
        outbox: Outbox,
        (queue, metrics): (Arc<Queue>, WebhookMetrics),
    ) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // Following a redirect would send a signed message to somebody who was not configured.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_millis(config.timeout_ms)))
            .build()
            .into();
        let retry_delays_ms = config.retry_delays_ms.clone();
        Self { endpoint, outbox, queue, metrics, retry_delays_ms, agent, paused_until_ms: 0 }
    }

    /// Delivers until told to stop.
    pub(super) fn run(mut self) {
        // What an earlier process left waits from the start; a failure shows with the first delivery.
        let _ = self.show();
        while let Some(name) = self.next() {
            if let Err(error) = self.deliver(&name) {
                let endpoint = &self.endpoint.name;
                tracing::error!(%endpoint, %name, %error, "the webhook outbox cannot be read or written");
                // The message stays where it is; without a pause a full disk would keep a core busy.
                self.paused_until_ms = now_ms() + 5_000;
            }
        }
    }

    /// Waits for the next due message; `None` to stop.
    fn next(&self) -> Option<String> {
        let queue = Arc::clone(&self.queue);
        let mut inner = queue.inner.lock();
        let mut scanned_ms = now_ms();
        loop {
            if inner.stop {
                return None;
            }
            let now = now_ms();
            if now - scanned_ms >= RESCAN_MS {
                scanned_ms = now;
                inner.waiting = self.outbox.scan().unwrap_or_else(|_| std::mem::take(&mut inner.waiting));
            }
            let next = first_of_each_alert(&inner.waiting).min_by_key(|(_, waiting)| waiting.due_ms);
            let due = next.map(|(name, waiting)| (name.clone(), waiting.due_ms.max(self.paused_until_ms)));
            match due.filter(|_| inner.disabled.is_none()) {
                Some((name, due)) if due <= now => return Some(name),
                due => {
                    let wait = due.map_or(RESCAN_MS, |(_, due)| due - now).clamp(1, RESCAN_MS);
                    self.queue.changed.wait_for(&mut inner, Duration::from_millis(wait.unsigned_abs()));
                }
            }
        }
    }

    fn deliver(&mut self, name: &str) -> io::Result<()> {
        let Some(stored) = self.outbox.load(name)? else {
            self.queue.inner.lock().waiting.remove(name);
            return Ok(());
        };
        match self.attempt(&stored) {
            Outcome::Delivered => {
                self.outbox.remove(name)?;
                self.queue.inner.lock().waiting.remove(name);
                self.metrics.attempt("delivered");
            }
            Outcome::Gone => self.disable("the receiver answered 410: it wants no more messages")?,
            Outcome::SlowDown(pause, error) => {
                self.retry(name, stored, error)?;
                // Not until this message is due: one that the receiver chokes on must not hold up the others for hours.
                let least = self.retry_delays_ms.first().map_or(0, |delay| *delay as i64);
                self.paused_until_ms = now_ms() + pause.clamp(least.min(PAUSE_MAX_MS), PAUSE_MAX_MS);
            }
            Outcome::Failed(error) => self.retry(name, stored, error)?,
        }
        self.show()
    }

    /// Shows how many messages wait and how many were given up.
    fn show(&self) -> io::Result<()> {
        self.metrics.set_waiting(&self.endpoint.name, self.queue.len(), self.outbox.dead()?);
        Ok(())
    }

    fn attempt(&self, stored: &Stored) -> Outcome {
        let timestamp = now_ms() / 1_000;
        let signed = signature(&self.endpoint.secrets, &stored.id, timestamp, stored.body.as_bytes());
        let sent = self
            .agent
            .post(&self.endpoint.url)
            .header("content-type", "application/json")
            .header("user-agent", concat!("driftline/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &stored.id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signed)
            .send(&stored.body);
        let response = match sent {
            Ok(response) => response,
            Err(error) => return Outcome::Failed(error.to_string()),
        };
        let status = response.status().as_u16();
        let said = format!("the receiver answered {status}");
        match status {
            200..=299 => Outcome::Delivered,
            410 => Outcome::Gone,
            429 | 500..=599 => {
                let after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
                Outcome::SlowDown(after.map_or(0, |text| wait_asked_for(text, SystemTime::now())), said)
            }
            _ => Outcome::Failed(said),
        }
    }

    /// Puts a message off, or gives it up after the last retry.
    fn retry(&self, name: &str, mut stored: Stored, error: String) -> io::Result<()> {
        let delay = self.retry_delays_ms.get(stored.attempts as usize).copied();
        stored.attempts += 1;
        stored.error = Some(error);
        let Some(delay) = delay else {
            let (endpoint, error) = (&self.endpoint.name, stored.error.as_deref());
            tracing::warn!(%endpoint, id = %stored.id, error, "a webhook is given up");
            self.outbox.bury(name, &stored)?;
            self.queue.inner.lock().waiting.remove(name);
            self.metrics.attempt("dead");
            return Ok(());
        };
        stored.due_ms = now_ms() + jittered(delay, &stored);
        self.outbox.store(name, &stored)?;
        if let Some(waiting) = self.queue.inner.lock().waiting.get_mut(name) {
            waiting.due_ms = stored.due_ms;
        }
        self.metrics.attempt("retried");
        Ok(())
    }

    /// Gives up everything that waits, and everything to come.
    fn disable(&self, why: &str) -> io::Result<()> {
        tracing::warn!(endpoint = %self.endpoint.name, why, "a webhook endpoint is disabled");
        self.outbox.disable(why)?;
        let waiting = {
            let mut inner = self.queue.inner.lock();
            inner.disabled = Some(why.to_owned());
            std::mem::take(&mut inner.waiting)
        };
        for name in waiting.keys() {
            if let Some(stored) = self.outbox.load(name)? {
                self.outbox.bury(name, &Stored { error: Some(why.to_owned()), ..stored })?;
            }
            self.metrics.attempt("disabled");
        }
        Ok(())
    }
}

/// Milliseconds that a `Retry-After` header asks for, in seconds or as a date (RFC 9110, section 10.2.3): 0 where it
/// cannot be read.
fn wait_asked_for(text: &str, now: SystemTime) -> i64 {
    let until = |date: SystemTime| date.duration_since(now).unwrap_or_default();
    let asked = text.trim().parse::<u64>().map(Duration::from_secs);
    let asked = asked.or_else(|_| httpdate::parse_http_date(text.trim()).map(until)).unwrap_or_default();
    i64::try_from(asked.as_millis()).unwrap_or(i64::MAX).min(PAUSE_MAX_MS)
}

/// The earliest message of every alert.
fn first_of_each_alert(waiting: &BTreeMap<String, Waiting>) -> impl Iterator<Item = (&String, &Waiting)> {
    let mut seen = BTreeSet::new();
    waiting.iter().filter(move |(_, waiting)| seen.insert(waiting.alert.as_str()))
}

/// The delay, up to a tenth more or less; which, the id says, so that it needs no randomness.
fn jittered(delay_ms: u64, stored: &Stored) -> i64 {
    let digits = stored.id.get(stored.id.len().saturating_sub(6)..).unwrap_or_default();
    let draw = u64::from_str_radix(digits, 16).unwrap_or(0).wrapping_mul(u64::from(stored.attempts)) % 201;
    (delay_ms * (900 + draw) / 1_000) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_may_name_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(wait_asked_for("120", now), 120_000);
        assert_eq!(wait_asked_for(" Sun, 06 Nov 1994 08:50:07 GMT", now), 30_000);
        assert_eq!(wait_asked_for("Sun, 06 Nov 1994 08:49:07 GMT", now), 0, "is past");
        assert_eq!(wait_asked_for("soon", now), 0);
        assert_eq!(wait_asked_for("-5", now), 0);
        assert_eq!(wait_asked_for("4294967295", now), 86_400_000);
        assert_eq!(wait_asked_for("Fri, 31 Dec 9999 23:59:59 GMT", now), 86_400_000);
    }
}
