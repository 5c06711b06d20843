//! What every program of the comparison needs: tables from files, clocks, and how good a guess is.
//!
//! Both our program and the peers written in Rust include this file, so that they are measured alike.

use std::fs;

/// Rows with labels.
pub(crate) struct Table {
    /// Features, row after row.
    pub(crate) rows: Vec<f32>,
    /// One per row.
    pub(crate) labels: Vec<f32>,
    /// Features per row.
    pub(crate) width: usize,
}

/// An array of `f32` from a `.npy` file of version 1, and the length of its last dimension.
fn array(path: &str) -> (Vec<f32>, usize) {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let header_end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8_lossy(&bytes[10..header_end]);
    assert!(header.contains("'<f4'") && header.contains("'fortran_order': False"), "{path}: {header}");
    let shape = header.split(['(', ')']).nth(1).expect("a header states a shape");
    let width =
        shape.split(',').filter_map(|number| number.trim().parse().ok()).next_back().expect("a shape has a number");
    (bytes[header_end..].as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect(), width)
}

impl Table {
    /// Reads one part of one table.
    pub(crate) fn read(folder: &str, name: &str, part: &str) -> Self {
        let (rows, width) = array(&format!("{folder}/{name}.{part}.rows.npy"));
        Self { rows, labels: array(&format!("{folder}/{name}.{part}.labels.npy")).0, width }
    }
}

/// CPU seconds of this process so far.
pub(crate) fn cpu_s() -> f64 {
    #[repr(C)]
    struct Time {
        seconds: i64,
        nanoseconds: i64,
    }
    unsafe extern "C" {
        fn clock_gettime(clock: i32, time: *mut Time) -> i32;
    }
    const PROCESS_CPUTIME: i32 = 2;
    let mut time = Time { seconds: 0, nanoseconds: 0 };
    // SAFETY: `time` has the layout of a timespec on 64-bit Linux, and the call writes to nothing else.
    unsafe { clock_gettime(PROCESS_CPUTIME, &mut time) };
    time.seconds as f64 + time.nanoseconds as f64 * 1e-9
}

/// The least CPU seconds of `times` runs.
pub(crate) fn best<T>(times: usize, mut run: impl FnMut() -> T) -> f64 {
    let one = |_| {
        let start = cpu_s();
        std::hint::black_box(run());
        cpu_s() - start
    };
    (0..times).map(one).fold(f64::MAX, f64::min)
}

/// Prints one line for the table.
pub(crate) fn say(who: &str, job: &str, measure: &str, value: f64) {
    println!("{who}\t{job}\t{measure}\t{value}");
}

/// The share of pairs of a positive and a negative row that the guess puts in order, ties half.
pub(crate) fn auc(guess: &[f64], labels: &[f32]) -> f64 {
    let mut order: Vec<usize> = (0..guess.len()).collect();
    order.sort_unstable_by(|&a, &b| guess[a].total_cmp(&guess[b]));
    let (mut pairs, mut positives, mut negatives) = (0.0, 0.0, 0.0);
    for group in order.chunk_by(|&a, &b| guess[a] == guess[b]) {
        let here = group.iter().filter(|&&row| labels[row] > 0.5).count() as f64;
        let others = group.len() as f64 - here;
        pairs += here * (negatives + others / 2.0);
        positives += here;
        negatives += others;
    }
    pairs / (positives * negatives)
}

/// The mean of -ln of the probability given to what happened.
pub(crate) fn log_loss(guess: &[f64], labels: &[f32]) -> f64 {
    let one = |(guess, label): (&f64, &f32)| {
        let given = if *label > 0.5 { *guess } else { 1.0 - guess };
        -given.max(1e-15).ln()
    };
    guess.iter().zip(labels).map(one).sum::<f64>() / guess.len() as f64
}
