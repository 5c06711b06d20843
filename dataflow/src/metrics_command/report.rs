//! What is printed: JSON lines for programs, a table of the worst functions for people.

use super::{MetricsArgs, SortMetric};
use driftline_schema::facts::{FunctionKind, SpaceMetrics};
use driftline_schema::{FileFacts, FunctionFacts, Language};
use serde::Serialize;
use std::cmp::Reverse;
use std::io::{self, Write};

/// Longer names are cut in the table, in front, where they differ least.
const NAME_CHARS_MAX: usize = 60;

#[derive(Serialize)]
struct FileRow<'a> {
    path: &'a str,
    language: Language,
    bytes: u32,
    error_bytes: u32,
    truncated: bool,
    metrics: &'a SpaceMetrics,
    functions: Vec<FunctionRow<'a>>,
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

/// A function that may stand in the table.
struct Place {
    path: String,
    function: FunctionFacts,
}

/// Collects what is to be printed, and prints what need not wait.
pub(super) struct Report {
    json: bool,
    top: usize,
    sort: SortMetric,
    worst: Vec<Place>,
    files: usize,
    functions: usize,
    code_lines: u64,
    truncated: usize,
}

impl Report {
    /// An empty report in the form `args` ask for.
    pub(super) fn new(args: &MetricsArgs) -> Self {
        let (json, top, sort) = (args.json, args.top, args.sort);
        Self { json, top, sort, worst: Vec::new(), files: 0, functions: 0, code_lines: 0, truncated: 0 }
    }

    /// Adds a file; files come in the order of paths.
    pub(super) fn add(&mut self, path: &str, facts: FileFacts, out: &mut impl Write) -> io::Result<()> {
        if self.json {
            let row = FileRow {
                path,
                language: facts.language,
                bytes: facts.bytes,
                error_bytes: facts.error_bytes,
                truncated: facts.truncated,
                metrics: &facts.metrics,
                functions: facts.functions.iter().map(FunctionRow::of).collect(),
            };
            serde_json::to_writer(&mut *out, &row)?;
            return out.write_all(b"\n");
        }
        self.files += 1;
        self.functions += facts.functions.len();
        self.code_lines += u64::from(facts.metrics.ploc);
        self.truncated += usize::from(facts.truncated);
        let places = facts.functions.into_iter().map(|function| Place { path: path.to_owned(), function });
        self.worst.extend(places);
        if self.worst.len() > self.top.saturating_mul(4).max(4096) {
            self.keep_worst();
        }
        Ok(())
    }

    /// Sorts by the metric, the worst first, and drops what will not be printed; equals stay in the order of paths.
    fn keep_worst(&mut self) {
        let sort = self.sort;
        self.worst.sort_by_key(|place| Reverse(sort.of(&place.function.metrics)));
        self.worst.truncate(self.top);
    }

    /// Prints what had to wait.
    pub(super) fn finish(mut self, out: &mut impl Write) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        self.keep_worst();
        if !self.worst.is_empty() {
            writeln!(out, "cognitive cyclomatic   ploc   lloc nesting params exits  function")?;
        }
        for Place { path, function } in &self.worst {
            let metrics = &function.metrics;
            writeln!(
                out,
                "{:>9} {:>10} {:>6} {:>6} {:>7} {:>6} {:>5}  {}  {path}:{}",
                metrics.cognitive,
                metrics.cyclomatic,
                metrics.ploc,
                metrics.lloc,
                metrics.nesting,
                metrics.params,
                metrics.exits,
                shorten(&function.qualified_name),
                function.start_line,
            )?;
        }
        let (files, functions, lines) = (self.files, self.functions, self.code_lines);
        writeln!(out, "{files} files, {functions} functions, {lines} lines of code")?;
        if self.truncated > 0 {
            writeln!(out, "{} files were beyond a limit and are measured in part", self.truncated)?;
        }
        Ok(())
    }
}

/// The end of a long name.
fn shorten(name: &str) -> String {
    // A name may hold any character of the file; a line break in it must not break the table.
    let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let chars = name.chars().count();
    if chars <= NAME_CHARS_MAX {
        return name;
    }
    format!("...{}", name.chars().skip(chars + 3 - NAME_CHARS_MAX).collect::<String>())
}
