//! `driftline metrics PATH...`: metrics and smells of files, without a server and without a history.
//!
//! What is printed depends on the files alone: work is spread over threads, but rows come in the order of paths. A file
//! that cannot be measured is named on standard error and makes the command fail at its end; the others are printed.

mod csv;
mod files;
mod fingerprints;
mod limits;
mod metric;
mod metrics_row;
mod row;
mod sarif;
mod style;
mod table;
#[cfg(test)]
mod tests;
mod thresholds;

use crate::cli::Outcome;
use crate::terminal::{Quiet, shown};
use clap::Args;
use driftline_operators::syntax::patterns::patterns;
use driftline_operators::syntax::smells::{Thresholds, duplicates, smells};
use driftline_operators::syntax::{Measurer, SyntaxLimits, measure};
use driftline_schema::FileFacts;
use files::{Candidate, Refusal};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
pub use metric::{Limit, Metric};
use rayon::prelude::*;
use row::{FileRow, FoundSmell, MeasuredFile, OtherPlace};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use style::Style;
use table::Table;
pub use thresholds::{Setting, ThresholdsError};

/// Arguments of `driftline metrics`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  driftline metrics src\n  driftline metrics . --top 10 --sort cyclomatic\n  \
                        driftline metrics src --fail-over cognitive=25 --fail-over params=7\n  \
                        driftline metrics src --sarif > smells.sarif\n  \
                        driftline metrics src --json | jq -c 'select(.metrics.cognitive > 100) | .path'\n\n\
                        Exits with 3 when a function is over a limit, with 1 when a file could not be measured or a \
                        folder holds none that can.")]
pub struct MetricsArgs {
    /// Files and folders; folders are searched for source files, without what `.gitignore` names and hidden ones.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Print one JSON object a file and line.
    #[arg(long, group = "format")]
    pub json: bool,
    /// Print one row a function, separated by commas.
    #[arg(long, group = "format")]
    pub csv: bool,
    /// Print the smells as one SARIF 2.1.0 log.
    #[arg(long, group = "format")]
    pub sarif: bool,
    /// Rows in the table.
    #[arg(long, default_value_t = 20, value_name = "N", conflicts_with = "format")]
    pub top: usize,
    /// What makes a function worse than another.
    #[arg(
        long,
        default_value = "cognitive",
        value_name = "METRIC",
        value_parser = Metric::parse,
        conflicts_with = "format"
    )]
    pub sort: Metric,
    /// Exit with 3 when this metric of a function is over N; may be repeated.
    #[arg(long, value_name = "METRIC=N", value_parser = Limit::parse)]
    pub fail_over: Vec<Limit>,
    /// Thresholds of smells, as TOML: `long_method_ploc = 80`, `god_class_tcc = "1/4"`.
    #[arg(long, value_name = "FILE")]
    pub thresholds: Option<PathBuf>,
    /// One threshold, over those of the file; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = Setting::parse)]
    pub threshold: Vec<Setting>,
    /// Where the pages of `operators/syntax/docs` are published, for links in SARIF.
    #[arg(long, value_name = "URL", requires = "sarif")]
    pub docs_url: Option<String>,
}

/// Whether the functions keep to the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All of them.
    Within,
    /// Some are over one; they were named on standard error.
    Over,
}

