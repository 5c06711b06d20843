//! What happened to the touched files before a change, and what its author did before (`NDEV`, `AGE`, `NUC`, `EXP`,
//! `REXP`, `SEXP`).
//!
//! The rows of a repository are folded by their place in the log, so a change sees all changes before it and none
//! after. Two rules hold throughout. A merge reads the history and leaves no trace in it, because what it merges stands
//! in the log already. A file takes its history along when it is renamed, and a deleted file leaves its history for the
//! case that the path comes back.

mod decay;
mod state;

use crate::Records;
use crate::features::{Part, Parts};
use crate::ordered_fold::{PositionFold, ordered_fold};
use driftline_schema::{ChangeKey, ChangeRow, FeatureGroup, Position};
use std::sync::Arc;

/// The parts of the groups `history` and `author` for each change.
pub fn history<'scope>(changes: Records<'scope, Arc<ChangeRow>>) -> Parts<'scope> {
    ordered_fold(changes.map(|row| (row.key.repo, (row.key.position, row))), "History", History)
        .map(|(repo, (position, part))| (ChangeKey { repo, position }, part))
}

/// The fold over one repository.
struct History;

impl PositionFold for History {
    type Value = Arc<ChangeRow>;
    type Output = Part;
    type State = state::State;
    type Undo = state::Journal;

    fn step(
        &self,
        state: &mut state::State,
        _position: Position,
        row: &Arc<ChangeRow>,
        outputs: &mut Vec<Part>,
    ) -> state::Journal {
        let touched = state.touched(row);
        let part = |group, values| Part { group, time: row.time, values };
        outputs.push(part(FeatureGroup::History, state.history_of(row, &touched)));
        outputs.push(part(FeatureGroup::Author, state.author_of(row, &touched)));
        if row.merge { state::Journal::default() } else { state.record(row, &touched) }
    }

    fn undo(&self, state: &mut state::State, journal: state::Journal) {
        state.take_back(journal);
    }
}

#[cfg(test)]
mod tests;
