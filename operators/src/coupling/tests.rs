//! The fold against the definition, and what it must say in cases worked by hand.

use super::sample::{Class, Content, content};
use super::*;
use crate::features::{FEATURES, columns, sample as changes};
use crate::kept_facts::KeptFacts;
use crate::testing::{assert_matches_batch, run, updates};
use driftline_schema::{FileFacts, Fixed, HunkRow, Language};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::ops::Range;

/// Kotlin's files are files of no language to a build that cannot read them.
const PATHS: [&str; 17] = [
    "a.py",
    "pkg/__init__.py",
    "pkg/b.py",
    "lib/pkg/b.py",
    "pkg/b.pyi",
    "web/c.ts",
    "web/d/index.js",
    "web/d/e.ts",
    "go/p/x.go",
    "go/p/y.go",
    "m.go",
    "jvm/p/A.kt",
    "jvm/p/b.kt",
    "src/p/A.kt",
    "jvm/p/J.java",
    "src/p/C.java",
    "notes.md",
];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Input {
    Change(Arc<ChangeRow>),
    /// Keeps the facts of a content back, as if its parse had been retracted.
    Withheld(BlobKey),
}

type Split<'s> = (Records<'s, Arc<ChangeRow>>, Records<'s, (BlobKey, KeptFacts)>);

fn split<'s>(inputs: Records<'s, Input>, facts_of: fn(BlobKey) -> FileFacts) -> Split<'s> {
    let changes = inputs.clone().flat_map(|input| match input {
        Input::Change(row) => Some(row),
        Input::Withheld(_) => None,
    });
    let withheld = inputs.flat_map(|input| match input {
        Input::Withheld(key) => Some(key),
        Input::Change(_) => None,
    });
    let keys = changes.clone().flat_map(|row| row.files.iter().filter_map(brought).collect::<Vec<_>>()).distinct();
    (changes, keys.map(move |key| (key, KeptFacts::of(facts_of(key)))).antijoin(withheld))
}

fn drawn(key: BlobKey) -> FileFacts {
    content(key).facts(key.language)
}

fn wire<'s>(inputs: Records<'s, Input>) -> Parts<'s> {
    let (changes, facts) = split(inputs, drawn);
    coupling(changes, facts)
}

/// The definition.
fn batch(inputs: &[Input]) -> Vec<(ChangeKey, Part)> {
    let mut rows: Vec<&Arc<ChangeRow>> = Vec::new();
    for input in inputs {
        if let Input::Change(row) = input {
            rows.push(row);
        }
    }
    let known = |key: BlobKey| !inputs.contains(&Input::Withheld(key));
    let mut by_key: BTreeMap<ChangeKey, Vec<&Arc<ChangeRow>>> = BTreeMap::new();
    rows.into_iter().for_each(|row| by_key.entry(row.key).or_default().push(row));
    let mut trees: BTreeMap<driftline_schema::RepoId, oracle::Tree> = BTreeMap::new();
    let mut outputs = Vec::new();
    for (key, rows) in by_key {
        let [row] = rows[..] else { continue };
        let before = trees.entry(key.repo).or_default();
        let after = before.after(row, &PATHS, known);
        let values = oracle::values(before, &after, row, &PATHS);
        outputs.push((key, Part { group: FeatureGroup::Coupling, time: row.time, values }));
        *before = after;
    }
    outputs
}

/// What is drawn of a file besides its path: kind, origin of a rename, blob, whether it has a content, hunks.
type Draw = (u8, usize, u8, u8, (u32, u32), u32);

