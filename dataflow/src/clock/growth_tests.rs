//! A log that gets more partitions: what stands in them comes after the control record that names them, for everybody.

use super::testing::*;
use super::*;
use crate::controls::testing::rule;
use crate::log::scratch;
use driftline_schema::{Control, ControlAction, ControlId, Position, wire};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// What was read, with the vector of each time.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    records: BTreeSet<Position>,
    controls: BTreeSet<Position>,
    /// Records at or before the time of each control record, by the position of its copy in the first partition.
    before: Vec<(Position, BTreeSet<Position>)>,
}

fn outcome(seen: &Seen) -> Outcome {
    let all: Vec<(u64, &Record)> =
        seen.iter().flat_map(|(time, records)| records.iter().map(|(record, _)| (*time, record))).collect();
    let controls = all.iter().filter(|(_, record)| record.control);
    let until = |time| all.iter().filter(|(at, _)| *at <= time).map(|(_, record)| record.position).collect();
    let firsts = controls.clone().filter(|(_, record)| record.position.partition == 0);
    Outcome {
        records: all.iter().map(|(_, record)| record.position).collect(),
        controls: controls.clone().map(|(_, record)| record.position).collect(),
        before: firsts.map(|(time, record)| (record.position, until(*time))).collect(),
    }
}

fn read(log: &ListLog, dir: &Path, hesitation: u64, workers: usize, records: u32) -> Outcome {
    let data = DataDir::open(dir).expect("free");
    let clock = Clock::start(log.source(hesitation), &data, workers, &config(records), &rule()).expect("starts");
    let dataflow = Workers::start(&clock, workers);
    clock.wait_idle(PATIENCE).expect("all is read in time");
    clock.stop();
    outcome(&dataflow.join())
}

/// Opens `partitions`, as the conductor does: with a cut where there is one to make; returns the positions of the control
/// record.
fn push_opening(log: &ListLog, partitions: usize, sequence: u64, cut: Option<u64>) -> Vec<Position> {
    let tick = ControlAction::Tick { time: -1 };
    let action = cut.map_or(tick, |cut| ControlAction::Cut { cut });
    let control = Control { id: ControlId::of("partitions", partitions as u64), action };
    let bytes = wire::encode(&rule().seal(control, sequence, partitions as u32));
    (0..partitions).map(|partition| log.push(partition, 0, true, &bytes)).collect()
}

/// Records at these partitions, as far as they exist.
fn push_records(log: &ListLog, partitions: usize, at: &[usize]) {
    at.iter().for_each(|partition| _ = log.push(partition % partitions, 0, false, b"record"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn a_log_that_grew_is_read_alike_by_everybody(
        first in 1..3usize,
        more in 1..3usize,
        parts in prop::collection::vec(prop::collection::vec(0..12usize, 0..9), 4),
        hesitation in 1..u64::MAX,
        by_a_cut in any::<bool>(),
    ) {
        let (log, all) = (ListLog::new(first), first + more);
        push_records(&log, first, &parts[0]);
        let mut cuts = vec![log.push_cut(1)];
        push_records(&log, first, &parts[1]);
        // Read so far by one who is there when the log grows.
        let live = scratch();
        read(&log, live.path(), hesitation, 2, 3);
        log.grow(all);
        // These are in the log before anybody has noticed the new partitions.
        push_records(&log, all, &parts[2]);
        cuts.push(push_opening(&log, all, 15, by_a_cut.then_some(2)));
        push_records(&log, all, &parts[3]);
        cuts.push(log.push_cut(3));
        push_records(&log, all, &parts[0]);
        let seen = read(&log, live.path(), hesitation ^ 9, 2, 3);
        let expected: BTreeSet<Position> = cuts.iter().flatten().copied().collect();
        prop_assert_eq!(&seen.controls, &expected);
        prop_assert_eq!(seen.records.len(), log.0.lock().iter().map(Vec::len).sum::<usize>());
        // Nothing of the new partitions comes at or before the record that opens them.
        let until_opened = &seen.before[1].1;
        prop_assert!(until_opened.iter().all(|position| (position.partition as usize) < first), "{:?}", until_opened);
        for (workers, records) in [(1, 1), (3, 1_000_000), (2, 2)] {
            let fresh = scratch();
            let other = read(&log, fresh.path(), hesitation.rotate_left(workers as u32), workers, records);
            prop_assert_eq!(&other, &seen);
            // And once more from the bindings.
            prop_assert_eq!(&read(&log, fresh.path(), hesitation ^ 3, workers, 7), &seen);
        }
    }
}

#[test]
fn a_copied_control_record_opens_nothing_and_is_none_in_a_new_partition() {
    let log = ListLog::new(1);
    let cut = log.push_cut(1);
    log.grow(2);
    // A genuine record of the first partition, copied to the new one by somebody.
    log.push(1, 0, true, &cut_bytes(1, 1));
    let opening = push_opening(&log, 2, 15, None);
    log.push(1, 0, true, &cut_bytes(1, 1));
    let seen = read(&log, scratch().path(), 5, 2, 2);
    assert_eq!(seen.controls, cut.into_iter().chain(opening).collect());
    assert_eq!(seen.records.len(), 5);
}
