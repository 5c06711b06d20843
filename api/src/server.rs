//! Serving until told to stop, whatever the other side does.
//!
//! A connection has a bounded time for its request, a bounded time for reading the answer, and a place among a bounded
//! number. When all places are taken, an old connection that waits without a request gives up its own; when none waits,
//! the new one is told so and closed. So neither half requests nor idle or slow clients keep others out, and files stay
//! for the log.

use crate::guard::{Gate, Guarded};
use crate::host::Hosts;
use crate::limits::{
    ACCEPT_PAUSE, ARRIVAL_TRIES, ARRIVAL_WAIT, ARRIVALS_MAX, BURST, HEAD_BYTES_MAX, HEAD_TIMEOUT, STALL_MAX,
};
use crate::paced::{Activity, Doing, Paced};
use crate::problem::Problem;
use axum::Router;
use driftline_sinks::metrics::HttpMetrics;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// How a server treats its connections.
#[derive(Clone)]
pub struct ServerConfig {
    /// The names that are answered.
    pub hosts: Hosts,
    /// Connections at the same time; must lie below the process's limit of open files.
    pub connections_max: usize,
    /// How long a connection may take to send a request head, waiting for it to begin included.
    pub head_timeout: Duration,
    /// How long an answer may wait for a reader that takes nothing.
    pub stall_max: Duration,
    /// Where connections are counted.
    pub metrics: HttpMetrics,
}

impl ServerConfig {
    /// The usual time-outs.
    pub fn new(hosts: Hosts, connections_max: usize, metrics: HttpMetrics) -> Self {
        Self { hosts, connections_max, head_timeout: HEAD_TIMEOUT, stall_max: STALL_MAX, metrics }
    }
}

/// Listens on `address`, with room for a burst of connections: beyond it, the system makes clients try again a second later.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BURST)
}

/// Answers requests on `listener` until `shutdown` completes, then lets running ones finish.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    config: ServerConfig,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (closing, _) = watch::channel(false);
    let server = Arc::new(Server {
        gate: Arc::new(Gate::new(config.hosts.clone(), config.metrics.route("refused"))),
        places: Arc::new(Semaphore::new(config.connections_max)),
        arrivals: Arc::new(Semaphore::new(ARRIVALS_MAX)),
        open: Mutex::default(),
        router,
        config,
        closing,
    });
    let mut shutdown = pin!(shutdown);
    let mut short_of_files = false;
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                short_of_files = false;
                server.admit(stream).await;
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if !std::mem::replace(&mut short_of_files, true) {
                    tracing::warn!(%error, "no connection can be accepted now; open ones are served and it is tried again");
                }
                server.make_room();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    server.closing.send_replace(true);
    server.closing.closed().await;
    Ok(())
}

/// Errors that say nothing of the next connection.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

struct Server {
    router: Router,
    config: ServerConfig,
    gate: Arc<Gate>,
    places: Arc<Semaphore>,
    /// Connections that wait for a place.
    arrivals: Arc<Semaphore>,
    open: Mutex<Open>,
    closing: watch::Sender<bool>,
}

/// The open connections, by the order in which they came.
#[derive(Default)]
struct Open {
    next: u64,
    /// Where the search for one that may go begins: behind those that were asked last, so that a flood of idle
    /// connections is not searched from its beginning for each.
    turn: u64,
    connections: BTreeMap<u64, Arc<Activity>>,
}

