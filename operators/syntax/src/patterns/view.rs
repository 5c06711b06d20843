//! The facts of a file as the heuristics ask for them: methods with their functions, calls by caller, classes by base.

use super::Clue;
use crate::name_hash;
use crate::text_hash::name_hash as hash_of_bytes;
use driftline_schema::facts::{FileFacts, FunctionFacts, FunctionKind};
use driftline_schema::{Call, ClassFacts, ClassKind, FieldFacts, Language, MethodFacts, NameHash};
use std::collections::{HashMap, HashSet};

/// Calls of one function that are looked at: functions within each other share theirs.
const CALLS_MAX: usize = 1_000;

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

    /// Whether the first word of its name is one of these.
    pub(super) fn starts_with(self, list: &[&str]) -> bool {
        let word = first_word(&self.function.name);
        list.iter().any(|other| word.chars().flat_map(char::to_lowercase).eq(other.chars()))
    }
}

/// A file and what its parts are called.
pub(super) struct View<'a> {
    pub(super) facts: &'a FileFacts,
    /// Hash of each name by which a class is made, with the class's index.
    classes: HashMap<NameHash, usize>,
    /// Hash of each method's name with the index of its class, sorted.
    definers: Vec<(NameHash, usize)>,
    /// Last part of each base with the index of the class that names it, sorted.
    bases: Vec<(&'a str, usize)>,
    /// Names of interfaces and traits.
    interfaces: HashSet<&'a str>,
    /// Hashes of the names of functions that make an object (Rust).
    makers: [NameHash; 4],
}

/// A call on an object that a field of the class holds.
pub(super) struct Delegation<'a> {
    pub(super) method: Method<'a>,
    pub(super) field: &'a FieldFacts,
    pub(super) callee: NameHash,
}

impl<'a> View<'a> {
    pub(super) fn new(facts: &'a FileFacts) -> Self {
        let makers = ["new", "default", "create", "from"].map(name_hash);
        let is_interface = |class: &&ClassFacts| matches!(class.kind, ClassKind::Interface | ClassKind::Trait);
        let interfaces = facts.structure.classes.iter().filter(is_interface).map(|class| &*class.name).collect();
        let (classes, definers, bases) = Default::default();
        let mut view = Self { facts, classes, definers, bases, interfaces, makers };
        for (index, class) in facts.structure.classes.iter().enumerate() {
            if facts.language == Language::Go {
                // Of two classes the first is meant.
                for new in ["New", "new"] {
                    let maker = name_hash(&format!("{new}{}", capitalized(&class.name)));
                    view.classes.entry(maker).or_insert(index);
                }
            } else {
                view.classes.insert(name_hash(&class.name), index);
            }
            let names = view.methods(class).map(|method| (name_hash(&method.function.name), index));
            let names: Vec<(NameHash, usize)> = names.collect();
            view.definers.extend(names);
            view.bases.extend(class.bases.iter().map(|base| (last_part(base), index)));
        }
        view.definers.sort_unstable();
        view.definers.dedup();
        view.bases.sort_unstable();
        view.bases.dedup();
        view
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
    pub(super) fn calls(&self, function: u32) -> &'a [Call] {
        let inner = self.facts.functions.get(function as usize).map_or(0, |facts| facts.metrics.functions);
        // Inner functions follow the one around them, as functions stand in order of their start.
        let last = function.saturating_add(inner);
        // Calls stand in order of their callers.
        let calls = &self.facts.structure.calls;
        let calls = &calls[calls.partition_point(|call| call.caller < function)..];
        &calls[..calls.partition_point(|call| call.caller <= last).min(CALLS_MAX)]
    }

