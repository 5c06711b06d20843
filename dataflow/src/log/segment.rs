//! The files of a partition: which there are, and where the last one ends after a crash.
//!
//! A segment is named by the offset of its first record and only the last one may end in the middle of a record,
//! because a segment is synced before the next is created.

use super::error::LogError;
use super::frame::{self, HEADER_BYTES};
use super::frames::Frames;
use super::home::Home;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

/// Digits of a segment's name, so that names sort as offsets do.
const NAME_DIGITS: usize = 20;

/// Where a partition ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    /// First offset of the last segment.
    pub base: u64,
    /// Bytes of whole records in the last segment.
    pub bytes: u64,
    /// Offset the next record gets.
    pub next_offset: u64,
    /// Control records in the partition.
    pub controls: u64,
}

/// The file whose first record has offset `base`.
pub(super) fn segment_path(dir: &Path, base: u64) -> PathBuf {
    dir.join(format!("{base:0NAME_DIGITS$}.log"))
}

/// First offsets of the segments in `dir`, ascending.
pub(super) fn segments(dir: &Path) -> Result<Vec<u64>, LogError> {
    let fail = |source| LogError::io("list", dir, source);
    let mut bases = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name();
        let digits =
            name.to_str().and_then(|name| name.strip_suffix(".log")).filter(|digits| digits.len() == NAME_DIGITS);
        bases.extend(digits.and_then(|digits| digits.parse::<u64>().ok()));
    }
    bases.sort_unstable();
    Ok(bases)
}

/// Finds the end of a partition, cutting off what a crash left half written. `None` when it has no segment yet. Records
/// before `floor` were durable, as something rests on them: where they are missing, that is damage and nothing is cut.
pub(super) fn recover(dir: &Path, home: Home, floor: u64) -> Result<Option<Tail>, LogError> {
    let bases = if dir.exists() { segments(dir)? } else { Vec::new() };
    let Some((&last, earlier)) = bases.split_last() else {
        return if floor == 0 { Ok(None) } else { Err(LogError::damaged(dir, 0, "its segments are missing")) };
    };
    let mut controls = 0;
    if let Some(&sealed) = earlier.last() {
        let tail = scan_sealed(dir, home, sealed)?;
        if tail.next_offset != last {
            let reason = format!("it ends before offset {} but the next segment begins at {last}", tail.next_offset);
            return Err(LogError::damaged(&segment_path(dir, sealed), tail.bytes, reason));
        }
        controls = tail.controls;
    } else if last != 0 {
        let reason = format!("the segments before offset {last} are missing");
        return Err(LogError::damaged(&segment_path(dir, last), 0, reason));
    }
    scan_last(dir, home, Tail { base: last, bytes: 0, next_offset: last, controls }, floor).map(Some)
}

/// Reads records as long as they follow on `tail`, which moves along; returns why it stopped early.
fn follow(frames: &mut Frames, home: Home, end: u64, tail: &mut Tail) -> Result<Option<String>, LogError> {
    let path = frames.path().to_owned();
    loop {
        match frames.next(end) {
            Ok(Some(frame)) => {
                // A whole record is no crash's half-written tail, so nothing is cut for it.
                if let Some(fault) = home.fault(&frame.header, frame.key) {
                    return Err(LogError::damaged(&path, tail.bytes, fault));
                }
                if frame.header.offset != tail.next_offset {
                    let (found, wanted) = (frame.header.offset, tail.next_offset);
                    let fault = format!("offset {found} stands where {wanted} belongs");
                    return Err(LogError::damaged(&path, tail.bytes, fault));
                }
                tail.next_offset += 1;
                tail.controls = frame.header.controls;
                tail.bytes = frames.at();
            }
            Ok(None) => return Ok(None),
            Err(LogError::Damaged { reason, .. }) => return Ok(Some(reason)),
            Err(error) => return Err(error),
        }
    }
}

fn scan_sealed(dir: &Path, home: Home, base: u64) -> Result<Tail, LogError> {
    let mut tail = Tail { base, bytes: 0, next_offset: base, controls: 0 };
    let mut frames = Frames::open(&segment_path(dir, base))?;
    let end = frames.file_bytes()?;
    match follow(&mut frames, home, end, &mut tail)? {
        None => Ok(tail),
        Some(reason) => Err(LogError::damaged(frames.path(), tail.bytes, reason)),
    }
}

fn scan_last(dir: &Path, home: Home, mut tail: Tail, floor: u64) -> Result<Tail, LogError> {
    let mut frames = Frames::open(&segment_path(dir, tail.base))?;
    let end = frames.file_bytes()?;
    let stopped = follow(&mut frames, home, end, &mut tail)?;
    let path = frames.path().to_owned();
    if tail.next_offset < floor {
        let reason = stopped.unwrap_or_else(|| "it ends there".to_owned());
        let reason = format!("{reason}, though records up to offset {floor} were durable");
        return Err(LogError::damaged(&path, tail.bytes, reason));
    }
    let Some(reason) = stopped else { return Ok(tail) };
    let rest = frames.rest(tail.bytes, end)?;
    if let Some(witness) = written_after(&rest, &tail) {
        let reason = format!("{reason}, though it was durable before the record at byte {witness} was written");
        return Err(LogError::damaged(&path, tail.bytes, reason));
    }
    let aside = path.with_file_name(format!("cut-{:020}-{}.bytes", tail.base, tail.bytes));
    super::write_whole(&aside, &rest)?;
    tracing::warn!(
        file = %path.display(),
        byte = tail.bytes,
        bytes = rest.len(),
        reason,
        aside = %aside.display(),
        "cut off a half-written tail, as a crash leaves it"
    );
    let cut = OpenOptions::new().write(true).open(&path).and_then(|file| {
        file.set_len(tail.bytes)?;
        file.sync_all()
    });
    cut.map_err(|source| LogError::io("cut", &path, source))?;
    Ok(tail)
}

/// Looks behind a bad record, which `rest` begins with, for a whole one that was written when the bad one was already durable;
/// gives its byte in the file. Only such a record tells damage from a crash: without a sync, a disk may keep later bytes and
/// lose earlier ones.
fn written_after(rest: &[u8], tail: &Tail) -> Option<u64> {
    let most = tail.next_offset + 1 + (rest.len() / HEADER_BYTES) as u64;
    let witness = (1..rest.len().saturating_sub(HEADER_BYTES - 1)).find(|&at| {
        let Ok(header) = frame::decode_header(&rest[at..at + HEADER_BYTES]) else { return false };
        let plausible = header.offset > tail.next_offset && header.offset < most;
        let fits = at + header.record_bytes() <= rest.len();
        plausible
            && fits
            && u64::from(header.durable) > tail.bytes
            && frame::is_whole(&rest[at..at + header.record_bytes()])
    });
    witness.map(|at| tail.bytes + at as u64)
}
