//! Following a repository while it changes.

use super::kit::{Repo, options};
use crate::collect::{CollectOptions, Follower, GitHistory, Heads};
use driftline_schema::{Branch, CommitId, Event};

fn follower(repo: &Repo, heads: Heads) -> Follower {
    let history = GitHistory::open(repo.path(), CollectOptions { heads, ..options() }).expect("opens");
    Follower::new(history, []).expect("has heads")
}

/// Branch events and commits of the next answer, which is confirmed.
fn next(follower: &mut Follower) -> (Vec<Branch>, Vec<String>) {
    let Some(news) = follower.poll_new().expect("is readable") else { return Default::default() };
    let branches = news.branches.into_iter().map(|event| event.branch.expect("a branch")).collect();
    let ids = news.changes.map(|event| event.expect("is readable").change.expect("a change").commit.to_string());
    let ids = ids.collect();
    follower.confirm();
    (branches, ids)
}

fn id(hex: &str) -> CommitId {
    CommitId::from_hex(hex).expect("hex")
}

#[test]
fn new_commits_are_told_once_confirmed() {
    let repo = Repo::new();
    let mut follower = follower(&repo, Heads::Head);
    assert!(follower.poll_new().expect("is readable").is_none(), "no commit yet");
    let first = repo.write("f", "1\n").commit("first");
    assert!(follower.poll_new().expect("is readable").is_some());
    assert_eq!(next(&mut follower), (vec![], vec![first]), "told again until it is confirmed");
    assert!(follower.poll_new().expect("is readable").is_none());
    let second = repo.write("f", "2\n").commit("second");
    let third = repo.write("f", "3\n").commit("third");
    repo.git(&["gc", "-q"]);
    assert_eq!(next(&mut follower), (vec![], vec![second, third]), "also after packing");
}

#[test]
fn what_was_confirmed_in_part_is_not_told_again() {
    let repo = Repo::new();
    let ids: Vec<String> = (0..5).map(|n| repo.write("f", format!("{n}\n")).commit("a change")).collect();
    let mut follower = follower(&repo, Heads::Head);
    for (taken, left) in [(2, 5), (0, 3), (1, 3)] {
        let news = follower.poll_new().expect("is readable").expect("there is more");
        assert_eq!((news.changes.remaining(), news.branches.len()), (left, 0));
        follower.confirm_some(taken);
    }
    assert_eq!(next(&mut follower), (vec![], ids[3..].to_vec()), "the rest, though no head has moved");
    assert!(follower.poll_new().expect("is readable").is_none());
}

#[test]
fn a_repository_without_its_branches_withdraws_nothing() {
    let repo = Repo::new();
    let head = repo.commit("base");
    let mut follower = follower(&repo, Heads::Head);
    next(&mut follower);
    repo.git(&["update-ref", "-d", "refs/heads/main"]);
    let error = follower.poll_new().err().expect("it is told").to_string();
    assert!(error.contains("no branch left"), "{error}");
    repo.git(&["update-ref", "refs/heads/main", &head]);
    assert!(follower.poll_new().expect("is readable").is_none());
}

#[test]
fn a_repository_that_is_opened_again_must_be_the_same() {
    let (repo, other) = (Repo::new(), Repo::new());
    repo.commit("base");
    other.commit("another base");
    let mut follower = follower(&repo, Heads::Head);
    next(&mut follower);
    let second = repo.commit("second");
    follower.reopen(repo.history()).expect("is the same");
    assert_eq!(next(&mut follower).1, [second]);
    let error = follower.reopen(other.history()).expect_err("stands elsewhere").to_string();
    assert!(error.contains("another repository"), "{error}");
    repo.git(&["checkout", "-q", "--orphan", "fresh"]);
    repo.git(&["branch", "-q", "-D", "main"]);
    repo.git(&["commit", "-q", "--allow-empty", "-m", "another history"]);
    repo.git(&["branch", "-q", "-m", "main"]);
    assert!(follower.reopen(repo.history()).is_err(), "no commit in common");
}

