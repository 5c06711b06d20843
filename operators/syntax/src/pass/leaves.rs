//! Tokens: Halstead's counts, the classes that duplicates are found by, and the uses of members between them.
//!
//! A leaf is told by its kind alone and its text is hashed once; whether a space has seen it before follows from when it
//! was last seen, so that no space has a set of its own.

use super::Pass;
use crate::class::*;
use crate::members::{Access, Use};
use crate::table::{CodeInStrings, Leaf, Role, SPELLED_OPERATORS};
use crate::text_hash::name_hash;
use crate::tokens::Token;
use crate::walk::Node;

/// Longer operands are told by their first bytes and their length, as strings that hold code may hold each other.
const OPERAND_BYTES_MAX: usize = 4096;

/// Operators that are told by their text, and what each is.
const SPELLINGS: [(&str, Classes); 38] = [
    ("&&", AND),
    ("||", OR),
    ("<", COMPARE),
    (">", COMPARE),
    ("<=", COMPARE),
    (">=", COMPARE),
    ("==", COMPARE),
    ("!=", COMPARE),
    ("+=", ASSIGNS),
    ("-=", ASSIGNS),
    ("*=", ASSIGNS),
    ("/=", ASSIGNS),
    ("%=", ASSIGNS),
    ("++=", ASSIGNS),
    ("::=", ASSIGNS),
    ("|=", ASSIGNS),
    ("&=", ASSIGNS),
    ("+", 0),
    ("-", 0),
    ("*", 0),
    ("/", 0),
    ("%", 0),
    ("&", 0),
    ("|", 0),
    ("!", 0),
    ("<<", 0),
    (">>", 0),
    ("::", 0),
    ("++", 0),
    ("->", 0),
    ("-a", AND),
    ("-o", OR),
    ("-eq", COMPARE),
    ("-ne", COMPARE),
    ("-lt", COMPARE),
    ("-le", COMPARE),
    ("-gt", COMPARE),
    ("-ge", COMPARE),
];

fn spelling(text: &str) -> Classes {
    SPELLINGS.iter().find(|(known, _)| *known == text).map_or(0, |(_, classes)| *classes)
}

