//! Every rule on a small repository, looked up the way the map does.

use super::*;

/// A file with what it defines outside of all classes.
type Defining<'a> = (&'a str, &'a [&'a str]);

fn language(path: &str) -> Language {
    Language::of_path(path).expect("a language")
}

/// The files an import reaches among `defining`, and whether it could only mean something in the repository.
fn reached_of<'a>(defining: &[Defining<'a>], from: &str, module: &str, names: &[&str]) -> Option<(Vec<&'a str>, bool)> {
    let import = Import { module: module.into(), names: names.iter().map(|name| name_hash(name)).collect() };
    let want = want(from, language(from), &import)?;
    let own = place(from, language(from));
    let places: Vec<(&str, Place)> = defining
        .iter()
        .map(|(path, defined)| {
            let place = place(path, language(path));
            let members = members(path, language(path), defined.iter().copied());
            (*path, Place { suffixes: [&place.suffixes[..], &members].concat().into(), ..place })
        })
        .collect();
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
                let all = || places.iter().filter(|(_, place)| has(place)).map(|(path, _)| *path).collect::<Vec<_>>();
                let found = around.unwrap_or_else(all);
                let module = |path: &str| place(path, language(path)).module;
                if found.iter().all(|path| module(path) == module(found[0])) { found } else { vec![] }
            }
        }
    };
    let mut found: Vec<&str> = want.first_of.iter().map(find).find(|found| !found.is_empty()).unwrap_or_default();
    found.extend(want.names.iter().flat_map(find));
    found.sort_unstable();
    found.dedup();
    Some((found, want.local))
}

