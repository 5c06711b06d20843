//! `driftline check --data`: whether a data folder is what was written, and how it is mended.
//!
//! Nothing is changed without `--repair` or `--new-control-key`. What is mended is moved aside under a name that says
//! where it stood, never removed.

use super::data::{DataArgs, DataError};
use super::fingerprint;
use super::repositories::Memory;
use crate::clock::inspect_bindings;
use crate::config::BackendChoice;
use crate::controls::{ControlKeyArgs, change_key};
use crate::log::{
    Damage, DataDir, EmbeddedLog, LogConfig, LogError, Survey, floor, inspect, partition_count, partitions_to_mend,
    refuse_kafka, repair, write_partition_count,
};
use crate::terminal::say;
use crate::trainer::damaged_models;
use clap::Args;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// Arguments of `check` that concern a data folder.
#[derive(Clone, Debug, Args)]
pub struct CheckDataArgs {
    /// Check this data folder instead of a configuration: every record of its log, and its bindings.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Mend what is damaged: its bytes are moved aside, and a record that says so stands in its place.
    #[arg(long, requires = "data")]
    repair: bool,
    /// Go on with another control key, because the old one is lost: control records that stand in the log are taken on
    /// trust.
    #[arg(long, requires = "data")]
    new_control_key: bool,
    #[command(flatten)]
    control: ControlKeyArgs,
}

impl CheckDataArgs {
    /// The data folder to check, if one is named.
    pub fn folder(&self) -> Option<PathBuf> {
        self.data.clone()
    }
}

/// Runs the command.
pub fn run(args: &CheckDataArgs, folder: &Path) -> Result<(), DataError> {
    let config = LogConfig::default();
    let topic = folder.join(&config.topic);
    refuse_kafka(folder)?;
    if !topic.is_dir() {
        let reason = if folder.join("bindings").exists() {
            format!(
                "the log of {} is missing ({}); bring it back from a copy, or begin a new data folder",
                folder.display(),
                topic.display()
            )
        } else {
            format!("{} is no data folder: it holds no log", folder.display())
        };
        return Err(DataError::NotFound(reason));
    }
    let dir = DataDir::open(folder)?;
    check_notes(args, folder, &config)?;
    let bindings = folder.join("bindings");
    let bound = inspect_bindings(&bindings, &format!("embedded:{}", config.topic), None);
    if let Err(error) = &bound {
        say!("{error}");
    }
    let known = if bound.is_ok() { floor(&dir, &config.topic)? } else { Vec::new() };
    let partitions = partitions(&topic, &config, &known, args.repair)?;
    let survey = if args.repair { repair(&topic, partitions, &known)? } else { inspect(&topic, partitions, &known)? };
    let Survey { damage, records, half_written } = survey;
    damage.iter().for_each(|damage| say!("{}", describe(damage)));
    if bound.is_err() || damage.iter().any(Damage::moves_controls) {
        if args.repair {
            let aside = move_aside(&bindings, "bindings")?;
            say!("the bindings are in {} and are made anew; no answer depends on them", aside.display());
        } else if bound.is_err() {
            return Err(unmended(folder));
        }
    }
    if !damage.is_empty() && !args.repair {
        return Err(unmended(folder));
    }
    if damage.iter().any(|damage| damage.records > damage.controls) {
        say!(
            "a record that says so stands in the place of each lost one and is counted as a reject; `driftline up` collects \
             lost commits again, and those that came after them. Models that have learnt from them are kept, so their risks \
             are no forecasts: a fresh data folder gives those"
        );
    }
    check_models(folder, args.repair)?;
    for (path, bytes) in half_written {
        say!(
            "{} ends with {bytes} bytes of half a record, as a crash leaves them; the next start moves them aside",
            path.display()
        );
    }
    say!("{}: {records} records in {partitions} partitions are whole", folder.display());
    if args.new_control_key {
        let log = EmbeddedLog::open(&dir, &config)?;
        let file = change_key(&data_args(args, folder).folder(dir.path(), &config.topic), log.ends())?;
        say!("control records are sealed with the key in {} from now on", file.display());
    }
    Ok(())
}

