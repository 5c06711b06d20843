//! Ranges of commits, against `git rev-list`.

use super::kit::{Repo, histories};
use crate::collect::Located;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// A history whose commit `n` has the branch `bN`: a clock and the numbers of its parents each.
fn repository(commits: &[(i64, Vec<usize>)]) -> Repo {
    let repo = Repo::new();
    let mut stream = String::new();
    for (number, (seconds, parents)) in commits.iter().enumerate() {
        let mark = number + 1;
        stream += &format!(
            "reset refs/heads/b{number}\ncommit refs/heads/b{number}\nmark :{mark}\ncommitter A <a> {seconds} +0000\n\
             data <<.\n{number}\n.\n"
        );
        for (at, parent) in parents.iter().enumerate() {
            stream += &format!("{} :{}\n", if at == 0 { "from" } else { "merge" }, parent + 1);
        }
    }
    let last = commits.len();
    repo.import(format!("{stream}reset refs/heads/main\nfrom :{last}\n\n").as_bytes());
    repo
}

/// All ranges between two commits that `HEAD` reaches hold what git says, later commits first. git is asked for what each
/// side reaches, because its own ranges are wrong where clocks are too far off.
fn assert_ranges_are_gits(repo: &Repo) {
    let located = Located::at(repo.path()).expect("opens");
    let ids = |of: &str| -> BTreeSet<String> { repo.git(&["rev-list", of]).lines().map(str::to_owned).collect() };
    let reached: BTreeMap<String, BTreeSet<String>> =
        ids("HEAD").into_iter().map(|id| (id.clone(), ids(&id))).collect();
    for (from, to) in reached.keys().flat_map(|from| reached.keys().map(move |to| (from, to))) {
        let range = format!("{from}..{to}");
        let told: Vec<String> = located.range(&range).expect("is readable").iter().map(ToString::to_string).collect();
        let expected: BTreeSet<String> = &reached[to] - &reached[from];
        assert_eq!((told.len(), &told.iter().cloned().collect()), (expected.len(), &expected), "{range}");
        for (at, id) in told.iter().enumerate() {
            assert!(told[..at].iter().all(|later| !reached[id].contains(later)), "{id} comes before its ancestors");
        }
    }
}

#[test]
fn a_commit_with_an_old_clock_brings_nothing_else_into_a_range() {
    let mut commits: Vec<(i64, Vec<usize>)> = vec![(1_700_000_000, vec![])];
    commits.extend((1..12).map(|number| (1_700_000_000 + 60 * number as i64, vec![number - 1])));
    // A branch off the eighth commit whose first commit has an old clock: only that one is still to be read of what is
    // hidden, when all but the first commits were taken for visible.
    commits.extend([(1_000, vec![8]), (1_700_000_900, vec![12]), (1_700_002_000, vec![11, 13])]);
    let repo = repository(&commits);
    assert_eq!(Located::at(repo.path()).expect("opens").range("b13..main").map_or(0, |range| range.len()), 4);
    assert_ranges_are_gits(&repo);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn a_range_is_what_git_says_whatever_the_clocks_say(commits in histories(2..16, 3, 0..3)) {
        assert_ranges_are_gits(&repository(&commits));
    }
}
