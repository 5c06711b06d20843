//! Training sets and parameters that reach the corners: ties, gaps, hot bins, odd sizes, bounds.

use crate::exact::{WEIGHT_MAX, mix};
use crate::params::{GbdtParams, Growth};
use crate::rows::TrainSet;

/// A set filled by a function of (row, column), with labels that depend on the first column and chance.
fn filled(rows: u64, columns: usize, value: impl Fn(u64, usize) -> f32) -> TrainSet {
    let mut set = TrainSet::new(columns);
    for row in 0..rows {
        let features: Vec<f32> = (0..columns).map(|column| value(row, column)).collect();
        let is_risky = features[0] > 2.0;
        let chance = mix(row ^ 0xabcd) % 10;
        // The first two rows make both classes certain.
        let label = if row < 2 { row == 0 } else { chance < if is_risky { 6 } else { 2 } };
        set.push(mix(row), &features, label, 1);
    }
    set
}

fn draw(row: u64, column: usize) -> u64 {
    mix(row * 1_000_003 + column as u64 * 77 + 5)
}

fn weighted(mut set: TrainSet, weight: impl Fn(u64) -> u32) -> TrainSet {
    set.weights.iter_mut().zip(0..).for_each(|(entry, row)| *entry = weight(row));
    set
}

/// Named sets.
pub(super) fn sets() -> Vec<(&'static str, TrainSet)> {
    let few = |row, column| (draw(row, column) % 5) as f32;
    let many = |row, column| (draw(row, column) % 100_000) as f32 / 7.0 - 2_000.0;
    let holes = |row, column| match draw(row, column) % 6 {
        0 => f32::NAN,
        1 => f32::INFINITY,
        2 => f32::NEG_INFINITY,
        3 => -0.0,
        other => other as f32,
    };
    let hot = |row, column| if !draw(row, column).is_multiple_of(20) { 0.0 } else { (draw(row, column) >> 8) as f32 };
    vec![
        ("two rows", filled(2, 1, few)),
        ("three rows", filled(3, 2, many)),
        ("few values", filled(120, 4, few)),
        ("equal columns tie", filled(150, 5, |row, _| few(row, 0))),
        ("constant columns", filled(60, 3, |_, _| 4.0)),
        ("more values than bins", filled(700, 3, many)),
        ("missing and infinite", filled(200, 6, holes)),
        ("a column without values", filled(80, 2, |row, column| if column == 1 { f32::NAN } else { few(row, 0) })),
        ("one hot bin", filled(300, 16, hot)),
        ("one column over a tile", filled(130, 17, few)),
        ("three tiles", filled(90, 33, many)),
        ("small weights", weighted(filled(200, 4, few), |row| (draw(row, 9) % 5) as u32)),
        ("largest weights", weighted(filled(100, 3, many), |_| WEIGHT_MAX)),
        ("just packed", weighted(filled(257, 3, few), |_| 255)),
        ("just wide", weighted(filled(257, 3, few), |row| if row == 0 { 256 } else { 255 })),
        ("separable", filled(100, 1, |row, _| if row == 0 { 9.0 } else { 0.0 })),
    ]
}

/// Named parameters.
pub(super) fn params() -> Vec<(&'static str, GbdtParams)> {
    let plain = GbdtParams {
        trees: 4,
        leaves_max: 8,
        min_child_hessian_milli: 500,
        lambda_milli: 1000,
        learning_rate_milli: 300,
        rows_per_tree_milli: 1000,
        columns_per_tree_milli: 1000,
        ..GbdtParams::default()
    };
    vec![
        ("plain", plain.clone()),
        ("defaults, short", GbdtParams { trees: 5, ..GbdtParams::default() }),
        ("levels", GbdtParams { growth: Growth::Levels, depth_max: 3, ..plain.clone() }),
        ("levels without room", GbdtParams { growth: Growth::Levels, leaves_max: 6, ..plain.clone() }),
        ("unbounded", GbdtParams { lambda_milli: 0, min_child_hessian_milli: 0, leaves_max: 40, ..plain.clone() }),
        ("stumps", GbdtParams { leaves_max: 2, trees: 10, ..plain.clone() }),
        (
            "half of the rows",
            GbdtParams { rows_per_tree_milli: 500, columns_per_tree_milli: 400, seed: 9, ..plain.clone() },
        ),
        ("almost no rows", GbdtParams { rows_per_tree_milli: 1, ..plain.clone() }),
        ("balanced", GbdtParams { balance_classes: true, ..plain }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_cases_stand_on_both_sides_of_the_bound() {
        let weight = |name: &str| {
            let sets = sets();
            let (_, set) = sets.iter().find(|(found, _)| *found == name).unwrap();
            set.class_weights().total()
        };
        assert_eq!((weight("just packed"), weight("just wide")), (65_535, 65_536));
    }
}
