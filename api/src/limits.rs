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
