//! Where the changed lines of a difference are placed, as git places them.
//!
//! A run of changed lines may be moved up while the line before it equals its last one, and down while the line after it
//! equals its first one. A run that meets another on its way becomes one with it. Then it is placed where the other side has a
//! run too, or else where indentation and blank lines make it most readable. The library that finds the differences does
//! the same, but looks through the rest of the other side for each run, which takes the square of the lines of long texts.

use gix::diff::blob::{Diff, IndentHeuristic, IndentLevel, InternedInput, SliderHeuristic, Token};
use std::cell::Cell;
use std::ops::Range;

/// Width of a tabulator in columns, as git counts it.
const TAB_WIDTH: u8 = 8;

/// Runs of changed lines: those of the old side and those of the new one that take their place; in order.
pub(super) fn placed(diff: &Diff, input: &InternedInput<&[u8]>) -> Vec<(Range<u32>, Range<u32>)> {
    let mut removed: Vec<bool> = (0..input.before.len() as u32).map(|line| diff.is_removed(line)).collect();
    let mut added: Vec<bool> = (0..input.after.len() as u32).map(|line| diff.is_added(line)).collect();
    // Asked for again and again, and a blank line is read to its end.
    let known = vec![Cell::new(None); input.interner.num_tokens() as usize];
    let mut heuristic = IndentHeuristic::new(|token: Token| {
        let level = || IndentLevel::for_ascii_line(input.interner[token].iter().copied(), TAB_WIDTH);
        let known = &known[token.0 as usize];
        let found = known.get().unwrap_or_else(level);
        known.set(Some(found));
        found
    });
    // Removed lines first, so that added ones that may be moved are placed beside them.
    Side::new(&mut removed, &added, &input.before).slide(&mut heuristic);
    Side::new(&mut added, &removed, &input.after).slide(&mut heuristic);
    pairs(&removed, &added)
}

/// The changed runs of both sides, those between the same two unchanged lines as a pair.
fn pairs(removed: &[bool], added: &[bool]) -> Vec<(Range<u32>, Range<u32>)> {
    let mut pairs = Vec::new();
    let (mut old, mut new) = (0, 0);
    while old < removed.len() || new < added.len() {
        let (old_end, new_end) = (end_of_run(removed, old), end_of_run(added, new));
        if old < old_end || new < new_end {
            pairs.push((old as u32..old_end as u32, new as u32..new_end as u32));
        }
        // The lines behind both runs are unchanged, and equal.
        (old, new) = (old_end + 1, new_end + 1);
    }
    pairs
}

/// The first unchanged line from `at` on.
fn end_of_run(changed: &[bool], at: usize) -> usize {
    at + changed.iter().skip(at).take_while(|line| **line).count()
}

/// The first line of the changed ones that end before `at`.
fn start_of_run(changed: &[bool], at: usize) -> usize {
    at - changed[..at].iter().rev().take_while(|line| **line).count()
}

/// One side, whose runs are moved, and the run that was reached on it and on the other side.
struct Side<'a> {
    changed: &'a mut [bool],
    other: &'a [bool],
    tokens: &'a [Token],
    run: Range<usize>,
    opposite: Range<usize>,
}

impl<'a> Side<'a> {
    fn new(changed: &'a mut [bool], other: &'a [bool], tokens: &'a [Token]) -> Self {
        Self { changed, other, tokens, run: 0..0, opposite: 0..0 }
    }

    fn slide(mut self, heuristic: &mut impl SliderHeuristic) {
        while self.next() {
            let (earliest_end, meets) = self.reach();
            if self.run.end == earliest_end {
                continue;
            }
            if meets {
                while self.opposite.is_empty() && self.up() {}
                continue;
            }
            let run = self.run.start as u32..self.run.end as u32;
            let end = heuristic.best_slider_end(self.tokens, run, earliest_end as u32) as usize;
            while self.run.end > end && self.up() {}
        }
    }

    /// Goes on to the next run, over unchanged lines that both sides have.
    fn next(&mut self) -> bool {
        let (mut here, mut there) = (self.run.end, self.opposite.end);
        loop {
            let there_end = end_of_run(self.other, there);
            match self.changed.get(here) {
                None => return false,
                Some(true) => {
                    (self.run, self.opposite) = (here..end_of_run(self.changed, here), there..there_end);
                    return true;
                }
                Some(false) => (here, there) = (here + 1, there_end + 1),
            }
        }
    }

    /// Moves the run as far up and then as far down as it goes, again while it grows by others. Gives its first possible
    /// end, and whether the other side has a run anywhere on the way.
    fn reach(&mut self) -> (usize, bool) {
        loop {
            while self.up() {}
            let (earliest_end, lines) = (self.run.end, self.run.len());
            let mut meets = !self.opposite.is_empty();
            while self.down() {
                meets |= !self.opposite.is_empty();
            }
            if self.run.len() == lines {
                return (earliest_end, meets);
            }
        }
    }

    fn up(&mut self) -> bool {
        let Range { start, end } = self.run;
        if start == 0 || self.tokens[start - 1] != self.tokens[end - 1] {
            return false;
        }
        self.changed[start - 1] = true;
        self.changed[end - 1] = false;
        self.run = start_of_run(self.changed, start - 1)..end - 1;
        let there = self.opposite.start - 1;
        self.opposite = start_of_run(self.other, there)..there;
        true
    }

    fn down(&mut self) -> bool {
        let Range { start, end } = self.run;
        if end == self.tokens.len() || self.tokens[start] != self.tokens[end] {
            return false;
        }
        self.changed[start] = false;
        self.changed[end] = true;
        self.run = start + 1..end_of_run(self.changed, end);
        let there = self.opposite.end + 1;
        self.opposite = there..end_of_run(self.other, there);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gix::diff::blob::Algorithm;
    use proptest::prelude::*;

    /// Lines of which many are equal, so that runs may be moved far and meet.
    fn text() -> impl Strategy<Value = String> {
        let line = prop_oneof![Just("}\n"), Just("\n"), Just("    }\n"), Just("a\n"), Just("  b\n"), Just("\tb\n")];
        prop_oneof![
            proptest::collection::vec(line.clone(), 0..60).prop_map(|lines| lines.concat()),
            (proptest::collection::vec(line, 1..5), 0..30_usize)
                .prop_map(|(lines, times)| lines.concat().repeat(times)),
        ]
    }

    fn check(old: &str, new: &str) {
        let input = InternedInput::new(old.as_bytes(), new.as_bytes());
        let mut diff = Diff::compute(Algorithm::Myers, &input);
        let ours = placed(&diff, &input);
        diff.postprocess_lines(&input);
        let theirs: Vec<_> = diff.hunks().map(|hunk| (hunk.before, hunk.after)).collect();
        assert_eq!(ours, theirs, "{old:?} to {new:?}");
    }

    #[test]
    fn nothing_and_everything_are_runs_too() {
        for (old, new) in [("", ""), ("", "a\n"), ("a\n", ""), ("a\n", "b\n"), ("a\n", "a\na\n"), ("b\na\n", "a\n")] {
            check(old, new);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn runs_are_placed_where_the_library_places_them(old in text(), new in text(), both in text()) {
            check(&old, &new);
            check(&format!("{old}{both}"), &format!("{both}{new}"));
        }
    }
}
