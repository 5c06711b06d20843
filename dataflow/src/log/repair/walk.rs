//! Walks a partition from its first record to its last and notes what is damaged.

use super::super::error::LogError;
use super::super::frame::{self, HEADER_BYTES};
use super::super::home::Home;
use super::super::segment::{segment_path, segments};
use super::scan::{Expected, Kept, Scan, whole};
use super::{Copies, Damage, SEGMENT_BYTES_MAX, Segment, keep_copy};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A place in a partition, and what was found before it.
pub(super) struct Walk {
    home: Home,
    /// The offset that follows, and control records before it.
    pub next: u64,
    pub controls: u64,
    append_time_ms: i64,
    /// The offset behind the highest that a record in any file so far has.
    reaches: u64,
    pub found: Vec<Damage>,
    pub copies: Copies,
    pub half_written: Option<(PathBuf, u64)>,
    /// The present file.
    path: PathBuf,
    segment: Segment,
    /// Bytes at its end that belong to no record and are not noted as damage.
    rest: Range<usize>,
}

impl Walk {
    /// All files of the partition in `dir`, of which records before `floor` were durable.
    pub(super) fn over(dir: &Path, home: Home, floor: u64) -> Result<Self, LogError> {
        let first = Expected { offsets: 0..0, is_last: true };
        let mut walk = Self {
            home,
            next: 0,
            controls: 0,
            append_time_ms: 0,
            reaches: 0,
            found: Vec::new(),
            copies: Copies::new(),
            half_written: None,
            path: segment_path(dir, 0),
            segment: Segment { partition: home.partition, bytes: 0, expected: first },
            rest: 0..0,
        };
        if dir.symlink_metadata().is_ok() && !dir.is_dir() {
            return Err(LogError::misplaced(
                dir,
                "a file stands where the folder of a partition belongs; move it away",
            ));
        }
        let bases = if dir.is_dir() { segments(dir)? } else { Vec::new() };
        if bases.first().is_none_or(|&first| first > 0) {
            let end = bases.first().copied().unwrap_or(floor);
            walk.segment.expected = Expected { offsets: 0..end, is_last: bases.is_empty() };
            walk.note_gap(&[], 0..0, end);
        }
        for (index, &base) in bases.iter().enumerate() {
            walk.path = segment_path(dir, base);
            let bytes = read(&walk.path)?;
            let bound = base.saturating_add(2 * (bytes.len() / HEADER_BYTES) as u64).max(floor);
            let next = bases.get(index + 1).copied();
            let expected = Expected { offsets: base..next.unwrap_or(bound), is_last: next.is_none() };
            walk.segment = Segment { partition: home.partition, bytes: bytes.len() as u64, expected };
            walk.file(&bytes, floor)?;
        }
        Ok(walk)
    }

    fn file(&mut self, bytes: &[u8], floor: u64) -> Result<(), LogError> {
        let scan = Scan::of(bytes, self.home, &self.segment.expected);
        self.refuse_foreign(&scan)?;
        self.refuse_renamed(&scan)?;
        self.reaches = self.reaches.max(scan.highest.map_or(0, |highest| highest.saturating_add(1)));
        let mut at = 0;
        for block in scan.blocks() {
            if let Some(first) = block.kept.first() {
                self.note_gap(bytes, at..block.bytes.start, first.offset);
            }
            if block.kept.len() > 1 {
                self.note(block.bytes.clone(), "records are out of order".to_owned(), 0);
            }
            for kept in block.kept {
                self.note_gap(bytes, block.bytes.start..block.bytes.start, kept.offset);
                self.take(*kept, bytes);
            }
            at = block.bytes.end;
        }
        let rest = at..bytes.len();
        if self.segment.expected.is_last {
            self.end(bytes, rest, &scan, floor);
        } else {
            self.note_gap(bytes, rest, self.segment.expected.offsets.end);
        }
        Ok(())
    }

    /// The bytes after the last record of the last file. They are what a crash left, unless bindings cover it or a whole
    /// record of another place is in it.
    fn end(&mut self, bytes: &[u8], rest: Range<usize>, scan: &Scan, floor: u64) {
        self.rest = bytes.len()..bytes.len();
        if self.next < floor {
            let reason = format!("records up to offset {floor} were durable and are not there");
            self.note(rest, reason, floor - self.next);
        } else if scan.whole_end > rest.start {
            self.note_gap(bytes, rest, self.next);
        } else if !rest.is_empty() {
            self.half_written = Some((self.path.clone(), rest.len() as u64));
            self.rest = rest;
        }
    }

    /// Other partitions have control records up to the number `most`. What is lost at the very end of this one has no
    /// record behind it that counts them.
    pub(super) fn finish(&mut self, most: u64) {
        let missing = most.saturating_sub(self.controls);
        let lost = records(self.lost_before_next());
        // One that is missing is what a crash leaves, and opening the log completes it.
        if missing > lost && (lost > 0 || missing > 1) {
            self.half_written = None;
            let rest = std::mem::replace(&mut self.rest, 0..0);
            let reason = format!("{missing} control records are missing that other partitions hold");
            self.note(rest, reason, missing - lost);
        }
        self.share_controls(missing);
    }

