//! What `check --data` finds, and that what it mends is whole afterwards.

use super::*;
use crate::log::scratch;
use std::fs;

fn args(folder: &Path, repair: bool) -> CheckDataArgs {
    CheckDataArgs { data: Some(folder.to_owned()), repair, new_control_key: false, control: ControlKeyArgs::default() }
}

/// What a check says, and what a mending says.
fn check(folder: &Path) -> Result<(), String> {
    run(&args(folder, false), folder).map_err(|error| error.to_string())
}
fn mend(folder: &Path) -> Result<(), String> {
    run(&args(folder, true), folder).map_err(|error| error.to_string())
}

/// A data folder whose log has one segment of several megabytes, more than a text file may have.
fn written() -> tempfile::TempDir {
    let folder = scratch();
    let log = opened(folder.path());
    for _ in 0..5 {
        log.append(b"repository", &vec![b' '; 1 << 20]).expect("appends");
    }
    log.sync().expect("syncs");
    folder
}

fn opened(folder: &Path) -> EmbeddedLog {
    EmbeddedLog::open(&DataDir::open(folder).expect("free"), &LogConfig::default()).expect("opens")
}

/// Adds a hundred records of as many repositories; where the partitions end then.
fn add_many(folder: &Path) -> Vec<u64> {
    let log = opened(folder);
    for number in 0..100 {
        log.append(format!("repository {number}").as_bytes(), b"{}").expect("appends");
    }
    log.sync().expect("syncs")
}

fn segment(folder: &Path) -> PathBuf {
    let partition = crate::source::partition_of(b"repository", LogConfig::default().partitions.get());
    folder.join(format!("code-events/{partition}/{:020}.log", 0))
}

#[test]
fn a_folder_without_a_log_is_no_data_folder() {
    let folder = scratch();
    assert!(check(folder.path()).expect_err("nothing is there").contains("is no data folder"));
}

#[test]
fn damage_in_a_long_segment_is_found_and_mended() {
    let folder = written();
    check(folder.path()).expect("is whole");
    let path = segment(folder.path());
    let mut bytes = fs::read(&path).expect("reads");
    bytes[3 << 20] ^= 1;
    fs::write(&path, &bytes).expect("writes");
    let said = check(folder.path()).expect_err("is damaged");
    assert!(said.contains("--repair") && said.contains("Nothing was changed"), "{said}");
    assert_eq!(fs::read(&path).expect("reads"), bytes);
    mend(folder.path()).expect("is mended");
    check(folder.path()).expect("is whole");
}

#[test]
fn a_check_changes_nothing_and_whole_records_of_another_place_are_no_crash() {
    let folder = written();
    let (path, log) =
        (segment(folder.path()), |base: u64| segment(folder.path()).with_file_name(format!("{base:020}.log")));
    let sound = fs::read(&path).expect("reads");
    // A restored file under a wrong name, and bytes behind the last record as a crash leaves them.
    fs::write(log(5), &sound).expect("writes");
    let said = check(folder.path()).expect_err("is damaged");
    assert!(said.contains("--repair"), "{said}");
    assert_eq!(fs::read(log(5)).expect("reads"), sound, "nothing was cut");
    mend(folder.path()).expect("is mended");
    let aside = path.with_file_name(format!("damaged-{:020}-0.bytes", 5));
    assert_eq!(fs::read(aside).expect("is kept"), sound);
    check(folder.path()).expect("is whole");
    let torn = [&sound[..], b"half a record"].concat();
    fs::remove_file(log(5)).expect("removes");
    fs::write(&path, &torn).expect("writes");
    check(folder.path()).expect("a crash is no damage");
    assert_eq!(fs::read(&path).expect("reads"), torn, "nothing was cut");
    drop(opened(folder.path()));
    assert_eq!(fs::read(&path).expect("reads"), sound);
    let cut = path.with_file_name(format!("cut-{:020}-{}.bytes", 0, sound.len()));
    assert_eq!(fs::read(cut).expect("is kept"), b"half a record");
}

#[test]
fn a_partition_that_is_lost_comes_back_as_stand_ins_and_the_count_stays() {
    for lost in 0..4 {
        let folder = written();
        let ends = add_many(folder.path());
        crate::clock::bind_for_test(&DataDir::open(folder.path()).expect("free"), "embedded:code-events", &ends);
        fs::remove_dir_all(folder.path().join(format!("code-events/{lost}"))).expect("removes");
        assert!(check(folder.path()).expect_err("is damaged").contains("folder of a partition is missing"));
        mend(folder.path()).expect("is mended");
        check(folder.path()).expect("is whole");
        let log = opened(folder.path());
        assert_eq!(log.ends(), ends);
    }
}

#[test]
fn the_folder_of_a_partition_without_records_comes_back_too() {
    let folder = written();
    let ends = opened(folder.path()).ends();
    crate::clock::bind_for_test(&DataDir::open(folder.path()).expect("free"), "embedded:code-events", &ends);
    let empty = ends.iter().position(|&end| end == 0).expect("one key is in one partition");
    fs::remove_dir_all(folder.path().join(format!("code-events/{empty}"))).expect("removes");
    check(folder.path()).expect_err("is damaged");
    mend(folder.path()).expect("is mended");
    check(folder.path()).expect("is whole");
}

