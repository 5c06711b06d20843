//! Patterns of leaving work to others: observer, strategy, decorator.

use super::view::{Delegation, Method, View, has_base, last_part};
use super::{Clue, Pattern, PatternKind};
use crate::name_hash;
use driftline_schema::{ClassFacts, FieldFacts, Language, NameHash};
use std::collections::{HashMap, HashSet};

/// Classes that can do what a call asks for, and bases of each, that are looked at.
const ABLE_MAX: usize = 32;
const BASES_MAX: usize = 16;

const REGISTERS: [&str; 8] = ["add", "attach", "subscribe", "register", "on", "listen", "observe", "watch"];
const TELLS: [&str; 8] = ["notify", "emit", "publish", "fire", "trigger", "dispatch", "broadcast", "announce"];
/// What every object answers: to ask a field for it decorates nothing.
const OF_ALL_OBJECTS: [&str; 13] = [
    "equals", "hashCode", "toString", "__eq__", "__hash__", "__str__", "__repr__", "valueOf", "toJSON", "String",
    "fmt", "eq", "hash",
];
const LEAVES: [&str; 6] = ["remove", "detach", "unsubscribe", "unregister", "off", "unwatch"];

/// A class with a method that registers and one that tells, on the same field.
pub(super) fn observer(view: &View<'_>, class: &ClassFacts) -> Option<Pattern> {
    let says = |method: &Method<'_>, list: &[&str]| !method.is_constructor() && method.starts_with(list);
    let shares = |a: &Method<'_>, b: &Method<'_>| {
        a.facts.own_fields.iter().any(|field| b.facts.own_fields.binary_search(field).is_ok())
    };
    let registers = |method: &Method<'_>| method.function.metrics.params > 0 && says(method, &REGISTERS);
    let tells: Vec<Method<'_>> = view.methods(class).filter(|method| says(method, &TELLS)).collect();
    // The first that tells from each field: not every pair of methods can be looked at.
    let mut first_of: HashMap<NameHash, usize> = HashMap::new();
    for (index, tell) in tells.iter().enumerate() {
        tell.facts.own_fields.iter().for_each(|field| _ = first_of.entry(*field).or_insert(index));
    }
    let told = |add: Method<'_>| add.facts.own_fields.iter().filter_map(|field| first_of.get(field)).min().copied();
    let mut pairs = view.methods(class).filter(registers).filter_map(|add| Some((add, tells[told(add)?])));
    let (add, tell) = pairs.next()?;
    let mut clues = vec![add.clue("others register", 300), tell.clue("they are told, from the same field", 300)];
    if tell.function.metrics.nesting > 0 || tell.function.metrics.functions > 0 {
        clues.push(tell.clue("one after the other", 200));
    }
    let leaves = view.methods(class).find(|method| says(method, &LEAVES) && shares(method, &tell));
    clues.extend(leaves.map(|leave| leave.clue("they can leave again", 200)));
    let lines = (class.start_line, class.end_line);
    Some(Pattern::of(PatternKind::Observer, &class.qualified_name, lines, clues))
}

/// A class that calls, on a field, a method that several related classes of the file define and it does not.
pub(super) fn strategy(view: &View<'_>, index: usize, delegations: &[Delegation<'_>]) -> Option<Pattern> {
    let all = &view.facts.structure.classes;
    let class = &all[index];
    let mut seen = HashSet::new();
    for Delegation { method, field, callee } in delegations {
        if view.defines(index, *callee) || !seen.insert((*callee, &*field.kind)) {
            continue;
        }
        let able: Vec<&ClassFacts> = view.definers(*callee).take(ABLE_MAX).map(|definer| &all[definer]).collect();
        let (base, members) = match (view.language(), family(&able)) {
            // What implements an interface is not written there.
            (Language::Go, _) if view.is_interface(last_part(&field.kind)) => (last_part(&field.kind), able),
            (Language::Go, _) => continue,
            (_, Some(family)) => family,
            (_, None) => continue,
        };
        if members.len() < 2 || has_base(class, base) {
            continue;
        }
        let mut clues = vec![method.clue("leaves work to an object it holds", 400)];
        let member = |class: &&ClassFacts| Clue { line: class.start_line, what: "can do that work", weight: 150 };
        clues.extend(members.iter().take(2).map(member));
        if last_part(&field.kind) == base {
            clues.push(Clue { line: class.start_line, what: "the field has the type they share", weight: 200 });
        }
        if view.is_interface(base) {
            clues.push(method.clue("what they share is an interface", 100));
        }
        let lines = (class.start_line, class.end_line);
        return Some(Pattern::of(PatternKind::Strategy, &class.qualified_name, lines, clues));
    }
    None
}

/// The first base that several of these classes share, with those that do.
fn family<'a>(able: &[&'a ClassFacts]) -> Option<(&'a str, Vec<&'a ClassFacts>)> {
    let bases = |class: &'a ClassFacts| class.bases.iter().take(BASES_MAX).map(|base| last_part(base));
    let mut having: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, class) in able.iter().enumerate() {
        for base in bases(class) {
            let having = having.entry(base).or_default();
            if having.last() != Some(&index) {
                having.push(index);
            }
        }
    }
    let shared = able.iter().flat_map(|class| bases(class)).find(|base| having[base].len() > 1)?;
    Some((shared, having[shared].iter().map(|index| able[*index]).collect()))
}

/// A class with a base (in Go, a field of an interface) whose methods pass the call on to the same method of a field.
pub(super) fn decorator(view: &View<'_>, class: &ClassFacts, delegations: &[Delegation<'_>]) -> Option<Pattern> {
    let mut passed: Vec<(Method<'_>, &FieldFacts)> = delegations
        .iter()
        .filter(|delegation| name_hash(&delegation.method.function.name) == delegation.callee)
        .filter(|delegation| !OF_ALL_OBJECTS.contains(&&*delegation.method.function.name))
        .map(|delegation| (delegation.method, delegation.field))
        .collect();
    passed.dedup_by_key(|(method, _)| method.facts.function);
    let (_, field) = *passed.first()?;
    let kind = last_part(&field.kind);
    let is_of_base = !kind.is_empty() && has_base(class, kind);
    let is_held = view.is_interface(kind);
    if class.bases.is_empty() && !(view.language() == Language::Go && is_held) {
        return None;
    }
    let line = class.start_line;
    let mut clues = vec![Clue { line, what: "is of a kind that others are of", weight: 200 }];
    clues
        .extend(passed.iter().take(3).map(|(method, _)| method.clue("passes its call on to the same of a field", 200)));
    if is_of_base || is_held {
        clues.push(Clue { line, what: "the field is of that kind", weight: 200 });
    }
    if class.bases.iter().any(|base| view.with_base(base).nth(1).is_some()) {
        clues.push(Clue { line, what: "another class of the file is of that kind", weight: 100 });
    }
    let lines = (class.start_line, class.end_line);
    Some(Pattern::of(PatternKind::Decorator, &class.qualified_name, lines, clues))
}
