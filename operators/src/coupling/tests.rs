//! The fold against the definition, and what it must say in cases worked by hand.

use super::sample::{Class, Content, content};
use super::*;
use crate::features::{FEATURES, columns, sample as changes};
use crate::testing::{assert_matches_batch, run, updates};
use driftline_schema::{Fixed, HunkRow, Language};
use proptest::prelude::*;
use std::collections::BTreeSet;

const PATHS: [&str; 12] = [
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
    "notes.md",
];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Input {
    Change(Arc<ChangeRow>),
    /// Keeps the facts of a content back, as if its parse had been retracted.
    Withheld(BlobKey),
}

fn split<'s>(
    inputs: Records<'s, Input>,
    facts_of: fn(BlobKey) -> FileFacts,
) -> (Records<'s, Arc<ChangeRow>>, Records<'s, (BlobKey, Arc<FileFacts>)>) {
    let changes = inputs.clone().flat_map(|input| match input {
        Input::Change(row) => Some(row),
        Input::Withheld(_) => None,
    });
    let withheld = inputs.flat_map(|input| match input {
        Input::Withheld(key) => Some(key),
        Input::Change(_) => None,
    });
    let keys = changes.clone().flat_map(|row| row.files.iter().filter_map(brought).collect::<Vec<_>>()).distinct();
    (changes, keys.map(move |key| (key, Arc::new(facts_of(key)))).antijoin(withheld))
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
    let paths = proptest::sample::subsequence((0..PATHS.len()).collect::<Vec<_>>(), 0..=5);
    let draw = (0..8u8, 0..PATHS.len(), 0..9u8, 0..5u8, (0..14u32, 0..5u32), 1..3u32);
    (0..2u64, 0..14u64, paths, proptest::collection::vec(draw, 5)).prop_map(|(repo, offset, paths, draws)| {
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
    let languages = prop_oneof![Just(Language::Python), Just(Language::TypeScript), Just(Language::Go)];
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
    fn taking_a_step_back_leaves_the_map_as_it_was(rows in proptest::collection::vec(any_change(), 1..8)) {
        let fold = Coupling(Bounds::default());
        let mut map = Map::default();
        let mut steps = Vec::new();
        for row in rows {
            let facts = (0..).zip(&row.files).filter_map(|(at, file)| Some((at, Arc::new(drawn(brought(file)?)))));
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
