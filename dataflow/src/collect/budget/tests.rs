//! An event never passes its limits, and what is left out of it goes in the fixed order.

use super::*;
use driftline_schema::{BlobId, Change, Event, FileKind, wire};
use proptest::prelude::*;

fn file(index: usize, content: &str, removed: &[&str]) -> FileChange {
    let hunk = |(at, text): (usize, &&str)| Hunk {
        old_start: 3 * at as u32,
        old_lines: 1,
        new_start: 3 * at as u32,
        new_lines: 1,
        removed: (*text).to_owned(),
    };
    FileChange {
        path: format!("{index:04}"),
        old_path: None,
        kind: FileKind::Modified,
        blob: BlobId::from_bytes(&[3; 32]),
        old_blob: BlobId::from_bytes(&[4; 32]),
        content: Some(content.to_owned()),
        omitted: None,
        encoding: None,
        old_omitted: None,
        bytes: content.len() as u64,
        old_lines: 3 * removed.len() as u32,
        line_counts: None,
        hunks: removed.iter().enumerate().map(hunk).collect(),
        other_parents: vec![],
    }
}

fn limits(event_bytes_max: usize) -> Limits {
    Limits { event_bytes_max, hunks_max: 1000, ..Limits::default() }
}

fn assembled(list: &[FileChange], limits: &Limits) -> (Vec<FileChange>, LeftOut) {
    let mut event = Assembly::new(limits, 0, LeftOut::default());
    list.iter().for_each(|file| event.add(file.clone()));
    let (files, left_out) = event.finish();
    (files, left_out.unwrap_or_default())
}

#[test]
fn lengths_in_json_are_exact() {
    for text in ["", "plain é", "a\"b\\c\n\r\t\u{8}\u{c}\u{1}\u{1f}\u{7f}/"] {
        assert_eq!(json_len(text), serde_json::to_string(text).expect("serialises").len() - 2, "{text:?}");
    }
}

#[test]
fn contents_go_before_removed_texts_and_the_largest_first() {
    let texts = [&"a".repeat(5000), &"b".repeat(3000), &"d".repeat(9000)];
    let list = [file(0, texts[0], &[]), file(1, texts[1], &[]), file(2, "c", &[texts[2]])];
    let (files, left_out) = assembled(&list, &limits(14_500));
    let kept = |file: &FileChange| (file.content.is_some(), file.omitted);
    assert_eq!(kept(&files[0]), (false, Some(Omitted::EventTooLarge)));
    assert_eq!((kept(&files[1]), kept(&files[2])), ((true, None), (true, None)));
    assert_eq!(files[2].hunks[0].removed.len(), 9000, "the larger text stays, because it is a removed one");
    assert_eq!(left_out, LeftOut { contents: 1, ..LeftOut::default() });
    let (files, left_out) = assembled(&list, &limits(8_000));
    assert_eq!((files[2].hunks.len(), files[2].hunks[0].removed.as_str()), (1, ""));
    assert_eq!(left_out, LeftOut { contents: 1, removed_texts: 1, ..LeftOut::default() });
}

#[test]
fn hunks_are_left_out_with_exact_counts_and_never_put_together() {
    let many: Vec<&str> = vec!["x\n"; 600];
    let (files, left_out) = assembled(&[file(0, "text", &many), file(1, "text", &many[..500])], &limits(1 << 20));
    assert_eq!((files[0].hunks.len(), files[1].hunks.len()), (0, 500));
    assert_eq!(files[0].line_counts, Some(LineCounts { added: 600, removed: 600 }));
    assert_eq!((files[1].line_counts, left_out.hunks, left_out.contents), (None, 600, 0));
}

#[test]
fn files_beyond_the_limit_are_counted_with_their_lines() {
    let limits = Limits { files_max: 2, ..Limits::default() };
    let list: Vec<FileChange> = (0..5).map(|index| file(index, "text", &["x\n"; 7][..index + 1])).collect();
    let (files, left_out) = assembled(&list, &limits);
    assert_eq!(files, list[..2]);
    assert_eq!(left_out, LeftOut { files: 3, lines_added: 12, lines_removed: 12, ..LeftOut::default() });
}

proptest! {
    /// Whatever the files are, the event fits, and nothing that was left out would have fitted beside what is there.
    #[test]
    fn an_event_fits_its_limits_and_is_full(
        sizes in proptest::collection::vec((0..900usize, 0..30usize, 0..60usize, any::<bool>(), any::<bool>()), 0..30),
        event_bytes_max in 3000..30_000usize,
        hunks_max in 0..200usize,
        files_max in 1..40usize,
    ) {
        let limits = Limits { event_bytes_max, hunks_max, files_max, ..Limits::default() };
        let list: Vec<FileChange> = sizes
            .iter()
            .enumerate()
            .map(|(index, (content, hunks, removed, control, long))| {
                let text = if *control { "\u{1}" } else { "r" }.repeat(*removed);
                let mut file = file(index, &"c\n".repeat(*content), &vec![text.as_str(); *hunks]);
                if *long {
                    file.path = format!("{}/{}", file.path, "\"".repeat(300));
                }
                file
            })
            .collect();
        let mut change = Change {
            commit: driftline_schema::CommitId::from_bytes(&[1; 32]).expect("32 bytes"),
            parents: vec![],
            author: driftline_schema::AuthorId([7; 16]),
            author_time: i64::MIN,
            author_offset_min: i32::MIN,
            commit_time: i64::MIN,
            message: String::new(),
            merge: false,
            files: vec![],
            left_out: None,
        };
        let mut event = Assembly::new(&limits, 2048, LeftOut::default());
        list.iter().for_each(|file| event.add(file.clone()));
        (change.files, change.left_out) = event.finish();
        let left_out = change.left_out.unwrap_or_default();
        prop_assert_eq!(change.files.len() as u64 + left_out.files, list.len() as u64);
        prop_assert!(change.files.len() <= files_max);
        prop_assert!(change.files.iter().map(hunk_count).sum::<usize>() <= hunks_max);
        let sum = |files: &[FileChange]| {
            files.iter().map(|file| u64::from(file.line_counts.unwrap_or_else(|| counts(&file.hunks)).added)).sum::<u64>()
        };
        prop_assert_eq!(sum(&change.files) + left_out.lines_added, sum(&list));
        let empty = |file: &&FileChange| file.content.is_none();
        prop_assert_eq!(change.files.iter().filter(empty).count() as u64, left_out.contents);
        let all = left_out == LeftOut::default();
        let bytes = wire::encode(&Event::of_change(&"n".repeat(255), change)).len();
        prop_assert!(bytes <= event_bytes_max, "{} of {}", bytes, event_bytes_max);
        let size = |file: &FileChange| serde_json::to_vec(file).expect("serialises").len() + 200 + 20 * file.hunks.len();
        let whole = list.iter().map(size).sum::<usize>();
        let fits = whole + 2048 <= event_bytes_max;
        let few = list.len() <= files_max && list.iter().map(hunk_count).sum::<usize>() <= hunks_max;
        prop_assert!(all || !fits || !few, "nothing had to be left out");
    }
}