#[test]
fn a_lost_count_of_partitions_is_told_by_bindings_or_by_how_logs_are_made() {
    for is_bound in [true, false] {
        let folder = written();
        let ends = add_many(folder.path());
        if is_bound {
            crate::clock::bind_for_test(&DataDir::open(folder.path()).expect("free"), "embedded:code-events", &ends);
        }
        let topic = folder.path().join("code-events");
        fs::remove_dir_all(topic.join("3")).expect("removes");
        fs::remove_file(topic.join("topic.json")).expect("removes");
        check(folder.path()).expect_err("is damaged");
        assert!(!topic.join("topic.json").exists(), "a check makes nothing");
        mend(folder.path()).expect("is mended");
        let log = opened(folder.path());
        assert_eq!((log.partitions(), &log.ends()[..3]), (4, &ends[..3]));
    }
}

#[test]
fn a_log_that_is_lost_is_neither_made_anew_nor_called_whole() {
    let folder = written();
    crate::clock::bind_for_test(&DataDir::open(folder.path()).expect("free"), "embedded:code-events", &[0, 1, 2, 2]);
    fs::remove_dir_all(folder.path().join("code-events")).expect("removes");
    let open = || EmbeddedLog::open(&DataDir::open(folder.path()).expect("free"), &LogConfig::default()).map(drop);
    assert!(open().expect_err("is refused").to_string().contains("with it the records that bindings cover"));
    assert!(!folder.path().join("code-events").exists());
    assert!(mend(folder.path()).expect_err("cannot be mended").contains("bring it back from a copy"));
}

#[test]
fn the_data_folder_of_a_log_in_kafka_is_called_that_and_left_alone() {
    let folder = scratch();
    crate::clock::bind_for_test(&DataDir::open(folder.path()).expect("free"), "kafka:events", &[3]);
    for said in [check(folder.path()), mend(folder.path())] {
        let said = said.expect_err("it holds no log");
        assert!(said.contains("`driftline run` on the topic events"), "{said}");
    }
    let opened = EmbeddedLog::open(&DataDir::open(folder.path()).expect("free"), &LogConfig::default());
    assert!(matches!(opened.err(), Some(LogError::OfKafka { .. })));
    assert!(!folder.path().join("code-events").exists());
}

#[test]
fn bindings_that_cannot_be_read_are_moved_aside() {
    let folder = written();
    let bindings = folder.path().join("bindings");
    fs::write(&bindings, b"these are no bindings\n").expect("writes");
    assert!(check(folder.path()).is_err());
    mend(folder.path()).expect("is mended");
    assert!(!bindings.exists() && folder.path().join("damaged-bindings-1").exists());
    check(folder.path()).expect("is whole");
}

#[test]
fn models_that_are_not_what_was_written_are_moved_aside() {
    let folder = written();
    let models = folder.path().join("models");
    fs::create_dir(&models).expect("is made");
    let name = format!("{}.model", "ab".repeat(32));
    for (file, bytes) in [(name.as_str(), &b"DLMODEL1\nnothing else"[..]), ("odd.model", b""), ("notes.txt", b"kept")] {
        fs::write(models.join(file), bytes).expect("writes");
    }
    let damaged = damaged_models(&models).expect("reads");
    let said: Vec<&str> = damaged.iter().map(|(_, reason)| reason.as_str()).collect();
    assert_eq!(said, ["its file is damaged: it is cut short", "its name is no model's id"]);
    check(folder.path()).expect("no answer depends on models");
    mend(folder.path()).expect("is mended");
    assert_eq!(damaged_models(&models).expect("reads"), []);
    let mut left: Vec<String> = fs::read_dir(&models)
        .expect("lists")
        .map(|entry| entry.expect("is readable").file_name().into_string().expect("is a name"))
        .collect();
    left.sort();
    assert_eq!(left, ["damaged-model-1", "damaged-model-2", "notes.txt"]);
}

#[test]
fn files_that_do_not_agree_are_named() {
    for (file, text, expected) in [
        ("code-events/topic.json", r#"{"format":1,"partitions":3}"#, "beside it are folders of 4"),
        ("code-events/topic.json", "", "topic.json is damaged"),
        ("repositories.json", "[]", "repositories.json cannot be read"),
        (
            "repositories.json",
            r#"{"format":1,"repositories":[{"name":"r","path":"","roots":[],"branches":["refs/heads/a b"]}]}"#,
            "repositories.json cannot be read",
        ),
        ("control.json", "[]", "control.json"),
        ("author-key.fingerprint", "", "author-key.fingerprint"),
    ] {
        let folder = written();
        fs::write(folder.path().join(file), text).expect("writes");
        let said = check(folder.path()).expect_err(file);
        assert!(said.contains(expected), "{file}: {said}");
    }
}