fn drawn_file(row: &ChangeRow, path: &str, (kind, from, blob, content, hunk, gap): Draw, free: &[usize]) -> FileRow {
    let kind = match kind {
        0 => FileKind::Deleted,
        1 if !free.is_empty() => FileKind::Renamed,
        2 => FileKind::Added,
        _ => FileKind::Modified,
    };
    let origin = (kind == FileKind::Renamed).then(|| FileId::of(row.key.repo, PATHS[free[from % free.len()]]));
    let (start, lines) = hunk;
    let next = HunkRow { new_start: start + lines + gap, new_lines: 2, ..HunkRow::default() };
    FileRow {
        kind,
        old_file: origin,
        blob: (kind != FileKind::Deleted).then(|| changes::blob(blob)),
        has_content: kind != FileKind::Deleted && content > 0,
        hunks: vec![HunkRow { new_start: start, new_lines: lines, ..HunkRow::default() }, next],
        ..changes::file(row, path)
    }
}

fn any_change() -> impl Strategy<Value = Arc<ChangeRow>> {
    change_of(0..2)
}

fn change_of(repos: Range<u64>) -> impl Strategy<Value = Arc<ChangeRow>> {
    let paths = proptest::sample::subsequence((0..PATHS.len()).collect::<Vec<_>>(), 0..=5);
    let draw = (0..8u8, 0..PATHS.len(), 0..9u8, 0..5u8, (0..14u32, 0..5u32), 1..3u32);
    (repos, 0..14u64, paths, proptest::collection::vec(draw, 5)).prop_map(|(repo, offset, paths, draws)| {
        let mut row = changes::change(repo, offset);
        let mut free: Vec<usize> = (0..PATHS.len()).filter(|path| !paths.contains(path)).collect();
        for (path, draw) in paths.into_iter().zip(draws) {
            let file = drawn_file(&row, PATHS[path], draw, &free);
            free.retain(|other| Some(FileId::of(row.key.repo, PATHS[*other])) != file.old_file);
            row.files.push(file);
        }
        row.files.sort_by(|a, b| a.path.cmp(&b.path));
        Arc::new(row)
    })
}

fn input() -> impl Strategy<Value = Input> {
    let languages = [Language::Python, Language::TypeScript, Language::Go, Language::Kotlin, Language::Java];
    let languages = proptest::sample::select(languages.to_vec());
    let key = (0..9u8, languages).prop_map(|(blob, language)| BlobKey { blob: changes::blob(blob), language });
    prop_oneof![9 => any_change().prop_map(Input::Change), 1 => key.prop_map(Input::Withheld)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn equals_graphs_that_are_built_anew_for_every_change(updates in updates(input(), 24)) {
        assert_matches_batch(&updates, wire, batch);
    }

    #[test]
    fn a_walk_that_is_cut_short_is_cut_in_the_same_place_on_every_replay(updates in updates(input(), 24)) {
        fn narrow<'s>(inputs: Records<'s, Input>) -> Parts<'s> {
            let (changes, facts) = split(inputs, drawn);
            coupling_within(changes, facts, Bounds { modules: 2, functions: 2 })
        }
        let afresh = |live: &[Input]| {
            let steps: Vec<_> = live.iter().map(|input| (input.clone(), 1)).collect();
            let last = run(&steps, 1, steps.len().max(1), narrow).pop().unwrap_or_default();
            last.into_keys().collect::<Vec<_>>()
        };
        let outputs = run(&updates, 2, 3, narrow).pop().unwrap_or_default();
        let mut live: BTreeSet<Input> = BTreeSet::new();
        for (input, diff) in &updates {
            if *diff > 0 { live.insert(input.clone()) } else { live.remove(input) };
        }
        prop_assert_eq!(outputs.into_keys().collect::<Vec<_>>(), afresh(&live.into_iter().collect::<Vec<_>>()));
    }

    #[test]
    fn taking_a_step_back_leaves_the_map_as_it_was(rows in proptest::collection::vec(change_of(1..2), 1..8)) {
        let fold = Coupling(Bounds::default());
        let mut map = Map::default();
        let mut steps = Vec::new();
        for row in rows {
            let facts = (0..).zip(&row.files).filter_map(|(at, file)| Some((at, KeptFacts::of(drawn(brought(file)?)))));
            let arrival = Arrival { facts: facts.collect(), row: row.clone() };
            let before = map.clone();
            steps.push((before, fold.step(&mut map, row.key.position, &arrival, &mut Vec::new())));
        }
        for (before, undo) in steps.into_iter().rev() {
            fold.undo(&mut map, undo);
            prop_assert_eq!(&map, &before);
        }
        prop_assert_eq!(map, Map::default());
    }
}

