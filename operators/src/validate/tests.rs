//! Any bytes give a row or a reject; each rule is shown by one event that breaks it alone.

use super::*;
use driftline_schema::{
    AuthorId, BlobId, Change, ControlId, FileChange, FileClass, FileKind, Hunk, Language, LeftOut, LineCounts, ModelId,
    ModelRef, Omitted, ParentDiff, Scope, TextEncoding,
};
use proptest::prelude::*;

const POSITION: Position = Position { partition: 1, offset: 7 };

fn commit(byte: u8) -> CommitId {
    CommitId::from_bytes(&[byte; 20]).expect("20 bytes")
}

fn text_file(path: &str, content: &str) -> FileChange {
    FileChange {
        path: path.into(),
        old_path: None,
        kind: FileKind::Added,
        blob: Some(blob_id_of(content.as_bytes(), 20)),
        old_blob: None,
        content: Some(content.into()),
        omitted: None,
        encoding: None,
        old_omitted: None,
        bytes: content.len() as u64,
        old_lines: 0,
        line_counts: None,
        hunks: vec![],
        other_parents: vec![],
    }
}

fn hunk(old: (u32, u32), new: (u32, u32), removed: &str) -> Hunk {
    Hunk { old_start: old.0, old_lines: old.1, new_start: new.0, new_lines: new.1, removed: removed.into() }
}

fn modified() -> FileChange {
    FileChange {
        kind: FileKind::Modified,
        old_blob: BlobId::from_bytes(&[4; 20]),
        old_lines: 3,
        hunks: vec![hunk((1, 2), (1, 1), "  x=1\n# gone\n")],
        ..text_file("src/app.py", "import os\nx = 1\n")
    }
}

fn change() -> Change {
    let deleted = FileChange { kind: FileKind::Deleted, ..text_file("src/old.py", "") };
    Change {
        commit: commit(1),
        parents: vec![commit(2)],
        author: AuthorId([7; 16]),
        author_time: 1_700_000_000,
        author_offset_min: 60,
        commit_time: 1_700_000_100,
        message: "Fix x\n\nFixes: 1234567890ab\nThis reverts commit 0123456789abcdef.\n".into(),
        merge: false,
        files: vec![
            modified(),
            text_file("docs/a.md", "hello"),
            FileChange { blob: None, content: None, bytes: 0, old_lines: 4, ..deleted },
        ],
        left_out: None,
    }
}

fn raw(key: &str, payload: Vec<u8>) -> RawRecord {
    RawRecord {
        position: POSITION,
        key: key.into(),
        append_time: 1_700_000_000,
        payload,
        control: true,
        envelope: None,
    }
}

fn judge(event: &Event) -> Result<Accepted, Reject> {
    validate(&raw(&event.repository, wire::encode(event)), &Limits::default())
}

/// The row of the change after `edit`.
fn row_after(edit: impl FnOnce(&mut Change)) -> Result<(Arc<ChangeRow>, Vec<BlobContent>), Reject> {
    let mut change = change();
    edit(&mut change);
    match judge(&Event::of_change("demo", change))?.body {
        Body::Change { row, contents } => Ok((row, contents)),
        other => panic!("a change gave {other:?}"),
    }
}

fn reason_after(edit: impl FnOnce(&mut Change)) -> RejectReason {
    row_after(edit).expect_err("refused").reason
}

#[test]
fn a_change_becomes_a_row_with_classes_lines_and_what_the_message_names() {
    let (row, contents) = row_after(|_| ()).expect("accepted");
    assert_eq!(row.key, ChangeKey { repo: RepoId::of("demo"), position: POSITION });
    assert_eq!((&*row.subject, row.fix, row.merge, row.advances_clock), ("Fix x", true, false, true));
    assert_eq!(row.fixes, ["1234567890ab".into()]);
    assert_eq!(row.reverts, ["0123456789abcdef".into()]);
    let paths: Vec<&str> = row.files.iter().map(|file| &*file.path).collect();
    assert_eq!(paths, ["docs/a.md", "src/app.py", "src/old.py"], "by path");
    let [docs, app, old] = &row.files[..] else { panic!("three files") };
    assert_eq!((docs.class, docs.language, docs.lines, docs.added), (FileClass::Documentation, None, 1, 1));
    assert_eq!((app.lines, app.old_lines, app.added, app.removed), (2, 3, 1, 2));
    assert_eq!(app.hunks[0].cosmetic, [1], "`x=1` was only reformatted");
    assert_eq!(app.hunks[0].comment_like, [2]);
    assert_eq!((old.language, old.lines, old.removed, old.hunks.len()), (Some(Language::Python), 0, 4, 1));
    assert_eq!(contents.len(), 1, "only what a grammar measures is parsed");
    assert_eq!(&*contents[0].text, "import os\nx = 1\n");
    assert_eq!(Some(contents[0].key.blob), app.blob);
}