    /// Notes bytes that belong to no record, and records before `offset` that are missing, if there are such.
    fn note_gap(&mut self, bytes: &[u8], range: Range<usize>, offset: u64) {
        let records = offset.saturating_sub(self.next);
        if range.is_empty() && records == 0 {
            return;
        }
        let reason = match whole(&bytes[range.clone()]) {
            _ if range.is_empty() => "records are missing".to_owned(),
            Ok(header) => format!("offset {} stands where {} belongs", header.offset, self.next),
            Err(reason) => reason.to_owned(),
        };
        self.note(range, reason, records);
    }

    fn note(&mut self, range: Range<usize>, reason: String, records: u64) {
        self.found.push(Damage {
            file: self.path.clone(),
            byte: range.start as u64,
            reason,
            offset: self.next,
            records,
            controls: 0,
            aside: None,
            end: range.end as u64,
            control_places: 0,
            controls_gone: 0,
            is_order_lost: false,
            controls_before: self.controls,
            append_time_ms: self.append_time_ms,
            segment: self.segment.clone(),
        });
        self.next = self.next.saturating_add(records);
    }

    fn take(&mut self, kept: Kept, bytes: &[u8]) {
        let record = &bytes[kept.bytes()];
        let header = frame::decode_header(record).expect("the record was found to be whole");
        let before = header.controls.saturating_sub(u64::from(header.control));
        self.share_controls(before.saturating_sub(self.controls));
        if header.control {
            let payload = record[HEADER_BYTES + usize::from(header.key_bytes)..].to_vec();
            keep_copy(&mut self.copies, header.controls, (header.append_time_ms, payload));
        }
        self.next = kept.offset.saturating_add(1);
        self.controls = header.controls;
        self.append_time_ms = header.append_time_ms;
    }

    /// The damage between the last whole record and the offset that follows. It may extend over several files.
    fn lost_before_next(&mut self) -> &mut [Damage] {
        let mut offset = self.next;
        let run = self.found.iter().rev().take_while(|lost| {
            let is_adjacent = lost.offset.saturating_add(lost.records) == offset;
            offset = lost.offset;
            is_adjacent
        });
        let begin = self.found.len() - run.count();
        &mut self.found[begin..]
    }

    /// Says that among the records that were lost before the next were so many control records. In which order they stood
    /// is not known: the control records are put last.
    fn share_controls(&mut self, controls: u64) {
        let mut before = self.controls;
        let run = self.lost_before_next();
        let mut others = records(run).saturating_sub(controls);
        let is_order_lost = others > 0 && controls > 0;
        for damage in run {
            let first = others.min(damage.records);
            others -= first;
            damage.control_places = damage.records - first;
            damage.controls_before = before;
            damage.is_order_lost = is_order_lost && damage.records > 0;
            before = before.saturating_add(damage.control_places);
        }
    }

    /// A file of another partition is refused: every record in it is sound, and none is one that belongs here.
    fn refuse_foreign(&self, scan: &Scan) -> Result<(), LogError> {
        match &scan.fault {
            Some((at, fault)) if scan.foreign > scan.own => {
                let reason = format!(
                    "at byte {at} {fault}. Put the right file back from a copy; where there is none, move this one away and \
                     run the same command again"
                );
                Err(LogError::misplaced(&self.path, reason))
            }
            _ => Ok(()),
        }
    }

    /// A file under another name than its first record asks for, which no file has, is refused: all of its records are
    /// sound, and a repair would put others in their place. A file that only lost its first records is none: the file
    /// before it ends where its name says.
    fn refuse_renamed(&self, scan: &Scan) -> Result<(), LogError> {
        let offsets = &self.segment.expected.offsets;
        let Some(first) = scan.first.filter(|&first| first != offsets.start) else { return Ok(()) };
        let right = segment_path(self.path.parent().unwrap_or(&self.path), first);
        let is_early = first < offsets.start && first >= self.reaches;
        let is_late = first > offsets.start && (self.reaches > offsets.start || scan.kept.is_empty());
        if right.exists() || !(is_early || is_late) {
            return Ok(());
        }
        let reason = format!("it begins with record {first}, so its name should be {}: rename it", right.display());
        Err(LogError::misplaced(&self.path, reason))
    }
}

/// How many records are lost.
fn records(damages: &[Damage]) -> u64 {
    damages.iter().map(|lost| lost.records).fold(0, u64::saturating_add)
}

fn read(path: &Path) -> Result<Vec<u8>, LogError> {
    if path.is_dir() {
        return Err(LogError::misplaced(path, "a folder stands where a file of the log belongs; move it away"));
    }
    crate::plain_file::read(path, SEGMENT_BYTES_MAX).map_err(|source| LogError::io("read", path, source))
}
