//! The origin of every line of one version of a file, as runs.
//!
//! A version has no length: whatever lies beyond its runs has no origin. So an unknown version is the empty one, every
//! operation is total, and runs are canonical (never empty, neighbours differ, the last one has an origin), which
//! makes equal origins equal bytes.

use driftline_schema::{HunkRow, KeptRun};
use std::collections::{BTreeMap, BTreeSet};

/// The number of a change in its repository's table, from 1; 0 says that no change may be blamed for the line: it is
/// older than the log, or a merge wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin(pub(super) u32);

impl Origin {
    /// Nothing to blame.
    pub(super) const NONE: Self = Self(0);
}

/// Neighbouring lines of one origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    lines: u32,
    origin: Origin,
}

/// The line origins of one version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LineOrigins(Box<[Run]>);

impl LineOrigins {
    /// Number of runs, which is what a version costs.
    pub(super) fn runs(&self) -> usize {
        self.0.len()
    }

    /// Reads from the first line on.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { runs: &self.0, taken: 0 }
    }

    /// The version after `hunks`, whose added lines come from `origin`.
    pub(super) fn edited(&self, hunks: &[HunkRow], origin: Origin) -> Self {
        let (mut reader, mut edited) = (self.reader(), Builder::default());
        for (kept, hunk) in kept_before(hunks) {
            reader.take(kept, |lines, origin| edited.push(lines, origin));
            reader.take(hunk.old_lines, |_, _| {});
            edited.push(hunk.new_lines, origin);
        }
        reader.copy_rest(edited)
    }

    /// This version, with lines that stood in a version before the change in place of its own; `before` gives the
    /// version of each of the change's files.
    pub(super) fn with_kept<'a>(&self, kept: &[KeptRun], before: impl Fn(u32) -> Option<&'a Self>) -> Self {
        let (mut reader, mut built, mut next) = (self.reader(), Builder::default(), 0u32);
        let mut indices: BTreeMap<u32, Index<'a>> = BTreeMap::new();
        for run in kept {
            // Runs that overlap are taken as standing one after the other, as hunks are.
            let unkept = run.new_start.saturating_sub(next);
            reader.take(unkept, |lines, origin| built.push(lines, origin));
            reader.take(run.lines, |_, _| {});
            next = next.saturating_add(unkept).saturating_add(run.lines);
            let index = indices.entry(run.file).or_insert_with(|| Index::of(before(run.file)));
            index.reader_at(run.old_start).take(run.lines, |lines, origin| built.push(lines, origin));
        }
        reader.copy_rest(built)
    }

    /// The version whose lines have these origins.
    pub(super) fn of_lines(lines: impl IntoIterator<Item = Origin>) -> Self {
        let mut builder = Builder::default();
        lines.into_iter().for_each(|origin| builder.push(1, origin));
        builder.finish()
    }

    /// The origins that any line has, each once, in the order of the lines; lines without one are left out.
    pub(super) fn origins(&self) -> Vec<Origin> {
        let mut seen = BTreeSet::new();
        let origins = self.0.iter().map(|run| run.origin).filter(|origin| *origin != Origin::NONE);
        origins.filter(|origin| seen.insert(*origin)).collect()
    }

    /// The lines that `hunks` remove, one after the other.
    pub(super) fn removed(&self, hunks: &[HunkRow]) -> Self {
        let (mut reader, mut removed) = (self.reader(), Builder::default());
        for (kept, hunk) in kept_before(hunks) {
            reader.take(kept, |_, _| {});
            reader.take(hunk.old_lines, |lines, origin| removed.push(lines, origin));
        }
        removed.finish()
    }

    /// Takes an edit back: the version before `hunks`, given this one after them and what they removed.
    pub(super) fn restored(&self, hunks: &[HunkRow], removed: &Self) -> Self {
        let (mut reader, mut removed, mut restored) = (self.reader(), removed.reader(), Builder::default());
        for (kept, hunk) in kept_before(hunks) {
            reader.take(kept, |lines, origin| restored.push(lines, origin));
            reader.take(hunk.new_lines, |_, _| {});
            removed.take(hunk.old_lines, |lines, origin| restored.push(lines, origin));
        }
        reader.copy_rest(restored)
    }

    /// This version, with the origins of `other` where it has none.
    pub(super) fn overlaid(&self, other: &Self) -> Self {
        let (mut upper, mut lower, mut overlaid) = (self.reader(), other.reader(), Builder::default());
        while let Some(lines) = upper.run_left().into_iter().chain(lower.run_left()).min() {
            let (upper, lower) = (upper.one_run(lines), lower.one_run(lines));
            overlaid.push(lines, if upper == Origin::NONE { lower } else { upper });
        }
        overlaid.finish()
    }
}

