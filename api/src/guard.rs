//! Before and after the routes: is this request for us, and how much may its answer hold in memory.

use crate::host::{Hosts, Refusal};
use crate::limits::{LARGE_BYTES, SENDING_BYTES_MAX, TARGET_BYTES_MAX};
use crate::paced::{Activity, Doing};
use crate::problem::Problem;
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response};
use axum::response::IntoResponse;
use axum::routing::future::RouteFuture;
use driftline_sinks::metrics::RouteMetrics;
use hyper::body::{Frame, Incoming, SizeHint};
use pin_project_lite::pin_project;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Service as _;

/// What all connections of a server share on the way to the routes.
pub(crate) struct Gate {
    hosts: Hosts,
    /// Requests that no route was asked about.
    refused: RouteMetrics,
    /// Room for large answers, in kibibytes.
    room: Arc<Semaphore>,
}

impl Gate {
    pub(crate) fn new(hosts: Hosts, refused: RouteMetrics) -> Self {
        Self { hosts, refused, room: Arc::new(Semaphore::new(SENDING_BYTES_MAX >> 10)) }
    }

    /// Why a request is not passed on.
    fn refusal(&self, request: &Request<Incoming>) -> Option<Problem> {
        // Without a path it is `CONNECT` or malformed, which the routes would not understand either.
        if request.uri().path_and_query().is_some_and(|target| target.as_str().len() > TARGET_BYTES_MAX) {
            return Some(Problem::target_too_long(TARGET_BYTES_MAX));
        }
        let checked = self.hosts.check(request.method(), request.uri(), request.version(), request.headers());
        Some(match checked.err()? {
            Refusal::Malformed(why) => Problem::bad_request(format!("{why}: one `Host` header names this server")),
            Refusal::Foreign(host) => Problem::misdirected(&host),
            Refusal::Origin(origin) => Problem::foreign_origin(&origin),
        })
    }
}

/// The routes as one connection sees them.
pub(crate) struct Guarded {
    pub(crate) routes: Router,
    pub(crate) gate: Arc<Gate>,
    pub(crate) activity: Arc<Activity>,
}

impl hyper::service::Service<Request<Incoming>> for Guarded {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Answer {
        self.activity.set(Doing::Answering);
        let (gate, activity) = (self.gate.clone(), self.activity.clone());
        if let Some(problem) = self.gate.refusal(&request) {
            let (started, method) = (Instant::now(), request.method().clone());
            let response = problem.into_response();
            let seconds = started.elapsed().as_secs_f64();
            gate.refused.observe(method.as_str(), response.status().as_u16(), seconds);
            return Answer { routed: None, refused: Some(response), gate, activity };
        }
        let request = request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) });
        Answer { routed: Some(self.routes.clone().call(request)), refused: None, gate, activity }
    }
}

pin_project! {
    /// An answer on its way.
    pub(crate) struct Answer {
        #[pin]
        routed: Option<RouteFuture<Infallible>>,
        refused: Option<Response<Body>>,
        gate: Arc<Gate>,
        activity: Arc<Activity>,
    }
}

impl Future for Answer {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = match this.routed.as_pin_mut() {
            Some(routed) => match ready!(routed.poll(context)) {
                Ok(response) => response,
                Err(never) => match never {},
            },
            None => this.refused.take().expect("an answer is taken once"),
        };
        Poll::Ready(Ok(sized(response, this.gate, this.activity)))
    }
}

/// Lets a small answer go as it is, gives a large one its room or refuses it, and watches one whose size nobody knows.
fn sized(response: Response<Body>, gate: &Gate, activity: &Arc<Activity>) -> Response<Body> {
    let room = match response.body().size_hint().exact() {
        Some(bytes) if bytes < LARGE_BYTES as u64 => {
            activity.set(Doing::Sending);
            return response;
        }
        Some(bytes) => {
            let kibibytes = (bytes >> 10).min((SENDING_BYTES_MAX >> 10) as u64) as u32;
            match gate.room.clone().try_acquire_many_owned(kibibytes) {
                Ok(room) => Some(Arc::new(room)),
                Err(_) => {
                    activity.set(Doing::Sending);
                    return Problem::overloaded("too many large answers are being read; ask again, or for fewer rows")
                        .into_response();
                }
            }
        }
        None => None,
    };
    let activity = activity.clone();
    response.map(|inner| Body::new(Watched { inner, room, activity }))
}

/// A body that is not known to be sent at once.
struct Watched {
    inner: Body,
    room: Option<Arc<OwnedSemaphorePermit>>,
    activity: Arc<Activity>,
}

/// Bytes that give back their room once they were sent and dropped.
struct Held {
    bytes: Bytes,
    _room: Arc<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        let Some(room) = &self.room else { return Poll::Ready(frame) };
        let hold = |bytes: Bytes| Bytes::from_owner(Held { bytes, _room: room.clone() });
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(hold))))
    }
    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Watched {
    /// The server takes a body apart before it has sent the last of it.
    fn drop(&mut self) {
        self.activity.set(Doing::Sending);
    }
}
