//! The maps behind the view, and how one closed time changes them.
//!
//! Rows are keyed collections with one live row a key: within a closed time all removals happen before all additions, and a
//! removal counts only if it names the row that is there. What does not fit is counted in `conflicts`, never guessed at.

use super::AsOf;
use super::entry::{Entry, EvidenceRow, Scored, Summary, VectorRow};
use super::names::Names;
use super::order::Orders;
use super::pack::pack;
use super::quality::Quality;
use crate::batch::{ClosedTime, Diff};
use driftline_schema::{
    Alert, AlertState, ChangeKey, CommitId, DriftRow, EvidenceKind, Label, ModelInfo, Position, RejectReason, RepoId,
    Verdict,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One repository's changes, by commit and by order.
#[derive(Default)]
pub(super) struct Repo {
    /// Its name; empty until a row names it.
    pub(super) name: Arc<str>,
    /// (first eight bytes of the commit, position), big endian so that a prefix is a range.
    pub(super) commits: BTreeSet<(u64, Position)>,
    pub(super) orders: Orders,
    pub(super) changes: usize,
    pub(super) labels: BTreeMap<Verdict, u64>,
}

/// Everything the view holds.
#[derive(Default)]
pub(super) struct State {
    pub(super) as_of: Arc<AsOf>,
    pub(super) names: Arc<Names>,
    pub(super) entries: BTreeMap<ChangeKey, Entry>,
    pub(super) repos: BTreeMap<RepoId, Repo>,
    pub(super) repo_ids: BTreeMap<Arc<str>, RepoId>,
    pub(super) orders: Orders,
    pub(super) drift: BTreeMap<(RepoId, String), DriftRow>,
    pub(super) alerts: BTreeMap<String, Alert>,
    pub(super) models: BTreeSet<ModelInfo>,
    pub(super) labels: BTreeMap<(EvidenceKind, Verdict), u64>,
    pub(super) rejects: BTreeMap<RejectReason, u64>,
    pub(super) event_clock: BTreeMap<u32, i64>,
    pub(super) quality: Quality,
    pub(super) vectors: usize,
    pub(super) evidence: usize,
    pub(super) heap_bytes: usize,
    pub(super) conflicts: u64,
}

/// One row of one change, in the form it is stored.
enum Part {
    Summary(Summary),
    Prediction(Scored),
    Vector(VectorRow),
    Label(Label),
    Evidence(EvidenceRow),
}

/// Everything of a closed time that can be worked out before the lock is taken.
pub(super) struct Prepared {
    names: Arc<Names>,
    repositories: BTreeMap<RepoId, Arc<str>>,
    parts: Vec<(ChangeKey, Part, isize)>,
}

impl Prepared {
    /// Packs the rows of `closed`, change by change, removals first.
    pub(super) fn of(closed: &ClosedTime, mut names: Arc<Names>) -> Self {
        let mut repositories = BTreeMap::<RepoId, Arc<str>>::new();
        let mut ids = BTreeMap::<&str, RepoId>::new();
        let mut parts = Vec::new();
        for (row, diff) in &closed.changes {
            repositories.entry(row.key.repo).or_insert_with(|| row.repository.as_str().into());
            let summary = Summary { commit: row.commit, subject: row.subject.as_str().into(), time: row.time };
            parts.push((row.key, Part::Summary(summary), *diff));
        }
        for (row, diff) in &closed.predictions {
            let repo = *ids.entry(&row.repository).or_insert_with(|| RepoId::of(&row.repository));
            repositories.entry(repo).or_insert_with(|| row.repository.as_str().into());
            let packed = pack(row, &mut names);
            let scored = Scored { packed, commit: row.commit, time: row.time, risk: row.risk };
            parts.push((ChangeKey { repo, position: row.receipt.position }, Part::Prediction(scored), *diff));
        }
        for (row, diff) in &closed.vectors {
            parts.push((row.key, Part::Vector(VectorRow { time: row.time, values: (*row.values).into() }), *diff));
        }
        parts.extend(closed.labels.iter().map(|((key, label), diff)| (*key, Part::Label(*label), *diff)));
        parts.extend(closed.evidence.iter().map(|(row, diff)| (row.change, Part::Evidence((*row).into()), *diff)));
        parts.sort_by_key(|(key, _, diff)| (*key, *diff > 0));
        Self { names, repositories, parts }
    }
}

impl State {
    /// Applies a closed time whole. The caller has made sure that it is newer than `as_of`.
    pub(super) fn apply(&mut self, closed: &ClosedTime, prepared: Prepared) {
        self.names = prepared.names;
        let mut parts = prepared.parts.into_iter().peekable();
        while let Some((key, _, _)) = parts.peek() {
            let key = *key;
            let of_key = std::iter::from_fn(|| parts.next_if(|(other, _, _)| *other == key));
            self.update(key, of_key.map(|(_, part, diff)| (part, diff)), &prepared.repositories);
        }
        let drift_key = |row: &DriftRow| (row.repo, row.feature.clone());
        self.conflicts += merge(&mut self.drift, &closed.drift, drift_key);
        self.conflicts += merge(&mut self.alerts, &closed.alerts, |alert| alert.id.clone());
        for (model, diff) in &closed.models {
            let fits = if *diff > 0 { self.models.insert(model.clone()) } else { self.models.remove(model) };
            self.conflicts += u64::from(!fits);
        }
        for reject in &closed.rejects {
            *self.rejects.entry(reject.reason).or_default() += 1;
        }
        for (position, time) in &closed.event_clock {
            let clock = self.event_clock.entry(position.partition).or_insert(*time);
            *clock = (*clock).max(*time);
        }
        self.as_of = Arc::new(AsOf { time: Some(closed.time), offsets: closed.as_of.clone() });
    }

    /// Applies all rows of one change, keeping every index in step.
    fn update(
        &mut self,
        key: ChangeKey,
        parts: impl Iterator<Item = (Part, isize)>,
        repositories: &BTreeMap<RepoId, Arc<str>>,
    ) {
        let mut entry = self.entries.remove(&key).unwrap_or_default();
        if !entry.is_empty() {
            self.withdraw(key, &entry);
        }
        for (part, diff) in parts {
            self.conflicts += u64::from(!apply_part(&mut entry, part, diff));
        }
        if !entry.is_empty() {
            self.enter(key, &entry, repositories);
            self.entries.insert(key, entry);
        }
        self.forget_empty(key.repo);
    }

    /// Takes a change out of every index and count.
    fn withdraw(&mut self, key: ChangeKey, entry: &Entry) {
        self.count(key, entry, -1);
        let repo = self.repos.get_mut(&key.repo).expect("a live change has its repository");
        repo.changes -= 1;
        if let Some(commit) = entry.commit() {
            repo.commits.remove(&(commit_start(&commit), key.position));
        }
        if let Some(scored) = &entry.prediction {
            repo.orders.remove(key, scored);
            self.orders.remove(key, scored);
        }
    }

    /// Forgets a repository that has no change any more. Only once a change was entered again: rows of labels and evidence
    /// do not tell its name.
    fn forget_empty(&mut self, id: RepoId) {
        if let Some(repo) = self.repos.get(&id).filter(|repo| repo.changes == 0) {
            self.repo_ids.remove(&repo.name);
            self.repos.remove(&id);
        }
    }

    /// Enters a change into every index and count.
    fn enter(&mut self, key: ChangeKey, entry: &Entry, repositories: &BTreeMap<RepoId, Arc<str>>) {
        let repo = self.repos.entry(key.repo).or_default();
        if let Some(name) = repositories.get(&key.repo).filter(|_| repo.name.is_empty()) {
            repo.name = Arc::clone(name);
            self.repo_ids.insert(Arc::clone(name), key.repo);
        }
        repo.changes += 1;
        if let Some(commit) = entry.commit() {
            repo.commits.insert((commit_start(&commit), key.position));
        }
        if let Some(scored) = &entry.prediction {
            repo.orders.insert(key, scored);
            self.orders.insert(key, scored);
        }
        self.count(key, entry, 1);
    }

    /// Adds or subtracts a change from the sums.
    fn count(&mut self, key: ChangeKey, entry: &Entry, diff: i64) {
        let step = |sum: &mut usize, by: usize| *sum = if diff > 0 { *sum + by } else { *sum - by };
        step(&mut self.vectors, usize::from(entry.vector.is_some()));
        step(&mut self.evidence, entry.evidence.len());
        step(&mut self.heap_bytes, entry.heap_bytes());
        let Some(label) = entry.label else { return };
        bump(&mut self.labels, (label.kind, label.verdict), diff);
        if let Some(repo) = self.repos.get_mut(&key.repo) {
            bump(&mut repo.labels, label.verdict, diff);
        }
        if let Some(risk) = entry.prediction.as_ref().and_then(|scored| scored.risk) {
            self.quality.count(risk, label, diff);
        }
    }

    /// Memory held, in bytes, from the sizes of the parts.
    pub(super) fn bytes(&self) -> usize {
        // B-tree nodes are two thirds full on average, and every change with a prediction stands in six trees.
        const ENTRY: usize = 3 * (size_of::<(ChangeKey, Entry)>() + 24 + 2 * (32 + 40)) / 2;
        const ROW: usize = 600;
        let rows = self.drift.len() + self.alerts.len() + self.models.len() + self.repos.len();
        self.heap_bytes + self.entries.len() * ENTRY + rows * ROW
    }
    /// Open alerts.
    pub(super) fn alerts_open(&self) -> usize {
        self.alerts.values().filter(|alert| alert.state == AlertState::Open).count()
    }
}

/// The first eight bytes of a commit id as a number.
pub(super) fn commit_start(commit: &CommitId) -> u64 {
    u64::from_be_bytes(commit.as_bytes()[..8].try_into().expect("an object id has at least 20 bytes"))
}

/// Changes a count that is left out while it is zero.
fn bump<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K, diff: i64) {
    let count = counts.entry(key);
    match count {
        std::collections::btree_map::Entry::Occupied(mut slot) => {
            *slot.get_mut() = slot.get().saturating_add_signed(diff);
            if *slot.get() == 0 {
                slot.remove();
            }
        }
        std::collections::btree_map::Entry::Vacant(slot) if diff > 0 => {
            slot.insert(1);
        }
        std::collections::btree_map::Entry::Vacant(_) => {}
    }
}

