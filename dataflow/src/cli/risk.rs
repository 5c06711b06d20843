//! `driftline risk REV..REV`: scores commits of a local repository, without a server; while an engine runs on the data
//! folder, it is asked.
//!
//! A gate that passes because nothing was scored is worse than none: what has no verdict is named with its cause and the
//! command that mends it, and ends with an exit code of its own.

use super::ask::{Answering, Answers as _, Running, own_or_running};
use super::data::{DataArgs, DataError};
use super::repositories::Memory;
use super::repositories::{Chosen, RepoArg, choose, shown_path};
use super::show;
use super::up::{Imported, KeyArgs, import_error, open_to_ask};
use super::verdict::{Report, Scored, ShallowClone};
use super::{Outcome, on_data};
use crate::collect::{Located, RangeError};
use clap::Args;
use driftline_schema::{CommitId, Fixed, Prediction};
use driftline_sinks::view::Lookup;

/// Arguments of `risk`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  driftline risk HEAD~20..HEAD\n  driftline risk origin/main..HEAD --fail-over 0.8\n\n\
                        Exits with 3 when a commit is over --fail-over, and else with 4 when one has no verdict: in a \
                        shallow clone, before driftline has learnt enough, and when the range is empty."
)]
pub struct RiskArgs {
    /// Commits to score, as git writes a range; a single revision means that commit alone.
    #[arg(value_name = "REV..REV")]
    range: String,
    /// The repository, under a name of your choice where NAME= is given.
    #[arg(long, value_name = "[NAME=]PATH", default_value = ".", value_parser = RepoArg::parser())]
    repo: RepoArg,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Exit with 3 when a commit's risk is over this probability.
    #[arg(long, value_name = "P", value_parser = parse_probability)]
    fail_over: Option<Fixed>,
    /// Exit with 0 instead of 4 when there is no verdict; it is still said.
    #[arg(long)]
    abstain_ok: bool,
    /// Print one JSON object a commit.
    #[arg(long)]
    json: bool,
}

fn parse_probability(text: &str) -> Result<Fixed, String> {
    let value: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if !(0.0..=1.0).contains(&value) {
        return Err(format!("{value} is no probability; it must lie in 0..1"));
    }
    Ok(Fixed((value * Fixed::ONE as f64).round() as i64))
}

/// Runs the command.
pub fn run(args: RiskArgs) -> Outcome {
    let report = match assess(&args) {
        Ok(report) => report,
        Err(error) => return on_data(Err(error)),
    };
    report.print(args.json);
    if report.is_over() {
        return Outcome::OverThreshold;
    }
    if report.has_verdict() || args.abstain_ok { Outcome::Done } else { Outcome::NoVerdict }
}

/// Whatever can be refused is refused before the history is replayed.
fn assess(args: &RiskArgs) -> Result<Report, DataError> {
    let mut report = Report::new(&args.range, args.fail_over);
    let mut chosen = choose(std::slice::from_ref(&args.repo))?;
    let repository = chosen.pop().expect("one repository was named");
    let located = repository.located.as_ref().expect("one that is alone is found or refused");
    if let Some(reason) = located.no_commits() {
        report.nothing(format!("{}: {reason}", shown_path(&args.repo.path)));
        return Ok(report);
    }
    let commits = match located.range(&args.range) {
        Err(error @ RangeError::UnknownInShallow { .. }) => {
            report.nothing(format!("{error}; {}", ShallowClone::MENDED_BY));
            return Ok(report);
        }
        commits => commits?,
    };
    if commits.is_empty() {
        report.nothing("the range holds no commit: its ends are one commit, or the first is the newer one; --abstain-ok lets an empty \
             range pass"
                .to_owned());
        return Ok(report);
    }
    let scored = score(args, &repository, &commits)?;
    report.scored(scored);
    Ok(report)
}

/// The predictions of `commits`, of a history that was brought up to date.
fn score(args: &RiskArgs, repository: &Chosen, commits: &[CommitId]) -> Result<Scored, DataError> {
    let own = || open_to_ask(&args.data, repository, &args.key);
    match own_or_running(&args.data.data, own)? {
        Answering::Own(up) => score_here(up, repository, commits),
        Answering::Running(engine) => score_there(args, &engine, repository, commits),
    }
}

/// The commits that a shallow clone lacks; they do no harm where the log knows them.
fn lacks(repository: &Chosen) -> Vec<CommitId> {
    repository.located.as_ref().map_or_else(Vec::new, Located::missing_parents)
}

fn score_here(mut up: Imported, repository: &Chosen, commits: &[CommitId]) -> Result<Scored, DataError> {
    up.catch_up()?;
    if let Some(error) = up.importer.trouble() {
        return Err(import_error(error));
    }
    let names = up.importer.names();
    let name = (*names.first().expect("one repository was opened")).to_owned();
    let view = up.local.engine.view();
    let find = |commit: &CommitId| match view.lookup(&name, &commit.to_string()).1 {
        Lookup::Found(detail) => Some(detail),
        _ => None,
    };
    let predictions: Vec<(CommitId, Option<Prediction>)> =
        commits.iter().map(|commit| (*commit, find(commit).and_then(|detail| detail.prediction))).collect();
    let shallow = lacks(repository).iter().any(|commit| find(commit).is_none());
    up.local.stop()?;
    Ok(Scored { repository: name, predictions, shallow })
}

/// The same from the engine that holds the data folder and follows the repository.
fn score_there(
    args: &RiskArgs,
    engine: &Running,
    repository: &Chosen,
    commits: &[CommitId],
) -> Result<Scored, DataError> {
    let mut memory = Memory::read(&args.data.data)?;
    let names = memory.settle(std::slice::from_ref(repository), |_| Vec::new())?;
    let name = names.into_iter().flatten().next().expect("a repository that was found has a name");
    let wanted: Vec<String> = commits.iter().map(ToString::to_string).collect();
    let found = engine.predictions(&name, &wanted)?;
    let predictions = commits.iter().copied().zip(found.into_iter().map(|(_, prediction)| prediction)).collect();
    let mut shallow = false;
    for commit in lacks(repository) {
        shallow |= !matches!(engine.lookup(&name, &commit.to_string())?, Lookup::Found(_));
    }
    Ok(Scored { repository: name, predictions, shallow })
}

impl Report {
    /// Prints a line a commit, and says on standard error which are over the threshold and which have no verdict.
    fn print(&self, json: bool) {
        use crate::terminal::{self, note, say};
        for line in self.lines() {
            match (json, line.prediction) {
                (true, _) => say!("{}", terminal::json(&line.json())),
                (false, Some(prediction)) => say!("{}", show::line(prediction)),
                (false, None) => {}
            }
        }
        for text in self.said() {
            note!("driftline: {text}");
        }
    }
}
