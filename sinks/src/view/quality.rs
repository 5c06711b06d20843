//! How good the predictions at arrival turned out to be, counted over all live (prediction, label) pairs.
//!
//! Only integers are kept, so a retracted label takes back exactly what it had added. The curve is binned by whole per
//! cents of risk: the AUC is exact up to ties within one bin.

use driftline_schema::{Fixed, Label, Verdict};

const BINS: usize = 101;

/// Counts of labelled predictions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quality {
    /// Labelled predictions by whole per cent of risk: clean.
    clean: [i64; BINS],
    /// The same: defective.
    defective: [i64; BINS],
    /// Sum of squared errors, in 1e-12.
    squared_error: i128,
}

impl Default for Quality {
    fn default() -> Self {
        Self { clean: [0; BINS], defective: [0; BINS], squared_error: 0 }
    }
}

impl Quality {
    /// Adds (`diff` 1) or takes back (`diff` -1) one labelled prediction.
    pub(super) fn count(&mut self, risk: Fixed, label: Label, diff: i64) {
        let risk = risk.0.clamp(0, Fixed::ONE);
        let bin = (risk / (Fixed::ONE / 100)) as usize;
        let (bins, truth) = match label.verdict {
            Verdict::Clean => (&mut self.clean, 0),
            Verdict::Defective => (&mut self.defective, Fixed::ONE),
        };
        bins[bin] += diff;
        self.squared_error += i128::from((risk - truth) * (risk - truth)) * i128::from(diff);
    }

    /// Labelled predictions, clean and defective.
    pub fn rows(&self) -> (u64, u64) {
        let sum = |bins: &[i64; BINS]| bins.iter().sum::<i64>().unsigned_abs();
        (sum(&self.clean), sum(&self.defective))
    }

    /// Area under the ROC curve; absent while one class is empty.
    pub fn auc(&self) -> Option<f64> {
        let (clean, defective) = self.rows();
        let pairs = clean as f64 * defective as f64;
        let (mut below, mut twice_won) = (0_i128, 0_i128);
        for bin in 0..BINS {
            let (c, d) = (i128::from(self.clean[bin]), i128::from(self.defective[bin]));
            twice_won += d * (2 * below + c);
            below += c;
        }
        (pairs > 0.0).then(|| twice_won as f64 / 2.0 / pairs)
    }

    /// Mean squared error of the risk; absent while nothing is labelled.
    pub fn brier(&self) -> Option<f64> {
        let (clean, defective) = self.rows();
        let rows = clean + defective;
        (rows > 0).then(|| self.squared_error as f64 / 1e12 / rows as f64)
    }

    /// (precision, recall) of calling every risk of one half or more defective; each absent while undefined.
    pub fn at_one_half(&self) -> (Option<f64>, Option<f64>) {
        let from_half = |bins: &[i64; BINS]| bins[50..].iter().sum::<i64>();
        let (false_alarms, found) = (from_half(&self.clean), from_half(&self.defective));
        let share = |part: i64, whole: i64| (whole > 0).then(|| part as f64 / whole as f64);
        (share(found, found + false_alarms), share(found, self.defective.iter().sum()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftline_schema::EvidenceKind;

    fn label(verdict: Verdict) -> Label {
        Label { verdict, kind: EvidenceKind::Szz, provisional: false, evidence: 1 }
    }

    #[test]
    fn four_rows_worked_by_hand() {
        let mut quality = Quality::default();
        let rows = [(0.1, Verdict::Clean), (0.4, Verdict::Defective), (0.4, Verdict::Clean), (0.8, Verdict::Defective)];
        for (risk, verdict) in rows {
            quality.count(Fixed((risk * 1e6) as i64), label(verdict), 1);
        }
        // Pairs (defective, clean): (0.4, 0.1) won, (0.4, 0.4) tied, (0.8, both) won: 3.5 of 4.
        assert_eq!(quality.auc(), Some(0.875));
        let expected = (0.01 + 0.36 + 0.16 + 0.04) / 4.0;
        assert!((quality.brier().expect("labelled") - expected).abs() < 1e-12);
        assert_eq!(quality.at_one_half(), (Some(1.0), Some(0.5)));
    }

    #[test]
    fn taking_every_row_back_leaves_nothing() {
        let mut quality = Quality::default();
        for diff in [1, -1] {
            for risk in [-5, 0, 499_999, 1_000_000, 2_000_000] {
                quality.count(Fixed(risk), label(Verdict::Clean), diff);
                quality.count(Fixed(risk), label(Verdict::Defective), diff);
            }
        }
        assert_eq!(quality, Quality::default());
        assert_eq!((quality.auc(), quality.brier()), (None, None));
    }
}
