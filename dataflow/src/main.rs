//! The `driftline` binary: reads the command line and the environment, runs one command, says how it ended.
//!
//! Exit codes are part of the contract: 0 done, 1 failed, 2 usage, 3 risk over the threshold, 4 no verdict, 78
//! configuration; `docs/exit-codes.md` lists them with their texts.

use clap::Parser;
use driftline::cli::{Cli, Outcome, run};
use driftline::memory::share_heaps;
use driftline::terminal;
use std::io::IsTerminal as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    share_heaps();
    // A file that may not grow further is then an error with a name, as on a full disk, and not the end of the process.
    // SAFETY: the first thing that happens, before there are other threads.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    let filter = tracing_subscriber::EnvFilter::try_from_env("DRIFTLINE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    // Where standard error is a closed pipe, saying so on it would end the process.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    log.log_internal_errors(false).with_ansi(std::io::stderr().is_terminal()).init();
    let code = match Cli::try_parse() {
        Ok(cli) => exit_code(run(cli)),
        Err(error) if error.use_stderr() => {
            // What was typed may come from a script, and stands in the message as it is.
            terminal::note_line(format_args!("{}", terminal::shown_message(error.to_string().trim_end())));
            ExitCode::from(2)
        }
        Err(help) => help.exit(),
    };
    match terminal::failure() {
        Some(error) => {
            note("standard output did not take everything; is there room?");
            because(&error);
            ExitCode::FAILURE
        }
        None => code,
    }
}

/// Says what went wrong, and gives the code the process ends with.
fn exit_code(outcome: Outcome) -> ExitCode {
    match outcome {
        Outcome::Done => ExitCode::SUCCESS,
        Outcome::OverThreshold => ExitCode::from(3),
        Outcome::NoVerdict => ExitCode::from(4),
        Outcome::Usage(error) => {
            report(error.as_ref());
            ExitCode::from(2)
        }
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
    note(&error.to_string());
    let mut cause = error.source();
    while let Some(error) = cause {
        because(error);
        cause = error.source();
    }
}

fn because(cause: &dyn std::error::Error) {
    terminal::note_line(format_args!("  because {}", terminal::shown_lines(&cause.to_string())));
}

/// A message of this program; what stands in it may come from anywhere.
fn note(text: &str) {
    terminal::note_line(format_args!("driftline: {}", terminal::shown_lines(text)));
}
