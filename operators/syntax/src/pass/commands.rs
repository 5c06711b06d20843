//! Commands of a shell: calls by a word, where `return`, `break` and the like are words as any other.
//!
//! A word put together from variables names nothing that can be known from the text.

use super::Pass;
use crate::class::*;
use crate::text_hash::name_hash;
use crate::walk::Node;
use driftline_schema::Call;
use std::ops::ControlFlow::{Break, Continue};

fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.contains(['$', '`', '*', '?', '"', '\''])
}

impl<'tree> Pass<'_, 'tree> {
    /// Notes a command.
    pub(super) fn command(&mut self, node: Node<'tree>) {
        let text = self.reader.text;
        let (mut words, name_field) = ([""; 2], self.reader.table.fields.name);
        self.reader.children(node, |child, field| {
            let word = text.get(child.byte_range()).unwrap_or_default();
            match words {
                ["", _] if field == name_field => words[0] = word,
                [name, ""] if !name.is_empty() => words[1] = word,
                _ => {}
            }
            if words[1].is_empty() { Continue(()) } else { Break(()) }
        });
        let [name, argument] = words;
        match name {
            "return" => self.space.exits += 1,
            // A number says how many loops are left at once, as a label would.
            "break" | "continue" if !matches!(argument, "" | "1") => {
                self.space.cognitive = self.space.cognitive.saturating_add(1);
            }
            "source" | "." => {
                let module = argument.trim_matches(['"', '\'']);
                if is_plain(module) {
                    self.found.imports.push(module, None);
                }
            }
            _ if is_plain(name) => self.called_word(name),
            _ => {}
        }
        if matches!(name, "return" | "exit" | "break" | "continue") {
            self.end_of_block(STATEMENT);
        }
    }

    fn called_word(&mut self, name: &str) {
        let callee = name_hash(name.as_bytes());
        let caller = self.space.function.map_or(u32::MAX, |index| index as u32);
        self.found.calls.push(Call { caller, callee, receiver: 0, times: 1 });
        if let Some(function) = self.named_function().filter(|space| space.name_hash == callee) {
            function.recursive = true;
        }
    }
}
