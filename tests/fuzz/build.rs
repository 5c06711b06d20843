//! Takes the validating operator's pure part in from its sources: its crate brings the whole dataflow, which takes longer to build
//! than all the rest and of which no target runs anything.

use std::path::Path;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../operators/src");
    let source = std::fs::read_to_string(folder.join("validate.rs")).expect("the operator's source");
    println!("cargo:rerun-if-changed={}", folder.join("validate.rs").display());
    let mut taken = String::new();
    for line in source.lines() {
        // What routes records through a dataflow stays out, and so do the tests.
        if line.contains("route") && (line.starts_with("mod") || line.starts_with("pub use")) || line.starts_with("//!")
        {
            continue;
        }
        if line.starts_with("#[cfg(test)]") {
            break;
        }
        if let Some(name) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
            let path = folder.join("validate").join(format!("{name}.rs"));
            taken += &format!("#[path = {:?}]\n", path.display().to_string());
        }
        taken += line;
        taken.push('\n');
    }
    let out = std::env::var("OUT_DIR").expect("a place for what is made");
    std::fs::write(Path::new(&out).join("validate.rs"), taken).expect("a file can be written");
}
