//! Routes for operators: metrics, liveness, readiness, and the answers to what is no route.

use crate::problem::Problem;
use crate::state::{ApiState, Check};
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
    // Whoever has read a log that holds nothing has nothing to wait for.
    let has_read_all = matches!(checks.get("caught_up"), Some(Check::Holds));
    let reflected = match state.view.as_of().time {
        Some(_) => Check::Holds,
        None if has_read_all => Check::Remark("the log holds nothing yet".to_owned()),
        None => Check::Fails("no time is reflected yet".to_owned()),
    };
    checks.insert("view", reflected);
    if let Some(check) = state.repositories.check() {
        checks.insert("repositories", check);
    }
    let ready = !checks.values().any(|check| matches!(check, Check::Fails(_)));
    let rows: serde_json::Map<_, _> = checks
        .into_iter()
        .map(|(name, check)| match check {
            Check::Holds => (name.to_owned(), "ok".into()),
            Check::Remark(text) | Check::Fails(text) => (name.to_owned(), text.into()),
        })
        .collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    // Rejects keep nobody from being ready; whoever looks why something is missing looks here.
    let rejects = state.view.rejects().into_iter().map(|(reason, count)| (reason.code().to_owned(), count.into()));
    let rejects: serde_json::Map<_, _> = rejects.collect();
    let body = serde_json::json!({ "ready": ready, "checks": rows, "rejects": rejects });
    (status, [(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response()
}

/// The digests of what is reflected: equal for every engine over the same log.
pub(crate) async fn digests(State(state): State<ApiState>) -> Result<Response, Problem> {
    let Some(digests) = &state.digests else {
        return Err(Problem::not_found("no digests are kept here"));
    };
    let now = digests();
    let body = serde_json::json!({
        "as_of": { "offsets": now.offsets }, "digest": now.digest, "collections": now.collections,
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response())
}

/// What stands at no route.
pub(crate) async fn no_route(uri: Uri) -> Problem {
    Problem::no_route(uri.path())
}

/// A route, but not for this method.
pub(crate) async fn method_not_allowed(method: Method) -> Problem {
    Problem::method_not_allowed(method.as_str())
}
