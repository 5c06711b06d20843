//! Gradient and Hessian of the logistic loss as integers, and the packed word two of them share.
//!
//! |g| is at most 2^15 and h at most 2^13 per unit of weight, because a class factor is never above one. The Hessian is at
//! least one unit per row: a row that no longer moves must not make its leaf's denominator vanish.

use super::{ONE_Q16, ONE_Q30, PACKED_WEIGHT_MAX, Sums, probability_q30};

/// How much a row of each class counts, in Q16, at most one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes {
    /// Factor of clean rows.
    pub clean_q16: u32,
    /// Factor of defective rows.
    pub defective_q16: u32,
}

impl Classes {
    /// Every row counts fully.
    pub(crate) const PLAIN: Self = Self { clean_q16: ONE_Q16, defective_q16: ONE_Q16 };

    /// The more frequent class is scaled down to the weight of the other; scaling up would break the bound on |g|.
    pub(crate) fn balanced(clean: u64, defective: u64) -> Self {
        let share = |minor: u64, major: u64| {
            let scaled = (u128::from(minor) << 16) + u128::from(major) / 2;
            ((scaled / u128::from(major.max(1))) as u32).clamp(1, ONE_Q16)
        };
        if clean > defective {
            Self { clean_q16: share(defective, clean), ..Self::PLAIN }
        } else {
            Self { defective_q16: share(clean, defective), ..Self::PLAIN }
        }
    }
}

/// Gradient and Hessian of one row of weight one, in units of 2^-15.
pub(crate) fn gradient(score_q24: i64, defective: bool, classes: Classes) -> Sums {
    let probability = i64::from(probability_q30(score_q24));
    let (target, factor) = if defective { (ONE_Q30, classes.defective_q16) } else { (0, classes.clean_q16) };
    let to_units = |q30: i64| (q30 * i64::from(factor) + (1 << 30)) >> 31;
    let hessian = (probability * (ONE_Q30 - probability)) >> 30;
    Sums { gradient: to_units(probability - target), hessian: to_units(hessian).max(1) }
}

/// Gradient in the high half, Hessian in the low half: one addition adds both. The low half never borrows, because Hessians
/// are not negative, and never carries within [`PACKED_WEIGHT_MAX`].
pub(crate) fn pack(sums: Sums) -> u64 {
    ((sums.gradient << 32) as u64).wrapping_add(sums.hessian as u64)
}

/// The two sums of a packed word.
pub(crate) fn unpack(word: u64) -> Sums {
    Sums { gradient: (word as i64) >> 32, hessian: i64::from(word as u32) }
}

const _: () = assert!(PACKED_WEIGHT_MAX << 15 < 1 << 31, "a packed gradient sum stays within 32 bits");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::{GRADIENT_ONE, ONE_Q24, WEIGHT_MAX};
    use proptest::prelude::*;

    #[test]
    fn bounds_hold_at_the_ends() {
        let end = 20 * ONE_Q24;
        assert_eq!(gradient(end, false, Classes::PLAIN), Sums { gradient: GRADIENT_ONE, hessian: 1 });
        assert_eq!(gradient(-end, true, Classes::PLAIN), Sums { gradient: -GRADIENT_ONE, hessian: 1 });
        assert_eq!(gradient(0, true, Classes::PLAIN), Sums { gradient: -GRADIENT_ONE / 2, hessian: GRADIENT_ONE / 4 });
        assert_eq!(gradient(end, true, Classes::PLAIN).gradient, 0);
    }

    #[test]
    fn the_packed_word_holds_the_stated_weight_and_not_more() {
        let worst = Sums { gradient: -GRADIENT_ONE, hessian: GRADIENT_ONE / 4 };
        for sign in [1, -1] {
            let row = Sums { gradient: worst.gradient * sign, ..worst };
            let word = (0..PACKED_WEIGHT_MAX).fold(0u64, |sum, _| sum.wrapping_add(pack(row)));
            let exact = Sums {
                gradient: row.gradient * PACKED_WEIGHT_MAX as i64,
                hessian: row.hessian * PACKED_WEIGHT_MAX as i64,
            };
            assert_eq!(unpack(word), exact);
        }
        let positive = Sums { gradient: GRADIENT_ONE, hessian: 1 };
        let word = (0..=PACKED_WEIGHT_MAX).fold(0u64, |sum, _| sum.wrapping_add(pack(positive)));
        assert_ne!(unpack(word).gradient, GRADIENT_ONE * (PACKED_WEIGHT_MAX as i64 + 1), "the bound is tight");
    }

    #[test]
    fn balanced_classes_weigh_the_same() {
        assert_eq!(Classes::balanced(5, 5), Classes::PLAIN);
        assert_eq!(Classes::balanced(400, 100), Classes { clean_q16: ONE_Q16 / 4, defective_q16: ONE_Q16 });
        assert_eq!(Classes::balanced(1, 1 << 40), Classes { clean_q16: ONE_Q16, defective_q16: 1 });
    }

    proptest! {
        #[test]
        fn packing_is_exact(rows in proptest::collection::vec((any::<i64>(), any::<bool>(), 1..=WEIGHT_MAX), 1..15)) {
            let mut word = 0u64;
            let mut exact = Sums::default();
            for (score, label, weight) in rows {
                let one = gradient(score, label, Classes::balanced(9, 4));
                let weight = i64::from(weight);
                let row = Sums { gradient: one.gradient * weight, hessian: one.hessian * weight };
                prop_assert!(one.gradient.abs() <= GRADIENT_ONE && (1..=GRADIENT_ONE / 4).contains(&one.hessian));
                word = word.wrapping_add(pack(row));
                exact += row;
            }
            prop_assert_eq!(unpack(word), exact);
        }
    }
}
