//! Drift as a dataflow: equal to the batch definition at every time, taken back with its data, quiet on stationary streams.

#![expect(clippy::disallowed_methods, reason = "it measures time and answers nothing")]

use super::oracle::{Output, batch};
use super::split_mix::SplitMix64;
use super::*;
use crate::ordered_fold::PositionFold;
use crate::testing::{Step, assert_matches_batch, run, updates};
use driftline_schema::AlertState;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::{BTreeMap, BTreeSet};

type Input = (RepoId, (Position, DriftInput));

const NAMES: [&str; 2] = ["lines_added", "files"];

/// Windows so small that forty changes see alerts open, recover and be adopted.
fn small() -> DriftConfig {
    let count = |n| NonZeroU32::new(n).expect("not zero");
    DriftConfig {
        every: count(2),
        reference_changes: count(5),
        window_changes: count(4),
        sample_min: 3,
        p_adjusted_max: Fixed(700_000),
        psi_min: Fixed(300_000),
        open_after: count(2),
        resolve_after: count(2),
        adopt_after: count(3),
    }
}

fn input(repository: &str, offset: u64, values: Vec<i64>, score: Option<i64>) -> Input {
    let values = values.into_iter().map(Fixed).collect();
    let input =
        DriftInput { repository: repository.into(), time: 1_000 + offset as i64, values, score: score.map(Fixed) };
    (RepoId::of(repository), (Position { partition: 0, offset }, input))
}

/// Changes of two repositories whose values are shifted in every other stretch of the log.
fn change() -> impl Strategy<Value = Input> {
    (0..4u8, 0..48u64, 0..3i64, 0..3i64, proptest::option::of(0..2i64)).prop_map(|(repository, offset, a, b, score)| {
        let shift = if offset / 14 % 2 == 1 { 4 } else { 0 };
        let repository = if repository == 0 { "acme/lib" } else { "acme/app" };
        input(repository, offset, vec![a + shift, b], score.map(|score| score + shift))
    })
}

/// Either every column raises alerts, or the first, which is the one that shifts, does not.
fn quiet(first: bool) -> fn(usize) -> bool {
    if first { |column| column == 0 } else { |_| false }
}

fn both<'scope>(
    inputs: Records<'scope, Input>,
    config: DriftConfig,
    names: &[&str],
    accumulates: fn(usize) -> bool,
) -> Records<'scope, Output> {
    let (rows, alerts) = drift(inputs, config, names, accumulates);
    rows.map(|row| (Some(row), None)).concat(alerts.map(|alert| (None, Some(alert))))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn equals_the_batch_definition_at_every_time(steps in updates(change(), 110), first in any::<bool>()) {
        let quiet = quiet(first);
        assert_matches_batch(
            &steps,
            move |inputs| both(inputs, small(), &NAMES, quiet),
            |live| batch(live, &small(), &NAMES, quiet),
        );
    }
}

#[test]
fn the_drawn_changes_see_every_way_in_which_an_alert_can_stand() {
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<(AlertState, Option<String>, bool), u32> = BTreeMap::new();
    for _ in 0..60 {
        let steps = updates(change(), 110).new_tree(&mut runner).expect("a drawn value").current();
        let live: BTreeSet<Input> = steps.iter().filter(|(_, diff)| *diff > 0).map(|(row, _)| row.clone()).collect();
        for alert in
            batch(&live.into_iter().collect::<Vec<_>>(), &small(), &NAMES, |_| false).into_iter().filter_map(|o| o.1)
        {
            *seen.entry((alert.state, alert.resolution, alert.feature == RISK)).or_default() += 1;
        }
    }
    assert_eq!(seen.len(), 6, "open, recovered and adopted, of features and of the risk: {seen:?}");
}

/// A stationary change of `width` features: nearly normal, heavy-tailed counts, rare flags, and counts that are mostly zero.
fn stationary(random: &mut SplitMix64, width: usize) -> Vec<i64> {
    let value = |i: usize, random: &mut SplitMix64| match i % 4 {
        0 => (random.normalish() * 1e6) as i64,
        1 => (1.0 / (random.uniform() + 0.005)) as i64 * Fixed::ONE,
        2 => i64::from(random.uniform() < 0.15) * Fixed::ONE,
        _ if random.uniform() < 0.7 => 0,
        _ => (random.next() % 50) as i64 * Fixed::ONE,
    };
    (0..width).map(|i| value(i, random)).collect()
}

