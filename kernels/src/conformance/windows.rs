//! What two windows are compared by: order statistics in `i128`, kernel sums pair by pair, discrepancies in `f64`.

use crate::KernelError;
use crate::backend::Backend;
use crate::drift::{CompareTask, Comparison, KernelSumTask, MmdSums, WINDOW_ROWS_MAX, Window, WindowChange};
use crate::exact::{decay_q32, mix};
use crate::rows::Rows;
use serde_json::Value;

pub(super) fn run<B: Backend>(backend: &B) {
    comparisons_are_their_definition(backend);
    kernel_sums_are_their_definition(backend);
    published_statistics_are_met(backend);
    a_retracted_row_leaves_nothing(backend);
    faults_are_named(backend);
}

type Cells = (String, Vec<u64>, Vec<u64>);

/// Empty windows, one row, odd sizes, equal windows, one hot cell, windows at the bound, and random counts.
fn cells() -> Vec<Cells> {
    let most = WINDOW_ROWS_MAX;
    let mut cases = vec![
        ("no cells".to_owned(), vec![], vec![]),
        ("empty windows".to_owned(), vec![0; 3], vec![0; 3]),
        ("empty reference".to_owned(), vec![0; 2], vec![4, 5]),
        ("empty current".to_owned(), vec![4, 5], vec![0; 2]),
        ("one row each, apart".to_owned(), vec![1, 0], vec![0, 1]),
        ("one row each, alike".to_owned(), vec![1], vec![1]),
        ("one hot cell".to_owned(), vec![0, 900, 0, 1], vec![0, 901, 0, 0]),
        ("the bound, apart".to_owned(), vec![most, 0], vec![0, most]),
        ("the bound, turned".to_owned(), vec![0, most], vec![most, 0]),
        ("the bound, at the end".to_owned(), [vec![0; 999], vec![most]].concat(), [vec![most], vec![0; 999]].concat()),
    ];
    for len in [2, 31, 32, 33, 255, 256, 257, 511, 513, 1_000] {
        for top in [2, 9, 100_000] {
            let draw = |salt: u64| (0..len).map(|cell| mix(cell * 2 + salt + top * 7_919) % top).collect();
            cases.push((format!("{len} cells below {top}"), draw(0), draw(1)));
        }
        let same: Vec<u64> = (0..len).map(|cell| mix(cell) % 50).collect();
        cases.push((format!("{len} equal cells"), same.clone(), same));
    }
    cases
}

fn compared(reference: &[u64], current: &[u64]) -> Comparison {
    let total = |counts: &[u64]| counts.iter().map(|&count| i128::from(count)).sum::<i128>();
    let (of_reference, of_current) = (total(reference), total(current));
    let apart = |end| (total(&reference[..end]) * of_current - total(&current[..end]) * of_reference).abs();
    let ks_numerator = (0..=reference.len()).map(apart).max().unwrap_or(0) as u64;
    Comparison { reference: of_reference as u64, current: of_current as u64, ks_numerator }
}

fn comparisons_are_their_definition<B: Backend>(backend: &B) {
    let cases = cells();
    let tasks: Vec<CompareTask<'_>> =
        cases.iter().map(|(_, reference, current)| CompareTask { reference, current }).collect();
    let made = backend.compare_counts(&tasks).unwrap();
    assert_eq!(made.len(), cases.len());
    for (found, (name, reference, current)) in made.into_iter().zip(&cases) {
        assert_eq!(found, compared(reference, current), "{name}");
    }
    assert_eq!(backend.compare_counts(&[]), Ok(vec![]));
}

/// A task of so many rows, others and columns.
struct Pairs {
    name: String,
    columns: usize,
    rows: Vec<f32>,
    others: Vec<f32>,
    gamma_q32: u64,
}

impl Pairs {
    fn task(&self) -> KernelSumTask<'_> {
        let rows_of = |features| Rows { columns: self.columns, features };
        KernelSumTask { rows: rows_of(&self.rows), others: rows_of(&self.others), gamma_q32: self.gamma_q32 }
    }
}

