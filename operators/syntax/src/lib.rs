//! The syntax of one file in one pass: complexity, sizes, functions and the class of every line, in integers.
//!
//! [`measure`] is a pure function of the text, the language, the limits and [`TABLE_VERSION`]: limits are counted in
//! bytes, parser operations and frames, never in time, so that a replay gives the same facts on any machine. What a
//! construct counts as stands in one table a language; the pass itself knows no language.
//!
//! Cognitive complexity follows the white paper (SonarSource, version 1.5): closures roll up into what encloses them.
//! Cyclomatic complexity, exits and parameters are of each function alone; a file's are the sums (the largest for
//! parameters).

mod class;
mod class_heads;
mod class_metrics;
mod conditionals;
mod derived;
mod dialect;
mod edits;
mod gaps;
mod grammar;
mod imports;
mod lines;
mod members;
mod name;
mod parse;
mod pass;
pub mod patterns;
mod pieces;
mod scopes;
pub mod smells;
mod space;
mod table;
mod tables;
mod text_hash;
mod tokens;
mod tree_heap;
mod variants;
mod walk;
mod windows;

pub use class_metrics::{ClassMetrics, MethodMetrics, class_metrics, method_metrics};
pub use derived::{Halstead, Maintainability, halstead, maintainability};
pub use edits::{RecentLimits, RecentTrees, TreeFrom, Version, measure_edit};
pub use grammar::{grammar, has_grammar, languages};
pub use tree_heap::tree_bytes_asked;

use conditionals::Blanked;
use driftline_schema::facts::{FileFacts, FunctionFacts, LineClasses, SpaceMetrics};
use driftline_schema::{Call, Language, NameHash, Structure};
use lines::Lines;
use name::Reader;
use pass::{Found, Pass};
use serde::{Deserialize, Serialize};
use tokens::Tokens;
use tree_sitter::Tree;
use variants::Reading;
use walk::Walk;

/// Version of what the tables and the pass count; facts of different versions must not be mixed.
pub const TABLE_VERSION: u32 = 6;

/// The hash by which facts compare the name `name`.
pub fn name_hash(name: &str) -> NameHash {
    text_hash::name_hash(name.as_bytes())
}

/// What a measurement may cost. Beyond a limit the facts say `truncated` and hold what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SyntaxLimits {
    /// Bytes of a file that is parsed at all.
    pub file_bytes_max: usize,
    /// Progress reports of the parser, which come once in a hundred of its operations.
    pub parse_reports_max: u32,
    /// Bytes of memory that the parses of one file may ask for.
    pub tree_bytes_max: usize,
    /// Constructs that may enclose each other.
    pub frames_max: usize,
}

impl Default for SyntaxLimits {
    fn default() -> Self {
        // What a text may cost follows from its length; these bound the longest. Real files need a third of it at most, the
        // densest lists of numbers more than all: `docs/limits.md`.
        Self { file_bytes_max: 1 << 20, parse_reports_max: 1 << 16, tree_bytes_max: 160 << 20, frames_max: 10_000 }
    }
}

/// What measuring one file after another needs again and again; one a thread.
#[derive(Default)]
pub struct Measurer {
    lines: Lines,
    tokens: Tokens,
}

impl Measurer {
    /// A measurer that has not yet loaded any grammar.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Measures one file.
pub fn measure(measurer: &mut Measurer, language: Language, text: &str, limits: &SyntaxLimits) -> FileFacts {
    let reading = if has_grammar(language) && text.len() <= limits.file_bytes_max {
        variants::read(measurer, language, text, limits)
    } else {
        None
    };
    match reading {
        Some(reading) => facts(measurer, &Parsed::new(text, &reading), limits),
        None => unparsed(measurer, language, text),
    }
}

/// A text and its tree.
struct Parsed<'a> {
    language: Language,
    text: &'a str,
    tree: &'a Tree,
    /// What of the text is not in the tree.
    blanked: Option<&'a Blanked>,
}

