//! Whether hunks fit their file, and which of their removed lines carry no code.
//!
//! Between two hunks both sides have the same unchanged lines, so gaps must be equally long on both: this catches any
//! mix-up of indices without the old content.

use driftline_schema::{Hunk, HunkRow};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Lines of each side, where known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sides {
    /// Lines before.
    pub(super) old: Option<u32>,
    /// Lines after.
    pub(super) new: Option<u32>,
}

/// Number of lines; the last one counts also without a line end.
pub(super) fn count_lines(text: &str) -> u32 {
    let ends = text.bytes().filter(|byte| *byte == b'\n').count();
    let open = !text.is_empty() && !text.ends_with('\n');
    u32::try_from(ends + usize::from(open)).unwrap_or(u32::MAX)
}

/// What is wrong with `hunks`, if anything.
pub(super) fn hunks_fault(hunks: &[Hunk], sides: Sides) -> Option<String> {
    let (mut old_end, mut new_end) = (0u64, 0u64);
    for (index, hunk) in hunks.iter().enumerate() {
        let (old_start, new_start) = (u64::from(hunk.old_start), u64::from(hunk.new_start));
        if hunk.old_lines == 0 && hunk.new_lines == 0 {
            return Some(format!("hunk {index} changes no line"));
        }
        if old_start < old_end || new_start < new_end {
            return Some(format!("hunk {index} overlaps the one before it or runs backwards"));
        }
        if old_start - old_end != new_start - new_end {
            return Some(format!("the unchanged lines before hunk {index} are not equally many on both sides"));
        }
        if !hunk.removed.is_empty() && count_lines(&hunk.removed) != hunk.old_lines {
            return Some(format!("hunk {index} does not hold the text of {} removed lines", hunk.old_lines));
        }
        old_end = old_start + u64::from(hunk.old_lines);
        new_end = new_start + u64::from(hunk.new_lines);
    }
    let beyond = |end: u64, lines: Option<u32>| lines.is_some_and(|lines| end > u64::from(lines));
    if beyond(old_end, sides.old) || beyond(new_end, sides.new) {
        return Some("a hunk ends behind the last line".to_owned());
    }
    match (sides.old, sides.new) {
        (Some(old), Some(new)) if u64::from(old) - old_end != u64::from(new) - new_end => {
            Some(format!("the hunks do not turn {old} lines into {new}"))
        }
        _ => None,
    }
}

/// A line without its white space; compared as if it had been removed.
#[derive(Clone, Copy)]
struct Squeezed<'a>(&'a str);

impl Squeezed<'_> {
    fn bytes(&self) -> impl Iterator<Item = u8> {
        self.0.bytes().filter(|byte| !byte.is_ascii_whitespace())
    }
}
impl Ord for Squeezed<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}
impl PartialOrd for Squeezed<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Squeezed<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Squeezed<'_> {}

/// The lines of a text by index, walked once from front to back.
pub(super) struct Lines<'a> {
    rest: std::str::Split<'a, char>,
    next: u32,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { rest: text.split('\n'), next: 0 }
    }
    /// The `count` lines from index `start` on, which must not lie before an earlier answer.
    pub(super) fn take(&mut self, start: u32, count: u32) -> impl Iterator<Item = &'a str> {
        for _ in self.next..start {
            self.rest.next();
        }
        self.next = start.saturating_add(count);
        self.rest.by_ref().take(count as usize)
    }
}

/// The rows of checked hunks. `new_text` walks the content after, if it is known; `marks` begin a comment.
pub(super) fn hunk_rows(hunks: &[Hunk], mut new_text: Option<Lines<'_>>, marks: &[&str]) -> Vec<HunkRow> {
    hunks
        .iter()
        .map(|hunk| {
            // An empty walk still has to pass the lines, so the text is advanced for every hunk with removed lines.
            let added: BTreeSet<Squeezed<'_>> = match &mut new_text {
                Some(lines) if !hunk.removed.is_empty() => {
                    lines.take(hunk.new_start, hunk.new_lines).map(Squeezed).collect()
                }
                _ => BTreeSet::new(),
            };
            let mut row = HunkRow {
                old_start: hunk.old_start,
                old_lines: hunk.old_lines,
                new_start: hunk.new_start,
                new_lines: hunk.new_lines,
                ..HunkRow::default()
            };
            for (index, line) in (hunk.old_start..).zip(hunk.removed.split_terminator('\n')) {
                let line_start = line.trim_start();
                if line_start.is_empty() || added.contains(&Squeezed(line)) {
                    row.cosmetic.push(index);
                }
                if marks.iter().any(|mark| line_start.starts_with(mark) || line_start.trim_end() == mark.trim_end()) {
                    row.comment_like.push(index);
                }
            }
            row
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hunk(old_start: u32, old_lines: u32, new_start: u32, new_lines: u32) -> Hunk {
        Hunk { old_start, old_lines, new_start, new_lines, removed: String::new() }
    }

    fn fault(hunks: &[Hunk], old: u32, new: u32) -> bool {
        hunks_fault(hunks, Sides { old: Some(old), new: Some(new) }).is_some()
    }

    #[test]
    fn lines_are_counted_as_git_counts_them() {
        assert_eq!(["", "\n", "a", "a\n", "a\nb", "\r\n\r\n"].map(count_lines), [0, 1, 1, 1, 2, 2]);
    }

    #[test]
    fn hunks_must_turn_one_side_into_the_other() {
        assert!(!fault(&[], 3, 3));
        assert!(!fault(&[hunk(1, 1, 1, 2), hunk(3, 0, 4, 1)], 4, 6));
        assert!(!fault(&[hunk(0, 3, 0, 0)], 3, 0));
        assert!(fault(&[], 3, 4), "a difference is missing");
        assert!(fault(&[hunk(0, 0, 0, 0)], 1, 1), "empty");
        assert!(fault(&[hunk(2, 1, 2, 1), hunk(1, 1, 1, 1)], 4, 4), "backwards");
        assert!(fault(&[hunk(1, 1, 1, 1), hunk(3, 1, 4, 1)], 5, 5), "unequal gaps");
        assert!(fault(&[hunk(3, 2, 3, 2)], 4, 4), "behind the end");
        assert!(fault(&[hunk(u32::MAX, u32::MAX, u32::MAX, u32::MAX)], 4, 4));
        let text = Hunk { removed: "one\n".into(), ..hunk(0, 2, 0, 1) };
        assert!(fault(&[text], 2, 1), "text of one line for two");
    }

    #[test]
    fn blank_and_reformatted_lines_are_cosmetic_and_comments_are_seen() {
        let removed = "\tlet a=1;\n\n// why\n *\n *b = 2;\nreal();\n";
        let hunks = [hunk(0, 0, 0, 1), Hunk { removed: removed.into(), ..hunk(4, 6, 5, 2) }];
        let rows = hunk_rows(&hunks, Some(Lines::of("new\na\nb\nc\nd\nlet a = 1;\nother();\n")), &["//", "/*", "* "]);
        assert_eq!(rows[1].cosmetic, [4, 5]);
        assert_eq!(rows[1].comment_like, [6, 7], "` *b = 2` is a dereference, not a comment");
        assert!(rows[0].cosmetic.is_empty());
        assert_eq!(hunk_rows(&hunks, None, &[])[1].cosmetic, [5]);
    }
}
