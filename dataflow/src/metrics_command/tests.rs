//! The command on a folder made for it: what is found, in which order, and how it says what it cannot do.

mod sarif;

use super::*;
use driftline_operators::syntax::has_grammar;
use driftline_schema::Language;
use serde_json::Value;
use std::fs;
use std::path::Path;

const PYTHON: &str = "class A:\n    def f(self, a):\n        # why\n        if a:\n            return 1\n";

/// A line of arguments on these paths.
fn parse(line: &[&str], paths: &[&Path]) -> Result<MetricsArgs, clap::Error> {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        metrics: MetricsArgs,
    }
    let paths = paths.iter().map(|path| path.as_os_str());
    let words = ["driftline"].iter().chain(line).map(std::ffi::OsStr::new);
    <Line as clap::Parser>::try_parse_from(words.chain(paths)).map(|line| line.metrics)
}

fn args(line: &[&str], paths: &[&Path]) -> MetricsArgs {
    parse(line, paths).expect("a correct line")
}

/// What the command printed and said, and how it ended.
fn printed(args: &MetricsArgs) -> (String, String, Result<Verdict, Error>) {
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let result = execute(args, Style::PLAIN, &ProgressBar::hidden(), &mut out, &mut errors);
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
    let (out, errors, result) = printed(&args(&["--json"], &[&folder.path().join("b/z.py")]));
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
    assert!(function["metrics"]["halstead_volume"].as_f64().is_some_and(|volume| volume > 0.0));
    assert!(file["metrics"]["maintainability_index"].is_f64());
    let class = &file["classes"][0];
    assert_eq!((&class["name"], &class["kind"], &class["start_line"]), (&"A".into(), &"class".into(), &1.into()));
    let metrics = &class["metrics"];
    assert_eq!((&metrics["wmc"], &metrics["tcc"], &metrics["woc"]), (&2.into(), &Value::Null, &"1/1".into()));
    for metric in ["cyclomatic", "cognitive", "ploc", "nesting", "params", "sloc", "lloc", "exits"] {
        assert!(function["metrics"][metric].is_u64(), "{metric}");
    }
}

#[test]
fn a_file_of_an_optional_language_is_measured_where_its_grammar_is_compiled_in() {
    let folder = folder();
    let path = folder.path().join("a.rb");
    fs::write(&path, "def f(a)\n  a ? 1 : 2\nend\n").expect("a file");
    let (out, errors, result) = printed(&args(&["--json"], &[&path]));
    if has_grammar(Language::Ruby) {
        result.expect("nothing is refused");
        let function = &rows(&out)[0]["functions"][0];
        assert_eq!((&function["name"], &function["metrics"]["cyclomatic"]), (&Value::from("f"), &Value::from(2)));
    } else {
        assert!(errors.contains("a.rb: no grammar for files of this name"), "{errors}");
    }
}

#[test]
fn a_folder_is_searched_in_the_order_of_paths_without_what_is_ignored() {
    let folder = folder();
    let root = folder.path();
    // A file that is also named is not measured twice.
    let (out, _, result) = printed(&args(&["--json"], &[root, &root.join("a.js")]));
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
    fs::write(root.join("bad.py"), b"x = '\xff\0'\n").expect("a file");
    let (out, errors, result) = printed(&args(&["--json"], &[root, &root.join("read.me"), &root.join("missing.py")]));
    assert_eq!(rows(&out).len(), 3);
    assert!(errors.contains("bad.py: no text: not UTF-8 at byte 5"), "{errors}");
    assert!(errors.contains("read.me: no grammar for files of this name"), "{errors}");
    assert!(errors.contains("missing.py: no such file or folder"), "{errors}");
    assert_eq!(errors.lines().count(), 3);
    let error = result.expect_err("some files were refused");
    assert_eq!(error.to_string(), "3 of 6 files could not be measured");
}

