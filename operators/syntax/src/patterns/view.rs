//! The facts of a file as the heuristics ask for them: methods with their functions, calls by caller, classes by base.

use super::Clue;
use crate::name_hash;
use driftline_schema::facts::{FileFacts, FunctionFacts, FunctionKind};
use driftline_schema::{Call, ClassFacts, FieldFacts, Language, MethodFacts, NameHash};
use std::collections::HashMap;

/// A method and its function.
#[derive(Clone, Copy)]
pub(super) struct Method<'a> {
    pub(super) facts: &'a MethodFacts,
    pub(super) function: &'a FunctionFacts,
}

impl<'a> Method<'a> {
    pub(super) fn is_constructor(self) -> bool {
        self.function.kind == FunctionKind::Constructor
    }

    pub(super) fn clue(self, what: &'static str, weight: u32) -> Clue {
        Clue { line: self.function.start_line, what, weight }
    }

    /// The words of its name.
    pub(super) fn words(self) -> Vec<String> {
        words(&self.function.name)
    }
}

/// A file and what its parts are called.
pub(super) struct View<'a> {
    pub(super) facts: &'a FileFacts,
    /// Hash of each class's name, with its index.
    classes: HashMap<NameHash, usize>,
}

impl<'a> View<'a> {
    pub(super) fn new(facts: &'a FileFacts) -> Self {
        let classes = facts.structure.classes.iter().enumerate();
        Self { facts, classes: classes.map(|(index, class)| (name_hash(&class.name), index)).collect() }
    }

    pub(super) fn language(&self) -> Language {
        self.facts.language
    }

    pub(super) fn methods(&self, class: &'a ClassFacts) -> impl Iterator<Item = Method<'a>> {
        let functions = &self.facts.functions;
        let method =
            |facts: &'a MethodFacts| functions.get(facts.function as usize).map(|function| Method { facts, function });
        class.methods.iter().filter_map(method)
    }

    /// What a function calls, closures in it included.
    pub(super) fn calls(&self, function: u32) -> impl Iterator<Item = &'a Call> {
        let inner = self.facts.functions.get(function as usize).map_or(0, |facts| facts.metrics.functions);
        // Inner functions follow the one around them, as functions stand in order of their start.
        let callers = function..=function.saturating_add(inner);
        self.facts.structure.calls.iter().filter(move |call| callers.contains(&call.caller))
    }

    fn class_named(&self, name: NameHash) -> Option<&'a ClassFacts> {
        self.classes.get(&name).map(|index| &self.facts.structure.classes[*index])
    }

    /// The class of this file that a call makes an object of, by the conventions of the language.
    pub(super) fn made_by(&self, call: &Call) -> Option<&'a ClassFacts> {
        match self.language() {
            Language::Go => {
                let made = |class: &&ClassFacts| {
                    ["New", "new"]
                        .iter()
                        .any(|new| name_hash(&format!("{new}{}", capitalized(&class.name))) == call.callee)
                };
                self.facts.structure.classes.iter().find(made)
            }
            Language::Rust => {
                let makes = ["new", "default", "create", "from"].iter().any(|name| name_hash(name) == call.callee);
                self.class_named(call.receiver).filter(|_| makes)
            }
            _ => self.class_named(call.callee).filter(|_| call.receiver == 0),
        }
    }

    /// Classes of this file with this base.
    pub(super) fn with_base(&self, base: &str) -> impl Iterator<Item = &'a ClassFacts> {
        let base = last_part(base).to_owned();
        self.facts.structure.classes.iter().filter(move |class| has_base(class, &base))
    }

    /// Whether `call` is made on the object that this field of its own class holds.
    pub(super) fn is_on_field(&self, call: &Call, field: &FieldFacts) -> bool {
        let name = &field.name;
        if call.receiver == 0 {
            return false;
        }
        let on = |text: String| name_hash(&text) == call.receiver;
        match self.language() {
            // The receiver's name is not among the facts; by custom it is one letter.
            Language::Go => ('a'..='z').any(|letter| on(format!("{letter}.{name}"))),
            Language::Python | Language::Rust => on(format!("self.{name}")),
            Language::Cpp => on(format!("this->{name}")) || on(name.to_string()),
            _ => on(format!("this.{name}")) || (self.language() == Language::Java && on(name.to_string())),
        }
    }
}

/// Whether a class names this base.
pub(super) fn has_base(class: &ClassFacts, base: &str) -> bool {
    class.bases.iter().any(|name| last_part(name) == base)
}

/// The last part of a qualified name, without arguments.
pub(super) fn last_part(name: &str) -> &str {
    let name = name.split('<').next().unwrap_or(name).trim();
    name.rsplit([':', '.', ' ', '*', '&']).next().unwrap_or(name)
}

/// The words of a name in lower case: `addListener`, `add_listener` and `AddListener` are the same.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            open = false;
            continue;
        }
        if !open || c.is_uppercase() {
            words.push(String::new());
        }
        open = true;
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words
}

fn capitalized(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_name_do_not_depend_on_its_style() {
        for name in ["addListener", "add_listener", "AddListener", "_add_listener_", "#addListener"] {
            assert_eq!(words(name), ["add", "listener"], "{name}");
        }
    }

    #[test]
    fn a_base_is_known_by_its_last_part() {
        for name in ["Shape", "a::Shape", "a.b.Shape", "Shape<T>", "public Shape"] {
            assert_eq!(last_part(name), "Shape", "{name}");
        }
    }
}
