//! Scores every vector by the model that was in force at its place in the log.
//!
//! A score is a pure function of the vector and that model, so no score is kept: a retracted vector is scored once more
//! and the score retracted.

use super::shelf::{ModelShelf, Opinion, ShelfError};
use super::training::columns;
use crate::Records;
use crate::validate::ControlRow;
use differential_dataflow::{AsCollection, Hashable};
use driftline_kernels::Rows;
use driftline_schema::{ChangeKey, ControlAction, Fixed, ModelId, ModelRef, RepoId, Scope, Vector};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::operator::Operator;
use timely::dataflow::operators::vec::Broadcast;

/// Reasons kept in a prediction; the sum of the rest is kept as one number.
const REASONS_MAX: usize = 8;
/// How soon a score is tried again while its model is still being rebuilt.
const RETRY: Duration = Duration::from_millis(5);

/// What a vector's score says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scored {
    /// Probability of a defect; absent when no model was in force, or the one in force cannot be had.
    pub risk: Option<Fixed>,
    /// Log-odds.
    pub score: Fixed,
    /// Log-odds of an average change.
    pub base: Fixed,
    /// The boosted trees' probability.
    pub gbdt: Fixed,
    /// The logistic regression's probability.
    pub logistic: Fixed,
    /// (column, value, contribution), largest contribution first.
    pub reasons: Vec<(u16, Fixed, Fixed)>,
    /// Contributions of the columns not listed.
    pub remaining: Fixed,
    /// Contributions of the size columns.
    pub size: Fixed,
    /// The model and its cut.
    pub model: Option<(ModelId, u64)>,
}

/// Models in force from an offset of a partition on.
struct InForce {
    offset: u64,
    cut: u64,
    models: Vec<ModelRef>,
    /// The cut stands before it in the log; else nothing was ever trained there.
    cut_known: bool,
}

/// The model in force for a change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Model {
    id: ModelId,
    cut: u64,
    cut_known: bool,
}

/// What became ready where.
#[derive(Default)]
struct Ledger {
    lines: BTreeMap<u32, Vec<InForce>>,
    cuts: BTreeSet<u64>,
}

impl Ledger {
    /// Rows come in the order of their times, and a time holds one control record at most.
    fn note(&mut self, row: ControlRow) {
        let ControlRow { position, control, .. } = row;
        match control.action {
            ControlAction::Cut { cut } => drop(self.cuts.insert(cut)),
            ControlAction::ModelReady { cut, models } => {
                let cut_known = self.cuts.contains(&cut);
                let line = self.lines.entry(position.partition).or_default();
                let at = line.partition_point(|ready| ready.offset < position.offset);
                line.insert(at, InForce { offset: position.offset, cut, models, cut_known });
            }
            ControlAction::Tick { .. } | ControlAction::Erase { .. } | ControlAction::Threshold { .. } => {}
        }
    }

    /// The newest model ready before `position` for this repository: its own, else the organisation's.
    fn model(&self, key: ChangeKey) -> Option<Model> {
        let position = key.position;
        let line = self.lines.get(&position.partition)?;
        let before = &line[..line.partition_point(|ready| ready.offset < position.offset)];
        let newest = |wanted: &dyn Fn(&Scope) -> bool| {
            before.iter().rev().find_map(|ready| {
                let model = ready.models.iter().find(|model| wanted(&model.scope))?;
                Some(Model { id: model.id, cut: ready.cut, cut_known: ready.cut_known })
            })
        };
        newest(&|scope| matches!(scope, Scope::Repository(name) if RepoId::of(name) == key.repo))
            .or_else(|| newest(&|scope| *scope == Scope::Organisation))
    }
}

/// A vector waiting to be scored.
type Pending = (Vector, isize);
type Update<D> = (D, u64, isize);
/// A score that appears or is taken back.
type Difference = ((ChangeKey, Scored), isize);

