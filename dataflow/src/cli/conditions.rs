//! What `/readyz` and `/metrics` say of the cluster that `run` works on: whether the topic can be read, and whether results
//! get through.

use crate::delivery::{Deliveries, Trouble};
use crate::source::kafka::Found;
use driftline_api::Readiness;
use driftline_sinks::metrics::EngineMetrics;

/// Reports how the topic stands.
pub fn report_topic(found: &Found, readiness: &Readiness, metrics: &EngineMetrics) {
    let (trouble, open) = (found.trouble(), found.open_transaction());
    metrics.set_log_down(trouble.is_some());
    metrics.set_held_back(open.as_ref().map_or(0, |open| open.behind));
    let (unknown, lasting) = (found.unknown_times(), found.will_not_last());
    match (trouble, open) {
        (Some(reason), _) => readiness.set("topic", Err(reason)),
        (None, Some(open)) => readiness.remark(
            "topic",
            format!(
                "a transaction that somebody left open in partition {} at offset {} holds {} records back; \
                 kafka-transactions.sh find-hanging names it, and abort ends it",
                open.partition, open.offset, open.behind
            ),
        ),
        (None, None) if lasting.is_some() => readiness.remark("topic", lasting.unwrap_or_default()),
        (None, None) if unknown > 0 => readiness.remark(
            "topic",
            format!(
                "{unknown} records bear their producer's time instead of the broker's and do not advance the event clock; \
                 set message.timestamp.type=LogAppendTime on the topic"
            ),
        ),
        (None, None) => readiness.set("topic", Ok(())),
    }
}

/// Reports how the sinks fare. What was refused for good does not keep traffic away: the view has it.
pub fn report_sinks(deliveries: &Deliveries, readiness: &Readiness) {
    let (mut down, mut refused) = (Vec::new(), Vec::new());
    for trouble in deliveries.troubles() {
        match trouble {
            Trouble::Down(reason) => down.push(reason),
            Trouble::Refused(reason) => refused.push(reason),
        }
    }
    if !down.is_empty() {
        readiness.set("results", Err(down.join("; ")));
    } else if !refused.is_empty() {
        readiness.remark("results", refused.join("; "));
    } else {
        readiness.set("results", Ok(()));
    }
}
