//! Which branches are followed, and what each name means.

use super::kit::{Repo, changes, git_bytes, options};
use crate::collect::{CollectError, CollectOptions, Follower, GitHistory, Heads};
use driftline_schema::CommitId;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

fn commits(repo: &Repo, heads: Heads) -> Result<BTreeSet<String>, CollectError> {
    let history = GitHistory::open(repo.path(), CollectOptions { heads, ..options() })?;
    Ok(changes(&history)?.into_iter().map(|change| change.commit.to_string()).collect())
}

/// The commits and the names of the branches of the next answer.
fn next(follower: &mut Follower) -> (Vec<String>, Vec<String>) {
    let Some(news) = follower.poll_new().expect("is readable") else { return Default::default() };
    let names = news.branches.into_iter().map(|event| event.branch.expect("a branch").name).collect();
    let ids = news.changes.map(|event| event.expect("is readable").change.expect("a change").commit.to_string());
    let ids = ids.collect();
    follower.confirm();
    (ids, names)
}

fn follower(repo: &Repo, heads: Heads) -> Follower {
    let history = GitHistory::open(repo.path(), CollectOptions { heads, ..options() }).expect("opens");
    Follower::new(history, []).expect("has heads")
}

#[test]
fn a_local_branch_may_have_the_short_name_of_a_remote_tracking_one() {
    let repo = Repo::new();
    let base = repo.commit("base");
    repo.git(&["checkout", "-q", "-b", "origin/main"]);
    let local = repo.commit("local");
    repo.git(&["checkout", "-q", "--detach", "main"]);
    let remote = repo.commit("of the remote");
    repo.git(&["update-ref", "refs/remotes/origin/main", &remote]);
    repo.git(&["checkout", "-q", "main"]);
    let all = [&base, &local, &remote].map(String::clone);
    assert_eq!(commits(&repo, Heads::AllBranches).expect("is readable"), all.clone().into());
    let mut follower = follower(&repo, Heads::AllBranches);
    assert_eq!(next(&mut follower).0.len(), 3);
    repo.git(&["update-ref", "refs/remotes/origin/main", &base]);
    assert_eq!(next(&mut follower), (vec![], vec!["refs/remotes/origin/main".to_owned()]), "a name that says which");
    let of = |name: &str| commits(&repo, Heads::Branch(name.to_owned())).expect("is a branch");
    assert!(of("origin/main").contains(&local), "the local one comes first");
    assert!(!of("refs/remotes/origin/main").contains(&local));
}

#[test]
fn a_branch_is_named_and_nothing_else() {
    let repo = Repo::new();
    let base = repo.commit("base");
    let second = repo.commit("second");
    repo.git(&["tag", "v1", &base]);
    repo.git(&["tag", "twin", &base]);
    repo.git(&["branch", "twin"]);
    repo.git(&["branch", "topic"]);
    let count = |name: &str| commits(&repo, Heads::Branch(name.to_owned())).map(|commits| commits.len());
    for name in ["twin", "refs/heads/twin", "main"] {
        assert_eq!(count(name).expect("is a branch"), 2, "{name}");
    }
    for (name, why) in [
        ("v1", "it is a tag"),
        ("refs/tags/v1", "it is a tag"),
        ("HEAD~1", "it is a revision"),
        (second.as_str(), "it is a revision"),
        ("HEAD", "it is a revision"),
        ("tropic", "the nearest are topic"),
        ("refs/heads/none", "the nearest are"),
        ("a..b", "the nearest are"),
        ("", "the nearest are"),
    ] {
        let error = count(name).expect_err("is refused").to_string();
        assert!(error.contains(why) && error.contains("is no branch"), "{name}: {error}");
    }
    let blob = repo.feed(&["hash-object", "-w", "--stdin"], b"x");
    repo.write(".git/refs/heads/odd", format!("{blob}\n"));
    assert!(count("odd").expect_err("is refused").to_string().contains("leads to no commit"));
}

