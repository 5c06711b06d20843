//! Damage of every kind is found, mended without moving a record, and never cut off in silence.

use super::segment::segment_path;
use super::*;
use crate::controls::testing::rule;
use driftline_schema::{Control, ControlAction, ControlId};
use std::fs;
use tempfile::TempDir;

const PARTITIONS: u32 = 2;

/// A partition's records: whether each is a control record, and its payload.
type Held = Vec<(bool, Vec<u8>)>;

fn config() -> LogConfig {
    LogConfig { partitions: NonZeroU32::new(PARTITIONS).expect("not zero"), segment_bytes: 700, ..LogConfig::default() }
}

/// Records and cuts over several segments; what each partition holds.
fn written() -> (TempDir, Vec<Held>) {
    let dir = scratch();
    let log = open(&dir).expect("opens");
    for n in 0..24u64 {
        log.append(format!("repo {n}").as_bytes(), format!("{{\"number\":{n}}}").repeat(3).as_bytes())
            .expect("appends");
        log.sync().expect("syncs");
        if n % 5 == 4 {
            let control = Control { id: ControlId::of("cut", n), action: ControlAction::Cut { cut: n } };
            log.append_control(&rule().seal(control, n, PARTITIONS)).expect("appends");
        }
    }
    let held = (0..PARTITIONS).map(|partition| records(&log, partition).expect("reads")).collect();
    (dir, held)
}

fn open(dir: &TempDir) -> Result<EmbeddedLog, LogError> {
    EmbeddedLog::open(&DataDir::open(dir.path())?, &config())
}

fn records(log: &EmbeddedLog, partition: u32) -> Result<Held, LogError> {
    let mut reader = log.reader(partition, 0)?;
    std::iter::from_fn(|| reader.read().transpose())
        .map(|read| read.map(|record| (record.control, record.payload)))
        .collect()
}

fn topic(dir: &TempDir) -> PathBuf {
    dir.path().join("code-events")
}

fn folder(dir: &TempDir, partition: u32) -> PathBuf {
    topic(dir).join(partition.to_string())
}

/// Mends and compares: control records are all there again, every other record is what it was or a stand-in.
fn mended(dir: &TempDir, held: &[Held], floor: &[u64]) -> (Vec<Damage>, usize) {
    let found = repair(&topic(dir), PARTITIONS, floor).expect("can be mended").damage;
    assert_eq!(inspect(&topic(dir), PARTITIONS, floor).expect("reads").damage, [], "nothing is left: {found:?}");
    let log = open(dir).expect("opens");
    let mut lost = 0;
    for (partition, before) in held.iter().enumerate() {
        let after = records(&log, partition as u32).expect("reads");
        assert_eq!(after.len(), before.len(), "no record moves: {found:?}");
        let controls = |held: &[(bool, Vec<u8>)]| held.iter().filter(|record| record.0).cloned().collect::<Held>();
        assert_eq!(controls(&after), controls(before), "no control record is lost: {found:?}");
        let is_stand_in = |record: &(bool, Vec<u8>)| !record.0 && !record.1.starts_with(b"{");
        lost += after.iter().filter(|record| is_stand_in(record)).count();
        for (now, then) in after.iter().zip(before).filter(|(now, then)| now != then) {
            // Where several records are lost with a control record, the order among them is not known.
            assert!(now.0 || (is_stand_in(now) && now.1.is_ascii()), "{now:?} where {then:?} stood: {found:?}");
        }
    }
    (found, lost)
}

#[test]
fn one_flipped_bit_anywhere_costs_one_record_and_its_bytes_are_kept() {
    let (dir, held) = written();
    let floor: Vec<u64> = held.iter().map(|records| records.len() as u64).collect();
    assert_eq!(inspect(&topic(&dir), PARTITIONS, &floor).expect("reads").damage, []);
    for partition in 0..PARTITIONS {
        for base in segment::segments(&folder(&dir, partition)).expect("lists") {
            let path = segment_path(&folder(&dir, partition), base);
            let sound = fs::read(&path).expect("reads");
            for byte in (0..sound.len()).step_by(7) {
                let mut bytes = sound.clone();
                bytes[byte] ^= 0x20;
                fs::write(&path, &bytes).expect("writes");
                let (found, lost) = mended(&dir, &held, &floor);
                let [damage] = &found[..] else { panic!("byte {byte}: {found:?}") };
                assert_eq!((damage.records, lost as u64), (1, 1 - damage.controls));
                let aside = damage.aside.as_ref().expect("is kept");
                assert!(aside.file_name().is_some_and(|name| name.to_string_lossy().starts_with("damaged-")));
                let kept = fs::read(aside).expect("reads");
                assert_eq!(kept, bytes[damage.byte as usize..][..kept.len()]);
                fs::remove_file(aside).expect("removes");
                fs::write(&path, &sound).expect("writes");
            }
        }
    }
}

