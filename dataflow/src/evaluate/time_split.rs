//! The time split: learn the first changes, predict the rest.
//!
//! The cut between "clean" and "defective" is chosen on the last fifth of the training changes, with models that have not
//! seen them; the models that are tested are trained on all training changes. Nothing is ever chosen on test changes.

use super::features::{SIZE, WIDTH, push, vector};
use super::measures::{Measures, Tested};
use super::report::{ModelReport, ModelReports, ProjectReport};
use super::table::{Change, Project};
use super::{EvaluateError, cut};
use crate::cpu::process_cpu_ns;
use driftline_kernels::{
    Bundle, BundleParams, CpuBackend, KernelError, Rows, Scores, TrainSet, TrainTask, mixture_q24, probability_q30,
    train_bundles,
};

/// Share of the training changes that the cut's models learn.
const CUT_SHARE: f64 = 0.8;

/// How models are trained on vectors of [`WIDTH`].
pub(super) fn params() -> BundleParams {
    BundleParams { size_column: SIZE as u32, ..BundleParams::default() }
}

pub(super) fn probability(log_odds_q24: i64) -> f64 {
    f64::from(probability_q30(log_odds_q24)) / f64::from(1u32 << 30)
}

/// What a bundle says of changes.
pub(super) fn scores(bundle: &Bundle, changes: &[Change]) -> Result<Vec<Scores>, KernelError> {
    let features: Vec<f32> = changes.iter().flat_map(vector).collect();
    bundle.score(&CpuBackend::new(), Rows { columns: WIDTH, features: &features })
}

pub(super) fn evaluate(project: &Project, train_share: f64) -> Result<ProjectReport, EvaluateError> {
    let rows = project.changes.len();
    let (train, test) = project.changes.split_at((train_share * rows as f64) as usize);
    if train.is_empty() || test.is_empty() {
        return Err(EvaluateError::TooFew { project: project.name.clone(), rows });
    }
    let failed = |source| match source {
        KernelError::OneClass { label } => {
            EvaluateError::OneKind { project: project.name.clone(), rows: train.len(), is_defective: label }
        }
        source => EvaluateError::Train { project: project.name.clone(), source },
    };
    let (first, last) = train.split_at((CUT_SHARE * train.len() as f64) as usize);
    let start_ns = process_cpu_ns();
    let (model, cut_model) = fit(train, first).map_err(failed)?;
    let train_cpu_s = (process_cpu_ns() - start_ns) as f64 * 1e-9;
    let share = train.iter().filter(|change| change.is_defective).count() as f64 / train.len() as f64;
    let percentile = percentiles(train);
    let (cut_scores, test_scores) = (scores(&cut_model, last).map_err(failed)?, scores(&model, test).map_err(failed)?);
    let measure = |score: &dyn Fn(&Change, &Scores) -> f64| {
        let all = |changes: &[Change], scores: &[Scores]| -> Vec<f64> {
            changes.iter().zip(scores).map(|(change, scores)| score(change, scores)).collect()
        };
        measure(last, &all(last, &cut_scores), test, &all(test, &test_scores))
    };
    Ok(ProjectReport {
        project: project.name.clone(),
        protocol: "time-split",
        rows_train: train.len(),
        rows_test: test.len(),
        models: ModelReports {
            constant: measure(&|_, _| share),
            lines_added: measure(&|change, _| percentile(change)),
            logistic: measure(&|_, scores| probability(scores.logistic_q24)),
            gbdt: measure(&|_, scores| probability(scores.gbdt_q24)),
            served: measure(&|_, scores| probability(mixture_q24(scores))),
        },
        train_cpu_s,
    })
}

/// The model of all training changes, and the one that has not seen the last of them. Where the first changes alone cannot
/// be learnt (one class), the cut falls back on the model of all.
fn fit(train: &[Change], first: &[Change]) -> Result<(Bundle, Bundle), KernelError> {
    let params = params();
    let sets = [train, first].map(|changes| {
        let mut set = TrainSet::new(WIDTH);
        changes.iter().enumerate().for_each(|(place, change)| push(&mut set, place, change, change.is_defective));
        set
    });
    let tasks = [0, 1].map(|index| TrainTask { set: &sets[index], params: &params });
    let mut made = train_bundles(&CpuBackend::new(), &tasks);
    let cut_model = made.pop().expect("one result per task");
    let model = made.pop().expect("one result per task")?;
    let cut_model = cut_model.unwrap_or_else(|_| model.clone());
    Ok((model, cut_model))
}

