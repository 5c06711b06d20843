//! Calls: what is called on what, and whether a function calls itself, as far as the text of one file can tell.
//!
//! What is called is the token before the arguments, so no call is asked for its children. Of a call of the function it
//! stands in only the name is compared, and where a language tells functions of one name apart by their parameters, the
//! number of arguments: a method of the same name on another object is no recursion.

use super::Pass;
use crate::class::*;
use crate::members::Use;
use crate::space::Space;
use crate::table::{Imports, Role};
use crate::text_hash::name_hash;
use crate::tokens::Token;
use crate::walk::Node;
use driftline_schema::Call;
use driftline_schema::facts::FunctionKind;
use std::ops::ControlFlow::Continue;

/// Of a longer receiver only the first bytes are hashed: in a chain of calls each receiver holds the last.
const RECEIVER_BYTES_MAX: usize = 128;

/// A call whose arguments have not been seen.
struct Pending {
    level: u32,
    start: u32,
    creates: bool,
    done: bool,
}

/// What stands before arguments: the name, the sign before it, the object before that, and the name's number.
#[derive(Clone, Copy, Default)]
struct Callee {
    name: Token,
    sign: Token,
    object: Token,
    number: u32,
}

/// The calls that are open.
#[derive(Default)]
pub(super) struct Calls {
    open: Vec<Pending>,
    /// What stood before the last outermost arguments that are types, and where these start and end (bytes).
    before_types: Callee,
    types: (u32, u32),
}

impl Calls {
    /// Opens a call.
    pub(super) fn open(&mut self, level: u32, start: u32, creates: bool) {
        self.close(level);
        self.open.push(Pending { level, start, creates, done: false });
    }

    fn close(&mut self, level: u32) {
        // Calls are not left one by one: those at this level or below it are over.
        while self.open.pop_if(|call| call.level >= level).is_some() {}
    }

    /// Whether a token ends the last arguments that are types.
    pub(super) fn closes_type_arguments(&self, token: &Token) -> bool {
        token.hash == 0 && token.start + 1 == self.types.1
    }
}

