//! One file of a change: what its facts gained, and which functions its hunks reach.
//!
//! A function is changed if a hunk reaches into it and its text is not that of the function of the same name before;
//! the second condition clears neighbours whose lines only moved. Closures count with the function around them.

use driftline_schema::prediction::Place;
use driftline_schema::{
    FileClass, FileFacts, FileKind, FileRow, FunctionFacts, FunctionKind, HunkRow, LineClass, Places, SpaceMetrics,
};
use std::cmp::Reverse;
use std::collections::HashMap;

/// A function that the change wrote.
pub(super) struct Touched<'a> {
    pub(super) facts: &'a FunctionFacts,
    /// Whether it did not exist before.
    pub(super) new: bool,
    /// Lines added or rewritten in it.
    lines: u32,
    /// Cognitive complexity gained; zero when the version before is not known.
    cognitive_gained: i64,
}

/// One file of a change.
pub(super) struct FileDelta<'a> {
    row: &'a FileRow,
    /// Facts after, if known.
    pub(super) after: Option<&'a FileFacts>,
    /// Cyclomatic, cognitive, nesting, code lines and functions gained, if both sides are known.
    pub(super) gained: Option<[i64; 5]>,
    /// Functions changed or added.
    pub(super) functions: Vec<Touched<'a>>,
    /// Added lines with code.
    pub(super) code_lines_added: u32,
    /// Added lines with a comment alone.
    pub(super) comment_lines_added: u32,
    /// Whether it is code that exists after but was not measured.
    pub(super) unparsed: bool,
    /// Added lines outside all functions.
    lines_outside: u32,
}

fn levels(metrics: &SpaceMetrics) -> [i64; 5] {
    [metrics.cyclomatic, metrics.cognitive, metrics.nesting, metrics.ploc, metrics.functions].map(i64::from)
}

fn is_code(row: &FileRow) -> bool {
    matches!(row.class, FileClass::Source | FileClass::Test)
}

impl<'a> FileDelta<'a> {
    /// Compares the versions of a file. What does not exist has no complexity: it is known to be zero.
    pub(super) fn of(row: &'a FileRow, before: Option<&'a FileFacts>, after: Option<&'a FileFacts>) -> Self {
        let level = |facts: Option<&FileFacts>, absent: bool| match facts {
            Some(facts) => Some(levels(&facts.metrics)),
            None => absent.then_some([0; 5]),
        };
        let old = level(before, row.kind == FileKind::Added);
        let new = level(after, row.kind == FileKind::Deleted);
        let gained = old.zip(new).map(|(old, new)| std::array::from_fn(|at| new[at] - old[at]));
        let added = |class| after.map_or(0, |facts| added_lines(row, facts, class));
        Self {
            row,
            after,
            gained,
            functions: after.map_or_else(Vec::new, |after| touched_functions(row, before, after)),
            code_lines_added: added(LineClass::Code),
            comment_lines_added: added(LineClass::Comment),
            unparsed: is_code(row) && row.kind != FileKind::Deleted && after.is_none(),
            lines_outside: after.map_or(row.added, |after| row.added.saturating_sub(lines_in_functions(row, after))),
        }
    }

    /// Where to look in this file: its functions, and the file itself for added lines outside of them.
    pub(super) fn spots(&self) -> impl Iterator<Item = Spot<'_>> {
        let whole = is_code(self.row) && self.row.kind != FileKind::Deleted && self.lines_outside > 0;
        let file = whole.then(|| {
            let end_of = |hunk: &HunkRow| hunk.new_start.saturating_add(hunk.new_lines);
            let start = self.row.hunks.first().map_or(0, |hunk| hunk.new_start);
            // Without hunks the lines may be anywhere in the file.
            let end = self.row.hunks.last().map_or(self.row.lines.max(1), end_of);
            Spot {
                path: &self.row.path,
                function: None,
                lines: (start.saturating_add(1), end),
                changed_lines: self.lines_outside,
                cognitive: 0,
                cognitive_gained: 0,
            }
        });
        let functions = self.functions.iter().map(|function| Spot {
            path: &self.row.path,
            function: Some(&function.facts.qualified_name),
            lines: (function.facts.start_line, function.facts.end_line),
            changed_lines: function.lines,
            cognitive: function.facts.metrics.cognitive,
            cognitive_gained: function.cognitive_gained,
        });
        file.into_iter().chain(functions)
    }
}

/// A place before its names are copied, since only the worst ones are kept.
pub(super) struct Spot<'a> {
    path: &'a str,
    function: Option<&'a str>,
    /// First and last line, from 1.
    lines: (u32, u32),
    changed_lines: u32,
    cognitive: u32,
    cognitive_gained: i64,
}

/// Sorts the worst spot first.
type Badness<'a> = (Reverse<(i64, u32, u32)>, &'a str, (u32, u32), Option<&'a str>);

