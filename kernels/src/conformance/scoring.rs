//! Scores against the walk from node to node, contributions against brute-force Shapley values, counts against counting.

use super::training::train;
use super::{cases, vine};
use crate::KernelError;
use crate::backend::{Backend, CountTask, ForestTask};
use crate::exact::mix;
use crate::gbdt::{Gbdt, Tree};
use crate::params::GbdtParams;
use crate::rows::Rows;

pub(super) fn run<B: Backend>(backend: &B) {
    for (name, set) in cases::sets() {
        let params = GbdtParams {
            trees: 19,
            leaves_max: 12,
            min_child_hessian_milli: 100,
            learning_rate_milli: 200,
            ..GbdtParams::default()
        };
        let model = train(backend, &set, &params);
        let features = strange_rows(&set.features, set.columns);
        let rows = Rows { columns: set.columns, features: &features };
        scores_are_the_walk(backend, &model, rows, name);
        contributions_add_up(backend, &model, rows, name);
        if set.columns <= 6 {
            contributions_are_shapley_values(backend, &model, rows, name);
        }
        counts_are_counts(backend, &model, rows);
    }
    vine::deep_trees_are_explained(backend);
    torn_rows_are_refused(backend);
}

/// The rows of the set, and rows no set holds.
fn strange_rows(features: &[f32], columns: usize) -> Vec<f32> {
    let strange = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 0.5, 1e20, -3.0];
    let drawn = (0..7 * columns as u64).map(|index| strange[(mix(index) % 7) as usize]);
    features.iter().copied().take(columns * 270).chain(drawn).collect()
}

pub(super) fn scores_are_the_walk<B: Backend>(backend: &B, model: &Gbdt, rows: Rows<'_>, name: &str) {
    let forest = backend.forests(&[model]).unwrap().pop().unwrap();
    let expected: Vec<i64> = rows.features.chunks_exact(rows.columns).map(|row| model.score_row(row)).collect();
    // Batches of every size around the widths a backend may work in, in one call.
    let counts = [0, 1, 2, 15, 16, 17, 31, 33, 255, 256, 257, expected.len()];
    let counts: Vec<usize> = counts.into_iter().filter(|&count| count <= expected.len()).collect();
    let part = |count: usize| Rows { columns: rows.columns, features: &rows.features[..count * rows.columns] };
    let tasks: Vec<_> = counts.iter().map(|&count| ForestTask { forest: &forest, rows: part(count) }).collect();
    for (scores, count) in backend.score(&tasks).unwrap().into_iter().zip(counts) {
        assert_eq!(scores, expected[..count], "{name}, {count} rows");
    }
}

pub(super) fn contributions_add_up<B: Backend>(backend: &B, model: &Gbdt, rows: Rows<'_>, name: &str) {
    let forest = backend.forests(&[model]).unwrap().pop().unwrap();
    let made = backend.explain(&[ForestTask { forest: &forest, rows }]).unwrap().pop().unwrap();
    assert_eq!(made.len(), rows.count());
    for (row, made) in rows.features.chunks_exact(rows.columns).zip(made) {
        let sum = made.base_q24 + made.features_q24.iter().sum::<i64>();
        assert_eq!(sum, model.score_row(row), "{name}");
    }
}

/// What a tree says when only the columns in `known` are, others being averaged by cover.
fn expected_value(tree: &Tree, at: usize, goes_right: &dyn Fn(usize, u8) -> bool, known: u32) -> f64 {
    let node = tree.nodes[at];
    if node.is_leaf() {
        return f64::from(node.value_q24);
    }
    let [left, right] = node.children();
    if known >> node.column & 1 == 1 {
        let child = if goes_right(usize::from(node.column), node.bin) { right } else { left };
        return expected_value(tree, child, goes_right, known);
    }
    let side = |child: usize| {
        expected_value(tree, child, goes_right, known) * tree.nodes[child].cover as f64 / node.cover as f64
    };
    side(left) + side(right)
}

/// Shapley values by their definition: the mean over all orders of what a column adds.
fn shapley(model: &Gbdt, row: &[f32]) -> Vec<f64> {
    let columns = model.columns();
    let goes_right = |column: usize, bin: u8| model.edges().bin(column, row[column]) > bin;
    let value: Vec<f64> = (0..1u32 << columns)
        .map(|known| model.trees().iter().map(|tree| expected_value(tree, 0, &goes_right, known)).sum())
        .collect();
    let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
    let orders = |size: u32| factorial(size) * factorial(columns as u32 - 1 - size) / factorial(columns as u32);
    let without = |column: usize| (0..1u32 << columns).filter(move |known| known >> column & 1 == 0);
    (0..columns)
        .map(|column| {
            let gain = |known: u32| value[(known | 1 << column) as usize] - value[known as usize];
            without(column).map(|known| orders(known.count_ones()) * gain(known)).sum()
        })
        .collect()
}

fn contributions_are_shapley_values<B: Backend>(backend: &B, model: &Gbdt, rows: Rows<'_>, name: &str) {
    let forest = backend.forests(&[model]).unwrap().pop().unwrap();
    let made = backend.explain(&[ForestTask { forest: &forest, rows }]).unwrap().pop().unwrap();
    let step = (rows.count() / 12).max(1);
    for (row, made) in rows.features.chunks_exact(rows.columns).zip(made).step_by(step) {
        // Every column is rounded by half a unit at most, and the remainder of all falls on one.
        let tolerance = rows.columns as f64 / 2.0 + model.trees().len() as f64 / 2.0 + 1.0;
        for (found, exact) in made.features_q24.iter().zip(shapley(model, row)) {
            assert!((*found as f64 - exact).abs() <= tolerance, "{name}: {found} for {exact}");
        }
    }
}

/// No rows, one row, odd numbers of rows and all of them, in one call.
fn counts_are_counts<B: Backend>(backend: &B, model: &Gbdt, rows: Rows<'_>) {
    let counts = [0, 1, 3, 199, 201, rows.count()].map(|count| count.min(rows.count()));
    let part = |count: usize| Rows { columns: rows.columns, features: &rows.features[..count * rows.columns] };
    let tasks = counts.map(|count| CountTask { edges: model.edges(), rows: part(count) });
    for (made, task) in backend.count_bins(&tasks).unwrap().into_iter().zip(&tasks) {
        assert_eq!(made.columns.len(), rows.columns);
        for (column, counts) in made.columns.iter().enumerate() {
            let mut expected = [0u64; 256];
            for row in task.rows.features.chunks_exact(rows.columns) {
                expected[usize::from(model.edges().bin(column, row[column]))] += 1;
            }
            assert_eq!(counts, &expected);
        }
    }
}

fn torn_rows_are_refused<B: Backend>(backend: &B) {
    let sets = cases::sets();
    let (_, set) = sets.iter().find(|(name, _)| *name == "few values").unwrap();
    let model = train(backend, set, &GbdtParams { trees: 1, ..GbdtParams::default() });
    let forest = backend.forests(&[&model]).unwrap().pop().unwrap();
    let rows = Rows { columns: 3, features: &[1.0; 6] };
    let wrong = Err(KernelError::Columns { found: 3, expected: 4 });
    assert_eq!(backend.score(&[ForestTask { forest: &forest, rows }]), wrong);
    assert!(backend.explain(&[ForestTask { forest: &forest, rows }]).is_err());
    assert!(backend.count_bins(&[CountTask { edges: model.edges(), rows }]).is_err());
    let torn = Rows { columns: 4, features: &[1.0; 6] };
    assert!(matches!(backend.score(&[ForestTask { forest: &forest, rows: torn }]), Err(KernelError::Shape { .. })));
}
