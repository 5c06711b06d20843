//! The bindings on disk: time `t` covers the log up to the vector `V(t)`.
//!
//! Append-only, one row for each time from 1 on, synced row by row, so a crash leaves at most one row half written, which
//! is cut off. A row holds only what moved since the row before. Answers never depend on this file, only what is published
//! together does: when it is lost, the log is bound anew.

use super::ClockError;
use crate::log::write_whole;
use crate::plain_file;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Partitions a row can hold: each takes at most 13 bytes.
const PARTITIONS_MAX: usize = 5_000;

/// Checksum (4 bytes) and length (2) of a row.
const ROW_HEADER_BYTES: usize = 6;

/// First line of the file: what the bindings are about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    /// Name of the source.
    source: String,
    /// `V(0)`: where the log began when it was first bound.
    start: Vec<u64>,
}

/// A time and the next offset of each partition after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binding {
    pub time: u64,
    pub vector: Vec<u64>,
}

/// The file, open at its end.
pub(super) struct Bindings {
    path: PathBuf,
    file: File,
    bytes: u64,
    start: Vec<u64>,
    last: Binding,
}

impl Bindings {
    /// Opens the bindings of this source, creating them where needed, after cutting off a half-written row.
    pub(super) fn open(path: &Path, source: &str, begin: &[u64]) -> Result<Self, ClockError> {
        if !path.exists() {
            let header = Header { format: 1, source: source.to_owned(), start: begin.to_vec() };
            let mut line = serde_json::to_vec(&header).expect("a name and numbers are written as JSON");
            line.push(b'\n');
            write_whole(path, &line).map_err(ClockError::Data)?;
        }
        let io = |error| ClockError::bindings(path, error);
        plain_file::open(path).map_err(io)?;
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(io)?;
        let file_bytes = file.metadata().map_err(io)?.len();
        let mut rows = Rows::open(path)?;
        let header = rows.header()?;
        check(path, &header, source, begin)?;
        let mut last = Binding { time: 0, vector: header.start.clone() };
        let mut bytes = rows.bytes;
        while let Some(binding) = rows.next(&last)? {
            (last, bytes) = (binding, rows.bytes);
        }
        if bytes < file_bytes {
            cut(path, &file, bytes..file_bytes, &last)?;
        }
        Ok(Self { path: path.to_owned(), file, bytes, start: header.start, last })
    }

    /// `V(0)`.
    pub(super) fn start(&self) -> &[u64] {
        &self.start
    }

    /// The newest binding; time 0 when there is none.
    pub(super) fn last(&self) -> &Binding {
        &self.last
    }

    /// Reads the bindings from time 1 on.
    pub(super) fn replay(&self) -> Result<Replay, ClockError> {
        let mut rows = Rows::open(&self.path)?;
        let start = rows.header()?.start;
        Ok(Replay { rows, at: Binding { time: 0, vector: start }, end: self.last.time })
    }

    /// Binds the next time to `vector`; durable on return.
    pub(super) fn append(&mut self, vector: &[u64]) -> Result<u64, ClockError> {
        let time = self.last.time + 1;
        let row = encode(time, &self.last.vector, vector);
        // At a fixed place, so that a write that failed half-way is overwritten by the next attempt.
        let written = self.file.write_all_at(&row, self.bytes).and_then(|()| self.file.sync_data());
        written.map_err(|error| ClockError::bindings(&self.path, error))?;
        self.bytes += row.len() as u64;
        self.last = Binding { time, vector: vector.to_vec() };
        Ok(time)
    }
}

/// The log that the bindings in this file are of, if they can be read: `embedded:TOPIC` or `kafka:TOPIC`.
pub(crate) fn bound_log(path: &Path) -> Option<String> {
    Some(Rows::open(path).ok()?.header().ok()?.source)
}

/// Up to where the bindings in this file cover the log called `source`; `None` where there are none of it.
pub(crate) fn bound_until(path: &Path, source: &str) -> Result<Option<Vec<u64>>, ClockError> {
    if !path.exists() {
        return Ok(None);
    }
    let mut rows = Rows::open(path)?;
    let header = rows.header()?;
    if header.source != source {
        return Ok(None);
    }
    let mut last = Binding { time: 0, vector: header.start };
    while let Some(binding) = rows.next(&last)? {
        last = binding;
    }
    Ok(Some(last.vector))
}

