//! The command line: one file a command, the shared arguments here.

pub mod ask;
pub mod check;
pub mod check_data;
pub mod conditions;
pub mod data;
pub mod explain;
pub mod export;
pub mod fingerprint;
pub mod replay;
pub mod repositories;
mod result_topics;
pub mod risk;
pub mod run;
pub mod serve;
pub mod show;
pub mod summary;
pub mod up;
mod verdict;

use crate::config::ConfigError;
use clap::{Parser, Subcommand};
use data::DataError;
use std::error::Error;

/// Live code quality: how risky is a commit, why, where, and can the model be trusted.
#[derive(Debug, Parser)]
#[command(name = "driftline", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Replay the history of repositories, then follow them and serve predictions; no service needed.
    Up(up::UpArgs),
    /// The same on a Kafka cluster.
    Run(run::RunArgs),
    /// Produce change events from a git history.
    Collect(crate::collect::CollectArgs),
    /// Measure files: complexity, size and nesting by file and function.
    Metrics(crate::metrics_command::MetricsArgs),
    /// Score commits of a local repository; exit 3 when one is over the threshold, 4 when there is no verdict.
    Risk(risk::RiskArgs),
    /// Everything known of one commit: features, contributions, model, receipt, evidence.
    Explain(explain::ExplainArgs),
    /// Run the published protocols on a table of changes.
    Evaluate(crate::evaluate::EvaluateArgs),
    /// Write vectors, labels and predictions to a Parquet file.
    Export(export::ExportArgs),
    /// Recompute everything from the log.
    Replay(replay::ReplayArgs),
    /// Check a configuration and its surroundings; exit 78 when something is wrong.
    Check(check::CheckArgs),
}

/// How a command ended.
#[derive(Debug)]
pub enum Outcome {
    /// As asked.
    Done,
    /// `risk --fail-over`: a commit is riskier than allowed.
    OverThreshold,
    /// `risk`: a commit has no verdict, or there is no commit; what and why was said.
    NoVerdict,
    /// The command line asks for what cannot be.
    Usage(Box<dyn Error + Send + Sync>),
    /// The configuration cannot be used.
    BadConfiguration(ConfigError),
    /// Anything else.
    Failed(Box<dyn Error + Send + Sync>),
}

impl<E: Error + Send + Sync + 'static> From<Result<(), E>> for Outcome {
    fn from(result: Result<(), E>) -> Self {
        match result {
            Ok(()) => Self::Done,
            Err(error) => Self::Failed(Box::new(error)),
        }
    }
}

/// Commands on a data folder.
fn on_data(result: Result<(), DataError>) -> Outcome {
    match result {
        Err(error) if error.is_usage() => Outcome::Usage(Box::new(error)),
        result => result.into(),
    }
}

/// Runs one command.
pub fn run(cli: Cli) -> Outcome {
    match cli.command {
        Command::Up(args) => on_data(up::run(args)),
        Command::Run(args) => run::run(args),
        Command::Collect(args) => crate::collect::run(&args).map(drop).into(),
        Command::Risk(args) => risk::run(args),
        Command::Explain(args) => on_data(explain::run(args)),
        Command::Metrics(args) => crate::metrics_command::run(args).into(),
        Command::Evaluate(args) => crate::evaluate::run(args).into(),
        Command::Export(args) => on_data(export::run(args)),
        Command::Replay(args) => on_data(replay::run(args)),
        Command::Check(args) => check::run(args),
    }
}
