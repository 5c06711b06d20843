//! The prequential protocol: predict each change when it arrives, learn its label when it becomes known.
//!
//! A defect becomes known when its first fix is made. A change without a fix within 90 days is taken to be clean then, and is
//! corrected when a fix comes later. What is known when does not depend on any prediction, so all models of a project are
//! trained as batches, and predictions are made afterwards in order.

use super::EvaluateError;
use super::cut::AdaptiveCut;
use super::features::{SIZE, WIDTH, push};
use super::measures::{Measures, Tested};
use super::report::{ModelReport, ModelReports, ProjectReport};
use super::table::{Change, Project};
use super::time_split::{params, probability, scores};
use crate::cpu::process_cpu_ns;
use driftline_kernels::exact::natural_logarithm;
use driftline_kernels::{Bundle, CpuBackend, TrainSet, TrainTask, mixture_q24, train_bundles};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Without a fix for this long a change is taken to be clean.
const WAIT_S: i64 = 90 * 86_400;
/// Labels between two trainings, at first and later.
const LABELS_PER_TRAINING: (u64, u64) = (200, 1_000);
/// Labels from which trainings are further apart.
const LABELS_EARLY: u64 = 1_000;
/// Changes of each class before the first training.
const CLASS_MIN: usize = 10;
/// Models trained as one batch, and the rows from which a batch has no further one: they are in memory together.
const BATCH: usize = 8;
const BATCH_ROWS: usize = 500_000;
/// How much of a recall's past remains after each further change of its class.
const FADING: f64 = 0.99;
/// Size, as ln(1 + lines), from which a change is flagged before the first cut.
const SIZE_CUT: f64 = 3.0;
/// Changes at the start that are predicted but not measured, except by the faded measures.
const WARM_UP: usize = 500;

/// What happens, in order.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    /// The label of a change becomes known, or is corrected.
    Label { change: usize, is_defective: bool },
    /// Models are trained on all labels known.
    Train,
    /// A change arrives.
    Predict { change: usize },
}

pub(super) fn evaluate(project: &Project) -> Result<ProjectReport, EvaluateError> {
    if !project.has_fix_times {
        return Err(EvaluateError::NoFixTimes { project: project.name.clone() });
    }
    let steps = steps(&project.changes);
    let (models, train_cpu_s) = train(project, &steps)?;
    if models.is_empty() {
        return Err(EvaluateError::NeverTrained { project: project.name.clone(), rows: project.changes.len() });
    }
    let said = say(project, &steps, &models)?;
    let changes = &project.changes;
    // Between 0 and 1 the size can stand beside probabilities; the order is that of the lines.
    let bounded = |size: f64| size / (1.0 + size);
    let size = |change: usize| bounded(natural_logarithm(1.0 + f64::from(changes[change].values[SIZE].max(0.0))));
    let of = |change: usize, value: fn(&Said) -> f64| said[change].as_ref().map_or(0.0, value);
    let run = |expert: Expert<'_>| run(changes, &steps, &expert);
    let models = ModelReports {
        constant: run(Expert { score: &|_| 0.5, probability: &|_| 0.5, first_cut: 0.5 }),
        lines_added: run(Expert { score: &size, probability: &size, first_cut: bounded(SIZE_CUT) }),
        logistic: run(Expert {
            score: &|change| of(change, |said| said.logistic.score),
            probability: &|change| of(change, |said| said.logistic.probability),
            first_cut: 0.5,
        }),
        gbdt: run(Expert {
            score: &|change| of(change, |said| said.gbdt.score),
            probability: &|change| of(change, |said| said.gbdt.probability),
            first_cut: 0.5,
        }),
        served: run(Expert {
            score: &|change| of(change, |said| said.served),
            probability: &|change| of(change, |said| said.served),
            first_cut: 0.5,
        }),
    };
    let mut known: Vec<usize> = steps.iter().filter_map(label_of).collect();
    known.sort_unstable();
    known.dedup();
    Ok(ProjectReport {
        project: project.name.clone(),
        protocol: "prequential",
        rows_train: known.len(),
        rows_test: changes.len() - warm_up(changes.len()),
        models,
        train_cpu_s,
    })
}

/// Changes at the start that count only for the faded measures.
fn warm_up(changes: usize) -> usize {
    WARM_UP.min(changes / 4)
}

fn label_of(step: &Step) -> Option<usize> {
    if let Step::Label { change, .. } = step { Some(*change) } else { None }
}

