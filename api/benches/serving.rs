//! What one answer costs: CPU per request and latency of `GET /v1/predictions/{repo}/{commit}` over 20,000 predictions,
//! against a bare axum handler that returns a constant of the same size.
//!
//! `cargo bench -p driftline-api --bench serving`. Each server runs in a child process of its own, so its CPU time holds
//! nothing of the client; both answer the same client in the same run, and the ratio is what to compare between machines.
//! The client is `wrk` where there is one, otherwise a thread with one kept connection.

#[path = "../../sinks/tests/synthetic/mod.rs"]
mod synthetic;

use axum::Router;
use axum::routing::get;
use driftline_api::{ApiState, router};
use driftline_sinks::{Metrics, MetricsSink, Sink, View};
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn Error>>;
type Client<'a> = &'a dyn Fn(&Peer) -> Outcome<Load>;

const PREDICTIONS: u64 = 20_000;
const SECONDS: u64 = 4;

fn main() -> Outcome<()> {
    match std::env::var("SERVING_ROLE").as_deref() {
        Ok(role) => server(role),
        Err(_) => client(),
    }
}

/// Serves on a free port, printed first; the paths to ask for follow, one a line.
fn server(role: &str) -> Outcome<()> {
    let mut numbers = synthetic::Numbers(1);
    let (mut sink, reader) = View::open();
    let mut paths = Vec::new();
    for time in 0..PREDICTIONS / 500 {
        let closed = synthetic::closed_time(&mut numbers, time, time * 500, 500);
        sink.apply(&closed)?;
        let path = |row: &driftline_schema::Prediction| {
            format!("/v1/predictions/{}/{}", row.repository.replace('/', "%2F"), row.commit)
        };
        paths.extend(closed.predictions.iter().step_by(100).map(|(row, _)| path(row)));
    }
    let metrics = Metrics::new();
    MetricsSink::new(&metrics, reader.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        println!("{}", paths.join(" "));
        if role == "driftline" {
            let hosts = driftline_api::Hosts::new(listener.local_addr()?, &[])?;
            let config = driftline_api::ServerConfig::new(hosts, 256, metrics.http.clone());
            let router = router(ApiState::new(reader, metrics, &synthetic::FEATURES));
            driftline_api::serve(listener, router, config, std::future::pending()).await?;
        } else {
            let bytes: usize = role.parse()?;
            let body: &'static [u8] = Box::leak(vec![b'x'; bytes].into_boxed_slice());
            let constant = move || async move { ([("content-type", "application/json")], body) };
            let listener = axum::serve::ListenerExt::tap_io(listener, |stream| drop(stream.set_nodelay(true)));
            axum::serve(listener, Router::new().route("/v1/predictions/{repo}/{commit}", get(constant))).await?;
        }
        Ok(())
    })
}

/// A server in a process of its own, ended when dropped.
struct Peer {
    child: Child,
    address: String,
    paths: Vec<String>,
}

impl Peer {
    fn start(role: &str) -> Outcome<Self> {
        let program = std::env::current_exe()?;
        let mut child = Command::new(program).env("SERVING_ROLE", role).stdout(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let mut line = || lines.next().ok_or("the server ended").and_then(|line| line.map_err(|_| "unreadable"));
        let (address, paths) = (line()?, line()?);
        let paths = paths.split(' ').map(str::to_owned).collect();
        Ok(Self { child, address, paths })
    }
    /// CPU seconds the process has used.
    fn cpu(&self) -> Outcome<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        // Linux counts 100 ticks a second here, whatever the kernel uses inside.
        let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).ok_or("no such field");
        Ok((ticks(11)? + ticks(12)?) / 100.0)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// Requests answered, and latencies in microseconds where the client measures them.
struct Load {
    requests: f64,
    p50: f64,
    p99: f64,
}

/// One kept connection.
struct Kept {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Kept {
    fn open(peer: &Peer) -> Outcome<Self> {
        let stream = TcpStream::connect(&peer.address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 1 << 16] })
    }
    /// Asks once and returns the body's length.
    fn ask(&mut self, path: &str) -> Outcome<usize> {
        write!(self.stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..])?;
            filled += read;
            let text = &self.buffer[..filled];
            let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&text[..end])?.to_ascii_lowercase();
            if !head.starts_with("http/1.1 200") {
                return Err(format!("{path}: {head}").into());
            }
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
            let length: usize = length.ok_or("no length")?.parse()?;
            if filled >= end + 4 + length {
                return Ok(length);
            }
        }
    }
}

