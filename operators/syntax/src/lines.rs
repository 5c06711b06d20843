//! What each line holds, from the text and the places of its comments.
//!
//! A line is code if a byte that is not white space stands outside every comment, or if it is empty and a string goes over
//! it; so of the tree's leaves only strings of several lines are asked for.

use driftline_schema::facts::{LineClass, LineClasses, SpaceMetrics};

/// Lines of a file, counted so that any range of them is summed in one step.
#[derive(Default)]
pub(super) struct Lines {
    /// The class of every line.
    pub(super) classes: LineClasses,
    /// Sums over the lines before each line and one past the last: code, with a comment, blank.
    sums: Vec<[u32; 3]>,
    /// Where each line starts (bytes).
    pub(super) starts: Vec<u32>,
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c)
}

/// Whether there is anything but white space.
pub(super) fn has_ink(text: &[u8]) -> bool {
    !text.iter().all(|byte| is_space(*byte))
}

/// Comments in order of place; the one at `next` is the first that does not end before the line at hand.
struct Comments<'a> {
    ranges: &'a [(u32, u32)],
    next: usize,
}

impl Comments<'_> {
    /// Whether the line at `start..end` holds code, and whether it holds a comment.
    fn inspect(&mut self, text: &[u8], start: usize, end: usize) -> (bool, bool) {
        let (mut code, mut comment) = (false, false);
        let mut at = start;
        while at < end {
            let Some((from, to)) = self.ranges.get(self.next).map(|(from, to)| (*from as usize, *to as usize)) else {
                return (code || has_ink(&text[at..end]), comment);
            };
            if at < from {
                let until = from.min(end);
                code = code || has_ink(&text[at..until]);
                at = until;
                continue;
            }
            let until = to.min(end);
            if at < until {
                comment = comment || has_ink(&text[at..until]);
                at = until;
            }
            if to <= end {
                self.next += 1;
            }
        }
        (code, comment)
    }
}

/// Strings of several lines in order of their start; those before `next` start before the line at hand.
struct Texts<'a> {
    ranges: &'a [(u32, u32)],
    next: usize,
    /// Where the one of those ends that reaches furthest.
    end: usize,
}

impl Texts<'_> {
    /// Whether one of them goes over the line that starts at `start`.
    fn cover(&mut self, start: usize) -> bool {
        while let Some((_, end)) = self.ranges.get(self.next).filter(|(from, _)| (*from as usize) < start) {
            self.end = self.end.max(*end as usize);
            self.next += 1;
        }
        start < self.end
    }
}

impl Lines {
    /// Classifies the lines of `text`, in which comments stand at `ranges` (bytes, in order, not overlapping) and strings of
    /// several lines at `texts` (bytes, in order of their start).
    pub(super) fn scan(&mut self, text: &str, ranges: &[(u32, u32)], texts: &[(u32, u32)]) {
        self.classes = LineClasses::default();
        self.sums.clear();
        self.starts.clear();
        self.sums.push([0; 3]);
        let mut comments = Comments { ranges, next: 0 };
        let mut texts = Texts { ranges: texts, next: 0, end: 0 };
        let mut sum = [0; 3];
        let mut start = 0;
        while start < text.len() {
            self.starts.push(start as u32);
            let end = memchr::memchr(b'\n', &text.as_bytes()[start..]).map_or(text.len(), |length| start + length);
            let (code, comment) = comments.inspect(text.as_bytes(), start, end);
            let code = code || (!comment && texts.cover(start));
            let class = match (code, comment) {
                (true, _) => LineClass::Code,
                (false, true) => LineClass::Comment,
                (false, false) => LineClass::Blank,
            };
            self.classes.push(class);
            sum[0] += u32::from(code);
            sum[1] += u32::from(comment);
            sum[2] += u32::from(!code && !comment);
            self.sums.push(sum);
            start = end + 1;
        }
    }

    /// Number of lines.
    pub(super) fn len(&self) -> u32 {
        self.sums.len().saturating_sub(1) as u32
    }

