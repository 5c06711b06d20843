//! What a function or class is called and what it takes, read from the node's own children.
//!
//! Each node is asked for its children once and in order; nothing here descends but along one declarator, so the cost is
//! linear in the file, however it is nested.

use super::class::*;
use super::table::Compiled;
use super::walk::{Node, Walk};
use std::ops::ControlFlow::{self, Break, Continue};

/// What stands for the name of a closure that has none.
pub(super) const ANONYMOUS: &str = "<anonymous>";
/// Longer names are cut: a name may be as long as the file, and inner functions repeat it.
const NAME_BYTES_MAX: usize = 200;

/// What a function declares of itself.
#[derive(Default)]
pub(super) struct Shape {
    /// Its name, if it has one.
    pub(super) name: Option<Box<str>>,
    /// The class it says it belongs to (C++ outside the class, Go's receiver).
    pub(super) class: Option<Box<str>>,
    /// The receiver's name (Go, Python).
    pub(super) receiver: Option<Box<str>>,
    /// The first parameter's name, if it takes one value.
    pub(super) first: Option<Box<str>>,
    /// Declared parameters without the receiver.
    pub(super) params: u32,
    /// Where its parameters end that stand in the function itself, defaults included (bytes).
    pub(super) header_end: usize,
    /// Where its name starts (bytes).
    pub(super) name_start: usize,
    /// Whether it takes the object it is called on.
    pub(super) takes_self: bool,
    /// Whether it has a body.
    pub(super) has_body: bool,
    /// Whether it only defines and returns another function.
    pub(super) decorator: bool,
}

/// Reads names out of one tree.
pub(super) struct Reader<'text, 'tree> {
    /// The text.
    pub(super) text: &'text str,
    /// The language.
    pub(super) table: &'static Compiled,
    /// A second walk, so that the pass's own never moves.
    pub(super) side: Walk<'tree>,
}

