//! Validates a stream of raw records and deals what they say to one collection each, in one pass.
//!
//! The log is append-only, so everything here is an insertion; what is taken back is decided downstream, from rows.
//! Contents are moved, never copied, and travel apart from their change: they end at the parser.

use super::{Accepted, Body, BranchRow, ControlRow, RawRecord, VoteRow, validate};
use crate::Records;
use differential_dataflow::AsCollection;
use driftline_schema::{BlobContent, ChangeRow, Limits, Position, Reject};
use std::sync::Arc;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::Stream;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::InputCapability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::progress::operate::FrontierInterest;

/// What the records of the log say, by kind.
pub struct Routed<'scope> {
    /// Changes without their contents.
    pub changes: Records<'scope, Arc<ChangeRow>>,
    /// Contents to parse.
    pub contents: Records<'scope, BlobContent>,
    /// Verdicts.
    pub votes: Records<'scope, VoteRow>,
    /// Branch moves.
    pub branches: Records<'scope, BranchRow>,
    /// Control records, one for each partition they stand in.
    pub controls: Records<'scope, ControlRow>,
    /// What was refused.
    pub rejects: Records<'scope, Reject>,
    /// How many unknown fields accepted records had, where any.
    pub unknown_fields: Records<'scope, (Position, u32)>,
}

type Update<D> = (D, u64, isize);

/// One output and what waits for it within an activation.
struct Port<D: Clone + 'static> {
    output: OutputBuilder<u64, CapacityContainerBuilder<Vec<Update<D>>>>,
    waiting: Vec<Update<D>>,
}

impl<D: Clone + 'static> Port<D> {
    fn open<'scope>(builder: &mut OperatorBuilder<'scope, u64>) -> (Self, Records<'scope, D>) {
        let (output, stream) = builder.new_output();
        (Self { output: OutputBuilder::from(output), waiting: Vec::new() }, stream.as_collection())
    }
    fn give(&mut self, record: D, time: u64) {
        self.waiting.push((record, time, 1));
    }
    /// A session is a message even when it is empty, so none is opened without records.
    fn send(&mut self, capability: &InputCapability<u64>) {
        if !self.waiting.is_empty() {
            self.output.activate().session(capability).give_iterator(self.waiting.drain(..));
        }
    }
}

struct Ports {
    changes: Port<Arc<ChangeRow>>,
    contents: Port<BlobContent>,
    votes: Port<VoteRow>,
    branches: Port<BranchRow>,
    controls: Port<ControlRow>,
    rejects: Port<Reject>,
    unknown_fields: Port<(Position, u32)>,
}

impl Ports {
    fn open<'scope>(builder: &mut OperatorBuilder<'scope, u64>) -> (Self, Routed<'scope>) {
        let (changes, all_changes) = Port::open(builder);
        let (contents, all_contents) = Port::open(builder);
        let (votes, all_votes) = Port::open(builder);
        let (branches, all_branches) = Port::open(builder);
        let (controls, all_controls) = Port::open(builder);
        let (rejects, all_rejects) = Port::open(builder);
        let (unknown_fields, all_unknown_fields) = Port::open(builder);
        let routed = Routed {
            changes: all_changes,
            contents: all_contents,
            votes: all_votes,
            branches: all_branches,
            controls: all_controls,
            rejects: all_rejects,
            unknown_fields: all_unknown_fields,
        };
        (Self { changes, contents, votes, branches, controls, rejects, unknown_fields }, routed)
    }

    fn give(&mut self, position: Position, result: Result<Accepted, Reject>, time: u64) {
        let accepted = match result {
            Ok(accepted) => accepted,
            Err(reject) => return self.rejects.give(reject, time),
        };
        if accepted.unknown_fields > 0 {
            self.unknown_fields.give((position, accepted.unknown_fields), time);
        }
        match accepted.body {
            Body::Change { row, contents } => {
                self.changes.give(row, time);
                contents.into_iter().for_each(|content| self.contents.give(content, time));
            }
            Body::Vote(vote) => self.votes.give(vote, time),
            Body::Branch(branch) => self.branches.give(branch, time),
            Body::Control(control) => self.controls.give(control, time),
        }
    }

    fn send(&mut self, capability: &InputCapability<u64>) {
        self.changes.send(capability);
        self.contents.send(capability);
        self.votes.send(capability);
        self.branches.send(capability);
        self.controls.send(capability);
        self.rejects.send(capability);
        self.unknown_fields.send(capability);
    }
}

