//! Every route over loopback: answers, errors, tags, waiting, metrics.

#[path = "../../sinks/tests/synthetic/mod.rs"]
mod synthetic;

use driftline_api::{ApiState, Hosts, ServerConfig, router, serve};
use driftline_schema::{Position, Reject, RejectReason};
use driftline_sinks::{ClosedTime, Metrics, MetricsSink, Sink, View, ViewSink};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A running server over a synthetic view of 300 predictions at time 7.
struct Server {
    address: SocketAddr,
    agent: ureq::Agent,
    view: ViewSink,
    metrics: MetricsSink,
    last: ClosedTime,
    repositories: driftline_api::Repositories,
    readiness: driftline_api::Readiness,
    reader: driftline_sinks::ViewReader,
    runtime: Option<tokio::runtime::Runtime>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
}

struct Got {
    status: u16,
    kind: String,
    tag: String,
    text: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl Server {
    fn empty() -> Self {
        let (view, reader) = View::open();
        let metrics = Metrics::new();
        let sink = MetricsSink::new(&metrics, reader.clone());
        let mut state = ApiState::new(reader.clone(), metrics, &synthetic::FEATURES);
        state.wait_max = Duration::from_secs(2);
        let view_of = reader.clone();
        state.digests = Some(std::sync::Arc::new(move || driftline_api::DigestsAt {
            offsets: view_of.as_of().offsets.clone(),
            digest: "d1".to_owned(),
            collections: [("vectors", "d2".to_owned())].into(),
        }));
        let (repositories, readiness) = (state.repositories.clone(), state.readiness.clone());
        let runtime = tokio::runtime::Runtime::new().expect("threads");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("loopback");
        let address = listener.local_addr().expect("bound");
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let hosts = Hosts::new(address, &[]).expect("no names");
        let config = ServerConfig::new(hosts, 64, state.metrics.http.clone());
        runtime.spawn(serve(listener, router(state), config, async { drop(stopped.await) }));
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(30)));
        let agent = config.build().into();
        let last = ClosedTime::default();
        let (runtime, stop) = (Some(runtime), Some(stop));
        Self { address, agent, view, metrics: sink, last, repositories, readiness, reader, runtime, stop }
    }
    fn start() -> Self {
        let mut server = Self::empty();
        let mut numbers = synthetic::Numbers(1);
        let mut closed = synthetic::closed_time(&mut numbers, 7, 0, 300);
        synthetic::add_states(&mut numbers, &mut closed);
        server.apply(&closed);
        server.last = closed;
        server
    }
    fn apply(&mut self, closed: &ClosedTime) {
        self.view.apply(closed).expect("the view takes everything");
        self.metrics.apply(closed).expect("metrics take everything");
    }
    fn get_with(&self, path: &str, header: &[(&str, &str)]) -> Got {
        let mut request = self.agent.get(format!("http://{}{path}", self.address));
        for (name, value) in header {
            request = request.header(*name, *value);
        }
        let mut response = request.call().expect("the server answers");
        let header = |name: &str| {
            response.headers().get(name).map_or(String::new(), |value| value.to_str().expect("text").to_owned())
        };
        let (kind, tag) = (header("content-type"), header("etag"));
        let status = response.status().as_u16();
        Got { status, kind, tag, text: response.body_mut().read_to_string().expect("a body") }
    }
    fn get(&self, path: &str) -> Got {
        self.get_with(path, &[])
    }
    fn problem(&self, path: &str, status: u16) -> Value {
        let got = self.get(path);
        assert_eq!((got.status, got.kind.as_str()), (status, "application/problem+json"), "{path}: {}", got.text);
        let problem = got.json();
        assert_eq!(problem["status"], status);
        assert!(problem["type"].as_str().is_some_and(|kind| kind.starts_with("/problems/")));
        problem
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

#[test]
fn every_read_says_what_it_reflects() {
    let server = Server::start();
    let first = &server.last.predictions[0].0;
    let named = format!("{}/{}", first.repository.replace('/', "%2F"), first.commit);
    let mut paths = vec![format!("/v1/predictions/{named}"), format!("/v1/features/{named}")];
    paths.extend(["as_of", "predictions", "repos", "drift", "alerts", "models"].map(|route| format!("/v1/{route}")));
    for path in paths {
        let got = server.get(&path);
        assert_eq!((got.status, got.kind.as_str()), (200, "application/json"), "{path}: {}", got.text);
        assert_eq!(got.json()["as_of"], serde_json::json!({"time": 7, "offsets": [150, 150]}), "{path}");
        let again = server.get_with(&path, &[("if-none-match", &got.tag)]);
        assert_eq!((again.status, again.text.as_str(), again.tag == got.tag), (304, "", true), "{path}");
    }
}

#[test]
fn one_prediction_is_found_by_repository_and_prefix() {
    let server = Server::start();
    let (wanted, _) = &server.last.predictions[17];
    let repository = wanted.repository.replace('/', "%2F");
    let commit = wanted.commit.to_string();
    for digits in [&commit[..12], &commit] {
        let body = server.get(&format!("/v1/predictions/{repository}/{digits}")).json();
        let found: driftline_schema::Prediction = serde_json::from_value(body["prediction"].clone()).expect("reads");
        assert_eq!(&found, wanted);
        assert!(
            body["label"]["verdict"].is_string() && body["evidence"].as_array().is_some_and(|rows| rows.len() == 1)
        );
    }
    let features = server.get(&format!("/v1/features/{repository}/{commit}")).json();
    assert_eq!(features["features"].as_array().map(Vec::len), Some(30));
    assert_eq!(features["features"][0]["name"], "la");
    assert_eq!(features["repository"], wanted.repository);
}

#[test]
fn listings_filter_sort_and_page() {
    let server = Server::start();
    let risks = |body: &Value| -> Vec<f64> {
        let rows = body["predictions"].as_array().expect("rows");
        rows.iter().map(|row| row["risk"].as_f64().expect("scored")).collect()
    };
    let riskiest = server.get("/v1/predictions?sort=risk&limit=10").json();
    let listed = risks(&riskiest);
    assert!(listed.len() == 10 && listed.is_sorted_by(|a, b| a >= b));
    let next = riskiest["next"].as_str().expect("there are more").to_owned();
    let second = risks(&server.get(&format!("/v1/predictions?sort=risk&limit=10&cursor={next}")).json());
    assert!(second[0] <= listed[9] && second.len() == 10);
    let body = server.get("/v1/predictions?repository=acme/infra&min_risk=0.3&limit=500").json();
    assert!(!risks(&body).is_empty() && risks(&body).iter().all(|risk| *risk >= 0.3) && body["next"].is_null());
    assert!(body["predictions"].as_array().expect("rows").iter().all(|row| row["repository"] == "acme/infra"));
    let all: u64 = server.get("/v1/repos").json()["repositories"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["predictions"].as_u64().expect("a count"))
        .sum();
    assert_eq!(all, 300);
    let drift = server.get("/v1/drift?repository=tools").json();
    assert_eq!((drift["drift"].as_array().map(Vec::len), &drift["total"]), (Some(8), &8.into()));
    let open = server.get("/v1/alerts?state=open&limit=1").json();
    assert_eq!((open["alerts"][0]["feature"].as_str(), &open["total"]), (Some("la"), &1.into()));
    assert_eq!(server.get("/v1/alerts").json()["total"], 2);
    assert_eq!(server.get("/v1/alerts?repository=tools").json()["total"], 0);
}

#[test]
fn errors_are_problems_that_name_the_cause() {
    let server = Server::start();
    server.problem("/v1/predictions/acme%2Finfra/ffff", 404);
    server.problem("/v1/predictions/nobody/abcd", 404);
    server.problem("/v1/predictions/acme%2Finfra/abc", 400);
    server.problem("/v1/predictions/acme%2Finfra/wxyz", 400);
    server.problem("/v1/predictions/%FF/abcd", 400);
    server.problem("/v1/predictions?limit=0", 400);
    server.problem("/v1/predictions?limit=many", 400);
    server.problem("/v1/predictions?min_risk=NaN", 400);
    server.problem("/v1/predictions?sort=size", 400);
    server.problem("/v1/predictions?cursor=1.2", 400);
    server.problem("/v1/predictions?repository=nobody", 404);
    server.problem("/v1/predictions?colour=red", 400);
    server.problem("/v1/alerts?limit=0", 400);
    server.problem("/v1/alerts?state=ajar", 400);
    server.problem("/v1/drift?state=open", 400);
    server.problem("/v1/drift?repository=toolz", 404);
    server.problem("/v1/alerts?repository=toolz", 404);
    server.problem("/v1/predictions?at_least=5", 400);
    server.problem("/v1/predictions?at_least=9:5", 400);
    let detail = server.problem("/v1/predictions/acme/infra/abcd", 404)["detail"].to_string();
    assert!(detail.contains("%2F"), "{detail}");
    let mut refused = server.agent.post(format!("http://{}/v1/repos", server.address)).send_empty().expect("answers");
    assert_eq!(
        (refused.status().as_u16(), refused.headers()["content-type"].as_bytes()),
        (405, b"application/problem+json".as_slice())
    );
    assert_eq!(refused.headers()["allow"], "GET,HEAD");
    assert!(refused.body_mut().read_to_string().expect("a body").contains("POST"));
}

#[test]
fn a_read_waits_for_the_position_it_asks_for() {
    let mut server = Server::start();
    let url = format!("http://{}/v1/as_of?at_least=0:150", server.address);
    let agent = server.agent.clone();
    let waiting = std::thread::spawn(move || {
        let mut response = agent.get(url).call().expect("the server answers");
        (response.status().as_u16(), response.body_mut().read_to_string().expect("a body"))
    });
    std::thread::sleep(Duration::from_millis(100));
    assert!(!waiting.is_finished(), "offset 150 is not reflected yet");
    server.apply(&ClosedTime { time: 8, as_of: vec![151, 150], ..ClosedTime::default() });
    let (status, body) = waiting.join().expect("the thread ends");
    assert_eq!((status, body.as_str()), (200, r#"{"as_of":{"time":8,"offsets":[151,150]}}"#));
    let started = Instant::now();
    server.problem("/v1/repos?at_least=1:150", 503);
    assert!(started.elapsed() >= Duration::from_secs(2), "it waited the whole time first");
}

#[test]
fn readiness_follows_the_view_and_metrics_show_the_requests() {
    let mut server = Server::empty();
    assert_eq!(server.get("/livez").status, 200);
    assert_eq!(server.get("/readyz").status, 503);
    assert_eq!(server.get("/v1/as_of").json()["as_of"]["time"], Value::Null);
    server.readiness.set("caught_up", Err("the history is being brought in".to_owned()));
    assert_eq!(server.get("/readyz").status, 503);
    server.readiness.set("caught_up", Ok(()));
    let ready = server.get("/readyz").json();
    assert_eq!((&ready["ready"], &ready["checks"]["view"]), (&true.into(), &"the log holds nothing yet".into()));
    server.apply(&ClosedTime { time: 0, as_of: vec![1], ..ClosedTime::default() });
    assert_eq!(server.get("/readyz").json()["ready"], true);
    let reject = Reject {
        position: Position { partition: 0, offset: 1 },
        reason: RejectReason::OverLimit,
        detail: "too large".to_owned(),
        key: "demo".into(),
        commit: None,
        bytes: (*b"{}").into(),
        envelope: None,
    };
    server.apply(&ClosedTime { time: 1, as_of: vec![2], rejects: vec![reject], ..ClosedTime::default() });
    let ready = server.get("/readyz").json();
    assert_eq!(ready["ready"], true, "a reject keeps nobody from being ready");
    assert_eq!(ready["rejects"]["over_limit"], 1, "but it is told");
    assert!(server.get("/").text.contains("<dt>rejects</dt><dd>1</dd>"), "on the page as well");
    server.get("/nowhere/at/all");
    let text = server.get("/metrics").text;
    for line in [
        r#"driftline_http_request_duration_seconds_count{method="GET",route="/readyz",status="503"} 2"#,
        r#"driftline_http_request_duration_seconds_count{method="GET",route="unmatched",status="404"} 1"#,
        r#"driftline_events_rejected_total{reason="not_utf8"} 0"#,
        "driftline_alerts_open 0",
        "process_resident_memory_bytes",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains("/nowhere"));
}

#[test]
fn the_page_shows_risks_reasons_and_drift_and_escapes_subjects() {
    let server = Server::start();
    let page = server.get("/");
    assert_eq!((page.status, page.kind.as_str()), (200, "text/html; charset=utf-8"));
    for part in ["Riskiest recent commits", "not size", "Drift", "Open alerts", "cyclomatic", "acme/payments"] {
        assert!(page.text.contains(part), "{part}");
    }
    assert!(page.text.contains("Add &lt;script&gt;alert(1)&lt;/script&gt;") && !page.text.contains("<script>alert"));
    assert_eq!(page.text.matches("<script").count(), 1);
    assert!(!page.text.contains("src=") && !page.text.contains("http://") && !page.text.contains("https://"));
    let empty = Server::empty().get("/").text;
    assert!(empty.contains("nothing is reflected yet") && empty.contains("No commit has a risk yet"));
}

#[test]
fn one_answer_holds_all_that_is_known_of_a_change() {
    let server = Server::start();
    let (wanted, _) = &server.last.predictions[17];
    let named = format!("{}/{}", wanted.repository.replace('/', "%2F"), wanted.commit);
    let got = server.get(&format!("/v1/changes/{named}"));
    assert_eq!(got.json()["as_of"]["offsets"], serde_json::json!([150, 150]));
    let answer: driftline_api::ChangeAnswer = serde_json::from_str(&got.text).expect("reads");
    let driftline_sinks::view::Lookup::Found(detail) =
        server.reader.lookup(&wanted.repository, &wanted.commit.to_string()).1
    else {
        panic!("the view has it");
    };
    assert_eq!((answer.prediction.as_ref(), answer.commit), (Some(wanted), Some(wanted.commit)));
    assert_eq!((answer.label, &answer.evidence), (detail.label, &detail.evidence));
    let values: Vec<_> = answer.features.iter().map(|row| row.value).collect();
    assert_eq!(Some(&values[..]), detail.vector.as_deref());
    server.problem("/v1/changes/nobody/abcd", 404);
}

#[test]
fn the_download_is_the_file_that_export_writes() {
    let server = Server::start();
    let mut response = server.agent.get(format!("http://{}/v1/export", server.address)).call().expect("answers");
    assert_eq!(response.headers()["content-type"], "application/vnd.apache.parquet");
    let downloaded = response.body_mut().read_to_vec().expect("a body");
    let table = driftline_sinks::parquet::FeatureTable { version: 0, features: &synthetic::FEATURES };
    let mut written = Vec::new();
    driftline_sinks::parquet::write_to(&server.reader, table, &mut written).expect("is written");
    assert!(downloaded == written, "{} bytes", downloaded.len());
    let digests = server.get("/v1/digests").json();
    assert_eq!((&digests["digest"], &digests["as_of"]["offsets"]), (&"d1".into(), &serde_json::json!([150, 150])));
}

#[test]
fn a_repository_that_went_missing_shows_in_its_row_and_in_readiness() {
    use driftline_api::{Condition, RepositoryState};
    let server = Server::start();
    let row = |state, reason: Option<&str>| RepositoryState { state, since: 1, reason: reason.map(str::to_owned) };
    let set = |other: RepositoryState| {
        let following = ("tools".to_owned(), row(Condition::Following, None));
        server.repositories.set([following, ("new/one".to_owned(), other)].into());
    };
    set(row(Condition::Importing, None));
    let first = server.get("/v1/repos");
    set(row(Condition::Missing, Some("/srv/one is gone")));
    let second = server.get_with("/v1/repos", &[("if-none-match", &first.tag)]);
    assert_eq!(second.status, 200, "the tag follows the states");
    let of = |name: &str| {
        let body = second.json();
        body["repositories"]
            .as_array()
            .expect("rows")
            .iter()
            .find(|row| row["repository"] == name)
            .expect("listed")
            .clone()
    };
    assert_eq!((of("new/one")["state"].as_str(), &of("new/one")["changes"]), (Some("missing"), &0.into()));
    assert_eq!((of("tools")["state"].as_str(), of("acme/infra").get("state")), (Some("following"), None));
    let page = server.get("/");
    assert!(page.text.contains("<strong>new/one</strong> is missing: /srv/one is gone"), "{}", page.text);
    let ready = server.get("/readyz");
    assert_eq!((ready.status, &ready.json()["ready"]), (200, &true.into()));
    let text = ready.json()["checks"]["repositories"].to_string();
    assert!(
        text.contains("1 of 2") && text.contains("new/one is missing") && text.contains("/srv/one is gone"),
        "{text}"
    );
    server.repositories.set([("tools".to_owned(), row(Condition::Failed, Some("damaged")))].into());
    assert_eq!(server.get("/readyz").status, 503);
}
