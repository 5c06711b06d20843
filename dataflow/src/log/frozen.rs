//! The log up to given offsets, read while the process that holds its lock may be appending to it.
//!
//! Nothing is repaired, created or locked: records before the offsets are durable (somebody reflects them), and what lies
//! behind them is never looked at.

use super::error::LogError;
use super::frames::Frames;
use super::home::Home;
use super::partition::{Durable, DurableEnd};
use super::reader::PartitionReader;
use super::segment::{segment_path, segments};
use super::{LogConfig, check_topic, existing_partitions};
use crate::controls::ControlRule;
use crate::source::{AppendError, Appender, LastControls, LogEnd, Next, Source, SourceError, Wake};
use driftline_schema::Event;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A part of a topic that no longer changes. Clones share it.
#[derive(Clone)]
pub struct FrozenLog {
    topic: String,
    partitions: Arc<[(PathBuf, Arc<DurableEnd>)]>,
    ends: Vec<u64>,
}

impl FrozenLog {
    /// The topic in the data directory `path` before `ends`, the next offset of each partition.
    pub fn open(path: &Path, config: &LogConfig, ends: &[u64]) -> Result<Self, LogError> {
        check_topic(&config.topic)?;
        let topic = path.join(&config.topic);
        let count = existing_partitions(&topic.join("topic.json"))?;
        if count.get() as usize != ends.len() {
            let reason = format!("it has {count} partitions, and offsets are given for {}", ends.len());
            return Err(LogError::damaged(&topic, 0, reason));
        }
        let partition = |(number, end): (usize, &u64)| {
            let dir = topic.join(number.to_string());
            let durable = find_end(&dir, *end)?;
            Ok((dir, Arc::new(DurableEnd::new(durable))))
        };
        let partitions: Result<Vec<_>, LogError> = ends.iter().enumerate().map(partition).collect();
        Ok(Self { topic: config.topic.clone(), partitions: partitions?.into(), ends: ends.to_vec() })
    }

    /// The log's name, as bindings and keys know it.
    pub fn name(&self) -> String {
        format!("embedded:{}", self.topic)
    }

    fn reader(&self, partition: u32, offset: u64) -> Result<PartitionReader, LogError> {
        let (dir, end) = &self.partitions[partition as usize];
        let home = Home { partition, partitions: self.partitions.len() as u32 };
        PartitionReader::open(dir.clone(), home, end.clone(), offset)
    }

    fn refuse(&self) -> AppendError {
        let reason = "it is read beside the process that writes it".to_owned();
        AppendError::Refused { topic: self.topic.clone(), bytes: 0, reason }
    }
}

/// The place behind the record before offset `end`.
fn find_end(dir: &Path, end: u64) -> Result<Durable, LogError> {
    let base = segments(dir)?.into_iter().take_while(|&base| base <= end).last();
    let Some(base) = base else {
        return Err(LogError::damaged(&segment_path(dir, 0), 0, "the first segment is missing"));
    };
    let mut frames = Frames::open(&segment_path(dir, base))?;
    let file_bytes = frames.file_bytes()?;
    for next_offset in base..end {
        if frames.next(file_bytes)?.is_none() {
            return Err(frames.damaged(format!("offset {next_offset} is missing")));
        }
    }
    Ok(Durable { next_offset: end, base, bytes: frames.at() })
}

impl Appender for FrozenLog {
    fn partitions(&self) -> u32 {
        self.partitions.len() as u32
    }
    fn append(&self, _key: &[u8], _payload: &[u8]) -> Result<u32, AppendError> {
        Err(self.refuse())
    }
    fn append_control(&self, _sealed: &Event) -> Result<Vec<u64>, AppendError> {
        Err(self.refuse())
    }
    fn sync(&self) -> Result<Vec<u64>, AppendError> {
        Ok(self.ends.clone())
    }
    fn last_controls(&self, rule: &ControlRule) -> Result<LastControls, AppendError> {
        // Every control record stands in every partition.
        let (mut last, mut records) = (LastControls::default(), self.reader(0, 0)?);
        while let Some(record) = records.read()? {
            if record.control {
                last.read(rule, record.position, &record.payload);
            }
        }
        Ok(last)
    }
}

impl LogEnd for FrozenLog {
    fn reached(&self, next: &[u64]) -> bool {
        self.ends == next
    }
}

