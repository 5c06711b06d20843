//! Cuts at fixed numbers, and repositories in trouble beside others that are not.

use super::*;
use crate::engine::EngineConfig;
use crate::log::{DataDir, EmbeddedLog, LogConfig, scratch};
use crate::source::EmbeddedSource;
use driftline_api::Condition;
use parking_lot::Mutex;
use std::cell::Cell;
use std::path::PathBuf;
use std::process::Command;

/// An engine with an importer over repositories in a folder.
struct Bench {
    folder: tempfile::TempDir,
    log: Arc<EmbeddedLog>,
    engine: Engine,
    importer: Importer,
    states: Arc<Mutex<BTreeMap<String, RepositoryState>>>,
    minutes: Cell<u64>,
}

impl Bench {
    fn new() -> Self {
        let folder = scratch();
        let dir = DataDir::open(folder.path().join("data")).expect("free");
        let log = Arc::new(EmbeddedLog::open(&dir, &LogConfig::default()).expect("opens"));
        let source = Box::new(EmbeddedSource::new(&log).expect("reads"));
        let controls = crate::controls::testing::rule();
        let config = EngineConfig { controls, ..EngineConfig::default() };
        let engine = Engine::start(&dir, source, log.clone(), &config, Vec::new()).expect("starts");
        let view = engine.view().clone();
        let known = move |name: &str| {
            let changes = view.changes().1.filter(|change| &*change.repository == name);
            changes.filter_map(|change| change.commit).collect()
        };
        let mut importer = Importer::new(log.clone(), &engine, &config.training, Arc::new(known));
        let states: Arc<Mutex<BTreeMap<String, RepositoryState>>> = Arc::default();
        let shown = states.clone();
        importer.watch(Box::new(move |now| shown.lock().clone_from(now)));
        Self { folder, log, engine, importer, states, minutes: Cell::new(0) }
    }
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    fn git(&self, name: &str, args: &[&str]) -> String {
        let date = format!("@{} +0000", 1_700_000_000 + 60 * self.minutes.get());
        let output = Command::new("git")
            .args(["-c", "gc.auto=0", "-c", "user.name=A", "-c", "user.email=a@example.org"])
            .args(args)
            .current_dir(self.path(name))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .output()
            .expect("git is installed");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
    /// A repository with so many commits.
    fn repository(&self, name: &str, commits: usize) {
        std::fs::create_dir_all(self.path(name)).expect("is made");
        self.git(name, &["init", "-q", "-b", "main", "."]);
        (0..commits).for_each(|_| self.commit(name));
    }
    fn commit(&self, name: &str) {
        self.minutes.set(self.minutes.get() + 1);
        let text = format!("def f{}(a):\n    return a\n", self.minutes.get());
        std::fs::write(self.path(name).join("f.py"), text).expect("is written");
        self.git(name, &["add", "-A"]);
        self.git(name, &["commit", "-q", "-m", "A change"]);
    }
    fn add(&mut self, name: &str) {
        let path = self.path(name);
        self.importer.add(&path, None, &AuthorKey::new(*b"a key of the test suite"), &Limits::default()).expect("adds");
    }
    fn import(&mut self) {
        self.importer.import(&self.engine, &|_, _| {}).expect("imports");
    }
    /// Follows until that is so.
    fn follow_until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !so(self) {
            assert!(start.elapsed() < Duration::from_secs(60), "{what}; {:?}", self.states.lock());
            std::thread::sleep(self.importer.pause());
            self.importer.follow(&self.engine, POLL).expect("follows");
        }
    }
    fn condition(&self, name: &str) -> Option<Condition> {
        self.states.lock().get(name).map(|row| row.state)
    }
    /// Key and payload of every record, by partition.
    fn records(&self) -> Vec<Vec<(Vec<u8>, Vec<u8>)>> {
        self.log.sync().expect("syncs");
        let read = |partition| {
            let mut reader = self.log.reader(partition, 0).expect("opens");
            std::iter::from_fn(|| reader.read().expect("reads")).map(|record| (record.key, record.payload)).collect()
        };
        (0..self.log.partitions()).map(read).collect()
    }
    /// How many records of a repository stand in the log.
    fn count(&self, name: &str) -> usize {
        self.records().iter().flatten().filter(|(key, _)| key == name.as_bytes()).count()
    }
}

