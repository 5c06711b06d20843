//! How models are trained. All parameters are integers, so that they can be hashed, compared and written exactly.
//!
//! Defaults are chosen on the change tables of public studies: 500 to 30,000 rows, 14 to 64 features, 5 to 45 % defective.

use crate::KernelError;
use crate::exact::COLUMNS_MAX;
use serde::{Deserialize, Serialize};

/// Leaves of a tree at most: a flat node has twelve bits for its child.
pub(crate) const LEAVES_MAX: u32 = 1024;
/// Depth of a tree at most: a path has then at most 32 features, which the explanation's quadrature integrates exactly.
pub(crate) const DEPTH_MAX: u32 = 32;
/// Trees of a model at most.
pub(crate) const TREES_MAX: u32 = 10_000;

/// Parameters of all experts of a bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BundleParams {
    /// Index of the feature "lines added", by which the simplest expert ranks.
    pub size_column: u32,
    /// Parameters of the logistic regression.
    pub logistic: LogisticParams,
    /// Parameters of the boosted trees.
    pub gbdt: GbdtParams,
}

/// Parameters of the logistic regression.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogisticParams {
    /// Penalty on the squared standardised coefficients, in thousandths.
    pub ridge_milli: u32,
    /// Newton steps at most.
    pub steps_max: u32,
    /// Let both classes weigh the same while fitting; the true share is put back into the intercept.
    pub balance_classes: bool,
}

impl Default for LogisticParams {
    fn default() -> Self {
        Self { ridge_milli: 1000, steps_max: 25, balance_classes: true }
    }
}

/// In which order a tree's leaves are split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Growth {
    /// The leaf with the largest gain first, one at a time: best accuracy for a number of leaves.
    Leaves,
    /// All leaves of a level together: fewest rounds, which is what a device wants.
    Levels,
}

/// Parameters of the boosted trees.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GbdtParams {
    /// Trees.
    pub trees: u32,
    /// Leaves of a tree at most.
    pub leaves_max: u32,
    /// Depth of a tree at most.
    pub depth_max: u32,
    /// Order of splitting.
    pub growth: Growth,
    /// Share of its Newton step that a leaf takes, in thousandths.
    pub learning_rate_milli: u32,
    /// Added to a leaf's Hessian sum, in thousandths of a row.
    pub lambda_milli: u32,
    /// Hessian sum of a leaf at least, in thousandths; an undecided row has a quarter.
    pub min_child_hessian_milli: u32,
    /// Share of rows a tree sees, in thousandths, chosen by a hash of the row key.
    pub rows_per_tree_milli: u32,
    /// Share of columns a tree sees, in thousandths, rounded up, chosen by hash.
    pub columns_per_tree_milli: u32,
    /// Let both classes weigh the same while fitting; the true share is put back into the base score.
    pub balance_classes: bool,
    /// Changes which rows and columns the trees see.
    pub seed: u64,
}

impl Default for GbdtParams {
    fn default() -> Self {
        Self {
            trees: 100,
            leaves_max: 15,
            depth_max: 16,
            growth: Growth::Leaves,
            learning_rate_milli: 60,
            lambda_milli: 5000,
            min_child_hessian_milli: 5000,
            rows_per_tree_milli: 800,
            columns_per_tree_milli: 800,
            balance_classes: false,
            seed: 0,
        }
    }
}

fn within(name: &'static str, value: u32, min: u32, max: u32) -> Result<(), KernelError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(KernelError::Parameter { name, value: value.into(), min: min.into(), max: max.into() })
}

impl GbdtParams {
    /// Refuses values that no model can be trained with.
    pub(crate) fn check(&self) -> Result<(), KernelError> {
        within("gbdt.trees", self.trees, 1, TREES_MAX)?;
        within("gbdt.leaves_max", self.leaves_max, 2, LEAVES_MAX)?;
        within("gbdt.depth_max", self.depth_max, 1, DEPTH_MAX)?;
        within("gbdt.learning_rate_milli", self.learning_rate_milli, 1, 1000)?;
        within("gbdt.lambda_milli", self.lambda_milli, 0, 1_000_000_000)?;
        within("gbdt.min_child_hessian_milli", self.min_child_hessian_milli, 0, 1_000_000_000)?;
        within("gbdt.rows_per_tree_milli", self.rows_per_tree_milli, 1, 1000)?;
        within("gbdt.columns_per_tree_milli", self.columns_per_tree_milli, 1, 1000)
    }
}

impl BundleParams {
    /// Refuses values that no bundle can be trained with on rows of `columns` features.
    pub(crate) fn check(&self, columns: usize) -> Result<(), KernelError> {
        let last = columns.clamp(1, COLUMNS_MAX) as u32 - 1;
        within("size_column", self.size_column, 0, last)?;
        within("logistic.ridge_milli", self.logistic.ridge_milli, 1, 1_000_000_000)?;
        within("logistic.steps_max", self.logistic.steps_max, 1, 1000)?;
        self.gbdt.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_allowed_and_faults_are_named() {
        assert_eq!(BundleParams::default().check(14), Ok(()));
        let params = BundleParams { size_column: 14, ..BundleParams::default() };
        assert!(matches!(params.check(14), Err(KernelError::Parameter { name: "size_column", value: 14, .. })));
        let zero = GbdtParams { trees: 0, ..GbdtParams::default() };
        assert!(matches!(zero.check(), Err(KernelError::Parameter { name: "gbdt.trees", .. })));
    }

    #[test]
    fn unknown_parameters_are_refused_and_missing_ones_take_their_default() {
        let params: BundleParams = serde_json::from_str(r#"{"gbdt": {"trees": 7}}"#).unwrap();
        assert_eq!(params.gbdt, GbdtParams { trees: 7, ..GbdtParams::default() });
        assert!(serde_json::from_str::<BundleParams>(r#"{"gbdt": {"tree": 7}}"#).is_err());
    }
}
