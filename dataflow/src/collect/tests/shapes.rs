//! Ordinary histories: edits, branches, merges, renames.

use super::kit::{Repo, assert_equals_git, changes, file, options, places};
use crate::collect::{GitHistory, Heads};
use driftline_schema::{AuthorId, FileKind};
use std::num::NonZeroUsize;

const LINES: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n";

#[test]
fn a_line_of_commits_is_told_in_order() {
    let repo = Repo::new();
    repo.write("src/a.rs", "fn a() {}\n").write("b.txt", "b\n").commit("first");
    repo.write("src/a.rs", "fn a() {}\nfn b() {}\n").commit("second");
    std::fs::remove_file(repo.join("b.txt")).expect("is removed");
    repo.commit("third\n\nwith a body");
    assert_equals_git(&repo);
    let changes = repo.changes();
    let kinds: Vec<Vec<FileKind>> = changes.iter().map(|c| c.files.iter().map(|file| file.kind).collect()).collect();
    assert_eq!(kinds, [vec![FileKind::Added, FileKind::Added], vec![FileKind::Modified], vec![FileKind::Deleted]]);
    let second = file(&changes[1], "src/a.rs");
    assert_eq!(places(&second.hunks), [(1, 0, 1, 1)]);
    assert_eq!((second.old_lines, second.bytes), (1, 20));
    let third = &changes[2];
    assert_eq!(third.message, "third\n\nwith a body\n");
    assert_eq!((third.author_time, third.author_offset_min, third.commit_time), (1_700_000_180, 90, 1_700_000_180));
    assert_eq!(third.author, AuthorId::of(b"a key of the test suite", "ada@example.org"));
    assert_eq!(third.parents, [changes[1].commit]);
    let gone = file(third, "b.txt");
    assert_eq!((gone.blob, gone.content.as_deref(), gone.omitted), (None, None, None));
    assert_eq!(gone.hunks[0].removed, "b\n");
}

#[test]
fn a_merge_of_both_sides_is_compared_with_both() {
    let repo = Repo::new();
    repo.write("both", LINES).write("mine", "m\n").commit("base");
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.write("both", LINES.replace("one", "1")).write("theirs", "t\n").commit("side");
    repo.git(&["checkout", "-q", "main"]);
    repo.write("both", LINES.replace("eight", "8")).write("mine", "M\n").commit("main");
    repo.git(&["merge", "-q", "--no-edit", "side"]);
    assert_equals_git(&repo);
    let merge = repo.last();
    assert!(merge.merge && merge.parents.len() == 2);
    let both = file(&merge, "both");
    assert_eq!(places(&both.hunks), [(0, 1, 0, 1)]);
    assert_eq!(both.other_parents.len(), 1);
    assert_eq!(places(&both.other_parents[0].hunks), [(7, 1, 7, 1)]);
    assert!(file(&merge, "theirs").other_parents.is_empty(), "it is the side's version");
}

#[test]
fn an_evil_merge_shows_lines_that_no_parent_has() {
    let repo = Repo::new();
    repo.write("f", LINES).commit("base");
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.write("g", "g\n").commit("side");
    repo.git(&["checkout", "-q", "main"]);
    repo.write("h", "h\n").commit("main");
    repo.git(&["merge", "-q", "--no-commit", "side"]);
    repo.write("f", LINES.replace("four", "evil")).write("new", "nowhere\n").commit("evil");
    assert_equals_git(&repo);
    let merge = repo.last();
    assert_eq!(places(&file(&merge, "f").other_parents[0].hunks), [(3, 1, 3, 1)]);
    assert!(file(&merge, "f").other_parents[0].hunks[0].removed.is_empty());
    assert!(file(&merge, "new").other_parents.is_empty(), "no parent has it");
}

#[test]
fn all_parents_of_an_octopus_are_compared() {
    let repo = Repo::new();
    let commit = |mark: u32, from: &[u32], text: &str| {
        let links: String =
            from.iter().enumerate().map(|(at, mark)| format!("{} :{mark}\n", ["from", "merge"][at.min(1)])).collect();
        let person = "Ada <ada@example.org>";
        format!(
            "commit refs/heads/main\nmark :{mark}\nauthor {person} {mark} +0000\ncommitter {person} {mark} +0000\n\
             data 1\nm{links}M 100644 inline f\ndata {}\n{text}\n",
            text.len()
        )
    };
    let stream: String = [
        commit(1, &[], "base\n"),
        commit(2, &[1], "base\n2\n"),
        commit(3, &[1], "base\n3\n"),
        commit(4, &[1], "base\n4\n"),
        commit(5, &[1], "base\n5\n"),
        commit(6, &[2, 3, 4, 5], "base\n6\n"),
        commit(7, &[2, 3, 4, 5], "base\n5\n"),
    ]
    .concat();
    repo.import(stream.replace("commit refs/heads/main\nmark :7", "commit refs/heads/seven\nmark :7").as_bytes());
    assert_equals_git(&repo);
    assert_eq!(file(&repo.last(), "f").other_parents.len(), 3);
    let options = crate::collect::CollectOptions { heads: Heads::Branch("seven".into()), ..options() };
    let seven = changes(&GitHistory::open(repo.path(), options).expect("opens")).expect("is readable");
    assert!(file(seven.last().expect("commits"), "f").other_parents.is_empty(), "the last parent has this version");
}

