//! Other readings of a text of C or C++ that the grammar of its file name cannot read as it stands.
//!
//! Some things are not in a text's tree but before it: which of the two languages a header is of, which arm of a
//! conditional is compiled, and which macros are nothing to the grammar. The reading that is taken depends on the text and
//! the limits alone; what cannot be read at once is parsed at most twice more, and all reports count against one limit.

use super::conditionals::{Blanked, torn};
use super::dialect::first_language;
use super::edits::point_after;
use super::parse::{Cost, From};
use super::{Measurer, SyntaxLimits};
use driftline_schema::Language;
use std::ops::Range;
use tree_sitter::{InputEdit, Point, Tree};

/// How a text is read.
pub(super) struct Reading {
    /// The language whose grammar read it.
    pub(super) language: Language,
    /// The tree, its places those of the whole text.
    pub(super) tree: Tree,
    /// What all parses of it cost.
    pub(super) cost: Cost,
    /// What the tree was not made of.
    pub(super) blanked: Option<Blanked>,
}

impl Reading {
    /// Whether the text was read as it stands in its first language, without an error.
    pub(super) fn is_plain(&self, first: Language) -> bool {
        self.language == first && self.blanked.is_none() && !self.tree.root_node().has_error()
    }
}

/// The best reading of `text`, unless the limits cut the first.
pub(super) fn read(measurer: &mut Measurer, language: Language, text: &str, limits: &SyntaxLimits) -> Option<Reading> {
    let first = first_language(language, text);
    let allowed = Cost::allowed(text.len(), limits);
    let (tree, mut cost) = measurer.parse(first, text, From::Text, allowed)?;
    let mut reading = Reading { language: first, tree, cost, blanked: None };
    if !reading.tree.root_node().has_error() || !matches!(language, Language::C | Language::Cpp) {
        return Some(reading);
    }
    let mut found = faults(&reading.tree);
    let mut other = |language: Language, text: &str, from: From<'_>, found: &mut Vec<Range<usize>>| {
        let (tree, more) = measurer.parse(language, text, from, allowed.less(cost))?;
        cost = cost.and(more);
        let others = faults(&tree);
        let is_better = weight(&others) < weight(found);
        is_better.then(|| {
            *found = others;
            tree
        })
    };
    if first != language
        && let Some(tree) = other(language, text, From::Text, &mut found)
    {
        reading = Reading { language, tree, ..reading };
    }
    if let Some(blanked) = torn(text, reading.language, &found) {
        let base = edited(&reading.tree, text, &blanked.ranges);
        if let Some(tree) = other(reading.language, &blanked.blank(text), From::Tree(&base), &mut found) {
            reading = Reading { tree, blanked: Some(blanked), ..reading };
        }
    }
    Some(Reading { cost, ..reading })
}

/// The tree of `text` told that other bytes stand at `ranges`, as many as before.
fn edited(tree: &Tree, text: &str, ranges: &[Range<usize>]) -> Tree {
    let (mut tree, mut byte, mut point) = (tree.clone(), 0, Point::new(0, 0));
    for range in joined(ranges, EDITS_MAX) {
        let start = point_after(point, &text[byte..range.start]);
        (byte, point) = (range.end, point_after(start, &text[range.clone()]));
        tree.edit(&InputEdit {
            start_byte: range.start,
            old_end_byte: byte,
            new_end_byte: byte,
            start_position: start,
            old_end_position: point,
            new_end_position: point,
        });
    }
    tree
}

/// Places of edits told to a tree: each is looked for among all children of the nodes that hold it, and a node of errors may have
/// as many as the text has words.
const EDITS_MAX: usize = 64;

/// At most so many ranges that hold all of `ranges`, which are in order: the widest gaps between them stay.
fn joined(ranges: &[Range<usize>], ranges_max: usize) -> Vec<Range<usize>> {
    let mut gaps: Vec<(usize, usize)> =
        ranges.windows(2).enumerate().map(|(at, pair)| (pair[1].start - pair[0].end, at)).collect();
    gaps.sort_unstable_by(|one, other| other.cmp(one));
    let mut cuts: Vec<usize> = gaps.iter().take(ranges_max - 1).map(|(_, at)| at + 1).collect();
    cuts.sort_unstable();
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([ranges.len()]);
    starts
        .zip(ends)
        .filter(|(start, end)| start < end)
        .map(|(start, end)| ranges[start].start..ranges[end - 1].end)
        .collect()
}

/// What is wrong in a tree: its errors, and the places of tokens that were missed (bytes, in order).
fn faults(tree: &Tree) -> Vec<Range<usize>> {
    let mut cursor = tree.walk();
    let mut faults = Vec::new();
    loop {
        let node = cursor.node();
        if node.is_missing() || node.is_error() {
            faults.push(node.byte_range());
        } else if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return faults;
            }
        }
    }
}

/// How much that is: its bytes, and one for a token that was missed.
fn weight(faults: &[Range<usize>]) -> usize {
    faults.iter().map(|fault| fault.len().max(1)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_joined_across_the_narrowest_gaps() {
        let ranges = [0..1, 3..4, 9..10, 11..12, 20..21];
        assert_eq!(joined(&ranges, 9), ranges);
        assert_eq!(joined(&ranges, 3), [0..4, 9..12, 20..21]);
        assert_eq!(joined(&ranges, 1).first(), Some(&(0..21)));
        assert!(joined(&[], 3).is_empty());
    }
}
