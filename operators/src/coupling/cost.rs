//! What the graphs cost per change, and how that grows with the repository; run on demand, since absolute times on a
//! shared machine mean little.

#![expect(clippy::disallowed_methods, reason = "it measures time and answers nothing")]

use super::names::name_hash;
use super::*;
use crate::features::sample as changes;
use driftline_schema::{
    BlobId, Call, ClassFacts, ClassKind, FieldFacts, FileFacts, FunctionFacts, FunctionKind, HunkRow, Import, Language,
    LineClasses, MethodFacts, SpaceMetrics, Structure, Window,
};
use std::time::Instant;

const CHANGES: u64 = 4_000;
const FILES_PER_CHANGE: u64 = 3;

/// A fixed stream of numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, count: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % count
    }
}

fn function(path: u64, at: u64, version: u64) -> FunctionFacts {
    // One function in five has a name that many files use.
    let name = if at.is_multiple_of(5) { format!("common_{at}") } else { format!("function_{path}_{at}") };
    FunctionFacts {
        qualified_name: name.clone().into(),
        name: name.into(),
        kind: FunctionKind::Function,
        start_line: at as u32 * 15 + 1,
        end_line: at as u32 * 15 + 14,
        metrics: SpaceMetrics::default(),
        text_hash: if at == version % 20 { version } else { at },
    }
}

/// A file of 300 lines: 12 imports, 20 functions with 4 calls each, 2 classes, 80 windows. A new version has another text
/// of one function, other calls of it, three other windows and, one time in eight, another import.
fn facts(path: u64, version: u64, paths: u64) -> FileFacts {
    let mut random = Random(88_172_645_463_325_252 ^ (path << 20));
    let mut structure = Structure::default();
    for at in 0..12 {
        let to = if at == 0 { (path + version / 8 + 1) % paths } else { random.below(paths) };
        let module = if at < 8 { format!("src.part{}.file{to}", to % 9) } else { format!("package{}", to % 60) };
        structure.imports.push(Import { module: module.into(), names: vec![name_hash(&format!("name_{at}"))] });
    }
    for call in 0..80u64 {
        let caller = call / 4;
        let shift = if caller == version % 20 { version } else { 0 };
        let to = (random.below(paths) + shift) % paths;
        let name = match call % 4 {
            0 => format!("function_{to}_{}", 1 + call % 3),
            1 => format!("common_{}", 5 * random.below(4)),
            2 => format!("function_{path}_{}", 1 + random.below(4)),
            _ => format!("builtin_{}", random.below(40)),
        };
        structure.calls.push(Call { caller: caller as u32, callee: name_hash(&name), receiver: 0, times: 1 });
    }
    structure.classes = (0..2u64).map(|at| class(path, at, random.below(paths))).collect();
    structure.windows = (0..80u64).map(|at| window(path, at, version)).collect();
    structure.imports.sort();
    structure.calls.sort();
    FileFacts {
        language: Language::Python,
        bytes: 9_000,
        error_bytes: 0,
        truncated: false,
        metrics: SpaceMetrics::default(),
        functions: (0..20).map(|at| function(path, at, version)).collect(),
        lines: LineClasses::default(),
        structure,
    }
}

fn class(path: u64, at: u64, other: u64) -> ClassFacts {
    let field = |kind: String| FieldFacts { name: "x".into(), public: true, shared: false, kind: kind.into() };
    let method = |function| MethodFacts {
        function,
        public: true,
        shared: false,
        accessor: false,
        own_fields: vec![],
        own_calls: vec![],
        foreign_fields: vec![],
    };
    ClassFacts {
        name: format!("Class{path}{at}").into(),
        qualified_name: format!("Class{path}{at}").into(),
        kind: ClassKind::Class,
        start_line: 1,
        end_line: 150,
        bases: vec![format!("Class{other}0").into(), format!("Class{}0", other % 10).into()],
        fields: vec![field("int".into()), field(format!("Class{}1", other + 1))],
        methods: (at as u32 * 10..at as u32 * 10 + 8).map(method).collect(),
    }
}

