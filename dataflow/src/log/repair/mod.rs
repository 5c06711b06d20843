//! Finds damage anywhere in a log and mends it without moving a record to another offset.
//!
//! There is one rule. A damaged file is written anew from the whole records that are in it, each at the offset that it
//! names. An offset that none of them has gets a stand-in, which the engine refuses like any other record that is no event,
//! so it is counted and named. Bytes that belong to no record are moved aside. A control record that is lost in one
//! partition is restored from another, because every partition has a copy.
//!
//! Whatever a repair refuses, it refuses before it changes anything, and an inspection refuses the same.

mod rebuild;
mod scan;
mod walk;

use super::error::LogError;
use super::frame::HEADER_BYTES;
use super::home::Home;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use walk::Walk;

/// Largest segment that is read, in bytes: places in one are numbers of 32 bits.
const SEGMENT_BYTES_MAX: u64 = u32::MAX as u64;

/// What a stand-in says.
const STAND_IN: &str = "a damaged record stood here; `driftline check --repair` moved its bytes aside";

/// A run of records that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub file: PathBuf,
    /// Where it begins.
    pub byte: u64,
    /// What is wrong.
    pub reason: String,
    /// Offset of the first record lost.
    pub offset: u64,
    /// Records lost; 0 where bytes stand that belong to no record.
    pub records: u64,
    /// Control records among them, which come back from another partition.
    pub controls: u64,
    /// Where its bytes were moved, once it is mended.
    pub aside: Option<PathBuf>,
    /// The byte after it.
    end: u64,
    /// Control records among those lost, and how many of them no partition holds any more.
    control_places: u64,
    controls_gone: u64,
    /// Whether it is unknown which of the lost records were control records.
    is_order_lost: bool,
    controls_before: u64,
    append_time_ms: i64,
    segment: Segment,
}

impl Damage {
    /// Whether the order of what was lost is not known, so that bindings may end elsewhere than they say.
    pub fn moves_controls(&self) -> bool {
        self.is_order_lost || self.controls_gone > 0
    }

    /// The numbers of the control records that were lost.
    fn control_numbers(&self) -> Range<u64> {
        let first = self.controls_before.saturating_add(1);
        first..first.saturating_add(self.control_places)
    }
}

/// A file that is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment {
    partition: u32,
    bytes: u64,
    expected: scan::Expected,
}

/// The copies of every control record by their number, from all partitions.
type Copies = BTreeMap<u64, (i64, Vec<u8>)>;

/// What a topic holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// What is damaged.
    pub damage: Vec<Damage>,
    /// Records that are whole, or would be after a repair.
    pub records: u64,
    /// Bytes behind the last record of a partition that no record is made of, as a crash leaves them; opening the log moves
    /// them aside.
    pub half_written: Vec<(PathBuf, u64)>,
}

/// Finds all damage of a topic and changes nothing. `floor` says up to where each partition is known to have been durable:
/// bindings cover it.
pub fn inspect(topic: &Path, partitions: u32, floor: &[u64]) -> Result<Survey, LogError> {
    Ok(survey(topic, partitions, floor)?.0)
}

/// Mends all damage of a topic and says what it was.
pub fn repair(topic: &Path, partitions: u32, floor: &[u64]) -> Result<Survey, LogError> {
    let (mut found, copies) = survey(topic, partitions, floor)?;
    for partition in 0..partitions {
        super::dir::create_dir(&topic.join(partition.to_string()))?;
    }
    for damages in found.damage.chunk_by_mut(|one, next| one.file == next.file) {
        rebuild::rebuild(damages, partitions, &copies)?;
    }
    Ok(found)
}

fn survey(topic: &Path, partitions: u32, floor: &[u64]) -> Result<(Survey, Copies), LogError> {
    let (mut walks, mut copies) = (Vec::new(), Copies::new());
    for partition in 0..partitions {
        let dir = topic.join(partition.to_string());
        let known = floor.get(partition as usize).copied().unwrap_or(0);
        let mut walk = Walk::over(&dir, Home { partition, partitions }, known)?;
        for (number, copy) in std::mem::take(&mut walk.copies) {
            keep_copy(&mut copies, number, copy);
        }
        walks.push(walk);
    }
    let most = walks.iter().map(|walk| walk.controls).max().unwrap_or(0);
    walks.iter_mut().for_each(|walk| walk.finish(most));
    let records = walks.iter().map(|walk| walk.next).fold(0, u64::saturating_add);
    let half_written = walks.iter_mut().filter_map(|walk| walk.half_written.take()).collect();
    let mut damage: Vec<Damage> = walks.into_iter().flat_map(|walk| walk.found).collect();
    for lost in &mut damage {
        lost.controls = copies.range(lost.control_numbers()).count() as u64;
        lost.controls_gone = lost.control_places - lost.controls;
    }
    damage.chunk_by(|one, next| one.file == next.file).try_for_each(|damages| refuse_oversized(damages, &copies))?;
    Ok((Survey { damage, records, half_written }, copies))
}

/// Keeps a copy of a control record. One that an earlier repair had to make up counts only where there is no other.
fn keep_copy(copies: &mut Copies, number: u64, copy: (i64, Vec<u8>)) {
    if copies.get(&number).is_none_or(|(_, held)| held == STAND_IN.as_bytes()) {
        copies.insert(number, copy);
    }
}

/// Refuses to fill a gap that no file can hold. Only a name that says a wrong offset makes one.
fn refuse_oversized(damages: &[Damage], copies: &Copies) -> Result<(), LogError> {
    let stand_in = (HEADER_BYTES + STAND_IN.len()) as u64;
    let size = |lost: &Damage| {
        let controls: u64 = copies.range(lost.control_numbers()).map(|(_, (_, payload))| payload.len() as u64).sum();
        lost.records.saturating_mul(stand_in).saturating_add(controls)
    };
    let Some(first) = damages.first() else { return Ok(()) };
    let most = damages.iter().map(size).fold(first.segment.bytes, u64::saturating_add);
    if most <= SEGMENT_BYTES_MAX {
        return Ok(());
    }
    let lost = damages.iter().map(|lost| lost.records).fold(0, u64::saturating_add);
    let reason = format!(
        "{lost} records are missing from offset {} on, which is more than a file holds: the name of this file or of the next \
         is wrong, so rename that one or move it away",
        first.offset
    );
    Err(LogError::misplaced(&first.file, reason))
}
