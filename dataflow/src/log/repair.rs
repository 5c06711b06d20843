//! Finds damage anywhere in a log and mends it without moving a record.
//!
//! Every record keeps its offset: in the place of one that is lost stands a stand-in of the same length, which the engine
//! refuses like any other record that is no event, so it is counted and named. The damaged bytes are moved aside first. A
//! control record that is lost in one partition comes back from another, since it stands in all.

use super::error::LogError;
use super::frame::{self, HEADER_BYTES, Header, RECORD_BYTES_MAX};
use super::home::Home;
use super::segment::{segment_path, segments};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

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
    /// The byte after it, and whether a whole record follows in this file.
    end: u64,
    followed: bool,
    controls_before: u64,
    append_time_ms: i64,
}

impl Damage {
    /// Whether the order of what was lost is not known, so that bindings may end elsewhere than they say.
    pub fn moves_controls(&self) -> bool {
        self.controls > 0 && self.controls < self.records
    }
}

/// The copies of every control record by their number, from all partitions.
type Copies = BTreeMap<u64, (i64, Vec<u8>)>;

/// Walks a partition from its first record to its last.
struct Walk {
    next: u64,
    controls: u64,
    append_time_ms: i64,
    found: Vec<Damage>,
    copies: Copies,
    half_written: Option<(PathBuf, u64)>,
    /// The last segment, the byte behind its last record, and its length.
    last: (PathBuf, usize, usize),
}

/// What stands in a topic.
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
    for damage in &mut found.damage {
        mend(damage, &copies)?;
    }
    Ok(found)
}

fn survey(topic: &Path, partitions: u32, floor: &[u64]) -> Result<(Survey, Copies), LogError> {
    let (mut walks, mut copies) = (Vec::new(), Copies::new());
    for partition in 0..partitions {
        let dir = topic.join(partition.to_string());
        let mut walk = walk(&dir, Home { partition, partitions }, floor.get(partition as usize).copied().unwrap_or(0))?;
        copies.append(&mut walk.copies);
        walks.push(walk);
    }
    let most = copies.keys().next_back().copied().unwrap_or(0);
    for walk in &mut walks {
        // What is lost at the very end of a partition has no record behind it that counts its control records.
        let (missing, end) = (most - walk.controls.min(most), walk.next);
        let lost = walk.found.iter_mut().rev().find(|lost| lost.records > 0 && lost.offset + lost.records == end);
        match lost {
            Some(last) => last.controls = missing.min(last.records),
            // One that is missing is what a crash leaves, and opening the log completes it.
            None if missing > 1 => walk.note_controls(missing),
            None => {}
        }
    }
    let records = walks.iter().map(|walk| walk.next).sum();
    let half_written = walks.iter_mut().filter_map(|walk| walk.half_written.take()).collect();
    let damage = walks.into_iter().flat_map(|walk| walk.found).collect();
    Ok((Survey { damage, records, half_written }, copies))
}

fn walk(dir: &Path, home: Home, floor: u64) -> Result<Walk, LogError> {
    let mut walk = Walk {
        next: 0,
        controls: 0,
        append_time_ms: 0,
        found: Vec::new(),
        copies: Copies::new(),
        half_written: None,
        last: (segment_path(dir, 0), 0, 0),
    };
    let bases = if dir.is_dir() { segments(dir)? } else { Vec::new() };
    if bases.first().is_none_or(|&first| first > 0) {
        let end = bases.first().copied().unwrap_or(floor);
        walk.segment(&segment_path(dir, 0), &[], Some(end));
    }
    for (index, &base) in bases.iter().enumerate() {
        let path = segment_path(dir, base);
        if path.is_dir() {
            return Err(LogError::misplaced(&path, "a folder stands where a file of the log belongs; move it away"));
        }
        let bytes =
            crate::plain_file::read(&path, SEGMENT_BYTES_MAX).map_err(|source| LogError::io("read", &path, source))?;
        refuse_foreign(&path, &bytes, home)?;
        refuse_renamed(&path, &bytes, base)?;
        match bases.get(index + 1) {
            Some(&sealed_at) => walk.segment(&path, &bytes, Some(sealed_at)),
            None => walk.last_segment(&path, &bytes, floor),
        }
    }
    Ok(walk)
}

