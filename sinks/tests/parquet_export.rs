//! What is exported reads back equal, says what it reflects, and is complete or absent.

mod synthetic;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Decimal128Type, TimestampMillisecondType, UInt32Type, UInt64Type};
use driftline_schema::{Fixed, Verdict};
use driftline_sinks::parquet::{ExportError, FeatureTable, write_to};
use driftline_sinks::view::ChangeDetail;
use driftline_sinks::{ClosedTime, Sink, View, ViewReader};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Type};
use std::fs::File;
use std::io;

const TABLE: FeatureTable<'static> = FeatureTable { version: 3, features: &synthetic::FEATURES };

fn view(rows: u64, change: impl Fn(&mut ClosedTime)) -> ViewReader {
    let (mut sink, reader) = View::open();
    let mut closed = synthetic::closed_time(&mut synthetic::Numbers(5), 4, 0, rows);
    change(&mut closed);
    sink.apply(&closed).expect("the view takes everything");
    reader
}

/// The row of the file compared with the view, column by column.
fn compare(batch: &arrow::array::RecordBatch, row: usize, change: &ChangeDetail) {
    let column = |name: &str| batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name}"));
    let text = |name: &str| column(name).is_valid(row).then(|| column(name).as_string::<i32>().value(row).to_owned());
    let decimal = |name: &str| {
        let valid = column(name).is_valid(row);
        valid.then(|| Fixed(column(name).as_primitive::<Decimal128Type>().value(row) as i64))
    };
    let prediction = change.prediction.as_ref().expect("synthetic changes have one");
    let label = change.label;
    assert_eq!(text("repository").as_deref(), Some(&*change.repository));
    assert_eq!(text("commit"), change.commit.map(|commit| commit.to_string()));
    assert_eq!(column("partition").as_primitive::<UInt32Type>().value(row), change.key.position.partition);
    assert_eq!(column("offset").as_primitive::<UInt64Type>().value(row), change.key.position.offset);
    let time = column("time").as_primitive::<TimestampMillisecondType>().value(row);
    assert_eq!(Some(time), change.time.map(|time| time * 1_000));
    for (feature, value) in TABLE.features.iter().zip(change.vector.as_deref().expect("it has one")) {
        let largest = 999_999_999_999_999_999;
        assert_eq!(decimal(feature.name), Some(Fixed(value.0.clamp(-largest, largest))), "{}", feature.name);
    }
    let verdict = label.map(|label| if label.verdict == Verdict::Clean { "clean" } else { "defective" }.to_owned());
    assert_eq!((text("label"), text("label_kind")), (verdict, label.map(|label| label.kind.code().to_owned())));
    assert_eq!((decimal("risk"), decimal("percentile")), (prediction.risk, prediction.percentile));
    assert_eq!(text("model"), prediction.receipt.model.map(|model| model.to_string()));
}

#[test]
fn a_file_reads_back_equal_to_the_view() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("vectors.parquet");
    // More rows than one batch; extreme values; a change without a label and one without a vector.
    let reader = view(5_000, |closed| {
        closed.vectors[7].0.values[3] = Fixed(-999_999_999_999_999_999);
        closed.vectors[8].0.values[3] = Fixed(999_999_999_999_999_999);
        // One change that is dated at the end of time keeps no other from being exported.
        closed.vectors[11].0.values[3] = Fixed(i64::MAX);
        closed.vectors[12].0.values[3] = Fixed(i64::MIN);
        closed.labels.remove(9);
        closed.vectors.remove(10);
    });
    let (as_of, rows) = write_to(&reader, TABLE, File::create(&path).expect("is made")).expect("written");
    assert_eq!((rows, as_of), (4_999, reader.as_of()));
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).expect("there")).expect("Parquet");
    let footer = builder.metadata().file_metadata();
    let said = |key: &str| {
        let pairs = footer.key_value_metadata().expect("metadata");
        pairs.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.clone())
    };
    assert_eq!(said("driftline.as_of").as_deref(), Some(r#"{"time":4,"offsets":[2500,2500]}"#));
    assert_eq!(said("driftline.features_version").as_deref(), Some("3"));
    let column = builder.metadata().row_group(0).column(5);
    assert!(matches!(column.compression(), Compression::ZSTD(_)) && column.column_type() == Type::INT64);
    let mut changes = reader.changes().1.filter(|change| change.vector.is_some());
    let mut rows = 0;
    for batch in builder.build().expect("a reader") {
        let batch = batch.expect("readable");
        for row in 0..batch.num_rows() {
            compare(&batch, row, &changes.next().expect("as many rows"));
            rows += 1;
        }
    }
    assert_eq!(rows, 4_999);
    let mut again = Vec::new();
    write_to(&reader, TABLE, &mut again).expect("written");
    assert!(std::fs::read(path).expect("readable") == again, "not the same bytes");
}

/// A disk that is full.
struct Full;

impl io::Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let short = FeatureTable { version: 3, features: &synthetic::FEATURES[..29] };
    let error = write_to(&view(20, |_| {}), short, Vec::new()).expect_err("another table");
    assert!(matches!(error, ExportError::Length { found: 30, wanted: 29, .. }), "{error}");
    let error = write_to(&view(1, |_| {}), TABLE, Full).expect_err("the disk is full");
    assert!(matches!(error, ExportError::Encode(_)), "{error}");
}
