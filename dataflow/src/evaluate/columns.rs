//! Columns of a table as what the protocols need: instants in seconds, numbers, labels, names.
//!
//! What a number means is said by the column's Arrow type, then by the field `unit` of its metadata, else it is what the
//! published tables have: seconds, and days for ages. What cannot be used is an error that names the column and the row.

use super::EvaluateError;
use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, TimeUnit};
use std::path::Path;

/// Longest text in bytes: names of projects are short, and a dictionary may hold one text for millions of rows.
const TEXT_BYTES_MAX: usize = 4_096;
/// The column whose values are spans of time.
const AGE: &str = "age";
const DAY_S: i64 = 86_400;
/// The latest instant that a number without a unit may mean, in seconds: the year 5138. Milliseconds since 1973 are more.
const UNNAMED_SECONDS_MAX: i64 = 100_000_000_000;

/// One batch of a table, and how many rows were before it.
pub(super) struct Batch<'a> {
    pub(super) path: &'a Path,
    pub(super) rows: &'a RecordBatch,
    pub(super) rows_before: usize,
}

/// Seconds as `value / parts * whole`, rounded down: an instant before 1970 belongs to the second that it is in.
#[derive(Clone, Copy)]
struct Unit {
    parts: i64,
    whole: i64,
}

const SECONDS: Unit = Unit { parts: 1, whole: 1 };
const DAYS: Unit = Unit { parts: 1, whole: DAY_S };

impl Unit {
    fn of(unit: &TimeUnit) -> Self {
        let parts = match unit {
            TimeUnit::Second => 1,
            TimeUnit::Millisecond => 1_000,
            TimeUnit::Microsecond => 1_000_000,
            TimeUnit::Nanosecond => 1_000_000_000,
        };
        Self { parts, whole: 1 }
    }

    /// The unit that a field's metadata names.
    fn named(field: &Field) -> Option<Self> {
        let parts = |parts| Self { parts, whole: 1 };
        match field.metadata().get("unit")?.as_str() {
            "s" | "seconds" => Some(SECONDS),
            "ms" | "milliseconds" => Some(parts(1_000)),
            "us" | "microseconds" => Some(parts(1_000_000)),
            "ns" | "nanoseconds" => Some(parts(1_000_000_000)),
            "minutes" => Some(Self { parts: 1, whole: 60 }),
            "hours" => Some(Self { parts: 1, whole: 3_600 }),
            "days" => Some(DAYS),
            _ => None,
        }
    }

    fn seconds(self, value: i64) -> Option<i64> {
        value.div_euclid(self.parts).checked_mul(self.whole)
    }
}

