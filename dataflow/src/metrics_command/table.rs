//! The table for people: the worst functions first, then what smells, then sums.

use super::metric::Metric;
use super::row::{ClassColumns, MeasuredFile};
use super::style::Style;
use crate::terminal::shown;
use driftline_operators::syntax::patterns::Pattern;
use driftline_operators::syntax::smells::{SmellKind, Thresholds};
use driftline_schema::FunctionFacts;
use std::cmp::Reverse;
use std::io::{self, Write};

/// Longer names are cut, in front, where they differ least.
const NAME_CHARS_MAX: usize = 60;
/// The columns of every table; the metric it is sorted by stands before them if it is none of these.
const COLUMNS: [&str; 7] = ["cognitive", "cyclomatic", "ploc", "lloc", "nesting", "params", "exits"];

/// How the table is printed.
pub(super) struct Table<'a> {
    /// Rows of each kind.
    pub(super) top: usize,
    /// What makes a function worse than another.
    pub(super) sort: Metric,
    /// What is coloured as too much.
    pub(super) thresholds: &'a Thresholds,
    /// Colours or none.
    pub(super) style: Style,
}

impl Table<'_> {
    /// Prints all of it.
    pub(super) fn print(&self, files: &[MeasuredFile], out: &mut impl Write) -> io::Result<()> {
        self.functions(files, out)?;
        self.classes(files, out)?;
        self.smells(files, out)?;
        self.patterns(files, out)?;
        sums(files, out)
    }

    fn columns(&self) -> Vec<Metric> {
        let named = |name: &str| Metric::all().find(|metric| metric.name == name);
        let sorted_by = Some(self.sort).filter(|sort| !COLUMNS.contains(&sort.name));
        sorted_by.into_iter().chain(COLUMNS.iter().filter_map(|name| named(name))).collect()
    }

    fn functions(&self, files: &[MeasuredFile], out: &mut impl Write) -> io::Result<()> {
        let mut rows: Vec<(&MeasuredFile, &FunctionFacts)> = Vec::new();
        for file in files {
            rows.extend(file.facts.functions.iter().map(|function| (file, function)));
        }
        // Equals stay in the order of paths, as the sort is stable.
        let badness = |function: &FunctionFacts| self.sort.badness(&function.metrics);
        rows.sort_by(|(_, a), (_, b)| badness(b).total_cmp(&badness(a)));
        rows.truncate(self.top);
        if rows.is_empty() {
            return Ok(());
        }
        let columns = self.columns();
        let header: Vec<String> = columns.iter().map(|metric| format!("{:>1$}", metric.name, width(metric))).collect();
        writeln!(out, "{}", self.style.strong(&format!("{}  function", header.join(" "))))?;
        for (file, function) in rows {
            let cells: Vec<String> = columns.iter().map(|metric| self.cell(metric, function)).collect();
            let name = self.style.strong(&shorten(&function.qualified_name));
            let place = self.style.faint(&format!("{}:{}", shown(&file.path), function.start_line));
            writeln!(out, "{}  {name}  {place}", cells.join(" "))?;
        }
        Ok(())
    }

    /// The classes with the most to answer for.
    fn classes(&self, files: &[MeasuredFile], out: &mut impl Write) -> io::Result<()> {
        let mut rows = Vec::new();
        for file in files {
            let classes = file.facts.structure.classes.iter().filter(|class| !class.methods.is_empty());
            rows.extend(classes.map(|class| (file, class, ClassColumns::of(class, &file.facts.functions))));
        }
        rows.sort_by_key(|(_, _, columns)| Reverse(columns.wmc));
        rows.truncate(self.top);
        if rows.is_empty() {
            return Ok(());
        }
        let header = "   wmc methods fields  lcom4       tcc   atfd       woc  class";
        writeln!(out, "{}", self.style.strong(header))?;
        for (file, class, columns) in rows {
            let wmc = format!("{:>6}", columns.wmc);
            let wmc = if columns.wmc >= self.thresholds.god_class_wmc { self.style.bad(&wmc) } else { wmc };
            let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
            let (methods, fields, atfd) = (columns.methods, columns.fields, columns.atfd);
            let lcom4 = or_none(columns.lcom4.map(|lcom4| lcom4.to_string()));
            let (tcc, woc) = (or_none(columns.tcc), or_none(columns.woc));
            let name = self.style.strong(&shorten(&class.qualified_name));
            let place = self.style.faint(&format!("{}:{}", shown(&file.path), class.start_line));
            writeln!(out, "{wmc} {methods:>7} {fields:>6} {lcom4:>6} {tcc:>9} {atfd:>6} {woc:>9}  {name}  {place}")?;
        }
        Ok(())
    }

    fn cell(&self, metric: &Metric, function: &FunctionFacts) -> String {
        let text = format!("{:>1$}", metric.print(&function.metrics), width(metric));
        let limit = match metric.name {
            "cognitive" => self.thresholds.complex_method_cognitive,
            "cyclomatic" => self.thresholds.complex_method_cyclomatic,
            "ploc" => self.thresholds.long_method_ploc,
            "nesting" => self.thresholds.deep_nesting_levels,
            "params" => self.thresholds.long_parameter_list_params,
            _ => return text,
        };
        if (metric.value)(&function.metrics) > f64::from(limit) { self.style.bad(&text) } else { text }
    }

    /// The patterns with the most to speak for them.
    fn patterns(&self, files: &[MeasuredFile], out: &mut impl Write) -> io::Result<()> {
        let mut rows: Vec<(&MeasuredFile, &Pattern)> = Vec::new();
        for file in files {
            rows.extend(file.patterns.iter().map(|pattern| (file, pattern)));
        }
        rows.sort_by_key(|(_, pattern)| Reverse(pattern.confidence));
        rows.truncate(self.top);
        if !rows.is_empty() {
            writeln!(out, "{}", self.style.strong("confidence  pattern"))?;
        }
        for (file, pattern) in rows {
            let (confidence, kind) = (format!("{:.1}", f64::from(pattern.confidence) / 1000.0), pattern.kind.name());
            let kind = if pattern.kind.is_anti_pattern() { self.style.bad(kind) } else { kind.to_owned() };
            let name = self.style.strong(&shorten(&pattern.place));
            let place = self.style.faint(&format!("{}:{}", shown(&file.path), pattern.start_line));
            writeln!(out, "{confidence:>10}  {kind}  {name}  {place}")?;
        }
        Ok(())
    }

    /// How many smells of each kind there are, the most frequent first.
    fn smells(&self, files: &[MeasuredFile], out: &mut impl Write) -> io::Result<()> {
        let all = || files.iter().flat_map(|file| &file.smells);
        let count = |kind| all().filter(|found| found.smell.kind == kind).count();
        let mut counts: Vec<(usize, SmellKind)> = SmellKind::ALL.iter().map(|kind| (count(*kind), *kind)).collect();
        counts.retain(|(count, _)| *count > 0);
        counts.sort_by_key(|(count, kind)| (Reverse(*count), *kind));
        if counts.is_empty() {
            return Ok(());
        }
        let parts: Vec<String> = counts.iter().map(|(count, kind)| format!("{count} {}", kind.name())).collect();
        writeln!(out, "{} {}", self.style.strong("smells:"), parts.join(", "))?;
        writeln!(
            out,
            "{}",
            self.style.faint(
                "--json or --sarif says where each smell is; operators/syntax/docs/README.md in driftline's repository \
                 explains the columns and smells"
            )
        )
    }
}

fn width(metric: &Metric) -> usize {
    metric.name.len().max(6)
}

fn sums(files: &[MeasuredFile], out: &mut impl Write) -> io::Result<()> {
    let functions: usize = files.iter().map(|file| file.facts.functions.len()).sum();
    let lines: u64 = files.iter().map(|file| u64::from(file.facts.metrics.ploc)).sum();
    writeln!(out, "{} files, {functions} functions, {lines} lines of code", files.len())?;
    let truncated = files.iter().filter(|file| file.facts.truncated).count();
    if truncated > 0 {
        writeln!(out, "{truncated} files were beyond a limit and are measured in part")?;
    }
    Ok(())
}

/// The end of a long name.
pub(super) fn shorten(name: &str) -> String {
    // A name may hold any character of the file; none may break the table or move a cursor.
    let name = shown(name);
    let chars = name.chars().count();
    if chars <= NAME_CHARS_MAX {
        return name.into_owned();
    }
    format!("...{}", name.chars().skip(chars + 3 - NAME_CHARS_MAX).collect::<String>())
}
