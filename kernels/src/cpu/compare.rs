//! How far two windows are apart in order: one sweep over cells, in integers.

use crate::KernelError;
use crate::drift::{CompareTask, Comparison};

/// Shares of rows up to each cell are compared by cross-multiplication, so nothing is divided or rounded.
pub(super) fn compare(task: &CompareTask<'_>) -> Result<Comparison, KernelError> {
    let [reference, current] = task.totals()?;
    let (mut apart, mut ks_numerator) = (0i64, 0);
    for (&of_reference, &of_current) in task.reference.iter().zip(task.current) {
        // Both products are at most 2^60, and so is every sum of their differences.
        apart += (of_reference * current) as i64 - (of_current * reference) as i64;
        ks_numerator = ks_numerator.max(apart.unsigned_abs());
    }
    Ok(Comparison { reference, current, ks_numerator })
}
