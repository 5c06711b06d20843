//! A CUDA device: its stream, its compiled kernels, and launches over tables of tasks.
//!
//! All work goes into one stream, in order. That is why buffers need no events, and why memory that is freed after a launch
//! was queued stays valid for that launch.

use super::pinned::{Pinned, Way};
use super::replay::Replay;
use super::{CudaConfig, NoCuda, compiler};
use crate::KernelError;
use crate::exact::{Sums, sigmoid_table_q30};
use cudarc::driver::result::DriverError;
use cudarc::driver::result::graph::launch as launch_graph;
use cudarc::driver::{
    CudaContext, CudaFunction, CudaGraph, CudaSlice, CudaStream, DevicePtr, DeviceRepr, LaunchConfig, PinnedHostSlice,
    PushKernelArg, ValidAsZeroBits, sys,
};
use cudarc::nvrtc::Ptx;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Drivers before this are refused: 12.0.
const DRIVER_VERSION_MIN: i32 = 12_000;

/// Blocks of a launch at most.
const BLOCKS_MAX: usize = i32::MAX as usize;

/// The kernels, in the order of [`KERNELS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kernel {
    BinRows,
    CountBins,
    FindHotBins,
    ExplainRows,
    ScoreRows,
    StartScores,
    Gradients,
    FillHistograms,
    RestoreHotBins,
    SubtractHistograms,
    ClearHistograms,
    DivideRows,
    ReturnRows,
    AddLeaves,
    ScanColumns,
    PickSplits,
    AddInShared,
    ChooseRows,
    CompareCounts,
    SumPairs,
    CountTokens,
}

/// Name and threads per block of each kernel.
const KERNELS: [(&str, u32); 21] = [
    ("bin_rows", 256),
    ("count_bins", 256),
    ("find_hot_bins", 32),
    ("explain_rows", 64),
    ("score_rows", 128),
    ("start_scores", 256),
    ("gradients", 256),
    ("fill_histograms", 256),
    ("restore_hot_bins", 256),
    ("subtract_histograms", 256),
    ("clear_histograms", 256),
    ("divide_rows", 256),
    ("return_rows", 256),
    ("add_leaves", 256),
    ("scan_columns", 128),
    ("pick_splits", 32),
    ("add_in_shared", 256),
    ("choose_rows", 256),
    ("compare_counts", 256),
    ("kernel_sums", 128),
    ("count_tokens", 256),
];

/// Which task a block of threads works on, and on which part of it; `Block` in `exact.cuh`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Block {
    task: u32,
    part: u32,
}

// SAFETY: two words without padding.
unsafe impl DeviceRepr for Block {}

/// `Sums` as kernels see them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct DeviceSums {
    gradient: i64,
    hessian: i64,
}

// SAFETY: two words without padding, for which zero bytes are zeros.
unsafe impl DeviceRepr for DeviceSums {}
unsafe impl ValidAsZeroBits for DeviceSums {}

impl From<Sums> for DeviceSums {
    fn from(sums: Sums) -> Self {
        Self { gradient: sums.gradient, hessian: sums.hessian }
    }
}

impl From<DeviceSums> for Sums {
    fn from(sums: DeviceSums) -> Self {
        Self { gradient: sums.gradient, hessian: sums.hessian }
    }
}

/// Memory on the device.
#[derive(Debug)]
pub(super) struct Buffer<T>(CudaSlice<T>);

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        // The bindings free memory in whatever context is current, and a thread that only drops a handle has none. A failure
        // shows itself in the next call.
        let _ = self.0.context().bind_to_thread();
    }
}

impl<T> Buffer<T> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// A launch over tables that are on the device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Launch {
    pub(super) kernel: Kernel,
    /// Dynamic shared memory of a block.
    pub(super) shared_bytes: u32,
    /// Address of the table of tasks.
    pub(super) tasks: u64,
    /// Address of the table of blocks.
    pub(super) blocks: u64,
    /// Number of blocks.
    pub(super) grid: u32,
}

