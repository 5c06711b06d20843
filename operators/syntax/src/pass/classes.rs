//! Classes, their fields and their methods, as the pass meets them; what belongs together is decided at the end.

use super::Pass;
use crate::class::*;
use crate::members::{ClassDraft, MethodDraft};
use crate::name::{Shape, tidy};
use crate::table::{Imports, Traits, Visibility};
use crate::text_hash::name_hash;
use crate::walk::Node;
use driftline_schema::facts::FunctionKind;
use driftline_schema::{ClassFacts, ClassKind, FieldFacts, MethodFacts};
use std::ops::ControlFlow::Continue;

/// Bases and record components beyond so many are not listed.
const NAMES_MAX: usize = 256;

/// What a class declares of itself.
#[derive(Default)]
struct ClassShape<'a> {
    /// Texts that hold the names of bases.
    bases: Vec<&'a str>,
    /// Components of a record.
    components: Option<&'a str>,
    /// Classes of its children.
    children: Classes,
}

impl<'text, 'tree> Pass<'text, 'tree> {
    /// Opens a class, module or the like; false if it has no name or no body.
    pub(super) fn open_scope(&mut self, node: Node<'tree>, classes: Classes, above: Classes) -> bool {
        let traits = self.reader.table.traits;
        let last = self.reader.text.as_bytes().get(node.end_byte().saturating_sub(1));
        if classes & CLASS == 0 {
            let named =
                if classes & PROPERTY != 0 { self.class_name(node, above) } else { self.reader.scope_name(node) };
            let Some(name) = named else { return false };
            if traits.imports == Imports::Rust && last == Some(&b';') {
                self.found.imports.push(&format!("self::{name}"), None);
                return false;
            }
            // The accessors of a property are methods of the class around it.
            let class = self.scopes.class_index().filter(|_| classes & PROPERTY != 0);
            self.scopes.enter(name, class);
            return true;
        }
        if traits.class_ends_with_body && last != Some(&b'}') {
            return false;
        }
        let Some(name) = self.class_name(node, above) else { return false };
        let shape = self.class_shape(node);
        let Some(kind) = class_kind(classes | shape.children, traits.visibility) else { return false };
        let bases: Vec<Box<str>> = shape.bases.iter().flat_map(|text| base_names(text)).take(NAMES_MAX).collect();
        let is_loose = (classes | shape.children) & IMPL != 0;
        let index =
            if is_loose { self.loose_class(&name, node) } else { self.push_class(name.clone(), kind, false, node) };
        let Some(draft) = self.found.classes.get_mut(index as usize) else { return false };
        draft.public_now = if is_loose {
            !bases.is_empty()
        } else {
            matches!(kind, ClassKind::Interface | ClassKind::Trait)
                || traits.visibility == Visibility::Section
                || (traits.visibility == Visibility::Label && kind != ClassKind::Class)
        };
        draft.facts.bases.extend(bases);
        draft.facts.fields.extend(shape.components.into_iter().flat_map(components).take(NAMES_MAX));
        self.scopes.enter(name, Some(index));
        true
    }

    fn class_name(&mut self, node: Node<'tree>, above: Classes) -> Option<Box<str>> {
        let own = self.reader.scope_name(node);
        if own.is_some() {
            return own;
        }
        if above & NAMER != 0 {
            let namer = self.parent().map(|frame| frame.node)?;
            return self.reader.given_name(namer).map(|(name, _)| name);
        }
        if !self.reader.table.traits.class_ends_with_body {
            return None;
        }
        // `typedef struct { ... } name;`
        let rest = self.reader.text.get(node.end_byte()..)?.trim_start_matches([' ', '\n', '\t', '\r']);
        let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        tidy(&rest[..length])
    }

