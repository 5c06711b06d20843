//! The command on a folder made for it: what is found, in which order, and how it says what it cannot do.

use super::*;
use serde_json::Value;
use std::fs;
use std::path::Path;

const PYTHON: &str = "class A:\n    def f(self, a):\n        # why\n        if a:\n            return 1\n";

fn args(paths: &[&Path]) -> MetricsArgs {
    let paths = paths.iter().map(|path| path.to_path_buf()).collect();
    MetricsArgs { paths, json: true, top: 20, sort: SortMetric::Cognitive }
}

/// What the command printed and said, and how it ended.
fn printed(args: &MetricsArgs) -> (String, String, Result<(), Error>) {
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let result = print(args, &ProgressBar::hidden(), &mut out, &mut errors);
    let text = |bytes| String::from_utf8(bytes).expect("what is printed is UTF-8");
    (text(out), text(errors), result)
}

fn rows(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).expect("a line is a JSON object")).collect()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |path: &str, text: &[u8]| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("inside the folder")).expect("folders");
        fs::write(path, text).expect("a file");
    };
    write("b/z.py", PYTHON.as_bytes());
    write("b/a.rs", b"fn main() { if x() && y() { z(); } }\n");
    write("a.js", b"const f = a => a ? 1 : 2;\n");
    write("read.me", b"no source\n");
    write("out/generated.py", b"x = 1\n");
    write(".gitignore", b"out/\n");
    write(".hidden.py", b"x = 1\n");
    folder
}

#[test]
fn a_json_row_holds_the_metrics_of_a_file_and_its_functions() {
    let folder = folder();
    let (out, errors, result) = printed(&args(&[&folder.path().join("b/z.py")]));
    result.expect("nothing is refused");
    assert_eq!(errors, "");
    let rows = rows(&out);
    assert_eq!(rows.len(), 1);
    let file = &rows[0];
    assert!(file["path"].as_str().is_some_and(|path| path.ends_with("b/z.py")));
    assert_eq!((&file["language"], &file["truncated"]), (&Value::from("python"), &Value::from(false)));
    assert_eq!((&file["bytes"], &file["error_bytes"]), (&Value::from(PYTHON.len()), &Value::from(0)));
    assert_eq!(file["metrics"]["cyclomatic"], 3, "one, and the function's two");
    assert_eq!((&file["metrics"]["ploc"], &file["metrics"]["cloc"]), (&Value::from(4), &Value::from(1)));
    let function = &file["functions"][0];
    assert_eq!((&function["name"], &function["qualified_name"]), (&Value::from("f"), &Value::from("A::f")));
    assert_eq!((&function["kind"], &function["start_line"]), (&Value::from("method"), &Value::from(2)));
    assert_eq!((&function["end_line"], &function["metrics"]["cognitive"]), (&Value::from(5), &Value::from(1)));
    for metric in ["cyclomatic", "cognitive", "ploc", "nesting", "params", "sloc", "lloc", "exits"] {
        assert!(function["metrics"][metric].is_u64(), "{metric}");
    }
}

#[test]
fn a_folder_is_searched_in_the_order_of_paths_without_what_is_ignored() {
    let folder = folder();
    let root = folder.path();
    // A file that is also named is not measured twice.
    let (out, _, result) = printed(&args(&[root, &root.join("a.js")]));
    result.expect("nothing is refused");
    let paths: Vec<String> = rows(&out).iter().filter_map(|row| row["path"].as_str().map(str::to_owned)).collect();
    let expected: Vec<_> =
        ["a.js", "b/a.rs", "b/z.py"].iter().map(|path| root.join(path).display().to_string()).collect();
    assert_eq!(paths, expected);
}

#[test]
fn what_cannot_be_measured_is_named_and_the_rest_is_printed() {
    let folder = folder();
    let root = folder.path();
    fs::write(root.join("bad.py"), b"x = '\xff'\n").expect("a file");
    let (out, errors, result) = printed(&args(&[root, &root.join("read.me"), &root.join("missing.py")]));
    assert_eq!(rows(&out).len(), 3);
    assert!(errors.contains("bad.py: not UTF-8 at byte 5"), "{errors}");
    assert!(errors.contains("read.me: no grammar for files of this name"), "{errors}");
    assert!(errors.contains("missing.py: cannot be read: "), "{errors}");
    assert_eq!(errors.lines().count(), 3);
    let error = result.expect_err("some files were refused");
    assert_eq!(error.to_string(), "3 of 6 files could not be measured");
}

#[test]
fn the_table_lists_the_worst_functions_first() {
    let folder = folder();
    let table = |top, sort| {
        let args = MetricsArgs { json: false, top, sort, ..args(&[folder.path()]) };
        let (out, _, result) = printed(&args);
        result.expect("nothing is refused");
        out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let lines = table(20, SortMetric::Cyclomatic);
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert!(lines[1].contains("main") && lines[1].ends_with("b/a.rs:1"), "{lines:?}");
    assert_eq!(lines[4], "3 files, 3 functions, 6 lines of code");
    let lines = table(1, SortMetric::Params);
    assert_eq!(lines.len(), 3);
    assert!(lines[1].contains("f  ") && lines[1].ends_with("a.js:1"), "equals stay in the order of paths: {lines:?}");
}

#[test]
fn an_empty_folder_is_no_failure() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (out, errors, result) = printed(&args(&[folder.path()]));
    result.expect("nothing to refuse");
    assert_eq!((out.as_str(), errors.as_str()), ("", ""));
}

#[test]
fn the_arguments_are_as_documented() {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        metrics: MetricsArgs,
    }
    let parse = |line: &str| <Line as clap::Parser>::try_parse_from(line.split(' ')).map(|line| line.metrics);
    let args = parse("x src lib --top 3 --sort ploc").expect("a correct line");
    assert_eq!((args.paths.len(), args.top, args.sort, args.json), (2, 3, SortMetric::Ploc, false));
    assert!(parse("x src --json").expect("a correct line").json);
    assert!(parse("x --json").is_err() && parse("x src --sort colour").is_err());
}
