//! Control records of the embedded log: completes one that a crash left in some partitions only, and finds the last.
//!
//! A control record is synced in every partition before the next is appended, so partitions differ by one at most, and
//! the missing copy belongs at the end of its partition: nothing was written there since.

use super::error::LogError;
use super::frames::Frames;
use super::partition::{Append, Durable, PartitionWriter};
use super::segment::{segment_path, segments};
use crate::controls::ControlRule;
use crate::source::LastControls;
use driftline_schema::Position;
use std::path::{Path, PathBuf};

/// A control record as it stands in a partition.
struct Found {
    offset: u64,
    payload: Vec<u8>,
    append_time_ms: i64,
    controls: u64,
}

/// Brings all partitions to the same control record.
pub(super) fn complete(writers: &mut [PartitionWriter]) -> Result<(), LogError> {
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
    Ok(())
}

fn last_control(dir: &Path, controls: u64) -> Result<Found, LogError> {
    let mut found = None;
    walk_back(dir, controls, None, |control| {
        found = Some(control);
        true
    })?;
    found.filter(|control| control.controls == controls).ok_or_else(|| {
        LogError::damaged(dir, 0, format!("control record {controls} of this partition is not where it belongs"))
    })
}

/// The highest numbers among the control records of the first partition, which holds every one.
pub(super) fn last_numbers(writer: &PartitionWriter, rule: &ControlRule) -> Result<LastControls, LogError> {
    let mut last = LastControls::default();
    walk_back(writer.dir(), writer.controls(), Some(writer.durable().get()), |found| {
        last.read(rule, Position { partition: 0, offset: found.offset }, &found.payload);
        last.are_known()
    })?;
    Ok(last)
}

/// Visits the control records of a partition from the newest to the oldest until `enough` says so. The count in each
/// segment's first header tells which segments hold none, so that those are not read. Nothing past `durable` is looked
/// at, where it is given: the writer may be in the middle of it.
fn walk_back(
    dir: &Path,
    controls: u64,
    durable: Option<Durable>,
    mut enough: impl FnMut(Found) -> bool,
) -> Result<(), LogError> {
    let mut after = controls;
    for base in segments(dir)?.into_iter().rev() {
        if after == 0 {
            return Ok(());
        }
        if durable.is_some_and(|durable| base > durable.base) {
            continue;
        }
        let path = segment_path(dir, base);
        let end = durable.filter(|durable| durable.base == base).map(|durable| durable.bytes);
        let before = match first_count(&path, end)? {
            Some(count) => count,
            None => continue,
        };
        if before < after && controls_of(path, end)?.into_iter().rev().any(&mut enough) {
            return Ok(());
        }
        after = before;
    }
    Ok(())
}

/// Control records before the segment; `None` when it is empty.
fn first_count(path: &Path, end: Option<u64>) -> Result<Option<u64>, LogError> {
    let mut frames = Frames::open(path)?;
    let end = end.map_or_else(|| frames.file_bytes(), Ok)?;
    let first = frames.next(end)?;
    Ok(first.map(|frame| frame.header.controls - u64::from(frame.header.control)))
}

fn controls_of(path: PathBuf, end: Option<u64>) -> Result<Vec<Found>, LogError> {
    let mut frames = Frames::open(&path)?;
    let end = end.map_or_else(|| frames.file_bytes(), Ok)?;
    let mut found = Vec::new();
    while let Some(frame) = frames.next(end)? {
        if frame.header.control {
            let (append_time_ms, controls) = (frame.header.append_time_ms, frame.header.controls);
            let offset = frame.header.offset;
            found.push(Found { offset, payload: frame.payload.to_vec(), append_time_ms, controls });
        }
    }
    Ok(found)
}
