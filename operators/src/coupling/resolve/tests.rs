//! Every rule on a small repository, looked up the way the map does.

use super::*;

/// The files an import reaches among `paths`, and whether it could only mean something in the repository.
fn reached<'a>(paths: &[&'a str], from: &str, module: &str, names: &[&str]) -> Option<(Vec<&'a str>, bool)> {
    let language = |path: &str| Language::of_path(path).expect("a language");
    let import = Import { module: module.into(), names: names.iter().map(|name| name_hash(name)).collect() };
    let want = want(from, language(from), &import)?;
    let own = place(from, language(from)).expect("a family");
    let places: Vec<(&str, Place)> =
        paths.iter().map(|path| (*path, place(path, language(path)).expect("a family"))).collect();
    let find = |target: &Target| -> Vec<&'a str> {
        let near = |folder: Key| {
            let ends = |place: &Place| place.suffixes.contains(&(target.key(), folder));
            places.iter().filter(|(_, place)| ends(place)).map(|(path, _)| *path).collect::<Vec<_>>()
        };
        match target {
            Target::At(key) => places.iter().filter(|(_, place)| place.module == *key).map(|(path, _)| *path).collect(),
            Target::Near(key) => {
                let around = own.folders.iter().map(|folder| near(*folder)).find(|found| !found.is_empty());
                let has = |place: &Place| place.suffixes.iter().any(|(suffix, _)| suffix == key);
                let all = places.iter().filter(|(_, place)| has(place)).map(|(path, _)| *path).collect::<Vec<_>>();
                around.unwrap_or(if all.len() == 1 { all } else { vec![] })
            }
        }
    };
    let mut found: Vec<&str> = want.first_of.iter().map(find).find(|found| !found.is_empty()).unwrap_or_default();
    found.extend(want.names.iter().flat_map(find));
    found.sort_unstable();
    found.dedup();
    Some((found, want.local))
}

fn files<'a>(paths: &[&'a str], from: &str, module: &str) -> Vec<&'a str> {
    reached(paths, from, module, &[]).map(|(found, _)| found).unwrap_or_default()
}

#[test]
fn python_modules_are_found_from_the_nearest_root_and_relative_to_the_package() {
    let paths = ["src/app/__init__.py", "src/app/db.py", "src/app/web/views.py", "tool/app/db.py", "src/app/web/x.pyi"];
    assert_eq!(files(&paths, "src/app/web/views.py", "app.db"), ["src/app/db.py"]);
    assert_eq!(files(&paths, "tool/run.py", "app.db"), ["tool/app/db.py"]);
    assert_eq!(files(&paths, "tests/test_db.py", "app.db"), [""; 0], "two roots are equally far");
    assert_eq!(files(&paths, "tests/test_db.py", "app.web.views"), ["src/app/web/views.py"]);
    assert_eq!(files(&paths, "src/app/web/views.py", "..db"), ["src/app/db.py"]);
    assert_eq!(files(&paths, "src/app/web/views.py", ".x"), ["src/app/web/x.pyi"]);
    assert_eq!(files(&paths, "src/app/web/views.py", "....x"), [""; 0]);
    assert_eq!(files(&["src/json.py"], "src/a.py", "json"), [""; 0], "the standard library comes first");
    let names = |module, names: &[&str]| reached(&paths, "src/app/db.py", module, names);
    assert_eq!(names(".", &["db", "web"]), Some((vec!["src/app/__init__.py", "src/app/db.py"], true)));
    assert_eq!(names("app.web", &["views", "Other"]), Some((vec!["src/app/web/views.py"], false)));
    assert_eq!(names("requests", &["get"]), Some((vec![], false)));
}

#[test]
fn scripts_are_found_relative_with_or_without_extension_and_by_alias() {
    let paths = ["web/src/a.ts", "web/src/b/index.tsx", "web/src/c.d.ts", "lib/d.js"];
    for (from, module, expected) in [
        ("web/src/b/index.tsx", "../a", "web/src/a.ts"),
        ("web/src/a.ts", "./b", "web/src/b/index.tsx"),
        ("web/src/a.ts", "./b/index.js", "web/src/b/index.tsx"),
        ("web/src/a.ts", "'./c'", "web/src/c.d.ts"),
        ("web/src/b/index.tsx", "@/a", "web/src/a.ts"),
        ("web/src/b/index.tsx", "src/a.js", "web/src/a.ts"),
        ("web/src/b/index.tsx", ".", "web/src/b/index.tsx"),
        ("lib/d.js", "../web/src/a", "web/src/a.ts"),
    ] {
        assert_eq!(files(&paths, from, module), [expected], "{module} in {from}");
    }
    assert_eq!(reached(&paths, "web/src/a.ts", "./gone", &[]), Some((vec![], true)));
    assert_eq!(reached(&paths, "web/src/a.ts", "../../../gone", &[]), Some((vec![], true)));
    assert_eq!(reached(&paths, "web/src/a.ts", "react", &[]), Some((vec![], false)));
    assert_eq!(reached(&paths, "web/src/a.ts", "./style.css", &[]), None);
}

