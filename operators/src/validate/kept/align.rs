//! The lines that two sides of a hunk have in common, in order.
//!
//! Lines that occur once on each side are anchors (patience); between two anchors the search begins anew. Where there are
//! none, small ranges are compared by a longest common subsequence, and larger ones are left alone.

use super::Line;
use std::collections::HashMap;

/// Cells of one table of a longest common subsequence.
const CELLS_MAX: usize = 1 << 12;
/// Lines that may be looked at, for each line of the hunk.
const LOOKS_PER_LINE: usize = 32;

/// A part of both sides: old from, old to, new from, new to.
type Range = (usize, usize, usize, usize);

/// Pairs of positions in `old` and `new` that hold the same line, ascending in both.
pub(super) fn align(old: &[Line], new: &[Line]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let mut looks = LOOKS_PER_LINE * (old.len() + new.len());
    let mut ranges = vec![(0, old.len(), 0, new.len())];
    while let Some(range) = ranges.pop() {
        let (old_from, old_to, new_from, new_to) = trim(old, new, range, &mut pairs);
        if old_from == old_to || new_from == new_to {
            continue;
        }
        let lines = old_to - old_from + new_to - new_from;
        let Some(left) = looks.checked_sub(lines) else { break };
        looks = left;
        let range = (old_from, old_to, new_from, new_to);
        let anchors = anchors(old, new, range);
        if anchors.is_empty() {
            if (old_to - old_from) * (new_to - new_from) <= CELLS_MAX {
                common(old, new, range, &mut pairs);
            }
            continue;
        }
        let (mut old_next, mut new_next) = (old_from, new_from);
        for (old_at, new_at) in anchors {
            ranges.push((old_next, old_at, new_next, new_at));
            pairs.push((old_at, new_at));
            (old_next, new_next) = (old_at + 1, new_at + 1);
        }
        ranges.push((old_next, old_to, new_next, new_to));
    }
    pairs.sort_unstable();
    pairs
}

/// Pairs the equal lines at both ends of a range and returns what is left of it.
fn trim(old: &[Line], new: &[Line], range: Range, pairs: &mut Vec<(usize, usize)>) -> Range {
    let (mut old_from, mut old_to, mut new_from, mut new_to) = range;
    let same = |old_at: usize, new_at: usize| old[old_at].hash == new[new_at].hash;
    while old_from < old_to && new_from < new_to && same(old_from, new_from) {
        pairs.push((old_from, new_from));
        (old_from, new_from) = (old_from + 1, new_from + 1);
    }
    while old_from < old_to && new_from < new_to && same(old_to - 1, new_to - 1) {
        (old_to, new_to) = (old_to - 1, new_to - 1);
        pairs.push((old_to, new_to));
    }
    (old_from, old_to, new_from, new_to)
}

/// How often a line occurs on each side, and where last.
#[derive(Default)]
struct Seen {
    old: (u32, usize),
    new: (u32, usize),
}

/// Lines that occur once on each side, as the longest list that ascends on both.
fn anchors(old: &[Line], new: &[Line], (old_from, old_to, new_from, new_to): Range) -> Vec<(usize, usize)> {
    let mut seen: HashMap<u64, Seen> = HashMap::new();
    for (at, line) in (old_from..).zip(&old[old_from..old_to]) {
        let seen = seen.entry(line.hash).or_default();
        seen.old = (seen.old.0 + 1, at);
    }
    for (at, line) in (new_from..).zip(&new[new_from..new_to]) {
        if let Some(seen) = seen.get_mut(&line.hash) {
            seen.new = (seen.new.0 + 1, at);
        }
    }
    let once = old[old_from..old_to].iter().filter_map(|line| {
        let seen = &seen[&line.hash];
        (seen.old.0 == 1 && seen.new.0 == 1).then_some((seen.old.1, seen.new.1))
    });
    longest_ascending(&once.collect::<Vec<_>>())
}

/// The longest list of `pairs`, which ascend by the first, that ascends by the second too.
fn longest_ascending(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // The last pair of the best list of each length, and the pair before each pair.
    let (mut ends, mut before): (Vec<usize>, Vec<Option<usize>>) = (Vec::new(), Vec::new());
    for (index, (_, new_at)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| pairs[*end].1 < *new_at);
        before.push(length.checked_sub(1).map(|length| ends[length]));
        if length == ends.len() {
            ends.push(index);
        } else {
            ends[length] = index;
        }
    }
    let mut list: Vec<(usize, usize)> =
        std::iter::successors(ends.last().copied(), |index| before[*index]).map(|index| pairs[index]).collect();
    list.reverse();
    list
}

/// A longest common subsequence of a small range.
fn common(old: &[Line], new: &[Line], range: Range, pairs: &mut Vec<(usize, usize)>) {
    let (old_from, old_to, new_from, new_to) = range;
    let (rows, columns) = (old_to - old_from, new_to - new_from);
    // Length of the best list from (row, column) to the ends.
    let mut best = vec![0u32; (rows + 1) * (columns + 1)];
    let cell = |row: usize, column: usize| row * (columns + 1) + column;
    let same = |row: usize, column: usize| old[old_from + row].hash == new[new_from + column].hash;
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            best[cell(row, column)] = if same(row, column) {
                best[cell(row + 1, column + 1)] + 1
            } else {
                best[cell(row + 1, column)].max(best[cell(row, column + 1)])
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    while row < rows && column < columns {
        if same(row, column) {
            pairs.push((old_from + row, new_from + column));
            (row, column) = (row + 1, column + 1);
        } else if best[cell(row + 1, column)] >= best[cell(row, column + 1)] {
            row += 1;
        } else {
            column += 1;
        }
    }
}
