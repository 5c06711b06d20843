//! Where a data folder is, and the engine on the embedded log in it.

use super::fingerprint::KeyError;
use super::repositories::{RepositoryError, shown_path};
use crate::capture::Reflected;
use crate::clock::ClockError;
use crate::collect::{CollectError, RangeError};
use crate::config::{BackendChoice, parse_workers};
use crate::controls::{ControlError, ControlKeyArgs, ControlRule, Folder, open_controls, read_controls};
use crate::engine::{Engine, EngineConfig, EngineError};
use crate::log::{DataDir, EmbeddedLog, FOLDER, FrozenLog, FrozenSource, LogConfig, LogError, refuse_kafka};
use crate::source::{AppendError, EmbeddedSource, SourceError};
use clap::Args;
use driftline_sinks::Sink;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Arguments of every command that works on a data folder.
#[derive(Clone, Debug, Args)]
pub struct DataArgs {
    /// Folder with the log, bindings and models; inside a work tree one of a folder above is found.
    #[arg(long, value_name = "DIR", default_value_os_t = default_data(&std::env::current_dir().unwrap_or_default()))]
    pub data: PathBuf,
    /// Dataflow workers; on two cores one is the faster choice beside HTTP.
    #[arg(long, value_name = "N", default_value = "1", value_parser = parse_workers)]
    pub workers: NonZeroUsize,
    /// Where models are trained and scored: CUDA where there is a device, or the CPU. The bits are the same.
    #[arg(long, value_enum, default_value = "auto")]
    pub backend: BackendChoice,
    /// Where the key of control records is.
    #[command(flatten)]
    pub control: ControlKeyArgs,
    /// The author key's file, beside which a new control key is made.
    #[arg(skip)]
    pub author_key_file: Option<PathBuf>,
}

impl DataArgs {
    /// The folder as the rule of control records is opened for it.
    pub fn folder<'a>(&self, path: &'a Path, topic: &str) -> Folder<'a> {
        Folder {
            path,
            log: format!("embedded:{topic}"),
            key_file: self.control.control_key_file.clone(),
            author_key_file: self.author_key_file.clone(),
            mend: format!("driftline check --data {} --new-control-key", self.data.display()),
        }
    }

    /// Which control records of the log are the engine's own. A log from before there were keys keeps those it holds.
    fn controls(&self, dir: &DataDir, log: &EmbeddedLog) -> Result<ControlRule, DataError> {
        open_controls(&self.folder(dir.path(), log.topic()), |_| Ok(log.ends()))
    }
}

/// The data folder when none is named: that of this folder, or the nearest above it in the same work tree.
fn default_data(here: &Path) -> PathBuf {
    for folder in here.ancestors() {
        if folder != here && folder.join(FOLDER).is_dir() {
            return folder.join(FOLDER);
        }
        if folder.join(FOLDER).is_dir() || folder.join(".git").exists() {
            break;
        }
    }
    PathBuf::from(FOLDER)
}

