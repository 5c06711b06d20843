//! Every ruling as a one-construct function: the comment above each probe holds what it must count.
//!
//! A comment reads `cc=1/2 cog=2/1 params=0/1 kind=function/closure name=outer/inner nest=1 exits=1`; values are those of
//! the functions that start on the next line, in order, and what is left out is not compared. `n1`, `n2`, `N1`, `N2` are
//! Halstead's counts and `A`, `B`, `C` Fitzpatrick's, counted by hand.

use driftline_schema::{FileFacts, FunctionFacts, Language};
use driftline_syntax::{Measurer, SyntaxLimits, has_grammar, measure};
use std::path::{Path, PathBuf};

/// What a probe's comment says of one function, as (key, value).
type Expected = Vec<(String, String)>;

fn probes() -> Vec<(PathBuf, Language, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/probes");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("the probes").map(|e| e.expect("an entry").path()).collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let language = Language::of_path(&path.to_string_lossy()).expect("a probe has a language");
            let text = std::fs::read_to_string(&path).expect("a readable probe");
            (path, language, text)
        })
        .filter(|(_, language, _)| has_grammar(*language))
        .collect()
}

/// The expectations for the functions that start on each line (from 1).
fn expectations(text: &str) -> Vec<(u32, Vec<Expected>)> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some(comment) = line.trim().strip_prefix("// cc=").or(line.trim().strip_prefix("# cc=")) else { continue };
        let mut functions: Vec<Expected> = Vec::new();
        for pair in format!("cc={comment}").split(' ') {
            let (key, values) = pair.split_once('=').expect("`key=values`");
            for (nth, value) in values.split('/').enumerate() {
                if functions.len() <= nth {
                    functions.push(Vec::new());
                }
                functions[nth].push((key.to_owned(), value.replace('␣', " ")));
            }
        }
        found.push((index as u32 + 2, functions));
    }
    found
}

fn actual(function: &FunctionFacts, key: &str) -> String {
    let metrics = &function.metrics;
    match key {
        "cc" => metrics.cyclomatic.to_string(),
        "cog" => metrics.cognitive.to_string(),
        "nest" => metrics.nesting.to_string(),
        "params" => metrics.params.to_string(),
        "exits" => metrics.exits.to_string(),
        "mod" => metrics.cyclomatic_modified.to_string(),
        "own" => metrics.cognitive_own.to_string(),
        "sonar" => metrics.cognitive_sonar.to_string(),
        "yields" => metrics.yields.to_string(),
        "branches" => metrics.preproc_branches.to_string(),
        "n1" => metrics.operators_distinct.to_string(),
        "n2" => metrics.operands_distinct.to_string(),
        "N1" => metrics.operators.to_string(),
        "N2" => metrics.operands.to_string(),
        "A" => metrics.assignments.to_string(),
        "B" => metrics.branches.to_string(),
        "C" => metrics.conditions.to_string(),
        "name" => function.qualified_name.to_string(),
        "kind" => serde_json::to_string(&function.kind).expect("a kind").trim_matches('"').to_owned(),
        _ => panic!("unknown key `{key}`"),
    }
}

fn faults(path: &Path, text: &str, facts: &FileFacts) -> (usize, Vec<String>) {
    let (mut faults, mut compared) = (Vec::new(), 0);
    let expectations = expectations(text);
    for (line, functions) in &expectations {
        let here: Vec<_> = facts.functions.iter().filter(|function| function.start_line == *line).collect();
        if here.len() != functions.len() {
            faults.push(format!("{}:{line}: {} functions, not {}", path.display(), here.len(), functions.len()));
            continue;
        }
        for (function, expected) in here.iter().zip(functions) {
            for (key, value) in expected {
                compared += 1;
                let actual = actual(function, key);
                if actual != *value {
                    let name = &function.qualified_name;
                    faults.push(format!("{}:{line}: {name}: {key} is {actual}, not {value}", path.display()));
                }
            }
        }
    }
    for function in &facts.functions {
        if !expectations.iter().any(|(line, _)| *line == function.start_line) {
            let (line, name) = (function.start_line, &function.qualified_name);
            faults.push(format!("{}:{line}: {name} has no expectation", path.display()));
        }
    }
    (compared, faults)
}

#[test]
fn every_probe_counts_what_the_rulings_say() {
    let mut measurer = Measurer::new();
    let (mut all, mut compared) = (Vec::new(), 0);
    for (path, language, text) in probes() {
        let facts = measure(&mut measurer, language, &text, &SyntaxLimits::default());
        assert_eq!((facts.error_bytes, facts.truncated), (0, false), "{} is read in full", path.display());
        let (count, faults) = faults(&path, &text, &facts);
        compared += count;
        all.extend(faults);
    }
    assert!(all.is_empty(), "\n{}", all.join("\n"));
    assert!(compared > 550, "{compared} values compared");
}

#[test]
fn a_probe_in_javascript_counts_the_same_in_typescript_and_tsx() {
    let mut measurer = Measurer::new();
    for (path, language, text) in probes() {
        let others: &[Language] = match language {
            Language::JavaScript => &[Language::TypeScript, Language::Tsx],
            Language::TypeScript => &[Language::Tsx],
            Language::C => &[Language::Cpp],
            _ => &[],
        };
        for other in others {
            let facts = measure(&mut measurer, *other, &text, &SyntaxLimits::default());
            // Kinds differ where a class is no function (C) and names where a field is no member; counts may not.
            let (_, faults) = faults(&path, &text, &facts);
            assert!(faults.is_empty(), "as {other}:\n{}", faults.join("\n"));
        }
    }
}

#[test]
fn a_files_row_sums_up_its_functions() {
    let mut measurer = Measurer::new();
    for (path, language, text) in probes() {
        let facts = measure(&mut measurer, language, &text, &SyntaxLimits::default());
        let of = |value: fn(&FunctionFacts) -> u32| facts.functions.iter().map(value);
        let file = &facts.metrics;
        assert_eq!(file.functions as usize, facts.functions.len(), "{}", path.display());
        assert!(file.cyclomatic > of(|f| f.metrics.cyclomatic).sum(), "{}: one and all functions", path.display());
        assert!(file.exits >= of(|f| f.metrics.exits).sum(), "{}", path.display());
        assert_eq!(Some(file.params), of(|f| f.metrics.params).max(), "{}", path.display());
        assert_eq!(file.sloc, text.lines().count() as u32, "{}", path.display());
        assert_eq!(file.sloc, facts.lines.len(), "{}", path.display());
        let names: std::collections::BTreeSet<_> = facts.functions.iter().map(|f| &f.qualified_name).collect();
        assert_eq!(names.len(), facts.functions.len(), "{}: qualified names are unique", path.display());
    }
}
