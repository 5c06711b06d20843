//! Commits that no event can hold: each becomes an event that validation accepts under the same limits, and what is not in
//! it is counted.

use super::kit::{Repo, git_bytes, options};
use crate::collect::{CollectOptions, GitHistory};
use driftline_operators::validate::{Body, RawRecord, validate};
use driftline_schema::{Change, ChangeRow, FileKind, LeftOut, Limits, Omitted, Position, wire};
use std::ffi::OsStr;
use std::sync::Arc;

/// The changes of `HEAD` under `limits`, each with the row that validation makes of it.
fn judged(repo: &Repo, limits: &Limits) -> Vec<(Change, Arc<ChangeRow>)> {
    let options = CollectOptions { limits: limits.clone(), ..options() };
    let history = GitHistory::open(repo.path(), options).expect("opens");
    let events = history.events().expect("has heads").map(|event| event.expect("is readable"));
    let judge = |event: driftline_schema::Event| {
        let record = RawRecord {
            position: Position { partition: 0, offset: 0 },
            key: event.repository.as_bytes().to_vec(),
            append_time: 1_700_000_000,
            payload: wire::encode(&event),
            control: false,
            envelope: None,
        };
        match validate(&record, limits).unwrap_or_else(|reject| panic!("{}: {}", reject.reason, reject.detail)).body {
            Body::Change { row, .. } => (*event.change.expect("is a change"), row),
            other => panic!("a change gave {other:?}"),
        }
    };
    events.map(judge).collect()
}

/// Writes a tree as it is, however malformed.
fn raw_tree(repo: &Repo, entries: &[(&str, &[u8], &str)]) -> String {
    let mut bytes = Vec::new();
    for (mode, name, id) in entries {
        bytes.extend_from_slice(mode.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend((0..40).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).expect("hex")));
    }
    hash_object(repo, "tree", &bytes)
}

fn hash_object(repo: &Repo, kind: &str, bytes: &[u8]) -> String {
    let args = ["hash-object", "-t", kind, "-w", "--literally", "--stdin"].map(OsStr::new);
    String::from_utf8(git_bytes(repo.path(), &args, 0, bytes)).expect("an id").trim().to_owned()
}

/// Makes `main` a commit of this tree.
fn commit_tree(repo: &Repo, tree: &str, parents: &[String]) -> String {
    let mut args = vec!["commit-tree", tree, "-m", "raw"];
    args.extend(parents.iter().flat_map(|parent| ["-p", parent]));
    let id = repo.git(&args);
    repo.git(&["update-ref", "refs/heads/main", &id]);
    id
}

#[test]
fn files_beyond_the_limit_are_counted_with_their_lines_and_code_stays() {
    let repo = Repo::new();
    for index in 0..6 {
        repo.write(&format!("docs/{index}.md"), "a\n".repeat(index + 1));
        repo.write(&format!("src/{index}.rs"), "b\n".repeat(10 * (index + 1)));
    }
    repo.commit("first");
    repo.write("docs/5.md", "a\nc\n").write("src/0.rs", "b\nd\n").write("vendor/x.go", "e\n").commit("second");
    let limits = Limits { files_max: 7, ..Limits::default() };
    let changes = judged(&repo, &limits);
    let (change, row) = &changes[0];
    let paths: Vec<&str> = change.files.iter().map(|file| file.path.as_str()).collect();
    let code = ["docs/0.md", "src/0.rs", "src/1.rs", "src/2.rs", "src/3.rs", "src/4.rs", "src/5.rs"];
    assert_eq!(paths, code);
    assert_eq!(change.left_out, Some(LeftOut { files: 5, lines_added: 20, ..LeftOut::default() }));
    assert_eq!((row.files_changed(), row.left_out), (12, change.left_out));
    let limits = Limits { files_max: 1, ..Limits::default() };
    let (change, _) = &judged(&repo, &limits)[1];
    assert_eq!((change.files.len(), change.files[0].path.as_str()), (1, "src/0.rs"));
    let left_out = LeftOut { files: 2, lines_added: 2, lines_removed: 5, ..LeftOut::default() };
    assert_eq!(change.left_out, Some(left_out), "as `git log --numstat` counts them");
}

