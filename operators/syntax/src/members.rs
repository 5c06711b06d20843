//! Classes put together from their parts: whose methods are whose, and which members each method uses.
//!
//! The pass notes uses of members as it meets them; whether a name is a field, a method or neither is only known when
//! the whole file was read, and is decided here. A field that is inherited counts by its name.

use super::table::Traits;
use super::text_hash::name_hash;
use driftline_schema::facts::{FunctionFacts, FunctionKind};
use driftline_schema::{ClassFacts, FieldFacts, MethodFacts, NameHash};
use std::collections::HashMap;

/// How a method uses a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Reads or writes a member of its own object.
    Own,
    /// Calls a method of its own object.
    OwnCall,
    /// Reads or writes a member of another object.
    Foreign,
    /// Names something that may be a field of its own.
    Plain,
    /// Calls something that may be a method of its own.
    PlainCall,
    /// Declares a name, which is then no field.
    Declared,
    /// A use that turned out to be of no interest.
    Nothing,
}

/// One use of a member by a method.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    /// Index of the method.
    pub(super) method: u32,
    pub(super) kind: Use,
    /// The other object; zero where it has no name.
    pub(super) object: NameHash,
    pub(super) name: NameHash,
    /// Where the name starts and ends (bytes).
    pub(super) start: u32,
    pub(super) end: u32,
    /// Whether it is assigned to.
    pub(super) written: bool,
}

/// A class or a part of one.
pub(super) struct ClassDraft {
    pub(super) facts: ClassFacts,
    /// Whether it only holds methods of a class declared elsewhere.
    pub(super) loose: bool,
    /// Whether members that follow are public unless they say otherwise.
    pub(super) public_now: bool,
    /// Methods declared without a body: name, whether public, whether shared.
    pub(super) declared: Vec<(NameHash, bool, bool)>,
}

/// A method and the draft it belongs to.
pub(super) struct MethodDraft {
    pub(super) class: u32,
    pub(super) facts: MethodFacts,
}

/// What is known of the file when its classes are put together.
pub(super) struct Context<'a> {
    pub(super) text: &'a str,
    pub(super) traits: Traits,
    pub(super) functions: &'a [FunctionFacts],
    /// Names that are modules or come from one, sorted: no objects.
    pub(super) imported: &'a [NameHash],
}

/// Names of the members of one class.
#[derive(Default)]
struct Members {
    methods: Vec<NameHash>,
    /// Fields and whether they are shared.
    fields: HashMap<NameHash, bool>,
    /// Methods declared without a body: whether public, whether shared.
    declared: HashMap<NameHash, (bool, bool)>,
}

/// The draft that each draft is a part of: itself, or the declared class of the same name.
fn targets(drafts: &[ClassDraft]) -> Vec<usize> {
    let mut declared: HashMap<&str, usize> = HashMap::new();
    for (index, draft) in drafts.iter().enumerate().filter(|(_, draft)| !draft.loose) {
        declared.entry(&draft.facts.name).or_insert(index);
    }
    let own = drafts.iter().enumerate();
    own.map(
        |(index, draft)| {
            if draft.loose { declared.get(&*draft.facts.name).copied().unwrap_or(index) } else { index }
        },
    )
    .collect()
}

