//! The joined sums against a definition that rereads the log and walks every file line by line.

use super::*;
use crate::features::{FEATURES, columns, sample};
use crate::testing::{assert_matches_batch, run, updates};
use driftline_schema::{
    BlobId, FileClass, FileKind, FileRow, FunctionFacts, FunctionKind, HunkRow, Language, LineClass, LineClasses,
    SpaceMetrics,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Input {
    Change(Arc<ChangeRow>),
    /// Keeps the facts of a content back, as if its parse had been retracted.
    Withheld(BlobKey),
}

fn function(name: &str, kind: FunctionKind, lines: (u32, u32), cognitive: u32) -> FunctionFacts {
    FunctionFacts {
        name: name.into(),
        qualified_name: name.into(),
        kind,
        start_line: lines.0,
        end_line: lines.1,
        metrics: SpaceMetrics { cognitive, ..SpaceMetrics::default() },
        text_hash: u64::from(cognitive),
    }
}

/// Facts that follow from the blob id alone, with functions and closures that other blobs share in part.
fn facts_of(key: BlobKey) -> FileFacts {
    let seed = u32::from(key.blob.as_bytes()[0]) + key.language as u32;
    let mut lines = LineClasses::default();
    let classes = [LineClass::Code, LineClass::Comment, LineClass::Code, LineClass::Blank];
    (0..20).for_each(|line| lines.push(classes[((line * (seed + 1)) % 4) as usize]));
    let functions = vec![
        function("outer", FunctionKind::Function, (1, 4 + seed), seed),
        function("outer::<anonymous>", FunctionKind::Closure, (2, 3), seed + 1),
        function("outer::inner", FunctionKind::Function, (3, 4), 2),
        function(
            if seed.is_multiple_of(2) { "even" } else { "odd" },
            FunctionKind::Method,
            (6 + seed, 8 + seed),
            seed / 2,
        ),
    ];
    let metrics = SpaceMetrics {
        cyclomatic: seed * 3,
        cognitive: seed * 2,
        ploc: 9 + seed,
        nesting: seed % 3,
        params: seed % 4,
        exits: seed,
        functions: 4,
        ..SpaceMetrics::default()
    };
    FileFacts {
        language: key.language,
        bytes: 100,
        error_bytes: seed,
        truncated: false,
        metrics,
        functions,
        lines,
        structure: driftline_schema::Structure::default(),
    }
}

fn wire<'s>(inputs: Records<'s, Input>) -> Records<'s, (ChangeKey, Delta)> {
    let changes = inputs.clone().flat_map(|input| match input {
        Input::Change(row) => Some(row),
        Input::Withheld(_) => None,
    });
    let withheld = inputs.flat_map(|input| match input {
        Input::Withheld(key) => Some(key),
        Input::Change(_) => None,
    });
    let parsed =
        changes.clone().flat_map(|row| brought(&row)).distinct().map(|key| (key, KeptFacts::of(facts_of(key))));
    deltas(changes, parsed.antijoin(withheld))
}

fn brought(row: &ChangeRow) -> Vec<BlobKey> {
    let key = |file: &FileRow| Some(BlobKey { blob: file.blob?, language: file.language? });
    row.files.iter().filter(|file| file.has_content).filter_map(key).collect()
}

/// Old and new versions of the files of a row, as far as they are known.
type Versions = Vec<(Option<FileFacts>, Option<FileFacts>)>;

/// The indices of a hunk's added lines; one in between two lines stands for a mere removal.
fn added(hunk: &HunkRow) -> Vec<u32> {
    (hunk.new_start..hunk.new_start + hunk.new_lines).collect()
}

fn touched(row: &FileRow, old: &Option<FileFacts>, new: &FileFacts) -> Vec<(FunctionFacts, bool, u32, i64)> {
    let mut found = Vec::new();
    for (at, function) in new.functions.iter().enumerate() {
        let around = |other: &FunctionFacts| other.end_line >= function.end_line;
        if function.kind == FunctionKind::Closure && new.functions[..at].iter().any(around) {
            continue;
        }
        let inside = |line: u32| line + 1 >= function.start_line && line < function.end_line;
        let lines = row.hunks.iter().flat_map(added).filter(|line| inside(*line)).count() as u32;
        let cut = |hunk: &HunkRow| {
            hunk.new_lines == 0 && hunk.new_start > 0 && inside(hunk.new_start - 1) && inside(hunk.new_start)
        };
        if lines == 0 && !row.hunks.iter().any(cut) {
            continue;
        }
        let known = old.is_some() || row.kind == FileKind::Added;
        let same_name = |other: &&FunctionFacts| other.qualified_name == function.qualified_name;
        let before = old.as_ref().and_then(|old| old.functions.iter().find(same_name));
        if before.is_some_and(|before| before.text_hash == function.text_hash) {
            continue;
        }
        let had = before.map_or(0, |before| i64::from(before.metrics.cognitive));
        let gained = if known { i64::from(function.metrics.cognitive) - had } else { 0 };
        found.push((function.clone(), known && before.is_none(), lines, gained));
    }
    found
}

