//! The one pass over a tree: enters each node once, leaves it once, and counts.
//!
//! Depth costs memory of the cursor's and of the frames' own stack, never of the thread's. Only nodes whose children are
//! seen in their light have a frame; a frame's children stand exactly one level below it.

mod arms;
mod functions;
mod recursion;

use super::class::*;
use super::name::Reader;
use super::scopes::Scopes;
use super::space::Space;
use driftline_schema::facts::{FunctionFacts, SpaceMetrics};
use tree_sitter::Node;

/// No level at all.
const NOWHERE: u32 = u32::MAX;

/// An entered node that matters to its children.
struct Frame<'tree> {
    level: u32,
    classes: Classes,
    /// Nesting to return to when it is left.
    restore: u32,
    /// Nesting outside the construct, which its header keeps.
    outer: u32,
    /// First and last logical operator within, in order of place; zero for none.
    run: (Classes, Classes),
    /// Whether its own operator is logical.
    logical: bool,
    /// Whether the word `else` was passed.
    else_seen: bool,
    node: Node<'tree>,
}

/// What the pass found.
pub(super) struct Found {
    /// Functions in order of their start, lines apart.
    pub(super) functions: Vec<FunctionFacts>,
    /// The file, lines apart.
    pub(super) file: SpaceMetrics,
    /// Comments in order of place (bytes).
    pub(super) comments: Vec<(u32, u32)>,
    /// Bytes inside ERROR nodes.
    pub(super) error_bytes: u32,
    /// Whether nodes lay too deep to be told apart.
    pub(super) truncated: bool,
}

