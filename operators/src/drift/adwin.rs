//! ADWIN: a window over a stream of errors that forgets its oldest part once the mean has changed.
//!
//! Blocks hold integer sums and sums of squares, so the state is a function of the values in the window alone and no
//! rounding gathers. It depends on the order of the values: taking one back means replaying those after it.

use super::elementary::ln;
use driftline_schema::Fixed;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// Blocks of one size that are kept before the two oldest are joined.
const BLOCKS_MAX: usize = 5;
/// Fewest values on either side of a cut.
const SIDE_MIN: u64 = 5;
/// The window is not cut while it has at most this many values.
const GRACE: u64 = 10;
/// Larger values count as this: squares of a window of 10^10 such values still fit the sums.
const VALUE_MAX: Fixed = Fixed::from_int(1_000);

/// How soon and how surely ADWIN speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdwinConfig {
    /// Bound on the chance of a false alarm at one check, between 0 and 1.
    pub delta: Fixed,
    /// Values from one check to the next.
    pub clock: NonZeroU32,
}

impl Default for AdwinConfig {
    /// Checks at every value: on error rates that rise from 0.10 to 0.25 it is a fifth sooner than checks at every 32nd,
    /// without more false alarms.
    fn default() -> Self {
        Self { delta: Fixed(2_000), clock: NonZeroU32::MIN }
    }
}

/// Sum and sum of squares of some consecutive values, in millionths and their squares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Block {
    sum: i128,
    squares: i128,
}

impl Block {
    fn joined(self, other: Self) -> Self {
        Self { sum: self.sum + other.sum, squares: self.squares + other.squares }
    }
    fn without(self, other: Self) -> Self {
        Self { sum: self.sum - other.sum, squares: self.squares - other.squares }
    }
}

/// The detector's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adwin {
    config: AdwinConfig,
    /// `rows[i]` holds blocks of 2^i values, oldest first; the oldest values are in the last row.
    rows: Vec<Vec<Block>>,
    total: Block,
    width: u64,
    /// Values since the last restart.
    ticks: u64,
    drifted: bool,
}

impl Adwin {
    /// An empty window.
    pub fn new(config: AdwinConfig) -> Self {
        let (rows, total) = (vec![Vec::new()], Block::default());
        Self { config, rows, total, width: 0, ticks: 0, drifted: false }
    }

    /// Values in the window.
    pub fn width(&self) -> u64 {
        self.width
    }

    /// Mean of the window, zero when it is empty.
    pub fn mean(&self) -> f64 {
        if self.width == 0 { 0.0 } else { self.total.sum as f64 / (self.width as f64 * Fixed::ONE as f64) }
    }

    /// Takes one value in and says whether the mean has changed; after a change the next value begins an empty window.
    pub fn add(&mut self, value: Fixed) -> bool {
        if self.drifted {
            *self = Self::new(self.config);
        }
        let value = i128::from(value.clamp(-VALUE_MAX, VALUE_MAX).0);
        self.push(Block { sum: value, squares: value * value });
        self.ticks += 1;
        let due = self.ticks.is_multiple_of(u64::from(self.config.clock.get())) && self.width > GRACE;
        while due && self.has_cut() {
            self.drifted = true;
            self.drop_oldest();
        }
        self.drifted
    }

    fn push(&mut self, block: Block) {
        self.total = self.total.joined(block);
        self.width += 1;
        let mut carried = block;
        for row in 0.. {
            if row == self.rows.len() {
                self.rows.push(Vec::new());
            }
            self.rows[row].push(carried);
            if self.rows[row].len() <= BLOCKS_MAX {
                return;
            }
            let (first, second) = (self.rows[row].remove(0), self.rows[row].remove(0));
            carried = first.joined(second);
        }
    }

    /// Sum of the squared distances from the mean.
    fn variation(&self) -> f64 {
        let width = i128::from(self.width);
        let scaled = width * self.total.squares - self.total.sum * self.total.sum;
        scaled as f64 / (width as f64 * Fixed::ONE as f64 * Fixed::ONE as f64)
    }

