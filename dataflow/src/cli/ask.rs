//! Asking the engine that holds a data folder, where starting another would have to wait until it ends.
//!
//! The holder of the lock says in the folder where it answers. Only while it holds the lock is that address asked, so
//! what a crashed engine left behind is not. The answers are those that an engine of one's own would give.

use super::data::DataError;
use crate::log::{Holder, LogError};
use crate::terminal::note;
use driftline_api::ChangeAnswer;
use driftline_schema::{CommitId, Prediction};
use driftline_sinks::view::Lookup;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a holder that does not answer over HTTP is waited for: another command that is about to end, or an engine
/// that is about to listen.
const HOLDER_WAIT: Duration = Duration::from_secs(10);
const HOLDER_PAUSE: Duration = Duration::from_millis(100);
/// How long an engine that follows a repository may take to score a commit that is new.
const NEWS_WAIT: Duration = Duration::from_secs(5);
const NEWS_PAUSE: Duration = Duration::from_millis(100);
/// Bytes of one answer, which is held in memory.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// Who answers for a data folder.
pub enum Answering<T> {
    /// This process, which holds it now.
    Own(T),
    /// The engine that holds it.
    Running(Running),
}

/// Opens the data folder with `own`, or finds the engine that holds it.
pub fn own_or_running<T>(data: &Path, own: impl Fn() -> Result<T, DataError>) -> Result<Answering<T>, DataError> {
    let end = Instant::now() + HOLDER_WAIT;
    loop {
        let locked = match own() {
            Err(DataError::Log(locked @ LogError::Locked { .. })) => locked,
            outcome => return outcome.map(Answering::Own),
        };
        if let Some(Holder { pid, url: Some(url) }) = Holder::read(data) {
            let running = Running::new(pid, url);
            if running.is_behind() {
                note!(
                    "driftline: {} is still bringing the history in; the answer holds what it has got so far",
                    running.words()
                );
            }
            return Ok(Answering::Running(running));
        }
        if Instant::now() >= end {
            return Err(locked.into());
        }
        std::thread::sleep(HOLDER_PAUSE);
    }
}

/// What answers questions about commits.
pub trait Answers {
    /// The repositories by name.
    fn repositories(&self) -> Result<Vec<String>, DataError>;
    /// The change of `repository` whose commit begins with `commit`.
    fn lookup(&self, repository: &str, commit: &str) -> Result<Lookup<Box<ChangeAnswer>>, DataError>;
}

/// An engine in another process.
pub struct Running {
    pid: u32,
    url: String,
    agent: ureq::Agent,
}

/// One line of `/v1/repos`.
#[derive(Deserialize)]
struct RepositoryRow {
    repository: String,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

/// What an engine says of its digests.
#[derive(Debug, Deserialize)]
pub struct RunningDigests {
    /// What they are of.
    pub as_of: Offsets,
    /// One digest over all collections.
    pub digest: String,
    /// The digest of each collection by name.
    pub collections: std::collections::BTreeMap<String, String>,
}

/// A place in the log.
#[derive(Debug, Deserialize)]
pub struct Offsets {
    /// Next offset of each partition.
    pub offsets: Vec<u64>,
}

/// The parts of a problem that are read here.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    detail: String,
    #[serde(default)]
    candidates: Vec<String>,
}

