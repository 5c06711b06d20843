//! Fold by position: per key, rows sorted by their place in the log feed a state, and each row's output follows from
//! the rows before it alone.
//!
//! An append costs one step. A late insertion or a retraction takes back the steps of the suffix, newest first, and
//! repeats them with the corrected rows; only outputs that differ are emitted. Steps return what undoes them, so that
//! no copy of the state is ever kept: checkpoints of a repository's whole history would cost far more than it.

use crate::Records;
use differential_dataflow::{AsCollection, ExchangeData, Hashable};
use driftline_schema::Position;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::operator::Operator;

/// A fold over the rows of one key.
pub trait PositionFold: 'static {
    /// One row.
    type Value: ExchangeData;
    /// What a row may bring forth.
    type Output: ExchangeData;
    /// What is remembered from row to row; the default is that of a key without rows.
    type State: Default;
    /// What takes one step back.
    type Undo;

    /// Applies the row at `position`, pushes what follows from it, and returns what undoes the step.
    ///
    /// After `undo` the state must answer every later step as if this one had never been taken.
    fn step(
        &self,
        state: &mut Self::State,
        position: Position,
        value: &Self::Value,
        outputs: &mut Vec<Self::Output>,
    ) -> Self::Undo;

    /// Takes the newest step back.
    fn undo(&self, state: &mut Self::State, undo: Self::Undo);
}

/// The rows of one key in order, each with the undo of its step.
struct Line<F: PositionFold> {
    rows: Vec<Row<F>>,
    state: F::State,
}

struct Row<F: PositionFold> {
    position: Position,
    value: F::Value,
    count: isize,
    /// Present while the row's step is part of the state.
    undo: Option<F::Undo>,
}

/// Rows of one key that changed at one time: (position, value) -> change of multiplicity.
type Edits<V> = BTreeMap<(Position, V), isize>;
/// Differences of one key's outputs.
type Changes<O> = BTreeMap<(Position, O), isize>;

impl<F: PositionFold> Line<F> {
    fn new() -> Self {
        Self { rows: Vec::new(), state: F::State::default() }
    }

    /// Takes back the steps of all rows from index `from` on, newest first.
    fn unwind(&mut self, fold: &F, from: usize) {
        for row in self.rows[from..].iter_mut().rev() {
            if let Some(undo) = row.undo.take() {
                fold.undo(&mut self.state, undo);
            }
        }
    }

    /// Steps through the live rows from index `from` on, adding `sign` for each output.
    fn run(&mut self, fold: &F, from: usize, sign: isize, changes: &mut Changes<F::Output>) {
        let mut outputs = Vec::new();
        for row in self.rows[from..].iter_mut().filter(|row| row.count > 0) {
            row.undo = Some(fold.step(&mut self.state, row.position, &row.value, &mut outputs));
            for output in outputs.drain(..) {
                *changes.entry((row.position, output)).or_insert(0) += sign;
            }
        }
    }

    /// Applies `edits` and returns how the outputs differ.
    fn apply(&mut self, fold: &F, edits: Edits<F::Value>) -> Changes<F::Output> {
        let mut changes = Changes::new();
        let Some((first, _)) = edits.first_key_value() else { return changes };
        let from = self.rows.partition_point(|row| (row.position, &row.value) < (first.0, &first.1));
        if from < self.rows.len() {
            // The old outputs of the suffix are not stored but computed once more: corrections are rare, memory is not.
            self.unwind(fold, from);
            self.run(fold, from, -1, &mut changes);
            self.unwind(fold, from);
        }
        let suffix = self.rows.split_off(from);
        self.rows.extend(merge(suffix, edits));
        self.run(fold, from, 1, &mut changes);
        changes.retain(|_, diff| *diff != 0);
        changes
    }
}

/// The rows of both, in order, without those whose multiplicity is zero.
fn merge<F: PositionFold>(rows: Vec<Row<F>>, edits: Edits<F::Value>) -> Vec<Row<F>> {
    let mut merged = Vec::with_capacity(rows.len() + edits.len());
    let mut edits = edits.into_iter().peekable();
    for mut row in rows {
        while let Some(((position, value), count)) =
            edits.next_if(|((position, value), _)| (*position, value) < (row.position, &row.value))
        {
            merged.push(Row { position, value, count, undo: None });
        }
        if let Some((_, count)) =
            edits.next_if(|((position, value), _)| *position == row.position && *value == row.value)
        {
            row.count += count;
        }
        merged.push(row);
    }
    merged.extend(edits.map(|((position, value), count)| Row { position, value, count, undo: None }));
    merged.retain(|row| row.count != 0);
    merged
}

/// Edits of times that are not complete, each with the capability to answer at its time.
type Waiting<K, V> = BTreeMap<u64, (Capability<u64>, BTreeMap<K, Edits<V>>)>;

