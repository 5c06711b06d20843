//! Logistic regression over signed logarithms of the features, stored and applied as integers.
//!
//! A feature's contribution is its distance from the training mean times a slope, rounded once, so contributions add up to
//! the score exactly. A missing value stands at the mean and contributes nothing.

mod fit;

use crate::KernelError;
use crate::backend::Contributions;
use crate::bytes::{Reader, Writer};
use crate::exact::{COLUMNS_MAX, signed_log_q32};

pub(crate) use fit::fit;

/// Contribution of one feature at most, in Q24: far beyond certainty, and small enough to be summed.
const CONTRIBUTION_MAX_Q24: i128 = 1 << 40;
/// A contribution is a product of two Q32 numbers and is kept in Q24.
const SHIFT: u32 = 40;

/// One feature's part in the score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Slope {
    /// Mean of the signed logarithm over the training rows, in Q32.
    mean_q32: i64,
    /// Log-odds per unit of the signed logarithm, in Q32.
    slope_q32: i64,
}

impl Slope {
    fn contribution_q24(self, value: f32) -> i64 {
        if value.is_nan() {
            return 0;
        }
        let product = i128::from(signed_log_q32(value) - self.mean_q32) * i128::from(self.slope_q32);
        let rounded = (product + (1 << (SHIFT - 1))) >> SHIFT;
        rounded.clamp(-CONTRIBUTION_MAX_Q24, CONTRIBUTION_MAX_Q24) as i64
    }
}

/// A fitted logistic regression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Logistic {
    intercept_q24: i64,
    slopes: Vec<Slope>,
}

impl Logistic {
    /// Features per row.
    pub fn columns(&self) -> usize {
        self.slopes.len()
    }

    /// Log-odds of a row at the training mean, in Q24.
    pub fn intercept_q24(&self) -> i64 {
        self.intercept_q24
    }

    /// Log-odds, in Q24.
    pub fn score_row(&self, row: &[f32]) -> i64 {
        let parts = self.slopes.iter().zip(row).map(|(slope, &value)| slope.contribution_q24(value));
        self.intercept_q24 + parts.sum::<i64>()
    }

    /// The score split by feature.
    pub fn explain_row(&self, row: &[f32]) -> Contributions {
        let parts = self.slopes.iter().zip(row).map(|(slope, &value)| slope.contribution_q24(value));
        Contributions { base_q24: self.intercept_q24, features_q24: parts.collect() }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.i64(self.intercept_q24);
        writer.u32(self.columns() as u32);
        for slope in &self.slopes {
            writer.i64(slope.mean_q32);
            writer.i64(slope.slope_q32);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, KernelError> {
        let intercept_q24 = reader.i64()?;
        let mut slopes = Vec::new();
        for _ in 0..reader.length(1, COLUMNS_MAX)? {
            slopes.push(Slope { mean_q32: reader.i64()?, slope_q32: reader.i64()? });
        }
        let is_far = |slope: &Slope| slope.mean_q32.unsigned_abs() > 1 << 40;
        if intercept_q24.unsigned_abs() > 1 << 40 || slopes.iter().any(is_far) {
            return Err(reader.fault("a coefficient is out of range"));
        }
        Ok(Self { intercept_q24, slopes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contributions_add_up_and_missing_contributes_nothing() {
        let model = Logistic {
            intercept_q24: -1000,
            slopes: vec![Slope { mean_q32: 1 << 32, slope_q32: 3 << 31 }, Slope { mean_q32: 5, slope_q32: i64::MAX }],
        };
        for row in [[0.0, 1.0], [f32::NAN, -7.5], [f32::INFINITY, f32::NEG_INFINITY], [12.0, f32::NAN]] {
            let made = model.explain_row(&row);
            assert_eq!(made.base_q24 + made.features_q24.iter().sum::<i64>(), model.score_row(&row));
        }
        assert_eq!(model.explain_row(&[f32::NAN, f32::NAN]).features_q24, [0, 0]);
        let log_odds = model.explain_row(&[(std::f64::consts::E - 1.0) as f32, f32::NAN]).features_q24[0];
        assert!(log_odds.abs() < 8, "at the mean: {log_odds}");
    }
}
