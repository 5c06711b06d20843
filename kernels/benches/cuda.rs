//! Medians of the CUDA backend's primitives by events of the device, beside the limits measured in the same run.
//!
//! `cargo bench -p driftline-kernels --bench cuda [-- ROWS]`; says so where there is no device.

use driftline_kernels::{CudaBackend, CudaConfig, MeasureSize};
use std::process::ExitCode;

fn main() -> ExitCode {
    let rows = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(1_000_000);
    let backend = match CudaBackend::probe(&CudaConfig::default()) {
        Ok(backend) => backend,
        Err(reason) => {
            println!("SKIPPED: {reason}");
            return ExitCode::SUCCESS;
        }
    };
    let size = MeasureSize { rows, columns: 64, trees: 100, copy_bytes: 1 << 30, models: 1_000, model_rows: 11_000 };
    println!("{}; {} rows x {} columns, {} trees of depth 6", backend.description(), rows, size.columns, size.trees);
    println!("the batch: {} models of {} rows", size.models, size.model_rows);
    match backend.measure(size) {
        Ok(measurements) => {
            println!("{:<34} {:>12} {:>12} {:>8}", "step", "median us", "floor us", "ratio");
            for step in measurements {
                let ratio =
                    if step.floor_us > 0.0 { format!("{:.1}", step.median_us / step.floor_us) } else { "-".into() };
                println!("{:<34} {:>12.1} {:>12.1} {ratio:>8}", step.name, step.median_us, step.floor_us);
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}