/// Reads a frozen log.
pub struct FrozenSource {
    log: FrozenLog,
    readers: Vec<PartitionReader>,
}

impl FrozenSource {
    /// Reads from the first record on, until sought.
    pub fn new(log: &FrozenLog) -> Result<Self, SourceError> {
        let mut source = Self { log: log.clone(), readers: Vec::new() };
        source.seek(&vec![0; log.ends.len()])?;
        Ok(source)
    }
}

impl Source for FrozenSource {
    fn name(&self) -> String {
        self.log.name()
    }
    fn open_partitions(&mut self, count: u32) -> Result<(), SourceError> {
        assert!(count <= self.partitions(), "the embedded log keeps its number of partitions");
        Ok(())
    }
    fn partitions(&self) -> u32 {
        self.log.partitions.len() as u32
    }
    fn range(&mut self) -> Result<Vec<Range<u64>>, SourceError> {
        Ok(self.log.ends.iter().map(|end| 0..*end).collect())
    }
    fn seek(&mut self, next: &[u64]) -> Result<(), SourceError> {
        let readers: Result<Vec<_>, _> =
            next.iter().enumerate().map(|(partition, &offset)| self.log.reader(partition as u32, offset)).collect();
        self.readers = readers?;
        Ok(())
    }
    fn next(&mut self, partition: u32) -> Result<Next, SourceError> {
        Ok(match self.readers[partition as usize].read()? {
            Some(record) => Next::Record(record),
            None => Next::AtEnd,
        })
    }
    fn end(&self) -> Arc<dyn LogEnd> {
        Arc::new(self.log.clone())
    }
    /// There will never be more.
    fn wake_on_data(&mut self, _wake: Wake) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::testing::rule;
    use crate::log::{DataDir, EmbeddedLog, scratch};
    use driftline_schema::{Control, ControlAction, ControlId};
    use std::num::NonZeroU32;

    fn payloads(log: &FrozenLog, partition: u32) -> Vec<Vec<u8>> {
        let mut reader = log.reader(partition, 0).expect("opens");
        std::iter::from_fn(|| reader.read().expect("reads")).map(|record| record.payload).collect()
    }

    #[test]
    fn a_part_is_read_beside_the_writer_whatever_it_appends() {
        let dir = scratch();
        let data = DataDir::open(dir.path()).expect("free");
        let config =
            LogConfig { partitions: NonZeroU32::new(2).expect("two"), segment_bytes: 400, ..LogConfig::default() };
        let log = EmbeddedLog::open(&data, &config).expect("opens");
        let mut ends = vec![log.ends()];
        for cut in 1..=6 {
            for n in 0..7_u8 {
                log.append(format!("repo {n}").as_bytes(), &[n; 60]).expect("appends");
            }
            let action = ControlAction::Cut { cut };
            let sealed = rule().seal(Control { id: ControlId::of("cut", cut), action }, cut, 2);
            ends.push(log.append_control(&sealed).expect("appends"));
            let frozen = FrozenLog::open(dir.path(), &config, ends.last().expect("some")).expect("opens");
            assert_eq!(frozen.last_controls(&rule()).expect("known").cut, cut);
        }
        let whole: Vec<_> =
            (0..2).map(|p| payloads(&FrozenLog::open(dir.path(), &config, &ends[6]).expect("opens"), p)).collect();
        // What is buffered, or written and not synced, lies behind every end.
        log.append(b"repo 1", &[9; 1 << 20]).expect("appends");
        log.append(b"repo 1", &[9; 1 << 20]).expect("appends");
        for (cut, ends) in ends.iter().enumerate() {
            let frozen = FrozenLog::open(dir.path(), &config, ends).expect("opens");
            for partition in 0..2 {
                let end = ends[partition] as usize;
                assert_eq!(payloads(&frozen, partition as u32), whole[partition][..end], "cut {cut}");
            }
            assert!(frozen.reached(ends) && frozen.append(b"a", b"b").is_err());
        }
        let beyond = [ends[6][0], ends[6][1] + 1_000];
        assert!(FrozenLog::open(dir.path(), &config, &beyond).is_err());
        assert!(FrozenLog::open(dir.path(), &config, &[0]).is_err(), "another number of partitions");
    }
}
