//! Where a data folder is, and the engine on the embedded log in it.

use super::fingerprint::KeyError;
use super::repositories::{RepositoryError, shown_path};
use crate::collect::{CollectError, RangeError};
use crate::config::BackendChoice;
use crate::engine::{Engine, EngineConfig, EngineError};
use crate::log::{DataDir, EmbeddedLog, LogConfig, LogError};
use crate::source::{AppendError, EmbeddedSource, SourceError};
use clap::Args;
use driftline_sinks::Sink;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Arguments of every command that works on a data folder.
#[derive(Clone, Debug, Args)]
pub struct DataArgs {
    /// Folder with the log, bindings and models.
    #[arg(long, value_name = "DIR", default_value = ".driftline")]
    pub data: PathBuf,
    /// Dataflow workers; on two cores one is the faster choice beside HTTP.
    #[arg(long, value_name = "N", default_value = "1")]
    pub workers: NonZeroUsize,
    /// Where models are trained and scored: CUDA where there is a device, or the CPU. The bits are the same.
    #[arg(long, value_enum, default_value = "auto")]
    pub backend: BackendChoice,
}

/// Why a command on a data folder failed.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Reading the log.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Writing the log.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
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
    /// The export.
    #[error(transparent)]
    Export(#[from] driftline_sinks::parquet::ExportError),
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// There is nothing to read.
    #[error(
        "there is no data folder at {} ({reason}); name one with --data DIR, or make one: driftline up --data {}",
        shown_path(path), shown_path(path)
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
    /// HTTP cannot be served.
    #[error("cannot serve HTTP on {address}; choose another address with --listen (port 0 picks a free one)")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
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
        Ok(metadata) if !metadata.is_dir() => refuse("it is no folder"),
        Ok(_) if !args.data.join(LogConfig::default().topic).is_dir() => refuse("it holds no log"),
        Ok(_) => Ok(()),
    }
}

/// An engine on the embedded log of a data folder.
pub struct Local {
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
        let source = Box::new(EmbeddedSource::new(&log)?);
        let config = EngineConfig { workers: args.workers, backend: args.backend, ..config.clone() };
        let engine = Engine::start(&dir, source, log.clone(), &config, sinks)?;
        Ok(Self { log, engine, scratch: None })
    }

    /// The same log with bindings and models made anew, so that nothing an earlier run left can help.
    pub fn scratch(args: &DataArgs, config: &EngineConfig) -> Result<Self, DataError> {
        let dir = DataDir::open(&args.data)?;
        let log = Arc::new(EmbeddedLog::open(&dir, &LogConfig::default())?);
        let path = args.data.join("replay");
        remove(&path)?;
        let scratch = DataDir::open(&path)?;
        let source = Box::new(EmbeddedSource::new(&log)?);
        let engine = Engine::start(&scratch, source, log.clone(), config, Vec::new())?;
        Ok(Self { log, engine, scratch: Some(path) })
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