/// Applies one row to an entry; whether it fitted.
fn apply_part(entry: &mut Entry, part: Part, diff: isize) -> bool {
    match part {
        Part::Summary(row) => put(&mut entry.summary, row, diff),
        Part::Prediction(row) => put(&mut entry.prediction, row, diff),
        Part::Vector(row) => put(&mut entry.vector, row, diff),
        Part::Label(row) => put(&mut entry.label, row, diff),
        Part::Evidence(row) => put_evidence(&mut entry.evidence, row, diff),
    }
}

fn put<T: PartialEq>(slot: &mut Option<T>, row: T, diff: isize) -> bool {
    let fits = if diff > 0 { slot.is_none() } else { slot.as_ref() == Some(&row) };
    if diff > 0 {
        *slot = Some(row);
    } else if fits {
        *slot = None;
    }
    fits
}

fn put_evidence(rows: &mut Vec<EvidenceRow>, row: EvidenceRow, diff: isize) -> bool {
    match (rows.binary_search(&row), diff > 0) {
        (Err(at), true) => {
            rows.reserve_exact(1);
            rows.insert(at, row);
            true
        }
        (Ok(at), false) => {
            rows.remove(at);
            true
        }
        _ => false,
    }
}

/// Applies rows to a map, removals first; how many did not fit.
fn merge<K: Ord, V: Clone + PartialEq>(map: &mut BTreeMap<K, V>, rows: &[Diff<V>], key: impl Fn(&V) -> K) -> u64 {
    let mut conflicts = 0;
    for (row, _) in rows.iter().filter(|(_, diff)| *diff < 0) {
        let fits = map.get(&key(row)) == Some(row);
        if fits {
            map.remove(&key(row));
        }
        conflicts += u64::from(!fits);
    }
    for (row, _) in rows.iter().filter(|(_, diff)| *diff > 0) {
        conflicts += u64::from(map.insert(key(row), row.clone()).is_some());
    }
    conflicts
}