#[test]
fn what_is_gone_from_the_end_or_the_middle_leaves_stand_ins() {
    let (dir, held) = written();
    let floor: Vec<u64> = held.iter().map(|records| records.len() as u64).collect();
    let bases = segment::segments(&folder(&dir, 0)).expect("lists");
    assert!(bases.len() > 2, "there are segments to lose");
    for (index, &base) in bases.iter().enumerate() {
        let (path, sound) =
            (segment_path(&folder(&dir, 0), base), fs::read(segment_path(&folder(&dir, 0), base)).expect("reads"));
        let zeros = [&sound[..sound.len() / 2], &vec![0; sound.len() / 2 + 50]].concat();
        for cut in [&sound[..sound.len() - 1], &sound[..sound.len() / 2], &zeros, &[]] {
            fs::write(&path, cut).expect("writes");
            if index + 1 == bases.len() {
                bind(&dir, &floor);
                let refused = open(&dir).err().expect("bindings cover what is gone").to_string();
                assert!(refused.contains("were durable") && refused.contains("--repair"), "{refused}");
                assert_eq!(fs::read(&path).expect("reads"), cut, "nothing was cut");
                fs::remove_file(dir.path().join("bindings")).expect("removes");
            }
            let (_, lost) = mended(&dir, &held, &floor);
            assert!(lost > 0 || cut.len() + 1 == sound.len());
            fs::write(&path, &sound).expect("writes");
        }
    }
    let whole = folder(&dir, 1);
    fs::remove_dir_all(&whole).expect("removes");
    assert!(mended(&dir, &held, &floor).1 > 5, "a partition that is gone comes back as stand-ins");
}

/// Bindings that cover the log up to here.
fn bind(dir: &TempDir, vector: &[u64]) {
    let data = DataDir::open(dir.path()).expect("free");
    crate::clock::bind_for_test(&data, "embedded:code-events", vector);
}

#[test]
fn what_a_crash_left_half_written_is_no_damage() {
    let (dir, held) = written();
    let floor: Vec<u64> = held.iter().map(|records| records.len() as u64 - 1).collect();
    let last = segment::segments(&folder(&dir, 0)).expect("lists").pop().expect("has one");
    let path = segment_path(&folder(&dir, 0), last);
    let sound = fs::read(&path).expect("reads");
    for garbage in [&b"half a record"[..], &[0; 100]] {
        fs::write(&path, [&sound[..sound.len() - 3], garbage].concat()).expect("writes");
        bind(&dir, &floor);
        assert_eq!(inspect(&topic(&dir), PARTITIONS, &floor).expect("reads").damage, []);
        let log = open(&dir).expect("opens in silence");
        assert_eq!(records(&log, 0).expect("reads").len() as u64, floor[0]);
        fs::remove_file(dir.path().join("bindings")).expect("removes");
    }
}

/// Writes `bytes` to the file, mends it, and gives what was found; the file is `sound` again afterwards.
fn mended_after(dir: &TempDir, held: &[Held], path: &Path, bytes: &[u8]) -> (Vec<Damage>, usize) {
    let sound = fs::read(path).expect("reads");
    fs::write(path, bytes).expect("writes");
    let floor: Vec<u64> = held.iter().map(|records| records.len() as u64).collect();
    let outcome = mended(dir, held, &floor);
    fs::write(path, sound).expect("writes");
    outcome
}

/// Where each record of a file begins, and the file's end.
fn places(bytes: &[u8]) -> Vec<usize> {
    let next = |at: &usize| Some(at + frame::decode_header(bytes.get(*at..)?.get(..40)?).ok()?.record_bytes());
    std::iter::successors(Some(0), next).collect()
}

