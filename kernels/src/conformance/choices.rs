//! Folds and resamples of a shared data set: the model of each is the naive trainer's on the rows that were chosen.

use super::{cases, oracle};
use crate::backend::{Backend, ChoiceTask, GradientTask, JobStart};
use crate::choice::RowChoice;
use crate::exact::{Classes, Sums, gradient, row_hash};
use crate::params::{GbdtParams, Growth};
use crate::rows::{ClassWeights, TrainSet};
use crate::trainer::{TrainJob, train_forests};
use crate::{CpuBackend, KernelError};

/// Every kind of choice, and folds of every number of rows.
fn choices() -> Vec<RowChoice> {
    vec![
        RowChoice::All,
        RowChoice::Fold { seed: 1, folds: 2, fold: 1 },
        RowChoice::OutsideFold { seed: 1, folds: 3, fold: 0 },
        RowChoice::OutsideFold { seed: 2, folds: 10, fold: 9 },
        RowChoice::Bootstrap { seed: 3 },
        RowChoice::Bootstrap { seed: 4 },
        // One fold is everything, and what is beyond the last fold is nothing.
        RowChoice::Fold { seed: 5, folds: 1, fold: 0 },
        RowChoice::OutsideFold { seed: 5, folds: 1, fold: 0 },
        RowChoice::Fold { seed: 5, folds: 4, fold: u32::MAX },
    ]
}

pub(super) fn run<B: Backend>(backend: &B) {
    every_choice_gives_the_oracles_model(backend);
    a_choice_of_a_choice_is_a_choice(backend);
    for rows in [1, 2, 255, 256, 257, 2_047, 2_049] {
        totals_are_those_of_the_chosen_rows(backend, rows);
    }
}

fn params() -> [GbdtParams; 2] {
    let leaves = GbdtParams { trees: 3, leaves_max: 7, min_child_hessian_milli: 300, ..GbdtParams::default() };
    [GbdtParams { growth: Growth::Levels, depth_max: 3, balance_classes: true, ..leaves.clone() }, leaves]
}

/// The weights of a choice by definition.
fn weights(set: &TrainSet, choice: RowChoice) -> ClassWeights {
    let mut weights = ClassWeights::default();
    for row in 0..set.rows() {
        let weight = u64::from((set.weights[row] * choice.copies(set.keys[row])).min(4096));
        *if set.labels[row] { &mut weights.defective } else { &mut weights.clean } += weight;
    }
    weights
}

/// All sets, all choices and all parameters as one batch of jobs.
fn every_choice_gives_the_oracles_model<B: Backend>(backend: &B) {
    let (sets, choices, params) = (cases::sets(), choices(), params());
    let loaded = backend.load(&sets.iter().map(|(_, set)| set).collect::<Vec<_>>());
    let datasets: Vec<B::Dataset> = loaded.into_iter().map(Result::unwrap).collect();
    let choose = |dataset| choices.iter().map(move |&choice| ChoiceTask { dataset, choice });
    let made = backend.choose_rows(&datasets.iter().flat_map(choose).collect::<Vec<_>>());
    let asked = sets.iter().flat_map(|(name, set)| choices.iter().map(move |&choice| (name, set, choice)));
    let mut sound = Vec::new();
    for ((name, set, choice), made) in asked.zip(&made) {
        let expected = weights(set, choice);
        match (expected.check(), made) {
            (Ok(()), Ok(dataset)) => {
                assert_eq!(backend.summary(dataset).classes, expected, "{name}, {choice:?}");
                sound.push((name, set, choice, dataset));
            }
            (expected, made) => assert_eq!(made.as_ref().err(), expected.as_ref().err(), "{name}, {choice:?}"),
        }
    }
    assert!(sound.len() > 80 && sound.len() < made.len(), "{} of {} choices are sound", sound.len(), made.len());
    let jobs: Vec<TrainJob<'_, B::Dataset>> =
        sound.iter().flat_map(|&(.., dataset)| params.each_ref().map(|params| TrainJob { dataset, params })).collect();
    let mut models = train_forests(backend, &jobs).into_iter();
    for (name, set, choice, _) in sound {
        for params in &params {
            let model = models.next().unwrap().unwrap();
            assert_eq!(model, oracle::train_chosen(set, choice, params), "{name}, {choice:?}");
        }
    }
}

