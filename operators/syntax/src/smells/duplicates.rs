//! Code that stands in more than one place of the files given: runs of equal windows of tokens.
//!
//! Two windows are equal when both of their hashes are. Every place is reported with one other, the first in the order of
//! files, so that the work and the report grow with the places and not with their pairs. A window that equals the one
//! before or after it is part of a repetition, such as the rows of a table, and no copy.

use super::Relation::AtLeast;
use super::{Evidence, Smell, SmellKind, Thresholds};
use driftline_schema::facts::FileFacts;
use driftline_schema::{Structure, Window};

/// Lines that stand elsewhere too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duplicate {
    /// Index of the file among those given.
    pub file: usize,
    /// The smell in that file.
    pub smell: Smell,
    /// Index of the file that holds the same.
    pub other_file: usize,
    /// First line there, from 1.
    pub other_start_line: u32,
    /// Last line there, from 1, inclusive.
    pub other_end_line: u32,
}

/// A window by file and index.
type At = (usize, usize);

/// What a window is told by, and where it stands.
type Placed = ((u64, u64), At);

/// A window with all that equal it, itself among them, in order of place.
type Repeated<'a> = (At, &'a [Placed]);

/// A run of windows with the run elsewhere that equals it.
struct Run {
    start_line: u32,
    end_line: u32,
    other: At,
    other_start_line: u32,
    other_end_line: u32,
}

/// What is duplicated within and between `files`, in order of place.
pub fn duplicates(files: &[&FileFacts], thresholds: &Thresholds) -> Vec<Duplicate> {
    let structures: Vec<&Structure> = files.iter().map(|facts| &facts.structure).collect();
    let mut all: Vec<Placed> = Vec::new();
    for (file, structure) in structures.iter().enumerate() {
        all.extend(copies(structure).map(|(index, window)| (key(window), (file, index))));
    }
    all.sort_unstable();
    // Most windows have no equal and are done with here; the others are gone through file by file.
    let mut repeated: Vec<Repeated<'_>> = Vec::new();
    for group in all.chunk_by(|(one, _), (other, _)| one == other).filter(|group| group.len() > 1) {
        repeated.extend(group.iter().map(|(_, at)| (*at, group)));
    }
    repeated.sort_unstable_by_key(|(at, _)| *at);
    let mut found = Vec::new();
    for windows in repeated.chunk_by(|((one, _), _), ((other, _), _)| one == other) {
        let file = windows[0].0.0;
        for run in runs(windows, &structures) {
            found.extend(duplicate(file, &run, thresholds));
        }
    }
    found.sort();
    found
}

fn key(window: &Window) -> (u64, u64) {
    (window.hash, window.check)
}

/// The windows that are no repetition of their neighbour, with their indices.
fn copies(structure: &Structure) -> impl Iterator<Item = (usize, &Window)> {
    let windows = &structure.windows;
    let equal = move |a: Option<usize>, b: usize| {
        a.and_then(|a| windows.get(a)).zip(windows.get(b)).is_some_and(|(a, b)| key(a) == key(b))
    };
    windows.iter().enumerate().filter(move |(at, _)| !equal(at.checked_sub(1), *at) && !equal(Some(*at), at + 1))
}

fn duplicate(file: usize, run: &Run, thresholds: &Thresholds) -> Option<Duplicate> {
    let lines = run.end_line - run.start_line + 1;
    let evidence = Evidence::if_holds("lines", lines, AtLeast, thresholds.duplicated_code_lines)?;
    let (start_line, end_line) = (run.start_line, run.end_line);
    let kind = SmellKind::DuplicatedCode;
    Some(Duplicate {
        file,
        smell: Smell { kind, start_line, end_line, place: Box::default(), evidence: vec![evidence] },
        other_file: run.other.0,
        other_start_line: run.other_start_line,
        other_end_line: run.other_end_line,
    })
}