/// Scores vectors; `is_size` tells which columns belong to the size group.
pub fn score<'scope>(
    vectors: Records<'scope, Vector>,
    controls: Records<'scope, ControlRow>,
    shelf: Arc<dyn ModelShelf>,
    is_size: fn(usize) -> bool,
) -> Records<'scope, (ChangeKey, Scored)> {
    let by_repository = Exchange::new(|(vector, _, _): &Update<Vector>| vector.key.repo.hashed());
    type Builder = CapacityContainerBuilder<Vec<Update<(ChangeKey, Scored)>>>;
    let mut waiting: BTreeMap<u64, (Capability<u64>, Vec<Pending>)> = BTreeMap::new();
    let mut noted: BTreeMap<u64, Vec<ControlRow>> = BTreeMap::new();
    let mut ledger = Ledger::default();
    let worker = vectors.scope().worker();
    vectors
        .inner
        .binary_frontier::<_, Builder, _, _, _, _>(
            controls.inner.broadcast(),
            by_repository,
            Pipeline,
            "Score",
            move |_capability, info| {
                let again = worker.activator_for(info.address);
                move |(vectors, vectors_frontier), (controls, controls_frontier), output| {
                    vectors.for_each_stamp(|capability, data| {
                        for (record, time, diff) in data.flat_map(|buffer| buffer.drain(..)) {
                            let (_, rows) = waiting.entry(time).or_insert_with(|| {
                                let mut held = capability.retain_least(0).expect("a message with records has a time");
                                held.downgrade(&time);
                                (held, Vec::new())
                            });
                            rows.push((record, diff));
                        }
                    });
                    controls.for_each_stamp(|_, data| {
                        for (control, time, diff) in data.flat_map(|buffer| buffer.drain(..)) {
                            if diff > 0 {
                                noted.entry(time).or_default().push(control);
                            }
                        }
                    });
                    while let Some(entry) = waiting.first_entry() {
                        let time = *entry.key();
                        if vectors_frontier.less_equal(&time) || controls_frontier.less_equal(&time) {
                            break;
                        }
                        while let Some(controls) = noted.first_entry().filter(|entry| *entry.key() <= time) {
                            controls.remove().into_iter().for_each(|row| ledger.note(row));
                        }
                        let (held, rows) = entry.get();
                        match score_rows(rows, &ledger, shelf.as_ref(), is_size) {
                            Ok(scored) => {
                                let mut session = output.session(held);
                                session.give_iterator(scored.into_iter().map(|(record, diff)| (record, time, diff)));
                                drop(session);
                                entry.remove();
                            }
                            Err(ShelfError::Pending) => {
                                again.activate_after(RETRY);
                                break;
                            }
                            // The model is there and the machine failed: going on would give another answer than a replay.
                            Err(error) => panic!("scoring at time {time}: {error}"),
                        }
                    }
                }
            },
        )
        .as_collection()
}

/// One batch for each model in force.
fn score_rows(
    rows: &[Pending],
    ledger: &Ledger,
    shelf: &dyn ModelShelf,
    is_size: fn(usize) -> bool,
) -> Result<Vec<Difference>, ShelfError> {
    let mut scored = Vec::with_capacity(rows.len());
    let mut by_model: BTreeMap<Model, Vec<&Pending>> = BTreeMap::new();
    for row in rows {
        let (vector, diff) = row;
        match ledger.model(vector.key) {
            Some(model) => by_model.entry(model).or_default().push(row),
            None => scored.push(((vector.key, abstain(None)), *diff)),
        }
    }
    for (model, rows) in by_model {
        let named = (model.id, model.cut);
        let width = rows.first().map_or(0, |(vector, _)| vector.values.len());
        let features: Vec<f32> = rows.iter().flat_map(|(vector, _)| columns(&vector.values)).collect();
        let rows_of_all = Rows { columns: width, features: &features };
        // Of a cut that the log does not hold no model is ever trained, so it must not be waited for.
        let opinions = match model.cut_known {
            true => shelf.opinions(model.id, model.cut, rows_of_all),
            false => Err(shelf.without(model.id, model.cut)),
        };
        let opinions = match opinions {
            Err(ShelfError::Unavailable(_)) => {
                scored.extend(rows.iter().map(|(vector, diff)| ((vector.key, abstain(Some(named))), *diff)));
                continue;
            }
            opinions => opinions?,
        };
        for ((vector, diff), opinion) in rows.iter().zip(opinions) {
            scored.push(((vector.key, explain(vector, named, &opinion, shelf, is_size)), *diff));
        }
    }
    Ok(scored)
}

/// No answer: nothing was in force, or a model that cannot be had.
pub(super) fn abstain(model: Option<(ModelId, u64)>) -> Scored {
    Scored {
        risk: None,
        score: Fixed::ZERO,
        base: Fixed::ZERO,
        gbdt: Fixed::ZERO,
        logistic: Fixed::ZERO,
        reasons: Vec::new(),
        remaining: Fixed::ZERO,
        size: Fixed::ZERO,
        model,
    }
}

fn from_q24(value: i64) -> Fixed {
    Fixed::ratio(value, 1 << 24)
}

/// The opinion in millionths: reasons, remainder and base add up to the score exactly.
fn explain(
    vector: &Vector,
    model: (ModelId, u64),
    opinion: &Opinion,
    shelf: &dyn ModelShelf,
    is_size: fn(usize) -> bool,
) -> Scored {
    let (score, base) = (from_q24(opinion.score_q24), from_q24(opinion.base_q24));
    let mut reasons: Vec<(u16, Fixed, Fixed)> = (opinion.contributions_q24.iter().enumerate())
        .map(|(column, part)| (column as u16, vector.values[column], from_q24(*part)))
        .filter(|(_, _, contribution)| *contribution != Fixed::ZERO)
        .collect();
    let size =
        reasons.iter().filter(|(column, _, _)| is_size(usize::from(*column))).fold(Fixed::ZERO, |sum, r| sum + r.2);
    reasons.sort_by_key(|(column, _, contribution)| (std::cmp::Reverse(contribution.0.unsigned_abs()), *column));
    reasons.truncate(REASONS_MAX);
    let listed = reasons.iter().fold(Fixed::ZERO, |sum, (_, _, contribution)| sum + *contribution);
    Scored {
        risk: Some(shelf.probability(opinion.score_q24)),
        score,
        base,
        gbdt: shelf.probability(opinion.gbdt_q24),
        logistic: shelf.probability(opinion.logistic_q24),
        remaining: score - base - listed,
        reasons,
        size,
        model: Some(model),
    }
}
