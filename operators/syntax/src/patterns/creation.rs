//! Patterns of making objects: singleton, builder, factory.

use super::view::{Method, View, words};
use super::{Clue, Pattern, PatternKind};
use driftline_schema::facts::{FunctionFacts, FunctionKind};
use driftline_schema::{ClassFacts, FieldFacts, Language};
use std::collections::BTreeMap;

/// Methods of a class by which it may be related to others that are looked at.
const METHODS_MAX: usize = 64;

/// Words for the one instance, in names of fields and methods.
const INSTANCE: [&str; 5] = ["instance", "singleton", "inst", "shared", "only"];
const MAKES: [&str; 9] = ["create", "make", "build", "new", "get", "of", "from", "produce", "parse"];
/// Last words of names of what is thrown.
const THROWN: [&str; 4] = ["error", "exception", "warning", "fault"];
const FINISHES: [&str; 5] = ["build", "create", "finish", "make", "construct"];

/// A class with two of: a shared field for the instance, a hidden constructor, a shared method that gives the instance.
pub(super) fn singleton(view: &View<'_>, class: &ClassFacts) -> Option<Pattern> {
    if matches!(view.language(), Language::C | Language::Go | Language::Rust) {
        return None;
    }
    let says_instance = |name: &str| words(name).last().is_some_and(|word| INSTANCE.contains(&word.as_str()));
    let is_own = |field: &&FieldFacts| field.shared && (field.kind == class.name || says_instance(&field.name));
    let mut clues = Vec::new();
    if class.fields.iter().any(|field| is_own(&field)) {
        clues.push(Clue { line: class.start_line, what: "a shared field for an instance of the class", weight: 400 });
    }
    let hides = |method: &Method<'_>| match view.language() {
        // Constructors cannot be hidden there; `__new__` decides which object is given.
        Language::Python => &*method.function.name == "__new__",
        Language::JavaScript => false,
        _ => method.is_constructor() && !method.facts.public,
    };
    clues.extend(view.methods(class).find(hides).map(|m| m.clue("a constructor that others cannot use freely", 300)));
    let gives = |method: &Method<'_>| {
        method.facts.shared && method.function.metrics.params == 0 && says_instance(&method.function.name)
    };
    clues.extend(view.methods(class).find(gives).map(|m| m.clue("a shared method that gives the instance", 300)));
    let lines = (class.start_line, class.end_line);
    (clues.len() >= 2).then(|| Pattern::of(PatternKind::Singleton, &class.qualified_name, lines, clues))
}

/// A class with at least two setters that can be chained and a method that makes the whole.
pub(super) fn builder(view: &View<'_>, class: &ClassFacts) -> Option<Pattern> {
    let is_step = |method: &Method<'_>| {
        // Rust gives the object back as its last expression, which is no exit.
        let gives_back = method.function.metrics.exits > 0 || view.language() == Language::Rust;
        let plain = !method.is_constructor() && !method.facts.shared && method.facts.public;
        plain && gives_back && method.function.metrics.params == 1 && method.facts.own_fields.len() == 1
    };
    let says_so = words(&class.name).last().is_some_and(|word| word == "builder");
    let finishes = |method: &Method<'_>| {
        let plain = !method.is_constructor() && !method.facts.shared && !method.facts.own_fields.is_empty();
        // A map that has `createEntrySet` is no builder: what is made there is a part of it.
        let is_whole = says_so || words(&method.function.name).len() == 1;
        plain && is_whole && method.starts_with(&FINISHES)
    };
    let last = view.methods(class).find(finishes)?;
    let steps: Vec<Method<'_>> = view.methods(class).filter(is_step).collect();
    if steps.len() < 2 {
        return None;
    }
    let mut clues = vec![last.clue("a method that makes the whole", 300)];
    clues.extend(steps.iter().take(4).map(|step| step.clue("a step that can be chained", 100)));
    if last.facts.own_fields.len() > 1 {
        clues.push(last.clue("the whole is made of several parts", 100));
    }
    if says_so {
        clues.push(Clue { line: class.start_line, what: "the name says so", weight: 200 });
    }
    let lines = (class.start_line, class.end_line);
    Some(Pattern::of(PatternKind::Builder, &class.qualified_name, lines, clues))
}

/// Functions that make objects of at least two classes which share a base or, where none is written, a method.
pub(super) fn factories(view: &View<'_>) -> Vec<Pattern> {
    let functions = &view.facts.functions;
    if view.facts.structure.classes.len() < 2 {
        return Vec::new();
    }
    let named = |function: &FunctionFacts| {
        !matches!(function.kind, FunctionKind::Closure | FunctionKind::Constructor | FunctionKind::Initializer)
    };
    let candidates = functions.iter().enumerate().filter(|(_, function)| named(function));
    candidates.filter_map(|(index, function)| factory(view, index as u32, function)).collect()
}

fn factory(view: &View<'_>, index: u32, function: &FunctionFacts) -> Option<Pattern> {
    // What is thrown is chosen by what went wrong, and nobody asks for it.
    let is_thrown = |name: &str| words(name).last().is_some_and(|word| THROWN.contains(&word.as_str()));
    let is_product = |class: &&ClassFacts| !is_thrown(&class.name) && !class.bases.iter().any(|base| is_thrown(base));
    let made = view.calls(index).iter().filter_map(|call| view.made_by(call));
    let mut made: Vec<&ClassFacts> = made.filter(is_product).collect();
    if made.len() < 2 {
        return None;
    }
    // Each once, by its place in memory: classes compare by all that they hold.
    made.sort_by_key(|class| std::ptr::from_ref(*class));
    made.dedup_by_key(|class| std::ptr::from_ref(*class));
    made.sort();
    if made.len() < 2 {
        return None;
    }
    let mut families: BTreeMap<String, Vec<&ClassFacts>> = BTreeMap::new();
    for class in &made {
        let own: Vec<String> = if view.language() == Language::Go {
            view.methods(class).take(METHODS_MAX).map(|method| method.function.name.to_string()).collect()
        } else {
            class.bases.iter().map(|base| super::view::last_part(base).to_owned()).collect()
        };
        own.into_iter().for_each(|name| families.entry(name).or_default().push(class));
    }
    let products = families.into_values().max_by_key(Vec::len).filter(|products| products.len() > 1)?;
    let clue = |weight, what| Clue { line: function.start_line, what, weight };
    let mut clues = vec![clue(400, "makes objects of related classes")];
    let product = |class: &&ClassFacts| Clue { line: class.start_line, what: "is one of them", weight: 100 };
    clues.extend(products.iter().take(3).map(product));
    if function.metrics.cyclomatic > 1 {
        clues.push(clue(200, "chooses between them"));
    }
    if words(&function.name).first().is_some_and(|word| MAKES.contains(&word.as_str())) {
        clues.push(clue(100, "the name says so"));
    }
    let lines = (function.start_line, function.end_line);
    Some(Pattern::of(PatternKind::Factory, &function.qualified_name, lines, clues))
}
