//! The origins of a file's lines after a stretch in which its text was not known.
//!
//! Known are the origins of the lines before the stretch and, by their hashes, the lines that each of those changes
//! added. A line that only one of them added is its; one that several added goes with the line before it or, failing
//! that, the line behind it. Whatever cannot be told apart is nobody's: it may have come at any time since.

use super::blame::file_before;
use super::lines::{LineOrigins, Origin};
use super::versions::Versions;
use driftline_schema::{ChangeRow, FileRow};
use std::collections::HashMap;

/// Changes with more files are searched for the file itself alone; in smaller ones a line may stand in any file, since the
/// file may have had another name or the line moved there.
const FILES_MAX: usize = 16;

/// The origins of the lines of `file`, given those of its `last` known version.
pub(super) fn recovered(versions: &Versions, file: &FileRow, last: &LineOrigins) -> LineOrigins {
    let mut added: HashMap<u32, Vec<Origin>> = HashMap::new();
    for origin in last.origins() {
        for hash in versions.change(origin).into_iter().flat_map(|change| hashes(change, file)) {
            let origins = added.entry(hash).or_default();
            // Origins come one after the other, so a repeated one is the newest.
            if origins.last() != Some(&origin) {
                origins.push(origin);
            }
        }
    }
    let possible: Vec<&[Origin]> =
        file.line_hashes.iter().map(|hash| added.get(hash).map_or(&[][..], Vec::as_slice)).collect();
    LineOrigins::of_lines(chosen(&possible))
}

/// Hashes of the lines that `change` may have added to `file`.
fn hashes<'a>(change: &'a ChangeRow, file: &'a FileRow) -> impl Iterator<Item = u32> + 'a {
    let few = change.files.len() <= FILES_MAX;
    let same = move |row: &&FileRow| few || row.file == file.file || row.file == file_before(file);
    change.files.iter().filter(same).flat_map(|row| row.line_hashes.iter().copied())
}

/// One of the possible origins of each line, or none.
fn chosen(possible: &[&[Origin]]) -> Vec<Origin> {
    let alone = |origins: &[Origin]| if let [origin] = origins { *origin } else { Origin::NONE };
    let mut chosen: Vec<Origin> = possible.iter().map(|origins| alone(origins)).collect();
    for line in 1..chosen.len() {
        follow(&mut chosen, possible, line, line - 1);
    }
    for line in (1..chosen.len()).rev() {
        follow(&mut chosen, possible, line - 1, line);
    }
    chosen
}

/// Lets a line without an origin take that of its neighbour, if it is possible.
fn follow(chosen: &mut [Origin], possible: &[&[Origin]], line: usize, neighbour: usize) {
    let origin = chosen[neighbour];
    if chosen[line] == Origin::NONE && possible[line].contains(&origin) {
        chosen[line] = origin;
    }
}
