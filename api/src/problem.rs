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
