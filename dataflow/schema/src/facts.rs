//! What one pass over a file's syntax tree yields: integers only, so that they may be summed and retracted.

use crate::language::Language;
use crate::structure::Structure;
use serde::{Deserialize, Serialize};

/// Everything measured on one content. Collections carry it as `Arc<FileFacts>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileFacts {
    /// The language that was read: C++ for a text that is called C and is not.
    pub language: Language,
    /// Size in bytes.
    pub bytes: u32,
    /// Bytes inside ERROR nodes, or missing from the tree.
    pub error_bytes: u32,
    /// Whether a limit cut the measurement short.
    pub truncated: bool,
    /// The file as a whole.
    pub metrics: SpaceMetrics,
    /// Functions, methods and closures, in order of their start.
    pub functions: Vec<FunctionFacts>,
    /// What each line holds.
    pub lines: LineClasses,
    /// What it defines and uses.
    pub structure: Structure,
}

impl FileFacts {
    /// Gives back room that lists were made with and do not use: for facts that are kept.
    pub fn shrink_to_fit(&mut self) {
        self.functions.shrink_to_fit();
        self.lines.runs.shrink_to_fit();
        self.structure.shrink_to_fit();
    }

    /// About what these facts take in memory, names included, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        let names = self.functions.iter().map(|function| function.name.len() + function.qualified_name.len());
        let functions = size_of_val(&self.functions[..]) + names.sum::<usize>();
        let lines = size_of_val(&self.lines.runs[..]);
        (size_of::<Self>() + functions + lines) as u64 + self.structure.memory_bytes()
    }
}

/// Metrics of a file or a function. A function's cyclomatic complexity (both), own and sonar cognitive complexity, exits,
/// yields and parameters are its own; everything else includes inner functions. A file has the sums, or the largest for
/// parameters; its distinct operators and operands are those of the whole file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SpaceMetrics {
    /// Cyclomatic complexity (McCabe): of a file, the sum over its functions plus its own decisions plus one.
    pub cyclomatic: u32,
    /// Cyclomatic complexity that counts a switch once, whatever the number of its cases.
    pub cyclomatic_modified: u32,
    /// Cognitive complexity (white paper 1.5), closures rolled up.
    pub cognitive: u32,
    /// Cognitive complexity without what inner functions hold.
    pub cognitive_own: u32,
    /// Cognitive complexity by the published text of rule S3776 for JavaScript: inner functions apart, default values free.
    pub cognitive_sonar: u32,
    /// Lines with code (NLOC).
    pub ploc: u32,
    /// Lines spanned.
    pub sloc: u32,
    /// Lines with a comment.
    pub cloc: u32,
    /// Blank lines.
    pub blank: u32,
    /// Statements.
    pub lloc: u32,
    /// Deepest structural nesting.
    pub nesting: u32,
    /// Declared parameters without the receiver; of a file, the largest of its functions.
    pub params: u32,
    /// Exits: return, throw, `?`.
    pub exits: u32,
    /// Values yielded.
    pub yields: u32,
    /// Distinct operators (Halstead n1).
    pub operators_distinct: u32,
    /// Distinct operands (Halstead n2).
    pub operands_distinct: u32,
    /// Operators (Halstead N1).
    pub operators: u32,
    /// Operands (Halstead N2).
    pub operands: u32,
    /// Assignments, `++` and `--` (Fitzpatrick's A).
    pub assignments: u32,
    /// Calls and `new` (Fitzpatrick's B).
    pub branches: u32,
    /// Comparisons, `else`, `case`, `catch` and ternaries (Fitzpatrick's C).
    pub conditions: u32,
    /// Branches of the preprocessor.
    pub preproc_branches: u32,
    /// Function spaces inside (of a function, itself apart).
    pub functions: u32,
}

/// What kind of space a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum FunctionKind {
    Function,
    Method,
    Constructor,
    Closure,
    Initializer,
}

/// One function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FunctionFacts {
    /// Name as written; `<anonymous>` for closures without one.
    pub name: Box<str>,
    /// Names of the enclosing spaces and classes and its own, joined by `::`; unique within the file by appending `#2`, `#3`.
    pub qualified_name: Box<str>,
    /// What it is.
    pub kind: FunctionKind,
    /// First line, from 1.
    pub start_line: u32,
    /// Last line, from 1, inclusive.
    pub end_line: u32,
    /// Its metrics.
    pub metrics: SpaceMetrics,
    /// Hash of its text, so that an unchanged function is seen as such.
    pub text_hash: u64,
}

/// What a line holds. A line with code and a comment is code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum LineClass {
    Blank,
    Comment,
    Code,
}

/// The class of every line, as runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LineClasses {
    /// (index just after the run, class), ascending.
    runs: Vec<(u32, LineClass)>,
}

impl LineClasses {
    /// Adds one line.
    pub fn push(&mut self, class: LineClass) {
        match self.runs.last_mut() {
            Some((end, last)) if *last == class => *end += 1,
            Some((end, _)) => {
                let next = *end + 1;
                self.runs.push((next, class));
            }
            None => self.runs.push((1, class)),
        }
    }
    /// Number of lines.
    pub fn len(&self) -> u32 {
        self.runs.last().map_or(0, |(end, _)| *end)
    }
    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
    /// The class of the line with this index from 0; `None` beyond the end.
    pub fn class(&self, index: u32) -> Option<LineClass> {
        self.runs.get(self.runs.partition_point(|(end, _)| *end <= index)).map(|(_, class)| *class)
    }
    /// How many lines of `range` (indices from 0, end exclusive) have this class.
    pub fn count(&self, range: std::ops::Range<u32>, class: LineClass) -> u32 {
        // Hunks ask for one short range after the other: only the runs that a range meets are looked at.
        let first = self.runs.partition_point(|(end, _)| *end <= range.start);
        let mut start = first.checked_sub(1).map_or(0, |before| self.runs[before].0);
        let mut total = 0;
        for (end, run) in self.runs[first..].iter() {
            if start >= range.end {
                break;
            }
            if *run == class {
                total += (*end).min(range.end).saturating_sub(start.max(range.start));
            }
            start = *end;
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_answer_like_a_list_of_lines() {
        use LineClass::*;
        let lines = [Code, Code, Blank, Comment, Comment, Code, Blank];
        let mut classes = LineClasses::default();
        lines.iter().for_each(|class| classes.push(*class));
        assert_eq!(classes.len(), 7);
        for (index, class) in lines.iter().enumerate() {
            assert_eq!(classes.class(index as u32), Some(*class));
        }
        assert_eq!(classes.class(7), None);
        for from in 0..7u32 {
            for to in from..9u32 {
                let expected = lines.iter().take(to as usize).skip(from as usize).filter(|c| **c == Comment).count();
                assert_eq!(classes.count(from..to, Comment), expected as u32);
            }
        }
    }
}
