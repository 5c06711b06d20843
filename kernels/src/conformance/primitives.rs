//! Every primitive on its own, at the bounds of its sums: totals, splits and divisions against sums in `i128`.
//!
//! The trainer reaches a primitive only through trees that gain; here histograms are filled from any range of rows, with the
//! largest weights, all gradients equal, and all rows in one bin.

use crate::backend::{
    Backend, GradientTask, HistogramTask, JobStart, LeafTask, PartitionTask, Split, SplitTask, SubtractTask,
};
use crate::exact::{Classes, GRADIENT_ONE, ONE_Q24, Sums, WEIGHT_MAX, gradient, mix};
use crate::rows::TrainSet;

/// What a case looks like: rows, columns, the weight of each row, and the value of each cell.
struct Case {
    name: String,
    set: TrainSet,
    start_q24: i64,
}

fn case(name: &str, rows: u64, weight: u32, start_q24: i64, value: impl Fn(u64, u64) -> f32) -> Case {
    let columns = 1 + rows % 5;
    let mut set = TrainSet::new(columns as usize);
    for row in 0..rows {
        let features: Vec<f32> = (0..columns).map(|column| value(row, column)).collect();
        set.push(row, &features, row % 3 == 0, weight);
    }
    Case { name: format!("{name}, {rows} rows of weight {weight}"), set, start_q24 }
}

/// 12 shapes of values, sizes and weights, each at three scores: even odds, and both ends of the table.
fn cases() -> Vec<Case> {
    let hot = |_: u64, _: u64| 0.0;
    let two = |row: u64, column: u64| (mix(row ^ column << 32) % 2) as f32;
    let many = |row: u64, column: u64| mix(row ^ column << 32) as f32;
    let gaps = |row: u64, column: u64| if row.is_multiple_of(2) { f32::NAN } else { many(row, column) };
    [0, 20 * ONE_Q24, -20 * ONE_Q24]
        .into_iter()
        .flat_map(|start| {
            [
                case("one bin", 2, 1, start, hot),
                case("one bin", 15, WEIGHT_MAX, start, hot),
                case("one bin", 16, WEIGHT_MAX, start, hot),
                case("one bin", 700, WEIGHT_MAX, start, hot),
                case("two bins", 257, 255, start, two),
                case("two bins", 258, 255, start, two),
                case("two bins", 2_049, 1, start, two),
                case("many bins", 31, 3, start, many),
                case("many bins", 1_025, WEIGHT_MAX, start, many),
                case("many bins", 8_193, 9, start, many),
                case("half missing", 33, 1, start, gaps),
                case("half missing", 513, 77, start, gaps),
            ]
        })
        .collect()
}

pub(super) fn run<B: Backend>(backend: &B) {
    for case in cases() {
        for classes in [Classes::PLAIN, Classes::balanced(2, 1)] {
            check(backend, &case, classes);
        }
    }
}

/// Sums of a set of rows by definition.
fn total(case: &Case, classes: Classes, rows: impl Iterator<Item = usize>) -> Sums {
    let (mut gradients, mut hessians) = (0i128, 0i128);
    for row in rows {
        let one = gradient(case.start_q24, case.set.labels[row], classes);
        gradients += i128::from(one.gradient) * i128::from(case.set.weights[row]);
        hessians += i128::from(one.hessian) * i128::from(case.set.weights[row]);
    }
    assert!(gradients.abs() <= i128::from(case.set.class_weights().total()) * i128::from(GRADIENT_ONE));
    Sums { gradient: gradients as i64, hessian: hessians as i64 }
}

/// The best split of `rows` by definition.
fn best(case: &Case, bins: &[Vec<u8>], classes: Classes, rows: &[usize], lambda: f64) -> Option<Split> {
    let all = total(case, classes, rows.iter().copied());
    let mut found: Option<Split> = None;
    for column in 0..case.set.columns as u16 {
        for bin in 0..255u8 {
            let lefts = || rows.iter().copied().filter(|&row| bins[usize::from(column)][row] <= bin);
            // A bin without rows would repeat the split before it.
            if !rows.iter().any(|&row| bins[usize::from(column)][row] == bin) {
                continue;
            }
            let left = total(case, classes, lefts());
            let right = all - left;
            if right.hessian < 1 {
                continue;
            }
            let gain = left.strength(lambda) + right.strength(lambda) - all.strength(lambda);
            if gain > found.map_or(0.0, |found| found.gain) {
                found = Some(Split { gain, column, bin, left });
            }
        }
    }
    found
}