/// The values of each change of a log by the names of features; `facts_of` gives the contents.
fn values(rows: &[ChangeRow], facts_of: fn(BlobKey) -> FileFacts) -> Vec<BTreeMap<&'static str, Fixed>> {
    let steps: Vec<_> = rows.iter().map(|row| (Input::Change(Arc::new(row.clone())), 1)).collect();
    let parts = run(&steps, 1, 1, move |inputs| {
        let (changes, facts) = split(inputs, facts_of);
        coupling(changes, facts)
    });
    let named = |part: Part| {
        let names = FEATURES[columns(FeatureGroup::Coupling)].iter().map(|feature| feature.name);
        assert_eq!(part.values.len(), names.len());
        names.zip(part.values.iter().copied()).collect()
    };
    parts.into_iter().last().unwrap_or_default().into_keys().map(|(_, part)| named(part)).collect()
}

#[test]
fn every_value_is_met_in_drawn_logs() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut met: BTreeMap<&str, BTreeSet<Fixed>> = BTreeMap::new();
    for _ in 0..12 {
        let log = proptest::collection::vec(any_change(), 20).new_tree(&mut runner).expect("a log").current();
        let mut rows: Vec<ChangeRow> = log.iter().map(|row| (**row).clone()).collect();
        (0..).zip(&mut rows).for_each(|(offset, row)| row.key.position.offset = offset);
        for change in values(&rows, drawn) {
            for (name, value) in change {
                met.entry(name).or_default().insert(value);
            }
        }
    }
    for (name, values) in met {
        assert!(values.len() > 1 || name == "coupling_bounded", "{name} is always {values:?}");
    }
}

/// Two Python files that come to import each other: blob 1 is `pkg/b.py`, blob 2 is `a.py`, blob 3 is `pkg/b.py` again.
fn two_files(key: BlobKey) -> FileFacts {
    let class = |name, bases| Class { name, bases, ..Class::default() };
    let window = vec![(1, 4, 7)];
    let content = match key.blob.as_bytes()[0] {
        1 => Content {
            functions: vec![("f", 1)],
            classes: vec![class("C", vec![])],
            windows: window,
            ..Content::default()
        },
        2 => Content {
            imports: vec![("pkg.b", vec![]), ("requests", vec![])],
            functions: vec![("g", 1), ("g", 2), ("h", 3)],
            calls: vec![(Some(2), "f", ""), (Some(0), "g", ""), (None, "f", "")],
            classes: vec![class("D", vec!["C", "dict"])],
            windows: window,
        },
        _ => Content {
            imports: vec![("a", vec![])],
            functions: vec![("f", 2)],
            calls: vec![(Some(0), "h", "")],
            classes: vec![class("C", vec![])],
            windows: vec![],
        },
    };
    content.facts(key.language)
}

fn bringing(offset: u64, path: &str, blob: Option<u8>) -> ChangeRow {
    let mut row = changes::change(1, offset);
    row.files = vec![FileRow {
        kind: if blob.is_some() { FileKind::Modified } else { FileKind::Deleted },
        blob: blob.map(changes::blob),
        has_content: blob.is_some(),
        hunks: vec![HunkRow { new_start: 2, new_lines: 8, ..HunkRow::default() }],
        ..changes::file(&row, path)
    }];
    row
}

