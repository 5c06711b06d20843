//! Reads a table of changes from Parquet: a published one, or what `driftline export` wrote.
//!
//! Changes keep the order of the file among equal times, so the order of a project is fixed by the table alone.

use super::columns::Batch;
use super::features::{COLUMNS, DELETED, SIZE};
use super::{EvaluateError, Protocol};
use crate::plain_file;
use arrow::array::{Array, Float64Array, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeMap;
use std::path::Path;

/// Rows a table may have. A row takes some 550 bytes while its project is learnt, so this many take 1.1 GB; how many a
/// table has is known from its footer, as a file of any size may unfold to any number of them.
pub const ROWS_MAX: usize = 2_000_000;

/// One change of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// When it was made, in seconds.
    pub time_s: i64,
    /// Whether a later fix was traced back to it.
    pub is_defective: bool,
    /// When the first such fix was made, in seconds.
    pub first_fix_s: Option<i64>,
    /// Values of [`COLUMNS`]; NaN where the table has none.
    pub values: [f32; COLUMNS.len()],
}

impl Change {
    /// Lines added and deleted, at least one: what inspecting the change costs.
    pub(super) fn effort(&self) -> f64 {
        let lines = |column: usize| if self.values[column].is_nan() { 0.0 } else { f64::from(self.values[column]) };
        (lines(SIZE) + lines(DELETED)).max(1.0)
    }
}

/// The changes of one project, in order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// Its changes.
    pub changes: Vec<Change>,
    /// Whether the table says when defects became known.
    pub has_fix_times: bool,
}

/// Reads the projects of a table, in order of name; only `wanted` when given. When labels became known is read, and
/// checked, for the protocol that asks.
pub fn read_projects(path: &Path, wanted: Option<&str>, protocol: Protocol) -> Result<Vec<Project>, EvaluateError> {
    let file = plain_file::open(path).map_err(|source| EvaluateError::Open { path: path.into(), source })?;
    let bad_file = |source| EvaluateError::Parquet { path: path.into(), source };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(bad_file)?;
    let rows = builder.metadata().file_metadata().num_rows();
    check_rows(path, usize::try_from(rows).unwrap_or(usize::MAX))?;
    let is_asked = |name: &str| name != FIXED || protocol == Protocol::Prequential;
    let needed = |name: &str| (OTHERS.contains(&name) || COLUMNS.contains(&name)) && is_asked(name);
    let roots: Vec<usize> =
        (0..builder.schema().fields().len()).filter(|&index| needed(builder.schema().field(index).name())).collect();
    if let Some(column) = repeated(builder.schema().fields().iter().map(|field| field.name().as_str())) {
        let reason = "is there more than once, and nothing tells which is meant".to_owned();
        return Err(EvaluateError::Column { path: path.into(), column, reason });
    }
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let reader = builder.with_projection(mask).build().map_err(bad_file)?;
    let mut table = Table { path, wanted, known: BTreeMap::new(), has_fix_times: false, rows: 0 };
    for batch in reader {
        table.add(&batch.map_err(|source| EvaluateError::Arrow { path: path.into(), source })?)?;
    }
    table.finish()
}

/// Columns that are read beside the features.
const OTHERS: [&str; 6] = ["project", "repository", "time", "buggy", "label", FIXED];

/// The column that says when the first fix of a change was made.
const FIXED: &str = "first_fix_time";

/// Refuses a table that would not fit into memory.
fn check_rows(path: &Path, rows: usize) -> Result<(), EvaluateError> {
    if rows > ROWS_MAX { Err(EvaluateError::TooMany { path: path.into(), rows }) } else { Ok(()) }
}

/// The first column that is read and that the table has twice.
fn repeated<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Option<&'static str> {
    let read = OTHERS.into_iter().chain(COLUMNS);
    read.into_iter().find(|column| names.clone().filter(|name| name == column).count() > 1)
}

struct Table<'a> {
    path: &'a Path,
    wanted: Option<&'a str>,
    /// Changes by project; empty for projects that are not wanted.
    known: BTreeMap<String, Vec<Change>>,
    has_fix_times: bool,
    /// Rows read so far.
    rows: usize,
}

impl Table<'_> {
    fn add(&mut self, rows: &RecordBatch) -> Result<(), EvaluateError> {
        let batch = Batch { path: self.path, rows, rows_before: self.rows };
        let (projects, labels) = (batch.projects()?, batch.labels()?);
        let times = batch.instants("time")?.ok_or_else(|| batch.fault("time", "is absent"))?;
        let fixes = batch.instants(FIXED)?;
        self.has_fix_times |= fixes.is_some();
        let columns: Vec<Option<Float64Array>> = COLUMNS
            .iter()
            .enumerate()
            .map(|(index, name)| if [SIZE, DELETED].contains(&index) { batch.lines(name) } else { batch.numbers(name) })
            .collect::<Result<_, _>>()?;
        if columns[SIZE].is_none() {
            return Err(batch.fault(COLUMNS[SIZE], "is absent"));
        }
        // A footer may say less than there is.
        self.rows += rows.num_rows();
        check_rows(self.path, self.rows)?;
        for (row, label) in labels.iter().enumerate() {
            let changes = self.known.entry(projects.value(row).to_owned()).or_default();
            if times.is_null(row) && !batch.is_export() {
                return Err(batch.row_fault("time", row, "is empty"));
            }
            let first_fix_s = fixes.as_ref().filter(|fixes| fixes.is_valid(row)).map(|fixes| fixes.value(row));
            if first_fix_s.is_some_and(|fix_s| times.is_valid(row) && fix_s < times.value(row)) {
                let reason = "is earlier than the change's time: leave a field empty where there is no fix";
                return Err(batch.row_fault(FIXED, row, reason));
            }
            let is_wanted = self.wanted.is_none_or(|wanted| wanted == projects.value(row));
            // What has no label yet can neither be learnt nor measured.
            let Some(is_defective) = label.filter(|_| is_wanted && times.is_valid(row)) else { continue };
            let value = |column: &Option<Float64Array>| match column {
                Some(column) if column.is_valid(row) => column.value(row) as f32,
                _ => f32::NAN,
            };
            changes.push(Change {
                time_s: times.value(row),
                is_defective,
                first_fix_s,
                values: std::array::from_fn(|index| value(&columns[index])),
            });
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<Project>, EvaluateError> {
        if self.rows == 0 {
            return Err(EvaluateError::NoRows { path: self.path.into() });
        }
        if let Some(wanted) = self.wanted.filter(|wanted| !self.known.contains_key(*wanted)) {
            let known = self.known.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(EvaluateError::UnknownProject { path: self.path.into(), project: wanted.to_owned(), known });
        }
        let has_fix_times = self.has_fix_times;
        let kept = self.known.into_iter().filter(|(name, _)| self.wanted.is_none_or(|wanted| wanted == name));
        let project = |(name, mut changes): (String, Vec<Change>)| {
            changes.sort_by_key(|change| change.time_s);
            Project { name, changes, has_fix_times }
        };
        Ok(kept.map(project).collect())
    }
}

#[cfg(test)]
mod tests;
