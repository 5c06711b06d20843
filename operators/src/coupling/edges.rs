//! A directed graph with counted edges: an edge is there while at least one file brings it.

use super::names::{IdMap, Key};

/// Neighbours in order of their key, each with how many files bring the edge; never an empty list.
type Neighbours = IdMap<Key, Vec<(Key, u32)>>;

/// The graph, readable in both directions.
#[derive(Default)]
#[cfg_attr(test, derive(Clone, Debug, PartialEq))]
pub(super) struct Edges {
    out: Neighbours,
    into: Neighbours,
}

fn change(neighbours: &mut Neighbours, of: Key, other: Key, present: bool) {
    let list = neighbours.entry(of).or_default();
    let at = list.partition_point(|(key, _)| *key < other);
    let known = list.get(at).is_some_and(|(key, _)| *key == other);
    match (known, present) {
        (true, true) => list[at].1 += 1,
        (false, true) => list.insert(at, (other, 1)),
        (true, false) => list[at].1 -= 1,
        (false, false) => {}
    }
    if list.get(at).is_some_and(|(_, count)| *count == 0) {
        list.remove(at);
    }
    if list.is_empty() {
        neighbours.remove(&of);
    }
}

impl Edges {
    /// One file more, or one less, brings the edge.
    pub(super) fn change(&mut self, from: Key, to: Key, present: bool) {
        change(&mut self.into, to, from, present);
        change(&mut self.out, from, to, present);
    }
    /// Where edges from `from` lead, in order of the key.
    pub(super) fn from(&self, from: Key) -> &[(Key, u32)] {
        self.out.get(&from).map_or(&[], Vec::as_slice)
    }
    /// Where edges to `to` begin, in order of the key.
    pub(super) fn to(&self, to: Key) -> &[(Key, u32)] {
        self.into.get(&to).map_or(&[], Vec::as_slice)
    }
    /// Whether there is an edge.
    pub(super) fn has(&self, from: Key, to: Key) -> bool {
        self.from(from).binary_search_by_key(&to, |(key, _)| *key).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn an_edge_is_there_while_a_file_brings_it(steps in proptest::collection::vec((0..4u64, 0..4u64, any::<bool>()), 0..60)) {
            let mut edges = Edges::default();
            let mut counts: BTreeMap<(Key, Key), u32> = BTreeMap::new();
            for (from, to, present) in steps {
                let count = counts.entry((from, to)).or_insert(0);
                if !present && *count == 0 {
                    continue;
                }
                *count = if present { *count + 1 } else { *count - 1 };
                edges.change(from, to, present);
                for node in 0..4 {
                    let out = |other| counts.get(&(node, other)).filter(|count| **count > 0).map(|count| (other, *count));
                    let into = |other| counts.get(&(other, node)).filter(|count| **count > 0).map(|count| (other, *count));
                    prop_assert_eq!(edges.from(node), (0..4).filter_map(out).collect::<Vec<_>>());
                    prop_assert_eq!(edges.to(node), (0..4).filter_map(into).collect::<Vec<_>>());
                    prop_assert!((0..4).all(|other| edges.has(node, other) == out(other).is_some()));
                }
            }
            for ((from, to), count) in counts {
                (0..count).for_each(|_| edges.change(from, to, false));
            }
            prop_assert_eq!(edges, Edges::default());
        }
    }
}
