//! The order of commits: parents before children, and among commits that may come next the one with the earliest commit
//! time, then the smallest id. The order is a function of the commit graph alone, not of how it was walked.
//!
//! Only ids, times and parents are held: about 150 bytes a commit while the order is made, 33 afterwards.

use super::blobs::BlobCache;
use super::change::commit_seconds;
use super::difference::Link;
use super::error::CollectError;
use super::history::Shared;
use super::objects::Objects;
use gix::ObjectId;
use gix::hashtable::HashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// Commits in the order in which their events stand in the log.
#[derive(Debug, Default)]
pub(super) struct Order {
    pub(super) commits: Vec<ObjectId>,
    /// Commits at which the walk stopped because they were known; sorted.
    pub(super) known: Vec<ObjectId>,
}

/// The commits reachable from `heads` without passing one that is `known`.
pub(super) fn order(
    shared: &Arc<Shared>,
    heads: &[ObjectId],
    known: impl Fn(&ObjectId) -> bool,
) -> Result<Order, CollectError> {
    let mut objects = Objects::new(shared.clone(), Arc::new(BlobCache::new(0)));
    let mut graph = Graph::default();
    for head in heads {
        if known(head) {
            graph.boundary.push(*head);
        } else {
            graph.walk(*head, shared, &mut objects, &known)?;
        }
    }
    graph.boundary.sort_unstable();
    graph.boundary.dedup();
    Ok(Order { known: std::mem::take(&mut graph.boundary), commits: graph.sorted() })
}

/// These commits in order.
pub(super) fn sorted(commits: &[(ObjectId, Link)]) -> Vec<ObjectId> {
    let mut graph = Graph::default();
    for (id, link) in commits {
        let (index, _) = graph.node(*id);
        (graph.nodes[index as usize].seconds, graph.nodes[index as usize].present) = (link.seconds, true);
        for parent in &link.parents {
            let (parent, _) = graph.node(*parent);
            graph.edges.push((parent, index));
        }
    }
    graph.sorted()
}

/// All commits that `heads` reach, without their order.
pub(super) fn reach(shared: &Arc<Shared>, heads: &[ObjectId]) -> Result<Reach, CollectError> {
    let mut objects = Objects::new(shared.clone(), Arc::new(BlobCache::new(0)));
    let mut graph = Graph::default();
    for head in heads {
        graph.walk(*head, shared, &mut objects, &|_| false)?;
    }
    Ok(Reach(graph))
}

/// Commits that heads reach, and how they follow from one another.
pub(super) struct Reach(Graph);

impl Reach {
    pub(super) fn holds(&self, id: &ObjectId) -> bool {
        self.0.index.contains_key(id)
    }

    /// The commits for which `of` holds not, and that have an ancestor for which it does.
    pub(super) fn descendants(&self, of: impl Fn(&ObjectId) -> bool) -> Vec<ObjectId> {
        let nodes = &self.0.nodes;
        let seed: Vec<bool> = nodes.iter().map(|node| of(&node.id)).collect();
        let mut edges = self.0.edges.clone();
        edges.sort_unstable();
        let mut open: Vec<u32> = (0..nodes.len() as u32).filter(|index| seed[*index as usize]).collect();
        let (mut seen, mut found) = (seed, Vec::new());
        while let Some(index) = open.pop() {
            let first = edges.partition_point(|(parent, _)| *parent < index);
            for (_, child) in edges[first..].iter().take_while(|(parent, _)| *parent == index) {
                if !std::mem::replace(&mut seen[*child as usize], true) {
                    found.push(nodes[*child as usize].id);
                    open.push(*child);
                }
            }
        }
        found
    }
}

/// A commit, by the order in which it was seen.
struct Node {
    id: ObjectId,
    seconds: i64,
    present: bool,
}

#[derive(Default)]
struct Graph {
    index: HashMap<ObjectId, u32>,
    nodes: Vec<Node>,
    /// Parent and child.
    edges: Vec<(u32, u32)>,
    boundary: Vec<ObjectId>,
}

impl Graph {
    /// The index of `id`, and whether it is new.
    fn node(&mut self, id: ObjectId) -> (u32, bool) {
        let next = u32::try_from(self.nodes.len()).expect("a history has fewer than 2^32 commits");
        let index = *self.index.entry(id).or_insert(next);
        if index == next {
            self.nodes.push(Node { id, seconds: 0, present: false });
        }
        (index, index == next)
    }

    fn walk(
        &mut self,
        head: ObjectId,
        shared: &Shared,
        objects: &mut Objects,
        known: &impl Fn(&ObjectId) -> bool,
    ) -> Result<(), CollectError> {
        let mut open = Vec::new();
        if let (index, true) = self.node(head) {
            open.push(index);
        }
        while let Some(index) = open.pop() {
            let id = self.nodes[index as usize].id;
            objects.check_commit_size(id)?;
            let read = objects.commit(id, |commit| (commit_seconds(&commit), commit.parents))?;
            let Some((seconds, parents)) = read else {
                // The ends of a shallow clone are not walked past, so whatever is missing was lost. To go on would take
                // half a history for a whole one.
                let what = if id == head { "the head of a branch" } else { "a commit" };
                return Err(shared.unreadable(id, what.to_owned(), "it is missing".into()));
            };
            (self.nodes[index as usize].seconds, self.nodes[index as usize].present) = (seconds, true);
            if shared.shallow.contains(&id) {
                continue;
            }
            for parent in parents {
                if known(&parent) {
                    self.boundary.push(parent);
                    continue;
                }
                let (parent, new) = self.node(parent);
                self.edges.push((parent, index));
                if new {
                    open.push(parent);
                }
            }
        }
        Ok(())
    }

    /// The commits in order: repeatedly the least of those whose parents have all been taken.
    fn sorted(mut self) -> Vec<ObjectId> {
        self.index = HashMap::default();
        let nodes = &self.nodes;
        self.edges.retain(|(parent, _)| nodes[*parent as usize].present);
        self.edges.sort_unstable();
        let mut waiting = vec![0u32; nodes.len()];
        for (_, child) in &self.edges {
            waiting[*child as usize] += 1;
        }
        let key = |index: u32| Reverse((nodes[index as usize].seconds, nodes[index as usize].id, index));
        let mut ready: BinaryHeap<_> = (0..nodes.len() as u32)
            .filter(|index| nodes[*index as usize].present && waiting[*index as usize] == 0)
            .map(key)
            .collect();
        let mut sorted = Vec::with_capacity(nodes.len());
        while let Some(Reverse((_, id, index))) = ready.pop() {
            sorted.push(id);
            let first = self.edges.partition_point(|(parent, _)| *parent < index);
            for (_, child) in self.edges[first..].iter().take_while(|(parent, _)| *parent == index) {
                waiting[*child as usize] -= 1;
                if waiting[*child as usize] == 0 {
                    ready.push(key(*child));
                }
            }
        }
        sorted
    }
}
