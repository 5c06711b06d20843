//! A log with rejects and withdrawn commits is the same whenever the importer was killed, and grows by nothing at a start.

use super::*;
use crate::collect::AuthorKey;
use crate::config::{BackendChoice, TrainingConfig};
use crate::engine::{Engine, EngineConfig};
use crate::importer::Importer;
use crate::log::{DataDir, EmbeddedLog, LogConfig, scratch};
use crate::source::{EmbeddedSource, Record};
use driftline_schema::{Limits, wire};
use std::io::Write as _;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn the_last_record_of_a_commit_decides_in_whatever_order_they_are_told() {
    let commit = |byte| CommitId::from_bytes(&[byte; 20]).expect("20 bytes");
    let (repo, other) = (RepoId::of("demo"), RepoId::of("other"));
    let standing = Standing::default();
    standing.note_withdrawn(repo, &[commit(1), commit(2)], 5);
    standing.note_change(repo, commit(1), 3);
    standing.note_change(repo, commit(2), 3);
    standing.note_change(repo, commit(2), 7);
    standing.note_change(repo, commit(3), 4);
    standing.note_change(other, commit(4), 1);
    assert_eq!(standing.commits("demo"), [commit(2), commit(3)]);
    assert_eq!((standing.commits("other"), standing.changes()), (vec![commit(4)], 3));
    standing.note_change(repo, commit(2), 7);
    standing.note_change(repo, commit(2), 9);
    assert_eq!(standing.changes(), 3, "a commit counts once, however often it was appended");
    standing.note_withdrawn(repo, &[commit(2), commit(3), commit(5)], 10);
    assert_eq!(standing.changes(), 1, "what was withdrawn does not count");
}

/// What the engine takes is less than what the importer collects, so that some commits become rejects of several kinds.
fn config() -> EngineConfig {
    let number = |number| NonZeroU32::new(number).expect("is not zero");
    EngineConfig {
        training: TrainingConfig { first_cut: number(7), cut_every: number(9), ..TrainingConfig::default() },
        backend: BackendChoice::Cpu,
        limits: Limits {
            event_bytes_max: 3000,
            files_max: 3,
            path_bytes_max: 40,
            message_bytes_max: 60,
            ..Limits::default()
        },
        // Every start reads the control records of the one before.
        controls: crate::controls::testing::rule(),
        ..EngineConfig::default()
    }
}

fn git(folder: &Path, args: &[&str], input: &[u8]) {
    let mut child = Command::new("git")
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::piped())
        .spawn()
        .expect("git is installed");
    child.stdin.take().expect("is piped").write_all(input).expect("git reads");
    assert!(child.wait().expect("git ends").success(), "git {args:?}");
}

/// Commits `from..to` on top of what is there; every fifth is one that the engine rejects.
fn commits(from: usize, to: usize) -> Vec<u8> {
    let mut stream = String::new();
    for number in from..to {
        let (mut message, mut files) = (format!("Commit {number}"), vec![(format!("f{}.py", number % 4), number)]);
        match number % 20 {
            4 => message = "m".repeat(100),
            9 => files.extend((0..5).map(|file| (format!("many{file}.py"), number))),
            14 => files.push((format!("{}.py", "long".repeat(12)), number)),
            19 => files.push(("large.py".to_owned(), 400 + number)),
            _ => {}
        }
        let when = 1_500_000_000 + 60 * number;
        stream += &format!("commit refs/heads/main\ncommitter A <a@example.org> {when} +0000\n");
        stream += &format!("data {}\n{message}\n", message.len());
        if from > 0 && number == from {
            stream += "from refs/heads/main^0\n";
        }
        for (path, lines) in files {
            let text = (0..lines).map(|line| format!("x{line} = {number}\n")).collect::<String>();
            stream += &format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len());
        }
    }
    stream.into_bytes()
}

/// What an import leaves.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    digest: String,
    ends: Vec<u64>,
    rejects: u64,
    changes: u64,
}

/// One run of the importer on a data folder, from opening to the end; `then` happens while it follows.
fn run(data: &Path, repo: &Path, then: impl FnOnce(&mut Importer, &Engine)) -> Outcome {
    let (dir, config) = (DataDir::open(data).expect("is free"), config());
    let log = Arc::new(EmbeddedLog::open(&dir, &LogConfig::default()).expect("opens"));
    let source = Box::new(EmbeddedSource::new(&log).expect("opens"));
    let engine = Engine::start(&dir, source, log.clone(), &config, Vec::new()).expect("starts");
    engine.wait_until_idle().expect("runs");
    let standing = engine.standing().clone();
    let known = Arc::new(move |name: &str| standing.commits(name));
    let mut importer = Importer::new(log.clone(), &engine, &config.training, known);
    let key = AuthorKey::new(*b"a key of the test suite");
    importer.add(repo, None, &key, &Limits::default()).expect("is a repository");
    importer.import(&engine, &|_, _| {}).expect("imports");
    then(&mut importer, &engine);
    engine.wait_until_idle().expect("runs");
    let outcome = Outcome {
        digest: engine.reflected().digests.combined(),
        ends: log.ends(),
        rejects: engine.view().summary().rejects.values().sum(),
        changes: engine.standing().changes(),
    };
    engine.stop().expect("stops");
    outcome
}