impl Walk {
    /// A segment that ends before the record `end`, if that is known.
    fn segment(&mut self, path: &Path, bytes: &[u8], end: Option<u64>) {
        let mut at = 0;
        while at < bytes.len() {
            let read = whole(&bytes[at..]);
            let is_whole = read.is_ok();
            let reason = match read {
                Ok(header) if header.offset == self.next => {
                    at = self.take(&header, bytes, at);
                    continue;
                }
                Ok(header) => format!("offset {} stands where {} belongs", header.offset, self.next),
                Err(reason) => reason.to_owned(),
            };
            let Some((found, header)) = self.resume(bytes, at) else {
                return self.tail(path, bytes, (at, reason), end, is_whole);
            };
            self.note(path, (at, found), reason, header.offset - self.next, true);
            at = found;
        }
        self.tail(path, bytes, (bytes.len(), "records are missing".to_owned()), end, false);
    }

    /// Control records that every other partition holds and this one lacks at its end.
    fn note_controls(&mut self, missing: u64) {
        let (path, at, end) = self.last.clone();
        self.half_written = None;
        let reason = format!("{missing} control records are missing that other partitions hold");
        self.note(&path, (at, end), reason, missing, false);
        if let Some(noted) = self.found.last_mut() {
            noted.controls = missing;
        }
    }

    /// The last segment. What lies behind its last whole record is what a crash left, unless bindings cover it.
    fn last_segment(&mut self, path: &Path, bytes: &[u8], floor: u64) {
        self.segment(path, bytes, None);
        let at = self.whole_bytes(bytes, path);
        self.last = (path.to_owned(), at, bytes.len());
        if self.next >= floor {
            return;
        }
        self.half_written = None;
        let reason = format!("records up to offset {floor} were durable and are not there");
        self.note(path, (at, bytes.len()), reason, floor - self.next, false);
    }

    /// What stands behind the last record of a segment that ends before the record `end`, if that is known.
    fn tail(&mut self, path: &Path, bytes: &[u8], (at, reason): (usize, String), end: Option<u64>, is_whole: bool) {
        let Some(end) = end else {
            // A whole record of another place is no crash's half-written one.
            if is_whole {
                self.note(path, (at, bytes.len()), reason, 0, false);
            } else if at < bytes.len() {
                self.half_written = Some((path.to_owned(), (bytes.len() - at) as u64));
            }
            return;
        };
        if self.next < end || at < bytes.len() {
            self.note(path, (at, bytes.len()), reason, end.saturating_sub(self.next), false);
        }
    }

    fn note(&mut self, path: &Path, (at, end): (usize, usize), reason: String, records: u64, followed: bool) {
        self.found.push(Damage {
            file: path.to_owned(),
            byte: at as u64,
            reason,
            offset: self.next,
            records,
            controls: 0,
            aside: None,
            end: end as u64,
            followed,
            controls_before: self.controls,
            append_time_ms: self.append_time_ms,
        });
        self.next += records;
    }

    /// Takes a whole record and returns where the next begins.
    fn take(&mut self, header: &Header, bytes: &[u8], at: usize) -> usize {
        let before = header.controls - u64::from(header.control).min(header.controls);
        if let Some(last) = self.found.last_mut().filter(|last| last.offset + last.records == self.next) {
            last.controls = before.saturating_sub(last.controls_before).min(last.records);
        }
        let end = at + header.record_bytes();
        if header.control {
            let payload = bytes[at + HEADER_BYTES + header.key_bytes as usize..end].to_vec();
            self.copies.insert(header.controls, (header.append_time_ms, payload));
        }
        self.next = header.offset + 1;
        self.controls = header.controls;
        self.append_time_ms = header.append_time_ms;
        end
    }

    /// The next whole record behind a bad one.
    fn resume(&self, bytes: &[u8], at: usize) -> Option<(usize, Header)> {
        (at + 1..bytes.len().saturating_sub(HEADER_BYTES - 1)).find_map(|found| {
            let header = whole(&bytes[found..]).ok()?;
            let most = self.next + ((found - at) / HEADER_BYTES) as u64;
            (self.next..=most).contains(&header.offset).then_some((found, header))
        })
    }

    /// The byte behind the last record that was taken from a segment.
    fn whole_bytes(&self, bytes: &[u8], path: &Path) -> usize {
        let last = self.found.last().filter(|damage| damage.file == path);
        let mut at = last.map_or(0, |damage| damage.end as usize);
        while let Some(header) = bytes.get(at..).and_then(|rest| whole(rest).ok()) {
            if header.offset >= self.next {
                break;
            }
            at += header.record_bytes();
        }
        at
    }
}

/// The header of the whole record that `bytes` begin with.
fn whole(bytes: &[u8]) -> Result<Header, &'static str> {
    let header = frame::decode_header(bytes.get(..HEADER_BYTES).ok_or("it runs past the end")?)?;
    let record = bytes.get(..header.record_bytes()).ok_or("it runs past the end")?;
    if frame::is_whole(record) { Ok(header) } else { Err("its checksum is wrong") }
}

