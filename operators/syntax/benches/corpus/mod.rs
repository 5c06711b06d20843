//! The files a bench reads and the clock it measures by.

use driftline_schema::Language;
use driftline_syntax::SyntaxLimits;
use std::path::{Path, PathBuf};
use tree_sitter::Parser;

/// CPU seconds of this thread.
///
/// Not from `schedstat`, which Linux brings up to date at its ticks alone: four milliseconds are many small files.
pub(crate) fn cpu_s() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one `timespec` to the place it is given.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(failed, 0, "every thread has a clock of its own");
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The files under `folder` in order of their paths.
pub(crate) fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(folder, &mut found);
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() && !path.is_symlink() {
            collect(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

/// The texts of one language that are short enough to be parsed.
pub(crate) fn texts_of(files: &[PathBuf], language: Language) -> Vec<String> {
    let limit = SyntaxLimits::default().file_bytes_max;
    let own = files.iter().filter(|path| Language::of_path(&path.to_string_lossy()) == Some(language));
    own.filter_map(|path| std::fs::read_to_string(path).ok()).filter(|text| text.len() <= limit).collect()
}

/// A bare parser of a language.
pub(crate) fn parser(language: Language) -> Parser {
    // The grammar first: with it comes the heap that a parser is made in.
    let grammar = driftline_syntax::grammar(language).expect("it is compiled in");
    let mut parser = Parser::new();
    parser.set_language(&grammar).expect("the grammar loads");
    parser
}