/// Where a change's size stands among the training changes, from 0 to 1: ties take the middle of their places, and sizes
/// between two training sizes keep their order, so that the ranking is that of the sizes.
fn percentiles(train: &[Change]) -> impl Fn(&Change) -> f64 + use<> {
    let size = |change: &Change| f64::from(change.values[SIZE]);
    let mut sizes: Vec<f64> = train.iter().map(size).filter(|size| !size.is_nan()).collect();
    sizes.sort_by(f64::total_cmp);
    move |change| {
        let own = size(change);
        let below = sizes.partition_point(|other| *other < own);
        let up_to = sizes.partition_point(|other| *other <= own);
        let middle = (below + up_to) as f64 / 2.0;
        let within_gap = match (below.checked_sub(1).map(|index| sizes[index]), sizes.get(below)) {
            _ if up_to > below || own.is_nan() => 0.0,
            (Some(low), Some(high)) => (own - low) / (high - low) - 0.5,
            (Some(low), None) => 0.5 - low.max(0.0) / own.max(1.0),
            (None, _) => -0.5,
        };
        (middle + within_gap + 0.5) / (sizes.len() as f64 + 1.0)
    }
}

/// Chooses the cut on one set of changes and measures on the other.
fn measure(cut_changes: &[Change], cut_scores: &[f64], test: &[Change], scores: &[f64]) -> ModelReport {
    let labels = |changes: &[Change]| -> Vec<bool> { changes.iter().map(|change| change.is_defective).collect() };
    let cut = cut::by_g_mean(&labels(cut_changes), cut_scores).unwrap_or(0.5);
    let flags: Vec<bool> = scores.iter().map(|score| *score >= cut).collect();
    let efforts: Vec<f64> = test.iter().map(Change::effort).collect();
    let tested = Tested { labels: &labels(test), scores, probabilities: scores, flags: &flags, efforts: &efforts };
    ModelReport { measures: Measures::of(tested), ..ModelReport::default() }
}

#[cfg(test)]
mod tests {
    use super::super::features::COLUMNS;
    use super::*;

    fn change(lines: f32, is_defective: bool) -> Change {
        let mut values = [0.0; COLUMNS.len()];
        values[SIZE] = lines;
        Change { time_s: 0, is_defective, first_fix_s: None, values }
    }

    #[test]
    fn percentiles_keep_the_order_of_sizes() {
        let percentile = percentiles(&[3.0, 3.0, 9.0, 40.0].map(|lines| change(lines, true)));
        let sizes = [f32::NAN, 3.0, 4.0, 5.0, 9.0, 20.0, 40.0, 41.0, 4_000.0];
        let found: Vec<f64> = sizes.map(|lines| percentile(&change(lines, true))).into();
        assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{found:?}");
        assert!(found.iter().all(|score| (0.0..=1.0).contains(score)));
    }

    #[test]
    fn the_split_is_by_time_and_learns() {
        let changes: Vec<Change> =
            (0..1_000).map(|index| change((index * 37 % 100) as f32, index * 37 % 100 >= 70)).collect();
        let project = Project { name: "p".into(), changes, has_fix_times: false };
        let report = evaluate(&project, 0.8).unwrap();
        assert_eq!((report.rows_train, report.rows_test), (800, 200));
        assert_eq!(report.models.lines_added.measures.auc, Some(1.0));
        assert_eq!(report.models.constant.measures.auc, Some(0.5));
        assert!(report.models.gbdt.measures.mcc > 0.95 && report.models.logistic.measures.auc.unwrap() > 0.99);
    }

    #[test]
    fn sides_without_changes_or_classes_are_errors() {
        let project = |changes| Project { name: "p".into(), changes, has_fix_times: false };
        let short = project(vec![change(1.0, true)]);
        assert!(matches!(evaluate(&short, 0.8), Err(EvaluateError::TooFew { rows: 1, .. })));
        let clean = project(vec![change(1.0, false); 10]);
        let error = evaluate(&clean, 0.5).unwrap_err();
        assert!(matches!(error, EvaluateError::OneKind { rows: 5, is_defective: false, .. }), "{error}");
        let defective = evaluate(&project(vec![change(1.0, true); 10]), 0.5).unwrap_err().to_string();
        assert!(defective.contains("none of the changes to learn from (5) is clean"), "{defective}");
    }
}