/// The runs of one file's windows, given in order of place, that stand elsewhere too.
fn runs(windows: &[Repeated<'_>], structures: &[&Structure]) -> Vec<Run> {
    let window = |(file, index): At| &structures[file].windows[index];
    let mut runs: Vec<Run> = Vec::new();
    for ((file, index), group) in windows {
        let (file, here) = (*file, window((*file, *index)));
        let elsewhere = |at: At| at.0 != file || !overlap(window(at), here);
        if let Some(run) = runs.last_mut().filter(|run| here.start_line <= run.end_line + 1) {
            // The same run goes on if the next equal window there goes on as well.
            let next = group.partition_point(|(_, at)| *at <= run.other);
            let next = group.get(next).map(|(_, at)| *at).filter(|at| at.0 == run.other.0 && elsewhere(*at));
            if let Some(at) = next.filter(|at| window(*at).start_line <= run.other_end_line + 1) {
                run.end_line = run.end_line.max(here.end_line);
                run.other_end_line = run.other_end_line.max(window(at).end_line);
                run.other = at;
                continue;
            }
        }
        if let Some((_, at)) = group.iter().find(|(_, at)| elsewhere(*at)) {
            let (other_start_line, other_end_line) = (window(*at).start_line, window(*at).end_line);
            let (start_line, end_line) = (here.start_line, here.end_line);
            runs.push(Run { start_line, end_line, other: *at, other_start_line, other_end_line });
        }
    }
    join(runs)
}

/// Joins runs that share lines: one place is one smell, told with the first of the others.
fn join(runs: Vec<Run>) -> Vec<Run> {
    let mut joined: Vec<Run> = Vec::new();
    for run in runs {
        match joined.last_mut().filter(|last| run.start_line <= last.end_line) {
            Some(last) => last.end_line = last.end_line.max(run.end_line),
            None => joined.push(run),
        }
    }
    joined
}

fn overlap(a: &Window, b: &Window) -> bool {
    a.start_line <= b.end_line && b.start_line <= a.end_line
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftline_schema::Language;
    use driftline_schema::facts::{LineClasses, SpaceMetrics};

    fn file(windows: &[(u32, u32, u64)]) -> FileFacts {
        let window = |&(start_line, end_line, hash)| Window { start_line, end_line, hash, check: hash + 1 };
        FileFacts {
            language: Language::C,
            bytes: 0,
            error_bytes: 0,
            truncated: false,
            metrics: SpaceMetrics::default(),
            functions: Vec::new(),
            lines: LineClasses::default(),
            structure: Structure { windows: windows.iter().map(window).collect(), ..Structure::default() },
        }
    }

    /// (file, lines, other file, its lines) of what is found.
    type Found = (usize, (u32, u32), usize, (u32, u32));

    fn found(files: &[FileFacts]) -> Vec<Found> {
        let lines = |d: &Duplicate| (d.smell.start_line, d.smell.end_line);
        duplicates(&files.iter().collect::<Vec<_>>(), &Thresholds::default())
            .iter()
            .map(|d| (d.file, lines(d), d.other_file, (d.other_start_line, d.other_end_line)))
            .collect()
    }

    #[test]
    fn windows_that_follow_each_other_in_both_places_are_one_duplicate() {
        let a = file(&[(1, 6, 10), (4, 9, 20), (9, 14, 30), (40, 46, 99)]);
        let b = file(&[(101, 106, 10), (104, 109, 20), (109, 114, 30), (200, 206, 98)]);
        assert_eq!(found(&[a, b]), [(0, (1, 14), 1, (101, 114)), (1, (101, 114), 0, (1, 14))]);
    }

    #[test]
    fn windows_in_another_order_are_joined_in_their_lines_only() {
        let a = file(&[(1, 6, 10), (5, 10, 20)]);
        let b = file(&[(1, 6, 20), (50, 55, 10)]);
        assert_eq!(found(&[a, b]), [(0, (1, 10), 1, (50, 55)), (1, (1, 6), 0, (5, 10)), (1, (50, 55), 0, (1, 6))]);
    }

    #[test]
    fn a_window_is_no_duplicate_of_one_it_overlaps() {
        assert_eq!(found(&[file(&[(1, 6, 10), (2, 7, 20), (3, 8, 10)])]), []);
        let apart = file(&[(1, 6, 10), (4, 9, 20), (7, 12, 10)]);
        assert_eq!(found(&[apart]), [(0, (1, 6), 0, (7, 12)), (0, (7, 12), 0, (1, 6))]);
    }

    #[test]
    fn a_window_that_equals_its_neighbour_is_a_repetition() {
        let table = || file(&[(1, 6, 10), (8, 13, 10), (15, 20, 10)]);
        assert_eq!(found(&[table(), table()]), []);
    }

    #[test]
    fn a_hash_alone_or_a_few_lines_are_no_duplicate() {
        let mut other = file(&[(1, 6, 10)]);
        other.structure.windows[0].check = 5;
        assert_eq!(found(&[file(&[(1, 6, 10)]), other]), []);
        assert_eq!(found(&[file(&[(1, 4, 10)]), file(&[(1, 4, 10)])]), []);
    }

    #[test]
    fn a_hundred_thousand_windows_of_two_kinds_are_found_in_one_go() {
        let windows: Vec<_> = (0..100_000).map(|n| (n * 6 + 1, n * 6 + 6, u64::from(n % 2))).collect();
        assert!(!found(&[file(&windows)]).is_empty());
    }
}
