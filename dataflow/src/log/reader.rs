//! Reads one partition in order, from disk.
//!
//! Sees durable records only, and holds none of them: a record that is read again is read from the file again.

use super::error::LogError;
use super::frames::Frames;
use super::home::Home;
use super::partition::{Durable, DurableEnd};
use super::segment::{segment_path, segments};
use crate::source::Record;
use driftline_schema::Position;
use std::path::PathBuf;
use std::sync::Arc;

/// A place in a partition of the embedded log.
pub struct PartitionReader {
    dir: PathBuf,
    home: Home,
    end: Arc<DurableEnd>,
    /// The durable end when it was last asked for.
    known: Durable,
    base: u64,
    frames: Frames,
    next: u64,
}

impl PartitionReader {
    /// Reads on from `offset`, which must be at most the durable end.
    pub(super) fn open(dir: PathBuf, home: Home, end: Arc<DurableEnd>, offset: u64) -> Result<Self, LogError> {
        let known = end.get();
        if offset > known.next_offset {
            return Err(LogError::NoSuchOffset { path: dir, end: known.next_offset, wanted: offset });
        }
        let base = segments(&dir)?.into_iter().take_while(|&base| base <= offset).last();
        let Some(base) = base else {
            return Err(LogError::damaged(&segment_path(&dir, 0), 0, "the first segment is missing"));
        };
        let frames = Frames::open(&segment_path(&dir, base))?;
        let mut reader = Self { dir, home, end, known, base, frames, next: base };
        while reader.next < offset {
            reader.advance()?;
        }
        Ok(reader)
    }

    /// The next durable record, if there is one yet.
    pub fn read(&mut self) -> Result<Option<Record>, LogError> {
        if self.next >= self.known.next_offset {
            self.known = self.end.get();
            if self.next >= self.known.next_offset {
                return Ok(None);
            }
        }
        self.advance().map(Some)
    }

    /// Reads the record at `next`, which is known to be durable.
    fn advance(&mut self) -> Result<Record, LogError> {
        let is_last = self.base == self.known.base;
        let end = if is_last { self.known.bytes } else { self.frames.file_bytes()? };
        if self.frames.at() >= end {
            if is_last || self.next == self.base {
                return Err(self.frames.damaged(format!("offset {} is missing", self.next)));
            }
            self.base = self.next;
            let path = segment_path(&self.dir, self.base);
            if !path.exists() {
                return Err(LogError::damaged(&path, 0, "the segment is missing"));
            }
            self.frames = Frames::open(&path)?;
            return self.advance();
        }
        let at = self.frames.at();
        let frame = self.frames.next(end)?.expect("the end was looked at above");
        if frame.header.offset != self.next {
            let reason = format!("offset {} stands where {} belongs", frame.header.offset, self.next);
            return Err(LogError::damaged(&segment_path(&self.dir, self.base), at, reason));
        }
        if let Some(fault) = self.home.fault(&frame.header, frame.key) {
            return Err(LogError::damaged(&segment_path(&self.dir, self.base), at, fault));
        }
        let record = Record {
            position: Position { partition: self.home.partition, offset: self.next },
            key: frame.key.to_vec(),
            append_time: frame.header.append_time_ms.div_euclid(1000),
            control: frame.header.control,
            payload: frame.payload.to_vec(),
            envelope: None,
        };
        self.next += 1;
        Ok(record)
    }
}
