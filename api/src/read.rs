//! What all reads have in common: waiting for a position, one instant of the view, `as_of` and `ETag`.
//!
//! The tag is taken from the instant the answer was read at, so an unchanged tag means an unchanged answer.

use crate::limits::WAITING_MAX;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use driftline_schema::Position;
use driftline_sinks::AsOf;
use serde::Serialize;
use std::convert::Infallible;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

/// `?at_least=PARTITION:OFFSET`, as it stands in a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct AtLeast(pub(crate) Position);

impl TryFrom<String> for AtLeast {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let position = text.split_once(':').and_then(|(partition, offset)| {
            Some(Position { partition: partition.parse().ok()?, offset: offset.parse().ok()? })
        });
        position.map(Self).ok_or_else(|| "at_least is written PARTITION:OFFSET, for example 0:1042".to_owned())
    }
}

/// Waits until the position is reflected, for a bounded time.
pub(crate) async fn wait_for(state: &ApiState, at_least: Option<AtLeast>) -> Result<(), Problem> {
    let Some(AtLeast(position)) = at_least else { return Ok(()) };
    let as_of = state.view.as_of();
    if as_of.reflects(position) {
        return Ok(());
    }
    if as_of.time.is_some() && position.partition as usize >= as_of.offsets.len() {
        let detail =
            format!("the log has {} partitions, there is no partition {}", as_of.offsets.len(), position.partition);
        return Err(Problem::bad_request(detail));
    }
    if state.view.waiting() >= WAITING_MAX {
        return Err(Problem::not_reflected(format!("{WAITING_MAX} requests wait already")));
    }
    let reached = tokio::time::timeout(state.wait_max, state.view.reached(position)).await;
    reached.map_err(|_| Problem::not_reflected(format!("{position} was not reflected within {:?}", state.wait_max)))
}

/// A JSON answer: `body` without its braces' `as_of`, which stands first.
#[derive(Serialize)]
struct Answer<'a, T> {
    as_of: &'a AsOf,
    #[serde(flatten)]
    body: T,
}

/// The answer to a read, or 304 when the client has it.
pub(crate) fn answer(known: &Known, as_of: &AsOf, body: impl FnOnce() -> Vec<u8>) -> Response {
    tagged(known, &etag(as_of), body)
}

/// The same under a tag that says more than the instant.
pub(crate) fn tagged(known: &Known, tag: &str, body: impl FnOnce() -> Vec<u8>) -> Response {
    let mut response = if known.holds(tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Response::new(Body::from(body()));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, HeaderValue::from_str(tag).expect("hex in quotes"));
    // Clients ask again every time, and mostly get 304.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// `body` as JSON, with `as_of` before its own fields.
pub(crate) fn json(as_of: &AsOf, body: impl Serialize) -> Vec<u8> {
    serde_json::to_vec(&Answer { as_of, body }).expect("records always serialise")
}

/// Tells this process from every other: two logs can be equally long, and one that is made anew begins at the same times.
static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());

/// The tag of everything read at `as_of`: the time, and a hash of the offsets and of the process that answers.
pub(crate) fn etag(as_of: &AsOf) -> String {
    // FNV-1a: this names a version to caches, it protects nothing.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut mix = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    PROCESS.to_le_bytes().into_iter().for_each(&mut mix);
    as_of.offsets.iter().flat_map(|offset| offset.to_le_bytes()).for_each(&mut mix);
    format!("\"{:x}-{hash:016x}\"", as_of.time.map_or(0, |time| time.wrapping_add(1)))
}

/// The tags of answers the client has already.
pub(crate) struct Known(Vec<HeaderValue>);

impl<S: Sync> FromRequestParts<S> for Known {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get_all(header::IF_NONE_MATCH).iter().cloned().collect()))
    }
}

impl Known {
    fn holds(&self, tag: &str) -> bool {
        let listed = |value: &HeaderValue| {
            value.to_str().is_ok_and(|list| {
                list.split(',').map(|item| item.trim().trim_start_matches("W/")).any(|item| item == tag || item == "*")
            })
        };
        self.0.iter().any(listed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_of(time: u64, offsets: &[u64]) -> AsOf {
        AsOf { time: Some(time), offsets: offsets.to_vec() }
    }

    #[test]
    fn a_tag_names_one_instant() {
        let tags = [as_of(1, &[1, 2]), as_of(2, &[1, 2]), as_of(1, &[2, 1]), AsOf::default()].map(|a| etag(&a));
        for (at, tag) in tags.iter().enumerate() {
            assert!(!tags[..at].contains(tag));
        }
        assert_eq!(etag(&as_of(1, &[1, 2])), tags[0]);
    }

    #[test]
    fn a_client_that_has_the_tag_is_told_so() {
        let tag = etag(&as_of(1, &[1]));
        let asks = |value: String| Known(vec![value.parse().expect("a header")]).holds(&tag);
        assert!(asks(tag.clone()) && asks(format!("\"x\", W/{tag}")) && asks("*".to_owned()));
        assert!(!asks("\"x\"".to_owned()));
        assert!(!Known(Vec::new()).holds(&tag));
    }

    #[test]
    fn a_position_is_read_or_refused() {
        let read = |text: &str| AtLeast::try_from(text.to_owned());
        assert_eq!(read("3:17"), Ok(AtLeast(Position { partition: 3, offset: 17 })));
        for bad in ["", "3", "3:", ":17", "-1:2", "a:b", "1:2:3", "99999999999:1"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