fn pairs(name: &str, size: [usize; 3], gamma_q32: u64, value: impl Fn(u64) -> f32) -> Pairs {
    let [rows, others, columns] = size;
    let name = format!("{name}, {rows} rows, {others} others, {columns} columns");
    let drawn =
        |count: usize, salt: u64| (0..(count * columns) as u64).map(|cell| value(mix(cell * 2 + salt))).collect();
    Pairs { name, columns, rows: drawn(rows, 0), others: drawn(others, 1), gamma_q32 }
}

/// Empty, one row, sizes around every width, equal rows, gaps and infinities, and every length of kernel.
fn pair_cases() -> Vec<Pairs> {
    const HALF: u64 = 1 << 31;
    let near = |word: u64| (word % 1_000) as f32 / 250.0 - 2.0;
    let few = |word: u64| (word % 3) as f32;
    let equal = |_: u64| 5.25;
    let holes = |word: u64| match word % 7 {
        0 | 1 => f32::NAN,
        2 => f32::INFINITY,
        3 => f32::NEG_INFINITY,
        4 => -0.0,
        5 => f32::MIN_POSITIVE,
        _ => 1.0,
    };
    let mut cases = vec![
        pairs("nothing", [0, 0, 1], HALF, near),
        pairs("no others", [3, 0, 2], HALF, near),
        pairs("no rows", [0, 3, 2], HALF, near),
        pairs("one pair", [1, 1, 1], HALF, near),
        pairs("equal", [130, 9, 3], HALF, equal),
        pairs("ties", [65, 33, 4], HALF, few),
        pairs("missing and infinite", [40, 37, 3], HALF, holes),
        pairs("missing and infinite", [9, 8, 70], 1 << 28, holes),
        pairs("narrowest kernel", [20, 20, 2], 1 << 52, few),
        pairs("widest kernel", [20, 20, 2], 1, near),
        pairs("one row, many others", [1, 4_100, 1], HALF, near),
        pairs("most columns", [5, 6, 1_024], 1 << 22, near),
    ];
    for size in
        [[2, 3, 31], [3, 4, 32], [4, 5, 33], [127, 7, 2], [128, 8, 1], [129, 9, 5], [151, 16, 64], [310, 17, 65]]
    {
        for gamma_q32 in [1 << 26, HALF] {
            cases.push(pairs("near", size, gamma_q32, near));
        }
    }
    cases
}

/// One kernel value by definition, and what a mathematical library makes of it.
fn value(a: &[f32], b: &[f32], gamma: f64) -> (i64, f64) {
    let mut distance = 0.0;
    let mut apart = 0.0;
    for (&a, &b) in a.iter().zip(b) {
        let place = |value: f32| if value.is_nan() { 0.0 } else { f64::from(value.clamp(f32::MIN, f32::MAX)) };
        distance += (place(a) - place(b)) * (place(a) - place(b));
        apart += f64::from(u8::from(a.is_nan() != b.is_nan()));
    }
    let exponent = (distance + apart) * gamma;
    (decay_q32(exponent), (-exponent).exp())
}

fn kernel_sums_are_their_definition<B: Backend>(backend: &B) {
    let cases = pair_cases();
    let tasks: Vec<KernelSumTask<'_>> = cases.iter().map(Pairs::task).collect();
    let made = backend.kernel_sums(&tasks).unwrap();
    assert_eq!(made.len(), cases.len());
    for (made, case) in made.into_iter().zip(&cases) {
        let gamma = case.gamma_q32 as f64 / 4_294_967_296.0;
        assert_eq!(made.len(), case.rows.len() / case.columns, "{}", case.name);
        for (found, row) in made.into_iter().zip(case.rows.chunks_exact(case.columns)) {
            let values = case.others.chunks_exact(case.columns).map(|other| value(row, other, gamma));
            let (exact, near) = values.fold((0i128, 0.0), |sum, one| (sum.0 + i128::from(one.0), sum.1 + one.1));
            assert_eq!(i128::from(found), exact, "{}", case.name);
            let tolerance = case.others.len() as f64 / 8e9 + 1e-12;
            assert!((found as f64 / 4_294_967_296.0 - near).abs() <= tolerance, "{}", case.name);
        }
    }
    assert_eq!(backend.kernel_sums(&[]), Ok(vec![]));
}