#[test]
fn a_log_worked_by_hand() {
    let log = [
        bringing(1, "pkg/b.py", Some(1)),
        bringing(2, "a.py", Some(2)),
        bringing(3, "pkg/b.py", Some(3)),
        bringing(4, "a.py", None),
    ];
    let values = values(&log, two_files);
    let of = |change: usize, name: &str| values[change][name].to_string();
    assert!(values[0].values().all(|value| *value == Fixed::ZERO), "a file alone is coupled to nothing");
    for (name, value) in [
        ("coupling_efferent", "1"),
        ("instability_max", "1"),
        ("import_depth_max", "1"),
        ("external_imports_added", "1"),
        ("fan_out_max", "1"),
        ("ambiguous_calls", "1"),
        ("cbo_max", "1"),
        ("class_names_unresolved", "1"),
        ("duplicated_lines_added", "2"),
        ("modules_in_cycle", "0"),
    ] {
        assert_eq!(of(1, name), value, "{name} of the second change");
    }
    for (name, value) in [
        ("coupling_afferent", "1"),
        ("instability_max", "0.5"),
        ("import_depth_max", "0"),
        ("modules_in_cycle", "1"),
        ("modules_in_cycle_delta", "1"),
        ("fan_in_max", "2"),
        ("recursive_functions", "1"),
        ("cbo_max", "1"),
        ("duplicated_lines_added", "0"),
    ] {
        assert_eq!(of(2, name), value, "{name} of the third change");
    }
    assert_eq!((of(3, "modules_in_cycle_delta"), of(3, "coupling_efferent_delta")), ("-1".into(), "-1".into()));
}

#[test]
fn a_file_that_comes_later_is_found_by_imports_that_stand_already() {
    let log = [bringing(1, "a.py", Some(2)), bringing(2, "pkg/b.py", Some(1)), bringing(3, "notes.md", None)];
    let values = values(&log, two_files);
    assert_eq!(values[0]["external_imports_added"], Fixed::from_int(2), "nobody can know that pkg.b will come");
    assert_eq!(values[1]["coupling_afferent"], Fixed::from_int(1));
    assert_eq!(values[1]["fan_in_max"], Fixed::from_int(2), "a function and the code of a file call it");
    assert!(values[2].values().all(|value| *value == Fixed::ZERO));
}

/// Two Kotlin files: blob 1 defines `f` and `C` and imports the other, blob 2, which imports both; blob 3 is blob 1 without
/// what it defines.
#[cfg(any(feature = "kotlin", feature = "all-languages"))]
fn two_kotlin_files(key: BlobKey) -> FileFacts {
    let imports = |names: &[&'static str]| names.iter().map(|name| (*name, vec![])).collect();
    let content = match key.blob.as_bytes()[0] {
        1 => Content {
            imports: imports(&["app.Main"]),
            functions: vec![("f", 1)],
            classes: vec![Class { name: "C", ..Class::default() }],
            ..Content::default()
        },
        2 => Content { imports: imports(&["p.f", "p.C", "other.D"]), ..Content::default() },
        _ => Content { imports: imports(&["app.Main"]), ..Content::default() },
    };
    content.facts(key.language)
}

#[cfg(any(feature = "kotlin", feature = "all-languages"))]
#[test]
fn imports_follow_what_a_kotlin_file_comes_to_define_and_defines_no_more() {
    let log = [
        bringing(1, "main/p/all.kt", Some(3)),
        bringing(2, "app/Main.kt", Some(2)),
        bringing(3, "main/p/all.kt", Some(1)),
        bringing(4, "main/p/all.kt", Some(3)),
        bringing(5, "main/p/more.kt", Some(1)),
    ];
    let values = values(&log, two_kotlin_files);
    let of = |change: usize, name: &str| values[change][name].to_string();
    assert_eq!([of(1, "unresolved_imports"), of(1, "external_imports_added")], ["2", "1"], "the package is there");
    assert_eq!([0, 2, 3, 4].map(|change| of(change, "coupling_afferent")), ["0", "1", "0", "1"]);
    // No import of the touched file has changed, yet others lead to it.
    assert_eq!([2, 3].map(|change| of(change, "modules_in_cycle_delta")), ["1", "-1"]);
}
