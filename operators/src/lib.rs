//! What driftline computes: one idea a file, no input or output, no clocks, no floats in records.
//!
//! Every operator keeps its answer a function of the multiset of live rows and their positions; a property test beside
//! it compares it with the batch definition at every time, for several workers and cuts.

pub mod coupling;
pub mod diffusion;
pub mod digest;
pub mod drift;
pub mod evidence;
pub mod examples;
pub mod features;
pub mod history;
pub mod kept_facts;
pub mod labels;
pub mod live;
pub mod models;
pub mod ordered_fold;
pub mod origins;
pub mod parse;
pub mod purpose;
pub mod referenced;
pub mod size;
pub mod split;
pub mod syntax_delta;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod ticks;
pub mod validate;
pub mod vectors;
pub mod waiting;

pub use driftline_syntax as syntax;

use differential_dataflow::VecCollection;

/// A collection of records at times that count bindings, with integer multiplicities.
pub type Records<'scope, D> = VecCollection<'scope, u64, D, isize>;
