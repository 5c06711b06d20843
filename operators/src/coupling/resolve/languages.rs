//! The rules of each language: from an import's text to what it may mean.
//!
//! `operators/syntax/docs/README.md` says how many imports of real repositories the rules find.
//!
//! No build file is read. Where a rule needs one (Go's module name, Java's source folders, the folders of `-I`), the end of
//! the path decides instead, and modules of the standard library are known by name so that they never meet a file.

mod jvm;
mod php;
mod scripts;

use super::super::names::{Family, name_hash};
use super::{Target, Want, hashes, module_names};
use driftline_schema::NameHash;

pub(super) use jvm::{java, kotlin, scala};
pub(super) use php::php;
pub(super) use scripts::{bash, ruby};

/// An import that means nothing in the repository.
fn external() -> Want {
    Want::default()
}

fn wanting(first_of: Vec<Target>, local: bool) -> Want {
    Want { first_of: first_of.into(), local, ..Want::default() }
}

/// The folder of a file, as segments.
fn folder(path: &str) -> Vec<&str> {
    let mut segments: Vec<&str> = path.split('/').collect();
    segments.pop();
    segments
}

/// `relative` seen from `folder`; `None` when it leads out of the repository.
fn walk<'a>(mut folder: Vec<&'a str>, relative: &'a str) -> Option<Vec<&'a str>> {
    for segment in relative.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                folder.pop()?;
            }
            name => folder.push(name),
        }
    }
    Some(folder)
}

/// Dotted modules; leading dots count up from the file's folder. Imported names may be modules of the package.
pub(super) fn python(path: &str, text: &str, names: &[NameHash]) -> Want {
    let rest = text.trim_start_matches('.');
    let dots = text.len() - rest.len();
    let parts = || rest.split('.').filter(|part| !part.is_empty());
    let mut segments = Vec::new();
    let target: fn(&[NameHash]) -> Target = if dots == 0 {
        if parts().next().is_none_or(|first| PYTHON_STANDARD.binary_search(&first).is_ok()) {
            return external();
        }
        |segments| Target::Near(Family::Python.suffix(segments))
    } else {
        let folder = folder(path);
        let Some(depth) = (folder.len() + 1).checked_sub(dots) else { return wanting(vec![], true) };
        segments.extend(hashes(&folder[..depth]));
        |segments| Target::At(Family::Python.whole(segments))
    };
    segments.extend(parts().map(name_hash));
    let first_of = vec![target(&segments)];
    let names = names.iter().map(|name| {
        segments.push(*name);
        let found = target(&segments);
        segments.pop();
        found
    });
    Want { names: names.collect(), ..wanting(first_of, dots > 0) }
}

/// Extensions that a specifier may carry or leave out, longest first.
const SCRIPT_EXTENSIONS: &[&str] = &[".d.ts", ".tsx", ".jsx", ".mts", ".cts", ".mjs", ".cjs", ".ts", ".js"];

/// Extensions of what scripts import besides scripts.
const ASSETS: &[&str] = &[
    "css", "gif", "gql", "graphql", "html", "jpeg", "jpg", "json", "less", "md", "mp3", "mp4", "png", "sass", "scss",
    "svelte", "svg", "ttf", "vue", "wasm", "webp", "woff2",
];

/// A script's name without its extension.
pub(super) fn script_stem(file: &str) -> &str {
    SCRIPT_EXTENSIONS.iter().find_map(|extension| file.strip_suffix(extension)).unwrap_or(file)
}