/// Maintains `fold` per key; the output of a row carries the row's position.
pub fn ordered_fold<'scope, K, F>(
    rows: Records<'scope, (K, (Position, F::Value))>,
    name: &str,
    fold: F,
) -> Records<'scope, (K, (Position, F::Output))>
where
    K: ExchangeData + Hashable<Output = u64> + Hash,
    F: PositionFold,
{
    type Update<D> = (D, u64, isize);
    let exchange = Exchange::new(|((key, _), _, _): &Update<(K, (Position, F::Value))>| key.hashed());
    let mut lines: HashMap<K, Line<F>> = HashMap::new();
    let mut waiting: Waiting<K, F::Value> = BTreeMap::new();
    type Builder<D> = CapacityContainerBuilder<Vec<Update<D>>>;
    rows.inner
        .unary_frontier::<Builder<(K, (Position, F::Output))>, _, _, _>(exchange, name, move |_capability, _info| {
            move |(input, frontier), output| {
                input.for_each_stamp(|capability, data| {
                    for ((key, row), time, diff) in data.flat_map(|buffer| buffer.drain(..)) {
                        let (_, edits) = waiting.entry(time).or_insert_with(|| {
                            let mut held = capability.retain_least(0).expect("a message with records has a time");
                            held.downgrade(&time);
                            (held, BTreeMap::new())
                        });
                        *edits.entry(key).or_default().entry(row).or_insert(0) += diff;
                    }
                });
                while let Some(entry) = waiting.first_entry() {
                    if frontier.less_equal(entry.key()) {
                        break;
                    }
                    let (time, (held, edits)) = entry.remove_entry();
                    let mut session = output.session(&held);
                    for (key, mut edits) in edits {
                        edits.retain(|_, diff| *diff != 0);
                        let line = lines.entry(key.clone()).or_insert_with(Line::new);
                        for (output, diff) in line.apply(&fold, edits) {
                            session.give(((key.clone(), output), time, diff));
                        }
                        if line.rows.is_empty() {
                            lines.remove(&key);
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
    use crate::testing::{assert_matches_batch, updates};
    use proptest::prelude::*;

    /// Running sum before each row; zero rows give nothing.
    struct RunningSum;
    impl PositionFold for RunningSum {
        type Value = i64;
        type Output = i64;
        type State = i64;
        type Undo = i64;
        fn step(&self, state: &mut i64, _position: Position, value: &i64, outputs: &mut Vec<i64>) -> i64 {
            if *value != 0 {
                outputs.push(*state);
            }
            *state += value;
            *value
        }
        fn undo(&self, state: &mut i64, undo: i64) {
            *state -= undo;
        }
    }

    type Input = (u64, (Position, i64));

    fn batch(rows: &[Input]) -> Vec<Input> {
        let mut sorted = rows.to_vec();
        sorted.sort();
        sorted.dedup();
        let mut sums: HashMap<u64, i64> = HashMap::new();
        let mut outputs = Vec::new();
        for (key, (position, value)) in sorted {
            let sum = sums.entry(key).or_default();
            if value != 0 {
                outputs.push((key, (position, *sum)));
            }
            *sum += value;
        }
        outputs
    }

    fn row() -> impl Strategy<Value = Input> {
        (0..3u64, 0..12u64, -2..3i64).prop_map(|(key, offset, value)| (key, (Position { partition: 0, offset }, value)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn equals_the_batch_fold_at_every_time(updates in updates(row(), 40)) {
            assert_matches_batch(&updates, |rows| ordered_fold(rows, "sum", RunningSum), batch);
        }
    }

    #[test]
    fn an_append_steps_once_and_a_correction_repeats_only_the_suffix() {
        use std::cell::Cell;
        struct Counting(Cell<usize>);
        impl PositionFold for Counting {
            type Value = i64;
            type Output = i64;
            type State = i64;
            type Undo = ();
            fn step(&self, _state: &mut i64, _position: Position, value: &i64, outputs: &mut Vec<i64>) {
                self.0.set(self.0.get() + 1);
                outputs.push(*value);
            }
            fn undo(&self, _state: &mut i64, _undo: ()) {}
        }
        let fold = Counting(Cell::new(0));
        let mut line = Line::<Counting>::new();
        let at = |offset| Position { partition: 0, offset };
        for offset in 0..100 {
            line.apply(&fold, Edits::from([((at(offset), 1), 1)]));
        }
        assert_eq!(fold.0.get(), 100);
        let changes = line.apply(&fold, Edits::from([((at(98), 1), -1)]));
        assert_eq!(fold.0.get(), 100 + 2 + 1, "two old steps repeated, one new step");
        assert_eq!(changes, Changes::from([((at(98), 1), -1)]));
    }
}