/// The state of a pass.
pub(super) struct Pass<'text, 'tree> {
    reader: Reader<'text, 'tree>,
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
    /// A pass that has seen nothing and opens at most `frames_max` frames.
    pub(super) fn new(reader: Reader<'text, 'tree>, frames_max: usize) -> Self {
        let space = Space::new(0, reader.text.len());
        Self {
            reader,
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
                error_bytes: 0,
                truncated: false,
            },
        }
    }

    /// Walks the tree under `root`.
    pub(super) fn run(mut self, root: Node<'tree>) -> Found {
        let table = self.reader.table;
        let mut cursor = root.walk();
        loop {
            let node = cursor.node();
            let classes = table.classes(node.kind_id());
            let mut descend = true;
            if self.level == self.watched_level {
                descend = self.watch(node, cursor.field_id().map_or(0, |id| id.get()));
            }
            if descend && classes & ACTIVE != 0 {
                descend = self.enter(node, classes);
            }
            if descend && cursor.goto_first_child() {
                self.level += 1;
                continue;
            }
            loop {
                if self.level == self.frame_level {
                    self.leave();
                }
                if cursor.goto_next_sibling() {
                    break;
                }
                if !cursor.goto_parent() {
                    return self.finish();
                }
                self.level -= 1;
            }
        }
    }

    fn finish(mut self) -> Found {
        // Until now the file's row held the sums over closed functions.
        let sums = self.found.file;
        self.found.file = SpaceMetrics {
            cyclomatic: sums.cyclomatic.saturating_add(self.space.cyclomatic),
            exits: sums.exits.saturating_add(self.space.exits),
            params: sums.params,
            ..self.space.metrics()
        };
        self.found
    }

    /// The frame of the node's parent, if it has one.
    fn parent(&mut self) -> Option<&mut Frame<'tree>> {
        let level = self.level;
        self.frames.last_mut().filter(|frame| frame.level + 1 == level)
    }

    /// Counts a node of classes the pass acts on; returns whether its children are to be visited.
    fn enter(&mut self, node: Node<'tree>, classes: Classes) -> bool {
        if classes & TOKEN != 0 {
            self.token(classes);
            return false;
        }
        if classes & COMMENT != 0 {
            self.found.comments.push((node.start_byte() as u32, node.end_byte() as u32));
            return false;
        }
        if classes & OPAQUE != 0 {
            return node.has_error();
        }
        self.space.cyclomatic += (classes & DECISION != 0) as u32;
        self.space.statements += (classes & STATEMENT != 0) as u32;
        self.space.exits += (classes & EXIT != 0) as u32;
        if classes & (GOTO | JUMP | ARM | CALL | ERROR) != 0 {
            self.single(node, classes);
        }
        if classes & FRAMED != 0 {
            self.open(node, classes);
        }
        true
    }

    /// Counts a node that needs neither its parent nor its children.
    fn single(&mut self, node: Node<'tree>, classes: Classes) {
        if classes & CALL != 0 {
            self.call(node);
        } else if classes & ARM != 0 {
            self.space.cyclomatic += u32::from(!self.takes_everything(node));
        } else if classes & ERROR != 0 {
            // ERROR nodes nest and follow each other in order: what counts is what reaches beyond the last.
            let (start, end) = (node.start_byte().max(self.error_end), node.end_byte());
            self.found.error_bytes += end.saturating_sub(start) as u32;
            self.error_end = self.error_end.max(end);
        } else if classes & GOTO != 0 || self.names_label(node) {
            self.space.cognitive = self.space.cognitive.saturating_add(1);
        }
    }

    /// Counts a word or sign, whose meaning depends on what holds it.
    fn token(&mut self, classes: Classes) {
        let level = self.level;
        let Some(frame) = self.frames.last_mut().filter(|frame| frame.level + 1 == level) else { return };
        let holder = frame.classes;
        let operator = classes & (AND | OR);
        if operator != 0 && holder & BINARY != 0 {
            self.space.cyclomatic += 1;
            self.space.cognitive = self.space.cognitive.saturating_add(u32::from(frame.run.1 != operator));
            frame.run = (if frame.run.0 == 0 { operator } else { frame.run.0 }, operator);
            frame.logical = true;
        } else if (classes & (AND | OR | KEYWORD) != 0 && holder & MACRO != 0)
            || (classes & KEYWORD != 0 && holder & PATTERN != 0)
            || (classes & ASSIGN != 0 && holder & PARAM != 0)
        {
            self.space.cyclomatic += 1;
        } else if classes & ELSE_TOKEN != 0 && holder & (IF | LET) != 0 {
            self.space.cyclomatic += u32::from(holder & LET != 0);
            self.space.cognitive = self.space.cognitive.saturating_add(1);
            frame.else_seen = true;
            // The block of `let ... else` is nested; that of an `if` is so already.
            self.nesting += u32::from(holder & LET != 0);
        }
    }

    /// Looks at a child of a construct with a header; returns whether it is to be entered.
    fn watch(&mut self, node: Node<'tree>, field: u16) -> bool {
        let table = self.reader.table;
        let Some((classes, outer)) = self.parent().map(|frame| (frame.classes, frame.outer)) else { return true };
        if classes & PREPROC != 0 {
            return field == 0 || field != table.fields.condition;
        }
        if table.is_header(field) && self.frames.len() < self.frames_max {
            self.push(Frame { restore: self.nesting, outer, classes: HEADER, ..self.frame(node, 0) });
            self.nesting = outer;
        }
        true
    }

    fn frame(&self, node: Node<'tree>, classes: Classes) -> Frame<'tree> {
        let (level, nesting) = (self.level, self.nesting);
        let (run, logical, else_seen) = ((0, 0), false, false);
        Frame { level, classes, restore: nesting, outer: nesting, run, logical, else_seen, node }
    }

    fn push(&mut self, frame: Frame<'tree>) {
        self.frame_level = frame.level;
        self.watched_level = watched(&frame);
        self.frames.push(frame);
    }

    /// Opens a frame and what goes with it.
    fn open(&mut self, node: Node<'tree>, classes: Classes) {
        if self.frames.len() >= self.frames_max {
            self.found.truncated = true;
            return;
        }
        let (above, outer, else_seen) =
            self.parent().map_or((0, 0, false), |frame| (frame.classes, frame.outer, frame.else_seen));
        let mut frame = self.frame(node, classes);
        if classes & FUNCTION != 0 {
            if !self.open_function(node, classes, above) {
                return;
            }
        } else if classes & SCOPE != 0 {
            let Some(name) = self.reader.scope_name(node) else { return };
            self.scopes.enter(name, classes & CLASS != 0);
        } else if classes & ELSE != 0 {
            // After a loop it is one more way out; after `try` it only continues what was tried.
            let after_if = above & (LOOP | TRY) == 0;
            self.space.cyclomatic += u32::from(!after_if);
            self.space.cognitive = self.space.cognitive.saturating_add(u32::from(above & TRY == 0));
            frame.outer = outer;
        } else if classes & ELIF != 0 {
            self.space.cognitive = self.space.cognitive.saturating_add(1);
            frame.outer = outer;
        } else if classes & IF != 0 && (above & ELSE != 0 || (above & IF != 0 && else_seen)) {
            // `else if`: the `else` has counted, and the first `if` nests the whole chain.
            frame.outer = outer;
        } else if classes & STRUCTURAL != 0 {
            self.space.structural(self.nesting);
            self.nesting += 1;
        } else if classes & HEADER != 0 && above & STRUCTURAL != 0 {
            self.nesting = outer;
        }
        self.push(frame);
    }

    /// Leaves all frames of the node at hand.
    fn leave(&mut self) {
        while let Some(frame) = self.frames.pop_if(|frame| frame.level == self.level) {
            if frame.classes & FUNCTION != 0 {
                self.close_function(frame.restore);
            } else if frame.classes & SCOPE != 0 {
                self.scopes.leave();
            } else if frame.classes & (BINARY | PAREN) != 0 {
                self.report(&frame);
            }
            self.nesting = frame.restore;
        }
        self.frame_level = self.frames.last().map_or(NOWHERE, |frame| frame.level);
        self.watched_level = self.frames.last().map_or(NOWHERE, watched);
    }

    /// Tells the expression around a logical one which operators it begins and ends with, so that a run of like
    /// operators counts once however the tree groups it.
    fn report(&mut self, inner: &Frame<'tree>) {
        if inner.run.0 == 0 || !(inner.logical || inner.classes & PAREN != 0) {
            return;
        }
        let Some(outer) = self.frames.last_mut().filter(|frame| frame.level + 1 == inner.level) else { return };
        if outer.classes & (BINARY | PAREN) == 0 {
            return;
        }
        if outer.logical && outer.run.1 == inner.run.0 {
            self.space.cognitive = self.space.cognitive.saturating_sub(1);
        }
        outer.run = (if outer.run.0 == 0 { inner.run.0 } else { outer.run.0 }, inner.run.1);
    }
}

/// The level below a frame whose nodes are asked for their field.
fn watched(frame: &Frame<'_>) -> u32 {
    if frame.classes & (STRUCTURAL | ELIF | PREPROC) != 0 { frame.level + 1 } else { NOWHERE }
}