#[test]
fn a_file_has_a_language_only_where_its_grammar_is_compiled_in() {
    use crate::syntax::has_grammar;
    let (row, contents) =
        row_after(|change| change.files.push(text_file("lib/thing.rb", "a = 1\n"))).expect("accepted");
    let thing = row.files.iter().find(|file| &*file.path == "lib/thing.rb").expect("the file");
    // What it is for does not depend on the build.
    assert_eq!(thing.class, FileClass::Source);
    assert_eq!(thing.language, Some(Language::Ruby).filter(|language| has_grammar(*language)));
    assert_eq!(contents.len(), 1 + usize::from(has_grammar(Language::Ruby)));
}

#[test]
fn clocks_beyond_reason_do_not_advance_the_event_clock() {
    let advances = |time| row_after(|change| change.commit_time = time).expect("accepted").0.advances_clock;
    assert!(advances(0) && advances(1_700_086_400));
    assert!(!advances(-1) && !advances(1_700_086_401) && !advances(4_102_444_800));
}

#[test]
fn the_repository_is_the_records_key() {
    let reason = |name: &str, key: &str| {
        validate(&raw(key, wire::encode(&Event::of_change(name, change()))), &Limits::default())
            .expect_err("refused")
            .reason
    };
    for (name, key) in [("a", "b"), ("", ""), ("a\n", "a\n"), (&"x".repeat(256), &"x".repeat(256))] {
        assert_eq!(reason(name, key), RejectReason::BadRepository);
    }
}

#[test]
fn paths_outside_the_repository_are_refused() {
    for path in ["", "/etc/passwd", "a/../b", "a\0"] {
        assert_eq!(reason_after(|change| change.files[0].path = path.into()), RejectReason::BadPath);
        let rename = |change: &mut Change| {
            change.files[0].kind = FileKind::Renamed;
            change.files[0].old_path = Some(path.into());
        };
        assert_eq!(reason_after(rename), RejectReason::BadPath);
    }
}

#[test]
fn a_content_must_be_the_blob_it_claims_to_be() {
    assert_eq!(
        blob_id_of(b"hello\n", 20).to_string(),
        "ce013625030ba8dba906f756967f9e9ca394464a",
        "as `git hash-object` says"
    );
    assert_eq!(reason_after(|change| change.files[0].blob = BlobId::from_bytes(&[9; 20])), RejectReason::BlobMismatch);
    let sha256 = blob_id_of(b"hello", 32);
    row_after(|change| change.files[1].blob = Some(sha256)).expect("accepted");
}

#[test]
fn a_content_in_another_encoding_is_checked_as_the_bytes_it_was() {
    let set = |change: &mut Change, encoding, text: &str, bytes: &[u8]| {
        let file = &mut change.files[1];
        (file.content, file.encoding, file.bytes) = (Some(text.into()), Some(encoding), bytes.len() as u64);
        file.blob = Some(blob_id_of(bytes, 20));
    };
    let (latin_1, wide) = (TextEncoding::Latin1, TextEncoding::Utf16Le);
    row_after(|change| set(change, latin_1, "caf\u{e9}", b"caf\xe9")).expect("accepted");
    row_after(|change| set(change, wide, "\u{e9}", b"\xff\xfe\xe9\0")).expect("accepted");
    let reason = |encoding, text, bytes| reason_after(|change| set(change, encoding, text, bytes));
    assert_eq!(reason(latin_1, "caf\u{e9}", b"cafe"), RejectReason::BlobMismatch);
    assert_eq!(reason(latin_1, "\u{20ac}", b"\x80"), RejectReason::Contradiction);
    assert_eq!(reason(latin_1, "caf\u{e9}", "caf\u{e9}".as_bytes()), RejectReason::Contradiction);
}

