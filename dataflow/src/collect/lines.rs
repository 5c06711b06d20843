//! Line differences between two texts.
//!
//! Lines end with `\n` and keep it, so a change of line ends is a change. Only the part of both texts that differs, and
//! some lines around it, is compared: what is cut away is equal on both sides and at both ends, so the hunks are those
//! of the whole texts, in time proportional to the change.

use driftline_schema::Hunk;
use gix::bstr::ByteSlice as _;
use gix::diff::blob::{Algorithm, Diff, InternedInput};

/// Equal lines kept at both ends of what differs. The rule that places a movable hunk looks at most this far: it slides
/// within 100 lines and judges by indentation, and blocks that repeat over more lines than this are generated.
const CONTEXT_LINES: usize = 100;

/// Number of lines; the last one counts also without a line end.
pub(super) fn count_lines(text: &str) -> u32 {
    let ends = line_ends(text.as_bytes());
    u32::try_from(ends + usize::from(!text.is_empty() && !text.ends_with('\n'))).unwrap_or(u32::MAX)
}

fn line_ends(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// Whether hunks carry the text they remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removed {
    /// They do.
    Kept,
    /// They do not.
    LeftOut,
}

/// The hunk that adds or removes a whole text; none when it has no lines.
pub(super) fn whole(old: &str, new: &str) -> Vec<Hunk> {
    let (old_lines, new_lines) = (count_lines(old), count_lines(new));
    let hunk = Hunk { old_start: 0, old_lines, new_start: 0, new_lines, removed: old.to_owned() };
    if old_lines + new_lines == 0 { Vec::new() } else { vec![hunk] }
}

/// What turns `old` into `new`, in order: by patience on rare lines (the histogram algorithm), with movable hunks placed
/// where indentation makes them most readable, as git does by default.
pub(super) fn hunks(old: &str, new: &str, removed: Removed) -> Vec<Hunk> {
    if old == new {
        return Vec::new();
    }
    let frame = Frame::around(old.as_bytes(), new.as_bytes());
    let old = &old[frame.start..old.len() - frame.end];
    let new = &new[frame.start..new.len() - frame.end];
    let input = InternedInput::new(old.as_bytes(), new.as_bytes());
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let (mut line, mut byte) = (0, 0);
    let mut advance = |to: u32| {
        byte +=
            input.before[line as usize..to as usize].iter().map(|token| input.interner[*token].len()).sum::<usize>();
        line = to;
        byte
    };
    diff.hunks()
        .map(|hunk| Hunk {
            old_start: frame.start_line + hunk.before.start,
            old_lines: hunk.before.end - hunk.before.start,
            new_start: frame.start_line + hunk.after.start,
            new_lines: hunk.after.end - hunk.after.start,
            removed: match removed {
                Removed::Kept => {
                    let start = advance(hunk.before.start);
                    old[start..advance(hunk.before.end)].to_owned()
                }
                Removed::LeftOut => String::new(),
            },
        })
        .collect()
}

/// The part of two texts that is compared: all but `start` bytes in front and `end` bytes behind, which are equal.
struct Frame {
    start: usize,
    end: usize,
    /// Lines before `start`.
    start_line: u32,
}

impl Frame {
    fn around(old: &[u8], new: &[u8]) -> Self {
        let same = common_prefix(old, new);
        let start = old[..same].rfind_byte(b'\n').map_or(0, |at| at + 1);
        let end = common_end(&old[start..], &new[start..]);
        let start = back(old, start, CONTEXT_LINES);
        let end = end - forward(&old[old.len() - end..], CONTEXT_LINES);
        let start_line = u32::try_from(line_ends(&old[..start])).expect("a text within the limits has fewer lines");
        Self { start, end, start_line }
    }
}

/// Bytes of the equal whole lines at the end of both.
fn common_end(old: &[u8], new: &[u8]) -> usize {
    let same = common_suffix(old, new);
    let starts_line = |text: &[u8]| text.len() == same || text[text.len() - same - 1] == b'\n';
    if starts_line(old) && starts_line(new) {
        return same;
    }
    let tail = &old[old.len() - same..];
    tail.find_byte(b'\n').map_or(0, |at| tail.len() - at - 1)
}

/// The start of the line `lines` lines before the one that starts at `start`.
fn back(text: &[u8], mut start: usize, lines: usize) -> usize {
    for _ in 0..lines {
        if start == 0 {
            break;
        }
        start = text[..start - 1].rfind_byte(b'\n').map_or(0, |at| at + 1);
    }
    start
}

