//! The clock on a source made for the purpose: bindings, control records, back-pressure, restarts.

use super::testing::*;
use super::*;
use crate::conductor::Conductor;
use crate::controls::testing::rule;
use crate::log::{EmbeddedLog, LogConfig, scratch};
use crate::source::EmbeddedSource;
use driftline_schema::{Control, ControlAction, ControlId, Event, Position, wire};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn start(log: &ListLog, dir: &Path, hesitation: u64, workers: usize, config: &ClockConfig) -> Arc<Clock> {
    let data = DataDir::open(dir).expect("free");
    Clock::start(log.source(hesitation), &data, workers, config, &rule()).expect("starts")
}

/// Everything in the log, as the workers saw it, with the vectors of the times.
fn run(log: &ListLog, dir: &Path, hesitation: u64, workers: usize, config: &ClockConfig) -> (Seen, Vec<Vec<u64>>) {
    let clock = start(log, dir, hesitation, workers, config);
    let dataflow = Workers::start(&clock, workers);
    let last = clock.wait_idle(PATIENCE).expect("all is read in time");
    let vectors = (0..=last).map(|time| clock.vector(time).expect("kept")).collect();
    clock.stop();
    (dataflow.join(), vectors)
}

/// A log with cuts, and with records that pretend to be control records.
#[derive(Clone, Debug)]
struct Part {
    /// For each record before the cut: partition, gap, what it pretends to be.
    records: Vec<(prop::sample::Index, u64, u8)>,
}

fn part() -> impl Strategy<Value = Part> {
    let record = (any::<prop::sample::Index>(), 0..3u64, 0..15u8);
    prop::collection::vec(record, 0..12).prop_map(|records| Part { records })
}

/// Writes the log; returns the positions of each true cut.
fn write(log: &ListLog, partitions: usize, parts: &[Part]) -> Vec<Vec<Position>> {
    let mut serial = 1000;
    let mut cuts = Vec::new();
    for part in parts {
        for (partition, gap, kind) in &part.records {
            serial += 1;
            let action = ControlAction::Tick { time: 5 };
            let tick = Control { id: ControlId(serial), action };
            let next = cuts.len() as u64 + 1;
            let cut = Control { id: crate::conductor::cut_id(next), action: ControlAction::Cut { cut: next } };
            let (control, payload) = match kind {
                0 => (true, b"garbage that claims to be a control record".to_vec()),
                1 if next > 1 => (true, cut_bytes(next - 1 - serial % (next - 1), partitions)),
                2 => (true, wire::encode(&Event::of_control(tick))),
                3 => (false, cut_bytes(next, partitions)),
                4 => (true, wire::encode(&Event::of_control(cut))),
                5 => (true, wire::encode(&ControlRule::of_this_run().seal(cut, next * 10, partitions as u32))),
                // The engine's own, but in this partition only: what a copy taken of an aborted append looks like.
                6 if partitions > 1 => (true, wire::encode(&rule().seal(tick, next * 10 - 1 - serial % 9, 4))),
                _ => (false, serial.to_string().into_bytes()),
            };
            log.push(partition.index(partitions), *gap, control, &payload);
        }
        cuts.push(log.push_cut(cuts.len() as u64 + 1));
    }
    cuts
}

/// Each record once, at the time whose binding covers it, at the worker of its partition.
fn check_times(log: &ListLog, workers: usize, seen: &Seen, vectors: &[Vec<u64>]) {
    let mut count = 0;
    for (time, records) in seen {
        let (before, after) = (&vectors[*time as usize - 1], &vectors[*time as usize]);
        let positions: BTreeSet<Position> = records.iter().map(|(record, _)| record.position).collect();
        assert_eq!(positions.len(), records.len(), "no record comes twice");
        for (record, worker) in records {
            let (partition, offset) = (record.position.partition as usize, record.position.offset);
            assert_eq!(*worker, partition % workers);
            assert!(before[partition] <= offset && offset < after[partition], "{} at time {time}", record.position);
        }
        count += records.len();
    }
    assert_eq!(count, log.0.lock().iter().map(Vec::len).sum::<usize>(), "no record is lost");
}

