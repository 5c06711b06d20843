//! Force-pushes back and forth over histories whose clocks say anything: what is told and withdrawn is a matter of the graph.

use super::kit::{Repo, histories};
use crate::collect::Follower;
use driftline_schema::CommitId;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeSet;

fn reach(history: &[(i64, Vec<usize>)], heads: &[usize]) -> BTreeSet<usize> {
    let (mut open, mut seen) = (heads.to_vec(), BTreeSet::new());
    while let Some(number) = open.pop() {
        if seen.insert(number) {
            open.extend(&history[number].1);
        }
    }
    seen
}

/// A repository with these commits, and their ids.
fn repository(history: &[(i64, Vec<usize>)]) -> (Repo, Vec<CommitId>) {
    let repo = Repo::new();
    let mut stream = String::new();
    for (number, (seconds, parents)) in history.iter().enumerate() {
        stream += &format!(
            "reset refs/made/{number}\ncommit refs/made/{number}\nmark :{}\ncommitter A <a> {seconds} +0000\n\
             data <<.\n{number}\n.\n",
            number + 1
        );
        for (at, parent) in parents.iter().enumerate() {
            stream += &format!("{} :{}\n", if at == 0 { "from" } else { "merge" }, parent + 1);
        }
    }
    repo.import(stream.as_bytes());
    let names: Vec<String> = (0..history.len()).map(|number| format!("refs/made/{number}")).collect();
    let mut args = vec!["rev-parse"];
    args.extend(names.iter().map(String::as_str));
    let ids = repo.git(&args).lines().map(|hex| CommitId::from_hex(hex).expect("hex")).collect();
    (repo, ids)
}

fn point(repo: &Repo, branch: &str, id: CommitId) {
    let folder = repo.join(".git/refs/heads");
    std::fs::write(folder.join("lock"), format!("{id}\n")).expect("is written");
    std::fs::rename(folder.join("lock"), folder.join(branch)).expect("is moved");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn what_is_known_is_what_the_heads_reach(
        history in histories(2..30, 4, 1..3),
        first in any::<Index>(),
        moves in proptest::collection::vec((any::<bool>(), any::<Index>(), 0usize..4), 1..12),
    ) {
        let (repo, ids) = repository(&history);
        let mut heads = [0, 0];
        point(&repo, "main", ids[0]);
        point(&repo, "side", ids[0]);
        let mut follower = Follower::new(repo.history(), []).expect("opens");
        follower.follow_also(["refs/heads/side".to_owned()]);
        let mut known: BTreeSet<CommitId> = BTreeSet::new();
        // In part: so many of the changes are confirmed, the others are told by the next answer.
        for (which, to, in_part) in std::iter::once((false, first, 9)).chain(moves) {
            heads[usize::from(which)] = to.index(history.len());
            point(&repo, if which { "side" } else { "main" }, ids[heads[usize::from(which)]]);
            let expected: BTreeSet<CommitId> = reach(&history, &heads).into_iter().map(|number| ids[number]).collect();
            let Some(news) = follower.poll_new().expect("is readable") else {
                prop_assert_eq!(&known, &expected);
                continue;
            };
            let withdrawn: BTreeSet<CommitId> =
                news.branches.into_iter().flat_map(|event| event.branch.expect("a branch").withdrawn).collect();
            prop_assert_eq!(&withdrawn, &(&known - &expected));
            let told = news.changes.map(|event| event.expect("is readable").change.expect("a change").commit);
            let told: Vec<CommitId> = told.collect();
            known = &known - &withdrawn;
            let taken = if in_part < 3 { in_part.min(told.len()) } else { told.len() };
            follower.confirm_some(taken);
            prop_assert_eq!(&known | &told.iter().copied().collect(), expected);
            known.extend(&told[..taken]);
        }
    }
}

#[test]
fn a_commit_that_is_gone_from_the_disk_is_withdrawn_all_the_same() {
    let repo = Repo::new();
    repo.commit("base");
    let lost = repo.commit("lost");
    let mut follower = Follower::new(repo.history(), []).expect("opens");
    assert_eq!(follower.poll_new().expect("is readable").expect("is new").changes.count(), 2);
    follower.confirm();
    repo.git(&["commit", "-q", "--allow-empty", "--amend", "-m", "amended"]);
    let loose = |id: &str| repo.join(&format!(".git/objects/{}/{}", &id[..2], &id[2..]));
    std::fs::remove_file(loose(&lost)).expect("is loose");
    let news = follower.poll_new().expect("is readable").expect("is new");
    let withdrawn = news.branches.into_iter().flat_map(|event| event.branch.expect("a branch").withdrawn);
    assert_eq!(withdrawn.map(|id| id.to_string()).collect::<Vec<_>>(), [lost]);
}