fn window(path: u64, at: u64, version: u64) -> Window {
    let version = if at / 3 == version % 25 { version } else { 0 };
    // One window in ten stands in many files.
    let hash = if at.is_multiple_of(10) { at } else { path << 40 | at << 20 | version };
    let start_line = at as u32 * 3 + 1;
    Window { start_line, end_line: start_line + 8, hash: name_hash(&hash.to_string()), check: hash }
}

fn blob(path: u64, version: u64) -> BlobId {
    let mut bytes = [0; 20];
    bytes[..8].copy_from_slice(&path.to_be_bytes());
    bytes[8..16].copy_from_slice(&version.to_be_bytes());
    BlobId::from_bytes(&bytes).expect("20 bytes")
}

/// A change that brings the given versions of files.
fn arrival(offset: u64, files: &[(u64, u64)], paths: u64) -> Arrival {
    let mut row = changes::change(1, offset);
    let mut brought = Vec::new();
    for (index, (path, version)) in (0..).zip(files) {
        let hunk = |at| HunkRow { new_start: at, new_lines: 3, ..HunkRow::default() };
        row.files.push(FileRow {
            blob: Some(blob(*path, *version)),
            has_content: true,
            hunks: vec![hunk(30), hunk(160)],
            ..changes::file(&row, &format!("src/part{}/file{path}.py", path % 9))
        });
        brought.push((index, KeptFacts::of(facts(*path, *version, paths))));
    }
    Arrival { row: Arc::new(row), facts: brought.into() }
}

/// A log that brings every file once and then edits three in each change.
fn log(paths: u64) -> (Vec<Arrival>, Vec<Arrival>) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut versions = vec![0u64; paths as usize];
    let all: Vec<u64> = (0..paths).collect();
    let first = all
        .chunks(50)
        .zip(0..)
        .map(|(chunk, offset)| arrival(offset, &chunk.iter().map(|path| (*path, 0)).collect::<Vec<_>>(), paths));
    let first = first.collect();
    let edits = (0..CHANGES).map(|offset| {
        let start = random.below(paths);
        let files: Vec<(u64, u64)> = (0..FILES_PER_CHANGE)
            .map(|at| {
                let path = (start + at * 7) % paths;
                versions[path as usize] += 1;
                (path, versions[path as usize])
            })
            .collect();
        arrival(1_000_000 + offset, &files, paths)
    });
    (first, edits.collect())
}

/// Microseconds from `start` for each of `count`.
fn each(start: Instant, count: usize) -> f64 {
    start.elapsed().as_secs_f64() * 1e6 / count as f64
}

#[test]
#[ignore = "measures; run with `--ignored --nocapture`"]
fn cost_of_a_step_as_the_repository_grows() {
    let fold = Coupling(Bounds::default());
    for paths in [100, 1_000, 4_000] {
        let (first, edits) = log(paths);
        let mut map = Map::default();
        let mut outputs = Vec::new();
        let mut step =
            |map: &mut Map, arrival: &Arrival| fold.step(map, arrival.row.key.position, arrival, &mut outputs);
        let start = Instant::now();
        first.iter().for_each(|arrival| drop(step(&mut map, arrival)));
        let entering = each(start, paths as usize);
        let start = Instant::now();
        let undos: Vec<Edits> = edits.iter().map(|arrival| step(&mut map, arrival)).collect();
        let stepping = each(start, undos.len());
        let start = Instant::now();
        undos.into_iter().rev().for_each(|undo| fold.undo(&mut map, undo));
        let undoing = each(start, edits.len());
        let start = Instant::now();
        for arrival in &edits {
            let prepared = prepare(super::edits(&map, arrival));
            map.apply(prepared);
        }
        let applying = each(start, edits.len());
        let bounded = outputs.iter().filter(|part| part.values[16] != driftline_schema::Fixed::ZERO).count();
        println!(
            "{paths} files: {entering:.0} us a file to enter, then {stepping:.0} us a change of {FILES_PER_CHANGE} files \
             ({applying:.0} us of it to put in place), {undoing:.0} us to undo; {bounded} of {} met a bound",
            outputs.len()
        );
    }
}
