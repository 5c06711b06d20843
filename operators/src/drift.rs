//! Statistics of a reference window against a current window, from integer counts over frozen bins.
//!
//! Floats exist in the last pure functions alone, and those use operations that are exactly rounded on every platform.

pub mod bins;
pub mod elementary;
pub mod statistics;