/// The classes of a file, in order of their start.
pub(super) fn assemble(
    mut drafts: Vec<ClassDraft>,
    methods: Vec<MethodDraft>,
    accesses: &mut [Access],
    context: &Context<'_>,
) -> Vec<ClassFacts> {
    let targets = targets(&drafts);
    for index in 0..drafts.len() {
        if targets[index] != index {
            let bases = std::mem::take(&mut drafts[index].facts.bases);
            drafts[targets[index]].facts.bases.extend(bases);
        }
    }
    let mut members: Vec<Members> = drafts.iter().map(|_| Members::default()).collect();
    for method in &methods {
        let name = &context.functions[method.facts.function as usize].name;
        members[targets[method.class as usize]].methods.push(name_hash(name.as_bytes()));
    }
    for (members, draft) in members.iter_mut().zip(&drafts) {
        members.methods.extend(draft.declared.iter().map(|(name, _, _)| *name));
        members.methods.sort_unstable();
        for (name, public, shared) in &draft.declared {
            // Of several declarations the first counts.
            members.declared.entry(*name).or_insert((*public, *shared));
        }
        members.fields =
            draft.facts.fields.iter().map(|field| (name_hash(field.name.as_bytes()), field.shared)).collect();
    }
    // Stable: inner functions of a method are met between its own uses.
    accesses.sort_by_key(|access| access.method);
    let mut rest = &*accesses;
    for (index, method) in methods.into_iter().enumerate() {
        let count = rest.partition_point(|access| access.method as usize == index);
        let (own, others) = rest.split_at(count);
        rest = others;
        let target = targets[method.class as usize];
        let mut facts = method.facts;
        if drafts[method.class as usize].loose {
            declared_access(&members[target], &mut facts, context);
        }
        if context.traits.fields_by_assignment {
            assigned_fields(&mut drafts[target], &mut members[target], own, context);
        }
        uses(&mut facts, own, &members[target], context);
        facts.accessor = is_accessor(&facts, &context.functions[facts.function as usize]);
        drafts[target].facts.methods.push(facts);
    }
    for draft in &mut drafts {
        draft.facts.methods.sort_by_key(|method| method.function);
    }
    let kept = drafts.into_iter().enumerate().filter(|(index, _)| targets[*index] == *index);
    let mut classes: Vec<ClassFacts> = kept.map(|(_, draft)| draft.facts).collect();
    classes.sort_by_key(|class| class.start_line);
    classes
}

/// Takes from a declaration in the class what a definition outside of it does not say.
fn declared_access(members: &Members, facts: &mut MethodFacts, context: &Context<'_>) {
    let name = name_hash(context.functions[facts.function as usize].name.as_bytes());
    if let Some(declared) = members.declared.get(&name) {
        (facts.public, facts.shared) = *declared;
    }
}

/// Adds the fields that a method declares by assigning to them.
fn assigned_fields(draft: &mut ClassDraft, members: &mut Members, own: &[Access], context: &Context<'_>) {
    for access in own.iter().filter(|access| access.kind == Use::Own && access.written) {
        let name = context.text.get(access.start as usize..access.end as usize).unwrap_or_default();
        if members.methods.binary_search(&access.name).is_err() && !members.fields.contains_key(&access.name) {
            members.fields.insert(access.name, false);
            let public = !name.starts_with(['_', '#', '@']);
            draft.facts.fields.push(FieldFacts { name: name.into(), public, shared: false, kind: "".into() });
        }
    }
}

/// Sorts a method's uses of members.
fn uses(facts: &mut MethodFacts, own: &[Access], members: &Members, context: &Context<'_>) {
    let is_method = |name: NameHash| members.methods.binary_search(&name).is_ok();
    let mut locals: Vec<NameHash> = own.iter().filter(|a| a.kind == Use::Declared).map(|a| a.name).collect();
    locals.sort_unstable();
    for access in own {
        let name = access.name;
        match access.kind {
            // A method may be called as the field is that it sets.
            Use::Own if is_method(name) && !members.fields.contains_key(&name) => facts.own_calls.push(name),
            Use::Own => facts.own_fields.push(name),
            // A field may hold a function.
            Use::OwnCall if !is_method(name) && members.fields.contains_key(&name) => facts.own_fields.push(name),
            Use::OwnCall => facts.own_calls.push(name),
            Use::PlainCall if is_method(name) => facts.own_calls.push(name),
            Use::Plain if context.traits.bare_calls && is_method(name) && locals.binary_search(&name).is_err() => {
                facts.own_calls.push(name);
            }
            Use::Foreign if context.imported.binary_search(&access.object).is_err() => {
                facts.foreign_fields.push((access.object, name));
            }
            Use::Plain if members.fields.get(&name) == Some(&false) && locals.binary_search(&name).is_err() => {
                facts.own_fields.push(name);
            }
            _ => {}
        }
    }
    facts.own_fields.sort_unstable();
    facts.own_fields.dedup();
    facts.own_calls.sort_unstable();
    facts.own_calls.dedup();
    facts.foreign_fields.sort_unstable();
    facts.foreign_fields.dedup();
}

/// Whether a method only reads or writes one field of its own.
fn is_accessor(facts: &MethodFacts, function: &FunctionFacts) -> bool {
    let metrics = &function.metrics;
    function.kind == FunctionKind::Method
        && facts.own_fields.len() == 1
        && facts.own_calls.is_empty()
        && facts.foreign_fields.is_empty()
        && (metrics.cyclomatic, metrics.branches, metrics.functions) == (1, 0, 0)
        && metrics.lloc <= 1
}
