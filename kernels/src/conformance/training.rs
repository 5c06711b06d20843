//! Whole models, node by node, against the naive trainer; and what must not change a model.

use super::{cases, oracle};
use crate::KernelError;
use crate::backend::{Backend, ChoiceTask};
use crate::choice::RowChoice;
use crate::exact::mix;
use crate::gbdt::Gbdt;
use crate::params::{GbdtParams, Growth};
use crate::rows::TrainSet;
use crate::trainer::{TrainJob, train_forests};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

pub(super) fn run<B: Backend>(backend: &B) {
    named_cases_give_the_oracles_model(backend);
    random_cases_give_the_oracles_model(backend);
    order_weights_and_company_do_not_matter(backend);
    bad_jobs_fail_alone(backend);
}

pub(super) fn train<B: Backend>(backend: &B, set: &TrainSet, params: &GbdtParams) -> Gbdt {
    let dataset = backend.load(&[set]).pop().unwrap().unwrap();
    train_forests(backend, &[TrainJob { dataset: &dataset, params }]).pop().unwrap().unwrap()
}

fn named_cases_give_the_oracles_model<B: Backend>(backend: &B) {
    let (sets, params) = (cases::sets(), cases::params());
    let datasets: Vec<B::Dataset> =
        backend.load(&sets.iter().map(|(_, set)| set).collect::<Vec<_>>()).into_iter().map(Result::unwrap).collect();
    let jobs: Vec<TrainJob<'_, B::Dataset>> = datasets
        .iter()
        .flat_map(|dataset| params.iter().map(move |(_, params)| TrainJob { dataset, params }))
        .collect();
    let mut models = train_forests(backend, &jobs).into_iter();
    for (set_name, set) in &sets {
        for (params_name, params) in &params {
            let model = models.next().unwrap().unwrap();
            assert_eq!(model, oracle::train(set, params), "{set_name}, {params_name}");
        }
    }
}

fn row() -> impl Strategy<Value = (u64, Vec<f32>, bool, u32)> {
    let value = prop_oneof![
        4 => (0..6i32).prop_map(|value| value as f32),
        2 => -1000.0f32..1000.0,
        1 => Just(f32::NAN),
    ];
    (0..40u64, proptest::collection::vec(value, 3), any::<bool>(), 0..4u32)
}

fn params() -> impl Strategy<Value = GbdtParams> {
    let shares = (prop_oneof![Just(1000u32), 200..1000u32], 1..=1000u32);
    (1..4u32, 2..12u32, 1..6u32, any::<bool>(), 0..3000u32, 0..3000u32, shares, any::<bool>(), any::<u64>()).prop_map(
        |(
            trees,
            leaves_max,
            depth_max,
            levels,
            lambda_milli,
            min_child_hessian_milli,
            shares,
            balance_classes,
            seed,
        )| {
            GbdtParams {
                trees,
                leaves_max,
                depth_max,
                growth: if levels { Growth::Levels } else { Growth::Leaves },
                learning_rate_milli: 500,
                lambda_milli,
                min_child_hessian_milli,
                rows_per_tree_milli: shares.0,
                columns_per_tree_milli: shares.1,
                balance_classes,
                seed,
            }
        },
    )
}

fn choice() -> impl Strategy<Value = RowChoice> {
    let fold = |(seed, folds, index): (u64, u32, u32)| (seed, folds, index % folds);
    let folds = (any::<u64>(), 1..6u32, any::<u32>()).prop_map(fold);
    prop_oneof![
        3 => Just(RowChoice::All),
        1 => folds.clone().prop_map(|(seed, folds, fold)| RowChoice::Fold { seed, folds, fold }),
        2 => folds.prop_map(|(seed, folds, fold)| RowChoice::OutsideFold { seed, folds, fold }),
        2 => any::<u64>().prop_map(|seed| RowChoice::Bootstrap { seed }),
    ]
}

