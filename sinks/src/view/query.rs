//! Questions to the view, and what the answers are made of.
//!
//! Under the lock only handles are copied; predictions are unpacked after it is released.

use super::AsOf;
use super::entry::{Entry, EvidenceRow};
use super::names::Names;
use super::order::{Cursor, Sort};
use super::pack::unpack;
use super::render::{Json, judged};
use super::state::{Repo, State, commit_start};
use driftline_schema::{ChangeKey, CommitId, Fixed, Label, Position, Prediction, Verdict};
use std::fmt;
use std::sync::Arc;

/// Which predictions to list.
#[derive(Clone, Debug)]
pub struct PredictionQuery {
    /// Only of this repository.
    pub repository: Option<String>,
    /// Only with at least this risk.
    pub min_risk: Option<Fixed>,
    /// Which come first.
    pub sort: Sort,
    /// At most so many.
    pub limit: usize,
    /// Only among the newest so many predictions (of the repository, where one is given).
    pub newest: Option<usize>,
    /// Where the page before ended.
    pub after: Option<Cursor>,
}

/// A prediction and what its change turned out to be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PredictionRow {
    /// The answer at arrival.
    #[serde(flatten)]
    pub prediction: Prediction,
    /// The current label, if any.
    pub label: Option<Label>,
}

/// One page of predictions.
#[derive(Clone, Debug)]
pub struct PredictionPage {
    /// What it reflects.
    pub as_of: Arc<AsOf>,
    /// The rows, best first; `None` when the repository is not known.
    pub rows: Option<Vec<PredictionRow>>,
    /// Where the next page begins, when there may be one.
    pub next: Option<Cursor>,
}

/// All that is known of one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeDetail {
    /// Repository and position.
    pub key: ChangeKey,
    /// Repository name.
    pub repository: Arc<str>,
    /// The commit, unless only rows without a name have arrived.
    pub commit: Option<CommitId>,
    /// First line of the message.
    pub subject: Option<Arc<str>>,
    /// Event time, seconds since 1970.
    pub time: Option<i64>,
    /// The prediction at arrival.
    pub prediction: Option<Prediction>,
    /// The feature vector, in the order of the features table.
    pub vector: Option<Arc<[Fixed]>>,
    /// The current label.
    pub label: Option<Label>,
    /// The live evidence.
    pub evidence: Vec<EvidenceRow>,
}

/// One change at one instant, not yet unpacked.
pub struct Found {
    pub(super) lifted: Lifted,
    pub(super) names: Arc<Names>,
}

impl Found {
    /// Repository and position.
    pub fn key(&self) -> ChangeKey {
        self.lifted.key
    }
    /// Whether the change has a prediction.
    pub fn is_predicted(&self) -> bool {
        self.lifted.entry.prediction.is_some()
    }
    /// All that is known of it.
    pub fn detail(self) -> ChangeDetail {
        self.lifted.unpack(&self.names)
    }
    /// Appends a JSON object of `as_of`, `prediction`, `label` and `evidence`.
    pub fn write_json(&self, as_of: &AsOf, out: &mut Vec<u8>) {
        let Lifted { key, repository, entry } = &self.lifted;
        let mut out = Json(out);
        out.raw("{\"as_of\":");
        out.record(as_of);
        out.raw(",");
        judged(&mut out, entry, &self.names, *key, repository);
        out.raw("}");
    }
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found").field("key", &self.key()).finish_non_exhaustive()
    }
}

/// The answer to a look-up by repository and commit prefix; `T` is what is known of the change.
#[derive(Clone, Debug)]
pub enum Lookup<T = Box<ChangeDetail>> {
    /// Exactly one commit begins so.
    Found(T),
    /// No repository has this name.
    NoRepository,
    /// No commit of the repository begins so.
    NoCommit,
    /// Several do; the first few of them.
    Ambiguous(Vec<CommitId>),
    /// Fewer than four hex digits, more than 64, or no hex digits.
    BadPrefix,
}

impl<T> Lookup<T> {
    /// The same answer with something else made of what was found.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Lookup<U> {
        match self {
            Self::Found(found) => Lookup::Found(make(found)),
            Self::NoRepository => Lookup::NoRepository,
            Self::NoCommit => Lookup::NoCommit,
            Self::Ambiguous(commits) => Lookup::Ambiguous(commits),
            Self::BadPrefix => Lookup::BadPrefix,
        }
    }
}

/// One repository in short.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RepoRow {
    /// Its name.
    pub repository: Arc<str>,
    /// Live changes.
    pub changes: usize,
    /// Live predictions.
    pub predictions: usize,
    /// Labels `clean`, provisional ones included.
    pub clean: u64,
    /// Labels `defective`.
    pub defective: u64,
    /// Event time of its newest prediction, seconds since 1970.
    pub newest: Option<i64>,
}

impl RepoRow {
    /// A repository nothing is known of yet.
    pub fn empty(name: &str) -> Self {
        Self { repository: name.into(), changes: 0, predictions: 0, clean: 0, defective: 0, newest: None }
    }
    pub(super) fn of(repo: &Repo) -> Self {
        let labels = |verdict| repo.labels.get(&verdict).copied().unwrap_or(0);
        Self {
            repository: Arc::clone(&repo.name),
            changes: repo.changes,
            predictions: repo.orders.by_time.len(),
            clean: labels(Verdict::Clean),
            defective: labels(Verdict::Defective),
            newest: repo.orders.by_time.last().map(|(time, _)| *time),
        }
    }
}

/// An entry lifted out of the lock.
pub(super) struct Lifted {
    pub(super) key: ChangeKey,
    pub(super) repository: Arc<str>,
    pub(super) entry: Entry,
}

