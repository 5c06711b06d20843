//! What the graphs need of one file: keys of what it imports, defines, calls and repeats, in sorted lists.

use super::names::{Family, Key, last_part, name_hash};
use super::resolve::{Place, Target, Want, members, place, want};
use driftline_schema::{FileFacts, FileRow, FunctionKind, Language};
use driftline_syntax::has_grammar;

/// A function of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Function {
    /// The key of its name; `None` when it cannot be called by one.
    pub(super) key: Option<Key>,
    /// Its qualified name, hashed, and its text: what has both is the same function, unchanged.
    pub(super) identity: (u64, u64),
}

/// A class of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Class {
    /// The key of its name.
    pub(super) key: Key,
    /// Bases and kinds of fields.
    pub(super) named: Box<[Key]>,
    /// What its methods call, and what they call it on: classes among functions and objects.
    pub(super) called: Box<[Key]>,
}

impl Class {
    /// All names under which it may use another class.
    pub(super) fn mentions(&self) -> impl Iterator<Item = Key> {
        self.named.iter().chain(&self.called).copied()
    }
}

/// The outline of one file; without facts it is a module that nothing is known of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outline {
    pub(super) place: Place,
    /// Ends of paths under which it may be found besides those of its place; sorted and distinct.
    pub(super) members: Box<[(Key, Key)]>,
    pub(super) wants: Box<[Want]>,
    /// In the order of the facts.
    pub(super) functions: Box<[Function]>,
    /// (caller, name), sorted and distinct.
    pub(super) calls: Box<[(u32, Key)]>,
    /// Names called, once for each caller; sorted.
    called: Box<[Key]>,
    pub(super) classes: Box<[Class]>,
    /// (name, class that bears it), sorted.
    bearers: Box<[(Key, u32)]>,
    /// (name, class that mentions it), sorted and distinct.
    mentions: Box<[(Key, u32)]>,
    /// Sorted and distinct.
    pub(super) windows: Box<[(u64, u64)]>,
}

/// Sorted, each with its count.
pub(super) fn counted<T: Ord + Copy>(items: impl IntoIterator<Item = T>) -> Vec<(T, u32)> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort_unstable();
    items.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u32)).collect()
}

/// Sorted and distinct.
pub(super) fn distinct<T: Ord>(items: impl IntoIterator<Item = T>) -> Box<[T]> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort_unstable();
    items.dedup();
    items.into()
}

impl Outline {
    /// The outline of a file; `None` when it has no language, or one that this build cannot read: nothing would be known
    /// of any file of it.
    pub(super) fn of(row: &FileRow, facts: Option<&FileFacts>) -> Option<Self> {
        let language = row.language.filter(|language| has_grammar(*language))?;
        let place = place(&row.path, language);
        let Some(facts) = facts else {
            let (members, wants, functions, calls, called) = Default::default();
            let (classes, bearers, mentions, windows) = Default::default();
            return Some(Self { place, members, wants, functions, calls, called, classes, bearers, mentions, windows });
        };
        let family = place.family;
        let structure = &facts.structure;
        let calls = distinct(structure.calls.iter().map(|call| (call.caller, family.function(call.callee))));
        let mut called: Box<[Key]> = calls.iter().map(|(_, callee)| *callee).collect();
        called.sort_unstable();
        let classes = classes(family, facts);
        let mentions = (0..).zip(&classes).flat_map(|(at, class)| class.mentions().map(move |name| (name, at)));
        Some(Self {
            place,
            members: members(&row.path, language, outermost(facts)),
            wants: structure.imports.iter().filter_map(|import| want(&row.path, language, import)).collect(),
            functions: functions(family, facts),
            calls,
            called,
            bearers: distinct((0..).zip(&classes).map(|(at, class)| (class.key, at))),
            mentions: distinct(mentions),
            classes,
            windows: distinct(structure.windows.iter().map(|window| (window.hash, window.check))),
        })
    }

