//! Remembers what the log held, as a checksum over all records of each partition up to the last that was read.
//!
//! A shared log can lose records that were read and take others in their place: an election of a replica that lags behind,
//! a disk of earlier that is brought back, compaction. Offsets and the topic's id stay the same then, so only the records
//! tell. Every start reads the log from its beginning and meets the noted records again.

use super::ClockError;
use crate::log::write_whole;
use crate::plain_file;
use crate::source::Record;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const FILE: &str = "log-checksums.json";

/// A record, and the checksum of its partition up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Anchor {
    offset: u64,
    checksum: u32,
}

/// The file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    format: u32,
    source: String,
    /// By partition; `null` where nothing was read yet.
    partitions: Vec<Option<Anchor>>,
}

/// What was read in this run, and what earlier ones noted.
#[derive(Debug)]
pub(super) struct Anchors {
    path: PathBuf,
    source: String,
    read: Vec<Option<Anchor>>,
    /// Noted anchors that were not met again yet.
    noted: Vec<Option<Anchor>>,
    written: Vec<Option<Anchor>>,
}

impl Anchors {
    /// Opens the note of a data folder. One that is missing, of another log or not readable vouches for nothing.
    pub(super) fn open(folder: &Path, source: &str) -> Self {
        let path = folder.join(FILE);
        let note = match plain_file::read(&path, plain_file::TEXT_BYTES_MAX) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            outcome => {
                let read = outcome.map_err(|error| error.to_string());
                let read = read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string()));
                if let Err(reason) = &read {
                    tracing::warn!(path = %path.display(), reason, "the note cannot be read and is made anew");
                }
                read.ok()
            }
        };
        let note = note.filter(|note: &Note| note.format == 1 && note.source == source);
        let noted = note.map(|note| note.partitions).unwrap_or_default();
        Self { path, source: source.to_owned(), read: Vec::new(), written: noted.clone(), noted }
    }

    /// Takes note of the next record of its partition; an error where it is not the one that was read before.
    pub(super) fn take(&mut self, record: &Record) -> Result<(), ClockError> {
        let (partition, offset) = (record.position.partition as usize, record.position.offset);
        if self.read.len() <= partition {
            self.read.resize(partition + 1, None);
        }
        let before = self.read[partition].map_or(0, |anchor| anchor.checksum);
        let anchor = Anchor { offset, checksum: checksum(before, record) };
        if let Some(noted) = self.noted.get(partition).copied().flatten() {
            if offset > noted.offset || (offset == noted.offset && anchor != noted) {
                return Err(self.changed(partition, noted.offset));
            }
            if offset == noted.offset {
                self.noted[partition] = None;
            }
        }
        self.read[partition] = Some(anchor);
        Ok(())
    }

    /// The partition has no more records; an error where there were more before.
    pub(super) fn end(&self, partition: usize) -> Result<(), ClockError> {
        match self.noted.get(partition).copied().flatten() {
            Some(noted) => Err(self.changed(partition, noted.offset)),
            None => Ok(()),
        }
    }

    fn changed(&self, partition: usize, offset: u64) -> ClockError {
        let reason = format!(
            "partition {partition} of {} no longer holds the records that were read up to offset {offset}: the cluster lost \
             some, by electing a replica that lagged behind, by a disk of earlier or by compaction, and may hold others in \
             their place. Answers that were given rest on records that are gone. To start over with what is there, name \
             another, empty data folder",
            self.source
        );
        ClockError::Mismatch { path: self.path.clone(), reason }
    }

    /// Writes down what was read. Only a start that finds the note later is the safer for it, so a failure is only said.
    pub(super) fn write(&mut self) {
        let partitions: Vec<Option<Anchor>> = (0..self.read.len().max(self.noted.len()))
            .map(|partition| {
                let noted = self.noted.get(partition).copied().flatten();
                noted.or_else(|| self.read.get(partition).copied().flatten())
            })
            .collect();
        if partitions == self.written {
            return;
        }
        let note = Note { format: 1, source: self.source.clone(), partitions };
        match write_whole(&self.path, &serde_json::to_vec(&note).expect("numbers are written as JSON")) {
            Ok(()) => self.written = note.partitions,
            Err(error) => tracing::warn!(%error, "what was read of the log could not be noted"),
        }
    }
}

/// The checksum of a partition up to this record: of everything that an answer can depend on.
fn checksum(before: u32, record: &Record) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(before);
    hasher.update(&record.position.offset.to_le_bytes());
    hasher.update(&record.append_time.to_le_bytes());
    hasher.update(&[u8::from(record.control)]);
    hasher.update(&(record.key.len() as u64).to_le_bytes());
    hasher.update(&record.key);
    hasher.update(&record.payload);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftline_schema::Position;

    fn record(partition: u32, offset: u64, payload: &str) -> Record {
        Record {
            position: Position { partition, offset },
            key: b"key".to_vec(),
            append_time: 7,
            control: false,
            payload: payload.as_bytes().to_vec(),
            envelope: None,
        }
    }

    /// Notes two partitions whose offsets have gaps, as transactions leave them.
    fn noted(folder: &Path) -> Vec<Record> {
        let records = [(0, 0, "a"), (1, 4, "b"), (0, 2, "c"), (0, 3, "d")].map(|(p, o, text)| record(p, o, text));
        let mut anchors = Anchors::open(folder, "kafka:t");
        records.iter().for_each(|record| anchors.take(record).expect("nothing is noted"));
        anchors.write();
        records.to_vec()
    }

    fn read(folder: &Path, records: &[Record]) -> Result<Anchors, ClockError> {
        let mut anchors = Anchors::open(folder, "kafka:t");
        records.iter().try_for_each(|record| anchors.take(record))?;
        [0, 1].into_iter().try_for_each(|partition| anchors.end(partition))?;
        Ok(anchors)
    }

    #[test]
    fn the_same_records_and_more_are_accepted() {
        let folder = crate::log::scratch();
        let mut records = noted(folder.path());
        read(folder.path(), &records).expect("the same");
        records.push(record(0, 9, "e"));
        records.push(record(2, 0, "f"));
        let mut anchors = read(folder.path(), &records).expect("more");
        anchors.write();
        assert!(read(folder.path(), &records[..4]).is_err(), "now they are noted as well");
        read(folder.path(), &records).expect("the same");
    }

    #[test]
    fn other_records_fewer_and_compacted_ones_are_refused() {
        let folder = crate::log::scratch();
        let records = noted(folder.path());
        for change in 0..4 {
            let mut changed = records.clone();
            match change {
                0 => changed[0].payload = b"x".to_vec(),
                1 => changed[2].append_time += 1,
                // Compaction keeps the newest record of a key.
                2 => drop(changed.drain(..3)),
                _ => drop(changed.pop()),
            }
            let said = read(folder.path(), &changed).expect_err("is refused").to_string();
            assert!(said.contains("no longer holds the records") && said.contains("empty data folder"), "{said}");
        }
        // Neither a run that ended early nor a note that cannot be read makes later ones blind or fail.
        let mut early = Anchors::open(folder.path(), "kafka:t");
        early.take(&records[0]).expect("the same");
        early.write();
        assert!(read(folder.path(), &records[..3]).is_err());
        assert!(Anchors::open(folder.path(), "kafka:other").noted.is_empty());
        std::fs::write(folder.path().join(FILE), b"{").expect("writes");
        read(folder.path(), &records[..1]).expect("vouches for nothing");
    }
}
