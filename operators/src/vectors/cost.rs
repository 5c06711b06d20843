//! What the path from a live change to its vector costs, stage by stage; run on demand, since absolute times on a
//! shared machine mean little.

#![expect(clippy::disallowed_methods, reason = "it measures time and answers nothing")]

use super::*;
use crate::features::sample;
use crate::kept_facts::KeptFacts;
use differential_dataflow::input::Input;
use driftline_schema::{
    BlobId, FileFacts, FunctionFacts, FunctionKind, HunkRow, Language, LineClass, LineClasses, SpaceMetrics,
};
use std::time::Instant;

const CHANGES: u64 = 20_000;
const CHANGES_PER_TIME: usize = 100;
const FILES_PER_CHANGE: u64 = 3;
const PATHS: u64 = 500;
const AUTHORS: u64 = 60;

type Facts = (BlobKey, KeptFacts);

/// A change and the facts of what it brings.
type Logged = (Arc<ChangeRow>, Vec<Facts>);

/// The version of a file that a change writes: a blob of its own.
fn blob(path: u64, version: u64) -> BlobId {
    let mut bytes = [0; 20];
    bytes[..8].copy_from_slice(&path.to_be_bytes());
    bytes[8..16].copy_from_slice(&version.to_be_bytes());
    BlobId::from_bytes(&bytes).expect("20 bytes")
}

fn facts(seed: u64) -> FileFacts {
    let mut lines = LineClasses::default();
    let class = |line: u64| if (line + seed).is_multiple_of(5) { LineClass::Blank } else { LineClass::Code };
    (0..300).for_each(|line| lines.push(class(line)));
    let function = |at: u64| FunctionFacts {
        name: format!("function_{at}").into(),
        qualified_name: format!("module::function_{at}").into(),
        kind: FunctionKind::Function,
        start_line: at as u32 * 15 + 1,
        end_line: at as u32 * 15 + 14,
        metrics: SpaceMetrics { cognitive: (seed % 9) as u32, ..SpaceMetrics::default() },
        text_hash: seed.wrapping_mul(at + 1),
    };
    FileFacts {
        language: Language::Rust,
        bytes: 9_000,
        error_bytes: 0,
        truncated: false,
        metrics: SpaceMetrics { cognitive: 90, cyclomatic: 80, ..SpaceMetrics::default() },
        functions: (0..20).map(function).collect(),
        lines,
        structure: driftline_schema::Structure::default(),
    }
}

/// A log in which every change modifies three files, each from the version that the last change left.
fn log() -> Vec<Logged> {
    let mut versions = vec![0u64; PATHS as usize];
    let mut random = 88_172_645_463_325_252u64;
    let mut next = move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let change = |offset| {
        let mut row = sample::change(1, offset);
        row.author = sample::author(next(AUTHORS) as u8);
        row.fix = next(4) == 0;
        let first = next(PATHS);
        let mut brought = Vec::new();
        for file in 0..FILES_PER_CHANGE {
            let path = (first + file * 7) % PATHS;
            let mut file = sample::file(&row, &format!("part{}/module{}/file{path}.rs", path % 9, path % 40));
            let version = versions[path as usize];
            versions[path as usize] += 1;
            file.old_blob = (version > 0).then(|| blob(path, version));
            file.blob = Some(blob(path, version + 1));
            file.has_content = true;
            (file.lines, file.old_lines, file.added, file.removed) = (300, 300, 6, 6);
            let hunk =
                |at: u32| HunkRow { old_start: at, old_lines: 3, new_start: at, new_lines: 3, ..HunkRow::default() };
            file.hunks = vec![hunk(30), hunk(160)];
            let key = BlobKey { blob: blob(path, version + 1), language: Language::Rust };
            brought.push((key, KeptFacts::of(facts(path + version))));
            row.files.push(file);
        }
        row.files.sort();
        (Arc::new(row), brought)
    };
    (0..CHANGES).map(change).collect()
}

/// Microseconds per change of a dataflow over the log, on one worker.
fn microseconds(
    log: &[Logged],
    build: impl for<'s> Fn(Records<'s, Arc<ChangeRow>>, Records<'s, Facts>) + Send + Sync + 'static,
) -> f64 {
    let log = log.to_vec();
    let seconds = timely::execute_directly(move |worker| {
        let (mut changes, mut facts) = worker.dataflow::<u64, _, _>(|scope| {
            let (changes, rows) = scope.new_collection();
            let (facts, contents) = scope.new_collection();
            build(rows, contents);
            (changes, facts)
        });
        let start = Instant::now();
        for (time, chunk) in (1..).zip(log.chunks(CHANGES_PER_TIME)) {
            for (row, brought) in chunk {
                changes.insert(row.clone());
                brought.iter().for_each(|content| facts.insert(content.clone()));
            }
            changes.advance_to(time);
            facts.advance_to(time);
            changes.flush();
            facts.flush();
            (0..20).for_each(|_| {
                worker.step();
            });
        }
        drop((changes, facts));
        while worker.step() {}
        start.elapsed().as_secs_f64()
    });
    seconds * 1e6 / CHANGES as f64
}

#[test]
#[ignore = "measures; run with `--ignored --nocapture`"]
fn cost_of_each_stage() {
    let log = log();
    let nothing = microseconds(&log, |_, _| ());
    for (stage, cost) in [
        ("size", microseconds(&log, |rows, _| drop(size(rows)))),
        ("diffusion", microseconds(&log, |rows, _| drop(diffusion(rows)))),
        ("purpose", microseconds(&log, |rows, _| drop(purpose(rows)))),
        ("history", microseconds(&log, |rows, _| drop(history(rows)))),
        ("coupling, of files without structure", microseconds(&log, |rows, facts| drop(coupling(rows, facts)))),
        ("syntax_delta", microseconds(&log, |rows, facts| drop(syntax_delta(rows, facts)))),
        ("vectors, all of them", microseconds(&log, |rows, facts| drop(vectors(rows, facts).vectors))),
    ] {
        println!("{stage}: {:.1} us per change", cost - nothing);
    }
}