/// Bytes of the first `lines` lines.
fn forward(text: &[u8], lines: usize) -> usize {
    let mut end = 0;
    for _ in 0..lines {
        match text[end..].find_byte(b'\n') {
            Some(at) => end += at + 1,
            None => return text.len(),
        }
    }
    end
}

/// Blocks are compared as a whole first: the library's comparison of slices uses wide instructions.
const BLOCK: usize = 64;

fn common_prefix(old: &[u8], new: &[u8]) -> usize {
    let blocks = old.chunks_exact(BLOCK).zip(new.chunks_exact(BLOCK)).take_while(|(a, b)| a == b).count() * BLOCK;
    let rest = old[blocks..].iter().zip(&new[blocks..]).take_while(|(a, b)| a == b).count();
    blocks + rest
}

fn common_suffix(old: &[u8], new: &[u8]) -> usize {
    let blocks = old.rchunks_exact(BLOCK).zip(new.rchunks_exact(BLOCK)).take_while(|(a, b)| a == b).count() * BLOCK;
    let (old, new) = (&old[..old.len() - blocks], &new[..new.len() - blocks]);
    blocks + old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::tests::kit::{apply, places};
    use proptest::prelude::*;

    /// Hunks of the whole texts, without a frame.
    fn unframed(old: &str, new: &str) -> Vec<(u32, u32, u32, u32)> {
        let input = InternedInput::new(old.as_bytes(), new.as_bytes());
        let mut diff = Diff::compute(Algorithm::Histogram, &input);
        diff.postprocess_lines(&input);
        diff.hunks()
            .map(|h| (h.before.start, h.before.end - h.before.start, h.after.start, h.after.end - h.after.start))
            .collect()
    }

    #[test]
    fn a_change_of_line_ends_is_a_change() {
        let found = hunks("a\r\nb\r\n", "a\nb\r\n", Removed::Kept);
        assert_eq!(places(&found), [(0, 1, 0, 1)]);
        assert_eq!(found[0].removed, "a\r\n");
        assert_eq!(places(&hunks("a\nb", "a\nb\n", Removed::Kept)), [(1, 1, 1, 1)]);
    }

    #[test]
    fn a_line_that_ends_like_another_is_not_cut_in_the_middle() {
        assert_eq!(places(&hunks("xab\nq\n", "yab\nq\n", Removed::Kept)), [(0, 1, 0, 1)]);
        assert_eq!(places(&hunks("b\n", "ab\n", Removed::Kept)), [(0, 1, 0, 1)]);
        assert_eq!(places(&hunks("b\n", "a\nb\n", Removed::Kept)), [(0, 0, 0, 1)]);
    }

    #[test]
    fn a_whole_text_is_one_hunk_and_an_empty_one_is_none() {
        assert_eq!(places(&whole("", "a\nb")), [(0, 0, 0, 2)]);
        assert_eq!(places(&whole("a\n", "")), [(0, 1, 0, 0)]);
        assert!(whole("", "").is_empty());
    }

    /// A text of few distinct lines, so that moved and repeated blocks are common.
    fn text() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            Just("}\n"),
            Just("\n"),
            Just("    }\n"),
            Just("a\n"),
            Just("  b();\n"),
            Just("\r\n"),
            Just("é\n"),
            Just("x"),
        ];
        proptest::collection::vec(line, 0..40).prop_map(|lines| lines.concat())
    }

    proptest! {
        #[test]
        fn hunks_turn_the_old_text_into_the_new(old in text(), new in text()) {
            let found = hunks(&old, &new, Removed::Kept);
            prop_assert_eq!(apply(&old, &new, &found), new.clone());
            prop_assert_eq!(places(&found), places(&hunks(&old, &new, Removed::LeftOut)));
        }

        #[test]
        fn the_frame_changes_no_hunk(start in text(), old in text(), new in text(), end in text(), lines in 0..400usize) {
            let far: String = (0..lines).map(|line| format!("line {line}\n")).collect();
            let old = format!("{far}{start}\n{old}\n{end}{far}");
            let new = format!("{far}{start}\n{new}\n{end}{far}");
            prop_assert_eq!(places(&hunks(&old, &new, Removed::Kept)), unframed(&old, &new));
        }
    }
}
