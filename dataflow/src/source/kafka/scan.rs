//! Finds the last control records of a Kafka topic.
//!
//! One partition tells, because a control record stands in all. It is read backwards in growing windows: the last cut is
//! near the end as a rule. Copies of older control records can hide the last from such a search; the clock, which reads
//! everything, then knows better, and the conductor takes the higher number.

use super::{Events, KafkaConfig, is_control, is_transient, watermarks};
use crate::controls::{ControlRule, Reading};
use crate::source::{LastControls, SourceError};
use driftline_schema::Position;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

const FIRST_WINDOW: u64 = 1_000;

/// The highest numbers among the control records.
pub(super) fn last_controls(config: &KafkaConfig, rule: &ControlRule) -> Result<LastControls, SourceError> {
    let (low, high) = watermarks(connect(config)?.client(), config, 0)?;
    let (mut end, mut window) = (high, FIRST_WINDOW);
    let mut last = LastControls::default();
    while end > low && !last.are_known() {
        let start = end.saturating_sub(window).max(low);
        read(config, rule, start..end, &mut last)?;
        end = start;
        window = window.saturating_mul(8);
    }
    Ok(last)
}

/// Partitions the log had at its first control record; `None` where none stands in the first partition.
pub(super) fn first_partitions(config: &KafkaConfig, rule: &ControlRule) -> Result<Option<u32>, SourceError> {
    let (low, high) = watermarks(connect(config)?.client(), config, 0)?;
    let mut first = None;
    visit(config, low..high, |message| {
        let position = Position { partition: 0, offset: message.offset() as u64 };
        if let Reading::Own(own) = rule.read(position, message.payload().unwrap_or_default()) {
            first = Some(own.partitions).filter(|partitions| *partitions > 0);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    Ok(first)
}

fn connect(config: &KafkaConfig) -> Result<BaseConsumer<Events>, SourceError> {
    config.consumer()?.create_with_context(Events::new(config)).map_err(|error| config.fault(error))
}

fn read(
    config: &KafkaConfig,
    rule: &ControlRule,
    range: Range<u64>,
    last: &mut LastControls,
) -> Result<(), SourceError> {
    visit(config, range, |message| {
        let position = Position { partition: 0, offset: message.offset() as u64 };
        last.read(rule, position, message.payload().unwrap_or_default());
        ControlFlow::Continue(())
    })
}

/// Shows what claims to be a control record in a range of the first partition, in order, until told to stop.
fn visit(
    config: &KafkaConfig,
    range: Range<u64>,
    mut look: impl FnMut(&BorrowedMessage<'_>) -> ControlFlow<()>,
) -> Result<(), SourceError> {
    if range.is_empty() {
        return Ok(());
    }
    // One client for each window: what an earlier one fetched ahead lies past this window's end and would close it.
    let consumer = connect(config)?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&config.topic, 0, Offset::Offset(range.start as i64))
        .and_then(|()| consumer.assign(&list))
        .map_err(|error| config.fault(error))?;
    let mut heard = Instant::now();
    loop {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                heard = Instant::now();
                let offset = message.offset() as u64;
                if offset >= range.end || (is_control(&message) && look(&message).is_break()) || offset + 1 == range.end
                {
                    return Ok(());
                }
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(()),
            Some(Err(error)) if !is_transient(&error) => return Err(config.fault(error)),
            Some(Err(_)) | None if heard.elapsed() >= config.timeout() => {
                return Err(config.fault(format!("no answer for {} ms", config.timeout_ms)));
            }
            Some(Err(_)) | None => {}
        }
    }
}
