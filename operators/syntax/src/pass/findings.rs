//! What syntax alone finds: empty handlers, numbers without a name, statements that are never reached.
//!
//! Finding unreachable statements takes no frame for blocks: the level of the statement that ends a block is remembered
//! until the pass goes above it.

use super::{NOWHERE, Pass};
use crate::class::*;
use crate::walk::Node;
use driftline_schema::{Finding, FindingKind};
use std::ops::ControlFlow::Continue;

/// Bytes of a declaration that are searched for the word that makes it a constant.
const DECLARATION_BYTES_MAX: usize = 120;

/// Where control flow has ended.
pub(super) struct Reach {
    /// Level of the statements that follow an unconditional exit.
    ended: u32,
    /// Level of the last statement and number of the last token before it.
    statement: (u32, u32),
}

impl Default for Reach {
    fn default() -> Self {
        Self { ended: NOWHERE, statement: (NOWHERE, 0) }
    }
}

impl Reach {
    /// Notes that the pass went up to `level`.
    #[inline]
    pub(super) fn left_for(&mut self, level: u32) {
        // No level at all is the largest, and so never reached.
        if self.ended != NOWHERE && level < self.ended {
            self.ended = NOWHERE;
        }
    }
}

impl<'tree> Pass<'_, 'tree> {
    /// Counts a statement.
    pub(super) fn statement(&mut self, node: Node<'tree>, classes: Classes) {
        self.space.statements += 1;
        let jumps = self.jumps.first().is_some_and(|jump| (*jump as usize) < node.start_byte());
        if self.level == self.reach.ended {
            self.reach.ended = NOWHERE;
            // A second jump, as `break` after `return`, is no code that was meant to do something.
            if classes & ENDS == 0 || classes & EXIT != 0 {
                self.find(node, FindingKind::DeadCode);
            }
        }
        self.reach.statement = (self.level, self.tokens.now);
        if jumps {
            self.jump();
        }
    }

    /// Counts a jump whose word is not in the tree and whose target is the statement that begins here.
    fn jump(&mut self) {
        if let [jump, rest @ ..] = self.jumps {
            self.jumps = rest;
            self.operator(self.reader.table.goto, *jump as usize);
            self.space.cognitive = self.space.cognitive.saturating_add(1);
            self.end_of_block(STATEMENT);
        }
    }

    /// Counts a statement that is a name alone: it may be a call.
    pub(super) fn bare_statement(&mut self, node: Node<'tree>) {
        let name = self.reader.text.get(node.byte_range()).unwrap_or_default();
        if matches!(name, "break" | "continue") {
            // Kotlin's grammar sees a name.
            self.reach.ended = self.level;
        }
        if !self.reader.table.traits.bare_calls {
            return;
        }
        self.space.exits += u32::from(name == "raise");
        if name == "public" || self.reader.table.traits.private_words.contains(&name) {
            self.access_label(node);
        }
    }

    /// Notes that nothing below in this block is reached, or that something may be again.
    pub(super) fn end_of_block(&mut self, classes: Classes) {
        let (level, token) = self.reach.statement;
        if classes & LABELLED != 0 {
            if self.level == self.reach.ended {
                self.reach.ended = NOWHERE;
            }
        } else if classes & STATEMENT != 0 {
            // `if (a) break; else if (b) ...`: where `else` is a word, what follows it stands beside the jump.
            if self.parent().is_none_or(|frame| frame.classes & STRUCTURAL == 0) {
                self.reach.ended = self.level;
            }
        } else if level != NOWHERE && token == self.tokens.now {
            // An expression that is a statement or all there is of one; `return if a` may not return.
            let is_whole = level + 1 == self.level && self.parent().is_none_or(|frame| frame.classes & STRUCTURAL == 0);
            if is_whole || level == self.level {
                self.reach.ended = level;
            }
        }
    }

    fn find(&mut self, node: Node<'tree>, kind: FindingKind) {
        let function = self.space.function.map_or(u32::MAX, |index| index as u32);
        let finding = Finding { line: node.start_line(), kind, function };
        if self.found.findings.last() != Some(&finding) {
            self.found.findings.push(finding);
        }
    }

    /// Looks at a numeric literal.
    pub(super) fn number(&mut self, node: Node<'tree>) {
        let start = node.start_byte();
        if start < self.space.constant_end || start < self.quiet_end {
            return;
        }
        let text = self.reader.text.get(node.byte_range()).unwrap_or_default();
        if !is_plain(text) {
            self.find(node, FindingKind::MagicNumber);
        }
    }

    /// Notes where numbers need no name.
    pub(super) fn constant(&mut self, node: Node<'tree>, classes: Classes) {
        if classes & NOT_PARAM != 0 && self.level == self.reach.ended {
            // An attribute: what it stands before may be of another build than the exit.
            self.reach.ended = NOWHERE;
        }
        let (start, end) = (node.start_byte(), node.end_byte());
        if end > self.space.constant_end && (classes & CONSTANT != 0 || self.says_constant(start, end)) {
            self.space.constant_end = end;
        }
    }

    /// Whether a declaration says that what it declares is constant.
    fn says_constant(&self, start: usize, end: usize) -> bool {
        let text = self.reader.text.as_bytes();
        let text = text.get(start..end.min(start + DECLARATION_BYTES_MAX)).unwrap_or_default();
        let words = self.reader.table.traits.constant_words;
        if words.is_empty() {
            let name = text.split(|byte| matches!(byte, b'=' | b':' | b' ')).next().unwrap_or_default();
            return name.iter().any(u8::is_ascii_uppercase) && !name.iter().any(u8::is_ascii_lowercase);
        }
        let before = text.split(|byte| matches!(byte, b'=' | b'{' | b'(')).next().unwrap_or_default();
        before.split(u8::is_ascii_whitespace).any(|part| words.iter().any(|word| word.as_bytes() == part))
    }

    /// Looks at a handler of exceptions.
    pub(super) fn handler(&mut self, node: Node<'tree>) {
        let table = self.reader.table;
        let mut body = None;
        let is_code = |child: &Node<'tree>| child.is_named() && table.classes(child.kind_id()) & COMMENT == 0;
        self.reader.children(node, |child, _field| {
            let is_body = is_code(&child) && table.classes(child.kind_id()) & NOT_PARAM == 0;
            body = Some(child).filter(|_| is_body).or(body);
            Continue(())
        });
        let mut does_something = false;
        let text = self.reader.text;
        let mut arms = Vec::new();
        if let Some(body) = body {
            self.reader.children(body, |child, _field| {
                arms.extend(Some(child).filter(|child| table.classes(child.kind_id()) & ARM != 0));
                let words = text.get(child.byte_range()).unwrap_or_default();
                does_something |= is_code(&child) && !matches!(words, "pass" | "...");
                Continue(())
            });
        }
        if !does_something {
            self.find(node, FindingKind::EmptyCatch);
        }
        // Scala's handlers are arms: each is one by itself.
        for arm in arms {
            let body = self.reader.child_in(arm, &[table.fields.body]);
            if body.is_none_or(|body| !body.is_named()) {
                self.find(arm, FindingKind::EmptyCatch);
            }
        }
    }
}

