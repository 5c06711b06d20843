//! Where driftline and git once differed: encodings, renames, modes, identities, references, partial clones.

use super::kit::{Repo, assert_equals_git, changes, counts_of, file, options, places};
use crate::collect::{CollectError, CollectOptions, GitHistory, Heads};
use driftline_schema::{AuthorId, FileKind, Limits, Omitted, TextEncoding};
use std::path::Path;

fn all_branches(path: &Path) -> GitHistory {
    GitHistory::open(path, CollectOptions { heads: Heads::AllBranches, ..options() }).expect("opens")
}

/// An error and its causes.
fn chain(error: &CollectError) -> String {
    let (mut text, mut source) = (error.to_string(), std::error::Error::source(error));
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}

#[test]
fn a_moment_of_latin_1_changes_the_lines_that_git_says() {
    let repo = Repo::new();
    let mut lines: Vec<Vec<u8>> =
        (0..40).map(|n| format!("int f{n}(int a) {{ return a && {n}; }}\n").into_bytes()).collect();
    repo.write("a.c", lines.concat()).commit("UTF-8");
    lines[10] = b"/* caf\xe9 */ int f10(int a) { return a; }\n".to_vec();
    repo.write("a.c", lines.concat()).commit("a comment in Latin-1");
    lines[20] = b"int f20(int a) { return a + 1; }\n".to_vec();
    repo.git(&["mv", "a.c", "b.c"]);
    repo.write("b.c", lines.concat()).commit("still Latin-1, moved");
    lines[10] = b"int f10(int a) { return a; }\n".to_vec();
    repo.write("b.c", lines.concat()).commit("UTF-8 again");
    assert_equals_git(&repo);
    let changes = repo.changes();
    let told: Vec<_> =
        changes[1..].iter().map(|change| (places(&change.files[0].hunks), change.files[0].encoding)).collect();
    let latin_1 = Some(TextEncoding::Latin1);
    assert_eq!(told, [(vec![(10, 1, 10, 1)], latin_1), (vec![(20, 1, 20, 1)], latin_1), (vec![(10, 1, 10, 1)], None)]);
    assert_eq!(changes[2].files[0].old_path.as_deref(), Some("a.c"));
    assert!(changes[3].files[0].hunks[0].removed.starts_with("/* caf\u{e9} */"));
    assert!(changes[1].files[0].content.as_deref().is_some_and(|text| text.contains("caf\u{e9}")));
}

#[test]
fn utf_16_has_lines() {
    let repo = Repo::new();
    let wide = |text: &str| TextEncoding::Utf16Le.encode(text).expect("every text can be written");
    repo.write("f", wide("a\nb\n")).write("late", [&[b'x'; 8000][..], b"\0\n"].concat()).commit("first");
    repo.write("f", wide("a\nb\nc\n")).write("late", [&[b'x'; 8000][..], b"\0\ny\n"].concat()).commit("second");
    assert_equals_git(&repo);
    let change = repo.last();
    let wide = file(&change, "f");
    assert_eq!((places(&wide.hunks), wide.encoding), (vec![(2, 0, 2, 1)], Some(TextEncoding::Utf16Le)));
    assert_eq!(wide.content.as_deref(), Some("a\nb\nc\n"));
    assert_eq!(places(&file(&change, "late").hunks), [(1, 0, 1, 1)]);
}

