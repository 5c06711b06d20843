//! One parse, with what it cost counted: nothing here looks at a clock.
//!
//! The parser reports once in a hundred of its operations. That says nothing of how far the lexer looks: where nothing fits,
//! it may look to the end of the text from every byte, for a comment or a string that is never closed. So the text is
//! handed to it in chunks, and these are counted as well. Nor does it say what is kept: where a grammar may read a text in
//! several ways, all of them are, and so the memory asked for is the third count. What may be spent follows from the length of
//! the text, so that a short text cannot cost what a long one may.

use super::{Measurer, SyntaxLimits, grammar, tree_heap};
use driftline_schema::Language;
use std::cell::Cell;
use std::ops::ControlFlow;
use tree_sitter::{ParseOptions, ParseState, Parser, Tree};

/// Bytes that the lexer is given at a time: the fewer, the less it can look ahead without being seen.
const CHUNK: usize = 1 << 8;

/// What a parse may make its tree of besides the text.
#[derive(Clone, Copy)]
pub(super) enum From<'a> {
    /// Nothing.
    Text,
    /// The tree of an earlier text, edited; of use only if no error is met.
    Clean(&'a Tree),
    /// The tree of an earlier text, edited.
    Tree(&'a Tree),
}

/// What a parse cost, or may cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Progress reports of the parser.
    pub(super) reports: u32,
    /// Chunks handed to the lexer.
    pub(super) reads: u32,
    /// Bytes of memory asked for, those after an error thrice.
    pub(super) bytes: usize,
    /// Places on the parser's stack.
    pub(super) places: usize,
    /// Errors that were met, of all readings that were tried.
    pub(super) errors: usize,
}

impl Cost {
    /// No limit.
    #[cfg(test)]
    pub(super) const ANY: Self =
        Self { reports: u32::MAX, reads: u32::MAX, bytes: usize::MAX, places: usize::MAX, errors: usize::MAX };

    /// What a text of `bytes` bytes may cost.
    pub(super) fn allowed(bytes: usize, limits: &SyntaxLimits) -> Self {
        let count = |free: usize, a_thousand: usize| free.saturating_add(bytes.saturating_mul(a_thousand) / 1000);
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            reports: number(count(REPORTS_FREE, REPORTS_A_THOUSAND)).min(limits.parse_reports_max),
            reads: number(count(READS_FREE, READS_A_THOUSAND)),
            bytes: count(BYTES_FREE, BYTES_A_THOUSAND).min(limits.tree_bytes_max),
            places: PLACES_MAX,
            errors: count(ERRORS_FREE, ERRORS_A_THOUSAND),
        }
    }

    /// What both cost.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            reports: self.reports.saturating_add(other.reports),
            reads: self.reads.saturating_add(other.reads),
            bytes: self.bytes.saturating_add(other.bytes),
            places: self.places.saturating_add(other.places),
            errors: self.errors.saturating_add(other.errors),
        }
    }

    /// What is left of this after `spent`.
    pub(super) fn less(self, spent: Self) -> Self {
        Self {
            reports: self.reports.saturating_sub(spent.reports),
            reads: self.reads.saturating_sub(spent.reads),
            bytes: self.bytes.saturating_sub(spent.bytes),
            places: self.places.saturating_sub(spent.places),
            errors: self.errors.saturating_sub(spent.errors),
        }
    }

    /// Whether so many times as much is too much.
    pub(super) fn may_exceed(self, times: u32, allowed: Self) -> bool {
        self.reports.saturating_mul(times) > allowed.reports
            || self.reads.saturating_mul(times) > allowed.reads
            || self.bytes.saturating_mul(times as usize) > allowed.bytes
            || self.places.saturating_mul(times as usize) > allowed.places
            || self.errors.saturating_mul(times as usize) > allowed.errors
            || (allowed.places < usize::MAX && self.errors.saturating_mul(self.places) > WALKS_MAX)
    }

    fn exceeds(self, allowed: Self) -> bool {
        self.may_exceed(1, allowed)
    }
}

/// What a parse may cost whatever the text, and how much more for a thousand bytes of it: see `docs/limits.md` for what
/// real files need.
const REPORTS_FREE: usize = 2_000;
const REPORTS_A_THOUSAND: usize = 65;
const READS_FREE: usize = 2_048;
const READS_A_THOUSAND: usize = 128;
const BYTES_FREE: usize = 12 << 20;
const BYTES_A_THOUSAND: usize = 128_000;
/// Places that the parser's stack may have. At the end of a text all ways through it are gone at once, at a cost of its square and
/// without a report, where it is ambiguous from end to end; correct texts are reduced as they are read and need one for each
/// construct that is open.
const PLACES_MAX: usize = 16_000;
/// Errors that may be met. For each the parser looks whether any word of the language is missing there, which takes it ten to
/// twenty microseconds and is one operation to its own count.
const ERRORS_FREE: usize = 1_500;
const ERRORS_A_THOUSAND: usize = 15;
/// Errors times places: at each error the parser walks over its whole stack, some 15 nanoseconds a place.
const WALKS_MAX: usize = 20_000_000;
/// How often more memory counts that is asked for after an error.
const ERROR_WEIGHT: usize = 2;

