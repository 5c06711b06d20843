//! What is known of a model besides its trees.

use crate::event::Scope;
use crate::ids::ModelId;
use serde::{Deserialize, Serialize};

/// A trained model's description.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Hash of (cut, training rows, feature table version, parameters, code version).
    pub id: ModelId,
    /// What it scores.
    pub scope: Scope,
    /// The cut it was trained at.
    pub cut: u64,
    /// Training rows.
    pub rows: u64,
    /// Defective rows among them.
    pub defective: u64,
    /// Which version of the features table its columns follow.
    pub features_version: u32,
}
