//! Test kit: small repositories and logs to run driftline on, used by the suites that prove its laws.

use std::path::{Path, PathBuf};

/// The root of the project.
pub fn project_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the test kit lies in the project").to_path_buf()
}

/// Every file below the project's source folders with this extension, sorted.
pub fn project_files(extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["dataflow", "kernels", "operators", "sinks", "api", "tests"] {
        gather(&project_root().join(folder), extension, &mut found);
    }
    found.sort();
    found
}

fn gather(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                gather(&path, extension, found);
            }
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

pub mod history;
pub mod lab;
