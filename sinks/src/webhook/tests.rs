//! Delivery against a small server that answers what the test tells it to.

use super::config::Secret;
use super::sign::verify;
use super::*;
use crate::batch::{ClosedTime, Sink};
use crate::metrics::Metrics;
use crate::testing::{alert, closed, resolved};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// One request as it arrived.
struct Request {
    id: String,
    timestamp: i64,
    signature: String,
    body: String,
}

/// A server that gives the answers it is sent, one a request, and tells what arrived.
struct Receiving {
    url: String,
    answers: Sender<&'static str>,
    requests: Receiver<Request>,
}

impl Receiving {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let url = format!("http://{}/hook", listener.local_addr().expect("bound"));
        let ((answers, to_give), (arrived, requests)) = (channel::<&'static str>(), channel());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.expect("a connection"));
                let Ok(answer) = to_give.recv() else { return };
                let _ = arrived.send(read_request(&mut stream));
                let text = format!("HTTP/1.1 {answer}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
                let _ = stream.get_mut().write_all(text.as_bytes());
            }
        });
        Self { url, answers, requests }
    }
    fn answer(&self, answer: &'static str) {
        self.answers.send(answer).expect("the server runs");
    }
    fn next(&self) -> Request {
        self.requests.recv_timeout(Duration::from_secs(20)).expect("a request arrives")
    }
    fn is_quiet(&self) -> bool {
        self.requests.recv_timeout(Duration::from_millis(150)).is_err()
    }
}

fn read_request(stream: &mut BufReader<std::net::TcpStream>) -> Request {
    let mut headers = std::collections::BTreeMap::new();
    for line in stream.by_ref().lines().map(|line| line.expect("a line")).take_while(|line| !line.is_empty()) {
        if let Some((name, value)) = line.split_once(": ") {
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
    }
    let mut body = vec![0; headers["content-length"].parse().expect("a number")];
    stream.read_exact(&mut body).expect("the body");
    assert_eq!(headers["content-type"], "application/json");
    Request {
        id: headers["webhook-id"].clone(),
        timestamp: headers["webhook-timestamp"].parse().expect("seconds"),
        signature: headers["webhook-signature"].clone(),
        body: String::from_utf8(body).expect("text"),
    }
}

fn config(directory: &Path, url: &str) -> WebhookConfig {
    let secrets = vec![Secret::parse(SECRET).expect("a secret")];
    WebhookConfig {
        directory: directory.to_owned(),
        endpoints: vec![EndpointConfig { name: "ops".to_owned(), url: url.to_owned(), secrets }],
        retry_delays_ms: vec![20, 20],
        timeout_ms: 5_000,
        outbox_max: 3,
    }
}

fn open(config: &WebhookConfig) -> WebhookSink {
    WebhookSink::open(config, Metrics::new().webhook).expect("the folder is writable")
}

fn opening(time: u64, id: &str) -> ClosedTime {
    ClosedTime { alerts: vec![(alert(id), 1)], ..closed(time, time) }
}

/// Waits until the files have settled.
fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what} did not come about");
}

