//! `driftline evaluate`: the published protocols on a table of changes, for every expert beside the constant score.
//!
//! Changes are ordered by time and predicted before their label may be used; cuts are chosen on training data, never on what
//! is tested. All figures but the CPU time are functions of the table.

mod columns;
mod cut;
mod features;
mod measures;
mod prequential;
mod report;
mod table;
mod time_split;

pub use measures::{Measures, Tested};
pub use report::{ModelReport, ModelReports, ProjectReport};
pub use table::{Change, Project, ROWS_MAX, read_projects};

use crate::terminal::{note, say, shown};
use clap::{Args, ValueEnum};
use driftline_kernels::KernelError;
use std::path::PathBuf;

/// In which order changes are learnt and predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// Train on the first share of the changes, test on the rest.
    TimeSplit,
    /// Predict each change when it arrives, learn its label when it becomes known.
    Prequential,
}

/// Arguments of `driftline evaluate`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  driftline evaluate --data changes.parquet --protocol time-split --train-share 0.8
  driftline evaluate --data changes.parquet --project qt --protocol prequential --json

Projects that cannot be evaluated are named on standard error; the command fails when that is all of them.")]
pub struct EvaluateArgs {
    /// Parquet table of changes: project, time, buggy, la, ld, ..., for prequential also first_fix_time; or a file that
    /// `driftline export` wrote, of which changes with a label are read. Times are timestamps, dates or seconds. A table
    /// has at most 2,000,000 rows: one takes some 550 bytes of memory while it is learnt.
    #[arg(long)]
    pub data: PathBuf,
    /// One project of the table; all of them when left out.
    #[arg(long)]
    pub project: Option<String>,
    /// The protocol.
    #[arg(long, value_enum, default_value = "time-split")]
    pub protocol: Protocol,
    /// Share of changes, the earliest, that time-split trains on; over 0 and below 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.8, value_parser = parse_share)]
    pub train_share: f64,
    /// Print one JSON object per project and line.
    #[arg(long)]
    pub json: bool,
}

/// Why a table cannot be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// The file cannot be opened.
    #[error("the table {path} cannot be opened; --data FILE names a Parquet file")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not Parquet, or is damaged.
    #[error(
        "{path} cannot be read as Parquet; --data FILE names a Parquet file, compressed with zstd or snappy or not at all"
    )]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Why.
        source: parquet::errors::ParquetError,
    },
    /// The rows cannot be decoded.
    #[error("the rows of {path} cannot be decoded; a table is compressed with zstd or snappy or not at all")]
    Arrow {
        /// The file.
        path: PathBuf,
        /// Why.
        source: arrow::error::ArrowError,
    },
    /// A column the protocol needs is absent or holds something else.
    #[error("{path}: column {column} {reason}")]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A value cannot be used.
    #[error("{path}: row {row}: column {column} {reason}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// The row, the first being one.
        row: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// There is nothing to evaluate.
    #[error("{path} has no rows: there is no change to learn or to predict")]
    NoRows {
        /// The file.
        path: PathBuf,
    },
    /// The table is larger than what fits into memory.
    #[error(
        "{path} has {rows} rows, and at most {ROWS_MAX} are read: write the projects into tables of their own, or leave \
         out the earliest changes"
    )]
    TooMany {
        /// The file.
        path: PathBuf,
        /// Its rows.
        rows: usize,
    },
    /// The training share leaves nothing on one side.
    #[error("a training share of {share} leaves nothing on one side; it must be over 0 and below 1")]
    Share {
        /// The share.
        share: f64,
    },
    /// The table does not hold the project.
    #[error("{path} holds no project {project}; it holds {known}")]
    UnknownProject {
        /// The file.
        path: PathBuf,
        /// The project asked for.
        project: String,
        /// The projects there are.
        known: String,
    },
    /// A project has too few changes for the protocol.
    #[error("project {project} has too few changes ({rows}) for this split: one side of it is empty")]
    TooFew {
        /// The project.
        project: String,
        /// Its changes.
        rows: usize,
    },
    /// The prequential protocol needs to know when labels became known.
    #[error("project {project}: the prequential protocol needs the column first_fix_time")]
    NoFixTimes {
        /// The project.
        project: String,
    },
    /// All changes that would be learnt have one label.
    #[error(
        "project {project} cannot be learnt: none of the changes to learn from ({rows}) is {absent}, and a model learns \
         from changes of both kinds",
        absent = if *is_defective { "clean" } else { "defective" }
    )]
    OneKind {
        /// The project.
        project: String,
        /// The changes to learn from.
        rows: usize,
        /// Their label.
        is_defective: bool,
    },
    /// No model was trained before the last change arrived.
    #[error(
        "project {project}: no model was ever trained, so there is nothing to measure: of {rows} changes too few had a label, \
         or a first fix, before the last one arrived"
    )]
    NeverTrained {
        /// The project.
        project: String,
        /// Its changes.
        rows: usize,
    },
    /// None of several projects.
    #[error("none of {all} projects could be evaluated: {reasons}")]
    Projects {
        /// How many.
        all: usize,
        /// The first few, each with its reason.
        reasons: String,
    },
    /// A model cannot be trained.
    #[error("project {project} cannot be learnt")]
    Train {
        /// The project.
        project: String,
        /// Why.
        source: KernelError,
    },
}