#[test]
fn a_force_push_withdraws_before_it_adds() {
    let repo = Repo::new();
    let base = repo.write("f", "1\n").commit("base");
    let lost = [repo.write("f", "2\n").commit("lost"), repo.write("f", "3\n").commit("lost too")];
    let mut follower = follower(&repo, Heads::Head);
    assert_eq!(next(&mut follower).1.len(), 3);
    repo.git(&["reset", "-q", "--hard", &base]);
    let new = repo.write("f", "4\n").commit("new");
    let (branches, commits) = next(&mut follower);
    let mut withdrawn = lost.each_ref().map(|hex| id(hex)).to_vec();
    withdrawn.sort_unstable();
    let time = 1_700_000_000 + 240;
    assert_eq!(branches, [Branch { name: "main".into(), commit: Some(id(&new)), withdrawn, time }]);
    assert_eq!(commits, [new]);
    repo.git(&["reset", "-q", "--hard", &lost[0]]);
    let (branches, commits) = next(&mut follower);
    assert_eq!((branches[0].withdrawn.len(), commits), (1, vec![lost[0].clone()]), "what comes back is new again");
}

#[test]
fn a_reset_to_an_ancestor_only_withdraws() {
    let repo = Repo::new();
    repo.commit("base");
    let lost = repo.commit("lost");
    let mut follower = follower(&repo, Heads::Head);
    next(&mut follower);
    repo.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let (branches, commits) = next(&mut follower);
    assert_eq!((branches[0].withdrawn.clone(), commits.len()), (vec![id(&lost)], 0));
    assert!(follower.poll_new().expect("is readable").is_none());
}

#[test]
fn checking_out_another_branch_abandons_nothing() {
    let repo = Repo::new();
    repo.commit("base");
    let mut follower = follower(&repo, Heads::Head);
    next(&mut follower);
    repo.git(&["checkout", "-q", "-b", "side"]);
    let side = repo.commit("side");
    assert_eq!(next(&mut follower), (vec![], vec![side.clone()]));
    repo.git(&["checkout", "-q", "main"]);
    let main = repo.commit("main");
    assert_eq!(next(&mut follower), (vec![], vec![main.clone()]));
    repo.git(&["checkout", "-q", "--detach", "HEAD~1"]);
    assert_eq!(next(&mut follower), (vec![], vec![]), "a detached head says nothing while branches are followed");
    repo.git(&["branch", "-q", "-D", "side"]);
    let (branches, commits) = next(&mut follower);
    assert_eq!((branches.len(), commits.len()), (1, 0));
    assert_eq!((branches[0].name.as_str(), branches[0].commit), ("side", None));
    assert_eq!(branches[0].withdrawn, [id(&side)]);
}

#[test]
fn every_move_is_told_when_all_branches_are_followed() {
    let repo = Repo::new();
    repo.commit("base");
    let mut follower = follower(&repo, Heads::AllBranches);
    assert_eq!(next(&mut follower).0, []);
    repo.git(&["checkout", "-q", "-b", "side"]);
    let side = repo.commit("side");
    let (branches, commits) = next(&mut follower);
    assert_eq!((branches[0].name.as_str(), branches[0].commit, commits), ("side", Some(id(&side)), vec![side.clone()]));
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["merge", "-q", "--ff-only", "side"]);
    repo.git(&["branch", "-q", "-D", "side"]);
    let (branches, commits) = next(&mut follower);
    let moves: Vec<_> = branches.iter().map(|b| (b.name.as_str(), b.commit, b.withdrawn.len())).collect();
    assert_eq!((moves, commits.len()), (vec![("main", Some(id(&side)), 0), ("side", None, 0)], 0));
}

#[test]
fn a_follower_started_again_goes_on_where_the_log_ends() {
    let repo = Repo::new();
    let base = repo.commit("base");
    let lost = repo.commit("lost");
    repo.git(&["reset", "-q", "--hard", &base]);
    let new = repo.commit("new");
    let history = repo.history();
    let mut follower = Follower::new(history, [id(&base), id(&lost)]).expect("has heads");
    let (branches, commits) = next(&mut follower);
    assert_eq!((branches[0].withdrawn.clone(), commits), (vec![id(&lost)], vec![new]));
}

