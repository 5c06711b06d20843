//! Content and histories that are odd but legal, and damage.

use super::kit::{Repo, assert_equals_git, changes, counts_of, file, options, places};
use crate::collect::{CollectError, CollectOptions, GitHistory, Heads};
use driftline_schema::{Change, Event, FileKind, Limits, Omitted, wire};

fn error_of(outcome: Result<impl Sized, CollectError>) -> String {
    let error = outcome.err().expect("an error");
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}

#[test]
fn what_is_no_text_is_left_out_with_its_reason() {
    let repo = Repo::new();
    repo.write("nul", b"a\0b\n").write("latin", b"caf\xe9\n").write("large", "x\n".repeat(700_000)).write("ok", "ok\n");
    std::os::unix::fs::symlink("ok", repo.join("link")).expect("is made");
    repo.git(&["add", "-A"]);
    let id = "1234567890123456789012345678901234567890";
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{id},module")]);
    repo.commit_index("first");
    let change = repo.last();
    let omitted = |path: &str| (file(&change, path).omitted, file(&change, path).content.is_some());
    assert_eq!(omitted("nul"), (Some(Omitted::Binary), false));
    assert_eq!(omitted("latin"), (None, true));
    assert_eq!(omitted("large"), (Some(Omitted::TooLarge), false));
    assert_eq!(omitted("link"), (Some(Omitted::NotAFile), false));
    assert_eq!(omitted("module"), (Some(Omitted::NotAFile), false));
    assert_eq!(omitted("ok"), (None, true));
    assert_eq!((file(&change, "large").bytes, file(&change, "nul").bytes), (1_400_000, 4));
    assert_eq!(file(&change, "module").blob.expect("an id").to_string(), id);
    assert_eq!(file(&change, "large").line_counts.map(|counts| (counts.added, counts.removed)), Some((700_000, 0)));
    assert!(change.files.iter().all(|file| file.content.is_some() || file.hunks.is_empty()));
}

#[test]
fn text_after_what_is_no_text_is_unknown_and_not_new() {
    let repo = Repo::new();
    repo.write("f", "a\nb\n").commit("text");
    repo.write("f", b"\0").commit("binary");
    repo.write("f", "c\n").commit("text again");
    std::fs::remove_file(repo.join("f")).expect("is removed");
    std::os::unix::fs::symlink("g", repo.join("f")).expect("is made");
    repo.commit("link");
    let changes = repo.changes();
    let seen: Vec<_> =
        changes.iter().map(|change| (change.files[0].old_lines, places(&change.files[0].hunks))).collect();
    assert_eq!(seen, [(0, vec![(0, 0, 0, 2)]), (2, vec![]), (0, vec![]), (1, vec![(0, 1, 0, 0)])]);
    let old_omitted: Vec<_> = changes.iter().map(|change| change.files[0].old_omitted).collect();
    assert_eq!(old_omitted, [None, None, Some(Omitted::Binary), None]);
    assert_eq!((changes[3].files[0].kind, changes[3].files[0].omitted), (FileKind::Modified, Some(Omitted::NotAFile)));
}

#[test]
fn what_becomes_a_link_or_a_submodule_loses_all_its_lines() {
    let repo = Repo::new();
    let large = "x\n".repeat(700_000);
    repo.write("f", "a\nb\n").write("large", &large).write("m", "c\n").commit("texts");
    for path in ["f", "large", "m"] {
        std::fs::remove_file(repo.join(path)).expect("is removed");
    }
    std::os::unix::fs::symlink("g", repo.join("f")).expect("is made");
    std::os::unix::fs::symlink("g", repo.join("large")).expect("is made");
    let id = "1234567890123456789012345678901234567890";
    repo.git(&["add", "-A"]);
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{id},m")]);
    repo.commit_index("links");
    repo.git(&["checkout", "-qf", "HEAD~", "--", "f", "large"]);
    repo.commit_index("texts again");
    let changes = repo.changes();
    let all = |change: &Change, paths: &[&str]| -> Vec<_> {
        paths.iter().map(|path| counts_of(file(change, path)).expect("is known")).collect()
    };
    assert_eq!(all(&changes[1], &["f", "large", "m"]), [(0, 2), (0, 700_000), (0, 1)]);
    assert_eq!(all(&changes[2], &["f", "large"]), [(2, 0), (700_000, 0)]);
    for change in changes {
        wire::decode(&wire::encode(&Event::of_change("demo", change)), &Limits::default()).expect("is an event");
    }
    assert_equals_git(&repo);
}