/// Labels, trainings and predictions in the order in which they happen.
fn steps(changes: &[Change]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut due: BinaryHeap<Reverse<(i64, usize, bool)>> = BinaryHeap::new();
    let mut known: Vec<Option<bool>> = vec![None; changes.len()];
    let (mut labels, mut counts) = (0, [0usize; 2]);
    for (arriving, change) in changes.iter().enumerate() {
        while let Some(&Reverse((time_s, index, is_defective))) = due.peek() {
            if time_s > change.time_s {
                break;
            }
            due.pop();
            if let Some(before) = known[index].replace(is_defective) {
                counts[usize::from(before)] -= 1;
            }
            counts[usize::from(is_defective)] += 1;
            steps.push(Step::Label { change: index, is_defective });
            labels += 1;
            let between = if labels < LABELS_EARLY { LABELS_PER_TRAINING.0 } else { LABELS_PER_TRAINING.1 };
            if labels.is_multiple_of(between) && counts.iter().all(|&count| count >= CLASS_MIN) {
                steps.push(Step::Train);
            }
        }
        steps.push(Step::Predict { change: arriving });
        let patience_ends_s = change.time_s.saturating_add(WAIT_S);
        // A fix cannot come before the change; where the clocks say so, it comes right after.
        let fix_s =
            change.first_fix_s.filter(|_| change.is_defective).map(|fix_s| fix_s.max(change.time_s.saturating_add(1)));
        if fix_s.is_none_or(|fix_s| fix_s > patience_ends_s) {
            due.push(Reverse((patience_ends_s, arriving, false)));
        }
        if let Some(fix_s) = fix_s {
            due.push(Reverse((fix_s, arriving, true)));
        }
    }
    steps
}

/// Trains the model of every training step, several as one batch; gives the CPU seconds too.
fn train(project: &Project, steps: &[Step]) -> Result<(Vec<Bundle>, f64), EvaluateError> {
    let params = params();
    let mut known: Vec<Option<bool>> = vec![None; project.changes.len()];
    let (mut sets, mut models, mut cpu_ns) = (Vec::new(), Vec::new(), 0);
    let last = steps.len().wrapping_sub(1);
    for (index, step) in steps.iter().enumerate() {
        match *step {
            Step::Label { change, is_defective } => known[change] = Some(is_defective),
            Step::Train => sets.push(set_of(&project.changes, &known)),
            Step::Predict { .. } => {}
        }
        let rows: usize = sets.iter().map(TrainSet::rows).sum();
        if sets.len() == BATCH || rows >= BATCH_ROWS || index == last {
            let start_ns = process_cpu_ns();
            let tasks: Vec<TrainTask<'_>> = sets.iter().map(|set| TrainTask { set, params: &params }).collect();
            let made = train_bundles(&CpuBackend::new(), &tasks);
            cpu_ns += process_cpu_ns() - start_ns;
            for bundle in made {
                let failed = |source| EvaluateError::Train { project: project.name.clone(), source };
                models.push(bundle.map_err(failed)?);
            }
            sets.clear();
        }
    }
    Ok((models, cpu_ns as f64 * 1e-9))
}

fn set_of(changes: &[Change], known: &[Option<bool>]) -> TrainSet {
    let mut set = TrainSet::new(WIDTH);
    for (place, (change, label)) in changes.iter().zip(known).enumerate() {
        if let Some(label) = label {
            push(&mut set, place, change, *label);
        }
    }
    set
}

/// One expert's word on one change.
#[derive(Clone, Copy, Debug)]
struct Opinion {
    /// Probability if both classes were equally frequent. The known share of defects drifts, not least because clean labels
    /// come late; without it the scores of successive models stand on one scale.
    score: f64,
    /// Probability at the share of defects known when the model was trained.
    probability: f64,
}

/// What the model in force said of a change when it arrived.
#[derive(Clone, Copy, Debug)]
struct Said {
    logistic: Opinion,
    gbdt: Opinion,
    /// The probability that is served. It is ranked as it is, share of defects included, since that is what is read.
    served: f64,
}

/// Lets the model in force at each change's arrival score it; the changes between two trainings are one batch. `None` for
/// changes before the first model.
fn say(project: &Project, steps: &[Step], models: &[Bundle]) -> Result<Vec<Option<Said>>, EvaluateError> {
    let mut said: Vec<Option<Said>> = vec![None; project.changes.len()];
    let mut arrived = 0;
    for (number, segment) in steps.split(|step| *step == Step::Train).enumerate() {
        let first = arrived;
        arrived += segment.iter().filter(|step| matches!(step, Step::Predict { .. })).count();
        let Some(model) = number.checked_sub(1).map(|number| &models[number]) else { continue };
        let share_q24 = model.gbdt().base_q24();
        let opinion = |log_odds_q24| Opinion {
            score: probability(log_odds_q24 - share_q24),
            probability: probability(log_odds_q24),
        };
        let scores = scores(model, &project.changes[first..arrived])
            .map_err(|source| EvaluateError::Train { project: project.name.clone(), source })?;
        for (entry, scores) in said[first..arrived].iter_mut().zip(scores) {
            *entry = Some(Said {
                logistic: opinion(scores.logistic_q24),
                gbdt: opinion(scores.gbdt_q24),
                served: probability(mixture_q24(&scores)),
            });
        }
    }
    Ok(said)
}

/// Recall of each class with a fading memory.
#[derive(Default)]
struct Faded {
    right: [f64; 2],
    all: [f64; 2],
    g_mean_sum: f64,
    gap_sum: f64,
}

