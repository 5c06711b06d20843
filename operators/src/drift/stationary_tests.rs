//! Drift over the features of whole histories: a process that never changes raises no alert, however much history piles
//! up behind it, and one that does change is noticed.

use super::split_mix::SplitMix64;
use super::*;
use crate::features::{FEATURES, accumulates, sample};
use crate::kept_facts::KeptFacts;
use crate::testing::{Step, run};
use crate::vectors::vectors;
use driftline_schema::{
    AlertState, BlobId, BlobKey, ChangeRow, FileFacts, FileKind, FileRow, HunkRow, Language, LineClass, LineClasses,
    SpaceMetrics, Structure,
};

/// How a history is made; every change draws from the same distributions, up to `shift`.
#[derive(Clone, Copy)]
struct Process {
    files: usize,
    /// Of a hundred changes, how many add a file.
    growth: u64,
    authors: u64,
    /// From this change on every change edits many places instead of a few.
    shift: u64,
}

/// Files of so many functions that are rewritten by a few authors, and nothing is ever added.
const REWRITING: Process = Process { files: 20, growth: 0, authors: 4, shift: u64::MAX };
/// A repository that grows by new files for ever.
const GROWING: Process = Process { files: 40, growth: 10, authors: 9, shift: u64::MAX };

/// A file as the process keeps it: a measure of each function.
struct Tracked {
    functions: Vec<u32>,
    blob: Option<BlobId>,
}

type Input = (Arc<ChangeRow>, Vec<(BlobKey, KeptFacts)>);

struct Maker {
    random: SplitMix64,
    files: Vec<Tracked>,
    contents: u64,
    time: i64,
}

impl Maker {
    fn below(&mut self, bound: u64) -> u64 {
        self.random.next() % bound
    }

    /// Rewrites `places` functions of a file, each a hunk of four lines; a new file is written whole.
    fn edit(&mut self, change: &ChangeRow, file: usize, places: u64) -> (FileRow, (BlobKey, KeptFacts)) {
        let new = file == self.files.len();
        if new {
            let functions = (0..40).map(|_| 1 + (self.random.next() % 9) as u32).collect();
            self.files.push(Tracked { functions, blob: None });
        }
        let mut at: Vec<u32> = (0..places).map(|_| self.below(40) as u32).collect();
        at.sort_unstable();
        at.dedup();
        let hunk = |at: &u32| HunkRow {
            old_start: 5 * at,
            old_lines: 4,
            new_start: 5 * at,
            new_lines: 4,
            ..HunkRow::default()
        };
        let hunks: Vec<HunkRow> =
            if new { vec![HunkRow { new_lines: 200, ..HunkRow::default() }] } else { at.iter().map(hunk).collect() };
        at.iter().for_each(|at| self.files[file].functions[*at as usize] = 1 + (self.random.next() % 9) as u32);
        self.contents += 1;
        let mut bytes = [0; 20];
        bytes[..8].copy_from_slice(&self.contents.to_be_bytes());
        let blob = BlobId::from_bytes(&bytes).expect("20 bytes");
        let row = FileRow {
            kind: if new { FileKind::Added } else { FileKind::Modified },
            language: Some(Language::Python),
            old_blob: self.files[file].blob.replace(blob),
            blob: Some(blob),
            has_content: true,
            lines: 200,
            old_lines: if new { 0 } else { 200 },
            added: hunks.iter().map(|hunk| hunk.new_lines).sum(),
            removed: hunks.iter().map(|hunk| hunk.old_lines).sum(),
            hunks,
            ..sample::file(change, &format!("part{}/file{file}.py", file % 3))
        };
        let key = BlobKey { blob, language: Language::Python };
        (row, (key, KeptFacts::of(facts_of(&self.files[file].functions))))
    }

