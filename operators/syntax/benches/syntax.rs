//! Speed of the syntax pass as a ratio to a bare tree-sitter parse of the same files in the same run.
//!
//! `cargo bench -p driftline-syntax --bench syntax -- FOLDER [MEGABYTES]` takes the files under FOLDER whose language
//! has a grammar, an evenly spaced sample of so many megabytes a language (4 by default), and prints per language the
//! megabytes per CPU second of both and what the pass costs beyond the parse. Times are of this thread's CPU; of each
//! file the least of several rounds is taken, parsed and measured in turn, so that a busy machine slows both alike.

mod corpus;

use corpus::{cpu_s, files_under, parser, texts_of};
use driftline_schema::Language;
use driftline_syntax::{Measurer, SyntaxLimits, languages, measure};
use std::path::{Path, PathBuf};

const ROUNDS: usize = 5;
const MEGABYTES: f64 = 4.0;

/// An evenly spaced sample of the texts of one language.
fn sample(files: &[PathBuf], language: Language, megabytes: f64) -> Vec<String> {
    let texts = texts_of(files, language);
    let total: usize = texts.iter().map(String::len).sum();
    let step = (total as f64 / 1e6 / megabytes).round().max(1.0) as usize;
    texts.into_iter().step_by(step).collect()
}

/// CPU seconds of (bare parse, measurement) of all `texts`, of each text the least.
fn least_times(texts: &[String], language: Language) -> (f64, f64) {
    let mut parser = parser(language);
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
    let files = files_under(Path::new(&folder));
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
