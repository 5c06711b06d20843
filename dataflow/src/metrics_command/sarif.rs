//! Smells as SARIF 2.1.0, which code hosts and editors read.
//!
//! A rule carries its page as help text; where the pages are published, `--docs-url` makes it a link as well. A log holds no
//! more results than consumers take, the most severe ones; what is left out is said in the log and on standard error.
//! Results are made one by one while they are written: as values of JSON they take ten times the memory of the smells.

use super::files::Refusal;
use super::fingerprints::{Fingerprint, fingerprints};
use super::row::{FoundSmell, MeasuredFile, OtherPlace};
use super::truncation;
use driftline_operators::syntax::smells::{Evidence, Ratio, Relation, SmellKind};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
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
    let places = files.iter().enumerate();
    let mut found: Vec<Place> = places.flat_map(|(file, f)| (0..f.smells.len()).map(move |at| (file, at))).collect();
    // Stable: among equally severe ones the order is that of the places.
    found.sort_by_cached_key(|(file, at)| severity(&files[*file].smells[*at]));
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
    let rules: Vec<Value> = SmellKind::ALL.iter().map(|kind| rule(*kind, docs_url)).collect();
    let run = Run {
        invocations: json!([{
            "executionSuccessful": refusals.is_empty(),
            "toolExecutionNotifications": notifications,
        }]),
        results: Results { files, found: &found },
        tool: json!({"driver": {"name": "driftline", "version": env!("CARGO_PKG_VERSION"), "rules": rules}}),
    };
    serde_json::to_writer_pretty(&mut *out, &Log { schema: SCHEMA, runs: [run], version: "2.1.0" })?;
    out.write_all(b"\n")
}

/// A smell: the place of its file among all files, and its own among the smells of the file.
type Place = (usize, usize);

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    runs: [Run<'a>; 1],
    version: &'static str,
}

#[derive(Serialize)]
struct Run<'a> {
    invocations: Value,
    results: Results<'a>,
    tool: Value,
}

/// The results of these smells, in their order.
struct Results<'a> {
    files: &'a [MeasuredFile],
    found: &'a [Place],
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known: RefCell<HashMap<usize, Vec<Fingerprint>>> = RefCell::default();
        serializer.collect_seq(self.found.iter().map(|&(at_file, at)| {
            let file = &self.files[at_file];
            let all = || fingerprints(&file.path, &file.smells, &file.line_hashes);
            let fingerprint = known.borrow_mut().entry(at_file).or_insert_with(all)[at];
            result(self.files, at_file, &file.smells[at], fingerprint)
        }))
    }
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

fn result(files: &[MeasuredFile], file: usize, found: &FoundSmell, fingerprint: Fingerprint) -> Value {
    let (smell, fingerprint) = (&found.smell, fingerprint.to_string());
    let location = |file: usize, start_line: u32, end_line: u32| {
        let artifact = artifact(&files[file].exact_path);
        json!({"artifactLocation": artifact, "region": {"startLine": start_line, "endLine": end_line}})
    };
    let mut place = json!({"physicalLocation": location(file, smell.start_line, smell.end_line)});
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
            "physicalLocation": location(other.file, other.start_line, other.end_line),
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

/// A path as the URI the format asks for: relative to the sources' root, or of a file. Its bytes are told exactly, whether
/// they are UTF-8 or not, so that the URI leads to the file.
fn artifact(path: &Path) -> Value {
    let mut uri = String::new();
    let bytes = path.as_os_str().as_bytes();
    for &byte in bytes.strip_prefix(b"./").unwrap_or(bytes) {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    if path.is_absolute() {
        json!({"uri": format!("file://{uri}")})
    } else {
        json!({"uri": uri, "uriBaseId": "%SRCROOT%"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn a_path_becomes_a_uri() {
        let artifact = |path: &[u8]| artifact(Path::new(OsStr::from_bytes(path)));
        assert_eq!(artifact("./a b/\u{e9}#.py".as_bytes())["uri"], "a%20b/%C3%A9%23.py");
        assert_eq!(artifact(b"/a/b.py"), json!({"uri": "file:///a/b.py"}));
        assert_eq!(artifact(b"a\xffb.js")["uri"], "a%FFb.js");
    }
}