#[test]
fn a_file_that_crosses_the_limit_and_comes_back_keeps_its_counts() {
    let repo = Repo::new();
    let text = |lines: usize| (0..lines).map(|n| format!("line {n}\n")).collect::<String>();
    for lines in [10, 500, 510, 20] {
        repo.write("f", text(lines)).commit("edit");
    }
    repo.git(&["mv", "f", "g"]);
    repo.write("g", text(21)).write("binary", [b'\0'; 3000]).commit("move");
    repo.write("binary", [b'\0'; 3001]).write("g", text(600)).commit("grow");
    repo.git(&["mv", "g", "h"]);
    repo.write("h", text(601)).commit("move what is too large");
    std::fs::remove_file(repo.join("h")).expect("is removed");
    repo.commit("delete");
    let limits = Limits { file_bytes_max: 1000, ..Limits::default() };
    let history = GitHistory::open(repo.path(), CollectOptions { limits, ..options() }).expect("opens");
    let changes = changes(&history).expect("is readable");
    let told = changes.iter().map(|change| {
        let file = change.files.last().expect("a file");
        (counts_of(file), file.old_omitted, file.omitted, file.hunks.len())
    });
    let large = Some(Omitted::TooLarge);
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (Some((10, 0)), None, None, 1),
            (Some((490, 0)), None, large, 0),
            (Some((10, 0)), large, large, 0),
            (Some((0, 490)), large, None, 0),
            (Some((1, 0)), None, None, 1),
            (Some((579, 0)), None, large, 0),
            (Some((1, 0)), large, large, 0),
            (Some((0, 601)), large, None, 0),
        ]
    );
    assert_eq!(changes[6].files[0].kind, FileKind::Renamed);
    assert_eq!(counts_of(file(&changes[5], "binary")), None);
}

#[test]
fn a_text_too_long_to_be_compared_is_said_and_one_that_comes_or_goes_is_counted() {
    let repo = Repo::new();
    let text = |lines: usize| (0..lines).map(|n| format!("line {n:>40}\n")).collect::<String>();
    repo.write("f", text(200_000)).write("binary", vec![0_u8; 9 << 20]).commit("add");
    repo.write("f", text(200_003)).write("small", "a\n").commit("change");
    repo.write("binary", vec![0_u8; 10 << 20]).commit("change what is no text");
    std::fs::remove_file(repo.join("f")).expect("is removed");
    repo.commit("delete");
    let history = GitHistory::open(repo.path(), options()).expect("opens");
    let changes = changes(&history).expect("is readable");
    let uncounted = |change: &driftline_schema::Change| change.left_out.is_some_and(|left_out| left_out.uncounted);
    assert_eq!(changes.iter().map(uncounted).collect::<Vec<_>>(), [false, true, false, false]);
    assert_eq!(counts_of(file(&changes[0], "f")), Some((200_000, 0)));
    assert_eq!(counts_of(file(&changes[0], "binary")), None);
    assert_eq!(counts_of(file(&changes[1], "f")), None);
    assert_eq!(counts_of(file(&changes[1], "small")), Some((1, 0)));
    assert_eq!(counts_of(file(&changes[3], "f")), Some((0, 200_003)));
}

#[test]
fn renames_are_those_of_git() {
    let repo = Repo::new();
    let numbers = |from: usize, to: usize, end: &str| (from..=to).map(|n| format!("{n}{end}")).collect::<String>();
    let paragraph = |word: &str| (0..30).map(|n| format!("{word}{n} ")).collect::<String>() + "\n";
    let prose = |words: [&str; 3]| words.map(paragraph).concat();
    let noise =
        |last: u8| (0..3000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).chain([last]).collect::<Vec<u8>>();
    repo.write("empty", "").write("a", numbers(1, 40, "\n")).write("b", numbers(101, 140, "\n")).write("bin", noise(0));
    repo.write("line", numbers(1, 60, " "))
        .write("prose", prose(["one", "two", "six"]))
        .write("crlf", numbers(300, 340, "\r\n"));
    std::os::unix::fs::symlink("a", repo.join("link")).expect("is made");
    repo.commit("first");
    for (old, new) in
        [("empty", "e"), ("bin", "bin2"), ("line", "line2"), ("prose", "prose2"), ("crlf", "lf"), ("link", "link2")]
    {
        repo.git(&["mv", old, new]);
    }
    repo.git(&["mv", "a", "c"]);
    repo.git(&["mv", "b", "a"]);
    repo.write("bin2", noise(1)).write("line2", numbers(1, 61, " ")).write("prose2", prose(["one", "to", "six"]));
    repo.write("lf", numbers(300, 340, "\n")).commit("moves");
    assert_equals_git(&repo);
    let change = repo.last();
    let moved = |path: &str| file(&change, path).old_path.as_deref().map(str::to_owned);
    for (old, new) in
        [("empty", "e"), ("bin", "bin2"), ("line", "line2"), ("prose", "prose2"), ("crlf", "lf"), ("link", "link2")]
    {
        assert_eq!(moved(new).as_deref(), Some(old), "{new}");
    }
}

