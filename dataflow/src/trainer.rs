//! Trains models beside the dataflow and keeps them by id; a replay loads or rebuilds what the log names.
//!
//! A model's id is a hash of what it was trained on and how, so the same log asks for the same ids. What the log names is
//! loaded by its id, else rebuilt, else it cannot be had and its predictions say so: never a silent other answer.

mod store;
#[cfg(test)]
mod tests;

use crate::cpu::StageCpu;
use crossbeam_channel::{Receiver, Sender};
use driftline_kernels::{
    AutoBackend, Bundle, BundleParams, KernelError, MixtureExplanation, Rows, Scorer, TrainSet, TrainTask, mixture_q24,
    train_bundles,
};
use driftline_operators::models::{ModelShelf, Opinion, ShelfError, TrainRequest};
use driftline_schema::ids::to_hex;
use driftline_schema::{ModelId, ModelInfo, ModelRef, Scope};
use parking_lot::{Condvar, Mutex};
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
pub use store::damaged_models;
use store::{Description, Store, StoreError};

/// Changes whenever training itself changes, so that an id never stands for two models.
const CODE_VERSION: u32 = 1;
/// Scorers kept in memory; older ones are read back from disk when an old vector is corrected.
const RESIDENT_MAX: usize = 64;

/// Called when the models of a cut are trained.
pub type OnReady = Box<dyn Fn(u64, Vec<ModelRef>) + Send>;

/// Trains and keeps models.
pub struct Trainer {
    shared: Arc<Shared>,
    requests: Option<Sender<TrainRequest>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    store: Store,
    /// Where models are trained and scored; the bits are those of any other.
    backend: AutoBackend,
    size_column: u32,
    features_version: u32,
    features: Vec<String>,
    answered: u64,
    state: Mutex<State>,
    changed: Condvar,
    /// CPU time of training.
    cpu: Arc<StageCpu>,
}

#[derive(Default)]
struct State {
    resident: Vec<(ModelId, Arc<Scorer<AutoBackend>>)>,
    finished: HashSet<u64>,
    infos: BTreeMap<ModelId, ModelInfo>,
    /// Models the log names that cannot be had, and why.
    unavailable: BTreeMap<ModelId, String>,
    trained: u64,
}

/// What the trainer must know of its surroundings.
pub struct TrainerConfig {
    /// Where models are kept.
    pub folder: PathBuf,
    /// Where models that cannot be rebuilt are looked for as well.
    pub further: Option<PathBuf>,
    /// Where models are trained and scored.
    pub backend: AutoBackend,
    /// The column "lines added".
    pub size_column: u32,
    /// Version of the features table.
    pub features_version: u32,
    /// Its names, in the order of the columns.
    pub features: Vec<String>,
    /// The last cut whose model-ready record the log already holds.
    pub answered: u64,
    /// CPU time of training is added here.
    pub cpu: Arc<StageCpu>,
}

/// Why the trainer cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TrainerError {
    /// The folder cannot be made.
    #[error("cannot create the model folder {folder}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The thread cannot be started.
    #[error("cannot start the training thread")]
    Thread(#[source] std::io::Error),
}

impl Trainer {
    /// Starts the training thread; `on_ready` is called on it for every cut the log does not yet answer.
    pub fn start(config: TrainerConfig, on_ready: OnReady) -> Result<Self, TrainerError> {
        std::fs::create_dir_all(&config.folder)
            .map_err(|source| TrainerError::Folder { folder: config.folder.clone(), source })?;
        let shared = Arc::new(Shared {
            store: Store::new(config.folder, config.further),
            backend: config.backend,
            size_column: config.size_column,
            features_version: config.features_version,
            features: config.features,
            answered: config.answered,
            state: Mutex::default(),
            changed: Condvar::new(),
            cpu: config.cpu,
        });
        // Requests are as rare as cuts, and each waits for the one before it: no bound is needed.
        let (requests, queue) = crossbeam_channel::unbounded();
        let worker = shared.clone();
        let thread = std::thread::Builder::new()
            .name("driftline-train".into())
            .spawn(move || worker.serve(&queue, &on_ready))
            .map_err(TrainerError::Thread)?;
        Ok(Self { shared, requests: Some(requests), thread: Some(thread) })
    }

    /// The shelf the dataflow asks.
    pub fn shelf(&self) -> Arc<dyn ModelShelf> {
        let requests = self.requests.clone().expect("present until drop");
        Arc::new(Shelf { shared: self.shared.clone(), requests })
    }

