//! Speed of the syntax pass as a ratio to a bare tree-sitter parse of the same files in the same run.
//!
//! `cargo bench -p driftline-syntax --bench syntax -- FOLDER [MEGABYTES]` takes the files under FOLDER whose language
//! has a grammar, an evenly spaced sample of so many megabytes a language (4 by default), and prints per language the
//! megabytes per CPU second of both and what the pass costs beyond the parse. Times are of this thread's CPU; of each
//! file the least of several rounds is taken, parsed and measured in turn, so that a busy machine slows both alike.

use driftline_schema::Language;
use driftline_syntax::{Measurer, SyntaxLimits, grammar, languages, measure};
use std::path::{Path, PathBuf};
use tree_sitter::Parser;

const ROUNDS: usize = 5;
const MEGABYTES: f64 = 4.0;

/// CPU seconds of this thread.
///
/// Not from `schedstat`, which Linux brings up to date at its ticks alone: four milliseconds are many small files.
fn cpu_s() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one `timespec` to the place it is given.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(failed, 0, "every thread has a clock of its own");
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() && !path.is_symlink() {
            files_under(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

/// An evenly spaced sample of the texts of one language.
fn sample(files: &[PathBuf], language: Language, megabytes: f64) -> Vec<String> {
    let limit = SyntaxLimits::default().file_bytes_max;
    let own = files.iter().filter(|path| Language::of_path(&path.to_string_lossy()) == Some(language));
    let texts: Vec<String> =
        own.filter_map(|path| std::fs::read_to_string(path).ok()).filter(|text| text.len() <= limit).collect();
    let total: usize = texts.iter().map(String::len).sum();
    let step = (total as f64 / 1e6 / megabytes).round().max(1.0) as usize;
    texts.into_iter().step_by(step).collect()
}

/// CPU seconds of (bare parse, measurement) of all `texts`, of each text the least.
fn least_times(texts: &[String], language: Language) -> (f64, f64) {
    let mut parser = Parser::new();
    parser.set_language(&grammar(language).expect("it is compiled in")).expect("the grammar loads");
    let mut measurer = Measurer::new();
    let limits = SyntaxLimits::default();
    let mut least = vec![(f64::MAX, f64::MAX); texts.len()];
    for _round in 0..ROUNDS {
        for (text, least) in texts.iter().zip(&mut least) {
            let start = cpu_s();
            std::hint::black_box(parser.parse(text, None));
            let parsed = cpu_s();
            std::hint::black_box(measure(&mut measurer, language, text, &limits));
            let measured = cpu_s();
            *least = (least.0.min(parsed - start), least.1.min(measured - parsed));
        }
    }
    least.into_iter().fold((0.0, 0.0), |sum, (parse_s, measure_s)| (sum.0 + parse_s, sum.1 + measure_s))
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let Some(folder) = arguments.next() else {
        println!("usage: syntax FOLDER [MEGABYTES]; nothing measured");
        return;
    };
    let megabytes = arguments.next().and_then(|word| word.parse().ok()).unwrap_or(MEGABYTES);
    let mut files = Vec::new();
    files_under(Path::new(&folder), &mut files);
    println!("language     files     MB  parse MB/s  measure MB/s  measure/parse  pass/parse");
    for language in languages() {
        let texts = sample(&files, language, megabytes);
        if texts.is_empty() {
            continue;
        }
        let mb = texts.iter().map(String::len).sum::<usize>() as f64 / 1e6;
        let (parse_s, measure_s) = least_times(&texts, language);
        println!(
            "{:<11} {:>6} {:>6.2} {:>11.2} {:>13.2} {:>14.3} {:>11.3}",
            language.name(),
            texts.len(),
            mb,
            mb / parse_s,
            mb / measure_s,
            measure_s / parse_s,
            measure_s / parse_s - 1.0
        );
    }
}
