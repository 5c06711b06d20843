//! What clients may do to the server without keeping others from it: over real sockets, byte by byte.

#[path = "../../sinks/tests/synthetic/mod.rs"]
mod synthetic;

use driftline_api::{ApiState, Hosts, ServerConfig, router, serve};
use driftline_sinks::{Metrics, Sink, View};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// A server with few places and short time-outs.
struct Server {
    address: SocketAddr,
    metrics: Metrics,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Server {
    fn start(connections_max: usize, timeout: Duration) -> Self {
        let (mut view, reader) = View::open();
        let mut numbers = synthetic::Numbers(1);
        view.apply(&synthetic::closed_time(&mut numbers, 7, 0, 400)).expect("the view takes everything");
        let metrics = Metrics::new();
        let mut state = ApiState::new(reader, metrics.clone(), &synthetic::FEATURES);
        state.wait_max = Duration::from_secs(3);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("threads");
        let listener =
            runtime.block_on(driftline_api::listen("127.0.0.1:0".parse().expect("an address"))).expect("loopback");
        let address = listener.local_addr().expect("bound");
        let hosts = Hosts::new(address, &[]).expect("no names");
        let config = ServerConfig {
            head_timeout: timeout,
            stall_max: timeout,
            ..ServerConfig::new(hosts, connections_max, metrics.http.clone())
        };
        runtime.spawn(serve(listener, router(state), config, std::future::pending()));
        Self { address, metrics, runtime: Some(runtime) }
    }
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("is set");
        stream
    }
    fn send(&self, bytes: &str) -> TcpStream {
        let mut stream = self.connect();
        stream.write_all(bytes.as_bytes()).expect("is sent");
        stream
    }
    /// The status and the text of the answer to `request`, which must end the connection.
    fn ask(&self, request: &str) -> (u16, String) {
        read(self.send(request))
    }
    fn metric(&self, line: &str) -> f64 {
        let text = String::from_utf8(self.metrics.text()).expect("text");
        let found = text.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' ')?.parse().ok());
        found.unwrap_or_else(|| panic!("{line} is missing in\n{text}"))
    }
    /// Waits until so many connections are open.
    fn wait_for_open(&self, count: f64) {
        let started = Instant::now();
        while self.metric("driftline_http_connections") != count {
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "{count} connections: {}",
                self.metric("driftline_http_connections")
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

fn read(mut stream: TcpStream) -> (u16, String) {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => {}
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, text)
}

/// A request that ends its connection.
fn get(path: &str, host: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}

#[test]
fn half_requests_and_idle_connections_are_closed_in_time() {
    let server = Server::start(64, Duration::from_millis(400));
    let half: Vec<_> = (0..5).map(|_| server.send("GET /v1/repos HTTP/1.1\r\nHost: loc")).collect();
    let idle: Vec<_> = (0..5).map(|_| server.connect()).collect();
    let kept = server.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    server.wait_for_open(11.0);
    let started = Instant::now();
    for mut stream in half.into_iter().chain(idle) {
        let mut rest = Vec::new();
        // Closed or reset: either way it is over.
        let _ = stream.read_to_end(&mut rest);
    }
    let (status, _) = read(kept);
    assert_eq!(status, 200, "and a connection that was answered is closed as well once it is idle");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    server.wait_for_open(0.0);
}

#[test]
fn whoever_only_waits_makes_room_for_whoever_asks() {
    let server = Server::start(8, Duration::from_secs(60));
    let mut waiting = Vec::new();
    for index in 0..100 {
        waiting.push(if index % 2 == 0 { server.connect() } else { server.send("GET /v1/re") });
        if index % 10 == 9 {
            let started = Instant::now();
            assert_eq!(server.ask(&get("/livez", "localhost")).0, 200);
            assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        }
        assert!(server.metric("driftline_http_connections") <= 8.0);
    }
    assert!(server.metric("driftline_http_closed_total{cause=\"for_another\"}") >= 90.0);
}

#[test]
fn when_all_are_being_answered_the_next_is_told_so_at_once() {
    let server = Server::start(2, Duration::from_secs(60));
    // They wait for a record that never comes.
    let busy: Vec<_> = (0..2).map(|_| server.send(&get("/v1/as_of?at_least=0:100000", "localhost"))).collect();
    std::thread::sleep(Duration::from_millis(200));
    let started = Instant::now();
    let (status, text) = server.ask(&get("/livez", "localhost"));
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(status, 503, "{text}");
    assert!(text.contains("application/problem+json") && text.contains("too many connections"), "{text}");
    for stream in busy {
        assert_eq!(read(stream).0, 503, "they are answered when their time is over");
    }
    assert_eq!(server.ask(&get("/livez", "localhost")).0, 200);
}

#[test]
fn a_reader_that_takes_nothing_is_cut_off() {
    let server = Server::start(8, Duration::from_millis(500));
    let request = "GET /v1/predictions?limit=400 HTTP/1.1\r\nHost: localhost\r\n\r\n";
    // More than the system's buffers hold.
    let mut slow = server.send(&request.repeat(60));
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(server.ask(&get("/livez", "localhost")).0, 200, "others are served meanwhile");
    server.wait_for_open(0.0);
    assert!(server.metric("driftline_http_closed_total{cause=\"error\"}") >= 1.0);
    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest);
    let (status, text) = server.ask(&get("/v1/predictions?limit=400", "localhost"));
    assert!(status == 200 && text.ends_with('}'), "its room was given back");
}

