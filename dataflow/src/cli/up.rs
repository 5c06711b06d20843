//! `driftline up`: the whole engine on the embedded log, for the repositories at hand.

use super::data::{DataArgs, DataError, Local, require_folder};
use super::fingerprint;
use super::repositories::{Chosen, Memory, RepoArg, RepositoryError, choose};
use super::serve::{self, HostArgs, Serving};
use super::summary::{Summary, print_summary};
use crate::collect::{AuthorKey, Located, author_key, default_author_key};
use crate::engine::EngineConfig;
use crate::importer::{ImportError, Importer, POLL};
use crate::reject_lines::RejectLines;
use crate::terminal::{note, say, shown};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Arguments of `up`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  driftline up\n  driftline up a b.git --repo team/c=/srv/git/c.git --listen 127.0.0.1:0\n  \
                        driftline up --repo . --exit-when-idle --json\n\n\
                        A repository is called owner/name after its origin, or else as its folder; --repo NAME=PATH sets it."
)]
pub struct UpArgs {
    /// Repositories to replay and follow: work trees, folders in them, or bare ones. Default: the current folder.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// One more, under a name of your choice where NAME= is given; may be repeated. A path that holds `=` begins with
    /// `/` or `./`.
    #[arg(long = "repo", value_name = "[NAME=]PATH", value_parser = RepoArg::parser())]
    repos: Vec<RepoArg>,
    #[command(flatten)]
    data: DataArgs,
    /// Where HTTP is served; port 0 picks one and prints it.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7070")]
    listen: SocketAddr,
    /// End when every event is reflected, and print a summary.
    #[arg(long)]
    exit_when_idle: bool,
    /// Print the summary as one JSON object on the last line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    hosts: HostArgs,
}

/// Where the key of author pseudonyms is.
#[derive(Clone, Debug, Args)]
pub struct KeyArgs {
    /// Secret that turns author addresses into pseudonyms; made on first use. One file for all data folders of an
    /// installation keeps a person the same in each. Default: `driftline/author.key` in the user's configuration folder.
    #[arg(long, value_name = "FILE", env = "DRIFTLINE_AUTHOR_KEY_FILE")]
    author_key_file: Option<PathBuf>,
}

impl KeyArgs {
    /// Reads the key that `data` was written with, making it on first use.
    pub fn read(&self, data: &Path) -> Result<AuthorKey, DataError> {
        let path = self.author_key_file.clone().unwrap_or_else(default_author_key);
        fingerprint::may_be_made(data, &path)?;
        let key = author_key(&path)?;
        fingerprint::check(data, &path, &key)?;
        Ok(key)
    }
}

/// An engine on a data folder with importers for its repositories.
pub struct Imported {
    /// The engine.
    pub local: Local,
    /// Brings in what is new.
    pub importer: Importer,
}

/// Refuses a data folder that came with a repository: whoever can commit to it could then say what any commit's risk is.
fn refuse_tracked(data: &Path, repos: &[Chosen]) -> Result<(), DataError> {
    let Some(repo) = repos.iter().find(|repo| repo.located.as_ref().is_some_and(|located| located.tracks(data))) else {
        return Ok(());
    };
    Err(DataError::NotFound(format!(
        "the data folder {} is part of the commit that is checked out in {}. What git brings along is not the engine's own: \
         take it out with `git rm -r --cached`, or name another folder with --data",
        data.display(),
        repo.arg.path.display()
    )))
}

/// Starts the engine on what the log holds and opens one repository to ask about it.
pub fn open_to_ask(data: &DataArgs, repo: &Chosen, key: &KeyArgs) -> Result<Imported, DataError> {
    open_with(data, std::slice::from_ref(repo), key, |memory| memory.stay(repo))
}

/// Starts the engine on what the log holds and opens the repositories; nothing is brought in yet.
pub fn open(data: &DataArgs, repos: &[Chosen], key: &KeyArgs) -> Result<Imported, DataError> {
    open_with(data, repos, key, |_| Ok(()))
}

