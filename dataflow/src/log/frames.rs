//! Reads the records of one segment in order, with large reads and every checksum verified.
//!
//! Never reads past the byte it is told: what lies behind it may be half written.

use super::error::LogError;
use super::frame::{self, HEADER_BYTES, Header};
use crate::plain_file;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Size of one read. Larger ones no longer gain speed; this much memory is held for each partition.
const CHUNK_BYTES: usize = 256 << 10;

/// One record, borrowed from the buffer.
pub(super) struct Frame<'a> {
    pub header: Header,
    pub key: &'a [u8],
    pub payload: &'a [u8],
}

/// A place in a segment file.
pub(super) struct Frames {
    file: File,
    path: PathBuf,
    /// Byte of the next record.
    at: u64,
    /// `buffer[used..]` are the bytes from `at` on.
    buffer: Vec<u8>,
    used: usize,
}

impl Frames {
    /// From the first record of the segment on.
    pub(super) fn open(path: &Path) -> Result<Self, LogError> {
        let file = plain_file::open(path).map_err(|source| LogError::io("open", path, source))?;
        Ok(Self { file, path: path.to_owned(), at: 0, buffer: Vec::new(), used: 0 })
    }

    /// The byte the next record begins at.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The file read.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file's size now.
    pub(super) fn file_bytes(&self) -> Result<u64, LogError> {
        self.file.metadata().map(|data| data.len()).map_err(|source| LogError::io("read", &self.path, source))
    }

    /// The next record before byte `end`, or `None` exactly at `end`.
    pub(super) fn next(&mut self, end: u64) -> Result<Option<Frame<'_>>, LogError> {
        if self.at >= end {
            return Ok(None);
        }
        self.fill(HEADER_BYTES, end)?;
        let header = frame::decode_header(&self.buffer[self.used..]).map_err(|reason| self.damaged(reason))?;
        let bytes = header.record_bytes();
        self.fill(bytes, end)?;
        if !frame::is_whole(&self.buffer[self.used..self.used + bytes]) {
            return Err(self.damaged("its checksum is wrong"));
        }
        let body = self.used + HEADER_BYTES;
        let key_end = body + header.key_bytes as usize;
        self.used += bytes;
        self.at += bytes as u64;
        Ok(Some(Frame { header, key: &self.buffer[body..key_end], payload: &self.buffer[key_end..self.used] }))
    }

    /// All bytes from `start` to `end`, whatever they are.
    pub(super) fn rest(&self, start: u64, end: u64) -> Result<Vec<u8>, LogError> {
        let mut bytes = vec![0; (end - start) as usize];
        let read = self.file.read_exact_at(&mut bytes, start);
        read.map(|()| bytes).map_err(|source| LogError::io("read", &self.path, source))
    }

    /// A damage report about the record at the current place.
    pub(super) fn damaged(&self, reason: impl Into<String>) -> LogError {
        LogError::damaged(&self.path, self.at, reason)
    }

    /// Makes the buffer hold `wanted` bytes from the current place, none of them at or past `end`.
    fn fill(&mut self, wanted: usize, end: u64) -> Result<(), LogError> {
        let held = self.buffer.len() - self.used;
        if held >= wanted {
            return Ok(());
        }
        if self.at + wanted as u64 > end {
            return Err(self.damaged("it runs past the end"));
        }
        let mut fresh = std::mem::take(&mut self.buffer);
        fresh.drain(..self.used);
        self.used = 0;
        if fresh.capacity() > 4 * CHUNK_BYTES && wanted <= CHUNK_BYTES {
            fresh.shrink_to(CHUNK_BYTES);
        }
        let length = wanted.max(CHUNK_BYTES).min((end - self.at) as usize);
        fresh.resize(length, 0);
        let result = self.file.read_exact_at(&mut fresh[held..], self.at + held as u64);
        self.buffer = fresh;
        result.map_err(|source| LogError::io("read", &self.path, source))
    }
}
