//! `driftline explain COMMIT`: everything known of one commit, from the log of a data folder.

use super::ask::{Answering, Answers, own_or_running};
use super::data::{DataArgs, DataError, Local, require};
use super::repositories::shown_path;
use super::show;
use crate::engine::EngineConfig;
use crate::terminal::{self, say, shown};
use clap::Args;
use driftline_api::ChangeAnswer;
use driftline_operators::features::FEATURES;
use driftline_schema::Fixed;
use driftline_sinks::view::{Lookup, ViewReader};
use serde::Serialize;
use std::collections::BTreeMap;

/// Arguments of `explain`.
#[derive(Debug, Args)]
#[command(after_help = "Example: driftline explain 3fa9c1d --json")]
pub struct ExplainArgs {
    /// The commit's id or the first characters of it, at least four.
    #[arg(value_name = "COMMIT")]
    commit: String,
    /// Its repository, by name; needed when the data folder holds several.
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    #[command(flatten)]
    data: DataArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What is printed with `--json`.
#[derive(Serialize)]
struct Explanation<'a> {
    repository: &'a str,
    prediction: &'a Option<driftline_schema::Prediction>,
    features: BTreeMap<&'a str, Fixed>,
    label: &'a Option<driftline_schema::Label>,
    evidence: &'a [driftline_sinks::view::EvidenceRow],
}

/// Runs the command.
pub fn run(args: ExplainArgs) -> Result<(), DataError> {
    require(&args.data)?;
    let config = EngineConfig { announce: false, ..EngineConfig::default() };
    let found = match own_or_running(&args.data.data, || Local::start(&args.data, &config, Vec::new()))? {
        Answering::Own(local) => {
            local.engine.wait_until_idle()?;
            let found = find(local.engine.view(), &args);
            local.stop()?;
            found?
        }
        Answering::Running(engine) => find(&engine, &args)?,
    };
    print(&found, args.json);
    Ok(())
}

impl Answers for ViewReader {
    fn repositories(&self) -> Result<Vec<String>, DataError> {
        Ok(ViewReader::repositories(self).1.iter().map(|row| row.repository.to_string()).collect())
    }
    fn lookup(&self, repository: &str, commit: &str) -> Result<Lookup<Box<ChangeAnswer>>, DataError> {
        let found = ViewReader::lookup(self, repository, commit).1;
        Ok(found.map(|detail| Box::new(ChangeAnswer::of(*detail, FEATURES))))
    }
}

fn find(answers: &impl Answers, args: &ExplainArgs) -> Result<ChangeAnswer, DataError> {
    let names: Vec<String> = match &args.repository {
        Some(name) => vec![name.clone()],
        None => answers.repositories()?,
    };
    let mut found = Vec::new();
    for name in &names {
        match answers.lookup(name, &args.commit)? {
            Lookup::Found(detail) => found.push(*detail),
            Lookup::NoCommit => {}
            Lookup::NoRepository => {
                let known = answers.repositories()?;
                let (name, known) = (shown(name), if known.is_empty() { "none".to_owned() } else { known.join(", ") });
                return Err(missing(format!("the log holds no repository `{name}`; it holds {known}")));
            }
            Lookup::Ambiguous(commits) => {
                let commits: Vec<String> = commits.iter().map(ToString::to_string).collect();
                return Err(missing(format!(
                    "`{}` is the start of several commits: {}; give more of the one you mean",
                    args.commit,
                    commits.join(", ")
                )));
            }
            Lookup::BadPrefix => {
                let commit = shown(&args.commit);
                return Err(missing(format!("`{commit}` is no start of a commit id, which is 4 to 64 hex digits")));
            }
        }
    }
    match found.len() {
        0 if names.is_empty() => Err(missing("the log holds no commits yet; `driftline up` brings them in".to_owned())),
        0 => {
            let (names, commit, data) = (names.join(", "), &args.commit, shown_path(&args.data.data));
            let advice = "is it on the branch that is followed, and was `driftline up` run since?";
            Err(missing(format!("no commit of {names} in {data} begins with `{commit}`; {advice}")))
        }
        1 => Ok(found.remove(0)),
        _ => Err(missing("several repositories hold such a commit; name one with --repository".to_owned())),
    }
}

fn missing(message: String) -> DataError {
    DataError::NotFound(message)
}

fn print(detail: &ChangeAnswer, json: bool) {
    if json {
        let explanation = Explanation {
            repository: &detail.repository,
            prediction: &detail.prediction,
            features: detail.features.iter().map(|row| (row.name.as_str(), row.value)).collect(),
            label: &detail.label,
            evidence: &detail.evidence,
        };
        say!("{}", terminal::json(&explanation));
        return;
    }
    if let Some(prediction) = &detail.prediction {
        say!("{}", show::page(prediction).trim_end());
    }
    match &detail.label {
        Some(label) => {
            say!("label: {:?} by {}, {} rows of evidence", label.verdict, label.kind.code(), label.evidence)
        }
        None => say!("label: none yet"),
    }
    for evidence in &detail.evidence {
        say!(
            "  {} says {:?}, weight {}, record {}",
            evidence.kind.code(),
            evidence.verdict,
            evidence.weight,
            evidence.source
        );
    }
    say!("features:");
    for row in &detail.features {
        say!("  {:<28} {:<14} {:<9} {}", row.name, row.value.to_string(), row.unit, row.definition);
    }
}
