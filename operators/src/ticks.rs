//! Event times that advance the clock beside those of changes: of votes, branch moves and tick records.

use crate::Records;
use crate::validate::{BranchRow, ControlRow, VoteRow};
use driftline_schema::ControlAction;

/// (partition, seconds since 1970) of every such record whose time may advance the clock.
pub fn ticks<'scope>(
    controls: Records<'scope, ControlRow>,
    votes: Records<'scope, VoteRow>,
    branches: Records<'scope, BranchRow>,
) -> Records<'scope, (u32, i64)> {
    let controls = controls.flat_map(|row| match row.control.action {
        ControlAction::Tick { time } if row.advances_clock => Some((row.position.partition, time)),
        _ => None,
    });
    let votes = votes.filter(|row| row.advances_clock).map(|row| (row.position.partition, row.time));
    let branches = branches.filter(|row| row.advances_clock).map(|row| (row.position.partition, row.time));
    controls.concat(votes).concat(branches)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run;
    use driftline_schema::{Control, ControlId, Position, RepoId};

    #[test]
    fn only_times_that_may_advance_the_clock_are_ticks() {
        let row = |offset, action, advances_clock| ControlRow {
            position: Position { partition: 1, offset },
            control: Control { id: ControlId(offset), action },
            advances_clock,
        };
        let rows = [
            (row(1, ControlAction::Tick { time: 5 }, true), 1),
            (row(2, ControlAction::Tick { time: 9 }, false), 1),
            (row(3, ControlAction::Cut { cut: 1 }, true), 1),
        ];
        let branch = BranchRow {
            repo: RepoId(1),
            position: Position { partition: 1, offset: 4 },
            name: "main".into(),
            commit: None,
            withdrawn: vec![],
            time: 7,
            advances_clock: true,
        };
        let seen = run(&rows, 2, 3, move |rows| {
            let nothing = rows.clone().filter(|_| false);
            let branch = branch.clone();
            let branches = rows.clone().filter(|row| row.position.offset == 3).map(move |_| branch.clone());
            ticks(rows, nothing.flat_map(|_| None::<VoteRow>), branches)
        });
        assert_eq!(seen[0].keys().copied().collect::<Vec<_>>(), vec![(1, 5), (1, 7)]);
    }
}
