//! Sequences of launches whose tables go to the device as one copy, and which are replayed as a graph when they come again.
//!
//! A graph has addresses and sizes in it, so both are kept still: tables lie in one arena, each in a place whose size is a
//! power of two, and grids are filled up to powers of two with blocks that find nothing to do. Rounds of training are then
//! of few shapes, and what differs between two rounds of one shape is in the tables.

use super::device::{Buffer, Device, Graph, Kernel, Launch};
use super::pinned::{Pinned, Way};
use crate::KernelError;
use cudarc::driver::DeviceRepr;
use std::collections::BTreeMap;

/// The task of a block that finds nothing to do; `IDLE` in `exact.cuh`.
const IDLE: u32 = u32::MAX;
/// Bytes to a multiple of which sections are placed.
const SECTION_BYTES: usize = 64;
/// Shapes that are remembered; training has a few dozen.
const SHAPES_MAX: usize = 256;
/// Blocks of a launch at most.
const BLOCKS_MAX: usize = 1 << 30;

/// Where something lies in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Section(usize);

/// One launch, by offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Planned {
    kernel: Kernel,
    shared_bytes: u32,
    tasks: usize,
    blocks: usize,
    grid: u32,
}

/// Tables and launches of one sequence, for an arena at a given address.
#[derive(Debug)]
pub(super) struct Plan {
    base: u64,
    bytes: Vec<u8>,
    launches: Vec<Planned>,
    is_too_large: bool,
}

/// The bytes of a table.
fn raw<T: DeviceRepr>(table: &[T]) -> &[u8] {
    // SAFETY: what is given to a device consists of words without padding, so every byte is initialised.
    unsafe { std::slice::from_raw_parts(table.as_ptr().cast(), size_of_val(table)) }
}

impl Plan {
    fn new(base: u64) -> Self {
        Self { base, bytes: Vec::new(), launches: Vec::new(), is_too_large: false }
    }

    /// Room for so many entries that are zero before the first launch.
    pub(super) fn zeros<T>(&mut self, count: usize) -> Section {
        let start = self.bytes.len();
        let bytes = (count * size_of::<T>()).next_power_of_two().max(SECTION_BYTES);
        self.bytes.resize(start + bytes, 0);
        Section(start)
    }

    /// A table.
    pub(super) fn table<T: DeviceRepr>(&mut self, entries: &[T]) -> Section {
        let section = self.zeros::<T>(entries.len());
        self.bytes[section.0..section.0 + size_of_val(entries)].copy_from_slice(raw(entries));
        section
    }

    /// Where entry `index` of a section of `T` lies on the device.
    pub(super) fn address<T>(&self, section: Section, index: usize) -> u64 {
        self.base + (section.0 + index * size_of::<T>()) as u64
    }

    /// Plans `kernel` over all parts of the first `count` tasks of a table.
    pub(super) fn launch(
        &mut self,
        (kernel, shared_bytes): (Kernel, u32),
        (tasks, count): (Section, usize),
        parts: impl Fn(usize) -> u32,
    ) {
        let parts = |task| (0..parts(task)).map(move |part| [task as u32, part]);
        let mut blocks: Vec<[u32; 2]> = (0..count).flat_map(parts).collect();
        if blocks.is_empty() {
            return;
        }
        self.is_too_large |= blocks.len() > BLOCKS_MAX;
        let grid = blocks.len().next_power_of_two();
        blocks.resize(grid, [IDLE, 0]);
        let blocks = self.table(&blocks);
        self.launches.push(Planned { kernel, shared_bytes, tasks: tasks.0, blocks: blocks.0, grid: grid as u32 });
    }

    fn resolved(&self) -> Vec<Launch> {
        let launch = |planned: &Planned| Launch {
            kernel: planned.kernel,
            shared_bytes: planned.shared_bytes,
            tasks: self.base + planned.tasks as u64,
            blocks: self.base + planned.blocks as u64,
            grid: planned.grid,
        };
        self.launches.iter().map(launch).collect()
    }
}

/// What became of a shape so far.
#[derive(Debug)]
enum Shape {
    /// It was queued launch by launch, once.
    Seen,
    /// It is a graph.
    Captured(Graph),
}

/// An arena, the page-locked memory that it is filled and read through, and the graphs of the shapes that came again.
#[derive(Debug)]
pub(super) struct Replay {
    // Before the arena: graphs that are dropped may still run, memory is freed in the order of the stream.
    shapes: BTreeMap<Vec<Planned>, Shape>,
    arena: Option<Buffer<u8>>,
    up: Pinned,
    down: Pinned,
}

impl Replay {
    pub(super) fn new() -> Self {
        Self { shapes: BTreeMap::new(), arena: None, up: Pinned::new(Way::ToDevice), down: Pinned::new(Way::ToHost) }
    }