#[test]
fn what_is_measured_in_part_is_named_whatever_is_printed() {
    let folder = folder();
    let deep = folder.path().join("deep.rs");
    fs::write(&deep, format!("fn f() {{ {}x{} }}\n", "(".repeat(20_000), ")".repeat(20_000))).expect("a file");
    for line in [&["--csv"][..], &["--json"], &["--sarif"], &[]] {
        let (out, errors, result) = printed(&args(line, &[folder.path()]));
        result.expect("nothing is refused");
        let named = errors.lines().filter(|line| line.contains("deep.rs: beyond a limit")).count();
        assert_eq!((named, errors.lines().count()), (1, 1), "{errors}");
        assert_eq!(out.contains("deep.rs: beyond a limit"), line == ["--sarif"], "{out}");
    }
    let (_, errors, result) = printed(&args(&["--fail-over", "cognitive=99"], &[folder.path()]));
    assert!(result.is_err() && errors.contains("deep.rs: beyond a limit"), "{errors}");
}

#[test]
fn the_table_lists_the_worst_functions_first() {
    let folder = folder();
    let table = |line: &[&str]| {
        let (out, _, result) = printed(&args(line, &[folder.path()]));
        assert_eq!(result.expect("nothing is refused"), Verdict::Within);
        out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let lines = table(&["--sort", "cyclomatic"]);
    assert!(lines[1].contains("main") && lines[1].ends_with("b/a.rs:1"), "{lines:?}");
    assert_eq!(lines.last().map(String::as_str), Some("3 files, 3 functions, 6 lines of code"));
    let lines = table(&["--top", "1", "--sort", "params"]);
    assert!(lines[1].contains("f  ") && lines[1].ends_with("a.js:1"), "equals stay in the order of paths: {lines:?}");
    let places = lines.iter().filter(|line| line.contains(folder.path().to_str().expect("UTF-8")));
    assert_eq!(places.count(), 2, "one function and one class");
    assert!(lines.iter().any(|line| line.contains("lcom4")), "classes have a table: {lines:?}");
    let lines = table(&["--sort", "cloc"]);
    assert!(lines[0].trim_start().starts_with("cloc cognitive "), "another metric gets a column: {lines:?}");
    assert!(lines[1].contains("A::f"), "{lines:?}");
}

#[test]
fn colours_mark_what_is_over_a_threshold() {
    let folder = folder();
    let args = args(&["--threshold", "complex_method_cyclomatic=2"], &[folder.path()]);
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    execute(&args, Style::COLOURED, &ProgressBar::hidden(), &mut out, &mut errors).expect("nothing is refused");
    let out = String::from_utf8(out).expect("UTF-8");
    assert_eq!(out.matches("\x1b[31m").count(), 1, "main has three paths, the others two: {out}");
    assert!(!printed(&args).0.contains('\x1b'));
}

#[test]
fn the_arguments_are_as_documented() {
    let [src, lib] = [Path::new("src"), Path::new("lib")];
    let args =
        args(&["--top", "3", "--sort", "ploc", "--fail-over", "nesting=4", "--fail-over", "params=5"], &[src, lib]);
    assert_eq!((args.paths.len(), args.top, args.sort.name, args.json), (2, 3, "ploc", false));
    assert_eq!(
        args.fail_over.iter().map(|limit| (limit.metric.name, limit.most)).collect::<Vec<_>>(),
        [("nesting", 4.0), ("params", 5.0)]
    );
    assert!(parse(&["--json"], &[src]).expect("a correct line").json);
    for wrong in [&["--json", "--csv"][..], &["--json", "--top", "3"], &["--docs-url", "x"], &["--fail-over", "ploc"]] {
        assert_eq!(parse(wrong, &[src]).map(|_| ()).map_err(|error| error.exit_code()), Err(2), "{wrong:?}");
    }
    assert!(parse(&[], &[]).is_err(), "a path is needed");
}

#[test]
fn a_wrong_name_is_a_usage_error_that_lists_the_names() {
    for wrong in [["--sort", "colour"], ["--fail-over", "colour=3"]] {
        let error = parse(&wrong, &[Path::new("src")]).expect_err("no such metric");
        assert_eq!(error.exit_code(), 2);
        let text = error.to_string();
        assert!(text.contains("there is no metric `colour`") && text.contains("cognitive, "), "{text}");
    }
    let error = parse(&["--threshold", "colour=3"], &[Path::new("src")]).expect_err("no such threshold");
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("long_method_ploc"), "{error}");
    for wrong in ["long_method_ploc=much", "long_method_ploc", "god_class_tcc=1/0", "long_method_ploc=1/3"] {
        assert!(parse(&["--threshold", wrong], &[Path::new("src")]).is_err(), "{wrong}");
    }
}

