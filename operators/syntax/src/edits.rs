//! The facts of an edited text, its tree made from the tree of the text before.
//!
//! The facts are those of [`measure`] whatever is kept. A tree made from another is used only when neither has an error,
//! where it is the tree of a fresh parse, and only while a fresh parse cannot reach a limit: what it shares
//! with the tree before cost no more than that one did, the rest no more than making it did, and both were counted.
//! Otherwise the text is parsed afresh. What is kept is bounded by counts of texts and bytes, never by time.

use super::dialect::first_language;
use super::parse::{Cost, From};
use super::variants::{Reading, read};
use super::{Measurer, Parsed, SyntaxLimits, facts, has_grammar, measure, unparsed};
use driftline_schema::{FileFacts, Language};
use serde::{Deserialize, Serialize};
use tree_sitter::{InputEdit, Point, Tree};

/// How many times the cost counted must fit into the limits, so that nothing hangs on how exactly it adds up.
const COST_MARGIN: u32 = 4;
/// Of a text of which one part in so many is replaced, little is left to be reused.
const EDIT_SHARE: usize = 4;
/// Bytes of text for which an attempt on an older tree may report once: about a third of what a fresh parse costs.
const BYTES_AN_ATTEMPT: usize = 256;
/// About what one node takes in memory, with the hidden ones around it.
const NODE_BYTES: usize = 128;

/// How many trees are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecentLimits {
    /// Texts whose trees are kept.
    pub texts_max: usize,
    /// About what these texts and trees may take in memory (bytes).
    pub bytes_max: usize,
}

impl Default for RecentLimits {
    fn default() -> Self {
        // A person edits few files at a time; a file of 30 KB takes about a megabyte.
        Self { texts_max: 64, bytes_max: 64 << 20 }
    }
}

/// A text without errors and its tree.
struct Recent<K> {
    key: K,
    language: Language,
    text: Box<str>,
    tree: Tree,
    /// Cost of its last fresh parse and of all that was made of it since.
    cost: Cost,
    bytes: usize,
}

/// The trees of recent texts by what the caller calls them; beyond the limits the one longest unused goes first.
pub struct RecentTrees<K> {
    /// In order of their last use.
    kept: Vec<Recent<K>>,
    bytes: usize,
    limits: RecentLimits,
}

/// A version of a text that has had others.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a, K> {
    /// What all versions of the text share.
    pub key: K,
    /// The language.
    pub language: Language,
    /// The text as it is now.
    pub text: &'a str,
}

/// Where the tree came from; for people, never for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TreeFrom {
    /// The text alone.
    Text,
    /// The tree of an earlier version.
    Tree,
}

impl<K: PartialEq> RecentTrees<K> {
    /// No tree kept yet.
    pub fn new(limits: RecentLimits) -> Self {
        Self { kept: Vec::new(), bytes: 0, limits }
    }

    /// Texts whose trees are kept.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether no tree is kept.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// About what the kept texts and trees take in memory.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets the versions of `key`.
    pub fn forget(&mut self, key: &K) {
        self.take(key);
    }

    fn take(&mut self, key: &K) -> Option<Recent<K>> {
        let at = self.kept.iter().rposition(|recent| recent.key == *key)?;
        let recent = self.kept.remove(at);
        self.bytes -= recent.bytes;
        Some(recent)
    }

    fn put(&mut self, recent: Recent<K>) {
        self.bytes += recent.bytes;
        self.kept.push(recent);
        while self.kept.len() > self.limits.texts_max || self.bytes > self.limits.bytes_max {
            self.bytes -= self.kept.remove(0).bytes;
        }
    }
}

/// Measures a version of a text, from the tree of an earlier one where that gives the same facts.
pub fn measure_edit<K: PartialEq>(
    measurer: &mut Measurer,
    recent: &mut RecentTrees<K>,
    version: Version<'_, K>,
    limits: &SyntaxLimits,
) -> (FileFacts, TreeFrom) {
    let Version { key, language, text } = version;
    if text.len() > limits.file_bytes_max || !has_grammar(language) {
        recent.forget(&key);
        return (measure(measurer, language, text, limits), TreeFrom::Text);
    }
    // A tree in this language without errors is the one that is taken, whatever another reading might be.
    let first = first_language(language, text);
    let base = recent.take(&key).filter(|base| base.language == first);
    if let Some((tree, cost)) = base.as_ref().and_then(|base| reparse(measurer, base, text, limits)) {
        let reading = Reading { language: first, tree, cost, blanked: None };
        let facts = facts(measurer, &Parsed::new(text, &reading), limits);
        recent.put(Recent::new(key, text, reading));
        return (facts, TreeFrom::Tree);
    }
    let Some(reading) = read(measurer, language, text, limits) else {
        return (unparsed(measurer, language, text), TreeFrom::Text);
    };
    let facts = facts(measurer, &Parsed::new(text, &reading), limits);
    if reading.is_plain(first) {
        recent.put(Recent::new(key, text, reading));
    } else if let Some(base) = base {
        // What is being typed has errors until it is finished, and then differs little from what it was before.
        recent.put(base);
    }
    (facts, TreeFrom::Text)
}