/// Each hunk with the number of kept lines before it. Hunks that overlap are taken as standing one after the other:
/// validation refuses them, and here it only matters that nothing overflows.
fn kept_before(hunks: &[HunkRow]) -> impl Iterator<Item = (u32, &HunkRow)> {
    let mut next = 0u32;
    hunks.iter().map(move |hunk| {
        let kept = hunk.old_start.saturating_sub(next);
        next = next.saturating_add(kept).saturating_add(hunk.old_lines);
        (kept, hunk)
    })
}

/// Where reading has come to; beyond the last run it reads lines without origin for ever.
pub(super) struct Reader<'a> {
    runs: &'a [Run],
    /// Lines read of the first run.
    taken: u32,
}

impl Reader<'_> {
    /// Reads `lines` lines, run by run.
    pub(super) fn take(&mut self, mut lines: u32, mut each: impl FnMut(u32, Origin)) {
        while lines > 0 {
            let part = self.run_left().map_or(lines, |left| left.min(lines));
            each(part, self.one_run(part));
            lines -= part;
        }
    }

    /// Lines left of the current run; `None` beyond the last one.
    fn run_left(&self) -> Option<u32> {
        self.runs.first().map(|run| run.lines - self.taken)
    }

    /// Reads `lines` lines, which must not go beyond the current run.
    fn one_run(&mut self, lines: u32) -> Origin {
        let Some((run, rest)) = self.runs.split_first() else { return Origin::NONE };
        self.taken += lines;
        if self.taken == run.lines {
            (self.runs, self.taken) = (rest, 0);
        }
        run.origin
    }

    fn copy_rest(mut self, mut builder: Builder) -> LineOrigins {
        while let Some(lines) = self.run_left() {
            builder.push(lines, self.one_run(lines));
        }
        builder.finish()
    }
}

/// A version whose lines are found by their number.
struct Index<'a> {
    runs: &'a [Run],
    /// Where each run ends.
    ends: Vec<u64>,
}

impl<'a> Index<'a> {
    fn of(version: Option<&'a LineOrigins>) -> Self {
        let runs = version.map_or(&[][..], |version| &version.0);
        let ends = runs.iter().scan(0, |end, run| {
            *end += u64::from(run.lines);
            Some(*end)
        });
        Self { runs, ends: ends.collect() }
    }

    fn reader_at(&self, line: u32) -> Reader<'a> {
        let run = self.ends.partition_point(|end| *end <= u64::from(line));
        let begin = run.checked_sub(1).map_or(0, |before| self.ends[before]);
        let taken = if run < self.runs.len() { (u64::from(line) - begin) as u32 } else { 0 };
        Reader { runs: &self.runs[run..], taken }
    }
}

/// Gathers runs into their canonical form.
#[derive(Default)]
struct Builder(Vec<Run>);

impl Builder {
    fn push(&mut self, lines: u32, origin: Origin) {
        match self.0.last_mut() {
            _ if lines == 0 => {}
            Some(last) if last.origin == origin && last.lines.checked_add(lines).is_some() => last.lines += lines,
            _ => self.0.push(Run { lines, origin }),
        }
    }

