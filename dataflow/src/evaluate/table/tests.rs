//! Tables written as others write them: every type an instant may have, values that cannot be used, driftline's own export.

use super::super::{EvaluateArgs, Protocol, evaluate, run};
use super::*;
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Date64Array, Decimal128Array, DurationSecondArray, Float64Array,
    Int8Array, Int64Array, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray, UInt64Array, new_null_array,
};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use std::collections::HashMap;
use std::sync::Arc;

/// Reads a table with all that any protocol asks for.
fn read(path: &Path, wanted: Option<&str>) -> Result<Vec<Project>, EvaluateError> {
    read_projects(path, wanted, Protocol::Prequential)
}

fn write(columns: Vec<(&str, ArrayRef)>) -> tempfile::NamedTempFile {
    write_with_units(columns, &[])
}

/// A file of these columns, with the unit in the metadata of those that have one.
fn write_with_units(columns: Vec<(&str, ArrayRef)>, units: &[(&str, &str)]) -> tempfile::NamedTempFile {
    let field = |(name, array): &(&str, ArrayRef)| {
        let field = Field::new(*name, array.data_type().clone(), true);
        let unit = units.iter().find(|(column, _)| column == name);
        field.with_metadata(
            unit.map(|(_, unit)| ("unit".to_owned(), (*unit).to_owned())).into_iter().collect::<HashMap<_, _>>(),
        )
    };
    let fields: Vec<Field> = columns.iter().map(field).collect();
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
    let projects = read(file.path(), None).unwrap();
    assert_eq!(projects.iter().map(|project| project.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let b = &projects[1].changes;
    assert_eq!((b[0].time_s, b[1].time_s, b[1].is_defective, b[1].first_fix_s), (10, 20, true, Some(99)));
    assert_eq!((b[0].values[SIZE], b[0].effort()), (3.0, 3.0));
    assert!(projects[0].changes[0].values[SIZE].is_nan());
    let alone = read(file.path(), Some("b")).unwrap();
    assert_eq!((alone.len(), alone[0].name.as_str(), alone[0].changes.len()), (1, "b", 2));
}

#[test]
fn faults_name_file_and_column() {
    let file = write(small());
    let unknown = read(file.path(), Some("c")).unwrap_err();
    assert!(unknown.to_string().ends_with("holds no project c; it holds a, b"), "{unknown}");
    let without = write(small().into_iter().filter(|(name, _)| *name != "la").collect());
    assert!(matches!(read(without.path(), None), Err(EvaluateError::Column { column: "la", .. })));
    let mut words = small();
    words[1].1 = Arc::new(StringArray::from(vec!["x", "y", "z"]));
    assert!(read(write(words).path(), None).is_err());
    assert!(matches!(read(Path::new("/nonexistent"), None), Err(EvaluateError::Open { .. })));
    let text = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(text.path(), b"project,time\n").unwrap();
    assert!(matches!(read(text.path(), None), Err(EvaluateError::Parquet { .. })));
}

const DAY: i64 = 86_400;

/// Two hundred changes a day apart, half of them defective and fixed a hundred days later, their instants as `instants` says.
fn daily(instants: impl Fn(Vec<Option<i64>>) -> ArrayRef) -> tempfile::NamedTempFile {
    write(daily_columns(instants))
}

fn daily_columns(instants: impl Fn(Vec<Option<i64>>) -> ArrayRef) -> Vec<(&'static str, ArrayRef)> {
    let sizes: Vec<i64> = (0..200).map(|day| day * 37 % 100).collect();
    let fixes = sizes.iter().zip(0..).map(|(size, day)| (*size >= 50).then_some((day + 100) * DAY)).collect();
    vec![
        ("project", Arc::new(StringArray::from(vec!["p"; 200])) as ArrayRef),
        ("time", instants((0..200).map(|day| Some(day * DAY)).collect())),
        ("buggy", Arc::new(sizes.iter().map(|size| Some(*size >= 50)).collect::<BooleanArray>())),
        ("la", Arc::new(Int64Array::from(sizes))),
        ("first_fix_time", instants(fixes)),
    ]
}

fn times(parts: i64) -> impl Fn(Vec<Option<i64>>) -> Vec<Option<i64>> {
    move |seconds| seconds.into_iter().map(|second| second.map(|second| second * parts)).collect()
}

#[test]
fn the_same_instants_give_the_same_result_however_they_are_written() {
    let tables: Vec<(&str, tempfile::NamedTempFile)> = vec![
        ("seconds", daily(|s| Arc::new(Int64Array::from(s)))),
        ("unsigned", daily(|s| Arc::new(s.into_iter().map(|s| s.map(|s| s as u64)).collect::<UInt64Array>()))),
        ("floats", daily(|s| Arc::new(s.into_iter().map(|s| s.map(|s| s as f64 + 0.25)).collect::<Float64Array>()))),
        ("timestamp(s)", daily(|s| Arc::new(TimestampSecondArray::from(s)))),
        ("timestamp(ms)", daily(|s| Arc::new(TimestampMillisecondArray::from(times(1_000)(s))))),
        ("timestamp(us)", daily(|s| Arc::new(TimestampMicrosecondArray::from(times(1_000_000)(s))))),
        ("timestamp(ns)", daily(|s| Arc::new(TimestampNanosecondArray::from(times(1_000_000_000)(s))))),
        ("zoned", daily(|s| Arc::new(TimestampMicrosecondArray::from(times(1_000_000)(s)).with_timezone("+02:00")))),
        ("date32", daily(|s| Arc::new(s.into_iter().map(|s| s.map(|s| (s / DAY) as i32)).collect::<Date32Array>()))),
        ("date64", daily(|s| Arc::new(Date64Array::from(times(1_000)(s))))),
    ];
    // What is missing is not a number, which equals nothing.
    let shown = |projects: &[Project]| format!("{projects:?}");
    let expected = read(tables[0].1.path(), None).unwrap();
    for (name, table) in &tables {
        assert_eq!(shown(&read(table.path(), None).unwrap()), shown(&expected), "{name}");
    }
    let args = EvaluateArgs {
        data: tables[0].1.path().into(),
        project: None,
        protocol: Protocol::Prequential,
        train_share: 0.8,
        json: true,
    };
    let unlearnt = evaluate(&expected[0], &args).unwrap_err();
    assert!(matches!(unlearnt, EvaluateError::NeverTrained { rows: 200, .. }), "{unlearnt}");
    let millis = daily_columns(|s| Arc::new(Int64Array::from(times(1_000)(s))));
    let named = write_with_units(millis, &[("time", "ms"), ("first_fix_time", "ms")]);
    assert_eq!(shown(&read(named.path(), None).unwrap()), shown(&expected));
}

#[test]
fn an_instant_before_1970_belongs_to_the_second_that_it_is_in() {
    let mut columns = small();
    columns[1].1 = Arc::new(TimestampMillisecondArray::from(vec![-1, -1_000, -1_001]));
    let projects = read(write(columns).path(), Some("b")).unwrap();
    let times: Vec<i64> = projects[0].changes.iter().map(|change| change.time_s).collect();
    assert_eq!(times, [-2, -1]);
}

#[test]
fn ages_are_days_unless_the_table_says_otherwise() {
    let age = |array: ArrayRef, units: &[(&str, &str)]| {
        let mut columns = small();
        columns.push(("age", array));
        read(write_with_units(columns, units).path(), Some("a")).unwrap()[0].changes[0].values[9]
    };
    let seconds = || Arc::new(Int64Array::from(vec![0, 3 * DAY, 0]));
    assert_eq!(age(Arc::new(Int64Array::from(vec![0, 3, 0])), &[]), 3.0);
    assert_eq!(age(seconds(), &[("age", "seconds")]), 3.0);
    assert_eq!(age(Arc::new(DurationSecondArray::from(vec![0, 3 * DAY, 0])), &[]), 3.0);
}

#[test]
fn a_value_that_cannot_be_used_is_an_error_that_names_column_and_row() {
    let with = |column: usize, array: ArrayRef| {
        let mut columns = small();
        columns[column].1 = array;
        read(write(columns).path(), None).unwrap_err().to_string()
    };
    let floats = |values: [f64; 3]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
    let cases = [
        (with(3, floats([1.0, 1e100, 2.0])), "row 2: column la is 1e100: a model takes values up to"),
        (with(3, floats([1.0, 2.0, f64::INFINITY])), "row 3: column la is inf: a model takes values up to"),
        (with(3, floats([f64::NAN, 1.0, 2.0])), "row 1: column la is not a number: leave a field empty"),
        (with(1, floats([1.0, f64::NAN, 2.0])), "row 2: column time is not a number"),
        (with(1, Arc::new(UInt64Array::from(vec![1, 2, u64::MAX]))), "row 3: column time is an instant out of range"),
        (with(1, Arc::new(Int64Array::from(vec![Some(1), None, Some(2)]))), "row 2: column time is empty"),
        (with(2, Arc::new(Int8Array::from(vec![Some(1), Some(0), None]))), "row 3: column buggy is empty"),
        (with(0, Arc::new(StringArray::from(vec![Some("a"), None, None]))), "row 2: column project is empty"),
        (with(3, Arc::new(StringArray::from(vec!["1", "x", "3"]))), "column la holds Utf8, not numbers"),
        (with(1, Arc::new(StringArray::from(vec!["1", "x", "3"]))), "column time holds Utf8, not instants"),
        (with(1, Arc::new(Int64Array::from(vec![1, 1_700_000_000_000, 2]))), "row 2: column time is 1700000000000"),
        (with(1, floats([1.0, 2.0, 1.7e12])), "name the unit in the column's metadata (unit = ms, us or ns)"),
        (with(4, Arc::new(BooleanArray::from(vec![true, true, true]))), "column first_fix_time holds Boolean"),
        (with(3, floats([1.0, 2.0, -5.0])), "row 3: column la is -5, and lines cannot be fewer than none"),
        (
            with(0, Arc::new(BinaryArray::from_vec(vec![b"a", b"p\xff", b"b"]))),
            "row 2: column project is not text: its bytes",
        ),
    ];
    for (error, expected) in cases {
        assert!(error.contains(expected), "{error} is not {expected}");
    }
    for absent in ["project", "time", "buggy", "la"] {
        let columns = small().into_iter().filter(|(name, _)| *name != absent).collect();
        let error = read(write(columns).path(), None).unwrap_err().to_string();
        assert!(error.ends_with(&format!("column {absent} is absent")), "{error}");
    }
    let empty = small().into_iter().map(|(name, array)| (name, array.slice(0, 0))).collect();
    let error = read(write(empty).path(), None).unwrap_err();
    assert!(matches!(error, EvaluateError::NoRows { .. }), "{error}");
}

#[test]
fn a_column_that_is_there_twice_is_refused_if_it_is_read() {
    let twice = |name: &'static str| {
        let mut columns = small();
        columns.push((name, columns[1].1.clone()));
        columns.push(("other", columns[1].1.clone()));
        columns.push(("other", columns[1].1.clone()));
        read(write(columns).path(), None)
    };
    for name in ["project", "time", "buggy", "la", "first_fix_time"] {
        let error = twice(name).unwrap_err().to_string();
        assert!(error.contains(&format!("column {name} is there more than once")), "{error}");
    }
    assert_eq!(twice("unread").expect("nothing that is read is there twice").len(), 2);
}

#[test]
fn a_project_that_is_too_small_keeps_no_other_from_being_evaluated() {
    let (mut columns, small) = (daily_columns(|s| Arc::new(Int64Array::from(s))), small());
    for (column, (_, more)) in columns.iter_mut().zip(&small) {
        let more = arrow::compute::cast(more, column.1.data_type()).unwrap();
        column.1 = arrow::compute::concat(&[&column.1, &more]).unwrap();
    }
    let file = write(columns);
    let args = EvaluateArgs {
        data: file.path().to_owned(),
        project: None,
        protocol: Protocol::TimeSplit,
        train_share: 0.8,
        json: true,
    };
    run(args.clone()).expect("one of three projects is evaluated");
    let few = write(small);
    let said = run(EvaluateArgs { data: few.path().to_owned(), ..args }).unwrap_err().to_string();
    assert!(
        said.starts_with("none of 2 projects could be evaluated: project a has too few changes (1) for this split"),
        "{said}"
    );
}

#[test]
fn a_table_of_more_rows_than_fit_into_memory_is_refused_unread() {
    let nothing = |rows| write(vec![("time", new_null_array(&DataType::Null, rows))]);
    let said = read(nothing(ROWS_MAX + 1).path(), None).unwrap_err().to_string();
    assert!(said.contains("has 2000001 rows, and at most 2000000 are read: write the projects into"), "{said}");
    assert!(matches!(check_rows(Path::new("t"), ROWS_MAX), Ok(())));
    assert!(said.contains(&ROWS_MAX.to_string()));
}

#[test]
fn a_fix_is_not_before_its_change() {
    let mut columns = small();
    columns[4].1 = Arc::new(Int64Array::from(vec![Some(20), None, Some(9)]));
    let file = write(columns);
    let said = read(file.path(), None).unwrap_err().to_string();
    assert!(
        said.ends_with(
            "row 3: column first_fix_time is earlier than the change's time: leave a field empty where there is no fix"
        ),
        "{said}"
    );
    read_projects(file.path(), None, Protocol::TimeSplit).expect("this protocol does not ask for fixes");
    let mut columns = small();
    columns[4].1 = Arc::new(Int64Array::from(vec![Some(0), None, None]));
    let said = read(write(columns).path(), None).unwrap_err().to_string();
    assert!(said.contains("row 1: column first_fix_time is earlier"), "{said}");
}

#[test]
fn a_column_of_no_type_is_unknown_in_all_rows() {
    let nulls = || new_null_array(&DataType::Null, 3);
    let with = |column: usize| {
        let mut columns = small();
        columns[column].1 = nulls();
        columns.push(("age", nulls()));
        read(write(columns).path(), None)
    };
    let sizes = with(3).expect("nothing is known of any size");
    assert!(sizes.iter().flat_map(|project| &project.changes).all(|change| change.values[SIZE].is_nan()));
    let fixes = with(4).expect("nothing was fixed");
    assert!(fixes.iter().all(|project| project.has_fix_times && project.changes[0].first_fix_s.is_none()));
    for (column, name) in [(0, "project"), (1, "time"), (2, "buggy")] {
        let said = with(column).unwrap_err().to_string();
        assert!(said.ends_with(&format!("row 1: column {name} is empty")), "{said}");
    }
}

#[test]
fn an_export_of_driftline_is_read_with_its_labels() {
    let decimal = |values: Vec<i128>| {
        let array: Decimal128Array = values.into_iter().map(|value| Some(value * 1_000_000)).collect();
        Arc::new(array.with_precision_and_scale(18, 6).unwrap()) as ArrayRef
    };
    let times = TimestampMillisecondArray::from(vec![Some(20_000), Some(5_000), None, Some(7_500)]);
    let file = write_with_units(
        vec![
            ("repository", Arc::new(StringArray::from(vec!["r"; 4]))),
            ("time", Arc::new(times.with_timezone("UTC"))),
            ("la", decimal(vec![7, 3, 1, 2])),
            ("age", decimal(vec![1, 2, 3, 4])),
            ("label", Arc::new(StringArray::from(vec![Some("defective"), Some("clean"), Some("clean"), None]))),
        ],
        &[("age", "days")],
    );
    let projects = read(file.path(), None).unwrap();
    let changes = &projects[0].changes;
    assert_eq!((projects[0].name.as_str(), changes.len(), projects[0].has_fix_times), ("r", 2, false));
    assert_eq!((changes[0].time_s, changes[0].is_defective, changes[0].values[SIZE]), (5, false, 3.0));
    assert_eq!((changes[1].time_s, changes[1].is_defective, changes[1].values[9]), (20, true, 1.0));
}