impl Running {
    fn new(pid: u32, url: String) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_recv_response(Some(Duration::from_secs(30)))
            .max_redirects(0)
            // An address on this machine is not reached through a proxy.
            .proxy(None);
        Self { pid, url, agent: config.build().into() }
    }

    /// Who it is, for people.
    pub fn words(&self) -> String {
        format!("process {} at {}", self.pid, self.url)
    }

    /// Whether it says that it has not caught up with the histories it follows. One that says nothing will be asked anyhow.
    fn is_behind(&self) -> bool {
        #[derive(Deserialize)]
        struct Ready {
            checks: std::collections::BTreeMap<String, String>,
        }
        let bytes = self.get("/readyz").and_then(|(_, body)| self.read(body)).unwrap_or_default();
        let ready = serde_json::from_slice::<Ready>(&bytes).ok();
        ready.and_then(|ready| ready.checks.get("caught_up").cloned()).is_some_and(|state| state != "ok")
    }

    fn fails(&self, reason: impl ToString) -> DataError {
        DataError::Running { pid: self.pid, url: self.url.clone(), reason: reason.to_string() }
    }

    fn get(&self, path: &str) -> Result<(u16, ureq::Body), DataError> {
        let response = self.agent.get(format!("{}{path}", self.url)).call().map_err(|error| self.fails(error))?;
        let (parts, body) = response.into_parts();
        Ok((parts.status.as_u16(), body))
    }

    fn read(&self, mut body: ureq::Body) -> Result<Vec<u8>, DataError> {
        body.with_config().limit(ANSWER_BYTES_MAX).read_to_vec().map_err(|error| self.fails(error))
    }

    fn parse<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, DataError> {
        serde_json::from_slice(bytes).map_err(|error| {
            self.fails(format!("its answer is not understood ({error}); is it another version of driftline?"))
        })
    }

    /// The answer to a question that has one.
    fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<T, DataError> {
        let (status, body) = self.get(path)?;
        let bytes = self.read(body)?;
        if status == 200 { self.parse(&bytes) } else { Err(self.refused(path, status, &bytes)) }
    }

    fn refused(&self, path: &str, status: u16, bytes: &[u8]) -> DataError {
        let refusal: Refusal = serde_json::from_slice(bytes).unwrap_or_default();
        self.fails(format!("{path} was answered with status {status}: {}", refusal.detail))
    }

    fn rows(&self) -> Result<Vec<RepositoryRow>, DataError> {
        #[derive(Deserialize)]
        struct Rows {
            repositories: Vec<RepositoryRow>,
        }
        Ok(self.ask::<Rows>("/v1/repos")?.repositories)
    }

    /// Digests and the place in the log they are of.
    pub fn digests(&self) -> Result<RunningDigests, DataError> {
        self.ask("/v1/digests")
    }

    /// Writes the Parquet file of all vectors to `out`.
    pub fn export(&self, out: &mut impl Write) -> Result<(), DataError> {
        let (status, body) = self.get("/v1/export")?;
        if status != 200 {
            let bytes = self.read(body)?;
            return Err(self.refused("/v1/export", status, &bytes));
        }
        std::io::copy(&mut body.into_reader(), out).map_err(|error| self.fails(error))?;
        Ok(())
    }

    /// The prediction of each commit of `repository`, waiting a little for those that are new.
    pub fn predictions(
        &self,
        repository: &str,
        commits: &[String],
    ) -> Result<Vec<(String, Option<Prediction>)>, DataError> {
        let mut end = Instant::now() + NEWS_WAIT;
        let mut found = Vec::new();
        for commit in commits {
            let prediction = loop {
                match self.lookup(repository, commit)? {
                    Lookup::Found(answer) => break answer.prediction,
                    _ if self.is_bringing_in(repository)? => end = Instant::now() + NEWS_WAIT,
                    _ if Instant::now() >= end => break None,
                    _ => {}
                }
                std::thread::sleep(NEWS_PAUSE);
            };
            found.push((commit.clone(), prediction));
        }
        Ok(found)
    }

    /// Whether the history of `repository` is being brought in; an error when it is not followed.
    fn is_bringing_in(&self, repository: &str) -> Result<bool, DataError> {
        let rows = self.rows()?;
        let row = rows.iter().find(|row| row.repository == repository);
        let state = row.map(|row| row.state.as_deref());
        match (row, state) {
            (_, Some(Some("importing"))) => Ok(true),
            (_, Some(Some("following"))) => Ok(false),
            (Some(RepositoryRow { reason: Some(reason), .. }), _) => {
                Err(self.fails(format!("`{repository}` cannot be followed there now: {reason}")))
            }
            // It is in the log, and no one follows it.
            _ => {
                let known: Vec<&str> =
                    rows.iter().filter(|row| row.state.is_some()).map(|row| row.repository.as_str()).collect();
                Err(self.fails(format!(
                    "it does not follow `{repository}` but {}; start it with that repository as well, or name another \
                     folder with --data",
                    if known.is_empty() { "none here".to_owned() } else { known.join(", ") }
                )))
            }
        }
    }
}

impl Answers for Running {
    fn repositories(&self) -> Result<Vec<String>, DataError> {
        let rows = self.rows()?;
        Ok(rows.into_iter().map(|row| row.repository).collect())
    }

    fn lookup(&self, repository: &str, commit: &str) -> Result<Lookup<Box<ChangeAnswer>>, DataError> {
        let path = format!("/v1/changes/{}/{}", segment(repository), segment(commit));
        let (status, body) = self.get(&path)?;
        let bytes = self.read(body)?;
        Ok(match status {
            200 => Lookup::Found(Box::new(self.parse(&bytes)?)),
            400 => Lookup::BadPrefix,
            404 if self.repositories()?.iter().any(|name| name == repository) => Lookup::NoCommit,
            404 => Lookup::NoRepository,
            409 => {
                let refusal: Refusal = self.parse(&bytes)?;
                Lookup::Ambiguous(refusal.candidates.iter().filter_map(|hex| CommitId::from_hex(hex)).collect())
            }
            _ => return Err(self.refused(&path, status, &bytes)),
        })
    }
}

/// A name as one segment of a path.
fn segment(text: &str) -> String {
    let escaped = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            (byte as char).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    // A segment of dots alone would be taken for a step in the path.
    if text.bytes().all(|byte| byte == b'.') { text.replace('.', "%2E") } else { text.bytes().map(escaped).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_segment_whatever_it_holds() {
        assert_eq!(segment("acme/payments v2"), "acme%2Fpayments%20v2");
        assert_eq!(segment(".."), "%2E%2E");
        assert_eq!(segment("a.b-c_d~é?#"), "a.b-c_d~%C3%A9%3F%23");
    }

    #[test]
    fn a_holder_that_does_not_answer_is_named() {
        let dir = crate::log::scratch();
        let held = crate::log::DataDir::open(dir.path()).expect("free");
        // Nobody listens on that port.
        held.announce("http://127.0.0.1:9").expect("is written");
        let open = || Ok(crate::log::DataDir::open(dir.path())?);
        let Ok(Answering::Running(engine)) = own_or_running(dir.path(), open) else { panic!("it is held") };
        let text = engine.repositories().expect_err("nobody answers").to_string();
        assert!(text.contains(&std::process::id().to_string()) && text.contains("http://127.0.0.1:9"), "{text}");
        drop(held);
        assert!(matches!(own_or_running(dir.path(), open), Ok(Answering::Own(_))), "a stale address is not asked");
    }
}
