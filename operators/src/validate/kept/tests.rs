//! What stands on after a change, on small texts worked by hand, and that no text makes the search expensive.

use super::super::hunks::count_lines;
use super::*;
use crate::features::sample;
use driftline_schema::{FileKind, HunkRow};
use proptest::prelude::*;

fn lines_of(texts: &[&str]) -> Vec<Line> {
    (0..).zip(texts).map(|(index, text)| Line::of(index, text)).collect()
}

/// A file whose hunks are given as (first old line, removed text, first new line, number of new lines).
fn changed(content: &str, hunks: &[(u32, &str, u32, u32)]) -> FileChange {
    let hunk = |&(old_start, removed, new_start, new_lines): &(u32, &str, u32, u32)| Hunk {
        old_start,
        old_lines: count_lines(removed),
        new_start,
        new_lines,
        removed: removed.into(),
    };
    FileChange {
        path: "a.py".into(),
        old_path: None,
        kind: FileKind::Modified,
        blob: None,
        old_blob: None,
        content: Some(content.into()),
        omitted: None,
        encoding: None,
        old_omitted: None,
        bytes: 0,
        old_lines: 0,
        line_counts: None,
        hunks: hunks.iter().map(hunk).collect(),
        other_parents: vec![],
    }
}

/// A kept run as (first new line, lines, file, first old line).
type Run = (u32, u32, u32, u32);

/// What is kept of each file, and its removed lines that stand on.
fn kept(files: &[FileChange]) -> Vec<(Vec<Run>, Vec<u32>)> {
    let change = sample::change(1, 1);
    let row = |file: &FileChange| {
        let hunk = |hunk: &Hunk| HunkRow {
            old_start: hunk.old_start,
            old_lines: hunk.old_lines,
            new_start: hunk.new_start,
            new_lines: hunk.new_lines,
            ..HunkRow::default()
        };
        FileRow { hunks: file.hunks.iter().map(hunk).collect(), ..sample::file(&change, "a.py") }
    };
    let mut rows: Vec<FileRow> = files.iter().map(row).collect();
    keep_lines(&mut rows, files.iter().map(FileLines::of_hunks).collect());
    let run = |run: &KeptRun| (run.new_start, run.lines, run.file, run.old_start);
    let of_row = |row: &FileRow| {
        (row.kept.iter().map(run).collect(), row.hunks.iter().flat_map(|hunk| hunk.cosmetic.clone()).collect())
    };
    rows.iter().map(of_row).collect()
}

#[test]
fn an_indented_line_is_kept_and_a_changed_one_is_not() {
    let new = "head\n\tif (a) {\n\t\treturn 2;\n\t}\n";
    let file = changed(new, &[(1, "  if (a) {\n    return 1;\n  }\n", 1, 3)]);
    assert_eq!(kept(&[file]), [(vec![(1, 1, 0, 1), (3, 1, 0, 3)], vec![1, 3])]);
}

#[test]
fn rewrapped_arguments_are_kept_whichever_way_they_went() {
    let (wide, tall) = ("x = call(alpha, [beta, gamma])\n", "x = call(\n    alpha,\n    [beta,\n     gamma],\n)\n");
    let apart = changed(&format!("first = 2\n{tall}"), &[(0, &format!("first = 1\n{wide}"), 0, 6)]);
    assert_eq!(kept(&[apart])[0].0, [(1, 1, 0, 1), (2, 1, 0, 1), (3, 1, 0, 1), (4, 1, 0, 1), (5, 1, 0, 1)]);
    let together = changed(&format!("{wide}last = 2\n"), &[(0, &format!("{tall}last = 1\n"), 0, 2)]);
    assert_eq!(kept(&[together])[0].0, [(0, 1, 0, 0)], "the line goes with the first of those it was");
    let other = changed(&tall.replace("gamma", "delta"), &[(0, wide, 0, 5)]);
    assert_eq!(kept(&[other])[0].0, [], "an argument was changed");
}

#[test]
fn a_block_is_seen_to_move_from_the_weight_on_that_git_asks_for() {
    let block = "def total(prices, taxes):\n\n    return sum(prices)\n";
    let within = changed(&format!("a\nb\n{block}"), &[(0, block, 0, 0), (5, "", 2, 3)]);
    assert_eq!(kept(&[within])[0], (vec![(2, 3, 0, 0)], vec![0, 1, 2]));
    let short = changed("a\nb\nreturn 0;\n", &[(0, "return 0;\n", 0, 0), (3, "", 2, 1)]);
    assert_eq!(kept(&[short])[0], (vec![], vec![]), "such a line stands in many places");

    let from = || changed("", &[(4, block, 4, 0)]);
    let to = |block: &str| changed(block, &[(0, "", 0, count_lines(block))]);
    let light = "def total(prices):\n    return sum(prices)\n";
    let (light_from, light_to) = (changed("", &[(4, light, 4, 0)]), to(light));
    assert_eq!(kept(&[light_from, light_to])[1].0, [], "between files a block weighs more than 40");
    let heavy = "def total(prices, taxes):\n    return sum(prices) + sum(taxes) - rebate\n";
    let found = kept(&[changed("", &[(4, heavy, 4, 0)]), to(heavy)]);
    assert_eq!(found, [(vec![], vec![4, 5]), (vec![(0, 2, 0, 4)], vec![])]);
    // What was removed once cannot have moved to two places.
    assert_eq!(kept(&[from(), to(&format!("{block}{block}"))])[1].0.len(), 0);
    let twice = kept(&[changed("", &[(4, heavy, 4, 0)]), to(&format!("{heavy}{heavy}"))]);
    assert_eq!(twice[1].0, [(0, 2, 0, 4)]);
}

