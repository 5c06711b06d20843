//! Which added lines of a change stood there before: with other white space, wrapped otherwise, or somewhere else.
//!
//! Everything follows from one record: the texts its hunks removed and the contents it brings. First each hunk is
//! compared without white space, then what is left over is searched for blocks that moved, within a file or between the
//! files of the change, as `git blame -w -M -C` does. Steps are counted, so the cost stays in proportion to the lines.

mod align;
mod moves;
mod wrap;

use super::hunks::Lines;
use align::align;
use driftline_schema::{FileChange, FileRow, Hunk, KeptRun};
use moves::{Move, moves};
use wrap::rewrapped;

/// A line as it is compared: its characters without white space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    /// Index in its version.
    index: u32,
    /// Hash of what is left without white space.
    hash: u64,
    /// Letters and digits, which is what a moved block is weighed by.
    weight: u32,
}

/// Letters and digits that a line, squeezed, holds, and its hash (FNV-1a over 64 bits).
fn squeeze(text: &str) -> (u64, u32) {
    let (mut hash, mut weight) = (0xcbf2_9ce4_8422_2325_u64, 0u32);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        weight += u32::from(byte.is_ascii_alphanumeric());
    }
    (hash, weight)
}

impl Line {
    fn of(index: u32, text: &str) -> Self {
        let (hash, weight) = squeeze(text);
        Self { index, hash, weight }
    }

    /// The hash as rows keep it.
    fn short_hash(self) -> u32 {
        (self.hash ^ self.hash >> 32) as u32
    }
}

/// What is known of the lines of one file beyond its hunks.
#[derive(Debug, Default)]
pub(super) struct FileLines {
    /// Added line -> removed line of the same file, both by index, ascending by the former.
    kept: Vec<(u32, u32)>,
    /// Removed lines that no added line of their hunk repeats.
    removed: Vec<Line>,
    /// Added lines that repeat none.
    added: Vec<Line>,
    /// See [`FileRow::line_hashes`].
    hashes: Vec<u32>,
}

impl FileLines {
    /// Compares the hunks of `file` one by one; `removed` texts may be missing, and so may the content.
    pub(super) fn of_hunks(file: &FileChange) -> Self {
        let mut lines = Self::default();
        let mut content = file.content.as_deref().map(Lines::of);
        for hunk in &file.hunks {
            let texts: Option<Vec<&str>> =
                content.as_mut().map(|content| content.take(hunk.new_start, hunk.new_lines).collect());
            lines.compare(hunk, texts.as_deref().unwrap_or_default());
        }
        lines
    }

    /// Nothing but the hashes of all lines.
    pub(super) fn whole(content: Option<&str>) -> Self {
        let lines = content.unwrap_or_default().split_terminator('\n');
        Self { hashes: lines.map(|text| Line::of(0, text).short_hash()).collect(), ..Self::default() }
    }

    fn compare(&mut self, hunk: &Hunk, texts: &[&str]) {
        let old_texts: Vec<&str> = hunk.removed.split_terminator('\n').collect();
        let lines = |from: u32, texts: &[&str]| -> Vec<Line> {
            (from..).zip(texts).map(|(index, text)| Line::of(index, text)).collect()
        };
        let (old, new) = (lines(hunk.old_start, &old_texts), lines(hunk.new_start, texts));
        self.hashes.extend(new.iter().map(|line| line.short_hash()));
        let mut pairs = align(&old, &new);
        pairs.extend(rewrapped(&old_texts, texts, &pairs));
        pairs.sort_unstable_by_key(|(old, new)| (*new, *old));
        let (mut is_old, mut is_new) = (vec![false; old.len()], vec![false; new.len()]);
        for (at_old, at_new) in pairs {
            (is_old[at_old], is_new[at_new]) = (true, true);
            self.kept.push((new[at_new].index, old[at_old].index));
        }
        let loose = |lines: Vec<Line>, kept: Vec<bool>| lines.into_iter().zip(kept).filter(|(_, kept)| !kept);
        self.removed.extend(loose(old, is_old).map(|(line, _)| line));
        self.added.extend(loose(new, is_new).map(|(line, _)| line));
    }
}

/// Writes what is known of the lines of a change into its rows; both are in the same order.
pub(super) fn keep_lines(rows: &mut [FileRow], lines: Vec<FileLines>) {
    let found = moves(&lines);
    let mut gone: Vec<Vec<u32>> = vec![Vec::new(); rows.len()];
    for (at, (row, lines)) in rows.iter_mut().zip(lines).enumerate() {
        let own = lines.kept.into_iter().map(|(new, old)| Move { to: (at as u32, new), from: (at as u32, old) });
        let mut pairs: Vec<Move> = own.chain(found.iter().filter(|found| found.to.0 as usize == at).copied()).collect();
        pairs.sort_unstable();
        pairs.iter().for_each(|pair| gone[pair.from.0 as usize].push(pair.from.1));
        row.kept = runs(&pairs);
        row.line_hashes = lines.hashes;
    }
    for (row, mut gone) in rows.iter_mut().zip(gone) {
        gone.sort_unstable();
        gone.dedup();
        mark_cosmetic(row, &gone);
    }
}

/// Neighbouring lines that stood as neighbours in one file become one run.
fn runs(pairs: &[Move]) -> Vec<KeptRun> {
    let mut runs: Vec<KeptRun> = Vec::new();
    for Move { to: (_, new), from: (file, old) } in pairs {
        match runs.last_mut() {
            Some(run) if (run.file, run.new_start + run.lines, run.old_start + run.lines) == (*file, *new, *old) => {
                run.lines += 1;
            }
            _ => runs.push(KeptRun { new_start: *new, lines: 1, file: *file, old_start: *old }),
        }
    }
    runs
}

/// Removed lines that stand on after the change carry nothing that was taken away.
fn mark_cosmetic(row: &mut FileRow, gone: &[u32]) {
    for hunk in &mut row.hunks {
        let from = gone.partition_point(|line| *line < hunk.old_start);
        let end = hunk.old_start.saturating_add(hunk.old_lines);
        let lines = gone[from..].iter().take_while(|line| **line < end);
        hunk.cosmetic.extend(lines);
        hunk.cosmetic.sort_unstable();
        hunk.cosmetic.dedup();
    }
}

#[cfg(test)]
mod tests;