    /// Keys of modules that could change what its imports mean.
    pub(super) fn wanted(&self) -> Box<[Key]> {
        let targets =
            |want: &Want| want.first_of.iter().chain(&want.names).map(|target: &Target| target.key()).collect();
        distinct(self.wants.iter().flat_map::<Vec<Key>, _>(targets))
    }
    /// Names of functions, with how many bear each.
    pub(super) fn defined(&self) -> Vec<(Key, u32)> {
        counted(self.functions.iter().filter_map(|function| function.key))
    }
    /// Called names, with from how many functions each is called.
    pub(super) fn called(&self) -> Vec<(Key, u32)> {
        self.called.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u32)).collect()
    }
    /// Names of classes, with how many bear each.
    pub(super) fn declared(&self) -> Vec<(Key, u32)> {
        counted(self.bearers.iter().map(|(name, _)| *name))
    }
    /// Names under which classes may use others.
    pub(super) fn mentioned(&self) -> Box<[Key]> {
        let mut names: Vec<Key> = self.mentions.iter().map(|(name, _)| *name).collect();
        names.dedup();
        names.into()
    }
    /// The first class of this name.
    pub(super) fn class(&self, name: Key) -> Option<u32> {
        let first = self.bearers.partition_point(|(other, _)| *other < name);
        self.bearers.get(first).filter(|(other, _)| *other == name).map(|(_, at)| *at)
    }
    /// Classes that mention a name, in order of place.
    pub(super) fn mentioning(&self, name: Key) -> impl Iterator<Item = u32> {
        let first = self.mentions.partition_point(|(other, _)| *other < name);
        self.mentions[first..].iter().take_while(move |(other, _)| *other == name).map(|(_, at)| *at)
    }
    /// What one function calls.
    pub(super) fn calls_of(&self, caller: u32) -> impl Iterator<Item = Key> {
        let start = self.calls.partition_point(|(other, _)| *other < caller);
        self.calls[start..].iter().take_while(move |(other, _)| *other == caller).map(|(_, callee)| *callee)
    }
    /// How many functions call a name.
    pub(super) fn callers_of(&self, callee: Key) -> usize {
        let first = self.called.partition_point(|other| *other < callee);
        self.called[first..].partition_point(|other| *other == callee)
    }
}

/// Names of functions and classes outside of all classes.
fn outermost(facts: &FileFacts) -> impl Iterator<Item = &str> {
    let functions = facts.functions.iter().map(|function| (&function.name, &function.qualified_name));
    let classes = facts.structure.classes.iter().map(|class| (&class.name, &class.qualified_name));
    functions
        .chain(classes)
        .filter(|(name, qualified)| name == qualified && !name.starts_with('<'))
        .map(|(name, _)| &**name)
}

fn functions(family: Family, facts: &FileFacts) -> Box<[Function]> {
    let callable = |kind| !matches!(kind, FunctionKind::Initializer);
    facts
        .functions
        .iter()
        .map(|function| Function {
            key: (callable(function.kind) && !function.name.starts_with('<'))
                .then(|| family.function(name_hash(&function.name))),
            identity: (name_hash(&function.qualified_name), function.text_hash),
        })
        .collect()
}

fn classes(family: Family, facts: &FileFacts) -> Box<[Class]> {
    let calls = &facts.structure.calls;
    let named =
        |name: &str| Some(last_part(name)).filter(|name| !name.is_empty()).map(|name| family.class(name_hash(name)));
    let class = |class: &driftline_schema::ClassFacts| {
        let key = family.class(name_hash(&class.name));
        let kinds = class.fields.iter().map(|field| &field.kind);
        // Calls stand in order of their callers: a class looks at those of its methods and at no others.
        let calls = class.methods.iter().flat_map(|method| {
            let first = calls.partition_point(|call| call.caller < method.function);
            calls[first..].iter().take_while(|call| call.caller == method.function)
        });
        let names = calls.flat_map(|call| [call.callee, call.receiver]).filter(|name| *name != 0);
        let called = distinct(names.map(|name| family.class(name)));
        Class { key, named: distinct(class.bases.iter().chain(kinds).filter_map(|name| named(name))), called }
    };
    let mut found: Vec<(&str, Class)> =
        facts.structure.classes.iter().map(|facts| (&*facts.qualified_name, class(facts))).collect();
    if facts.language == Language::Scala {
        found = with_companions(found);
    }
    found.into_iter().map(|(_, class)| class).collect()
}

/// A class and the object beside it that has its name are one: whoever says the name may mean either.
fn with_companions(mut classes: Vec<(&str, Class)>) -> Vec<(&str, Class)> {
    classes.sort_by_key(|(name, _)| *name);
    classes.dedup_by(|(name, next), (kept_name, kept)| {
        let is_companion = name == kept_name;
        if is_companion {
            kept.named = distinct(kept.named.iter().chain(&next.named).copied());
            kept.called = distinct(kept.called.iter().chain(&next.called).copied());
        }
        is_companion
    });
    classes
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_scala_class_and_its_companion_are_one_class_that_uses_what_both_use() {
        let class = |name, bases| sample::Class { name, bases, ..sample::Class::default() };
        let content = sample::Content {
            classes: vec![class("C", vec!["A", "B"]), class("D", vec![]), class("C", vec!["B", "E"])],
            ..sample::Content::default()
        };
        let key = |name| Family::Jvm.class(name_hash(name));
        let keys =
            |language| classes(Family::Jvm, &content.facts(language)).iter().map(|class| class.key).collect::<Vec<_>>();
        assert_eq!(keys(Language::Scala), [key("C"), key("D")]);
        assert_eq!(keys(Language::Kotlin), [key("C"), key("D"), key("C")]);
        let joined = &classes(Family::Jvm, &content.facts(Language::Scala))[0];
        assert_eq!(joined.named, distinct(["A", "B", "E"].map(key)));
    }
}