/// Launches that the driver queues together.
pub(super) struct Graph {
    graph: CudaGraph,
    context: Arc<CudaContext>,
}

// SAFETY: the driver lets any thread use a graph, though only one at a time; whoever holds a graph holds it alone, and
// `Device::replay` only hands it to the driver.
unsafe impl Send for Graph {}

impl std::fmt::Debug for Graph {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Graph")
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // As for memory: a thread that only drops a handle has no context.
        let _ = self.context.bind_to_thread();
    }
}

/// A device that is ready.
#[derive(Debug)]
pub(super) struct Device {
    stream: Arc<CudaStream>,
    /// What is queued here while it captures becomes a graph; nothing else is ever queued here, so no other thread's work can
    /// get into one.
    recorder: Mutex<Arc<CudaStream>>,
    replays: AtomicU64,
    /// Scores small batches; training has means of its own.
    scoring: Mutex<Replay>,
    functions: Vec<CudaFunction>,
    sigmoid_q30: Buffer<u32>,
    multiprocessors: u32,
    description: String,
}

/// A table of tasks on the device, for one or more launches.
#[derive(Debug)]
pub(super) struct Tasks<'a, T> {
    device: &'a Device,
    count: usize,
    resident: Option<Buffer<T>>,
}

fn refused(error: DriverError) -> KernelError {
    KernelError::Device { reason: error.to_string() }
}

fn no_device(error: DriverError) -> NoCuda {
    NoCuda::NoDevice { reason: error.to_string() }
}

impl Device {
    /// Opens the device and compiles the kernels for it.
    pub(super) fn open(config: &CudaConfig) -> Result<Self, NoCuda> {
        // SAFETY: the call only tries to open the library.
        if !unsafe { sys::is_culib_present() } {
            return Err(NoCuda::NoDriver);
        }
        let mut version = 0;
        // SAFETY: the pointer is valid for the call.
        unsafe { sys::cuDriverGetVersion(&mut version) }.result().map_err(no_device)?;
        if version < DRIVER_VERSION_MIN {
            return Err(NoCuda::OldDriver { version, min: DRIVER_VERSION_MIN });
        }
        let context = CudaContext::new(config.ordinal).map_err(no_device)?;
        // SAFETY: all work goes into one stream, so no event is needed to order it.
        unsafe { context.disable_event_tracking() };
        let architecture = context.compute_capability().map_err(no_device)?;
        let name = context.name().map_err(no_device)?;
        let cubin = compiler::cubin(architecture, config.cubin_cache.as_deref())?;
        let module = context.load_module(Ptx::from_binary(cubin)).map_err(no_device)?;
        let functions = KERNELS.iter().map(|(kernel, _)| module.load_function(kernel));
        let functions = functions.collect::<Result<_, _>>().map_err(no_device)?;
        let stream = context.new_stream().map_err(no_device)?;
        let sigmoid_q30 = Buffer(stream.clone_htod(sigmoid_table_q30()).map_err(no_device)?);
        let multiprocessors = context
            .attribute(sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)
            .map_err(no_device)?
            .unsigned_abs();
        let description = format!("{name}, compute capability {}.{}", architecture.0, architecture.1);
        let recorder = Mutex::new(context.new_stream().map_err(no_device)?);
        let replays = AtomicU64::new(0);
        let scoring = Mutex::new(Replay::new());
        let made = Self { stream, recorder, replays, scoring, functions, sigmoid_q30, multiprocessors, description };
        made.rehearse().map_err(|error| NoCuda::NoDevice { reason: error.to_string() })?;
        Ok(made)
    }

    /// Makes the calls that training and scoring make, with nothing to do: a driver that lacks one of them is found out while
    /// the CPU can still be taken instead.
    fn rehearse(&self) -> Result<(), KernelError> {
        self.pinned(1, 0)?;
        let graph = self.capture(&[])?;
        self.replay(&graph)?;
        self.replays.store(0, Ordering::Relaxed);
        let mut zeros = Pinned::new(Way::ToHost);
        zeros.bytes(self, 8)?;
        self.receive(&self.zeros::<u8>(8)?, 0..8, &mut zeros)
    }

