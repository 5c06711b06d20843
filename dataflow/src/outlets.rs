//! Where collections leave the dataflow: into the worker's outbox, by time, each with its digest.

use crate::capture::Outbox;
use crate::plan::Counts;
use crate::source::Record;
use crate::standing::Standing;
use differential_dataflow::ExchangeData;
use driftline_operators::Records;
use driftline_operators::evidence::Unresolved;
use driftline_operators::examples::Example;
use driftline_operators::kept_facts::KeptFacts;
use driftline_operators::split::SplitRepository;
use driftline_operators::validate::{BranchRow, ControlRow, RawRecord};
use driftline_schema::{
    Alert, BlobKey, ChangeKey, ChangeRow, ControlAction, DriftRow, Evidence, Label, ModelInfo, Position, Prediction,
    Reject, RepoId, Vector,
};
use driftline_sinks::metrics::EngineMetrics;
use driftline_sinks::{ChangeSummary, ClosedTime};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use timely::dataflow::operators::Inspect;
use timely::dataflow::operators::probe::Handle as ProbeHandle;
use timely::dataflow::operators::vec::Map;
use timely::dataflow::{Stream, StreamVec};

/// One worker's way out: what is attached here is part of every closed time, and of what the probe waits for.
#[derive(Clone)]
pub struct Outlets {
    /// The worker's differences.
    pub outbox: Outbox,
    /// Follows everything that is attached.
    pub probe: ProbeHandle<u64>,
    /// Counts for people.
    pub counts: Arc<Counts>,
    /// Which commits stand in the log.
    pub standing: Arc<Standing>,
    /// What `/metrics` exports.
    pub metrics: EngineMetrics,
    /// Version of the features table, for the description of models.
    pub features_version: u32,
}

