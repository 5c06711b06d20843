//! Turns raw records of the log into rows, or into rejects that say what is wrong and where.
//!
//! Every record gives exactly one of the two, whatever its bytes; nothing here depends on other records, so a record
//! is accepted or refused alike on every replay.

mod change;
mod file;
mod hunks;
mod kept;
mod message;
mod paths;
mod route;

pub use file::blob_id_of;
pub use paths::{class_of, path_fault};
pub use route::{Routed, route};

use driftline_schema::wire::{self, DecodeError};
use driftline_schema::{
    AuthorId, BlobContent, Branch, ChangeKey, ChangeRow, CommitId, Control, ControlAction, Envelope, Event, Fixed,
    Limits, Position, Reject, RejectReason, RepoId, Seal, Verdict, Vote,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A record as the log holds it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RawRecord {
    /// Where it stands.
    pub position: Position,
    /// Its key.
    pub key: Vec<u8>,
    /// When it was appended, seconds since 1970; it bounds how far the record's own time may advance the event clock.
    pub append_time: i64,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// Whether the clock found it to be a control record of the engine's own, which stands in every partition.
    pub control: bool,
    /// What it carries besides; decides nothing, and is handed back with a record that is refused.
    pub envelope: Option<Arc<Envelope>>,
}

/// An accepted record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Accepted {
    /// Fields this build does not know.
    pub unknown_fields: u32,
    /// What the record says.
    pub body: Body,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Body {
    /// A commit.
    Change {
        /// The change without its contents.
        row: Arc<ChangeRow>,
        /// Contents that a grammar measures, each once.
        contents: Vec<BlobContent>,
    },
    /// A person's verdict.
    Vote(VoteRow),
    /// A branch moved.
    Branch(BranchRow),
    /// A control record.
    Control(ControlRow),
}

/// A person's verdict on a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VoteRow {
    /// The repository.
    pub repo: RepoId,
    /// Where the record stands.
    pub position: Position,
    /// The commit judged.
    pub commit: CommitId,
    /// Who judges.
    pub voter: AuthorId,
    /// The verdict.
    pub verdict: Verdict,
    /// Weight, at least 1.
    pub weight: u32,
    /// Event time, seconds since 1970.
    pub time: i64,
    /// Whether `time` may advance the event clock.
    pub advances_clock: bool,
    /// Takes the voter's earlier vote back instead.
    pub retract: bool,
}

/// A branch moved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BranchRow {
    /// The repository.
    pub repo: RepoId,
    /// Where the record stands.
    pub position: Position,
    /// The branch's name.
    pub name: Box<str>,
    /// Where it points now.
    pub commit: Option<CommitId>,
    /// Commits withdrawn, sorted, each once.
    pub withdrawn: Vec<CommitId>,
    /// Event time, seconds since 1970.
    pub time: i64,
}

/// A control record where it stands in one partition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ControlRow {
    /// Where it stands; the same record stands in every other partition too.
    pub position: Position,
    /// The record.
    pub control: Control,
    /// Whether it is a tick whose time may advance the event clock.
    pub advances_clock: bool,
}

/// Longest repository name in bytes, which is also the longest key of an event.
pub const REPOSITORY_BYTES_MAX: usize = 255;

type Fault = DecodeError;

fn fault(reason: RejectReason, detail: String) -> Fault {
    Fault { reason, detail }
}

/// A name from the record in a message: escaped, and cut so that a reject stays small.
fn quoted(name: &str) -> String {
    const CHARACTERS_MAX: usize = 100;
    let cut: String = name.chars().take(CHARACTERS_MAX).collect();
    let more = if cut.len() < name.len() { "..." } else { "" };
    format!("`{}{more}`", cut.escape_debug())
}

/// What a body is judged against besides itself.
#[derive(Clone, Copy)]
struct Accept<'a> {
    key: ChangeKey,
    append_time: i64,
    limits: &'a Limits,
}

/// Whether an event time may advance the event clock: not from before 1970, nor too far after the record's append time.
fn advances_clock(time: i64, accept: Accept<'_>) -> bool {
    time >= 0 && time <= accept.append_time.saturating_add(accept.limits.clock_skew_s_max)
}

/// Accepts or refuses one record.
pub fn validate(record: &RawRecord, limits: &Limits) -> Result<Accepted, Reject> {
    read(record, limits).map_err(|fault| Reject {
        position: record.position,
        reason: fault.reason,
        detail: fault.detail,
        key: String::from_utf8_lossy(&record.key).into(),
        commit: wire::commit_of(&record.payload),
        bytes: Arc::from(record.payload.as_slice()),
        envelope: envelope_of(record),
    })
}

/// What a refused record carries besides; its key is kept exactly where text cannot show it.
fn envelope_of(record: &RawRecord) -> Option<Arc<Envelope>> {
    if std::str::from_utf8(&record.key).is_ok() {
        return record.envelope.clone();
    }
    let envelope = record.envelope.as_deref().cloned().unwrap_or_default();
    Some(Arc::new(Envelope { key: Some(record.key.as_slice().into()), ..envelope }))
}