fn reached<'a>(paths: &[&'a str], from: &str, module: &str, names: &[&str]) -> Option<(Vec<&'a str>, bool)> {
    let defining: Vec<Defining> = paths.iter().map(|path| (*path, &[][..])).collect();
    reached_of(&defining, from, module, names)
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
fn kotlin_names_are_found_by_files_and_by_what_files_define() {
    let paths: [Defining; 6] = [
        ("main/a/b/C.kt", &["C", "toC"]),
        ("main/a/b/util.kt", &["Thing", "help", "twice"]),
        ("main/a/b/more.kt", &["twice"]),
        ("main/a/J.java", &[]),
        ("jvm/a/Platform.kt", &["Platform"]),
        ("js/a/Platform.kt", &["Platform"]),
    ];
    let files = |from, module| reached_of(&paths, from, module, &[]).expect("a name").0;
    for (module, expected) in [
        ("a.b.C", "main/a/b/C.kt"),
        ("a.b.C.Companion.of", "main/a/b/C.kt"),
        ("a.b.toC", "main/a/b/C.kt"),
        ("a.b.Thing", "main/a/b/util.kt"),
        ("a.b.Thing.Inner", "main/a/b/util.kt"),
        ("a.b.`help`", "main/a/b/util.kt"),
        ("a.J", "main/a/J.java"),
    ] {
        assert_eq!(files("main/a/M.kt", module), [expected], "{module}");
    }
    assert_eq!(files("jvm/a/M.kt", "a.Platform"), ["jvm/a/Platform.kt"], "the nearest");
    for (module, why) in [
        ("a.Platform", "two are equally far"),
        ("a.b.twice", "two in one folder define it"),
        ("a.b.gone", "nothing defines it"),
        ("kotlin.a.b.C", "it comes with the language"),
        ("other.Thing", "it is of another package"),
        ("a.b", "a package is no file"),
    ] {
        assert_eq!(files("main/a/M.kt", module), [""; 0], "{why}");
    }
    assert_eq!(files("main/a/J.java", "a.b.C"), ["main/a/b/C.kt"], "Java imports Kotlin's classes");
    assert_eq!(files("main/a/J.java", "a.b.Thing"), ["main/a/b/util.kt"]);
    assert_eq!(files("main/a/J.java", "a.b.UtilKt"), ["main/a/b/util.kt"], "functions of a file are a class to Java");
}

#[test]
fn kotlin_functions_and_a_java_class_of_one_name_are_modules_apart() {
    let [kotlin, java] = ["a/Util.kt", "a/Util.java"].map(|path| place(path, language(path)));
    assert_ne!(kotlin.module, java.module);
    assert_eq!(kotlin.suffixes, java.suffixes);
    assert_eq!(files(&["a/Util.kt", "a/Util.java"], "a/M.kt", "a.Util"), [""; 0]);
}

#[test]
fn scala_takes_names_from_packages_and_objects() {
    let paths: [Defining; 4] = [
        ("src/main/scala/a/b/C.scala", &["C"]),
        ("src/main/scala/a/b/all.scala", &["D", "E"]),
        ("src/main/scala/util/List.scala", &["List"]),
        ("src/main/java/a/J.java", &[]),
    ];
    let from = "src/test/scala/a/Test.scala";
    let files = |module, names: &[&str]| reached_of(&paths, from, module, names).expect("a name").0;
    assert_eq!(files("a.b", &["C", "D"]), [paths[0].0, paths[1].0]);
    assert_eq!(files("a.b", &["D", "E"]), [paths[1].0]);
    assert_eq!(files("a.b.C", &["member"]), [paths[0].0]);
    assert_eq!(files("a.b.D", &[]), [paths[1].0], "all of an object");
    assert_eq!(files("b.E", &["member"]), [paths[1].0], "a name seen from the package around");
    assert_eq!(files("_root_.a", &["J"]), [paths[3].0]);
    for (module, names) in [("a.b", &[][..]), ("scala.util", &["List"]), ("java.a", &["J"]), ("a.b", &["Gone"])] {
        assert_eq!(files(module, names), [""; 0], "{module}");
    }
}

#[test]
fn php_names_are_found_by_two_names_at_least_and_files_by_their_path() {
    let paths = ["src/Client.php", "src/Http/Request.php", "src/Http/Str.php", "old/Http/Str.php", "src/functions.php"];
    let files = |module| files(&paths, "src/Http/Request.php", module);
    for (module, expected) in [
        ("Vendor\\Package\\Http\\Request", "src/Http/Request.php"),
        ("Http\\Request", "src/Http/Request.php"),
        ("Vendor\\src\\Client", "src/Client.php"),
        ("../functions.php", "src/functions.php"),
        ("Str.php", "src/Http/Str.php"),
        ("src/functions.php", "src/functions.php"),
    ] {
        assert_eq!(files(module), [expected], "{module}");
    }
    for (module, why) in [
        ("Other\\Client", "a class's name alone tells nothing"),
        ("Request", "one of the language's own"),
        ("Vendor\\Http\\Str", "two are equally near to no folder around both"),
        ("../../../x.php", "it leaves the repository"),
        ("../vendor/autoload.php", "dependencies are not committed"),
    ] {
        let near = if module.ends_with("Str") { "tests/T.php" } else { "src/Http/Request.php" };
        assert_eq!(reached(&paths, near, module, &[]).expect("a file").0, [""; 0], "{why}");
    }
    let local = |module| reached(&paths, "src/Client.php", module, &[]).expect("a file").1;
    assert_eq!([local("./gone.php"), local("gone.php"), local("../vendor/autoload.php")], [true, false, false]);
}

#[test]
fn ruby_files_are_found_relative_and_below_folders_that_are_searched() {
    let paths =
        ["lib/a.rb", "lib/a/json.rb", "more/lib/a/b.rb", "test/helper.rb", "x/lib/c.rb", "y/lib/c.rb", "bin/r.rb"];
    for (from, module, expected) in [
        ("lib/a.rb", "./a/json", "lib/a/json.rb"),
        ("lib/a/json.rb", "./../a.rb", "lib/a.rb"),
        ("test/helper.rb", "a/json", "lib/a/json.rb"),
        ("test/helper.rb", "a/b", "more/lib/a/b.rb"),
        ("test/helper.rb", "a", "lib/a.rb"),
        ("lib/a.rb", "helper", "test/helper.rb"),
        ("x/run.rb", "c", "x/lib/c.rb"),
        ("lib/a.rb", "bin/r", "bin/r.rb"),
    ] {
        assert_eq!(files(&paths, from, module), [expected], "{module} in {from}");
    }
    for (module, why) in
        [("json", "the standard library's"), ("c", "two are equally far"), ("b", "in no such folder"), ("/a", "")]
    {
        assert_eq!(reached(&paths, "lib/a.rb", module, &[]), Some((vec![], false)), "{why}");
    }
    assert_eq!(reached(&paths, "lib/a.rb", "./gone", &[]), Some((vec![], true)));
    assert_eq!(reached(&paths, "lib/a.rb", "./../../../a", &[]), Some((vec![], true)));
}

#[test]
fn bash_files_are_found_beside_the_file_or_by_the_end_of_their_path() {
    let paths = ["bin/run.sh", "bin/common.sh", "lib/log.sh", "x/env.sh", "y/env.sh"];
    for (module, expected) in [
        ("./common.sh", "bin/common.sh"),
        ("common.sh", "bin/common.sh"),
        ("../lib/log.sh", "lib/log.sh"),
        ("./lib/log.sh", "lib/log.sh"),
        ("log.sh", "lib/log.sh"),
        ("y/env.sh", "y/env.sh"),
    ] {
        assert_eq!(files(&paths, "bin/run.sh", module), [expected], "{module}");
    }
    for (module, local) in [("env.sh", false), ("/x/env.sh", false), ("~/env.sh", false), ("../../../gone.sh", true)] {
        assert_eq!(reached(&paths, "bin/run.sh", module, &[]), Some((vec![], local)), "{module}");
    }
}

#[test]
fn imports_of_c_sharp_and_swift_ask_for_nothing_and_their_files_are_modules() {
    let import = Import { module: "A.B".into(), names: vec![] };
    for path in ["A/B.cs", "A/B.swift"] {
        assert_eq!(want(path, language(path), &import), None);
        assert_eq!((place(path, language(path)).suffixes.len(), place(path, language(path)).folders.len()), (0, 2));
    }
}
