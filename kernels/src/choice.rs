//! Which rows of a shared data set a model is trained on, chosen by a hash of each row's key.
//!
//! A row's fate depends on its own key and the seed alone, never on a random stream or on the other rows: folds and
//! resamples stay the same when rows come, go or change places.

use crate::exact::{WEIGHT_MAX, row_hash};

/// Steps of a choice at most: a row of a resample has up to eight copies.
pub(crate) const STEPS_MAX: usize = 8;
/// The tree index whose stream of hashes is used: no model has that many trees, so choices of rows and of trees are apart.
const STREAM: u32 = u32::MAX;

/// 2^32 times the share of rows with 0, up to 1, up to 2, ... copies, of a Poisson distribution with mean one. What is left
/// after the last, 1 in 100,000, has eight copies.
const POISSON: [u64; STEPS_MAX] = [
    1_580_030_168,
    3_160_060_337,
    3_950_075_421,
    4_213_413_783,
    4_279_248_373,
    4_292_415_291,
    4_294_609_777,
    4_294_923_276,
];

/// How many copies of a row a model is trained on, by a hash of the row's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RowChoice {
    /// Every row once.
    All,
    /// The rows of one fold: what a model trained on [`RowChoice::OutsideFold`] is tested with.
    Fold {
        /// Which division into folds.
        seed: u64,
        /// Number of folds; none counts as one.
        folds: u32,
        /// Index of the fold.
        fold: u32,
    },
    /// The rows of all folds but one.
    OutsideFold {
        /// Which division into folds.
        seed: u64,
        /// Number of folds; none counts as one.
        folds: u32,
        /// Index of the fold that is left out.
        fold: u32,
    },
    /// A resample: each row as often as a Poisson distribution with mean one says, eight times at most.
    Bootstrap {
        /// Which resample.
        seed: u64,
    },
}

/// A choice as a device sees it: copies start at `start` and change by `turns[i]` where the hash reaches `steps[i]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) seed: u64,
    pub(crate) start: i32,
    pub(crate) steps: [u64; STEPS_MAX],
    pub(crate) turns: [i32; STEPS_MAX],
}

impl RowChoice {
    pub(crate) fn steps(self) -> Steps {
        let plain = |seed, start| Steps { seed, start, steps: [0; STEPS_MAX], turns: [0; STEPS_MAX] };
        let fold = |seed, [start, turn]: [i32; 2], folds: u32, fold: u32| {
            // A fold beyond the last is empty.
            let (folds, fold) = (folds.max(1), fold.min(folds.max(1)));
            let step = |fold: u64| (fold << 32).div_ceil(u64::from(folds));
            let mut made = plain(seed, start);
            (made.steps[0], made.steps[1]) = (step(u64::from(fold)), step((u64::from(fold) + 1).min(folds.into())));
            (made.turns[0], made.turns[1]) = (turn, -turn);
            made
        };
        match self {
            Self::All => plain(0, 1),
            Self::Fold { seed, folds, fold: index } => fold(seed, [0, 1], folds, index),
            Self::OutsideFold { seed, folds, fold: index } => fold(seed, [1, -1], folds, index),
            Self::Bootstrap { seed } => Steps { steps: POISSON, turns: [1; STEPS_MAX], ..plain(seed, 0) },
        }
    }

    /// How many copies of the row with this key are chosen.
    pub fn copies(self, key: u64) -> u32 {
        self.steps().copies(key)
    }
}

impl Steps {
    pub(crate) fn copies(&self, key: u64) -> u32 {
        let hash = u64::from(row_hash(self.seed, STREAM, key));
        let turns = self.steps.iter().zip(self.turns).filter(|&(&step, _)| hash >= step);
        turns.fold(self.start, |copies, (_, turn)| copies + turn) as u32
    }

    /// The weight of so many copies, no larger than any row may weigh.
    pub(crate) fn weight(&self, key: u64, weight: u32) -> u32 {
        (weight * self.copies(key)).min(WEIGHT_MAX)
    }

    /// What tells this choice's hashes from others.
    pub(crate) fn stream(&self) -> u64 {
        crate::exact::row_stream(self.seed, STREAM)
    }

    /// Copies of any row at most.
    pub(crate) fn copies_max(&self) -> u32 {
        if self.turns.iter().all(|&turn| turn == 1) { STEPS_MAX as u32 } else { 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_fold_and_outside_all_others() {
        for folds in [0, 1, 2, 3, 5, 10, 97] {
            let mut sizes = vec![0u32; folds.max(1) as usize];
            for key in 0..20_000 {
                let inside: Vec<u32> = (0..folds.max(1))
                    .filter(|&fold| RowChoice::Fold { seed: 3, folds, fold }.copies(key) == 1)
                    .collect();
                assert_eq!(inside.len(), 1, "row {key} of {folds} folds");
                for fold in 0..folds.max(1) {
                    let outside = RowChoice::OutsideFold { seed: 3, folds, fold }.copies(key);
                    assert_eq!(outside, u32::from(inside[0] != fold));
                }
                sizes[inside[0] as usize] += 1;
            }
            let share = 20_000 / folds.max(1);
            assert!(sizes.iter().all(|&size| size.abs_diff(share) < 60 + share / 20), "{sizes:?}");
        }
    }

    #[test]
    fn a_resample_has_poisson_copies_of_mean_one() {
        let mut counts = [0u32; STEPS_MAX + 1];
        (0..1_000_000).for_each(|key| counts[RowChoice::Bootstrap { seed: 1 }.copies(key) as usize] += 1);
        let rows: u32 = counts.iter().zip(0..).map(|(count, copies)| count * copies).sum();
        assert!(rows.abs_diff(1_000_000) < 4_000, "{rows} rows");
        for (count, expected) in counts.into_iter().zip([367_879, 367_879, 183_940, 61_313, 15_328, 3_066, 511, 73, 10])
        {
            assert!(count.abs_diff(expected) < 20 + 4 * (f64::from(expected).sqrt() as u32), "{counts:?}");
        }
    }

    #[test]
    fn seeds_choose_differently_and_weights_stay_bounded() {
        let copies = |seed| (0..64).map(move |key| RowChoice::Bootstrap { seed }.copies(key));
        assert!(copies(1).ne(copies(2)));
        let steps = RowChoice::Bootstrap { seed: 1 }.steps();
        let busy = (0..u64::MAX).find(|&key| steps.copies(key) > 4).unwrap();
        assert_eq!((steps.weight(busy, 1), steps.weight(busy, WEIGHT_MAX)), (steps.copies(busy), WEIGHT_MAX));
        assert_eq!((steps.copies_max(), RowChoice::All.steps().copies_max()), (8, 1));
        assert!((0..99).all(|key| RowChoice::All.copies(key) == 1));
    }
}
