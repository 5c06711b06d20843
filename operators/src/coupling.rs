//! What a change does to the graphs of its repository: which module imports which, which function calls which, which
//! classes use each other, and which lines repeat elsewhere.
//!
//! A fold by position keeps the files of each repository as the log last left them, and the graphs between them; a change
//! puts its contents in place and is measured before and after. Retracting a change, or the facts of a content, puts back
//! what stood there and repeats the changes after it, so every value is that of a log without it.

mod components;
mod edges;
mod map;
mod measure;
mod names;
mod outline;
mod resolve;

use crate::Records;
use crate::features::{Part, Parts};
use crate::kept_facts::KeptFacts;
use crate::ordered_fold::{PositionFold, ordered_fold};
use driftline_schema::{BlobKey, ChangeKey, ChangeRow, FeatureGroup, FileId, FileKind, FileRow, Position};
use map::{Edits, Map, Source, prepare};
use measure::{Before, Bounds};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The part of the group `coupling` for each change.
pub fn coupling<'scope>(
    changes: Records<'scope, Arc<ChangeRow>>,
    facts: Records<'scope, (BlobKey, KeptFacts)>,
) -> Parts<'scope> {
    coupling_within(changes, facts, Bounds::default())
}

fn coupling_within<'scope>(
    changes: Records<'scope, Arc<ChangeRow>>,
    facts: Records<'scope, (BlobKey, KeptFacts)>,
    bounds: Bounds,
) -> Parts<'scope> {
    let arrived = arrivals(changes, facts).map(|(key, arrival)| (key.repo, (key.position, arrival)));
    ordered_fold(arrived, "Coupling", Coupling(bounds))
        .map(|(repo, (position, part))| (ChangeKey { repo, position }, part))
}

/// A change with the facts of the contents it brings, by index of the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Arrival {
    row: Arc<ChangeRow>,
    facts: Box<[(u32, KeptFacts)]>,
}

/// What is gathered for one change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Piece {
    /// The change itself, exactly once.
    Row(Arc<ChangeRow>),
    /// Facts of the content that the file at an index of the row brings.
    Facts(u32, KeptFacts),
}

/// The content that a file brings, if a grammar measures it.
fn brought(file: &FileRow) -> Option<BlobKey> {
    let blob = file.blob.filter(|_| file.has_content)?;
    Some(BlobKey { blob, language: file.language? })
}

fn arrivals<'scope>(
    changes: Records<'scope, Arc<ChangeRow>>,
    facts: Records<'scope, (BlobKey, KeptFacts)>,
) -> Records<'scope, (ChangeKey, Arrival)> {
    let rows = changes.clone().map(|row| (row.key, Piece::Row(row)));
    let asked = changes.flat_map(|row| {
        let asked = (0..).zip(&row.files).filter_map(|(index, file)| Some((brought(file)?, (row.key, index))));
        asked.collect::<Vec<(BlobKey, (ChangeKey, u32))>>()
    });
    asked
        .join_map(facts, |_blob, (change, file), facts| (*change, Piece::Facts(*file, facts.clone())))
        .concat(rows)
        .reduce_named("CouplingArrival", |_change, pieces, output| {
            output.extend(arrival(pieces.iter().map(|(piece, _)| *piece)).map(|arrival| (arrival, 1)));
        })
}

/// A change with its facts; `None` unless there is exactly one row, which sorts before all facts.
fn arrival<'a>(mut pieces: impl Iterator<Item = &'a Piece>) -> Option<Arrival> {
    let Piece::Row(row) = pieces.next()? else { return None };
    let mut facts: Vec<(u32, KeptFacts)> = Vec::new();
    for piece in pieces {
        let Piece::Facts(file, found) = piece else { return None };
        // Equal blobs have equal facts; should two differ, the lesser one counts on every replay.
        if facts.last().is_none_or(|(last, _)| last != file) {
            facts.push((*file, found.clone()));
        }
    }
    Some(Arrival { row: row.clone(), facts: facts.into() })
}

/// The fold over one repository.
struct Coupling(Bounds);

impl PositionFold for Coupling {
    type Value = Arrival;
    type Output = Part;
    type State = Map;
    type Undo = Edits;

    fn step(&self, map: &mut Map, _position: Position, arrival: &Arrival, outputs: &mut Vec<Part>) -> Edits {
        let prepared = prepare(edits(map, arrival));
        let touched: Vec<FileId> = prepared.iter().map(|(id, _)| *id).collect();
        let before = Before::of(map, &prepared, self.0);
        let undo = map.apply(prepared);
        let values = before.values(map, &touched, self.0);
        outputs.push(Part { group: FeatureGroup::Coupling, time: arrival.row.time, values });
        undo
    }

    fn undo(&self, map: &mut Map, undo: Edits) {
        map.apply(prepare(undo));
    }
}

/// What a change puts in place. A content that the event leaves out but that stands in place already, be it under the
/// name before a rename, keeps its facts.
fn edits(map: &Map, arrival: &Arrival) -> Edits {
    let row = &arrival.row;
    let facts_of = |index: u32, file: &FileRow| {
        if file.has_content {
            let at = arrival.facts.binary_search_by_key(&index, |(index, _)| *index).ok()?;
            return Some(arrival.facts[at].1.clone());
        }
        let known = &map.file(file.old_file.unwrap_or(file.file))?.source;
        let same = known.row().blob == file.blob && known.row().language == file.language;
        known.facts.clone().filter(|_| same)
    };
    let mut edits: BTreeMap<FileId, Option<Source>> =
        row.files.iter().filter_map(|file| file.old_file).map(|left| (left, None)).collect();
    for (index, file) in (0..).zip(&row.files) {
        let stands = file.kind != FileKind::Deleted && file.language.is_some();
        let source = stands.then(|| Source { change: row.clone(), index, facts: facts_of(index, file) });
        edits.insert(file.file, source);
    }
    edits.into_iter().filter(|(id, source)| source.is_some() || map.file(*id).is_some()).collect()
}

#[cfg(test)]
mod cost;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
