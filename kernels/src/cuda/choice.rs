//! Launches that choose rows of resident sets by the hash of their keys.

use super::dataset::{CudaDataset, Resident};
use super::device::{Buffer, Device, Kernel};
use crate::KernelError;
use crate::backend::{ChoiceTask, Summary};
use crate::choice::{STEPS_MAX, Steps};
use crate::exact::WEIGHT_MAX;
use crate::rows::ClassWeights;
use cudarc::driver::DeviceRepr;
use std::sync::Arc;

/// Rows of a block of `choose_rows`.
const CHOICE_ROWS: u32 = 2048;

/// `ChoiceTask` in `choice.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct ChooseRows {
    keys: u64,
    marks: u64,
    made: u64,
    classes: u64,
    stream: u64,
    steps: [u64; STEPS_MAX],
    turns: [i32; STEPS_MAX],
    rows: u32,
    start: i32,
}

// SAFETY: words without padding, in the order of the kernel's structure.
unsafe impl DeviceRepr for ChooseRows {}

/// One launch for all choices; the sets made share everything but the weights.
pub(super) fn choose(device: &Device, tasks: &[ChoiceTask<'_, CudaDataset>]) -> Vec<Result<CudaDataset, KernelError>> {
    match made(device, tasks) {
        Ok(made) => tasks.iter().zip(made).map(|(task, (marks, classes))| keep(task, marks, classes)).collect(),
        Err(error) => tasks.iter().map(|_| Err(error.clone())).collect(),
    }
}

/// The marks of each choice, and what they weigh.
fn made(
    device: &Device,
    tasks: &[ChoiceTask<'_, CudaDataset>],
) -> Result<Vec<(Buffer<u32>, ClassWeights)>, KernelError> {
    let room = |task: &ChoiceTask<'_, CudaDataset>| device.room(task.dataset.0.summary.rows as usize);
    let marks = tasks.iter().map(room).collect::<Result<Vec<Buffer<u32>>, KernelError>>()?;
    let classes = device.zeros::<u64>(2 * tasks.len())?;
    let record = |(index, (task, made)): (usize, (&ChoiceTask<'_, CudaDataset>, &Buffer<u32>))| {
        let (dataset, choice) = (&task.dataset.0, task.choice.steps());
        let Steps { start, steps, turns, .. } = choice;
        ChooseRows {
            keys: device.address(&dataset.keys),
            marks: device.address(&dataset.marks),
            made: device.address(made),
            classes: device.address(&classes) + (index * 2 * size_of::<u64>()) as u64,
            stream: choice.stream(),
            steps,
            turns,
            rows: dataset.summary.rows,
            start,
        }
    };
    let records: Vec<ChooseRows> = tasks.iter().zip(&marks).enumerate().map(record).collect();
    device.tasks(&records)?.launch(Kernel::ChooseRows, |index| records[index].rows.div_ceil(CHOICE_ROWS))?;
    let classes = device.download(&classes)?;
    let weights = classes.as_chunks().0.iter().map(|&[clean, defective]| ClassWeights { clean, defective });
    Ok(marks.into_iter().zip(weights).collect())
}

fn keep(
    task: &ChoiceTask<'_, CudaDataset>,
    marks: Buffer<u32>,
    classes: ClassWeights,
) -> Result<CudaDataset, KernelError> {
    classes.check()?;
    let dataset = &task.dataset.0;
    Ok(CudaDataset(Arc::new(Resident {
        summary: Summary { classes, ..dataset.summary.clone() },
        words: dataset.words.clone(),
        keys: dataset.keys.clone(),
        marks,
        hot: dataset.hot.clone(),
        weight_max: (dataset.weight_max * task.choice.steps().copies_max()).min(WEIGHT_MAX),
    })))
}
