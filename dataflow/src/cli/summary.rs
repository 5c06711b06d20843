//! What a run did: the last line of `up --exit-when-idle`.

use crate::config::TrainingConfig;
use crate::cpu::{peak_rss_bytes, process_cpu_ns};
use crate::engine::Engine;
use crate::terminal::{self, note, say};
use crate::wall_clock::{changes_ahead, complaint};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// Counts of one run; field names are a stable contract.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Records read from the log.
    pub events: u64,
    /// Records accepted; with `rejected` they add up to `events`.
    pub accepted: u64,
    /// Records refused.
    pub rejected: u64,
    /// Records refused, by reason.
    pub rejects: BTreeMap<&'static str, u64>,
    /// Records this run appended.
    pub appended: u64,
    /// Live changes.
    pub commits: u64,
    /// Contents parsed.
    pub files_parsed: u64,
    /// Contents that had been parsed before and were not parsed again.
    pub blobs_reused: u64,
    /// Labels by kind of evidence.
    pub labels: BTreeMap<&'static str, u64>,
    /// Models trained or rebuilt.
    pub models: u64,
    /// Models the log puts in force that can neither be loaded nor rebuilt; their predictions abstain.
    pub models_unavailable: u64,
    /// Changes dated too far after the log took them to advance the event clock.
    pub ahead_of_clock: u64,
    /// Repositories whose events are in several partitions; their predictions abstain.
    pub split_repositories: u64,
    /// Where they were trained and scored: "cpu", or the device's name. It is no part of the digest.
    pub backend: String,
    /// Predictions, those that abstain included.
    pub predictions: u64,
    /// Predictions with a risk.
    pub scored: u64,
    /// Drift alerts, open or resolved.
    pub alerts: u64,
    /// Next offset of each partition: the log up to here is reflected.
    pub as_of: Vec<u64>,
    /// Digest of every maintained collection.
    pub digest: String,
    /// CPU seconds by stage.
    pub cpu_seconds: BTreeMap<&'static str, f64>,
    /// Largest resident set in bytes.
    pub peak_rss_bytes: u64,
}

impl Summary {
    /// Of an engine that is idle.
    pub fn of(engine: &Engine, appended: u64) -> Self {
        let (view, reflected) = (engine.view().summary(), engine.reflected());
        let mut labels = BTreeMap::new();
        for ((kind, _verdict), count) in &view.labels {
            *labels.entry(kind.code()).or_insert(0) += count;
        }
        let counts = engine.counts();
        let (events, rejected) = (engine.clock().stats().records_read, view.rejects.values().sum());
        Self {
            events,
            accepted: counts.accepted.load(Ordering::Relaxed),
            rejected,
            rejects: view.rejects.iter().map(|(reason, count)| (reason.code(), *count)).collect(),
            appended,
            commits: view.changes as u64,
            files_parsed: counts.parse.parsed(),
            blobs_reused: counts.parse.reused(),
            labels,
            // Of the log, not those this process happened to train: the same log gives the same number.
            models: engine.view().models().1.len() as u64,
            models_unavailable: engine.models_unavailable().len() as u64,
            ahead_of_clock: counts.ahead_of_clock.load(Ordering::Relaxed),
            split_repositories: counts.split_repositories.load(Ordering::Relaxed).max(0) as u64,
            backend: engine.backend().to_owned(),
            predictions: view.predictions as u64,
            scored: view.scored as u64,
            alerts: view.alerts as u64,
            as_of: reflected.as_of,
            digest: reflected.digests.combined(),
            cpu_seconds: cpu_seconds(engine),
            peak_rss_bytes: peak_rss_bytes(),
        }
    }
}

/// Seconds by stage; `other` is what no stage counts: sinks, HTTP, the start and the main thread.
fn cpu_seconds(engine: &Engine) -> BTreeMap<&'static str, f64> {
    let counts = engine.counts();
    let seconds = |ns: u64| (ns as f64 / 1e6).round() / 1e3;
    let (parse, total) = (counts.parse.cpu_ns(), process_cpu_ns());
    let stages = &counts.stages;
    let parts = [
        ("collect", stages.collect.ns()),
        ("append", stages.append.ns()),
        ("parse", parse),
        ("dataflow", stages.dataflow.ns().saturating_sub(parse)),
        ("train", stages.train.ns()),
    ];
    let known: u64 = parts.iter().map(|(_, ns)| ns).sum();
    let mut seconds_by_stage: BTreeMap<_, _> = parts.into_iter().map(|(name, ns)| (name, seconds(ns))).collect();
    seconds_by_stage.insert("other", seconds(total.saturating_sub(known)));
    seconds_by_stage.insert("total", seconds(total));
    seconds_by_stage
}

/// What a person should know besides the counts.
fn troubles(summary: &Summary) -> Vec<String> {
    let lost = (summary.models_unavailable > 0).then(|| {
        format!(
            "{} models of the log can neither be loaded nor rebuilt; their predictions abstain with the reason \
             `model_unavailable` until the next cut",
            summary.models_unavailable
        )
    });
    let split = (summary.split_repositories > 0).then(|| {
        format!(
            "events of {} repositories are in several partitions, which have no common order; their predictions abstain \
             with the reason `split_repository`",
            summary.split_repositories
        )
    });
    let ahead = changes_ahead(summary.ahead_of_clock, summary.commits);
    ahead.into_iter().chain(complaint()).chain(lost).chain(split).collect()
}

/// Prints the summary: JSON on one line, or a few lines for people.
pub fn print_summary(summary: &Summary, json: bool) {
    troubles(summary).iter().for_each(|trouble| note!("warning: {trouble}"));
    if json {
        say!("{}", terminal::json(summary));
        return;
    }
    say!(
        "{} events ({} accepted, {} rejected), {} commits: {} scored, {} without a risk; {} models, {} alerts",
        summary.events,
        summary.accepted,
        summary.rejected,
        summary.commits,
        summary.scored,
        summary.predictions - summary.scored,
        summary.models,
        summary.alerts
    );
    if summary.models == 0 && summary.predictions > 0 {
        let training = TrainingConfig::default();
        say!(
            "no model yet: the first is trained after {} commits, {} of which must have a label",
            training.first_cut,
            training.rows_min
        );
    }
    if summary.rejected > 0 {
        say!("rejected: {:?}", summary.rejects);
    }
    say!("{} contents parsed, {} reused; labels {:?}", summary.files_parsed, summary.blobs_reused, summary.labels);
    let total = summary.cpu_seconds.get("total").copied().unwrap_or(0.0);
    say!("{total:.1} CPU s, peak memory {} MiB, kernels on {}", summary.peak_rss_bytes >> 20, summary.backend);
    say!("digest {}", summary.digest);
}