/// Why `driftline metrics` failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Some files were named on standard error.
    #[error("{refused} of {files} files could not be measured")]
    Incomplete {
        /// Files and folders refused.
        refused: usize,
        /// All files and folders tried.
        files: usize,
    },
    /// The thresholds cannot be used.
    #[error(transparent)]
    Thresholds(#[from] ThresholdsError),
    /// Nothing more can be printed.
    #[error("standard output did not take everything; is there room?")]
    Output(#[from] io::Error),
}

impl From<Result<Verdict, Error>> for Outcome {
    fn from(result: Result<Verdict, Error>) -> Self {
        match result {
            Ok(Verdict::Within) => Self::Done,
            Ok(Verdict::Over) => Self::OverThreshold,
            Err(error) => Self::Failed(Box::new(error)),
        }
    }
}

/// Runs the command on standard output and standard error.
pub fn run(args: MetricsArgs) -> Result<Verdict, Error> {
    let bar = if io::stderr().is_terminal() {
        ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
    } else {
        ProgressBar::hidden()
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    execute(&args, Style::of_stdout(), &bar, &mut out, &mut Quiet(io::stderr()))
}

/// Measures what `args` names: metrics to `out`, refusals and what is over a limit to `errors`.
fn execute(
    args: &MetricsArgs,
    style: Style,
    bar: &ProgressBar,
    out: &mut impl Write,
    errors: &mut impl Write,
) -> Result<Verdict, Error> {
    let thresholds = thresholds::read(args.thresholds.as_deref(), &args.threshold)?;
    let (files, refusals) = measure_all(args, &thresholds, bar, errors)?;
    match print(args, &thresholds, style, (&files, &refusals), out, errors).and_then(|()| out.flush()) {
        // Whoever reads has seen enough (`| head`); that is no failure.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }
    let over = limits::judge(&files, &args.fail_over, errors)?;
    // A gate must not pass for what it did not look at.
    let cut = if args.fail_over.is_empty() { 0 } else { files.iter().filter(|file| file.facts.truncated).count() };
    let refused = refusals.len() + cut;
    let incomplete = Error::Incomplete { refused, files: files.len() + refusals.len() };
    match (over, refused == 0) {
        (false, true) => Ok(Verdict::Within),
        (false, false) => Err(incomplete),
        (true, true) => Ok(Verdict::Over),
        (true, false) => {
            // What was measured is over the limit, whatever the rest may be.
            writeln!(errors, "driftline: {incomplete}")?;
            Ok(Verdict::Over)
        }
    }
}

fn print(
    args: &MetricsArgs,
    thresholds: &Thresholds,
    style: Style,
    (files, refusals): (&[MeasuredFile], &[Refusal]),
    out: &mut impl Write,
    errors: &mut impl Write,
) -> io::Result<()> {
    if args.json {
        let mut row = Vec::new();
        for file in files {
            row.clear();
            serde_json::to_writer(&mut row, &FileRow::of(file))?;
            row.push(b'\n');
            out.write_all(&row)?;
        }
        Ok(())
    } else if args.csv {
        csv::print(files, out)
    } else if args.sarif {
        sarif::print(files, refusals, args.docs_url.as_deref(), out, errors)
    } else {
        Table { top: args.top, sort: args.sort, thresholds, style }.print(files, out)
    }
}

/// The files that `args` names, in the order of paths, and what could not be measured, which is named on `errors`.
fn measure_all(
    args: &MetricsArgs,
    thresholds: &Thresholds,
    bar: &ProgressBar,
    errors: &mut impl Write,
) -> io::Result<(Vec<MeasuredFile>, Vec<Refusal>)> {
    let (candidates, mut refusals) = files::find(&args.paths);
    bar.set_length(candidates.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("measuring {bar:30} {pos}/{len} files, {eta} left") {
        bar.set_style(style);
    }
    let measured: Vec<Result<MeasuredFile, Refusal>> = candidates
        .into_par_iter()
        .map_init(Measurer::new, |measurer, candidate| measure_file(measurer, candidate, thresholds, args.sarif))
        .inspect(|_| bar.inc(1))
        .collect();
    bar.finish_and_clear();
    let mut files = Vec::with_capacity(measured.len());
    for file in measured {
        match file {
            Ok(file) => files.push(file),
            Err(refusal) => refusals.push(refusal),
        }
    }
    add_duplicates(&mut files, thresholds);
    refusals.iter().try_for_each(|refusal| writeln!(errors, "driftline: {refusal}"))?;
    name_truncated(&files, errors)?;
    Ok((files, refusals))
}

/// Truncated files that are named one by one; of more it is said how many there are.
const NAMED_MAX: usize = 20;

/// What is said of a file that was measured in part: a table of functions alone would not show that any is missing.
fn truncation(file: &MeasuredFile) -> String {
    let path = shown(&file.path);
    format!(
        "{path}: beyond a limit of what measuring may cost, so it is measured in part; its size and lines are right"
    )
}

fn name_truncated(files: &[MeasuredFile], errors: &mut impl Write) -> io::Result<()> {
    let mut truncated = files.iter().filter(|file| file.facts.truncated);
    truncated.by_ref().take(NAMED_MAX).try_for_each(|file| writeln!(errors, "driftline: {}", truncation(file)))?;
    match truncated.count() {
        0 => Ok(()),
        more => writeln!(errors, "driftline: {more} more files are beyond a limit and measured in part"),
    }
}

fn measure_file(
    measurer: &mut Measurer,
    candidate: Candidate,
    thresholds: &Thresholds,
    with_lines: bool,
) -> Result<MeasuredFile, Refusal> {
    let text = candidate.read()?;
    let facts = measure(measurer, candidate.language, &text, &SyntaxLimits::default());
    let found = smells(&facts, thresholds);
    let smells = found.into_iter().map(|smell| FoundSmell { smell, same_as: None }).collect();
    let patterns = patterns(&facts);
    let line_hashes = if with_lines { fingerprints::line_hashes(&text) } else { Vec::new() };
    Ok(MeasuredFile { path: candidate.shown, exact_path: candidate.path, facts, smells, patterns, line_hashes })
}

/// Adds what stands in more than one place of all files.
fn add_duplicates(files: &mut [MeasuredFile], thresholds: &Thresholds) {
    let facts: Vec<&FileFacts> = files.iter().map(|file| &file.facts).collect();
    for duplicate in duplicates(&facts, thresholds) {
        let file = duplicate.other_file;
        let (start_line, end_line) = (duplicate.other_start_line, duplicate.other_end_line);
        let same_as = Some(OtherPlace { path: files[file].path.clone(), file, start_line, end_line });
        files[duplicate.file].smells.push(FoundSmell { smell: duplicate.smell, same_as });
    }
    files.iter_mut().for_each(|file| file.smells.sort_by(|a, b| a.smell.cmp(&b.smell)));
}