    fn class_named(&self, name: NameHash) -> Option<&'a ClassFacts> {
        self.classes.get(&name).map(|index| &self.facts.structure.classes[*index])
    }

    /// The class of this file that a call makes an object of, by the conventions of the language.
    pub(super) fn made_by(&self, call: &Call) -> Option<&'a ClassFacts> {
        match self.language() {
            Language::Go => self.class_named(call.callee),
            Language::Rust if self.makers.contains(&call.callee) => self.class_named(call.receiver),
            Language::Rust => None,
            _ if call.receiver == 0 => self.class_named(call.callee),
            _ => None,
        }
    }

    /// Classes of this file with this base, in order of place.
    pub(super) fn with_base(&self, base: &str) -> impl Iterator<Item = &'a ClassFacts> {
        let base = last_part(base);
        let from = self.bases.partition_point(|(other, _)| *other < base);
        let count = self.bases[from..].partition_point(|(other, _)| *other == base);
        self.bases[from..from + count].iter().map(|(_, index)| &self.facts.structure.classes[*index])
    }

    /// Whether an interface or trait of this file has this name.
    pub(super) fn is_interface(&self, name: &str) -> bool {
        self.interfaces.contains(name)
    }

    /// Whether the class at an index defines a method of this name.
    pub(super) fn defines(&self, index: usize, name: NameHash) -> bool {
        self.definers.binary_search(&(name, index)).is_ok()
    }

    /// Indices of the classes of this file that define a method of this name, in order of place.
    pub(super) fn definers(&self, name: NameHash) -> impl Iterator<Item = usize> {
        let from = self.definers.partition_point(|(other, _)| *other < name);
        self.definers[from..].iter().take_while(move |(other, _)| *other == name).map(|(_, index)| *index)
    }

    /// What the methods of `class` call on its fields, in order of methods and callees; constructors apart.
    pub(super) fn delegations(&self, class: &'a ClassFacts) -> Vec<Delegation<'a>> {
        let mut calls: Vec<(Method<'a>, &'a Call)> = Vec::new();
        if !class.fields.is_empty() {
            for method in self.methods(class).filter(|method| !method.is_constructor()) {
                let on_objects = self.calls(method.facts.function).iter().filter(|call| call.receiver != 0);
                calls.extend(on_objects.map(|call| (method, call)));
            }
        }
        if calls.is_empty() {
            return Vec::new();
        }
        let mut receivers: Vec<NameHash> = calls.iter().map(|(_, call)| call.receiver).collect();
        receivers.sort_unstable();
        receivers.dedup();
        let mut held: Vec<Option<&'a FieldFacts>> = vec![None; receivers.len()];
        for field in &class.fields {
            self.receivers_on(field, |receiver| {
                if let Ok(at) = receivers.binary_search(&receiver) {
                    held[at].get_or_insert(field);
                }
            });
        }
        let delegation = |(method, call): (Method<'a>, &Call)| {
            let field = held[receivers.binary_search(&call.receiver).ok()?]?;
            Some(Delegation { method, field, callee: call.callee })
        };
        calls.into_iter().filter_map(delegation).collect()
    }

    /// Visits the hashes of what stands before a call on the object that this field of its own class holds.
    fn receivers_on(&self, field: &FieldFacts, mut visit: impl FnMut(NameHash)) {
        let name = &*field.name;
        match self.language() {
            // The receiver's name is not among the facts; by custom it is one letter.
            Language::Go => {
                let mut text = format!("?.{name}").into_bytes();
                for letter in b'a'..=b'z' {
                    text[0] = letter;
                    visit(hash_of_bytes(&text));
                }
            }
            Language::Python | Language::Rust => visit(name_hash(&format!("self.{name}"))),
            Language::Cpp => visit(name_hash(&format!("this->{name}"))),
            _ => visit(name_hash(&format!("this.{name}"))),
        }
        if matches!(self.language(), Language::Cpp | Language::Java) {
            visit(name_hash(name));
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

/// The first word of a name, as [`words`] tells words apart, in its own case.
fn first_word(name: &str) -> &str {
    let word = name.trim_start_matches(|c: char| !c.is_alphanumeric());
    let mut rest = word.char_indices().skip(1);
    let end = rest.find(|(_, c)| c.is_uppercase() || !c.is_alphanumeric());
    end.map_or(word, |(end, _)| &word[..end])
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
            assert_eq!(first_word(name).to_lowercase(), "add", "{name}");
        }
    }

    #[test]
    fn a_base_is_known_by_its_last_part() {
        for name in ["Shape", "a::Shape", "a.b.Shape", "Shape<T>", "public Shape"] {
            assert_eq!(last_part(name), "Shape", "{name}");
        }
    }
}