    fn class_shape(&mut self, node: Node<'tree>) -> ClassShape<'text> {
        let (table, text) = (self.reader.table, self.reader.text);
        let mut shape = ClassShape::default();
        self.reader.children(node, |child, field| {
            let classes = table.classes(child.kind_id());
            shape.children |= classes & (STRUCT | INTERFACE | ENUM | TRAIT | IMPL);
            let words = || text.get(child.byte_range()).unwrap_or_default();
            if classes & BASES != 0 || table.bases.contains(&field) {
                shape.bases.push(words());
            } else if classes & PARAMS != 0 || (field != 0 && field == table.fields.parameters) {
                shape.components = Some(words());
            }
            Continue(())
        });
        shape
    }

    fn push_class(&mut self, name: Box<str>, kind: ClassKind, loose: bool, node: Node<'tree>) -> u32 {
        let qualified_name = self.scopes.path(&name);
        let (start_line, end_line) = (node.start_line(), node.end_position().row as u32 + 1);
        let (bases, fields, methods) = (Vec::new(), Vec::new(), Vec::new());
        let facts = ClassFacts { name, qualified_name, kind, start_line, end_line, bases, fields, methods };
        self.found.classes.push(ClassDraft { facts, loose, public_now: false, declared: Vec::new() });
        self.found.classes.len() as u32 - 1
    }

    /// The class of this name whose methods stand apart.
    fn loose_class(&mut self, name: &str, node: Node<'tree>) -> u32 {
        let name = name.split('<').next().unwrap_or(name);
        let name = name.rsplit("::").next().unwrap_or(name).trim();
        let hash = name_hash(name.as_bytes());
        if let Some(index) = self.loose.get(&hash) {
            return *index;
        }
        let index = self.push_class(name.into(), self.reader.table.traits.loose_class, true, node);
        self.loose.insert(hash, index);
        index
    }

    /// Notes a method; returns the method that uses of members count for and its first token.
    pub(super) fn open_method(
        &mut self,
        node: Node<'tree>,
        classes: Classes,
        shape: &Shape,
        kind: FunctionKind,
        function: usize,
    ) -> (Option<u32>, u32) {
        if !matches!(kind, FunctionKind::Method | FunctionKind::Constructor) {
            return (self.space.method, self.space.method_first);
        }
        let class = match &shape.class {
            Some(class) => Some(self.loose_class(class, node)),
            None => self.scopes.class_index(),
        };
        // A method of an object without a class is none of the class around it.
        let Some(class) = class else {
            return if classes & METHOD != 0 { (None, 0) } else { (self.space.method, self.space.method_first) };
        };
        let prefix = self.reader.text.get(node.start_byte()..shape.name_start).unwrap_or_default();
        let name = shape.name.as_deref().unwrap_or_default();
        let traits = self.reader.table.traits;
        let draft = &self.found.classes[class as usize];
        let outside = shape.class.is_some() && traits.visibility == Visibility::Label;
        let before = self.reader.text.get(..node.start_byte()).unwrap_or_default();
        let hidden = traits.visibility == Visibility::Section
            && traits.private_words.iter().any(|word| before.trim_end().ends_with(word));
        let public = outside || (!hidden && is_public(&traits, prefix, name, draft.public_now));
        let shared = match traits.visibility {
            Visibility::Underscore | Visibility::Pub => !shape.takes_self,
            Visibility::Capital => false,
            _ => has_word(prefix, "static") || has_word(prefix, "class") || prefix.ends_with("self."),
        };
        let facts = MethodFacts {
            function: function as u32,
            public,
            shared,
            accessor: false,
            own_fields: Vec::new(),
            own_calls: Vec::new(),
            foreign_fields: Vec::new(),
        };
        self.found.methods.push(MethodDraft { class, facts });
        (Some(self.found.methods.len() as u32 - 1), self.tokens.now + 1)
    }

    /// Notes whether the members that follow are public.
    pub(super) fn access_label(&mut self, node: Node<'tree>) {
        let public = self.reader.text.get(node.byte_range()).is_some_and(|text| text.starts_with("public"));
        if let Some(draft) = self.scopes.class_index().and_then(|class| self.found.classes.get_mut(class as usize)) {
            draft.public_now = public;
        }
    }

    /// What a node declares: names, their type, and where the words before them end; no names for a property that
    /// is computed.
    fn declaration(&mut self, node: Node<'tree>) -> (Vec<&'text str>, &'text str, usize) {
        let (table, text) = (self.reader.table, self.reader.text);
        let ids = &table.fields;
        let (mut names, mut kind, mut prefix_end) = (Vec::new(), "", node.end_byte());
        let (mut computed, mut assigned, mut declarers, mut after) = (false, false, 0, 0);
        let mut part = |child: Node<'tree>, field: u16, holders: &mut Vec<Node<'tree>>, inside: Option<usize>| {
            let words = || text.get(child.byte_range()).unwrap_or_default();
            let classes = table.classes(child.kind_id());
            let is_name = field != 0 && [ids.name, ids.property, ids.declarator, ids.pattern].contains(&field);
            let is_first = classes & NAME != 0 && (after & DECLARER != 0 || inside == Some(child.start_byte()));
            let is_namer = inside.is_some() && classes & NAMER != 0;
            if is_name || is_first || is_namer {
                names.push(words());
                prefix_end = prefix_end.min(child.start_byte());
            } else if (field != 0 && field == ids.kind) || after & TYPED != 0 || classes & (TYPED | LEAF) == TYPED {
                kind = words();
                prefix_end = prefix_end.min(child.start_byte());
            } else if classes & DECLARES != 0 {
                holders.push(child);
                prefix_end = prefix_end.min(child.start_byte());
            }
            assigned |= classes & ASSIGN != 0;
            declarers += u32::from(classes & DECLARER != 0);
            computed |= classes & (PROPERTY | BODY) != 0 || (classes & ACCESSORS != 0 && has_body(words()));
            after = classes;
            Continue(())
        };
        let mut holders = Vec::new();
        self.reader.children(node, |child, field| part(child, field, &mut holders, None));
        for holder in std::mem::take(&mut holders) {
            let start = Some(holder.start_byte());
            self.reader.children(holder, |child, field| part(child, field, &mut holders, start));
        }
        // Where a word declares, a parameter without it is none.
        let is_field = declarers > 0 || !table.declares;
        if (computed && !assigned) || !is_field { (Vec::new(), kind, prefix_end) } else { (names, kind, prefix_end) }
    }

    /// Notes the fields that a node declares.
    pub(super) fn fields(&mut self, node: Node<'tree>, classes: Classes) {
        let promoted = classes & PROMOTED != 0;
        let class = if promoted { self.scopes.outer_class_index() } else { self.scopes.class_index() };
        let Some(class) = class else { return };
        let (names, kind, prefix_end) = self.declaration(node);
        let (table, text) = (self.reader.table, self.reader.text);
        let sigil = table.traits.self_variable.is_some_and(|name| name.starts_with('$'));
        let prefix = text.get(node.start_byte()..prefix_end).unwrap_or_default();
        let Some(draft) = self.found.classes.get_mut(class as usize) else { return };
        if draft.facts.kind == ClassKind::Enum && table.traits.visibility == Visibility::Pub {
            // Fields of a variant are none of the enum.
            return;
        }
        let is_base = names.is_empty() && table.traits.visibility == Visibility::Capital;
        if is_base {
            draft.facts.bases.extend(base_names(kind.trim_start_matches('*')));
        }
        let public_now = draft.public_now;
        let in_interface = draft.facts.kind == ClassKind::Interface && table.traits.visibility == Visibility::Word;
        let shared = in_interface || has_word(prefix, "static");
        for (name, is_method) in names.into_iter().filter_map(declared_name) {
            let name = if sigil { name.trim_start_matches('$') } else { name };
            let public = is_public(&table.traits, prefix, name, public_now);
            if is_method && table.traits.class_ends_with_body {
                draft.declared.push((name_hash(name.as_bytes()), public, shared));
            } else {
                draft.facts.fields.push(FieldFacts { name: name.into(), public, shared, kind: type_name(kind) });
            }
        }
    }

    /// Notes a field that a class declares by assigning to it (Python).
    pub(super) fn class_variable(&mut self, node: Node<'tree>) {
        let in_class = self.frames.last().is_some_and(|frame| frame.classes & CLASS != 0);
        let Some(class) = self.scopes.class_index().filter(|_| in_class && self.reader.table.traits.decorators) else {
            return;
        };
        let Some((name, _)) = self.reader.given_name(node) else { return };
        let kind = self.reader.child_in(node, &[self.reader.table.fields.kind]).map(|kind| self.reader.text_of(kind));
        let kind = kind.unwrap_or_default();
        let shared = kind.is_empty() || kind.contains("ClassVar");
        let public = is_public(&self.reader.table.traits, "", &name, false);
        if let Some(draft) = self.found.classes.get_mut(class as usize)
            && !draft.facts.fields.iter().rev().take(NAMES_MAX).any(|field| field.name == name)
        {
            draft.facts.fields.push(FieldFacts { name, public, shared, kind: type_name(kind) });
        }
    }

    /// Notes a field that a constructor's parameter declares (TypeScript).
    pub(super) fn parameter_property(&mut self, node: Node<'tree>) {
        let text = self.reader.text.get(node.byte_range()).unwrap_or_default();
        let is_modifier = |word: &str| matches!(word, "public" | "private" | "protected" | "readonly" | "override");
        let first = text.split_whitespace().next().unwrap_or_default();
        let Some(class) = self.scopes.outer_class_index().filter(|_| is_modifier(first)) else { return };
        let mut prefix = text;
        let mut rest = text;
        while let Some(word) = rest.split_whitespace().next().filter(|word| is_modifier(word)) {
            rest = rest.trim_start()[word.len()..].trim_start();
            prefix = &text[..text.len() - rest.len()];
        }
        let kind = rest.split_once(':').map_or("", |(_, kind)| kind);
        if let (Some((name, _)), Some(draft)) = (declared_name(rest), self.found.classes.get_mut(class as usize)) {
            let public = is_public(&self.reader.table.traits, prefix, name, false);
            let field = FieldFacts { name: name.into(), public, shared: false, kind: type_name(kind) };
            draft.facts.fields.push(field);
        }
    }
}

/// What kind of class a node of these classes is; `None` if it is none.
fn class_kind(classes: Classes, visibility: Visibility) -> Option<ClassKind> {
    let kinds = [
        (INTERFACE, ClassKind::Interface),
        (STRUCT, ClassKind::Struct),
        (ENUM, ClassKind::Enum),
        (TRAIT, ClassKind::Trait),
    ];
    let kind = kinds.iter().find(|(class, _)| classes & class != 0).map(|(_, kind)| *kind);
    // Go gives names to types that are no classes.
    kind.or((visibility != Visibility::Capital).then_some(ClassKind::Class))
}

/// Whether one of the accessors in this text has a body.
fn has_body(text: &str) -> bool {
    text.contains("=>") || text.matches('{').count() > 1
}

fn has_word(text: &str, word: &str) -> bool {
    text.split_whitespace().any(|part| part == word)
}

/// Whether a member is public that is written with `prefix` before it.
fn is_public(traits: &Traits, prefix: &str, name: &str, public_now: bool) -> bool {
    match traits.visibility {
        Visibility::Word => public_now || has_word(prefix, "public"),
        Visibility::NotPrivate => {
            // `private[inner]` is private as well.
            let mut words = prefix.split_whitespace().map(|word| word.split('[').next().unwrap_or(word));
            !name.starts_with('#') && !words.any(|word| traits.private_words.contains(&word))
        }
        Visibility::Underscore => !name.starts_with('_') || (name.starts_with("__") && name.ends_with("__")),
        Visibility::Capital => name.starts_with(char::is_uppercase),
        Visibility::Pub => public_now || prefix.split_whitespace().any(|word| word.starts_with("pub")),
        Visibility::Label | Visibility::Section => public_now,
    }
}

/// The name in a declarator and whether it is that of a function.
pub(super) fn declared_name(text: &str) -> Option<(&str, bool)> {
    let signs = ['*', '&', ' ', '\n', '\t', '\r', '"', '\''];
    let mut text = text.trim_start_matches(signs);
    while let Some(rest) = text.strip_prefix("const ").or(text.strip_prefix("volatile ")) {
        text = rest.trim_start_matches(signs);
    }
    let (text, in_brackets) = match text.strip_prefix('(') {
        Some(inner) => (inner.trim_start_matches(['*', '&', ' ', '^']), true),
        None => (text, false),
    };
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '#');
    let length = text.find(|c: char| !is_part(c)).unwrap_or(text.len());
    let name = text.get(..length.min(200)).filter(|name| !name.is_empty())?;
    Some((name, !in_brackets && text[length..].trim_start().starts_with('(')))
}

