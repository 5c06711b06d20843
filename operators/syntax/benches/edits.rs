//! What an edit of a file of about 30 KB costs, parsed afresh and from the tree before.
//!
//! `cargo bench -p driftline-syntax --bench edits -- FOLDER [EDITS]` takes the files under FOLDER of 24 to 36 KB whose
//! language has a grammar, makes random edits to each (400 a language by default), one after another, and prints per
//! language the median and the 99th percentile of both ways in microseconds of this thread's CPU, for edits that leave no
//! error and for all, and how many were read from the tree before. An edit that leaves an error is taken back before the
//! next. The facts of both ways are compared after every edit.

mod corpus;
#[path = "../tests/random_edits/mod.rs"]
mod random_edits;

use corpus::{cpu_s, files_under, parser, texts_of};
use driftline_schema::Language;
use driftline_syntax::{
    Measurer, RecentLimits, RecentTrees, SyntaxLimits, TreeFrom, Version, languages, measure, measure_edit,
};
use random_edits::edited;
use std::ops::Range;
use std::path::Path;
use tree_sitter::Parser;

const EDITS: usize = 400;
const FILES_MAX: usize = 40;
const FILE_BYTES: Range<usize> = 24_000..36_000;

/// One edit.
struct Sample {
    fresh_us: f64,
    edit_us: f64,
    /// The same text once more: where its tree is kept, the pass alone.
    again_us: f64,
    from: TreeFrom,
    clean: bool,
}

/// The next of a fixed row of numbers without a pattern (splitmix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The texts that so many random edits make of `text`, each of the last one without an error; and whether it has one.
fn versions(text: &str, parser: &mut Parser, edits: usize, state: &mut u64) -> Vec<(String, bool)> {
    let mut before = text.to_owned();
    let mut versions = Vec::new();
    for _edit in 0..edits {
        let text = edited(&before, next(state));
        let clean = parser.parse(&text, None).is_some_and(|tree| !tree.root_node().has_error());
        if clean {
            before.clone_from(&text);
        }
        versions.push((text, clean));
    }
    versions
}

/// Makes `edits` edits, shared among the texts, and measures them: one file's edits in a row from the tree before, then
/// all of them afresh.
fn samples(texts: &[String], language: Language, edits: usize) -> Vec<Sample> {
    let limits = SyntaxLimits::default();
    let (mut one, mut other, mut parser) = (Measurer::new(), Measurer::new(), parser(language));
    let mut recent = RecentTrees::new(RecentLimits::default());
    let (mut samples, mut state) = (Vec::new(), 1);
    for (key, text) in texts.iter().enumerate() {
        let versions = versions(text, &mut parser, edits.div_ceil(texts.len()), &mut state);
        measure_edit(&mut one, &mut recent, Version { key, language, text }, &limits);
        let mut timed = |text: &str| {
            let start = cpu_s();
            let (facts, from) = measure_edit(&mut one, &mut recent, Version { key, language, text }, &limits);
            (1e6 * (cpu_s() - start), facts, from)
        };
        let edited: Vec<_> = versions.iter().map(|(text, _)| (timed(text), timed(text).0)).collect();
        for ((text, clean), ((edit_us, facts, from), again_us)) in versions.into_iter().zip(edited) {
            let start = cpu_s();
            let fresh = measure(&mut other, language, &text, &limits);
            let fresh_us = 1e6 * (cpu_s() - start);
            assert!(facts == fresh, "{language}: the facts of an edit of file {key} differ from those of its text");
            samples.push(Sample { fresh_us, edit_us, again_us, from, clean });
        }
    }
    samples
}

/// Median and 99th percentile.
fn percentiles(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values.get((values.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
    (at(0.5), at(0.99))
}

fn print_row(language: Language, texts: &[String], name: &str, samples: &[&Sample]) {
    let fresh = percentiles(samples.iter().map(|sample| sample.fresh_us).collect());
    let edit = percentiles(samples.iter().map(|sample| sample.edit_us).collect());
    let again = percentiles(samples.iter().map(|sample| sample.again_us).collect());
    let taken = samples.iter().filter(|sample| sample.from == TreeFrom::Tree).count();
    let bytes = texts.iter().map(String::len).sum::<usize>() / texts.len().max(1);
    println!(
        "{:<11} {:<6} {:>5} {:>6} {:>6} {:>10.0} {:>10.0} {:>9.0} {:>9.0} {:>10.0} {:>8.1} %",
        language.name(),
        name,
        texts.len(),
        bytes,
        samples.len(),
        fresh.0,
        fresh.1,
        edit.0,
        edit.1,
        again.0,
        100.0 * taken as f64 / samples.len().max(1) as f64
    );
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let Some(folder) = arguments.next() else {
        println!("usage: edits FOLDER [EDITS]; nothing measured");
        return;
    };
    let edits = arguments.next().and_then(|word| word.parse().ok()).unwrap_or(EDITS);
    let files = files_under(Path::new(&folder));
    println!("language    result files  bytes  edits  fresh p50        p99  edit p50       p99  again p50  from tree");
    for language in languages() {
        let mut texts = texts_of(&files, language);
        texts.retain(|text| FILE_BYTES.contains(&text.len()));
        texts.truncate(FILES_MAX);
        if texts.is_empty() {
            continue;
        }
        let samples = samples(&texts, language, edits);
        let clean: Vec<&Sample> = samples.iter().filter(|sample| sample.clean).collect();
        print_row(language, &texts, "clean", &clean);
        print_row(language, &texts, "any", &samples.iter().collect::<Vec<_>>());
    }
}
