//! Arms that take everything, and jumps that name a label: questions about a few kinds, asked of their children.

use super::Pass;
use crate::class::*;
use crate::table::Imports;
use crate::walk::Node;
use std::ops::ControlFlow::{Break, Continue};

impl<'tree> Pass<'_, 'tree> {
    /// Whether an arm is taken when no other is: `default` or `_`, by itself or as one of several patterns.
    pub(super) fn takes_everything(&mut self, arm: Node<'tree>) -> bool {
        let (table, text) = (self.reader.table, self.reader.text);
        // Java's grammar takes the word for a name where it follows `null`; none can have it.
        let has_word = table.traits.imports == Imports::Java;
        // A shell's pattern of any text is a star.
        let is_rest = |node: Node<'tree>| {
            let words = text.as_bytes().get(node.byte_range());
            table.classes(node.kind_id()) & DEFAULT != 0
                || matches!(words, Some(b"_" | b"*"))
                || (has_word && words == Some(b"default"))
        };
        let (mut open, mut found, mut parts) = (Vec::new(), false, 0);
        self.reader.children(arm, |child, _field| {
            let sign = if child.is_named() { "" } else { child.kind() };
            parts += u32::from(sign == ",");
            found |= is_rest(child);
            if table.classes(child.kind_id()) & (PATTERN | EITHER) != 0 {
                open.push(child);
            }
            // What follows is the body, which may be long.
            if matches!(sign, ":" | "=>" | "->" | ")") { Break(()) } else { Continue(()) }
        });
        // Python's commas make a sequence, those of others part patterns of which one is enough.
        if parts > 0 && table.traits.arm_patterns {
            return false;
        }
        while let Some(pattern) = open.pop().filter(|_| !found) {
            self.reader.children(pattern, |child, _field| {
                found |= is_rest(child);
                if table.classes(child.kind_id()) & EITHER != 0 {
                    open.push(child);
                }
                Continue(())
            });
        }
        found
    }

    /// Whether a jump says where to.
    pub(super) fn names_label(&mut self, jump: Node<'tree>) -> bool {
        let (table, text) = (self.reader.table, self.reader.text);
        let (mut found, mut leaves) = (false, false);
        self.reader.children(jump, |child, _field| {
            let classes = table.classes(child.kind_id());
            // Kotlin writes the word and its label in one, and any other label in the same way; what follows Swift's
            // `return` is no label.
            let words = || text.get(child.byte_range()).unwrap_or_default();
            let is_label = classes & LABEL != 0
                // One loop is what a jump without a number leaves as well.
                && (classes & NUMBER == 0 || words() != "1")
                && (!words().ends_with('@') || matches!(words(), "break@" | "continue@"));
            found |= is_label;
            leaves |= classes & EXIT != 0;
            Continue(())
        });
        found && !leaves
    }
}
