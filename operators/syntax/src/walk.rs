//! A walk over the visible nodes of a tree, faster than the library's cursor.
//!
//! What every node is asked for is read in one step, and the place at each level is kept (`walk/walk.c`). It gives the same
//! nodes, places and fields as the cursor does; the tests compare them.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::NonNull;
use tree_sitter::ffi::TSNode;

/// A node, with what is asked of most nodes already read.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Node<'tree> {
    raw: TSNode,
    end: u32,
    children: u32,
    kind: u16,
    named: bool,
    tree: PhantomData<&'tree ()>,
}

unsafe extern "C" {
    fn driftline_walk_new() -> NonNull<c_void>;
    fn driftline_walk_free(walk: NonNull<c_void>);
    fn driftline_walk_describe(walk: NonNull<c_void>, node: TSNode, out: *mut Node<'_>);
    fn driftline_walk_begin(walk: NonNull<c_void>, node: *const Node<'_>, out: *mut Node<'_>) -> bool;
    fn driftline_walk_down(walk: NonNull<c_void>, last: *const Node<'_>, out: *mut Node<'_>) -> bool;
    fn driftline_walk_next(walk: NonNull<c_void>, out: *mut Node<'_>) -> bool;
    fn driftline_walk_up(walk: NonNull<c_void>) -> bool;
    fn driftline_walk_field(walk: NonNull<c_void>) -> u16;
}

impl<'tree> Node<'tree> {
    /// The node as the library knows it.
    fn whole(&self) -> tree_sitter::Node<'tree> {
        // SAFETY: the walk made it of a node of a tree that outlives `'tree`.
        unsafe { tree_sitter::Node::from_raw(self.raw) }
    }

    /// Where it starts (bytes).
    pub(super) fn start_byte(&self) -> usize {
        self.raw.context[0] as usize
    }

    /// Where it ends (bytes).
    pub(super) fn end_byte(&self) -> usize {
        self.end as usize
    }

    /// Where it starts and ends (bytes).
    pub(super) fn byte_range(&self) -> Range<usize> {
        self.start_byte()..self.end_byte()
    }

    /// Line it starts in, the first being one.
    pub(super) fn start_line(&self) -> u32 {
        self.raw.context[1] + 1
    }

    /// Row and column (bytes) of its end.
    pub(super) fn end_position(&self) -> tree_sitter::Point {
        self.whole().end_position()
    }

    /// Number of its kind.
    pub(super) fn kind_id(&self) -> u16 {
        self.kind
    }

    /// The name of its kind.
    pub(super) fn kind(&self) -> &'tree str {
        self.whole().kind()
    }

    /// Whether the grammar names its kind.
    pub(super) fn is_named(&self) -> bool {
        self.named
    }

    /// Number of its children.
    pub(super) fn child_count(&self) -> u32 {
        self.children
    }

    /// Number of its children with a name.
    pub(super) fn named_child_count(&self) -> usize {
        self.whole().named_child_count()
    }

    /// Whether there is an error in it.
    pub(super) fn has_error(&self) -> bool {
        self.whole().has_error()
    }
}

/// A walk, with the node visited last.
///
/// It is on one level at a time: below a node that was walked down to, above all from the first.
pub(super) struct Walk<'tree> {
    raw: NonNull<c_void>,
    node: Node<'tree>,
}

// SAFETY: it owns its memory and only reads the tree, which is never written and may be read from anywhere.
unsafe impl Send for Walk<'_> {}

impl Drop for Walk<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `driftline_walk_new`, and never used after.
        unsafe { driftline_walk_free(self.raw) }
    }
}

impl<'tree> Walk<'tree> {
    /// A walk at `root`, which has not gone down.
    pub(super) fn new(root: tree_sitter::Node<'tree>) -> Self {
        let mut node = std::mem::MaybeUninit::uninit();
        // SAFETY: `describe` writes every field but the marker, which has no size, of a node whose tree lives for `'tree`.
        unsafe {
            let raw = driftline_walk_new();
            driftline_walk_describe(raw, root.into_raw(), node.as_mut_ptr());
            Self { raw, node: node.assume_init() }
        }
    }