fn check<B: Backend>(backend: &B, case: &Case, classes: Classes) {
    let name = &case.name;
    let dataset = backend.load(&[&case.set]).pop().unwrap().unwrap();
    let edges = backend.summary(&dataset).edges.clone();
    let rows = case.set.rows();
    let bins: Vec<Vec<u8>> = (0..case.set.columns)
        .map(|column| (0..rows).map(|row| edges.bin(column, case.set.row(row)[column])).collect())
        .collect();
    let start =
        JobStart { dataset: &dataset, start_q24: case.start_q24, classes, seed: 1, row_hash_below: 1 << 32, slots: 3 };
    let mut training = backend.begin(&[start]).unwrap();
    let all = backend.gradients(&mut training, &[GradientTask { job: 0, tree: 0 }]).unwrap();
    assert_eq!(all, [total(case, classes, 0..rows)], "{name}");
    let columns: Vec<u16> = (0..case.set.columns as u16).collect();
    let split = |total: Sums, slot| SplitTask { job: 0, slot, total, columns: &columns, lambda: 32.0, min_hessian: 1 };
    let end = rows as u32;
    backend.histograms(&mut training, &[HistogramTask { job: 0, slot: 0, rows: 0..end }]).unwrap();
    // Many bins times many rows would take the definition too long.
    let every: Vec<usize> = (0..rows).collect();
    let is_small = rows * edges.count() < 3_000;
    let found = backend.best_splits(&training, &[split(all[0], 0)]).unwrap();
    if is_small {
        assert_eq!(found, [best(case, &bins, classes, &every, 32.0)], "{name}");
    }
    // Divided by the first column's middle bin, whether that gains or not.
    let bin = edges.bin_max(0) / 2;
    let task = PartitionTask { job: 0, rows: 0..end, column: 0, bin };
    let left = backend.partition(&mut training, &[task]).unwrap()[0];
    let (lefts, rights): (Vec<usize>, Vec<usize>) = every.iter().partition(|&&row| bins[0][row] <= bin);
    assert_eq!(left as usize, lefts.len(), "{name}");
    let fills = [HistogramTask { job: 0, slot: 1, rows: 0..left }, HistogramTask { job: 0, slot: 2, rows: left..end }];
    backend.histograms(&mut training, &fills).unwrap();
    // Filled and subtracted histograms of the right side must say the same, also of one that was empty.
    backend.subtract(&mut training, &[SubtractTask { job: 0, from: 0, minus: 1 }]).unwrap();
    let sides = [total(case, classes, lefts.iter().copied()), total(case, classes, rights.iter().copied())];
    let found = backend.best_splits(&training, &[split(sides[0], 1), split(sides[1], 2), split(sides[1], 0)]).unwrap();
    assert_eq!(found[1], found[2], "{name}");
    if is_small {
        assert_eq!(found[0], best(case, &bins, classes, &lefts, 32.0), "{name}");
        assert_eq!(found[1], best(case, &bins, classes, &rights, 32.0), "{name}");
    }
    // Leaves move the scores of their own rows only.
    let leaves = [(0..left, 1 << 23), (left..end, -(1 << 22))];
    let tasks = leaves.map(|(rows, value_q24)| LeafTask { job: 0, rows, value_q24 });
    backend.add_leaves(&mut training, &tasks).unwrap();
    let moved = backend.gradients(&mut training, &[GradientTask { job: 0, tree: 1 }]).unwrap()[0];
    let sum = |rows: &[usize], value: i64| {
        let moved = Case { name: String::new(), set: case.set.clone(), start_q24: case.start_q24 + value };
        total(&moved, classes, rows.iter().copied())
    };
    assert_eq!(moved, sum(&lefts, 1 << 23) + sum(&rights, -(1 << 22)), "{name}");
    nothing_is_asked(backend, &mut training);
}

/// Empty task lists and empty ranges are answers, not faults.
fn nothing_is_asked<B: Backend>(backend: &B, training: &mut B::Training) {
    assert_eq!(backend.gradients(training, &[]), Ok(vec![]));
    assert_eq!(backend.partition(training, &[]), Ok(vec![]));
    assert_eq!(backend.best_splits(training, &[]), Ok(vec![]));
    let empty = PartitionTask { job: 0, rows: 1..1, column: 0, bin: 1 };
    assert_eq!(backend.partition(training, &[empty]), Ok(vec![0]));
    assert_eq!(backend.histograms(training, &[HistogramTask { job: 0, slot: 1, rows: 1..1 }]), Ok(()));
    let task = SplitTask { job: 0, slot: 1, total: Sums::default(), columns: &[0], lambda: 1.0, min_hessian: 1 };
    assert_eq!(backend.best_splits(training, &[task]), Ok(vec![None]));
    assert_eq!(backend.subtract(training, &[]), Ok(()));
    assert_eq!(backend.add_leaves(training, &[]), Ok(()));
}
