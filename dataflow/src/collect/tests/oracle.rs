//! Random histories, compared with git commit by commit.
//!
//! Every line ever written is unique, so that all algorithms agree on how many lines a change adds and removes.

use super::kit::{Repo, assert_equals_git};
use crate::collect::Follower;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// One commit: parents as distances back, and edits of files.
#[derive(Clone, Debug)]
struct Step {
    parents: Vec<usize>,
    edits: Vec<Edit>,
    seconds: u32,
}

#[derive(Clone, Debug)]
enum Edit {
    /// Replaces lines of a file: where (in percent), how many go, how many come.
    Replace(u8, usize, usize, usize),
    Delete(u8),
    Move(u8, u8),
}

/// Files below this number end with a line end, the others do not. Those stay where they are: git before 2.44 ignores a last line
/// without an end when it looks for renames.
const WITH_END: u8 = 4;

fn step() -> impl Strategy<Value = Step> {
    let edit = prop_oneof![
        6 => (0..6u8, 0..100usize, 0..8usize, 0..20usize).prop_map(|(file, at, gone, new)| Edit::Replace(file, at, gone, new)),
        1 => (0..WITH_END).prop_map(Edit::Delete),
        1 => (0..WITH_END, 0..WITH_END).prop_map(|(from, to)| Edit::Move(from, to)),
    ];
    let parents = prop_oneof![4 => Just(vec![1]), 2 => proptest::collection::btree_set(1..6usize, 1..4).prop_map(|set| set.into_iter().collect())];
    (parents, proptest::collection::vec(edit, 0..5), 0..1000u32).prop_map(|(parents, edits, seconds)| Step {
        parents,
        edits,
        seconds,
    })
}

type Tree = BTreeMap<u8, Vec<String>>;

fn edit(tree: &mut Tree, edit: &Edit, serial: &mut u32) {
    match *edit {
        Edit::Replace(file, at, gone, new) => {
            let lines = tree.entry(file).or_default();
            let start = lines.len() * at / 100;
            let end = lines.len().min(start + gone);
            let mut line = || {
                *serial += 1;
                format!("{:>2$}line {}", "", *serial, (*serial % 5) as usize * 2)
            };
            lines.splice(start..end, (0..new).map(|_| line()).collect::<Vec<_>>());
            // Of empty files git tells renames, which say nothing.
            if lines.is_empty() {
                lines.push(line());
            }
        }
        Edit::Delete(file) => drop(tree.remove(&file)),
        Edit::Move(from, to) => {
            if let Some(lines) = tree.remove(&from) {
                tree.insert(to, lines);
            }
        }
    }
}

/// A commit in the format of `git fast-import`.
fn commit(mark: usize, parents: &[usize], tree: &Tree, seconds: u32) -> String {
    let mut out = format!("commit refs/heads/main\nmark :{mark}\ncommitter A <a@b> {seconds} +0000\ndata 1\nm");
    for (at, parent) in parents.iter().enumerate() {
        out += &format!("{} :{parent}\n", if at == 0 { "from" } else { "merge" });
    }
    out += "deleteall\n";
    for (file, lines) in tree {
        let text = lines.join("\n") + if *file < WITH_END { "\n" } else { "" };
        out += &format!("M 100644 inline d{}/f{file}\ndata {}\n{text}\n", file % 2, text.len());
    }
    out
}

/// The stream that makes this history; all tips are joined by a last merge.
fn stream(steps: &[Step]) -> String {
    let (mut out, mut serial) = (String::new(), 0);
    let (mut trees, mut tips): (Vec<Tree>, Vec<usize>) = Default::default();
    for (index, step) in steps.iter().enumerate() {
        let parents: Vec<usize> =
            step.parents.iter().filter_map(|back| (index + 1).checked_sub(*back)).filter(|mark| *mark > 0).collect();
        let mut tree = parents.first().map(|parent| trees[parent - 1].clone()).unwrap_or_default();
        for change in &step.edits {
            edit(&mut tree, change, &mut serial);
        }
        out += &commit(index + 1, &parents, &tree, step.seconds);
        tips.retain(|tip| !parents.contains(tip));
        tips.push(index + 1);
        trees.push(tree);
    }
    let tree = &trees[tips[0] - 1];
    out + &commit(steps.len() + 1, &tips, tree, 1)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, ..ProptestConfig::default() })]
    #[test]
    fn random_histories_are_told_as_git_tells_them(steps in proptest::collection::vec(step(), 1..20)) {
        let repo = Repo::new();
        repo.import(stream(&steps).as_bytes());
        assert_equals_git(&repo);
    }

    #[test]
    fn going_on_after_a_part_gives_the_rest(steps in proptest::collection::vec(step(), 1..20), share in 0..=100usize) {
        let repo = Repo::new();
        repo.import(stream(&steps).as_bytes());
        let all = repo.changes();
        let (part, rest) = all.split_at(all.len() * share / 100);
        let known = part.iter().map(|change| change.commit);
        let news = Follower::new(repo.history(), known).expect("has heads").poll_new().expect("is readable");
        let told: Vec<_> = news
            .into_iter()
            .flat_map(|news| news.changes)
            .map(|event| *event.expect("is readable").change.expect("a change"))
            .collect();
        prop_assert_eq!(told, rest);
    }
}