#[test]
fn java_classes_are_found_by_package_with_what_they_hold() {
    let paths = ["src/main/java/a/b/C.java", "src/test/java/a/b/CTest.java", "src/main/java/a/D.java"];
    for module in ["a.b.C", "a.b.C.Inner", "a.b.C.method", "static a.b.C.CONSTANT", "a.b.C.*"] {
        assert_eq!(files(&paths, "src/test/java/a/b/CTest.java", module), [paths[0]], "{module}");
    }
    assert_eq!(reached(&paths, "src/main/java/a/D.java", "a.b.*", &[]), None);
    assert_eq!(reached(&paths, "src/main/java/a/D.java", "java.util.List", &[]), Some((vec![], false)));
}

#[test]
fn headers_are_found_beside_the_file_or_by_the_end_of_their_path() {
    let paths = ["src/x/a.h", "src/y/a.h", "include/lib/b.hpp", "src/x/m.c"];
    assert_eq!(files(&paths, "src/x/m.c", "a.h"), ["src/x/a.h"]);
    assert_eq!(files(&paths, "src/x/m.c", "../y/a.h"), ["src/y/a.h"]);
    assert_eq!(files(&paths, "src/x/m.c", "y/a.h"), ["src/y/a.h"]);
    assert_eq!(files(&paths, "src/x/m.c", "<lib/b.hpp>"), ["include/lib/b.hpp"]);
    assert_eq!(files(&paths, "other/m.c", "a.h"), [""; 0], "two headers are equally far");
    assert_eq!(reached(&paths, "src/x/m.c", "stdio.h", &[]), Some((vec![], false)));
}

#[test]
fn go_packages_are_folders_after_the_name_of_the_module() {
    let paths = ["pkg/a/x.go", "pkg/a/y.go", "errors/e.go", "http/h.go"];
    for module in ["github.com/o/r/pkg/a", "github.com/o/r/v2/pkg/a", "example.org/r/pkg/a", "r/pkg/a", "./pkg/a"] {
        assert_eq!(files(&paths, "main.go", module), ["pkg/a/x.go", "pkg/a/y.go"], "{module}");
    }
    assert_eq!(files(&paths, "main.go", "github.com/pkg/errors"), [""; 0]);
    assert_eq!(files(&paths, "main.go", "net/http"), [""; 0]);
    assert_eq!(files(&paths, "pkg/a/x.go", "github.com/o/r/errors"), ["errors/e.go"]);
}

#[test]
fn rust_paths_end_at_the_file_that_holds_the_item() {
    let paths = ["src/lib.rs", "src/a.rs", "src/a/b.rs", "src/c/mod.rs", "src/a/tests.rs", "more/my-crate/src/lib.rs"];
    for (from, module, expected) in [
        ("src/c/mod.rs", "crate::a::b::Thing", "src/a/b.rs"),
        ("src/c/mod.rs", "crate::a::Thing", "src/a.rs"),
        ("src/c/mod.rs", "crate::Thing", "src/lib.rs"),
        ("src/c/mod.rs", "crate", "src/lib.rs"),
        ("src/a.rs", "self::b::Thing", "src/a/b.rs"),
        ("src/a.rs", "b::Thing", "src/a/b.rs"),
        ("src/a/b.rs", "super::Thing", "src/a.rs"),
        ("src/a/b.rs", "super::super::c", "src/c/mod.rs"),
        ("src/c/mod.rs", "super::Thing", "src/lib.rs"),
        ("src/a/tests.rs", "super::*", "src/a.rs"),
        ("src/lib.rs", "a::Thing", "src/a.rs"),
        ("src/lib.rs", "my_crate::Thing", "more/my-crate/src/lib.rs"),
    ] {
        assert_eq!(files(&paths, from, module), [expected], "{module} in {from}");
    }
    assert_eq!(reached(&paths, "src/a.rs", "super::*", &[]), None);
    assert_eq!(reached(&paths, "src/a.rs", "std::fmt", &[]), Some((vec![], false)));
    assert_eq!(reached(&paths, "src/c/mod.rs", "crate::a", &["b"]), Some((vec!["src/a.rs", "src/a/b.rs"], true)));
}

#[test]
fn a_language_without_rules_has_no_place_and_its_imports_ask_for_nothing() {
    let import = Import { module: "./a".into(), names: vec![] };
    for language in Language::ALL {
        let has_rules = language <= Language::Rust;
        assert_eq!(place("lib/a.x", language).is_some(), has_rules, "{language}");
        assert!(has_rules || want("lib/a.x", language, &import).is_none(), "{language}");
    }
}