#[test]
fn a_block_brings_along_the_light_lines_before_it() {
    let block = "}\n\nfn total(prices: &[u64]) -> u64 {\n    prices.iter().sum()\n}\n";
    let file = changed(&format!("a\n{block}"), &[(0, block, 0, 0), (6, "", 1, 5)]);
    assert_eq!(kept(&[file])[0].0, [(1, 5, 0, 0)]);
}

#[test]
fn missing_texts_keep_nothing() {
    let line = "let value = compute(input, other);\n";
    let no_removed = Hunk { removed: String::new(), ..changed(line, &[(0, line, 0, 1)]).hunks[0].clone() };
    let without_removed = FileChange { hunks: vec![no_removed], ..changed(line, &[]) };
    let without_content = FileChange { content: None, ..changed(line, &[(0, line, 0, 1)]) };
    for file in [without_removed, without_content] {
        assert_eq!(kept(&[file]), [(vec![], vec![])]);
    }
}

proptest! {
    #[test]
    fn what_is_aligned_is_equal_ascends_and_is_everything_where_only_white_space_differs(
        old in proptest::collection::vec(0..6u8, 0..40),
        new in proptest::collection::vec(0..6u8, 0..40),
    ) {
        let texts = |numbers: &[u8], indent: &str| -> Vec<String> {
            numbers.iter().map(|number| format!("{indent}line {number}")).collect()
        };
        let lines = |texts: &[String]| lines_of(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        let (before, after) = (lines(&texts(&old, "")), lines(&texts(&new, "\t")));
        let pairs = align(&before, &after);
        prop_assert!(pairs.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1));
        prop_assert!(pairs.iter().all(|(from, to)| old[*from] == new[*to]));
        let same = align(&before, &lines(&texts(&old, "\t")));
        prop_assert_eq!(same.len(), old.len());
    }

    #[test]
    fn no_line_is_kept_twice_and_no_removed_one_moves_twice(
        files in proptest::collection::vec((proptest::collection::vec(0..9u8, 0..30), proptest::collection::vec(0..9u8, 0..30)), 1..4),
    ) {
        let text = |numbers: &[u8]| -> String {
            // Light lines and heavy ones, so that blocks of every weight occur.
            numbers.iter().map(|number| if *number < 3 { "}\n".into() } else { format!("let value_{number} = {number};\n") }).collect()
        };
        let files: Vec<FileChange> = files
            .iter()
            .map(|(old, new)| changed(&text(new), &[(0, &text(old), 0, new.len() as u32)]))
            .collect();
        let found = kept(&files);
        let mut sources = Vec::new();
        for (runs, _) in &found {
            let lines: Vec<u32> = runs.iter().flat_map(|run| run.0..run.0 + run.1).collect();
            prop_assert!(lines.is_sorted_by(|a, b| a < b));
            sources.extend(runs.iter().flat_map(|run| (run.3..run.3 + run.1).map(|line| (run.2, line))));
        }
        let all = sources.len();
        sources.sort_unstable();
        sources.dedup();
        prop_assert_eq!(sources.len(), all);
    }
}

#[test]
fn texts_that_repeat_themselves_cost_a_bounded_number_of_steps_a_line() {
    // Each of these texts is quadratic for a search without a bound; the suite's own time would tell.
    let lines = 20_000;
    let repeated =
        |texts: &[&str]| -> String { texts.iter().cycle().take(lines).map(|text| format!("{text}\n")).collect() };
    for texts in [&["a"][..], &["a", "b"], &["}", ""], &["a,", "a", "("], &["let value = compute(input);", "}"]] {
        let (old, new) = (repeated(texts), repeated(&[texts, &["other_words_entirely"]].concat()));
        let file = changed(&new, &[(0, &old, 0, lines as u32)]);
        let shifted = changed(&new, &[(0, &old, 0, 0), (lines as u32 + 5, "", 5, lines as u32 - 5)]);
        kept(&[file, shifted]);
    }
}