    pub(super) fn description(&self) -> &str {
        &self.description
    }

    pub(super) fn sigmoid_q30(&self) -> u64 {
        self.address(&self.sigmoid_q30)
    }

    /// Where a buffer lies; valid in kernels of this device's stream while the buffer is not dropped before the launch.
    pub(super) fn address<T>(&self, buffer: &Buffer<T>) -> u64 {
        buffer.0.device_ptr(&self.stream).0
    }

    /// Memory whose contents are not set. The driver refuses empty buffers, so there is room for one entry at least.
    pub(super) fn room<T: DeviceRepr>(&self, len: usize) -> Result<Buffer<T>, KernelError> {
        // SAFETY: callers let kernels write before anything reads.
        unsafe { self.stream.alloc(len.max(1)) }.map(Buffer).map_err(refused)
    }

    pub(super) fn zeros<T: DeviceRepr + ValidAsZeroBits>(&self, len: usize) -> Result<Buffer<T>, KernelError> {
        self.stream.alloc_zeros(len.max(1)).map(Buffer).map_err(refused)
    }

    pub(super) fn upload<T: DeviceRepr>(&self, host: &[T]) -> Result<Buffer<T>, KernelError> {
        if host.is_empty() {
            return self.room(1);
        }
        self.stream.clone_htod(host).map(Buffer).map_err(refused)
    }

    /// Waits for all queued work and copies a buffer to the host.
    pub(super) fn download<T: DeviceRepr>(&self, buffer: &Buffer<T>) -> Result<Vec<T>, KernelError> {
        let host = self.stream.clone_dtoh(&buffer.0).map_err(refused)?;
        self.stream.synchronize().map_err(refused)?;
        Ok(host)
    }

    /// Queues a copy from one buffer to another of the same length.
    pub(super) fn copy<T: DeviceRepr>(&self, from: &Buffer<T>, to: &mut Buffer<T>) -> Result<(), KernelError> {
        self.stream.memcpy_dtod(&from.0, &mut to.0).map_err(refused)
    }

    /// Page-locked memory, zeroed.
    pub(super) fn pinned(&self, len: usize, flags: u32) -> Result<PinnedHostSlice<u8>, KernelError> {
        // SAFETY: the memory is written below before anything reads it.
        let mut memory = unsafe { self.stream.context().alloc_pinned_with_flags(len, flags) }.map_err(refused)?;
        memory.as_mut_slice().map_err(refused)?.fill(0);
        Ok(memory)
    }

    /// Queues a copy from page-locked memory to the front of a buffer that is at least as long.
    pub(super) fn send(&self, from: &Pinned, to: &mut Buffer<u8>) -> Result<(), KernelError> {
        self.stream.memcpy_htod(from, &mut to.0).map_err(refused)
    }

    /// Copies bytes of a buffer to page-locked memory of that length, when all queued work is done.
    pub(super) fn receive(&self, from: &Buffer<u8>, bytes: Range<usize>, to: &mut Pinned) -> Result<(), KernelError> {
        self.stream.memcpy_dtoh(&from.0.slice(bytes), to).map_err(refused)?;
        self.stream.synchronize().map_err(refused)
    }

    fn queue(&self, stream: &CudaStream, launch: &Launch) -> Result<(), KernelError> {
        let (_, threads) = KERNELS[launch.kernel as usize];
        let config = LaunchConfig {
            grid_dim: (launch.grid, 1, 1),
            block_dim: (threads, 1, 1),
            shared_mem_bytes: launch.shared_bytes,
        };
        let mut queued = stream.launch_builder(&self.functions[launch.kernel as usize]);
        queued.arg(&launch.tasks).arg(&launch.blocks);
        // SAFETY: every kernel takes a table of its tasks and a table of blocks; what tasks point to is alive while the
        // launch is queued, because memory is freed in the order of the stream.
        unsafe { queued.launch(config) }.map_err(refused)?;
        Ok(())
    }