fn expected(row: &ChangeRow, versions: &Versions) -> Delta {
    let mut v = [0i64; 19];
    let (mut errors, mut bytes, mut comments) = (0, 0, 0);
    let mut places = Vec::new();
    for (file, (old, new)) in row.files.iter().zip(versions) {
        let code = matches!(file.class, FileClass::Source | FileClass::Test) && file.kind != FileKind::Deleted;
        let levels = |f: &FileFacts| {
            let m = f.metrics;
            [m.cyclomatic, m.cognitive, m.nesting, m.ploc, m.functions].map(i64::from)
        };
        let before = old.as_ref().map(levels).or((file.kind == FileKind::Added).then_some([0; 5]));
        let after = new.as_ref().map(levels).or((file.kind == FileKind::Deleted).then_some([0; 5]));
        if let (Some(before), Some(after)) = (before, after) {
            (0..5).for_each(|at| v[8 + at] += after[at] - before[at]);
        }
        let mut outside: BTreeSet<u32> = file.hunks.iter().flat_map(added).collect();
        if let Some(new) = new {
            let m = new.metrics;
            let sums = [(0, m.cyclomatic), (1, m.cognitive), (3, m.ploc), (4, m.functions), (6, m.exits)];
            sums.into_iter().for_each(|(at, value)| v[at] += i64::from(value));
            (v[2], v[5]) = (v[2].max(m.nesting.into()), v[5].max(m.params.into()));
            (errors, bytes) = (errors + i64::from(new.error_bytes), bytes + i64::from(new.bytes));
            for line in &outside {
                v[16] += i64::from(new.lines.class(*line) == Some(LineClass::Code));
                comments += i64::from(new.lines.class(*line) == Some(LineClass::Comment));
            }
            for (function, new, lines, gained) in touched(file, old, new) {
                v[if new { 14 } else { 13 }] += 1;
                v[15] = v[15].max(function.metrics.cognitive.into());
                places.push(Place {
                    path: file.path.to_string(),
                    function: Some(function.qualified_name.to_string()),
                    start_line: function.start_line,
                    end_line: function.end_line,
                    changed_lines: lines,
                    cognitive: function.metrics.cognitive,
                    cognitive_delta: gained as i32,
                });
            }
            outside.retain(|line| !new.functions.iter().any(|f| (f.start_line..=f.end_line).contains(&(line + 1))));
        } else if code {
            v[18] += 1;
        }
        if code && !outside.is_empty() {
            let last = file.hunks.last().expect("lines were added");
            places.push(Place {
                path: file.path.to_string(),
                function: None,
                start_line: file.hunks[0].new_start + 1,
                end_line: last.new_start + last.new_lines,
                changed_lines: outside.len() as u32,
                cognitive: 0,
                cognitive_delta: 0,
            });
        }
    }
    places.sort_by_key(|p| {
        let worse = (-i64::from(p.cognitive_delta), -i64::from(p.cognitive), -i64::from(p.changed_lines));
        (worse, p.path.clone(), p.start_line, p.end_line, p.function.clone())
    });
    places.truncate(10);
    let mut values: Vec<Fixed> = v.into_iter().map(Fixed::from_int).collect();
    values[7] = Fixed::ratio(errors, bytes);
    values[17] = Fixed::ratio(comments, comments + v[16]);
    Delta { part: Part { group: FeatureGroup::Syntax, time: row.time, values: values.into() }, places }
}