    /// Models trained or rebuilt since the start, and their descriptions by id.
    pub fn infos(&self) -> Vec<ModelInfo> {
        self.shared.state.lock().infos.values().cloned().collect()
    }

    /// Models that the log puts in force and that cannot be had, with the reason.
    pub fn unavailable(&self) -> Vec<(ModelId, String)> {
        self.shared.state.lock().unavailable.iter().map(|(id, reason)| (*id, reason.clone())).collect()
    }

    /// Waits until the models of `cut` are trained; `false` when `stop` says so first.
    pub fn wait(&self, cut: u64, stop: impl Fn() -> bool) -> bool {
        let mut state = self.shared.state.lock();
        while !state.finished.contains(&cut) {
            if stop() {
                return false;
            }
            self.shared.changed.wait_for(&mut state, std::time::Duration::from_millis(50));
        }
        true
    }
}

impl Drop for Trainer {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // Shelves held by the dataflow are gone by now; a panic was already reported by its own message.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn serve(&self, queue: &Receiver<TrainRequest>, on_ready: &OnReady) {
        for request in queue {
            let _measuring = self.cpu.measure();
            let models = self.train(&request);
            if request.cut > self.answered {
                on_ready(request.cut, models);
            }
            self.state.lock().finished.insert(request.cut);
            self.changed.notify_all();
        }
    }

    /// Trains all sets of a cut as one batch.
    fn train(&self, request: &TrainRequest) -> Vec<ModelRef> {
        let params = BundleParams { size_column: self.size_column, ..BundleParams::default() };
        let mut models = Vec::new();
        let mut fresh: Vec<(Description, &TrainSet)> = Vec::new();
        for (scope, set) in &request.sets {
            let description = self.describe(request.cut, scope, set, &params);
            let info = &description.info;
            models.push(ModelRef { scope: scope.clone(), id: info.id, rows: info.rows, defective: info.defective });
            match self.load(info.id) {
                Some(scorer) => self.keep(description.info, scorer),
                None => fresh.push((description, set)),
            }
        }
        let tasks: Vec<TrainTask<'_>> = fresh.iter().map(|(_, set)| TrainTask { set, params: &params }).collect();
        for ((description, _), bundle) in fresh.into_iter().zip(train_bundles(&self.backend, &tasks)) {
            match bundle.and_then(|bundle| Scorer::new(&self.backend, Arc::new(bundle))) {
                Ok(scorer) => {
                    self.store(&description, scorer.bundle());
                    self.keep(description.info, Arc::new(scorer));
                }
                Err(error) => {
                    // The set is one the trainer refuses (one class, say): the scope goes without a model.
                    let info = description.info;
                    tracing::warn!(cut = request.cut, scope = ?info.scope, %error, "no model");
                    models.retain(|model| model.id != info.id);
                }
            }
        }
        models.sort();
        models
    }

    fn describe(&self, cut: u64, scope: &Scope, set: &TrainSet, params: &BundleParams) -> Description {
        let info = ModelInfo {
            id: ModelId([0; 32]),
            scope: scope.clone(),
            cut,
            rows: set.rows() as u64,
            defective: set.labels.iter().filter(|label| **label).count() as u64,
            features_version: self.features_version,
        };
        let mut description = Description {
            info,
            features: self.features.clone(),
            rows_digest: set.digest(),
            params: params.clone(),
            code_version: CODE_VERSION,
        };
        description.info.id = description.id();
        description
    }

    fn keep(&self, info: ModelInfo, scorer: Arc<Scorer<AutoBackend>>) {
        let mut state = self.state.lock();
        state.trained += 1;
        state.hold(info.id, scorer);
        state.infos.insert(info.id, info);
    }

    /// Writes the model beside the log; without the file it is rebuilt, so a failure is only said.
    fn store(&self, description: &Description, bundle: &Bundle) {
        if let Err(error) = self.store.write(description, bundle) {
            tracing::warn!(model = %description.info.id, %error, "a model could not be kept on disk");
        }
    }

    fn load(&self, id: ModelId) -> Option<Arc<Scorer<AutoBackend>>> {
        match self.store.own(id) {
            Ok((_, bundle)) => self.ready(id, bundle),
            Err(StoreError::Missing | StoreError::Bare) => None,
            Err(error) => {
                tracing::warn!(model = %id, %error, "a kept model is not what was written and is rebuilt");
                None
            }
        }
    }

    fn ready(&self, id: ModelId, bundle: Bundle) -> Option<Arc<Scorer<AutoBackend>>> {
        let scorer: Result<_, KernelError> = Scorer::new(&self.backend, Arc::new(bundle));
        scorer.inspect_err(|error| tracing::warn!(model = %id, %error, "a model cannot be used")).ok().map(Arc::new)
    }

    fn scorer(&self, id: ModelId, cut: u64) -> Result<Arc<Scorer<AutoBackend>>, ShelfError> {
        let rebuilt = {
            let state = self.state.lock();
            if let Some((_, scorer)) = state.resident.iter().find(|(resident, _)| *resident == id) {
                return Ok(scorer.clone());
            }
            if let Some(reason) = state.unavailable.get(&id) {
                return Err(ShelfError::Unavailable(reason.clone()));
            }
            if !state.infos.contains_key(&id) && !state.finished.contains(&cut) {
                return Err(ShelfError::Pending);
            }
            state.rebuilt(cut)
        };
        // Its own examples do not yield it any more, or it has left memory.
        match self.store.any(id).map_err(|error| error.to_string()).and_then(|kept| self.fit(kept)) {
            Ok((info, scorer)) => {
                self.keep(info, scorer.clone());
                Ok(scorer)
            }
            Err(reason) => {
                let reason = format!("the examples before cut {cut} give {rebuilt}, and {reason}");
                Err(self.do_without(id, reason))
            }
        }
    }

    /// A kept model whose columns mean what the columns of today's vectors mean.
    fn fit(&self, kept: (Description, Bundle)) -> Result<(ModelInfo, Arc<Scorer<AutoBackend>>), String> {
        let (description, bundle) = kept;
        let version = description.info.features_version;
        if version != self.features_version || description.features != self.features {
            return Err(format!(
                "it was trained on version {version} of the features table, not {}",
                self.features_version
            ));
        }
        let scorer = self.ready(description.info.id, bundle).ok_or("it cannot be laid out for scoring")?;
        Ok((description.info, scorer))
    }

    /// Notes and says, once, that a model cannot be had.
    fn do_without(&self, id: ModelId, reason: String) -> ShelfError {
        let mut state = self.state.lock();
        state.unavailable.entry(id).or_insert_with(|| {
            tracing::warn!(model = %id, reason, "a model of the log cannot be had; its predictions abstain");
            reason.clone()
        });
        ShelfError::Unavailable(reason)
    }
}

