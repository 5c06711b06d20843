//! The house rules that no compiler checks: layers, sizes, file docs, and documents that stay true.

use driftline_testkit::{project_files, project_root};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A crate may use crates of a lower rank only.
const RANKS: [(&str, &str, u32); 7] = [
    ("driftline-schema", "dataflow/schema", 0),
    ("driftline-kernels", "kernels", 0),
    ("driftline-syntax", "operators/syntax", 1),
    ("driftline-operators", "operators", 2),
    ("driftline-sinks", "sinks", 2),
    ("driftline-api", "api", 3),
    ("driftline", "dataflow", 4),
];
const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// The crates a manifest's `[dependencies]` table names.
fn dependencies(manifest: &str) -> Vec<String> {
    let table: toml::Table = manifest.parse().expect("a manifest is TOML");
    let keys = |name: &str| table.get(name).and_then(toml::Value::as_table).map(|t| t.keys().cloned().collect());
    keys("dependencies").unwrap_or_default()
}

#[test]
fn a_crate_uses_lower_ranks_only() {
    let ranks: BTreeMap<&str, u32> = RANKS.iter().map(|(name, _, rank)| (*name, *rank)).collect();
    for (name, folder, rank) in RANKS {
        let manifest = project_root().join(folder).join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).expect("every crate has a manifest");
        for dependency in dependencies(&text) {
            if let Some(lower) = ranks.get(dependency.as_str()) {
                assert!(*lower < rank, "{name} (rank {rank}) may not use {dependency} (rank {lower})");
            }
        }
    }
}

#[test]
fn what_a_layer_must_not_know_is_not_among_its_dependencies() {
    let forbidden = [
        ("dataflow/schema", vec!["rdkafka", "timely", "differential-dataflow", "axum", "tokio"]),
        ("kernels", vec!["driftline-schema", "rdkafka", "timely", "axum", "tokio"]),
        ("operators/syntax", vec!["rdkafka", "timely", "differential-dataflow", "axum", "tokio"]),
        ("operators", vec!["rdkafka", "axum", "tokio", "ureq", "parquet", "gix"]),
        ("api", vec!["rdkafka", "timely", "differential-dataflow", "driftline-operators"]),
    ];
    for (folder, names) in forbidden {
        let text = std::fs::read_to_string(project_root().join(folder).join("Cargo.toml")).expect("a manifest");
        let found = dependencies(&text);
        for name in names {
            assert!(!found.iter().any(|dependency| dependency == name), "{folder} must not use {name}");
        }
    }
}

#[test]
fn the_top_level_folders_are_the_seven() {
    let allowed = ["dataflow", "kernels", "operators", "sinks", "api", "deploy", "tests", "target"];
    let entries = std::fs::read_dir(project_root()).expect("the root can be read");
    for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(
            name.starts_with('.') || allowed.contains(&name.as_str()),
            "unexpected folder `{name}` at the top level"
        );
    }
}

#[test]
fn no_file_holds_the_marks_of_a_merge() {
    let kinds = ["rs", "md", "toml", "sh", "py", "cu", "c", "h", "json", "yml", "html"];
    for path in kinds.into_iter().flat_map(project_files) {
        let text = std::fs::read_to_string(&path).expect("a file of the project is text");
        let is_mark = |line: &str| line.starts_with(&"<".repeat(7)) || line.starts_with(&">".repeat(7));
        assert!(!text.lines().any(is_mark), "{}", path.display());
    }
}