#[test]
fn a_repository_that_is_moved_away_keeps_no_other_from_being_followed() {
    let mut bench = Bench::new();
    bench.repository("one", 3);
    bench.repository("two", 3);
    bench.add("one");
    bench.add("two");
    bench.import();
    assert_eq!((bench.importer.followed(), bench.condition("one")), ((2, 2), Some(Condition::Following)));
    std::fs::rename(bench.path("one"), bench.path("away")).expect("is moved");
    bench.follow_until("it is missed", |bench| bench.condition("one") == Some(Condition::Missing));
    assert!(bench.states.lock()["one"].reason.as_ref().is_some_and(|reason| reason.contains("is no git repository")));
    assert_eq!((bench.importer.followed(), bench.condition("two")), ((1, 2), Some(Condition::Following)));
    bench.commit("two");
    let start = Instant::now();
    bench.follow_until("the other is followed", |bench| bench.count("two") == 4);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    bench.commit("away");
    std::fs::rename(bench.path("away"), bench.path("one")).expect("is moved");
    bench.follow_until("it is back", |bench| bench.condition("one") == Some(Condition::Following));
    assert_eq!((bench.count("one"), bench.count("two"), bench.importer.trouble().is_none()), (4, 4, true));
}

#[test]
fn another_repository_that_takes_the_place_between_two_looks_withdraws_nothing() {
    let mut bench = Bench::new();
    bench.repository("one", 3);
    bench.repository("two", 2);
    bench.add("one");
    bench.import();
    std::fs::rename(bench.path("one"), bench.path("away")).expect("is moved");
    std::fs::rename(bench.path("two"), bench.path("one")).expect("is moved");
    bench.follow_until("it is refused", |bench| bench.condition("one") == Some(Condition::Failed));
    let reason = bench.states.lock()["one"].reason.clone().unwrap_or_default();
    assert!(reason.contains("another repository stands where `one` was followed"), "{reason}");
    assert_eq!(bench.count("one"), 3);
    std::fs::rename(bench.path("one"), bench.path("two")).expect("is moved");
    std::fs::rename(bench.path("away"), bench.path("one")).expect("is moved");
    bench.commit("one");
    bench.follow_until("it is back", |bench| bench.condition("one") == Some(Condition::Following));
    bench.follow_until("it is followed", |bench| bench.count("one") == 4);
}

#[test]
fn what_stands_in_the_log_before_an_error_is_not_appended_again() {
    let (mut bench, mut undisturbed) = (Bench::new(), Bench::new());
    undisturbed.repository("one", 20);
    undisturbed.add("one");
    undisturbed.import();
    bench.repository("one", 20);
    bench.repository("two", 2);
    // The content of the eighth commit is gone.
    let blob = bench.git("one", &["rev-parse", "HEAD~12:f.py"]);
    let object = bench.path("one").join(".git/objects").join(&blob[..2]).join(&blob[2..]);
    let bytes = std::fs::read(&object).expect("is loose");
    std::fs::remove_file(&object).expect("is removed");
    bench.add("one");
    bench.add("two");
    bench.import();
    assert_eq!((bench.count("one"), bench.count("two")), (7, 2), "what can be read is there");
    assert_eq!((bench.condition("one"), bench.importer.followed()), (Some(Condition::Failed), (1, 2)));
    assert!(bench.states.lock()["one"].reason.as_ref().is_some_and(|reason| reason.contains(&blob)));
    bench.commit("two");
    bench.follow_until("the other is followed", |bench| bench.count("two") == 3);
    assert_eq!(bench.count("one"), 7, "and nothing was told again");
    std::fs::write(&object, bytes).expect("is written");
    bench.follow_until("it is mended", |bench| bench.condition("one") == Some(Condition::Following));
    let of_one =
        |bench: &Bench| bench.records().into_iter().flatten().filter(|(key, _)| key == b"one").collect::<Vec<_>>();
    assert!(of_one(&bench) == of_one(&undisturbed), "the log of an undisturbed run: nothing lost, nothing twice");
}