impl Server {
    /// Gives a new connection a place, or a moment to wait for one, or an answer that there is none.
    async fn admit(self: &Arc<Self>, stream: TcpStream) {
        // Answers are small and complete: waiting to fill a packet would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY was refused");
        }
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            let entry = self.enter();
            tokio::spawn(self.clone().run(stream, place, entry));
            return;
        }
        // When others wait for a place as well, some connection is closing already.
        if !self.make_room() && self.arrivals.available_permits() == ARRIVALS_MAX {
            return self.refuse(&stream);
        }
        // In a flood, closing takes turns with accepting: what is not accepted yet waits in the system's queue.
        let Ok(Ok(arrival)) = tokio::time::timeout(ARRIVAL_WAIT, self.arrivals.clone().acquire_owned()).await else {
            return self.refuse(&stream);
        };
        let server = self.clone();
        tokio::spawn(async move {
            let place = server.wait_for_place().await;
            drop(arrival);
            match place {
                Some(place) => {
                    let entry = server.enter();
                    server.run(stream, place, entry).await;
                }
                None => server.refuse(&stream),
            }
        });
    }

    /// Waits for a place, a moment at most. Whoever took the last one may give it up again.
    async fn wait_for_place(&self) -> Option<OwnedSemaphorePermit> {
        for _ in 0..ARRIVAL_TRIES {
            let place = tokio::time::timeout(ARRIVAL_WAIT, self.places.clone().acquire_owned()).await;
            if let Ok(Ok(place)) = place {
                return Some(place);
            }
            self.make_room();
        }
        None
    }

    /// Asks a connection that waits for its next request to close, the oldest first and each in its turn; or else one that
    /// was answered and does not read; false when all are being answered.
    fn make_room(&self) -> bool {
        let mut open = self.open.lock();
        let turn = open.turn;
        let find = |wanted: Doing| {
            let mut in_turn = open.connections.range(turn..).chain(open.connections.range(..turn));
            in_turn.find(|(_, activity)| activity.doing() == wanted).map(|(id, _)| *id)
        };
        let Some(id) = find(Doing::Waiting).or_else(|| find(Doing::Sending)) else { return false };
        open.turn = id;
        if let Some(activity) = open.connections.remove(&id) {
            activity.asked_to_close.notify_one();
            self.config.metrics.closed("for_another");
        }
        true
    }

    /// Says that there is no place and closes. What does not fit the system's buffer is not waited for.
    fn refuse(&self, stream: &TcpStream) {
        self.config.metrics.closed("no_place");
        let problem = Problem::overloaded("too many connections are open; ask again in a moment");
        let body = serde_json::to_string(&problem).expect("texts and numbers always serialise");
        let head = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 1";
        let answer = format!("{head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        // Whoever does not get the words sees the connection closed, which says the same.
        let _ = stream.try_write(answer.as_bytes());
    }

    async fn run(self: Arc<Self>, stream: TcpStream, place: OwnedSemaphorePermit, entry: (u64, Arc<Activity>)) {
        let (id, activity) = entry;
        let mut closing = self.closing.subscribe();
        let io = TokioIo::new(Paced::new(stream, activity.clone(), self.config.stall_max));
        let service = Guarded { routes: self.router.clone(), gate: self.gate.clone(), activity: activity.clone() };
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(self.config.head_timeout)
                .max_buf_size(HEAD_BYTES_MAX)
                .serve_connection(io, service)
        );
        let mut told = false;
        loop {
            tokio::select! {
                outcome = connection.as_mut() => {
                    if let Err(error) = outcome {
                        self.config.metrics.closed(if error.is_timeout() { "no_request" } else { "error" });
                        tracing::debug!(%error, "a connection ended early");
                    }
                    break;
                }
                () = activity.asked_to_close.notified(), if !told => {}
                _ = closing.wait_for(|closing| *closing), if !told => {}
            }
            // One that waits has nothing to lose; any other finishes its answer first.
            if activity.doing() == Doing::Waiting {
                break;
            }
            told = true;
            connection.as_mut().graceful_shutdown();
        }
        self.leave(id);
        drop(place);
    }

    fn enter(&self) -> (u64, Arc<Activity>) {
        let activity = Arc::new(Activity::new());
        let mut open = self.open.lock();
        let id = open.next;
        open.next += 1;
        open.connections.insert(id, activity.clone());
        self.config.metrics.connections(1);
        (id, activity)
    }

    fn leave(&self, id: u64) {
        self.open.lock().connections.remove(&id);
        self.config.metrics.connections(-1);
    }
}
