//! One row a function for a spreadsheet (RFC 4180): who it is, all its metrics, its smells.
//!
//! A spreadsheet takes a field that begins with `=`, `+`, `-` or `@` for a formula, which a repository's author could make
//! up. Names that do get an apostrophe before them, and paths `./`, by which they are the same file.

use super::metric::Metric;
use super::row::MeasuredFile;
use crate::terminal::shown;
use driftline_schema::FunctionFacts;
use std::io::{self, Write};

/// A field as it may stand between commas; what a terminal or a spreadsheet would act upon is escaped.
fn quoted(field: &str) -> String {
    let field = shown(field);
    if field.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", field.replace('"', "\"\""));
    }
    field.into_owned()
}

/// Whether a spreadsheet would take the field for a formula.
fn is_formula(field: &str) -> bool {
    field.starts_with(['=', '+', '-', '@'])
}

fn path_field(path: &str) -> String {
    if is_formula(path) { quoted(&format!("./{path}")) } else { quoted(path) }
}

fn name_field(name: &str) -> String {
    if is_formula(name) { quoted(&format!("'{name}")) } else { quoted(name) }
}

/// Prints all functions, in the order of files and places.
pub(super) fn print(files: &[MeasuredFile], out: &mut impl Write) -> io::Result<()> {
    let metrics: Vec<Metric> = Metric::all().collect();
    let names: Vec<&str> = metrics.iter().map(|metric| metric.name).collect();
    write!(out, "path,language,qualified_name,kind,start_line,end_line,{},smells\r\n", names.join(","))?;
    for file in files {
        for function in &file.facts.functions {
            let kind = serde_json::to_value(function.kind)?;
            write!(out, "{},{},", path_field(&file.path), file.facts.language)?;
            write!(out, "{},{}", name_field(&function.qualified_name), kind.as_str().unwrap_or_default())?;
            write!(out, ",{},{}", function.start_line, function.end_line)?;
            for metric in &metrics {
                write!(out, ",{}", metric.print(&function.metrics))?;
            }
            write!(out, ",{}\r\n", smells(file, function).join(" "))?;
        }
    }
    Ok(())
}

/// The kinds of smells of a function, each once.
fn smells(file: &MeasuredFile, function: &FunctionFacts) -> Vec<&'static str> {
    let own = file.smells.iter().filter(|found| found.smell.place == function.qualified_name);
    let mut kinds: Vec<_> = own.map(|found| found.smell.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.into_iter().map(|kind| kind.name()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_a_formula() {
        assert_eq!(path_field("=1+1.py"), "./=1+1.py");
        assert_eq!(path_field("src/=.py"), "src/=.py");
        assert_eq!(name_field("@import,x"), "\"'@import,x\"");
        assert_eq!(name_field("a::operator="), "a::operator=");
    }

    #[test]
    fn what_would_end_a_field_is_quoted() {
        assert_eq!(quoted("a::b"), "a::b");
        assert_eq!(quoted("a, \"b\"\n"), "\"a, \"\"b\"\"\\n\"");
        assert_eq!(quoted("a\x1b[2J"), "a\\u{1b}[2J");
    }
}
