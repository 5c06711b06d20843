//! `driftline risk REV..REV`: scores commits of a local repository, without a server; while
//! an engine runs on the data folder, it is asked.

use super::Outcome;
use super::ask::{Answering, own_or_running};
use super::data::{DataArgs, DataError};
use super::show;
use super::up::{Imported, KeyArgs, import_error, open};
use crate::collect::{CollectOptions, GitHistory};
use clap::Args;
use driftline_schema::{Fixed, Prediction};
use driftline_sinks::view::Lookup;
use std::path::{Path, PathBuf};

/// Arguments of `risk`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  driftline risk HEAD~20..HEAD\n  driftline risk origin/main..HEAD --fail-over 0.8")]
pub struct RiskArgs {
    /// Commits to score, as git writes a range; a single revision means that commit alone.
    #[arg(value_name = "REV..REV")]
    range: String,
    /// The repository.
    #[arg(long, value_name = "PATH", default_value = ".")]
    repo: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Exit with 3 when a commit's risk is over this probability.
    #[arg(long, value_name = "P", value_parser = parse_probability)]
    fail_over: Option<Fixed>,
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
    match score(&args) {
        Ok(predictions) => {
            let over = |p: &Prediction| args.fail_over.is_some_and(|limit| p.risk.is_some_and(|risk| risk > limit));
            let failed = predictions.iter().any(over);
            for prediction in &predictions {
                if args.json {
                    println!("{}", serde_json::to_string(prediction).expect("a prediction is plain data"));
                } else {
                    println!("{}", show::line(prediction));
                }
            }
            if failed { Outcome::OverThreshold } else { Outcome::Done }
        }
        Err(error) => Outcome::Failed(Box::new(error)),
    }
}

fn score(args: &RiskArgs) -> Result<Vec<Prediction>, DataError> {
    let commits = revisions(&args.repo, &args.range)?;
    let own = || open(&args.data, std::slice::from_ref(&args.repo), &args.key);
    match own_or_running(&args.data.data, own)? {
        Answering::Own(up) => score_here(up, &commits),
        Answering::Running(engine) => {
            let history = GitHistory::open(&args.repo, CollectOptions::new(args.key.read()?))?;
            let found = engine.predictions(history.name(), &commits)?;
            found.iter().filter(|(_, prediction)| prediction.is_none()).for_each(|(commit, _)| not_followed(commit));
            Ok(found.into_iter().filter_map(|(_, prediction)| prediction).collect())
        }
    }
}

fn not_followed(commit: &str) {
    eprintln!("driftline: {commit} is not on the followed branch and has no prediction");
}

/// Brings the history up to date and looks the commits up.
fn score_here(mut up: Imported, commits: &[String]) -> Result<Vec<Prediction>, DataError> {
    up.catch_up()?;
    if let Some(error) = up.importer.trouble() {
        return Err(import_error(error));
    }
    let names = up.importer.names();
    let name = names.first().expect("one repository was opened");
    let mut predictions = Vec::new();
    for commit in commits {
        match up.local.engine.view().lookup(name, commit).1 {
            Lookup::Found(detail) => predictions.extend(detail.prediction),
            _ => not_followed(commit),
        }
    }
    up.local.stop()?;
    Ok(predictions)
}

/// The commits of a range, newest first.
fn revisions(path: &Path, range: &str) -> Result<Vec<String>, DataError> {
    let refuse = |message: String| DataError::NotFound(format!("{range}: {message}"));
    let repo = gix::open(path).map_err(|error| refuse(error.to_string()))?;
    let resolve = |name: &str| -> Result<gix::ObjectId, DataError> {
        let name = if name.is_empty() { "HEAD" } else { name };
        let id = repo.rev_parse_single(name).map_err(|error| refuse(error.to_string()))?;
        let object = id.object().map_err(|error| refuse(error.to_string()))?;
        Ok(object.peel_to_kind(gix::object::Kind::Commit).map_err(|error| refuse(error.to_string()))?.id)
    };
    let Some((from, to)) = range.split_once("..") else {
        return Ok(vec![resolve(range)?.to_string()]);
    };
    let walk = repo.rev_walk([resolve(to.trim_start_matches('.'))?]).with_hidden([resolve(from)?]);
    let commits = walk.all().map_err(|error| refuse(error.to_string()))?;
    commits.map(|info| info.map(|info| info.id.to_string()).map_err(|error| refuse(error.to_string()))).collect()
}