    fn finish(mut self) -> LineOrigins {
        while self.0.last().is_some_and(|run| run.origin == Origin::NONE) {
            self.0.pop();
        }
        LineOrigins(self.0.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origins::sample::hunks;
    use proptest::prelude::*;

    impl LineOrigins {
        /// One origin a line, up to the last that has one.
        pub(crate) fn lines(&self) -> Vec<Origin> {
            self.0.iter().flat_map(|run| std::iter::repeat_n(run.origin, run.lines as usize)).collect()
        }
        fn of(lines: &[Origin]) -> Self {
            Self::of_lines(lines.iter().copied())
        }
    }

    fn trimmed(mut lines: Vec<Origin>) -> Vec<Origin> {
        while lines.last() == Some(&Origin::NONE) {
            lines.pop();
        }
        lines
    }

    /// The definition: a list of lines, edited from the back so that old indices stay true.
    fn spliced(lines: &[Origin], hunks: &[HunkRow], origin: Origin) -> Vec<Origin> {
        let mut lines = lines.to_vec();
        for hunk in hunks.iter().rev() {
            let (start, end) = (hunk.old_start as usize, (hunk.old_start + hunk.old_lines) as usize);
            lines.resize(lines.len().max(end), Origin::NONE);
            lines.splice(start..end, std::iter::repeat_n(origin, hunk.new_lines as usize));
        }
        trimmed(lines)
    }

    fn lines() -> impl Strategy<Value = Vec<Origin>> {
        proptest::collection::vec((0..4u32).prop_map(Origin), 0..16)
    }

    proptest! {
        #[test]
        fn an_edit_of_runs_is_an_edit_of_lines(lines in lines(), hunks in hunks()) {
            let before = LineOrigins::of(&lines);
            let after = before.edited(&hunks, Origin(9));
            prop_assert_eq!(after.lines(), spliced(&lines, &hunks, Origin(9)));
            prop_assert_eq!(&after, &LineOrigins::of(&after.lines()), "runs are canonical");
            prop_assert_eq!(after.restored(&hunks, &before.removed(&hunks)), before);
        }

        #[test]
        fn kept_lines_have_the_origins_they_had(
            lines in lines(),
            sources in proptest::collection::vec(lines(), 2),
            kept in proptest::collection::vec((0..4u32, 1..4u32, 0..3u32, 0..20u32), 0..4),
        ) {
            let mut expected = lines.clone();
            let (mut next, mut runs) = (0, Vec::new());
            for (gap, lines, file, old_start) in kept {
                runs.push(KeptRun { new_start: next + gap, lines, file, old_start });
                for line in 0..lines as usize {
                    let at = (next + gap) as usize + line;
                    expected.resize(expected.len().max(at + 1), Origin::NONE);
                    let source = sources.get(file as usize).and_then(|source| source.get(old_start as usize + line));
                    expected[at] = source.copied().unwrap_or_default();
                }
                next += gap + lines;
            }
            let versions: Vec<LineOrigins> = sources.iter().map(|lines| LineOrigins::of(lines)).collect();
            let found = LineOrigins::of(&lines).with_kept(&runs, |file| versions.get(file as usize));
            prop_assert_eq!(&found, &LineOrigins::of(&found.lines()), "runs are canonical");
            prop_assert_eq!(found.lines(), trimmed(expected));
        }

        #[test]
        fn the_upper_version_wins_where_it_knows(upper in lines(), lower in lines()) {
            let longest = upper.len().max(lower.len());
            let at = |lines: &[Origin], index| lines.get(index).copied().unwrap_or_default();
            let expected = (0..longest).map(|index| match at(&upper, index) {
                Origin::NONE => at(&lower, index),
                known => known,
            });
            let overlaid = LineOrigins::of(&upper).overlaid(&LineOrigins::of(&lower));
            prop_assert_eq!(overlaid.lines(), trimmed(expected.collect()));
        }

        #[test]
        fn hunks_beyond_all_bounds_do_no_harm(
            lines in lines(),
            hunks in proptest::collection::vec(any::<(u32, u32, u32)>(), 0..4),
        ) {
            let hunks: Vec<HunkRow> = hunks
                .into_iter()
                .map(|(old_start, old_lines, new_lines)| HunkRow { old_start, old_lines, new_lines, ..HunkRow::default() })
                .collect();
            let before = LineOrigins::of(&lines);
            let after = before.edited(&hunks, Origin(9));
            after.overlaid(&before);
            after.restored(&hunks, &before.removed(&hunks));
        }
    }
}
