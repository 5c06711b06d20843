//! Smells as SARIF 2.1.0, which code hosts and editors read.
//!
//! A rule carries its page as help text; where the pages are published, `--docs-url` makes it a link as well. A log holds no
//! more results than consumers take, the most severe ones; what is left out is said in the log and on standard error.

use super::files::Refusal;
use super::fingerprints::fingerprints;
use super::row::{FoundSmell, MeasuredFile, OtherPlace};
use super::truncation;
use driftline_operators::syntax::smells::{Evidence, Ratio, Relation, SmellKind};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Results a run holds at most: code hosts refuse a log with more.
const RESULTS_MAX: usize = 25_000;

/// Prints one log with one run; says on `errors` if not all results have a place in it.
pub(super) fn print(
    files: &[MeasuredFile],
    refusals: &[Refusal],
    docs_url: Option<&str>,
    out: &mut impl Write,
    errors: &mut impl Write,
) -> io::Result<()> {
    let mut found: Vec<(&MeasuredFile, usize)> =
        files.iter().flat_map(|file| (0..file.smells.len()).map(move |at| (file, at))).collect();
    // Stable: among equally severe ones the order is that of the places.
    found.sort_by_key(|(file, at)| severity(&file.smells[*at]));
    let all = found.len();
    found.truncate(RESULTS_MAX);
    let mut notifications: Vec<Value> =
        refusals.iter().map(|r| json!({"level": "error", "message": {"text": r.to_string()}})).collect();
    let truncated = files.iter().filter(|file| file.facts.truncated);
    notifications.extend(truncated.map(|file| json!({"level": "warning", "message": {"text": truncation(file)}})));
    if all > RESULTS_MAX {
        let text = format!(
            "{all} smells were found, and the log holds the {RESULTS_MAX} most severe ones, as code hosts take no more: \
             name fewer paths or change a threshold (--threshold NAME=VALUE) to see the others"
        );
        writeln!(errors, "driftline: {text}")?;
        notifications.push(json!({"level": "warning", "message": {"text": text}}));
    }
    let results = results(&found);
    let rules: Vec<Value> = SmellKind::ALL.iter().map(|kind| rule(*kind, docs_url)).collect();
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

/// The results of these smells, given by file and place in it.
fn results(found: &[(&MeasuredFile, usize)]) -> Vec<Value> {
    let mut known: HashMap<&str, Vec<String>> = HashMap::new();
    let mut results = Vec::with_capacity(found.len());
    for (file, at) in found {
        let all = || fingerprints(&file.path, &file.smells, &file.line_hashes);
        let fingerprint = &known.entry(&file.path).or_insert_with(all)[*at];
        results.push(result(&file.path, &file.smells[*at], fingerprint));
    }
    results
}

/// How much a kind of smell asks for attention.
fn level(kind: SmellKind) -> &'static str {
    if rank(kind) < NOTES { "warning" } else { "note" }
}

/// The first rank that is only a note.
const NOTES: u32 = 7;

/// The order of the kinds, what may be an error first and what is most often no fault last.
fn rank(kind: SmellKind) -> u32 {
    match kind {
        SmellKind::DeadCode => 0,
        SmellKind::EmptyCatch => 1,
        SmellKind::ComplexMethod => 2,
        SmellKind::GodClass => 3,
        SmellKind::DeepNesting => 4,
        SmellKind::LongMethod => 5,
        SmellKind::LongParameterList => 6,
        SmellKind::DuplicatedCode => NOTES,
        SmellKind::FeatureEnvy => NOTES + 1,
        SmellKind::DataClass => NOTES + 2,
        SmellKind::MagicNumber => NOTES + 3,
    }
}

/// What orders results, the most severe first: the kind, then how far the worst number is over its threshold.
fn severity(found: &FoundSmell) -> (u32, Reverse<u64>) {
    let thousandths = |e: &Evidence| {
        let cross = |a: Ratio, b: Ratio| u64::from(a.numerator()) * u64::from(b.denominator());
        let (value, limit) = (cross(e.value, e.threshold), cross(e.threshold, e.value));
        match e.relation {
            Relation::Over | Relation::AtLeast => value.saturating_mul(1_000) / limit.max(1),
            Relation::Below | Relation::AtMost => limit.saturating_mul(1_000) / value.max(1),
        }
    };
    let worst = found.smell.evidence.iter().map(thousandths).max().unwrap_or_default();
    (rank(found.smell.kind), Reverse(worst))
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

fn result(path: &str, found: &FoundSmell, fingerprint: &str) -> Value {
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
        // The first name is the one that code hosts look for.
        "partialFingerprints": {"primaryLocationLineHash": fingerprint, "driftline/v1": fingerprint},
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