#[test]
fn a_branch_whose_name_is_no_text_is_followed() {
    let repo = Repo::new();
    let base = repo.commit("base");
    let git = |args: &[&[u8]]| {
        let args: Vec<&OsStr> = args.iter().map(|arg| OsStr::from_bytes(arg)).collect();
        git_bytes(repo.path(), &args, 1_700_000_000, b"");
    };
    git(&[b"checkout", b"-q", b"-b", b"caf\xe9"]);
    let odd = repo.commit("on the odd branch");
    assert_eq!(commits(&repo, Heads::Head).expect("is readable").len(), 2, "from the start");
    assert_eq!(commits(&repo, Heads::AllBranches).expect("is readable").len(), 2);
    assert_eq!(commits(&repo, Heads::Branch("caf%E9".to_owned())).expect("is a branch").len(), 2);
    repo.git(&["checkout", "-q", "main"]);
    let mut live = follower(&repo, Heads::Head);
    assert_eq!(next(&mut live).0, [base.as_str()]);
    git(&[b"checkout", b"-q", b"caf\xe9"]);
    assert_eq!(next(&mut live).0, [odd.as_str()], "and live");
    let texts = live.branches();
    assert_eq!(texts, ["refs/heads/caf%E9", "refs/heads/main"].map(str::to_owned).into());
    repo.git(&["checkout", "-q", "main"]);
    let known = [&base, &odd].map(|hex| CommitId::from_hex(hex).expect("hex"));
    let mut again = Follower::new(repo.history(), known).expect("opens");
    again.follow_also(texts);
    assert_eq!(next(&mut again), Default::default(), "and after a restart");
    git(&[b"branch", b"-q", b"-D", b"caf\xe9"]);
    assert_eq!(next(&mut again).1, ["caf%E9"]);
    // What an earlier version remembered is a name as it is.
    repo.git(&["branch", "50%FF", &odd]);
    let mut old = Follower::new(repo.history(), known).expect("opens");
    old.follow_also(["refs/heads/50%FF".to_owned()]);
    assert_eq!(next(&mut old), Default::default());
}

#[test]
fn a_detached_head_is_followed_only_where_no_branch_is() {
    let repo = Repo::new();
    let base = repo.commit("base");
    repo.git(&["checkout", "-q", "--detach"]);
    let mut live = follower(&repo, Heads::Head);
    assert_eq!(next(&mut live).0, [base.as_str()], "as in a checkout of CI");
    let second = repo.commit("second");
    assert_eq!(next(&mut live).0, [second.as_str()]);
    assert!(live.branches().is_empty());
    repo.git(&["checkout", "-q", "main"]);
    assert_eq!(next(&mut live).1, ["HEAD"], "left, because the branch does not reach it");
    repo.git(&["checkout", "-q", "--detach", &second]);
    assert_eq!(next(&mut live), Default::default());
    // A clone of CI lacks the branch that was remembered.
    let mut other = Follower::new(repo.history(), [CommitId::from_hex(&base).expect("hex")]).expect("opens");
    other.follow_also(["refs/heads/gone".to_owned()]);
    assert_eq!(next(&mut other).0, [second]);
}

#[test]
fn another_repository_in_the_place_of_the_first_withdraws_nothing() {
    let (repo, other) = (Repo::new(), Repo::new());
    repo.commit("base");
    other.commit("another base");
    let mut live = follower(&repo, Heads::Head);
    next(&mut live);
    assert!(!live.history().was_replaced());
    let swap = || {
        std::fs::rename(repo.join(".git"), repo.join("kept")).expect("is moved");
        std::fs::rename(other.join(".git"), repo.join(".git")).expect("is moved");
    };
    swap();
    assert!(live.history().was_replaced());
    let error = live.poll_new().err().expect("is refused").to_string();
    assert!(error.contains("another repository stands where"), "{error}");
    let error = live.reopen(repo.history()).expect_err("is refused").to_string();
    assert!(error.contains("another repository stands where"), "{error}");
    std::fs::rename(repo.join(".git"), other.join(".git")).expect("is moved");
    std::fs::rename(repo.join("kept"), repo.join(".git")).expect("is moved");
    live.reopen(repo.history()).expect("is the same again");
    assert_eq!(next(&mut live), Default::default());
}

#[test]
fn a_history_that_was_rewritten_from_its_root_is_another() {
    let repo = Repo::new();
    let base = repo.commit("base");
    let mut live = follower(&repo, Heads::Head);
    next(&mut live);
    repo.git(&["checkout", "-q", "--orphan", "fresh"]);
    let fresh = repo.commit("another root");
    repo.git(&["update-ref", "refs/heads/main", &fresh]);
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["branch", "-q", "-D", "fresh"]);
    let known = [CommitId::from_hex(&base).expect("hex")];
    let mut again = Follower::new(repo.history(), known).expect("opens");
    for follower in [&mut live, &mut again] {
        let error = follower.poll_new().err().expect("is refused").to_string();
        assert!(error.contains("shares no commit"), "{error}");
    }
    repo.git(&["update-ref", "refs/heads/main", &base]);
    assert_eq!(next(&mut live), Default::default());
}
