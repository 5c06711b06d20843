//! Whatever happened to the files of a log, a repair keeps each record that is still whole where it was.
//!
//! The oracle knows nothing of the repair: a record survives if its bytes, as they were written, are somewhere in the file
//! that it was written to.

use super::*;
use crate::controls::testing::rule;
use driftline_schema::{Control, ControlAction, ControlId};
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::LazyLock;

const PARTITIONS: u32 = 3;

/// Files by their paths in the topic's folder.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A record as it was written.
struct Written {
    file: PathBuf,
    bytes: Vec<u8>,
    control: bool,
    payload: Vec<u8>,
}

/// A log, and its records in each partition.
struct Sample {
    files: Files,
    records: Vec<Vec<Written>>,
}

static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let dir = scratch();
    let log = open(dir.path()).expect("opens");
    for n in 0..60u64 {
        let payload = format!("{{\"number\":{n}}}").repeat(1 + n as usize % 7);
        log.append(format!("repository {n}").as_bytes(), payload.as_bytes()).expect("appends");
        if n % 3 == 0 {
            log.sync().expect("syncs");
        }
        if n % 8 == 7 {
            let control = Control { id: ControlId::of("cut", n), action: ControlAction::Cut { cut: n } };
            log.append_control(&rule().seal(control, n, PARTITIONS)).expect("appends");
        }
    }
    log.sync().expect("syncs");
    let files = files(&dir.path().join("code-events"));
    let records = (0..PARTITIONS).map(|partition| written(&files, partition)).collect();
    Sample { files, records }
});

fn open(dir: &Path) -> Result<EmbeddedLog, LogError> {
    let partitions = NonZeroU32::new(PARTITIONS).expect("not zero");
    let config = LogConfig { partitions, segment_bytes: 900, ..LogConfig::default() };
    EmbeddedLog::open(&DataDir::open(dir)?, &config)
}

fn files(topic: &Path) -> Files {
    let mut files = Files::new();
    for partition in 0..PARTITIONS {
        let folder = PathBuf::from(partition.to_string());
        for entry in fs::read_dir(topic.join(&folder)).into_iter().flatten() {
            let name = folder.join(entry.expect("is readable").file_name());
            let bytes = fs::read(topic.join(&name)).expect("reads");
            files.insert(name, bytes);
        }
    }
    files
}

fn written(files: &Files, partition: u32) -> Vec<Written> {
    let mut records = Vec::new();
    for (file, bytes) in files.iter().filter(|(file, _)| file.starts_with(partition.to_string())) {
        let mut at = 0;
        while at < bytes.len() {
            let header = frame::decode_header(&bytes[at..][..frame::HEADER_BYTES]).expect("is sound");
            let record = bytes[at..at + header.record_bytes()].to_vec();
            let payload = record[frame::HEADER_BYTES + usize::from(header.key_bytes)..].to_vec();
            assert_eq!(header.offset, records.len() as u64);
            at += record.len();
            records.push(Written { file: file.clone(), bytes: record, control: header.control, payload });
        }
    }
    records
}

/// What may happen to a file.
#[derive(Clone, Debug)]
enum Mutation {
    Flip(Index),
    Remove(Index, Index),
    RemoveRecord(Index),
    Insert(Index, Vec<u8>),
    InsertBetween(Index, Vec<u8>),
    Repeat(Index, Index),
    Swap(Index, Index),
    /// A record of any file.
    Misplace(Index, Index),
    Truncate(Index),
    Empty,
    Delete,
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<Index>;
    let junk = || prop_oneof![prop::collection::vec(any::<u8>(), 1..90), (1usize..90).prop_map(|bytes| vec![0; bytes])];
    prop_oneof![
        index().prop_map(Mutation::Flip),
        (index(), index()).prop_map(|(one, other)| Mutation::Remove(one, other)),
        index().prop_map(Mutation::RemoveRecord),
        (index(), junk()).prop_map(|(at, junk)| Mutation::Insert(at, junk)),
        (index(), junk()).prop_map(|(at, junk)| Mutation::InsertBetween(at, junk)),
        (index(), index()).prop_map(|(one, other)| Mutation::Repeat(one, other)),
        (index(), index()).prop_map(|(one, other)| Mutation::Swap(one, other)),
        (index(), index()).prop_map(|(one, place)| Mutation::Misplace(one, place)),
        index().prop_map(Mutation::Truncate),
        Just(Mutation::Empty),
        Just(Mutation::Delete),
    ]
}

