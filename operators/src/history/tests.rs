//! The fold against a definition that rereads the whole log for every change.

use super::decay::Decayed;
use super::*;
use crate::features::{column, columns, sample};
use crate::testing::{assert_matches_batch, run, updates};
use driftline_schema::{AuthorId, FileId, FileKind, FileRow, Fixed};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Which earlier changes touched each path's file, oldest first, as indices into the log; files follow renames.
type Pasts = BTreeMap<FileId, Vec<usize>>;

fn past_of(pasts: &Pasts, row: &ChangeRow, file: &FileRow) -> Vec<usize> {
    let origin = file.old_file.filter(|old| pasts.contains_key(old));
    let left = row.files.iter().any(|other| other.old_file == Some(file.file));
    match origin {
        Some(old) => pasts[&old].clone(),
        None if left => vec![],
        None => pasts.get(&file.file).cloned().unwrap_or_default(),
    }
}

fn advance(pasts: &mut Pasts, row: &ChangeRow, index: usize) {
    let mut next: Pasts = pasts.clone();
    next.retain(|path, _| !row.files.iter().any(|file| file.old_file == Some(*path)));
    for file in &row.files {
        let mut past = past_of(pasts, row, file);
        past.push(index);
        next.insert(file.file, past);
    }
    *pasts = next;
}

fn mean(values: &[i64], unit: i64) -> Fixed {
    Fixed::ratio(values.iter().fold(0, |sum: i64, value| sum.saturating_add(*value)), values.len() as i64 * unit)
}

fn history_values(log: &[&Arc<ChangeRow>], row: &ChangeRow, pasts: &[Vec<usize>]) -> Vec<Fixed> {
    let known: Vec<&Vec<usize>> = pasts.iter().filter(|past| !past.is_empty()).collect();
    let last = |past: &&Vec<usize>| log[*past.last().expect("not empty")];
    let developers: BTreeSet<AuthorId> = known.iter().flat_map(|past| past.iter().map(|at| log[*at].author)).collect();
    let ages: Vec<i64> = known.iter().map(|past| row.time.saturating_sub(last(past).time).max(0)).collect();
    let last_changes: BTreeSet<_> = known.iter().map(|past| *past.last().expect("not empty")).collect();
    let lengths: Vec<i64> = known.iter().map(|past| past.len() as i64).collect();
    let fixes: Vec<Fixed> = known
        .iter()
        .map(|past| {
            let fixes = past.iter().filter(|at| log[**at].fix).map(|at| log[*at].time.div_euclid(sample::DAY));
            fixes.fold(Decayed::default(), Decayed::with).on(row.time.div_euclid(sample::DAY))
        })
        .collect();
    let reverts = known.iter().flat_map(|past| past.iter()).filter(|at| !log[**at].reverts.is_empty()).count();
    vec![
        Fixed::from_int(developers.len() as i64),
        mean(&ages, sample::DAY),
        Fixed::from_int(last_changes.len() as i64),
        mean(&lengths, 1),
        fixes.iter().fold(Fixed::ZERO, |sum, value| sum + *value),
        fixes.iter().copied().max().unwrap_or_default(),
        Fixed::from_int(reverts as i64),
    ]
}

fn author_values(log: &[&Arc<ChangeRow>], row: &ChangeRow, pasts: &[Vec<usize>]) -> Vec<Fixed> {
    let known: Vec<&Vec<usize>> = pasts.iter().filter(|past| !past.is_empty()).collect();
    let mine = |at: &usize| log[*at].author == row.author;
    let own: Vec<&ChangeRow> = log.iter().filter(|past| past.author == row.author).map(|past| &***past).collect();
    let mut by_age: BTreeMap<i64, i64> = BTreeMap::new();
    for past in &own {
        *by_age.entry(row.time.saturating_sub(past.time).max(0) / (365 * sample::DAY)).or_default() += 1;
    }
    let recent = by_age.iter().fold(Fixed::ZERO, |sum, (age, changes)| sum + Fixed::ratio(*changes, age + 1));
    let top =
        |file: &FileRow| file.path.split('/').rev().nth(1).map(|_| file.path.split('/').next().map(str::to_owned));
    let tops: BTreeSet<_> = row.files.iter().map(top).collect();
    let learned: Vec<i64> = tops
        .iter()
        .map(|subsystem| own.iter().filter(|past| past.files.iter().any(|file| top(file) == *subsystem)).count() as i64)
        .collect();
    let share = |part: usize, whole: usize| Fixed::ratio(part as i64, whole as i64);
    let touches: usize = known.iter().map(|past| past.len()).sum();
    let local = row.author_time.saturating_add(i64::from(row.author_offset_min) * 60);
    let since = own.last().map_or(0, |past| row.time.saturating_sub(past.time).max(0));
    vec![
        Fixed::from_int(own.len() as i64),
        recent,
        mean(&learned, 1),
        share(known.iter().filter(|past| !past.iter().any(mine)).count(), known.len()),
        share(known.iter().filter(|past| past.last().is_some_and(mine)).count(), known.len()),
        share(known.iter().flat_map(|past| past.iter()).filter(|at| mine(at)).count(), touches),
        Fixed::from_int(local.rem_euclid(sample::DAY) / 3600),
        Fixed::ratio(since, sample::DAY),
    ]
}

