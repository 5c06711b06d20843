//! Strongly connected components of what some nodes reach, by a walk that never visits more than a given number of nodes.
//!
//! A component's depth is the longest chain of components below it. Nodes beyond the bound count as absent; which ones
//! these are follows from the order of starts and successors alone, so the answer is the same on every replay.

use super::names::IdMap;
use std::hash::Hash;

/// A set of nodes that all reach each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Component {
    /// Its nodes.
    pub(super) size: u32,
    /// The longest chain of components that edges lead down to.
    pub(super) depth: u32,
}

/// The components that were found.
pub(super) struct Components<N> {
    numbers: IdMap<N, u32>,
    visits: Vec<Visit>,
    found: Vec<Component>,
    /// Whether the walk met the bound.
    pub(super) bounded: bool,
}

/// What is known of a node while the walk goes on; its number is the order of its discovery.
struct Visit {
    /// The first node on the stack that it reaches.
    low: u32,
    /// The longest chain below it so far.
    depth: u32,
    /// Its component, once that is whole.
    component: Option<u32>,
}

/// A node whose successors are being followed: its number, and those of its successors still to follow.
struct Frame<N> {
    number: u32,
    rest: std::vec::IntoIter<N>,
}

impl<N: Copy + Eq + Hash> Components<N> {
    /// Walks from `starts`; an explicit stack, since a chain may be as long as the bound.
    pub(super) fn below(
        starts: impl IntoIterator<Item = N>,
        visited_max: usize,
        successors: impl Fn(N, &mut Vec<N>),
    ) -> Self {
        let mut walk = Self { numbers: IdMap::default(), visits: Vec::new(), found: Vec::new(), bounded: false };
        let (mut frames, mut open): (Vec<Frame<N>>, Vec<u32>) = (Vec::new(), Vec::new());
        for start in starts {
            walk.enter(start, visited_max, &successors, &mut frames, &mut open);
            while let Some(frame) = frames.last_mut() {
                let number = frame.number;
                match frame.rest.next() {
                    Some(next) => match walk.numbers.get(&next) {
                        Some(known) => walk.meet(number, *known),
                        None => walk.enter(next, visited_max, &successors, &mut frames, &mut open),
                    },
                    None => {
                        frames.pop();
                        walk.leave(number, &mut open);
                        if let Some(above) = frames.last() {
                            walk.meet(above.number, number);
                        }
                    }
                }
            }
        }
        walk
    }

    fn enter(
        &mut self,
        node: N,
        visited_max: usize,
        successors: &impl Fn(N, &mut Vec<N>),
        frames: &mut Vec<Frame<N>>,
        open: &mut Vec<u32>,
    ) {
        if self.numbers.contains_key(&node) {
            return;
        }
        if self.visits.len() >= visited_max {
            self.bounded = true;
            return;
        }
        let number = self.visits.len() as u32;
        self.numbers.insert(node, number);
        self.visits.push(Visit { low: number, depth: 0, component: None });
        open.push(number);
        let mut rest = Vec::new();
        successors(node, &mut rest);
        frames.push(Frame { number, rest: rest.into_iter() });
    }

    /// An edge from one visited node to another, whose own edges are known or still being followed.
    fn meet(&mut self, from: u32, to: u32) {
        let to = &self.visits[to as usize];
        let (low, component) = (to.low, to.component);
        let from = &mut self.visits[from as usize];
        match component {
            Some(component) => from.depth = from.depth.max(self.found[component as usize].depth + 1),
            None => from.low = from.low.min(low),
        }
    }

    /// All successors of a node are known: if it reaches no earlier open node, a component is whole.
    fn leave(&mut self, number: u32, open: &mut Vec<u32>) {
        if self.visits[number as usize].low != number {
            return;
        }
        let start = open.partition_point(|other| *other < number);
        let members = open.split_off(start);
        let depth = members.iter().map(|member| self.visits[*member as usize].depth).max().unwrap_or(0);
        let component = self.found.len() as u32;
        self.found.push(Component { size: members.len() as u32, depth });
        members.into_iter().for_each(|member| self.visits[member as usize].component = Some(component));
    }

    /// The component of a node; of one that was not visited, a component by itself.
    pub(super) fn of(&self, node: N) -> Component {
        let number = self.numbers.get(&node);
        let component = number.and_then(|number| self.visits[*number as usize].component);
        component.map_or(Component { size: 1, depth: 0 }, |component| self.found[component as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NODES: u64 = 9;

    /// The definition, from which node reaches which.
    fn expected(edges: &[(u64, u64)], node: u64) -> Component {
        let mut reaches = vec![vec![false; NODES as usize]; NODES as usize];
        edges.iter().for_each(|(from, to)| reaches[*from as usize][*to as usize] = true);
        for via in 0..NODES as usize {
            for from in 0..NODES as usize {
                for to in 0..NODES as usize {
                    reaches[from][to] |= reaches[from][via] && reaches[via][to];
                }
            }
        }
        let both = |a: u64, b: u64| a == b || reaches[a as usize][b as usize] && reaches[b as usize][a as usize];
        fn depth(edges: &[(u64, u64)], node: u64, both: &dyn Fn(u64, u64) -> bool) -> u32 {
            let leaves = |(from, to): &&(u64, u64)| both(*from, node) && !both(*to, node);
            edges.iter().filter(leaves).map(|(_, to)| depth(edges, *to, both) + 1).max().unwrap_or(0)
        }
        Component {
            size: (0..NODES).filter(|other| both(*other, node)).count() as u32,
            depth: depth(edges, node, &both),
        }
    }

    fn walk(edges: &[(u64, u64)], starts: &[u64], visited_max: usize) -> Components<u64> {
        Components::below(starts.iter().copied(), visited_max, |node, out| {
            out.extend(edges.iter().filter(|(from, _)| *from == node).map(|(_, to)| *to));
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn components_are_those_of_mutual_reachability(
            edges in proptest::collection::vec((0..NODES, 0..NODES), 0..24),
            starts in proptest::collection::vec(0..NODES, 1..4),
            visited_max in 1..6usize,
        ) {
            let found = walk(&edges, &starts, usize::MAX);
            prop_assert!(!found.bounded);
            for start in &starts {
                prop_assert_eq!(found.of(*start), expected(&edges, *start), "{} in {:?}", start, edges);
            }
            let bounded = walk(&edges, &starts, visited_max);
            prop_assert_eq!(bounded.bounded, found.visits.len() > visited_max);
            prop_assert!(bounded.visits.len() <= visited_max);
        }
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let chain = Components::below([0u64], usize::MAX, |node, out| out.extend((node < 200_000).then_some(node + 1)));
        assert_eq!(chain.of(0), Component { size: 1, depth: 200_000 });
        let ring = Components::below([0u64], usize::MAX, |node, out| out.push((node + 1) % 100_000));
        assert_eq!(ring.of(7), Component { size: 100_000, depth: 0 });
    }
}
