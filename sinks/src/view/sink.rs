//! The view's one writer.
//!
//! Rows are packed before the lock is taken, so readers wait only for the maps to change. A time that is not newer than
//! what is reflected is skipped: applying it twice is harmless.

use super::Shared;
use super::state::Prepared;
use crate::batch::{ClosedTime, Sink, SinkError};
use std::sync::Arc;

/// Applies closed times to the view.
pub struct ViewSink {
    shared: Arc<Shared>,
}

impl ViewSink {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl Sink for ViewSink {
    fn name(&self) -> &str {
        "view"
    }
    fn apply(&mut self, closed: &ClosedTime) -> Result<(), SinkError> {
        let (names, reflected) = {
            let state = self.shared.state.read();
            (Arc::clone(&state.names), state.as_of.time)
        };
        if reflected.is_some_and(|time| closed.time <= time) {
            return Ok(());
        }
        let prepared = Prepared::of(closed, names);
        let as_of = {
            let mut state = self.shared.state.write();
            state.apply(closed, prepared);
            Arc::clone(&state.as_of)
        };
        self.shared.waiters.wake(&as_of);
        Ok(())
    }
}