/// A file of another partition is refused: every record in it is sound, and none is the one that belongs there.
fn refuse_foreign(path: &Path, bytes: &[u8], home: Home) -> Result<(), LogError> {
    let mut at = 0;
    while let Some(header) = bytes.get(at..).and_then(|rest| whole(rest).ok()) {
        let key = &bytes[at + HEADER_BYTES..][..usize::from(header.key_bytes)];
        if let Some(fault) = home.fault(&header, key) {
            let reason = format!(
                "at byte {at} {fault}. Put the right file back from a copy; where there is none, move this one away and \
                 run the same command again"
            );
            return Err(LogError::misplaced(path, reason));
        }
        at += header.record_bytes();
    }
    Ok(())
}

/// A file under another name than its first record asks for, which no file has, is refused: all of its records are sound,
/// and a repair would put others in their place.
fn refuse_renamed(path: &Path, bytes: &[u8], base: u64) -> Result<(), LogError> {
    let Some(header) = whole(bytes).ok().filter(|header| header.offset != base) else { return Ok(()) };
    let right = segment_path(path.parent().unwrap_or(path), header.offset);
    if right.exists() {
        return Ok(());
    }
    let reason =
        format!("it begins with record {}, so its name should be {}: rename it", header.offset, right.display());
    Err(LogError::misplaced(path, reason))
}

/// Moves the damaged bytes aside and writes what stands in their place.
fn mend(damage: &mut Damage, copies: &Copies) -> Result<(), LogError> {
    let path = damage.file.clone();
    let room = damage.followed.then_some((damage.end - damage.byte) as usize);
    let records = stand_ins(damage, copies, room).ok_or_else(|| {
        let Damage { byte, reason, .. } = &*damage;
        let reason =
            format!("at byte {byte} {reason}; what was lost there cannot be told. Put the file back from a copy");
        LogError::misplaced(&path, reason)
    })?;
    path.parent().map_or(Ok(()), super::dir::create_dir)?;
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(|source| LogError::io("open", &path, source))?;
    if damage.byte < damage.end {
        let mut bytes = vec![0; (damage.end - damage.byte) as usize];
        file.read_exact_at(&mut bytes, damage.byte).map_err(|source| LogError::io("read", &path, source))?;
        let base = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("segment");
        let aside = path.with_file_name(format!("damaged-{base}-{}.bytes", damage.byte));
        super::write_whole(&aside, &bytes)?;
        damage.aside = Some(aside);
    }
    let end = damage.byte + records.len() as u64;
    let written = file.write_all_at(&records, damage.byte).and_then(|()| {
        if !damage.followed {
            file.set_len(end)?;
        }
        file.sync_all()
    });
    written.map_err(|source| LogError::io("write", &path, source))?;
    path.parent().map_or(Ok(()), super::dir::sync_dir)
}

/// Records that fill `room` exactly, where it is given; `None` when they cannot.
fn stand_ins(damage: &Damage, copies: &Copies, room: Option<usize>) -> Option<Vec<u8>> {
    let first = damage.controls_before + 1;
    let controls: Vec<&(i64, Vec<u8>)> =
        (first..first + damage.controls).map(|number| copies.get(&number)).collect::<Option<_>>()?;
    let others = usize::try_from(damage.records - damage.controls).ok()?;
    let fixed =
        HEADER_BYTES * damage.records as usize + controls.iter().map(|(_, payload)| payload.len()).sum::<usize>();
    let mut left = match room {
        Some(room) => room.checked_sub(fixed)?,
        None => others * STAND_IN.len(),
    };
    let mut out = Vec::new();
    let mut header = Header {
        offset: damage.offset,
        append_time_ms: damage.append_time_ms,
        controls: damage.controls_before,
        durable: 0,
        control: false,
        key_bytes: 0,
        payload_bytes: 0,
    };
    for number in 0..others {
        let share = if number + 1 == others { left } else { left.min(STAND_IN.len()) };
        let payload: Vec<u8> =
            STAND_IN.bytes().chain(std::iter::repeat(b' ')).take(share.min(RECORD_BYTES_MAX)).collect();
        left -= payload.len();
        header.payload_bytes = payload.len() as u32;
        frame::encode(&header, b"", &payload, &mut out);
        header.offset += 1;
    }
    for (append_time_ms, payload) in controls {
        header = Header {
            append_time_ms: *append_time_ms,
            controls: header.controls + 1,
            control: true,
            payload_bytes: payload.len() as u32,
            ..header
        };
        frame::encode(&header, b"", payload, &mut out);
        header.offset += 1;
    }
    (left == 0).then_some(out)
}
