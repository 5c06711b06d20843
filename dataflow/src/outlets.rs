//! Where collections leave the dataflow: into the worker's outbox, by time, each with its digest.

use crate::capture::Outbox;
use driftline_operators::Records;
use driftline_sinks::ClosedTime;
use serde::Serialize;
use timely::dataflow::operators::probe::Handle as ProbeHandle;

/// One worker's way out: what is attached here is part of every closed time, and of what the probe waits for.
#[derive(Clone)]
pub struct Outlets {
    /// The worker's differences.
    pub outbox: Outbox,
    /// Follows everything that is attached.
    pub probe: ProbeHandle<u64>,
}

impl Outlets {
    /// Digests a collection that no sink takes.
    pub fn digest<'scope, D>(&self, name: &'static str, records: &Records<'scope, D>)
    where
        D: differential_dataflow::ExchangeData,
    {
        let outbox = self.outbox.clone();
        let noted = records.clone().inspect(move |(record, time, diff)| {
            outbox.at(*time, |share| share.digests.update(name, record, *diff));
        });
        noted.probe_with(&self.probe);
    }

    /// Digests a collection and hands its differences to the sinks; `put` says where in the closed time they belong.
    pub fn deliver<'scope, D>(
        &self,
        name: &'static str,
        records: &Records<'scope, D>,
        put: impl Fn(&mut ClosedTime, &D, isize) + 'static,
    ) where
        D: differential_dataflow::ExchangeData + Serialize,
    {
        let outbox = self.outbox.clone();
        let noted = records.clone().inspect(move |(record, time, diff)| {
            outbox.at(*time, |share| {
                share.digests.update(name, record, *diff);
                put(&mut share.closed, record, *diff);
            });
        });
        noted.probe_with(&self.probe);
    }
}