#[test]
fn lines_are_exact_where_hunks_are_left_out() {
    let repo = Repo::new();
    let text = |changed: bool| -> String {
        let line = |line| format!("line {line}{}\n", if changed && line % 2 == 0 { " changed" } else { "" });
        (0..400).map(line).collect()
    };
    repo.write("a.rs", text(false)).write("b.rs", "b\n").commit("first");
    repo.write("a.rs", text(true)).write("b.rs", "c\n").commit("second");
    let limits = Limits { hunks_max: 100, ..Limits::default() };
    let (change, row) = judged(&repo, &limits).pop().expect("two changes");
    assert_eq!((change.files[0].hunks.len(), change.files[1].hunks.len()), (0, 1));
    assert_eq!(change.left_out, Some(LeftOut { hunks: 200, ..LeftOut::default() }));
    assert_eq!((row.files[0].added, row.files[0].removed), (200, 200));
    assert_eq!((row.files[1].added, row.files[1].removed, row.files[0].has_content), (1, 1, true));
}

#[test]
fn few_objects_that_name_countless_paths_are_walked_to_a_limit() {
    for (levels, limits) in [
        (12, Limits::default()),
        // More folders than files.
        (40, Limits { files_max: 100, ..Limits::default() }),
    ] {
        let repo = Repo::new();
        repo.write("f", "x\n").commit("first");
        let mut id = hash_object(&repo, "blob", b"y\n");
        let mut mode = "100644";
        let names: Vec<String> = (0..10).map(|name| format!("n{name}")).collect();
        for _ in 0..levels {
            let entries: Vec<_> = names.iter().map(|name| (mode, name.as_bytes(), id.as_str())).collect();
            id = raw_tree(&repo, &entries);
            mode = "40000";
        }
        let parent = repo.git(&["rev-parse", "HEAD"]);
        commit_tree(&repo, &id, &[parent]);
        let changes = judged(&repo, &limits);
        let left_out = changes[1].0.left_out.expect("not all of it fits");
        assert!(left_out.uncounted, "{left_out:?}");
        assert!(changes[1].0.files.len() <= limits.files_max);
    }
}

#[test]
fn paths_that_no_event_takes_are_left_out_and_the_rest_stays() {
    let repo = Repo::new();
    repo.write("ok.rs", "x\n").commit("first");
    let blob = hash_object(&repo, "blob", b"1\n2\n");
    let file = |name| ("100644", name, blob.as_str());
    let below = raw_tree(&repo, &[file(&b"z"[..])]);
    let long = "n".repeat(5000);
    let mut deep = below.clone();
    for _ in 0..250 {
        deep = raw_tree(&repo, &[("40000", b"a-folder-of-20-bytes", &deep)]);
    }
    let tree = raw_tree(
        &repo,
        &[
            file(b".."),
            file(b""),
            file(b"a\xff"),
            file(b"a%FF"),
            file(b"c/d"),
            ("40000", b"deep", &deep),
            file(long.as_bytes()),
            file(b"ok.rs"),
            ("40000", b"..", &below),
            // Twice, and not in order.
            file(b"ok.rs"),
            file(b"b"),
        ],
    );
    let parent = repo.git(&["rev-parse", "HEAD"]);
    commit_tree(&repo, &tree, &[parent]);
    let (change, _) = judged(&repo, &Limits::default()).pop().expect("two changes");
    let paths: Vec<(&str, FileKind)> = change.files.iter().map(|file| (file.path.as_str(), file.kind)).collect();
    let expected =
        [("a%FF", FileKind::Added), ("b", FileKind::Added), ("c/d", FileKind::Added), ("ok.rs", FileKind::Modified)];
    assert_eq!(paths, expected);
    let left_out = change.left_out.expect("some paths cannot stand");
    assert!(left_out.files >= 4 && left_out.uncounted, "{left_out:?}");
    let history = repo.history();
    super::kit::changes(&history).expect("is readable");
    let stats = history.stats();
    assert_eq!((stats.refused_paths, stats.omitted_files), (left_out.files, 0), "nothing was too large");
    assert!(stats.to_string().contains("no event may hold their paths"), "{stats}");
}

