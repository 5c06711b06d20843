//! Says when the machine's clock cannot be right.
//!
//! The log notes when it took a record, and no commit advances the event clock past that. With a clock that is far behind,
//! nothing ever grows old enough for a label, so there is no model: no answer is wrong, but somebody must say why.

use std::time::{SystemTime, UNIX_EPOCH};

/// 2026-01-01: this program did not exist before, so no clock that runs it is right that says so.
const WRITTEN_S: i64 = 1_767_225_600;

/// What is wrong with the machine's clock, if that can be told.
pub fn complaint() -> Option<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(-1, |passed| passed.as_secs() as i64);
    complaint_at(now)
}

fn complaint_at(now_s: i64) -> Option<String> {
    (now_s < WRITTEN_S).then(|| {
        format!(
            "the machine's clock is wrong: it says {now_s} seconds since 1970, which is before this program was written. \
             Events are noted with that time, so that no change grows old enough for a label and no model is trained; \
             set the clock and start again"
        )
    })
}

/// What is to be said of changes that are dated after the log took them, if they are so many that a clock must be wrong.
pub fn changes_ahead(ahead: u64, changes: u64) -> Option<String> {
    (ahead > 0 && ahead * 2 > changes).then(|| {
        format!(
            "{ahead} of {changes} changes are dated more than the allowed skew after the log took them, so they do not \
             advance the event clock and get no label by waiting: the clock of the machine that appended them was wrong, \
             or the topic has no timestamps"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_of_1999_is_said_and_a_right_one_is_not() {
        assert!(complaint_at(930_000_000).expect("is said").contains("set the clock"));
        assert!(complaint_at(-1).is_some());
        assert_eq!(complaint_at(WRITTEN_S + 1), None);
        assert_eq!(complaint(), None);
    }

    #[test]
    fn most_changes_after_their_append_are_said_and_a_few_are_not() {
        assert!(changes_ahead(230, 230).expect("is said").starts_with("230 of 230 changes"));
        assert_eq!(changes_ahead(0, 0), None);
        assert_eq!(changes_ahead(5, 200), None, "a few odd clocks are in every history");
    }
}
