//! What a file names of others: modules and what is taken from them, read from the tokens of each import.
//!
//! Tokens are read instead of text, so that comments and line ends inside an import do not matter.

use super::table::Imports;
use super::text_hash::name_hash;
use driftline_schema::{Import, NameHash};

/// Parts of a longer path are not told apart: groups nest, and each name in them repeats the path around it.
const PATH_PARTS_MAX: usize = 64;
/// Longer names of modules are cut.
const MODULE_BYTES_MAX: usize = 512;

/// Imports in order of place: each module with one name taken from it, or as a whole.
#[derive(Default)]
pub(super) struct Found(Vec<(Box<str>, Option<NameHash>)>);

fn unquoted(word: &str) -> &str {
    word.trim_matches(['"', '\'', '`', '<', '>'])
}

impl Found {
    /// Notes that `name` of `module` is imported, or all of it.
    pub(super) fn push(&mut self, module: &str, name: Option<&str>) {
        let mut end = module.len().min(MODULE_BYTES_MAX);
        while !module.is_char_boundary(end) {
            end -= 1;
        }
        if end > 0 {
            self.0.push((module[..end].into(), name.map(|name| name_hash(name.as_bytes()))));
        }
    }

    /// Reads one import.
    pub(super) fn read(&mut self, style: Imports, words: &[&str]) {
        match style {
            Imports::Python => self.python(words),
            Imports::EcmaScript => self.ecma_script(words),
            Imports::Java => self.java(words),
            Imports::Include | Imports::Go => {
                let path = words.iter().rev().find(|word| word.starts_with(['"', '<', '`']));
                path.into_iter().for_each(|path| self.push(unquoted(path), None));
            }
            Imports::Rust => self.rust(words),
            Imports::CSharp => self.csharp(words),
            Imports::Php => self.php(words),
            Imports::Kotlin => self.kotlin(words),
            Imports::Swift => self.swift(words),
            Imports::Scala => self.scala(words),
            // Calls name what these import.
            Imports::Ruby | Imports::Bash => {}
        }
    }

    fn python(&mut self, words: &[&str]) {
        if words.first() == Some(&"from") {
            let cut = words.iter().position(|word| *word == "import").unwrap_or(words.len());
            let module = words[1..cut.max(1)].concat();
            let rest = words.get(cut + 1..).unwrap_or_default();
            let rest: Vec<&str> = rest.iter().copied().filter(|word| !matches!(*word, "(" | ")")).collect();
            for part in rest.split(|word| *word == ",") {
                match part.first() {
                    Some(&"*") => self.push(&module, None),
                    Some(name) => self.push(&module, Some(name)),
                    None => {}
                }
            }
        } else {
            for part in words.get(1..).unwrap_or_default().split(|word| *word == ",") {
                let end = part.iter().position(|word| *word == "as").unwrap_or(part.len());
                self.push(&part[..end].concat(), None);
            }
        }
    }

    fn java(&mut self, words: &[&str]) {
        let is_static = words.contains(&"static");
        let path: Vec<&str> =
            words.iter().copied().filter(|word| !matches!(*word, "import" | "static" | ";" | ".")).collect();
        match path.split_last() {
            Some((&"*", package)) => self.push(&package.join("."), None),
            Some((name, class)) if is_static => self.push(&class.join("."), Some(name)),
            _ => self.push(&path.join("."), None),
        }
    }

    fn ecma_script(&mut self, words: &[&str]) {
        let is_string = |word: &&&str| word.starts_with(['"', '\'']);
        let Some(module) = words.iter().rev().find(is_string).map(|word| unquoted(word)) else { return };
        if words.contains(&"require") {
            return self.push(module, None);
        }
        let mut taken = false;
        let mut in_braces = false;
        let mut before = "";
        for word in words.iter().skip(1) {
            match *word {
                "from" => break,
                "{" => in_braces = true,
                "*" => {}
                "," | ";" | "}" | "as" | "type" => {}
                _ if word.starts_with(['"', '\'']) => {}
                // `a as b` takes `a`; `* as b` takes the whole.
                _ if before == "as" => {}
                name if in_braces => {
                    self.push(module, Some(name));
                    taken = true;
                }
                _ => {
                    self.push(module, Some("default"));
                    taken = true;
                }
            }
            before = word;
        }
        if !taken || words.contains(&"*") {
            self.push(module, None);
        }
    }