#[test]
fn counts_of_lines_count_where_hunks_are_not_known() {
    let large = |change: &mut Change| {
        let file = &mut change.files[0];
        (file.content, file.omitted, file.old_omitted) = (None, Some(Omitted::TooLarge), Some(Omitted::TooLarge));
        (file.old_lines, file.line_counts) = (0, Some(LineCounts { added: 70_000, removed: 3 }));
        file.hunks.clear();
    };
    let (row, _) = row_after(large).expect("accepted");
    let app = &row.files[1];
    assert_eq!((app.added, app.removed, app.lines, app.hunks.len()), (70_000, 3, 0, 0));
}

#[test]
fn limits_are_limits() {
    let over = |limits: Limits| {
        let event = wire::encode(&Event::of_change("demo", change()));
        assert_eq!(validate(&raw("demo", event), &limits).expect_err("refused").reason, RejectReason::OverLimit);
    };
    over(Limits { files_max: 2, ..Limits::default() });
    over(Limits { hunks_max: 0, ..Limits::default() });
    over(Limits { file_bytes_max: 10, ..Limits::default() });
    over(Limits { message_bytes_max: 10, ..Limits::default() });
    over(Limits { event_bytes_max: 10, ..Limits::default() });
}

#[test]
fn hunks_must_fit_the_file() {
    assert_eq!(reason_after(|change| change.files[0].old_lines = 9), RejectReason::BadHunks);
    assert_eq!(reason_after(|change| change.files[0].hunks.clear()), RejectReason::BadHunks);
    assert_eq!(reason_after(|change| change.files[0].hunks[0].removed = "x\n".into()), RejectReason::BadHunks);
    row_after(|change| change.files[0].old_lines = 0).expect("an unknown number of old lines cannot be contradicted");
}

/// The change with the hunks of its first file left out, and what it says of that.
fn cut(edit: impl FnOnce(&mut FileChange, &mut LeftOut)) -> Result<(Arc<ChangeRow>, Vec<BlobContent>), Reject> {
    row_after(|change| {
        let file = &mut change.files[0];
        (file.hunks, file.line_counts) = (vec![], Some(LineCounts { added: 1, removed: 2 }));
        let mut left_out = LeftOut { hunks: 1, ..LeftOut::default() };
        edit(file, &mut left_out);
        change.left_out = Some(left_out);
    })
}

#[test]
fn counts_of_lines_stand_in_for_hunks_that_were_left_out() {
    let (row, _) = cut(|_, _| ()).expect("accepted");
    let app = &row.files[1];
    assert_eq!((app.added, app.removed, app.hunks.len(), app.lines), (1, 2, 0, 2));
    assert_eq!(row.left_out, Some(LeftOut { hunks: 1, ..LeftOut::default() }));
    let counts = |added, removed| cut(|file, _| file.line_counts = Some(LineCounts { added, removed }));
    counts(2, 3).expect("every line may have changed");
    for (added, removed) in [(2, 2), (3, 4), (0, 0), (u32::MAX, u32::MAX)] {
        assert_eq!(counts(added, removed).expect_err("refused").reason, RejectReason::BadHunks, "{added} {removed}");
    }
    let with_hunks = |added| {
        row_after(|change| change.files[0].line_counts = Some(LineCounts { added, removed: 2 })).map(|(row, _)| row)
    };
    assert_eq!(with_hunks(1).expect("says the same twice").files[1].hunks.len(), 1);
    assert_eq!(with_hunks(2).expect_err("refused").reason, RejectReason::BadHunks);
    let deleted = |change: &mut Change| change.files[2].line_counts = Some(LineCounts { added: 0, removed: 4 });
    let (row, _) = row_after(deleted).expect("accepted");
    assert_eq!((row.files[2].removed, row.files[2].hunks[0].old_lines), (4, 4), "the whole file is one hunk");
}

