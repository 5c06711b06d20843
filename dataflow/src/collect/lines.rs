//! Line differences between two texts, as git finds them by default.
//!
//! Lines end with `\n` and keep it, so a change of line ends is a change. The algorithm is Myers' with the shortcuts that
//! git takes; they look at how often a line occurs in the whole texts, so whole texts are compared. Only when no line of
//! what differs is on both sides, which is the common case, is there nothing to search, and all but the surroundings is
//! left unread.

use super::slide::placed;
use driftline_schema::Hunk;
use gix::bstr::ByteSlice as _;
use gix::diff::blob::{Algorithm, Diff, InternedInput, Token, TokenSource as _};
use std::ops::Range;

/// Equal lines kept at both ends of what differs. The rule that places a movable hunk looks at most this far: it slides
/// within 100 lines and judges by indentation, and blocks that repeat over more lines than this are generated.
const CONTEXT_LINES: usize = 100;

/// The number of lines that occur in both texts, up to which the shortest difference is searched. The search costs as much as
/// git's, which grows with their square at worst: this many take 0.8 CPU seconds where three lines are repeated.
const SHARED_LINES_MAX: usize = 400_000;

/// Number of lines; the last one counts also without a line end.
pub(super) fn count_lines(text: &[u8]) -> u32 {
    let open = !text.is_empty() && !text.ends_with(b"\n");
    u32::try_from(line_ends(text) + usize::from(open)).unwrap_or(u32::MAX)
}

fn line_ends(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// What turns `old` into `new`, in order, with movable hunks placed where indentation makes them most readable.
/// `text_of` makes the text of the lines that a hunk removes.
pub(super) fn hunks(old: &[u8], new: &[u8], text_of: impl Fn(&[u8]) -> String) -> Vec<Hunk> {
    if old == new {
        return Vec::new();
    }
    let frame = Frame::around(old, new);
    let mut input = frame.cut(old, new);
    // Line and byte of `old` before which no hunk begins, and how many lines the input lacks before its first.
    let (mut line, mut byte, mut lacks) = (0, frame.start, frame.start_line);
    let middle = Middle::of(&input);
    let is_tangled = middle.is_tangled();
    if frame.start + frame.end > 0 && middle.shared > 0 && !is_tangled {
        frame.open(&mut input, old);
        (line, lacks) = (frame.start_line, 0);
    }
    let mut runs = if is_tangled { vec![(middle.old, middle.new)] } else { compare(&input) };
    if runs.first().is_some_and(|(before, _)| before.start < line) {
        // A block that repeats over more lines than the frame has was moved out of it.
        input = InternedInput::new(old, new);
        runs = compare(&input);
        (line, byte, lacks) = (0, 0, 0);
    }
    let mut advance = |to: u32| {
        byte +=
            input.before[line as usize..to as usize].iter().map(|token| input.interner[*token].len()).sum::<usize>();
        line = to;
        byte
    };
    let hunk = |(before, after): (Range<u32>, Range<u32>)| {
        let removed = advance(before.start)..advance(before.end);
        Hunk {
            old_start: lacks + before.start,
            old_lines: before.end - before.start,
            new_start: lacks + after.start,
            new_lines: after.end - after.start,
            removed: text_of(&old[removed]),
        }
    };
    runs.into_iter().map(hunk).collect()
}

fn compare(input: &InternedInput<&[u8]>) -> Vec<(Range<u32>, Range<u32>)> {
    placed(&Diff::compute(Algorithm::Myers, input), input)
}

/// Whether two texts have too many lines in common for the shortest difference to be searched; all between their equal ends
/// then counts as removed and added.
pub(super) fn are_tangled(old: &[u8], new: &[u8]) -> bool {
    let is_long = line_ends(old) + line_ends(new) > SHARED_LINES_MAX;
    is_long && old != new && Middle::of(&Frame::around(old, new).cut(old, new)).is_tangled()
}

/// What is left of two texts when the equal lines at both ends are taken away.
struct Middle {
    old: Range<u32>,
    new: Range<u32>,
    /// Lines of either text that also occur in the other one, and how many distinct lines these are.
    shared: usize,
    distinct: usize,
}

impl Middle {
    fn of(input: &InternedInput<&[u8]>) -> Self {
        let (old, new) = (&input.before, &input.after);
        let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        let rests = (&old[start..], &new[start..]);
        let end = rests.0.iter().rev().zip(rests.1.iter().rev()).take_while(|(a, b)| a == b).count();
        let (old, new) = (start..old.len() - end, start..new.len() - end);
        // On which sides each line stands.
        let mut sides = vec![0u8; input.interner.num_tokens() as usize];
        input.before[old.clone()].iter().for_each(|token| sides[token.0 as usize] |= 1);
        input.after[new.clone()].iter().for_each(|token| sides[token.0 as usize] |= 2);
        let is_shared = |token: &&Token| sides[token.0 as usize] == 3;
        let shared = input.before[old.clone()].iter().filter(is_shared).count()
            + input.after[new.clone()].iter().filter(is_shared).count();
        let line = |range: Range<usize>| range.start as u32..range.end as u32;
        let distinct = sides.iter().filter(|sides| **sides == 3).count();
        Self { old: line(old), new: line(new), shared, distinct }
    }

    /// Whether the search would cost too much. One line alone, however often, leaves nothing to choose from.
    fn is_tangled(&self) -> bool {
        self.shared > SHARED_LINES_MAX && self.distinct > 1
    }
}

/// The part of two texts that is compared: all but `start` bytes in front and `end` bytes behind, which are equal.
struct Frame {
    start: usize,
    end: usize,
    /// Lines before `start`.
    start_line: u32,
}

impl Frame {
    /// Adds the lines around it, which are equal on both sides, to the lines within it. Of those that are not within it
    /// only the number matters, so one token stands for them all.
    fn open<'a>(&self, input: &mut InternedInput<&'a [u8]>, old: &'a [u8]) {
        let other = input.interner.intern(b"");
        let mut within = vec![false; MARKS];
        for token in input.before.iter().chain(&input.after) {
            within[mark(input.interner[*token])] = true;
        }
        let mut tokens = |part: &'a [u8]| {
            let token = |line| if within[mark(line)] { input.interner.intern(line) } else { other };
            part.tokenize().map(token).collect::<Vec<Token>>()
        };
        let (front, back) = (tokens(&old[..self.start]), tokens(&old[old.len() - self.end..]));
        for side in [&mut input.before, &mut input.after] {
            side.splice(0..0, front.iter().copied());
            side.extend_from_slice(&back);
        }
    }

    /// The lines within it.
    fn cut<'a>(&self, old: &'a [u8], new: &'a [u8]) -> InternedInput<&'a [u8]> {
        InternedInput::new(&old[self.start..old.len() - self.end], &new[self.start..new.len() - self.end])
    }

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