    fn rust(&mut self, words: &[&str]) {
        // `extern crate a;` names a crate where `use crate::a` and `pub(crate) use` name the file's own.
        let verb = if words.contains(&"extern") { "crate" } else { "use" };
        let Some(start) = words.iter().position(|word| *word == verb) else { return };
        let mut path: Vec<&str> = Vec::new();
        let mut groups: Vec<usize> = Vec::new();
        let mut renames = false;
        for word in words.get(start + 1..).unwrap_or_default() {
            match *word {
                "::" => {}
                ";" => break,
                "{" => groups.push(path.len()),
                "," | "}" => {
                    let outer = groups.last().copied().unwrap_or(0);
                    self.rust_path(&path, outer);
                    path.truncate(outer);
                    if *word == "}" {
                        groups.pop();
                        // What stands before the group names nothing by itself.
                        path.truncate(groups.last().copied().unwrap_or(0));
                    }
                }
                "as" => renames = true,
                _ if renames => renames = false,
                part => path.push(part),
            }
        }
        self.rust_path(&path, 0);
    }

    /// Notes a path of which the parts from `outer` on were not noted with another.
    fn rust_path(&mut self, path: &[&str], outer: usize) {
        if path.len() <= outer || path.len() > PATH_PARTS_MAX {
            return;
        }
        match path.split_last() {
            Some((&("self" | "*"), module)) if !module.is_empty() => self.push(&module.join("::"), None),
            Some((name, module)) if !module.is_empty() => self.push(&module.join("::"), Some(name)),
            _ => self.push(&path.concat(), None),
        }
    }

    fn csharp(&mut self, words: &[&str]) {
        // `using X = a.B` names what stands behind the sign.
        let start = words.iter().position(|word| *word == "=").map_or(0, |at| at + 1);
        let is_path = |word: &&str| !matches!(*word, "global" | "using" | "static" | "unsafe" | ";");
        self.push(&words[start..].iter().copied().filter(is_path).collect::<String>(), None);
    }

    fn php(&mut self, words: &[&str]) {
        if words.first() == Some(&"use") {
            let (start, end) = match words.iter().position(|word| *word == "{") {
                Some(at) => (at + 1, at),
                None => (1, 1),
            };
            let is_path = |word: &&str| !matches!(*word, "function" | "const" | "}" | ";");
            let prefix: String = words[1..end.max(1)].iter().copied().filter(is_path).collect();
            for part in words.get(start..).unwrap_or_default().split(|word| *word == ",") {
                let part = part.split(|word| *word == "as").next().unwrap_or_default();
                let path: String = part.iter().copied().filter(is_path).collect();
                if !path.is_empty() {
                    self.push(format!("{prefix}{path}").trim_start_matches('\\'), None);
                }
            }
            return;
        }
        // Paths put together of anything but the file's own folder are known when the program runs.
        let rest: Vec<&str> = words.iter().skip(1).copied().filter(|word| !matches!(*word, "(" | ")" | ";")).collect();
        let is_plain = |path: &str| path.starts_with(['"', '\'']) && !path.contains('$');
        match rest.as_slice() {
            [path] if is_plain(path) => self.push(unquoted(path), None),
            ["__DIR__", ".", path] if is_plain(path) => self.push(&format!(".{}", unquoted(path)), None),
            _ => {}
        }
    }

    fn kotlin(&mut self, words: &[&str]) {
        let end = words.iter().position(|word| *word == "as").unwrap_or(words.len());
        let path: String = words[..end].iter().copied().filter(|word| !matches!(*word, "import" | ";")).collect();
        self.push(path.trim_end_matches(".*"), None);
    }

    fn swift(&mut self, words: &[&str]) {
        let kinds = ["typealias", "struct", "class", "enum", "protocol", "let", "var", "func", ";"];
        let start = words.iter().position(|word| *word == "import").map_or(0, |at| at + 1);
        let path = words[start..].iter().copied().filter(|word| !kinds.contains(word));
        self.push(&path.collect::<String>(), None);
    }

    fn scala(&mut self, words: &[&str]) {
        let mut path = Vec::new();
        let (mut group, mut renames) = (None, false);
        for word in words.iter().skip(1).copied().chain([","]) {
            match word {
                "." => {}
                "{" => group = Some(path.len()),
                "," | "}" => {
                    self.scala_path(&path, group.unwrap_or(0));
                    path.truncate(group.unwrap_or(0));
                    renames = false;
                    if word == "}" {
                        path.clear();
                        group = None;
                    }
                }
                "=>" | "as" => renames = true,
                _ if renames => {}
                part => path.push(part),
            }
        }
    }

    /// Notes a path of which the parts from `outer` on were not noted with another.
    fn scala_path(&mut self, path: &[&str], outer: usize) {
        match path.split_last() {
            _ if path.len() <= outer || path.len() > PATH_PARTS_MAX => {}
            Some((&("_" | "*" | "given"), module)) => self.push(&module.join("."), None),
            Some((name, module)) if !module.is_empty() => self.push(&module.join("."), Some(name)),
            _ => self.push(&path.concat(), None),
        }
    }

