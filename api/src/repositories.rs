//! The repositories that are followed from here, and how that goes.
//!
//! What is said here comes from clocks and file systems and is no part of any answer about the log: it never reaches a
//! record, and two engines over one log may differ in it.

use crate::read::{Known, etag, json, tagged, wait_for};
use crate::routes::{Answered, Asked, Plain, asked};
use crate::state::{ApiState, Check};
use axum::extract::State;
use driftline_sinks::AsOf;
use driftline_sinks::utc::rfc3339;
use driftline_sinks::view::RepoRow;
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// How following a repository goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// Its history is being brought in.
    Importing,
    /// What is pushed is answered.
    Following,
    /// It is not where it was, or was never there.
    Missing,
    /// It is there and cannot be read.
    Failed,
}

impl Condition {
    /// Whether new commits of the repository arrive.
    pub fn is_up(self) -> bool {
        matches!(self, Self::Importing | Self::Following)
    }
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Importing => "importing",
            Self::Following => "following",
            Self::Missing => "missing",
            Self::Failed => "failed",
        }
    }
}

/// The state of one repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RepositoryState {
    /// How following it goes.
    pub state: Condition,
    /// Since when, seconds since 1970.
    pub since: i64,
    /// Why it is not followed.
    pub reason: Option<String>,
}

/// The states by repository. Cloning is cheap and gives the same states.
#[derive(Clone, Default)]
pub struct Repositories(Arc<Mutex<States>>);

#[derive(Default)]
struct States {
    /// How often something changed, for the tag of answers.
    version: u64,
    rows: BTreeMap<String, RepositoryState>,
}

impl Repositories {
    /// Replaces what was known; whoever follows repositories reports all of them.
    pub fn set(&self, rows: BTreeMap<String, RepositoryState>) {
        let mut states = self.0.lock();
        if states.rows != rows {
            states.version += 1;
            states.rows = rows;
        }
    }

    /// The tag of an answer that shows them, and those that cannot be followed.
    pub(crate) fn down(&self, as_of: &AsOf) -> (String, Vec<(String, RepositoryState)>) {
        let states = self.0.lock();
        let down = states.rows.iter().filter(|(_, row)| !row.state.is_up());
        (with_version(as_of, states.version), down.map(|(name, row)| (name.clone(), row.clone())).collect())
    }

    /// What readiness says of them; nothing where no repository is followed from here.
    pub(crate) fn check(&self) -> Option<Check> {
        let states = self.0.lock();
        let down: Vec<_> = states.rows.iter().filter(|(_, row)| !row.state.is_up()).collect();
        let all = states.rows.len();
        if all == 0 {
            return None;
        }
        if down.is_empty() {
            return Some(Check::Holds);
        }
        let mut text = format!("{} of {all} repositories cannot be followed", down.len());
        for (name, row) in &down {
            let (state, since) = (row.state.word(), rfc3339(row.since));
            let reason = row.reason.as_deref().unwrap_or("no reason is known");
            write!(text, "; {} is {state} since {since}: {reason}", name.escape_debug()).expect("a string grows");
        }
        Some(if down.len() == all { Check::Fails(text) } else { Check::Remark(text) })
    }
}

/// The view's tag alone would call an answer unchanged in which a repository went missing.
fn with_version(as_of: &AsOf, version: u64) -> String {
    let tag = etag(as_of);
    if version == 0 { tag } else { format!("{}-{version}\"", tag.trim_end_matches('"')) }
}

/// A repository in the view, in the list of those followed, or both.
#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    counts: RepoRow,
    #[serde(flatten)]
    state: Option<RepositoryState>,
}

/// `/v1/repos`.
pub(crate) async fn list(State(state): State<ApiState>, known: Known, query: Asked<Plain>) -> Answered {
    wait_for(&state, asked(query)?.at_least).await?;
    let (as_of, counts) = state.view.repositories();
    let (version, mut states) = {
        let states = state.repositories.0.lock();
        (states.version, states.rows.clone())
    };
    let tag = with_version(&as_of, version);
    Ok(tagged(&known, &tag, || {
        let mut rows: Vec<Row> =
            counts.into_iter().map(|counts| Row { state: states.remove(&*counts.repository), counts }).collect();
        // Those that have brought nothing yet.
        rows.extend(states.into_iter().map(|(name, state)| Row { counts: RepoRow::empty(&name), state: Some(state) }));
        rows.sort_by(|one, other| one.counts.repository.cmp(&other.counts.repository));
        json(&as_of, BTreeMap::from([("repositories", rows)]))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(state: Condition) -> RepositoryState {
        let reason = (!state.is_up()).then(|| "it is gone".to_owned());
        RepositoryState { state, since: 1_790_000_000, reason }
    }

    fn check(rows: &[(&str, Condition)]) -> Option<Check> {
        let repositories = Repositories::default();
        repositories.set(rows.iter().map(|(name, state)| ((*name).to_owned(), row(*state))).collect());
        repositories.check()
    }

    #[test]
    fn readiness_says_which_are_missing_and_fails_when_all_are() {
        assert_eq!(check(&[]), None);
        assert_eq!(check(&[("a", Condition::Following), ("b", Condition::Importing)]), Some(Check::Holds));
        let text = "1 of 2 repositories cannot be followed; b is missing since 2026-09-21T14:13:20Z: it is gone";
        let some = check(&[("a", Condition::Following), ("b", Condition::Missing)]);
        assert_eq!(some, Some(Check::Remark(text.to_owned())));
        assert!(matches!(check(&[("a", Condition::Failed), ("b", Condition::Missing)]), Some(Check::Fails(_))));
    }
}