/// The definition.
fn batch(rows: &[Arc<ChangeRow>]) -> Vec<(ChangeKey, Part)> {
    let mut sorted = rows.to_vec();
    sorted.sort_by(|a, b| (a.key, a).cmp(&(b.key, b)));
    let mut outputs = Vec::new();
    for repo in sorted.iter().map(|row| row.key.repo).collect::<BTreeSet<_>>() {
        let mut log: Vec<&Arc<ChangeRow>> = Vec::new();
        let mut pasts = Pasts::new();
        for row in sorted.iter().filter(|row| row.key.repo == repo) {
            let of_files: Vec<Vec<usize>> = row.files.iter().map(|file| past_of(&pasts, row, file)).collect();
            for (group, values) in [
                (FeatureGroup::History, history_values(&log, row, &of_files)),
                (FeatureGroup::Author, author_values(&log, row, &of_files)),
            ] {
                outputs.push((row.key, Part { group, time: row.time, values: values.into() }));
            }
            if !row.merge {
                advance(&mut pasts, row, log.len());
                log.push(row);
            }
        }
    }
    outputs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn equals_a_rereading_of_the_log(updates in updates(sample::any_change(), 30)) {
        assert_matches_batch(&updates, history, batch);
    }
}

/// The values of each change in a log that only grows, by the names of features.
fn values(rows: Vec<ChangeRow>) -> Vec<BTreeMap<&'static str, String>> {
    let steps: Vec<_> = rows.into_iter().map(|row| (Arc::new(row), 1)).collect();
    let parts = run(&steps, 1, 1, history).pop().unwrap_or_default();
    let mut by_change: BTreeMap<ChangeKey, BTreeMap<&'static str, String>> = BTreeMap::new();
    for (key, part) in parts.into_keys() {
        let names = crate::features::FEATURES[columns(part.group)].iter().map(|feature| feature.name);
        assert_eq!(part.values.len(), names.len());
        by_change.entry(key).or_default().extend(names.zip(part.values.iter().map(Fixed::to_string)));
    }
    by_change.into_values().collect()
}

fn touching(offset: u64, author: u8, days: i64, paths: &[&str]) -> ChangeRow {
    let mut row = sample::change(1, offset);
    row.author = sample::author(author);
    row.time = days * sample::DAY;
    row.files = paths.iter().map(|path| sample::file(&row, path)).collect();
    row
}

#[test]
fn a_log_worked_by_hand() {
    let mut fix = touching(2, 1, 10, &["a.py"]);
    fix.fix = true;
    let log = vec![
        touching(1, 0, 0, &["a.py", "src/b.py"]),
        fix,
        touching(3, 0, 100, &["a.py", "src/b.py"]),
        touching(4, 0, 450, &["src/b.py"]),
    ];
    let values = values(log);
    let of = |change: usize, name: &str| {
        assert!(column(name).is_some(), "{name} is in the table");
        values[change][name].as_str()
    };
    assert_eq!((of(0, "ndev"), of(0, "exp"), of(0, "new_files_share")), ("0", "0", "0"));
    assert_eq!((of(1, "ndev"), of(1, "age"), of(1, "new_files_share")), ("1", "10", "1"));
    assert_eq!((of(2, "ndev"), of(2, "age"), of(2, "nuc")), ("2", "95", "2"));
    assert_eq!((of(2, "prior_changes"), of(2, "recent_fixes")), ("1.5", "0.75"));
    assert_eq!((of(2, "own_last_share"), of(2, "owned_share")), ("0.5", "0.666667"));
    assert_eq!((of(3, "exp"), of(3, "rexp")), ("2", "1.5"));
    assert_eq!((of(3, "sexp"), of(3, "days_since_previous")), ("2", "350"));
}

#[test]
fn a_renamed_file_takes_its_history_along_and_two_files_may_swap() {
    let mut swap = touching(3, 0, 3, &["a.py", "src/b.py"]);
    let (a, b) = (swap.files[0].file, swap.files[1].file);
    for (file, old) in swap.files.iter_mut().zip([b, a]) {
        (file.kind, file.old_file) = (FileKind::Renamed, Some(old));
    }
    let log = vec![touching(1, 1, 1, &["a.py"]), touching(2, 2, 2, &["src/b.py"]), swap, touching(4, 2, 4, &["a.py"])];
    let values = values(log);
    assert_eq!(values[3]["owned_share"], "0.5", "author 2 wrote it when it was src/b.py");
    assert_eq!(values[3]["ndev"], "2");
}

#[test]
fn a_merge_leaves_no_trace() {
    let mut merge = touching(2, 1, 5, &["a.py"]);
    merge.merge = true;
    let log = |with: bool| {
        let mut rows = vec![touching(1, 0, 0, &["a.py"]), touching(3, 0, 9, &["a.py"])];
        rows.extend(with.then(|| merge.clone()));
        rows.sort_by_key(|row| row.key);
        values(rows)
    };
    assert_eq!(log(true).last(), log(false).last());
    assert_eq!(log(true)[1]["age"], "5", "a merge has features like any change");
}

#[test]
fn a_version_whose_text_is_not_known_is_a_change_like_any_other() {
    let unknown = |mut row: ChangeRow| {
        row.files.iter_mut().for_each(|file| file.places = driftline_schema::Places::Unknown);
        row
    };
    let log = |hidden: bool| {
        let rows = [touching(1, 0, 0, &["a.py"]), touching(2, 1, 5, &["a.py"]), touching(3, 2, 9, &["a.py"])];
        let hide = |(at, row)| if hidden && at > 0 { unknown(row) } else { row };
        values(rows.into_iter().enumerate().map(hide).chain([touching(4, 0, 20, &["a.py"])]).collect())
    };
    assert_eq!(log(true), log(false));
    let last = &log(true)[3];
    assert_eq!((&*last["ndev"], &*last["age"], &*last["prior_changes"]), ("3", "11", "3"));
}