    /// The imports, sorted and distinct; a module that is imported whole and in part is there twice.
    pub(super) fn finish(mut self) -> Vec<Import> {
        self.0.sort_unstable();
        self.0.dedup();
        let mut imports: Vec<Import> = Vec::new();
        for (module, name) in self.0 {
            match (imports.last_mut(), name) {
                (Some(last), Some(name)) if last.module == module && !last.names.is_empty() => last.names.push(name),
                _ => imports.push(Import { module, names: name.into_iter().collect() }),
            }
        }
        imports
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(style: Imports, text: &str) -> Vec<(String, usize)> {
        let mut found = Found::default();
        found.read(style, &text.split(' ').collect::<Vec<_>>());
        found.finish().into_iter().map(|import| (import.module.into(), import.names.len())).collect()
    }

    fn expected(modules: &[(&str, usize)]) -> Vec<(String, usize)> {
        modules.iter().map(|(module, names)| ((*module).to_owned(), *names)).collect()
    }

    #[test]
    fn python_names_modules_and_what_is_taken() {
        let read = |text| read(Imports::Python, text);
        assert_eq!(read("import a . b as c , d"), expected(&[("a.b", 0), ("d", 0)]));
        assert_eq!(read("from . a import ( b as c , d , )"), expected(&[(".a", 2)]));
        assert_eq!(read("from .. import *"), expected(&[("..", 0)]));
    }

    #[test]
    fn ecma_script_names_modules_by_strings() {
        let read = |text| read(Imports::EcmaScript, text);
        assert_eq!(read("import a , { b as c , d } from './e' ;"), expected(&[("./e", 3)]));
        assert_eq!(read("import * as a from \"b\""), expected(&[("b", 0)]));
        assert_eq!(read("import 'a' ;"), expected(&[("a", 0)]));
    }

    #[test]
    fn java_names_classes_packages_and_members() {
        let read = |text| read(Imports::Java, text);
        assert_eq!(read("import a . b . C ;"), expected(&[("a.b.C", 0)]));
        assert_eq!(read("import a . b . * ;"), expected(&[("a.b", 0)]));
        assert_eq!(read("import static a . B . c ;"), expected(&[("a.B", 1)]));
    }

    #[test]
    fn paths_are_read_without_their_quotes() {
        assert_eq!(read(Imports::Include, "#include \"d/e.h\""), expected(&[("d/e.h", 0)]));
        assert_eq!(read(Imports::Include, "#include <stdio.h>"), expected(&[("stdio.h", 0)]));
        assert_eq!(read(Imports::Go, "alias \"net/http\""), expected(&[("net/http", 0)]));
    }

    #[test]
    fn rust_groups_are_opened() {
        let read = |text| read(Imports::Rust, text);
        assert_eq!(
            read("use crate :: a :: { b , c :: { d , e as f } , self , g :: * } ;"),
            expected(&[("crate::a", 0), ("crate::a", 1), ("crate::a::c", 2), ("crate::a::g", 0)])
        );
        assert_eq!(read("use std :: fmt ;"), expected(&[("std", 1)]));
        assert_eq!(read("extern crate a ;"), expected(&[("a", 0)]));
        assert_eq!(read("pub ( crate ) use super :: { a } ;"), expected(&[("super", 1)]));
    }

    #[test]
    fn csharp_names_namespaces_and_classes() {
        let read = |text| read(Imports::CSharp, text);
        assert_eq!(read("using a . b ;"), expected(&[("a.b", 0)]));
        assert_eq!(read("global using static a . B ;"), expected(&[("a.B", 0)]));
        assert_eq!(read("using C = a . B ;"), expected(&[("a.B", 0)]));
    }

    #[test]
    fn php_names_classes_and_files() {
        let read = |text| read(Imports::Php, text);
        assert_eq!(read("use a \\ B as C , \\ D ;"), expected(&[("D", 0), ("a\\B", 0)]));
        assert_eq!(read("use function a \\ { b , c as d } ;"), expected(&[("a\\b", 0), ("a\\c", 0)]));
        assert_eq!(read("require_once __DIR__ . '/a.php'"), expected(&[("./a.php", 0)]));
        assert_eq!(read("include ( 'a.php' )"), expected(&[("a.php", 0)]));
        assert_eq!(read("include $folder . '/a.php'"), expected(&[]));
    }

    #[test]
    fn kotlin_swift_and_scala_name_paths() {
        assert_eq!(read(Imports::Kotlin, "import a . b . C as D"), expected(&[("a.b.C", 0)]));
        assert_eq!(read(Imports::Kotlin, "import a . b . *"), expected(&[("a.b", 0)]));
        assert_eq!(read(Imports::Swift, "import struct a . B"), expected(&[("a.B", 0)]));
        let read = |text| read(Imports::Scala, text);
        assert_eq!(read("import a . b . { c , d => e , _ } , f . g"), expected(&[("a.b", 0), ("a.b", 2), ("f", 1)]));
        assert_eq!(read("import a . _"), expected(&[("a", 0)]));
    }
}