#[test]
fn many_parents_and_a_long_message_are_cut_and_counted() {
    let repo = Repo::new();
    repo.write("f.rs", "x\n");
    let first = repo.commit("first");
    let tree = repo.git(&["rev-parse", "HEAD^{tree}"]);
    let parents: Vec<String> =
        (0..9).map(|at| repo.git(&["commit-tree", &tree, "-p", &first, "-m", &at.to_string()])).collect();
    let mut text = format!("tree {tree}\n");
    parents.iter().for_each(|parent| text += &format!("parent {parent}\n"));
    text += &format!("author {} <a@x> 1 +0000\ncommitter {} <a@x> 1 +0000\n\n", "A".repeat(100_000), "B".repeat(9));
    text += &"\u{1}é message ".repeat(500_000);
    let id = hash_object(&repo, "commit", text.as_bytes());
    repo.git(&["update-ref", "refs/heads/main", &id]);
    let limits = Limits { parents_max: 4, ..Limits::default() };
    let (change, row) = judged(&repo, &limits).pop().expect("changes");
    assert_eq!((change.parents.len(), change.merge, row.merge), (4, true, true));
    assert_eq!(change.left_out, Some(LeftOut { parents: 5, ..LeftOut::default() }));
    assert!(change.message.len() <= limits.message_bytes_max && change.message.len() + 4 > limits.message_bytes_max);
}

#[test]
fn a_merge_whose_parents_differ_everywhere_costs_no_more_than_its_allowance() {
    let repo = Repo::new();
    repo.write("f.rs", "x\n").commit("first");
    let blob = hash_object(&repo, "blob", b"y\n");
    let other = hash_object(&repo, "blob", b"z\n");
    let names: Vec<String> = (0..60).map(|name| format!("n{name}")).collect();
    let tree_of = |blob: &str| {
        let entries: Vec<_> = names.iter().map(|name| ("100644", name.as_bytes(), blob)).collect();
        raw_tree(&repo, &entries)
    };
    let (tree, parent_tree) = (tree_of(&blob), tree_of(&other));
    let parents: Vec<String> =
        (0..30).map(|at| repo.git(&["commit-tree", &parent_tree, "-m", &at.to_string()])).collect();
    commit_tree(&repo, &tree, &parents);
    let limits = Limits { files_max: 100, ..Limits::default() };
    let (change, _) = judged(&repo, &limits).pop().expect("changes");
    assert_eq!((change.files.len(), change.left_out), (60, None));
    assert!(change.files.iter().all(|file| file.other_parents.is_empty()), "what all parents hold is not known");
}

#[test]
fn contents_that_few_objects_repeat_are_read_to_an_allowance() {
    let repo = Repo::new();
    let contents: Vec<String> =
        (0..10).map(|number| hash_object(&repo, "blob", format!("{number}\n").repeat(60_000).as_bytes())).collect();
    let names: Vec<String> = (0..10).map(|name| format!("n{name:02}.txt")).collect();
    let entries: Vec<_> =
        names.iter().zip(&contents).map(|(name, id)| ("100644", name.as_bytes(), id.as_str())).collect();
    let folder = raw_tree(&repo, &entries);
    let folders: Vec<String> = (0..100).map(|name| format!("d{name:02}")).collect();
    let entries: Vec<_> = folders.iter().map(|name| ("40000", name.as_bytes(), folder.as_str())).collect();
    let tree = raw_tree(&repo, &entries);
    commit_tree(&repo, &tree, &[]);
    let (change, row) = judged(&repo, &Limits::default()).pop().expect("a change");
    let left_out = change.left_out.expect("a thousand files of a tenth of a megabyte");
    assert!(left_out.uncounted && left_out.files == 0 && row.files.len() == 1000, "{left_out:?}");
    let last = change.files.last().expect("files");
    assert_eq!((last.omitted, last.hunks.len()), (Some(Omitted::EventTooLarge), 0));
}
