//! HTTP beside the engine: a small tokio runtime on threads of its own.
//!
//! Nothing of the engine waits for these threads: signals are heard on another one, and whoever follows repositories
//! sleeps on a lock, not on a timer of the runtime that answers requests.

use super::data::DataError;
use crate::descriptors::connections_max;
use crate::engine::Engine;
use crate::log::DataDir;
use crate::terminal::note;
use crate::wall_clock::complaint;
use clap::Args;
use driftline_api::{ApiState, DigestsAt, Hosts, Readiness, Repositories, ServerConfig, router, serve};
use driftline_operators::features::{FEATURES, FEATURES_VERSION};
use parking_lot::{Condvar, Mutex};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Which names are answered.
#[derive(Clone, Debug, Default, Args)]
pub struct HostArgs {
    /// Further name under which HTTP is answered, such as a reverse proxy's; may be given several times. `*.NAME` allows
    /// all names below one, `*` every name. Without it a loopback address answers as localhost, and another address under
    /// every address and private name (one word, .local, .internal, .svc).
    #[arg(long = "allow-host", value_name = "NAME")]
    pub allow_hosts: Vec<String>,
}

/// A running HTTP server.
pub struct Serving {
    runtime: tokio::runtime::Runtime,
    address: SocketAddr,
    readiness: Readiness,
    repositories: Repositories,
    stop: watch::Sender<bool>,
    server: Option<tokio::task::JoinHandle<std::io::Result<()>>>,
    dir: DataDir,
    signal: Arc<Signal>,
}

/// Whether the process was asked to end.
#[derive(Default)]
struct Signal {
    /// Whether anybody listens, and whether a signal came.
    state: Mutex<(bool, bool)>,
    came: Condvar,
}

/// Serves the engine's view on `address`; reads see the import as it goes, readiness follows when it is done. The data
/// folder says where, so that other commands can ask.
pub fn start(engine: &Engine, dir: &DataDir, address: SocketAddr, allowed: &[String]) -> Result<Serving, DataError> {
    let refuse = |source| DataError::Listen { address: address.to_string(), source };
    let connections = connections_max();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(8)
        .thread_name("driftline-http")
        .enable_all()
        .build()
        .map_err(refuse)?;
    let listener = runtime.block_on(driftline_api::listen(address)).map_err(refuse)?;
    let address = listener.local_addr().map_err(refuse)?;
    let hosts = Hosts::new(address, allowed)?;
    let mut state = ApiState::new(engine.view().clone(), engine.metrics().clone(), FEATURES);
    state.features_version = FEATURES_VERSION;
    if let Some(reflections) = engine.reflections() {
        state.digests = Some(Arc::new(move || {
            let now = reflections.now();
            let (digest, collections) = (now.digests.combined(), now.digests.parts());
            DigestsAt { offsets: now.as_of, digest, collections }
        }));
    }
    let (readiness, repositories) = (state.readiness.clone(), state.repositories.clone());
    readiness.set("caught_up", Err("the history is being brought in".to_owned()));
    if let Some(complaint) = complaint() {
        note!("warning: {complaint}");
        readiness.set("clock", Err(complaint));
    }
    let (stop, mut stopped) = watch::channel(false);
    let shutdown = async move {
        // The sender lives as long as the server; its end means stop as well.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let config = ServerConfig::new(hosts, connections, engine.metrics().http.clone());
    let server = runtime.spawn(serve(listener, router(state), config, shutdown));
    dir.announce(&format!("http://{}", reachable(address)))?;
    let (dir, server) = (dir.clone(), Some(server));
    Ok(Serving { runtime, address, readiness, repositories, stop, server, dir, signal: Arc::default() })
}

/// Where this machine reaches a server that listens on `address`.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
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

    /// What `/readyz` says.
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Where the states of followed repositories are shown.
    pub fn repositories(&self) -> &Repositories {
        &self.repositories
    }

    /// Waits for SIGINT or SIGTERM, `limit` at most; says whether one came since the first call. Until that call both end
    /// the process at once.
    pub fn wait_for_signal(&self, limit: Duration) -> bool {
        let mut state = self.signal.state.lock();
        if !state.0 {
            state.0 = true;
            let signal = self.signal.clone();
            if let Err(error) = std::thread::Builder::new().name("driftline-signal".into()).spawn(move || signal.hear())
            {
                tracing::warn!(%error, "signals end the process at once, as no thread can be started to hear them");
            }
        }
        if !state.1 {
            self.signal.came.wait_while_for(&mut state, |(_, came)| !*came, limit);
        }
        state.1
    }

    /// Lets running requests finish, two seconds at most.
    pub fn stop(mut self) {
        self.dir.withdraw();
        self.readiness.set("caught_up", Err("shutting down".to_owned()));
        // The server may be gone already; then there is nobody to tell.
        let _ = self.stop.send(true);
        if let Some(server) = self.server.take() {
            let _ = self.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(2), server).await });
        }
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

/// How long an orderly end may take after a signal: less than the ten seconds after which containers are killed.
const END_MAX: Duration = Duration::from_secs(8);

impl Signal {
    /// Waits for a signal and notes it; then ends the process, if it does not end by itself. What is in hand by then is in
    /// the log and not lost: the next start goes on there, and hands over again what no sink has acknowledged.
    fn hear(&self) {
        self.wait();
        std::thread::sleep(END_MAX);
        note!("not everything in hand could be finished; the next start goes on where the log and the results stand");
        // Without the destructors of libraries whose threads still run.
        // SAFETY: ends the process at once and touches nothing of it.
        unsafe { libc::_exit(0) }
    }

    /// One stream for the whole time: a signal between two of them would be lost.
    fn wait(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let heard = runtime.and_then(|runtime| {
            runtime.block_on(async {
                use tokio::signal::unix::{SignalKind, signal};
                let mut terminate = signal(SignalKind::terminate())?;
                let mut interrupt = signal(SignalKind::interrupt())?;
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                Ok(())
            })
        });
        match heard {
            Ok(()) => {
                self.state.lock().1 = true;
                self.came.notify_all();
            }
            Err(error) => {
                tracing::warn!(%error, "signals cannot be heard and end the process at once");
                loop {
                    std::thread::park();
                }
            }
        }
    }
}
