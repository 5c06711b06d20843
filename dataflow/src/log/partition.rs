//! Writes one partition: appends to a buffer, syncs, begins a new segment when one is full.
//!
//! Readers see a record only once a sync has made it durable, so nothing can rest on a record that a crash takes back.

use super::dir::sync_dir;
use super::error::LogError;
use super::frame::{self, Header};
use super::home::Home;
use super::segment::{Tail, recover, segment_path};
use parking_lot::Mutex;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Buffered bytes from which an append also writes to the file. Larger writes no longer gain speed.
const BUFFER_BYTES: usize = 1 << 20;

/// Up to where a partition is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Durable {
    /// First offset that is not durable.
    pub next_offset: u64,
    /// The segment this lies in.
    pub base: u64,
    /// The byte in that segment.
    pub bytes: u64,
}

/// The durable end, shared with the readers.
#[derive(Debug)]
pub(super) struct DurableEnd(Mutex<Durable>);

impl DurableEnd {
    pub(super) fn new(durable: Durable) -> Self {
        Self(Mutex::new(durable))
    }
    pub(super) fn get(&self) -> Durable {
        *self.0.lock()
    }
}

/// One record to append.
pub(super) struct Append<'a> {
    pub key: &'a [u8],
    pub payload: &'a [u8],
    pub control: bool,
    pub append_time_ms: i64,
}

/// The writing end of a partition.
pub(super) struct PartitionWriter {
    dir: PathBuf,
    file: File,
    /// Bytes of the current segment that were handed to the operating system.
    written: u64,
    /// Records after them.
    buffer: Vec<u8>,
    next: Tail,
    durable: Arc<DurableEnd>,
    durable_bytes: u64,
    segment_bytes_max: u64,
    halted: bool,
}

impl PartitionWriter {
    /// Opens the partition in `dir` at its end, creating it where needed. The caller makes the name of `dir` durable.
    /// Records before `floor` are known to have been durable.
    pub(super) fn open(dir: &Path, home: Home, segment_bytes_max: u64, floor: u64) -> Result<Self, LogError> {
        let next = recover(dir, home, floor)?.unwrap_or(Tail { base: 0, bytes: 0, next_offset: 0, controls: 0 });
        std::fs::create_dir_all(dir).map_err(|source| LogError::io("create", dir, source))?;
        let file = open_segment(dir, next.base)?;
        // What survived a crash may still be in the operating system's memory alone; readers may see it from now on.
        if next.bytes > 0 {
            file.sync_all().map_err(|source| LogError::io("sync", &segment_path(dir, next.base), source))?;
        }
        let durable = Durable { next_offset: next.next_offset, base: next.base, bytes: next.bytes };
        Ok(Self {
            dir: dir.to_owned(),
            file,
            written: next.bytes,
            buffer: Vec::new(),
            next,
            durable: Arc::new(DurableEnd(Mutex::new(durable))),
            durable_bytes: next.bytes,
            segment_bytes_max,
            halted: false,
        })
    }

    /// Where the partition's files are.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Control records appended so far.
    pub(super) fn controls(&self) -> u64 {
        self.next.controls
    }

    /// The durable end, for readers.
    pub(super) fn durable(&self) -> &Arc<DurableEnd> {
        &self.durable
    }

    /// Whether there is something to sync.
    pub(super) fn is_dirty(&self) -> bool {
        self.next.next_offset != self.durable.get().next_offset
    }

    /// Makes room for a record by writing out a full buffer or beginning a new segment. After an error nothing was
    /// appended and the call may be repeated, unless the partition is halted.
    pub(super) fn make_room(&mut self) -> Result<(), LogError> {
        if self.next.bytes >= self.segment_bytes_max {
            self.roll()?;
        }
        if self.buffer.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    /// Appends a record whose size was found to fit; it is durable after the next [`Self::sync`].
    pub(super) fn append(&mut self, record: &Append<'_>) -> u64 {
        let offset = self.next.next_offset;
        let header = Header {
            offset,
            append_time_ms: record.append_time_ms,
            controls: self.next.controls + u64::from(record.control),
            durable: u32::try_from(self.durable_bytes).expect("a segment is smaller than 4 GiB"),
            control: record.control,
            key_bytes: record.key.len() as u16,
            payload_bytes: record.payload.len() as u32,
        };
        frame::encode(&header, record.key, record.payload, &mut self.buffer);
        self.next.bytes += header.record_bytes() as u64;
        self.next.next_offset += 1;
        self.next.controls = header.controls;
        offset
    }

    /// Makes everything appended so far durable and visible to readers.
    pub(super) fn sync(&mut self) -> Result<(), LogError> {
        self.sync_file()?;
        *self.durable.0.lock() =
            Durable { next_offset: self.next.next_offset, base: self.next.base, bytes: self.next.bytes };
        Ok(())
    }

    /// Writes the buffer. At a fixed place, so that a write that failed half-way is simply repeated over.
    fn flush(&mut self) -> Result<(), LogError> {
        self.check()?;
        self.file.write_all_at(&self.buffer, self.written).map_err(|source| self.fail("write", source))?;
        self.written += self.buffer.len() as u64;
        if self.buffer.capacity() > 4 * BUFFER_BYTES {
            self.buffer = Vec::new();
        }
        self.buffer.clear();
        Ok(())
    }

    fn sync_file(&mut self) -> Result<(), LogError> {
        self.flush()?;
        if self.durable_bytes < self.written {
            if let Err(source) = self.file.sync_data() {
                // The kernel may have dropped the pages that it could not write, so a second sync would prove nothing.
                self.halted = true;
                return Err(self.fail("sync", source));
            }
            self.durable_bytes = self.written;
        }
        Ok(())
    }

    /// Seals the current segment and begins the next.
    fn roll(&mut self) -> Result<(), LogError> {
        self.sync_file()?;
        let base = self.next.next_offset;
        self.file = open_segment(&self.dir, base)?;
        self.next = Tail { base, bytes: 0, ..self.next };
        self.written = 0;
        self.durable_bytes = 0;
        Ok(())
    }

    fn check(&self) -> Result<(), LogError> {
        if self.halted {
            return Err(LogError::Halted { path: segment_path(&self.dir, self.next.base) });
        }
        Ok(())
    }

    fn fail(&self, action: &'static str, source: std::io::Error) -> LogError {
        LogError::io(action, &segment_path(&self.dir, self.next.base), source)
    }
}

fn open_segment(dir: &Path, base: u64) -> Result<File, LogError> {
    let path = segment_path(dir, base);
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(|source| LogError::io("open", &path, source))?;
    sync_dir(dir)?;
    Ok(file)
}
