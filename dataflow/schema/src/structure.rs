//! What a file defines and uses, for class metrics, smells and graphs: names as hashes, places as lines, counts as integers.

use serde::{Deserialize, Serialize};

/// A name as a 64-bit hash, the same on every machine: what graphs compare.
pub type NameHash = u64;

/// What a file defines and uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Structure {
    /// Modules imported, as written, sorted and distinct.
    pub imports: Vec<Import>,
    /// Classes and what is like them, in order of their start.
    pub classes: Vec<ClassFacts>,
    /// Calls by what is called, sorted; equal ones counted.
    pub calls: Vec<Call>,
    /// What a rule on syntax alone finds, in order of place.
    pub findings: Vec<Finding>,
    /// Chosen windows of normalised tokens, for duplicates across files, in order of place.
    pub windows: Vec<Window>,
}

impl Structure {
    /// Gives back room that lists were made with and do not use.
    pub fn shrink_to_fit(&mut self) {
        self.imports.shrink_to_fit();
        self.imports.iter_mut().for_each(|import| import.names.shrink_to_fit());
        self.classes.shrink_to_fit();
        for class in &mut self.classes {
            class.bases.shrink_to_fit();
            class.fields.shrink_to_fit();
            class.methods.shrink_to_fit();
            for method in &mut class.methods {
                method.own_fields.shrink_to_fit();
                method.own_calls.shrink_to_fit();
                method.foreign_fields.shrink_to_fit();
            }
        }
        self.calls.shrink_to_fit();
        self.findings.shrink_to_fit();
        self.windows.shrink_to_fit();
    }

    /// About what this takes in memory beside the record itself, names included, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        let import = |import: &Import| size_of::<Import>() + import.module.len() + size_of_val(&import.names[..]);
        let imports: usize = self.imports.iter().map(import).sum();
        let classes: usize = self.classes.iter().map(ClassFacts::memory_bytes).sum();
        let lists = size_of_val(&self.calls[..]) + size_of_val(&self.findings[..]) + size_of_val(&self.windows[..]);
        (imports + classes + lists) as u64
    }
}

/// One imported module; twice if it is imported whole and in part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Import {
    /// The module as written, without quotes: `a.b`, `./c`, `d/e.h`, `crate::f`.
    pub module: Box<str>,
    /// Names taken from it, as hashes, sorted; empty when it is imported whole.
    pub names: Vec<NameHash>,
}

/// What kind of type a class is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ClassKind {
    Class,
    Interface,
    Struct,
    Enum,
    Trait,
}

/// One class. Methods written elsewhere in the file (Go receivers, Rust `impl` blocks, C++ qualified names) belong to it; if
/// its declaration stands in another file, it has no fields here and the lines of its first part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClassFacts {
    /// Name as written.
    pub name: Box<str>,
    /// Names of what encloses it and its own, joined by `::`.
    pub qualified_name: Box<str>,
    /// What it is.
    pub kind: ClassKind,
    /// First line, from 1.
    pub start_line: u32,
    /// Last line, from 1, inclusive.
    pub end_line: u32,
    /// Names of base classes, interfaces and traits, as written.
    pub bases: Vec<Box<str>>,
    /// Declared fields, in order of place.
    pub fields: Vec<FieldFacts>,
    /// Methods with a body, in order of place.
    pub methods: Vec<MethodFacts>,
}

impl ClassFacts {
    fn memory_bytes(&self) -> usize {
        let names = self.name.len() + self.qualified_name.len();
        let bases: usize = self.bases.iter().map(|base| size_of_val(base) + base.len()).sum();
        let field = |field: &FieldFacts| size_of::<FieldFacts>() + field.name.len() + field.kind.len();
        let method = |method: &MethodFacts| {
            let own = size_of_val(&method.own_fields[..]) + size_of_val(&method.own_calls[..]);
            size_of::<MethodFacts>() + own + size_of_val(&method.foreign_fields[..])
        };
        let members = self.fields.iter().map(field).chain(self.methods.iter().map(method));
        size_of::<Self>() + names + bases + members.sum::<usize>()
    }
}

/// One field of a class.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FieldFacts {
    /// Its name.
    pub name: Box<str>,
    /// Whether others may touch it.
    pub public: bool,
    /// Whether it belongs to the class and not to an instance.
    pub shared: bool,
    /// The type's name as written, without arguments; empty where none is written.
    pub kind: Box<str>,
}

/// One method of a class.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MethodFacts {
    /// Index of the function in `FileFacts::functions`.
    pub function: u32,
    /// Whether others may call it.
    pub public: bool,
    /// Whether it has no instance.
    pub shared: bool,
    /// Whether it only reads or writes one field of its own.
    pub accessor: bool,
    /// Own instance fields read or written through the instance, sorted by hash.
    pub own_fields: Vec<NameHash>,
    /// Own methods called through the instance, sorted by hash.
    pub own_calls: Vec<NameHash>,
    /// Fields of other objects read or written (`other.field`, or a getter of it): (object, field) pairs, sorted by hash.
    pub foreign_fields: Vec<(NameHash, NameHash)>,
}

/// Calls of one name from one function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Call {
    /// Index of the calling function in `FileFacts::functions`; `u32::MAX` for the file's own code.
    pub caller: u32,
    /// Last part of the called name.
    pub callee: NameHash,
    /// The object or module it is called on, as written; zero for none.
    pub receiver: NameHash,
    /// How often.
    pub times: u32,
}

/// What a rule found by syntax alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A handler of exceptions without a statement.
    EmptyCatch,
    /// A numeric literal other than -1, 0, 1, 2 outside constants, enums, annotations and defaults.
    MagicNumber,
    /// A statement after an unconditional exit of its block; a second jump (`break` after `return`) is none.
    DeadCode,
}

/// One place a rule on syntax alone found; several on one line of one function are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Finding {
    /// Its line, from 1.
    pub line: u32,
    /// The rule.
    pub kind: FindingKind,
    /// Index of the function it stands in; `u32::MAX` for the file's own code.
    pub function: u32,
}

/// One window of 50 normalised tokens (names and literals by class), chosen by winnowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// First line, from 1.
    pub start_line: u32,
    /// Last line, from 1, inclusive.
    pub end_line: u32,
    /// Rolling hash of the tokens.
    pub hash: u64,
    /// A second, independent hash of the tokens: windows are equal when both are.
    pub check: u64,
}