impl<K> Recent<K> {
    fn new(key: K, text: &str, reading: Reading) -> Self {
        let Reading { language, tree, cost, .. } = reading;
        let bytes = text.len() + NODE_BYTES * tree.root_node().descendant_count();
        Self { key, language, text: text.into(), tree, cost, bytes }
    }
}

/// The tree of `text` from that of an earlier version and the cost of both, unless it has an error, costs too much or
/// a fresh parse might be cut.
fn reparse<K>(measurer: &mut Measurer, base: &Recent<K>, text: &str, limits: &SyntaxLimits) -> Option<(Tree, Cost)> {
    let allowed = Cost::allowed(text.len(), limits);
    let may_be_cut = |cost: Cost| cost.may_exceed(COST_MARGIN, allowed);
    let mut tree = base.tree.clone();
    if *base.text == *text {
        return (!may_be_cut(base.cost)).then_some((tree, base.cost));
    }
    let edit = edit_between(&base.text, text);
    if edit.old_end_byte.max(edit.new_end_byte) - edit.start_byte > text.len() / EDIT_SHARE {
        return None;
    }
    tree.edit(&edit);
    let attempt = Cost { reports: (1 + text.len() / BYTES_AN_ATTEMPT) as u32, ..allowed };
    let (tree, cost) = measurer.parse(base.language, text, From::Clean(&tree), attempt)?;
    // Each parse also makes operations after its last report.
    let cost = base.cost.and(cost).and(Cost { reports: 1, ..Cost::default() });
    (!tree.root_node().has_error() && !may_be_cut(cost)).then_some((tree, cost))
}

/// One edit that makes `new` of `old`: what stands between their common beginning and their common end.
fn edit_between(old: &str, new: &str) -> InputEdit {
    let mut start = common_prefix(old.as_bytes(), new.as_bytes());
    while !(old.is_char_boundary(start) && new.is_char_boundary(start)) {
        start -= 1;
    }
    let (old_rest, new_rest) = (&old.as_bytes()[start..], &new.as_bytes()[start..]);
    let mut tail = common_suffix(old_rest, new_rest);
    while !(old.is_char_boundary(old.len() - tail) && new.is_char_boundary(new.len() - tail)) {
        tail -= 1;
    }
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    let start_position = point_after(Point::new(0, 0), &new[..start]);
    InputEdit {
        start_byte: start,
        old_end_byte: old_end,
        new_end_byte: new_end,
        start_position,
        old_end_position: point_after(start_position, &old[start..old_end]),
        new_end_position: point_after(start_position, &new[start..new_end]),
    }
}

/// Bytes at the beginning that are the same.
fn common_prefix(left: &[u8], right: &[u8]) -> usize {
    const CHUNK: usize = 32;
    let chunks = left.chunks_exact(CHUNK).zip(right.chunks_exact(CHUNK));
    let whole = CHUNK * chunks.take_while(|(left, right)| left == right).count();
    whole + left[whole..].iter().zip(&right[whole..]).take_while(|(left, right)| left == right).count()
}

/// Bytes at the end that are the same.
fn common_suffix(left: &[u8], right: &[u8]) -> usize {
    const CHUNK: usize = 32;
    let chunks = left.rchunks_exact(CHUNK).zip(right.rchunks_exact(CHUNK));
    let whole = CHUNK * chunks.take_while(|(left, right)| left == right).count();
    let (left, right) = (&left[..left.len() - whole], &right[..right.len() - whole]);
    whole + left.iter().rev().zip(right.iter().rev()).take_while(|(left, right)| left == right).count()
}

/// Where `text` ends that begins at `start`; columns are bytes.
pub(super) fn point_after(start: Point, text: &str) -> Point {
    match text.rfind('\n') {
        Some(last) => {
            let rows = text.as_bytes()[..=last].iter().filter(|byte| **byte == b'\n').count();
            Point::new(start.row + rows, text.len() - last - 1)
        }
        None => Point::new(start.row, start.column + text.len()),
    }
}

