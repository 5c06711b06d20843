//! Training sets and rows to score, as callers hand them over.
//!
//! A training set is a multiset: order never matters, a weight of zero is no row, and a weight of w is w copies of the row.

use crate::KernelError;
use crate::exact::{COLUMNS_MAX, ROWS_MAX, TOTAL_WEIGHT_MAX, WEIGHT_MAX, ordered};
use sha2::{Digest, Sha256};
use std::cmp::Ordering;

/// The training rows of one repository or fold. All vectors have one entry per row, `features` has `columns` per row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrainSet {
    /// Features per row.
    pub columns: usize,
    /// Features, row after row; NaN is "missing", infinities count as the largest finite value.
    pub features: Vec<f32>,
    /// Identity of each row; it decides which trees see the row and nothing else.
    pub keys: Vec<u64>,
    /// Whether the change was defective.
    pub labels: Vec<bool>,
    /// How many copies the row stands for; zero is none.
    pub weights: Vec<u32>,
}

/// Borrowed rows to score, row after row.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Features per row.
    pub columns: usize,
    /// Features; the length is a multiple of `columns`.
    pub features: &'a [f32],
}

impl<'a> Rows<'a> {
    /// How many rows these are.
    pub fn count(&self) -> usize {
        self.features.len() / self.columns.max(1)
    }

    /// The same rows in pieces of at most `count`; one piece without rows where there are none.
    pub(crate) fn pieces(self, count: usize) -> impl Iterator<Item = Rows<'a>> {
        let pieces = self.count().div_ceil(count).max(1);
        let cut = move |row: usize| (row * count).min(self.count()) * self.columns;
        (0..pieces).map(move |piece| Self { features: &self.features[cut(piece)..cut(piece + 1)], ..self })
    }

    /// Refuses rows that are not whole or not of the model's width.
    pub(crate) fn check(&self, columns: usize) -> Result<(), KernelError> {
        if self.columns != columns {
            return Err(KernelError::Columns { found: self.columns, expected: columns });
        }
        let whole = self.count() * columns;
        if whole == self.features.len() {
            Ok(())
        } else {
            Err(KernelError::Shape { part: "features", found: self.features.len(), expected: whole + columns })
        }
    }
}

/// Weight of each class of a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassWeights {
    /// Weight of clean rows.
    pub clean: u64,
    /// Weight of defective rows.
    pub defective: u64,
}

impl ClassWeights {
    /// Weight of all rows.
    pub fn total(self) -> u64 {
        self.clean + self.defective
    }

    /// Refuses weights that no model can be trained on.
    pub(crate) fn check(self) -> Result<(), KernelError> {
        match (self.clean, self.defective) {
            (0, 0) => Err(KernelError::EmptySet),
            (0, _) => Err(KernelError::OneClass { label: true }),
            (_, 0) => Err(KernelError::OneClass { label: false }),
            _ if self.total() > TOTAL_WEIGHT_MAX => {
                Err(KernelError::TotalWeight { total: self.total(), max: TOTAL_WEIGHT_MAX })
            }
            _ => Ok(()),
        }
    }
}

impl TrainSet {
    /// A set without rows.
    pub fn new(columns: usize) -> Self {
        Self { columns, ..Self::default() }
    }

    /// Adds a row. Panics when `features` is not as wide as the set: that is a fault of the calling code.
    pub fn push(&mut self, key: u64, features: &[f32], label: bool, weight: u32) {
        assert_eq!(features.len(), self.columns, "a row is as wide as its set");
        self.features.extend_from_slice(features);
        self.keys.push(key);
        self.labels.push(label);
        self.weights.push(weight);
    }

    /// How many rows there are, those of weight zero included.
    pub fn rows(&self) -> usize {
        self.keys.len()
    }