fn a_choice_of_a_choice_is_a_choice<B: Backend>(backend: &B) {
    let sets = cases::sets();
    let (_, set) = sets.iter().find(|(name, _)| *name == "small weights").unwrap();
    let dataset = backend.load(&[set]).pop().unwrap().unwrap();
    let choose = |dataset: &B::Dataset, choice| backend.choose_rows(&[ChoiceTask { dataset, choice }]).pop().unwrap();
    let (fold, resample) = (RowChoice::OutsideFold { seed: 1, folds: 4, fold: 2 }, RowChoice::Bootstrap { seed: 9 });
    let both = choose(&choose(&dataset, fold).unwrap(), resample).unwrap();
    let mut chosen = set.clone();
    chosen.weights.iter_mut().zip(&set.keys).for_each(|(weight, &key)| *weight *= fold.copies(key));
    assert_eq!(backend.summary(&both).classes, weights(&chosen, resample));
    let nothing = RowChoice::Fold { seed: 0, folds: 2, fold: 9 };
    assert_eq!(choose(&both, nothing).err(), Some(KernelError::EmptySet));
    assert!(backend.choose_rows(&[]).is_empty());
}

/// Totals of gradients, at sizes around those of a block of threads and with weights that copies bring to the bound.
fn totals_are_those_of_the_chosen_rows<B: Backend>(backend: &B, rows: u64) {
    let mut set = TrainSet::new(1);
    for row in 0..=rows {
        let weight = if row.is_multiple_of(3) { 4096 } else { 1 + (row % 600) as u32 };
        set.push(row, &[row as f32], row % 2 == 0, weight);
    }
    let dataset = backend.load(&[&set]).pop().unwrap().unwrap();
    for choice in choices() {
        let made = backend.choose_rows(&[ChoiceTask { dataset: &dataset, choice }]).pop().unwrap();
        let Ok(made) = made else {
            assert!(weights(&set, choice).check().is_err(), "{rows} rows, {choice:?}");
            continue;
        };
        let start = JobStart {
            dataset: &made,
            start_q24: 77 << 16,
            classes: Classes::PLAIN,
            seed: 5,
            row_hash_below: 1 << 31,
            slots: 1,
        };
        let mut training = backend.begin(&[start]).unwrap();
        let found = backend.gradients(&mut training, &[GradientTask { job: 0, tree: 2 }]).unwrap();
        let seen = (0..set.rows()).filter(|&row| row_hash(5, 2, set.keys[row]) < 1 << 31);
        let expected = seen.fold(Sums::default(), |sum, row| {
            let weight = i64::from((set.weights[row] * choice.copies(set.keys[row])).min(4096));
            let one = gradient(77 << 16, set.labels[row], Classes::PLAIN);
            sum + Sums { gradient: one.gradient * weight, hessian: one.hessian * weight }
        });
        assert_eq!(found, [expected], "{rows} rows, {choice:?}");
    }
}

/// Models of folds and resamples of a set of more rows than one block of threads takes, against the CPU's.
pub(super) fn many_rows_are_chosen<B: Backend>(backend: &B, set: &TrainSet) {
    fn train<B: Backend>(backend: &B, set: &TrainSet) -> Vec<crate::Gbdt> {
        let params = GbdtParams { trees: 2, ..params()[0].clone() };
        let dataset = backend.load(&[set]).pop().unwrap().unwrap();
        let chosen = [RowChoice::OutsideFold { seed: 1, folds: 5, fold: 0 }, RowChoice::Bootstrap { seed: 2 }];
        let tasks = chosen.map(|choice| ChoiceTask { dataset: &dataset, choice });
        let sets: Vec<B::Dataset> = backend.choose_rows(&tasks).into_iter().map(Result::unwrap).collect();
        let jobs: Vec<_> = sets.iter().map(|dataset| TrainJob { dataset, params: &params }).collect();
        train_forests(backend, &jobs).into_iter().map(Result::unwrap).collect()
    }
    assert!(train(backend, set) == train(&CpuBackend::new(), set), "models of chosen rows differ from the CPU's");
}
