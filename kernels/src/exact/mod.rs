//! The number formats of the crate: which integer stands for what, how it is rounded, and how far a sum may go.
//!
//! Every sum of the crate is a sum of integers whose bound is stated here, so the order of rows, threads and devices cannot
//! change it. What stays in floating point uses add, subtract, multiply and divide only, in a fixed order, and never a
//! mathematical library, so it has the same bits everywhere.

mod exponential;
mod gradient;
mod hashing;
mod logarithm;
mod sigmoid;

pub(crate) use exponential::decay_q32;
pub(crate) use gradient::{Classes, gradient, pack, unpack};
pub(crate) use hashing::{mix, row_hash, row_stream};
pub use logarithm::natural_logarithm;
pub(crate) use logarithm::signed_log_q32;
pub use sigmoid::probability_q30;
pub(crate) use sigmoid::{logit_q24, sigmoid_table_q30};

use serde::{Deserialize, Serialize};
use std::ops::{Add, AddAssign, Sub};

/// 1.0 in Q24, the format of scores and leaf values.
pub const ONE_Q24: i64 = 1 << 24;
/// 1.0 in Q30, the format of probabilities.
pub const ONE_Q30: i64 = 1 << 30;
/// 1.0 in Q16, the format of class factors.
pub(crate) const ONE_Q16: u32 = 1 << 16;
/// Gradients and Hessians are multiples of 2^-15: a constant of the logistic loss, never of the data, so that one more row
/// rescales nothing.
pub(crate) const GRADIENT_ONE: i64 = 1 << 15;

/// Rows of a set at most: a row index is a `u32`, and half its range leaves room for every intermediate sum.
pub const ROWS_MAX: usize = 1 << 31;
/// Columns at most: a flat tree node has twelve bits for the column, and histograms of wider sets would not fit in memory.
pub const COLUMNS_MAX: usize = 1024;
/// Weight of one row at most.
pub const WEIGHT_MAX: u32 = 4096;
/// Weight of a set at most: node totals stay below 2^53 and are exact when turned into `f64`.
pub const TOTAL_WEIGHT_MAX: u64 = 1 << 37;
/// Weight that a packed histogram word can hold: one more could carry into the sign of the gradient half.
pub(crate) const PACKED_WEIGHT_MAX: u64 = (1 << 16) - 1;
/// Codes of a binned value: 0 is "missing", 1..=255 are the value bins.
pub const BINS: usize = 256;
/// Edges of a column at most: 255 value bins have 254 inner edges.
pub const EDGES_MAX: usize = BINS - 2;

/// Sums of gradients and Hessians over rows, in units of 2^-15.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sums {
    /// Sum of gradients, at most 2^15 times the weight in magnitude.
    pub gradient: i64,
    /// Sum of Hessians, at least the number of rows and at most 2^13 times the weight.
    pub hessian: i64,
}

impl Add for Sums {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { gradient: self.gradient + other.gradient, hessian: self.hessian + other.hessian }
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Sums {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self { gradient: self.gradient - other.gradient, hessian: self.hessian - other.hessian }
    }
}

impl Sums {
    /// How much loss these rows can lose with one common leaf: G^2 / (H + lambda), in gradient units.
    pub(crate) fn strength(self, lambda: f64) -> f64 {
        let gradient = self.gradient as f64;
        gradient * gradient / (self.hessian as f64 + lambda)
    }

    /// The Newton step of these rows times the learning rate, in Q24, half to even; no rows give no step.
    pub(crate) fn leaf_q24(self, lambda: f64, learning_rate: f64) -> i32 {
        if self.hessian == 0 {
            return 0;
        }
        let step = -(self.gradient as f64) / (self.hessian as f64 + lambda) * learning_rate;
        let bound = f64::from(i32::MAX);
        (step * ONE_Q24 as f64).round_ties_even().clamp(-bound, bound) as i32
    }
}

/// A feature value as an order-preserving integer; `None` for a missing value (NaN).
///
/// Minus zero is zero, and infinities are clamped to the largest finite value: a measurement that overflowed is still the
/// largest of its column.
pub(crate) fn ordered(value: f32) -> Option<u32> {
    if value.is_nan() {
        return None;
    }
    let bits = (value.clamp(f32::MIN, f32::MAX) + 0.0).to_bits();
    Some(if bits >> 31 == 1 { !bits } else { bits | 1 << 31 })
}

/// A feature value in Q24, half to even, saturating at a quarter of the range of `i64`.
pub(crate) fn value_q24(value: f32) -> i64 {
    let bound = (1u64 << 61) as f64;
    (f64::from(value) * ONE_Q24 as f64).round_ties_even().clamp(-bound, bound) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn order_of_values_is_the_order_of_codes() {
        let values = [f32::NEG_INFINITY, -3.5, -f32::MIN_POSITIVE, 0.0, 1e-45, 0.25, 7.0, f32::MAX];
        let codes: Vec<u32> = values.iter().map(|&value| ordered(value).unwrap()).collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(ordered(-0.0), ordered(0.0));
        assert_eq!(ordered(f32::INFINITY), ordered(f32::MAX));
        assert_eq!(ordered(f32::NAN), None);
        assert_eq!(ordered(-f32::NAN), None);
    }

    #[test]
    fn leaves_are_rounded_half_to_even_and_bounded() {
        let sums = |gradient, hessian| Sums { gradient, hessian };
        assert_eq!(sums(-GRADIENT_ONE, GRADIENT_ONE).leaf_q24(0.0, 1.0), 1 << 24);
        assert_eq!(sums(0, 0).leaf_q24(0.0, 1.0), 0);
        assert_eq!(sums(-1, 1 << 25).leaf_q24(0.0, 1.0), 0);
        assert_eq!(sums(-3, 1 << 25).leaf_q24(0.0, 1.0), 2);
        assert_eq!(sums(1 << 52, 1).leaf_q24(0.0, 1.0), -i32::MAX);
    }

    #[test]
    fn values_saturate_and_missing_is_told_apart_by_the_caller() {
        assert_eq!(value_q24(1.5), 3 << 23);
        assert_eq!(value_q24(f32::INFINITY), 1 << 61);
        assert_eq!(value_q24(f32::MIN), -(1 << 61));
    }

    proptest! {
        #[test]
        fn ordered_is_monotone(a in any::<f32>(), b in any::<f32>()) {
            if let (Some(x), Some(y)) = (ordered(a), ordered(b)) {
                let clamped = |v: f32| v.clamp(f32::MIN, f32::MAX);
                prop_assert_eq!(x.cmp(&y), clamped(a).partial_cmp(&clamped(b)).unwrap());
            }
        }
    }
}