#[test]
fn bytes_that_belong_to_no_record_are_moved_aside_and_nothing_is_lost() {
    let (dir, held) = written();
    let path = segment_path(&folder(&dir, 0), 0);
    let sound = fs::read(&path).expect("reads");
    let places = places(&sound);
    let repeated = &sound[places[1]..places[2]];
    for junk in [&b"inserted"[..], &[0; 60], repeated] {
        for &at in &places {
            let (found, lost) = mended_after(&dir, &held, &path, &[&sound[..at], junk, &sound[at..]].concat());
            assert_eq!((found.iter().map(|damage| damage.records).sum::<u64>(), lost), (0, 0), "{found:?}");
        }
        let kept = fs::read(folder(&dir, 0).join(format!("damaged-{:020}-0.bytes", 0))).expect("is kept");
        assert!(junk == repeated || kept == b"inserted", "an earlier file of the name stays");
    }
    assert_eq!(fs::read(folder(&dir, 0).join(format!("damaged-{:020}-0-2.bytes", 0))).expect("is kept"), [0; 60]);
}

#[test]
fn records_in_a_wrong_order_go_back_to_their_places() {
    let (dir, held) = written();
    let path = segment_path(&folder(&dir, 0), 0);
    let sound = fs::read(&path).expect("reads");
    let places = places(&sound);
    let [a, b, c, ..] = &places[1..] else { panic!("there are three records") };
    let swapped = [&sound[..*a], &sound[*b..*c], &sound[*a..*b], &sound[*c..]].concat();
    let (found, lost) = mended_after(&dir, &held, &path, &swapped);
    let [damage] = &found[..] else { panic!("{found:?}") };
    assert_eq!((damage.byte, damage.records, lost), (*a as u64, 0, 0));
    assert_eq!(fs::read(damage.aside.as_ref().expect("is kept")).expect("reads"), swapped[*a..*c]);
}

#[test]
fn a_file_that_lost_bytes_of_any_record_gets_stand_ins_and_keeps_the_rest() {
    let (dir, held) = written();
    for (index, base) in segment::segments(&folder(&dir, 0)).expect("lists").into_iter().enumerate() {
        let path = segment_path(&folder(&dir, 0), base);
        let sound = fs::read(&path).expect("reads");
        let places = places(&sound);
        for record in places.windows(2) {
            for range in [record[0]..record[1], record[0] + 20..record[0] + 28, record[1] - 30..record[1]] {
                let short = [&sound[..range.start], &sound[range.end..]].concat();
                let (found, lost) = mended_after(&dir, &held, &path, &short);
                let [damage] = &found[..] else { panic!("{found:?}") };
                assert_eq!((damage.byte, damage.records), (record[0] as u64, 1), "file {index}, {range:?}");
                assert_eq!(lost as u64, 1 - damage.controls);
            }
        }
    }
}

#[test]
fn whole_records_of_another_place_at_the_end_are_damage_to_everybody() {
    let (dir, held) = written();
    let floor: Vec<u64> = held.iter().map(|records| records.len() as u64).collect();
    let last = |partition: u32| {
        let base = segment::segments(&folder(&dir, partition)).expect("lists").into_iter().max().expect("one");
        segment_path(&folder(&dir, partition), base)
    };
    let sound = fs::read(last(0)).expect("reads");
    let starts = places(&sound);
    let other = fs::read(last(1)).expect("reads");
    let earlier = fs::read(segment_path(&folder(&dir, 0), 0)).expect("reads");
    let again = sound[starts[starts.len() - 2]..].to_vec();
    for strange in [other, earlier, again] {
        let bytes = [&sound[..], &strange[..]].concat();
        fs::write(last(0), &bytes).expect("writes");
        let opened = open(&dir).map(drop);
        assert!(opened.is_err(), "what follows no record is never cut off");
        for floor in [&floor[..], &[]] {
            let found = inspect(&topic(&dir), PARTITIONS, floor).map(|survey| survey.damage);
            assert!(!found.as_ref().is_ok_and(Vec::is_empty), "{found:?} {opened:?}");
        }
        fs::write(last(0), &sound).expect("writes");
    }
}

