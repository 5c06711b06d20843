//! Anti-patterns of structure: telescoping constructors, a base that knows its subclasses.

use super::view::{Method, View};
use super::{Clue, Pattern, PatternKind};
use driftline_schema::{ClassFacts, Language};
use std::collections::HashSet;

/// At least three constructors, each with another number of parameters, the longest with four or more.
pub(super) fn telescoping_constructor(view: &View<'_>, class: &ClassFacts) -> Option<Pattern> {
    if !matches!(view.language(), Language::Java | Language::Cpp) {
        return None;
    }
    let mut constructors: Vec<Method<'_>> = view.methods(class).filter(|method| method.is_constructor()).collect();
    constructors.sort_by_key(|method| method.function.metrics.params);
    constructors.dedup_by_key(|method| method.function.metrics.params);
    let longest = constructors.last()?.function.metrics.params;
    if constructors.len() < 3 || longest < 4 {
        return None;
    }
    let clues = constructors.iter().take(5).map(|method| method.clue("one more constructor", 200)).collect();
    let lines = (class.start_line, class.end_line);
    Some(Pattern::of(PatternKind::TelescopingConstructor, &class.qualified_name, lines, clues))
}

/// A class that makes objects of a class of which it is the base.
pub(super) fn base_knows_subclass(view: &View<'_>, class: &ClassFacts) -> Option<Pattern> {
    // By their places in memory: classes compare by all that they hold.
    let subclasses: HashSet<*const ClassFacts> = view.with_base(&class.name).map(std::ptr::from_ref).collect();
    if subclasses.is_empty() {
        return None;
    }
    let mut clues = Vec::new();
    for method in view.methods(class) {
        for made in view.calls(method.facts.function).iter().filter_map(|call| view.made_by(call)) {
            if subclasses.contains(&std::ptr::from_ref(made)) && made.name != class.name {
                clues.push(method.clue("makes an object of a subclass", 500));
                clues.push(Clue { line: made.start_line, what: "is that subclass", weight: 300 });
            }
        }
    }
    let lines = (class.start_line, class.end_line);
    (!clues.is_empty()).then(|| Pattern::of(PatternKind::BaseKnowsSubclass, &class.qualified_name, lines, clues))
}
