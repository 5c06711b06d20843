//! The embedded durable log: topics, partitions and offsets with Kafka's meaning, in files of the data directory.
//!
//! An append is buffered; [`EmbeddedLog::sync`] makes all appends before it durable, and only then may readers see them.
//! Callers sync once per batch. A tail that a crash left half written is cut off on opening; damage anywhere else is an
//! error that names file and byte.
//!
//! Bindings say what is durable besides: a tail that they cover and that is not whole is damage, and nothing is cut.
//!
//! Layout: `DATA/TOPIC/topic.json`, `DATA/TOPIC/PARTITION/FIRST-OFFSET.log`.

mod control;
mod dir;
mod error;
mod frame;
mod frames;
mod frozen;
mod home;
mod partition;
mod reader;
mod repair;
#[cfg(test)]
mod repair_property_tests;
#[cfg(test)]
mod repair_tests;
mod segment;
#[cfg(test)]
mod tests;

pub use dir::{DataDir, Holder};
pub(crate) use dir::{FOLDER, ignore_in_git, write_whole};
pub use error::LogError;
pub(crate) use error::data_folder;
pub use frame::RECORD_BYTES_MAX;
pub use frozen::{FrozenLog, FrozenSource};
pub use reader::PartitionReader;
pub use repair::{Damage, Survey, inspect, repair};

use crate::clock::ClockError;
use crate::controls::ControlRule;
use crate::source::{LastControls, Wake, partition_of};
use driftline_schema::{Event, Position, wire};
use home::Home;
use parking_lot::Mutex;
use partition::{Append, DurableEnd, PartitionWriter};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

const FORMAT: u32 = 1;

/// A topic of the embedded log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// The topic's name.
    pub topic: String,
    /// Partitions of a new topic; one that exists keeps its own, as keys would move otherwise. Four, so that a few
    /// repositories are read side by side without many small syncs.
    pub partitions: NonZeroU32,
    /// Size in bytes from which a new segment is begun. The last segment is read whole on opening, so this bounds the
    /// time to open: 64 MiB take about a tenth of a second.
    pub segment_bytes: u32,
}

impl Default for LogConfig {
    fn default() -> Self {
        let partitions = NonZeroU32::new(4).expect("four is not zero");
        Self { topic: "code-events".to_owned(), partitions, segment_bytes: 64 << 20 }
    }
}

/// What a topic's folder says of itself.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TopicFile {
    format: u32,
    partitions: NonZeroU32,
}

/// One topic, open for appending and reading. Clones share it.
#[derive(Clone)]
pub struct EmbeddedLog {
    inner: Arc<Inner>,
}

struct Inner {
    _lock: DataDir,
    topic: String,
    partitions: Vec<(PathBuf, Arc<DurableEnd>)>,
    writer: Mutex<Writer>,
    wakes: Mutex<Vec<Wake>>,
}

struct Writer {
    partitions: Vec<PartitionWriter>,
    /// A control record was appended and is not known to be durable in every partition.
    control_pending: bool,
}