/// Relative specifiers, and those under `src` by the usual aliases `@/` and `~/`; all others are packages. `None` for a
/// style sheet, a picture and the like.
pub(super) fn script(path: &str, text: &str) -> Option<Want> {
    let text = text.split(['?', '!']).next().unwrap_or(text);
    let last = text.rsplit('/').next().unwrap_or(text);
    let relative = text.starts_with("./") || text.starts_with("../") || matches!(text, "." | "..");
    let alias = text.strip_prefix("@/").or_else(|| text.strip_prefix("~/")).or_else(|| text.strip_prefix("src/"));
    if !relative && alias.is_none() {
        return Some(external());
    }
    if last.rsplit_once('.').is_some_and(|(stem, extension)| !stem.is_empty() && ASSETS.contains(&extension)) {
        return None;
    }
    let target: fn(&[NameHash]) -> Target = match alias {
        None => |segments| Target::At(Family::JavaScript.whole(segments)),
        Some(_) => |segments| Target::Near(Family::JavaScript.suffix(segments)),
    };
    let found = match alias {
        None => walk(folder(path), text),
        Some(rest) => walk(vec!["src"], rest),
    };
    let Some(mut found) = found else { return Some(wanting(vec![], true)) };
    if let Some(last) = found.last_mut() {
        *last = script_stem(last);
    }
    let mut segments = hashes(&found);
    let file = target(&segments);
    segments.push(name_hash("index"));
    Some(wanting(vec![file, target(&segments)], true))
}

/// Headers beside the file first, then by the end of their path.
pub(super) fn include(path: &str, text: &str) -> Want {
    wanting(beside_or_by_end(Family::C, path, text), false)
}

/// The file beside the one at `path`, then any whose path ends so.
fn beside_or_by_end(family: Family, path: &str, text: &str) -> Vec<Target> {
    let beside = walk(folder(path), text).map(|found| Target::At(family.whole(&hashes(&found))));
    let rest: Vec<&str> = text.split('/').filter(|segment| !matches!(*segment, "" | "." | "..")).collect();
    let by_end = (!rest.is_empty()).then(|| Target::Near(family.suffix(&hashes(&rest))));
    beside.into_iter().chain(by_end).collect()
}

/// The package folder: what follows the module's name, which has three segments at the usual hosts and one to three
/// elsewhere.
pub(super) fn go(path: &str, text: &str) -> Want {
    let at = |segments: &[&str]| Target::At(Family::Go.whole(&hashes(segments)));
    if text.starts_with('.') {
        let found = walk(folder(path), text).map(|found| at(&found));
        return wanting(found.into_iter().collect(), true);
    }
    let segments: Vec<&str> = text.split('/').collect();
    let first = segments[0];
    if GO_STANDARD.binary_search(&first).is_ok() {
        return external();
    }
    let starts = match first {
        "github.com" | "gitlab.com" | "bitbucket.org" => 3..=3,
        _ if first.contains('.') => 1..=3,
        _ => 0..=1,
    };
    let is_version = |name: &str| name.strip_prefix('v').is_some_and(|digits| digits.parse::<u32>().is_ok());
    let mut first_of = Vec::new();
    for start in starts {
        let Some(rest) = segments.get(start..).filter(|rest| !rest.is_empty()) else { break };
        first_of.push(at(rest));
        first_of.extend((rest.len() > 1 && is_version(rest[0])).then(|| at(&rest[1..])));
    }
    wanting(first_of, false)
}

