//! The oracle of every operator: run it as a dataflow and compare with a from-scratch computation at every time.
//!
//! A run is repeated for one, two and three workers and for several cuts of the same updates into times; all must agree.

use crate::Records;
use differential_dataflow::ExchangeData;
use differential_dataflow::input::Input;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

/// A record inserted (`+1`) or retracted (`-1`), in the order in which it happens.
pub type Step<D> = (D, isize);

/// Insertions, some of which are retracted later and some of which come back.
pub fn updates<D: Clone + Debug + Ord>(
    record: impl Strategy<Value = D>,
    length_max: usize,
) -> impl Strategy<Value = Vec<Step<D>>> {
    proptest::collection::vec((record, 0..100u32), 0..length_max).prop_map(|drawn| {
        let mut live: Vec<D> = Vec::new();
        let mut steps = Vec::new();
        for (record, choice) in drawn {
            if choice < 30 && !live.is_empty() {
                let gone = live.swap_remove(choice as usize % live.len());
                steps.push((gone, -1));
            } else if !live.contains(&record) {
                live.push(record.clone());
                steps.push((record, 1));
            }
        }
        steps
    })
}

/// The accumulated output after each time, when `steps` are cut into times of `batch` steps and dealt to the workers.
pub fn run<D, O>(
    steps: &[Step<D>],
    workers: usize,
    batch: usize,
    build: impl for<'s> Fn(Records<'s, D>) -> Records<'s, O> + Send + Sync + 'static,
) -> Vec<BTreeMap<O, isize>>
where
    D: ExchangeData + Sync,
    O: ExchangeData,
{
    let times = steps.len().div_ceil(batch);
    let seen: Arc<Mutex<Vec<(O, u64, isize)>>> = Arc::default();
    let (sink, steps) = (seen.clone(), steps.to_vec());
    timely::execute(timely::Config::process(workers), move |worker| {
        let sink = sink.clone();
        let (mut input, probe) = worker.dataflow::<u64, _, _>(|scope| {
            let (input, records) = scope.new_collection::<D, isize>();
            let output = build(records).inspect(move |update| {
                sink.lock().expect("no holder panics").push(update.clone());
            });
            (input, output.probe().0)
        });
        for (time, chunk) in steps.chunks(batch).enumerate() {
            for (index, (record, diff)) in chunk.iter().enumerate() {
                // Dealt in reverse order too, so that arrival order within a time cannot matter.
                if (index + time) % worker.peers() == worker.index() {
                    input.update(record.clone(), *diff);
                }
            }
            input.advance_to(time as u64 + 1);
            input.flush();
            // Two times in flight: operators must not rely on seeing a time complete before the next begins.
            while probe.less_than(&(time as u64)) {
                worker.step();
            }
        }
    })
    .expect("the dataflow starts")
    .join()
    .into_iter()
    .for_each(|result| result.expect("no worker panics"));
    let mut updates = std::mem::take(&mut *seen.lock().expect("no holder panics"));
    updates.sort_by_key(|(_, time, _)| *time);
    accumulate(&updates, times)
}

fn accumulate<O: Clone + Ord>(updates: &[(O, u64, isize)], times: usize) -> Vec<BTreeMap<O, isize>> {
    let mut state: BTreeMap<O, isize> = BTreeMap::new();
    let mut rest = updates.iter().peekable();
    (0..times as u64)
        .map(|time| {
            while let Some((record, _, diff)) = rest.next_if(|(_, at, _)| *at <= time) {
                let count = state.entry(record.clone()).or_insert(0);
                *count += diff;
                if *count == 0 {
                    state.remove(record);
                }
            }
            state.clone()
        })
        .collect()
}

/// The live records after each time.
fn live_after<D: Clone + Ord>(steps: &[Step<D>], batch: usize) -> Vec<Vec<D>> {
    let mut live: BTreeMap<D, isize> = BTreeMap::new();
    steps
        .chunks(batch)
        .map(|chunk| {
            for (record, diff) in chunk {
                *live.entry(record.clone()).or_insert(0) += diff;
            }
            live.retain(|_, count| *count != 0);
            live.iter().flat_map(|(record, count)| std::iter::repeat_n(record.clone(), *count as usize)).collect()
        })
        .collect()
}

/// Panics unless the operator's accumulated output equals `oracle` of the live records at every time, for one, two and
/// three workers and for cuts of 1, 4 and all steps.
pub fn assert_matches_batch<D, O>(
    steps: &[Step<D>],
    build: impl for<'s> Fn(Records<'s, D>) -> Records<'s, O> + Clone + Send + Sync + 'static,
    oracle: impl Fn(&[D]) -> Vec<O>,
) where
    D: ExchangeData + Sync,
    O: ExchangeData,
{
    for (workers, batch) in [(1, 1), (2, 4), (3, steps.len().max(1))] {
        let outputs = run(steps, workers, batch, build.clone());
        for (time, live) in live_after(steps, batch).iter().enumerate() {
            let mut expected: BTreeMap<O, isize> = BTreeMap::new();
            for record in oracle(live) {
                *expected.entry(record).or_insert(0) += 1;
            }
            assert_eq!(outputs[time], expected, "time {time}, {workers} workers, batches of {batch}");
        }
    }
}