    /// Queues launches one by one.
    pub(super) fn queue_all(&self, launches: &[Launch]) -> Result<(), KernelError> {
        launches.iter().try_for_each(|launch| self.queue(&self.stream, launch))
    }

    /// Makes launches a graph without running them.
    pub(super) fn capture(&self, launches: &[Launch]) -> Result<Graph, KernelError> {
        let recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        recorder.begin_capture(sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL).map_err(refused)?;
        let queued = launches.iter().try_for_each(|launch| self.queue(&recorder, launch));
        // The capture ends in any case, or the stream could not be used again.
        let graph = recorder.end_capture(sys::CUgraphInstantiate_flags_enum(0));
        queued?;
        let none = || KernelError::Device { reason: "a capture gave no graph".to_owned() };
        let context = recorder.context().clone();
        graph.map_err(refused)?.map(|graph| Graph { graph, context }).ok_or_else(none)
    }

    /// Queues all launches of a graph.
    pub(super) fn replay(&self, graph: &Graph) -> Result<(), KernelError> {
        self.stream.context().bind_to_thread().map_err(refused)?;
        self.replays.fetch_add(1, Ordering::Relaxed);
        // SAFETY: graph and stream are alive, and memory that the launches use is freed in the order of the stream.
        unsafe { launch_graph(graph.graph.cu_graph_exec(), self.stream.cu_stream()) }.map_err(refused)
    }

    pub(super) fn scoring(&self) -> MutexGuard<'_, Replay> {
        self.scoring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many sequences of launches were queued as graphs.
    pub(super) fn replays(&self) -> u64 {
        self.replays.load(Ordering::Relaxed)
    }

    /// Microseconds between two events around what `work` queues.
    pub(super) fn elapsed_us(&self, work: impl FnOnce() -> Result<(), KernelError>) -> Result<f64, KernelError> {
        let event = || self.stream.record_event(Some(sys::CUevent_flags::CU_EVENT_DEFAULT)).map_err(refused);
        let start = event()?;
        work()?;
        let end = event()?;
        Ok(f64::from(start.elapsed_ms(&end).map_err(refused)?) * 1000.0)
    }

    pub(super) fn multiprocessors(&self) -> u32 {
        self.multiprocessors
    }

    pub(super) fn tasks<T: DeviceRepr>(&self, host: &[T]) -> Result<Tasks<'_, T>, KernelError> {
        let resident = if host.is_empty() { None } else { Some(self.upload(host)?) };
        Ok(Tasks { device: self, count: host.len(), resident })
    }
}

impl<T: DeviceRepr> Tasks<'_, T> {
    /// Queues `kernel` over all parts of all tasks, as one launch; `parts` gives the number of parts by index of the task.
    pub(super) fn launch(&self, kernel: Kernel, parts: impl Fn(usize) -> u32) -> Result<&Self, KernelError> {
        self.launch_shared(kernel, 0, parts)
    }

    /// The same with `shared_bytes` of dynamic shared memory a block.
    pub(super) fn launch_shared(
        &self,
        kernel: Kernel,
        shared_bytes: u32,
        parts: impl Fn(usize) -> u32,
    ) -> Result<&Self, KernelError> {
        let parts = |task| (0..parts(task)).map(move |part| Block { task: task as u32, part });
        let blocks: Vec<Block> = (0..self.count).flat_map(parts).collect();
        let (Some(tasks), false) = (&self.resident, blocks.is_empty()) else { return Ok(self) };
        if blocks.len() > BLOCKS_MAX {
            return Err(KernelError::Device { reason: format!("{} blocks are too many for a launch", blocks.len()) });
        }
        let table = self.device.upload(&blocks)?;
        let launch = Launch {
            kernel,
            shared_bytes,
            tasks: self.device.address(tasks),
            blocks: self.device.address(&table),
            grid: blocks.len() as u32,
        };
        self.device.queue(&self.device.stream, &launch)?;
        Ok(self)
    }
}