/// Stack of a parse besides, and the most of it in a process whose address space is not without bounds.
const STACK_FREE: usize = 1 << 20;
const STACK_MAX: usize = 256 << 20;

impl Measurer {
    /// The tree of `text` and what it cost, unless that is more than is allowed.
    ///
    /// Where a text may be read in several ways, the parser recurses over what it kept of them, once for each piece that it kept. A
    /// level of that takes less stack than the piece takes memory, so as much stack as memory is enough; it is reserved, not used.
    pub(super) fn parse(
        &mut self,
        language: Language,
        text: &str,
        from: From<'_>,
        allowed: Cost,
    ) -> Option<(Tree, Cost)> {
        stacker::grow(STACK_FREE + allowed.bytes.min(STACK_MAX), || parse(language, text, from, allowed))
    }
}

fn parse(language: Language, text: &str, from: From<'_>, allowed: Cost) -> Option<(Tree, Cost)> {
    let (grammar, _) = grammar::known(language).expect("only a language with a grammar is parsed");
    // A parser keeps memory from one text to the next, so a new one asks for more: what is counted must be that of this
    // text alone.
    let (before, places_before) = (tree_heap::tree_bytes_asked(), tree_heap::places_asked());
    let errors_before = tree_heap::errors_met();
    let mut parser = Parser::new();
    parser.set_language(&grammar).expect("the grammar's version is one the library reads");
    let (old, is_clean) = match from {
        From::Text => (None, false),
        From::Clean(tree) => (Some(tree), true),
        From::Tree(tree) => (Some(tree), false),
    };
    let (mut reports, mut again, reads) = (0, 0usize, Cell::new(0u32));
    let asked = || tree_heap::tree_bytes_asked().wrapping_sub(before);
    let places = || tree_heap::places_asked().wrapping_sub(places_before);
    let errors = || tree_heap::errors_met().wrapping_sub(errors_before);
    let mut last = 0;
    let mut progress = |state: &ParseState| {
        reports += 1;
        if state.has_error() {
            // Where the text does not fit, every way on is tried: the same memory takes two to three times as long.
            again += ERROR_WEIGHT * (asked() - last);
        }
        last = asked();
        let spent =
            Cost { reports, reads: reads.get(), bytes: last.saturating_add(again), places: places(), errors: errors() };
        let is_over = spent.exceeds(allowed) || (is_clean && state.has_error());
        if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut read = |offset: usize, _| {
        reads.set(reads.get().saturating_add(1));
        chunk(text, offset, reads.get() > allowed.reads)
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let tree = parser.parse_with_options(&mut read, old, Some(options))?;
    let cost =
        Cost { reports, reads: reads.get(), bytes: asked().saturating_add(again), places: places(), errors: errors() };
    (!cost.exceeds(allowed)).then_some((tree, cost))
}

/// What the lexer is given at `offset`: whole characters, and nothing where the parse is over, as a hundred operations may each
/// read the whole text and the tree is of no use.
///
/// The lexer asks again where a chunk ends within a character, and reads a character from whatever it then gets: from an empty
/// chunk that is beyond its memory. So a chunk never ends there, and one that begins there is never empty.
fn chunk(text: &str, offset: usize, is_over: bool) -> &[u8] {
    let mut end = if is_over { offset } else { text.len().min(offset + CHUNK) };
    while end < text.len() && !text.is_char_boundary(end) {
        end += 1;
    }
    text.as_bytes().get(offset..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(measurer: &mut Measurer, text: &str) -> Cost {
        measurer.parse(Language::Cpp, text, From::Text, Cost::ANY).expect("nothing cuts the parse").1
    }

    #[test]
    fn what_a_parse_costs_does_not_depend_on_those_before() {
        let (mut fresh, mut used) = (Measurer::new(), Measurer::new());
        for text in ["a<b".repeat(400), "x ) ".repeat(400), String::new(), "int a = b * (c);\n".repeat(90)] {
            let first = cost(&mut fresh, &text);
            assert_eq!(cost(&mut used, &text), first);
            assert_eq!(cost(&mut used, &text), first);
            assert!(first.bytes > 0);
        }
    }

    #[test]
    fn each_count_cuts_a_parse() {
        let text = "if (a) { b(c); }\n".repeat(400);
        let cost = cost(&mut Measurer::new(), &text);
        let cut = |allowed| Measurer::new().parse(Language::Cpp, &text, From::Text, allowed).is_none();
        assert!(!cut(cost));
        assert!(cut(Cost { reports: cost.reports - 1, ..cost }));
        assert!(cut(Cost { reads: cost.reads - 1, ..cost }));
        assert!(cut(Cost { bytes: cost.bytes - 1, ..cost }));
        assert!(cut(Cost { places: cost.places - 1, ..cost }));
    }

    #[test]
    fn each_construct_that_is_open_is_a_place_on_the_stack() {
        let places = |depth: usize| cost(&mut Measurer::new(), &"(".repeat(depth)).places;
        assert!(places(3_000) >= places(1_000) + 2_000, "{} and {}", places(1_000), places(3_000));
    }

    #[test]
    fn each_error_that_is_met_is_counted() {
        let errors = |text: &str| cost(&mut Measurer::new(), text).errors;
        assert_eq!(errors(&"int a = b;\n".repeat(500)), 0);
        assert!(errors(&"int a = ;\n".repeat(500)) >= 500);
        let text = "int a = ;\n".repeat(500);
        let cost = cost(&mut Measurer::new(), &text);
        let allowed = Cost { errors: cost.errors - 1, ..cost };
        assert!(Measurer::new().parse(Language::Cpp, &text, From::Text, allowed).is_none());
    }

    #[test]
    fn a_chunk_is_of_whole_characters() {
        for character in ["a", "é", "€", "😀"] {
            let text = format!("x{}", character.repeat(2 * CHUNK));
            let (mut offset, mut joined) = (0, Vec::new());
            while offset < text.len() {
                let chunk = chunk(&text, offset, false);
                assert!(!chunk.is_empty() && chunk.len() < CHUNK + 4 && std::str::from_utf8(chunk).is_ok());
                joined.extend_from_slice(chunk);
                offset += chunk.len();
            }
            assert_eq!(joined, text.as_bytes());
            for offset in 0..=text.len() + 1 {
                let is_inside = offset < text.len() && !text.is_char_boundary(offset);
                assert_eq!(!chunk(&text, offset, true).is_empty(), is_inside, "{character} at {offset}");
            }
        }
    }

    #[test]
    fn a_parse_may_end_before_any_character() {
        // A comment that is never closed is looked through from each of its openers, so the reads are soon spent; where they
        // are depends on what is before.
        for filler in ["é", "€", "😀"] {
            for before in 0..5 {
                let text = format!("{}{}", " ".repeat(before), format!("/* {filler}").repeat(100));
                for reads in 1..8 {
                    let allowed = Cost { reads, ..Cost::ANY };
                    assert!(Measurer::new().parse(Language::C, &text, From::Text, allowed).is_none());
                }
            }
        }
    }

    /// `FILES=LIST cargo test -p driftline-syntax --release -- --ignored --nocapture real_files`: what the files cost that a
    /// list names as `LANGUAGE PATH`, the most for a thousand bytes and beyond what is free: the last column of `docs/limits.md`.
    #[test]
    #[ignore = "a measurement"]
    fn real_files_cost_far_less_than_they_may() {
        let Ok(list) = std::env::var("FILES") else { return };
        let mut most = [(0.0_f64, String::new()), (0.0, String::new()), (0.0, String::new()), (0.0, String::new())];
        for line in std::fs::read_to_string(list).expect("a list of files").lines() {
            let (name, path) = line.split_once(' ').expect("a language and a path");
            let Some(language) = crate::languages().find(|language| language.name() == name) else { continue };
            let Ok(text) = std::fs::read_to_string(path) else { continue };
            let parsed = Measurer::new().parse(language, &text, From::Text, Cost::ANY);
            let cost = parsed.expect("nothing is too much").1;
            let thousands = text.len() as f64 / 1e3;
            let counts = [
                f64::from(cost.reports) - REPORTS_FREE as f64,
                f64::from(cost.reads) - READS_FREE as f64,
                cost.bytes as f64 - BYTES_FREE as f64,
                cost.errors as f64 - ERRORS_FREE as f64,
            ];
            for (most, count) in most.iter_mut().zip(counts) {
                if count / thousands > most.0 {
                    *most = (count / thousands, path.to_owned());
                }
            }
            if cost.exceeds(Cost::allowed(text.len(), &SyntaxLimits::default())) {
                println!("beyond: {cost:?} {path}");
            }
        }
        println!("reports, reads, bytes, errors: {most:#?}");
    }

    #[test]
    fn what_is_allowed_grows_with_the_text_and_is_bounded() {
        let limits = SyntaxLimits::default();
        let (small, large, largest) =
            (Cost::allowed(0, &limits), Cost::allowed(1 << 20, &limits), Cost::allowed(usize::MAX, &limits));
        assert!(small.reports < large.reports && small.reads < large.reads && small.bytes < large.bytes);
        assert_eq!((largest.reports, largest.bytes), (limits.parse_reports_max, limits.tree_bytes_max));
        assert_eq!(large.less(largest).bytes, 0);
    }
}
