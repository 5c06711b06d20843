//! What a request may ask for at most.

use std::time::Duration;

/// How long `?at_least=` waits before it answers 503, unless the state says otherwise.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(10);

/// How many requests may wait for a position at the same time.
pub(crate) const WAITING_MAX: usize = 1_024;

/// Rows of a page when the request does not say.
pub(crate) const PAGE_ROWS: usize = 50;

/// Rows of a page at most.
pub(crate) const PAGE_ROWS_MAX: usize = 500;

/// The largest window `?newest=` may name.
pub(crate) const NEWEST_MAX: usize = 10_000;

/// How many commits an answer to an ambiguous prefix names at most.
pub(crate) const CANDIDATES_MAX: usize = 8;

/// Rows of drift statistics or alerts in one answer.
pub(crate) const ROWS_MAX: usize = 5_000;

/// The longest request target that is read.
pub(crate) const TARGET_BYTES_MAX: usize = 8 << 10;

/// Request line and headers together; also what a connection may buffer.
pub(crate) const HEAD_BYTES_MAX: usize = 16 << 10;

/// Bytes of a body, for routes that take one.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;

/// How long a connection may take to send a whole request head, waiting for it to begin included. Prometheus asks every
/// fifteen seconds by default and so keeps its connection.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(20);

/// How long an answer may wait for a reader that takes nothing, on top of what [`READER_BYTES_PER_SECOND`] allows.
pub(crate) const STALL_MAX: Duration = Duration::from_secs(20);

/// A reader must take this much a second while answers wait for it.
pub(crate) const READER_BYTES_PER_SECOND: u64 = 16 << 10;

/// Answers from this size on count against [`SENDING_BYTES_MAX`].
pub(crate) const LARGE_BYTES: usize = 16 << 10;

/// Large answers that may be on their way at the same time, in bytes: what slow readers can make the process hold.
pub(crate) const SENDING_BYTES_MAX: usize = 64 << 20;

/// Exports that may be written at the same time.
pub(crate) const EXPORTS_MAX: usize = 2;

/// Connections that may be waiting for another one to close; beyond, no further one is accepted for a moment.
pub(crate) const ARRIVALS_MAX: usize = 32;

/// How long a new connection waits for a place until another one is asked to close, and how often.
pub(crate) const ARRIVAL_WAIT: Duration = Duration::from_millis(50);
pub(crate) const ARRIVAL_TRIES: usize = 10;

/// How long no connection is accepted after the system had no descriptor for one.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections the system keeps until they are accepted.
pub(crate) const BURST: u32 = 1_024;
