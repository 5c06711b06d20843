//! The event clock of each partition, and the changes that have waited long enough to be taken for clean.
//!
//! The clock is the largest event time among the live records that may advance it, so it goes back when such a record is
//! taken back, and with it the evidence that rested on time having passed. An update costs one step in two ordered
//! sets, and one for each change whose waiting ends or begins again.

use crate::Records;
use differential_dataflow::{AsCollection, Hashable};
use driftline_schema::{ChangeKey, ChangeRow, Evidence, EvidenceKind, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::operator::Operator;

/// What follows from time alone.
pub struct Waiting<'scope> {
    /// "Clean" for every change whose waiting time has passed.
    pub evidence: Records<'scope, Evidence>,
    /// The event clock of each partition, seconds since 1970.
    pub clock: Records<'scope, (u32, i64)>,
}

/// Lets changes wait for `waiting_s` seconds of event time; `ticks` are further (partition, time) that advance the
/// clock.
pub fn wait<'scope>(
    changes: Records<'scope, Arc<ChangeRow>>,
    ticks: Records<'scope, (u32, i64)>,
    waiting_s: i64,
) -> Waiting<'scope> {
    let entries = changes.flat_map(|change| {
        let (partition, time) = (change.key.position.partition, change.time);
        let tick = change.advances_clock.then_some((partition, Entry::Tick(time)));
        tick.into_iter().chain([(partition, Entry::Change(time, change.key))])
    });
    let entries = entries.concat(ticks.map(|(partition, time)| (partition, Entry::Tick(time))));
    let known = follow_clocks(entries, waiting_s);
    let clock = known.clone().flat_map(|known| match known {
        Known::Clock(partition, time) => Some((partition, time)),
        Known::Waited(_) => None,
    });
    let evidence = known.flat_map(|known| match known {
        Known::Clock(..) => None,
        Known::Waited(change) => Some(Evidence {
            change,
            kind: EvidenceKind::Waiting,
            verdict: Verdict::Clean,
            source: change.position,
            weight: 1,
        }),
    });
    Waiting { evidence, clock }
}

/// What a partition's clock must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Entry {
    /// An event time that advances the clock.
    Tick(i64),
    /// A change and when it was committed.
    Change(i64, ChangeKey),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Known {
    Clock(u32, i64),
    Waited(ChangeKey),
}

/// One partition: live event times and live changes by time, with their multiplicities.
#[derive(Default)]
struct Clock {
    ticks: BTreeMap<i64, isize>,
    changes: BTreeMap<(i64, ChangeKey), isize>,
}

impl Clock {
    fn now(&self) -> Option<i64> {
        self.ticks.last_key_value().map(|(time, _)| *time)
    }

    fn is_empty(&self) -> bool {
        self.ticks.is_empty() && self.changes.is_empty()
    }

    /// Applies `edits` and pushes how the answers differ.
    fn apply(&mut self, edits: Edits, waiting_s: i64, partition: u32, mut push: impl FnMut(Known, isize)) {
        let due = |now: Option<i64>| now.map(|now| now.saturating_sub(waiting_s));
        let before = self.now();
        let mut changed = Vec::new();
        for (entry, diff) in edits {
            match entry {
                Entry::Tick(time) => add(&mut self.ticks, time, diff),
                Entry::Change(time, key) => {
                    add(&mut self.changes, (time, key), diff);
                    changed.push((time, key, diff));
                }
            }
        }
        let after = self.now();
        if before != after {
            before.into_iter().for_each(|time| push(Known::Clock(partition, time), -1));
            after.into_iter().for_each(|time| push(Known::Clock(partition, time), 1));
        }
        // First as if the clock stood still, then the changes that its move makes due or takes back.
        let (before, after) = (due(before), due(after));
        for (_, key, diff) in changed.into_iter().filter(|(time, _, _)| Some(*time) <= before) {
            push(Known::Waited(key), diff);
        }
        let (from, to, sign) = if before <= after { (before, after, 1) } else { (after, before, -1) };
        for (key, count) in self.between(from, to) {
            push(Known::Waited(key), sign * count);
        }
    }

    /// Changes after `from` up to and with `to`.
    fn between(&self, from: Option<i64>, to: Option<i64>) -> impl Iterator<Item = (ChangeKey, isize)> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let latest = ChangeKey {
            repo: driftline_schema::RepoId(u64::MAX),
            position: driftline_schema::Position { partition: u32::MAX, offset: u64::MAX },
        };
        let range = to.filter(|to| from < Some(*to)).map(|to| {
            let start = from.map_or(Unbounded, |from| Excluded((from, latest)));
            self.changes.range((start, Included((to, latest))))
        });
        range.into_iter().flatten().map(|((_, key), count)| (*key, *count))
    }
}

fn add<K: Ord>(counts: &mut BTreeMap<K, isize>, key: K, diff: isize) {
    use std::collections::btree_map::Entry::{Occupied, Vacant};
    match counts.entry(key) {
        Vacant(vacant) => {
            vacant.insert(diff);
        }
        Occupied(mut occupied) => {
            *occupied.get_mut() += diff;
            if *occupied.get() == 0 {
                occupied.remove();
            }
        }
    }
}

/// What changed in one partition at one time.
type Edits = BTreeMap<Entry, isize>;

