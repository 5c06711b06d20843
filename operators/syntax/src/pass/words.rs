//! Words and signs whose meaning depends on what holds them, and runs of like logical operators.
//!
//! A run counts once however the tree groups it: what an expression begins and ends with is told to the one around it.

use super::{Frame, Operator, Pass};
use crate::class::*;

impl<'tree> Pass<'_, 'tree> {
    /// Counts a word or sign, whose meaning depends on what holds it.
    pub(super) fn token(&mut self, classes: Classes) {
        let level = self.level;
        let Some(frame) = self.frames.last_mut().filter(|frame| frame.level + 1 == level) else { return };
        let holder = frame.classes;
        if classes & ASSIGN != 0 && holder & MEMBER != 0 {
            frame.assigned_at = self.tokens.now;
        }
        if classes & (AND | OR) != 0 && holder & BINARY != 0 {
            let operator = if classes & AND != 0 { Operator::And } else { Operator::Or };
            self.space.cyclomatic += 1;
            self.space.modified += 1;
            self.space.cognitive = self.space.cognitive.saturating_add(u32::from(frame.run.1 != operator));
            frame.run = (if frame.run.0 == Operator::None { operator } else { frame.run.0 }, operator);
            frame.logical = true;
        } else if (classes & (AND | OR | KEYWORD) != 0 && holder & MACRO != 0)
            || (classes & KEYWORD != 0 && holder & PATTERN != 0)
            || (classes & ASSIGN != 0 && holder & PARAM != 0)
        {
            self.space.cyclomatic += 1;
            self.space.modified += 1;
        } else if classes & COMPARE != 0 && holder & BINARY != 0 {
            self.totals.conditions += 1;
        } else if classes & (ASSIGN | TYPED) != 0 && holder & NAMER != 0 {
            self.totals.assignments += u32::from(classes & ASSIGN != 0);
            self.written();
        } else if classes & ELSE_TOKEN != 0 && holder & (IF | LET) != 0 {
            self.totals.conditions += 1;
            self.space.cyclomatic += u32::from(holder & LET != 0);
            self.space.modified += u32::from(holder & LET != 0);
            self.space.cognitive = self.space.cognitive.saturating_add(1);
            frame.else_seen = true;
            // The block of `let ... else` is nested; that of an `if` is so already.
            self.nesting += u32::from(holder & LET != 0);
        }
    }

    /// Frees `a = b || {}` in the sonar profile: a run of `or` that is a whole value and ends with a literal.
    pub(super) fn free_default(&mut self, run: &Frame<'tree>) {
        let is_value = self
            .frames
            .iter()
            .rev()
            .find(|outer| outer.level < run.level)
            .is_some_and(|outer| outer.level + 1 == run.level && outer.classes & NAMER != 0);
        if is_value && self.reader.child(run.node, 2).is_some_and(|last| self.reader.is_plain_value(last)) {
            self.space.free += 1;
        }
    }

    /// Tells the expression around a logical one which operators it begins and ends with, so that a run of like
    /// operators counts once however the tree groups it.
    pub(super) fn report(&mut self, inner: &Frame<'tree>) {
        if inner.run.0 == Operator::None || !(inner.logical || inner.classes & PAREN != 0) {
            return;
        }
        let Some(outer) = self.frames.last_mut().filter(|frame| frame.level + 1 == inner.level) else { return };
        if outer.classes & (BINARY | PAREN) == 0 {
            return;
        }
        if outer.logical && outer.run.1 == inner.run.0 {
            self.space.cognitive = self.space.cognitive.saturating_sub(1);
        }
        outer.run = (if outer.run.0 == Operator::None { inner.run.0 } else { outer.run.0 }, inner.run.1);
    }
}
