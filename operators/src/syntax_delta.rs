//! What a change does to the syntax of its files: levels after it, differences to before, and the functions touched.
//!
//! Facts of a content join every change that brought it or found it, by blob. The version before counts as known only
//! if an *earlier* record of the repository brought it: facts that some later record brings along must not reach back.
//! Retracting facts or a change retracts what followed, since each change is summed anew from what is left.

mod file;
mod known;

use crate::Records;
use crate::features::{Part, Parts, count};
use crate::kept_facts::KeptFacts;
use driftline_schema::prediction::Place;
use driftline_schema::{BlobKey, ChangeKey, ChangeRow, FeatureGroup, FileFacts, Fixed};
use file::FileDelta;
use known::{Lookup, Side, lookups};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Places kept of one change.
const PLACES_MAX: usize = 10;

/// What is known of the syntax of each change.
pub struct Syntax<'scope> {
    /// The part of the group `syntax`.
    pub parts: Parts<'scope>,
    /// Changed functions and, of files with added lines outside of functions, the files: at most 10, the worst first.
    /// Worse is what gained more cognitive complexity, then what has more, then what had more lines changed; then by
    /// path and line. A change without any has an empty list.
    pub places: Records<'scope, (ChangeKey, Vec<Place>)>,
}

/// Part and places of one change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Delta {
    part: Part,
    places: Vec<Place>,
}

/// What is summed for one change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Piece {
    /// The change itself, exactly once.
    Row(Arc<ChangeRow>),
    /// Facts of one version of the file at an index of the row.
    Facts(u32, Side, KeptFacts),
}

/// Maintains [`Syntax`] for each change; a file whose facts are missing adds nothing but to `files_unparsed`.
pub fn syntax_delta<'scope>(
    changes: Records<'scope, Arc<ChangeRow>>,
    facts: Records<'scope, (BlobKey, KeptFacts)>,
) -> Syntax<'scope> {
    let deltas = deltas(changes, facts);
    Syntax {
        parts: deltas.clone().map(|(change, delta)| (change, delta.part)),
        places: deltas.map(|(change, delta)| (change, delta.places)),
    }
}

fn deltas<'scope>(
    changes: Records<'scope, Arc<ChangeRow>>,
    facts: Records<'scope, (BlobKey, KeptFacts)>,
) -> Records<'scope, (ChangeKey, Delta)> {
    let rows = changes.clone().map(|row| (row.key, Piece::Row(row)));
    lookups(changes)
        .join_map(facts, |_blob, Lookup { change, file, side }, facts| {
            (*change, Piece::Facts(*file, *side, facts.clone()))
        })
        .concat(rows)
        .reduce_named("SyntaxDelta", |_change, pieces, output| {
            output.extend(sum_pieces(pieces.iter().map(|(piece, _)| *piece)).map(|delta| (delta, 1)));
        })
}

/// The facts of a file before and after a change.
type Versions = (Option<Arc<FileFacts>>, Option<Arc<FileFacts>>);

/// The sum over the files of a change; `None` unless there is exactly one row, which sorts before all facts.
fn sum_pieces<'a>(pieces: impl Iterator<Item = &'a Piece>) -> Option<Delta> {
    let mut pieces = pieces.peekable();
    let Piece::Row(row) = pieces.next()? else { return None };
    let mut versions: Vec<Versions> = vec![(None, None); row.files.len()];
    for piece in pieces {
        let Piece::Facts(file, side, facts) = piece else { return None };
        let (before, after) = versions.get_mut(*file as usize)?;
        // Equal blobs have equal facts; should two differ, the lesser one counts on every replay.
        match side {
            Side::Before => before.get_or_insert_with(|| facts.get()),
            Side::After => after.get_or_insert_with(|| facts.get()),
        };
    }
    let versions = versions.iter().map(|(before, after)| (before.as_deref(), after.as_deref()));
    let files = row.files.iter().zip(versions);
    let deltas: Vec<FileDelta<'_>> = files.map(|(file, (before, after))| FileDelta::of(file, before, after)).collect();
    let part = Part { group: FeatureGroup::Syntax, time: row.time, values: values_of(&deltas) };
    Some(Delta { part, places: worst_places(&deltas) })
}

/// The values, in the order of the features table.
fn values_of(files: &[FileDelta<'_>]) -> Box<[Fixed]> {
    type Metric = fn(&FileFacts) -> u32;
    let after = |metric: Metric| files.iter().filter_map(move |file| file.after.map(metric));
    let sum = |metric: Metric| count(after(metric).map(u64::from).sum::<u64>());
    let max = |metric: Metric| count(after(metric).max().unwrap_or(0));
    let gained =
        |index: usize| count(files.iter().filter_map(|file| file.gained).map(|gained| gained[index]).sum::<i64>());
    let total = |lines: fn(&FileDelta<'_>) -> u32| files.iter().map(|file| i64::from(lines(file))).sum::<i64>();
    let bytes = after(|facts| facts.bytes).map(i64::from).sum();
    let error_bytes = after(|facts| facts.error_bytes).map(i64::from).sum();
    let (code, comments) = (total(|file| file.code_lines_added), total(|file| file.comment_lines_added));
    let functions = || files.iter().flat_map(|file| &file.functions);
    Box::new([
        sum(|facts| facts.metrics.cyclomatic),
        sum(|facts| facts.metrics.cognitive),
        max(|facts| facts.metrics.nesting),
        sum(|facts| facts.metrics.ploc),
        sum(|facts| facts.metrics.functions),
        max(|facts| facts.metrics.params),
        sum(|facts| facts.metrics.exits),
        Fixed::ratio(error_bytes, bytes),
        gained(0),
        gained(1),
        gained(2),
        gained(3),
        gained(4),
        count(functions().filter(|function| !function.new).count()),
        count(functions().filter(|function| function.new).count()),
        count(functions().map(|function| function.facts.metrics.cognitive).max().unwrap_or(0)),
        count(code),
        Fixed::ratio(comments, code + comments),
        count(files.iter().filter(|file| file.unparsed).count()),
    ])
}

fn worst_places(files: &[FileDelta<'_>]) -> Vec<Place> {
    let mut spots: Vec<_> = files.iter().flat_map(FileDelta::spots).collect();
    spots.sort_by_key(file::Spot::badness);
    spots.truncate(PLACES_MAX);
    spots.into_iter().map(file::Spot::into_place).collect()
}

#[cfg(test)]
mod tests;
