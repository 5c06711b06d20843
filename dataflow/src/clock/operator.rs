//! Hands the log to the dataflow: partition `p` enters at worker `p` modulo the number of workers.
//!
//! A worker emits all its records of a time at that time and then lets go of it, whether there were any or not, so an idle
//! partition holds nobody up.

use super::shared::{Shared, Taken};
use crate::source::Record;
use std::sync::Arc;
use std::time::{Duration, Instant};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::operators::generic::operator::source;
use timely::dataflow::{Scope, StreamVec};

/// How often to look without having been woken: a wake could be lost.
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub(super) fn records<'s>(shared: Arc<Shared>, scope: Scope<'s, u64>) -> StreamVec<'s, u64, Record> {
    let (worker, peers) = (scope.index(), scope.peers());
    source::<_, CapacityContainerBuilder<Vec<Record>>, _, _>(scope, "Log", move |mut capability, info| {
        shared.add_activator(scope.worker().sync_activator_for(info.address.to_vec()));
        let again = scope.activator_for(info.address);
        // Time 0 is before the first binding.
        capability.downgrade(&1);
        let mut capability = Some(capability);
        let mut look_at = Instant::now();
        move |output| {
            let Some(held) = capability.as_mut() else { return };
            let time = *held.time();
            match shared.take(worker, peers, time) {
                Taken::Records(records) => {
                    if !records.is_empty() {
                        output.session(&*held).give_iterator(records.into_iter());
                    }
                    held.downgrade(&(time + 1));
                    again.activate();
                }
                // A second timer while one is running would double them at each run.
                Taken::Wait if Instant::now() >= look_at => {
                    look_at = Instant::now() + LOOK_EVERY;
                    again.activate_after(LOOK_EVERY);
                }
                Taken::Wait => {}
                Taken::Over => capability = None,
            }
        }
    })
}