impl Batch<'_> {
    /// An error about a whole column.
    pub(super) fn fault(&self, column: &'static str, reason: impl Into<String>) -> EvaluateError {
        EvaluateError::Column { path: self.path.into(), column, reason: reason.into() }
    }

    /// An error about one row, by its place in this batch.
    pub(super) fn row_fault(&self, column: &'static str, row: usize, reason: impl Into<String>) -> EvaluateError {
        let row = self.rows_before + row + 1;
        EvaluateError::Value { path: self.path.into(), column, row, reason: reason.into() }
    }

    fn get(&self, name: &str) -> Option<(&ArrayRef, &Field)> {
        let index = self.rows.schema_ref().index_of(name).ok()?;
        Some((self.rows.column(index), self.rows.schema_ref().field(index)))
    }

    fn cast(&self, name: &'static str, column: &ArrayRef, kind: &DataType) -> Result<ArrayRef, EvaluateError> {
        cast(column, kind).map_err(|_| self.fault(name, format!("holds {} and cannot be read", column.data_type())))
    }

    /// Instants in seconds, if the column is there; null where it is.
    pub(super) fn instants(&self, name: &'static str) -> Result<Option<Int64Array>, EvaluateError> {
        let Some((column, field)) = self.get(name) else { return Ok(None) };
        let named = Unit::named(field);
        let kind = column.data_type();
        if *kind == DataType::Null {
            return Ok(Some(Int64Array::new_null(column.len())));
        }
        let is_plain = named.is_none() && (kind.is_floating() || kind.is_integer());
        let named = named.unwrap_or(SECONDS);
        let (unit, whole) = match kind {
            DataType::Timestamp(unit, _) => (Unit::of(unit), self.cast(name, column, &DataType::Int64)?),
            DataType::Date32 => {
                let days = self.cast(name, column, &DataType::Int32)?;
                (DAYS, self.cast(name, &days, &DataType::Int64)?)
            }
            DataType::Date64 => (Unit::of(&TimeUnit::Millisecond), self.cast(name, column, &DataType::Int64)?),
            _ if kind.is_floating() => (named, self.whole(name, column)?),
            _ if kind.is_integer() => (named, self.cast(name, column, &DataType::Int64)?),
            _ => {
                return Err(
                    self.fault(name, format!("holds {kind}, not instants: write a timestamp, a date or seconds"))
                );
            }
        };
        let values = whole.as_primitive::<Int64Type>();
        let second = |row: usize| {
            if column.is_null(row) {
                return Ok(None);
            }
            let seconds = values.is_valid(row).then(|| unit.seconds(values.value(row))).flatten();
            if let Some(seconds) = seconds.filter(|seconds| is_plain && seconds.abs() > UNNAMED_SECONDS_MAX) {
                let reason = format!(
                    "is {seconds}, which is no instant in seconds: write a timestamp, or name the unit in the column's \
                     metadata (unit = ms, us or ns)"
                );
                return Err(self.row_fault(name, row, reason));
            }
            seconds.map(Some).ok_or_else(|| self.row_fault(name, row, "is an instant out of range"))
        };
        (0..values.len()).map(second).collect::<Result<Int64Array, _>>().map(Some)
    }

    /// Floats as whole numbers, rounded down.
    fn whole(&self, name: &'static str, column: &ArrayRef) -> Result<ArrayRef, EvaluateError> {
        let found = self.floats(name, column)?;
        let value = |row: usize| found.is_valid(row).then(|| found.value(row).floor() as i64);
        let whole: Int64Array = (0..found.len()).map(value).collect();
        Ok(std::sync::Arc::new(whole))
    }

    /// Numbers, each finite as the models hold them.
    fn floats(&self, name: &'static str, column: &ArrayRef) -> Result<Float64Array, EvaluateError> {
        let kind = column.data_type();
        if *kind == DataType::Null {
            return Ok(Float64Array::new_null(column.len()));
        }
        if !kind.is_numeric() && *kind != DataType::Boolean {
            return Err(self.fault(name, format!("holds {kind}, not numbers")));
        }
        let found = self.cast(name, column, &DataType::Float64)?.as_primitive::<Float64Type>().clone();
        for row in (0..found.len()).filter(|row| column.is_valid(*row)) {
            let value = if found.is_valid(row) { found.value(row) } else { f64::NAN };
            if value.is_nan() {
                return Err(self.row_fault(name, row, "is not a number: leave a field empty where nothing is known"));
            }
            if !(value as f32).is_finite() {
                let reason = format!("is {value:e}: a model takes values up to {:e}", f32::MAX);
                return Err(self.row_fault(name, row, reason));
            }
        }
        Ok(found)
    }

    /// Lines of code, if the column is there: numbers that cannot be below zero, as they are what an inspection costs.
    pub(super) fn lines(&self, name: &'static str) -> Result<Option<Float64Array>, EvaluateError> {
        let found = self.numbers(name)?;
        let values = found.iter().flat_map(|found| found.iter().enumerate());
        for (row, value) in values {
            if let Some(value) = value.filter(|value| *value < 0.0) {
                let reason = format!(
                    "is {value}, and lines cannot be fewer than none: leave a field empty where nothing is known"
                );
                return Err(self.row_fault(name, row, reason));
            }
        }
        Ok(found)
    }

    /// Numbers of a feature, if the column is there; null where nothing is known.
    pub(super) fn numbers(&self, name: &'static str) -> Result<Option<Float64Array>, EvaluateError> {
        let Some((column, field)) = self.get(name) else { return Ok(None) };
        if name != AGE {
            return self.floats(name, column).map(Some);
        }
        let (unit, column) = match column.data_type() {
            DataType::Duration(unit) => (Unit::of(unit), self.cast(name, column, &DataType::Int64)?),
            _ => (Unit::named(field).unwrap_or(DAYS), column.clone()),
        };
        let found = self.floats(name, &column)?;
        let days = |value: Option<f64>| value.map(|value| value * unit.whole as f64 / (unit.parts * DAY_S) as f64);
        Ok(Some(found.iter().map(days).collect()))
    }

    /// Whether each change is defective, from `buggy` or from the export's `label`; null where that says nothing.
    pub(super) fn labels(&self) -> Result<Vec<Option<bool>>, EvaluateError> {
        if let Some((column, _)) = self.get("buggy") {
            let found = self.floats("buggy", column)?;
            if let Some(row) = (0..found.len()).find(|row| found.is_null(*row)) {
                return Err(self.row_fault("buggy", row, "is empty"));
            }
            let odd = |row: &usize| ![0.0, 1.0].contains(&found.value(*row));
            if let Some(row) = (0..found.len()).find(odd) {
                return Err(self.row_fault("buggy", row, format!("is {}, neither 0 nor 1", found.value(row))));
            }
            return Ok(found.iter().map(|value| value.map(|value| value != 0.0)).collect());
        }
        let Some((column, _)) = self.get("label") else { return Err(self.fault("buggy", "is absent")) };
        let words = self.words("label", column)?;
        let label = |row: usize| match words.is_valid(row).then(|| words.value(row)) {
            None => Ok(None),
            Some("defective") => Ok(Some(true)),
            Some("clean") => Ok(Some(false)),
            Some(other) => Err(self.row_fault("label", row, format!("is `{other}`, not `clean` or `defective`"))),
        };
        (0..words.len()).map(label).collect()
    }

    fn words(&self, name: &'static str, column: &ArrayRef) -> Result<StringArray, EvaluateError> {
        if let Some(dictionary) = column.as_any_dictionary_opt() {
            self.check_lengths(name, &self.cast(name, dictionary.values(), &DataType::Utf8)?)?;
        }
        let words = self.cast(name, column, &DataType::Utf8)?;
        self.check_lengths(name, &words)?;
        let words = words.as_string::<i32>().clone();
        let known = column.logical_nulls();
        let is_known = |row: usize| known.as_ref().is_none_or(|known| known.is_valid(row));
        // The conversion drops what is no text, and a name that was dropped is another fault than one that is absent.
        match (0..words.len()).find(|row| words.is_null(*row) && is_known(*row)) {
            Some(row) => Err(self.row_fault(name, row, "is not text: its bytes are not UTF-8")),
            None => Ok(words),
        }
    }

    /// Refuses texts that are longer than any name.
    fn check_lengths(&self, name: &'static str, words: &ArrayRef) -> Result<(), EvaluateError> {
        let longest = words.as_string::<i32>().iter().flatten().map(str::len).max().unwrap_or(0);
        if longest > TEXT_BYTES_MAX {
            let reason = format!("holds a text of {longest} bytes, and at most {TEXT_BYTES_MAX} are read");
            return Err(self.fault(name, reason));
        }
        Ok(())
    }

    /// The project of each change, from `project` or from the export's `repository`.
    pub(super) fn projects(&self) -> Result<StringArray, EvaluateError> {
        let named = ["project", "repository"].into_iter().find_map(|name| Some((name, self.get(name)?.0)));
        let Some((name, column)) = named else { return Err(self.fault("project", "is absent")) };
        let words = self.words(name, column)?;
        match (0..words.len()).find(|row| words.is_null(*row)) {
            Some(row) => Err(self.row_fault(name, row, "is empty")),
            None => Ok(words),
        }
    }

    /// Whether the table is one that driftline exported: there a change may not yet have a time or a label.
    pub(super) fn is_export(&self) -> bool {
        self.get("buggy").is_none() && self.get("label").is_some()
    }
}