    /// The features of one row.
    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.features[row * self.columns..(row + 1) * self.columns]
    }

    /// Weight of each class.
    pub fn class_weights(&self) -> ClassWeights {
        let mut weights = ClassWeights::default();
        for (&label, &weight) in self.labels.iter().zip(&self.weights) {
            *if label { &mut weights.defective } else { &mut weights.clean } += u64::from(weight);
        }
        weights
    }

    /// Refuses what cannot be trained on.
    pub(crate) fn check(&self) -> Result<(), KernelError> {
        let rows = self.rows();
        if !(1..=COLUMNS_MAX).contains(&self.columns) {
            return Err(KernelError::ColumnCount { columns: self.columns, max: COLUMNS_MAX });
        }
        if rows > ROWS_MAX {
            return Err(KernelError::TooManyRows { rows, max: ROWS_MAX });
        }
        let parts = [
            ("features", self.features.len(), rows * self.columns),
            ("labels", self.labels.len(), rows),
            ("weights", self.weights.len(), rows),
        ];
        if let Some(&(part, found, expected)) = parts.iter().find(|(_, found, expected)| found != expected) {
            return Err(KernelError::Shape { part, found, expected });
        }
        if let Some((row, &weight)) = self.weights.iter().enumerate().find(|&(_, &weight)| weight > WEIGHT_MAX) {
            return Err(KernelError::Weight { row, weight, max: WEIGHT_MAX });
        }
        self.class_weights().check()
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        let code = |row| self.row(row).iter().map(|&value| ordered(value));
        (self.keys[a], self.labels[a]).cmp(&(self.keys[b], self.labels[b])).then_with(|| code(a).cmp(code(b)))
    }

    /// The multiset in its one canonical form: one entry (row index, weight) per distinct row, sorted by content.
    pub(crate) fn canonical(&self) -> Vec<(usize, u64)> {
        let mut order: Vec<usize> = (0..self.rows()).filter(|&row| self.weights[row] > 0).collect();
        order.sort_unstable_by(|&a, &b| self.compare(a, b));
        let mut merged: Vec<(usize, u64)> = Vec::with_capacity(order.len());
        for row in order {
            let weight = u64::from(self.weights[row]);
            match merged.last_mut() {
                Some((last, sum)) if self.compare(*last, row).is_eq() => *sum += weight,
                _ => merged.push((row, weight)),
            }
        }
        merged
    }

    /// SHA-256 of the multiset of rows: the same for any order, for any split of a weight into copies, and whatever rows of
    /// weight zero there are. Part of a model's receipt.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(b"driftline training rows 1");
        hasher.update((self.columns as u64).to_le_bytes());
        let mut bytes = Vec::new();
        for (row, weight) in self.canonical() {
            bytes.clear();
            bytes.extend(self.keys[row].to_le_bytes());
            bytes.push(u8::from(self.labels[row]));
            bytes.extend(weight.to_le_bytes());
            // No finite value has the code zero, so it can stand for "missing".
            bytes.extend(self.row(row).iter().flat_map(|&value| ordered(value).unwrap_or(0).to_le_bytes()));
            hasher.update(&bytes);
        }
        hasher.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(rows: &[(u64, f32, bool, u32)]) -> TrainSet {
        let mut set = TrainSet::new(1);
        for &(key, value, label, weight) in rows {
            set.push(key, &[value], label, weight);
        }
        set
    }

    #[test]
    fn the_digest_is_of_the_multiset() {
        let a = set(&[(1, 2.0, true, 2), (2, f32::NAN, false, 1), (3, 0.0, true, 0)]);
        let b = set(&[(2, -f32::NAN, false, 1), (1, 2.0, true, 1), (1, 2.0, true, 1)]);
        assert_eq!(a.digest(), b.digest());
        for other in [
            set(&[(1, 2.0, true, 1), (2, f32::NAN, false, 1)]),
            set(&[(1, 2.5, true, 2), (2, f32::NAN, false, 1)]),
            set(&[(1, 2.0, true, 2), (2, f32::NAN, true, 1)]),
            set(&[(4, 2.0, true, 2), (2, f32::NAN, false, 1)]),
            set(&[(1, 2.0, true, 2), (2, f32::MIN, false, 1)]),
        ] {
            assert_ne!(a.digest(), other.digest());
        }
        assert_ne!(TrainSet::new(1).digest(), TrainSet::new(2).digest());
    }

    #[test]
    fn faults_are_named() {
        assert_eq!(TrainSet::new(3).check(), Err(KernelError::EmptySet));
        assert_eq!(set(&[(1, 0.0, true, 0), (2, 0.0, false, 0)]).check(), Err(KernelError::EmptySet));
        assert_eq!(set(&[(1, 0.0, true, 1), (2, 0.0, false, 0)]).check(), Err(KernelError::OneClass { label: true }));
        assert_eq!(set(&[(1, 0.0, false, 1)]).check(), Err(KernelError::OneClass { label: false }));
        assert_eq!(TrainSet::new(0).check(), Err(KernelError::ColumnCount { columns: 0, max: COLUMNS_MAX }));
        assert!(matches!(TrainSet::new(5000).check(), Err(KernelError::ColumnCount { columns: 5000, .. })));
        let heavy = set(&[(1, 0.0, true, 1), (2, 0.0, false, 5000)]);
        assert_eq!(heavy.check(), Err(KernelError::Weight { row: 1, weight: 5000, max: WEIGHT_MAX }));
        let mut torn = set(&[(1, 0.0, true, 1), (2, 0.0, false, 1)]);
        torn.labels.pop();
        assert_eq!(torn.check(), Err(KernelError::Shape { part: "labels", found: 1, expected: 2 }));
    }

    #[test]
    fn pieces_are_the_rows_in_order() {
        let features: Vec<f32> = (0..14u8).map(f32::from).collect();
        let rows = Rows { columns: 2, features: &features };
        let lengths = |count| rows.pieces(count).map(|piece| piece.count()).collect::<Vec<_>>();
        assert_eq!((lengths(3), lengths(7), lengths(8)), (vec![3, 3, 1], vec![7], vec![7]));
        assert_eq!(rows.pieces(3).flat_map(|piece| piece.features).copied().collect::<Vec<_>>(), features);
        assert_eq!(Rows { columns: 2, features: &[] }.pieces(3).count(), 1);
    }

    #[test]
    fn torn_rows_are_refused() {
        let features = [1.0; 7];
        assert_eq!(
            Rows { columns: 3, features: &features }.check(3),
            Err(KernelError::Shape { part: "features", found: 7, expected: 9 })
        );
        assert_eq!(
            Rows { columns: 7, features: &features }.check(3),
            Err(KernelError::Columns { found: 7, expected: 3 })
        );
        assert_eq!(Rows { columns: 7, features: &features }.check(7), Ok(()));
        assert_eq!(Rows { columns: 3, features: &[] }.check(3), Ok(()));
    }
}
