//! How often the origins of a real history's lines are those of `git blame`: a measurement, run by hand.

use super::git_tests::git;
use super::*;
use crate::validate::{Body, RawRecord, class_of, validate};
use driftline_schema::{BlobId, CommitId, FileClass, Limits, RepoId, wire};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Lines of the newest version of every file, by what the two sides say.
#[derive(Default)]
struct Tally {
    lines: u64,
    equal: u64,
    /// Lines that a merge wrote or that have no origin; git blames some commit for each.
    nobodys: u64,
    /// Lines of files that are not remembered.
    forgotten: u64,
}

/// The state after the history, with or without the lines that were kept.
fn folded(events: &Path, keep: bool) -> (RepoId, Versions) {
    let text = std::fs::read_to_string(events).expect("the events can be read");
    let fold = OriginFold(OriginSettings::default());
    let (mut state, mut repository) = (Versions::default(), RepoId(0));
    for (offset, line) in text.lines().enumerate() {
        let limits = Limits::default();
        let name = wire::decode(line.as_bytes(), &limits).expect("the collector's events are valid").event.repository;
        repository = RepoId::of(&name);
        let record = RawRecord {
            position: super::sample::at(offset as u64),
            key: name.into_bytes(),
            append_time: i64::from(u32::MAX),
            payload: line.as_bytes().to_vec(),
            control: false,
            envelope: None,
        };
        if let Body::Change { mut row, .. } = validate(&record, &limits).expect("a row").body {
            if !keep {
                Arc::make_mut(&mut row).files.iter_mut().for_each(|file| file.kept.clear());
            }
            fold.step(&mut state, record.position, &row, &mut Vec::new());
        }
    }
    (repository, state)
}

/// The commit that git blames for each line.
fn blamed(folder: &Path, flags: &[&str], path: &str) -> Vec<CommitId> {
    let arguments = [&["blame", "-l", "-s", "--root"], flags, &["HEAD", "--", path]].concat();
    let id = |line: &str| CommitId::from_hex(line.split(' ').next()?);
    git(folder, &arguments, "").lines().filter_map(id).collect()
}

/// Lines of the newest version of `files`; one is equal if `git blame` says the same with any of the given options.
fn tally(
    folder: &Path,
    files: &BTreeMap<&str, BlobId>,
    (repository, state): &(RepoId, Versions),
    options: &[&[&str]],
) -> Tally {
    let mut tally = Tally::default();
    for (path, blob) in files {
        let theirs: Vec<Vec<CommitId>> = options.iter().map(|flags| blamed(folder, flags, path)).collect();
        let lines = theirs[0].len();
        tally.lines += lines as u64;
        let Some(version) = state.find(FileId::of(*repository, path), *blob) else {
            tally.forgotten += lines as u64;
            continue;
        };
        let ours = version.lines().map(LineOrigins::lines).unwrap_or_default();
        for line in 0..lines {
            let found = ours.get(line).and_then(|origin| state.change(*origin)).map(|change| change.commit);
            tally.nobodys += u64::from(found.is_none());
            tally.equal += u64::from(theirs.iter().any(|theirs| Some(theirs[line]) == found));
        }
    }
    tally
}

/// Run with `DRIFTLINE_GIT=FOLDER DRIFTLINE_EVENTS=FILE`, where the file is written by `driftline collect git`, and
/// `--ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a check"]
fn report_agreement_with_git_blame() {
    let place = |name: &str| PathBuf::from(std::env::var_os(name).expect("a folder and a file are given"));
    let (folder, events) = (place("DRIFTLINE_GIT"), place("DRIFTLINE_EVENTS"));
    let tree = git(&folder, &["ls-tree", "-r", "HEAD"], "");
    let files: BTreeMap<&str, BlobId> = tree
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter_map(|(entry, path)| Some((path, BlobId::from_hex(entry.split(' ').nth(2)?)?)))
        .filter(|(path, _)| matches!(class_of(path), FileClass::Source | FileClass::Test))
        .collect();
    for keep in [false, true] {
        let state = folded(&events, keep);
        let (plain, spaces): (&[&str], &[&str]) = (&[], &["-w"]);
        let (moved, between): (&[&str], &[&str]) = (&["-w", "-M"], &["-w", "-M", "-C"]);
        // `-M` follows copies as well, which are the copying change's own here: the last row takes any of the answers.
        for options in [&[plain][..], &[spaces], &[moved], &[spaces, moved, between]] {
            let tally = tally(&folder, &files, &state, options);
            let share = |part: u64| 100.0 * part as f64 / tally.lines as f64;
            println!(
                "kept lines: {keep}; {} lines, git blame {options:?}: {:.2} % equal, {:.2} % nobody's, {:.2} % forgotten",
                tally.lines,
                share(tally.equal),
                share(tally.nobodys),
                share(tally.forgotten)
            );
        }
    }
}
