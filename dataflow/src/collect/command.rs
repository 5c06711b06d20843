//! `driftline collect`: a history into a file, a pipe or a Kafka topic.

use super::author_key::{author_key, default_author_key};
use super::error::CollectError;
use super::history::{CollectOptions, GitHistory, Heads};
use super::kafka::{KafkaOut, KafkaTarget};
use super::locate::parse_name;
use super::stats::CollectStats;
use crate::plain_file::{Replacement, may_be_written};
use crate::terminal::{self, note, say, shown};
use driftline_schema::wire;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::{self, BufWriter, ErrorKind, IsTerminal as _, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// Arguments of `driftline collect`.
#[derive(Clone, Debug, clap::Args)]
pub struct CollectArgs {
    /// Where the changes come from.
    #[command(subcommand)]
    pub source: CollectSource,
}

/// Where changes come from.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum CollectSource {
    /// Produce change events from a git history, oldest first
    Git(GitArgs),
}

const EXAMPLES: &str = "Examples:
  driftline collect git . --out events.jsonl
  driftline collect git . --out - --since v1.0 | head -1
  driftline collect git /srv/git/app.git --to kafka://localhost:9092/code-events --author-key-file team.key";

/// Arguments of `driftline collect git`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES, group = clap::ArgGroup::new("output").args(["to", "out"]).required(true))]
pub struct GitArgs {
    /// Work tree, a folder in one, or bare repository
    pub path: PathBuf,
    /// Send events to a topic: kafka://HOST:PORT[,HOST:PORT]/TOPIC
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,
    /// Write events to a file, one JSON object a line; `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Leave out what this revision reaches; may be given several times
    #[arg(long, value_name = "REV")]
    pub since: Vec<String>,
    /// Name in the events; by default owner/name of the origin's address, or else the folder's name
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub repository: Option<String>,
    /// Collect this branch instead of what HEAD points to
    #[arg(long, value_name = "NAME", conflicts_with = "all_branches")]
    pub branch: Option<String>,
    /// Collect all local and remote-tracking branches
    #[arg(long)]
    pub all_branches: bool,
    /// Secret that turns author addresses into pseudonyms; made (32 random bytes, mode 0600) if the file does not exist.
    /// Events of one installation must share it. Default: `driftline/author.key` in the user's configuration folder
    #[arg(long, value_name = "FILE", env = "DRIFTLINE_AUTHOR_KEY_FILE")]
    pub author_key_file: Option<PathBuf>,
    /// Threads that read and compare; by default two, or one on a machine with one core
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Print the summary as JSON (to standard error when the events go to standard output)
    #[arg(long)]
    pub json: bool,
}

impl GitArgs {
    fn author_key(&self) -> PathBuf {
        self.author_key_file.clone().unwrap_or_else(default_author_key)
    }
}

/// What a run did.
#[derive(Clone, Debug, Serialize)]
pub struct CollectSummary {
    /// The repository's name in events.
    pub repository: String,
    /// Events written.
    pub events: u64,
    /// Their size as JSON, in bytes.
    pub bytes: u64,
    /// Whether the repository is a shallow clone.
    pub shallow: bool,
    /// What was read.
    #[serde(flatten)]
    pub stats: CollectStats,
}

/// Runs `driftline collect` and prints a summary.
pub fn run(args: &CollectArgs) -> Result<CollectSummary, CollectError> {
    let CollectSource::Git(args) = &args.source;
    let history = GitHistory::open(&args.path, options(args)?)?;
    let mut out = Out::open(args)?;
    let copied = copy(&history, &mut out).and_then(|summary| out.finish().map(|()| summary));
    let summary = match copied {
        // The reader of a pipe has seen enough.
        Err(CollectError::Output { source, .. }) if source.kind() == ErrorKind::BrokenPipe => summary(&history, 0, 0),
        outcome => outcome?,
    };
    report(args, &summary);
    Ok(summary)
}