/// Why a command on a data folder failed.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The bindings.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// Reading the log.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Writing the log.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Control records cannot be told from forged ones.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A git history.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// A file of the data folder or an output file.
    #[error("cannot write {}", shown_path(path))]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// An output file.
    #[error("cannot write {}; --out FILE names a file that is new or may be replaced", shown_path(path))]
    Output {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What was named as the data folder is something else.
    #[error("{} cannot be the data folder: it is no folder; name one with --data DIR", shown_path(path))]
    NoFolder {
        /// What was named.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {}", shown_path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A sink cannot be opened.
    #[error("a sink cannot be opened")]
    Sink(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Results that did not get out.
    #[error("not everything was delivered: {0}")]
    Undelivered(String),
    /// The export.
    #[error(transparent)]
    Export(#[from] driftline_sinks::parquet::ExportError),
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// There is nothing to read.
    #[error(
        "there is no data folder at {} ({reason}); name one with --data DIR, or make one: driftline up --data {}",
        shown_path(path),
        shown_path(path)
    )]
    NoData {
        /// What was named.
        path: PathBuf,
        /// What is there instead.
        reason: &'static str,
    },
    /// The repositories cannot be worked on.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The author key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The range of commits cannot be scored.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// Two runs over one log parted.
    #[error("{0}")]
    Differs(String),
    /// The engine that holds the data folder does not answer as it should.
    #[error("process {pid} holds the data folder and answers at {url}, but {reason}")]
    Running {
        /// Its process id.
        pid: u32,
        /// Where it says it answers.
        url: String,
        /// What it did instead.
        reason: String,
    },
    /// An allowed host is no name.
    #[error(transparent)]
    Host(#[from] driftline_api::BadHost),
    /// Some of the repositories.
    #[error(transparent)]
    Import(crate::importer::ImportError),
    /// HTTP cannot be served.
    #[error("cannot serve HTTP on {address}; {}", listen_advice(source))]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
}

/// What helps when HTTP cannot be served.
fn listen_advice(error: &std::io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE) => "raise the limit of open files, for example with `ulimit -n 1024`",
        _ => "choose another address with --listen (port 0 picks a free one)",
    }
}

impl DataError {
    /// Whether the command line itself is at fault.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Repository(error) => error.is_usage(),
            Self::Range(error) => error.is_usage(),
            _ => false,
        }
    }

    /// A sink's reason not to open.
    pub fn sink(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Sink(Box::new(error))
    }
}

/// Refuses a folder that holds no log, so that a mistyped name is neither made nor taken for an empty history.
pub fn require(args: &DataArgs) -> Result<(), DataError> {
    let refuse = |reason| Err(DataError::NoData { path: args.data.clone(), reason });
    match std::fs::metadata(&args.data) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => refuse("no such folder"),
        Err(source) => Err(DataError::Read { path: args.data.clone(), source }),
        Ok(metadata) if !metadata.is_dir() => Err(DataError::NoFolder { path: args.data.clone() }),
        // Its engine is asked, if it runs; opening it says what it is.
        Ok(_) if refuse_kafka(&args.data).is_err() => Ok(()),
        Ok(_) if !args.data.join(LogConfig::default().topic).is_dir() => refuse("it holds no log"),
        Ok(_) => Ok(()),
    }
}

/// Refuses what is there and no folder, and the folder of a log that is elsewhere; nothing is opened, so nothing can wait.
pub fn require_folder(args: &DataArgs) -> Result<(), DataError> {
    match std::fs::metadata(&args.data) {
        Ok(metadata) if !metadata.is_dir() => Err(DataError::NoFolder { path: args.data.clone() }),
        _ => Ok(refuse_kafka(&args.data)?),
    }
}

/// An engine on the embedded log of a data folder.
pub struct Local {
    /// The folder.
    pub dir: DataDir,
    /// The log.
    pub log: Arc<EmbeddedLog>,
    /// The engine.
    pub engine: Engine,
    /// A folder that is removed at the end.
    scratch: Option<PathBuf>,
}

impl Local {
    /// Opens the folder (made if missing), its log, and starts the engine.
    pub fn start(args: &DataArgs, config: &EngineConfig, sinks: Vec<Box<dyn Sink>>) -> Result<Self, DataError> {
        let dir = DataDir::open(&args.data)?;
        let log = Arc::new(EmbeddedLog::open(&dir, &LogConfig::default())?);
        let controls = args.controls(&dir, &log)?;
        let source = Box::new(EmbeddedSource::new(&log)?);
        let config = EngineConfig { workers: args.workers, backend: args.backend, controls, ..config.clone() };
        let engine = Engine::start(&dir, source, log.clone(), &config, sinks)?;
        Ok(Self { dir, log, engine, scratch: None })
    }