#[test]
fn files_are_short_and_open_with_what_they_are() {
    let mut faults = String::new();
    for path in project_files("rs") {
        let text = std::fs::read_to_string(&path).expect("a source file");
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            writeln!(faults, "{}: {lines} lines, at most {FILE_LINES_MAX}", path.display()).expect("a string grows");
        }
        if !text.starts_with("//!") {
            writeln!(faults, "{}: does not open with a `//!` sentence", path.display()).expect("a string grows");
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
}

/// (first line, name, length) of every function, by indentation: rustfmt closes a function at the depth it opened.
fn functions(text: &str) -> Vec<(usize, String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(at) = words.iter().position(|word| *word == "fn") else { continue };
        let qualifiers = ["pub", "const", "async", "unsafe", "extern", "\"C\""];
        let is_head = words[..at].iter().all(|word| qualifiers.contains(word) || word.starts_with("pub("));
        if !is_head || line.trim_end().ends_with(';') || line.trim_end().ends_with('}') {
            continue;
        }
        let closing = format!("{}}}", " ".repeat(indent));
        let end = lines[start..].iter().position(|line| *line == closing).unwrap_or(0);
        let name = words.get(at + 1).map_or("", |word| word.split(['(', '<']).next().unwrap_or(word));
        found.push((start + 1, name.to_owned(), end + 1));
    }
    found
}

#[test]
fn functions_are_short() {
    let mut faults = String::new();
    for path in project_files("rs") {
        let text = std::fs::read_to_string(&path).expect("a source file");
        for (line, name, length) in functions(&text) {
            if length > FUNCTION_LINES_MAX {
                let place = format!("{}:{line}", path.display());
                writeln!(faults, "{place}: `{name}` has {length} lines, at most {FUNCTION_LINES_MAX}")
                    .expect("a string grows");
            }
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
}

#[test]
fn the_function_finder_finds_functions() {
    let text =
        "pub(crate) fn one() {\n    let x = 1;\n}\nimpl A {\n    async fn two(\n        a: u8,\n    ) {\n    }\n}\n";
    let found = functions(text);
    assert_eq!(found, vec![(1, "one".to_owned(), 3), (5, "two".to_owned(), 4)]);
}

#[test]
fn the_command_line_prints_through_one_writer() {
    // A closed pipe makes the standard macros panic; `terminal::say` and `terminal::note` do not. Tests may use either.
    let marks = [concat!("print", "ln!("), concat!("print", "!("), concat!("d", "bg!(")];
    for path in project_files("rs") {
        let place = path.strip_prefix(project_root()).unwrap_or(&path).display().to_string();
        if !place.starts_with("dataflow/src/") || place.contains("tests") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a source file");
        let code = text.split("#[cfg(test)]").next().expect("split gives one part at least");
        let mut lines = code.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
        assert!(!lines.any(|line| marks.iter().any(|mark| line.contains(mark))), "{place} prints past `terminal`");
    }
}

#[test]
fn nothing_is_left_open() {
    // Written in two halves so that this file does not find itself.
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("unimplemented", "!(")];
    for path in project_files("rs") {
        let text = std::fs::read_to_string(&path).expect("a source file");
        for mark in marks {
            assert!(!text.contains(mark), "{} holds {mark}", path.display());
        }
    }
}

#[test]
fn every_stage_of_the_graph_stands_in_the_architecture() {
    let graph = std::fs::read_to_string(project_root().join("dataflow/src/graph.rs")).expect("graph.rs");
    let architecture = std::fs::read_to_string(project_root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let imports: Vec<&str> = graph.lines().filter(|line| line.starts_with("use driftline_operators::")).collect();
    assert!(imports.len() > 5, "graph.rs imports its stages by module");
    for line in imports {
        let path = line.trim_start_matches("use driftline_operators::").trim_end_matches(';');
        let module = path.split("::").next().expect("split gives one part at least");
        assert!(architecture.contains(&format!("`{module}")), "ARCHITECTURE.md does not name the stage `{module}`");
    }
    assert!(architecture.lines().count() < 300, "ARCHITECTURE.md stays under 300 lines");
}

#[test]
fn the_graph_holds_no_logic() {
    let graph = std::fs::read_to_string(project_root().join("dataflow/src/graph.rs")).expect("graph.rs");
    for (number, line) in graph.lines().enumerate() {
        let code = line.split("//").next().expect("split gives one part at least");
        for word in ["if ", "for ", "while ", "loop ", "match "] {
            assert!(!code.trim_start().starts_with(word), "graph.rs:{}: `{word}` belongs into an operator", number + 1);
        }
    }
}
