//! A short run: the same models, scores, contributions and counts as the CPU's, on sets that reach every kernel's branches.
//!
//! It is what sanitizers, shuffled schedules and planted faults are run with, and it has sets of more rows than one block of
//! threads takes.

use super::{cases, choices, tokens, windows};
use crate::backend::{Backend, CountTask, ForestTask, JobStart};
use crate::exact::{Classes, mix};
use crate::gbdt::Gbdt;
use crate::params::{GbdtParams, Growth};
use crate::rows::{Rows, TrainSet};
use crate::trainer::{TrainJob, train_forests};
use crate::{CpuBackend, KernelError};

pub(super) fn run<B: Backend>(backend: &B) {
    let mut sets: Vec<TrainSet> = cases::sets()
        .into_iter()
        .filter(|(name, _)| {
            ["missing and infinite", "one hot bin", "just wide", "more values than bins"].contains(name)
        })
        .map(|(_, set)| set)
        .collect();
    sets.push(many_rows(9_000, 18));
    let models = models_agree(backend, &sets);
    results_agree(backend, &sets, &models);
    choices::many_rows_are_chosen(backend, &sets[sets.len() - 1]);
    windows::run(backend);
    tokens::run(backend);
}

/// More rows than a block of any kernel takes, with weights that make a block flush more than once.
fn many_rows(rows: u64, columns: usize) -> TrainSet {
    let mut set = TrainSet::new(columns);
    for row in 0..rows {
        let draw = |column: usize| mix(row * 131 + column as u64);
        let value = |column: usize| if draw(column).is_multiple_of(3) { 0.0 } else { (draw(column) >> 32) as f32 };
        let features: Vec<f32> = (0..columns).map(value).collect();
        let risk = 2 + 5 * u64::from(features[0] > 2e9);
        set.push(mix(row), &features, draw(99) % 10 < risk, 1 + (draw(98) % 60) as u32);
    }
    set
}

fn train<B: Backend>(backend: &B, sets: &[TrainSet]) -> Vec<Gbdt> {
    let leaves = GbdtParams { trees: 3, leaves_max: 9, min_child_hessian_milli: 300, ..GbdtParams::default() };
    let levels = GbdtParams { growth: Growth::Levels, depth_max: 3, rows_per_tree_milli: 700, ..leaves.clone() };
    let loaded = backend.load(&sets.iter().collect::<Vec<_>>());
    let datasets: Vec<B::Dataset> = loaded.into_iter().map(Result::unwrap).collect();
    let jobs: Vec<TrainJob<'_, B::Dataset>> =
        datasets.iter().flat_map(|dataset| [&leaves, &levels].map(|params| TrainJob { dataset, params })).collect();
    train_forests(backend, &jobs).into_iter().map(Result::unwrap).collect()
}

fn models_agree<B: Backend>(backend: &B, sets: &[TrainSet]) -> Vec<Gbdt> {
    let expected = train(&CpuBackend::new(), sets);
    let found = train(backend, sets);
    for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert!(found == expected, "model {index} differs from the CPU's");
    }
    expected
}

/// Twelve jobs whose histograms do not fit into 20 MB together, though any three of them do.
pub(super) fn a_wave_is_halved<B: Backend>(backend: &B) {
    let set = many_rows(60, 17);
    let params = GbdtParams { trees: 2, leaves_max: 64, ..GbdtParams::default() };
    let dataset = backend.load(&[&set]).pop().unwrap().unwrap();
    let start = |_| JobStart {
        dataset: &dataset,
        start_q24: 0,
        classes: Classes::PLAIN,
        seed: 0,
        row_hash_below: 1 << 32,
        slots: 64,
    };
    let starts: Vec<JobStart<'_, B::Dataset>> = (0..12).map(start).collect();
    assert!(matches!(backend.begin(&starts), Err(KernelError::Device { .. })));
    let cpu = CpuBackend::new();
    let local = cpu.load(&[&set]).pop().unwrap().unwrap();
    let expected = train_forests(&cpu, &[TrainJob { dataset: &local, params: &params }]).pop().unwrap();
    let jobs = [TrainJob { dataset: &dataset, params: &params }; 12];
    assert!(train_forests(backend, &jobs).into_iter().all(|made| made == expected));
}

fn results_agree<B: Backend>(backend: &B, sets: &[TrainSet], models: &[Gbdt]) {
    let cpu = CpuBackend::new();
    let models: Vec<&Gbdt> = models.iter().collect();
    let (forests, expected) = (backend.forests(&models).unwrap(), cpu.forests(&models).unwrap());
    let rows = |index: usize| {
        let set = &sets[index / 2];
        let count = set.rows().min(150 + index);
        Rows { columns: set.columns, features: &set.features[..count * set.columns] }
    };
    let found: Vec<_> =
        forests.iter().enumerate().map(|(index, forest)| ForestTask { forest, rows: rows(index) }).collect();
    let expected: Vec<_> =
        expected.iter().enumerate().map(|(index, forest)| ForestTask { forest, rows: rows(index) }).collect();
    assert_eq!(backend.score(&found), cpu.score(&expected));
    assert!(backend.explain(&found).unwrap() == cpu.explain(&expected).unwrap(), "contributions differ");
    drop(found);
    // Handles may be dropped by a thread that never called the backend.
    std::thread::scope(|scope| scope.spawn(move || drop(forests)).join()).unwrap();
    let whole = |(set, model): (&TrainSet, usize)| (models[model].edges().clone(), set.features.clone(), set.columns);
    for (edges, features, columns) in sets.iter().zip((0..).step_by(2)).map(whole) {
        let task = CountTask { edges: &edges, rows: Rows { columns, features: &features } };
        assert_eq!(backend.count_bins(&[task]), cpu.count_bins(&[task]));
    }
}

/// Calls on both sides of the size that makes an automatic backend measure, whichever device takes them.
pub(super) fn large_calls_are_scored<B: Backend>(backend: &B) {
    let sets = [many_rows(300, 5)];
    let model = &train(&CpuBackend::new(), &sets)[0];
    let forest = backend.forests(&[model]).unwrap().pop().unwrap();
    for count in [0, 1, 255, 256, 300] {
        let rows = Rows { columns: 5, features: &sets[0].features[..count * 5] };
        let expected: Vec<i64> = rows.features.chunks_exact(5).map(|row| model.score_row(row)).collect();
        assert_eq!(backend.score(&[ForestTask { forest: &forest, rows }]), Ok(vec![expected]));
    }
}
