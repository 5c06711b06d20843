//! The one pass over a tree: enters each node once, leaves it once, and counts.
//!
//! Depth costs memory of the cursor's and of the frames' own stack, never of the thread's. Only nodes whose children are
//! seen in their light have a frame; a frame's children stand exactly one level below it.

mod arms;
mod calls;
mod classes;
mod commands;
mod findings;
mod frames;
mod functions;
mod initializers;
mod leaves;
mod recursion;
mod words;

use super::class::*;
use super::imports::Found as Imported;
use super::members::{ClassDraft, MethodDraft};
use super::name::Reader;
use super::scopes::Scopes;
use super::space::{Space, Totals};
use super::tokens::Tokens;
use super::walk::{Node, Walk};
use calls::Calls;
use driftline_schema::facts::{FunctionFacts, SpaceMetrics};
use driftline_schema::{Call, Finding};
use findings::Reach;
use frames::{Frame, Operator};
use recursion::Recursion;
use std::collections::HashMap;

/// No level at all.
const NOWHERE: u32 = u32::MAX;
/// Levels of a tree that are walked; what lies deeper is not. Each holds some 150 bytes while the walk is below it, and
/// `1.1.1.` for a megabyte is half a million levels deep.
const LEVELS_MAX: u32 = 1 << 16;

/// A node whose children are being visited.
struct Open {
    /// Children still to come.
    left: u32,
    /// Where it ends (bytes).
    end: usize,
    tail: Tail,
    /// Whether its children are statements.
    block: bool,
}

/// What the last byte of a node says of its last child.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// Nothing.
    Unknown,
    /// It may be a closing bracket, which counts nothing.
    Bracket,
    /// It may be the semicolon of a statement.
    Semicolon,
}

/// What the pass found.
pub(super) struct Found {
    /// Functions in order of their start, lines apart.
    pub(super) functions: Vec<FunctionFacts>,
    /// The file, lines apart.
    pub(super) file: SpaceMetrics,
    /// Comments in order of place (bytes).
    pub(super) comments: Vec<(u32, u32)>,
    /// String literals of several lines in order of place (bytes); one may hold others.
    pub(super) texts: Vec<(u32, u32)>,
    /// Bytes inside ERROR nodes.
    pub(super) error_bytes: u32,
    /// Whether nodes lay too deep to be told apart.
    pub(super) truncated: bool,
    /// Imports in order of place.
    pub(super) imports: Imported,
    /// Calls in order of place.
    pub(super) calls: Vec<Call>,
    /// Findings in order of place.
    pub(super) findings: Vec<Finding>,
    /// Classes and parts of them in order of place.
    pub(super) classes: Vec<ClassDraft>,
    /// Methods in order of place.
    pub(super) methods: Vec<MethodDraft>,
}

/// The state of a pass.
pub(super) struct Pass<'text, 'tree> {
    reader: Reader<'text, 'tree>,
    tokens: &'text mut Tokens,
    totals: Totals,
    /// Whether the tree has an error.
    erroneous: bool,
    calls: Calls,
    recursion: Recursion,
    reach: Reach,
    /// Classes by the hash of their name whose methods stand apart.
    loose: HashMap<u64, u32>,
    /// Where the import ends that is being read (bytes), and its tokens so far.
    import_end: usize,
    import_tokens: Vec<(u32, u32)>,
    /// Number of the token that names a module, if it is a string.
    module_at: u32,
    /// What stands for the folder of the module it names.
    module_prefix: &'static str,
    /// Number of the token that is declared, if it is a name.
    declared_at: u32,
    /// Starts of jumps still to come whose word is not in the tree (bytes).
    jumps: &'text [u32],
    /// Where the part ends that is not code (bytes).
    quiet_end: usize,
    /// The use of a member that the last token was, by the token's number and its index.
    last_access: (u32, usize),
    frames_max: usize,
    frames: Vec<Frame<'tree>>,
    /// Level of the node at hand; the root's is zero.
    level: u32,
    /// Level of the innermost frame.
    frame_level: u32,
    /// Level whose nodes are asked for their field.
    watched_level: u32,
    nesting: u32,
    space: Space,
    outer_spaces: Vec<Space>,
    scopes: Scopes,
    /// Where the ERROR node ends that is furthest to the right so far (bytes).
    error_end: usize,
    found: Found,
}