/// Projects that an error names; of more it says how many there are.
const NAMED_MAX: usize = 5;

/// Runs the command: prints one report per project to standard output, as soon as it is there. A project that cannot be
/// evaluated keeps no other from it: a table may well hold some in which nothing was ever defective, so this is a failure
/// only when it is all of them.
pub fn run(args: EvaluateArgs) -> Result<(), EvaluateError> {
    let projects = read_projects(&args.data, args.project.as_deref(), args.protocol)?;
    let progress = indicatif::ProgressBar::new(projects.len() as u64);
    let mut errors = Vec::new();
    for project in &projects {
        progress.inc(1);
        let report = match evaluate(project, &args) {
            Ok(report) => report,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        let text = if args.json { report.to_json() } else { report.to_table() };
        progress.suspend(|| say!("{}", text.strip_suffix('\n').unwrap_or(&text)));
    }
    progress.finish_and_clear();
    let (failed, all) = (errors.len(), projects.len());
    if failed < all && !args.json {
        say!("{}", report::legend(args.protocol).trim_end());
    }
    match failed {
        0 => {}
        1 if all == 1 => return errors.pop().map_or(Ok(()), Err),
        _ if failed == all => return Err(EvaluateError::Projects { all, reasons: reasons(&errors) }),
        _ => {
            let text = format!("{failed} of {all} projects could not be evaluated: {}", reasons(&errors));
            note!("driftline: {}", shown(&text));
        }
    }
    Ok(())
}

/// What the first few errors say, and how many there are more.
fn reasons(errors: &[EvaluateError]) -> String {
    let mut reasons: Vec<String> = errors.iter().take(NAMED_MAX).map(|error| crate::terminal::chain(error)).collect();
    if errors.len() > NAMED_MAX {
        reasons.push(format!("{} more", errors.len() - NAMED_MAX));
    }
    reasons.join("; ")
}

/// A share as it is written on the command line.
fn parse_share(text: &str) -> Result<f64, String> {
    let share = text.parse().map_err(|_| "a number over 0 and below 1 is needed, such as 0.8".to_owned())?;
    check_share(share).map_err(|error| error.to_string())
}

/// The share, if it leaves something on both sides.
fn check_share(share: f64) -> Result<f64, EvaluateError> {
    if share > 0.0 && share < 1.0 { Ok(share) } else { Err(EvaluateError::Share { share }) }
}

/// Evaluates one project under the protocol of `args`.
pub fn evaluate(project: &Project, args: &EvaluateArgs) -> Result<ProjectReport, EvaluateError> {
    match args.protocol {
        Protocol::TimeSplit => time_split::evaluate(project, check_share(args.train_share)?),
        Protocol::Prequential => prequential::evaluate(project),
    }
}
