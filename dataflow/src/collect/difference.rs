//! The commits that some heads reach and others do not, as `git rev-list TIPS --not HIDDEN`.
//!
//! Only the graph decides. A clock may say anything, so dates choose which commit of a side is read next, and never which
//! side or when to stop: both sides advance in turn, or one would be read to its end while the other waits. The walk stops when a single hidden commit is left to read and no commit without parents was read: then every path from
//! every other commit leads to the one that is left. So its ancestors, which are hidden, reach none of the others, and
//! nothing below it can change the answer. A history without such a commit is read whole.

use gix::ObjectId;
use gix::hashtable::HashMap;
use std::collections::BinaryHeap;

/// A commit as the walk needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Link {
    /// When it was committed, or so it says.
    pub(super) seconds: i64,
    /// Its parents, none of them beyond the end of a shallow clone.
    pub(super) parents: Vec<ObjectId>,
}

/// The commits that `tips` reach and `hidden` do not, in no order. `link` reads a commit.
pub(super) fn difference<E>(
    tips: &[ObjectId],
    hidden: &[ObjectId],
    link: impl FnMut(ObjectId) -> Result<Link, E>,
) -> Result<Vec<(ObjectId, Link)>, E> {
    let sides = [BinaryHeap::new(), BinaryHeap::new()];
    let mut walk = Walk { link, index: HashMap::default(), nodes: Vec::new(), sides, left: [0, 0], roots: false };
    for id in hidden {
        let index = walk.node(*id)?;
        walk.hide(index);
    }
    for id in tips {
        walk.node(*id)?;
    }
    let mut side = HIDDEN;
    while !walk.is_decided() {
        walk.step(if walk.left[side] > 0 { side } else { 1 - side })?;
        side = 1 - side;
    }
    Ok(walk.nodes.into_iter().filter(|node| node.side == VISIBLE).map(|node| (node.id, node.link)).collect())
}

/// The side of commits that no hidden one reaches, as far as is known.
const VISIBLE: usize = 0;
/// The other side.
const HIDDEN: usize = 1;

struct Node {
    id: ObjectId,
    link: Link,
    side: usize,
    /// Its parents were seen.
    done: bool,
}

struct Walk<F> {
    link: F,
    index: HashMap<ObjectId, u32>,
    nodes: Vec<Node>,
    /// Commits of each side whose parents were not seen, the newest first; one that is done or on the other side by now
    /// is passed over.
    sides: [BinaryHeap<(i64, u32)>; 2],
    /// How many of each side are left.
    left: [usize; 2],
    /// A commit without parents was done.
    roots: bool,
}

impl<E, F: FnMut(ObjectId) -> Result<Link, E>> Walk<F> {
    /// The index of a commit, which is read when it is new.
    fn node(&mut self, id: ObjectId) -> Result<u32, E> {
        if let Some(index) = self.index.get(&id) {
            return Ok(*index);
        }
        let index = u32::try_from(self.nodes.len()).expect("a history has fewer than 2^32 commits");
        let link = (self.link)(id)?;
        self.sides[VISIBLE].push((link.seconds, index));
        self.left[VISIBLE] += 1;
        self.nodes.push(Node { id, link, side: VISIBLE, done: false });
        self.index.insert(id, index);
        Ok(index)
    }

    /// Hides a commit, and all of its ancestors that were seen.
    fn hide(&mut self, index: u32) {
        let mut open = vec![index];
        while let Some(index) = open.pop() {
            let node = &mut self.nodes[index as usize];
            if std::mem::replace(&mut node.side, HIDDEN) == HIDDEN {
                continue;
            }
            if node.done {
                open.extend(node.link.parents.iter().map(|parent| self.index[parent]));
            } else {
                self.sides[HIDDEN].push((node.link.seconds, index));
                self.left[VISIBLE] -= 1;
                self.left[HIDDEN] += 1;
            }
        }
    }

    fn is_decided(&self) -> bool {
        self.left[VISIBLE] == 0 && (self.left[HIDDEN] == 0 || self.left[HIDDEN] == 1 && !self.roots)
    }

