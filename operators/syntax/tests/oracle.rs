//! Cyclomatic complexity of real files against the values of independent tools, recorded in `oracle/values.csv`.
//!
//! Tools: radon 6.0.1 (Python), ESLint 10.15.0 (JavaScript, TypeScript), checkstyle 8.36.1 (Java), pmccabe 2.8 (C, C++).
//! Only numbers and identifiers are kept here. The files themselves are of public packages, named in `oracle/files.csv`:
//! `tests/metrics/run.sh` brings them and runs this test, which plain `cargo test` leaves out, and `record.py` beside it
//! records the values anew. A file that could not be had is named and not compared.

use driftline_schema::{FileFacts, FunctionFacts, Language};
use driftline_syntax::{Measurer, SyntaxLimits, measure};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// Functions each file must have in common with its tool: fewer would mean that matching is broken, not that all is well.
const MATCHED: [(&str, usize); 11] = [
    ("c/dict.c", 52),
    ("c/inflate.c", 23),
    ("cpp/version_set.cc", 58),
    ("java/Assert.java", 71),
    ("java/StrBuilder.java", 170),
    ("javascript/no-unused-vars.js", 53),
    ("javascript/response.js", 41),
    ("python/autoreload.py", 47),
    ("python/query.py", 162),
    ("typescript/Observable.ts", 19),
    ("typescript/types.ts", 328),
];

fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().skip(1).map(|line| line.split(',').collect())
}

/// The only function that starts on a line; tools give a line and no name.
fn function_at(facts: &FileFacts, line: u32) -> Option<&FunctionFacts> {
    let mut here = facts.functions.iter().filter(|function| function.start_line == line);
    here.next().filter(|_| here.next().is_none())
}

/// The facts of a recorded file, if it is there and the one that was recorded.
fn facts_of(path: &Path, digest: &str) -> Option<FileFacts> {
    let text = std::fs::read_to_string(path).ok()?;
    let found: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(found.starts_with(digest), "{} is another version: {found}", path.display());
    let language = Language::of_path(&path.to_string_lossy())?;
    Some(measure(&mut Measurer::new(), language, &text, &SyntaxLimits::default()))
}

#[test]
fn cyclomatic_complexity_equals_that_of_independent_tools_on_real_files() {
    let corpus = std::env::var_os("DRIFTLINE_METRICS_CORPUS").expect("the folder that tests/metrics/run.sh fills");
    let mut facts = BTreeMap::new();
    for row in rows(include_str!("oracle/files.csv")) {
        let (package, version, path) = (row[1], row[2], row[4]);
        match facts_of(&Path::new(&corpus).join(format!("{package}-{version}/{path}")), row[5]) {
            Some(found) => drop(facts.insert(row[0], found)),
            None => println!("SKIPPED: {path} of {package} {version} is not there"),
        }
    }
    let (mut faults, mut matched) = (Vec::new(), BTreeMap::new());
    for row in rows(include_str!("oracle/values.csv")) {
        let (file, tool, metric) = (row[0], row[1], row[3]);
        let (line, value): (u32, u32) = (row[2].parse().expect("a line"), row[4].parse().expect("a value"));
        let Some(function) = facts.get(file).and_then(|facts| function_at(facts, line)) else { continue };
        let metrics = &function.metrics;
        let own = if metric == "cyclomatic" { metrics.cyclomatic } else { metrics.cyclomatic_modified };
        *matched.entry((file, metric)).or_insert(0usize) += 1;
        if own != value {
            faults.push(format!("{file}:{line} {}: {metric} is {own}, {tool} says {value}", function.qualified_name));
        }
    }
    for ((file, metric), count) in &matched {
        println!("compared {file}: {count} functions by {metric}");
        let expected = MATCHED.iter().find(|(name, _)| name == file).map(|(_, count)| *count);
        assert_eq!(Some(*count), expected, "{file}: functions in common");
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
