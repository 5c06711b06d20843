//! Other readings of a text of C or C++ that the grammar of its file name cannot read as it stands.
//!
//! Which arm of a conditional is compiled is not in a text's tree but before it. The reading that is taken depends on the
//! text and the limits alone; what cannot be read at once is parsed once more, and all reports count against one limit.

use super::conditionals::{Blanked, torn};
use super::{Measurer, SyntaxLimits};
use driftline_schema::Language;
use std::ops::Range;
use tree_sitter::Tree;

/// How a text is read.
pub(super) struct Reading {
    /// The language whose grammar read it.
    pub(super) language: Language,
    /// The tree, its places those of the whole text.
    pub(super) tree: Tree,
    /// Reports of all that was parsed.
    pub(super) reports: u32,
    /// What the tree was not made of.
    pub(super) blanked: Option<Blanked>,
}

impl Reading {
    /// Whether the text was read as it stands, without an error.
    pub(super) fn is_plain(&self) -> bool {
        self.blanked.is_none() && !self.tree.root_node().has_error()
    }
}

/// The best reading of `text`, unless the limits cut the first.
pub(super) fn read(measurer: &mut Measurer, language: Language, text: &str, limits: &SyntaxLimits) -> Option<Reading> {
    let (tree, mut reports) = measurer.parse(language, text, None, limits.parse_reports_max)?;
    let mut reading = Reading { language, tree, reports, blanked: None };
    if !reading.tree.root_node().has_error() || !matches!(language, Language::C | Language::Cpp) {
        return Some(reading);
    }
    let found = faults(&reading.tree);
    if let Some(blanked) = torn(text, language, &found)
        && let Some((tree, more)) =
            measurer.parse(language, &blanked.blank(text), None, limits.parse_reports_max - reports)
    {
        reports += more;
        if weight(&faults(&tree)) < weight(&found) {
            reading = Reading { tree, blanked: Some(blanked), ..reading };
        }
    }
    Some(Reading { reports, ..reading })
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