    /// Looks at the parents of the newest commit that is left on a side.
    fn step(&mut self, side: usize) -> Result<(), E> {
        let index = loop {
            let (_, index) = self.sides[side].pop().expect("what is left is in the heap");
            let node = &mut self.nodes[index as usize];
            if node.side == side && !std::mem::replace(&mut node.done, true) {
                break index;
            }
        };
        let parents = self.nodes[index as usize].link.parents.clone();
        self.left[side] -= 1;
        self.roots |= parents.is_empty();
        for parent in parents {
            let parent = self.node(parent)?;
            if side == HIDDEN {
                self.hide(parent);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;
    use std::collections::BTreeSet;
    use std::convert::Infallible;

    fn id(number: usize) -> ObjectId {
        let mut bytes = [0; 20];
        bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
        ObjectId::Sha1(bytes)
    }

    /// A graph by number: a commit's clock, and its parents, all of smaller numbers.
    type Graph = Vec<(i64, Vec<usize>)>;

    fn reach(graph: &Graph, heads: &[usize]) -> BTreeSet<usize> {
        let (mut open, mut seen) = (heads.to_vec(), BTreeSet::new());
        while let Some(number) = open.pop() {
            if seen.insert(number) {
                open.extend(&graph[number].1);
            }
        }
        seen
    }

    /// The difference, and how many commits were read for it.
    fn walked(graph: &Graph, tips: &[usize], hidden: &[usize]) -> (BTreeSet<usize>, usize) {
        let read = Cell::new(0);
        let number = |id: ObjectId| u64::from_be_bytes(id.as_bytes()[..8].try_into().expect("8 bytes")) as usize;
        let link = |id| {
            read.set(read.get() + 1);
            let (seconds, parents) = &graph[number(id)];
            Ok::<_, Infallible>(Link { seconds: *seconds, parents: parents.iter().copied().map(self::id).collect() })
        };
        let ids = |numbers: &[usize]| numbers.iter().copied().map(id).collect::<Vec<_>>();
        let found = difference(&ids(tips), &ids(hidden), link).expect("infallible");
        (found.into_iter().map(|(id, _)| number(id)).collect(), read.get())
    }

    fn graph() -> impl Strategy<Value = Graph> {
        let commit = |number: usize| {
            let near = number.saturating_sub(4)..number.max(1);
            let parent = prop_oneof![4 => near, 1 => 0..number.max(1)];
            (prop_oneof![Just(number as i64), any::<i64>(), Just(0)], proptest::collection::btree_set(parent, 0..3))
                .prop_map(move |(seconds, parents)| {
                    (seconds, parents.into_iter().filter(|parent| *parent < number).collect::<Vec<_>>())
                })
        };
        (1usize..40).prop_flat_map(move |size| (0..size).map(commit).collect::<Vec<_>>())
    }

    proptest! {
        #[test]
        fn matches_reachability_whatever_the_clocks_say(
            graph in graph(),
            tips in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
            hidden in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
        ) {
            let of = |list: &[prop::sample::Index]| list.iter().map(|at| at.index(graph.len())).collect::<Vec<_>>();
            let (tips, hidden) = (of(&tips), of(&hidden));
            let expected = &reach(&graph, &tips) - &reach(&graph, &hidden);
            prop_assert_eq!(walked(&graph, &tips, &hidden).0, expected);
        }
    }

    /// `length` commits in a row, and from the commit `fork` on a second row of `side` commits with a clock of its own.
    fn fork(length: usize, fork: usize, side: usize, clock: impl Fn(usize) -> i64) -> Graph {
        let parents = |number: usize| match number {
            0 => vec![],
            number if number == length => vec![fork],
            number => vec![number - 1],
        };
        (0..length + side).map(|number| (clock(number), parents(number))).collect()
    }

    #[test]
    fn the_cost_follows_what_differs_whatever_the_clocks_say() {
        let clocks: [fn(usize) -> i64; 4] =
            [|at| at as i64, |at| -(at as i64), |_| 0, |at| if at < 10_000 { at as i64 } else { -1 }];
        for clock in clocks {
            let graph = fork(10_000, 9_990, 20, clock);
            let (found, read) = walked(&graph, &[10_019], &[9_999]);
            assert_eq!(found, (10_000..10_020).collect());
            assert!(read < 100, "{read} commits were read");
            let (found, read) = walked(&graph, &[9_999], &[10_019]);
            assert_eq!(found, (9_991..10_000).collect());
            assert!(read < 100, "{read} commits were read");
        }
    }

    #[test]
    fn a_second_root_is_no_reason_to_stop() {
        // 3 merges 1 and a root 2 of its own; the hidden 4 reaches 2 over 0 only by what lies below.
        let graph: Graph = vec![(9, vec![]), (0, vec![0]), (5, vec![1]), (7, vec![2, 0]), (8, vec![2])];
        assert_eq!(walked(&graph, &[3], &[4]).0, [3].into());
    }
}