fn controls(seen: &Seen) -> BTreeSet<Position> {
    seen.values().flatten().filter(|(record, _)| record.control).map(|(record, _)| record.position).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn the_state_at_a_cut_is_exactly_the_log_before_it(
        partitions in 1..5usize,
        parts in prop::collection::vec(part(), 1..5),
        hesitation in 1..u64::MAX,
    ) {
        let log = ListLog::new(partitions);
        let cuts = write(&log, partitions, &parts);
        for (workers, records) in [(1, 1), (2, 7), (3, 1_000_000), (3, 2)] {
            let dir = scratch();
            let (seen, vectors) = run(&log, dir.path(), hesitation.rotate_left(workers as u32), workers, &config(records));
            check_times(&log, workers, &seen, &vectors);
            for cut in &cuts {
                let behind: Vec<u64> = cut.iter().map(|position| position.offset + 1).collect();
                prop_assert!(vectors.contains(&behind), "no binding ends just after {:?}", cut);
            }
            prop_assert_eq!(controls(&seen), cuts.iter().flatten().copied().collect());
            // A second run repeats the same times, however it is configured and whatever it is timed like.
            let (again, repeated) = run(&log, dir.path(), hesitation ^ 5, 1, &config(3));
            prop_assert_eq!(&repeated, &vectors);
            prop_assert_eq!(controls(&again), controls(&seen));
            check_times(&log, 1, &again, &repeated);
        }
    }
}

#[test]
fn new_records_get_new_times_after_the_old_ones_were_repeated() {
    let (log, dir) = (ListLog::new(2), scratch());
    for n in 0..10 {
        log.push(n % 2, 1, false, b"early");
    }
    let (first, early) = run(&log, dir.path(), 1, 2, &config(3));
    let cut: Vec<u64> = log.push_cut(1).iter().map(|position| position.offset + 1).collect();
    log.push(0, 0, false, b"late");
    let (second, all) = run(&log, dir.path(), 2, 1, &config(1));
    assert_eq!(all[..early.len()], early);
    check_times(&log, 1, &second, &all);
    for (time, records) in first {
        let records: Vec<_> = records.into_iter().map(|(record, _)| record).collect();
        assert_eq!(second[&time].iter().map(|(record, _)| record.clone()).collect::<Vec<_>>(), records);
    }
    std::fs::remove_file(dir.path().join("bindings")).expect("removes");
    let (third, anew) = run(&log, dir.path(), 3, 3, &config(100));
    assert!(anew.len() < all.len() && anew.contains(&cut), "other times, the same cut");
    check_times(&log, 3, &third, &anew);
}

#[test]
fn records_that_are_gone_do_not_stop_a_repetition() {
    let (log, dir) = (ListLog::new(2), scratch());
    for n in 0..6 {
        log.push(n % 2, 0, false, b"record");
    }
    let (_, vectors) = run(&log, dir.path(), 1, 1, &config(2));
    log.0.lock()[1].remove(1);
    log.0.lock()[0].remove(2);
    let (seen, repeated) = {
        let clock = start(&log, dir.path(), 2, 1, &config(2));
        let dataflow = Workers::start(&clock, 1);
        clock.wait_idle(PATIENCE).expect("the rest is read");
        let repeated = (0..vectors.len() as u64).map(|time| clock.vector(time).expect("kept")).collect::<Vec<_>>();
        clock.stop();
        (dataflow.join(), repeated)
    };
    assert_eq!(repeated, vectors);
    assert_eq!(seen.values().flatten().count(), 4);
}

#[test]
fn bindings_that_reach_past_the_log_are_refused() {
    let (log, dir) = (ListLog::new(1), scratch());
    log.push(0, 0, false, b"one");
    log.push(0, 0, false, b"two");
    run(&log, dir.path(), 1, 1, &config(1));
    log.1.lock()[0] = 1;
    let data = DataDir::open(dir.path()).expect("free");
    let refused = Clock::start(log.source(0), &data, 1, &config(1), &rule()).err().expect("refused").to_string();
    assert!(refused.contains("partition 0 was read up to offset 2, and the log ends at 1"), "{refused}");
}

