//! All experts of one scope as one model: trained, scored, explained and named together.
//!
//! A bundle is a function of the multiset of its training rows and its parameters. Its bytes are canonical, and their hash
//! is its id.

mod mixture;
mod scorer;

pub use mixture::{MixtureExplanation, mixture_q24};
pub use scorer::{Explanation, Scorer, Scores, score_many};

use crate::KernelError;
use crate::backend::Backend;
use crate::bytes::{Reader, Writer};
use crate::gbdt::Gbdt;
use crate::lines_added::LinesAdded;
use crate::logistic::{self, Logistic};
use crate::params::BundleParams;
use crate::rows::{Rows, TrainSet};
use crate::trainer::{TrainJob, train_forests};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What the bytes of a bundle begin with; the digit is the version of the format.
const MAGIC: &[u8; 8] = b"DLBNDL01";

/// The experts of one scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<u8>", try_from = "Vec<u8>")]
pub struct Bundle {
    lines_added: LinesAdded,
    logistic: Logistic,
    gbdt: Gbdt,
}

/// One bundle to train.
#[derive(Clone, Copy, Debug)]
pub struct TrainTask<'a> {
    /// The rows.
    pub set: &'a TrainSet,
    /// How to train.
    pub params: &'a BundleParams,
}

/// Trains all bundles as one batch. Results stand in the order of the tasks; a bad task does not fail the others, and what
/// else is in the batch does not change a model.
pub fn train_bundles<B: Backend>(backend: &B, tasks: &[TrainTask<'_>]) -> Vec<Result<Bundle, KernelError>> {
    let sets: Vec<&TrainSet> = tasks.iter().map(|task| task.set).collect();
    let loaded: Vec<Result<B::Dataset, KernelError>> = backend
        .load(&sets)
        .into_iter()
        .zip(tasks)
        .map(|(dataset, task)| dataset.and_then(|dataset| task.params.check(task.set.columns).map(|()| dataset)))
        .collect();
    let jobs: Vec<TrainJob<'_, B::Dataset>> = loaded
        .iter()
        .zip(tasks)
        .filter_map(|(dataset, task)| Some(TrainJob { dataset: dataset.as_ref().ok()?, params: &task.params.gbdt }))
        .collect();
    let sound: Vec<&TrainTask<'_>> =
        loaded.iter().zip(tasks).filter(|(dataset, _)| dataset.is_ok()).map(|(_, task)| task).collect();
    let linear: Vec<Logistic> =
        sound.into_par_iter().map(|task| logistic::fit(task.set, &task.params.logistic)).collect();
    let mut made = train_forests(backend, &jobs).into_iter().zip(linear);
    let assemble = |(dataset, task): (&Result<B::Dataset, KernelError>, &TrainTask<'_>)| {
        dataset.as_ref().map_err(Clone::clone)?;
        let (gbdt, logistic) = made.next().expect("one model per sound task");
        Ok(Bundle { lines_added: LinesAdded::new(task.params.size_column), logistic, gbdt: gbdt? })
    };
    loaded.iter().zip(tasks).map(assemble).collect()
}

/// Trains one bundle.
pub fn train_bundle<B: Backend>(backend: &B, set: &TrainSet, params: &BundleParams) -> Result<Bundle, KernelError> {
    train_bundles(backend, &[TrainTask { set, params }]).pop().expect("one result per task")
}

impl Bundle {
    /// Features per row.
    pub fn columns(&self) -> usize {
        self.gbdt.columns()
    }

    /// SHA-256 of the canonical bytes: the name of the content.
    pub fn id(&self) -> [u8; 32] {
        let bytes = self.to_bytes();
        *bytes.last_chunk().expect("sealed bytes end with their hash")
    }

    /// The expert that ranks by size.
    pub fn lines_added(&self) -> &LinesAdded {
        &self.lines_added
    }

    /// The logistic regression.
    pub fn logistic(&self) -> &Logistic {
        &self.logistic
    }

    /// The boosted trees.
    pub fn gbdt(&self) -> &Gbdt {
        &self.gbdt
    }

    /// Canonical bytes: a version, the experts, and the SHA-256 of both.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.raw(MAGIC);
        self.lines_added.write(&mut writer);
        self.logistic.write(&mut writer);
        self.gbdt.write(&mut writer);
        writer.sealed()
    }

    /// Reads canonical bytes; anything else is an error that says where.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KernelError> {
        let mut reader = Reader::open(bytes)?;
        reader.expect(MAGIC, "the bytes are of another kind or version")?;
        let bundle = Self {
            lines_added: LinesAdded::read(&mut reader)?,
            logistic: Logistic::read(&mut reader)?,
            gbdt: Gbdt::read(&mut reader)?,
        };
        reader.end()?;
        let columns = bundle.columns();
        if bundle.logistic.columns() != columns || bundle.lines_added.column() >= columns {
            return Err(reader.fault("the experts disagree about the columns"));
        }
        Ok(bundle)
    }

    /// Scores rows once; keep a [`Scorer`] to score again and again.
    pub fn score<B: Backend>(&self, backend: &B, rows: Rows<'_>) -> Result<Vec<Scores>, KernelError> {
        Scorer::new(backend, Arc::new(self.clone()))?.score(backend, rows)
    }

    /// Explains rows once; keep a [`Scorer`] to explain again and again.
    pub fn explain<B: Backend>(&self, backend: &B, rows: Rows<'_>) -> Result<Vec<Explanation>, KernelError> {
        Scorer::new(backend, Arc::new(self.clone()))?.explain(backend, rows)
    }
}

impl From<Bundle> for Vec<u8> {
    fn from(bundle: Bundle) -> Self {
        bundle.to_bytes()
    }
}

impl TryFrom<Vec<u8>> for Bundle {
    type Error = KernelError;
    fn try_from(bytes: Vec<u8>) -> Result<Self, KernelError> {
        Self::from_bytes(&bytes)
    }
}
