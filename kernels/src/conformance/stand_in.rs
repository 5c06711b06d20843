//! Builds the stand-in driver from the kernels as they are, or with a fault planted in them.

use crate::cuda::compiler::sources;
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// The sources of the stand-in.
const MACHINE: [&str; 3] = ["driver.cpp", "fibers.cpp", "compiler.cpp"];

/// A mistake to plant in a kernel; the suite must find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The kernels as they are.
    None,
    /// Histograms are flushed while other threads still add.
    NoBarrierBeforeFlush,
    /// Places are handed out before all warps have counted their rows.
    NoBarrierBeforePlaces,
    /// A total is taken before all warps have written their sums.
    NoBarrierBeforeTotal,
    /// Kernel values are computed before all rows are in shared memory.
    NoBarrierBeforePairs,
    /// Sums of cells are added up before all warps have written theirs.
    NoBarrierBeforeCells,
    /// Half of the threads skip a barrier.
    BarrierInBranch,
    /// Some threads return before a barrier.
    BarrierAfterReturn,
    /// A loop runs one row too far.
    OneRowTooMany,
}

impl Fault {
    /// File, what stands there, and what the fault makes of it.
    fn edit(self) -> Option<(&'static str, &'static str, &'static str)> {
        match self {
            Self::None => None,
            Self::NoBarrierBeforeFlush => {
                Some(("histogram.cu", "        __syncthreads();\n        Sums* out", "        Sums* out"))
            }
            Self::NoBarrierBeforePlaces => Some((
                "partition.cu",
                "        __syncthreads();\n        if (threadIdx.x < 2)",
                "        if (threadIdx.x < 2)",
            )),
            Self::NoBarrierBeforeTotal => Some(("gradient.cu", "    __syncthreads();\n", "")),
            Self::NoBarrierBeforePairs => {
                Some(("kernel_sums.cu", "        __syncthreads();\n        // Threads", "        // Threads"))
            }
            Self::NoBarrierBeforeCells => {
                Some(("compare.cu", "        __syncthreads();\n        i64 all", "        i64 all"))
            }
            Self::BarrierInBranch => {
                Some(("gradient.cu", "    __syncthreads();", "    if (threadIdx.x < 128) __syncthreads();"))
            }
            Self::BarrierAfterReturn => Some((
                "count.cu",
                "    __syncthreads();\n    for (u32 row",
                "    if (first + threadIdx.x >= end) return;\n    __syncthreads();\n    for (u32 row",
            )),
            Self::OneRowTooMany => Some((
                "gradient.cu",
                "row < end; row += GRADIENT_THREADS) scores",
                "row <= end; row += GRADIENT_THREADS) scores",
            )),
        }
    }
}

/// A folder with a driver and a compiler that are one library.
#[derive(Clone, Debug)]
pub(super) struct StandIn(PathBuf);

impl StandIn {
    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// The same driver in a folder without the compiler; `None` where a compiler is installed anyway.
    pub(super) fn without_compiler(&self) -> Option<Self> {
        // SAFETY: the call only tries to open the library.
        if unsafe { cudarc::nvrtc::sys::is_culib_present() } {
            skipped("a CUDA compiler is installed here and would be found");
            return None;
        }
        let folder = self.0.join("driver-only");
        std::fs::create_dir_all(&folder).expect("the build folder can be written");
        // A leftover of an earlier run is the same link.
        let _ = std::os::unix::fs::symlink("../libcuda.so", folder.join("libcuda.so"));
        Some(Self(folder))
    }
}

