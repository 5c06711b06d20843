//! Direct recursion: a call of the function it stands in, as far as the text of one file can tell.
//!
//! Only the name is compared, and where a language tells functions of one name apart by their parameters, the number of
//! arguments: a method of the same name on another object is no recursion, so an object must be the receiver itself.

use super::Pass;
use crate::class::*;
use crate::space::Space;
use driftline_schema::facts::FunctionKind;
use std::ops::ControlFlow::Continue;
use tree_sitter::Node;

impl<'tree> Pass<'_, 'tree> {
    /// Notes whether this call is one of the nearest named function around it.
    pub(super) fn call(&mut self, call: Node<'tree>) {
        if self.is_recursive_call(call).is_some_and(|is_recursive| is_recursive)
            && let Some(function) = self.named_function()
        {
            function.recursive = true;
        }
    }

    /// The nearest function around that has a name.
    fn named_function(&mut self) -> Option<&mut Space> {
        let enclosing = self.space.named?;
        // The innermost space stands apart from the stack of those around it.
        if enclosing == self.outer_spaces.len() { Some(&mut self.space) } else { self.outer_spaces.get_mut(enclosing) }
    }

    /// Whether the call is one of the nearest named function; `None` if there is none or nothing is called.
    fn is_recursive_call(&mut self, call: Node<'tree>) -> Option<bool> {
        let traits = self.reader.table.traits;
        let text = self.reader.text;
        let index = self.named_function()?.function?;
        let arguments = call.child(call.child_count().checked_sub(1)?)?;
        let end = if traits.callee_first { call.child(0)?.end_byte() } else { arguments.start_byte() };
        let function = &self.found.functions[index];
        // Most calls are told apart by their length alone.
        if end.saturating_sub(call.start_byte()) < function.name.len() {
            return None;
        }
        let before = text.get(call.start_byte()..end)?.trim_end().strip_suffix(&*function.name)?;
        let is_method = matches!(function.kind, FunctionKind::Method | FunctionKind::Constructor);
        let space = self.named_function()?;
        let is_own = if before.is_empty() {
            !is_method || traits.implicit_self
        } else {
            let receiver = before.strip_suffix('.');
            is_method
                && (traits.self_prefixes.contains(&before)
                    || (receiver.is_some() && receiver == space.receiver.as_deref()))
        };
        let params = space.params;
        Some(is_own && (!traits.overloads || self.argument_count(arguments) == params))
    }

    fn argument_count(&mut self, arguments: Node<'tree>) -> u32 {
        let table = self.reader.table;
        let mut count = 0;
        self.reader.children(arguments, |child, _field| {
            count += u32::from(child.is_named() && table.classes(child.kind_id()) & COMMENT == 0);
            Continue(())
        });
        count
    }
}