/// A stream in which the first feature is one standard deviation higher between the two offsets.
fn shifted(changes: u64, from: u64, to: u64) -> Vec<Input> {
    let mut random = SplitMix64(11);
    let change = |offset| {
        let mut values = stationary(&mut random, 6);
        values[0] += if (from..to).contains(&offset) { Fixed::ONE } else { 0 };
        input("acme/app", offset, values, None)
    };
    (0..changes).map(change).collect()
}

const SIX: [&str; 6] = ["entropy", "lines_added", "is_fix", "prior_fixes", "days", "files"];

/// The alerts after each time, when `steps` are cut into times of fifty.
fn alerts_over_time(steps: &[Step<Input>], workers: usize) -> Vec<Vec<Alert>> {
    let outputs = run(steps, workers, 50, |inputs| drift(inputs, DriftConfig::default(), &SIX, |_| false).1);
    let standing = |rows: BTreeMap<Alert, isize>| {
        assert!(rows.values().all(|count| *count == 1), "one row for each alert");
        rows.into_keys().collect()
    };
    outputs.into_iter().map(standing).collect()
}

#[test]
fn a_shift_opens_an_alert_and_its_end_resolves_it() {
    let steps: Vec<Step<Input>> = shifted(1_500, 700, 1_000).into_iter().map(|row| (row, 1)).collect();
    let alerts = alerts_over_time(&steps, 1);
    let states = |time: usize| alerts[time].iter().map(|alert| alert.state).collect::<Vec<_>>();
    // Time t ends with change 50 (t + 1); the shift is in all evaluations from change 750 on.
    assert!(states(13).is_empty(), "before the shift");
    let opened = (14..30).find(|time| !alerts[*time].is_empty()).expect("an alert opens");
    assert!(opened <= 17, "within four evaluations, at time {opened}");
    let (open, resolved) = (&alerts[opened][0], &alerts[29][0]);
    assert_eq!((open.state, open.feature.as_str(), alerts[opened].len()), (AlertState::Open, "entropy", 1));
    assert_eq!((states(29), resolved.resolution.as_deref()), (vec![AlertState::Resolved], Some(RECOVERED)));
    assert_eq!((&open.id, open.opened_at, open.psi), (&resolved.id, resolved.opened_at, resolved.psi));
    assert!(resolved.resolved_at.expect("resolved").offset > 1_000);
}

#[test]
fn taking_the_shifted_changes_back_takes_the_alert_back() {
    let changes = shifted(1_000, 700, 1_000);
    let mut steps: Vec<Step<Input>> = changes.iter().map(|row| (row.clone(), 1)).collect();
    steps.extend(changes[700..].iter().rev().map(|row| (row.clone(), -1)));
    for workers in [1, 3] {
        let alerts = alerts_over_time(&steps, workers);
        assert_eq!(alerts[19].iter().map(|alert| alert.state).collect::<Vec<_>>(), [AlertState::Open]);
        assert!(alerts.last().expect("times").is_empty(), "as if it had never opened");
    }
}

#[test]
fn a_correction_before_the_reference_was_complete_equals_a_log_that_was_never_wrong() {
    let changes = shifted(900, 600, 900);
    let mut wrong = changes[20].clone();
    wrong.1.1.values = Arc::from([Fixed(1); 6]);
    let mut steps: Vec<Step<Input>> = changes.iter().map(|row| (row.clone(), 1)).collect();
    let clean = steps.clone();
    steps[20] = (wrong.clone(), 1);
    steps.extend([(wrong, -1), (changes[20].clone(), 1)]);
    let last = |steps: &[Step<Input>]| {
        run(steps, 1, 451, |inputs| both(inputs, DriftConfig::default(), &SIX, |_| false)).pop().expect("times")
    };
    assert_eq!(last(&steps), last(&clean));
}

/// A repository stepped through the fold alone: where alerts opened and on which feature, and how to step back.
struct Driven {
    opened: Vec<(u64, u32)>,
    state: fold::State,
    undos: Vec<fold::Undo>,
}

fn drive(config: DriftConfig, rows: &[Vec<i64>]) -> Driven {
    let (fold, mut outputs) = (DriftFold { config, accumulates: |_| false }, Vec::new());
    let mut driven = Driven { opened: Vec::new(), state: fold::State::default(), undos: Vec::new() };
    let repository: Arc<str> = "acme/app".into();
    for (offset, values) in rows.iter().enumerate() {
        let values = values.iter().copied().map(Fixed).collect();
        let sample = Sample { subject: Subject::Features, repository: repository.clone(), time: 0, values };
        let position = Position { partition: 0, offset: offset as u64 };
        driven.undos.push(fold.step(&mut driven.state, position, &sample, &mut outputs));
        driven.opened.extend(outputs.drain(..).filter_map(|(finding, sign)| match finding {
            Finding::Alert(alert) if sign > 0 && alert.end.is_none() => Some((offset as u64, alert.column)),
            _ => None,
        }));
    }
    driven
}