#[test]
fn a_function_over_a_limit_is_named_and_ends_with_three() {
    let folder = folder();
    let (_, errors, result) = printed(&args(&["--fail-over", "cyclomatic=2"], &[folder.path()]));
    assert_eq!(result.expect("nothing is refused"), Verdict::Over);
    assert_eq!(errors.lines().count(), 1);
    assert!(errors.contains("b/a.rs:1: cyclomatic of main is 3, over 2"), "{errors}");
    assert!(matches!(Outcome::from(Ok(Verdict::Over)), Outcome::OverThreshold));
    let (_, errors, result) = printed(&args(&["--fail-over", "cyclomatic=3"], &[folder.path()]));
    assert_eq!((errors.as_str(), result.expect("nothing is refused")), ("", Verdict::Within));
    let missing = folder.path().join("missing.py");
    let (_, errors, result) = printed(&args(&["--fail-over", "params=0"], &[folder.path(), &missing]));
    assert_eq!(result.expect("what is over counts more than what is missing"), Verdict::Over);
    assert!(errors.contains("missing.py: no such file or folder"), "{errors}");
    assert!(errors.contains("1 of 4 files could not be measured"), "{errors}");
}

/// A folder of these files.
fn folder_of(files: &[(&[u8], &str)]) -> tempfile::TempDir {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        fs::write(folder.path().join(std::ffi::OsStr::from_bytes(name)), text).expect("a file");
    }
    folder
}

#[test]
fn a_file_that_several_paths_reach_is_no_copy_of_itself() {
    let body: String =
        (0..30).map(|n| format!("    total = other(total, step) - step * {n} if step else {n}\n")).collect();
    let folder = folder_of(&[(b"one.py", &format!("def one(total, step):\n{body}    return total\n"))]);
    let root = folder.path();
    std::os::unix::fs::symlink(root.join("one.py"), root.join("link.py")).expect("a link");
    let (file, dotted, link) =
        (root.join("one.py"), root.join("./../").join(root.file_name().expect("a name")), root.join("link.py"));
    for paths in [[&file, &dotted, &link], [&link, &file, &dotted], [&dotted, &link, &file]] {
        let (out, errors, result) = printed(&args(&["--json"], &paths.map(PathBuf::as_path)));
        result.expect("nothing is refused");
        let rows = rows(&out);
        assert_eq!((rows.len(), errors.as_str()), (1, ""), "{out}");
        let shown = rows[0]["path"].as_str().expect("a path");
        assert!(Path::new(shown).starts_with(paths[0]), "the first spelling is kept: {shown}");
        assert!(!out.contains("duplicated_code"), "{out}");
    }
}

