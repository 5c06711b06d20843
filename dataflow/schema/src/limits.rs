//! What one event may hold; beyond a limit it is a reject, never a stall.

use serde::{Deserialize, Serialize};

/// Limits on events. Sizes are in bytes, the rest are counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// A whole event. 16 MiB holds all but imports of vendored trees and stays far below a worker's memory.
    pub event_bytes_max: usize,
    /// One file's content: larger files are generated in practice, and a parse tree takes up to 250 times its bytes.
    pub file_bytes_max: usize,
    /// A path; 4096 is the limit of Linux.
    pub path_bytes_max: usize,
    /// Files in one change.
    pub files_max: usize,
    /// Hunks in one change.
    pub hunks_max: usize,
    /// Parents of one change. The largest merges of public histories have 66.
    pub parents_max: usize,
    /// A commit message.
    pub message_bytes_max: usize,
    /// How far (seconds) an event's time may lie after its append time and still advance the event clock.
    pub clock_skew_s_max: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            event_bytes_max: 16 << 20,
            file_bytes_max: 1 << 20,
            path_bytes_max: 4096,
            files_max: 20_000,
            hunks_max: 200_000,
            parents_max: 10_000,
            message_bytes_max: 64 << 10,
            clock_skew_s_max: 86_400,
        }
    }
}
