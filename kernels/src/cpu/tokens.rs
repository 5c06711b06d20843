//! Uses of hashed tokens by class: one addition per use.

use crate::tokens::{TokenCounts, TokenTask, TokenUse, token_bucket};
use rayon::prelude::*;

/// Uses worth a second table.
const PARALLEL_USES: usize = 1 << 18;

/// Sums are integers, so tables of parts add up to the same whatever the parts are.
pub(super) fn count(task: &TokenTask<'_>) -> TokenCounts {
    let part = |uses: &[TokenUse]| {
        let mut counts = TokenCounts::zeros(task.bucket_bits);
        for one in uses {
            let bucket = &mut counts.buckets[token_bucket(one.token, task.bucket_bits)];
            bucket[usize::from(one.is_defective)] += i64::from(one.weight);
        }
        counts
    };
    let threads = rayon::current_num_threads().min(task.uses.len() / PARALLEL_USES).max(1);
    if threads == 1 {
        return part(task.uses);
    }
    let parts: Vec<TokenCounts> = task.uses.par_chunks(task.uses.len().div_ceil(threads)).map(part).collect();
    let mut sum = TokenCounts::zeros(task.bucket_bits);
    parts.iter().for_each(|part| sum.add(part));
    sum
}
