//! Event times that advance the clock beside those of changes: of votes and tick records.
//!
//! The time of a branch move is that of a commit, which may be withdrawn, and then nothing may remember it.

use crate::Records;
use crate::validate::{ControlRow, VoteRow};
use driftline_schema::ControlAction;

/// (partition, seconds since 1970) of every such record whose time may advance the clock.
pub fn ticks<'scope>(
    controls: Records<'scope, ControlRow>,
    votes: Records<'scope, VoteRow>,
) -> Records<'scope, (u32, i64)> {
    let controls = controls.flat_map(|row| match row.control.action {
        ControlAction::Tick { time } if row.advances_clock => Some((row.position.partition, time)),
        _ => None,
    });
    let votes = votes.filter(|row| row.advances_clock).map(|row| (row.position.partition, row.time));
    controls.concat(votes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run;
    use driftline_schema::{Control, ControlId, Position};

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
        let seen = run(&rows, 2, 3, |rows| {
            let nothing = rows.clone().filter(|_| false);
            ticks(rows, nothing.flat_map(|_| None::<VoteRow>))
        });
        assert_eq!(seen[0].keys().copied().collect::<Vec<_>>(), vec![(1, 5)]);
    }
}
