//! What a path may look like, and what a file is for by its path alone.
//!
//! The class must not depend on content: a deleted file has none, and both sides of a difference must agree.

use driftline_schema::{FileClass, Language, Limits};

/// Why `path` cannot stand for a file of a repository; `None` when it can.
pub fn path_fault(path: &str, limits: &Limits) -> Option<&'static str> {
    if path.is_empty() {
        Some("is empty")
    } else if path.len() > limits.path_bytes_max {
        Some("is longer than the limit")
    } else if path.starts_with('/') {
        Some("is absolute")
    } else if path.contains('\0') {
        Some("holds a NUL byte")
    } else if path.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        Some("has an empty, `.` or `..` segment")
    } else {
        None
    }
}

/// Folders of code that somebody else or a program wrote.
const GENERATED_FOLDERS: [&str; 10] = [
    ".yarn",
    "__generated__",
    "_vendor",
    "bower_components",
    "generated",
    "node_modules",
    "third-party",
    "third_party",
    "thirdparty",
    "vendor",
];
/// Lock files whose name does not end in `.lock`.
const LOCK_FILES: [&str; 6] =
    ["go.sum", "npm-shrinkwrap.json", "package-lock.json", "packages.lock.json", "pnpm-lock.yaml", "yarn.lock"];
/// Ends of names that generators and minifiers give.
const GENERATED_ENDS: [&str; 12] = [
    ".lock",
    ".map",
    ".min.css",
    ".min.js",
    ".min.mjs",
    ".pb.cc",
    ".pb.go",
    ".pb.h",
    "_pb2.py",
    "_pb2.pyi",
    "_pb2_grpc.py",
    ".g.dart",
];
const DOCUMENTATION_EXTENSIONS: [&str; 10] =
    ["adoc", "asciidoc", "markdown", "md", "mdx", "pod", "rdoc", "rst", "tex", "texi"];
/// Beginnings of names of prose files without a telling extension.
const DOCUMENTATION_NAMES: [&str; 10] = [
    "authors",
    "changelog",
    "changes",
    "contributing",
    "copying",
    "contributors",
    "licence",
    "license",
    "notice",
    "readme",
];
const DOCUMENTATION_FOLDERS: [&str; 4] = ["doc", "docs", "documentation", "man"];
const TEST_FOLDERS: [&str; 10] =
    ["__tests__", "androidtest", "e2e", "fixtures", "spec", "specs", "test", "test-data", "testdata", "tests"];
/// Extensions of programming languages without a grammar here, or with one that a build may leave out: what a file is for
/// must not depend on the build.
const OTHER_SOURCE_EXTENSIONS: [&str; 36] = [
    "asm", "bash", "clj", "cs", "cu", "cuh", "dart", "el", "erl", "ex", "exs", "f90", "fs", "groovy", "hs", "jl", "kt",
    "kts", "lua", "m", "ml", "mm", "nim", "php", "pl", "pm", "proto", "r", "rb", "s", "scala", "sh", "sql", "swift",
    "vue", "zig",
];

/// What a file is for, by the first rule that applies:
///
/// 1. *Generated*: below a vendored or generated folder, a lock file, a minified file, a source map, or a name that a
///    generator gives (`_pb2.py`, `.generated.`, `zz_generated`).
/// 2. *Documentation*: a prose extension, or a name such as `README` or `LICENSE` without a code extension.
/// 3. *Test*: below a test folder, or named as a test (`test_x.py`, `x_test.go`, `x.spec.ts`, `XTest.java`).
/// 4. *Documentation*: below a documentation folder, unless it is code.
/// 5. *Source*: the extension of a programming language.
/// 6. *Other*: everything else, such as configuration, data and images.
pub fn class_of(path: &str) -> FileClass {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let (folders, lower) = (folders.to_ascii_lowercase(), name.to_ascii_lowercase());
    let below = |list: &[&str]| folders.split('/').any(|folder| list.contains(&folder));
    let code = is_code(path, &lower);
    if below(&GENERATED_FOLDERS) || is_generated(&lower) {
        FileClass::Generated
    } else if is_prose(&lower, code) {
        FileClass::Documentation
    } else if below(&TEST_FOLDERS) || is_test(name, &lower) {
        FileClass::Test
    } else if below(&DOCUMENTATION_FOLDERS) && !code {
        FileClass::Documentation
    } else if code {
        FileClass::Source
    } else {
        FileClass::Other
    }
}

fn extension(lower: &str) -> &str {
    lower.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map_or("", |(_, extension)| extension)
}

