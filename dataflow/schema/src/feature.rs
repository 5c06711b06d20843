//! A change's features as one row of fixed-point numbers, in the order of the features table.

use crate::fixed::Fixed;
use crate::position::ChangeKey;
use serde::{Deserialize, Serialize};

/// What a feature speaks of; reasons are split into size and everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureGroup {
    /// How much was changed.
    Size,
    /// How widely.
    Diffusion,
    /// What happened to the touched files before.
    History,
    /// Who changed it.
    Author,
    /// What the change means to do.
    Purpose,
    /// What it does to the syntax.
    Syntax,
    /// How the touched files hang together with the rest of the repository.
    Coupling,
}

impl FeatureGroup {
    /// The code used in JSON.
    pub fn code(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Diffusion => "diffusion",
            Self::History => "history",
            Self::Author => "author",
            Self::Purpose => "purpose",
            Self::Syntax => "syntax",
            Self::Coupling => "coupling",
        }
    }
}

/// A change's features as of just before its own effects are known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Vector {
    /// The change.
    pub key: ChangeKey,
    /// Event time, seconds since 1970.
    pub time: i64,
    /// One value for each feature of the table.
    pub values: Box<[Fixed]>,
}

/// One column of the vector: what it means and where the definition comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FeatureMeta {
    /// Name in JSON, Parquet and reasons.
    pub name: &'static str,
    /// Group.
    pub group: FeatureGroup,
    /// Unit: `lines`, `files`, `days`, `changes`, `ratio`, `bits`, `flag` ...
    pub unit: &'static str,
    /// What it is, in one sentence.
    pub definition: &'static str,
    /// Paper or standard it follows.
    pub source: &'static str,
}