#[test]
fn a_message_is_signed_and_keeps_id_and_body_over_retries() {
    let (folder, server) = (tempfile::tempdir().expect("a folder"), Receiving::start());
    let mut sink = open(&config(folder.path(), &server.url));
    sink.apply(&opening(1, "a")).expect("the outbox is writable");
    server.answer("500 Oops");
    let first = server.next();
    assert!(first.body.starts_with(r#"{"type":"alert.opened","timestamp":""#), "{}", first.body);
    server.answer("204 No Content");
    let second = server.next();
    assert_eq!((&second.id, &second.body), (&first.id, &first.body));
    for request in [&first, &second] {
        let secret = Secret::parse(SECRET).expect("a secret");
        assert!(verify(&secret, &request.id, request.timestamp, request.body.as_bytes(), &request.signature));
    }
    until("an empty outbox", || sink.waiting() == 0);
    // The closed time again, as after a crash: delivered messages stay delivered.
    sink.apply(&opening(1, "a")).expect("the outbox is writable");
    server.answer("204 No Content");
    assert!(server.is_quiet());
}

#[test]
fn what_was_not_delivered_goes_out_after_a_restart() {
    let (folder, server) = (tempfile::tempdir().expect("a folder"), Receiving::start());
    // Nobody listens on this port any more.
    let closed_port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("loopback");
    let mut away = config(folder.path(), &format!("http://{closed_port}/"));
    away.retry_delays_ms = vec![100; 1_000];
    let mut sink = open(&away);
    sink.apply(&opening(1, "a")).expect("the outbox is writable");
    let shut = resolved(&alert("a"));
    let resolving = ClosedTime { alerts: vec![(alert("a"), -1), (shut, 1)], ..closed(2, 2) };
    sink.apply(&resolving).expect("the outbox is writable");
    drop(sink);
    let mut sink = open(&config(folder.path(), &server.url));
    assert_eq!(sink.waiting(), 2);
    sink.apply(&resolving).expect("a repeated time is skipped");
    for kind in ["alert.opened", "alert.resolved"] {
        server.answer("200 OK");
        let body = server.next().body;
        assert!(body.contains(kind), "messages about one alert go out in order: {body}");
    }
    until("an empty outbox", || sink.waiting() == 0);
}

#[test]
fn a_message_is_given_up_after_the_last_retry_and_can_be_sent_again() {
    let (folder, server) = (tempfile::tempdir().expect("a folder"), Receiving::start());
    let config = config(folder.path(), &server.url);
    let mut sink = open(&config);
    sink.apply(&opening(1, "a")).expect("the outbox is writable");
    let ids: Vec<_> =
        ["404 Not Found", "301 Moved", "400 Bad"].map(|answer| (server.answer(answer), server.next().id).1).into();
    until("a dead letter", || dead_letters(folder.path()).is_ok_and(|letters| letters.len() == 1));
    until("an empty outbox", || sink.waiting() == 0);
    let letter = dead_letters(folder.path()).expect("readable").remove(0);
    assert_eq!((letter.attempts, letter.error.as_deref()), (3, Some("the receiver answered 400")));
    drop(sink);
    resend(folder.path(), &letter).expect("the file is there");
    let sink = open(&config);
    server.answer("200 OK");
    let again = server.next().id;
    assert!(ids.iter().all(|id| *id == again), "the id is that of the first attempt");
    until("an empty outbox", || sink.waiting() == 0);
    assert!(dead_letters(folder.path()).expect("readable").is_empty());
}

#[test]
fn a_receiver_that_answers_410_gets_nothing_more() {
    let (folder, server) = (tempfile::tempdir().expect("a folder"), Receiving::start());
    let config = config(folder.path(), &server.url);
    let mut sink = open(&config);
    sink.apply(&opening(1, "a")).expect("the outbox is writable");
    server.answer("410 Gone");
    server.next();
    until("a disabled endpoint", || folder.path().join("ops/disabled").exists() && sink.waiting() == 0);
    drop(sink);
    let mut sink = open(&config);
    sink.apply(&opening(2, "b")).expect("the outbox is writable");
    server.answer("200 OK");
    assert!(server.is_quiet());
    until("two dead letters", || dead_letters(folder.path()).is_ok_and(|letters| letters.len() == 2));
}

#[test]
fn a_busy_receiver_is_left_alone_for_as_long_as_it_asks() {
    let (folder, server) = (tempfile::tempdir().expect("a folder"), Receiving::start());
    let mut sink = open(&config(folder.path(), &server.url));
    server.answer("429 Too Many\r\nretry-after: 1");
    sink.apply(&opening(1, "a")).expect("the outbox is writable");
    server.next();
    let asked = std::time::Instant::now();
    sink.apply(&opening(2, "b")).expect("the outbox is writable");
    server.answer("200 OK");
    server.answer("200 OK");
    server.next();
    assert!(asked.elapsed() >= Duration::from_millis(900), "{:?}", asked.elapsed());
    server.next();
}

#[test]
fn a_full_outbox_turns_further_messages_into_dead_letters() {
    let (folder, server) = (tempfile::tempdir().expect("a folder"), Receiving::start());
    let mut config = config(folder.path(), &server.url);
    config.endpoints[0].url = "http://127.0.0.1:1/".to_owned();
    config.retry_delays_ms = vec![60_000; 9];
    let mut sink = open(&config);
    let alerts = ["a", "b", "c", "d", "e"].map(|id| (alert(id), 1)).into();
    sink.apply(&ClosedTime { alerts, ..closed(1, 1) }).expect("the outbox is writable");
    assert_eq!(sink.waiting(), 3);
    let letters = dead_letters(folder.path()).expect("readable");
    assert_eq!(letters.iter().map(|letter| letter.alert.as_str()).collect::<Vec<_>>(), ["d", "e"]);
    assert_eq!(letters[0].error.as_deref(), Some("the outbox is full"));
}

#[test]
fn a_wrong_configuration_is_refused_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut twice = config(folder.path(), "http://127.0.0.1:1/");
    twice.endpoints.push(twice.endpoints[0].clone());
    let error = WebhookSink::open(&twice, Metrics::new().webhook).err().expect("refused");
    assert_eq!(error.to_string(), "webhook endpoint `ops` stands twice");
}

#[test]
fn a_receiver_that_hangs_does_not_keep_the_process_from_ending() {
    let folder = tempfile::tempdir().expect("a folder");
    // It takes the connection and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let url = format!("http://{}/hook", listener.local_addr().expect("bound"));
    let config = WebhookConfig { timeout_ms: 15_000, ..config(folder.path(), &url) };
    let mut sink = open(&config);
    sink.apply(&opening(1, "a")).expect("stored");
    let (stream, _) = listener.accept().expect("an attempt is under way");
    let began = std::time::Instant::now();
    drop(sink);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    drop((stream, listener));
    let server = Receiving::start();
    server.answer("200 OK");
    let endpoints = vec![EndpointConfig { url: server.url.clone(), ..config.endpoints[0].clone() }];
    let sink = open(&WebhookConfig { endpoints, ..config });
    assert!(server.next().body.contains("\"a\""), "the next start sends what was kept");
    until("the outbox is empty", || sink.waiting() == 0);
}
