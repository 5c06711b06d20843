//! The current view: what driftline knows at one log position, held in memory for the API.
//!
//! Invariant: a reader sees the effects of whole closed times only. Every answer carries the [`AsOf`] it reflects, taken
//! under the same lock as the answer itself.

mod entry;
mod names;
mod order;
mod pack;
mod quality;
mod query;
mod reader;
mod render;
mod sink;
mod state;
mod wait;

#[cfg(test)]
mod tests;

pub use entry::EvidenceRow;
pub use order::{BadCursor, Cursor, Sort};
pub use quality::Quality;
pub use query::{ChangeDetail, Found, Lookup, PredictionPage, PredictionQuery, PredictionRow, RepoRow};
pub use reader::{Summary, ViewReader};
pub use sink::ViewSink;
pub use wait::Reached;

use parking_lot::RwLock;
use state::State;
use std::sync::Arc;

/// The part of the log an answer reflects.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct AsOf {
    /// The newest closed time; absent before the first.
    pub time: Option<u64>,
    /// Next offset of each partition: everything before it is reflected.
    pub offsets: Vec<u64>,
}

impl AsOf {
    /// Whether the record at `position` is reflected.
    pub fn reflects(&self, position: driftline_schema::Position) -> bool {
        self.offsets.get(position.partition as usize).is_some_and(|next| *next > position.offset)
    }
}

/// What the writer and all readers share.
struct Shared {
    state: RwLock<State>,
    waiters: wait::Waiters,
}

/// The current view. Made once; the sink goes to the engine, readers to whoever answers questions.
pub struct View;

impl View {
    /// An empty view: its one writer and a first reader.
    pub fn open() -> (ViewSink, ViewReader) {
        let shared = Arc::new(Shared { state: RwLock::default(), waiters: wait::Waiters::default() });
        (ViewSink::new(Arc::clone(&shared)), ViewReader::new(shared))
    }
}
