//! The mixture that is served: the mean of what the trees and the logistic regression say.
//!
//! Predictions and `driftline evaluate` both ask these functions, so that what is measured is what is served.

use super::scorer::{Explanation, Scores};

/// Mean of two numbers in Q24, rounded down.
fn mean_q24(trees: i64, linear: i64) -> i64 {
    (trees + linear).div_euclid(2)
}

/// Log-odds of the mixture, in Q24.
pub fn mixture_q24(scores: &Scores) -> i64 {
    mean_q24(scores.gbdt_q24, scores.logistic_q24)
}

/// Why the mixture says so.
///
/// The base and each feature are rounded down by themselves, so that their sum may be below the score by half a unit of Q24
/// for each of them. Predictions that were served hold these numbers, so the rounding stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MixtureExplanation {
    /// What the mixture says of any row, in Q24.
    pub base_q24: i64,
    /// What each feature adds, in Q24.
    pub features_q24: Vec<i64>,
}

impl MixtureExplanation {
    /// The mean of what both experts say.
    pub fn of(explanation: &Explanation) -> Self {
        let Explanation { gbdt, logistic } = explanation;
        let parts = gbdt.features_q24.iter().zip(&logistic.features_q24);
        Self {
            base_q24: mean_q24(gbdt.base_q24, logistic.base_q24),
            features_q24: parts.map(|(trees, linear)| mean_q24(*trees, *linear)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Contributions;

    #[test]
    fn a_mean_is_rounded_down_on_both_sides_of_zero() {
        let scores = |gbdt_q24, logistic_q24| Scores { gbdt_q24, logistic_q24, lines_added_q24: 0 };
        assert_eq!(mixture_q24(&scores(3, 4)), 3);
        assert_eq!(mixture_q24(&scores(-3, -4)), -4);
        assert_eq!(mixture_q24(&scores(-5, 5)), 0);
    }

    #[test]
    fn the_parts_are_below_the_score_by_half_a_unit_each_at_most() {
        let gbdt = Contributions { base_q24: 1, features_q24: vec![1, -1, 7] };
        let logistic = Contributions { base_q24: 2, features_q24: vec![0, 0, 7] };
        let sum = |of: &Contributions| of.base_q24 + of.features_q24.iter().sum::<i64>();
        let scores = Scores { gbdt_q24: sum(&gbdt), logistic_q24: sum(&logistic), lines_added_q24: 0 };
        let parts = MixtureExplanation::of(&Explanation { gbdt, logistic });
        assert_eq!(parts, MixtureExplanation { base_q24: 1, features_q24: vec![0, -1, 7] });
        assert_eq!((mixture_q24(&scores), parts.base_q24 + parts.features_q24.iter().sum::<i64>()), (8, 7));
    }
}
