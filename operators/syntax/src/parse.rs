//! One parse, with what it cost counted: nothing here looks at a clock.
//!
//! The parser reports once in a hundred of its operations. That says nothing of how far the lexer looks: where nothing fits,
//! it may look to the end of the text from every byte, for a comment or a string that is never closed. So the text is
//! handed to it in chunks, and these are counted as well.

use super::{Measurer, grammar};
use driftline_schema::Language;
use std::ops::ControlFlow;
use tree_sitter::{ParseOptions, ParseState, Parser, Tree};

/// Bytes that the lexer is given at a time.
const CHUNK: usize = 1 << 12;
/// How often a chunk may be read on average, and how many reads are free: at the end of a text the lexer asks for more again
/// and again. Files of public packages need up to 32 of these, and at most eight reads a chunk.
const READS_A_CHUNK: usize = 128;
const READS_FREE: usize = 256;

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

/// What a parse cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Progress reports of the parser.
    pub(super) reports: u32,
    /// Chunks handed to the lexer.
    pub(super) reads: u32,
}

impl Cost {
    /// What both cost.
    pub(super) fn and(self, other: Self) -> Self {
        Self { reports: self.reports.saturating_add(other.reports), reads: self.reads.saturating_add(other.reads) }
    }

    /// Whether so many times as much is too much for a fresh parse of a text of `bytes` bytes.
    pub(super) fn may_be_cut(self, times: u32, bytes: usize, reports_max: u32) -> bool {
        self.reports.saturating_mul(times) > reports_max || self.reads.saturating_mul(times) > reads_max(bytes)
    }
}

/// Chunks that may be read of a text of `bytes` bytes.
fn reads_max(bytes: usize) -> u32 {
    u32::try_from(READS_FREE + (bytes / CHUNK + 1) * READS_A_CHUNK).unwrap_or(u32::MAX)
}

impl Measurer {
    /// The tree of `text` and what it cost, unless that is more than `reports_max` reports or more reads than a text of its
    /// length may need.
    pub(super) fn parse(
        &mut self,
        language: Language,
        text: &str,
        from: From<'_>,
        reports_max: u32,
    ) -> Option<(Tree, Cost)> {
        let parser = self.parsers[language as usize].get_or_insert_with(|| {
            let (grammar, _) = grammar::known(language).expect("only a language with a grammar is parsed");
            let mut parser = Parser::new();
            parser.set_language(&grammar).expect("the grammar's version is one the library reads");
            parser
        });
        let (old, is_clean) = match from {
            From::Text => (None, false),
            From::Clean(tree) => (Some(tree), true),
            From::Tree(tree) => (Some(tree), false),
        };
        let (mut reports, reads) = (0, std::cell::Cell::new(0));
        let reads_max = reads_max(text.len());
        let mut progress = |state: &ParseState| {
            reports += 1;
            let is_over = reports > reports_max || reads.get() > reads_max || (is_clean && state.has_error());
            if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let bytes = text.as_bytes();
        let mut read = |offset: usize, _| {
            reads.set(reads.get() + 1);
            // A hundred operations may each read the whole text: beyond the limit it ends at once, and the tree is of no use.
            let end = if reads.get() > reads_max { offset } else { bytes.len().min(offset + CHUNK) };
            bytes.get(offset..end).unwrap_or_default()
        };
        let tree =
            parser.parse_with_options(&mut read, old, Some(ParseOptions::new().progress_callback(&mut progress)));
        let tree = tree.filter(|_| reads.get() <= reads_max);
        if tree.is_none() {
            // Otherwise the next text would be read as the rest of this one.
            parser.reset();
        }
        tree.map(|tree| (tree, Cost { reports, reads: reads.get() }))
    }
}