#[test]
fn modes_that_git_reads_as_one_are_no_change() {
    let repo = Repo::new();
    let commit = |mode: &str, text: &str, parent: Option<&str>| {
        let entry = |name: &str, text: &str| {
            let id = repo.feed(&["hash-object", "-w", "--stdin"], text.as_bytes());
            let id = (0..20).map(|at| u8::from_str_radix(&id[2 * at..2 * at + 2], 16).expect("hex"));
            [format!("{mode} {name}\0").into_bytes(), id.collect()].concat()
        };
        let tree = [entry("a", "same\n"), entry("b", text)].concat();
        let tree = repo.feed(&["hash-object", "-t", "tree", "-w", "--literally", "--stdin"], &tree);
        let parents: Vec<&str> = parent.iter().flat_map(|parent| ["-p", *parent]).collect();
        repo.git(&[&["commit-tree", &tree, "-m", "m"], parents.as_slice()].concat())
    };
    let old = commit("100664", "1\n", None);
    let new = commit("100644", "2\n", Some(&old));
    repo.git(&["update-ref", "refs/heads/main", &new]);
    assert_equals_git(&repo);
    assert_eq!(repo.last().files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn a_file_that_becomes_a_link_or_a_submodule_is_modified() {
    let repo = Repo::new();
    repo.write("a", "1\n").write("b", "2\n").commit("first");
    std::fs::remove_file(repo.join("a")).expect("is removed");
    std::os::unix::fs::symlink("b", repo.join("a")).expect("is made");
    repo.git(&["add", "-A"]);
    repo.git(&["update-index", "--cacheinfo", &format!("160000,{},b", "12".repeat(20))]);
    repo.commit_index("link and submodule");
    assert_equals_git(&repo);
    std::fs::remove_file(repo.join("a")).expect("is removed");
    repo.write("a", "3\n").commit("files again");
    let change = repo.last();
    for path in ["a", "b"] {
        let file = file(&change, path);
        assert_eq!((file.kind, file.old_omitted, places(&file.hunks)), (FileKind::Modified, None, vec![(0, 0, 0, 1)]));
    }
}

#[test]
fn messages_and_people_are_read_as_the_commit_says() {
    let repo = Repo::new();
    let mut stream = Vec::new();
    for (encoding, author, message) in [
        ("encoding ISO-8859-1\n", &b"J\xf6rg <>"[..], &b"Gr\xfc\xdfe"[..]),
        ("encoding windows-1251\n", b"A <a@b>", b"\xe8\xef\xf0"),
        ("encoding SHIFT-JIS\n", b"B <>", b"\x83o\x83O #12"),
        ("", "J\u{f6}rg <>".as_bytes(), "Gr\u{fc}\u{df}e".as_bytes()),
    ] {
        let parts: [&[u8]; 6] = [
            b"commit refs/heads/main\nauthor ",
            author,
            b" 5 +0000\ncommitter A <a> 5 +0000\n",
            encoding.as_bytes(),
            &format!("data {}\n", message.len()).into_bytes(),
            message,
        ];
        stream.extend(parts.concat());
        stream.push(b'\n');
    }
    repo.import(&stream);
    let changes = repo.changes();
    let messages: Vec<&str> = changes.iter().map(|change| change.message.as_str()).collect();
    assert_eq!(
        messages.join("\n"),
        repo.git(&["log", "--reverse", "--encoding=UTF-8", "--format=%B"]).replace("\n\n", "\n")
    );
    assert_eq!(messages[0], "Gr\u{fc}\u{df}e");
    assert_eq!(changes[0].author, changes[3].author, "one person in two encodings");
    assert_ne!(changes[0].author, changes[2].author, "two people with an empty address");
    assert_eq!(changes[1].author, AuthorId::of(b"a key of the test suite", "a@b"));
}

#[test]
fn references_that_lead_nowhere_are_passed_over() {
    let repo = Repo::new();
    let commit = repo.write("f", "1\n").commit("first");
    let tree = repo.git(&["rev-parse", "HEAD^{tree}"]);
    repo.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/gone"]);
    repo.git(&["symbolic-ref", "refs/heads/one", "refs/heads/other"]);
    repo.git(&["symbolic-ref", "refs/heads/other", "refs/heads/one"]);
    repo.write(".git/refs/heads/missing", "12".repeat(20) + "\n");
    repo.write(".git/refs/heads/tree", tree + "\n").write(".git/refs/heads/broken", "no id\n");
    repo.write(".git/refs/remotes/origin/main", commit.clone() + "\n");
    let history = all_branches(repo.path());
    let told = changes(&history).expect("what leads to a commit is read");
    assert_eq!(told.iter().map(|change| change.commit.to_string()).collect::<Vec<_>>(), [commit]);
    assert_eq!(history.stats().passed_over_references, 6);
    let mut follower = crate::collect::Follower::new(history, []).expect("has heads");
    assert!(follower.poll_new().expect("is readable").is_some());
    assert_eq!(follower.history().stats().passed_over_references, 6, "said once");
}

#[test]
fn references_in_a_form_that_is_not_read_are_refused_with_advice() {
    let repo = Repo::new();
    repo.write("f", "1\n").commit("first");
    repo.git(&["config", "core.repositoryFormatVersion", "1"]);
    repo.git(&["config", "extensions.refStorage", "reftable"]);
    let text = chain(&GitHistory::open(repo.path(), options()).err().expect("is refused"));
    assert!(text.contains("refs migrate --ref-format=files"), "{text}");
}

#[test]
fn a_partial_clone_says_how_to_mend_it() {
    let repo = Repo::new();
    repo.write("d/f", "1\n").commit("first");
    repo.write("d/f", "1\n2\n").commit("second");
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", repo.path().display());
    for filter in ["blob:none", "tree:0"] {
        repo.git(&["clone", "-q", "--bare", &format!("--filter={filter}"), &url, &filter[..4]]);
    }
    for mark in std::fs::read_dir(repo.join("blob/objects/pack")).expect("is there") {
        let path = mark.expect("is readable").path();
        if path.extension().is_some_and(|end| end == "promisor") {
            std::fs::remove_file(path).expect("is removed");
        }
    }
    let history = GitHistory::open(&repo.join("blob"), options()).expect("opens");
    let told = changes(&history).expect("told by the configuration alone");
    assert_eq!((told[1].files[0].old_omitted, told[1].files[0].hunks.len()), (Some(Omitted::Missing), 0));
    assert!(history.stats().to_string().contains("--refetch"), "{}", history.stats());
    let error = changes(&GitHistory::open(&repo.join("tree"), options()).expect("opens")).expect_err("has no trees");
    assert!(chain(&error).contains("--refetch"), "{}", chain(&error));
    repo.git(&["-C", "tree", "fetch", "-q", "--refetch", "--no-filter"]);
    let mended = changes(&GitHistory::open(&repo.join("tree"), options()).expect("opens")).expect("is whole");
    assert_eq!(mended, repo.changes());
}

#[test]
fn linked_work_trees_borrowed_objects_and_index_files_are_read() {
    let repo = Repo::new();
    for text in ["1\n", "1\n2\n", "1\n2\n3\n"] {
        repo.write("f", text).commit(text);
    }
    let expected = repo.changes();
    repo.git(&["repack", "-q", "-a", "-d"]);
    repo.git(&["multi-pack-index", "write"]);
    repo.git(&["commit-graph", "write", "--reachable"]);
    repo.git(&["clone", "-q", "--shared", ".", "borrowed"]);
    repo.git(&["worktree", "add", "-q", "--detach", "linked"]);
    for folder in ["borrowed", "linked", "."] {
        let history = GitHistory::open(&repo.join(folder), options()).expect("opens");
        assert_eq!(changes(&history).expect("is readable"), expected, "{folder}");
    }
}