    /// The same log with bindings and models made anew, so that nothing an earlier run left can help; but models that the
    /// log does not yield any more come from where the earlier run left them, as they do there.
    pub fn scratch(args: &DataArgs, config: &EngineConfig) -> Result<Self, DataError> {
        let dir = DataDir::open(&args.data)?;
        let log = Arc::new(EmbeddedLog::open(&dir, &LogConfig::default())?);
        let controls = args.controls(&dir, &log)?;
        let further_models = Some(args.data.join("models"));
        let config = EngineConfig { controls, further_models, ..config.clone() };
        let path = args.data.join("replay");
        remove(&path)?;
        let scratch = DataDir::open(&path)?;
        let source = Box::new(EmbeddedSource::new(&log)?);
        let engine = Engine::start(&scratch, source, log.clone(), &config, Vec::new())?;
        Ok(Self { dir, log, engine, scratch: Some(path) })
    }

    /// What an engine in another process reflects, computed anew beside it from the log up to there.
    pub fn beside(args: &DataArgs, config: &EngineConfig, ends: &[u64]) -> Result<Reflected, DataError> {
        let config_of_log = LogConfig::default();
        if !args.data.join(&config_of_log.topic).exists() {
            let data = args.data.display();
            return Err(DataError::NotFound(format!(
                "the engine that holds {data} reads its log from Kafka, not from that folder; only a log in a folder can be \
                 replayed"
            )));
        }
        let log = FrozenLog::open(&args.data, &config_of_log, ends)?;
        let controls = read_controls(&args.folder(&args.data, &config_of_log.topic))?;
        let further_models = Some(args.data.join("models"));
        let config = EngineConfig { controls, further_models, ..config.clone() };
        // Two commands may do this at the same time.
        let path = args.data.join(format!("replay-{}", std::process::id()));
        remove(&path)?;
        let scratch = DataDir::open(&path)?;
        let source = Box::new(FrozenSource::new(&log)?);
        let engine = Engine::start(&scratch, source, Arc::new(log), &config, Vec::new())?;
        let idle = engine.wait_until_idle();
        let reflected = engine.reflected();
        let stopped = engine.stop();
        remove(&path)?;
        idle.and(stopped)?;
        Ok(reflected)
    }

    /// Stops the engine and removes what was only for this run.
    pub fn stop(self) -> Result<(), DataError> {
        self.engine.stop()?;
        self.scratch.as_deref().map_or(Ok(()), remove)
    }
}

fn remove(path: &Path) -> Result<(), DataError> {
    match std::fs::remove_dir_all(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(DataError::File { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_folder_of_the_work_tree_is_found_from_inside_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (tree, inner) = (folder.path().join("tree"), folder.path().join("tree/src/inner"));
        std::fs::create_dir_all(&inner).expect("is made");
        std::fs::create_dir_all(folder.path().join(".driftline")).expect("is made");
        std::fs::create_dir(tree.join(".git")).expect("is made");
        assert_eq!(default_data(&inner), Path::new(".driftline"), "what lies above the work tree is another's");
        std::fs::create_dir(tree.join(".driftline")).expect("is made");
        assert_eq!(default_data(&inner), tree.join(".driftline"));
        assert_eq!(default_data(&tree), Path::new(".driftline"));
    }

    #[test]
    fn a_mistyped_data_folder_is_not_made() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let args = |name: &str| DataArgs {
            data: folder.path().join(name),
            workers: NonZeroUsize::MIN,
            backend: BackendChoice::Cpu,
            control: ControlKeyArgs::default(),
            author_key_file: None,
        };
        assert!(matches!(require(&args("typo")), Err(DataError::NoData { .. })));
        assert!(!folder.path().join("typo").exists());
        assert!(matches!(require(&args("")), Err(DataError::NoData { .. })), "it holds no log");
        std::fs::write(folder.path().join("file"), b"x").expect("is written");
        assert!(matches!(require_folder(&args("file")), Err(DataError::NoFolder { .. })));
        require_folder(&args("new")).expect("it will be made");
    }
}