#[test]
fn while_no_worker_completes_the_memory_held_is_bounded() {
    let (log, dir) = (ListLog::new(3), scratch());
    for n in 0..600 {
        log.push(n % 3, 0, false, &vec![0; 100 + n]);
    }
    let outstanding_max = 3.try_into().expect("not zero");
    let bytes_per_binding_max = 5_000.try_into().expect("not zero");
    let config = ClockConfig { outstanding_max, bytes_per_binding_max, ..config(50) };
    let clock = start(&log, dir.path(), 1, 2, &config);
    let bound = 4 * (5_000 + 700) as u64;
    let until = std::time::Instant::now() + Duration::from_millis(300);
    while std::time::Instant::now() < until {
        let stats = clock.stats();
        assert!(stats.released <= 3 && stats.completed == 0);
        assert!(stats.bytes_in_flight + stats.bytes_staged <= bound, "{stats:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(clock.stats().released, 3, "and the bound is used");
    let dataflow = Workers::start(&clock, 2);
    clock.wait_idle(PATIENCE).expect("the rest follows once workers complete");
    let stats = clock.stats();
    assert_eq!((stats.records_read, stats.bytes_in_flight, stats.bytes_staged), (600, 0, 0));
    clock.stop();
    assert_eq!(dataflow.join().values().flatten().count(), 600);
}

#[test]
fn when_the_log_fails_no_incomplete_time_is_let_go() {
    let (log, dir) = (ListLog::new(2), scratch());
    for n in 0..10 {
        log.push(n % 2, 0, false, b"record");
    }
    let mut source = log.source(0);
    source.fails_at = Some(Position { partition: 1, offset: 3 });
    let data = DataDir::open(dir.path()).expect("free");
    let clock = Clock::start(source, &data, 2, &config(4), &rule()).expect("starts");
    let dataflow = Workers::start(&clock, 2);
    assert!(clock.wait_idle(PATIENCE).is_none());
    assert_eq!(&*clock.failure().expect("it failed"), "topic list cannot be read: the disk is gone");
    let released = clock.stats().released;
    assert!(clock.wait_completed(0, PATIENCE) || released > 0);
    clock.stop();
    let seen = dataflow.join();
    assert_eq!(seen.keys().max().copied().unwrap_or(0), released);
    assert!(seen.values().all(|records| records.len() == 4), "whole times only: {seen:?}");
}

#[test]
fn stopping_in_the_middle_leaves_whole_times() {
    let (log, dir) = (ListLog::new(4), scratch());
    for n in 0..2_000 {
        log.push(n % 4, 0, false, b"record");
    }
    let clock = start(&log, dir.path(), 9, 3, &config(5));
    let dataflow = Workers::start(&clock, 3);
    assert!(clock.wait_completed(3, PATIENCE));
    clock.stop();
    let (released, seen) = (clock.stats().released, dataflow.join());
    assert_eq!(seen.len() as u64, released);
    assert!(seen.values().all(|records| records.len() == 5));
    let (_, vectors) = run(&log, dir.path(), 8, 1, &config(100));
    assert!(vectors.len() as u64 > released);
}

#[test]
fn the_embedded_log_is_followed_while_it_grows() {
    let dir = scratch();
    let data = DataDir::open(dir.path()).expect("free");
    let log = EmbeddedLog::open(&data, &LogConfig::default()).expect("opens");
    let conductor = Conductor::open(Arc::new(log.clone()), rule()).expect("opens");
    let source = Box::new(EmbeddedSource::new(&log).expect("opens"));
    let clock = Clock::start(source, &data, 2, &ClockConfig::default(), &rule()).expect("starts");
    let dataflow = Workers::start(&clock, 2);
    assert_eq!(clock.wait_idle(PATIENCE), Some(0));
    for round in 1..=3u64 {
        for n in 0..40 {
            log.append(format!("repo {n}").as_bytes(), b"payload").expect("appends");
        }
        log.sync().expect("syncs");
        assert_eq!(clock.idle(), None, "what was just synced is not reflected yet");
        assert_eq!(conductor.cut().expect("cuts"), round);
        let time = clock.wait_idle(PATIENCE).expect("follows");
        assert_eq!(clock.vector(time).expect("kept"), log.ends());
        assert_eq!(clock.stats().records_read, round * 44);
        assert_eq!(clock.stats().control_copies, round * 4);
    }
    clock.stop();
    assert_eq!(dataflow.join().values().flatten().count(), 132);
}

/// A clock on a log with a worker that completes everything at once.
fn drained(log: &ListLog, rule: &ControlRule) -> (Arc<Clock>, tempfile::TempDir) {
    let dir = scratch();
    let data = DataDir::open(dir.path()).expect("free");
    (Clock::start(log.source(0), &data, 1, &config(3), rule).expect("starts"), dir)
}

fn until(what: &str, clock: &Clock, mut is_so: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !is_so() {
        assert!(std::time::Instant::now() < deadline, "{what}: {:?}", clock.stats());
        clock.completed(0, clock.stats().released);
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_forged_control_record_in_one_partition_holds_nobody() {
    let log = ListLog::new(3);
    let tick = Control { id: ControlId(7), action: ControlAction::Tick { time: 5 } };
    log.push(1, 0, true, &wire::encode(&Event::of_control(tick)));
    log.push(1, 0, true, &cut_bytes_of_another());
    for n in 0..9 {
        log.push(n % 3, 0, false, b"record");
    }
    let (clock, _dir) = drained(&log, &rule());
    until("the log is read to its end", &clock, || clock.idle().is_some());
    assert_eq!(clock.stats().records_read, 11);
    assert_eq!((clock.stats().control_copies, clock.waits_for_a_control_record()), (0, None));
}

fn cut_bytes_of_another() -> Vec<u8> {
    let control = Control { id: crate::conductor::cut_id(u64::MAX), action: ControlAction::Cut { cut: u64::MAX } };
    wire::encode(&ControlRule::of_this_run().seal(control, u64::MAX, 3))
}

#[test]
fn a_control_record_of_some_partitions_is_waited_for_told_and_passed_over_by_the_next() {
    let log = ListLog::new(2);
    let tick = Control { id: ControlId(7), action: ControlAction::Tick { time: 5 } };
    let half = log.push(0, 0, true, &wire::encode(&rule().seal(tick, 3, 2)));
    log.push(0, 0, false, b"behind it");
    let (clock, _dir) = drained(&log, &rule());
    until("that it waits is told", &clock, || clock.waits_for_a_control_record().is_some());
    assert_eq!((clock.stats().released, clock.idle()), (0, None));
    let cut = log.push_cut(1);
    until("the rest follows", &clock, || clock.idle().is_some());
    assert_eq!(clock.waits_for_a_control_record(), None);
    assert_eq!(clock.last_controls(), LastControls { cut: 1, model_ready: 0, sequence: 10, partitions: 2, foreign: 0 });
    clock.stop();
    let (seen, _) = run(&log, scratch().path(), 3, 2, &config(2));
    assert_eq!(controls(&seen), cut.into_iter().collect());
    assert!(!controls(&seen).contains(&half));
}

#[test]
fn control_records_from_before_there_were_seals_hold_where_they_are_trusted() {
    let log = ListLog::new(2);
    let bare = |cut| {
        let control = Control { id: crate::conductor::cut_id(cut), action: ControlAction::Cut { cut } };
        wire::encode(&Event::of_control(control))
    };
    log.push(0, 0, false, b"record");
    for partition in 0..2 {
        log.push(partition, 0, true, &bare(1));
    }
    // Forged at that time, in one partition.
    log.push(1, 0, true, &bare(9));
    for partition in 0..2 {
        log.push(partition, 0, true, &bare(2));
    }
    let trusted = log.1.lock().clone();
    for partition in 0..2 {
        log.push(partition, 0, true, &bare(3));
    }
    log.push_cut(3);
    let (clock, _dir) =
        drained(&log, &ControlRule::new(driftline_schema::ControlKey::of_log(b"other", "list"), trusted.clone()));
    until("all is read", &clock, || clock.idle().is_some());
    assert_eq!(clock.stats().control_copies, 4, "the cuts on trust; under another key nothing else");
    let key = driftline_schema::ControlKey::of_log(b"the key of the tests", "list");
    let (clock, _dir) = drained(&log, &ControlRule::new(key, trusted));
    until("all is read", &clock, || clock.idle().is_some());
    assert_eq!(clock.stats().control_copies, 6, "and the sealed one behind them");
    assert_eq!(clock.last_controls().cut, 3);
}
