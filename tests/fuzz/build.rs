//! Takes the validating operator's pure part in from its sources: its crate brings the whole dataflow, which takes longer to build
//! than all the rest and of which no target runs anything.

use std::fs;
use std::path::Path;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../operators/src");
    let out = std::env::var("OUT_DIR").expect("a place for what is made");
    let module = Path::new(&out).join("validate");
    println!("cargo:rerun-if-changed={}", folder.join("validate.rs").display());
    println!("cargo:rerun-if-changed={}", folder.join("validate").display());
    copy(&folder.join("validate"), &module);
    let source = fs::read_to_string(folder.join("validate.rs")).expect("the operator's source");
    fs::write(module.join("mod.rs"), taken(&source)).expect("a file can be written");
    let declaration = format!("#[path = {:?}]\npub mod validate;\n", module.join("mod.rs").display().to_string());
    fs::write(Path::new(&out).join("validate.rs"), declaration).expect("a file can be written");
}

/// The operator without its tests and without what routes records through a dataflow.
fn taken(source: &str) -> String {
    let routes = |line: &&str| line.contains("route") && (line.starts_with("mod") || line.starts_with("pub use"));
    let lines = source.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    lines.filter(|line| !routes(line)).map(|line| format!("{line}\n")).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the operator's folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}
