//! What is known of one file, and its JSON row: the contract of `--json`.

use driftline_operators::syntax::smells::Smell;
use driftline_schema::facts::{FunctionKind, SpaceMetrics};
use driftline_schema::{FileFacts, FunctionFacts, Language};
use serde::Serialize;

/// A file that was measured.
pub(super) struct MeasuredFile {
    /// How it is named in what is printed.
    pub(super) path: String,
    /// What was measured.
    pub(super) facts: FileFacts,
    /// Its smells, in order of place.
    pub(super) smells: Vec<FoundSmell>,
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
    metrics: &'a SpaceMetrics,
    functions: Vec<FunctionRow<'a>>,
    smells: &'a [FoundSmell],
}

#[derive(Serialize)]
struct FunctionRow<'a> {
    name: &'a str,
    qualified_name: &'a str,
    kind: FunctionKind,
    start_line: u32,
    end_line: u32,
    metrics: &'a SpaceMetrics,
}

impl<'a> FileRow<'a> {
    /// The row of a file.
    pub(super) fn of(file: &'a MeasuredFile) -> Self {
        let facts = &file.facts;
        Self {
            path: &file.path,
            language: facts.language,
            bytes: facts.bytes,
            error_bytes: facts.error_bytes,
            truncated: facts.truncated,
            metrics: &facts.metrics,
            functions: facts.functions.iter().map(FunctionRow::of).collect(),
            smells: &file.smells,
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
            metrics: &facts.metrics,
        }
    }
}