#[test]
fn line_ends_and_a_missing_last_one_are_kept() {
    let repo = Repo::new();
    repo.write("dos", "a\r\nb\r\n").write("open", "x\ny").write("empty", "").commit("first");
    repo.write("dos", "a\nb\r\n").write("open", "x\ny\nz").write("empty", "\n").commit("second");
    assert_equals_git(&repo);
    let change = repo.last();
    assert_eq!(file(&change, "dos").hunks[0].removed, "a\r\n");
    assert_eq!((places(&file(&change, "open").hunks), file(&change, "open").old_lines), (vec![(1, 1, 1, 2)], 2));
    assert_eq!(places(&file(&change, "empty").hunks), [(0, 0, 0, 1)]);
}

#[test]
fn a_change_of_mode_alone_has_no_hunks() {
    let repo = Repo::new();
    repo.write("run", "x\n").commit("first");
    repo.git(&["update-index", "--chmod=+x", "run"]);
    repo.commit_index("executable");
    assert_equals_git(&repo);
    let change = repo.last();
    let run = file(&change, "run");
    assert_eq!((run.kind, run.blob, run.hunks.len()), (FileKind::Modified, run.old_blob, 0));
    assert_eq!(run.content.as_deref(), Some("x\n"));
}

#[test]
fn a_file_may_become_a_folder() {
    let repo = Repo::new();
    repo.write("x", "1\n").commit("file");
    std::fs::remove_file(repo.join("x")).expect("is removed");
    repo.write("x/y/z", "2\n").write("x.y", "3\n").commit("folder");
    assert_equals_git(&repo);
}

#[test]
fn an_empty_repository_has_no_events() {
    let repo = Repo::new();
    assert!(repo.changes().is_empty());
    let all = CollectOptions { heads: Heads::AllBranches, ..options() };
    assert!(changes(&GitHistory::open(repo.path(), all).expect("opens")).expect("is readable").is_empty());
    repo.commit("empty commit");
    let change = repo.last();
    assert!(change.files.is_empty() && change.parents.is_empty());
}

#[test]
fn any_clock_and_any_bytes_are_taken() {
    let repo = Repo::new();
    let mut stream = Vec::new();
    for (mark, date) in [(1, "0 +0000"), (2, "4102444800 +1400"), (3, "1700000000 -1200")] {
        let text = format!(
            "commit refs/heads/main\nmark :{mark}\nauthor \u{e9} <A@B> {date}\ncommitter A <a> {date}\ndata 5\n"
        );
        stream.extend(text.as_bytes());
        stream.extend(b"\xffbad\n");
        stream.extend(format!("M 100644 inline \"d/\\377{mark}\"\ndata 3\n{mark}{mark}\n\n").as_bytes());
    }
    repo.import(&stream);
    let changes = repo.changes();
    let times: Vec<(i64, i32)> = changes.iter().map(|change| (change.commit_time, change.author_offset_min)).collect();
    assert_eq!(times, [(0, 0), (4_102_444_800, 840), (1_700_000_000, -720)]);
    assert!(changes.iter().all(|change| change.message == "\u{fffd}bad\n"));
    assert_eq!(changes[1].files[0].path, "d/%FF2");
    assert_eq!(changes[0].author, driftline_schema::AuthorId::of(b"a key of the test suite", "a@b"));
}

#[test]
fn a_shallow_clone_begins_with_everything_added() {
    let repo = Repo::new();
    for text in ["1\n", "1\n2\n", "1\n2\n3\n"] {
        repo.write("f", text).commit(text);
    }
    let url = format!("file://{}", repo.path().display());
    repo.git(&["clone", "-q", "--depth", "2", &url, "shallow"]);
    let history = GitHistory::open(&repo.join("shallow"), options()).expect("opens");
    let changes = changes(&history).expect("is readable");
    assert!(history.is_shallow());
    assert_eq!(changes.len(), 2);
    assert_eq!((changes[0].parents.len(), changes[0].files[0].kind), (1, FileKind::Added));
    assert_eq!(places(&changes[0].files[0].hunks), [(0, 0, 0, 2)]);
    assert_eq!(places(&changes[1].files[0].hunks), [(2, 0, 2, 1)]);
    assert_eq!(history.stats().missing_parents, 1);
}

#[test]
fn a_partial_clone_may_lack_contents() {
    let repo = Repo::new();
    repo.write("large", "x\n".repeat(5000)).write("small", "s\n").commit("first");
    repo.write("large", "y\n".repeat(5000)).commit("second");
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", repo.path().display());
    repo.git(&["clone", "-q", "--bare", "--filter=blob:limit=1k", &url, "partial"]);
    let history = GitHistory::open(&repo.join("partial"), options()).expect("opens");
    let changes = changes(&history).expect("is readable");
    assert_eq!(file(&changes[0], "large").omitted, Some(Omitted::Missing));
    let large = file(&changes[1], "large");
    assert_eq!(
        (large.omitted, large.old_omitted, large.hunks.len()),
        (Some(Omitted::Missing), Some(Omitted::Missing), 0)
    );
    assert_eq!(file(&changes[0], "small").content.as_deref(), Some("s\n"));
    assert!(history.stats().absent_contents >= 2);
}

