//! Errors as RFC 9457 problem details.
//!
//! `type` is a stable relative reference; `detail` says what was wrong with this request and how to mend it.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// A reference that identifies the kind, for programs.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened here.
    pub detail: String,
    /// Commits that were meant perhaps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { kind, title, status: status.as_u16(), detail: detail.into(), candidates: Vec::new() }
    }
    /// 400: the request itself is wrong.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "/problems/bad-request", "the request is not understood", detail)
    }
    /// 404: there is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "/problems/not-found", "not found", detail)
    }
    /// 404: there is no such route.
    pub fn no_route(path: &str) -> Self {
        let detail = format!("there is nothing at `{path}`; a `/` within a repository name is written %2F");
        Self::new(StatusCode::NOT_FOUND, "/problems/no-route", "no such route", detail)
    }
    /// 405: the route takes other methods.
    pub fn method_not_allowed(method: &str) -> Self {
        let detail = format!("`{method}` is not answered here; reads take GET and HEAD");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "/problems/method-not-allowed", "method not allowed", detail)
    }
    /// 409: several commits begin so.
    pub fn ambiguous(prefix: &str, candidates: Vec<String>) -> Self {
        let detail = format!("several commits begin with `{prefix}`; give more digits");
        let problem = Self::new(StatusCode::CONFLICT, "/problems/ambiguous-commit", "ambiguous commit", detail);
        Self { candidates, ..problem }
    }
    /// 403: a page of another site asks for a change.
    pub fn foreign_origin(origin: &str) -> Self {
        let detail = format!("a page of `{}` may not change anything here", origin.escape_debug());
        Self::new(StatusCode::FORBIDDEN, "/problems/foreign-origin", "another site's request", detail)
    }
    /// 414: the target is longer than any this server knows.
    pub fn target_too_long(bytes_max: usize) -> Self {
        let detail = format!("a request target has at most {bytes_max} bytes");
        Self::new(StatusCode::URI_TOO_LONG, "/problems/target-too-long", "the request target is too long", detail)
    }
    /// 421: the host is not a name of this server.
    pub fn misdirected(host: &str) -> Self {
        let host = host.escape_debug();
        let detail = format!(
            "`{host}` is not a name this server answers to, so that no other site can read it through a browser; if it is \
             yours, start driftline with `--allow-host {host}`, or add it to `allowed_hosts` under `[http]` in the \
             configuration"
        );
        Self::new(StatusCode::MISDIRECTED_REQUEST, "/problems/unknown-host", "not a name of this server", detail)
    }
    /// 503: there is no room for it now.
    pub fn overloaded(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "/problems/overloaded", "too much at once", detail)
    }
    /// 503: not reflected in time.
    pub fn not_reflected(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "/problems/not-reflected", "not reflected yet", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).expect("texts and numbers always serialise");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(self.status).expect("made from a status");
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE.as_u16() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
