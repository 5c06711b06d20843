//! Whether the topics of results are those that results were sent to.
//!
//! A topic that was made anew bears its old name and holds nothing of what was sent before. Its id tells, which is kept in
//! the data folder from one start to the next.

use super::data::DataError;
use crate::config::Config;
use crate::log::write_whole;
use crate::plain_file;
use crate::source::kafka::{KafkaConfig, topic_id};
use crate::terminal::note;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The ids of the topics by name, in the data folder.
const IDS: &str = "kafka-result-topics.json";
/// More bytes than three names and ids take.
const IDS_BYTES_MAX: u64 = 64 << 10;

/// The file that says which results were acknowledged.
pub(super) fn progress(config: &Config) -> PathBuf {
    config.data.join("kafka-sink")
}

/// Forgets what was acknowledged where a topic of results was made anew, by this start or by somebody since the last: what
/// an earlier one of its name held is gone with it.
pub(super) fn send_again(config: &Config, source: &KafkaConfig, made: &[String]) -> Result<(), DataError> {
    let kafka = &config.kafka;
    let path = config.data.join(IDS);
    let known = read(&path)?;
    let mut now = known.clone();
    for name in [&kafka.predictions, &kafka.alerts, &kafka.dead_letters] {
        // A cluster that gives topics no ids, or does not answer now, leaves the question open.
        if let Some(id) = topic_id(&KafkaConfig { topic: name.clone(), ..source.clone() }) {
            now.insert(name.clone(), id);
        }
    }
    let is_other = |name: &&String| known.get(*name).is_some_and(|id| now[*name] != *id);
    let anew = now.keys().find(is_other).or_else(|| made.iter().find(|name| **name != kafka.topic));
    let sent = progress(config);
    if let Some(name) = anew.filter(|_| sent.exists()) {
        note!("the topic {name} was made anew; all results are sent again, to the other topics of results as well");
        std::fs::remove_file(&sent).map_err(|source| DataError::File { path: sent, source })?;
    }
    if now != known {
        write_whole(&path, &serde_json::to_vec(&now).expect("names and ids always serialise"))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<BTreeMap<String, String>, DataError> {
    let found = match plain_file::read(path, IDS_BYTES_MAX) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(std::io::Error::other),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error),
    };
    found.map_err(|source| DataError::File { path: path.to_owned(), source })
}