#[test]
fn what_is_said_to_be_left_out_must_agree_with_what_is_there() {
    let edits: [fn(&mut FileChange, &mut LeftOut); 9] = [
        |_, left_out| left_out.contents = 1,
        |_, left_out| left_out.removed_texts = 9,
        |_, left_out| left_out.lines_added = 1,
        |_, left_out| left_out.parents = 1,
        |_, left_out| left_out.files = u64::MAX,
        |_, left_out| (left_out.files, left_out.lines_removed) = (1, u64::MAX),
        |_, left_out| left_out.hunks = u64::MAX,
        |_, left_out| left_out.parents = u64::MAX,
        |file, _| (file.line_counts, file.hunks) = (None, modified().hunks),
    ];
    for (index, edit) in edits.into_iter().enumerate() {
        assert_eq!(cut(edit).expect_err("refused").reason, RejectReason::Contradiction, "edit {index}");
    }
    cut(|file, left_out| {
        (file.content, file.omitted) = (None, Some(Omitted::EventTooLarge));
        *left_out = LeftOut { contents: 1, files: 5, lines_added: 7, uncounted: true, ..*left_out };
    })
    .expect("accepted");
    let many = |change: &mut Change| {
        change.merge = true;
        change.left_out = Some(LeftOut { parents: 9, ..LeftOut::default() });
    };
    assert_eq!(row_after(many).expect("a merge").0.left_out.map(|left_out| left_out.parents), Some(9));
    let limits = Limits { parents_max: 0, ..Limits::default() };
    let event = wire::encode(&Event::of_change("demo", change()));
    assert_eq!(validate(&raw("demo", event), &limits).expect_err("refused").reason, RejectReason::OverLimit);
}

#[test]
fn contradictions_are_refused() {
    let edits: [fn(&mut Change); 18] = [
        |change| change.merge = true,
        |change| change.parents.push(commit(3)),
        |change| change.parents[0] = commit(1),
        |change| change.files.push(modified()),
        |change| change.files[0].kind = FileKind::Renamed,
        |change| change.files[0].old_path = Some("x".into()),
        |change| change.files[0].kind = FileKind::Added,
        |change| change.files[0].kind = FileKind::Deleted,
        |change| change.files[0].omitted = Some(Omitted::Binary),
        |change| change.files[0].blob = None,
        |change| change.files[0].content = None,
        |change| change.files[0].bytes = 3,
        |change| change.files[0].old_omitted = Some(Omitted::Binary),
        |change| change.files[1].old_omitted = Some(Omitted::Missing),
        |change| change.files[2].encoding = Some(TextEncoding::Latin1),
        |change| {
            let other = ParentDiff { old_blob: blob_id_of(b"", 20), hunks: vec![] };
            change.files[0].other_parents.push(other);
        },
        |change| {
            for (file, to) in [(0, "b.py"), (1, "c.py")] {
                change.files[file].kind = FileKind::Renamed;
                change.files[file].old_path = Some("a.py".into());
                change.files[file].path = to.into();
            }
        },
        |change| {
            change.files[1].kind = FileKind::Renamed;
            change.files[1].old_path = Some("src/app.py".into());
        },
    ];
    for (index, edit) in edits.into_iter().enumerate() {
        assert_eq!(reason_after(edit), RejectReason::Contradiction, "edit {index}");
    }
}

#[test]
fn two_files_may_swap_their_names() {
    let swap = |change: &mut Change| {
        for (file, from, to) in [(0, "b.py", "a.py"), (1, "a.py", "b.py")] {
            change.files[file].kind = FileKind::Renamed;
            change.files[file].old_path = Some(from.into());
            change.files[file].path = to.into();
        }
    };
    row_after(swap).expect("accepted");
}