fn follow_clocks<'scope>(entries: Records<'scope, (u32, Entry)>, waiting_s: i64) -> Records<'scope, Known> {
    type Update<D> = (D, u64, isize);
    let exchange = Exchange::new(|((partition, _), _, _): &Update<(u32, Entry)>| partition.hashed());
    let mut clocks: BTreeMap<u32, Clock> = BTreeMap::new();
    let mut pending: BTreeMap<u64, (Capability<u64>, BTreeMap<u32, Edits>)> = BTreeMap::new();
    entries
        .inner
        .unary_frontier::<CapacityContainerBuilder<Vec<Update<Known>>>, _, _, _>(exchange, "Waiting", move |_, _| {
            move |(input, frontier), output| {
                input.for_each_stamp(|capability, data| {
                    for ((partition, entry), time, diff) in data.flat_map(|buffer| buffer.drain(..)) {
                        let (_, edits) = pending.entry(time).or_insert_with(|| {
                            let mut held = capability.retain_least(0).expect("a message with records has a time");
                            held.downgrade(&time);
                            (held, BTreeMap::new())
                        });
                        *edits.entry(partition).or_default().entry(entry).or_insert(0) += diff;
                    }
                });
                while let Some(entry) = pending.first_entry() {
                    if frontier.less_equal(entry.key()) {
                        break;
                    }
                    let (time, (held, edits)) = entry.remove_entry();
                    let mut session = output.session(&held);
                    for (partition, mut edits) in edits {
                        edits.retain(|_, diff| *diff != 0);
                        let clock = clocks.entry(partition).or_default();
                        clock.apply(edits, waiting_s, partition, |known, diff| session.give((known, time, diff)));
                        if clock.is_empty() {
                            clocks.remove(&partition);
                        }
                    }
                }
            }
        })
        .as_collection()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origins::sample::change;
    use crate::testing::{assert_matches_batch, updates};
    use proptest::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    enum Input {
        Change(Arc<ChangeRow>),
        Tick(u32, i64),
    }

    fn row(partition: u32, offset: u64, time: i64, advances_clock: bool) -> Arc<ChangeRow> {
        let mut row = ChangeRow { time, advances_clock, ..change(offset) };
        row.key.position.partition = partition;
        Arc::new(row)
    }

    fn input() -> impl Strategy<Value = Input> {
        let time = || prop_oneof![8 => 0..60i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX)];
        prop_oneof![
            4 => (0..2u32, 0..30u64, time(), any::<bool>())
                .prop_map(|(partition, offset, time, advances)| Input::Change(row(partition, offset, time, advances))),
            1 => (0..2u32, time()).prop_map(|(partition, time)| Input::Tick(partition, time)),
        ]
    }

    /// Clock and waited changes from scratch.
    fn batch(rows: &[Input], waiting_s: i64) -> Vec<Known> {
        let mut known = Vec::new();
        for partition in 0..2 {
            let times = rows.iter().filter_map(|row| match row {
                Input::Tick(of, time) => (*of == partition).then_some(*time),
                Input::Change(change) => {
                    (change.key.position.partition == partition && change.advances_clock).then_some(change.time)
                }
            });
            let Some(now) = times.max() else { continue };
            known.push(Known::Clock(partition, now));
            known.extend(rows.iter().filter_map(|row| match row {
                Input::Change(change) if change.key.position.partition == partition => {
                    (change.time <= now.saturating_sub(waiting_s)).then_some(Known::Waited(change.key))
                }
                _ => None,
            }));
        }
        known
    }

    fn build<'scope>(rows: Records<'scope, Input>, waiting_s: i64) -> Records<'scope, Known> {
        let changes = rows.clone().flat_map(|row| match row {
            Input::Change(change) => Some(change),
            Input::Tick(..) => None,
        });
        let ticks = rows.flat_map(|row| match row {
            Input::Tick(partition, time) => Some((partition, time)),
            Input::Change(_) => None,
        });
        let waiting = wait(changes, ticks, waiting_s);
        let evidence = waiting.evidence.map(|evidence| {
            assert_eq!((evidence.verdict, evidence.source), (Verdict::Clean, evidence.change.position));
            Known::Waited(evidence.change)
        });
        evidence.concat(waiting.clock.map(|(partition, time)| Known::Clock(partition, time)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn equals_the_clock_from_scratch_at_every_time(updates in updates(input(), 40)) {
            assert_matches_batch(&updates, |rows| build(rows, 20), |rows| batch(rows, 20));
        }
    }

    #[test]
    fn a_change_has_waited_at_the_very_second_and_not_before() {
        let steps = |tick| vec![(Input::Change(row(0, 0, 100, true)), 1), (Input::Tick(0, tick), 1)];
        let waited = |tick| {
            let outputs = crate::testing::run(&steps(tick), 1, 1, |rows| build(rows, 20));
            outputs[1].keys().filter(|known| matches!(known, Known::Waited(_))).count()
        };
        assert_eq!((waited(119), waited(120)), (0, 1));
    }

    #[test]
    fn taking_the_newest_record_back_turns_the_clock_and_the_evidence_back() {
        let late = Input::Change(row(0, 1, 200, true));
        let steps = [(Input::Change(row(0, 0, 100, true)), 1), (late.clone(), 1), (late, -1)];
        let outputs = crate::testing::run(&steps, 2, 1, |rows| build(rows, 20));
        assert_eq!(outputs[1].len(), 2, "the clock and the first change");
        assert_eq!(outputs[2], outputs[0]);
        assert_eq!(outputs[0].len(), 1, "the clock alone");
    }
}