/// All records of the log, by partition.
fn records(data: &Path) -> Vec<Vec<Record>> {
    let dir = DataDir::open(data).expect("is free");
    let log = EmbeddedLog::open(&dir, &LogConfig::default()).expect("opens");
    (0..log.partitions())
        .map(|partition| {
            let mut reader = log.reader(partition, 0).expect("opens");
            std::iter::from_fn(|| reader.read().expect("is sound")).collect()
        })
        .collect()
}

/// A log of these records alone, as a kill leaves it.
fn write(data: &Path, records: &[Record]) {
    let dir = DataDir::open(data).expect("is free");
    let log = EmbeddedLog::open(&dir, &LogConfig::default()).expect("opens");
    for record in records {
        let event = wire::decode(&record.payload, &Limits::default()).expect("was written by an importer").event;
        match event.control {
            Some(_) => drop(log.append_control(&event).expect("appends")),
            None => drop(log.append(&record.key, &record.payload).expect("appends")),
        }
    }
    log.sync().expect("syncs");
}

#[test]
fn a_log_with_rejects_does_not_depend_on_where_the_importer_was_killed() {
    let (repo, undisturbed) = (scratch(), scratch());
    git(repo.path(), &["init", "-q", "-b", "main", "."], b"");
    git(repo.path(), &["fast-import", "--quiet"], &commits(0, 40));
    let expected = run(undisturbed.path(), repo.path(), |_, _| {});
    assert_eq!((expected.rejects, expected.changes), (8, 40));
    assert_eq!(run(undisturbed.path(), repo.path(), |_, _| {}), expected, "a start appends nothing");
    let partitions = records(undisturbed.path());
    let all = partitions.iter().max_by_key(|records| records.len()).expect("has partitions");
    for kept in (0..all.len()).step_by(4).chain([all.len() - 1]) {
        let data = scratch();
        write(data.path(), &all[..kept]);
        assert_eq!(run(data.path(), repo.path(), |_, _| {}), expected, "killed after {kept} records");
    }
}

#[test]
fn withdrawn_rejects_are_not_withdrawn_again_and_may_come_back() {
    let (repo, data) = (scratch(), scratch());
    git(repo.path(), &["init", "-q", "-b", "main", "."], b"");
    git(repo.path(), &["fast-import", "--quiet"], &commits(0, 15));
    // The newest commit is a reject; it goes, another comes.
    let expected = run(data.path(), repo.path(), |importer, engine| {
        git(repo.path(), &["branch", "-q", "kept", "main"], b"");
        git(repo.path(), &["update-ref", "refs/heads/main", "main~2"], b"");
        git(repo.path(), &["fast-import", "--quiet"], &commits(15, 17));
        std::thread::sleep(importer.pause());
        importer.follow(engine, Duration::from_secs(30)).expect("follows");
    });
    assert_eq!((expected.rejects, expected.changes), (3, 15));
    assert_eq!(run(data.path(), repo.path(), |_, _| {}), expected, "a start appends nothing");
    git(repo.path(), &["update-ref", "refs/heads/main", "kept"], b"");
    let back = run(data.path(), repo.path(), |_, _| {});
    assert_eq!(
        (back.rejects, back.changes),
        (4, 15),
        "both commits are in the log again, and the two that replaced them are withdrawn"
    );
    assert_eq!(run(data.path(), repo.path(), |_, _| {}), back, "a start appends nothing");
}

#[test]
fn a_branch_forced_back_and_forward_is_cut_where_one_that_never_moved_is() {
    // Cuts are due at 7, 9, 18 and 27 changes.
    for (commits_made, back, cuts) in [(25, 3, 3), (28, 4, 4)] {
        let (repo, moved, unmoved) = (scratch(), scratch(), scratch());
        git(repo.path(), &["init", "-q", "-b", "main", "."], b"");
        git(repo.path(), &["fast-import", "--quiet"], &commits(0, commits_made));
        git(repo.path(), &["branch", "-q", "kept", "main"], b"");
        let cuts_of = |data: &Path, further: &[&str]| {
            let (mut cuts, mut changes) = (0, 0);
            run(data, repo.path(), |importer, engine| {
                for target in further {
                    git(repo.path(), &["update-ref", "refs/heads/main", target], b"");
                    std::thread::sleep(importer.pause());
                    importer.follow(engine, Duration::from_secs(30)).expect("follows");
                }
                engine.wait_until_idle().expect("runs");
                (cuts, changes) = (engine.conductor().last().cut, engine.standing().changes());
            });
            (cuts, changes)
        };
        let expected = (cuts, commits_made as u64);
        assert_eq!(cuts_of(unmoved.path(), &[]), expected);
        assert_eq!(cuts_of(moved.path(), &[&format!("main~{back}"), "kept"]), expected, "while it is followed");
        // The same with a start between the moves.
        git(repo.path(), &["update-ref", "refs/heads/main", &format!("kept~{back}")], b"");
        assert_eq!(cuts_of(unmoved.path(), &[]), (cuts, (commits_made - back) as u64));
        git(repo.path(), &["update-ref", "refs/heads/main", "kept"], b"");
        assert_eq!(cuts_of(unmoved.path(), &[]), expected, "after starts");
    }
}