fn find(bytes: &[u8], record: &[u8]) -> Option<usize> {
    bytes.windows(record.len()).position(|window| window == record)
}

/// The ranges of the records that were written to a file, where they stand now.
fn ranges(file: &Path, bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let records = SAMPLE.records.iter().flatten().filter(|record| record.file == file);
    let found = records.filter_map(|record| find(bytes, &record.bytes).map(|at| at..at + record.bytes.len()));
    let mut ranges: Vec<_> = found.collect();
    ranges.sort_by_key(|range| range.start);
    ranges
}

fn mutate(files: &mut Files, file: &Path, mutation: &Mutation) {
    let Some(bytes) = files.get_mut(file) else { return };
    let ranges = ranges(file, bytes);
    let record = |index: &Index| ranges.get(index.index(ranges.len().max(1))).cloned().unwrap_or(0..0);
    match mutation {
        Mutation::Flip(at) if !bytes.is_empty() => {
            let at = at.index(bytes.len());
            bytes[at] ^= 0x11;
        }
        Mutation::Flip(_) => {}
        Mutation::Remove(one, other) => {
            let (one, other) = (one.index(bytes.len() + 1), other.index(bytes.len() + 1));
            bytes.drain(one.min(other)..one.max(other));
        }
        Mutation::RemoveRecord(index) => drop(bytes.drain(record(index))),
        Mutation::Insert(at, junk) => {
            let at = at.index(bytes.len() + 1);
            bytes.splice(at..at, junk.iter().copied());
        }
        Mutation::InsertBetween(index, junk) => {
            let at = record(index).start;
            bytes.splice(at..at, junk.iter().copied());
        }
        Mutation::Repeat(index, place) => {
            let (repeated, at) = (bytes[record(index)].to_vec(), record(place).end);
            bytes.splice(at..at, repeated);
        }
        Mutation::Swap(one, other) => {
            let (one, other) = (record(one), record(other));
            let (one, other) = if one.start < other.start { (one, other) } else { (other, one) };
            if one.end <= other.start {
                let (first, second) = (bytes[one.clone()].to_vec(), bytes[other.clone()].to_vec());
                bytes.splice(other, first);
                bytes.splice(one, second);
            }
        }
        Mutation::Misplace(index, place) => {
            let others: Vec<&Written> = SAMPLE.records.iter().flatten().filter(|record| !record.control).collect();
            let at = record(place).end;
            bytes.splice(at..at, others[index.index(others.len())].bytes.iter().copied());
        }
        Mutation::Truncate(at) => bytes.truncate(at.index(bytes.len() + 1)),
        Mutation::Empty => bytes.clear(),
        Mutation::Delete => drop(files.remove(file)),
    }
}

/// A folder with these files.
fn placed(files: &Files) -> tempfile::TempDir {
    let dir = scratch();
    let topic = dir.path().join("code-events");
    for partition in 0..PARTITIONS {
        fs::create_dir_all(topic.join(partition.to_string())).expect("is made");
    }
    for (name, bytes) in files {
        fs::write(topic.join(name), bytes).expect("writes");
    }
    write_partition_count(&topic.join("topic.json"), NonZeroU32::new(PARTITIONS).expect("not zero")).expect("writes");
    dir
}

