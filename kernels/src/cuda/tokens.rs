//! Launches that count hashed tokens by class.

use super::device::{Buffer, Device, Kernel};
use crate::KernelError;
use crate::tokens::{TokenCounts, TokenTask};
use cudarc::driver::DeviceRepr;

/// Uses of a block of `count_tokens`.
const TOKEN_USES: u32 = 4096;

/// `TokenUse` in `tokens.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Use {
    token: u64,
    weight: i32,
    is_defective: u32,
}

/// `TokenTask` in `tokens.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct CountTokens {
    uses: u64,
    counts: u64,
    count: u32,
    shift: u32,
}

// SAFETY: words without padding, in the order of the kernel's structures.
unsafe impl DeviceRepr for Use {}
unsafe impl DeviceRepr for CountTokens {}

/// One launch for all tasks.
pub(super) fn count(device: &Device, tasks: &[TokenTask<'_>]) -> Result<Vec<TokenCounts>, KernelError> {
    tasks.iter().try_for_each(TokenTask::check)?;
    let uses = |task: &TokenTask<'_>| {
        let own = task.uses.iter();
        let own = own.map(|one| Use { token: one.token, weight: one.weight, is_defective: one.is_defective.into() });
        device.upload(&own.collect::<Vec<Use>>())
    };
    let uses = tasks.iter().map(uses).collect::<Result<Vec<Buffer<Use>>, KernelError>>()?;
    let zeros = |task: &TokenTask<'_>| device.zeros(2 << task.bucket_bits);
    let counts = tasks.iter().map(zeros).collect::<Result<Vec<Buffer<i64>>, KernelError>>()?;
    let record = |((task, uses), counts): ((&TokenTask<'_>, &Buffer<Use>), &Buffer<i64>)| CountTokens {
        uses: device.address(uses),
        counts: device.address(counts),
        count: task.uses.len() as u32,
        shift: 64 - task.bucket_bits,
    };
    let records: Vec<CountTokens> = tasks.iter().zip(&uses).zip(&counts).map(record).collect();
    device.tasks(&records)?.launch(Kernel::CountTokens, |index| records[index].count.div_ceil(TOKEN_USES))?;
    let result = |counts: &Buffer<i64>| Ok(TokenCounts { buckets: device.download(counts)?.as_chunks().0.to_vec() });
    counts.iter().map(result).collect()
}