    /// The node visited last.
    #[inline]
    pub(super) fn node(&self) -> Node<'tree> {
        self.node
    }

    /// Begins anew at the first child of `node`; false if it has none, and then no other step may follow.
    pub(super) fn begin(&mut self, node: Node<'tree>) -> bool {
        // SAFETY: `node` is of a tree that lives for `'tree`; the walk writes a whole node or none.
        node.children > 0 && unsafe { driftline_walk_begin(self.raw, &node, &mut self.node) }
    }

    /// Goes to the first child of the node visited last; false, and no step, if it has none.
    #[inline]
    pub(super) fn down(&mut self) -> bool {
        let last = self.node;
        // SAFETY: as above.
        last.children > 0 && unsafe { driftline_walk_down(self.raw, &last, &mut self.node) }
    }

    /// Goes to the next node of the level at hand; false after the last.
    #[inline]
    pub(super) fn next(&mut self) -> bool {
        // SAFETY: as above; without a level there is no next node.
        unsafe { driftline_walk_next(self.raw, &mut self.node) }
    }

    /// Goes up to the level above; false if the one at hand is the first. The node visited last stays what it was.
    #[inline]
    pub(super) fn up(&mut self) -> bool {
        // SAFETY: the walk checks that there is a level.
        unsafe { driftline_walk_up(self.raw) }
    }

    /// The field of the node visited last in the node above, zero for none.
    pub(super) fn field(&self) -> u16 {
        // SAFETY: reads the walk's own levels.
        unsafe { driftline_walk_field(self.raw) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{Cost, From};
    use crate::{Measurer, languages};
    use driftline_schema::Language;
    use proptest::prelude::*;

    /// What is asked of a node: kind, place, name, children, field and depth.
    type Seen = (u16, Range<usize>, u32, bool, u32, u16, u32);

    fn by_cursor(root: tree_sitter::Node<'_>) -> Vec<Seen> {
        let mut cursor = root.walk();
        let mut seen = Vec::new();
        loop {
            let (node, field) = (cursor.node(), cursor.field_id().map_or(0, |id| id.get()));
            let line = node.start_position().row as u32 + 1;
            let children = node.child_count();
            seen.push((node.kind_id(), node.byte_range(), line, node.is_named(), children, field, cursor.depth()));
            if cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return seen;
                }
            }
        }
    }

    fn see(walk: &Walk<'_>, depth: u32) -> Seen {
        let node = walk.node();
        assert_eq!(node.whole().byte_range(), node.byte_range());
        let (place, line) = (node.byte_range(), node.start_line());
        (node.kind_id(), place, line, node.is_named(), node.child_count(), walk.field(), depth)
    }

    fn by_walk(root: tree_sitter::Node<'_>) -> Vec<Seen> {
        let mut walk = Walk::new(root);
        let (mut seen, mut depth) = (vec![see(&walk, 0)], 0);
        loop {
            if walk.down() {
                depth += 1;
            } else {
                while !walk.next() {
                    if depth == 0 || !walk.up() {
                        return seen;
                    }
                    depth -= 1;
                }
            }
            seen.push(see(&walk, depth));
        }
    }

    /// Every node asked for its children by a second walk, as the pass does.
    fn children_by_walk(root: tree_sitter::Node<'_>) -> usize {
        let (mut walk, mut side) = (Walk::new(root), Walk::new(root));
        let (mut count, mut depth) = (1, 0);
        loop {
            let mut seen = Vec::new();
            let mut more = side.begin(walk.node());
            while more {
                seen.push((side.node().kind_id(), side.node().byte_range(), side.field()));
                more = side.next();
            }
            let whole = walk.node().whole();
            let mut cursor = whole.walk();
            let mut expected = Vec::new();
            let mut more = cursor.goto_first_child();
            while more {
                let field = cursor.field_id().map_or(0, |id| id.get());
                expected.push((cursor.node().kind_id(), cursor.node().byte_range(), field));
                more = cursor.goto_next_sibling();
            }
            assert_eq!(seen, expected);
            count += seen.len();
            if walk.down() {
                depth += 1;
                continue;
            }
            while !walk.next() {
                if depth == 0 || !walk.up() {
                    return count;
                }
                depth -= 1;
            }
        }
    }

    fn probe(language: Language) -> &'static str {
        match language {
            Language::Python => include_str!("../tests/probes/python.py"),
            Language::JavaScript => include_str!("../tests/probes/javascript.js"),
            Language::TypeScript | Language::Tsx => include_str!("../tests/probes/typescript.ts"),
            Language::Java => include_str!("../tests/probes/java.java"),
            Language::C => include_str!("../tests/probes/c.c"),
            Language::Cpp => include_str!("../tests/probes/cpp.cpp"),
            Language::Go => include_str!("../tests/probes/go.go"),
            // To the grammars of others it is mostly error, which are trees as well.
            _ => include_str!("../tests/probes/rust.rs"),
        }
    }

    fn compare(text: &str, language: Language) {
        let (tree, _) = Measurer::new().parse(language, text, From::Text, Cost::ANY).expect("nothing cuts the parse");
        let seen = by_walk(tree.root_node());
        assert_eq!(seen, by_cursor(tree.root_node()), "{language}");
        assert_eq!(children_by_walk(tree.root_node()), seen.len(), "{language}");
    }

    #[test]
    fn the_walk_sees_what_the_cursor_sees() {
        for language in languages() {
            compare(probe(language), language);
            compare("", language);
        }
    }

    #[test]
    fn nothing_follows_the_first_node_and_nothing_is_above_it() {
        let (tree, _) =
            Measurer::new().parse(Language::C, "a;", From::Text, Cost::ANY).expect("nothing cuts the parse");
        let mut walk = Walk::new(tree.root_node());
        assert!(!walk.next() && !walk.up() && !walk.next());
        assert!(walk.down() && !walk.next());
    }

    proptest! {
        #[test]
        fn also_in_texts_with_errors(bits in any::<u64>(), language in 0..9usize) {
            let language = Language::ALL[language];
            let text = probe(language);
            // A part from anywhere to anywhere: brackets without their others, words cut.
            let (from, to) = (bits as u32 as usize % text.len(), (bits >> 32) as usize % text.len());
            compare(text.get(from.min(to)..from.max(to)).unwrap_or_default(), language);
        }
    }
}