#[test]
fn a_folder_without_a_file_to_measure_is_named_and_fails() {
    let folder = folder_of(&[(b"read.me", "no source\n"), (b".hidden.py", PYTHON)]);
    let (out, errors, result) = printed(&args(&[], &[folder.path()]));
    assert!(matches!(result, Err(Error::Incomplete { refused: 1, files: 1 })), "{result:?}");
    let expected = format!("driftline: {}: this folder holds no file that can be measured: ", folder.path().display());
    assert!(errors.starts_with(&expected) && errors.contains(" .py ") && errors.contains(" .rs "), "{errors}");
    assert!(out.contains("0 files"), "{out}");
    // Beside a folder that has some it is told as well.
    let full = folder_of(&[(b"a.py", PYTHON)]);
    let (out, _, result) = printed(&args(&["--json"], &[full.path(), folder.path()]));
    assert!(matches!(result, Err(Error::Incomplete { refused: 1, files: 2 })), "{result:?}");
    assert_eq!(rows(&out).len(), 1);
}

#[test]
fn the_table_tells_where_smells_and_columns_are_explained() {
    let (out, _, _) = printed(&args(&[], &[smelly().path()]));
    assert!(out.contains("\n--json or --sarif says where each smell is; operators/syntax/docs/README.md"), "{out}");
}

#[test]
fn many_functions_over_a_limit_are_counted_after_the_worst() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text: String = (0..30).map(|n| format!("def f{n}({}): pass\n", vec!["a"; n].join(", "))).collect();
    fs::write(folder.path().join("a.py"), text).expect("a file");
    let (_, errors, _) = printed(&args(&["--fail-over", "params=4"], &[folder.path()]));
    assert_eq!(errors.lines().count(), 11);
    assert!(errors.lines().next().is_some_and(|line| line.contains("params of f29 is 29, over 4")), "{errors}");
    assert!(errors.ends_with("driftline: 15 more functions are over params=4\n"), "{errors}");
}

#[test]
fn a_csv_row_holds_a_function_with_all_its_metrics() {
    let folder = folder();
    let (out, _, result) = printed(&args(&["--csv"], &[folder.path()]));
    result.expect("nothing is refused");
    let rows: Vec<Vec<&str>> = out.split_terminator("\r\n").map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{rows:?}");
    let value = |row: usize, name: &str| {
        let column = rows[0].iter().position(|column| *column == name).expect("a column");
        rows[row][column]
    };
    assert_eq!((value(3, "qualified_name"), value(3, "kind"), value(3, "start_line")), ("A::f", "method", "2"));
    assert_eq!((value(2, "cyclomatic"), value(2, "language"), value(2, "smells")), ("3", "rust", ""));
}

/// A folder with a function that is too long and a copy of it.
fn smelly() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let lines: String = (0..60).map(|n| format!("    total = total + step * {n} - other(total, step)\n")).collect();
    let text = |name: &str| format!("def {name}(total, step):\n{lines}    return total\n");
    fs::write(folder.path().join("one.py"), text("one")).expect("a file");
    fs::write(folder.path().join("two #.py"), text("two")).expect("a file");
    folder
}

#[test]
fn a_smell_stands_in_every_form() {
    let folder = smelly();
    let (out, _, _) = printed(&args(&["--json"], &[folder.path()]));
    let smells = rows(&out)[0]["smells"].as_array().expect("smells").clone();
    let smell = smells.iter().find(|smell| smell["kind"] == "long_method").expect("the long method");
    assert_eq!((&smell["kind"], &smell["place"]), (&Value::from("long_method"), &Value::from("one")));
    let evidence = serde_json::json!({"measure": "ploc", "value": 62, "relation": "over", "threshold": 50});
    assert_eq!(smell["evidence"][0], evidence);
    let (out, _, _) = printed(&args(&["--csv"], &[folder.path()]));
    assert!(out.lines().nth(1).is_some_and(|line| line.contains(",long_method")), "{out}");
    let (out, _, _) = printed(&args(&[], &[folder.path()]));
    assert!(out.contains("smells: ") && out.contains("2 long_method"), "{out}");
    let (out, _, _) = printed(&args(&["--threshold", "long_method_ploc=62"], &[folder.path()]));
    assert!(!out.contains("long_method"), "{out}");
}

