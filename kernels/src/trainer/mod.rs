//! Gradient boosting, written once over a backend's primitives: a wave of jobs grows tree after tree in step.
//!
//! Each round gathers one task list per primitive over all jobs of the wave, so a device gets few large launches. A job's
//! tasks depend on that job alone: what else is in the batch cannot change a model.

mod grower;

use crate::KernelError;
use crate::backend::{Backend, GradientTask, HistogramTask, JobStart, PartitionTask, SplitTask, SubtractTask};
use crate::gbdt::Gbdt;
use crate::params::GbdtParams;
use grower::{Children, Grower};
use rayon::prelude::*;

/// One model to train.
#[derive(Debug)]
pub struct TrainJob<'a, D> {
    /// The resident rows.
    pub dataset: &'a D,
    /// How to train.
    pub params: &'a GbdtParams,
}

impl<D> Clone for TrainJob<'_, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for TrainJob<'_, D> {}

/// Trains every job; results stand in the order of the jobs, and a bad job does not fail the others.
pub fn train_forests<B: Backend>(backend: &B, jobs: &[TrainJob<'_, B::Dataset>]) -> Vec<Result<Gbdt, KernelError>> {
    let waves: Vec<_> = jobs.chunks(backend.wave().max(1)).collect();
    match waves.as_slice() {
        // On a thread of the pool: from outside, every step of every tree would wake a thread of it and wait.
        [wave] => rayon::scope(|_| checked_wave(backend, wave)),
        _ => waves.into_par_iter().flat_map_iter(|wave| checked_wave(backend, wave)).collect(),
    }
}

fn checked_wave<B: Backend>(backend: &B, wave: &[TrainJob<'_, B::Dataset>]) -> Vec<Result<Gbdt, KernelError>> {
    let checks: Vec<Result<(), KernelError>> = wave.iter().map(|job| job.params.check()).collect();
    let sound: Vec<TrainJob<'_, B::Dataset>> =
        wave.iter().zip(&checks).filter(|(_, check)| check.is_ok()).map(|(job, _)| *job).collect();
    match train_wave(backend, &sound) {
        Ok(models) => {
            let mut models = models.into_iter();
            checks.into_iter().map(|check| check.map(|()| models.next().expect("one model per sound job"))).collect()
        }
        // A device may not have room for all of them at once; alone a job fails for itself only.
        Err(KernelError::Device { .. }) if wave.len() > 1 => {
            let (first, second) = wave.split_at(wave.len() / 2);
            checked_wave(backend, first).into_iter().chain(checked_wave(backend, second)).collect()
        }
        Err(error) => checks.into_iter().map(|check| check.and(Err(error.clone()))).collect(),
    }
}

fn train_wave<B: Backend>(backend: &B, jobs: &[TrainJob<'_, B::Dataset>]) -> Result<Vec<Gbdt>, KernelError> {
    let mut growers: Vec<Grower<'_>> =
        jobs.iter().map(|job| Grower::new(backend.summary(job.dataset), job.params)).collect();
    let starts: Vec<JobStart<'_, B::Dataset>> =
        jobs.iter().zip(&growers).map(|(job, grower)| grower.job_start(job.dataset)).collect();
    let mut wave = Wave { backend, training: backend.begin(&starts)?, growers: &mut growers };
    let trees = jobs.iter().map(|job| job.params.trees).max().unwrap_or(0);
    for tree in 0..trees {
        wave.grow_trees(tree)?;
    }
    Ok(growers.into_iter().map(Grower::into_model).collect())
}

/// Jobs that are trained in step.
struct Wave<'a, 'p, B: Backend> {
    backend: &'a B,
    training: B::Training,
    growers: &'a mut [Grower<'p>],
}

impl<B: Backend> Wave<'_, '_, B> {
    fn grow_trees(&mut self, tree: u32) -> Result<(), KernelError> {
        let growing = self.growers.iter().enumerate().filter(|(_, grower)| tree < grower.trees());
        let tasks: Vec<GradientTask> = growing.map(|(job, _)| GradientTask { job, tree }).collect();
        let totals = self.backend.gradients(&mut self.training, &tasks)?;
        let mut roots = Vec::new();
        for (task, total) in tasks.iter().zip(totals) {
            self.growers[task.job].start_tree(tree, total);
            roots.push(task.job);
        }
        self.measure_roots(&roots)?;
        while self.split_round()? {}
        let mut leaves = Vec::new();
        for task in &tasks {
            leaves.extend(self.growers[task.job].finish_tree(task.job));
        }
        self.backend.add_leaves(&mut self.training, &leaves)
    }

    fn measure_roots(&mut self, jobs: &[usize]) -> Result<(), KernelError> {
        let open: Vec<(usize, usize)> =
            jobs.iter().filter(|&&job| self.growers[job].is_open(0)).map(|&job| (job, 0)).collect();
        let fills: Vec<HistogramTask> =
            open.iter().map(|&(job, leaf)| self.growers[job].histogram_task(job, leaf)).collect();
        self.backend.histograms(&mut self.training, &fills)?;
        self.find_splits(&open)
    }

    /// Splits the leaves whose turn it is, in every job; `false` when no job has one left.
    fn split_round(&mut self) -> Result<bool, KernelError> {
        let picks: Vec<(usize, usize)> = self
            .growers
            .iter()
            .enumerate()
            .flat_map(|(job, grower)| grower.pick().into_iter().map(move |leaf| (job, leaf)))
            .collect();
        if picks.is_empty() {
            return Ok(false);
        }
        let tasks: Vec<PartitionTask> =
            picks.iter().map(|&(job, leaf)| self.growers[job].partition_task(job, leaf)).collect();
        let lefts = self.backend.partition(&mut self.training, &tasks)?;
        let children: Vec<(usize, Children)> = picks
            .iter()
            .zip(lefts)
            .map(|(&(job, leaf), left_rows)| (job, self.growers[job].split(leaf, left_rows)))
            .collect();
        self.measure_children(&children)?;
        Ok(true)
    }

    /// Fills the smaller child's histogram and takes it away from the parent's, which becomes the larger child's; children
    /// that cannot be split again need none.
    fn measure_children(&mut self, children: &[(usize, Children)]) -> Result<(), KernelError> {
        let (mut fills, mut subtracts, mut open) = (Vec::new(), Vec::new(), Vec::new());
        for &(job, Children { small, large }) in children {
            let grower = &self.growers[job];
            let is_large_open = grower.is_open(large);
            if is_large_open || grower.is_open(small) {
                fills.push(grower.histogram_task(job, small));
            }
            if is_large_open {
                subtracts.push(SubtractTask { job, from: grower.slot(large), minus: grower.slot(small) });
            }
            open.extend([small, large].into_iter().filter(|&leaf| grower.is_open(leaf)).map(|leaf| (job, leaf)));
        }
        self.backend.histograms(&mut self.training, &fills)?;
        self.backend.subtract(&mut self.training, &subtracts)?;
        self.find_splits(&open)
    }

    fn find_splits(&mut self, open: &[(usize, usize)]) -> Result<(), KernelError> {
        let tasks: Vec<SplitTask<'_>> =
            open.iter().map(|&(job, leaf)| self.growers[job].split_task(job, leaf)).collect();
        let splits = self.backend.best_splits(&self.training, &tasks)?;
        for (&(job, leaf), split) in open.iter().zip(splits) {
            self.growers[job].set_split(leaf, split);
        }
        Ok(())
    }
}