    /// Whether some cut between blocks leaves two means that differ by more than chance allows.
    fn has_cut(&self) -> bool {
        let width = self.width as f64;
        let (variance, confidence) = (self.variation() / width, ln(2.0 * ln(width) / self.config.delta.to_f64()));
        let (mut older, mut sum) = (0u64, 0i128);
        for (size, block) in self.oldest_first() {
            older += size;
            sum += block.sum;
            let newer = self.width - older;
            if older < SIDE_MIN || newer < SIDE_MIN {
                continue;
            }
            let side = |n: u64| 1.0 / (n - SIDE_MIN + 1) as f64;
            let spread = side(older) + side(newer);
            let bound = (2.0 * spread * variance * confidence).sqrt() + 2.0 / 3.0 * confidence * spread;
            let difference = (sum * i128::from(newer) - (self.total.sum - sum) * i128::from(older)).abs() as f64;
            if difference / (older as f64 * newer as f64 * Fixed::ONE as f64) > bound {
                return true;
            }
        }
        false
    }

    fn oldest_first(&self) -> impl Iterator<Item = (u64, Block)> {
        self.rows.iter().enumerate().rev().flat_map(|(row, blocks)| blocks.iter().map(move |block| (1 << row, *block)))
    }

    fn drop_oldest(&mut self) {
        let row = self.rows.len() - 1;
        let oldest = self.rows[row].remove(0);
        self.total = self.total.without(oldest);
        self.width -= 1 << row;
        if self.rows[row].is_empty() && row > 0 {
            self.rows.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::split_mix::SplitMix64;
    use crate::drift::statistics::to_fixed;
    use serde_json::Value;

    fn number(value: &Value) -> f64 {
        value.as_f64().expect("a number")
    }

    fn stream(description: &Value) -> Vec<Fixed> {
        let mut random = SplitMix64(description["seed"].as_u64().expect("a seed"));
        let bernoulli = description["kind"] == "bernoulli";
        let mut values = Vec::new();
        for part in description["parts"].as_array().expect("parts") {
            for _ in 0..part[0].as_u64().expect("a count") {
                values.push(if bernoulli {
                    Fixed::from_int(i64::from(random.uniform() < number(&part[1])))
                } else {
                    to_fixed(number(&part[1]) + number(&part[2]) * random.normalish())
                });
            }
        }
        assert_eq!(values.iter().map(|v| v.0).sum::<i64>(), to_fixed(number(&description["sum"])).0);
        values
    }

    #[test]
    fn drifts_are_found_at_the_indices_of_the_vectors() {
        let vectors: Value = serde_json::from_str(include_str!("../../tests/drift/adwin.json")).expect("JSON");
        for case in vectors["results"].as_array().expect("a list") {
            let (params, expected) = (&case["params"], &case["expected"]);
            let clock = NonZeroU32::new(params["clock"].as_u64().expect("a count") as u32).expect("not zero");
            let mut adwin = Adwin::new(AdwinConfig { delta: to_fixed(number(&params["delta"])), clock });
            let values = stream(&vectors["streams"][case["stream"].as_str().expect("a name")]);
            let drift_at: Vec<usize> = (0..values.len()).filter(|i| adwin.add(values[*i])).collect();
            assert_eq!(serde_json::json!(drift_at), expected["drift_at"], "{} {}", case["stream"], case["detector"]);
            assert_eq!(adwin.width(), expected["final_width"].as_u64().expect("a count"));
            assert!((adwin.mean() - number(&expected["final_estimation"])).abs() < 1e-9);
            let variation = number(&expected["final_variance_sum"]);
            assert!((adwin.variation() - variation).abs() < 1e-9 * variation.max(1.0));
        }
    }

    #[test]
    fn values_out_of_range_count_as_the_largest_and_do_not_overflow() {
        let mut adwin = Adwin::new(AdwinConfig::default());
        (0..2_000).for_each(|_| assert!(!adwin.add(Fixed(i64::MAX))));
        assert!((0..100).any(|_| adwin.add(Fixed(i64::MIN))));
        assert_eq!(adwin.mean().abs().max(1_000.0), 1_000.0);
    }
}