#[test]
fn a_rename_with_an_edit_keeps_its_past() {
    let repo = Repo::new();
    repo.write("old/name.rs", LINES).write("other", "x\n").commit("first");
    std::fs::remove_file(repo.join("old/name.rs")).expect("is removed");
    repo.write("new/title.rs", LINES.replace("five", "5")).commit("rename");
    assert_equals_git(&repo);
    let change = repo.last();
    assert_eq!(change.files.len(), 1);
    let renamed = file(&change, "new/title.rs");
    assert_eq!((renamed.kind, renamed.old_path.as_deref()), (FileKind::Renamed, Some("old/name.rs")));
    assert_eq!((places(&renamed.hunks), renamed.old_lines), (vec![(4, 1, 4, 1)], 8));
}

#[test]
fn a_rename_loop_comes_back() {
    let repo = Repo::new();
    repo.write("a", LINES).commit("first");
    repo.git(&["mv", "a", "b"]);
    repo.commit("away");
    repo.git(&["mv", "b", "a"]);
    repo.commit("back");
    assert_equals_git(&repo);
    let changes = repo.changes();
    let olds: Vec<Option<&str>> = changes.iter().map(|change| change.files[0].old_path.as_deref()).collect();
    assert_eq!(olds, [None, Some("a"), Some("b")]);
    assert!(changes[2].files[0].hunks.is_empty());
    assert_eq!(changes[2].files[0].blob, changes[0].files[0].blob);
}

#[test]
fn commits_of_one_time_are_ordered_by_id() {
    let repo = Repo::new();
    let mut stream = String::from("commit refs/heads/main\nmark :1\ncommitter A <a> 5 +0000\ndata 0\n\n");
    for mark in 2..20 {
        stream +=
            &format!("commit refs/heads/b{mark}\nmark :{mark}\ncommitter A <a> 7 +0000\ndata 2\n{mark:02}from :1\n\n");
    }
    stream += "commit refs/heads/main\nmark :30\ncommitter A <a> 3 +0000\ndata 0\n\nfrom :1\n";
    stream += &(2..20).map(|mark| format!("merge :{mark}\n")).collect::<String>();
    repo.import(stream.as_bytes());
    let changes = repo.changes();
    let middle: Vec<_> = changes[1..19].iter().map(|change| change.commit).collect();
    assert!(middle.is_sorted());
    assert_eq!((changes.len(), changes[19].parents.len()), (20, 19));
    assert_equals_git(&repo);
}

#[test]
fn since_leaves_out_what_a_revision_reaches() {
    let repo = Repo::new();
    repo.write("a", "1\n").commit("first");
    repo.git(&["tag", "-a", "-m", "tag", "v1"]);
    repo.git(&["checkout", "-q", "-b", "side"]);
    let side = repo.write("b", "1\n").commit("side");
    repo.git(&["checkout", "-q", "main"]);
    let main = repo.write("a", "2\n").commit("main");
    repo.git(&["merge", "-q", "--no-edit", "side"]);
    let collect = |since: &[&str]| {
        let since = since.iter().map(|revision| (*revision).to_owned()).collect();
        let history =
            GitHistory::open(repo.path(), crate::collect::CollectOptions { since, ..options() }).expect("opens");
        changes(&history).map(|list| list.iter().map(|change| change.commit.to_string()).collect::<Vec<_>>())
    };
    let head = repo.git(&["rev-parse", "HEAD"]);
    assert_eq!(collect(&["v1"]).expect("exists"), [side, main.clone(), head.clone()]);
    assert_eq!(collect(&["side"]).expect("exists"), [main, head]);
    assert!(collect(&["HEAD"]).expect("exists").is_empty());
    let error = collect(&["v9"]).expect_err("does not exist").to_string();
    assert!(error.contains("`v9`"), "{error}");
}

#[test]
fn threads_and_clones_change_nothing() {
    let repo = Repo::new();
    let mut stream = String::new();
    for mark in 1..700u32 {
        let text = format!("{}\n{}\n", "line\n".repeat((mark % 7) as usize), mark / 3);
        stream += &format!(
            "commit refs/heads/main\nmark :{mark}\ncommitter A <a{}> {mark} +0000\ndata 0\n\nM 100644 inline f{}\ndata {}\n{text}\n",
            mark % 5,
            mark % 11,
            text.len()
        );
    }
    repo.import(stream.as_bytes());
    let collect = |path: &std::path::Path, threads: usize| {
        let threads = NonZeroUsize::new(threads).expect("not zero");
        let repository = Some("demo".to_owned());
        let options = crate::collect::CollectOptions { threads, repository, ..options() };
        let events = GitHistory::open(path, options).expect("opens").events().expect("has heads");
        events.map(|event| driftline_schema::wire::encode(&event.expect("is readable"))).collect::<Vec<_>>()
    };
    let one = collect(repo.path(), 1);
    assert_eq!(one.len(), 699);
    assert_eq!(collect(repo.path(), 2), one);
    assert_eq!(collect(repo.path(), 3), one);
    repo.git(&["clone", "-q", "--bare", ".", "bare.git"]);
    assert_eq!(collect(&repo.join("bare.git"), 2), one, "a bare clone, packed anew");
}