impl Faded {
    fn learn(&mut self, label: bool, flag: bool) {
        let class = usize::from(label);
        self.right[class] = FADING * self.right[class] + f64::from(u8::from(label == flag));
        self.all[class] = FADING * self.all[class] + 1.0;
        let recall = [0, 1].map(|class| if self.all[class] > 0.0 { self.right[class] / self.all[class] } else { 0.0 });
        self.g_mean_sum += (recall[0] * recall[1]).sqrt();
        self.gap_sum += (recall[0] - recall[1]).abs();
    }
}

/// An expert's word on a change by its place in the project, and its cut before the first adaptive one.
struct Expert<'a> {
    score: &'a dyn Fn(usize) -> f64,
    probability: &'a dyn Fn(usize) -> f64,
    first_cut: f64,
}

/// Runs one expert through the steps.
fn run(changes: &[Change], steps: &[Step], expert: &Expert<'_>) -> ModelReport {
    let (mut cut, mut faded) = (AdaptiveCut::new(), Faded::default());
    let (mut scores, mut flags) = (Vec::new(), Vec::new());
    for step in steps {
        match *step {
            Step::Label { change, is_defective } => cut.learn(scores[change], is_defective),
            Step::Train => {}
            Step::Predict { change } => {
                let score = (expert.score)(change);
                let flag = score >= cut.get().unwrap_or(expert.first_cut);
                faded.learn(changes[change].is_defective, flag);
                scores.push(score);
                flags.push(flag);
            }
        }
    }
    let labels: Vec<bool> = changes.iter().map(|change| change.is_defective).collect();
    let efforts: Vec<f64> = changes.iter().map(Change::effort).collect();
    let probabilities: Vec<f64> = (0..changes.len()).map(expert.probability).collect();
    let from = warm_up(changes.len());
    let tested = Tested {
        labels: &labels[from..],
        scores: &scores[from..],
        probabilities: &probabilities[from..],
        flags: &flags[from..],
        efforts: &efforts[from..],
    };
    let mean = |sum: f64| (!changes.is_empty()).then(|| sum / changes.len() as f64);
    ModelReport {
        measures: Measures::of(tested),
        faded_g_mean: mean(faded.g_mean_sum),
        recall_gap: mean(faded.gap_sum),
    }
}

#[cfg(test)]
mod tests {
    use super::super::features::COLUMNS;
    use super::*;

    fn change(time_s: i64, first_fix_s: Option<i64>, lines: f32) -> Change {
        let mut values = [1.0; COLUMNS.len()];
        values[SIZE] = lines;
        Change { time_s, is_defective: first_fix_s.is_some(), first_fix_s, values }
    }

    #[test]
    fn labels_come_when_they_become_known() {
        let day = 86_400;
        let changes = [
            change(0, Some(10 * day), 1.0),
            change(0, Some(200 * day), 1.0),
            change(0, None, 1.0),
            change(50 * day, Some(0), 1.0),
            change(100 * day, None, 1.0),
            change(300 * day, None, 1.0),
        ];
        let label = |change, is_defective| Step::Label { change, is_defective };
        let predict = |change| Step::Predict { change };
        let expected = [
            predict(0),
            predict(1),
            predict(2),
            label(0, true),
            predict(3),
            label(3, true),
            label(1, false),
            label(2, false),
            predict(4),
            label(4, false),
            label(1, true),
            predict(5),
        ];
        assert_eq!(steps(&changes), expected);
    }

    /// A year of changes whose size decides, with fixes after a month.
    fn project(rows: i64) -> Project {
        let one = |index: i64| {
            let is_defective = index * 7_919 % 10 >= 6;
            let lines = if is_defective { 80.0 } else { 10.0 } + (index * 31 % 40) as f32;
            change(index * 20_000, is_defective.then_some(index * 20_000 + 30 * 86_400), lines)
        };
        Project { name: "p".into(), changes: (0..rows).map(one).collect(), has_fix_times: true }
    }

    #[test]
    fn what_can_be_learnt_is_learnt_and_the_future_is_not_used() {
        let whole = project(1_700);
        let report = evaluate(&whole).unwrap();
        assert!(report.models.lines_added.measures.auc.unwrap() > 0.99);
        assert!(report.models.gbdt.faded_g_mean.unwrap() > 0.5);
        assert_eq!(report.models.constant.measures.auc, Some(0.5));
        assert!(report.rows_train > 1_000 && report.rows_test == 1_700 - 425);
        // The steps of the first changes do not depend on what comes later.
        let (long, short) = (steps(&whole.changes), steps(&whole.changes[..900]));
        assert_eq!(long[..short.len()], short);
    }

    #[test]
    fn what_was_never_learnt_is_not_measured() {
        let mut without = project(1_700);
        without.changes.iter_mut().for_each(|change| change.first_fix_s = None);
        for unlearnt in [without, project(150)] {
            assert!(matches!(evaluate(&unlearnt), Err(EvaluateError::NeverTrained { .. })));
        }
    }

    #[test]
    fn a_table_without_fix_times_is_refused() {
        let project = Project { has_fix_times: false, ..project(10) };
        assert!(matches!(evaluate(&project), Err(EvaluateError::NoFixTimes { .. })));
    }
}