impl EmbeddedLog {
    /// Opens the topic, creating it where needed, after repairing what a crash left.
    pub fn open(dir: &DataDir, config: &LogConfig) -> Result<Self, LogError> {
        check_topic(&config.topic)?;
        refuse_kafka(dir.path())?;
        let topic = dir.path().join(&config.topic);
        let floor = floor(dir, &config.topic)?;
        if !topic.exists() && floor.iter().any(|end| *end > 0) {
            return Err(LogError::damaged(&topic, 0, "it is missing, and with it the records that bindings cover"));
        }
        dir::create_dir(&topic)?;
        let bound = u32::try_from(floor.len()).ok().and_then(NonZeroU32::new);
        let config = &LogConfig { partitions: bound.unwrap_or(config.partitions), ..config.clone() };
        let partitions = partition_count(&topic.join("topic.json"), config)?;
        let segment_bytes = u64::from(config.segment_bytes.clamp(1, 1 << 30));
        let known = |partition: u32| floor.get(partition as usize).copied().unwrap_or(0);
        let writers: Result<Vec<_>, _> = (0..partitions.get())
            .map(|partition| {
                let home = Home { partition, partitions: partitions.get() };
                PartitionWriter::open(&topic.join(partition.to_string()), home, segment_bytes, known(partition))
            })
            .collect();
        let mut writers = writers?;
        dir::sync_dir(&topic)?;
        control::complete(&mut writers)?;
        let inner = Inner {
            _lock: dir.clone(),
            topic: config.topic.clone(),
            partitions: writers.iter().map(|writer| (writer.dir().to_owned(), writer.durable().clone())).collect(),
            writer: Mutex::new(Writer { partitions: writers, control_pending: false }),
            wakes: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The topic's name.
    pub fn topic(&self) -> &str {
        &self.inner.topic
    }

    /// Number of partitions.
    pub fn partitions(&self) -> u32 {
        self.inner.partitions.len() as u32
    }

    /// Appends a record to the partition of its key; durable after the next [`Self::sync`].
    pub fn append(&self, key: &[u8], payload: &[u8]) -> Result<Position, LogError> {
        if !frame::fits(key.len(), payload.len()) {
            return Err(LogError::TooLarge { key_bytes: key.len(), payload_bytes: payload.len() });
        }
        let partition = partition_of(key, self.partitions());
        let mut writer = self.inner.writer.lock();
        let end = &mut writer.partitions[partition as usize];
        end.make_room()?;
        let offset = end.append(&Append { key, payload, control: false, append_time_ms: now_ms() });
        Ok(Position { partition, offset })
    }

    /// Appends an event as a control record to every partition and makes it durable, with everything before it. After an
    /// error it is unknown whether it stands; if it stands anywhere, it will stand everywhere.
    pub fn append_control(&self, sealed: &Event) -> Result<Vec<u64>, LogError> {
        let payload = wire::encode(sealed);
        if !frame::fits(0, payload.len()) {
            return Err(LogError::TooLarge { key_bytes: 0, payload_bytes: payload.len() });
        }
        let append_time_ms = now_ms();
        let mut writer = self.inner.writer.lock();
        // Partitions may differ by one control record only, or the next opening could not tell which are missing.
        if writer.control_pending {
            self.sync_all(&mut writer)?;
        }
        writer.partitions.iter_mut().try_for_each(PartitionWriter::make_room)?;
        writer.control_pending = true;
        for end in &mut writer.partitions {
            end.append(&Append { key: b"", payload: &payload, control: true, append_time_ms });
        }
        self.sync_all(&mut writer)
    }

    /// Makes every append before this call durable and visible to readers. Returns the durable end of each partition.
    pub fn sync(&self) -> Result<Vec<u64>, LogError> {
        self.sync_all(&mut self.inner.writer.lock())
    }

    fn sync_all(&self, writer: &mut Writer) -> Result<Vec<u64>, LogError> {
        let mut synced = false;
        for end in writer.partitions.iter_mut().filter(|end| end.is_dirty()) {
            end.sync()?;
            synced = true;
        }
        writer.control_pending = false;
        if synced {
            self.inner.wakes.lock().iter().for_each(Wake::wake);
        }
        Ok(self.ends())
    }

    /// The highest numbers among the control records that stand in the log.
    pub fn last_controls(&self, rule: &ControlRule) -> Result<LastControls, LogError> {
        let writer = self.inner.writer.lock();
        writer.partitions.first().map_or(Ok(LastControls::default()), |first| control::last_numbers(first, rule))
    }

    /// The durable end of each partition: the first offset a reader cannot see yet.
    pub fn ends(&self) -> Vec<u64> {
        self.inner.partitions.iter().map(|(_, end)| end.get().next_offset).collect()
    }

    /// Reads a partition from `offset` on.
    pub fn reader(&self, partition: u32, offset: u64) -> Result<PartitionReader, LogError> {
        let (dir, end) = &self.inner.partitions[partition as usize];
        let home = Home { partition, partitions: self.partitions() };
        PartitionReader::open(dir.clone(), home, end.clone(), offset)
    }

    /// Wakes `wake` whenever there is more to read.
    pub fn wake_on_sync(&self, wake: Wake) {
        self.inner.wakes.lock().push(wake);
    }
}

/// Refuses the data folder of an engine that reads its log from Kafka, before anything is made in it.
pub(crate) fn refuse_kafka(data: &Path) -> Result<(), LogError> {
    let bound = crate::clock::bound_log(&data.join("bindings"));
    match bound.as_deref().and_then(|log| log.strip_prefix("kafka:")) {
        Some(topic) => Err(LogError::OfKafka { path: data.to_owned(), topic: topic.to_owned() }),
        None => Ok(()),
    }
}

/// Up to where each partition is known to have been durable: whatever bindings cover was read, and so was synced before.
pub(crate) fn floor(dir: &DataDir, topic: &str) -> Result<Vec<u64>, LogError> {
    let path = dir.path().join("bindings");
    let bound = crate::clock::bound_until(&path, &format!("embedded:{topic}"));
    let refuse = |error| match error {
        ClockError::Bindings { path, source } => LogError::io("use", &path, source),
        error => LogError::damaged(&path, 0, error.reason()),
    };
    Ok(bound.map_err(refuse)?.unwrap_or_default())
}

/// The time an append notes. It is written to the log once and read from there ever after, so a replay sees the same.
fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_millis() as i64)
}