#[cfg(test)]
#[path = "../tests/random_edits/mod.rs"]
mod random_edits;

#[cfg(test)]
mod tests {
    use super::random_edits::{edited, replaced};
    use super::*;
    use proptest::prelude::*;

    const UNLIMITED: SyntaxLimits = SyntaxLimits {
        file_bytes_max: usize::MAX,
        parse_reports_max: u32::MAX,
        tree_bytes_max: usize::MAX,
        frames_max: 10_000,
    };
    const PROBES: [(Language, &str); 8] = [
        (Language::Python, include_str!("../tests/probes/python.py")),
        (Language::JavaScript, include_str!("../tests/probes/javascript.js")),
        (Language::TypeScript, include_str!("../tests/probes/typescript.ts")),
        (Language::Java, include_str!("../tests/probes/java.java")),
        (Language::C, include_str!("../tests/probes/c.c")),
        (Language::Cpp, include_str!("../tests/probes/cpp.cpp")),
        (Language::Go, include_str!("../tests/probes/go.go")),
        (Language::Rust, include_str!("../tests/probes/rust.rs")),
    ];

    /// Every node of a tree: kind, place, field, and how deep it stands.
    fn nodes(tree: &Tree) -> Vec<(u16, std::ops::Range<usize>, Point, Point, u16, u32)> {
        let mut cursor = tree.walk();
        let mut nodes = Vec::new();
        loop {
            let (node, field) = (cursor.node(), cursor.field_id().map_or(0, |id| id.get()));
            let (start, end) = (node.start_position(), node.end_position());
            nodes.push((node.kind_id(), node.byte_range(), start, end, field, cursor.depth()));
            if cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return nodes;
                }
            }
        }
    }

    /// The definition of a place: count the line ends before it.
    fn point_at(text: &str, at: usize) -> Point {
        let before = &text[..at];
        Point::new(before.matches('\n').count(), at - before.rfind('\n').map_or(0, |last| last + 1))
    }

    proptest! {
        #[test]
        fn an_edit_makes_the_new_text_of_the_old(
            old in "[ab\u{e9}\u{e8}\u{1f600}\n\r]{0,90}",
            new in "[ab\u{e9}\u{e8}\n]{0,90}",
            bits in any::<u64>(),
        ) {
            for new in [new, edited(&old, bits)] {
                let edit = edit_between(&old, &new);
                let middle = &new[edit.start_byte..edit.new_end_byte];
                prop_assert_eq!(&replaced(&old, (edit.start_byte, edit.old_end_byte), middle), &new);
                prop_assert_eq!(edit.start_position, point_at(&old, edit.start_byte));
                prop_assert_eq!(edit.old_end_position, point_at(&old, edit.old_end_byte));
                prop_assert_eq!(edit.new_end_position, point_at(&new, edit.new_end_byte));
            }
        }

        #[test]
        fn a_tree_made_from_another_is_that_of_a_fresh_parse(edits in prop::collection::vec(any::<u64>(), 1..6)) {
            let (mut one, mut other) = (Measurer::new(), Measurer::new());
            let dense = format!("{}a;\nf(1);\n", "-await ".repeat(30)).repeat(4);
            for (language, text) in PROBES.into_iter().chain([(Language::JavaScript, &*dense)]) {
                let reading = |(tree, cost)| Reading { language, tree, cost, blanked: None };
                let parsed = one.parse(language, text, From::Text, Cost::ANY).expect("nothing cuts the parse");
                let mut base = Recent::new((), text, reading(parsed));
                for bits in &edits {
                    let text = edited(&base.text, *bits);
                    let Some((tree, cost)) = reparse(&mut one, &base, &text, &UNLIMITED) else { continue };
                    let (fresh, needed) = other.parse(language, &text, From::Text, Cost::ANY).expect("nothing cuts the parse");
                    prop_assert!(!fresh.root_node().has_error());
                    prop_assert!(nodes(&tree) == nodes(&fresh), "{language}\n{text}");
                    prop_assert!(needed.reports <= cost.reports, "{language}: {needed:?} instead of {cost:?}\n{text}");
                    prop_assert!(needed.reads <= 2 * cost.reads, "{language}: {needed:?} instead of {cost:?}\n{text}");
                    base = Recent::new((), &text, reading((tree, cost)));
                }
            }
        }
    }
}