impl<'a> Spot<'a> {
    pub(super) fn badness(&self) -> Badness<'a> {
        (Reverse((self.cognitive_gained, self.cognitive, self.changed_lines)), self.path, self.lines, self.function)
    }
    pub(super) fn into_place(self) -> Place {
        Place {
            path: self.path.to_owned(),
            function: self.function.map(str::to_owned),
            start_line: self.lines.0,
            end_line: self.lines.1,
            changed_lines: self.changed_lines,
            cognitive: self.cognitive,
            cognitive_delta: i32::try_from(self.cognitive_gained).unwrap_or(i32::MAX),
        }
    }
}

/// Added lines of a class. Where only their number is known, they are taken for lines like the others of the file.
fn added_lines(row: &FileRow, facts: &FileFacts, class: LineClass) -> u32 {
    if row.places != Places::Exact {
        let lines = facts.lines.len();
        let (all, of_class) = (u64::from(lines), u64::from(facts.lines.count(0..lines, class)));
        return (u64::from(row.added) * of_class).checked_div(all).map_or(0, |lines| lines as u32);
    }
    let range = |hunk: &HunkRow| hunk.new_start..hunk.new_start.saturating_add(hunk.new_lines);
    row.hunks.iter().map(|hunk| facts.lines.count(range(hunk), class)).fold(0, u32::saturating_add)
}

/// The hunks of a file with sums over them: functions that enclose each other all ask for the same hunks, so that none
/// may be looked at for each.
struct Reach<'a> {
    hunks: &'a [HunkRow],
    /// Lines added before each hunk and in all of them.
    added: Vec<u32>,
    /// Hunks that only remove, before each hunk and in all.
    removals: Vec<u32>,
}

impl<'a> Reach<'a> {
    fn new(hunks: &'a [HunkRow]) -> Self {
        let (mut added, mut removals) = (vec![0u32], vec![0u32]);
        for hunk in hunks {
            added.push(added[added.len() - 1].saturating_add(hunk.new_lines));
            removals.push(removals[removals.len() - 1] + u32::from(hunk.new_lines == 0));
        }
        Self { hunks, added, removals }
    }

    /// How many added lines lie in the lines of a function, and whether any hunk reaches into it. Lines removed at the
    /// very edge of a function, before its first or behind its last line, do not.
    fn of(&self, function: &FunctionFacts) -> (u32, bool) {
        let (start, end) = (function.start_line.saturating_sub(1), function.end_line);
        let end_of = |hunk: &HunkRow| hunk.new_start.saturating_add(hunk.new_lines);
        let first = self.hunks.partition_point(|hunk| end_of(hunk) <= start);
        let last = first + self.hunks[first..].partition_point(|hunk| hunk.new_start < end);
        let Some((head, tail)) = self.hunks[first..last].first().zip(self.hunks[first..last].last()) else {
            return (0, false);
        };
        // Only the first hunk can begin before the function and only the last can end behind it.
        let outside = start.saturating_sub(head.new_start).saturating_add(end_of(tail).saturating_sub(end));
        let lines = self.added[last].saturating_sub(self.added[first]).saturating_sub(outside);
        // One that only removes and begins where the function does would end there too, and is not among them.
        (lines, lines > 0 || self.removals[last] > self.removals[first])
    }
}

/// Functions that are not closures within another one.
fn outer_functions(facts: &FileFacts) -> impl Iterator<Item = &FunctionFacts> {
    facts
        .functions
        .iter()
        .scan(0, |enclosed_to, function| {
            let inside = function.kind == FunctionKind::Closure && function.end_line <= *enclosed_to;
            *enclosed_to = function.end_line.max(*enclosed_to);
            Some(Some(function).filter(|_| !inside))
        })
        .flatten()
}

fn touched_functions<'a>(row: &FileRow, before: Option<&'a FileFacts>, after: &'a FileFacts) -> Vec<Touched<'a>> {
    let reach = Reach::new(&row.hunks);
    let reached = outer_functions(after).filter_map(|facts| match reach.of(facts) {
        (lines, true) => Some((facts, lines)),
        (_, false) => None,
    });
    let mut reached = reached.peekable();
    if reached.peek().is_none() {
        return Vec::new();
    }
    let known = before.is_some() || row.kind == FileKind::Added;
    let functions_before = before.into_iter().flat_map(|facts| &facts.functions);
    let old: HashMap<&str, &FunctionFacts> = functions_before.map(|facts| (&*facts.qualified_name, facts)).collect();
    reached
        .filter_map(|(facts, lines)| {
            let old = old.get(&*facts.qualified_name);
            if old.is_some_and(|old| old.text_hash == facts.text_hash) {
                return None;
            }
            let cognitive_before = old.map_or(0, |old| old.metrics.cognitive);
            let gained = i64::from(facts.metrics.cognitive) - i64::from(cognitive_before);
            let cognitive_gained = if known { gained } else { 0 };
            Some(Touched { facts, new: known && old.is_none(), lines, cognitive_gained })
        })
        .collect()
}

/// Added lines that lie in any function; nested functions share their lines.
fn lines_in_functions(row: &FileRow, after: &FileFacts) -> u32 {
    let reach = Reach::new(&row.hunks);
    let mut covered_to = 0;
    let mut lines = 0u32;
    for function in &after.functions {
        if function.start_line > covered_to {
            lines = lines.saturating_add(reach.of(function).0);
            covered_to = function.end_line;
        }
    }
    lines
}
