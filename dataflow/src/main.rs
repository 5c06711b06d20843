//! The `driftline` binary: reads the command line and the environment, runs one command, says how it ended.
//!
//! Exit codes are part of the contract: 0 done, 1 failed, 2 usage, 3 risk over the threshold, 78 configuration.

use clap::Parser;
use driftline::cli::{Cli, Outcome, run};
use driftline::memory::share_heaps;
use std::process::ExitCode;

fn main() -> ExitCode {
    share_heaps();
    let filter = tracing_subscriber::EnvFilter::try_from_env("DRIFTLINE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(Cli::parse()) {
        Outcome::Done => ExitCode::SUCCESS,
        Outcome::OverThreshold => ExitCode::from(3),
        Outcome::BadConfiguration(error) => {
            report(&error);
            ExitCode::from(78)
        }
        Outcome::Failed(error) => {
            report(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

/// Prints the whole chain of causes, the nearest first.
fn report(error: &dyn std::error::Error) {
    eprintln!("driftline: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because {error}");
        cause = error.source();
    }
}