fn open_with(
    data: &DataArgs,
    repos: &[Chosen],
    key: &KeyArgs,
    may_go_on: impl FnOnce(&Memory) -> Result<(), RepositoryError>,
) -> Result<Imported, DataError> {
    let config = EngineConfig::default();
    require_folder(data)?;
    refuse_tracked(&data.data, repos)?;
    let mut memory = Memory::read(&data.data)?;
    let data = DataArgs { author_key_file: key.author_key_file.clone(), ..data.clone() };
    let key = key.read(&data.data)?;
    let local = Local::start(&data, &config, vec![Box::new(RejectLines::new())])?;
    fingerprint::remember(&data.data, &key)?;
    local.engine.wait_until_idle()?;
    let standing = local.engine.standing().clone();
    let names = memory.settle(repos, |name| standing.commits(name))?;
    may_go_on(&memory)?;
    memory.write()?;
    let known = Arc::new(move |name: &str| standing.commits(name));
    let mut importer = Importer::new(local.log.clone(), &local.engine, &config.training, known);
    importer.remember_branches(Box::new(memory));
    for (chosen, name) in repos.iter().zip(&names) {
        let name = importer.add(&chosen.path(), name.as_deref(), &key, &config.limits).map_err(import_error)?;
        if let Some(reason) = chosen.located.as_ref().and_then(Located::no_commits) {
            note!("{}: {}; it is followed, and its first commit will be scored", shown(&name), shown(&reason));
        }
    }
    // One that cannot be opened keeps no other from being followed; when there is no other, there is nothing to do.
    if importer.followed().0 == 0
        && let Some(error) = importer.trouble()
    {
        return Err(import_error(error));
    }
    Ok(Imported { local, importer })
}

/// The cause in the words of commands on a data folder.
pub fn import_error(error: ImportError) -> DataError {
    match error {
        ImportError::Collect(error) => error.into(),
        ImportError::Append(error) => error.into(),
        ImportError::Engine(error) => error.into(),
        error @ ImportError::Repositories { .. } => DataError::Import(error),
    }
}

impl Imported {
    /// Brings the histories in with a progress bar, and waits until all of it is reflected.
    pub fn catch_up(&mut self) -> Result<(), DataError> {
        let bar = progress_bar();
        let show = |done, total| {
            bar.set_length(total);
            bar.set_position(done);
        };
        self.importer.import(&self.local.engine, &show).map_err(import_error)?;
        bar.set_message("reflecting");
        self.local.engine.wait_until_idle()?;
        bar.finish_and_clear();
        Ok(())
    }
}

fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {pos}/{len} events {wide_bar} {per_sec} {eta} {msg}")
        .expect("the template is constant and valid");
    ProgressBar::new(0).with_style(style)
}

/// Runs the command.
pub fn run(args: UpArgs) -> Result<(), DataError> {
    let mut repos: Vec<RepoArg> = args.paths.iter().map(RepoArg::at).chain(args.repos).collect();
    if repos.is_empty() {
        repos.push(RepoArg::at("."));
    }
    let mut up = open(&args.data, &choose(&repos)?, &args.key)?;
    let serving = serve::start(&up.local.engine, &up.local.dir, args.listen, &args.hosts.allow_hosts)?;
    show_states(&mut up, &serving);
    if !args.json || !args.exit_when_idle {
        say!("driftline listens on http://{}", serving.address());
    } else {
        note!("driftline listens on http://{}", serving.address());
    }
    note!("kernels run on: {}", up.local.engine.backend());
    up.catch_up()?;
    serving.ready();
    if args.exit_when_idle {
        let trouble = up.importer.trouble();
        finish(up, serving, args.json)?;
        return trouble.map_or(Ok(()), |error| Err(import_error(error)));
    }
    let (followed, all) = up.importer.followed();
    let of = if followed == all { String::new() } else { format!(" of {all}") };
    note!(
        "up to date; following {followed}{of} {} (Ctrl-C ends)",
        if all == 1 { "repository" } else { "repositories" }
    );
    while !serving.wait_for_signal(up.importer.pause()) {
        up.local.engine.check()?;
        up.local.dir.check()?;
        up.importer.follow(&up.local.engine, POLL).map_err(import_error)?;
    }
    finish(up, serving, args.json)
}

/// Shows how each repository stands over HTTP and as metrics.
fn show_states(up: &mut Imported, serving: &Serving) {
    let (shown, metrics) = (serving.repositories().clone(), up.local.engine.metrics().repositories.clone());
    up.importer.watch(Box::new(move |states| {
        metrics.show(states.iter().map(|(name, state)| (name.as_str(), state.state.is_up())));
        shown.set(states.clone());
    }));
}

fn finish(up: Imported, serving: Serving, json: bool) -> Result<(), DataError> {
    serving.stop();
    let summary = Summary::of(&up.local.engine, up.importer.events());
    up.local.stop()?;
    print_summary(&summary, json);
    Ok(())
}
