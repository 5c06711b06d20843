//! The engine: sources, clock, graph and workers of driftline.
//!
//! The log is the only input; everything published is a function of it.

pub mod clock;
pub mod conductor;
pub mod log;
pub mod source;