    fn change(&mut self, process: Process, offset: u64) -> Input {
        let mut row = sample::change(1, offset);
        self.time += 3_000 + self.below(6_000) as i64;
        (row.time, row.author_time) = (self.time, self.time);
        row.author = sample::author(self.below(process.authors) as u8);
        row.fix = self.below(4) == 0;
        row.subject =
            ["Fix wrong bound", "Add a case", "Speed up the loop", "Rename things"][self.below(4) as usize].into();
        let many = if offset < process.shift { 1 + self.below(3) } else { 12 + self.below(9) };
        let mut places = vec![0; self.files.len()];
        (0..many).for_each(|_| places[self.below(self.files.len() as u64) as usize] += 1);
        let mut facts = Vec::new();
        let grows = self.below(100) < process.growth || offset == 0;
        let new = if offset == 0 { process.files } else { usize::from(grows) };
        let touched = places.into_iter().enumerate().filter(|(_, places)| *places > 0);
        let added = (0..new).map(|_| (usize::MAX, 0));
        for (file, places) in touched.chain(added).collect::<Vec<_>>() {
            let (file, known) = self.edit(&row, file.min(self.files.len()), places);
            row.files.push(file);
            facts.push(known);
        }
        row.files.sort_by(|a, b| a.path.cmp(&b.path));
        (Arc::new(row), facts)
    }
}

fn facts_of(functions: &[u32]) -> FileFacts {
    let mut lines = LineClasses::default();
    (0..200).for_each(|line| lines.push(if line % 5 == 4 { LineClass::Blank } else { LineClass::Code }));
    let sum: u32 = functions.iter().sum();
    let metrics = SpaceMetrics {
        cyclomatic: sum,
        cognitive: sum / 2,
        nesting: functions.iter().max().map_or(0, |most| most / 3),
        ploc: 160,
        functions: 40,
        ..SpaceMetrics::default()
    };
    FileFacts {
        language: Language::Python,
        bytes: 4_000,
        error_bytes: 0,
        truncated: false,
        metrics,
        functions: Vec::new(),
        lines,
        structure: Structure::default(),
    }
}

/// Every alert of a history, in the order of opening.
fn alerts(process: Process, seed: u64, changes: u64) -> Vec<Alert> {
    let mut maker = Maker { random: SplitMix64(seed), files: Vec::new(), contents: 0, time: 1_500_000_000 };
    let first = Tracked { functions: vec![1; 40], blob: None };
    // One file stands before the log begins; all others are added by it.
    maker.files.push(first);
    let steps: Vec<Step<Input>> = (0..changes).map(|offset| (maker.change(process, offset), 1)).collect();
    let names: Vec<&'static str> = FEATURES.iter().map(|feature| feature.name).collect();
    let found = run(&steps, 1, steps.len(), move |inputs: Records<'_, Input>| {
        let changes = inputs.clone().map(|(row, _)| row);
        let facts = inputs.flat_map(|(_, facts)| facts);
        let watched = vectors(changes, facts).vectors.map(|vector| {
            let values = Arc::from(vector.values);
            let input = DriftInput { repository: "sample".into(), time: vector.time, values, score: None };
            (vector.key.repo, (vector.key.position, input))
        });
        drift(watched, DriftConfig::default(), &names, accumulates).1
    });
    let mut alerts: Vec<Alert> = found.into_iter().next_back().expect("a time").into_keys().collect();
    alerts.sort_by_key(|alert| alert.opened_at);
    alerts
}

#[test]
fn a_process_that_never_changes_raises_no_alert_however_its_history_grows() {
    for process in [REWRITING, GROWING] {
        for seed in 1..=5 {
            let told: Vec<String> = alerts(process, seed, 1_500).into_iter().map(|alert| alert.summary).collect();
            assert_eq!(told, Vec::<String>::new(), "growth {}, seed {seed}", process.growth);
        }
    }
}

#[test]
fn changes_that_become_much_larger_are_noticed_within_three_hundred() {
    for process in [REWRITING, GROWING] {
        let found = alerts(Process { shift: 800, ..process }, 4, 1_200);
        let first = found.first().expect("the shift is seen").opened_at.offset;
        assert!((800..1_100).contains(&first), "at {first}");
        let size = |alert: &&Alert| ["la", "nf", "hunks"].contains(&alert.feature.as_str());
        assert!(found.iter().filter(size).all(|alert| alert.state == AlertState::Open), "{found:?}");
        assert_eq!(found.iter().filter(size).count(), 3);
    }
}
