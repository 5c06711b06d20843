//! The webhook sink: writes to the outboxes; threads deliver.

use super::config::WebhookConfig;
use super::deliver::{Courier, Queue};
use super::encode::message;
use super::now_ms;
use super::outbox::{Outbox, Stored, Waiting};
use crate::alerts::alert_changes;
use crate::batch::{ClosedTime, Sink, SinkError};
use crate::files::replace;
use crate::metrics::WebhookMetrics;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long an attempt under way may keep the process from ending.
const STOP_MAX: Duration = Duration::from_millis(1_000);

/// Why the webhook sink cannot start.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The configuration is wrong.
    #[error("webhook endpoint {0}")]
    Config(String),
    /// The folder cannot be used.
    #[error("the webhook folder {path} cannot be used")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Sends alerts to every endpoint.
pub struct WebhookSink {
    progress: PathBuf,
    last: Option<u64>,
    outbox_max: usize,
    endpoints: Vec<Endpoint>,
    metrics: WebhookMetrics,
}

struct Endpoint {
    outbox: Outbox,
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

impl WebhookSink {
    /// Opens the outboxes and starts one thread for each endpoint; what waited before goes out first.
    pub fn open(config: &WebhookConfig, metrics: WebhookMetrics) -> Result<Self, WebhookError> {
        if let Some(fault) = config.endpoints.iter().find_map(|endpoint| endpoint.fault()) {
            return Err(WebhookError::Config(fault));
        }
        let mut names: Vec<_> = config.endpoints.iter().map(|endpoint| &endpoint.name).collect();
        names.sort();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(WebhookError::Config(format!("`{}` stands twice", pair[0])));
        }
        let failed = |source| WebhookError::Folder { path: config.directory.clone(), source };
        fs::create_dir_all(&config.directory).map_err(failed)?;
        let progress = config.directory.join("progress");
        let endpoints = start(config, &metrics).map_err(failed)?;
        let last = match fs::read_to_string(&progress) {
            Ok(text) => text.trim().parse().ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        Ok(Self { progress, last, outbox_max: config.outbox_max, endpoints, metrics })
    }

    /// Messages that wait, over all endpoints.
    pub fn waiting(&self) -> usize {
        self.endpoints.iter().map(|endpoint| endpoint.queue.len()).sum()
    }

    fn store(&self, closed: &ClosedTime) -> io::Result<bool> {
        let now = now_ms();
        let changes = alert_changes(&closed.alerts);
        for (index, change) in changes.iter().enumerate() {
            let message = message(change, closed.time, now / 1_000);
            let name = Outbox::file_name(closed.time, index, &message.id);
            for endpoint in &self.endpoints {
                self.post(endpoint, &name, &Stored::new(&message, now))?;
            }
        }
        Ok(!changes.is_empty())
    }

    fn post(&self, Endpoint { outbox, queue, .. }: &Endpoint, name: &str, stored: &Stored) -> io::Result<()> {
        if outbox.holds(name) {
            return Ok(());
        }
        let full = || (queue.len() >= self.outbox_max).then(|| "the outbox is full".to_owned());
        if let Some(why) = queue.disabled().or_else(full) {
            self.metrics.attempt("dead");
            return outbox.store_dead(name, &Stored { error: Some(why), ..stored.clone() });
        }
        outbox.store(name, stored)?;
        queue.push(name.to_owned(), Waiting { alert: stored.alert.clone(), due_ms: stored.due_ms });
        Ok(())
    }
}

fn start(config: &WebhookConfig, metrics: &WebhookMetrics) -> io::Result<Vec<Endpoint>> {
    let mut endpoints = Vec::new();
    for endpoint in &config.endpoints {
        let outbox = Outbox::open(config.directory.join(&endpoint.name))?;
        let queue = Arc::new(Queue::new(outbox.scan()?, outbox.disabled()));
        let shared = (Arc::clone(&queue), metrics.clone());
        let courier = Courier::new(config, endpoint.clone(), outbox.clone(), shared);
        let thread = std::thread::Builder::new().name(format!("webhook-{}", endpoint.name));
        endpoints.push(Endpoint { outbox, queue, thread: Some(thread.spawn(|| courier.run())?) });
    }
    Ok(endpoints)
}

impl Sink for WebhookSink {
    fn name(&self) -> &str {
        "webhook"
    }
    fn apply(&mut self, closed: &ClosedTime) -> Result<(), SinkError> {
        if self.last.is_some_and(|last| closed.time <= last) {
            return Ok(());
        }
        let unreachable = |error: io::Error| SinkError::Unreachable {
            sink: "webhook".to_owned(),
            reason: format!("the outbox cannot be written: {error}"),
        };
        if self.store(closed).map_err(unreachable)? {
            // Times without alerts are not noted: applying one again does nothing anyway.
            replace(&self.progress, closed.time.to_string().as_bytes()).map_err(unreachable)?;
            self.last = Some(closed.time);
        }
        Ok(())
    }
}

impl Drop for WebhookSink {
    fn drop(&mut self) {
        self.endpoints.iter().for_each(|endpoint| endpoint.queue.stop());
        let end = Instant::now() + STOP_MAX;
        for endpoint in &mut self.endpoints {
            let Some(thread) = endpoint.thread.take() else { continue };
            while !thread.is_finished() && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(10));
            }
            // An attempt under way ends with the process, or with its time-out before that. Its message stays in the outbox
            // until the receiver has answered, so it goes out at the next start, under the same id.
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
        if self.waiting() > 0 {
            let (waiting, folder) = (self.waiting(), self.progress.parent().map(|path| path.display().to_string()));
            tracing::warn!(waiting, folder, "webhooks wait in the outbox; the next start sends them");
        }
    }
}
