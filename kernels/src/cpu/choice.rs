//! Choices of rows: a set of the same bins with other weights.

use super::dataset::{Binned, CpuDataset};
use crate::KernelError;
use crate::backend::{ChoiceTask, Summary};
use crate::rows::ClassWeights;

/// Rows that are not chosen stay with weight zero, which adds nothing to any sum.
pub(super) fn choose(task: &ChoiceTask<'_, CpuDataset>) -> Result<CpuDataset, KernelError> {
    let (binned, steps) = (&**task.dataset.binned(), task.choice.steps());
    let rows = binned.keys.iter().zip(&binned.weights);
    let weights: Vec<u32> = rows.map(|(&key, &weight)| steps.weight(key, weight)).collect();
    let mut classes = ClassWeights::default();
    for (&label, &weight) in binned.labels.iter().zip(&weights) {
        *if label { &mut classes.defective } else { &mut classes.clean } += u64::from(weight);
    }
    classes.check()?;
    Ok(CpuDataset::new(Binned {
        summary: Summary { classes, ..binned.summary.clone() },
        tiles: binned.tiles.clone(),
        first_tile: binned.first_tile,
        row_tiles: binned.row_tiles,
        columns: binned.columns.clone(),
        keys: binned.keys.clone(),
        labels: binned.labels.clone(),
        weight_max: weights.iter().copied().max().unwrap_or(1),
        weights,
    }))
}