fn options(args: &GitArgs) -> Result<CollectOptions, CollectError> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut options = CollectOptions::new(author_key(&args.author_key())?);
    options.repository.clone_from(&args.repository);
    options.since.clone_from(&args.since);
    options.threads = args.threads.or(NonZeroUsize::new(cores.min(2))).unwrap_or(NonZeroUsize::MIN);
    options.heads = match &args.branch {
        Some(branch) => Heads::Branch(branch.clone()),
        None if args.all_branches => Heads::AllBranches,
        None => Heads::Head,
    };
    Ok(options)
}

fn copy(history: &GitHistory, out: &mut Out) -> Result<CollectSummary, CollectError> {
    let events = history.events()?;
    let bar = progress(events.remaining());
    let (mut count, mut bytes) = (0, 0);
    for event in events {
        let event = event?;
        let mut line = wire::encode(&event);
        line.push(b'\n');
        out.put(&event.repository, &line)?;
        (count, bytes) = (count + 1, bytes + line.len() as u64);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(summary(history, count, bytes))
}

fn summary(history: &GitHistory, events: u64, bytes: u64) -> CollectSummary {
    CollectSummary {
        repository: history.name().to_owned(),
        events,
        bytes,
        shallow: history.is_shallow(),
        stats: history.stats(),
    }
}

/// A bar on standard error when a person looks, nothing otherwise.
fn progress(commits: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} commits, {per_sec}, {eta} left");
    ProgressBar::new(commits as u64).with_style(style.expect("the template is well formed"))
}

fn report(args: &GitArgs, summary: &CollectSummary) {
    let text = if args.json {
        terminal::json(summary)
    } else {
        let name = shown(&summary.repository);
        format!("{name}: {} events, {} bytes; {}", summary.events, summary.bytes, summary.stats)
    };
    if args.json && args.out.as_deref() != Some(Path::new("-")) {
        say!("{text}");
    } else {
        note!("{text}");
    }
}

/// Where events go.
enum Out {
    Stdout(BufWriter<io::Stdout>),
    /// A file that takes its name when it is complete, so that a failure leaves what was there.
    File(String, BufWriter<Replacement>),
    Kafka(Box<KafkaOut>),
}

impl Out {
    fn open(args: &GitArgs) -> Result<Self, CollectError> {
        const BUFFER_BYTES: usize = 1 << 20;
        if let Some(target) = &args.to {
            return Ok(Self::Kafka(Box::new(KafkaOut::connect(target.parse::<KafkaTarget>()?)?)));
        }
        match args.out.as_deref() {
            Some(path) if path != Path::new("-") => {
                let target = path.display().to_string();
                let begun = may_be_written(path, Some(&args.author_key())).and_then(|()| Replacement::begin(path));
                match begun {
                    Ok(file) => Ok(Self::File(target, BufWriter::with_capacity(BUFFER_BYTES, file))),
                    Err(source) => Err(CollectError::Output { target, source }),
                }
            }
            _ => Ok(Self::Stdout(BufWriter::with_capacity(BUFFER_BYTES, io::stdout()))),
        }
    }

    /// `line` ends with a line end, which is no part of a Kafka record.
    fn put(&mut self, repository: &str, line: &[u8]) -> Result<(), CollectError> {
        match self {
            Self::Stdout(writer) => writer.write_all(line).map_err(stdout_failed),
            Self::File(target, writer) => {
                writer.write_all(line).map_err(|source| CollectError::Output { target: target.clone(), source })
            }
            Self::Kafka(out) => out.put(repository, &line[..line.len() - 1]),
        }
    }

    fn finish(self) -> Result<(), CollectError> {
        match self {
            Self::Stdout(mut writer) => writer.flush().map_err(stdout_failed),
            Self::File(target, writer) => {
                let file = writer.into_inner().map_err(io::IntoInnerError::into_error);
                file.and_then(Replacement::place).map_err(|source| CollectError::Output { target, source })
            }
            Self::Kafka(out) => out.finish(),
        }
    }
}

fn stdout_failed(source: io::Error) -> CollectError {
    CollectError::Output { target: "standard output".to_owned(), source }
}
