//! Data folders that earlier versions wrote open in this one, and nothing in them is lost.

use driftline::cli::data::{DataArgs, Local};
use driftline::clock::ClockConfig;
use driftline::config::BackendChoice;
use driftline::controls::ControlKeyArgs;
use driftline::engine::{Engine, EngineConfig};
use driftline_schema::RejectReason;
use driftline_testkit::project_root;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering;

/// Unpacks every folder of `tests/fixtures`.
fn unpacked() -> Vec<(tempfile::TempDir, serde_json::Value)> {
    let fixtures = project_root().join("tests/fixtures");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(fixtures)
        .expect("there are fixtures")
        .map(|entry| entry.expect("can be listed").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    assert!(!folders.is_empty());
    let unpack = |folder: PathBuf| {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let archive = folder.join("folder.tar.gz");
        let status = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(scratch.path()).status();
        assert!(status.expect("tar is there").success());
        let summary = std::fs::read(folder.join("summary.json")).expect("is there");
        (scratch, serde_json::from_slice(&summary).expect("is JSON"))
    };
    folders.into_iter().map(unpack).collect()
}

fn args(folder: &Path) -> DataArgs {
    DataArgs {
        data: folder.join("data"),
        workers: NonZeroUsize::MIN,
        backend: BackendChoice::Cpu,
        control: ControlKeyArgs::default(),
        author_key_file: Some(folder.join("author.key")),
    }
}

/// Changes, and predictions by whether they abstain and why.
fn check(engine: &Engine, recorded: &serde_json::Value) {
    let summary = engine.view().summary();
    let number = |name: &str| recorded[name].as_u64().expect("a count");
    assert_eq!(engine.clock().stats().records_read, number("events"));
    assert_eq!(engine.counts().accepted.load(Ordering::Relaxed), number("accepted"));
    assert_eq!(summary.rejects.values().sum::<u64>(), number("rejected"));
    assert_eq!(summary.rejects.get(&RejectReason::ForgedControl), None);
    assert_eq!((summary.changes as u64, summary.predictions as u64), (number("commits"), number("predictions")));
    let (_, changes) = engine.view().changes();
    let predictions: Vec<_> = changes.filter_map(|change| change.prediction).collect();
    assert_eq!(predictions.len() as u64, number("predictions"));
    let after_the_cut = predictions.iter().filter(|it| it.receipt.model.is_some());
    let mut answered = 0;
    for prediction in after_the_cut {
        answered += 1;
        match &prediction.risk {
            Some(_) => assert_eq!(prediction.abstained, None),
            None => assert_eq!(prediction.abstained.as_deref(), Some("model_unavailable")),
        }
    }
    assert!(answered > 0, "the log puts a model in force");
}

#[test]
fn every_recorded_folder_opens_with_all_that_is_in_it() {
    for (folder, recorded) in unpacked() {
        let args = args(folder.path());
        let local = Local::start(&args, &EngineConfig::default(), Vec::new()).expect("opens");
        local.engine.wait_until_idle().expect("is read whole");
        check(&local.engine, &recorded);
        let found = local.engine.reflected();
        local.stop().expect("stops");
        for (workers, records) in [(1, 2_000), (2, 7)] {
            let clock = ClockConfig {
                records_per_binding_max: NonZeroU32::new(records).expect("not zero"),
                ..ClockConfig::default()
            };
            let workers = NonZeroUsize::new(workers).expect("not zero");
            let config = EngineConfig { clock, workers, announce: false, ..EngineConfig::default() };
            let replay = Local::scratch(&args, &config).expect("opens");
            replay.engine.wait_until_idle().expect("is read whole");
            assert_eq!(replay.engine.reflected().digests.parts(), found.digests.parts(), "one log, one answer");
            replay.stop().expect("stops");
        }
        // Opened once more with what this version left there, and then a cut of its own.
        let again = Local::start(&args, &EngineConfig::default(), Vec::new()).expect("opens again");
        again.engine.wait_until_idle().expect("is read whole");
        assert_eq!(again.engine.reflected().digests.parts(), found.digests.parts());
        check(&again.engine, &recorded);
        let cut = again.engine.conductor().cut().expect("takes a cut");
        again.engine.wait_for_models(cut).expect("trains");
        again.engine.wait_until_idle().expect("is read whole");
        assert_eq!(again.engine.view().summary().rejects.get(&RejectReason::ForgedControl), None);
        assert!(again.engine.models().iter().any(|model| model.cut == cut), "the next cut trains anew");
        again.stop().expect("stops");
    }
}

#[test]
fn another_control_key_is_refused_with_advice_before_anything_is_read() {
    let (folder, _) = unpacked().remove(0);
    let args = args(folder.path());
    Local::start(&args, &EngineConfig::default(), Vec::new()).expect("opens").stop().expect("stops");
    let key = folder.path().join("control.key");
    assert!(key.is_file(), "the key lies beside the author key");
    let sound = std::fs::read(&key).expect("reads");
    std::fs::write(&key, [7; 32]).expect("writes");
    let refused = |what: &str| {
        let error = Local::start(&args, &EngineConfig::default(), Vec::new()).err().expect("refused").to_string();
        assert!(error.contains(what) && error.contains("--control-key-file"), "{error}");
    };
    refused("holds another control key");
    std::fs::remove_file(&key).expect("removes");
    refused("is gone");
    assert!(!key.exists(), "no other key is made in silence");
    std::fs::write(&key, sound).expect("writes");
    Local::start(&args, &EngineConfig::default(), Vec::new()).expect("opens").stop().expect("stops");
}
