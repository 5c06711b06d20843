//! Writes a damaged file anew.
//!
//! The new file is written beside the old one and takes its name when it is durable, so a crash leaves the one or the
//! other. By then the bytes that are not in the new file are durable under names of their own.

use super::super::error::LogError;
use super::super::frame::{self, HEADER_BYTES, Header};
use super::super::home::Home;
use super::scan::{Kept, Scan};
use super::{Copies, Damage, SEGMENT_BYTES_MAX, STAND_IN};
use crate::plain_file::{self, Replacement};
use std::io::{self, BufWriter, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// Mends all damage of one file.
pub(super) fn rebuild(damages: &mut [Damage], partitions: u32, copies: &Copies) -> Result<(), LogError> {
    let Some(first) = damages.first() else { return Ok(()) };
    let (path, segment) = (first.file.clone(), first.segment.clone());
    let bytes = read(&path)?;
    for damage in damages.iter_mut().filter(|damage| damage.byte < damage.end) {
        damage.aside = Some(move_aside(&path, damage.byte, &bytes[damage.byte as usize..damage.end as usize])?);
    }
    let scan = Scan::of(&bytes, Home { partition: segment.partition, partitions }, &segment.expected);
    write(&path, &bytes, &scan, damages, copies).map_err(|source| LogError::io("write", &path, source))
}

/// A file that is missing holds nothing.
fn read(path: &Path) -> Result<Vec<u8>, LogError> {
    match plain_file::read(path, SEGMENT_BYTES_MAX) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        outcome => outcome.map_err(|source| LogError::io("read", path, source)),
    }
}

/// Writes damaged bytes to a file of their own. What an earlier repair left there stays, unless it is the same.
fn move_aside(path: &Path, byte: u64, bytes: &[u8]) -> Result<PathBuf, LogError> {
    let base = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("segment");
    let name = |number: u32| match number {
        1 => format!("damaged-{base}-{byte}.bytes"),
        _ => format!("damaged-{base}-{byte}-{number}.bytes"),
    };
    let is_same = |aside: &Path| plain_file::read(aside, SEGMENT_BYTES_MAX).is_ok_and(|held| held == bytes);
    let mut places = (1..).map(|number| path.with_file_name(name(number)));
    let aside = places.find(|aside| aside.symlink_metadata().is_err() || is_same(aside)).expect("numbers do not end");
    super::super::write_whole(&aside, bytes)?;
    Ok(aside)
}

fn write(path: &Path, bytes: &[u8], scan: &Scan, damages: &[Damage], copies: &Copies) -> io::Result<()> {
    remove_unfinished(path)?;
    let mut out = Rebuilt { file: BufWriter::with_capacity(1 << 20, Replacement::begin(path)?), bytes: 0 };
    let mut lost = damages.iter().filter(|damage| damage.records > 0).peekable();
    for kept in &scan.kept {
        while let Some(damage) = lost.next_if(|damage| damage.offset < kept.offset) {
            out.stand_ins(damage, copies)?;
        }
        out.keep(*kept, bytes)?;
    }
    for damage in lost {
        out.stand_ins(damage, copies)?;
    }
    // Half of a record, as a crash leaves it, stays for the next start.
    let records_end = scan.kept.iter().map(|kept| kept.bytes().end).max().unwrap_or(0);
    let noted_end = damages.iter().map(|damage| damage.end as usize).max().unwrap_or(0);
    out.file.write_all(&bytes[records_end.max(noted_end)..])?;
    out.file.into_inner().map_err(io::IntoInnerError::into_error)?.place()
}

/// Removes what a repair that was killed had written of the new file. The folder is ours alone as long as it is locked.
fn remove_unfinished(path: &Path) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(());
    };
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let left = entry.file_name();
        let middle = left.to_str().and_then(|left| left.strip_prefix(name)?.strip_prefix('.')?.strip_suffix(".tmp"));
        let is_unfinished = middle.is_some_and(|process| process.bytes().all(|byte| byte.is_ascii_digit()));
        if is_unfinished && entry.file_type()?.is_file() {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The new file.
struct Rebuilt {
    file: BufWriter<Replacement>,
    /// Bytes written.
    bytes: usize,
}

impl Rebuilt {
    /// A record that keeps its place is copied.
    fn keep(&mut self, kept: Kept, bytes: &[u8]) -> io::Result<()> {
        let record = &bytes[kept.bytes()];
        if kept.bytes().start != self.bytes {
            let header = frame::decode_header(record).expect("the record was found to be whole");
            let (key, payload) = record[HEADER_BYTES..].split_at(usize::from(header.key_bytes));
            return self.record(header, key, payload);
        }
        self.bytes += record.len();
        self.file.write_all(record)
    }

    /// Writes a record. All bytes before it are durable when the file gets its name, and its header says so: should they be
    /// damaged later, they do not pass for what a crash left.
    fn record(&mut self, header: Header, key: &[u8], payload: &[u8]) -> io::Result<()> {
        let durable = u32::try_from(self.bytes).expect("files that grow larger are refused");
        let mut record = Vec::new();
        frame::encode(&Header { durable, ..header }, key, payload, &mut record);
        self.bytes += record.len();
        self.file.write_all(&record)
    }

    /// Placeholders for lost records. Where no partition holds a control record any more, a stand-in keeps its
    /// number, so that those after it keep theirs.
    fn stand_ins(&mut self, damage: &Damage, copies: &Copies) -> io::Result<()> {
        let others = damage.records - damage.control_places;
        for index in 0..damage.records {
            let control = index >= others;
            let controls = damage.controls_before + if control { index - others + 1 } else { 0 };
            let copy = copies.get(&controls).filter(|_| control);
            let (append_time_ms, payload) =
                copy.map_or((damage.append_time_ms, STAND_IN.as_bytes()), |(time, payload)| (*time, payload));
            let header = Header {
                offset: damage.offset + index,
                append_time_ms,
                controls,
                durable: 0,
                control,
                key_bytes: 0,
                payload_bytes: payload.len() as u32,
            };
            self.record(header, b"", payload)?;
        }
        Ok(())
    }
}