    /// Writes the line counts of the lines from index `first` up to and without `end`.
    pub(super) fn measure(&self, first: u32, end: u32, metrics: &mut SpaceMetrics) {
        let end = end.min(self.len());
        let first = first.min(end);
        let (before, after) = (self.sums[first as usize], self.sums[end as usize]);
        metrics.sloc = end - first;
        metrics.ploc = after[0] - before[0];
        metrics.cloc = after[1] - before[1];
        metrics.blank = after[2] - before[2];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LineClass::{Blank, Code, Comment};
    use proptest::prelude::*;

    fn classes(text: &str, ranges: &[(u32, u32)]) -> Vec<LineClass> {
        let mut lines = Lines::default();
        lines.scan(text, ranges, &[]);
        (0..lines.len()).map(|line| lines.classes.class(line).expect("a line below the length")).collect()
    }

    #[test]
    fn lines_end_at_a_newline_whatever_stands_before_it() {
        assert_eq!(classes("", &[]), []);
        assert_eq!(classes("a", &[]), [Code]);
        assert_eq!(classes("a\r\n\r\n", &[]), [Code, Blank]);
        assert_eq!(classes("\n\n", &[]), [Blank, Blank]);
        assert_eq!(classes("\0\n \t", &[]), [Code, Blank]);
    }

    #[test]
    fn code_outweighs_a_comment_on_its_line() {
        let text = "a /* b\n\nc */ d\n/* e */ /* f */\n";
        assert_eq!(classes(text, &[(2, 12), (15, 22), (23, 30)]), [Code, Blank, Code, Comment]);
        let mut lines = Lines::default();
        lines.scan(text, &[(2, 12), (15, 22), (23, 30)], &[]);
        let mut metrics = SpaceMetrics::default();
        lines.measure(0, 4, &mut metrics);
        assert_eq!((metrics.sloc, metrics.ploc, metrics.cloc, metrics.blank), (4, 2, 3, 1));
        lines.measure(1, 3, &mut metrics);
        assert_eq!((metrics.sloc, metrics.ploc, metrics.cloc, metrics.blank), (2, 1, 1, 1));
    }

    #[test]
    fn an_empty_line_is_code_where_a_string_goes_over_it() {
        let text = "a = '''\n\n \nb'''\n\n'''\n\n''' # c\n\n";
        let mut lines = Lines::default();
        lines.scan(text, &[(25, 28)], &[(4, 15), (17, 25)]);
        let found: Vec<_> = (0..lines.len()).filter_map(|line| lines.classes.class(line)).collect();
        assert_eq!(found, [Code, Code, Code, Code, Blank, Code, Code, Code, Blank]);
    }

    /// The definition: ask every byte of a line whether it is inside a comment.
    fn batch(text: &str, ranges: &[(u32, u32)]) -> Vec<LineClass> {
        let inside = |at: usize| ranges.iter().any(|(from, to)| (*from as usize..*to as usize).contains(&at));
        let mut start = 0;
        text.split_inclusive('\n')
            .map(|line| {
                let ink = (start..start + line.len()).filter(|at| !is_space(text.as_bytes()[*at]));
                let (comment, code): (Vec<_>, Vec<_>) = ink.partition(|at| inside(*at));
                start += line.len();
                if !code.is_empty() {
                    Code
                } else if !comment.is_empty() {
                    Comment
                } else {
                    Blank
                }
            })
            .collect()
    }

    proptest! {
        #[test]
        fn equals_the_answer_byte_by_byte(text in "[a \n\r]{0,40}", mut cuts in proptest::collection::vec(0..41u32, 0..6)) {
            cuts.sort();
            let length = text.len() as u32;
            let ranges: Vec<_> = cuts.chunks_exact(2).map(|c| (c[0].min(length), c[1].min(length))).collect();
            prop_assert_eq!(classes(&text, &ranges), batch(&text, &ranges));
        }
    }
}