fn read(record: &RawRecord, limits: &Limits) -> Result<Accepted, Fault> {
    let decoded = wire::decode(&record.payload, limits)?;
    let Event { schema: _, repository, change, vote, branch, control, seal } = decoded.event;
    if control.is_some() && !record.control {
        return Err(fault(RejectReason::ForgedControl, forged(seal.as_ref()).to_owned()));
    }
    check_repository(&repository, &record.key, control.is_some())?;
    let key = ChangeKey { repo: RepoId::of(&repository), position: record.position };
    let accept = Accept { key, append_time: record.append_time, limits };
    let body = match (change, vote, branch, control) {
        (Some(change), ..) => change::accept(*change, &repository, accept)?,
        (_, Some(vote), ..) => accept_vote(vote, accept)?,
        (_, _, Some(branch), _) => accept_branch(branch, accept)?,
        (.., Some(control)) => accept_control(control, accept)?,
        _ => return Err(fault(RejectReason::NotOneBody, "the event has no body".to_owned())),
    };
    Ok(Accepted { unknown_fields: decoded.unknown_fields, body })
}

fn check_repository(name: &str, key: &[u8], control: bool) -> Result<(), Fault> {
    let bad = |detail: String| Err(fault(RejectReason::BadRepository, detail));
    if control {
        return if name.is_empty() { Ok(()) } else { bad("a control record names a repository".to_owned()) };
    }
    if name.is_empty() {
        bad("the repository has no name".to_owned())
    } else if name.len() > REPOSITORY_BYTES_MAX {
        bad(format!("the repository's name has {} bytes, the limit is {REPOSITORY_BYTES_MAX}", name.len()))
    } else if name.chars().any(char::is_control) {
        bad(format!("the repository's name {} holds a control character", quoted(name)))
    } else if name.as_bytes() != key {
        let key = String::from_utf8_lossy(key);
        bad(format!("the event is of {}, the record's key is {}", quoted(name), quoted(&key)))
    } else {
        Ok(())
    }
}

fn accept_vote(vote: Vote, accept: Accept<'_>) -> Result<Body, Fault> {
    if vote.weight == 0 {
        return Err(fault(RejectReason::Contradiction, "a vote has no weight".to_owned()));
    }
    Ok(Body::Vote(VoteRow {
        repo: accept.key.repo,
        position: accept.key.position,
        commit: vote.commit,
        voter: vote.voter,
        verdict: vote.verdict,
        weight: vote.weight,
        time: vote.time,
        advances_clock: advances_clock(vote.time, accept),
        retract: vote.retract,
    }))
}

fn accept_branch(branch: Branch, accept: Accept<'_>) -> Result<Body, Fault> {
    if branch.name.len() > accept.limits.path_bytes_max {
        let detail = format!("the branch's name has {} bytes", branch.name.len());
        return Err(fault(RejectReason::OverLimit, detail));
    }
    let mut withdrawn = branch.withdrawn;
    withdrawn.sort();
    withdrawn.dedup();
    if let Some(tip) = branch.commit.filter(|tip| withdrawn.binary_search(tip).is_ok()) {
        let detail = format!("branch {} points at {tip}, which it withdraws", quoted(&branch.name));
        return Err(fault(RejectReason::Contradiction, detail));
    }
    Ok(Body::Branch(BranchRow {
        repo: accept.key.repo,
        position: accept.key.position,
        name: branch.name.into_boxed_str(),
        commit: branch.commit,
        withdrawn,
        time: branch.time,
    }))
}

/// What is wrong with a control record that the clock did not take as one.
fn forged(seal: Option<&Seal>) -> &'static str {
    match seal {
        None => "a control record without a seal; only the engine itself appends control records",
        Some(_) => {
            "the seal of the control record is not of this installation and log, was used before, or does not stand in \
             every partition"
        }
    }
}

fn accept_control(control: Control, accept: Accept<'_>) -> Result<Body, Fault> {
    let contradiction = |detail: &str| Err(fault(RejectReason::Contradiction, detail.to_owned()));
    let mut ticks = false;
    match &control.action {
        ControlAction::Cut { cut: 0 } | ControlAction::ModelReady { cut: 0, .. } => {
            return contradiction("cuts count from 1");
        }
        ControlAction::ModelReady { models, .. } => {
            let mut scopes: Vec<_> = models.iter().map(|model| &model.scope).collect();
            scopes.sort();
            if scopes.windows(2).any(|pair| pair[0] == pair[1]) {
                return contradiction("two models for one scope");
            }
        }
        ControlAction::Threshold { risk } if *risk < Fixed::ZERO || *risk > Fixed::from_int(1) => {
            return contradiction("a threshold is a probability from 0 to 1");
        }
        ControlAction::Tick { time } => ticks = advances_clock(*time, accept),
        ControlAction::Cut { .. } | ControlAction::Erase { .. } | ControlAction::Threshold { .. } => {}
    }
    Ok(Body::Control(ControlRow { position: accept.key.position, control, advances_clock: ticks }))
}

#[cfg(test)]
mod tests;
