//! Where the bins of each column end: a function of how often each value occurs, and of nothing else.
//!
//! Values are compared as order-preserving integers. Bin 0 is "missing", bin b >= 1 holds the values above edge b - 2 and up
//! to edge b - 1, so a value is in the first bin whose edge it does not exceed.

use crate::exact::{BINS, EDGES_MAX, ordered};

/// Inner edges of every column, as order-preserving codes, strictly increasing, at most [`EDGES_MAX`] a column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Edges {
    columns: Vec<Vec<u32>>,
}

impl Edges {
    /// Takes the edges column by column; `None` when a column has too many or they do not increase.
    pub fn new(columns: Vec<Vec<u32>>) -> Option<Self> {
        let valid = |edges: &Vec<u32>| edges.len() <= EDGES_MAX && edges.windows(2).all(|pair| pair[0] < pair[1]);
        columns.iter().all(valid).then_some(Self { columns })
    }

    /// How many columns there are.
    pub fn count(&self) -> usize {
        self.columns.len()
    }

    /// The edges of one column.
    pub fn column(&self, column: usize) -> &[u32] {
        &self.columns[column]
    }

    /// The bin of a value of `column`.
    pub fn bin(&self, column: usize, value: f32) -> u8 {
        // At most 254 edges: the sum fits.
        ordered(value).map_or(0, |code| 1 + self.columns[column].partition_point(|&edge| edge < code) as u8)
    }

    /// The highest bin a value of `column` can have.
    pub fn bin_max(&self, column: usize) -> u8 {
        self.columns[column].len() as u8 + 1
    }
}

/// How many rows of each column fall into each bin; an integer state from which drift statistics follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinCounts {
    /// Per column, rows per bin; bin 0 is "missing".
    pub columns: Vec<[u64; BINS]>,
}

/// The edges of one column from its distinct values in increasing order and the weight of each.
///
/// Up to 255 distinct values get a bin each. Otherwise a bin is closed as soon as it holds its share of what is left, so a
/// value that is more frequent than that, such as zero lines, does not use up the bins of the others.
pub(crate) fn edges_of(values: &[(u32, u64)]) -> Vec<u32> {
    let Some((_, inner)) = values.split_last() else { return Vec::new() };
    if values.len() < BINS {
        return inner.iter().map(|&(value, _)| value).collect();
    }
    let mut edges = Vec::with_capacity(EDGES_MAX);
    let mut left: u64 = values.iter().map(|&(_, weight)| weight).sum();
    let mut held = 0;
    for &(value, weight) in inner {
        let bins_left = (EDGES_MAX + 1 - edges.len()) as u64;
        held += weight;
        if bins_left > 1 && held * bins_left >= left {
            edges.push(value);
            left -= held;
            held = 0;
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn few_values_get_a_bin_each() {
        assert_eq!(edges_of(&[]), Vec::<u32>::new());
        assert_eq!(edges_of(&[(9, 100)]), Vec::<u32>::new());
        assert_eq!(edges_of(&[(3, 1), (9, 100), (12, 1)]), vec![3, 9]);
        let full: Vec<(u32, u64)> = (0..255).map(|value| (value, 1)).collect();
        assert_eq!(edges_of(&full).len(), EDGES_MAX);
    }

    #[test]
    fn a_hot_value_leaves_bins_for_the_others() {
        let values: Vec<(u32, u64)> = (0..1000).map(|value| (value, if value == 0 { 9000 } else { 1 })).collect();
        let edges = edges_of(&values);
        assert_eq!(edges[0], 0);
        assert!(edges.len() > 240, "{} edges", edges.len());
    }

    #[test]
    fn bins_follow_the_edges() {
        let code = |value| ordered(value).unwrap();
        let edges = Edges::new(vec![vec![code(-1.0), code(2.5)], vec![]]).unwrap();
        let bins: Vec<u8> =
            [f32::NAN, f32::NEG_INFINITY, -1.0, 0.0, 2.5, 2.6, f32::INFINITY].map(|v| edges.bin(0, v)).into();
        assert_eq!(bins, [0, 1, 1, 2, 2, 3, 3]);
        assert_eq!((edges.bin_max(0), edges.bin_max(1), edges.bin(1, 4.0), edges.bin(1, f32::NAN)), (3, 1, 1, 0));
        assert_eq!(Edges::new(vec![vec![2, 2]]), None);
        assert_eq!(Edges::new(vec![(0..255).collect()]), None);
    }

    proptest! {
        #[test]
        fn edges_are_few_increasing_and_even(weights in proptest::collection::vec(1u64..50, 256..2000)) {
            let values: Vec<(u32, u64)> = weights.iter().enumerate().map(|(i, &w)| (i as u32 * 3, w)).collect();
            let edges = edges_of(&values);
            prop_assert!(edges.len() <= EDGES_MAX && edges.len() > 100);
            prop_assert!(edges.windows(2).all(|pair| pair[0] < pair[1]));
            let total: u64 = weights.iter().sum();
            let first: u64 = values.iter().filter(|(value, _)| *value <= edges[0]).map(|(_, weight)| weight).sum();
            prop_assert!(first >= total / 255 && first <= total / 255 + 51);
        }
    }
}
