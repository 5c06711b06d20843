//! Models on disk: one file a model, named by its id, which also stands inside with all that the id is a hash of.
//!
//! So a file proves which model it is: one that was swapped, cut short or written by another version is noticed, and never
//! gives another answer. What is not proven is not used; the model is then rebuilt from the log.

use driftline_kernels::{Bundle, BundleParams};
use driftline_schema::{ModelId, ModelInfo};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};

/// Largest model file that is read, in bytes: far beyond what a trainer writes.
const MODEL_BYTES_MAX: u64 = 1 << 30;

/// What a file begins with; the digit is the version of the format.
const MAGIC: &[u8; 9] = b"DLMODEL1\n";
/// What the files of the first version began with: a model without a word on which it is.
const BARE_MAGIC: &[u8; 6] = b"DLBNDL";
const HASH_BYTES: usize = 32;

/// What a model is: its id is a hash of all this but the names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    /// What is known of it elsewhere.
    pub info: ModelInfo,
    /// The names of its columns.
    pub features: Vec<String>,
    /// Hash of its training rows.
    pub rows_digest: [u8; 32],
    /// How it was trained.
    pub params: BundleParams,
    /// The trainer that made it.
    pub code_version: u32,
}

impl Description {
    /// The id that follows from the rest.
    pub(super) fn id(&self) -> ModelId {
        let mut hasher = Sha256::new();
        hasher.update(self.info.cut.to_le_bytes());
        hasher.update(serde_json::to_vec(&self.info.scope).expect("a scope is plain data"));
        hasher.update(self.rows_digest);
        hasher.update(self.info.features_version.to_le_bytes());
        hasher.update(serde_json::to_vec(&self.params).expect("parameters are plain data"));
        hasher.update(self.code_version.to_le_bytes());
        ModelId(hasher.finalize().into())
    }
}

/// Why a file gives no model.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    /// There is none.
    #[error("there is no file of it")]
    Missing,
    /// It was written before files said which model they hold, so it may be any.
    #[error("its file does not say which model it holds")]
    Bare,
    /// It cannot be read.
    #[error("its file cannot be read: {0}")]
    Unreadable(io::Error),
    /// It is not what was written, or another model's.
    #[error("its file is damaged: {0}")]
    Damaged(String),
}

/// Folders of model files: the first is written, all are read.
pub(super) struct Store {
    folders: Vec<PathBuf>,
}

impl Store {
    pub(super) fn new(folder: PathBuf, further: Option<PathBuf>) -> Self {
        Self { folders: std::iter::once(folder).chain(further).collect() }
    }

    fn path(folder: &Path, id: ModelId) -> PathBuf {
        folder.join(format!("{id}.model"))
    }

    /// Keeps a model.
    pub(super) fn write(&self, description: &Description, bundle: &Bundle) -> io::Result<()> {
        let path = Self::path(&self.folders[0], description.info.id);
        let aside = path.with_extension("tmp");
        std::fs::write(&aside, encode(description, &bundle.to_bytes())).and_then(|()| std::fs::rename(&aside, &path))
    }

    /// The model this store has written.
    pub(super) fn own(&self, id: ModelId) -> Result<(Description, Bundle), StoreError> {
        read(&Self::path(&self.folders[0], id), id)
    }

    /// The model from any folder; the first reason where none has it.
    pub(super) fn any(&self, id: ModelId) -> Result<(Description, Bundle), StoreError> {
        let mut found = self.folders.iter().map(|folder| read(&Self::path(folder, id), id));
        let first = found.next().expect("there is a folder");
        first.or_else(|reason| found.find_map(Result::ok).ok_or(reason))
    }
}

/// The model files of a folder that are not what was written, each with what is wrong; a folder that is not there has none.
pub fn damaged_models(folder: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut damaged = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "model") {
            continue;
        }
        let id: Option<ModelId> = path.file_stem().and_then(|stem| serde_json::from_value(stem.to_str()?.into()).ok());
        match id.map(|id| read(&path, id)) {
            None => damaged.push((path, "its name is no model's id".to_owned())),
            // An earlier version wrote no more than that.
            Some(Ok(_) | Err(StoreError::Bare)) => {}
            Some(Err(error)) => damaged.push((path, error.to_string())),
        }
    }
    damaged.sort();
    Ok(damaged)
}

fn read(path: &Path, id: ModelId) -> Result<(Description, Bundle), StoreError> {
    let bytes = match crate::plain_file::read(path, MODEL_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(StoreError::Missing),
        Err(error) => return Err(StoreError::Unreadable(error)),
    };
    if bytes.starts_with(BARE_MAGIC) {
        return Err(StoreError::Bare);
    }
    decode(&bytes, id).map_err(StoreError::Damaged)
}

/// Description and model, lengths first, and the hash of both.
fn encode(description: &Description, bundle: &[u8]) -> Vec<u8> {
    let said = serde_json::to_vec(description).expect("a description is plain data");
    let mut bytes = MAGIC.to_vec();
    bytes.extend((said.len() as u64).to_le_bytes());
    bytes.extend(said);
    bytes.extend(bundle);
    let hash = Sha256::digest(&bytes);
    bytes.extend(hash);
    bytes
}

fn decode(bytes: &[u8], id: ModelId) -> Result<(Description, Bundle), String> {
    let (body, hash) = bytes.len().checked_sub(HASH_BYTES).map(|end| bytes.split_at(end)).ok_or("it is cut short")?;
    if Sha256::digest(body).as_slice() != hash {
        return Err("its hash is not that of its bytes".to_owned());
    }
    let rest = body.strip_prefix(MAGIC.as_slice()).ok_or("it is of another kind or version")?;
    let (length, rest) = rest.split_first_chunk::<8>().ok_or("it is cut short")?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok().filter(|length| *length <= rest.len());
    let (said, bundle) = rest.split_at(length.ok_or("it is cut short")?);
    let description: Description = serde_json::from_slice(said).map_err(|error| error.to_string())?;
    if description.info.id != id || description.id() != id {
        return Err(format!("it holds model {}", super::short(&description.info.id)));
    }
    let bundle = Bundle::from_bytes(bundle).map_err(|error| error.to_string())?;
    if bundle.columns() != description.features.len() {
        return Err("it names other columns than it has".to_owned());
    }
    Ok((description, bundle))
}
