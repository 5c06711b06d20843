//! Trains models beside the dataflow and keeps them by id; a replay loads or rebuilds what the log names.
//!
//! A model's id is a hash of what it was trained on and how, so the same log asks for the same ids. When a rebuilt model
//! has another id than the log says, that is an error with both ids, never a silent other answer.

use crate::cpu::StageCpu;
use crossbeam_channel::{Receiver, Sender};
use driftline_kernels::{
    AutoBackend, Bundle, BundleParams, KernelError, Rows, Scorer, TrainSet, TrainTask, train_bundles,
};
use driftline_operators::models::{ModelShelf, Opinion, ShelfError, TrainRequest};
use driftline_schema::ids::to_hex;
use driftline_schema::{ModelId, ModelInfo, ModelRef, Scope};
use parking_lot::{Condvar, Mutex};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

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
    folder: PathBuf,
    /// Where models are trained and scored; the bits are those of any other.
    backend: AutoBackend,
    size_column: u32,
    features_version: u32,
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
    trained: u64,
}

/// What the trainer must know of its surroundings.
pub struct TrainerConfig {
    /// Where models are kept.
    pub folder: PathBuf,
    /// Where models are trained and scored.
    pub backend: AutoBackend,
    /// The column "lines added".
    pub size_column: u32,
    /// Version of the features table.
    pub features_version: u32,
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
            folder: config.folder,
            backend: config.backend,
            size_column: config.size_column,
            features_version: config.features_version,
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
        let mut fresh: Vec<(ModelInfo, &TrainSet)> = Vec::new();
        for (scope, set) in &request.sets {
            let info = self.describe(request.cut, scope, set, &params);
            models.push(ModelRef { scope: scope.clone(), id: info.id, rows: info.rows, defective: info.defective });
            match self.load(info.id) {
                Some(scorer) => self.keep(info, scorer),
                None => fresh.push((info, set)),
            }
        }
        let tasks: Vec<TrainTask<'_>> = fresh.iter().map(|(_, set)| TrainTask { set, params: &params }).collect();
        for ((info, _), bundle) in fresh.into_iter().zip(train_bundles(&self.backend, &tasks)) {
            match bundle.and_then(|bundle| Scorer::new(&self.backend, Arc::new(bundle))) {
                Ok(scorer) => {
                    self.store(info.id, scorer.bundle());
                    self.keep(info, Arc::new(scorer));
                }
                Err(error) => {
                    // The set is one the trainer refuses (one class, say): the scope goes without a model.
                    tracing::warn!(cut = request.cut, scope = ?info.scope, %error, "no model");
                    models.retain(|model| model.id != info.id);
                }
            }
        }
        models.sort();
        models
    }

    fn describe(&self, cut: u64, scope: &Scope, set: &TrainSet, params: &BundleParams) -> ModelInfo {
        let mut hasher = Sha256::new();
        hasher.update(cut.to_le_bytes());
        hasher.update(serde_json::to_vec(scope).expect("a scope is plain data"));
        hasher.update(set.digest());
        hasher.update(self.features_version.to_le_bytes());
        hasher.update(serde_json::to_vec(params).expect("parameters are plain data"));
        hasher.update(CODE_VERSION.to_le_bytes());
        ModelInfo {
            id: ModelId(hasher.finalize().into()),
            scope: scope.clone(),
            cut,
            rows: set.rows() as u64,
            defective: set.labels.iter().filter(|label| **label).count() as u64,
            features_version: self.features_version,
        }
    }

    fn keep(&self, info: ModelInfo, scorer: Arc<Scorer<AutoBackend>>) {
        let mut state = self.state.lock();
        state.trained += 1;
        state.hold(info.id, scorer);
        state.infos.insert(info.id, info);
    }

    fn path(&self, id: ModelId) -> PathBuf {
        self.folder.join(format!("{id}.model"))
    }

    /// Writes the model beside the log; without the file it is rebuilt, so a failure is only said.
    fn store(&self, id: ModelId, bundle: &Bundle) {
        let (path, temporary) = (self.path(id), self.path(id).with_extension("tmp"));
        let written = std::fs::write(&temporary, bundle.to_bytes()).and_then(|()| std::fs::rename(&temporary, &path));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "a model could not be kept on disk");
        }
    }

    fn load(&self, id: ModelId) -> Option<Arc<Scorer<AutoBackend>>> {
        let bytes = std::fs::read(self.path(id)).ok()?;
        let scorer: Result<_, KernelError> =
            Bundle::from_bytes(&bytes).and_then(|bundle| Scorer::new(&self.backend, Arc::new(bundle)));
        scorer
            .inspect_err(|error| tracing::warn!(model = %id, %error, "a kept model is damaged and is rebuilt"))
            .ok()
            .map(Arc::new)
    }

    fn scorer(&self, id: ModelId, cut: u64) -> Result<Arc<Scorer<AutoBackend>>, ShelfError> {
        {
            let state = self.state.lock();
            if let Some((_, scorer)) = state.resident.iter().find(|(resident, _)| *resident == id) {
                return Ok(scorer.clone());
            }
            // Only a model whose training was checked in this run is read back: a file alone proves nothing.
            if !state.infos.contains_key(&id) {
                return Err(if state.finished.contains(&cut) {
                    not_rebuilt(&state, id, cut)
                } else {
                    ShelfError::Pending
                });
            }
        }
        let scorer = self.load(id).ok_or_else(|| ShelfError::Unavailable(format!("the file of model {id} is gone")))?;
        self.state.lock().hold(id, scorer.clone());
        Ok(scorer)
    }
}

impl State {
    fn hold(&mut self, id: ModelId, scorer: Arc<Scorer<AutoBackend>>) {
        self.resident.push((id, scorer));
        if self.resident.len() > RESIDENT_MAX {
            self.resident.remove(0);
        }
    }
}

/// The log names a model that the examples before its cut do not yield: another version of the code, or a changed log.
fn not_rebuilt(state: &State, id: ModelId, cut: u64) -> ShelfError {
    let rebuilt: Vec<String> =
        state.infos.values().filter(|info| info.cut == cut).map(|info| short(&info.id)).collect();
    let rebuilt = if rebuilt.is_empty() { "no model".to_owned() } else { rebuilt.join(", ") };
    ShelfError::Unavailable(format!("the log names model {} for cut {cut}, its examples give {rebuilt}", short(&id)))
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

    fn opinions(&self, model: ModelId, cut: u64, rows: Rows<'_>) -> Result<Vec<Opinion>, ShelfError> {
        let scorer = self.shared.scorer(model, cut)?;
        let backend = &self.shared.backend;
        let broken = |error: KernelError| ShelfError::Unavailable(error.to_string());
        let scores = scorer.score(backend, rows).map_err(broken)?;
        let explanations = scorer.explain(backend, rows).map_err(broken)?;
        Ok(scores
            .iter()
            .zip(explanations)
            .map(|(scores, explanation)| {
                let (gbdt, logistic) = (explanation.gbdt, explanation.logistic);
                let score_q24 = (scores.gbdt_q24 + scores.logistic_q24).div_euclid(2);
                let base_q24 = (gbdt.base_q24 + logistic.base_q24).div_euclid(2);
                let parts = gbdt.features_q24.iter().zip(&logistic.features_q24);
                Opinion {
                    score_q24,
                    base_q24,
                    contributions_q24: parts.map(|(trees, linear)| (trees + linear).div_euclid(2)).collect(),
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