/// A directory for a test, in memory where there is such a file system: a sync on a disk takes milliseconds.
#[cfg(test)]
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a temporary directory can be made")
}

/// Whether a topic may have this name, here as in Kafka.
pub(crate) fn is_topic_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=249).contains(&name.len()) && name.bytes().all(allowed) && name != "." && name != ".."
}

fn check_topic(name: &str) -> Result<(), LogError> {
    if is_topic_name(name) { Ok(()) } else { Err(LogError::TopicName(name.to_owned())) }
}

/// The number of partitions the topic was created with, creating it now if it is new.
pub(crate) fn partition_count(path: &Path, config: &LogConfig) -> Result<NonZeroU32, LogError> {
    match existing_partitions(path) {
        Err(LogError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            let partitions = path.parent().and_then(partition_folders).unwrap_or(config.partitions);
            write_partition_count(path, partitions)?;
            Ok(partitions)
        }
        outcome => outcome,
    }
}

/// Notes how many partitions a topic has.
pub(crate) fn write_partition_count(path: &Path, partitions: NonZeroU32) -> Result<(), LogError> {
    let file = TopicFile { format: FORMAT, partitions };
    write_whole(path, &serde_json::to_vec(&file).expect("two numbers are written as JSON"))
}

/// The number of partitions the topic was created with.
fn existing_partitions(path: &Path) -> Result<NonZeroU32, LogError> {
    let bytes = crate::plain_file::read(path, crate::plain_file::TEXT_BYTES_MAX)
        .map_err(|source| LogError::io("read", path, source))?;
    let file: TopicFile =
        serde_json::from_slice(&bytes).map_err(|error| LogError::damaged(path, 0, error.to_string()))?;
    if file.format != FORMAT {
        let reason = format!("format {}, this build reads {FORMAT}", file.format);
        return Err(LogError::damaged(path, 0, reason));
    }
    let folders = path.parent().and_then(partition_folders).map_or(0, NonZeroU32::get);
    if folders > file.partitions.get() {
        let reason = format!(
            "it says {} partitions, and beside it are folders of {folders}; put {folders} there if none of them was lost",
            file.partitions
        );
        return Err(LogError::damaged(path, 0, reason));
    }
    // A crash while the folders were being made leaves fewer; nothing is bound then.
    let is_bound = path.ancestors().nth(2).is_some_and(|data| data.join("bindings").exists());
    let topic = path.parent().unwrap_or(path);
    let mut folders = (0..file.partitions.get()).map(|partition| topic.join(partition.to_string()));
    match folders.find(|folder| is_bound && !folder.is_dir()) {
        Some(folder) => Err(LogError::damaged(&folder, 0, "the folder of a partition is missing")),
        None => Ok(file.partitions),
    }
}

/// How many partitions a topic's folder holds, where the file that says it is lost: another number would move keys. One
/// of them may be lost as well, so the highest counts.
fn partition_folders(topic: &Path) -> Option<NonZeroU32> {
    let names = std::fs::read_dir(topic).ok()?.flatten().filter(|entry| entry.path().is_dir());
    let highest = names.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).max()?;
    NonZeroU32::new(highest.checked_add(1)?)
}

/// The number of partitions of a topic that is to be mended: what the file says, where it can be read and no folder says
/// more; else what folders and bindings say, and the file is to be made anew.
pub(crate) fn partitions_to_mend(topic: &Path, floor: &[u64]) -> Result<NonZeroU32, Option<NonZeroU32>> {
    let folders = partition_folders(topic).map_or(0, NonZeroU32::get);
    let path = topic.join("topic.json");
    let said = crate::plain_file::read(&path, crate::plain_file::TEXT_BYTES_MAX).ok();
    let said = said.and_then(|bytes| serde_json::from_slice::<TopicFile>(&bytes).ok()).map(|file| file.partitions);
    match said {
        Some(said) if said.get() >= folders && (floor.is_empty() || said.get() as usize == floor.len()) => Ok(said),
        _ => Err(NonZeroU32::new(folders.max(floor.len() as u32))),
    }
}