impl<'tree> Pass<'_, 'tree> {
    /// The last tokens but so many.
    fn callee(&self, skipped: u32) -> Callee {
        let back = |count| *self.tokens.back(skipped + count);
        Callee { name: back(0), sign: back(1), object: back(2), number: self.tokens.now.wrapping_sub(skipped) }
    }

    /// Notes what stands before arguments that are types.
    pub(super) fn type_arguments(&mut self, node: Node<'tree>) {
        let start = node.start_byte() as u32;
        if start >= self.calls.types.1 {
            self.calls.types = (start, node.end_byte() as u32);
            // The path sign of `a::<T>()` belongs to the types.
            let skipped = u32::from(self.tokens.back(0).role == Role::Path);
            self.calls.before_types = self.callee(skipped);
        }
    }

    /// Notes the call whose arguments begin here.
    pub(super) fn arguments(&mut self, node: Node<'tree>) {
        self.calls.close(self.level);
        let level = self.level;
        let Some(call) = self.calls.open.last_mut().filter(|call| call.level + 1 == level && !call.done) else {
            return;
        };
        let (start, creates) = (call.start, call.creates);
        if self.is_no_call(start, node) {
            // It was taken for one when it was entered.
            self.totals.branches = self.totals.branches.saturating_sub(1);
            return;
        }
        let mut callee = self.callee(0);
        if self.calls.closes_type_arguments(&callee.name) || self.is_last_type(&callee.name) {
            callee = self.calls.before_types;
        } else if self.calls.closes_type_arguments(&callee.sign) {
            // `a.<T>b()`: what stands before the types is what `b` is called on.
            (callee.sign, callee.object) = (self.calls.before_types.name, self.calls.before_types.sign);
        }
        if !matches!(callee.name.role, Role::Name | Role::Type) || callee.name.start < start {
            return;
        }
        if let Some(call) = self.calls.open.last_mut() {
            call.done = true;
        }
        let receiver = self.receiver(&callee, start, creates);
        let caller = self.space.function.map_or(u32::MAX, |index| index as u32);
        self.found.calls.push(Call { caller, callee: callee.name.hash, receiver, times: 1 });
        self.own_call(&callee, receiver);
        if !creates && self.named_function().is_some_and(|space| space.name_hash == callee.name.hash) {
            let is_recursive = self.is_recursive_call(start, callee.name.end, node).is_some_and(|is| is);
            if is_recursive {
                self.calls_itself();
            }
        }
        if receiver == 0 {
            self.named_module(&callee.name, node);
        }
    }

    /// Notes that the arguments of the function `name` name a module, or that it ends the function around it.
    fn named_module(&mut self, name: &Token, arguments: Node<'tree>) {
        let imports = self.reader.table.traits.imports;
        let name = self.text(name);
        match (imports, name) {
            (Imports::Ruby, "raise") => self.space.exits += 1,
            (Imports::EcmaScript | Imports::Ruby, "require") | (Imports::Ruby, "require_relative") => {
                self.module_prefix = if name == "require" { "" } else { "./" };
                // A bracket is the next token, where there is one.
                let has_bracket = self.reader.text.as_bytes().get(arguments.start_byte()) == Some(&b'(');
                self.module_at = self.tokens.now + 1 + u32::from(has_bracket);
            }
            _ => {}
        }
    }

    /// Whether what a grammar calls a call is none of its own: an index in brackets, a sign before brackets, or the
    /// last argument of a call that has others.
    fn is_no_call(&self, start: u32, arguments: Node<'tree>) -> bool {
        let (text, callee) = (self.reader.text, self.tokens.back(0));
        match text.as_bytes().get(arguments.start_byte()) {
            Some(b'[') => true,
            Some(b'(') => callee.start == start && text.as_bytes().get(start as usize) == Some(&b'!'),
            Some(b'{') => text.get(..arguments.start_byte()).is_some_and(|before| before.trim_end().ends_with(')')),
            _ => false,
        }
    }

    /// Whether a token is the last within arguments that are types and stand in square brackets, whose end is no token.
    fn is_last_type(&self, token: &Token) -> bool {
        let (start, end) = self.calls.types;
        let is_within = start < token.start && token.end < end;
        let rest = self.reader.text.as_bytes().get(token.end as usize..end as usize);
        is_within && rest.is_some_and(|rest| rest.iter().all(|byte| *byte == b']' || byte.is_ascii_whitespace()))
    }

    fn text(&self, token: &Token) -> &str {
        self.reader.text.get(token.start as usize..token.end as usize).unwrap_or_default()
    }

    /// Hash of what the callee is called on; zero for nothing.
    fn receiver(&self, callee: &Callee, start: u32, creates: bool) -> u64 {
        if !matches!(callee.sign.role, Role::Dot | Role::Path) || callee.sign.start < start {
            return 0;
        }
        let object = &callee.object;
        let is_whole = object.start == start || (creates && object.start == start + 4);
        if is_whole && object.hash != 0 {
            return object.hash;
        }
        let start = if creates { start + 4 } else { start } as usize;
        let text = self.reader.text.as_bytes().get(start..callee.sign.start as usize).unwrap_or_default();
        let text = &text[..text.len().min(RECEIVER_BYTES_MAX)];
        if text.is_empty() { 0 } else { name_hash(text.trim_ascii()) }
    }

    /// Notes that the member named before the arguments is called and not read.
    fn own_call(&mut self, callee: &Callee, receiver: u64) {
        let is_getter = is_getter(self.text(&callee.name));
        let implicit = self.reader.table.traits.implicit_self && receiver == 0;
        match self.access_at(callee.number) {
            Some(access) => {
                access.kind = match access.kind {
                    Use::Own => Use::OwnCall,
                    Use::Foreign if is_getter => Use::Foreign,
                    Use::Plain => Use::PlainCall,
                    _ => Use::Nothing,
                }
            }
            None if implicit => self.access(Use::PlainCall, 0, &callee.name),
            None => {}
        }
    }

    /// The nearest function around that has a name.
    pub(super) fn named_function(&mut self) -> Option<&mut Space> {
        let enclosing = self.space.named?;
        // The innermost space stands apart from the stack of those around it.
        if enclosing == self.outer_spaces.len() { Some(&mut self.space) } else { self.outer_spaces.get_mut(enclosing) }
    }

    /// Whether the call from `start` to the end of what is called is one of the nearest named function.
    fn is_recursive_call(&mut self, start: u32, end: u32, arguments: Node<'tree>) -> Option<bool> {
        let traits = self.reader.table.traits;
        let text = self.reader.text;
        let index = self.named_function()?.function?;
        let function = &self.found.functions[index];
        let before = text.get(start as usize..end as usize)?.strip_suffix(&*function.name)?;
        let is_method = matches!(function.kind, FunctionKind::Method | FunctionKind::Constructor);
        let is_self = traits.self_variable == Some(&*function.name);
        let space = self.named_function()?;
        let is_own = if before.is_empty() {
            // By the name of the object itself a constructor calls another.
            !is_self && (!is_method || traits.implicit_self)
        } else {
            let receiver = before.strip_suffix('.');
            is_method
                && (traits.self_prefixes.contains(&before)
                    || (receiver.is_some() && receiver == space.receiver.as_deref()))
        };
        let params = space.params;
        Some(is_own && (!traits.overloads || self.argument_count(arguments) == params))
    }

    fn argument_count(&mut self, arguments: Node<'tree>) -> u32 {
        let table = self.reader.table;
        let mut count = 0;
        let inner = self.reader.child_of(arguments, ARGS).unwrap_or(arguments);
        self.reader.children(inner, |child, _field| {
            count += u32::from(child.is_named() && table.classes(child.kind_id()) & COMMENT == 0);
            Continue(())
        });
        count
    }
}

/// Whether a method of this name gives a field of its object.
fn is_getter(name: &str) -> bool {
    let rest = name.strip_prefix("get").or(name.strip_prefix("Get")).or(name.strip_prefix("is"));
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_uppercase() || c == '_') && rest.len() > 1)
}