/// The definition.
fn batch(inputs: &[Input]) -> Vec<(ChangeKey, Delta)> {
    let mut rows: Vec<&Arc<ChangeRow>> = Vec::new();
    for input in inputs {
        if let Input::Change(row) = input {
            rows.push(row);
        }
    }
    rows.sort_by_key(|row| (row.key, (*row).clone()));
    let facts = |key: BlobKey| Some(facts_of(key)).filter(|_| !inputs.contains(&Input::Withheld(key)));
    let mut outputs = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        if rows.iter().filter(|other| other.key == row.key).count() > 1 {
            continue;
        }
        let earlier: BTreeSet<BlobKey> =
            rows[..at].iter().filter(|other| other.key.repo == row.key.repo).flat_map(|row| brought(row)).collect();
        let version =
            |blob: Option<BlobId>, language: Option<Language>| Some(BlobKey { blob: blob?, language: language? });
        let versions: Versions = row
            .files
            .iter()
            .map(|file| {
                let old = version(file.old_blob, file.language).filter(|key| earlier.contains(key)).and_then(facts);
                let new = version(file.blob, file.language).filter(|_| file.has_content).and_then(facts);
                (old, new)
            })
            .collect();
        outputs.push((row.key, expected(row, &versions)));
    }
    outputs
}

fn input() -> impl Strategy<Value = Input> {
    let key = (0..5u8, any::<bool>()).prop_map(|(blob, rust)| BlobKey {
        blob: sample::blob(blob),
        language: if rust { Language::Rust } else { Language::Python },
    });
    prop_oneof![6 => sample::any_change().prop_map(Input::Change), 1 => key.prop_map(Input::Withheld)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn equals_a_walk_over_every_line(updates in updates(input(), 30)) {
        assert_matches_batch(&updates, wire, batch);
    }
}

#[test]
fn every_feature_of_the_group_has_a_value() {
    let row = sample::change(1, 1);
    let pieces = [Piece::Row(Arc::new(row))];
    let delta = sum_pieces(pieces.iter()).expect("a row gives a part");
    assert_eq!(delta.part.values.len(), columns(FeatureGroup::Syntax).len());
    assert!(sum_pieces([].iter()).is_none());
}

#[test]
fn a_content_brought_later_does_not_complete_an_earlier_change() {
    let value = |steps: &[(Input, isize)], name: &str| {
        let outputs = run(steps, 1, 1, wire).pop().expect("a time");
        let at = FEATURES[columns(FeatureGroup::Syntax)].iter().position(|f| f.name == name).expect("a feature");
        let first = outputs.into_keys().next().expect("an output");
        first.1.part.values[at]
    };
    let with_blobs = |offset, old: u8, new: u8| {
        let mut row = sample::change(1, offset);
        let mut file = sample::file(&row, "a.py");
        (file.old_blob, file.blob, file.has_content) = (Some(sample::blob(old)), Some(sample::blob(new)), true);
        row.files = vec![file];
        (Input::Change(Arc::new(row)), 1)
    };
    let log = [with_blobs(1, 1, 2), with_blobs(2, 2, 1), with_blobs(3, 1, 2)];
    assert_eq!(value(&log[..1], "cyclomatic"), Fixed::from_int(6));
    assert_eq!(value(&log, "cyclomatic_delta"), Fixed::ZERO, "blob 1 came only with the second change");
    let outputs = run(&log, 1, 1, wire).pop().expect("a time");
    let deltas: BTreeMap<_, _> = outputs.into_keys().map(|(key, delta)| (key.position.offset, delta)).collect();
    assert_eq!(deltas[&3].part.values[8], Fixed::from_int(3), "now it is known");
}

#[test]
fn lines_whose_places_are_unknown_are_taken_for_lines_like_the_others() {
    let mut row = sample::change(1, 1);
    let file = FileRow {
        places: driftline_schema::Places::Unknown,
        blob: Some(sample::blob(1)),
        old_blob: Some(sample::blob(9)),
        has_content: true,
        lines: 10,
        added: 6,
        ..sample::file(&row, "a.py")
    };
    let key = BlobKey { blob: sample::blob(1), language: Language::Python };
    let mut facts = facts_of(key);
    facts.functions.clear();
    let mut lines = LineClasses::default();
    (0..10).for_each(|line| lines.push(if line < 5 { LineClass::Code } else { LineClass::Comment }));
    facts.lines = lines;
    row.files = vec![file];
    let pieces = [Piece::Row(Arc::new(row)), Piece::Facts(0, Side::After, KeptFacts::of(facts))];
    let delta = sum_pieces(pieces.iter()).expect("a row gives a part");
    let at =
        |name: &str| FEATURES[columns(FeatureGroup::Syntax)].iter().position(|f| f.name == name).expect("a feature");
    assert_eq!(delta.part.values[at("code_lines_added")], Fixed::from_int(3), "half of the file is code");
    assert_eq!(delta.part.values[at("comment_share_added")], Fixed::ratio(1, 2));
    let place = &delta.places[0];
    assert_eq!((place.start_line, place.end_line, place.changed_lines), (1, 10, 6));
}
