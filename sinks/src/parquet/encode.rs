//! Changes as Arrow columns.

use crate::view::ChangeDetail;
use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, RecordBatch, StringArray, TimestampMillisecondArray, UInt32Array,
    UInt64Array,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::error::ArrowError;
use driftline_schema::{FeatureMeta, Fixed, Label, Prediction, Verdict};
use std::collections::HashMap;
use std::sync::Arc;

/// The features table a file follows.
#[derive(Clone, Copy, Debug)]
pub struct FeatureTable<'a> {
    /// Its version.
    pub version: u32,
    /// Its columns, in the order of the vectors.
    pub features: &'a [FeatureMeta],
}

const PRECISION: u8 = 18;
const SCALE: i8 = 6;
/// The largest decimal of 18 digits. A value beyond it (the age of a change that is dated at the end of time) is written as
/// this: one such change must not keep all others from being exported.
const LARGEST: i64 = 999_999_999_999_999_999;

const DECIMAL: DataType = DataType::Decimal128(PRECISION, SCALE);

/// The columns of a file.
pub(super) fn schema(table: FeatureTable<'_>) -> Schema {
    let utc = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let mut fields = vec![
        Field::new("repository", DataType::Utf8, false),
        Field::new("commit", DataType::Utf8, true),
        Field::new("partition", DataType::UInt32, false),
        Field::new("offset", DataType::UInt64, false),
        Field::new("time", utc, true),
    ];
    // A reader need not know the features table to know that an age is in days.
    let unit = |feature: &FeatureMeta| HashMap::from([("unit".to_owned(), feature.unit.to_owned())]);
    let feature = |feature: &FeatureMeta| Field::new(feature.name, DECIMAL, false).with_metadata(unit(feature));
    fields.extend(table.features.iter().map(feature));
    fields.extend([
        Field::new("label", DataType::Utf8, true),
        Field::new("label_kind", DataType::Utf8, true),
        Field::new("label_provisional", DataType::Boolean, true),
        Field::new("label_evidence", DataType::UInt32, true),
        Field::new("risk", DECIMAL, true),
        Field::new("percentile", DECIMAL, true),
        Field::new("abstained", DataType::Utf8, true),
        Field::new("model", DataType::Utf8, true),
    ]);
    Schema::new(fields)
}

/// Some changes as one batch; each must have a vector of the table's length.
pub(super) fn batch(schema: &Arc<Schema>, features: usize, rows: &[ChangeDetail]) -> Result<RecordBatch, ArrowError> {
    let millis = |row: &ChangeDetail| row.time.map(|time| time.saturating_mul(1_000));
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(&*row.repository)).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.commit.map(|commit| commit.to_string())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.key.position.partition).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| row.key.position.offset).collect::<UInt64Array>()),
        Arc::new(rows.iter().map(millis).collect::<TimestampMillisecondArray>().with_timezone("UTC")),
    ];
    for feature in 0..features {
        columns.push(decimals(rows.iter().map(|row| row.vector.as_ref().map(|vector| vector[feature])))?);
    }
    label_columns(rows, &mut columns);
    prediction_columns(rows, &mut columns)?;
    RecordBatch::try_new(Arc::clone(schema), columns)
}

fn label_columns(rows: &[ChangeDetail], columns: &mut Vec<ArrayRef>) {
    let verdict = |label: Label| match label.verdict {
        Verdict::Clean => "clean",
        Verdict::Defective => "defective",
    };
    let labels = || rows.iter().map(|row| row.label);
    columns.push(Arc::new(labels().map(|label| label.map(verdict)).collect::<StringArray>()));
    columns.push(Arc::new(labels().map(|label| label.map(|label| label.kind.code())).collect::<StringArray>()));
    columns.push(Arc::new(labels().map(|label| label.map(|label| label.provisional)).collect::<BooleanArray>()));
    columns.push(Arc::new(labels().map(|label| label.map(|label| label.evidence)).collect::<UInt32Array>()));
}

fn prediction_columns(rows: &[ChangeDetail], columns: &mut Vec<ArrayRef>) -> Result<(), ArrowError> {
    let of =
        |part: fn(&Prediction) -> Option<Fixed>| rows.iter().map(move |row| row.prediction.as_ref().and_then(part));
    columns.push(decimals(of(|prediction| prediction.risk))?);
    columns.push(decimals(of(|prediction| prediction.percentile))?);
    let abstained = |row: &ChangeDetail| row.prediction.as_ref().and_then(|prediction| prediction.abstained.clone());
    columns.push(Arc::new(rows.iter().map(abstained).collect::<StringArray>()));
    let model = |row: &ChangeDetail| row.prediction.as_ref()?.receipt.model.map(|model| model.to_string());
    columns.push(Arc::new(rows.iter().map(model).collect::<StringArray>()));
    Ok(())
}

fn decimals(values: impl Iterator<Item = Option<Fixed>>) -> Result<ArrayRef, ArrowError> {
    let clamped = |value: Fixed| i128::from(value.0.clamp(-LARGEST, LARGEST));
    let array: Decimal128Array = values.map(|value| value.map(clamped)).collect();
    Ok(Arc::new(array.with_precision_and_scale(PRECISION, SCALE)?))
}
