//! Whole trees through the syntax pass: what each language takes, its slowest file, and what the grammars cannot read.
//!
//! `cargo bench -p driftline-syntax --bench trees -- FOLDER` measures every file under FOLDER that has a grammar and
//! prints a table; with `functions` as second argument it prints a row a function instead, by which `tests/metrics`
//! compares whole trees with other tools. Times are of this thread's CPU, the least of three. A file that costs more than
//! its bytes explain shows in microseconds a byte: the slowest is named.

#[expect(dead_code, reason = "it reads texts of any size, and parses none without measuring it")]
mod corpus;

use corpus::{cpu_s, files_under};
use driftline_schema::{FileFacts, Language};
use driftline_syntax::{Measurer, SyntaxLimits, languages, measure};
use std::path::{Path, PathBuf};

const ROUNDS: usize = 3;
/// Smaller files cost what starting one costs, and say nothing of a byte.
const SLOWEST_BYTES_MIN: usize = 1024;

/// What the files of one language sum up to.
#[derive(Default)]
struct Sums {
    files: usize,
    bytes: usize,
    lines: usize,
    functions: usize,
    seconds: f64,
    error_bytes: usize,
    files_with_errors: usize,
    truncated: usize,
    /// (microseconds a byte, file).
    slowest: (f64, PathBuf),
}

impl Sums {
    fn add(&mut self, path: &Path, text: &str, facts: &FileFacts, seconds: f64) {
        self.files += 1;
        self.bytes += text.len();
        self.lines += text.lines().count();
        self.functions += facts.functions.len();
        self.seconds += seconds;
        // Of a file that was not parsed all bytes are called errors, which says nothing of the grammar.
        self.error_bytes += if facts.truncated { 0 } else { facts.error_bytes as usize };
        self.files_with_errors += usize::from(facts.error_bytes > 0);
        self.truncated += usize::from(facts.truncated);
        let us_per_byte = seconds * 1e6 / text.len().max(1) as f64;
        if text.len() >= SLOWEST_BYTES_MIN && us_per_byte > self.slowest.0 {
            self.slowest = (us_per_byte, path.to_owned());
        }
    }

    fn print(&self, name: &str, folder: &Path) {
        let slowest = self.slowest.1.strip_prefix(folder).unwrap_or(&self.slowest.1);
        println!(
            "{:<11} {:>5} {:>7.2} {:>9} {:>9} {:>6.2} {:>7.3} {:>6} {:>9} {:>8.3}  {}",
            name,
            self.files,
            self.bytes as f64 / 1e6,
            self.lines,
            self.functions,
            self.bytes as f64 / 1e6 / self.seconds,
            100.0 * self.error_bytes as f64 / self.bytes.max(1) as f64,
            self.files_with_errors,
            self.truncated,
            self.slowest.0,
            slowest.display()
        );
    }
}

/// A row a function: what other tools are compared with.
fn print_functions(path: &Path, facts: &FileFacts) {
    for function in &facts.functions {
        let m = &function.metrics;
        println!(
            "{}\t{}\t{}\t{:?}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            path.display(),
            function.start_line,
            function.end_line,
            function.kind,
            function.qualified_name.replace(['\t', '\n'], " "),
            m.cyclomatic,
            m.cyclomatic_modified,
            m.cognitive,
            m.cognitive_own,
            m.cognitive_sonar,
            facts.error_bytes
        );
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let Some(folder) = arguments.next().map(PathBuf::from) else {
        println!("usage: trees FOLDER [functions]; nothing measured");
        return;
    };
    let functions = arguments.next().is_some_and(|word| word == "functions");
    let files = files_under(&folder);
    let (mut measurer, limits) = (Measurer::new(), SyntaxLimits::default());
    let mut not_text = 0;
    let header = "language    files      MB     lines functions   MB/s error % errors truncated  us/byte  slowest file";
    println!(
        "{}",
        if functions { "path\tline\tend\tkind\tname\tcc\tmodified\tcog\town\tsonar\terrors" } else { header }
    );
    for language in languages() {
        let mut sums = Sums::default();
        for path in files.iter().filter(|path| Language::of_path(&path.to_string_lossy()) == Some(language)) {
            let Ok(text) = std::fs::read_to_string(path) else {
                not_text += 1;
                continue;
            };
            let mut least = f64::MAX;
            let mut facts = None;
            for _round in 0..if functions { 1 } else { ROUNDS } {
                let start = cpu_s();
                facts = Some(measure(&mut measurer, language, &text, &limits));
                least = least.min(cpu_s() - start);
            }
            let facts = facts.expect("there is a round");
            if functions {
                print_functions(path, &facts);
            }
            sums.add(path, &text, &facts, least);
        }
        if sums.files > 0 && !functions {
            sums.print(language.name(), &folder);
        }
    }
    eprintln!("{not_text} files are not UTF-8 and were left out");
}
