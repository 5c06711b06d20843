//! A line on standard error for each record that was refused: which commit of which repository, and why.
//!
//! A flood of bad records must not become a flood of lines, so only the first ones are told; all are counted.

use crate::terminal::shown;
use driftline_schema::Reject;
use driftline_sinks::{ClosedTime, Sink, SinkError};
use std::io::Write;

/// Rejects that are told one by one.
const LINES_MAX: u64 = 20;

/// Tells rejects.
pub struct RejectLines {
    told: u64,
    out: Box<dyn Write + Send>,
}

impl RejectLines {
    /// On standard error.
    pub fn new() -> Self {
        Self::to(Box::new(std::io::stderr()))
    }

    fn to(out: Box<dyn Write + Send>) -> Self {
        Self { told: 0, out }
    }
}

impl Default for RejectLines {
    fn default() -> Self {
        Self::new()
    }
}

fn line(reject: &Reject) -> String {
    let what = reject.commit.map_or_else(|| "a record".to_owned(), |commit| format!("commit {commit}"));
    let (repository, reason, detail) = (shown(&reject.key), reject.reason, shown(&reject.detail));
    format!("rejected: {what} of repository `{repository}` at position {}: {reason}: {detail}", reject.position)
}

impl Sink for RejectLines {
    fn name(&self) -> &str {
        "reject-lines"
    }

    fn apply(&mut self, closed: &ClosedTime) -> Result<(), SinkError> {
        for reject in &closed.rejects {
            self.told += 1;
            // Standard error may be closed; the reject is counted and kept all the same.
            let _ = match self.told {
                told if told <= LINES_MAX => writeln!(self.out, "{}", line(reject)),
                told if told == LINES_MAX + 1 => {
                    writeln!(self.out, "further rejects are only counted: driftline_events_rejected_total on /metrics")
                }
                _ => Ok(()),
            };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftline_schema::{CommitId, Position, RejectReason};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no holder panics").write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_names_commit_repository_and_cause_and_a_flood_ends() {
        let reject = Reject {
            position: Position { partition: 1, offset: 5 },
            reason: RejectReason::OverLimit,
            detail: "the change has 9 files, the limit is 2".into(),
            key: "demo\u{1b}[2J".into(),
            commit: CommitId::from_bytes(&[0xab; 20]),
            bytes: (*b"{}").into(),
            envelope: None,
        };
        let out = Shared::default();
        let mut lines = RejectLines::to(Box::new(out.clone()));
        let closed = ClosedTime { rejects: vec![reject; 50], ..ClosedTime::default() };
        lines.apply(&closed).expect("never fails");
        let text = String::from_utf8(out.0.lock().expect("no holder panics").clone()).expect("is text");
        assert_eq!(text.lines().count() as u64, LINES_MAX + 1);
        let expected = format!(
            "rejected: commit {} of repository `demo\\u{{1b}}[2J` at position 1:5: over_limit: the change has 9 files, \
             the limit is 2",
            "ab".repeat(20)
        );
        assert_eq!(text.lines().next(), Some(expected.as_str()));
    }
}