#[test]
fn damage_is_told_with_the_object_and_its_place() {
    let repo = Repo::new();
    repo.write("folder/f", "1\n").commit("first");
    repo.write("folder/f", "2\n").commit("second");
    let delete = |object: &str| {
        let id = repo.git(&["rev-parse", object]);
        let path = repo.join(&format!(".git/objects/{}/{}", &id[..2], &id[2..]));
        let bytes = std::fs::read(&path).expect("is loose");
        std::fs::remove_file(&path).expect("is removed");
        (id, path, bytes)
    };
    for (object, place) in
        [("HEAD:folder/f", "folder/f"), ("HEAD:folder", "tree"), ("HEAD^{tree}", "tree"), ("HEAD", "")]
    {
        let (id, path, bytes) = delete(object);
        let text = error_of(changes(&repo.history()));
        assert!(text.contains(&id) && text.contains(place), "{object} {id}: {text}");
        std::fs::write(path, bytes).expect("is restored");
    }
    let (id, path, bytes) = delete("HEAD~1");
    let text = error_of(changes(&repo.history()));
    assert!(text.contains(&id), "a lost commit ends the reading: {text}");
    std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("is cut");
    let text = error_of(changes(&repo.history()));
    assert!(text.contains(&repo.git(&["rev-parse", "HEAD^@"])), "{text}");
}

#[test]
fn an_error_ends_the_events() {
    let repo = Repo::new();
    for text in ["1", "2", "3"] {
        repo.write("f", text).commit(text);
    }
    let id = repo.git(&["rev-parse", "HEAD~1:f"]);
    std::fs::remove_file(repo.join(&format!(".git/objects/{}/{}", &id[..2], &id[2..]))).expect("is loose");
    let outcomes: Vec<bool> = repo.history().events().expect("has heads").map(|event| event.is_ok()).collect();
    assert_eq!(outcomes.last(), Some(&false));
    assert_eq!(outcomes.iter().filter(|ok| !**ok).count(), 1);
}

#[test]
fn what_is_no_repository_is_refused_by_name() {
    let repo = Repo::empty();
    for path in [repo.path().to_owned(), repo.join("nowhere")] {
        let text = error_of(GitHistory::open(&path, options()));
        assert!(text.contains(&path.display().to_string()), "{text}");
    }
}

#[test]
fn a_name_comes_from_the_origin_or_the_folder() {
    let repo = Repo::new();
    let folder = repo.path().file_name().expect("a name").to_string_lossy().into_owned();
    assert_eq!(repo.history().name(), folder);
    for (url, name) in [("https://example.org/a/tool.git", "a/tool"), ("git@example.org:tool", "tool"), ("../x/", "x")]
    {
        repo.git(&["config", "remote.origin.url", url]);
        assert_eq!(repo.history().name(), name);
    }
    let named = CollectOptions { repository: Some("mine".into()), ..options() };
    assert_eq!(GitHistory::open(repo.path(), named).expect("opens").name(), "mine");
}

#[test]
fn a_large_commit_leaves_out_its_largest_texts() {
    let repo = Repo::new();
    for index in 0..20 {
        repo.write(&format!("f{index:02}"), format!("line {index}\n").repeat(100 * (index + 1)));
    }
    repo.commit("import");
    let limits = Limits { event_bytes_max: 64 << 10, ..Limits::default() };
    let history = GitHistory::open(repo.path(), CollectOptions { limits, ..options() }).expect("opens");
    let event = history.events().expect("has heads").next().expect("a commit").expect("is readable");
    assert!(driftline_schema::wire::encode(&event).len() <= 64 << 10);
    let files = event.change.expect("a change").files;
    let kept = files.iter().take_while(|file| file.content.is_some()).count();
    assert!(kept > 4 && files[kept..].iter().all(|file| file.omitted == Some(Omitted::EventTooLarge)));
    assert!(files.iter().all(|file| file.hunks.len() == 1));
    assert_eq!(history.stats().omitted_contents as usize, 20 - kept);
}

#[test]
fn ids_may_be_of_sha_256() {
    let repo = Repo::empty();
    repo.git(&["init", "-q", "-b", "main", "--object-format=sha256", "."]);
    repo.write("f", "1\n").commit("first");
    repo.write("f", "2\n").commit("second");
    assert_equals_git(&repo);
    assert_eq!(repo.last().commit.to_string().len(), 64);
}

#[test]
fn replaced_objects_are_told_as_they_are() {
    let repo = Repo::new();
    repo.write("f", "1\n").commit("first");
    repo.write("f", "2\n").commit("second");
    let before = repo.changes();
    repo.git(&["replace", "HEAD:f", "HEAD~1:f"]);
    repo.git(&["replace", "--graft", "HEAD"]);
    assert_eq!(repo.changes(), before);
}
