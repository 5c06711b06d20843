//! The fold over a repository's changes: gather the reference, then slide the current window and evaluate now and then.
//!
//! A step's undo is the row that fell out of the window and, at an evaluation, what the evaluation replaced; the windows
//! themselves are never copied.

use super::finding::{AlertFact, Evaluation, Finding, Statistic};
use super::hysteresis::{Resolution, Track, Turn};
use super::watch::{Column, Row, Watch};
use super::{DriftConfig, Subject};
use crate::ordered_fold::PositionFold;
use driftline_schema::Position;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One change as the fold sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Sample {
    pub(super) subject: Subject,
    pub(super) repository: Arc<str>,
    pub(super) time: i64,
    pub(super) values: Row,
}

/// Evaluates the columns of one repository.
pub(super) struct DriftFold {
    pub(super) config: DriftConfig,
    /// Whether a feature grows with the history by its definition.
    pub(super) accumulates: fn(usize) -> bool,
}

/// What is remembered from change to change.
#[derive(Default)]
pub(super) struct State {
    /// Changes so far; evaluations stand at its multiples of `every`.
    changes: u64,
    phase: Phase,
    /// The newest evaluation, to be taken away by the next one.
    newest: Option<Arc<Evaluation>>,
}

enum Phase {
    /// The reference window is not complete.
    Gathering(Vec<Row>),
    Watching(Watch),
}

impl Default for Phase {
    fn default() -> Self {
        Self::Gathering(Vec::new())
    }
}

/// What takes one step back.
pub(super) enum Undo {
    /// The row was added to the reference window.
    Gathered,
    /// The row completed the reference window, which were these rows.
    Frozen(Vec<Row>),
    /// The row was slid in.
    Slid { fallen: Option<Row>, evaluation: Option<Box<EvaluationUndo>> },
}

/// What an evaluation replaced.
pub(super) struct EvaluationUndo {
    newest: Option<Arc<Evaluation>>,
    columns: Vec<(u32, Replaced)>,
}

enum Replaced {
    Track(Track),
    Column(Box<Column>),
}

impl PositionFold for DriftFold {
    type Value = Sample;
    /// A finding that holds from here on (`1`), or one of an earlier evaluation that no longer does (`-1`).
    type Output = (Finding, i8);
    type State = State;
    type Undo = Undo;

    fn step(&self, state: &mut State, position: Position, sample: &Sample, outputs: &mut Vec<(Finding, i8)>) -> Undo {
        state.changes += 1;
        match &mut state.phase {
            Phase::Gathering(rows) => {
                rows.push(sample.values.clone());
                if rows.len() < self.config.reference_changes.get() as usize {
                    return Undo::Gathered;
                }
                let rows = std::mem::take(rows);
                state.phase = Phase::Watching(Watch::new(&rows));
                Undo::Frozen(rows)
            }
            Phase::Watching(watch) => {
                let fallen = watch.slide(sample.values.clone(), self.config.window_changes.get());
                let due = state.changes.is_multiple_of(u64::from(self.config.every.get()));
                let evaluation = due.then(|| Box::new(self.evaluate(state, position, sample, outputs)));
                Undo::Slid { fallen, evaluation }
            }
        }
    }

    fn undo(&self, state: &mut State, undo: Undo) {
        state.changes -= 1;
        match (undo, &mut state.phase) {
            (Undo::Gathered, Phase::Gathering(rows)) => drop(rows.pop()),
            (Undo::Frozen(mut rows), phase) => {
                rows.pop();
                *phase = Phase::Gathering(rows);
            }
            (Undo::Slid { fallen, evaluation }, Phase::Watching(watch)) => {
                if let Some(evaluation) = evaluation {
                    restore(&mut watch.columns, evaluation.columns);
                    state.newest = evaluation.newest;
                }
                watch.slide_back(fallen, self.config.window_changes.get());
            }
            _ => unreachable!("steps are taken back newest first, so each meets the phase it left"),
        }
    }
}

fn restore(columns: &mut [Column], replaced: Vec<(u32, Replaced)>) {
    for (i, before) in replaced {
        match before {
            Replaced::Track(track) => columns[i as usize].track = track,
            Replaced::Column(column) => columns[i as usize] = *column,
        }
    }
}

impl DriftFold {
    fn evaluate(
        &self,
        state: &mut State,
        position: Position,
        sample: &Sample,
        outputs: &mut Vec<(Finding, i8)>,
    ) -> EvaluationUndo {
        let State { phase: Phase::Watching(watch), newest, .. } = state else {
            unreachable!("only a complete reference is evaluated against")
        };
        let quiet = |column| sample.subject == Subject::Features && (self.accumulates)(column);
        let statistics = watch.statistics(&self.config, quiet);
        let mut columns = Vec::new();
        for statistic in &statistics {
            let replaced = self.turn(watch, statistic, (position, sample), outputs);
            columns.extend(replaced.map(|replaced| (statistic.column, replaced)));
        }
        // Without any statistic there is no finding that would hold from here on.
        let evaluation = (!statistics.is_empty())
            .then(|| Arc::new(Evaluation { repository: sample.repository.clone(), position, statistics }));
        outputs.extend(evaluation.iter().map(|evaluation| (Finding::Evaluation(evaluation.clone()), 1)));
        let before = std::mem::replace(newest, evaluation);
        outputs.extend(before.iter().map(|evaluation| (Finding::Evaluation(evaluation.clone()), -1)));
        EvaluationUndo { newest: before, columns }
    }

    /// Tells the column's alert of its new statistic; returns what was replaced, if anything was.
    fn turn(
        &self,
        watch: &mut Watch,
        statistic: &Statistic,
        (position, sample): (Position, &Sample),
        outputs: &mut Vec<(Finding, i8)>,
    ) -> Option<Replaced> {
        let i = statistic.column as usize;
        let track = &mut watch.columns[i].track;
        let before = track.clone();
        match track.turn(statistic.drifting, &self.config) {
            Turn::Stay => {}
            Turn::Open => {
                let alert = Arc::new(opened(statistic, position, sample));
                outputs.push((Finding::Alert(alert.clone()), 1));
                *track = Track::opened(alert);
            }
            Turn::Resolve(resolution) => {
                *track = Track::default();
                let open = before.alert.clone().expect("only an open alert resolves");
                let resolved = AlertFact { end: Some((position, resolution)), ..(*open).clone() };
                outputs.push((Finding::Alert(open), -1));
                outputs.push((Finding::Alert(Arc::new(resolved)), 1));
                if resolution == Resolution::Adopted {
                    let mut column = watch.adopt(i, self.config.window_changes.get());
                    column.track = before;
                    return Some(Replaced::Column(Box::new(column)));
                }
            }
        }
        (watch.columns[i].track != before).then_some(Replaced::Track(before))
    }
}

fn opened(statistic: &Statistic, position: Position, sample: &Sample) -> AlertFact {
    AlertFact {
        repository: sample.repository.clone(),
        column: statistic.column,
        opened_at: position,
        opened_time: sample.time,
        psi: statistic.psi,
        p_adjusted: statistic.p_adjusted,
        end: None,
    }
}
