//! Named pipes where a repository has files.

use super::kit::{Repo, options};
use crate::collect::{CollectOptions, Follower, GitHistory, Heads, Located};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

fn pipe(path: &Path) {
    std::fs::create_dir_all(path.parent().expect("has a folder")).expect("is made");
    assert!(Command::new("mkfifo").arg(path).status().expect("runs").success());
}

/// What `task` says, which must not wait.
fn told(what: &str, task: impl FnOnce() -> String + Send + 'static) -> String {
    let (tell, hear) = mpsc::channel();
    std::thread::spawn(move || tell.send(task()));
    hear.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|_| panic!("{what}: it hangs"))
}

#[test]
fn a_pipe_in_the_place_of_a_file_is_refused_with_words() {
    for file in [
        "HEAD",
        "config",
        "packed-refs",
        "shallow",
        "info/grafts",
        "refs/heads/main",
        "refs/heads/a/b",
        "commondir",
        "objects/info/alternates",
        "objects/info/commit-graph",
        "objects/info/commit-graphs/commit-graph-chain",
        "objects/pack/multi-pack-index",
        "objects/pack/pack-1.idx",
    ] {
        let repo = Repo::new();
        repo.write("folder/f", "1\n").commit("base");
        let place = repo.join(".git").join(file);
        drop(std::fs::remove_file(&place));
        pipe(&place);
        for path in [repo.path().to_owned(), repo.join("folder"), repo.join(".git")] {
            let all = CollectOptions { heads: Heads::AllBranches, ..options() };
            let text = told(file, move || {
                let located = Located::at(&path).err().map(|error| error.to_string());
                let opened = GitHistory::open(&path, all).err().map(|error| error.to_string());
                format!("{located:?} {opened:?}")
            });
            assert_eq!(text.matches(file).count(), 2, "{file}: {text}");
        }
    }
}

#[test]
fn what_objects_are_borrowed_from_is_looked_at_too() {
    let (repo, lender, last) = (Repo::new(), Repo::new(), Repo::new());
    repo.commit("base");
    let objects = |repo: &Repo| repo.join(".git/objects").display().to_string();
    repo.write(".git/objects/info/alternates", format!("{}\n", objects(&lender)));
    lender.write(".git/objects/info/alternates", format!("# a remark\n{}\n", objects(&last)));
    assert!(Located::at(repo.path()).is_ok());
    pipe(&last.join(".git/objects/pack/pack-1.pack"));
    let path = repo.path().to_owned();
    let text = told("alternates", move || Located::at(&path).err().map_or_else(String::new, |error| error.to_string()));
    assert!(text.contains("pack-1.pack"), "{text}");
}

#[test]
fn a_work_tree_of_its_own_is_looked_at_with_what_it_shares() {
    let repo = Repo::new();
    repo.commit("base");
    repo.git(&["worktree", "add", "-q", "other"]);
    assert!(Located::at(&repo.join("other")).is_ok());
    pipe(&repo.join(".git/objects/info/commit-graph"));
    let path = repo.join("other");
    let text =
        told("a work tree", move || Located::at(&path).err().map_or_else(String::new, |error| error.to_string()));
    assert!(text.contains("commit-graph"), "{text}");
}

#[test]
fn a_pipe_that_comes_while_a_repository_is_followed_is_refused() {
    let repo = Repo::new();
    repo.commit("base");
    for file in ["HEAD", "refs/heads/main", "objects/info/alternates"] {
        let mut follower = Follower::new(repo.history(), []).expect("opens");
        assert!(follower.poll_new().is_ok_and(|news| news.is_some()));
        let place = repo.join(".git").join(file);
        let before = std::fs::read(&place).ok();
        drop(std::fs::remove_file(&place));
        pipe(&place);
        let text = told(file, move || follower.poll_new().err().map_or_else(String::new, |error| error.to_string()));
        assert!(text.contains(file), "{file}: {text}");
        std::fs::remove_file(&place).expect("is removed");
        if let Some(bytes) = before {
            std::fs::write(&place, bytes).expect("is written");
        }
    }
}