#[test]
fn a_shallow_clone_withdraws_nothing_it_cannot_see() {
    let repo = Repo::new();
    let all: Vec<CommitId> = (0..5).map(|number| id(&repo.commit(&format!("commit {number}")))).collect();
    let clone = Repo::empty();
    clone.git(&["clone", "-q", "--depth", "2", &format!("file://{}", repo.path().display()), "."]);
    let mut follower = Follower::new(clone.history(), all).expect("has heads");
    assert_eq!(next(&mut follower), (vec![], vec![]));
    let new = clone.commit("new");
    assert_eq!(next(&mut follower), (vec![], vec![new]));
}

#[test]
fn a_clone_that_was_deepened_tells_again_what_came_after_what_was_missing() {
    let repo = Repo::new();
    let mut all: Vec<String> = (0..6).map(|number| repo.commit(&format!("commit {number}"))).collect();
    let clone = Repo::empty();
    clone.git(&["clone", "-q", "--depth", "2", &format!("file://{}", repo.path().display()), "."]);
    let mut follower = follower(&clone, Heads::Head);
    assert_eq!(next(&mut follower), (vec![], all[4..].to_vec()));
    all.push(clone.commit("built upon it"));
    assert_eq!(next(&mut follower), (vec![], all[6..].to_vec()));
    assert!(!follower.history().was_deepened());
    clone.git(&["fetch", "-q", "--deepen", "2"]);
    assert!(follower.history().was_deepened());
    let known: Vec<CommitId> = all[4..].iter().map(|hex| id(hex)).collect();
    let sorted = |branches: &[Branch]| {
        let mut withdrawn: Vec<CommitId> = branches.iter().flat_map(|branch| branch.withdrawn.clone()).collect();
        withdrawn.sort();
        withdrawn
    };
    follower.reopen(clone.history()).expect("is the same");
    // A follower that is started again with the commits in the log gives the same answer.
    let mut again = Follower::new(clone.history(), known.clone()).expect("has heads");
    for follower in [&mut follower, &mut again] {
        let (branches, commits) = next(follower);
        let mut expected = known.clone();
        expected.sort();
        assert_eq!((sorted(&branches), commits), (expected, all[2..].to_vec()));
        // The validator takes no branch that points at what it withdraws.
        assert!(branches.iter().all(|branch| branch.commit.is_none()));
        assert_eq!(next(follower), (vec![], vec![]));
    }
    clone.git(&["fetch", "-q", "--unshallow"]);
    follower.reopen(clone.history()).expect("is the same");
    // An answer that was confirmed in part: the rest follows, also from a follower that is started again.
    let news = follower.poll_new().expect("is readable").expect("there is something");
    assert_eq!(news.changes.count(), 7);
    follower.confirm_some(3);
    assert_eq!(next(&mut follower), (vec![], all[3..].to_vec()));
    let mut after = Follower::new(clone.history(), all[..3].iter().map(|hex| id(hex))).expect("has heads");
    assert_eq!(next(&mut after), (vec![], all[3..].to_vec()));
}

#[test]
fn an_unborn_branch_abandons_nothing() {
    let repo = Repo::new();
    let base = repo.commit("base");
    repo.git(&["checkout", "-q", "--orphan", "side"]);
    let mut follower = Follower::new(repo.history(), [id(&base)]).expect("opens");
    follower.follow_also(["refs/heads/main".to_owned()]);
    assert_eq!(next(&mut follower), (vec![], vec![]));
    let first = repo.commit("first of another root");
    assert_eq!(next(&mut follower).1, [first]);
}

#[test]
fn what_is_left_out_at_the_start_stays_out() {
    let repo = Repo::new();
    let base = repo.commit("base");
    let next_commit = repo.commit("next");
    let since = vec![base];
    let history = GitHistory::open(repo.path(), CollectOptions { since, ..options() }).expect("opens");
    let mut follower = Follower::new(history, []).expect("has heads");
    assert_eq!(next(&mut follower).1, [next_commit]);
    let third = repo.commit("third");
    assert_eq!(next(&mut follower), (vec![], vec![third]));
}