/// Paths from the crate, from the module itself and from the one around it; then child modules and crates of the same
/// repository by the name of their folder. `None` for `super::*` in anything but a file of tests: it nearly always
/// stands in a test module within the file.
pub(super) fn rust(path: &str, text: &str, names: &[NameHash]) -> Option<Want> {
    let own = module_names(path, Family::Rust);
    let mut parts: Vec<&str> = text.split("::").map(str::trim).filter(|part| !part.is_empty()).collect();
    let whole = parts.pop_if(|last| *last == "*").is_some();
    let is_root = matches!(path.rsplit('/').next(), Some("lib.rs" | "main.rs"));
    let children = if is_root { &own[..own.len() - 1] } else { &own[..] };
    let source = own.iter().rposition(|name| *name == "src").map(|at| &own[..=at]);
    let first = *parts.first()?;
    let ups = parts.iter().take_while(|part| **part == "super").count();
    let (base, rest) = match first {
        "std" | "core" | "alloc" | "proc_macro" | "test" => return Some(external()),
        "crate" => (source?, &parts[1..]),
        "self" => (children, &parts[1..]),
        "super" if ups == parts.len() && whole && !matches!(own.last(), Some(&"tests" | &"test")) => return None,
        "super" => (&children[..children.len().checked_sub(ups)?], &parts[ups..]),
        _ => return Some(child_or_crate(children, &parts)),
    };
    let mut segments = hashes(base);
    let at = |segments: &[NameHash]| Target::At(Family::Rust.whole(segments));
    segments.extend(hashes(rest));
    let names: Vec<Target> = names
        .iter()
        .map(|name| {
            segments.push(*name);
            let found = at(&segments);
            segments.pop();
            found
        })
        .collect();
    let mut first_of: Vec<Target> = (base.len() + 1..=segments.len()).rev().map(|end| at(&segments[..end])).collect();
    if Some(base) == source {
        let root = |file| at(&[&segments[..base.len()], &[name_hash(file)]].concat());
        first_of.extend([root("lib"), root("main")]);
    } else {
        first_of.push(at(&segments[..base.len()]));
    }
    Some(Want { names: names.into(), ..wanting(first_of, true) })
}

fn child_or_crate(children: &[&str], parts: &[&str]) -> Want {
    let segments = hashes(&[children, parts].concat());
    let child = |end| Target::At(Family::Rust.whole(&segments[..end]));
    let mut first_of: Vec<Target> = (children.len() + 1..=segments.len()).rev().map(child).collect();
    let folder = parts[0].replace('_', "-");
    for name in [parts[0], &folder] {
        first_of.push(Target::Near(Family::Rust.suffix(&hashes(&[name, "src", "lib"]))));
    }
    first_of.dedup();
    wanting(first_of, false)
}

/// First segments of Go's standard library, sorted.
const GO_STANDARD: &[&str] = &[
    "archive",
    "bufio",
    "bytes",
    "cmp",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "debug",
    "embed",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "hash",
    "html",
    "image",
    "index",
    "io",
    "iter",
    "log",
    "maps",
    "math",
    "mime",
    "net",
    "os",
    "path",
    "plugin",
    "reflect",
    "regexp",
    "runtime",
    "slices",
    "sort",
    "strconv",
    "strings",
    "structs",
    "sync",
    "syscall",
    "testing",
    "text",
    "time",
    "unicode",
    "unique",
    "unsafe",
    "weak",
];

/// The modules of Python's standard library that projects name their own files after, sorted.
#[rustfmt::skip]
const PYTHON_STANDARD: &[&str] = &[
    "__future__", "abc", "argparse", "array", "ast", "asyncio", "base64", "bisect", "builtins", "bz2", "calendar",
    "cmath", "code", "codecs", "collections", "colorsys", "concurrent", "configparser", "contextlib", "contextvars",
    "copy", "csv", "ctypes", "curses", "dataclasses", "datetime", "decimal", "difflib", "dis", "email", "enum", "errno",
    "fnmatch", "fractions", "functools", "gc", "getpass", "gettext", "glob", "gzip", "hashlib", "heapq", "hmac", "html",
    "http", "importlib", "inspect", "io", "ipaddress", "itertools", "json", "keyword", "locale", "logging", "math",
    "mimetypes", "multiprocessing", "numbers", "operator", "os", "pathlib", "pickle", "platform", "pprint", "queue",
    "random", "re", "secrets", "select", "shutil", "signal", "socket", "sqlite3", "ssl", "stat", "statistics", "string",
    "struct", "subprocess", "sys", "tempfile", "textwrap", "threading", "time", "timeit", "token", "tokenize", "trace",
    "traceback", "types", "typing", "unicodedata", "unittest", "urllib", "uuid", "warnings", "weakref", "xml", "xmlrpc",
    "zipfile", "zlib", "zoneinfo",
];
