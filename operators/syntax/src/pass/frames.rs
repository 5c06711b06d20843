//! Frames: what an entered node means to its children, and what nesting they stand in.

use super::{NOWHERE, Pass};
use crate::class::*;
use crate::walk::Node;

/// A logical operator.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    None,
    And,
    Or,
}

/// An entered node that matters to its children.
pub(super) struct Frame<'tree> {
    pub(super) level: u32,
    pub(super) classes: Classes,
    /// Nesting to return to when it is left.
    pub(super) restore: u32,
    /// Nesting outside the construct, which its header keeps.
    pub(super) outer: u32,
    /// First and last logical operator within, in order of place.
    pub(super) run: (Operator, Operator),
    /// Whether its own operator is logical.
    pub(super) logical: bool,
    /// Whether the word `else` was passed.
    pub(super) else_seen: bool,
    /// Number of the last sign in it that assigns, if it is a member.
    pub(super) assigned_at: u32,
    pub(super) node: Node<'tree>,
}

impl<'tree> Pass<'_, 'tree> {
    /// The frame of the node's parent, if it has one.
    pub(super) fn parent(&mut self) -> Option<&mut Frame<'tree>> {
        let level = self.level;
        self.frames.last_mut().filter(|frame| frame.level + 1 == level)
    }

    /// Looks at a child of a construct with a header.
    pub(super) fn watch(&mut self, node: Node<'tree>, field: u16) {
        let table = self.reader.table;
        let Some((classes, outer)) = self.parent().map(|frame| (frame.classes, frame.outer)) else { return };
        if classes & PREPROC != 0 {
            if field != 0 && field == table.fields.condition {
                self.quiet_end = node.end_byte();
            }
        } else if classes & (MEMBERS | MEMBER) != 0 {
            self.watch_member(node, field);
        } else if classes & HEADED == 0 && table.is_header(field) && self.frames.len() < self.frames_max {
            self.push(Frame { restore: self.nesting, outer, classes: HEADER, ..self.frame(node, 0) });
            self.nesting = outer;
        }
    }

    pub(super) fn frame(&self, node: Node<'tree>, classes: Classes) -> Frame<'tree> {
        let (level, nesting) = (self.level, self.nesting);
        let (run, logical, else_seen) = ((Operator::None, Operator::None), false, false);
        Frame { level, classes, restore: nesting, outer: nesting, run, logical, else_seen, assigned_at: 0, node }
    }

    pub(super) fn push(&mut self, frame: Frame<'tree>) {
        self.frame_level = frame.level;
        self.watched_level = watched(&frame);
        self.frames.push(frame);
    }

    /// Opens a frame and what goes with it.
    pub(super) fn open(&mut self, node: Node<'tree>, classes: Classes) {
        if self.frames.len() >= self.frames_max {
            self.found.truncated = true;
            return;
        }
        let (above, outer, else_seen) =
            self.parent().map_or((0, 0, false), |frame| (frame.classes, frame.outer, frame.else_seen));
        let mut frame = self.frame(node, classes);
        if classes & MEMBER != 0 && above & (MEMBERS | MEMBER) == 0 {
            // A variable of a function is declared as a member is.
            frame.classes &= !MEMBER;
            if frame.classes & FRAMED == 0 {
                return;
            }
        }
        if classes & FUNCTION != 0 && above & SHELL == 0 && self.open_function(node, classes, above) {
            // Whatever else it is, it is left as a function.
        } else if classes & SCOPE != 0 {
            if !self.open_scope(node, classes, above) {
                return;
            }
            frame.classes &= !FUNCTION;
        } else if classes & FUNCTION != 0 {
            return;
        } else if classes & ELSE != 0 && above & SWITCH != 0 {
            // What is done in no case: no decision, and `enter` took it for one of an `if`.
            self.totals.conditions -= u32::from(classes & CONDITION != 0);
        } else if classes & ELSE != 0 {
            // After a loop it is one more way out; after `try` it only continues what was tried.
            let after_if = above & (LOOP | TRY) == 0;
            self.space.cyclomatic += u32::from(!after_if);
            self.space.modified += u32::from(!after_if);
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
        } else if classes & PARAM != 0 {
            self.parameter_property(node);
        } else if classes & NAMER != 0 && self.reader.table.traits.fields_by_assignment {
            self.class_variable(node);
        }
        self.push(frame);
    }

    /// Leaves all frames of the node at hand.
    pub(super) fn leave(&mut self) {
        while let Some(frame) = self.frames.pop_if(|frame| frame.level == self.level) {
            if frame.classes & FUNCTION != 0 {
                self.close_function(frame.restore, frame.classes & BARE != 0);
            } else if frame.classes & SCOPE != 0 {
                self.scopes.leave();
            } else if frame.classes & (BINARY | PAREN) != 0 {
                self.report(&frame);
                if self.reader.table.traits.free_defaults && frame.run == (Operator::Or, Operator::Or) && frame.logical
                {
                    self.free_default(&frame);
                }
            }
            self.nesting = frame.restore;
        }
        self.frame_level = self.frames.last().map_or(NOWHERE, |frame| frame.level);
        self.watched_level = self.frames.last().map_or(NOWHERE, watched);
    }
}

/// The level below a frame whose nodes are asked for their field.
fn watched(frame: &Frame<'_>) -> u32 {
    if frame.classes & (STRUCTURAL | ELIF | PREPROC | MEMBERS | MEMBER) != 0 { frame.level + 1 } else { NOWHERE }
}