impl Lifted {
    pub(super) fn unpack(self, names: &Names) -> ChangeDetail {
        let Self { key, repository, entry } = self;
        let scored = entry.prediction.as_ref();
        ChangeDetail {
            commit: entry.commit(),
            subject: entry.summary.as_ref().map(|summary| Arc::clone(&summary.subject)),
            time: entry.summary.as_ref().map(|row| row.time).or(scored.map(|row| row.time)),
            prediction: scored.map(|row| unpack(&row.packed, names, key, &repository)),
            vector: entry.vector.map(|row| row.values),
            label: entry.label,
            evidence: entry.evidence,
            repository,
            key,
        }
    }
}

/// The prefix as nibbles, when it is 4 to 64 hex digits.
fn nibbles(prefix: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| (c as char).to_digit(16).map(|digit| digit as u8);
    (4..=64).contains(&prefix.len()).then(|| prefix.bytes().map(digit).collect())?
}

fn begins(commit: &CommitId, prefix: &[u8]) -> bool {
    let bytes = commit.as_bytes();
    let nibble = |at: usize| if at.is_multiple_of(2) { bytes[at / 2] >> 4 } else { bytes[at / 2] & 15 };
    prefix.len() <= 2 * bytes.len() && prefix.iter().enumerate().all(|(at, digit)| nibble(at) == *digit)
}

/// Finds the change of `repository` whose commit begins with `prefix`; still packed, or why there is none.
pub(super) fn resolve(state: &State, repository: &str, prefix: &str) -> Lookup<Lifted> {
    let Some(digits) = nibbles(prefix) else { return Lookup::BadPrefix };
    let Some(id) = state.repo_ids.get(repository) else { return Lookup::NoRepository };
    let repo = &state.repos[id];
    let start = digits.iter().take(16).fold(0_u64, |sum, digit| sum << 4 | u64::from(*digit));
    let free = 64 - 4 * digits.len().min(16) as u32;
    let low = start << free;
    let high = low | ((1_u64 << free) - 1);
    let last = Position { partition: u32::MAX, offset: u64::MAX };
    // A commit may stand at several positions; the newest answers. Of distinct commits the first few are named.
    let mut found = Vec::<(CommitId, ChangeKey)>::new();
    for (_, position) in repo.commits.range((low, Position::default())..=(high, last)) {
        let key = ChangeKey { repo: *id, position: *position };
        let Some(commit) = state.entries[&key].commit().filter(|commit| begins(commit, &digits)) else { continue };
        match found.iter_mut().find(|(other, _)| *other == commit) {
            Some(slot) => slot.1 = slot.1.max(key),
            None => found.push((commit, key)),
        }
        if found.len() > 8 {
            break;
        }
    }
    match *found {
        [] => Lookup::NoCommit,
        [(commit, key)] => {
            debug_assert!(commit_start(&commit) >= low);
            let (repository, entry) = (Arc::clone(&repo.name), state.entries[&key].clone());
            Lookup::Found(Lifted { key, repository, entry })
        }
        _ => Lookup::Ambiguous(found.into_iter().map(|row| row.0).collect()),
    }
}

/// The rows of a listing, still packed, and where it goes on.
pub(super) fn list(state: &State, query: &PredictionQuery) -> Option<(Vec<Lifted>, Option<Cursor>)> {
    let orders = match &query.repository {
        Some(name) => &state.repos[state.repo_ids.get(name.as_str())?].orders,
        None => &state.orders,
    };
    let mut keys = match query.newest {
        Some(newest) => newest_sorted(state, query, orders.after(Sort::Recent, None).take(newest)),
        None => orders.after(query.sort, query.after),
    };
    let wanted = |key: &ChangeKey| {
        let risk = state.entries[key].prediction.as_ref().and_then(|scored| scored.risk);
        query.min_risk.is_none_or(|least| risk.is_some_and(|risk| risk >= least))
    };
    // In the order of risk the first row below the bound ends the listing.
    let ends_at_bound = query.sort == Sort::Risk;
    let mut rows = Vec::new();
    let mut next = None;
    for key in &mut keys {
        if !wanted(&key) {
            if ends_at_bound {
                break;
            }
            continue;
        }
        if rows.len() == query.limit {
            next = rows.last().map(|row: &Lifted| cursor_at(state, row.key));
            break;
        }
        rows.push(lift(state, key));
    }
    Some((rows, next))
}

fn cursor_at(state: &State, key: ChangeKey) -> Cursor {
    let scored = state.entries[&key].prediction.as_ref().expect("only predictions stand in the orders");
    Cursor::at(key, scored)
}

/// A few keys in the order asked for, after the cursor.
fn newest_sorted<'a>(
    state: &State,
    query: &PredictionQuery,
    keys: impl Iterator<Item = ChangeKey>,
) -> Box<dyn Iterator<Item = ChangeKey> + 'a> {
    let mut rows: Vec<_> = keys.map(|key| cursor_at(state, key)).collect();
    let rank = |row: &Cursor| match query.sort {
        Sort::Recent => (Fixed::ZERO, row.time, row.key),
        Sort::Risk => (row.risk, row.time, row.key),
    };
    if query.sort == Sort::Risk {
        rows.retain(|row| state.entries[&row.key].prediction.as_ref().is_some_and(|scored| scored.risk.is_some()));
    }
    rows.retain(|row| query.after.is_none_or(|after| rank(row) < rank(&after)));
    rows.sort_by_key(|row| std::cmp::Reverse(rank(row)));
    Box::new(rows.into_iter().map(|row| row.key))
}

/// Copies the handles of one entry.
pub(super) fn lift(state: &State, key: ChangeKey) -> Lifted {
    let repository = state.repos.get(&key.repo).map_or_else(Arc::default, |repo| Arc::clone(&repo.name));
    Lifted { key, repository, entry: state.entries[&key].clone() }
}