#[test]
fn a_pattern_stands_in_json_and_in_the_table() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = "class Store {\n  static #instance;\n  static getInstance() { return Store.#instance; }\n}\n";
    fs::write(folder.path().join("a.js"), text).expect("a file");
    let (out, _, _) = printed(&args(&["--json"], &[folder.path()]));
    let pattern = &rows(&out)[0]["patterns"][0];
    assert_eq!((&pattern["kind"], &pattern["place"]), (&Value::from("singleton"), &Value::from("Store")));
    assert_eq!((&pattern["confidence"], &pattern["clues"][1]["line"]), (&700.into(), &3.into()));
    let (out, _, _) = printed(&args(&[], &[folder.path()]));
    assert!(out.contains("0.7  singleton  Store  "), "{out}");
}

#[test]
fn a_copy_tells_where_the_other_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let body = "    if a > b:\n        a, b = b, a\n    while b and not a:\n        a = other(b) or a\n        \
                b -= step(a, b, a.size)\n    for item in a.items:\n        b.append(item if item else standard(item))\n    \
                with open(a) as file:\n        file.write(b[0], sep=a, end={a: b, b: [a, b]})\n    \
                return [x * a for x in b if x] + (lambda y: y - a)(b)\n";
    fs::write(folder.path().join("one.py"), format!("def one(a, b):\n{body}")).expect("a file");
    fs::write(folder.path().join("two.py"), format!("import x\ndef two(a, b):\n{body}")).expect("a file");
    let (out, _, _) = printed(&args(&["--json"], &[folder.path()]));
    let rows = rows(&out);
    let smell = |row: &Value| {
        row["smells"].as_array().expect("smells").iter().find(|s| s["kind"] == "duplicated_code").cloned()
    };
    let copy = smell(&rows[0]).expect("a copy");
    assert!(copy["same_as"]["path"].as_str().is_some_and(|path| path.ends_with("two.py")), "{copy}");
    let shift = |key: &str| copy["same_as"][key].as_u64().zip(copy[key].as_u64()).map(|(there, here)| there - here);
    assert_eq!((shift("start_line"), shift("end_line")), (Some(1), Some(1)), "{copy}");
    let (out, _, _) = printed(&args(&["--sarif"], &[folder.path()]));
    let log: Value = serde_json::from_str(&out).expect("one JSON document");
    let results = log["runs"][0]["results"].as_array().expect("results").clone();
    let copy = results.iter().find(|result| result["ruleId"] == "duplicated_code").expect("a copy");
    let other = &copy["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert!(other.as_str().is_some_and(|uri| uri.ends_with("two.py")), "{copy}");
}

#[test]
fn thresholds_come_from_a_file_and_the_line_has_the_last_word() {
    let folder = smelly();
    let file = folder.path().join("thresholds.toml");
    let path = file.to_str().expect("UTF-8").to_owned();
    fs::write(&file, "long_method_ploc = 100\ngod_class_tcc = \"1/4\"\n").expect("a file");
    let table = |line: &[&str]| printed(&args(line, &[folder.path()])).0;
    assert!(!table(&["--thresholds", &path]).contains("long_method"));
    assert!(table(&["--thresholds", &path, "--threshold", "long_method_ploc=10"]).contains("long_method"));
    fs::write(&file, "long_method = 100\n").expect("a file");
    let (_, _, result) = printed(&args(&["--thresholds", &path], &[folder.path()]));
    assert!(matches!(result, Err(Error::Thresholds(ThresholdsError::Malformed { .. }))), "{result:?}");
    let (_, _, result) = printed(&args(&["--thresholds", "/nowhere.toml"], &[folder.path()]));
    let error = result.expect_err("no such file").to_string();
    assert!(error.starts_with("the thresholds in /nowhere.toml cannot be read; --thresholds FILE"), "{error}");
}
