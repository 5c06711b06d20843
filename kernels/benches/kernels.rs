//! CPU seconds of training, scoring and explaining, beside a bare loop over the same bytes measured in the same run.
//!
//! `cargo bench -p driftline-kernels` runs everything; a word after `--` runs the parts whose name holds it. CPU time, not wall
//! time, because machines are shared; the ratio is what compares between machines.

use driftline_kernels::{
    BundleParams, CpuBackend, GbdtParams, Rows, Scorer, TrainJob, TrainSet, TrainTask, backend::Backend, train_bundles,
    train_forests,
};
use std::hint::black_box;
use std::sync::Arc;

const CPU: CpuBackend = CpuBackend::new();

/// CPU seconds of this process so far.
fn cpu_s() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec that the call writes to.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// The least CPU time of `times` runs.
fn best<T>(times: usize, mut run: impl FnMut() -> T) -> f64 {
    let one = |_| {
        let start = cpu_s();
        black_box(run());
        cpu_s() - start
    };
    (0..times).map(one).fold(f64::MAX, f64::min)
}

fn draw(seed: u64) -> u64 {
    let word = (seed ^ 0x5851_f42d_4c95_7f2d).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (word ^ word >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 7
}

/// Rows with skewed columns and a label that several of them explain.
fn rows(count: u64, columns: usize, seed: u64) -> TrainSet {
    let mut set = TrainSet::new(columns);
    for row in 0..count {
        let unit = |column: u64| (draw(seed ^ (row * 1_000_003 + column * 97)) >> 17) as f64 / (1u64 << 40) as f64;
        let features: Vec<f32> = (0..columns as u64).map(|column| (unit(column).powi(3) * 900.0) as f32).collect();
        let signal: f32 = features.iter().take(8).enumerate().map(|(i, value)| value.ln_1p() * (i as f32 - 3.0)).sum();
        let label = f64::from(1.0 / (1.0 + (-signal / 8.0 + 1.2).exp())) > unit(columns as u64);
        set.push(draw(row), &features, label, 1);
    }
    set
}

/// What the sums of one tree cost at least: one addition per row, column and level of a balanced tree of this many leaves.
fn bare_histograms(set: &TrainSet, params: &GbdtParams) -> f64 {
    let (rows, columns) = (set.rows(), set.columns.div_ceil(16) * 16);
    let bins: Vec<u8> = (0..rows * columns).map(|index| draw(index as u64) as u8).collect();
    let gradients: Vec<u64> = (0..rows as u64).collect();
    let mut words = vec![0u64; columns * 256];
    let pass = best(5, || {
        for (row, gradient) in bins.chunks_exact(columns).zip(&gradients) {
            for (line, bin) in words.chunks_exact_mut(256).zip(row) {
                line[usize::from(*bin)] = line[usize::from(*bin)].wrapping_add(*gradient);
            }
        }
    });
    // The larger sibling is subtracted, so a level visits half of the rows after the root.
    let levels = f64::from(params.leaves_max).log2();
    pass * f64::from(params.trees) * (1.0 + (levels - 1.0) / 2.0)
}

fn report(name: &str, seconds: f64, limit: f64) {
    println!("{name:<44} {seconds:>9.3} CPU s   bare sums {limit:>7.3} CPU s   ratio {:>5.2}", seconds / limit);
}

fn train(name: &str, count: u64, columns: usize, params: &GbdtParams) {
    let set = rows(count, columns, 1);
    let load = best(2, || CPU.load(&[&set]));
    let dataset = CPU.load(&[&set]).pop().expect("one set").expect("a sound set");
    let seconds = best(3, || train_forests(&CPU, &[TrainJob { dataset: &dataset, params }]));
    report(&format!("{name}, bins"), load, bare_histograms(&set, params));
    report(&format!("{name}, trees"), seconds, bare_histograms(&set, params));
}

fn train_batch(models: u64, count: u64, columns: usize) {
    let sets: Vec<TrainSet> = (0..models).map(|seed| rows(count, columns, seed)).collect();
    let params = BundleParams::default();
    let tasks: Vec<TrainTask<'_>> = sets.iter().map(|set| TrainTask { set, params: &params }).collect();
    let seconds = best(1, || train_bundles(&CPU, &tasks));
    let limit = models as f64 * bare_histograms(&sets[0], &params.gbdt);
    report(&format!("{models} bundles of {count} x {columns} in a batch"), seconds, limit);
}

fn score(name: &str, params: &GbdtParams) {
    let columns = 32;
    let set = rows(100_000, columns, 1);
    let bundle_params = BundleParams { gbdt: params.clone(), ..BundleParams::default() };
    let bundle = train_bundles(&CPU, &[TrainTask { set: &set, params: &bundle_params }]).pop().expect("one task");
    let bundle = Arc::new(bundle.expect("a sound set"));
    let scorer = Scorer::new(&CPU, bundle.clone()).expect("the CPU does not refuse");
    let forest = CPU.forests(&[bundle.gbdt()]).expect("the CPU does not refuse").pop().expect("one model");
    for batch in [1, 64, 4096, 100_000] {
        let part = Rows { columns, features: &set.features[..batch * columns] };
        let repeat = (20_000 / batch).max(1);
        let task = [driftline_kernels::backend::ForestTask { forest: &forest, rows: part }];
        let trees = best(5, || (0..repeat).for_each(|_| drop(black_box(CPU.score(&task))))) / repeat as f64;
        let all = best(5, || (0..repeat).for_each(|_| drop(black_box(scorer.score(&CPU, part))))) / repeat as f64;
        let each = |seconds: f64| seconds / batch as f64 * 1e6;
        println!("{name}, batch {batch:<7} trees {:>7.3} us/row   all experts {:>7.3} us/row", each(trees), each(all));
    }
    let part = Rows { columns, features: &set.features[..2_000 * columns] };
    let seconds = best(3, || scorer.explain(&CPU, part));
    println!("{name}, explain {:>34.3} us/row", seconds / 2_000.0 * 1e6);
}

fn main() {
    let filter = std::env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    let peers = GbdtParams {
        leaves_max: 63,
        learning_rate_milli: 100,
        lambda_milli: 0,
        min_child_hessian_milli: 3000,
        rows_per_tree_milli: 1000,
        columns_per_tree_milli: 1000,
        ..GbdtParams::default()
    };
    let depth_6 = GbdtParams { depth_max: 6, leaves_max: 64, ..peers.clone() };
    let wants = |name: &str| name.contains(&filter);
    if wants("train-small") {
        train("11,000 x 14, defaults", 11_000, 14, &GbdtParams::default());
    }
    if wants("train-100k") {
        train("100,000 x 32, 63 leaves", 100_000, 32, &peers);
    }
    if wants("train-batch") {
        train_batch(20, 11_000, 14);
    }
    if wants("train-1m") {
        train("1,000,000 x 64, 63 leaves", 1_000_000, 64, &peers);
    }
    if wants("score") {
        score("defaults", &GbdtParams::default());
        score("100 trees of 63 leaves", &peers);
        score("100 trees of depth 6", &depth_6);
    }
}
