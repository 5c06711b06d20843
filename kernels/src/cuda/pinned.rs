//! Page-locked host memory, through which tables go to the device and results come back: the driver copies neither of them
//! once more, and neither holds up the host.

use super::device::Device;
use crate::KernelError;
use cudarc::driver::{CudaStream, DriverError, HostSlice, PinnedHostSlice, SyncOnDrop, sys};

/// The driver hands out whole pages.
const PAGE_BYTES: usize = 4096;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Written by the host: not kept in its caches.
    ToDevice,
    /// Read by the host.
    ToHost,
}

/// A buffer that is as large as the largest transfer so far; a transfer is the part of it that is in use.
#[derive(Debug)]
pub(super) struct Pinned {
    memory: Option<PinnedHostSlice<u8>>,
    in_use: usize,
    way: Way,
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // As for memory on the device: a thread that only drops a handle has no context.
        if let Some(memory) = &self.memory {
            let _ = memory.context().bind_to_thread();
        }
    }
}

impl Pinned {
    pub(super) fn new(way: Way) -> Self {
        Self { memory: None, in_use: 0, way }
    }

    /// The next transfer's bytes, when the last one is over; the host may write them.
    pub(super) fn bytes(&mut self, device: &Device, len: usize) -> Result<&mut [u8], KernelError> {
        if self.memory.as_ref().is_none_or(|memory| memory.len() < len) {
            let flags = if self.way == Way::ToDevice { sys::CU_MEMHOSTALLOC_WRITECOMBINED } else { 0 };
            // The old memory is freed when its last transfer is over.
            self.memory = Some(device.pinned(len.next_power_of_two().max(PAGE_BYTES), flags)?);
        }
        self.in_use = len;
        let memory = self.memory.as_mut().expect("memory was made above");
        Ok(&mut memory.as_mut_slice().map_err(refused)?[..len])
    }

    /// What the last transfer brought, when it is over.
    pub(super) fn brought(&self) -> Result<&[u8], KernelError> {
        let Some(memory) = &self.memory else { return Ok(&[]) };
        Ok(&memory.as_slice().map_err(refused)?[..self.in_use])
    }
}

fn refused(error: DriverError) -> KernelError {
    KernelError::Device { reason: error.to_string() }
}

impl HostSlice<u8> for Pinned {
    fn len(&self) -> usize {
        self.in_use
    }

    unsafe fn stream_synced_slice<'a>(&'a self, stream: &'a CudaStream) -> (&'a [u8], SyncOnDrop<'a>) {
        let Some(memory) = &self.memory else { return (&[], SyncOnDrop::Sync(None)) };
        // SAFETY: the caller keeps to the one stream that all work goes into.
        let (all, sync) = unsafe { memory.stream_synced_slice(stream) };
        (&all[..self.in_use], sync)
    }

    unsafe fn stream_synced_mut_slice<'a>(&'a mut self, stream: &'a CudaStream) -> (&'a mut [u8], SyncOnDrop<'a>) {
        let Some(memory) = &mut self.memory else { return (&mut [], SyncOnDrop::Sync(None)) };
        // SAFETY: the caller keeps to the one stream that all work goes into.
        let (all, sync) = unsafe { memory.stream_synced_mut_slice(stream) };
        (&mut all[..self.in_use], sync)
    }
}