impl Outlets {
    /// The log's records as the validator takes them.
    pub fn raw<'scope>(&self, records: StreamVec<'scope, u64, Record>) -> Stream<'scope, u64, Vec<RawRecord>> {
        let outbox = self.outbox.clone();
        let noted = records.inspect_core(move |event| {
            let times = event.into_iter().flat_map(|(stamp, _)| stamp.iter());
            times.for_each(|time| outbox.begin(*time));
        });
        noted.map(|record| RawRecord {
            position: record.position,
            key: record.key,
            append_time: record.append_time,
            payload: record.payload,
            control: record.control,
            envelope: record.envelope,
        })
    }

    /// Digests a collection and hands its differences on; `put` says where in the closed time they belong.
    fn deliver<'scope, D: ExchangeData>(
        &self,
        name: &'static str,
        records: &Records<'scope, D>,
        put: impl Fn(&mut ClosedTime, &D, isize) + 'static,
    ) {
        let outbox = self.outbox.clone();
        let noted = records.clone().inspect(move |(record, time, diff)| {
            outbox.at(*time, |share| {
                share.digests.update(name, record, *diff);
                put(&mut share.closed, record, *diff);
            });
        });
        noted.probe_with(&self.probe);
    }

    /// Live changes.
    pub fn changes(&self, changes: &Records<'_, Arc<ChangeRow>>) {
        self.deliver("changes", changes, |closed, row, diff| {
            let summary = ChangeSummary {
                key: row.key,
                repository: row.repository.to_string(),
                commit: row.commit,
                subject: row.subject.to_string(),
                time: row.time,
            };
            closed.changes.push((summary, diff));
        });
    }
    /// Facts of live contents.
    pub fn facts(&self, facts: &Records<'_, (BlobKey, KeptFacts)>) {
        let metrics = self.metrics.clone();
        self.deliver("facts", facts, move |_, (key, facts), diff| {
            if diff > 0 {
                let facts = facts.get();
                metrics.parsed(key.language.name(), u64::from(facts.bytes), facts.error_bytes > 0);
            }
        });
    }
    /// Feature vectors.
    pub fn vectors(&self, vectors: &Records<'_, Vector>) {
        self.deliver("vectors", vectors, |closed, vector, diff| closed.vectors.push((vector.clone(), diff)));
    }
    /// Evidence.
    pub fn evidence(&self, evidence: &Records<'_, Evidence>) {
        self.deliver("evidence", evidence, |closed, evidence, diff| closed.evidence.push((*evidence, diff)));
    }
    /// Trailers and reverts that lead nowhere.
    pub fn unresolved(&self, unresolved: &Records<'_, Unresolved>) {
        self.deliver("unresolved", unresolved, |_, _, _| {});
    }
    /// Labels.
    pub fn labels(&self, labels: &Records<'_, (ChangeKey, Label)>) {
        self.deliver("labels", labels, |closed, label, diff| closed.labels.push((*label, diff)));
    }
    /// Labelled vectors.
    pub fn examples(&self, examples: &Records<'_, Example>) {
        self.deliver("examples", examples, |_, _, _| {});
    }
    /// Predictions.
    pub fn predictions(&self, predictions: &Records<'_, (ChangeKey, Arc<Prediction>)>) {
        self.deliver("predictions", predictions, |closed, (_, prediction), diff| {
            closed.predictions.push((Prediction::clone(prediction), diff));
        });
    }
    /// Drift statistics.
    pub fn drift(&self, drift: &Records<'_, DriftRow>) {
        self.deliver("drift", drift, |closed, row, diff| closed.drift.push((row.clone(), diff)));
    }
    /// Drift alerts.
    pub fn alerts(&self, alerts: &Records<'_, Alert>) {
        self.deliver("alerts", alerts, |closed, alert, diff| closed.alerts.push((alert.clone(), diff)));
    }
    /// Control records; the models they put in force are described once, by their copy in the first partition.
    pub fn controls(&self, controls: &Records<'_, ControlRow>) {
        let version = self.features_version;
        self.deliver("controls", controls, move |closed, row, diff| {
            let ControlAction::ModelReady { cut, models } = &row.control.action else { return };
            let models = models.iter().filter(|_| row.position.partition == 0);
            closed.models.extend(models.map(|model| {
                let info = ModelInfo {
                    id: model.id,
                    scope: model.scope.clone(),
                    cut: *cut,
                    rows: model.rows,
                    defective: model.defective,
                    features_version: version,
                };
                (info, diff)
            }));
        });
    }
    /// Notes which commits stand in the log: those of changes, accepted or not, that no later branch move withdrew.
    pub fn standing<'scope>(
        &self,
        changes: &Records<'scope, Arc<ChangeRow>>,
        rejects: &Records<'scope, Reject>,
        branches: &Records<'scope, BranchRow>,
    ) {
        let standing = self.standing.clone();
        let noted = changes.clone().inspect(move |(row, _, _)| {
            standing.note_change(row.key.repo, row.commit, row.key.position.offset);
        });
        noted.probe_with(&self.probe);
        let standing = self.standing.clone();
        let noted = rejects.clone().inspect(move |(reject, _, _)| {
            if let Some(commit) = reject.commit {
                standing.note_change(RepoId::of(&reject.key), commit, reject.position.offset);
            }
        });
        noted.probe_with(&self.probe);
        let standing = self.standing.clone();
        let noted = branches.clone().inspect(move |(row, _, _)| {
            standing.note_withdrawn(row.repo, &row.withdrawn, row.position.offset);
        });
        noted.probe_with(&self.probe);
    }
    /// Rejects.
    pub fn rejects(&self, rejects: &Records<'_, Reject>) {
        self.deliver("rejects", rejects, |closed, reject, diff| {
            closed.rejects.extend((diff > 0).then(|| reject.clone()));
        });
    }
    /// The event clock of each partition.
    pub fn clock(&self, clock: &Records<'_, (u32, i64)>) {
        self.deliver("clock", clock, |closed, (partition, time), diff| {
            let position = Position { partition: *partition, offset: 0 };
            closed.event_clock.extend((diff > 0).then_some((position, *time)));
        });
    }
    /// Unknown fields of accepted records.
    pub fn unknown_fields(&self, unknown: &Records<'_, (Position, u32)>) {
        let counts = self.counts.clone();
        let counted = unknown.clone().inspect(move |((_, fields), _, _)| {
            counts.unknown_fields.fetch_add(u64::from(*fields), Ordering::Relaxed);
        });
        counted.probe_with(&self.probe);
    }
    /// Counts changes that are dated after the log took them.
    pub fn ahead_of_clock(&self, changes: &Records<'_, Arc<ChangeRow>>) {
        let counts = self.counts.clone();
        let counted = changes.clone().inspect(move |(row, _, _)| {
            let ahead = !row.advances_clock && row.time >= 0;
            counts.ahead_of_clock.fetch_add(u64::from(ahead), Ordering::Relaxed);
        });
        counted.probe_with(&self.probe);
    }
    /// Counts the repositories whose events are in several partitions, and names each.
    pub fn split(&self, split: &Records<'_, SplitRepository>) {
        let counts = self.counts.clone();
        let noted = split.clone().inspect(move |((_, (repository, partitions)), _, diff)| {
            counts.split_repositories.fetch_add(*diff as i64, Ordering::Relaxed);
            if *diff > 0 {
                tracing::warn!(
                    repository = &**repository,
                    ?partitions,
                    "events of one repository are in several partitions, which have no common order: it gets no risks \
                     and teaches no model. Give every event its repository as key, and where partitions were added to \
                     the topic, make a new topic and collect the repositories into it"
                );
            }
        });
        noted.probe_with(&self.probe);
    }
    /// Counts accepted records of one kind.
    pub fn accepted<'scope, D: ExchangeData>(&self, records: &Records<'scope, D>) {
        let counts = self.counts.clone();
        let counted = records.clone().inspect(move |_| {
            counts.accepted.fetch_add(1, Ordering::Relaxed);
        });
        counted.probe_with(&self.probe);
    }
}