/// The vectors that the drift statistics of the engine are tested with; their origin is stated in the file.
fn vectors(file: &str) -> Value {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../operators/tests/drift");
    let text = std::fs::read_to_string(folder.join(file)).expect("the vectors are part of the repository");
    serde_json::from_str(&text).expect("the vectors are JSON")
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

/// Two samples counted over their distinct values, in order.
fn counted(reference: &[f64], current: &[f64]) -> [Vec<u64>; 2] {
    let mut values: Vec<f64> = reference.iter().chain(current).map(|value| value + 0.0).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    [reference, current]
        .map(|sample| values.iter().map(|value| sample.iter().filter(|other| *other == value).count() as u64).collect())
}

/// Rows of one column.
fn one(features: &[f32]) -> Rows<'_> {
    Rows { columns: 1, features }
}

/// Grown from nothing, one half of the rows after the other.
fn discrepancy<B: Backend>(backend: &B, reference: &[f32], current: &[f32]) -> MmdSums {
    let mut sums = MmdSums::default();
    let mut grow = |window, sample: &[f32], other: &[f32]| {
        let (first, second) = sample.split_at(sample.len() / 2);
        for (rows, rest) in [(first, &[][..]), (second, first)] {
            let change =
                WindowChange { window, rows: one(rows), rest: one(rest), other: one(other), gamma_q32: 1 << 31 };
            sums.insert(backend, change).unwrap();
        }
    };
    grow(Window::Reference, reference, &[]);
    grow(Window::Current, current, reference);
    sums
}

fn published_statistics_are_met<B: Backend>(backend: &B) {
    let file = vectors("two_sample.json");
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 11);
    for case in cases {
        let [reference, current] = ["ref", "cur"].map(|side| numbers(&case[side]));
        let counts = counted(&reference, &current);
        let made = backend.compare_counts(&[CompareTask { reference: &counts[0], current: &counts[1] }]).unwrap();
        let expected = &case["expected"];
        assert_eq!(Some(made[0].ks_numerator), expected["ks_numerator"].as_u64(), "{}", case["name"]);
        let [reference, current] =
            [reference, current].map(|values| values.iter().map(|&v| v as f32).collect::<Vec<_>>());
        let sums = discrepancy(backend, &reference, &current);
        for (found, name) in [(sums.biased(), "biased"), (sums.unbiased(), "unbiased")] {
            // Values are rounded to 24 bits on their way into a row.
            let published = expected[format!("mmd2_rbf_gamma0.5_{name}")].as_f64();
            assert_eq!(found.is_some(), published.is_some(), "{} {name}", case["name"]);
            let (found, published) = (found.unwrap_or(0.0), published.unwrap_or(0.0));
            assert!((found - published).abs() < 2e-7, "{} {name}: {found} for {published}", case["name"]);
            let plain = plain_discrepancy(&reference, &current, name == "unbiased").unwrap_or(0.0);
            assert!((found - plain).abs() < 1e-9, "{} {name}: {found} for {plain}", case["name"]);
        }
    }
}