/// Reads the small files of the folder as `driftline up` does. Those have no bytes that could be moved aside without
/// losing what they say, so their own messages tell what to do.
fn check_notes(args: &CheckDataArgs, folder: &Path, config: &LogConfig) -> Result<(), DataError> {
    if !args.new_control_key {
        data_args(args, folder).folder(folder, &config.topic).check_note()?;
    }
    Memory::read(folder)?;
    fingerprint::check_file(folder)?;
    Ok(())
}

/// Tells models that are not what was written. No answer depends on them: what the log says is rebuilt from the log.
fn check_models(folder: &Path, mend: bool) -> Result<(), DataError> {
    let models = folder.join("models");
    let damaged = damaged_models(&models).map_err(|source| DataError::File { path: models, source })?;
    for (path, reason) in damaged {
        let aside = mend.then(|| move_aside(&path, "model")).transpose()?;
        let aside = aside.map_or_else(String::new, |aside| format!("; it is now {}", aside.display()));
        say!("{}: {reason}; the model is rebuilt from the log when it is needed{aside}", path.display());
    }
    Ok(())
}

/// The number of partitions; the file that says it is mended by what folders and bindings say.
fn partitions(topic: &Path, config: &LogConfig, known: &[u64], mend: bool) -> Result<u32, DataError> {
    let path = topic.join("topic.json");
    if !path.exists() {
        if !mend {
            say!("{} is missing", path.display());
            return Err(unmended(topic.parent().unwrap_or(topic)));
        }
        let count = partitions_to_mend(topic, known).map_or_else(|count| count, Some);
        // A log is made with this many; one of their folders may be lost as well.
        let count = if known.is_empty() { count.max(Some(config.partitions)) } else { count };
        write_partition_count(&path, count.unwrap_or(config.partitions))?;
    }
    let (path_of_damage, reason) = match partition_count(&path, config) {
        Err(LogError::Damaged { path, reason, .. }) if mend => (path, reason),
        outcome => return Ok(outcome?.get()),
    };
    match partitions_to_mend(topic, known) {
        // What is missing is mended with the records.
        Ok(count) => Ok(count.get()),
        Err(count) => {
            let aside = move_aside(&path, "topic.json")?;
            say!("{} is damaged: {reason}; its bytes are in {}", path_of_damage.display(), aside.display());
            let partitions = count.unwrap_or(config.partitions);
            write_partition_count(&path, partitions)?;
            Ok(partitions.get())
        }
    }
}

fn data_args(args: &CheckDataArgs, folder: &Path) -> DataArgs {
    DataArgs {
        data: folder.to_owned(),
        workers: NonZeroUsize::MIN,
        backend: BackendChoice::Cpu,
        control: args.control.clone(),
        author_key_file: None,
    }
}

fn unmended(folder: &Path) -> DataError {
    let folder = folder.display();
    DataError::Differs(format!(
        "{folder} is damaged, as said above. Nothing was changed. Put the files back from a copy, or run `driftline check \
         --data {folder} --repair`"
    ))
}

fn describe(damage: &Damage) -> String {
    let Damage { file, byte, reason, offset, records, controls, aside, .. } = damage;
    let lost = match (records, controls) {
        (0, _) => "no record is lost".to_owned(),
        (_, 0) => format!("{records} records are lost from offset {offset} on"),
        _ => {
            format!("{records} records are lost from offset {offset} on, of which {controls} control records come back")
        }
    };
    let aside = aside.as_ref().map_or_else(String::new, |aside| format!("; its bytes are in {}", aside.display()));
    format!("{} is damaged at byte {byte}: {reason}; {lost}{aside}", file.display())
}

/// Gives a file a name under which nobody looks for it, and returns that.
fn move_aside(path: &Path, what: &str) -> Result<PathBuf, DataError> {
    let name = |number: u32| path.with_file_name(format!("damaged-{what}-{number}"));
    let aside = (1..).map(name).find(|aside| !aside.exists()).expect("numbers do not end");
    match std::fs::rename(path, &aside) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(DataError::File { path: aside, source }),
        _ => Ok(aside),
    }
}

#[cfg(test)]
mod tests;
