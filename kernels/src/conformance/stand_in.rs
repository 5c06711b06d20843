//! Builds the stand-in driver from the kernels as they are, or with a fault planted in them.

use crate::cuda::compiler::sources;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

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
            println!("SKIPPED: a CUDA compiler is installed here and would be found");
            return None;
        }
        let folder = self.0.join("driver-only");
        std::fs::create_dir_all(&folder).expect("the build folder can be written");
        link(&self.0.join("libcuda.so"), &folder.join("libcuda.so"));
        Some(Self(folder))
    }
}

/// The hash by which the stand-in compiler knows the sources (FNV-1a of names and texts, ends included).
fn source_hash() -> u64 {
    let take = |hash: u64, text: &[u8]| {
        text.iter().chain(&[0]).fold(hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
    };
    sources().fold(0xcbf2_9ce4_8422_2325, |hash, (name, text)| take(take(hash, name.to_bytes()), text.as_bytes()))
}

fn link(target: &Path, name: &Path) {
    if !name.exists() {
        std::os::unix::fs::symlink(target, name).expect("the build folder can be written");
    }
}

/// The address sanitizer's library, which must be loaded first; `None`, said loudly, where it is not installed.
pub(super) fn sanitizer_runtime() -> Option<String> {
    let output = Command::new("g++").arg("-print-file-name=libasan.so").output();
    let path = output.ok().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let path = path.filter(|path| Path::new(path).is_absolute());
    if path.is_none() {
        println!("SKIPPED: g++ or its address sanitizer is not installed, the kernels were not sanitized");
    }
    path
}

/// Builds the library, once per fault and flags; `None`, said loudly, without g++.
pub(super) fn build(fault: Fault, flags: &[&str]) -> Option<StandIn> {
    // Tests of one process take turns, so that each library is built once.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _turn = BUILDING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if Command::new("g++").arg("--version").output().is_err() {
        println!("SKIPPED: g++ is not installed, the CUDA kernels were not run");
        return None;
    }
    let name = format!("driftline-cusim-{}-{fault:?}-{}", std::process::id(), flags.len());
    let folder = std::env::temp_dir().join(name);
    if !folder.join("libnvrtc.so").exists() {
        write_sources(&folder, fault);
        compile(&folder, flags);
        link(&folder.join("libcuda.so"), &folder.join("libnvrtc.so"));
    }
    Some(StandIn(folder))
}

fn write_sources(folder: &Path, fault: Fault) {
    std::fs::create_dir_all(folder).expect("the build folder can be written");
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

fn compile(folder: &Path, flags: &[&str]) {
    let cusim = Path::new(env!("CARGO_MANIFEST_DIR")).join("cusim");
    let mut command = Command::new("g++");
    command.args([
        "-std=c++17",
        "-O2",
        "-ffp-contract=off",
        "-fPIC",
        "-shared",
        "-fvisibility=hidden",
        "-Wall",
        "-Werror",
    ]);
    command.args(flags).args(["-DCUSIM", &format!("-DCUSIM_SOURCE_HASH={}u", source_hash())]);
    command.arg("-I").arg(&cusim).arg("-o").arg(folder.join("libcuda.so")).args(["-x", "c++"]);
    command
        .arg(folder.join("kernels.cu"))
        .args(["driver.cpp", "fibers.cpp", "compiler.cpp"].map(|file| cusim.join(file)));
    let output = command.output().expect("g++ runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