/// A type's name without arguments and signs.
fn type_name(text: &str) -> Box<str> {
    let text = text.trim_start_matches([':', '*', '&', ' ', '?', '[', ']', '\n', '\t']);
    // `&'a mut T`, `const T`, `dyn T`.
    let is_sign =
        |word: &&str| word.starts_with('\'') || matches!(*word, "mut" | "const" | "dyn" | "volatile" | "struct");
    let text = text.split_whitespace().find(|word| !is_sign(word)).unwrap_or_default();
    let text = text.split(['<', '[', '*', '&', '(', '{', '=', ';', '|']).next().unwrap_or_default();
    tidy(text).unwrap_or_default()
}

/// The names in the text that a class names its bases by.
fn base_names(text: &str) -> Vec<Box<str>> {
    let text = text.trim().trim_start_matches(['(', ':', '<']).trim_end_matches(')');
    let mut names = Vec::new();
    let mut depth = 0usize;
    for part in text.split_inclusive(['<', '>', '[', ']', '(', ')', '{', '}', ',', '+']) {
        if depth == 0 {
            let word = part.trim_end_matches(['<', '>', '[', ']', '(', ')', '{', '}', ',', '+']);
            let is_keyword = |word: &&str| {
                !matches!(*word, "extends" | "implements" | "public" | "private" | "protected" | "virtual" | "with")
            };
            // What another object does for the class stands behind `by`.
            let mut words = word.split_whitespace().take_while(|word| *word != "by");
            // `extends A implements B` stands in one text: the word before decides, the next is a name.
            names.extend(words.by_ref().filter(is_keyword).filter(|word| !word.contains('=')).filter_map(tidy));
        }
        match part.as_bytes().last() {
            Some(b'<' | b'[' | b'(' | b'{') => depth += 1,
            Some(b'>' | b']' | b')' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    names
}

/// The components of a record as fields.
fn components(text: &str) -> Vec<FieldFacts> {
    let text = text.trim().trim_start_matches('(').trim_end_matches(')');
    let mut depth = 0i32;
    let parts = text.split(|c: char| {
        depth += i32::from(matches!(c, '<' | '(')) - i32::from(matches!(c, '>' | ')'));
        c == ',' && depth == 0
    });
    let field = |part: &str| {
        let (kind, name) = part.trim().rsplit_once(char::is_whitespace)?;
        let kind = kind.split_whitespace().find(|word| !word.starts_with('@') && *word != "final").unwrap_or_default();
        Some(FieldFacts { name: tidy(name)?, public: false, shared: false, kind: type_name(kind) })
    };
    parts.filter_map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_are_names_without_arguments_and_words() {
        let names = |text| base_names(text).into_iter().map(String::from).collect::<Vec<_>>();
        assert_eq!(names("(A, b.C[int], metaclass=M)"), ["A", "b.C"]);
        assert_eq!(names(": public A<B, C>, private virtual D"), ["A", "D"]);
        assert_eq!(names("extends A<B> implements C, D"), ["A", "C", "D"]);
        assert_eq!(names(": Send + Into<u8> + 'static"), ["Send", "Into", "static"]);
    }

    #[test]
    fn a_declarator_names_a_field_or_a_method() {
        assert_eq!(declared_name("*x[4]"), Some(("x", false)));
        assert_eq!(declared_name("(*call)(int)"), Some(("call", false)));
        assert_eq!(declared_name("get(int a) const"), Some(("get", true)));
        assert_eq!(declared_name("* const x"), Some(("x", false)));
        assert_eq!(declared_name("~Box()"), None);
        let kinds = ["&'a mut Vec<u8>", ": Map<string, T> | null", "[]*parse.Node", "unsigned int"].map(type_name);
        assert_eq!(kinds.each_ref().map(|kind| &**kind), ["Vec", "Map", "parse.Node", "unsigned"]);
    }

    #[test]
    fn a_records_components_are_fields() {
        let fields = components("(Map<String, Integer> a, @Deprecated int b)");
        let shown: Vec<_> = fields.iter().map(|field| (&*field.name, &*field.kind)).collect();
        assert_eq!(shown, [("a", "Map"), ("b", "int")]);
    }
}