/// Reads the bindings one by one; they may be many.
pub(super) struct Replay {
    rows: Rows,
    at: Binding,
    end: u64,
}

impl Replay {
    /// The next binding that was there when the file was opened.
    pub(super) fn next(&mut self) -> Result<Option<Binding>, ClockError> {
        if self.at.time == self.end {
            return Ok(None);
        }
        let next = self.rows.next(&self.at)?.ok_or_else(|| self.rows.damaged("it ended before"))?;
        self.at = next.clone();
        Ok(Some(next))
    }
}

fn check(path: &Path, header: &Header, source: &str, begin: &[u64]) -> Result<(), ClockError> {
    let mismatch = |reason: String| ClockError::Mismatch { path: path.to_owned(), reason };
    if header.format != 1 {
        return Err(mismatch(format!("it has format {}, this build reads 1", header.format)));
    }
    if header.source != source {
        return Err(mismatch(format!("it belongs to {}, not {source}", header.source)));
    }
    if header.start.len() > begin.len() {
        return Err(mismatch(format!("it is for {} partitions, the log has {}", header.start.len(), begin.len())));
    }
    for (partition, (&bound, &held)) in header.start.iter().zip(begin).enumerate() {
        if held > bound {
            return Err(mismatch(format!(
                "partition {partition} was bound from offset {bound}, the log holds it from {held} only: records were \
                 removed (by retention?). Another, empty data folder begins with what is left"
            )));
        }
    }
    Ok(())
}

/// Removes a half-written row. Rows are synced one by one, so a whole row behind a bad one means damage.
fn cut(path: &Path, file: &File, bad: std::ops::Range<u64>, last: &Binding) -> Result<(), ClockError> {
    let io = |error| ClockError::bindings(path, error);
    let mut rest = vec![0; (bad.end - bad.start) as usize];
    file.read_exact_at(&mut rest, bad.start).map_err(io)?;
    if holds_a_row(&rest, last.time) {
        let reason = "a row is damaged, though later ones are whole".to_owned();
        return Err(ClockError::Damaged { path: path.to_owned(), byte: bad.start, reason });
    }
    tracing::warn!(file = %path.display(), byte = bad.start, bytes = rest.len(), "cut off a half-written binding");
    file.set_len(bad.start).and_then(|()| file.sync_all()).map_err(io)
}

/// Whether whole rows stand somewhere in the bytes behind the row of time `last`.
fn holds_a_row(rest: &[u8], last: u64) -> bool {
    let most = last + 2 + (rest.len() / ROW_HEADER_BYTES) as u64;
    let is_row = |at: usize, time: u64| {
        rest.get(at..).and_then(|bytes| row_body(bytes, time)).is_some_and(|body| !body.is_empty())
    };
    (1..rest.len()).any(|at| (last + 2..most).any(|time| is_row(at, time)))
}

/// What is wrong with the bindings of this source, if there are any; nothing is changed. Where it is known, `begin` is the
/// first offset that the source still has of each partition.
pub(crate) fn inspect_bindings(path: &Path, source: &str, begin: Option<&[u64]>) -> Result<(), ClockError> {
    if !path.exists() {
        return Ok(());
    }
    let io = |error| ClockError::bindings(path, error);
    let mut bytes = Vec::new();
    plain_file::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(io)?;
    let mut rows = Rows::open(path)?;
    let header = rows.header()?;
    check(path, &header, source, begin.unwrap_or(&header.start))?;
    let mut last = Binding { time: 0, vector: header.start };
    while let Some(binding) = rows.next(&last)? {
        last = binding;
    }
    if holds_a_row(&bytes[rows.bytes as usize..], last.time) {
        return Err(rows.damaged("a row is damaged, though later ones are whole"));
    }
    Ok(())
}

