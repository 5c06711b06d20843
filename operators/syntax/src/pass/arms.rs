//! Arms that take everything, and jumps that name a label: questions about a few kinds, asked of their children.

use super::Pass;
use crate::class::*;
use crate::walk::Node;
use std::ops::ControlFlow::{Break, Continue};

impl<'tree> Pass<'_, 'tree> {
    /// Whether an arm is taken when no other is: `default`, or a pattern that is `_` alone.
    pub(super) fn takes_everything(&mut self, arm: Node<'tree>) -> bool {
        let table = self.reader.table;
        let is_default = |node: Option<Node<'tree>>| node.is_some_and(|n| table.classes(n.kind_id()) & DEFAULT != 0);
        if !table.traits.arm_patterns {
            // A shell's pattern of any text.
            let first = self.reader.child(arm, 0);
            return first.is_some_and(|first| is_default(Some(first)) || self.reader.text_of(first) == "*");
        }
        let (mut patterns, mut only) = (0, None);
        self.reader.children(arm, |child, _field| {
            if table.classes(child.kind_id()) & PATTERN != 0 {
                patterns += 1;
                only = Some(child);
            } else if patterns > 0 && child.is_named() {
                // What follows the patterns is the body, which may be long.
                return Break(());
            }
            Continue(())
        });
        patterns == 1 && only.is_some_and(|pattern| is_default(self.reader.child(pattern, 0)))
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
            let is_label =
                classes & LABEL != 0 && (!words().ends_with('@') || matches!(words(), "break@" | "continue@"));
            found |= is_label;
            leaves |= classes & EXIT != 0;
            Continue(())
        });
        found && !leaves
    }
}
