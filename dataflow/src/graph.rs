//! The straight line: how an event becomes an answer, on one page.
//!
//! A stage is a verb from `operators`; no `if`, loop or arithmetic lives here. A new feature is a new line here and a new
//! file elsewhere.

use crate::clock::Clock;
use crate::outlets::Outlets;
use crate::plan::Plan;
use driftline_operators::diffusion::diffusion;
use driftline_operators::drift::drift;
use driftline_operators::evidence::{named_evidence, szz_evidence, vote_evidence};
use driftline_operators::examples::examples;
use driftline_operators::history::history;
use driftline_operators::labels::labels;
use driftline_operators::live::{erased_authors, live, withdrawn_commits};
use driftline_operators::models::{answer, answer_parts, lessons, observe, percentile, score, train};
use driftline_operators::origins::trace_fixes;
use driftline_operators::parse::parse;
use driftline_operators::purpose::purpose;
use driftline_operators::size::size;
use driftline_operators::syntax_delta::syntax_delta;
use driftline_operators::validate::route;
use driftline_operators::vectors::vectorize;
use driftline_operators::waiting::{ticks, wait};
use timely::dataflow::Scope;