impl<'a> Parsed<'a> {
    fn new(text: &'a str, reading: &'a Reading) -> Self {
        Self { language: reading.language, text, tree: &reading.tree, blanked: reading.blanked.as_ref() }
    }
}

/// What a text's tree says of it.
fn facts(measurer: &mut Measurer, parsed: &Parsed<'_>, limits: &SyntaxLimits) -> FileFacts {
    let Parsed { language, text, tree, blanked } = *parsed;
    let root = tree.root_node();
    let reader = Reader { text, table: table::compiled(language), side: Walk::new(root) };
    let jumps = blanked.map_or(&[][..], |blanked| &blanked.jumps);
    let mut found = Pass::new(reader, &mut measurer.tokens, limits.frames_max, jumps).run(root);
    if let Some(blanked) = blanked {
        blanked.add_comments(&mut found.comments);
    }
    measurer.lines.scan(text, &found.comments, &found.texts);
    measurer.lines.measure(0, measurer.lines.len(), &mut found.file);
    for function in &mut found.functions {
        measurer.lines.measure(function.start_line - 1, function.end_line, &mut function.metrics);
    }
    if let Some(blanked) = blanked {
        blanked.add_branches(&mut found, &measurer.lines.starts);
    }
    let (error_bytes, truncated, metrics) = (found.error_bytes, found.truncated, found.file);
    let (structure, functions) = structure(found, measurer, text, language);
    FileFacts {
        language,
        bytes: text.len() as u32,
        error_bytes,
        truncated,
        metrics,
        functions,
        lines: std::mem::take(&mut measurer.lines.classes),
        structure,
    }
}

/// What the file defines and uses, and its functions.
fn structure(found: Found, measurer: &mut Measurer, text: &str, language: Language) -> (Structure, Vec<FunctionFacts>) {
    let imports = found.imports.finish();
    let last = |module: &str| name_hash(module.rsplit(['.', '/', ':']).next().unwrap_or(module));
    let mut imported: Vec<NameHash> = imports.iter().map(|import| last(&import.module)).collect();
    imported.extend(imports.iter().flat_map(|import| import.names.iter().copied()));
    imported.sort_unstable();
    let traits = table::compiled(language).traits;
    let context = members::Context { text, traits, functions: &found.functions, imported: &imported };
    let classes = members::assemble(found.classes, found.methods, &mut measurer.tokens.accesses, &context);
    let windows = windows::winnow(&measurer.tokens.codes, &measurer.lines.starts);
    let (calls, findings) = (counted(found.calls), found.findings);
    (Structure { imports, classes, calls, findings, windows }, found.functions)
}

/// Calls sorted, equal ones counted.
fn counted(mut calls: Vec<Call>) -> Vec<Call> {
    calls.sort_unstable();
    calls.dedup_by(|next, kept| {
        let equal = (next.caller, next.callee, next.receiver) == (kept.caller, kept.callee, kept.receiver);
        kept.times += if equal { next.times } else { 0 };
        equal
    });
    calls
}

/// What is known without a tree: the size. The classes of lines are not, as any line may be a comment.
fn unparsed(measurer: &mut Measurer, language: Language, text: &str) -> FileFacts {
    let bytes = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let mut metrics = SpaceMetrics { cyclomatic: 1, cyclomatic_modified: 1, ..SpaceMetrics::default() };
    measurer.lines = Lines::default();
    for line in text.lines() {
        metrics.sloc = metrics.sloc.saturating_add(1);
        metrics.blank = metrics.blank.saturating_add(u32::from(!lines::has_ink(line.as_bytes())));
    }
    metrics.ploc = metrics.sloc - metrics.blank;
    FileFacts {
        language,
        bytes,
        error_bytes: bytes,
        truncated: true,
        metrics,
        functions: Vec::new(),
        lines: LineClasses::default(),
        structure: Structure::default(),
    }
}