    /// Queues the sequence that `build` plans; what `build` gives is given back. It may be called twice, because a plan that
    /// outgrows the arena is made again for a larger one.
    pub(super) fn run<R>(&mut self, device: &Device, build: impl Fn(&mut Plan) -> R) -> Result<R, KernelError> {
        let base = self.arena.as_ref().map_or(0, |arena| device.address(arena));
        let mut plan = Plan::new(base);
        let mut made = build(&mut plan);
        if plan.is_too_large {
            return Err(KernelError::Device { reason: "a launch would have too many blocks".to_owned() });
        }
        if self.arena.as_ref().is_none_or(|arena| arena.len() < plan.bytes.len()) {
            self.shapes.clear();
            let arena = device.room(plan.bytes.len().next_power_of_two())?;
            plan = Plan::new(device.address(&arena));
            self.arena = Some(arena);
            made = build(&mut plan);
        }
        if plan.launches.is_empty() && plan.bytes.is_empty() {
            return Ok(made);
        }
        let arena = self.arena.as_mut().expect("an arena was made above");
        self.up.bytes(device, plan.bytes.len())?.copy_from_slice(&plan.bytes);
        device.send(&self.up, arena)?;
        self.queue(device, &plan)?;
        Ok(made)
    }

    /// A shape that comes for the second time is captured; one launch alone gains nothing.
    fn queue(&mut self, device: &Device, plan: &Plan) -> Result<(), KernelError> {
        if plan.launches.len() < 2 {
            return device.queue_all(&plan.resolved());
        }
        match self.shapes.get(&plan.launches) {
            Some(Shape::Captured(graph)) => device.replay(graph),
            Some(Shape::Seen) => {
                let graph = device.capture(&plan.resolved())?;
                device.replay(&graph)?;
                self.shapes.insert(plan.launches.clone(), Shape::Captured(graph));
                Ok(())
            }
            None => {
                if self.shapes.len() < SHAPES_MAX {
                    self.shapes.insert(plan.launches.clone(), Shape::Seen);
                }
                device.queue_all(&plan.resolved())
            }
        }
    }

    /// Waits for the sequence and copies `count` entries of a section to the host.
    pub(super) fn read<T: DeviceRepr + Copy>(
        &mut self,
        device: &Device,
        section: Section,
        count: usize,
    ) -> Result<Vec<T>, KernelError> {
        let Some(arena) = self.arena.as_ref().filter(|_| count > 0) else { return Ok(Vec::new()) };
        let bytes = count * size_of::<T>();
        self.down.bytes(device, bytes)?;
        device.receive(arena, section.0..section.0 + bytes, &mut self.down)?;
        // SAFETY: each piece has the size of an entry, and kernels wrote entries of this type or left zeros there.
        let entry = |piece: &[u8]| unsafe { piece.as_ptr().cast::<T>().read_unaligned() };
        Ok(self.down.brought()?.chunks_exact(size_of::<T>()).map(entry).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_of_similar_rounds_have_one_shape_and_keep_their_tables_apart() {
        let plan = |tasks: &[u64], parts: u32| {
            let mut plan = Plan::new(1 << 20);
            let results = plan.zeros::<u64>(tasks.len());
            let table = plan.table(tasks);
            plan.launch((Kernel::ScanColumns, 0), (table, tasks.len()), |_| parts);
            plan.launch((Kernel::PickSplits, 64), (table, tasks.len()), |_| 1);
            assert_eq!(plan.address::<u64>(results, 2), (1 << 20) + 16);
            assert_eq!(plan.address::<u64>(table, 1), (1 << 20) + 64 + 8);
            plan
        };
        let [first, second] = [plan(&[1, 2, 3], 5), plan(&[9, 8, 7, 6], 4)];
        assert_eq!(first.launches, second.launches);
        assert_ne!(first.bytes, second.bytes);
        assert_eq!((first.bytes.len(), first.launches[0].grid), (second.bytes.len(), 16));
        let blocks =
            first.bytes[first.launches[0].blocks..].as_chunks::<4>().0.iter().map(|&word| u32::from_le_bytes(word));
        let blocks: Vec<u32> = blocks.take(32).collect();
        assert_eq!(&blocks[..6], [0, 0, 0, 1, 0, 2]);
        assert_eq!(&blocks[28..], [2, 4, IDLE, 0]);
        assert_ne!(plan(&[1, 2, 3, 4, 5], 5).launches, first.launches);
        let mut nothing = Plan::new(0);
        let table = nothing.table::<u64>(&[]);
        nothing.launch((Kernel::PickSplits, 0), (table, 0), |_| 1);
        assert!(nothing.launches.is_empty());
    }
}