impl<'text, 'tree> Pass<'text, 'tree> {
    /// A pass that has seen nothing and opens at most `frames_max` frames; `jumps` start where the tree has no word.
    pub(super) fn new(
        reader: Reader<'text, 'tree>,
        tokens: &'text mut Tokens,
        frames_max: usize,
        jumps: &'text [u32],
    ) -> Self {
        tokens.begin(reader.table.operators, reader.text.len());
        let space = Space { first: tokens.now + 1, ..Space::new(0, reader.text.len()) };
        Self {
            reader,
            tokens,
            totals: Totals::default(),
            erroneous: false,
            calls: Calls::default(),
            recursion: Recursion::default(),
            reach: Reach::default(),
            loose: HashMap::new(),
            import_end: 0,
            import_tokens: Vec::new(),
            module_at: 0,
            module_prefix: "",
            declared_at: 0,
            jumps,
            quiet_end: 0,
            last_access: (0, 0),
            frames_max,
            frames: Vec::with_capacity(64),
            level: 0,
            frame_level: NOWHERE,
            watched_level: NOWHERE,
            nesting: 0,
            space,
            outer_spaces: Vec::new(),
            scopes: Scopes::default(),
            error_end: 0,
            found: Found {
                functions: Vec::new(),
                file: SpaceMetrics::default(),
                comments: Vec::new(),
                texts: Vec::new(),
                error_bytes: 0,
                truncated: false,
                imports: Imported::default(),
                calls: Vec::new(),
                findings: Vec::new(),
                classes: Vec::new(),
                methods: Vec::new(),
            },
        }
    }

    /// Walks the tree under `root`.
    pub(super) fn run(mut self, root: tree_sitter::Node<'tree>) -> Found {
        let table = self.reader.table;
        self.erroneous = root.has_error();
        let mut walk = Walk::new(root);
        // Children still to come at the level at hand, and at those above.
        let (mut open, mut open_above) =
            (Open { left: 1, end: 0, tail: Tail::Unknown, block: false }, Vec::with_capacity(64));
        loop {
            let node = walk.node();
            let kind = node.kind_id();
            let classes = table.classes(kind);
            let mut descend = true;
            if open.block && classes & NO_STATEMENT == 0 && node.is_named() {
                self.statement(node, classes);
                if classes & NAME != 0 {
                    self.bare_statement(node);
                }
            }
            if classes & LEAF != 0 {
                if classes & STRING != 0 && self.level == self.watched_level {
                    self.watch(node, walk.field());
                }
                descend = self.leaf(node, kind, classes);
            } else {
                if self.level == self.watched_level {
                    self.watch(node, walk.field());
                }
                if classes & ACTIVE != 0 {
                    descend = self.enter(node, classes);
                }
            }
            if descend {
                let children = node.child_count();
                let is_deepest = self.level >= LEVELS_MAX && children > 0;
                self.found.truncated |= is_deepest;
                if children > 0 && !is_deepest && walk.down() {
                    open_above.push(open);
                    open = self.open_children(node, classes, children);
                    self.level += 1;
                    continue;
                }
                if classes & (LEAF | ERROR) == 0 && !is_deepest {
                    self.bare(node, kind);
                }
            }
            let mut child_end = None;
            loop {
                if self.level == self.frame_level {
                    self.leave();
                }
                open.left -= 1;
                if open.left == 1 && open.tail != Tail::Unknown {
                    let end = child_end.unwrap_or_else(|| node.end_byte());
                    open.left -= u32::from(self.passes_tail(&open, end));
                }
                if open.left > 0 && walk.next() {
                    break;
                }
                child_end = Some(open.end);
                let Some(above) = open_above.pop() else { return self.finish() };
                open = above;
                walk.up();
                self.level -= 1;
                self.reach.left_for(self.level);
            }
        }
    }

    fn open_children(&self, node: Node<'tree>, classes: Classes, left: u32) -> Open {
        let end = node.end_byte();
        let tail = match self.reader.text.as_bytes().get(end.wrapping_sub(1)) {
            _ if self.erroneous || classes & (CONSTANT | IMPORT) != 0 => Tail::Unknown,
            Some(b')' | b']' | b'}') => Tail::Bracket,
            Some(b';') if classes & STATEMENT != 0 && classes & STRUCTURAL == 0 => Tail::Semicolon,
            _ => Tail::Unknown,
        };
        Open { left, end, tail, block: classes & BLOCK != 0 }
    }

    /// Whether the last child of a node is known without a visit: nothing but white space stands between the child that
    /// ends at `end` and the node's last byte. Every fifth node is such a sign, and the cursor's steps are what costs most.
    fn passes_tail(&mut self, open: &Open, end: usize) -> bool {
        let Some(gap) = self.reader.text.as_bytes().get(end..open.end - 1) else { return false };
        if self.import_end > 0 || !gap.iter().all(u8::is_ascii_whitespace) {
            return false;
        }
        if open.tail == Tail::Semicolon {
            self.operator(self.reader.table.semicolon, open.end - 1);
        }
        true
    }

