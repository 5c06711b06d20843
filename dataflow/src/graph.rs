//! The straight line: how an event becomes an answer, on one page.
//!
//! A stage is a verb from `operators`; no `if`, loop or arithmetic lives here. A new feature is a new line here and a new
//! file elsewhere.

use crate::outlets::Outlets;
use crate::plan::Plan;
use driftline_operators::diffusion::diffusion;
use driftline_operators::drift::drift;
use driftline_operators::evidence::gather_evidence;
use driftline_operators::examples::examples;
use driftline_operators::features::FEATURES;
use driftline_operators::history::history;
use driftline_operators::labels::labels;
use driftline_operators::live::live;
use driftline_operators::models::{answer, observe, percentile, score, train};
use driftline_operators::origins::trace_fixes;
use driftline_operators::parse::parse;
use driftline_operators::purpose::purpose;
use driftline_operators::size::size;
use driftline_operators::syntax_delta::syntax_delta;
use driftline_operators::validate::{RawRecord, route};
use driftline_operators::vectors::vectorize;
use driftline_operators::waiting::wait;
use timely::dataflow::Stream;