fn is_code(path: &str, lower: &str) -> bool {
    Language::of_path(path).is_some() || OTHER_SOURCE_EXTENSIONS.contains(&extension(lower))
}

fn is_generated(lower: &str) -> bool {
    LOCK_FILES.contains(&lower)
        || GENERATED_ENDS.iter().any(|end| lower.ends_with(end))
        || lower.contains(".generated.")
        || lower.starts_with("zz_generated")
}

fn is_prose(lower: &str, code: bool) -> bool {
    let extension = extension(lower);
    DOCUMENTATION_EXTENSIONS.contains(&extension)
        || (extension == "txt" && lower != "cmakelists.txt" && !lower.starts_with("requirements"))
        || (!code && DOCUMENTATION_NAMES.iter().any(|start| lower.starts_with(start)))
}

fn is_test(name: &str, lower: &str) -> bool {
    let stem = lower.split('.').next().unwrap_or(lower);
    let cased = name.split('.').next().unwrap_or(name);
    let mut middle = lower.split('.').skip(1);
    lower == "conftest.py"
        || stem.starts_with("test_")
        || ["_test", "_tests", "_spec"].iter().any(|end| stem.ends_with(end))
        || ["Test", "Tests", "TestCase", "IT"].iter().any(|end| {
            // `Test` as a word of its own in camel case: `ParserTest`, but not `Latest` or `EDIT`.
            cased.strip_suffix(end).is_some_and(|rest| rest.ends_with(|c: char| c.is_ascii_lowercase()))
        })
        || middle.any(|part| part == "test" || part == "spec")
}

/// How comments begin in the language of a path; empty when it is not known.
pub(super) fn comment_marks(path: &str, language: Option<Language>) -> &'static [&'static str] {
    const SLASHES: &[&str] = &["//", "/*", "*/", "* "];
    const HASH: &[&str] = &["#"];
    const BOTH: &[&str] = &["//", "/*", "*/", "* ", "#"];
    match language {
        Some(Language::Python | Language::Ruby | Language::Bash) => HASH,
        Some(Language::Php) => BOTH,
        Some(_) => SLASHES,
        None => match extension(&path.to_ascii_lowercase()) {
            "cs" | "cu" | "cuh" | "dart" | "fs" | "groovy" | "kt" | "kts" | "m" | "mm" | "proto" | "scala"
            | "swift" | "zig" => SLASHES,
            "bash" | "ex" | "exs" | "jl" | "nim" | "pl" | "pm" | "r" | "rb" | "sh" => HASH,
            "php" => BOTH,
            "hs" | "lua" | "sql" => &["--"],
            "clj" | "el" => &[";"],
            "erl" => &["%"],
            _ => &[],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_must_stay_inside_the_repository() {
        let limits = Limits::default();
        for good in ["a", "a/b.c", ".github/x", "a..b", "ä/ö", "with space/x"] {
            assert_eq!(path_fault(good, &limits), None, "{good}");
        }
        for bad in ["", "/a", "a//b", "a/", "./a", "a/./b", "../a", "a/..", "a\0b"] {
            assert!(path_fault(bad, &limits).is_some(), "{bad:?}");
        }
        assert!(path_fault(&"a".repeat(4097), &limits).is_some());
    }

    #[test]
    fn a_file_is_classed_by_the_first_rule_that_applies() {
        use FileClass::*;
        for (path, class) in [
            ("src/main.rs", Source),
            ("lib/thing.rb", Source),
            ("src/latest.py", Source),
            ("src/Latest.java", Source),
            ("docs/conf.py", Source),
            ("vendor/a/b.go", Generated),
            ("web/node_modules/x/index.js", Generated),
            ("Cargo.lock", Generated),
            ("go.sum", Generated),
            ("static/app.min.js", Generated),
            ("api/service_pb2.py", Generated),
            ("README", Documentation),
            ("tests/README.md", Documentation),
            ("docs/logo.svg", Documentation),
            ("license.go", Source),
            ("tests/data.json", Test),
            ("pkg/parser_test.go", Test),
            ("test_parser.py", Test),
            ("src/Parser.spec.ts", Test),
            ("src/ParserTest.java", Test),
            ("src/main/java/EditIT.java", Test),
            ("CMakeLists.txt", Other),
            ("requirements-dev.txt", Other),
            ("config.yaml", Other),
            ("logo.png", Other),
        ] {
            assert_eq!(class_of(path), class, "{path}");
        }
    }
}
