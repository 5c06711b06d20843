//! How much a change changes: lines, hunks and files (`LA`, `LD`, `LT` in the literature).
//!
//! A function of the change alone: retracting the change retracts its part.

use crate::Records;
use crate::features::{Part, Parts, count};
use driftline_schema::{ChangeRow, FeatureGroup, FileClass, FileKind, FileRow, Fixed};
use std::sync::Arc;

/// The part of the group `size` for each change.
pub fn size<'scope>(changes: Records<'scope, Arc<ChangeRow>>) -> Parts<'scope> {
    changes.map(|row| (row.key, Part { group: FeatureGroup::Size, time: row.time, values: size_of(&row) }))
}

/// Sums over some of the files.
fn lines(files: &[FileRow], which: impl Fn(&FileRow) -> bool, lines: impl Fn(&FileRow) -> u64) -> i64 {
    files.iter().filter(|file| which(file)).map(lines).sum::<u64>() as i64
}

fn changed(file: &FileRow) -> u64 {
    u64::from(file.added) + u64::from(file.removed)
}

/// The values, in the order of the features table. Lines and hunks that the event would not hold count all the same;
/// what a file is for is known only of those that stand in it, so shares are those among them.
fn size_of(row: &ChangeRow) -> Box<[Fixed]> {
    let (files, left_out) = (row.files.as_slice(), row.left_out.unwrap_or_default());
    let kept_added = lines(files, |_| true, |file| u64::from(file.added));
    let kept_deleted = lines(files, |_| true, |file| u64::from(file.removed));
    let added = kept_added.saturating_add_unsigned(left_out.lines_added);
    let deleted = kept_deleted.saturating_add_unsigned(left_out.lines_removed);
    let before = lines(files, |_| true, |file| u64::from(file.old_lines));
    let share = |class| Fixed::ratio(lines(files, |file| file.class == class, changed), kept_added + kept_deleted);
    let of_kind = |kind| count(files.iter().filter(|file| file.kind == kind).count());
    let hunks = files.iter().flat_map(|file| &file.hunks);
    let hunk_lines = hunks.map(|hunk| u64::from(hunk.old_lines) + u64::from(hunk.new_lines));
    Box::new([
        count(added),
        count(deleted),
        count(before),
        Fixed::ratio(added, before.max(1)),
        Fixed::ratio(deleted, before.max(1)),
        count(files.iter().map(|file| file.hunks.len() as i64).sum::<i64>().saturating_add_unsigned(left_out.hunks)),
        count(hunk_lines.max().unwrap_or(0)),
        share(FileClass::Test),
        share(FileClass::Documentation),
        share(FileClass::Generated),
        count(lines(files, |file| file.class == FileClass::Source, |file| u64::from(file.added))),
        of_kind(FileKind::Added),
        of_kind(FileKind::Deleted),
        of_kind(FileKind::Renamed),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{column, columns, sample};
    use crate::testing::{assert_matches_batch, updates};
    use driftline_schema::{ChangeKey, LeftOut};
    use proptest::prelude::*;

    /// The definition, counted line by line with a loop for each value.
    fn batch(rows: &[Arc<ChangeRow>]) -> Vec<(ChangeKey, Part)> {
        rows.iter()
            .map(|row| {
                let mut values = vec![0i64; columns(FeatureGroup::Size).len()];
                let mut by_class = [0i64; 3];
                for file in &row.files {
                    values[2] += i64::from(file.old_lines);
                    for hunk in &file.hunks {
                        let (old, new) = (i64::from(hunk.old_lines), i64::from(hunk.new_lines));
                        values[0] += new;
                        values[1] += old;
                        values[5] += 1;
                        values[6] = values[6].max(old + new);
                        match file.class {
                            FileClass::Test => by_class[0] += old + new,
                            FileClass::Documentation => by_class[1] += old + new,
                            FileClass::Generated => by_class[2] += old + new,
                            FileClass::Source => values[10] += new,
                            FileClass::Other => {}
                        }
                    }
                    match file.kind {
                        FileKind::Added => values[11] += 1,
                        FileKind::Deleted => values[12] += 1,
                        FileKind::Renamed => values[13] += 1,
                        FileKind::Modified => {}
                    }
                }
                let total = values[0] + values[1];
                let mut fixed: Vec<Fixed> = values.iter().map(|value| Fixed::from_int(*value)).collect();
                fixed[3] = Fixed::ratio(values[0], values[2].max(1));
                fixed[4] = Fixed::ratio(values[1], values[2].max(1));
                (7..10).zip(by_class).for_each(|(at, lines)| fixed[at] = Fixed::ratio(lines, total));
                (row.key, Part { group: FeatureGroup::Size, time: row.time, values: fixed.into() })
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn equals_the_sums_over_hunks(updates in updates(sample::any_change(), 20)) {
            assert_matches_batch(&updates, size, batch);
        }
    }

    #[test]
    fn a_small_change_counted_by_hand() {
        let mut row = sample::change(1, 1);
        let mut source = sample::file(&row, "src/a.rs");
        (source.old_lines, source.added, source.removed) = (10, 3, 1);
        let mut test = sample::file(&row, "tests/a.rs");
        (test.kind, test.added) = (FileKind::Added, 4);
        row.files = vec![source, test];
        let values = size_of(&row);
        let value = |name| values[column(name).expect("a feature")].to_string();
        assert_eq!((value("la"), value("ld"), value("lt")), ("7".into(), "1".into(), "10".into()));
        assert_eq!((value("added_ratio"), value("test_share")), ("0.7".into(), "0.5".into()));
        assert_eq!((value("la_source"), value("files_added")), ("3".into(), "1".into()));
    }

    #[test]
    fn lines_and_hunks_that_were_left_out_count_all_the_same() {
        let mut row = sample::change(1, 1);
        let mut file = sample::file(&row, "src/a.rs");
        (file.old_lines, file.added, file.removed) = (10, 3, 1);
        row.files = vec![file];
        row.left_out = Some(LeftOut { files: 9, hunks: 5, lines_added: 40, lines_removed: 6, ..LeftOut::default() });
        let values = size_of(&row);
        let value = |name| values[column(name).expect("a feature")].to_string();
        assert_eq!((value("la"), value("ld"), value("hunks")), ("43".into(), "7".into(), "5".into()));
        assert_eq!(value("la_source"), "3");
    }
}