/// Validates every record where it was read and deals the results by kind.
pub fn route<'scope>(records: Stream<'scope, u64, Vec<RawRecord>>, limits: Limits) -> Routed<'scope> {
    let mut builder = OperatorBuilder::new("Validate".to_owned(), records.scope());
    let mut input = builder.new_input(records, Pipeline);
    builder.set_notify_for(0, FrontierInterest::Never);
    let (mut ports, routed) = Ports::open(&mut builder);
    builder.build(move |_capabilities| {
        move |_frontiers| {
            input.for_each_stamp(|capability, buffers| {
                for record in buffers.flat_map(|buffer| buffer.drain(..)) {
                    let time = *capability.least().expect("a message with records has a time");
                    ports.give(record.position, validate(&record, &limits), time);
                }
                ports.send(&capability);
            });
        }
    });
    routed
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftline_schema::{Control, ControlAction, ControlId, Event, wire};
    use std::sync::Mutex;
    use timely::dataflow::operators::Input;

    fn records() -> Vec<RawRecord> {
        let tick = |time| Control { id: ControlId::of("tick", 1), action: ControlAction::Tick { time } };
        let with_unknown_field = br#"{"schema":1,"colour":2,"control":{"id":1,"action":{"tick":{"time":3}}}}"#;
        let payloads = [wire::encode(&Event::of_control(tick(1))), b"not json".to_vec(), with_unknown_field.to_vec()];
        (0..30)
            .map(|offset| RawRecord {
                position: Position { partition: 0, offset },
                key: Vec::new(),
                append_time: 10,
                payload: payloads[offset as usize % 3].clone(),
                control: true,
                envelope: None,
            })
            .collect()
    }

    #[test]
    fn every_record_is_accepted_or_refused_once_at_its_own_time() {
        type Seen = (&'static str, Position, u64);
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let sink = seen.clone();
        timely::execute(timely::Config::process(2), move |worker| {
            let sink = sink.clone();
            let mut input = worker.dataflow::<u64, _, _>(|scope| {
                let (input, stream) = scope.new_input::<Vec<RawRecord>>();
                let routed = route(stream, Limits::default());
                let note = |kind| {
                    let sink = sink.clone();
                    move |position, time| sink.lock().expect("no holder panics").push((kind, position, time))
                };
                let (control, reject, unknown) = (note("control"), note("reject"), note("unknown"));
                routed.controls.inspect(move |(row, time, _)| control(row.position, *time));
                routed.rejects.inspect(move |(row, time, _)| reject(row.position, *time));
                routed.unknown_fields.inspect(move |((position, _), time, _)| unknown(*position, *time));
                input
            });
            let index = worker.index();
            for record in records().into_iter().filter(|record| record.position.offset as usize % 2 == index) {
                input.advance_to(record.position.offset);
                input.send(record);
                worker.step();
            }
        })
        .expect("the dataflow starts")
        .join()
        .into_iter()
        .for_each(|result| result.expect("no worker panics"));
        let mut seen = std::mem::take(&mut *seen.lock().expect("no holder panics"));
        seen.sort();
        assert!(seen.iter().all(|(_, position, time)| position.offset == *time));
        let count = |kind| seen.iter().filter(|(found, ..)| *found == kind).count();
        assert_eq!((count("control"), count("reject"), count("unknown")), (20, 10, 10));
    }
}
