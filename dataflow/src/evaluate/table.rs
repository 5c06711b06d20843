//! Reads a table of changes from Parquet, whatever integer or float types its columns have.
//!
//! Changes keep the order of the file among equal times, so the order of a project is fixed by the table alone.

use super::EvaluateError;
use super::features::{COLUMNS, DELETED, SIZE};
use crate::plain_file;
use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeMap;
use std::path::Path;

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

/// Reads the projects of a table, in order of name; only `wanted` when given.
pub fn read_projects(path: &Path, wanted: Option<&str>) -> Result<Vec<Project>, EvaluateError> {
    let file = plain_file::open(path).map_err(|source| EvaluateError::Open { path: path.into(), source })?;
    let bad_file = |source| EvaluateError::Parquet { path: path.into(), source };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(bad_file)?;
    let names = ["project", "time", "buggy", "first_fix_time"];
    let needed = |name: &str| names.contains(&name) || COLUMNS.contains(&name);
    let roots: Vec<usize> =
        (0..builder.schema().fields().len()).filter(|&index| needed(builder.schema().field(index).name())).collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let reader = builder.with_projection(mask).build().map_err(bad_file)?;
    let mut table = Table { path, wanted, known: BTreeMap::new(), has_fix_times: false };
    for batch in reader {
        table.add(&batch.map_err(|source| EvaluateError::Arrow { path: path.into(), source })?)?;
    }
    table.finish()
}

struct Table<'a> {
    path: &'a Path,
    wanted: Option<&'a str>,
    /// Changes by project; empty for projects that are not wanted.
    known: BTreeMap<String, Vec<Change>>,
    has_fix_times: bool,
}

impl Table<'_> {
    fn fault(&self, column: &'static str, reason: &'static str) -> EvaluateError {
        EvaluateError::Column { path: self.path.into(), column, reason }
    }

    fn column(
        &self,
        batch: &RecordBatch,
        name: &'static str,
        kind: &DataType,
    ) -> Result<Option<ArrayRef>, EvaluateError> {
        let Some(column) = batch.column_by_name(name) else { return Ok(None) };
        cast(column, kind).map(Some).map_err(|_| self.fault(name, "holds values of another kind"))
    }

    fn integers(&self, batch: &RecordBatch, name: &'static str) -> Result<Int64Array, EvaluateError> {
        let found = self.column(batch, name, &DataType::Int64)?.ok_or(self.fault(name, "is absent"))?;
        let found = found.as_primitive::<Int64Type>().clone();
        if found.null_count() > 0 { Err(self.fault(name, "has empty fields")) } else { Ok(found) }
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), EvaluateError> {
        let projects = self.column(batch, "project", &DataType::Utf8)?.ok_or(self.fault("project", "is absent"))?;
        let projects = projects.as_string::<i32>();
        let (times, labels) = (self.integers(batch, "time")?, self.integers(batch, "buggy")?);
        let fixes = self.column(batch, "first_fix_time", &DataType::Int64)?;
        let fixes = fixes.as_ref().map(|fixes| fixes.as_primitive::<Int64Type>());
        self.has_fix_times |= fixes.is_some();
        let mut columns: Vec<Option<Float64Array>> = Vec::new();
        for name in COLUMNS {
            let found = self.column(batch, name, &DataType::Float64)?;
            columns.push(found.map(|found| found.as_primitive::<Float64Type>().clone()));
        }
        if columns[SIZE].is_none() {
            return Err(self.fault(COLUMNS[SIZE], "is absent"));
        }
        for row in 0..batch.num_rows() {
            if projects.is_null(row) {
                return Err(self.fault("project", "has empty fields"));
            }
            let name = projects.value(row);
            if !self.known.contains_key(name) {
                self.known.insert(name.to_owned(), Vec::new());
            }
            if self.wanted.is_some_and(|wanted| wanted != name) {
                continue;
            }
            let value = |column: &Option<Float64Array>| match column {
                Some(column) if column.is_valid(row) => column.value(row) as f32,
                _ => f32::NAN,
            };
            let change = Change {
                time_s: times.value(row),
                is_defective: labels.value(row) != 0,
                first_fix_s: fixes.filter(|fixes| fixes.is_valid(row)).map(|fixes| fixes.value(row)),
                values: std::array::from_fn(|index| value(&columns[index])),
            };
            self.known.get_mut(name).expect("inserted above").push(change);
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<Project>, EvaluateError> {
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
mod tests {
    use super::*;
    use arrow::array::{Int8Array, StringArray};
    use arrow::datatypes::{Field, Schema};
    use parquet::arrow::ArrowWriter;
    use std::sync::Arc;

    fn write(columns: Vec<(&str, ArrayRef)>) -> tempfile::NamedTempFile {
        let fields: Vec<Field> =
            columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = ArrowWriter::try_new(file.reopen().unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        file
    }

    fn small() -> Vec<(&'static str, ArrayRef)> {
        vec![
            ("project", Arc::new(StringArray::from(vec!["b", "a", "b"])) as ArrayRef),
            ("time", Arc::new(Int64Array::from(vec![20, 5, 10])) as ArrayRef),
            ("buggy", Arc::new(Int8Array::from(vec![1, 0, 0])) as ArrayRef),
            ("la", Arc::new(Int64Array::from(vec![Some(7), None, Some(3)])) as ArrayRef),
            ("first_fix_time", Arc::new(Int64Array::from(vec![Some(99), None, None])) as ArrayRef),
        ]
    }

    #[test]
    fn projects_are_read_in_order_of_time_whatever_the_types() {
        let file = write(small());
        let projects = read_projects(file.path(), None).unwrap();
        assert_eq!(projects.iter().map(|project| project.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let b = &projects[1].changes;
        assert_eq!((b[0].time_s, b[1].time_s, b[1].is_defective, b[1].first_fix_s), (10, 20, true, Some(99)));
        assert_eq!((b[0].values[SIZE], b[0].effort()), (3.0, 3.0));
        assert!(projects[0].changes[0].values[SIZE].is_nan());
        let alone = read_projects(file.path(), Some("b")).unwrap();
        assert_eq!((alone.len(), alone[0].name.as_str(), alone[0].changes.len()), (1, "b", 2));
    }

    #[test]
    fn faults_name_file_and_column() {
        let file = write(small());
        let unknown = read_projects(file.path(), Some("c")).unwrap_err();
        assert!(unknown.to_string().ends_with("holds no project c; it holds a, b"), "{unknown}");
        let without = write(small().into_iter().filter(|(name, _)| *name != "la").collect());
        assert!(matches!(read_projects(without.path(), None), Err(EvaluateError::Column { column: "la", .. })));
        let mut words = small();
        words[1].1 = Arc::new(StringArray::from(vec!["x", "y", "z"]));
        assert!(read_projects(write(words).path(), None).is_err());
        assert!(matches!(read_projects(Path::new("/nonexistent"), None), Err(EvaluateError::Open { .. })));
        let text = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(text.path(), b"project,time\n").unwrap();
        assert!(matches!(read_projects(text.path(), None), Err(EvaluateError::Parquet { .. })));
    }
}
