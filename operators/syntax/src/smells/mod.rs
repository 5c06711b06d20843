//! Code smells as pure functions of the facts of files: what is over which threshold, where, and by how much.
//!
//! Nothing here reads text or a tree, so a smell can be found again from stored facts. Ratios are compared by integer
//! cross-multiplication; no float takes part. What each smell means stands in `docs/smells.md`.

mod classes;
mod duplicates;
mod functions;
mod ratio;
#[cfg(test)]
mod tests;
mod thresholds;

pub use duplicates::{Duplicate, duplicates};
pub use ratio::Ratio;
pub use thresholds::Thresholds;

use driftline_schema::facts::FileFacts;
use driftline_schema::{ClassFacts, Finding, FindingKind, FunctionFacts};
use serde::Serialize;

/// The page that describes the smells, one part a kind.
const PAGE: &str = include_str!("../../docs/smells.md");

/// What kind of smell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SmellKind {
    /// A function with too many lines of code.
    LongMethod,
    /// A function with too many parameters.
    LongParameterList,
    /// A function whose constructs are nested too deep.
    DeepNesting,
    /// A function with too many paths, or too hard to follow.
    ComplexMethod,
    /// A class that does too much, with little cohesion, on the data of others.
    GodClass,
    /// A class that is little more than its data.
    DataClass,
    /// A method more interested in other objects than in its own.
    FeatureEnvy,
    /// A handler of exceptions that does nothing.
    EmptyCatch,
    /// A number without a name.
    MagicNumber,
    /// Code that cannot be reached.
    DeadCode,
    /// Code that stands in more than one place.
    DuplicatedCode,
}

impl SmellKind {
    /// All kinds, in the order of the enum.
    pub const ALL: [Self; 11] = [
        Self::LongMethod,
        Self::LongParameterList,
        Self::DeepNesting,
        Self::ComplexMethod,
        Self::GodClass,
        Self::DataClass,
        Self::FeatureEnvy,
        Self::EmptyCatch,
        Self::MagicNumber,
        Self::DeadCode,
        Self::DuplicatedCode,
    ];

    /// The name in JSON, rules and documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::LongMethod => "long_method",
            Self::LongParameterList => "long_parameter_list",
            Self::DeepNesting => "deep_nesting",
            Self::ComplexMethod => "complex_method",
            Self::GodClass => "god_class",
            Self::DataClass => "data_class",
            Self::FeatureEnvy => "feature_envy",
            Self::EmptyCatch => "empty_catch",
            Self::MagicNumber => "magic_number",
            Self::DeadCode => "dead_code",
            Self::DuplicatedCode => "duplicated_code",
        }
    }

    /// Its part of the page `docs/smells.md`.
    pub fn help(self) -> &'static str {
        let section = |text: &'static str| text.split_once('\n').filter(|(title, _)| *title == self.name());
        PAGE.split("\n## ").find_map(section).map_or("", |(_, help)| help.trim())
    }

    /// What it says of the place, as one sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::LongMethod => "The function has too many lines of code.",
            Self::LongParameterList => "The function has too many parameters.",
            Self::DeepNesting => "The function nests its constructs too deep.",
            Self::ComplexMethod => "The function has too many paths or is too hard to follow.",
            Self::GodClass => "The class does too much, with little cohesion, on the data of others.",
            Self::DataClass => "The class is little more than its data.",
            Self::FeatureEnvy => "The method is more interested in other objects than in its own.",
            Self::EmptyCatch => "The handler swallows an exception without a statement.",
            Self::MagicNumber => "The number has no name.",
            Self::DeadCode => "The statement cannot be reached.",
            Self::DuplicatedCode => "The code stands in more than one place.",
        }
    }
}

/// How a value stands to its threshold in a smell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Relation {
    Over,
    AtLeast,
    AtMost,
    Below,
}

impl Relation {
    /// Whether `value` stands so to `threshold`.
    pub fn holds(self, value: Ratio, threshold: Ratio) -> bool {
        match self {
            Self::Over => threshold.is_below(value),
            Self::AtLeast => !value.is_below(threshold),
            Self::AtMost => !threshold.is_below(value),
            Self::Below => value.is_below(threshold),
        }
    }

    /// In words, before the threshold.
    pub fn words(self) -> &'static str {
        match self {
            Self::Over => "over",
            Self::AtLeast => "at least",
            Self::AtMost => "at most",
            Self::Below => "below",
        }
    }
}

/// One number a smell rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Evidence {
    /// What was measured.
    pub measure: &'static str,
    /// Its value.
    pub value: Ratio,
    /// How it stands to the threshold.
    pub relation: Relation,
    /// The threshold.
    pub threshold: Ratio,
}

impl Evidence {
    /// The evidence if the relation holds.
    fn if_holds(
        measure: &'static str,
        value: impl Into<Ratio>,
        relation: Relation,
        threshold: impl Into<Ratio>,
    ) -> Option<Self> {
        let (value, threshold) = (value.into(), threshold.into());
        relation.holds(value, threshold).then_some(Self { measure, value, relation, threshold })
    }
}

/// One smell in one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Smell {
    /// First line, from 1.
    pub start_line: u32,
    /// Last line, from 1, inclusive.
    pub end_line: u32,
    /// What it is.
    pub kind: SmellKind,
    /// Qualified name of the function or class; empty for a file's own code.
    pub place: Box<str>,
    /// What it rests on; empty where a rule of syntax alone decides.
    pub evidence: Vec<Evidence>,
}

impl Smell {
    fn of_function(kind: SmellKind, function: &FunctionFacts, evidence: Vec<Evidence>) -> Self {
        let (start_line, end_line) = (function.start_line, function.end_line);
        Self { kind, start_line, end_line, place: function.qualified_name.clone(), evidence }
    }

    fn of_class(kind: SmellKind, class: &ClassFacts, evidence: Vec<Evidence>) -> Self {
        let (start_line, end_line) = (class.start_line, class.end_line);
        Self { kind, start_line, end_line, place: class.qualified_name.clone(), evidence }
    }

    fn of_finding(finding: &Finding, functions: &[FunctionFacts]) -> Self {
        let kind = match finding.kind {
            FindingKind::EmptyCatch => SmellKind::EmptyCatch,
            FindingKind::MagicNumber => SmellKind::MagicNumber,
            FindingKind::DeadCode => SmellKind::DeadCode,
        };
        let place = functions.get(finding.function as usize).map(|f| f.qualified_name.clone()).unwrap_or_default();
        Self { kind, start_line: finding.line, end_line: finding.line, place, evidence: Vec::new() }
    }
}

/// The smells of one file, in order of place. Duplicates need other files: see [`duplicates`].
pub fn smells(facts: &FileFacts, thresholds: &Thresholds) -> Vec<Smell> {
    let mut found: Vec<Smell> = Vec::new();
    for function in &facts.functions {
        functions::add(function, thresholds, &mut found);
    }
    for class in &facts.structure.classes {
        classes::add(class, &facts.functions, thresholds, &mut found);
    }
    found.extend(facts.structure.findings.iter().map(|finding| Smell::of_finding(finding, &facts.functions)));
    found.sort();
    found
}