#[test]
fn only_our_own_names_are_answered() {
    let server = Server::start(8, Duration::from_secs(5));
    let (status, text) = server.ask(&get("/v1/repos", "evil.example.com"));
    assert_eq!(status, 421, "{text}");
    assert!(text.contains("application/problem+json") && text.contains("--allow-host evil.example.com"), "{text}");
    let host = server.address.to_string();
    assert_eq!(server.ask(&get("/v1/repos", &host)).0, 200);
    assert_eq!(server.ask(&get(&format!("http://{host}/v1/repos"), &host)).0, 200);
    assert_eq!(server.ask(&get("http://evil.example.com/v1/repos", &host)).0, 421);
    let with = |headers: &str| server.ask(&format!("GET /livez HTTP/1.1\r\n{headers}Connection: close\r\n\r\n")).0;
    assert_eq!(with(""), 400, "no host");
    assert_eq!(with("Host: localhost\r\nHost: localhost\r\n"), 400, "two hosts");
    assert_eq!(server.ask("GET /livez HTTP/1.0\r\n\r\n").0, 200, "an old client");
    let post = |origin: &str| {
        server.ask(&format!(
            "POST /v1/repos HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ))
    };
    assert_eq!((post("https://evil.example.com").0, post("http://localhost:7070").0), (403, 405));
    assert_eq!(
        server.metric("driftline_http_request_duration_seconds_count{method=\"GET\",route=\"refused\",status=\"421\"}"),
        2.0
    );
}

#[test]
fn requests_have_a_size() {
    let server = Server::start(8, Duration::from_secs(2));
    assert_eq!(server.ask(&get(&format!("/v1/repos?{}", "x".repeat(9_000)), "localhost")).0, 414);
    let long = format!("GET /livez HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    assert_eq!(server.ask(&long).0, 431);
    let many = format!("GET /livez HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "A: b\r\n".repeat(500));
    assert_eq!(server.ask(&many).0, 431);
    // A body nobody asked for is neither read nor waited for.
    let started = Instant::now();
    let (status, _) = server.ask("POST /v1/repos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\nabc");
    assert!(status == 405 && started.elapsed() < Duration::from_secs(5), "{status}");
    for nonsense in ["\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET\r\n\r\n"] {
        // Refused, or closed without a word: never waited for.
        assert!([0, 400].contains(&server.ask(nonsense).0), "{nonsense:?}");
    }
    assert_eq!(server.ask("CONNECT evil.example.com:443 HTTP/1.1\r\nHost: evil.example.com\r\n\r\n").0, 421);
    assert_eq!(server.ask(&get("/livez", "localhost")).0, 200);
}
