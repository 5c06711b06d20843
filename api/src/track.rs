//! Measures every request, by route pattern. A layer of our own: the general one boxes each request twice.

use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use driftline_sinks::metrics::RouteMetrics;
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tower::{Layer, Service};

/// Observes how long the answers of one route take.
#[derive(Clone)]
pub(crate) struct Track(RouteMetrics);

impl Track {
    pub(crate) fn new(metrics: RouteMetrics) -> Self {
        Self(metrics)
    }
}

impl<S> Layer<S> for Track {
    type Service = Tracked<S>;
    fn layer(&self, inner: S) -> Tracked<S> {
        Tracked { inner, metrics: self.0.clone() }
    }
}

/// A service whose answers are measured.
#[derive(Clone)]
pub(crate) struct Tracked<S> {
    inner: S,
    metrics: RouteMetrics,
}

impl<S: Service<Request, Response = Response>> Service<Request> for Tracked<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = Observed<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Observed<S::Future> {
        let (started, method) = (Instant::now(), request.method().clone());
        Observed { answer: self.inner.call(request), metrics: self.metrics.clone(), method, started }
    }
}

pin_project! {
    /// An answer on its way.
    pub(crate) struct Observed<F> {
        #[pin]
        answer: F,
        metrics: RouteMetrics,
        method: Method,
        started: Instant,
    }
}

impl<F: Future<Output = Result<Response, E>>, E> Future for Observed<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let answer = ready!(this.answer.poll(context));
        if let Ok(response) = &answer {
            let seconds = this.started.elapsed().as_secs_f64();
            this.metrics.observe(this.method.as_str(), response.status().as_u16(), seconds);
        }
        Poll::Ready(answer)
    }
}
