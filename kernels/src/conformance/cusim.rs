//! The CUDA backend without a GPU: its kernels compiled for the CPU, behind a stand-in driver that the bindings load.
//!
//! The library search path is fixed when a process starts, so each run is a child: this test binary again, asked for one of
//! the ignored tests at the end. Only g++ is needed; where it is missing the tests say so and pass.

use super::stand_in::{Fault, StandIn, build, sanitizer_runtime, skipped};
use super::{agreement, run, scoring};
use crate::backend::Backend;
use crate::{AutoBackend, CudaBackend, CudaConfig, MeasureSize, NoCuda};
use std::process::{Command, Output};

/// Set in children only.
const CHILD: &str = "DRIFTLINE_CUSIM_CHILD";

/// Runs one of the children below with the stand-in as its driver.
fn run_child(test: &str, stand_in: &StandIn, settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().expect("a test knows its own file"));
    command.args(["--exact", &format!("conformance::cusim::{test}"), "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("LD_LIBRARY_PATH", stand_in.folder()).env(CHILD, "1");
    command.envs(settings.iter().copied()).output().expect("the test binary runs")
}

/// Everything a child printed.
fn printed(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

fn assert_passes(test: &str, stand_in: &StandIn, settings: &[(&str, &str)]) {
    let output = run_child(test, stand_in, settings);
    let text = printed(&output);
    assert!(output.status.success() && text.contains("1 passed"), "{settings:?}\n{text}");
}

#[test]
fn the_cuda_backend_conforms_on_the_stand_in() {
    let Some(stand_in) = build(Fault::None, &[]) else { return };
    assert_passes("child_conforms", &stand_in, &[]);
}

#[test]
fn an_automatic_backend_conforms_on_both_sides_of_its_crossover() {
    let backend = AutoBackend::cpu();
    assert_eq!((backend.name(), backend.description(), backend.fallback()), ("cpu", "cpu", Some(&NoCuda::NotWanted)));
    agreement::run(&backend);
    let Some(stand_in) = build(Fault::None, &[]) else { return };
    assert_passes("child_conforms_automatically", &stand_in, &[]);
}

#[test]
fn shuffled_schedules_change_no_bit() {
    let Some(stand_in) = build(Fault::None, &[]) else { return };
    for seed in 1..8 {
        assert_passes("child_agrees", &stand_in, &[("CUSIM_FUZZ", &seed.to_string())]);
    }
}

#[test]
fn threads_share_a_device() {
    let Some(stand_in) = build(Fault::None, &[]) else { return };
    assert_passes("child_shares_a_device", &stand_in, &[("CUSIM_FUZZ", "3")]);
}

#[test]
fn waves_that_do_not_fit_are_halved() {
    let Some(stand_in) = build(Fault::None, &[]) else { return };
    assert_passes("child_halves_waves", &stand_in, &[("CUSIM_MEMORY", "20000000")]);
}

#[test]
fn fibers_of_the_c_library_agree() {
    // What other processors than x86-64 use.
    let Some(stand_in) = build(Fault::None, &["-DCUSIM_UCONTEXT"]) else { return };
    assert_passes("child_agrees", &stand_in, &[]);
}

/// What lets a child run with a sanitized library; `None`, said loudly, where the sanitizers are not installed.
fn sanitized(fault: Fault) -> Option<(StandIn, String)> {
    let runtime = sanitizer_runtime()?;
    let flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-g"];
    Some((build(fault, &flags)?, runtime))
}

fn sanitizer_settings(runtime: &str) -> [(&str, &str); 2] {
    [("LD_PRELOAD", runtime), ("ASAN_OPTIONS", "detect_leaks=0:detect_stack_use_after_return=0")]
}

#[test]
fn sanitizers_find_nothing() {
    let Some((stand_in, runtime)) = sanitized(Fault::None) else { return };
    assert_passes("child_agrees", &stand_in, &sanitizer_settings(&runtime));
}

/// A planted fault must make the child fail, for the reason given.
fn assert_found(stand_in: &StandIn, settings: &[(&str, &str)], reason: &str) {
    let output = run_child("child_agrees", stand_in, settings);
    let text = printed(&output);
    assert!(!output.status.success() && text.contains(reason), "not found: {reason}\n{text}");
}

#[test]
fn missing_barriers_are_found() {
    let faults = [
        Fault::NoBarrierBeforeFlush,
        Fault::NoBarrierBeforePlaces,
        Fault::NoBarrierBeforeTotal,
        Fault::NoBarrierBeforePairs,
        Fault::NoBarrierBeforeCells,
    ];
    for fault in faults {
        let Some(stand_in) = build(fault, &[]) else { return };
        // Which order of threads shows the fault is a matter of luck, so any one of a few schedules may.
        let found = (0..4u32).any(|seed| {
            let output = run_child("child_agrees", &stand_in, &[("CUSIM_FUZZ", &seed.to_string())]);
            !output.status.success()
        });
        assert!(found, "{fault:?} was not found");
    }
}

#[test]
fn divergent_barriers_are_found() {
    for fault in [Fault::BarrierInBranch, Fault::BarrierAfterReturn] {
        let Some(stand_in) = build(fault, &[]) else { return };
        assert_found(&stand_in, &[], "a divergent barrier");
    }
}

#[test]
fn accesses_out_of_bounds_are_found() {
    let Some((stand_in, runtime)) = sanitized(Fault::OneRowTooMany) else { return };
    assert_found(&stand_in, &sanitizer_settings(&runtime), "heap-buffer-overflow");
}

#[test]
fn what_is_missing_is_said_and_never_a_panic() {
    let Some(stand_in) = build(Fault::None, &[]) else { return };
    let cases: [(&[(&str, &str)], &str); 5] = [
        (&[("CUSIM_DEVICES", "0")], "no CUDA device can be used"),
        (&[("CUSIM_DRIVER_VERSION", "11040")], "the CUDA driver has version 11040"),
        (&[("CUSIM_COMPILER_FAILS", "1")], "kernels.cu(1): error: asked to fail"),
        (&[("CUSIM_MEMORY", "1000")], "no CUDA device can be used"),
        (&[("CUSIM_GRAPHS", "0")], "no CUDA device can be used"),
    ];
    for (settings, reason) in cases {
        assert_refused(&stand_in, settings, reason);
    }
    let Some(driver_only) = stand_in.without_compiler() else { return };
    assert_refused(&driver_only, &[], "no CUDA run-time compiler");
}

fn assert_refused(stand_in: &StandIn, settings: &[(&str, &str)], reason: &str) {
    let output = run_child("child_is_refused", stand_in, settings);
    let text = printed(&output);
    assert!(output.status.success() && text.contains(reason) && !text.contains("panicked"), "{reason}\n{text}");
}

#[test]
fn measuring_runs_on_the_stand_in() {
    let Some(stand_in) = build(Fault::None, &[]) else { return };
    assert_passes("child_measures", &stand_in, &[]);
}

/// The device of this machine; `None`, said loudly, where there is none.
fn device() -> Option<CudaBackend> {
    let opened = CudaBackend::probe(&CudaConfig::default());
    opened.map_err(|reason| skipped(&format!("{reason}; the CUDA backend ran on the stand-in only"))).ok()
}

#[test]
fn a_device_agrees() {
    if let Some(backend) = device() {
        agreement::run(&backend);
    }
}

#[test]
fn a_device_conforms() {
    if let Some(backend) = device() {
        run(&backend);
    }
}

#[test]
fn without_a_driver_there_is_a_reason() {
    // Where a driver is installed this opens a device or says why not; both are answers.
    match CudaBackend::probe(&CudaConfig::default()) {
        Err(NoCuda::NoDriver) => {}
        other => {
            println!("a CUDA driver is installed here: {:?}", other.map(|backend| backend.description().to_owned()))
        }
    }
}

fn is_child() -> bool {
    let is_child = std::env::var_os(CHILD).is_some();
    if !is_child {
        println!("run by the tests above, with the stand-in driver");
    }
    is_child
}

fn open() -> CudaBackend {
    let cache = std::env::temp_dir().join(format!("driftline-cusim-cache-{}", std::process::id()));
    let config = CudaConfig { ordinal: 0, cubin_cache: Some(cache.clone()) };
    let backend = CudaBackend::probe(&config).expect("the stand-in is a device");
    // The second time the kernels come from the cache.
    let again = CudaBackend::probe(&config).expect("the stand-in is still a device");
    assert_eq!((backend.description(), again.description()), ("cusim, compute capability 9.0", backend.description()));
    std::fs::remove_dir_all(cache).expect("the cache was written");
    backend
}

#[test]
#[ignore = "a child of the_cuda_backend_conforms_on_the_stand_in"]
fn child_conforms() {
    if is_child() {
        run(&open());
    }
}

#[test]
#[ignore = "a child of an_automatic_backend_conforms_on_both_sides_of_its_crossover"]
fn child_conforms_automatically() {
    if is_child() {
        // So low that pairs of rows and tokens, of which many cost as much as a row, reach the device as well.
        let backend = AutoBackend::probe(&CudaConfig::default()).with_crossover(60);
        assert_eq!((backend.name(), backend.fallback()), ("cuda", None));
        agreement::run(&backend);
        scoring::run(&backend);
    }
}

#[test]
fn an_automatic_backend_measures_its_crossover_once() {
    let Some(stand_in) = build(Fault::None, &[]) else { return };
    assert_passes("child_measures_its_crossover", &stand_in, &[]);
}

#[test]
#[ignore = "a child of an_automatic_backend_measures_its_crossover_once"]
fn child_measures_its_crossover() {
    if is_child() {
        let backend = AutoBackend::probe(&CudaConfig::default());
        let clone = backend.clone();
        assert_eq!(backend.crossover(), None);
        agreement::large_calls_are_scored(&backend);
        let measured = backend.crossover();
        assert!(measured.is_some_and(|rows| rows >= 1), "{measured:?}");
        agreement::large_calls_are_scored(&clone);
        assert_eq!(clone.crossover(), measured);
        assert_eq!(backend.with_crossover(7).crossover(), Some(7));
        assert_eq!(AutoBackend::cpu().crossover(), None);
    }
}

#[test]
#[ignore = "a child of the tests that need one short run"]
fn child_agrees() {
    if is_child() {
        let backend = open();
        assert_eq!(backend.graphs_replayed(), 0);
        agreement::run(&backend);
        // Rounds come again in the same shapes, so many of them are graphs even in so short a training.
        let replayed = backend.graphs_replayed();
        assert!(replayed >= 20, "{replayed} graphs were replayed");
    }
}

#[test]
#[ignore = "a child of threads_share_a_device"]
fn child_shares_a_device() {
    if is_child() {
        let backend = open();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| agreement::run(&backend));
            }
        });
        assert!(backend.graphs_replayed() >= 60);
    }
}

#[test]
#[ignore = "a child of waves_that_do_not_fit_are_halved"]
fn child_halves_waves() {
    if is_child() {
        agreement::a_wave_is_halved(&open());
    }
}

#[test]
#[ignore = "a child of measuring_runs_on_the_stand_in"]
fn child_measures() {
    if is_child() {
        let size = MeasureSize { rows: 300, columns: 3, trees: 2, copy_bytes: 1 << 20, models: 2, model_rows: 100 };
        let made = open().measure(size).expect("the stand-in does everything");
        assert!(made.len() == 20 && made.iter().all(|step| step.median_us >= 0.0), "{made:?}");
    }
}

#[test]
#[ignore = "a child of what_is_missing_is_said_and_never_a_panic"]
fn child_is_refused() {
    if is_child() {
        let refused = CudaBackend::probe(&CudaConfig::default()).expect_err("the device cannot be used");
        println!("{refused}");
    }
}