#[test]
fn a_repair_that_was_interrupted_is_run_again() {
    let (dir, held) = written();
    let path = segment_path(&folder(&dir, 0), 0);
    let mut bytes = fs::read(&path).expect("reads");
    bytes[60] ^= 1;
    let names = || {
        let entries = fs::read_dir(folder(&dir, 0)).expect("lists");
        entries.map(|entry| entry.expect("is readable").file_name()).collect::<std::collections::BTreeSet<_>>()
    };
    mended_after(&dir, &held, &path, &bytes);
    // The damaged bytes were moved aside, and the new file was half written and had no name yet.
    fs::write(path.with_extension("log.mine.tmp"), b"somebody's own").expect("writes");
    let before = names();
    fs::write(path.with_extension("log.1.tmp"), &bytes[..50]).expect("writes");
    assert_eq!(mended_after(&dir, &held, &path, &bytes).1, 1);
    assert_eq!(names(), before, "the bytes are kept once, and what was half written is gone");
}

#[test]
fn what_no_repair_can_do_is_refused_before_anything_is_changed() {
    let (dir, _) = written();
    let refused = |words: &str| {
        let said = [inspect(&topic(&dir), PARTITIONS, &[]), repair(&topic(&dir), PARTITIONS, &[])];
        for outcome in said {
            let said = outcome.expect_err("is refused").to_string();
            assert!(said.contains(words), "{said}");
        }
    };
    let far = segment_path(&folder(&dir, 0), 1 << 50);
    fs::write(&far, b"").expect("writes");
    refused("more than a file holds");
    fs::remove_file(&far).expect("removes");
    let away = dir.path().join("away");
    fs::rename(folder(&dir, 0), &away).expect("renames");
    fs::write(folder(&dir, 0), b"").expect("writes");
    refused("a file stands where the folder of a partition belongs");
}

#[test]
fn a_control_record_that_no_partition_holds_keeps_its_number() {
    let (dir, held) = written();
    let mut lost = 0;
    for partition in 0..PARTITIONS {
        let last = |record: &(bool, Vec<u8>)| record.0;
        let offset = held[partition as usize].iter().rposition(last).expect("has one") as u64;
        let bases = segment::segments(&folder(&dir, partition)).expect("lists");
        let base = *bases.iter().rfind(|&&base| base <= offset).expect("has one");
        let path = segment_path(&folder(&dir, partition), base);
        let mut bytes = fs::read(&path).expect("reads");
        let end = places(&bytes)[(offset - base) as usize + 1];
        bytes[end - 1] ^= 1;
        lost += usize::from(end < bytes.len());
        fs::write(&path, &bytes).expect("writes");
    }
    assert!(lost > 0, "a record behind it counts it");
    let floor: Vec<u64> = held.iter().map(|records| records.len() as u64).collect();
    let found = repair(&topic(&dir), PARTITIONS, &floor).expect("is mended").damage;
    assert!(found.iter().any(Damage::moves_controls), "bindings are made anew: {found:?}");
    let log = open(&dir).expect("opens");
    let controls =
        |partition: u32| records(&log, partition).expect("reads").into_iter().filter(|record| record.0).count();
    assert_eq!((controls(0), controls(1)), (4, 4));
}

#[test]
fn a_file_of_another_partition_is_named_and_neither_read_nor_cut() {
    let (dir, held) = written();
    let paths = |base| (segment_path(&folder(&dir, 0), base), segment_path(&folder(&dir, 1), base));
    let last = |partition| *segment::segments(&folder(&dir, partition)).expect("lists").last().expect("has one");
    let ((mine, theirs), newest) = (paths(0), segment_path(&folder(&dir, 0), last(0)));
    for (path, swapped) in [(&mine, &theirs), (&newest, &segment_path(&folder(&dir, 1), last(1)))] {
        let (sound, foreign) = (fs::read(path).expect("reads"), fs::read(swapped).expect("reads"));
        fs::write(path, &foreign).expect("writes");
        let opened = open(&dir).and_then(|log| records(&log, 0));
        let said = [opened.map(drop), inspect(&topic(&dir), PARTITIONS, &[]).map(drop)];
        for outcome in said.into_iter().chain([repair(&topic(&dir), PARTITIONS, &[]).map(drop)]) {
            let said = outcome.expect_err("it is refused").to_string();
            assert!(said.contains(&path.display().to_string()) && said.contains("a record of partition 1"), "{said}");
        }
        let refused = repair(&topic(&dir), PARTITIONS, &[]).expect_err("it is refused").to_string();
        assert!(!refused.contains("--repair"), "what was tried is no advice: {refused}");
        assert_eq!(fs::read(path).expect("reads"), foreign, "nothing was cut");
        fs::write(path, &sound).expect("writes");
    }
    assert_eq!(records(&open(&dir).expect("opens"), 0).expect("reads"), held[0]);
    // Where there is no copy, it is moved away.
    fs::remove_file(&mine).expect("removes");
    let floor: Vec<u64> = held.iter().map(|records| records.len() as u64).collect();
    assert!(mended(&dir, &held, &floor).1 > 0);
}

