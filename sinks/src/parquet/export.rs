//! Writing the file.

use super::encode::{FeatureTable, batch, schema};
use crate::view::{AsOf, ChangeDetail, ViewReader};
use driftline_schema::Position;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

/// Rows turned into columns at once; bounds the memory an export takes beside the view.
const BATCH_ROWS: usize = 4_096;

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The columns cannot be encoded, or what is encoded cannot be written.
    #[error("the Parquet file cannot be written")]
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

/// Writes every change that has a vector to `out`, at one instant of the view; says what it reflects and how many rows it has.
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