fn kept_load(peer: &Peer) -> Outcome<Load> {
    let mut kept = Kept::open(peer)?;
    let mut micros = Vec::new();
    let end = Instant::now() + Duration::from_secs(SECONDS);
    for path in peer.paths.iter().cycle() {
        let started = Instant::now();
        kept.ask(path)?;
        micros.push(started.elapsed().as_secs_f64() * 1e6);
        if Instant::now() > end {
            break;
        }
    }
    micros.sort_by(f64::total_cmp);
    let at = |share: f64| micros[(micros.len() as f64 * share) as usize];
    Ok(Load { requests: micros.len() as f64, p50: at(0.5), p99: at(0.99) })
}

/// `wrk` with 16 connections over the same paths.
fn wrk_load(peer: &Peer, script: &std::path::Path) -> Outcome<Load> {
    let mut lua = String::from("local paths = {\n");
    peer.paths.iter().for_each(|path| lua.push_str(&format!("  \"{path}\",\n")));
    lua.push_str(
        "}\nlocal at = 0\nrequest = function() at = at % #paths + 1; return wrk.format(\"GET\", paths[at]) end\n",
    );
    lua.push_str(
        "done = function(summary, latency) io.write(string.format(\"RESULT %d %d %f %f\\n\", summary.requests, \
                  summary.errors.status, latency:percentile(50), latency:percentile(99))) end\n",
    );
    std::fs::write(script, lua)?;
    let output = Command::new("wrk")
        .args(["-t1", "-c16", &format!("-d{SECONDS}s"), "-s"])
        .arg(script)
        .arg(format!("http://{}", peer.address))
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().find_map(|line| line.strip_prefix("RESULT ")).ok_or("wrk printed no result")?;
    let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    let [requests, errors, p50, p99] = numbers[..] else { return Err("wrk printed something else".into()) };
    if errors > 0.0 {
        return Err(format!("{errors} requests failed").into());
    }
    Ok(Load { requests, p50, p99 })
}

fn measure(name: &str, peer: &Peer, load: Client<'_>) -> Outcome<f64> {
    let before = peer.cpu()?;
    let load = load(peer)?;
    let micros = (peer.cpu()? - before) * 1e6 / load.requests;
    let rate = load.requests / SECONDS as f64;
    println!("{name:<34} {micros:6.2} us CPU/request {rate:9.0} /s  p50 {:6.0} us  p99 {:6.0} us", load.p50, load.p99);
    Ok(micros)
}

fn client() -> Outcome<()> {
    let driftline = Peer::start("driftline")?;
    let mut kept = Kept::open(&driftline)?;
    let sizes = driftline.paths.iter().map(|path| kept.ask(path)).collect::<Outcome<Vec<_>>>()?;
    let mean = sizes.iter().sum::<usize>() / sizes.len();
    let bare = Peer::start(&mean.to_string())?;
    println!("{PREDICTIONS} predictions, answers of {mean} bytes on average, {SECONDS} s each");
    let script = std::env::temp_dir().join(format!("driftline-serving-{}.lua", std::process::id()));
    let wrk = |peer: &Peer| wrk_load(peer, &script);
    let has_wrk = Command::new("wrk").arg("-v").output().is_ok();
    if !has_wrk {
        println!("wrk is not installed: only one kept connection is measured");
    }
    let loads: [(&str, Client<'_>); 2] = [("1 connection", &kept_load), ("16 connections, wrk", &wrk)];
    for (name, load) in loads.into_iter().take(1 + usize::from(has_wrk)) {
        let ours = measure(&format!("driftline, {name}"), &driftline, load)?;
        let floor = measure(&format!("bare axum, {name}"), &bare, load)?;
        println!("ratio {:.2}", ours / floor);
    }
    let _ = std::fs::remove_file(script);
    Ok(())
}