fn random_cases_give_the_oracles_model<B: Backend>(backend: &B) {
    let mut runner = TestRunner::new(Config { cases: 96, failure_persistence: None, ..Config::default() });
    let cases = (proptest::collection::vec(row(), 1..40), params(), choice());
    let result = runner.run(&cases, |(rows, params, choice)| {
        let mut set = TrainSet::new(3);
        rows.iter().for_each(|(key, features, label, weight)| set.push(*key, features, *label, *weight));
        let loaded = backend.load(&[&set]).pop().unwrap();
        let choose = |dataset| backend.choose_rows(&[ChoiceTask { dataset: &dataset, choice }]).pop().unwrap();
        match loaded.and_then(choose) {
            Ok(dataset) => {
                let made = train_forests(backend, &[TrainJob { dataset: &dataset, params: &params }]).pop().unwrap();
                prop_assert_eq!(made.unwrap(), oracle::train_chosen(&set, choice, &params));
            }
            Err(error) => {
                let is_expected = matches!(error, KernelError::EmptySet | KernelError::OneClass { .. });
                prop_assert!(is_expected, "{}", error);
            }
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// The rows in an order chosen by `seed`, with every weight of w as w rows and some rows of weight zero in between.
fn rewritten(set: &TrainSet, seed: u64) -> TrainSet {
    let mut order: Vec<usize> =
        (0..set.rows()).flat_map(|row| std::iter::repeat_n(row, set.weights[row] as usize)).collect();
    let mut made = TrainSet::new(set.columns);
    order.sort_by_key(|&row| mix(row as u64 ^ seed));
    for (index, row) in order.into_iter().enumerate() {
        made.push(set.keys[row], set.row(row), set.labels[row], 1);
        if index % 7 == 0 {
            made.push(index as u64, &vec![1e9; set.columns], index % 2 == 0, 0);
        }
    }
    made
}

fn order_weights_and_company_do_not_matter<B: Backend>(backend: &B) {
    let sets = cases::sets();
    let (_, set) = sets.iter().find(|(name, _)| *name == "small weights").unwrap();
    for (name, params) in cases::params() {
        let alone = train(backend, set, &params);
        let variants: Vec<TrainSet> = (1..4).map(|seed| rewritten(set, seed)).collect();
        let company: Vec<&TrainSet> = variants.iter().chain(sets.iter().map(|(_, set)| set)).collect();
        let datasets: Vec<B::Dataset> = backend.load(&company).into_iter().map(Result::unwrap).collect();
        let jobs: Vec<TrainJob<'_, B::Dataset>> =
            datasets.iter().map(|dataset| TrainJob { dataset, params: &params }).collect();
        for made in train_forests(backend, &jobs).into_iter().take(variants.len()) {
            assert_eq!(made.unwrap(), alone, "{name}");
        }
    }
}

fn bad_jobs_fail_alone<B: Backend>(backend: &B) {
    let sets = cases::sets();
    let (_, good) = sets.iter().find(|(name, _)| *name == "few values").unwrap();
    let empty = TrainSet::new(2);
    let mut one_class = TrainSet::new(1);
    (0..5).for_each(|key| one_class.push(key, &[key as f32], true, 1));
    let mut loaded = backend.load(&[&empty, good, &one_class]);
    assert_eq!(loaded.pop().unwrap().err(), Some(KernelError::OneClass { label: true }));
    let dataset = loaded.pop().unwrap().unwrap();
    assert_eq!(loaded.pop().unwrap().err(), Some(KernelError::EmptySet));
    let (fine, wrong) =
        (GbdtParams { trees: 2, ..GbdtParams::default() }, GbdtParams { leaves_max: 1, ..GbdtParams::default() });
    let jobs = [&wrong, &fine].map(|params| TrainJob { dataset: &dataset, params });
    let mut made = train_forests(backend, &jobs);
    assert_eq!(made.pop().unwrap().unwrap(), oracle::train(good, &fine));
    assert!(matches!(made.pop().unwrap(), Err(KernelError::Parameter { name: "gbdt.leaves_max", value: 1, .. })));
    assert!(train_forests::<B>(backend, &[]).is_empty());
}
