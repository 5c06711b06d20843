//! The columns of a change table and the vector the experts see.
//!
//! Beside the table's own columns the vector holds ratios of size, which trees cannot express by cutting one column at a
//! time.

use super::table::Change;
use driftline_kernels::TrainSet;

/// Columns of the table after Kamei et al.: diffusion, size, purpose, history, experience.
pub(super) const COLUMNS: [&str; 14] =
    ["ns", "nd", "nf", "entropy", "la", "ld", "lt", "fix", "ndev", "age", "nuc", "exp", "rexp", "sexp"];
/// Index of lines added.
pub(super) const SIZE: usize = 4;
/// Index of lines deleted.
pub(super) const DELETED: usize = 5;
const FILES: usize = 2;
const LINES_BEFORE: usize = 6;

/// Values of a vector.
pub(super) const WIDTH: usize = COLUMNS.len() + 3;

/// The vector of a change.
pub(super) fn vector(change: &Change) -> [f32; WIDTH] {
    let values = &change.values;
    // Counts are shifted by one, so that an empty file or an empty change has a ratio too.
    let ratio = |over: usize, under: usize| (values[over] + 1.0) / (values[under].max(0.0) + 1.0);
    let mut vector = [0.0; WIDTH];
    vector[..COLUMNS.len()].copy_from_slice(values);
    vector[COLUMNS.len()] = ratio(SIZE, LINES_BEFORE);
    vector[COLUMNS.len() + 1] = ratio(DELETED, LINES_BEFORE);
    vector[COLUMNS.len() + 2] = ratio(SIZE, FILES);
    vector
}

/// Adds a change to a training set; its place in the project is its key.
pub(super) fn push(set: &mut TrainSet, place: usize, change: &Change, label: bool) {
    set.push(place as u64, &vector(change), label, 1);
}
