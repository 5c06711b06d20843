//! Function spaces: what opens one, what it is called, what closing it adds to the space around it.
//!
//! Cyclomatic complexity, exits and parameters are of a function alone, as its control flow is; the rest includes what it
//! encloses. The file's row holds the sums over closed functions until the pass ends.

use super::initializers::STATIC;
use super::{Pass, add_own};
use crate::class::*;
use crate::name::{ANONYMOUS, Shape};
use crate::space::Space;
use crate::text_hash::name_hash;
use crate::walk::Node;
use driftline_schema::facts::{FunctionFacts, FunctionKind, SpaceMetrics};
use std::ops::ControlFlow::Continue;

/// What is known of a function before its children are seen, its shape apart.
pub(super) struct Opened {
    pub(super) name: Box<str>,
    /// The property whose accessor it is.
    pub(super) within: Option<Box<str>>,
    /// Whether it has a name of its own or by what it is given to.
    pub(super) is_named: bool,
    /// Whether a call by the name alone can mean it.
    pub(super) is_bound: bool,
    /// Classes of its node and of the frame around it.
    pub(super) classes: Classes,
    pub(super) above: Classes,
}

impl<'tree> Pass<'_, 'tree> {
    /// Opens a function space; false if there is no body, and so no space.
    pub(super) fn open_function(&mut self, node: Node<'tree>, classes: Classes, above: Classes) -> bool {
        let shape = self.reader.shape(node);
        if !shape.has_body && classes & (INITIALIZER | BODY) == 0 {
            return false;
        }
        let namer = if above & NAMER != 0 { self.parent().map(|frame| frame.node) } else { None };
        let own = shape.name.clone().map(|name| (name, true));
        let given = own.or_else(|| namer.and_then(|namer| self.reader.given_name(namer)));
        let is_named = given.is_some();
        // An accessor is called after its property.
        let worded = namer.filter(|_| classes & WORDED != 0).and_then(|namer| self.reader.given_name(namer));
        let within = worded.map(|(name, _)| name);
        let none = || (if classes & INITIALIZER != 0 { STATIC } else { ANONYMOUS }.into(), false);
        let (name, is_bound) = given.unwrap_or_else(none);
        self.open_space(node, Opened { name, within, is_named, is_bound, classes, above }, shape);
        true
    }

    /// Opens a function space of this shape.
    pub(super) fn open_space(&mut self, node: Node<'tree>, opened: Opened, mut shape: Shape) {
        let Opened { name, within, is_named, is_bound, classes, above } = opened;
        let kind = self.kind(classes, shape.class.as_deref(), &name);
        self.settle_receiver(&mut shape, kind, above);
        let index = self.found.functions.len();
        self.note_around();
        let (start, end) = (node.start_byte(), node.end_byte());
        let (first, last) = (node.start_line(), node.end_position());
        // A node that ends before the first character of a line does not reach into that line.
        let reaches = last.column > 0 || last.row as u32 + 1 == first;
        self.found.functions.push(FunctionFacts {
            qualified_name: self.scopes.qualify(shape.class.as_deref().or(within.as_deref()), &name),
            name: name.clone(),
            kind,
            start_line: first,
            end_line: last.row as u32 + u32::from(reaches),
            metrics: SpaceMetrics::default(),
            text_hash: 0,
        });
        let text = self.reader.text.as_bytes();
        self.space.hash.text(text.get(self.space.hashed..start).unwrap_or_default());
        let (method, method_first) = self.open_method(node, classes, &shape, kind, index);
        let space = Space {
            function: Some(index),
            // The space it replaces below will be one more around it.
            named: if is_named { Some(self.outer_spaces.len() + 1) } else { self.space.named },
            params: shape.params,
            // A default needs no name, and neither does a constant's value.
            constant_end: if classes & INITIALIZER != 0 { self.space.constant_end } else { shape.header_end },
            decorator: shape.decorator,
            receiver_hash: self.receiver_hash(&shape, kind),
            receiver: shape.receiver,
            method,
            method_first,
            first: self.tokens.now + 1,
            before: self.totals,
            name_hash: if is_bound { name_hash(name.as_bytes()) } else { 0 },
            ..Space::new(start, end)
        };
        self.outer_spaces.push(std::mem::replace(&mut self.space, space));
        self.scopes.enter(name, None);
        self.nesting = 0;
    }

    /// Takes the receiver from the parameters where a method has it as its first one: what that is called is a custom, and
    /// only `@staticmethod` says that there is none.
    fn settle_receiver(&mut self, shape: &mut Shape, kind: FunctionKind, above: Classes) {
        const CLASS_METHODS: [&str; 3] = ["__new__", "__init_subclass__", "__class_getitem__"];
        let is_method = matches!(kind, FunctionKind::Method | FunctionKind::Constructor);
        if !self.reader.table.traits.first_is_receiver || !is_method {
            return;
        }
        let decorated = if above & DECORATED != 0 { self.parent().map(|frame| frame.node) } else { None };
        let (mut is_static, mut of_class) = (false, CLASS_METHODS.contains(&shape.name.as_deref().unwrap_or_default()));
        let text = self.reader.text;
        if let Some(decorated) = decorated {
            self.reader.children(decorated, |child, _field| {
                let words = text.get(child.byte_range()).unwrap_or_default();
                let name = words.trim_start_matches(['@', ' ', '\t']).rsplit('.').next().unwrap_or_default().trim();
                is_static |= words.starts_with('@') && matches!(name, "staticmethod" | "abstractstaticmethod");
                of_class |= words.starts_with('@') && matches!(name, "classmethod" | "abstractclassmethod");
                Continue(())
            });
        }
        shape.takes_self = !is_static && !of_class;
        if !is_static && let Some(first) = shape.first.take() {
            shape.params = shape.params.saturating_sub(1);
            shape.receiver = Some(first);
        }
    }

    /// Hash of the name that a method has its object by.
    fn receiver_hash(&self, shape: &Shape, kind: FunctionKind) -> u64 {
        match &shape.receiver {
            Some(receiver) => name_hash(receiver.as_bytes()),
            None if !matches!(kind, FunctionKind::Method | FunctionKind::Constructor) => self.space.receiver_hash,
            None if let Some(name) = self.reader.table.traits.self_variable => name_hash(name.as_bytes()),
            None => 0,
        }
    }

    fn kind(&self, classes: Classes, named_class: Option<&str>, name: &str) -> FunctionKind {
        let class = named_class.or(self.scopes.class());
        let own = class.map(|class| class.rsplit("::").next().unwrap_or(class).split('<').next().unwrap_or(class));
        if classes & INITIALIZER != 0 {
            FunctionKind::Initializer
        } else if classes & CONSTRUCTOR != 0 {
            FunctionKind::Constructor
        } else if classes & CLOSURE != 0 {
            FunctionKind::Closure
        } else if classes & METHOD == 0 && class.is_none() {
            FunctionKind::Function
        } else if class.is_some() && self.reader.table.traits.constructor.or(own) == Some(name) {
            FunctionKind::Constructor
        } else {
            FunctionKind::Method
        }
    }

    /// Closes the innermost function space, which stood under `nesting` levels of the one around it. One that may be none
    /// is a function only if it has decisions or functions.
    pub(super) fn close_function(&mut self, nesting: u32, may_be_none: bool) {
        self.scopes.leave();
        let Some(outer) = self.outer_spaces.pop() else { return };
        let mut inner = std::mem::replace(&mut self.space, outer);
        let text = self.reader.text.as_bytes();
        inner.hash.text(text.get(inner.hashed..inner.end).unwrap_or_default());
        self.space.hash.word(inner.hash.finish());
        self.space.hashed = inner.end;
        if may_be_none && self.take_back(&inner) {
            return;
        }
        self.space.absorb(&inner, nesting);
        let metrics = inner.metrics(&self.totals);
        self.found.file.params = self.found.file.params.max(metrics.params);
        add_own(&mut self.found.file, &metrics);
        if let Some(row) = inner.function.and_then(|index| self.found.functions.get_mut(index)) {
            row.metrics = metrics;
            row.text_hash = inner.hash.finish();
        }
    }
}
