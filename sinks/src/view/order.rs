//! The two orders predictions are listed in, and the cursor that continues a listing.
//!
//! Ties are broken by the change's key, never by arrival, so a listing is the same however the log was cut. A cursor names
//! a place in the order, not a row: rows may come and go between two pages.

use super::entry::Scored;
use driftline_schema::{ChangeKey, Fixed, Position, RepoId};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Which predictions come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The newest by event time.
    #[default]
    Recent,
    /// The riskiest; abstentions are left out.
    Risk,
}

/// The keys of a set of predictions in both orders.
#[derive(Default)]
pub(super) struct Orders {
    pub(super) by_time: BTreeSet<(i64, ChangeKey)>,
    pub(super) by_risk: BTreeSet<(Fixed, i64, ChangeKey)>,
}

impl Orders {
    pub(super) fn insert(&mut self, key: ChangeKey, scored: &Scored) {
        self.by_time.insert((scored.time, key));
        if let Some(risk) = scored.risk {
            self.by_risk.insert((risk, scored.time, key));
        }
    }
    pub(super) fn remove(&mut self, key: ChangeKey, scored: &Scored) {
        self.by_time.remove(&(scored.time, key));
        if let Some(risk) = scored.risk {
            self.by_risk.remove(&(risk, scored.time, key));
        }
    }
    /// Keys after `cursor` in the order `sort`, best first.
    pub(super) fn after(&self, sort: Sort, cursor: Option<Cursor>) -> Box<dyn Iterator<Item = ChangeKey> + '_> {
        match (sort, cursor) {
            (Sort::Recent, Some(at)) => Box::new(self.by_time.range(..(at.time, at.key)).rev().map(|row| row.1)),
            (Sort::Recent, None) => Box::new(self.by_time.iter().rev().map(|row| row.1)),
            (Sort::Risk, Some(at)) => Box::new(self.by_risk.range(..(at.risk, at.time, at.key)).rev().map(|row| row.2)),
            (Sort::Risk, None) => Box::new(self.by_risk.iter().rev().map(|row| row.2)),
        }
    }
}

/// A place in an order: the last row of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub(super) risk: Fixed,
    pub(super) time: i64,
    pub(super) key: ChangeKey,
}

impl Cursor {
    pub(super) fn at(key: ChangeKey, scored: &Scored) -> Self {
        Self { risk: scored.risk.unwrap_or_default(), time: scored.time, key }
    }
}

impl fmt::Display for Cursor {
    /// `risk.time.repo.partition.offset`, in hex; opaque to clients.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { partition, offset } = self.key.position;
        write!(f, "{:x}.{:x}.{:x}.{partition:x}.{offset:x}", self.risk.0 as u64, self.time as u64, self.key.repo.0)
    }
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no cursor that driftline gave out")]
pub struct BadCursor;

impl FromStr for Cursor {
    type Err = BadCursor;
    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let mut parts = text.split('.').map(|part| u64::from_str_radix(part, 16).map_err(|_| BadCursor));
        let mut next = || parts.next().unwrap_or(Err(BadCursor));
        let (risk, time, repo, partition, offset) = (next()?, next()?, next()?, next()?, next()?);
        if parts.next().is_some() {
            return Err(BadCursor);
        }
        let partition = u32::try_from(partition).map_err(|_| BadCursor)?;
        let key = ChangeKey { repo: RepoId(repo), position: Position { partition, offset } };
        Ok(Self { risk: Fixed(risk as i64), time: time as i64, key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_comes_back_from_its_text(risk: i64, time: i64, repo: u64, partition: u32, offset: u64) {
            let key = ChangeKey { repo: RepoId(repo), position: Position { partition, offset } };
            let cursor = Cursor { risk: Fixed(risk), time, key };
            prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }

        #[test]
        fn any_text_is_a_cursor_or_refused(text in ".{0,40}") {
            let _ = text.parse::<Cursor>();
        }
    }
}