/// A row: the partitions that moved, each as its distance from the one before and how far it moved.
fn encode(time: u64, before: &[u64], after: &[u64]) -> Vec<u8> {
    let mut row = vec![0; ROW_HEADER_BYTES];
    let mut expected = 0;
    for (partition, &to) in after.iter().enumerate() {
        // A partition that was opened at this time begins at 0.
        let from = before.get(partition).copied().unwrap_or(0);
        if to != from {
            push_varint(&mut row, (partition - expected) as u64);
            push_varint(&mut row, to - from);
            expected = partition + 1;
        }
    }
    let length = u16::try_from(row.len() - ROW_HEADER_BYTES).expect("5,000 partitions fit in a row");
    row[4..6].copy_from_slice(&length.to_le_bytes());
    let checksum = checksum(time, &row[4..]);
    row[..4].copy_from_slice(&checksum.to_le_bytes());
    row
}

/// The time is not in the row but in its checksum: a row in the wrong place is no row.
fn checksum(time: u64, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&time.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

/// The body of the row that begins here, if one of this time does.
fn row_body(bytes: &[u8], time: u64) -> Option<&[u8]> {
    let (header, rest) = bytes.split_at_checked(ROW_HEADER_BYTES)?;
    let length = u16::from_le_bytes([header[4], header[5]]) as usize;
    let body = rest.get(..length)?;
    (checksum(time, &bytes[4..ROW_HEADER_BYTES + length]).to_le_bytes() == header[..4]).then_some(body)
}

fn apply(mut body: &[u8], before: &[u64]) -> Option<Vec<u64>> {
    let mut vector = before.to_vec();
    let mut partition = 0;
    while !body.is_empty() {
        partition += take_varint(&mut body)? as usize;
        let moved = take_varint(&mut body)?;
        if partition >= vector.len() && partition < PARTITIONS_MAX {
            vector.resize(partition + 1, 0);
        }
        let offset = vector.get_mut(partition)?;
        *offset = offset.checked_add(moved)?;
        partition += 1;
    }
    Some(vector)
}

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Reads the file from its beginning.
struct Rows {
    path: PathBuf,
    input: BufReader<File>,
    /// Bytes of header and whole rows read so far.
    bytes: u64,
}

impl Rows {
    fn open(path: &Path) -> Result<Self, ClockError> {
        let file = plain_file::open(path).map_err(|error| ClockError::bindings(path, error))?;
        Ok(Self { path: path.to_owned(), input: BufReader::with_capacity(64 << 10, file), bytes: 0 })
    }

    fn damaged(&self, reason: impl ToString) -> ClockError {
        ClockError::Damaged { path: self.path.clone(), byte: self.bytes, reason: reason.to_string() }
    }

    fn header(&mut self) -> Result<Header, ClockError> {
        let mut line = Vec::new();
        // A bound on the line, so that a file of something else is not read whole.
        let read = std::io::BufRead::read_until(&mut (&mut self.input).take(1 << 20), b'\n', &mut line);
        read.map_err(|error| ClockError::bindings(&self.path, error))?;
        self.bytes = line.len() as u64;
        serde_json::from_slice(&line).map_err(|error| ClockError::Damaged {
            path: self.path.clone(),
            byte: 0,
            reason: error.to_string(),
        })
    }

    /// The row after `before`; `None` where the file ends or holds no whole row.
    fn next(&mut self, before: &Binding) -> Result<Option<Binding>, ClockError> {
        let time = before.time + 1;
        let mut row = vec![0; ROW_HEADER_BYTES];
        if !self.read(&mut row)? {
            return Ok(None);
        }
        let length = u16::from_le_bytes([row[4], row[5]]) as usize;
        row.resize(ROW_HEADER_BYTES + length, 0);
        if !self.read(&mut row[ROW_HEADER_BYTES..])? {
            return Ok(None);
        }
        let Some(body) = row_body(&row, time) else { return Ok(None) };
        let vector = apply(body, &before.vector).ok_or_else(|| self.damaged("a row names no partition"))?;
        self.bytes += row.len() as u64;
        Ok(Some(Binding { time, vector }))
    }

    /// Fills `bytes`; false when the file ends before.
    fn read(&mut self, bytes: &mut [u8]) -> Result<bool, ClockError> {
        match self.input.read_exact(bytes) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(ClockError::bindings(&self.path, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bindings: &Bindings) -> Vec<Binding> {
        let mut replay = bindings.replay().expect("opens");
        std::iter::from_fn(|| replay.next().expect("reads")).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn a_file_cut_at_any_byte_loses_only_the_row_it_cuts(
            moves in proptest::collection::vec(proptest::collection::vec(0..300u64, 3), 1..8),
        ) {
            let dir = crate::log::scratch();
            let path = dir.path().join("bindings");
            let mut vector = vec![5, 0, 7];
            let mut bindings = Bindings::open(&path, "log", &vector).expect("opens");
            let mut ends = vec![bindings.bytes];
            for step in &moves {
                vector.iter_mut().zip(step).for_each(|(offset, moved)| *offset += moved);
                bindings.append(&vector).expect("appends");
                ends.push(bindings.bytes);
            }
            let whole = read(&bindings);
            prop_assert_eq!(&whole.last().expect("one at least").vector, &vector);
            let bytes = std::fs::read(&path).expect("reads");
            for length in ends[0] as usize..=bytes.len() {
                for garbage in [&b""[..], &[0; 9]] {
                    std::fs::write(&path, [&bytes[..length], garbage].concat()).expect("writes");
                    let mut bindings = Bindings::open(&path, "log", &[5, 0, 7]).expect("opens");
                    let kept = ends.iter().filter(|&&end| end as usize <= length).count() - 1;
                    prop_assert_eq!(&read(&bindings), &whole[..kept]);
                    prop_assert_eq!(bindings.append(&[10_000; 3]).expect("appends"), kept as u64 + 1);
                    let again = Bindings::open(&path, "log", &[5, 0, 7]).expect("opens");
                    prop_assert_eq!(&again.last().vector, &vec![10_000; 3]);
                }
            }
        }
    }

    #[test]
    fn damage_before_whole_rows_is_named() {
        let dir = crate::log::scratch();
        let path = dir.path().join("bindings");
        let mut bindings = Bindings::open(&path, "log", &[0]).expect("opens");
        let first = bindings.bytes;
        for offset in 1..4 {
            bindings.append(&[offset]).expect("appends");
        }
        let mut bytes = std::fs::read(&path).expect("reads");
        bytes[first as usize + ROW_HEADER_BYTES] ^= 1;
        std::fs::write(&path, bytes).expect("writes");
        match Bindings::open(&path, "log", &[0]) {
            Err(ClockError::Damaged { byte, .. }) => assert_eq!(byte, first),
            other => panic!("{:?}", other.err()),
        }
    }

    #[test]
    fn bindings_of_another_log_are_refused() {
        let dir = crate::log::scratch();
        let path = dir.path().join("bindings");
        Bindings::open(&path, "log", &[0, 3]).expect("opens");
        for (source, begin) in [("other", vec![0, 3]), ("log", vec![0]), ("log", vec![0, 4])] {
            let refused = Bindings::open(&path, source, &begin);
            assert!(matches!(refused, Err(ClockError::Mismatch { .. })), "{source} {begin:?}");
        }
    }

    #[test]
    fn vectors_grow_with_the_partitions_of_the_log() {
        let dir = crate::log::scratch();
        let path = dir.path().join("bindings");
        let mut bindings = Bindings::open(&path, "log", &[5]).expect("opens");
        for vector in [vec![6], vec![7, 0, 0], vec![7, 0, 4], vec![8, 1, 4]] {
            bindings.append(&vector).expect("appends");
        }
        let bindings = Bindings::open(&path, "log", &[5, 0, 0, 0]).expect("the log has grown once more");
        let vectors: Vec<Vec<u64>> = read(&bindings).into_iter().map(|binding| binding.vector).collect();
        // A partition is in the vector from the time on at which something stands in it.
        assert_eq!(vectors, [vec![6], vec![7], vec![7, 0, 4], vec![8, 1, 4]]);
        assert_eq!(bindings.start(), [5]);
    }
}
