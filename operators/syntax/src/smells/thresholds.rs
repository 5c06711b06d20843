//! The thresholds of all smells, each with its usual value and where that comes from.

use super::ratio::Ratio;
use serde::{Deserialize, Serialize};

/// What is too much. The names are those of a thresholds file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// Long method: lines of code over this.
    pub long_method_ploc: u32,
    /// Long parameter list: parameters over this, the receiver apart.
    pub long_parameter_list_params: u32,
    /// Deep nesting: levels over this.
    pub deep_nesting_levels: u32,
    /// Complex method: cyclomatic complexity over this, or ...
    pub complex_method_cyclomatic: u32,
    /// ... cognitive complexity over this.
    pub complex_method_cognitive: u32,
    /// God class: weighted methods at least this, and ...
    pub god_class_wmc: u32,
    /// ... tight class cohesion below this, and ...
    pub god_class_tcc: Ratio,
    /// ... distinct foreign data over this.
    pub god_class_atfd: u32,
    /// Data class: weight of class below this, and ...
    pub data_class_woc: Ratio,
    /// ... public fields and accessors at least this many.
    pub data_class_members: u32,
    /// Feature envy: distinct foreign data over this, and ...
    pub feature_envy_atfd: u32,
    /// ... share of own data below this, and ...
    pub feature_envy_laa: Ratio,
    /// ... objects that data belongs to at most this many.
    pub feature_envy_fdp: u32,
    /// Duplicated code: lines at least this many.
    pub duplicated_code_lines: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        // Function limits are the usual settings of linters; class rules are those of Lanza and Marinescu (2006), whose
        // "few" is 2 to 5. A duplicate is a window of 50 tokens, which may be one long line: that alone is no smell.
        Self {
            long_method_ploc: 50,
            long_parameter_list_params: 5,
            deep_nesting_levels: 4,
            complex_method_cyclomatic: 10,
            complex_method_cognitive: 15,
            god_class_wmc: 47,
            god_class_tcc: Ratio::THIRD,
            god_class_atfd: 5,
            data_class_woc: Ratio::THIRD,
            data_class_members: 3,
            feature_envy_atfd: 5,
            feature_envy_laa: Ratio::THIRD,
            feature_envy_fdp: 5,
            duplicated_code_lines: 5,
        }
    }
}
