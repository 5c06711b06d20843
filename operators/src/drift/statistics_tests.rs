//! The statistics against vectors checked with independent libraries (`tests/drift/*.json`), within their tolerances.

use super::*;
use crate::drift::bins::Bins;
use serde_json::Value;
use std::collections::BTreeMap;

fn close(got: f64, expected: &Value, tolerance: f64, what: &str) {
    let expected = expected.as_f64().expect("a number");
    let bound = tolerance * got.abs().max(expected.abs()).max(1.0);
    assert!((got - expected).abs() <= bound, "{what}: {got} and {expected}");
}

fn load(text: &str) -> Value {
    serde_json::from_str(text).expect("the vectors are JSON")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn counts(value: &Value) -> Vec<u64> {
    list(value).iter().map(|count| count.as_u64().expect("a count")).collect()
}

/// Values of at most six decimals, exactly.
fn values(value: &Value) -> Vec<Fixed> {
    list(value).iter().map(|number| to_fixed(number.as_f64().expect("a number"))).collect()
}

/// Counts of both samples over one bin for each distinct value.
fn distinct_counts(reference: &[Fixed], current: &[Fixed]) -> (Vec<u64>, Vec<u64>) {
    let mut counts: BTreeMap<Fixed, (u64, u64)> = BTreeMap::new();
    reference.iter().for_each(|value| counts.entry(*value).or_default().0 += 1);
    current.iter().for_each(|value| counts.entry(*value).or_default().1 += 1);
    counts.into_values().unzip()
}

#[test]
fn count_statistics_equal_the_vectors() {
    let vectors = load(include_str!("../../tests/drift/counts.json"));
    for case in list(&vectors["cases"]) {
        let (reference, current) = (counts(&case["ref"]), counts(&case["cur"]));
        let (name, expected) = (case["name"].as_str().expect("a name"), &case["expected"]);
        close(population_stability_index(&reference, &current), &expected["psi_laplace_half"], 1e-10, name);
        let test = chi_square(&reference, &current);
        close(test.statistic, &expected["chi2"], 1e-10, name);
        assert_eq!(u64::from(test.freedom), expected["chi2_dof"], "{name}");
        close(test.p_value(), &expected["chi2_p"], 1e-9, name);
        close(jensen_shannon_divergence(&reference, &current), &expected["js_divergence_base2"], 1e-10, name);
        close(jensen_shannon_distance(&reference, &current), &expected["js_distance_base2"], 1e-7, name);
    }
}

#[test]
fn the_chi_square_tail_equals_the_table_even_far_out() {
    let vectors = load(include_str!("../../tests/drift/counts.json"));
    for row in list(&vectors["chi2_sf"]) {
        let (x, freedom) = (row["x"].as_f64().expect("a number"), row["dof"].as_u64().expect("a count"));
        let (tail, expected) = (chi_square_tail(x, freedom as u32), row["sf"].as_f64().expect("a number"));
        assert!((tail - expected).abs() <= 1e-11 * expected, "{x}, {freedom}: {tail} and {expected}");
    }
}

#[test]
fn binned_values_equal_the_vectors() {
    let vector = load(include_str!("../../tests/drift/binned.json"));
    let (mut reference, current) = (values(&vector["ref"]), values(&vector["cur"]));
    reference.sort_unstable();
    let bins = Bins::deciles(&reference);
    assert_eq!(bins.edges(), values(&vector["edges"]));
    let (reference, current) = (bins.histogram(reference), bins.histogram(current));
    assert_eq!(reference[..bins.bin_count()], counts(&vector["ref_counts"]));
    assert_eq!(current[..bins.bin_count()], counts(&vector["cur_counts"]));
    let expected = &vector["expected"];
    close(population_stability_index(&reference, &current), &expected["psi_laplace_half"], 1e-10, "psi");
    close(chi_square(&reference, &current).statistic, &expected["chi2"], 1e-10, "chi-square");
    close(jensen_shannon_distance(&reference, &current), &expected["js_distance_base2"], 1e-7, "js");
}

#[test]
fn kolmogorov_smirnov_equals_the_vectors() {
    let vectors = load(include_str!("../../tests/drift/two_sample.json"));
    for row in list(&vectors["kolmogorov_sf"]) {
        close(kolmogorov_tail(row["lambda"].as_f64().expect("a number")), &row["q"], 1e-12, "tail");
    }
    assert_eq!((kolmogorov_tail(1e-9), kolmogorov_tail(0.01), kolmogorov_tail(100.0)), (1.0, 1.0, 0.0));
    for case in list(&vectors["cases"]) {
        let (reference, current) = (values(&case["ref"]), values(&case["cur"]));
        let (a, b) = distinct_counts(&reference, &current);
        let (n, m) = (reference.len() as u64, current.len() as u64);
        let numerator = kolmogorov_smirnov_numerator(&a, &b);
        assert_eq!(numerator, u128::from(case["expected"]["ks_numerator"].as_u64().expect("a count")));
        let p = kolmogorov_smirnov_p(numerator, n, m);
        close(p, &case["expected"]["ks_p_kolmogorov"], 1e-12, case["name"].as_str().expect("a name"));
    }
}

#[test]
fn benjamini_hochberg_equals_the_vectors() {
    let vectors = load(include_str!("../../tests/drift/multiple_testing.json"));
    for case in list(&vectors["cases"]) {
        let p: Vec<f64> = list(&case["p"]).iter().map(|p| p.as_f64().expect("a number")).collect();
        for (got, expected) in benjamini_hochberg(&p).iter().zip(list(&case["expected"]["bh"])) {
            close(*got, expected, 1e-12, case["name"].as_str().expect("a name"));
        }
    }
    assert!(benjamini_hochberg(&[]).is_empty());
}

#[test]
fn statistics_hold_after_every_insertion_and_retraction() {
    let vectors = load(include_str!("../../tests/drift/retractions.json"));
    let (edges, reference) = (values(&vectors["edges"]), values(&vectors["ref"]));
    let bin = |value: Fixed| edges.partition_point(|edge| *edge <= value);
    let mut reference_counts = vec![0; edges.len() + 1];
    reference.iter().for_each(|value| reference_counts[bin(*value)] += 1);
    let mut current_counts = vec![0; edges.len() + 1];
    let mut live: Vec<Fixed> = Vec::new();
    for (operation, after) in list(&vectors["ops"]).iter().zip(list(&vectors["after"])) {
        let value = to_fixed(operation[0].as_f64().expect("a number"));
        if operation[1] == 1 {
            live.push(value);
            current_counts[bin(value)] += 1;
        } else {
            live.swap_remove(live.iter().position(|other| *other == value).expect("was inserted"));
            current_counts[bin(value)] -= 1;
        }
        if live.is_empty() {
            assert_eq!(current_counts, [0; 8], "nothing is left behind");
            continue;
        }
        assert_eq!(current_counts, counts(&after["counts"]));
        let index = population_stability_index(&reference_counts, &current_counts);
        close(index, &after["psi_laplace_half"], 1e-10, "psi");
        close(chi_square(&reference_counts, &current_counts).statistic, &after["chi2"], 1e-10, "chi-square");
        let divergence = jensen_shannon_divergence(&reference_counts, &current_counts);
        close(divergence, &after["js_divergence_base2"], 1e-10, "js");
        let (a, b) = distinct_counts(&reference, &live);
        let numerator = kolmogorov_smirnov_numerator(&a, &b);
        assert_eq!(numerator, u128::from(after["ks_numerator"].as_u64().expect("a count")));
    }
}

#[test]
fn records_round_half_away_from_zero_and_saturate() {
    assert_eq!(to_fixed(0.000_000_5), Fixed(1));
    assert_eq!(to_fixed(0.000_000_499), Fixed(0));
    assert_eq!(to_fixed(f64::INFINITY), Fixed(i64::MAX));
    assert_eq!(to_fixed(f64::NAN), Fixed(0));
}