#[test]
fn an_event_of_a_move_is_complete() {
    let repo = Repo::new();
    repo.commit("base");
    repo.commit("lost");
    let mut follower = follower(&repo, Heads::Head);
    next(&mut follower);
    repo.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let news = follower.poll_new().expect("is readable").expect("something was withdrawn");
    let event: &Event = &news.branches[0];
    assert_eq!(event.repository, follower.history().name());
    assert_eq!(event.branch.as_ref().map(|branch| branch.time), Some(1_700_000_060));
}

#[test]
fn branches_that_were_followed_are_followed_after_a_restart() {
    let repo = Repo::new();
    let base = repo.commit("base");
    let mut before = follower(&repo, Heads::Head);
    assert_eq!(next(&mut before).1, [base.as_str()]);
    repo.git(&["checkout", "-q", "-b", "side"]);
    let side = repo.commit("on the side");
    assert_eq!(next(&mut before), (vec![], vec![side.clone()]));
    repo.git(&["checkout", "-q", "main"]);
    assert_eq!(next(&mut before), (vec![], vec![]));
    let known = || [id(&base), id(&side)];
    let branches = before.branches();
    assert_eq!(branches.iter().map(String::as_str).collect::<Vec<_>>(), ["refs/heads/main", "refs/heads/side"]);
    let mut again = Follower::new(repo.history(), known()).expect("has heads");
    again.follow_also(branches.clone());
    assert_eq!(next(&mut again), (vec![], vec![]), "nothing is abandoned");
    // In the middle of a bisection, too, and whether it began before the restart or after it.
    repo.git(&["checkout", "-q", "--detach", "main"]);
    repo.commit("nobody's");
    assert_eq!(next(&mut again), (vec![], vec![]), "a head that is detached meanwhile says nothing");
    let mut third = Follower::new(repo.history(), known()).expect("has heads");
    third.follow_also(branches);
    assert_eq!(next(&mut third), (vec![], vec![]), "nor does one that was detached before");
    repo.git(&["branch", "-D", "-q", "side"]);
    repo.git(&["checkout", "-q", "main"]);
    let gone: Vec<CommitId> = next(&mut third).0.into_iter().flat_map(|branch| branch.withdrawn).collect();
    assert!(gone.contains(&id(&side)), "a branch that is deleted is abandoned");
}

#[test]
fn an_alias_of_a_branch_that_is_deleted_goes_with_it() {
    let repo = Repo::new();
    let base = repo.commit("base");
    repo.git(&["branch", "side"]);
    repo.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/side"]);
    repo.git(&["symbolic-ref", "HEAD", "refs/heads/alias"]);
    let side = repo.commit("on the side");
    let mut follower = follower(&repo, Heads::Head);
    assert_eq!(next(&mut follower).1, [base, side.clone()]);
    repo.git(&["checkout", "-q", "main"]);
    assert_eq!(next(&mut follower), (vec![], vec![]));
    repo.git(&["branch", "-D", "-q", "side"]);
    let gone: Vec<CommitId> = next(&mut follower).0.into_iter().flat_map(|branch| branch.withdrawn).collect();
    assert_eq!(gone, [id(&side)]);
}

#[test]
fn many_withdrawn_commits_are_told_by_several_events() {
    let repo = Repo::new();
    let base = repo.commit("base");
    let mut stream = String::new();
    for number in 0..45 {
        stream += &format!("commit refs/heads/main\ncommitter A <a> {} +0000\ndata 1\nx\n", 1_700_001_000 + number);
        stream += if number == 0 { "from refs/heads/main^0\n" } else { "" };
    }
    repo.import(stream.as_bytes());
    let mut follower = follower(&repo, Heads::Head);
    assert_eq!(next(&mut follower).1.len(), 46);
    repo.git(&["update-ref", "refs/heads/main", &base]);
    let (branches, _) = next(&mut follower);
    let sizes: Vec<usize> = branches.iter().map(|branch| branch.withdrawn.len()).collect();
    assert_eq!(sizes, [20, 20, 5], "each event stays within the limits");
    let mut withdrawn: Vec<CommitId> = branches.into_iter().flat_map(|branch| branch.withdrawn).collect();
    withdrawn.dedup();
    assert_eq!(withdrawn.len(), 45);
}