/// `text` as a name: quotes taken off, at most as long as names may be.
pub(super) fn tidy(text: &str) -> Option<Box<str>> {
    let text = text.trim().trim_matches(['"', '\'', '`']);
    let mut end = text.len().min(NAME_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    (end > 0).then(|| text[..end].into())
}

impl<'text, 'tree> Reader<'text, 'tree> {
    pub(super) fn text_of(&self, node: Node<'_>) -> &'text str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    /// Whether a node is a literal, an array or an object.
    pub(super) fn is_plain_value(&self, node: Node<'_>) -> bool {
        let classes = self.table.classes(node.kind_id());
        (classes & OPERAND != 0 && classes & (NAME | SELF) == 0) || self.text_of(node).starts_with(['[', '{'])
    }

    /// Visits the children of `node` with their fields (zero for none) until told to stop.
    pub(super) fn children(&mut self, node: Node<'tree>, mut visit: impl FnMut(Node<'tree>, u16) -> ControlFlow<()>) {
        let mut is_there = self.side.begin(node);
        while is_there && visit(self.side.node(), self.side.field()).is_continue() {
            is_there = self.side.next();
        }
    }

    /// The child at `index`.
    pub(super) fn child(&mut self, node: Node<'tree>, index: usize) -> Option<Node<'tree>> {
        let mut is_there = self.side.begin(node);
        for _ in 0..index {
            is_there = is_there && self.side.next();
        }
        is_there.then(|| self.side.node())
    }

    /// The first child in one of `fields`.
    pub(super) fn child_in(&mut self, node: Node<'tree>, fields: &[u16]) -> Option<Node<'tree>> {
        let mut found = None;
        self.children(node, |child, field| {
            if !fields.contains(&field) {
                return Continue(());
            }
            found = Some(child);
            Break(())
        });
        found
    }

    /// The first child of one of `classes`.
    pub(super) fn child_of(&mut self, node: Node<'tree>, classes: Classes) -> Option<Node<'tree>> {
        let table = self.table;
        let mut found = None;
        self.children(node, |child, _field| {
            if table.classes(child.kind_id()) & classes == 0 {
                return Continue(());
            }
            found = Some(child);
            Break(())
        });
        found
    }

    /// The name of a class, module or the like.
    pub(super) fn scope_name(&mut self, node: Node<'tree>) -> Option<Box<str>> {
        let child = self.child_in(node, &self.table.scope)?;
        // `impl Trait for &mut Point<T>` belongs to `Point`.
        let text = self.text_of(child);
        tidy(text.trim_start_matches(['&', '*']).trim_start_matches("mut ").split(['<', '(']).next()?)
    }

    /// The name a closure has from what it is assigned to, and whether a call by that name alone can mean the closure: the
    /// name of a member cannot, and what is called so is another function.
    pub(super) fn given_name(&mut self, namer: Node<'tree>) -> Option<(Box<str>, bool)> {
        let child = self.child_in(namer, &self.table.namer).or_else(|| self.child_of(namer, DECLARES))?;
        let text = self.text_of(child);
        let is_typed = self.table.classes(child.kind_id()) & DECLARES != 0;
        let text = if is_typed { text.split(':').next()? } else { text };
        let is_bound = child.kind() != "property_identifier" && !text.contains(['.', '"', '\'', '#']);
        let name = tidy(text.rsplit('.').next()?)?;
        (!name.contains(|c: char| c.is_whitespace() || "()[]{}<>,".contains(c))).then_some((name, is_bound))
    }

    /// What a function declares of itself.
    pub(super) fn shape(&mut self, node: Node<'tree>) -> Shape {
        let table = self.table;
        let fields = &table.fields;
        let (mut shape, mut loose) = (Shape::default(), 0);
        let (mut name, mut receiver, mut declarator, mut body, mut word) = (None, None, None, None, None);
        let mut lists = Vec::new();
        self.children(node, |child, field| {
            let classes = table.classes(child.kind_id());
            shape.has_body |= classes & BODY != 0 || (field == 0 && classes & TRY != 0);
            loose += u32::from(classes & DECLARED != 0);
            lists.extend(Some(child).filter(|_| classes & PARAMS != 0 && (field == 0 || field != fields.parameters)));
            match field {
                // Modifiers and attributes before the word are nodes.
                0 => word = word.or(Some(child).filter(|child| !child.is_named() || classes & NAME != 0)),
                // What follows by that name in Swift is the type.
                _ if field == fields.name || field == fields.operator => name = name.or(Some(child)),
                // Scala has parameters that are types under this name as well.
                _ if field == fields.parameters => lists.extend(Some(child).filter(|_| classes & NOT_PARAM == 0)),
                _ if field == fields.parameter => shape.params = 1,
                _ if field == fields.receiver => receiver = Some(child),
                _ if field == fields.declarator => declarator = Some(child),
                _ if field == fields.body => {
                    // Nothing of interest follows a body.
                    body = Some(child);
                    return Break(());
                }
                _ => {}
            }
            Continue(())
        });
        if table.classes(node.kind_id()) & WORDED != 0 {
            name = name.or(word);
        }
        shape.name = name.and_then(|name| tidy(self.text_of(name)));
        shape.name_start = name.or(declarator).map_or(0, |name| name.start_byte());
        if let Some(declarator) = declarator {
            lists = self.declared(declarator, &mut shape).into_iter().collect();
        }
        if let Some(receiver) = receiver {
            (shape.receiver, shape.class) = self.receiver(receiver);
        }
        shape.params += loose;
        for list in lists {
            self.count_params(list, &mut shape);
        }
        if let Some(body) = body {
            shape.has_body = true;
            shape.header_end = if loose > 0 { body.start_byte() } else { 0 };
            shape.decorator = table.traits.decorators && self.is_decorator(body);
        }
        shape
    }

    /// Follows a C declarator inwards to the name and sets it with its class; returns the innermost parameter list.
    fn declared(&mut self, declarator: Node<'tree>, shape: &mut Shape) -> Option<Node<'tree>> {
        let table = self.table;
        let (mut node, mut params, mut name) = (declarator, None, None);
        while table.classes(node.kind_id()) & DECLARATOR != 0 {
            let (mut inner, mut last, mut list) = (None, None, None);
            self.children(node, |child, field| {
                if field == table.fields.declarator {
                    inner = Some(child);
                } else if field == table.fields.parameters {
                    list = Some(child);
                } else if child.is_named() && table.classes(child.kind_id()) & COMMENT == 0 {
                    last = Some(child);
                }
                Continue(())
            });
            // A conversion operator has no name node: its own text up to the parameters is the name.
            if self.text_of(node).starts_with("operator") {
                name = Some(operator_name(self.text_of(node)));
            }
            params = list.or(params);
            let Some(next) = inner.or(if list.is_none() { last } else { None }) else {
                shape.name = name.and_then(tidy);
                return params;
            };
            node = next;
        }
        let (class, own) = split_qualified(self.text_of(node));
        (shape.name, shape.class) = (tidy(operator_name(own)), class.and_then(|class| tidy(&plain_path(class))));
        params
    }

    /// Name and type of a Go receiver: `(s *Server[T])` is `s` and `Server`.
    fn receiver(&mut self, list: Node<'tree>) -> (Option<Box<str>>, Option<Box<str>>) {
        let ids = &self.table.fields;
        let Some(param) = self.first_part(list) else { return (None, None) };
        let name = self.child_in(param, &[ids.name]).and_then(|name| tidy(self.text_of(name)));
        let mut kind = self.child_in(param, &[ids.kind]);
        // A pointer, parentheses or parameters are around the type's name.
        while let Some(part) = kind.filter(|kind| self.table.classes(kind.kind_id()) & LEAF == 0) {
            kind = self.first_part(part);
        }
        (name, kind.and_then(|kind| tidy(self.text_of(kind))))
    }

    /// The first child with a name that is no comment.
    fn first_part(&mut self, node: Node<'tree>) -> Option<Node<'tree>> {
        let table = self.table;
        let mut found = None;
        self.children(node, |child, _field| {
            if !child.is_named() || table.classes(child.kind_id()) & COMMENT != 0 {
                return Continue(());
            }
            found = Some(child);
            Break(())
        });
        found
    }

    /// Counts the declared parameters in a list, without the receiver; a rest or destructured parameter is one.
    fn count_params(&mut self, list: Node<'tree>, shape: &mut Shape) {
        let table = self.table;
        let list = self.child_of(list, PARAMS).unwrap_or(list);
        if list.named_child_count() == 0 {
            // `x -> x` has a name where others have a list.
            shape.params += u32::from(!self.text_of(list).starts_with(['(', '|']));
            return;
        }
        let (mut params, mut after) = (Vec::new(), 0);
        self.children(list, |child, field| {
            // A parameter without a node of its own is its name; its type is none more.
            if field != 0 && field == table.fields.kind {
                return Continue(());
            }
            let is_default = after & ASSIGN != 0;
            after = table.classes(child.kind_id());
            shape.takes_self |= after & RECEIVER != 0;
            if child.is_named() && !is_default && after & (COMMENT | NOT_PARAM | ERROR) == 0 {
                params.push(child);
            }
            Continue(())
        });
        if let Some(first) = params.first().copied() {
            let text = self.text_of(first);
            let is_self = self.is_receiver(first);
            shape.takes_self |= is_self;
            if is_self || (params.len() == 1 && text == "void") {
                params.remove(0);
            } else {
                shape.first = tidy(text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default());
            }
        }
        for param in params {
            let mut names = 0;
            if table.traits.grouped_params {
                self.children(param, |_child, field| {
                    names += u32::from(field == table.fields.name);
                    Continue(())
                });
            }
            shape.params += names.max(1);
        }
    }

    /// Whether a first parameter says that it is the object itself: `this: T`, `self: Box<Self>`, `this string text`.
    fn is_receiver(&mut self, param: Node<'tree>) -> bool {
        let (table, text) = (self.table, self.text);
        let mut found = false;
        self.children(param, |child, field| {
            let classes = table.classes(child.kind_id());
            if classes & ASSIGN != 0 || (field != 0 && field == table.fields.value) {
                return Break(());
            }
            found |= classes & SELF != 0 || text.get(child.byte_range()) == Some("this");
            Continue(())
        });
        found
    }

    /// Whether a body consists of one definition and a `return`, a string that documents it apart.
    fn is_decorator(&mut self, body: Node<'tree>) -> bool {
        let (table, text) = (self.table, self.text);
        let documents = |node: Node<'tree>| {
            let text = text.get(node.byte_range()).unwrap_or_default();
            text.trim_start_matches(|c: char| c.is_ascii_alphabetic()).starts_with(['"', '\''])
        };
        let (mut inner, mut returns, mut others) = (None, false, false);
        self.children(body, |child, _field| {
            let classes = table.classes(child.kind_id());
            if classes & COMMENT != 0 || (inner.is_none() && documents(child)) {
                return Continue(());
            }
            match inner {
                None if classes & (FUNCTION | DECORATED) != 0 => inner = Some(child),
                Some(_) if classes & RETURN != 0 && !returns => returns = true,
                _ => others = true,
            }
            if others { Break(()) } else { Continue(()) }
        });
        let Some(inner) = inner.filter(|_| returns && !others) else { return false };
        let inner = self.child_in(inner, &[table.fields.definition]).unwrap_or(inner);
        table.classes(inner.kind_id()) & FUNCTION != 0
    }
}

/// `a::b<c::d>::e` as `a::b<c::d>` and `e`.
fn split_qualified(text: &str) -> (Option<&str>, &str) {
    let mut depth = 0usize;
    let mut cut = None;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' => depth = depth.saturating_sub(1),
            b':' if depth == 0 && bytes.get(at + 1) == Some(&b':') => cut = Some(at),
            _ => {}
        }
        if text.get(at..).is_some_and(|rest| rest.starts_with("operator")) {
            break;
        }
    }
    cut.map_or((None, text), |at| (Some(&text[..at]), text[at + 2..].trim_start()))
}

/// The name of an operator without the parameters that stand in one text with it; any other name as it is.
fn operator_name(text: &str) -> &str {
    let Some(rest) = text.strip_prefix("operator").filter(|rest| !rest.starts_with(['(', '_'])) else { return text };
    let (mut depth, start) = (0usize, text.len() - rest.len());
    let is_type = rest.trim_start().starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | ':'));
    let end = rest.bytes().position(|byte| {
        depth += usize::from(byte == b'<');
        depth = depth.saturating_sub(usize::from(byte == b'>'));
        byte == b'(' && depth == 0
    });
    // `operator<` opens nothing.
    if is_type { text[..end.map_or(text.len(), |end| start + end)].trim_end() } else { text }
}

/// The path of a class without the arguments of templates: methods belong to `a::b`, whichever `a<c>::b<d>` they are of.
fn plain_path(path: &str) -> String {
    let mut depth = 0usize;
    let outside = |c: &char| {
        depth += usize::from(*c == '<');
        let is_outside = depth == 0;
        depth = depth.saturating_sub(usize::from(*c == '>'));
        is_outside
    };
    path.chars().filter(outside).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qualified_name_is_cut_outside_of_angle_brackets() {
        assert_eq!(split_qualified("run"), (None, "run"));
        assert_eq!(split_qualified("n::A<b::c>::m"), (Some("n::A<b::c>"), "m"));
        assert_eq!(split_qualified("A::operator<"), (Some("A"), "operator<"));
        assert_eq!(split_qualified("A::operator b::c"), (Some("A"), "operator b::c"));
    }

    #[test]
    fn an_operators_name_ends_before_its_parameters() {
        for (text, name) in [
            ("operator bool() const", "operator bool"),
            ("operator std::function<int(int)>() &", "operator std::function<int(int)>"),
            ("operator()", "operator()"),
            ("operator<", "operator<"),
            ("operator new[]", "operator new[]"),
            ("operator\"\"_x", "operator\"\"_x"),
            ("operator_of", "operator_of"),
            ("operators", "operators"),
        ] {
            assert_eq!(operator_name(text), name);
        }
        assert_eq!(plain_path("n::A<b::c<d>>::B <e>"), "n::A::B");
    }

    #[test]
    fn a_name_is_cut_between_characters() {
        assert_eq!(tidy(&"\u{e9}".repeat(300)).map(|name| name.len()), Some(NAME_BYTES_MAX));
        assert_eq!(tidy(&format!("a{}", "\u{e9}".repeat(300))).map(|name| name.len()), Some(NAME_BYTES_MAX - 1));
        assert_eq!(tidy(" 'q-r' ").as_deref(), Some("q-r"));
        assert_eq!(tidy("''"), None);
    }
}
