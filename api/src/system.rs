//! Routes for operators: metrics, liveness, readiness, and the answers to what is no route.

use crate::problem::Problem;
use crate::state::ApiState;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

/// Prometheus' text format.
pub(crate) async fn metrics(State(state): State<ApiState>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.metrics.text()).into_response()
}

/// The process answers; nothing else is asked.
pub(crate) async fn livez() -> &'static str {
    "ok\n"
}

/// Whether traffic may be sent here, and if not, why.
pub(crate) async fn readyz(State(state): State<ApiState>) -> Response {
    let mut checks = state.readiness.checks();
    let reflected = state.view.as_of().time.map(|_| ()).ok_or_else(|| "no time is reflected yet".to_owned());
    checks.insert("view", reflected);
    let ready = checks.values().all(Result::is_ok);
    let rows: serde_json::Map<_, _> = checks
        .into_iter()
        .map(|(name, state)| (name.to_owned(), state.map_or_else(|why| why, |()| "ok".to_owned()).into()))
        .collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    // Rejects keep nobody from being ready; whoever looks why something is missing looks here.
    let rejects = state.view.rejects().into_iter().map(|(reason, count)| (reason.code().to_owned(), count.into()));
    let rejects: serde_json::Map<_, _> = rejects.collect();
    let body = serde_json::json!({ "ready": ready, "checks": rows, "rejects": rejects });
    (status, [(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response()
}

/// What stands at no route.
pub(crate) async fn no_route(uri: Uri) -> Problem {
    Problem::no_route(uri.path())
}

/// A route, but not for this method.
pub(crate) async fn method_not_allowed(method: Method) -> Problem {
    Problem::method_not_allowed(method.as_str())
}
