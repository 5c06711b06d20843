//! Headers and absent keys and values of a Kafka record, exactly as bytes.
//!
//! The Rust client takes a header's name for UTF-8 and panics at any other, so anybody could end the engine for good with one
//! record. They are read from librdkafka itself.

use driftline_schema::{Envelope, RecordHeader};
use rdkafka::bindings as native;
use rdkafka::message::{BorrowedMessage, Message};
use std::ffi::CStr;
use std::sync::Arc;
use std::{ptr, slice};

/// Name and value of each header, in order; a value may be absent.
pub(super) fn of<'message>(message: &'message BorrowedMessage<'_>) -> Vec<(&'message [u8], Option<&'message [u8]>)> {
    let mut headers = ptr::null_mut();
    // SAFETY: the message is live for `'message`; the list it hands out belongs to it.
    let error = unsafe { native::rd_kafka_message_headers(message.ptr(), &mut headers) };
    if error != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR || headers.is_null() {
        return Vec::new();
    }
    let mut found = Vec::new();
    loop {
        let (mut name, mut value, mut length) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the list is live as above. The library ends every name with a NUL byte, and a value that is not null has
        // `length` bytes; both live as long as the message.
        let header = unsafe {
            let error = native::rd_kafka_header_get_all(headers, found.len(), &mut name, &mut value, &mut length);
            if error != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR || name.is_null() {
                return found;
            }
            let value = (!value.is_null()).then(|| slice::from_raw_parts(value.cast::<u8>(), length));
            (CStr::from_ptr(name).to_bytes(), value)
        };
        found.push(header);
    }
}

/// What a record carries besides the bytes of key and value.
pub(super) fn envelope(message: &BorrowedMessage<'_>) -> Option<Arc<Envelope>> {
    let header =
        |(name, value): (&[u8], Option<&[u8]>)| RecordHeader { name: name.into(), value: value.map(Into::into) };
    let envelope = Envelope {
        key: None,
        key_is_null: message.key().is_none(),
        value_is_null: message.payload().is_none(),
        headers: of(message).into_iter().map(header).collect(),
    };
    (envelope != Envelope::default()).then(|| Arc::new(envelope))
}