#[test]
fn a_repository_that_is_not_there_at_the_start_is_brought_in_when_it_comes() {
    let mut bench = Bench::new();
    bench.repository("two", 2);
    bench.add("one");
    bench.add("two");
    assert_eq!((bench.importer.names(), bench.importer.followed()), (vec!["two"], (1, 2)));
    bench.import();
    assert_eq!(
        (bench.condition("one"), bench.condition("two")),
        (Some(Condition::Missing), Some(Condition::Following))
    );
    let text = bench.importer.trouble().expect("one is missing").to_string();
    assert!(text.contains("1 of 2 repositories") && text.contains("one"), "{text}");
    bench.repository("one", 3);
    bench.follow_until("it is brought in", |bench| bench.condition("one") == Some(Condition::Following));
    bench.follow_until("all of it", |bench| bench.count("one") == 3);
    let mut alone = Bench::new();
    alone.add("nowhere");
    assert_eq!(alone.importer.followed(), (0, 1));
    let error = alone.importer.trouble().expect("there is nothing");
    assert!(matches!(error, ImportError::Collect(CollectError::NotARepository { .. })), "{error}");
}

#[test]
fn an_emptied_repository_and_another_one_in_its_place_withdraw_nothing() {
    let mut bench = Bench::new();
    bench.repository("one", 4);
    bench.add("one");
    bench.import();
    let head = bench.git("one", &["rev-parse", "HEAD"]);
    std::fs::remove_file(bench.path("one").join(".git/refs/heads/main")).expect("is loose");
    bench.follow_until("it is noticed", |bench| bench.condition("one") == Some(Condition::Failed));
    bench.git("one", &["update-ref", "refs/heads/main", &head]);
    bench.follow_until("it is back", |bench| bench.condition("one") == Some(Condition::Following));
    std::fs::rename(bench.path("one"), bench.path("away")).expect("is moved");
    bench.follow_until("it is missed", |bench| bench.condition("one") == Some(Condition::Missing));
    // Another history under the same name and path.
    bench.repository("one", 2);
    bench.follow_until("it is told apart", |bench| bench.condition("one") == Some(Condition::Failed));
    assert!(bench.states.lock()["one"].reason.as_ref().is_some_and(|reason| reason.contains("another repository")));
    assert_eq!(bench.count("one"), 4, "nothing was added or withdrawn");
}

#[test]
fn a_repository_that_hangs_keeps_no_other_from_being_followed() {
    let mut bench = Bench::new();
    bench.repository("one", 2);
    bench.repository("two", 2);
    bench.add("one");
    bench.add("two");
    bench.import();
    let head = bench.path("one").join(".git/HEAD");
    std::fs::remove_file(&head).expect("is removed");
    // Whoever opens it waits for somebody who writes.
    assert!(Command::new("mkfifo").arg(&head).status().expect("mkfifo is installed").success());
    let start = Instant::now();
    bench.commit("two");
    bench.follow_until("the other is followed", |bench| bench.count("two") == 3);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    std::fs::OpenOptions::new().read(true).write(true).open(&head).expect("wakes the reader");
}

#[test]
fn two_imports_of_the_same_repositories_give_the_same_log() {
    let mut first = None;
    for _ in 0..2 {
        let mut bench = Bench::new();
        for name in ["one", "two", "three"] {
            bench.repository(name, 90);
            bench.add(name);
        }
        bench.import();
        let records = bench.records();
        assert!(records.iter().all(|records| records.iter().any(|(key, _)| key.is_empty())), "a cut stands in each");
        match &first {
            None => first = Some(records),
            Some(first) => assert!(*first == records),
        }
    }
}

#[test]
fn a_history_that_is_pushed_gives_the_log_of_one_that_was_there() {
    let (mut whole, mut pushed) = (Bench::new(), Bench::new());
    whole.repository("one", 210);
    whole.add("one");
    whole.import();
    pushed.repository("one", 3);
    pushed.add("one");
    pushed.import();
    (3..210).for_each(|_| pushed.commit("one"));
    pushed.follow_until("the push is followed", |bench| bench.count("one") == 210);
    assert_eq!(whole.engine.conductor().last().model_ready, 1, "a cut is among them");
    assert!(pushed.records() == whole.records(), "the model-ready record of a cut comes before later changes");
}

#[test]
fn cuts_are_due_at_fixed_numbers_of_changes() {
    let schedule = Schedule::new(&TrainingConfig::default());
    let due: Vec<u64> = (1..2_100).filter(|changes| schedule.cuts(*changes) > schedule.cuts(changes - 1)).collect();
    assert_eq!(due, vec![200, 500, 1_000, 1_500, 2_000]);
    assert_eq!((schedule.cuts(0), schedule.cuts(2_099)), (0, 5));
}
