//! What is known of one file, and its JSON row: the contract of `--json`.

use super::metrics_row::MetricsRow;
use driftline_operators::syntax::class_metrics;
use driftline_operators::syntax::patterns::Pattern;
use driftline_operators::syntax::smells::Smell;
use driftline_schema::facts::FunctionKind;
use driftline_schema::{ClassFacts, ClassKind, FileFacts, FunctionFacts, Language};
use serde::Serialize;
use std::path::PathBuf;

/// A file that was measured.
pub(super) struct MeasuredFile {
    /// How it is named in what is printed.
    pub(super) path: String,
    /// The same with all its bytes: a name need not be UTF-8.
    pub(super) exact_path: PathBuf,
    /// What was measured.
    pub(super) facts: FileFacts,
    /// Its smells, in order of place.
    pub(super) smells: Vec<FoundSmell>,
    /// Its patterns, in order of place.
    pub(super) patterns: Vec<Pattern>,
    /// Hashes of its lines, where results are to be told apart across runs.
    pub(super) line_hashes: Vec<u64>,
}

/// A smell, and where else the same code stands.
#[derive(Serialize)]
pub(super) struct FoundSmell {
    #[serde(flatten)]
    pub(super) smell: Smell,
    /// The other place of duplicated code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) same_as: Option<OtherPlace>,
}

/// Lines of some file.
#[derive(Clone, Serialize)]
pub(super) struct OtherPlace {
    pub(super) path: String,
    /// The place of its file among all files.
    #[serde(skip)]
    pub(super) file: usize,
    pub(super) start_line: u32,
    pub(super) end_line: u32,
}

/// A file as `--json` prints it.
#[derive(Serialize)]
pub(super) struct FileRow<'a> {
    path: &'a str,
    language: Language,
    bytes: u32,
    error_bytes: u32,
    truncated: bool,
    metrics: MetricsRow,
    functions: Vec<FunctionRow<'a>>,
    classes: Vec<ClassRow<'a>>,
    smells: &'a [FoundSmell],
    patterns: &'a [Pattern],
}

#[derive(Serialize)]
struct FunctionRow<'a> {
    name: &'a str,
    qualified_name: &'a str,
    kind: FunctionKind,
    start_line: u32,
    end_line: u32,
    metrics: MetricsRow,
}

#[derive(Serialize)]
struct ClassRow<'a> {
    name: &'a str,
    qualified_name: &'a str,
    kind: ClassKind,
    start_line: u32,
    end_line: u32,
    bases: &'a [Box<str>],
    metrics: ClassColumns,
}

/// Metrics of a class; a ratio is written `part/whole`, or null where there is nothing to divide by.
#[derive(Serialize)]
pub(super) struct ClassColumns {
    pub(super) wmc: u32,
    pub(super) methods: u32,
    public_methods: u32,
    pub(super) fields: u32,
    public_fields: u32,
    pub(super) lcom4: Option<u32>,
    pub(super) tcc: Option<String>,
    pub(super) atfd: u32,
    pub(super) woc: Option<String>,
    cda: Option<String>,
    coa: Option<String>,
}

impl ClassColumns {
    /// Those of a class of a file with these functions.
    pub(super) fn of(class: &ClassFacts, functions: &[FunctionFacts]) -> Self {
        let metrics = class_metrics(class, functions);
        let ratio = |pair: Option<(u32, u32)>| pair.map(|(part, whole)| format!("{part}/{whole}"));
        Self {
            wmc: metrics.wmc,
            methods: metrics.methods,
            public_methods: metrics.public_methods,
            fields: metrics.fields,
            public_fields: metrics.public_fields,
            lcom4: metrics.lcom4,
            tcc: ratio(metrics.tcc),
            atfd: metrics.atfd,
            woc: ratio(metrics.woc),
            cda: ratio(metrics.cda()),
            coa: ratio(metrics.coa()),
        }
    }
}

impl<'a> FileRow<'a> {
    /// The row of a file.
    pub(super) fn of(file: &'a MeasuredFile) -> Self {
        let facts = &file.facts;
        let classes = facts.structure.classes.iter();
        Self {
            path: &file.path,
            language: facts.language,
            bytes: facts.bytes,
            error_bytes: facts.error_bytes,
            truncated: facts.truncated,
            metrics: MetricsRow::of(&facts.metrics),
            functions: facts.functions.iter().map(FunctionRow::of).collect(),
            classes: classes.map(|class| ClassRow::of(class, &facts.functions)).collect(),
            smells: &file.smells,
            patterns: &file.patterns,
        }
    }
}

impl<'a> ClassRow<'a> {
    fn of(facts: &'a ClassFacts, functions: &[FunctionFacts]) -> Self {
        Self {
            name: &facts.name,
            qualified_name: &facts.qualified_name,
            kind: facts.kind,
            start_line: facts.start_line,
            end_line: facts.end_line,
            bases: &facts.bases,
            metrics: ClassColumns::of(facts, functions),
        }
    }
}

impl<'a> FunctionRow<'a> {
    fn of(facts: &'a FunctionFacts) -> Self {
        Self {
            name: &facts.name,
            qualified_name: &facts.qualified_name,
            kind: facts.kind,
            start_line: facts.start_line,
            end_line: facts.end_line,
            metrics: MetricsRow::of(&facts.metrics),
        }
    }
}