/// Number of marks of lines: with some hundred lines in a frame, most lines outside it have another mark.
const MARKS: usize = 1 << 12;

/// A mark that equal lines share, from their length and two places in them.
fn mark(line: &[u8]) -> usize {
    let word = |at: usize| match line[at..].first_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => line[at..].iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    let (end, middle) = (word(line.len().saturating_sub(8)), word(line.len() / 2));
    let sum = end.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ middle.wrapping_add(line.len() as u64).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
    (sum >> 52) as usize
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

    #[test]
    fn texts_of_a_few_repeated_lines_are_not_searched_for_ever() {
        // Three symbols in two orders, 300,000 lines each, between equal ends.
        let text = |factor: u64| -> Vec<u8> {
            let line = |at: u64| format!("{}\n", ((at * factor * 2_654_435_761) >> 7) % 3);
            format!("first\n{}last\n", (0..300_000).map(line).collect::<String>()).into_bytes()
        };
        let (old, new) = (text(1), text(5));
        assert!(are_tangled(&old, &new) && !are_tangled(&old, &old));
        let began = std::time::Instant::now();
        let hunks = hunks(&old, &new, |_| String::new());
        assert!(began.elapsed().as_secs() < 20, "an unoptimised build takes its time, but no minutes");
        let [hunk] = &hunks[..] else { panic!("{} hunks", hunks.len()) };
        assert!(hunk.old_start >= 1 && hunk.old_lines <= 300_000 && hunk.old_lines == hunk.new_lines);
        let few = |side: &str| format!("{}{side}\n", "same\n".repeat(250_000)).into_bytes();
        assert!(!are_tangled(&few("a"), &few("b")), "equal ends are not searched");
    }
    use crate::collect::tests::kit::{apply, places};
    use proptest::prelude::*;
    use std::time::Duration;

    fn text_of(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    fn changed(old: &str, new: &str) -> Vec<Hunk> {
        hunks(old.as_bytes(), new.as_bytes(), text_of)
    }

    /// Hunks of the whole texts, without a frame.
    fn unframed(old: &str, new: &str) -> Vec<(u32, u32, u32, u32)> {
        compare(&InternedInput::new(old.as_bytes(), new.as_bytes()))
            .into_iter()
            .map(|(b, a)| (b.start, b.end - b.start, a.start, a.end - a.start))
            .collect()
    }

    #[test]
    fn a_change_of_line_ends_is_a_change() {
        let found = changed("a\r\nb\r\n", "a\nb\r\n");
        assert_eq!(places(&found), [(0, 1, 0, 1)]);
        assert_eq!(found[0].removed, "a\r\n");
        assert_eq!(places(&changed("a\nb", "a\nb\n")), [(1, 1, 1, 1)]);
    }

    #[test]
    fn a_line_that_ends_like_another_is_not_cut_in_the_middle() {
        assert_eq!(places(&changed("xab\nq\n", "yab\nq\n")), [(0, 1, 0, 1)]);
        assert_eq!(places(&changed("b\n", "ab\n")), [(0, 1, 0, 1)]);
        assert_eq!(places(&changed("b\n", "a\nb\n")), [(0, 0, 0, 1)]);
    }

    #[test]
    fn lines_are_counted_with_an_open_last_one() {
        assert_eq!([&b""[..], b"\n", b"a", b"a\nb", b"a\n\n"].map(count_lines), [0, 1, 1, 2, 2]);
    }

    /// CPU time of this thread; the machine may be busy with other things.
    fn cpu_of(work: impl FnOnce()) -> Duration {
        let clock = || {
            let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            // SAFETY: `time` is a valid place for the answer.
            let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
            assert_eq!(status, 0, "every thread has a clock");
            Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
        };
        let start = clock();
        work();
        clock() - start
    }

    /// CPU time of a difference and the lines it adds and removes.
    fn cost((old, new): (String, String)) -> (Duration, u32, u32) {
        let (mut added, mut removed) = (0, 0);
        let cpu = cpu_of(|| {
            for hunk in changed(&old, &new) {
                added += hunk.new_lines;
                removed += hunk.old_lines;
            }
        });
        (cpu, added, removed)
    }

    /// So many lines of so many different ones.
    fn random(lines: usize, letters: u64, seed: u64) -> String {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % letters
        };
        (0..lines).map(|_| format!("{}\n", next())).collect()
    }

    #[test]
    fn time_stays_in_proportion_however_lines_repeat() {
        type Shape = fn(usize) -> (String, String);
        let shapes: [(&str, Shape); 10] = [
            ("one between each two", |n| ("a\n".repeat(2 * n), "a\nb\na\n".repeat(n))),
            ("one after each", |n| ("a\n".repeat(2 * n), "a\nb\n".repeat(n))),
            ("one after each two, taken out", |n| ("a\nb\na\n".repeat(n), "a\n".repeat(2 * n))),
            ("swapped", |n| ("a\nb\n".repeat(n), "b\na\n".repeat(n))),
            ("periods of two and three", |n| ("a\nb\n".repeat(3 * n), "a\nb\nb\n".repeat(2 * n))),
            ("blank", |n| {
                let blank = "\r".repeat(99) + "\n";
                (blank.repeat(n / 8), blank.repeat(n / 4))
            }),
            ("random, two letters", |n| (random(n / 2, 2, 1), random(n / 2, 2, 2))),
            ("random, forty letters", |n| (random(n / 2, 40, 1), random(n / 2, 40, 2))),
            ("reversed", |n| {
                let lines = |order: &mut dyn Iterator<Item = usize>| order.map(|at| format!("{at}\n")).collect();
                (lines(&mut (0..n)), lines(&mut (0..n).rev()))
            }),
            ("shuffled", |n| {
                let lines = |step: usize| (0..n).map(|at| format!("{}\n", at * step % n)).collect();
                (lines(1), lines(7_919))
            }),
        ];
        for (name, shape) in shapes {
            // One measurement may be disturbed.
            let slow = |()| {
                let (few, many) = (cost(shape(10_000)).0, cost(shape(40_000)).0);
                (many > 9 * few + Duration::from_millis(150)).then_some((few, many))
            };
            assert!(slow(()).and_then(|_| slow(())).is_none(), "{name}: {:?}", slow(()));
        }
    }

    #[test]
    fn a_line_between_each_of_many_equal_ones_is_counted() {
        for (old, new, added, removed) in [
            ("a\n".repeat(300_000), "a\nb\n".repeat(150_000), 150_000, 150_000),
            ("a\n".repeat(300_000), "a\nb\na\n".repeat(150_000), 150_000, 0),
        ] {
            let (cpu, plus, minus) = cost((old, new));
            assert_eq!((plus, minus), (added, removed));
            assert!(cpu < Duration::from_secs(20), "{cpu:?}");
        }
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

    #[test]
    fn a_block_that_repeats_beyond_the_frame_is_placed_as_in_the_whole() {
        let block = "a\n\n    b\n";
        for (before, after) in [("", ""), ("x\n", ""), ("x\n", "y\n"), ("x\nb\nq\n", "y\n")] {
            let old = format!("{before}{}{after}", block.repeat(120));
            let new = format!("{}{}q\n{after}", before.replace("b\nq\n", "q\nb\n"), block.repeat(121));
            assert_eq!(places(&changed(&old, &new)), unframed(&old, &new));
            assert_eq!(apply(&old, &new, &changed(&old, &new)), new);
            assert_eq!(apply(&new, &old, &changed(&new, &old)), old);
        }
    }

    proptest! {
        #[test]
        fn hunks_turn_the_old_text_into_the_new(old in text(), new in text()) {
            prop_assert_eq!(apply(&old, &new, &changed(&old, &new)), new.clone());
        }

        #[test]
        fn the_frame_changes_no_hunk(start in text(), old in text(), new in text(), end in text(), lines in 0..400usize) {
            let far: String = (0..lines).map(|line| format!("line {line}\n")).collect();
            let old = format!("{far}{start}\n{old}\n{end}{far}");
            let new = format!("{far}{start}\n{new}\n{end}{far}");
            prop_assert_eq!(places(&changed(&old, &new)), unframed(&old, &new));
        }
    }
}
