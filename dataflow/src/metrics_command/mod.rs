//! `driftline metrics PATH...`: metrics of files and functions, without a server and without a history.
//!
//! What is printed depends on the files alone: work is spread over threads, but rows come in the order of paths. A file
//! that cannot be measured is named on standard error and makes the command fail at its end; the others are printed.

mod files;
mod report;
#[cfg(test)]
mod tests;

use clap::{Args, ValueEnum};
use driftline_operators::syntax::{Measurer, SyntaxLimits, measure};
use driftline_schema::FileFacts;
use driftline_schema::facts::SpaceMetrics;
use files::{Candidate, Refusal};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::prelude::*;
use report::Report;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

/// Files measured before any of them is printed: enough to keep all threads busy, few enough to keep in memory.
const CHUNK_FILES: usize = 256;

/// Arguments of `driftline metrics`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  driftline metrics src\n  driftline metrics . --top 10 --sort cyclomatic\n  \
                        driftline metrics src --json | jq -c 'select(.metrics.cognitive > 100) | .path'")]
pub struct MetricsArgs {
    /// Files and folders; folders are searched for source files, without what `.gitignore` names and hidden ones.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Print one JSON object a file and line.
    #[arg(long)]
    pub json: bool,
    /// Functions in the table.
    #[arg(long, default_value_t = 20, value_name = "N", conflicts_with = "json")]
    pub top: usize,
    /// What makes a function worse than another.
    #[arg(long, value_enum, default_value_t = SortMetric::Cognitive, value_name = "METRIC", conflicts_with = "json")]
    pub sort: SortMetric,
}

/// A metric to sort functions by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SortMetric {
    /// Cognitive complexity.
    Cognitive,
    /// Cyclomatic complexity.
    Cyclomatic,
    /// Lines of code.
    Ploc,
    /// Statements.
    Lloc,
    /// Deepest nesting.
    Nesting,
    /// Parameters.
    Params,
    /// Exits.
    Exits,
}

impl SortMetric {
    /// The value of this metric.
    pub fn of(self, metrics: &SpaceMetrics) -> u32 {
        match self {
            Self::Cognitive => metrics.cognitive,
            Self::Cyclomatic => metrics.cyclomatic,
            Self::Ploc => metrics.ploc,
            Self::Lloc => metrics.lloc,
            Self::Nesting => metrics.nesting,
            Self::Params => metrics.params,
            Self::Exits => metrics.exits,
        }
    }
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
    /// Nothing more can be printed.
    #[error("the metrics could not be printed")]
    Output(#[from] io::Error),
}

/// Runs the command on standard output and standard error.
pub fn run(args: MetricsArgs) -> Result<(), Error> {
    let bar = if io::stderr().is_terminal() {
        ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
    } else {
        ProgressBar::hidden()
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let result = print(&args, &bar, &mut out, &mut io::stderr()).and_then(|()| Ok(out.flush()?));
    match result {
        // Whoever reads has seen enough (`| head`); that is no failure.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Measures what `args` names: metrics to `out`, refusals to `errors`.
fn print(args: &MetricsArgs, bar: &ProgressBar, out: &mut impl Write, errors: &mut impl Write) -> Result<(), Error> {
    let (candidates, mut refusals) = files::find(&args.paths);
    bar.set_length(candidates.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("measuring {bar:30} {pos}/{len} files, {eta} left") {
        bar.set_style(style);
    }
    let tried = candidates.len() + refusals.len();
    bar.suspend(|| refusals.iter().try_for_each(|refusal| refusal.print(errors)))?;
    let mut report = Report::new(args);
    for chunk in candidates.chunks(CHUNK_FILES) {
        let rows: Vec<_> = chunk.par_iter().map_init(Measurer::new, measure_file).inspect(|_| bar.inc(1)).collect();
        bar.suspend(|| -> io::Result<()> {
            for (candidate, row) in chunk.iter().zip(rows) {
                match row {
                    Ok(facts) => report.add(&candidate.shown, facts, out)?,
                    Err(refusal) => {
                        refusal.print(errors)?;
                        refusals.push(refusal);
                    }
                }
            }
            Ok(())
        })?;
    }
    bar.finish_and_clear();
    report.finish(out)?;
    if refusals.is_empty() { Ok(()) } else { Err(Error::Incomplete { refused: refusals.len(), files: tried }) }
}

fn measure_file(measurer: &mut Measurer, candidate: &Candidate) -> Result<FileFacts, Refusal> {
    let text = candidate.read()?;
    Ok(measure(measurer, candidate.language, &text, &SyntaxLimits::default()))
}
