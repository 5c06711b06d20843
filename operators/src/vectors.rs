//! Puts the parts of a change together into its vector.
//!
//! Every operator gives the part of a change at the time of the change, so a vector appears whole and at once; it is
//! taken back when any part is. Each stage is one idea and one line here.

use crate::Records;
use crate::coupling::coupling;
use crate::diffusion::diffusion;
use crate::features::{FEATURES, GROUPS, Part, Parts};
use crate::history::history;
use crate::kept_facts::KeptFacts;
use crate::purpose::purpose;
use crate::size::size;
use crate::syntax_delta::syntax_delta;
use differential_dataflow::collection::concatenate;
use driftline_schema::prediction::Place;
use driftline_schema::{BlobKey, ChangeKey, ChangeRow, Fixed, Vector};
use std::sync::Arc;

/// Vectors, and where to look in each change.
pub struct Vectors<'scope> {
    /// One vector for each change.
    pub vectors: Records<'scope, Vector>,
    /// The worst places of each change, worst first; a change without any has an empty list.
    pub places: Records<'scope, (ChangeKey, Vec<Place>)>,
}

/// The vectors of the changes that count.
pub fn vectors<'scope>(
    live: Records<'scope, Arc<ChangeRow>>,
    facts: Records<'scope, (BlobKey, KeptFacts)>,
) -> Vectors<'scope> {
    let coupling = coupling(live.clone(), facts.clone());
    let syntax = syntax_delta(live.clone(), facts);
    let parts =
        [size(live.clone()), diffusion(live.clone()), purpose(live.clone()), history(live), syntax.parts, coupling];
    Vectors { vectors: vectorize(parts), places: syntax.places }
}

/// Joins the parts of each change; nothing while one is missing.
pub fn vectorize<'scope>(parts: impl IntoIterator<Item = Parts<'scope>>) -> Records<'scope, Vector> {
    let mut parts = parts.into_iter().peekable();
    let scope = parts.peek().expect("a vector has parts").scope();
    concatenate(scope, parts)
        .reduce_named("Vectorize", |_change, parts, output| {
            let exact = parts.iter().all(|(_, multiplicity)| *multiplicity == 1);
            let parts: Vec<&Part> = parts.iter().map(|(part, _)| *part).collect();
            output.extend(join_parts(&parts).filter(|_| exact).map(|joined| (joined, 1)));
        })
        .map(|(key, (time, values))| Vector { key, time, values })
}

/// Time and values of a change, if its sorted parts are one of each group and agree on the time.
fn join_parts(parts: &[&Part]) -> Option<(i64, Box<[Fixed]>)> {
    let time = parts.first()?.time;
    let whole = parts.iter().map(|part| part.group).eq(GROUPS) && parts.iter().all(|part| part.time == time);
    whole.then(|| {
        let mut values = Vec::with_capacity(FEATURES.len());
        parts.iter().for_each(|part| values.extend_from_slice(&part.values));
        (time, values.into_boxed_slice())
    })
}

#[cfg(test)]
mod cost;
#[cfg(test)]
mod tests;