/// Mends the files and checks that what is to be true of every repair is true of this one.
fn check(damaged: &Files, floor: &[u64], may_be_refused: bool) {
    let dir = placed(damaged);
    let topic = dir.path().join("code-events");
    let expected = match inspect(&topic, PARTITIONS, floor) {
        Err(LogError::Misplaced { reason, .. }) if may_be_refused => {
            let refused = repair(&topic, PARTITIONS, floor).expect_err("an inspection says what a repair does");
            assert!(refused.to_string().contains(&reason) && files(&topic) == *damaged, "nothing is changed");
            return;
        }
        outcome => outcome.expect("can be mended"),
    };
    assert_eq!(&files(&topic), damaged, "an inspection changes nothing");
    let mut mended = repair(&topic, PARTITIONS, floor).expect("can be mended");
    keeps_all_bytes(damaged, &files(&topic), &mended.damage);
    mended.damage.iter_mut().for_each(|damage| damage.aside = None);
    assert_eq!(mended, expected, "an inspection says what a repair does");
    let after = files(&topic);
    let again = inspect(&topic, PARTITIONS, floor).expect("reads");
    assert_eq!((again.damage, again.records), (Vec::new(), expected.records));
    assert_eq!(again.half_written, expected.half_written);
    assert_eq!(repair(&topic, PARTITIONS, floor).expect("reads").damage, []);
    assert_eq!(files(&topic), after, "a second repair changes nothing");
    if floor.iter().any(|end| *end > 0) {
        let data = DataDir::open(dir.path()).expect("free");
        crate::clock::bind_for_test(&data, "embedded:code-events", floor);
    }
    let log = open(dir.path()).expect("opens");
    let mut controls = Vec::new();
    for (partition, before) in SAMPLE.records.iter().enumerate() {
        let mut reader = log.reader(partition as u32, 0).expect("reads");
        let now: Vec<_> = std::iter::from_fn(|| reader.read().expect("reads")).collect();
        assert!(now.len() as u64 >= floor.get(partition).copied().unwrap_or(0));
        for (offset, record) in before.iter().enumerate().filter(|(_, record)| survives(damaged, record)) {
            let found = now.get(offset).map(|now| (now.control, &now.payload[..]));
            assert_eq!(found, Some((record.control, &record.payload[..])), "partition {partition}, offset {offset}");
        }
        controls.push(now.into_iter().filter(|record| record.control).map(|record| record.payload).collect::<Vec<_>>());
    }
    assert!(controls.iter().all(|one| one == &controls[0]), "all partitions hold the same control records");
    let held: BTreeSet<&Vec<u8>> = controls[0].iter().collect();
    for record in SAMPLE.records.iter().flatten().filter(|record| record.control && survives(damaged, record)) {
        assert!(held.contains(&record.payload), "a control record comes back from any partition that holds it");
    }
}

fn survives(files: &Files, record: &Written) -> bool {
    files.get(&record.file).is_some_and(|bytes| find(bytes, &record.bytes).is_some())
}

/// Each byte that is noted as damage is in a file of its own.
fn keeps_all_bytes(before: &Files, after: &Files, damage: &[Damage]) {
    for (file, bytes) in before.iter().filter(|(file, bytes)| after.get(*file) != Some(bytes)) {
        let mut left = bytes.clone();
        for lost in damage.iter().filter(|lost| lost.file.ends_with(file)) {
            let Some(aside) = &lost.aside else { continue };
            let aside = fs::read(aside).expect("reads");
            assert_eq!(aside, &bytes[lost.byte as usize..][..aside.len()]);
            left[lost.byte as usize..][..aside.len()].fill(0xff);
        }
        // What was not moved aside are whole records, and half of one at the end.
        let mut at = 0;
        while at < left.len() {
            let rest = &left[at..];
            let header = rest.get(..frame::HEADER_BYTES).and_then(|header| frame::decode_header(header).ok());
            let record =
                header.and_then(|header| rest.get(..header.record_bytes())).filter(|record| frame::is_whole(record));
            match record {
                Some(record) => at += record.len(),
                None if rest[0] == 0xff => at += 1,
                None => {
                    assert!(after[file].ends_with(rest), "{} at byte {at}", file.display());
                    break;
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn a_repair_keeps_every_record_that_is_whole(
        mutations in prop::collection::vec((any::<Index>(), mutation()), 1..6),
        known in prop::option::of(0u64..4),
    ) {
        let mut damaged = SAMPLE.files.clone();
        let names: Vec<PathBuf> = damaged.keys().cloned().collect();
        for (file, mutation) in &mutations {
            mutate(&mut damaged, &names[file.index(names.len())], mutation);
        }
        let ends = SAMPLE.records.iter().map(|records| records.len() as u64);
        let floor: Vec<u64> = known.map_or_else(Vec::new, |fewer| ends.map(|end| end - fewer).collect());
        let is_misplaced = |(_, mutation): &(Index, Mutation)| matches!(mutation, Mutation::Misplace(..));
        check(&damaged, &floor, mutations.iter().any(is_misplaced));
    }
}

#[test]
fn every_file_alone_may_lose_its_first_record_or_all_of_it() {
    let floor: Vec<u64> = SAMPLE.records.iter().map(|records| records.len() as u64).collect();
    assert!(SAMPLE.files.len() > 9, "the log has files to lose");
    for (file, bytes) in &SAMPLE.files {
        let first = ranges(file, bytes).first().map_or(0, |first| first.end);
        for left in [Some(&bytes[first..]), Some(&[][..]), None] {
            let mut damaged = SAMPLE.files.clone();
            damaged.remove(file);
            damaged.extend(left.map(|left| (file.clone(), left.to_vec())));
            check(&damaged, &floor, false);
            check(&damaged, &[], false);
        }
    }
}
