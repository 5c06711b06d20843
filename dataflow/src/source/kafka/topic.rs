//! What the cluster says of a topic: its id and its number of partitions.
//!
//! A topic that was deleted and made anew has its old name and another id; offsets of the old one mean nothing in it,
//! whatever its length. The id is asked for through librdkafka itself, since the Rust client does not wrap that call.

use super::{Events, KafkaConfig};
use crate::source::SourceError;
use rdkafka::admin::AdminClient;
use rdkafka::bindings as native;
use std::ffi::{CStr, CString};
use std::ptr;
use std::time::Duration;

/// How long a cluster that has just told its partitions is waited for to describe the topic as well. One that does not
/// know how to (a test double) leaves the question unanswered.
const DESCRIBE_MAX: Duration = if cfg!(test) { Duration::from_millis(200) } else { Duration::from_secs(5) };

/// A topic as the cluster describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDescription {
    /// The id the cluster gave it when it was created, in base 64.
    pub id: String,
    /// Number of partitions.
    pub partitions: u32,
}

/// The id of the topic; `None` where there is no such topic, or the cluster gives topics no ids, or does not answer.
pub fn topic_id(config: &KafkaConfig) -> Option<String> {
    let described = Describer::open(config).and_then(|describer| describer.describe());
    described.ok().flatten().map(|description| description.id)
}

/// Asks about topics; keeps its connection.
pub(super) struct Describer {
    config: KafkaConfig,
    admin: AdminClient<Events>,
}

impl Describer {
    pub(super) fn open(config: &KafkaConfig) -> Result<Self, SourceError> {
        let admin = config.client(&[])?.create_with_context(Events::new(config));
        Ok(Self { config: config.clone(), admin: admin.map_err(|error| config.fault(error))? })
    }

    /// The client it asks with.
    pub(super) fn admin(&self) -> &AdminClient<Events> {
        &self.admin
    }

    /// Describes the topic. `Ok(None)` when the cluster gives topics no ids (brokers before 2.8) or does not answer.
    pub(super) fn describe(&self) -> Result<Option<TopicDescription>, SourceError> {
        let name = CString::new(self.config.topic.as_str()).map_err(|error| self.config.fault(error))?;
        let Some(event) = self.ask(&name) else {
            tracing::debug!(topic = self.config.topic, "the cluster did not describe the topic in time");
            return Ok(None);
        };
        // SAFETY: the event is live until `event` is dropped at the end of this function, and the library keeps what
        // the event describes for as long.
        let described = unsafe { read(event.0) };
        described.map_err(|reason| self.config.fault(reason))
    }

    fn ask(&self, name: &CStr) -> Option<Event> {
        let client = self.admin.inner().native_ptr();
        let milliseconds = i32::try_from(DESCRIBE_MAX.as_millis()).unwrap_or(i32::MAX);
        let mut names = [name.as_ptr()];
        // SAFETY: the client outlives this call; queue, collection and name live until the answer is here, and each is
        // destroyed once. The library copies the names.
        let event = unsafe {
            let queue = native::rd_kafka_queue_new(client);
            let topics = native::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len());
            // Without a limit of its own a question that nobody answers would go on being asked behind our back, which
            // keeps a core busy while the brokers are away.
            let kind = native::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
            let options = native::rd_kafka_AdminOptions_new(client, kind);
            native::rd_kafka_AdminOptions_set_request_timeout(options, milliseconds, ptr::null_mut(), 0);
            native::rd_kafka_DescribeTopics(client, topics, options, queue);
            let event = native::rd_kafka_queue_poll(queue, milliseconds + milliseconds / 2);
            native::rd_kafka_AdminOptions_destroy(options);
            native::rd_kafka_TopicCollection_destroy(topics);
            native::rd_kafka_queue_destroy(queue);
            event
        };
        (!event.is_null()).then_some(Event(event))
    }
}

/// An answer of the library; gives itself back.
struct Event(*mut native::rd_kafka_event_t);

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `rd_kafka_queue_poll`, is not null, and is given back once.
        unsafe { native::rd_kafka_event_destroy(self.0) }
    }
}

/// What an event tells of the one topic that was asked for.
///
/// # Safety
/// `event` is live and came from a queue on which one topic was asked for.
unsafe fn read(event: *mut native::rd_kafka_event_t) -> Result<Option<TopicDescription>, String> {
    // SAFETY: all pointers come from the live event; each is checked before it is followed.
    unsafe {
        if native::rd_kafka_event_error(event) != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return unsupported_or(native::rd_kafka_event_error(event));
        }
        let result = native::rd_kafka_event_DescribeTopics_result(event);
        if result.is_null() {
            return Ok(None);
        }
        let mut count = 0;
        let topics = native::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        if count == 0 || topics.is_null() || (*topics).is_null() {
            return Ok(None);
        }
        let topic = *topics;
        let error = native::rd_kafka_TopicDescription_error(topic);
        if !error.is_null() {
            let code = native::rd_kafka_error_code(error);
            if code != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                return unsupported_or(code);
            }
        }
        let id = native::rd_kafka_TopicDescription_topic_id(topic);
        let text = if id.is_null() { ptr::null() } else { native::rd_kafka_Uuid_base64str(id) };
        if text.is_null() {
            return Ok(None);
        }
        let id = CStr::from_ptr(text).to_string_lossy().into_owned();
        let mut partitions = 0;
        native::rd_kafka_TopicDescription_partitions(topic, &mut partitions);
        // An id of zeros is what a cluster without ids sends.
        let is_given = id.trim_end_matches('=').chars().any(|character| character != 'A');
        let partitions = u32::try_from(partitions).unwrap_or(u32::MAX);
        Ok(is_given.then_some(TopicDescription { id, partitions }))
    }
}

/// A question that nobody understands, or answers in time, is left open; anything else is an error.
fn unsupported_or(code: native::rd_kafka_resp_err_t) -> Result<Option<TopicDescription>, String> {
    use native::rd_kafka_resp_err_t as Code;
    match code {
        Code::RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE
        | Code::RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION
        | Code::RD_KAFKA_RESP_ERR__TIMED_OUT => Ok(None),
        code => Err(rdkafka::error::RDKafkaErrorCode::from(code).to_string()),
    }
}