#[test]
fn votes_branches_and_controls_are_judged_too() {
    let vote = Vote {
        commit: commit(1),
        voter: AuthorId([1; 16]),
        verdict: Verdict::Defective,
        weight: 0,
        time: 5,
        retract: false,
    };
    let reason = |event: Event| judge(&event).expect_err("refused").reason;
    assert_eq!(reason(Event::of_vote("demo", vote.clone())), RejectReason::Contradiction);
    judge(&Event::of_vote("demo", Vote { weight: 1, ..vote })).expect("accepted");
    let branch = Branch { name: "main".into(), commit: Some(commit(1)), withdrawn: vec![commit(2); 2], time: 5 };
    match judge(&Event::of_branch("demo", branch.clone())).expect("accepted").body {
        Body::Branch(row) => assert_eq!(row.withdrawn, vec![commit(2)]),
        other => panic!("a branch gave {other:?}"),
    }
    let own = Branch { withdrawn: vec![commit(1)], ..branch };
    assert_eq!(reason(Event::of_branch("demo", own)), RejectReason::Contradiction);
    let model = ModelRef { scope: Scope::Organisation, id: ModelId([1; 32]), rows: 3, defective: 1 };
    for action in [
        ControlAction::Cut { cut: 0 },
        ControlAction::ModelReady { cut: 1, models: vec![model; 2] },
        ControlAction::Threshold { risk: Fixed(1_000_001) },
    ] {
        let control = Control { id: ControlId::of("test", 1), action };
        assert_eq!(reason(Event::of_control(control)), RejectReason::Contradiction);
    }
    let tick = |time| Control { id: ControlId::of("tick", 1), action: ControlAction::Tick { time } };
    for (time, advances) in [(1_700_000_000, true), (1_800_000_000, false)] {
        match judge(&Event::of_control(tick(time))).expect("accepted").body {
            Body::Control(row) => assert_eq!(row.advances_clock, advances),
            other => panic!("a control record gave {other:?}"),
        }
    }
}

#[test]
fn a_reject_keeps_the_bytes_and_says_what_and_where() {
    let payload = wire::encode(&Event::of_change("demo", Change { merge: true, ..change() }));
    let reject = validate(&raw("demo", payload.clone()), &Limits::default()).expect_err("refused");
    assert_eq!((reject.position, &*reject.key, &*reject.bytes), (POSITION, "demo", &payload[..]));
    assert_eq!(reject.detail, "`merge` is true with 1 parents");
    assert_eq!(reject.commit, Some(commit(1)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn mutated_events_are_accepted_or_refused(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..8),
    ) {
        let mut bytes = wire::encode(&Event::of_change("demo", change()));
        for (index, byte, how) in edits {
            let at = index.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, b"0123456789{}[]\",:-"[byte as usize % 18]),
                _ => { bytes.remove(at); }
            }
        }
        let _ = validate(&raw("demo", bytes), &Limits::default());
    }

    #[test]
    fn hunks_with_any_numbers_are_accepted_or_refused(
        numbers in proptest::collection::vec(prop_oneof![0..5u32, any::<u32>()], 8),
        old_lines in prop_oneof![0..5u32, any::<u32>()],
        omitted in any::<bool>(),
    ) {
        let _ = row_after(|change| {
            let file = &mut change.files[0];
            file.old_lines = old_lines;
            file.hunks = numbers.chunks(4).map(|n| hunk((n[0], n[1]), (n[2], n[3]), "")).collect();
            if omitted {
                file.content = None;
                file.omitted = Some(Omitted::TooLarge);
            }
        });
    }
}

#[test]
fn a_control_body_outside_of_a_control_record_is_refused() {
    let control = Control { id: ControlId::of("cut", 1), action: ControlAction::Cut { cut: 1 } };
    let record = raw("", wire::encode(&Event::of_control(control)));
    assert!(validate(&record, &Limits::default()).is_ok());
    let stray = RawRecord { control: false, ..record };
    let refused = validate(&stray, &Limits::default()).expect_err("refused");
    assert_eq!((refused.reason, refused.detail.contains("without a seal")), (RejectReason::ForgedControl, true));
    // Whatever else is wrong with it, that it claims to be a control record is said first.
    let named = RawRecord { key: b"demo".to_vec(), ..stray };
    assert_eq!(validate(&named, &Limits::default()).expect_err("refused").reason, RejectReason::ForgedControl);
}

#[test]
fn a_reject_keeps_a_key_that_is_no_text_exactly() {
    let envelope = driftline_schema::Envelope { value_is_null: true, ..Default::default() };
    let text = RawRecord { envelope: Some(Arc::new(envelope)), ..raw("demo", Vec::new()) };
    let odd = RawRecord { key: b"\xff\xfe".to_vec(), ..text.clone() };
    let refused = |record: &RawRecord| validate(record, &Limits::default()).expect_err("refused");
    assert_eq!(refused(&text).envelope, text.envelope);
    let kept = refused(&odd).envelope.expect("the key is in it");
    assert_eq!((kept.key.as_deref(), kept.value_is_null), (Some(b"\xff\xfe".as_slice()), true));
    assert_eq!(refused(&RawRecord { envelope: None, ..raw("demo", Vec::new()) }).envelope, None);
}
