//! Measures every request, by route pattern.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use driftline_sinks::metrics::RouteMetrics;
use std::time::Instant;

/// What a measured route is called.
#[derive(Clone)]
pub(crate) struct Tracked(pub(crate) RouteMetrics);

/// Observes how long the answer took.
pub(crate) async fn track(State(Tracked(metrics)): State<Tracked>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let response = next.run(request).await;
    let seconds = started.elapsed().as_secs_f64();
    metrics.observe(method.as_str(), response.status().as_u16(), seconds);
    response
}
