//! HTTP beside the engine: a small tokio runtime on threads of its own.

use super::data::DataError;
use crate::engine::Engine;
use crate::wall_clock::complaint;
use driftline_api::{ApiState, Readiness, router, serve};
use driftline_operators::features::FEATURES;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A running HTTP server.
pub struct Serving {
    runtime: tokio::runtime::Runtime,
    address: SocketAddr,
    readiness: Readiness,
    stop: watch::Sender<bool>,
    server: Option<tokio::task::JoinHandle<std::io::Result<()>>>,
}

/// Serves the engine's view on `listen`; reads see the import as it goes, readiness follows when it is done.
pub fn start(engine: &Engine, listen: SocketAddr) -> Result<Serving, DataError> {
    let refuse = |source| DataError::Listen { address: listen.to_string(), source };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("driftline-http")
        .enable_all()
        .build()
        .map_err(refuse)?;
    let listener = runtime.block_on(TcpListener::bind(listen)).map_err(refuse)?;
    let address = listener.local_addr().map_err(refuse)?;
    let state = ApiState::new(engine.view().clone(), engine.metrics().clone(), FEATURES);
    let readiness = state.readiness.clone();
    readiness.set("caught_up", Err("the history is being brought in".to_owned()));
    if let Some(complaint) = complaint() {
        eprintln!("warning: {complaint}");
        readiness.set("clock", Err(complaint));
    }
    let (stop, mut stopped) = watch::channel(false);
    let shutdown = async move {
        // The sender lives as long as the server; its end means stop as well.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let server = runtime.spawn(serve(listener, router(state), shutdown));
    Ok(Serving { runtime, address, readiness, stop, server: Some(server) })
}

impl Serving {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says that everything that was there at the start is reflected.
    pub fn ready(&self) {
        self.readiness.set("caught_up", Ok(()));
    }

    /// Waits for SIGINT or SIGTERM, `limit` at most; says whether one came.
    pub fn wait_for_signal(&self, limit: Duration) -> bool {
        self.runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let Ok(mut terminate) = signal(SignalKind::terminate()) else {
                return tokio::time::timeout(limit, tokio::signal::ctrl_c()).await.is_ok();
            };
            tokio::select! {
                _ = tokio::signal::ctrl_c() => true,
                _ = terminate.recv() => true,
                () = tokio::time::sleep(limit) => false,
            }
        })
    }

    /// Lets running requests finish, two seconds at most.
    pub fn stop(mut self) {
        self.readiness.set("caught_up", Err("shutting down".to_owned()));
        // The server may be gone already; then there is nobody to tell.
        let _ = self.stop.send(true);
        if let Some(server) = self.server.take() {
            let _ = self.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(2), server).await });
        }
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}
