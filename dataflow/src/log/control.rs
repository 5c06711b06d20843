//! Control records of the embedded log: completes one that a crash left in some partitions only, and finds the last.
//!
//! A control record is synced in every partition before the next is appended, so partitions differ by one at most, and
//! the missing copy belongs at the end of its partition: nothing was written there since.

use super::error::LogError;
use super::frames::Frames;
use super::partition::{Append, PartitionWriter};
use super::segment::{segment_path, segments};
use crate::source::LastControls;
use driftline_schema::{Limits, wire};
use std::path::{Path, PathBuf};

/// A control record as it stands in a partition.
struct Found {
    payload: Vec<u8>,
    append_time_ms: i64,
    controls: u64,
}

/// Brings all partitions to the same control record and says which were the last.
pub(super) fn complete(writers: &mut [PartitionWriter]) -> Result<LastControls, LogError> {
    let most = writers.iter().map(PartitionWriter::controls).max().unwrap_or(0);
    if let Some(behind) = writers.iter().find(|writer| writer.controls() + 1 < most) {
        let reason = format!("it holds {} control records, another partition {most}", behind.controls());
        return Err(LogError::damaged(behind.dir(), 0, reason));
    }
    if writers.iter().any(|writer| writer.controls() < most) {
        let whole = writers.iter().find(|writer| writer.controls() == most).expect("the maximum is attained");
        let last = last_control(whole.dir(), most)?;
        for writer in writers.iter_mut().filter(|writer| writer.controls() < most) {
            tracing::warn!(partition = %writer.dir().display(), "completed a half-written control record");
            writer.make_room()?;
            let append_time_ms = last.append_time_ms;
            writer.append(&Append { key: b"", payload: &last.payload, control: true, append_time_ms });
            writer.sync()?;
        }
    }
    match writers.first() {
        Some(writer) => last_numbers(writer.dir(), most),
        None => Ok(LastControls::default()),
    }
}

fn last_control(dir: &Path, controls: u64) -> Result<Found, LogError> {
    let mut found = None;
    walk_back(dir, controls, |control| {
        found = Some(control);
        true
    })?;
    found.filter(|control| control.controls == controls).ok_or_else(|| {
        LogError::damaged(dir, 0, format!("control record {controls} of this partition is not where it belongs"))
    })
}

fn last_numbers(dir: &Path, controls: u64) -> Result<LastControls, LogError> {
    let mut last = LastControls::default();
    walk_back(dir, controls, |found| {
        note_control(&found.payload, &mut last);
        last.cut > 0 && last.model_ready > 0
    })?;
    Ok(last)
}

/// Takes a control record into account; one that cannot be read has no number.
pub(super) fn note_control(payload: &[u8], last: &mut LastControls) {
    let decoded = wire::decode(payload, &Limits::default());
    if let Some(control) = decoded.ok().and_then(|decoded| decoded.event.control) {
        last.note(&control.action);
    }
}

/// Visits the control records of a partition from the newest to the oldest until `enough` says so. The count in each
/// segment's first header tells which segments hold none, so that those are not read.
fn walk_back(dir: &Path, controls: u64, mut enough: impl FnMut(Found) -> bool) -> Result<(), LogError> {
    let mut after = controls;
    for base in segments(dir)?.into_iter().rev() {
        if after == 0 {
            return Ok(());
        }
        let path = segment_path(dir, base);
        let before = match first_count(&path)? {
            Some(count) => count,
            None => continue,
        };
        if before < after && controls_of(path)?.into_iter().rev().any(&mut enough) {
            return Ok(());
        }
        after = before;
    }
    Ok(())
}

/// Control records before the segment; `None` when it is empty.
fn first_count(path: &Path) -> Result<Option<u64>, LogError> {
    let mut frames = Frames::open(path)?;
    let end = frames.file_bytes()?;
    let first = frames.next(end)?;
    Ok(first.map(|frame| frame.header.controls - u64::from(frame.header.control)))
}

fn controls_of(path: PathBuf) -> Result<Vec<Found>, LogError> {
    let mut frames = Frames::open(&path)?;
    let end = frames.file_bytes()?;
    let mut found = Vec::new();
    while let Some(frame) = frames.next(end)? {
        if frame.header.control {
            let (append_time_ms, controls) = (frame.header.append_time_ms, frame.header.controls);
            found.push(Found { payload: frame.payload.to_vec(), append_time_ms, controls });
        }
    }
    Ok(found)
}
