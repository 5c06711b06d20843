//! CPU time of what two windows are compared by, and of choices of rows, beside what the arithmetic costs at least.
//!
//! `cargo bench -p driftline-kernels --bench windows`; CPU seconds of one thread's work, because machines are shared.

use driftline_kernels::backend::ChoiceTask;
use driftline_kernels::{
    Backend, CompareTask, CpuBackend, KernelSumTask, RowChoice, Rows, TokenTask, TokenUse, TrainSet,
};
use std::hint::black_box;

const CPU: CpuBackend = CpuBackend::new();

/// CPU seconds of this process so far.
fn cpu_s() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec that the call writes to.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Prints nanoseconds of CPU time per unit, the least of a few runs.
fn report<T>(name: &str, units: usize, mut run: impl FnMut() -> T) {
    let one = |_| {
        let start = cpu_s();
        black_box(run());
        cpu_s() - start
    };
    let least = (0..5).map(one).fold(f64::MAX, f64::min);
    println!("{name:<44} {:>9.2} ns", least * 1e9 / units as f64);
}

fn draw(seed: u64) -> u64 {
    let word = (seed ^ 0x5851_f42d_4c95_7f2d).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (word ^ word >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 7
}

fn main() {
    for columns in [1, 14, 64] {
        let features: Vec<f32> = (0..1_024 * columns as u64).map(|cell| (draw(cell) % 1_000) as f32 / 250.0).collect();
        let rows = Rows { columns, features: &features };
        let task = KernelSumTask { rows, others: rows, gamma_q32: (1 << 31) / columns as u64 };
        report(&format!("kernel of a pair of rows, {columns} columns"), 1 << 20, || CPU.kernel_sums(&[task]));
    }
    let one = |index: u64| TokenUse { token: draw(index) % 50_000, weight: 1, is_defective: index.is_multiple_of(5) };
    let uses: Vec<TokenUse> = (0..1 << 20).map(one).collect();
    let task = TokenTask { uses: &uses, bucket_bits: 16 };
    report("use of a token, 65,536 buckets", uses.len(), || CPU.count_tokens(&[task]));
    let counts: [Vec<u64>; 2] = [1, 2].map(|salt| (0..1 << 16).map(|cell| draw(cell * salt) % 100).collect());
    let task = CompareTask { reference: &counts[0], current: &counts[1] };
    report("comparison, a cell", 1 << 16, || CPU.compare_counts(&[task]));
    let mut set = TrainSet::new(2);
    (0..1 << 17).for_each(|row| set.push(draw(row), &[(draw(row) % 99) as f32, 1.0], draw(row).is_multiple_of(9), 1));
    let dataset = CPU.load(&[&set]).pop().expect("one result per set").expect("the set is sound");
    for choice in [RowChoice::OutsideFold { seed: 1, folds: 5, fold: 0 }, RowChoice::Bootstrap { seed: 1 }] {
        let task = ChoiceTask { dataset: &dataset, choice };
        report(&format!("choice of a row, {}", name(choice)), 1 << 17, || CPU.choose_rows(&[task]));
    }
}

fn name(choice: RowChoice) -> &'static str {
    if matches!(choice, RowChoice::Bootstrap { .. }) { "resample" } else { "fold" }
}
