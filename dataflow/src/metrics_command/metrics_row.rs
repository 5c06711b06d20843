//! The metrics of a space as one JSON object, its keys in the order of the alphabet.

use driftline_operators::syntax::{halstead, maintainability};
use driftline_schema::facts::SpaceMetrics;
use serde::Serialize;

/// Counts and derived values of a space.
#[derive(Serialize)]
pub(super) struct MetricsRow {
    assignments: u32,
    blank: u32,
    branches: u32,
    cloc: u32,
    cognitive: u32,
    cognitive_own: u32,
    cognitive_sonar: u32,
    conditions: u32,
    cyclomatic: u32,
    cyclomatic_modified: u32,
    exits: u32,
    functions: u32,
    halstead_bugs: f64,
    halstead_difficulty: f64,
    halstead_effort: f64,
    halstead_time_s: f64,
    halstead_volume: f64,
    lloc: u32,
    maintainability_index: f64,
    maintainability_index_sei: f64,
    maintainability_index_visual_studio: f64,
    nesting: u32,
    operands: u32,
    operands_distinct: u32,
    operators: u32,
    operators_distinct: u32,
    params: u32,
    ploc: u32,
    preproc_branches: u32,
    sloc: u32,
    yields: u32,
}

impl MetricsRow {
    /// The row of a space.
    pub(super) fn of(metrics: &SpaceMetrics) -> Self {
        let (halstead, maintainability) = (halstead(metrics), maintainability(metrics));
        // Rounded as they are printed elsewhere: digits beyond say nothing.
        Self {
            assignments: metrics.assignments,
            blank: metrics.blank,
            branches: metrics.branches,
            cloc: metrics.cloc,
            cognitive: metrics.cognitive,
            cognitive_own: metrics.cognitive_own,
            cognitive_sonar: metrics.cognitive_sonar,
            conditions: metrics.conditions,
            cyclomatic: metrics.cyclomatic,
            cyclomatic_modified: metrics.cyclomatic_modified,
            exits: metrics.exits,
            functions: metrics.functions,
            halstead_bugs: rounded(halstead.bugs, 4),
            halstead_difficulty: rounded(halstead.difficulty, 2),
            halstead_effort: rounded(halstead.effort, 1),
            halstead_time_s: rounded(halstead.time_s, 1),
            halstead_volume: rounded(halstead.volume, 1),
            lloc: metrics.lloc,
            maintainability_index: rounded(maintainability.original, 2),
            maintainability_index_sei: rounded(maintainability.sei, 2),
            maintainability_index_visual_studio: rounded(maintainability.visual_studio, 2),
            nesting: metrics.nesting,
            operands: metrics.operands,
            operands_distinct: metrics.operands_distinct,
            operators: metrics.operators,
            operators_distinct: metrics.operators_distinct,
            params: metrics.params,
            ploc: metrics.ploc,
            preproc_branches: metrics.preproc_branches,
            sloc: metrics.sloc,
            yields: metrics.yields,
        }
    }
}

/// The number that is read when `value` is printed with so many decimals.
fn rounded(value: f64, decimals: u8) -> f64 {
    let unit = [1.0, 10.0, 100.0, 1e3, 1e4].get(usize::from(decimals)).copied().unwrap_or(f64::NAN);
    let scaled = value * unit;
    // Far from a tie the rounding of the product decides nothing, and a quotient of two whole numbers is the nearest
    // double as what is read would be. Not a number fails both comparisons.
    if scaled.abs() < 1e11 && (scaled.fract().abs() - 0.5).abs() > 1e-3 {
        return scaled.round() / unit;
    }
    format!("{value:.*}", usize::from(decimals)).parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::super::metric::Metric;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_row_has_every_metric_as_it_is_printed_elsewhere() {
        let metrics =
            SpaceMetrics { sloc: 9, cloc: 2, operators: 31, operators_distinct: 7, ..SpaceMetrics::default() };
        let metrics = SpaceMetrics { operands: 17, operands_distinct: 5, cyclomatic: 3, ..metrics };
        let text = serde_json::to_string(&MetricsRow::of(&metrics)).expect("plain data");
        let row: serde_json::Value = serde_json::from_str(&text).expect("what was written");
        assert_eq!(row.as_object().map(serde_json::Map::len), Some(Metric::all().count()));
        for metric in Metric::all() {
            let printed: f64 = metric.print(&metrics).parse().expect("a number");
            assert_eq!(row[metric.name].as_f64(), Some(printed), "{}", metric.name);
        }
    }

    proptest! {
        #[test]
        fn a_rounded_value_is_the_one_that_is_printed(
            value in prop_oneof![any::<f64>(), -1e3..1e3f64, 0.0..1e9f64, (0..4_000i32).prop_map(|n| f64::from(n) / 800.0)],
            decimals in 0..6u8,
        ) {
            let printed: f64 = format!("{value:.*}", usize::from(decimals)).parse().expect("a number");
            prop_assert_eq!(rounded(value, decimals).to_bits(), printed.to_bits());
        }
    }
}
