//! Frozen bins: deciles of a reference window, cut once and kept until the window is replaced.
//!
//! Bins that moved with the data could not be compared from one evaluation to the next, nor maintained by counting.

use driftline_schema::Fixed;

/// Most edges a set of bins may have: one for each inner decile.
pub const EDGES_MAX: usize = 9;
/// Most bins.
pub const BINS_MAX: usize = EDGES_MAX + 1;
/// Counts of a window, one for each bin; those beyond the number of bins stay zero.
pub type Counts = [u64; BINS_MAX];

/// Edges e1 < e2 < ... cut the numbers into (-inf, e1), [e1, e2), ... [ek, inf).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bins {
    edges: [Fixed; EDGES_MAX],
    len: usize,
}

impl Bins {
    /// Bins between the deciles of `sorted` by the inverted distribution function (the k-th smallest of n for
    /// k = ceil(q n)), without duplicates.
    ///
    /// A value that is two deciles or more gets a closing edge just above it, hence a bin of its own. Otherwise a
    /// feature that is nearly always zero would have one bin [0, inf) and could rise without being seen. Each such edge
    /// takes the place of a duplicate, so there are never more than nine.
    pub fn deciles(sorted: &[Fixed]) -> Self {
        let mut bins = Self { edges: [Fixed::ZERO; EDGES_MAX], len: 0 };
        if sorted.is_empty() {
            return bins;
        }
        let mut before = None;
        for decile in 1..=EDGES_MAX {
            let value = sorted[(decile * sorted.len()).div_ceil(10) - 1];
            bins.push(value);
            if before == Some(value) {
                bins.push(Fixed(value.0.saturating_add(1)));
            }
            before = Some(value);
        }
        bins
    }

    /// Adds `edge` if it lies above all others; deciles come in order, so any other is there already.
    fn push(&mut self, edge: Fixed) {
        if self.edges[..self.len].last().is_none_or(|last| *last < edge) {
            self.edges[self.len] = edge;
            self.len += 1;
        }
    }

    /// The edges, strictly increasing.
    pub fn edges(&self) -> &[Fixed] {
        &self.edges[..self.len]
    }

    /// Number of bins, at least one.
    pub fn bin_count(&self) -> usize {
        self.len + 1
    }

    /// The bin of `value`, below [`bin_count`](Self::bin_count).
    pub fn of(&self, value: Fixed) -> usize {
        self.edges().iter().map(|edge| usize::from(*edge <= value)).sum()
    }

    /// How many of `values` fall into each bin.
    pub fn histogram(&self, values: impl IntoIterator<Item = Fixed>) -> Counts {
        let mut counts = [0; BINS_MAX];
        for value in values {
            counts[self.of(value)] += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fixed(values: &[i64]) -> Vec<Fixed> {
        values.iter().map(|value| Fixed::from_int(*value)).collect()
    }

    #[test]
    fn ten_distinct_values_give_ten_bins_half_open_on_the_right() {
        let bins = Bins::deciles(&fixed(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
        assert_eq!(bins.edges(), fixed(&[1, 2, 3, 4, 5, 6, 7, 8, 9]));
        assert_eq!((bins.of(Fixed(999_999)), bins.of(Fixed::from_int(1)), bins.of(Fixed::from_int(9))), (0, 1, 9));
    }

    #[test]
    fn a_constant_has_its_own_bin_between_what_is_below_and_what_is_above() {
        let bins = Bins::deciles(&fixed(&[7; 50]));
        assert_eq!(bins.edges(), [Fixed(7_000_000), Fixed(7_000_001)]);
        assert_eq!(bins.histogram(fixed(&[6, 7, 7, 8]))[..3], [1, 2, 1]);
    }

    #[test]
    fn a_flag_that_is_rarely_set_is_told_from_zero() {
        let mut flags = vec![Fixed::ZERO; 95];
        flags.extend(fixed(&[1; 5]));
        assert_eq!(Bins::deciles(&flags).histogram(flags)[..3], [0, 95, 5]);
    }

    #[test]
    fn no_values_give_one_bin_and_the_largest_number_gives_no_edge_above_it() {
        assert_eq!(Bins::deciles(&[]).bin_count(), 1);
        assert_eq!(Bins::deciles(&[Fixed(i64::MAX); 20]).edges(), [Fixed(i64::MAX)]);
    }

    proptest! {
        #[test]
        fn edges_increase_and_every_repeated_decile_is_alone_in_its_bin(
            mut units in proptest::collection::vec(prop_oneof![0..4i64, 0..1000i64], 1..120)
        ) {
            units.sort_unstable();
            let sorted: Vec<Fixed> = units.iter().copied().map(Fixed).collect();
            let bins = Bins::deciles(&sorted);
            prop_assert!(bins.edges().is_sorted_by(|a, b| a < b));
            let deciles: Vec<Fixed> = (1..10).map(|q| sorted[(q * sorted.len()).div_ceil(10) - 1]).collect();
            for pair in deciles.windows(2).filter(|pair| pair[0] == pair[1]) {
                let alone = sorted.iter().filter(|value| **value == pair[0]).count() as u64;
                prop_assert_eq!(bins.histogram(sorted.iter().copied())[bins.of(pair[0])], alone);
            }
        }
    }
}
