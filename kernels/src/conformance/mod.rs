//! One suite for any backend: whole models against a naive trainer, scores and contributions against their definitions.
//!
//! A backend conforms when it returns the same bits as the definitions here, which are written for clarity alone: sums in
//! `i128`, no histograms, no subtraction, brute-force Shapley values.

mod agreement;
mod cases;
mod choices;
#[cfg(unix)]
mod cusim;
mod oracle;
mod primitives;
mod scoring;
#[cfg(unix)]
mod stand_in;
mod tokens;
mod training;
mod vine;
mod windows;

use crate::backend::Backend;

/// Runs every case on `backend`.
pub(crate) fn run<B: Backend>(backend: &B) {
    primitives::run(backend);
    training::run(backend);
    scoring::run(backend);
    choices::run(backend);
    windows::run(backend);
    tokens::run(backend);
}

#[test]
fn the_cpu_conforms() {
    run(&crate::CpuBackend::new());
}

/// The other paths; where the core has no more than they, this runs the same twice.
#[test]
fn the_cpu_conforms_without_its_widest_registers() {
    run(&crate::CpuBackend::portable());
    run(&crate::CpuBackend::up_to(crate::cpu::Path::Avx2));
}
