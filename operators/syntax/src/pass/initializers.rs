//! What runs when a class or an object is made and has no function around it: the first values of members, blocks in the
//! body of a class.
//!
//! Each is a function by itself, as its decisions are neither those of the function that the class stands in nor of none.
//! Whether a value decides anything is only known at its end: one that does not, and holds no function, is taken back.

use super::Pass;
use super::classes::declared_name;
use super::frames::Frame;
use super::functions::Opened;
use crate::class::*;
use crate::name::{ANONYMOUS, Shape};
use crate::space::Space;
use crate::walk::Node;

/// What stands for the name of a static initialiser.
pub(super) const STATIC: &str = "<static>";
/// What stands for the name of a block that runs for each object.
const INSTANCE: &str = "<instance>";

impl<'tree> Pass<'_, 'tree> {
    /// Looks at a child of a class's body or of a member's declaration.
    pub(super) fn watch_member(&mut self, node: Node<'tree>, field: u16) {
        let classes = self.reader.table.classes(node.kind_id());
        // A function or a class takes the member's name itself.
        if classes & (FUNCTION | CLASS | BODY | COMMENT) != 0
            || !node.is_named()
            || self.frames.len() >= self.frames_max
        {
            return;
        }
        let (ids, now) = (&self.reader.table.fields, self.tokens.now);
        let Some(frame) = self.parent() else { return };
        let (holder, member) = (frame.classes, frame.node);
        let is_assigned = frame.assigned_at == now && now > 0;
        let is_value = field != 0 && [ids.value, ids.default_value].contains(&field);
        let name = if holder & MEMBERS != 0 && classes & BARE != 0 {
            INSTANCE.into()
        } else if holder & MEMBER != 0 && (is_assigned || is_value) {
            self.member_name(member, holder)
        } else {
            return;
        };
        // What is a block by its kind is one to whoever wrote it; other things are what they turn out to be.
        let kept = if classes & INITIALIZER != 0 { 0 } else { BARE };
        let frame = Frame { classes: FUNCTION | INITIALIZER | kept, ..self.frame(node, 0) };
        self.push(frame);
        let opened = Opened { name, within: None, is_named: false, is_bound: false, classes: INITIALIZER, above: 0 };
        self.open_space(node, opened, Shape::default());
    }

    fn member_name(&mut self, member: Node<'tree>, holder: Classes) -> Box<str> {
        if holder & PROPERTY != 0 {
            // Its scope has the name.
            return "<value>".into();
        }
        let declarator = self.reader.table.fields.declarator;
        if self.reader.table.traits.class_ends_with_body {
            let text = self.reader.child_in(member, &[declarator]).map(|child| self.reader.text_of(child));
            return text.and_then(declared_name).map_or(ANONYMOUS.into(), |(name, _)| name.into());
        }
        let given = self.reader.given_name(member).map(|(name, _)| name);
        let own = || {
            let name = self.reader.child_of(member, NAME)?;
            crate::name::tidy(self.reader.text_of(name))
        };
        given.or_else(own).unwrap_or_else(|| ANONYMOUS.into())
    }

    /// Takes back the function that `inner` is, which has been closed, if it decides nothing and holds no function.
    pub(super) fn take_back(&mut self, inner: &Space) -> bool {
        if inner.functions > 0 || inner.cyclomatic > 1 || inner.cognitive > 0 {
            return false;
        }
        let Some(index) = inner.function.filter(|index| index + 1 == self.found.functions.len()) else { return false };
        if let Some(row) = self.found.functions.pop() {
            self.scopes.take_back(&row.qualified_name);
        }
        self.forget_around();
        let (index, outer) = (index as u32, self.space.function.map_or(u32::MAX, |index| index as u32));
        let calls = self.found.calls.iter_mut().rev().take_while(|call| call.caller == index);
        calls.for_each(|call| call.caller = outer);
        let findings = self.found.findings.iter_mut().rev().take_while(|finding| finding.function == index);
        findings.for_each(|finding| finding.function = outer);
        self.space.take_in(inner);
        true
    }
}
