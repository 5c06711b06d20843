//! Gathers the labelled examples before each cut and asks for models.
//!
//! A binding ends at every control record, so the collection at a cut's time is exactly the log before the cut: what is
//! learnt after it, even in the next record, cannot reach the training set.

use super::shelf::{ModelShelf, TrainRequest};
use crate::Records;
use crate::examples::Example;
use crate::split::SplitRepository;
use crate::validate::ControlRow;
use driftline_kernels::TrainSet;
use driftline_schema::{ChangeKey, ChangeRow, ControlAction, Fixed, RepoId, Scope};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::generic::operator::Operator;

/// When a scope has enough examples to be worth a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrainConfig {
    /// Labelled changes at least.
    pub rows_min: usize,
    /// Of each class at least.
    pub rows_per_class_min: usize,
    /// The most recent examples of a repository that are used.
    pub rows_max: usize,
}

impl Default for TrainConfig {
    /// A hundred rows with ten defects give a first useful ranking; below that, driftline abstains.
    fn default() -> Self {
        Self { rows_min: 100, rows_per_class_min: 10, rows_max: 30_000 }
    }
}

/// What training gathers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Lesson {
    /// A repository's name, which scopes are called by.
    Name(RepoId, Arc<str>),
    /// A labelled vector.
    Example(Example),
    /// A repository whose events have no order: nothing is learnt from it.
    Split(RepoId),
}

/// The examples of all repositories as of one time.
#[derive(Default)]
struct Gathered {
    names: BTreeMap<RepoId, Arc<str>>,
    repositories: BTreeMap<RepoId, BTreeMap<ChangeKey, Example>>,
    split: BTreeSet<RepoId>,
}

impl Gathered {
    fn update(&mut self, lesson: Lesson, diff: isize) {
        match lesson {
            // A name is a function of the id, so it stays true when the last change that told it is taken back.
            Lesson::Name(repo, name) => drop(self.names.insert(repo, name)),
            // Which partitions it is split over may change: retractions come first, so the last word counts.
            Lesson::Split(repo) if diff > 0 => drop(self.split.insert(repo)),
            Lesson::Split(repo) => drop(self.split.remove(&repo)),
            Lesson::Example(example) => {
                let rows = self.repositories.entry(example.key.repo).or_default();
                if diff > 0 {
                    rows.insert(example.key, example);
                } else if rows.get(&example.key) == Some(&example) {
                    rows.remove(&example.key);
                }
            }
        }
    }

    fn request(&self, cut: u64, config: &TrainConfig) -> TrainRequest {
        let mut sets = Vec::new();
        let mut everything: Vec<&Example> = Vec::new();
        let mut contributing = 0;
        for (repo, rows) in self.repositories.iter().filter(|(repo, _)| !self.split.contains(repo)) {
            let recent: Vec<&Example> = rows.values().rev().take(config.rows_max).collect();
            contributing += usize::from(!recent.is_empty());
            everything.extend(&recent);
            let named = self.names.get(repo).zip(train_set(&recent, config));
            sets.extend(named.map(|(name, set)| (Scope::Repository(name.to_string()), set)));
        }
        // With one repository the organisation's model would be the repository's own, trained twice.
        if contributing > 1 {
            everything.sort_by_key(|example| std::cmp::Reverse((example.time, example.key)));
            everything.truncate(config.rows_max);
            sets.extend(train_set(&everything, config).map(|set| (Scope::Organisation, set)));
        }
        TrainRequest { cut, sets }
    }
}

fn train_set(examples: &[&Example], config: &TrainConfig) -> Option<TrainSet> {
    let defective = examples.iter().filter(|example| example.defective).count();
    let rare = defective.min(examples.len() - defective);
    if examples.len() < config.rows_min || rare < config.rows_per_class_min {
        return None;
    }
    let mut set = TrainSet::new(examples.first().map_or(0, |example| example.values.len()));
    // The order decides the digest, and through it the model's id.
    let mut examples = examples.to_vec();
    examples.sort_by_key(|example| (example.row, example.key));
    for example in examples {
        set.push(example.row, &columns(&example.values), example.defective, example.weight);
    }
    Some(set)
}

/// A vector's values as the kernels take them.
pub(super) fn columns(values: &[Fixed]) -> Vec<f32> {
    values.iter().map(|value| value.to_f64() as f32).collect()
}

/// What is in hand of times that are not complete: lessons, and cuts.
type Waiting = BTreeMap<u64, (Vec<(Lesson, isize)>, BTreeSet<u64>)>;

/// Everything training gathers: labelled vectors, the names of their repositories, and which of these teach nothing.
pub fn lessons<'scope>(
    examples: Records<'scope, Example>,
    changes: Records<'scope, Arc<ChangeRow>>,
    split: Records<'scope, SplitRepository>,
) -> Records<'scope, Lesson> {
    let split = split.map(|(repo, _)| Lesson::Split(repo));
    let names = changes.map(|row| Lesson::Name(row.key.repo, row.repository.clone()));
    examples.map(Lesson::Example).concat(names).concat(split)
}

/// Asks `shelf` for the models of every cut, once.
pub fn train<'scope>(
    lessons: Records<'scope, Lesson>,
    controls: Records<'scope, ControlRow>,
    shelf: Arc<dyn ModelShelf>,
    config: TrainConfig,
) {
    // One worker gathers: a training set is a few megabytes, and the batch of all scopes is trained as one.
    let to_first = Exchange::new(|_: &(Lesson, u64, isize)| 0);
    let cuts_to_first = Exchange::new(|_: &(ControlRow, u64, isize)| 0);
    let mut gathered = Gathered::default();
    let mut waiting = Waiting::new();
    let mut asked: BTreeSet<u64> = BTreeSet::new();
    lessons.inner.binary_frontier::<_, timely::container::CapacityContainerBuilder<Vec<()>>, _, _, _, _>(
        controls.inner,
        to_first,
        cuts_to_first,
        "Train",
        move |capability, _info| {
            // Nothing is ever sent, so nothing here holds time back.
            drop(capability);
            move |(lessons, lessons_frontier), (controls, controls_frontier), _output| {
                lessons.for_each_stamp(|_, data| {
                    for (lesson, time, diff) in data.flat_map(|buffer| buffer.drain(..)) {
                        waiting.entry(time).or_default().0.push((lesson, diff));
                    }
                });
                controls.for_each_stamp(|_, data| {
                    for (row, time, diff) in data.flat_map(|buffer| buffer.drain(..)) {
                        if let (ControlAction::Cut { cut }, true) = (&row.control.action, diff > 0) {
                            waiting.entry(time).or_default().1.insert(*cut);
                        }
                    }
                });
                while let Some(entry) = waiting.first_entry() {
                    if lessons_frontier.less_equal(entry.key()) || controls_frontier.less_equal(entry.key()) {
                        break;
                    }
                    let (mut rows, cuts) = entry.remove();
                    // Retractions first: a corrected example is a retraction and an insertion at one time.
                    rows.sort_by_key(|(_, diff)| *diff);
                    rows.into_iter().for_each(|(lesson, diff)| gathered.update(lesson, diff));
                    for cut in cuts.into_iter().filter(|cut| asked.insert(*cut)) {
                        shelf.request(gathered.request(cut, &config));
                    }
                }
            }
        },
    );
}