impl State {
    fn hold(&mut self, id: ModelId, scorer: Arc<Scorer<AutoBackend>>) {
        self.resident.push((id, scorer));
        if self.resident.len() > RESIDENT_MAX {
            self.resident.remove(0);
        }
    }

    /// The models that the examples before a cut give, for people.
    fn rebuilt(&self, cut: u64) -> String {
        let of_cut = self.infos.values().filter(|info| info.cut == cut);
        let rebuilt: Vec<String> = of_cut.map(|info| short(&info.id)).collect();
        if rebuilt.is_empty() { "no model".to_owned() } else { format!("other models ({})", rebuilt.join(", ")) }
    }
}

struct Shelf {
    shared: Arc<Shared>,
    requests: Sender<TrainRequest>,
}

impl ModelShelf for Shelf {
    fn request(&self, request: TrainRequest) {
        // The receiver lives until every shelf is gone.
        self.requests.send(request).expect("the training thread outlives its shelves");
    }

    fn without(&self, model: ModelId, cut: u64) -> ShelfError {
        self.shared.do_without(model, format!("the log holds no cut {cut} that it could have been trained at"))
    }

    fn opinions(&self, model: ModelId, cut: u64, rows: Rows<'_>) -> Result<Vec<Opinion>, ShelfError> {
        let scorer = self.shared.scorer(model, cut)?;
        let backend = &self.shared.backend;
        let broken = |error: KernelError| ShelfError::Broken(error.to_string());
        let scores = scorer.score(backend, rows).map_err(broken)?;
        let explanations = scorer.explain(backend, rows).map_err(broken)?;
        Ok(scores
            .iter()
            .zip(explanations)
            .map(|(scores, explanation)| {
                let parts = MixtureExplanation::of(&explanation);
                Opinion {
                    score_q24: mixture_q24(scores),
                    base_q24: parts.base_q24,
                    contributions_q24: parts.features_q24,
                    gbdt_q24: scores.gbdt_q24,
                    logistic_q24: scores.logistic_q24,
                }
            })
            .collect())
    }
}

/// The first characters of a model id, for people.
pub fn short(id: &ModelId) -> String {
    to_hex(&id.0[..6])
}
