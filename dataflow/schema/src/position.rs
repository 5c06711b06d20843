//! Where a record stands in the log; the only order the engine knows.

use crate::ids::RepoId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A place in the log: (partition, offset). Order across partitions has no meaning beyond being total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The partition, from 0.
    pub partition: u32,
    /// The offset within the partition, from 0; gaps are allowed.
    pub offset: u64,
}

impl fmt::Display for Position {
    /// `partition:offset`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.partition, self.offset)
    }
}

/// One change as the log holds it: all parts of a change's vector carry this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChangeKey {
    /// The repository the change belongs to.
    pub repo: RepoId,
    /// Where its record stands.
    pub position: Position,
}