/// FNV-1a of a text and its end.
fn take(hash: u64, text: &[u8]) -> u64 {
    text.iter().chain(&[0]).fold(hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// The hash by which the stand-in compiler knows the sources.
fn source_hash() -> u64 {
    sources().fold(0xcbf2_9ce4_8422_2325, |hash, (name, text)| take(take(hash, name.to_bytes()), text.as_bytes()))
}

fn cusim(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cusim").join(file)
}

/// The address sanitizer's library, which must be loaded first; `None`, said loudly, where it is not installed.
pub(super) fn sanitizer_runtime() -> Option<String> {
    let output = Command::new("g++").arg("-print-file-name=libasan.so").output();
    let path = output.ok().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let path = path.filter(|path| Path::new(path).is_absolute());
    if path.is_none() {
        skipped("g++ or its address sanitizer is not installed, the kernels were not sanitized");
    }
    path
}

/// Says on standard error, which the test harness does not swallow, that something was left out.
pub(super) fn skipped(what: &str) {
    writeln!(std::io::stderr(), "SKIPPED: {what}").expect("standard error can be written");
}

/// Where built libraries lie: beside the other build outputs.
fn build_folder() -> PathBuf {
    let exe = std::env::current_exe().expect("a test knows its own file");
    exe.ancestors().nth(2).expect("tests lie two folders deep").join("driftline-cusim")
}

/// Builds the library, once per sources, fault and flags; `None`, said loudly, without g++.
pub(super) fn build(fault: Fault, flags: &[&str]) -> Option<StandIn> {
    // Tests of one process take turns, so that each library is built once.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _turn = BUILDING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if Command::new("g++").arg("--version").output().is_err() {
        skipped("g++ is not installed, the CUDA kernels were not run");
        return None;
    }
    let machine = machine(flags);
    let name = format!("{:016x}-{fault:?}", take(source_hash(), machine.as_os_str().as_encoded_bytes()));
    Some(StandIn(made_once(&name, |folder| {
        write_sources(folder, fault);
        let objects = MACHINE.map(|file| machine.join(file).with_extension("o"));
        let library = folder.join("libcuda.so");
        compile(flags, ["-shared", "-o"].map(AsRef::as_ref).into_iter().chain([library.as_os_str()]), &|command| {
            command.args(["-x", "c++"]).arg(folder.join("kernels.cu")).args(["-x", "none"]).args(&objects);
        });
        std::os::unix::fs::symlink("libcuda.so", folder.join("libnvrtc.so")).expect("the build folder can be written");
    })))
}

/// The folder `name`, filled by `make` if it is not there yet.
fn made_once(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let folder = build_folder().join(name);
    if !folder.exists() {
        let draft = folder.with_extension(std::process::id().to_string());
        std::fs::create_dir_all(&draft).expect("the build folder can be written");
        make(&draft);
        // Another process may have been faster; its files are the same.
        if std::fs::rename(&draft, &folder).is_err() {
            std::fs::remove_dir_all(&draft).expect("the build folder can be written");
        }
    }
    folder
}

/// The folder with the stand-in's own objects, which all faults share.
fn machine(flags: &[&str]) -> PathBuf {
    let texts =
        MACHINE.iter().chain(&["cusim.h"]).map(|file| std::fs::read(cusim(file)).expect("the sources are here"));
    let hash = texts.fold(source_hash(), |hash, text| take(hash, &text));
    let hash = flags.iter().fold(hash, |hash, flag| take(hash, flag.as_bytes()));
    made_once(&format!("{hash:016x}-machine"), |folder| {
        for file in MACHINE {
            let object = folder.join(file).with_extension("o");
            compile(flags, ["-c", "-o"].map(AsRef::as_ref).into_iter().chain([object.as_os_str()]), &|command| {
                command.arg(cusim(file));
            });
        }
    })
}

fn write_sources(folder: &Path, fault: Fault) {
    for (name, text) in sources() {
        let name = name.to_str().expect("names are ASCII");
        let text = match fault.edit() {
            Some((file, old, new)) if file == name => {
                assert_eq!(text.matches(old).count(), 1, "{fault:?} finds its place in {file}");
                text.replace(old, new)
            }
            _ => text.to_owned(),
        };
        std::fs::write(folder.join(name), text).expect("the build folder can be written");
    }
}

fn compile<'a>(flags: &[&str], output: impl Iterator<Item = &'a OsStr>, inputs: &dyn Fn(&mut Command)) {
    let mut command = Command::new("g++");
    command.args(["-std=c++17", "-O2", "-ffp-contract=off", "-fPIC", "-fvisibility=hidden", "-Wall", "-Werror"]);
    command.args(["-DCUSIM", &format!("-DCUSIM_SOURCE_HASH={}u", source_hash())]).args(flags);
    command.arg("-I").arg(cusim("")).args(output);
    inputs(&mut command);
    let output = command.output().expect("g++ runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
