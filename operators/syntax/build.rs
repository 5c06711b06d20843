//! Compiles the walk over trees against the headers of the tree-sitter that is linked.

use std::path::PathBuf;

fn main() {
    // The crate names its public headers; those of the tree's layout lie beside them in the same package.
    let include = PathBuf::from(std::env::var_os("DEP_TREE_SITTER_INCLUDE").expect("tree-sitter names its headers"));
    println!("cargo:rerun-if-changed=walk/walk.c");
    cc::Build::new()
        .file("walk/walk.c")
        .std("c11")
        // Unoptimised it would be what costs most of every test.
        .opt_level(3)
        .include(include.join("../src"))
        .include(include)
        .define("_POSIX_C_SOURCE", "200112L")
        .define("_DEFAULT_SOURCE", None)
        .flag_if_supported("-Wno-unused-parameter")
        .flag_if_supported("-Wno-unused-function")
        .compile("driftline_walk");
}