fn stationary_rows(seed: u64, changes: usize) -> Vec<Vec<i64>> {
    let mut random = SplitMix64(seed);
    (0..changes).map(|_| stationary(&mut random, 40)).collect()
}

#[test]
fn a_stationary_stream_opens_no_alert() {
    assert_eq!(drive(DriftConfig::default(), &stationary_rows(2, 5_000)).opened, []);
}

#[test]
fn windows_that_never_reach_the_minimum_sample_are_refused() {
    assert_eq!(DriftConfig::default().check(), Ok(()));
    let config = DriftConfig { sample_min: 250, ..DriftConfig::default() };
    let message = config.check().expect_err("200 changes never reach 250").to_string();
    assert!(message.starts_with("drift: `window_changes` is 200 changes, below `sample_min` of 250"), "{message}");
}

/// Run with `--release -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a check"]
fn report_false_alarms_and_delays() {
    let default = DriftConfig::default();
    let (two, three) = (default.open_after, NonZeroU32::new(3).expect("not zero"));
    for (p, open_after) in [(10_000, two), (1_000, two), (10_000, three)] {
        let config = DriftConfig { p_adjusted_max: Fixed(p), open_after, ..default };
        println!("p < {}, open after {open_after}, 100 runs of 40 features:", Fixed(p));
        let opened = |rows: &[Vec<i64>]| drive(config, rows).opened;
        let alarms: Vec<usize> = (0..100).map(|seed| opened(&stationary_rows(1_000 + seed, 5_000)).len()).collect();
        let (all, runs) = (alarms.iter().sum::<usize>(), alarms.iter().filter(|n| **n > 0).count());
        println!("  stationary, 5,000 changes: {all} false alarms in {runs} runs");
        for shift in [300_000, 500_000, 1_000_000] {
            let delay = |seed: u64| {
                let mut rows = stationary_rows(2_000 + seed, 3_000);
                rows[1_000..].iter_mut().for_each(|row| row[0] += shift);
                opened(&rows).into_iter().find(|(at, column)| *at >= 1_000 && *column == 0).map(|(at, _)| at - 999)
            };
            let mut delays: Vec<u64> = (0..100).filter_map(delay).collect();
            delays.sort_unstable();
            let median = delays.get(delays.len() / 2);
            println!(
                "  shift by {} deviations: {} of 100 seen, median delay {median:?} changes",
                Fixed(shift),
                delays.len()
            );
        }
    }
}

/// Run with `--release -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a check"]
fn report_cost() {
    let (config, rows) = (DriftConfig::default(), stationary_rows(3, 20_000));
    let per_change = |since: std::time::Instant| since.elapsed().as_nanos() / 20_000;
    let start = std::time::Instant::now();
    let mut driven = drive(config, &rows);
    let forward = per_change(start);
    let (start, fold) = (std::time::Instant::now(), DriftFold { config, accumulates: |_| false });
    driven.undos.into_iter().rev().for_each(|undo| fold.undo(&mut driven.state, undo));
    println!("40 features: {forward} ns a change forward, {} ns back", per_change(start));
}

/// Run with `--release -- --ignored --nocapture`: the whole operator, changes in times of one and of a thousand.
#[test]
#[ignore = "a measurement, not a check"]
fn report_cost_of_the_dataflow() {
    use differential_dataflow::input::Input as _;
    let names: Vec<String> = (0..40).map(|i| format!("feature_{i}")).collect();
    for batch in [1, 1_000] {
        let names = names.clone();
        timely::execute_directly(move |worker| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let (mut changes, probe) = worker.dataflow::<u64, _, _>(|scope| {
                let (changes, inputs) = scope.new_collection::<Input, isize>();
                (changes, both(inputs, DriftConfig::default(), &names, |_| false).probe().0)
            });
            let rows = stationary_rows(3, 20_000);
            let inputs: Vec<Input> =
                rows.into_iter().enumerate().map(|(i, row)| input("acme/app", i as u64, row, Some(0))).collect();
            let start = std::time::Instant::now();
            for (time, chunk) in inputs.chunks(batch).enumerate() {
                chunk.iter().for_each(|row| changes.update(row.clone(), 1));
                changes.advance_to(time as u64 + 1);
                changes.flush();
                while probe.less_than(changes.time()) {
                    worker.step();
                }
            }
            println!("in times of {batch}: {} ns a change", start.elapsed().as_nanos() / 20_000);
        });
    }
}
