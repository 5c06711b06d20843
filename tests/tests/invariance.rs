//! Laws 1 and 2: the state at every position is a function of the log up to there, whatever the workers and bindings.

use driftline_schema::Event;
use driftline_testkit::history::Project;
use driftline_testkit::lab::{Lab, Way};

const AS_RECORDED: Way = Way { workers: 1, records_per_binding: 2_000 };

fn two_repositories(changes: usize) -> Vec<Event> {
    let (one, other) = (Project::history("team/one", 1, changes), Project::history("other", 2, changes));
    one.into_iter().zip(other).flat_map(|(one, other)| [one, other]).collect()
}

/// An imported log with models; the engine that imported it is stopped.
fn imported(partitions: u32, events: &[Event]) -> (Lab, driftline_operators::digest::Digests) {
    let lab = Lab::new(partitions);
    let engine = lab.start(AS_RECORDED);
    lab.import(&engine, events);
    assert!(!engine.models().is_empty(), "the history is long enough for models");
    let digests = engine.reflected().digests;
    engine.stop().expect("the engine stops");
    (lab, digests)
}

#[test]
fn workers_and_bindings_do_not_change_the_answer() {
    let (lab, recorded) = imported(3, &two_repositories(130));
    for way in [
        AS_RECORDED,
        Way { workers: 2, records_per_binding: 7 },
        Way { workers: 3, records_per_binding: 1 },
        Way { workers: 2, records_per_binding: 100_000 },
    ] {
        let digests = lab.digests(way);
        assert_eq!(digests.parts(), recorded.parts(), "{way:?}");
    }
}

#[test]
fn two_imports_of_one_history_give_the_same_log_and_answer() {
    let events = two_repositories(110);
    let (_, one) = imported(1, &events);
    let (_, other) = imported(1, &events);
    assert_eq!(one.combined(), other.combined());
}

#[test]
fn the_state_at_every_prefix_is_that_of_a_log_that_ends_there() {
    let events = two_repositories(40);
    let grown = Lab::new(2);
    let engine = grown.start(Way { workers: 2, records_per_binding: 3 });
    for (step, chunk) in events.chunks(16).enumerate() {
        grown.append(chunk);
        engine.wait_until_idle().expect("everything is reflected");
        let fresh = Lab::new(2);
        fresh.append(&events[..(step * 16 + chunk.len())]);
        assert_eq!(engine.reflected().digests.parts(), fresh.digests(AS_RECORDED).parts(), "after chunk {step}");
    }
    engine.stop().expect("the engine stops");
}