/// Whether a numeric literal is 0, 1 or 2, however it is written.
fn is_plain(text: &str) -> bool {
    if text.len() == 1 {
        return matches!(text, "0" | "1" | "2");
    }
    if let Some(hex) = text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        return matches!(hex.trim_end_matches(['l', 'L', 'u', 'U']).trim_start_matches('0'), "" | "1" | "2");
    }
    // A type may follow: `1L`, `2.0f`, `1u32`, `2_usize`.
    let length = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(length);
    let is_type = suffix.is_empty() || suffix.trim_start_matches('_').starts_with(SUFFIXES);
    is_type && number.parse().is_ok_and(|value: f64| [0.0, 1.0, 2.0].contains(&value))
}

/// What the type of a number may begin with.
const SUFFIXES: [char; 12] = ['l', 'L', 'u', 'U', 'f', 'F', 'd', 'D', 'i', 'n', 'j', 'J'];

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn zero_one_and_two_are_plain_however_they_are_written() {
        for plain in
            ["0", "1", "2", "0.0", "1.0", "2.", "1L", "0u", "1.0f", "0x0", "0x01", "1u32", "2_usize", "0n", "1f64"]
        {
            assert!(is_plain(plain), "{plain}");
        }
        for magic in ["3", "10", "0.5", "1_000", "0x10", "12u8", "42L", "1e3", "1_0u8", "0xff", "2.5f"] {
            assert!(!is_plain(magic), "{magic}");
        }
    }
}
