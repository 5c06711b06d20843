//! Writing the file.

use super::encode::{FeatureTable, batch, schema};
use crate::files::sync_folder;
use crate::view::{AsOf, ChangeDetail, ViewReader};
use driftline_schema::Position;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows turned into columns at once; bounds the memory an export takes beside the view.
const BATCH_ROWS: usize = 4_096;

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file or its folder cannot be written.
    #[error("{path} cannot be written")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The columns cannot be encoded.
    #[error("the columns cannot be encoded")]
    Encode(#[from] ParquetError),
    /// Two columns have the same name.
    #[error("two columns are called `{0}`")]
    TwiceNamed(String),
    /// A vector follows another features table.
    #[error("the vector of the change at {position} has {found} values, the features table has {wanted}")]
    Length {
        /// The change.
        position: Position,
        /// Values it has.
        found: usize,
        /// Features the table has.
        wanted: usize,
    },
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// What the file reflects.
    pub as_of: Arc<AsOf>,
    /// Its rows: the changes with a vector.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Writes every change that has a vector to `path`, at one instant of the view.
pub fn export(reader: &ViewReader, table: FeatureTable<'_>, path: &Path) -> Result<Exported, ExportError> {
    let ((as_of, rows), bytes) = write_whole(path, |file| write_to(reader, table, file))?;
    Ok(Exported { as_of, rows, bytes })
}

/// Writes a file with `fill` so that it is there whole or not at all; what `fill` gives, and the file's size in bytes.
pub fn write_whole<T, E: From<ExportError>>(
    path: &Path,
    fill: impl FnOnce(&File) -> Result<T, E>,
) -> Result<(T, u64), E> {
    let file_error = |source| ExportError::File { path: path.to_owned(), source };
    let mut beside = path.as_os_str().to_owned();
    beside.push(".tmp");
    let beside = PathBuf::from(beside);
    // Read as well as written, for whoever checks what was written.
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&beside).map_err(file_error)?;
    let finished = fill(&file).and_then(|filled| {
        file.sync_all().map_err(file_error)?;
        let bytes = file.metadata().map_err(file_error)?.len();
        fs::rename(&beside, path).and_then(|()| sync_folder(path)).map_err(file_error)?;
        Ok((filled, bytes))
    });
    if finished.is_err() {
        // The error matters more than what is left of the attempt.
        let _ = fs::remove_file(&beside);
    }
    finished
}

/// Writes the same to `out`; says what it reflects and how many rows it has.
pub fn write_to(
    reader: &ViewReader,
    table: FeatureTable<'_>,
    out: impl io::Write + Send,
) -> Result<(Arc<AsOf>, u64), ExportError> {
    let schema = Arc::new(schema(table));
    let mut seen = BTreeSet::new();
    if let Some(field) = schema.fields().iter().find(|field| !seen.insert(field.name())) {
        return Err(ExportError::TwiceNamed(field.name().clone()));
    }
    let (as_of, changes) = reader.changes();
    let mut writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties(&as_of, table.version)))?;
    let mut changes = changes.filter(|change| change.vector.is_some());
    let mut rows = 0;
    loop {
        let some: Vec<ChangeDetail> = changes.by_ref().take(BATCH_ROWS).collect();
        if some.is_empty() {
            break;
        }
        some.iter().try_for_each(|change| check(change, table))?;
        let columns = batch(&schema, table.features.len(), &some).map_err(ParquetError::from)?;
        writer.write(&columns)?;
        rows += some.len() as u64;
    }
    writer.close()?;
    Ok((as_of, rows))
}

fn properties(as_of: &AsOf, features_version: u32) -> WriterProperties {
    let as_of = serde_json::to_string(as_of).expect("numbers always serialise");
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(concat!("driftline ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![
            KeyValue::new("driftline.as_of".to_owned(), as_of),
            KeyValue::new("driftline.features_version".to_owned(), features_version.to_string()),
        ]))
        .build()
}

fn check(change: &ChangeDetail, table: FeatureTable<'_>) -> Result<(), ExportError> {
    let position = change.key.position;
    let found = change.vector.as_ref().map_or(0, |vector| vector.len());
    if found != table.features.len() {
        return Err(ExportError::Length { position, found, wanted: table.features.len() });
    }
    Ok(())
}
