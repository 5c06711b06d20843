//! Smells as SARIF 2.1.0, which code hosts and editors read.
//!
//! A rule carries its page as help text; where the pages are published, `--docs-url` makes it a link as well.

use super::files::Refusal;
use super::row::{FoundSmell, MeasuredFile, OtherPlace};
use driftline_operators::syntax::smells::{Evidence, SmellKind};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::Path;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Prints one log with one run.
pub(super) fn print(
    files: &[MeasuredFile],
    refusals: &[Refusal],
    docs_url: Option<&str>,
    out: &mut impl Write,
) -> io::Result<()> {
    let results: Vec<Value> =
        files.iter().flat_map(|file| file.smells.iter().map(|found| result(&file.path, found))).collect();
    let rules: Vec<Value> = SmellKind::ALL.iter().map(|kind| rule(*kind, docs_url)).collect();
    let notifications: Vec<Value> =
        refusals.iter().map(|r| json!({"level": "error", "message": {"text": r.to_string()}})).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "driftline", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "invocations": [{
                "executionSuccessful": refusals.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    out.write_all(b"\n")
}

/// How much a kind of smell asks for attention.
fn level(kind: SmellKind) -> &'static str {
    match kind {
        SmellKind::MagicNumber | SmellKind::DataClass | SmellKind::FeatureEnvy | SmellKind::DuplicatedCode => "note",
        _ => "warning",
    }
}

fn rule(kind: SmellKind, docs_url: Option<&str>) -> Value {
    let name: String = kind.name().split('_').map(capitalized).collect();
    let mut rule = json!({
        "id": kind.name(),
        "name": name,
        "shortDescription": {"text": kind.sentence()},
        "help": {"text": kind.help()},
        "defaultConfiguration": {"level": level(kind)},
    });
    if let Some(base) = docs_url {
        rule["helpUri"] = format!("{}/smells.md#{}", base.trim_end_matches('/'), kind.name()).into();
    }
    rule
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

fn result(path: &str, found: &FoundSmell) -> Value {
    let smell = &found.smell;
    let mut place = json!({"physicalLocation": location(path, smell.start_line, smell.end_line)});
    if !smell.place.is_empty() {
        place["logicalLocations"] = json!([{"fullyQualifiedName": smell.place}]);
    }
    let index = SmellKind::ALL.iter().position(|kind| *kind == smell.kind);
    let mut result = json!({
        "ruleId": smell.kind.name(),
        "ruleIndex": index,
        "level": level(smell.kind),
        "message": {"text": message(smell.kind, &smell.evidence, found.same_as.as_ref())},
        "locations": [place],
    });
    if let Some(other) = &found.same_as {
        result["relatedLocations"] = json!([{
            "id": 1,
            "physicalLocation": location(&other.path, other.start_line, other.end_line),
            "message": {"text": "The same code."},
        }]);
    }
    result
}

/// The sentence of the kind with its numbers: `The function has too many lines of code: ploc 60, over 50.`
fn message(kind: SmellKind, evidence: &[Evidence], other: Option<&OtherPlace>) -> String {
    let number = |e: &Evidence| format!("{} {}, {} {}", e.measure, e.value, e.relation.words(), e.threshold);
    let mut parts: Vec<String> = evidence.iter().map(number).collect();
    parts.extend(other.map(|other| format!("also in {}:{}", other.path, other.start_line)));
    let sentence = kind.sentence();
    if parts.is_empty() {
        return sentence.to_owned();
    }
    format!("{}: {}.", sentence.trim_end_matches('.'), parts.join("; "))
}

fn location(path: &str, start_line: u32, end_line: u32) -> Value {
    json!({"artifactLocation": artifact(path), "region": {"startLine": start_line, "endLine": end_line}})
}

/// A path as the URI the format asks for: relative to the sources' root, or of a file.
fn artifact(path: &str) -> Value {
    let mut uri = String::new();
    for byte in path.strip_prefix("./").unwrap_or(path).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    if Path::new(path).is_absolute() {
        json!({"uri": format!("file://{uri}")})
    } else {
        json!({"uri": uri, "uriBaseId": "%SRCROOT%"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_uri() {
        assert_eq!(artifact("./a b/\u{e9}#.py")["uri"], "a%20b/%C3%A9%23.py");
        assert_eq!(artifact("/a/b.py"), json!({"uri": "file:///a/b.py"}));
    }
}
