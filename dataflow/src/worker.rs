//! The worker loop: step the dataflow, report what has closed, park when there is nothing to do.

use crate::capture::{Outbox, Report};
use crate::clock::Clock;
use crate::cpu::thread_cpu_ns;
use crate::graph;
use crate::outlets::Outlets;
use crate::plan::Plan;
use crossbeam_channel::Sender;
use driftline_operators::features::FEATURES_VERSION;
use std::sync::Arc;
use std::time::Duration;
use timely::dataflow::operators::probe::Handle as ProbeHandle;
use timely::worker::Worker;

/// Longest time a worker sleeps without being woken; bounds the cost of a lost wake-up.
const PARK: Duration = Duration::from_millis(50);

/// Runs one worker until the source ends.
pub fn run(worker: &mut Worker, clock: &Arc<Clock>, plan: &Plan, reports: &Sender<Report>) {
    let (index, outbox, probe) = (worker.index(), Outbox::default(), ProbeHandle::new());
    let outlets = Outlets {
        outbox: outbox.clone(),
        probe: probe.clone(),
        counts: plan.counts.clone(),
        standing: plan.standing.clone(),
        metrics: plan.metrics.engine.clone(),
        features_version: FEATURES_VERSION,
    };
    worker.dataflow::<u64, _, _>(|scope| graph::build(scope, clock, plan, &outlets));
    let (mut reported, mut used) = (0, thread_cpu_ns());
    while worker.has_dataflows() {
        worker.step_or_park(Some(PARK));
        let now = thread_cpu_ns();
        plan.counts.stages.dataflow.add_ns(now.saturating_sub(used));
        used = now;
        // The last times stay open until the source ends, and then the frontier is empty.
        let frontier = probe.with_frontier(|frontier| frontier.first().copied());
        let frontier = frontier.unwrap_or_else(|| clock.stats().released + 1);
        if frontier > reported {
            reported = frontier;
            let report = Report { worker: index, shares: outbox.take_before(frontier), frontier };
            if reports.send(report).is_err() {
                // The publisher is gone, so nobody is left to see an answer.
                return;
            }
            clock.completed(index, frontier - 1);
        }
    }
}