/// The squared discrepancy in `f64`, pair by pair.
fn plain_discrepancy(reference: &[f32], current: &[f32], unbiased: bool) -> Option<f64> {
    let mean = |a: &[f32], b: &[f32], within: bool| {
        let skip = within && unbiased;
        let pairs = a.len() * if skip { b.len() - 1 } else { b.len() };
        let kernel = |i: usize, j: usize| (-0.5 * (f64::from(a[i]) - f64::from(b[j])).powi(2)).exp();
        let row = |i: usize| (0..b.len()).filter(move |&j| !skip || i != j).map(move |j| kernel(i, j)).sum::<f64>();
        (pairs > 0).then(|| (0..a.len()).map(row).sum::<f64>() / pairs as f64)
    };
    Some(mean(reference, reference, true)? + mean(current, current, true)? - 2.0 * mean(reference, current, false)?)
}

/// The published history of insertions and retractions, in one call for its order statistics and change by change for its
/// discrepancy.
fn a_retracted_row_leaves_nothing<B: Backend>(backend: &B) {
    let file = vectors("retractions.json");
    let reference = numbers(&file["ref"]);
    let (mut current, mut states): (Vec<f64>, Vec<[Vec<u64>; 2]>) = Default::default();
    for change in file["ops"].as_array().unwrap() {
        let value = change[0].as_f64().unwrap();
        if change[1] == 1 {
            current.push(value);
        } else {
            current.swap_remove(current.iter().position(|other| *other == value).unwrap());
        }
        states.push(counted(&reference, &current));
    }
    let tasks: Vec<CompareTask<'_>> =
        states.iter().map(|[reference, current]| CompareTask { reference, current }).collect();
    let made = backend.compare_counts(&tasks).unwrap();
    for (made, after) in made.iter().zip(file["after"].as_array().unwrap()) {
        assert_eq!(made.ks_numerator, after["ks_numerator"].as_u64().unwrap_or(0));
        assert_eq!(made.current, after["n"].as_u64().unwrap());
    }
    let rows: Vec<f32> = (0..60).map(|row| (mix(row) % 90) as f32 / 20.0).collect();
    let (kept, taken) = rows.split_at(41);
    let fixed: Vec<f32> = reference.iter().map(|&value| value as f32).collect();
    let change = WindowChange {
        window: Window::Current,
        rows: one(taken),
        rest: one(kept),
        other: one(&fixed),
        gamma_q32: 1 << 31,
    };
    let mut sums = discrepancy(backend, &fixed, kept);
    let before = sums;
    sums.insert(backend, change).unwrap();
    assert_eq!(sums, discrepancy(backend, &fixed, &rows));
    sums.retract(backend, change).unwrap();
    assert_eq!((sums, sums.rows()), (before, [fixed.len() as u64, 41]));
}

fn faults_are_named<B: Backend>(backend: &B) {
    let torn = backend.compare_counts(&[CompareTask { reference: &[1, 2], current: &[1] }]);
    assert_eq!(torn, Err(KernelError::Shape { part: "current counts", found: 1, expected: 2 }));
    let many = backend.compare_counts(&[CompareTask { reference: &[WINDOW_ROWS_MAX, 1], current: &[0, 0] }]);
    assert!(matches!(many, Err(KernelError::TooManyRows { .. })));
    let (two, three) = (Rows { columns: 2, features: &[1.0; 4] }, Rows { columns: 3, features: &[1.0; 3] });
    let sums = |rows, others, gamma_q32| backend.kernel_sums(&[KernelSumTask { rows, others, gamma_q32 }]);
    assert_eq!(sums(two, three, 1), Err(KernelError::Columns { found: 3, expected: 2 }));
    let torn = Rows { columns: 2, features: &[1.0; 3] };
    assert!(matches!(sums(two, torn, 1), Err(KernelError::Shape { part: "features", .. })));
    assert!(matches!(sums(two, two, 0), Err(KernelError::Parameter { name: "gamma_q32", .. })));
    assert!(matches!(sums(two, two, u64::MAX), Err(KernelError::Parameter { name: "gamma_q32", .. })));
    let none = Rows { columns: 0, features: &[] };
    assert!(matches!(sums(none, none, 1), Err(KernelError::ColumnCount { columns: 0, .. })));
}