    fn finish(mut self) -> Found {
        self.end_import();
        // Until now the file's row held the sums over closed functions.
        let sums = self.found.file;
        let own = self.space.metrics(&self.totals);
        self.found.file = SpaceMetrics { ..own };
        self.found.file.params = sums.params;
        add_own(&mut self.found.file, &sums);
        self.count_recursion();
        self.found
    }

    /// Counts a node of classes the pass acts on; returns whether its children are to be visited.
    fn enter(&mut self, node: Node<'tree>, classes: Classes) -> bool {
        if classes & COMMENT != 0 {
            self.found.comments.push((node.start_byte() as u32, node.end_byte() as u32));
            return false;
        }
        if self.quiet_end > 0 && node.start_byte() < self.quiet_end {
            return true;
        }
        let is = |class: Classes| (classes & class != 0) as u32;
        if classes & (DECISION | SWITCH | EXIT | YIELD) != 0 {
            self.space.cyclomatic += is(DECISION);
            self.space.modified += is(SWITCH) + (is(DECISION) & !is(CASE));
            self.space.exits += is(EXIT);
            self.space.yields += is(YIELD);
        }
        if classes & (CONDITION | ASSIGNS | CALL | CREATES | BRANCH) != 0 {
            self.totals.conditions += is(CONDITION);
            self.totals.assignments += is(ASSIGNS);
            self.totals.branches += is(CALL | CREATES);
            self.totals.preproc_branches += is(BRANCH);
        }
        if classes & STATEMENT != 0 {
            self.statement(node, classes);
        }
        if classes & SINGLE != 0 {
            self.single(node, classes);
        }
        if classes & FRAMED != 0 {
            self.open(node, classes);
        }
        true
    }

    /// Counts a node by a look at its children or its text.
    fn single(&mut self, node: Node<'tree>, classes: Classes) {
        if classes & COMMAND != 0 {
            self.command(node);
        } else if classes & (CALL | CREATES) != 0 {
            self.calls.open(self.level, node.start_byte() as u32, classes & CREATES != 0);
        } else if classes & ARGS != 0 {
            self.arguments(node);
        } else if classes & TYPE_ARGS != 0 {
            self.type_arguments(node);
        } else if classes & ERROR != 0 {
            // ERROR nodes nest and follow each other in order: what counts is what reaches beyond the last.
            let (start, end) = (node.start_byte().max(self.error_end), node.end_byte());
            self.found.error_bytes += end.saturating_sub(start) as u32;
            self.error_end = self.error_end.max(end);
        } else {
            self.rare(node, classes);
        }
    }

    fn rare(&mut self, node: Node<'tree>, classes: Classes) {
        if classes & ARM != 0 && !self.takes_everything(node) {
            self.space.cyclomatic += 1;
            self.totals.conditions += 1;
        }
        if classes & GOTO != 0 || (classes & JUMP != 0 && self.names_label(node)) {
            self.space.cognitive = self.space.cognitive.saturating_add(1);
        }
        if classes & IMPORT != 0 && node.start_byte() >= self.import_end {
            self.end_import();
            self.import_end = node.end_byte();
        }
        if classes & ACCESS != 0 {
            self.access_label(node);
        }
        if classes & FIELD != 0 {
            self.fields(node, classes);
        }
        if classes & (CONSTANT | MAY_BE_CONSTANT) != 0 {
            self.constant(node, classes);
        }
        if classes & CATCH != 0 {
            self.handler(node);
        }
        if classes & (ENDS | LABELLED) != 0 {
            self.end_of_block(classes);
        }
        if classes & DECLARED != 0 {
            self.declared_at = self.tokens.now + 1;
        }
    }
}

/// Adds what counts for a function alone.
fn add_own(sums: &mut SpaceMetrics, own: &SpaceMetrics) {
    sums.cyclomatic = sums.cyclomatic.saturating_add(own.cyclomatic);
    sums.cyclomatic_modified = sums.cyclomatic_modified.saturating_add(own.cyclomatic_modified);
    sums.cognitive_own = sums.cognitive_own.saturating_add(own.cognitive_own);
    sums.cognitive_sonar = sums.cognitive_sonar.saturating_add(own.cognitive_sonar);
    sums.exits = sums.exits.saturating_add(own.exits);
    sums.yields = sums.yields.saturating_add(own.yields);
}