impl<'tree> Pass<'_, 'tree> {
    /// Counts a leaf; returns whether it holds code.
    #[inline]
    pub(super) fn leaf(&mut self, node: Node<'tree>, kind: u16, classes: Classes) -> bool {
        if classes & SILENT != 0 {
            if self.import_end > 0 {
                self.import_token(None, node.start_byte(), node.end_byte());
            }
            return false;
        }
        let leaf = self.reader.table.leaf(kind);
        let start = node.start_byte();
        if classes & OPERAND != 0 {
            let end = node.end_byte();
            if start == end {
                return false;
            }
            let token =
                Token { hash: self.operand_hash(start, end), start: start as u32, end: end as u32, role: leaf.role };
            let (last, slot) = self.tokens.operand(token);
            self.totals.operands += 1;
            if last < self.space.first {
                self.new_in_space(last, 1);
            }
            if self.space.method.is_some() {
                match leaf.role {
                    Role::Name => self.member(slot),
                    Role::Own => self.access(Use::Own, 0, &token),
                    _ => {}
                }
            }
        } else {
            if self.erroneous && node.end_byte() == start {
                return false;
            }
            let leaf = if classes & SPELLED != 0 { self.spelled(node, leaf) } else { leaf };
            if self.import_end == 0 {
                self.operator(leaf, start);
                return classes & ACTIVE_LEAF != 0 && self.active_leaf(node, classes);
            }
            self.count_operator(leaf, start);
        }
        if self.import_end == 0 {
            self.tokens.codes.push((leaf.code, start as u32));
        } else {
            self.import_token(Some(leaf.code), start, node.end_byte());
        }
        if self.tokens.now == self.module_at {
            self.module_string(node);
        }
        if classes & ACTIVE_LEAF != 0 {
            return self.active_leaf(node, classes);
        }
        self.erroneous && classes & OPERAND != 0 && node.has_error()
    }

    fn count_operator(&mut self, leaf: Leaf, start: usize) {
        let last = self.tokens.operator(leaf, start as u32);
        self.totals.operators += 1;
        if last < self.space.first {
            self.new_in_space(last, 0);
        }
    }

    /// Counts an operator outside of imports.
    pub(super) fn operator(&mut self, leaf: Leaf, start: usize) {
        self.count_operator(leaf, start);
        self.tokens.codes.push((leaf.code, start as u32));
    }

    /// Counts a leaf of a kind that is in no class of leaves, or a node without children and text.
    pub(super) fn bare(&mut self, node: Node<'tree>, kind: u16) {
        if node.end_byte() > node.start_byte() {
            self.leaf(node, kind, OPERATOR);
        }
    }

    fn operand_hash(&self, start: usize, end: usize) -> u64 {
        let text = self.reader.text.as_bytes();
        let until = end.min(start + OPERAND_BYTES_MAX);
        let hash = name_hash(text.get(start..until).unwrap_or_default());
        if until == end { hash } else { hash ^ (end - start) as u64 }
    }

    /// Counts a token, last seen at `last`, as distinct in the space at hand and those around it that began since.
    fn new_in_space(&mut self, last: u32, class: usize) {
        self.space.distinct[class] = self.space.distinct[class].wrapping_add(1);
        // Spaces add up when they close: the innermost that has seen the token must not count it once more.
        let seen = self.outer_spaces.partition_point(|space| space.first <= last);
        if let Some(space) = seen.checked_sub(1).and_then(|index| self.outer_spaces.get_mut(index)) {
            space.distinct[class] = space.distinct[class].wrapping_sub(1);
        }
    }

    /// What an operator is that its text tells from others of its kind. Those of the language have numbers of their own;
    /// others share the rest by their hashes.
    fn spelled(&self, node: Node<'tree>, leaf: Leaf) -> Leaf {
        let text = self.reader.text_of(node);
        let hash = name_hash(text.as_bytes());
        let number = match SPELLINGS.iter().position(|(known, _)| *known == text) {
            Some(at) => at,
            None => SPELLINGS.len() + hash as usize % (SPELLED_OPERATORS - SPELLINGS.len()),
        };
        let operator = self.reader.table.operators - SPELLED_OPERATORS + number;
        Leaf { code: hash as u32, operator: operator as u16, ..leaf }
    }

    fn active_leaf(&mut self, node: Node<'tree>, classes: Classes) -> bool {
        let classes = if classes & SPELLED != 0 { spelling(self.reader.text_of(node)) } else { classes };
        if classes & DECISION != 0 {
            self.space.cyclomatic += 1;
            self.space.modified += 1;
        }
        if classes & (ASSIGNS | EXIT | BRANCH) != 0 {
            self.totals.assignments += u32::from(classes & ASSIGNS != 0);
            self.totals.preproc_branches += u32::from(classes & BRANCH != 0);
            self.space.exits += u32::from(classes & EXIT != 0);
        }
        if classes & TOKEN != 0 {
            self.token(classes);
        }
        if classes & NUMBER != 0 {
            self.number(node);
        }
        if classes & FROM != 0 && self.import_end == 0 {
            self.module_at = self.tokens.now + 1;
            self.module_prefix = "";
        }
        if classes & TEXT != 0 {
            self.note_text(node);
        }
        classes & STRING != 0 && self.holds_code(node)
    }

    /// Notes a string of several lines: its empty lines are part of it.
    fn note_text(&mut self, node: Node<'tree>) {
        let text = self.reader.text.as_bytes().get(node.byte_range()).unwrap_or_default();
        if memchr::memchr(b'\n', text).is_some() {
            self.found.texts.push((node.start_byte() as u32, node.end_byte() as u32));
        }
    }

    fn holds_code(&self, node: Node<'tree>) -> bool {
        let text = self.reader.text.as_bytes().get(node.byte_range()).unwrap_or_default();
        match self.reader.table.traits.code_in_strings {
            CodeInStrings::Never => false,
            CodeInStrings::Prefix => {
                let prefix = text.iter().take_while(|byte| byte.is_ascii_alphabetic());
                prefix.into_iter().any(|byte| matches!(byte, b'f' | b'F' | b't' | b'T'))
            }
            CodeInStrings::Marker(marker) => text.windows(marker.len()).any(|part| part == marker.as_bytes()),
        }
    }

    /// Notes a name inside a method if it is a member of some object.
    fn member(&mut self, slot: usize) {
        let (name, before) = (*self.tokens.back(0), *self.tokens.back(1));
        let (kind, object) = if before.role == Role::Dot {
            let object = *self.tokens.back(2);
            let is_first = self.tokens.back(3).role != Role::Dot;
            let is_self = object.role == Role::SelfName
                || (object.role == Role::Name
                    && self.space.receiver_hash != 0
                    && object.hash == self.space.receiver_hash);
            if is_self && is_first {
                (Use::Own, object.hash)
            } else if self.is_type_name(&object) {
                return;
            } else {
                (Use::Foreign, object.hash)
            }
        } else if self.reader.table.traits.implicit_self && before.role != Role::Path {
            if self.tokens.plain(slot) >= self.space.method_first {
                return;
            }
            let sign = matches!(self.reader.text.as_bytes().get(before.start as usize), Some(b'*' | b'&'));
            let declared = matches!(before.role, Role::Type | Role::Declarer)
                || self.tokens.now == self.declared_at
                || (before.role == Role::Name && self.reader.table.traits.types_are_names)
                || self.calls.closes_type_arguments(&before)
                || (sign && before.hash == 0 && self.tokens.back(2).role == Role::Type);
            (if declared { Use::Declared } else { Use::Plain }, 0)
        } else {
            return;
        };
        self.access(kind, object, &name);
    }

    /// Whether a name is that of a type, as far as a capital says so: what a type holds is no object's.
    fn is_type_name(&self, token: &Token) -> bool {
        token.hash != 0 && self.reader.text.as_bytes().get(token.start as usize).is_some_and(u8::is_ascii_uppercase)
    }

    /// Notes a use of a member that the last token is.
    pub(super) fn access(&mut self, kind: Use, object: u64, name: &Token) {
        let Some(method) = self.space.method else { return };
        if (name.start as usize) < self.import_end {
            return;
        }
        self.last_access = (self.tokens.now, self.tokens.accesses.len());
        let (start, end) = (name.start, name.end);
        self.tokens.accesses.push(Access { method, kind, object, name: name.hash, start, end, written: false });
    }

    /// The use of a member that the token with this number was.
    pub(super) fn access_at(&mut self, token: u32) -> Option<&mut Access> {
        let (at, index) = self.last_access;
        if at == token { self.tokens.accesses.get_mut(index) } else { None }
    }

    /// Notes a token while an import is read; ends the import if the token lies beyond it.
    fn import_token(&mut self, code: Option<u32>, start: usize, end: usize) {
        if start < self.import_end {
            self.import_tokens.push((start as u32, end as u32));
            return;
        }
        self.end_import();
        if let Some(code) = code {
            self.tokens.codes.push((code, start as u32));
        }
    }

    /// Reads the import whose tokens were noted.
    pub(super) fn end_import(&mut self) {
        self.import_end = 0;
        if !self.import_tokens.is_empty() {
            let text = self.reader.text;
            let word = |(start, end): &(u32, u32)| text.get(*start as usize..*end as usize).unwrap_or_default();
            let words: Vec<&str> = self.import_tokens.iter().map(word).collect();
            self.found.imports.read(self.reader.table.traits.imports, &words);
            self.import_tokens.clear();
        }
    }

    /// Notes a string that names a module outside of an import.
    fn module_string(&mut self, node: Node<'tree>) {
        let text = self.reader.text.get(node.byte_range()).unwrap_or_default();
        if text.starts_with(['"', '\'']) && !text.contains("#{") {
            self.found.imports.push(&format!("{}{}", self.module_prefix, text.trim_matches(['"', '\''])), None);
        }
    }

    /// Notes that the last token is assigned to.
    pub(super) fn written(&mut self) {
        let before = self.tokens.now.wrapping_sub(1);
        if let Some(access) = self.access_at(before) {
            access.written = true;
        }
    }
}