#[test]
fn a_file_under_a_wrong_name_and_a_folder_in_its_place_are_named_and_left() {
    let (dir, held) = written();
    let bases = segment::segments(&folder(&dir, 0)).expect("lists");
    let (right, wrong) = (segment_path(&folder(&dir, 0), bases[1]), segment_path(&folder(&dir, 0), bases[1] + 1));
    fs::rename(&right, &wrong).expect("renames");
    let both = || [inspect(&topic(&dir), PARTITIONS, &[]), repair(&topic(&dir), PARTITIONS, &[])];
    for outcome in both() {
        let said = outcome.expect_err("it is refused").to_string();
        assert!(said.contains(&format!("should be {}: rename it", right.display())), "{said}");
    }
    fs::rename(&wrong, &right).expect("renames");
    let away = dir.path().join("away");
    fs::rename(&right, &away).expect("renames");
    fs::create_dir(&right).expect("is made");
    assert!(
        both()
            .into_iter()
            .all(|outcome| outcome.is_err_and(|error| error.to_string().contains("a folder stands where")))
    );
    fs::remove_dir(&right).expect("removes");
    fs::rename(&away, &right).expect("renames");
    // A copy beside it under a name of another form is no part of the log.
    fs::copy(&right, folder(&dir, 0).join(format!("{}.log", bases[1] + 1))).expect("copies");
    assert_eq!(mended(&dir, &held, &[]).0, []);
}

#[test]
fn control_records_that_one_partition_lacks_come_back_from_another_also_without_bindings() {
    let dir = scratch();
    let log = open(&dir).expect("opens");
    for n in 0..3u64 {
        log.append(b"one repository", b"{}").expect("appends");
        let control = Control { id: ControlId::of("cut", n), action: ControlAction::Cut { cut: n } };
        log.append_control(&rule().seal(control, n, PARTITIONS)).expect("appends");
    }
    let held: Vec<Held> = (0..PARTITIONS).map(|partition| records(&log, partition).expect("reads")).collect();
    let bare = held.iter().position(|records| records.iter().all(|(control, _)| *control)).expect("one key");
    drop(log);
    let bare = bare as u32;
    let path = segment_path(&folder(&dir, bare), 0);
    let sound = fs::read(&path).expect("reads");
    for torn in [&b""[..], b"half a record"] {
        fs::write(&path, torn).expect("writes");
        let found = inspect(&topic(&dir), PARTITIONS, &[]).expect("reads").damage;
        assert!(matches!(&found[..], [one] if (one.records, one.controls) == (3, 3)), "{found:?}");
        assert_eq!(mended(&dir, &held, &[]).1, 0, "nothing is lost");
        assert_eq!(fs::read(&path).expect("reads").len(), sound.len());
    }
    fs::remove_dir_all(folder(&dir, bare)).expect("removes");
    assert_eq!(mended(&dir, &held, &[]).1, 0, "nothing is lost");
    // A file whose name says that records before it are lost; what is made in their place can be opened.
    fs::rename(&path, segment_path(&folder(&dir, bare), 50)).expect("renames");
    fs::write(segment_path(&folder(&dir, bare), 50), b"").expect("writes");
    repair(&topic(&dir), PARTITIONS, &[]).expect("is mended");
    assert_eq!(inspect(&topic(&dir), PARTITIONS, &[]).expect("reads").damage, []);
    let log = open(&dir).expect("opens");
    let controls = records(&log, bare).expect("reads").into_iter().filter(|(control, _)| *control);
    assert_eq!(
        controls.map(|(_, payload)| payload).collect::<Vec<_>>(),
        held[bare as usize].iter().map(|(_, payload)| payload.clone()).collect::<Vec<_>>()
    );
}
