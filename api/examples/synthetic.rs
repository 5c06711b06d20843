//! Serves a made-up view that keeps moving: for looking at the page and for checking dashboards and rules.
//!
//! `cargo run -p driftline-api --example synthetic -- 127.0.0.1:0 [SECONDS]` prints the address it listens on and stops after
//! SECONDS (600 by default). Nothing it shows is real.

#[path = "../../sinks/tests/synthetic/mod.rs"]
mod synthetic;

use driftline_api::{ApiState, Hosts, ServerConfig, router, serve};
use driftline_sinks::{Metrics, MetricsSink, Sink, SinkError, View};
use std::error::Error;
use std::time::Duration;

/// Changes at the start, and more with every tick.
const FIRST: u64 = 2_000;
const MORE: u64 = 5;
const TICK: Duration = Duration::from_millis(250);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let seconds = arguments.next().map_or(Ok(600), |text| text.parse())?;
    let (mut view, reader) = View::open();
    let metrics = Metrics::new();
    let mut sink = MetricsSink::new(&metrics, reader.clone());
    let mut numbers = synthetic::Numbers(7);
    let mut first = synthetic::closed_time(&mut numbers, 0, 0, FIRST);
    synthetic::add_states(&mut numbers, &mut first);
    view.apply(&first)?;
    sink.apply(&first)?;
    let state = ApiState::new(reader, metrics.clone(), &synthetic::FEATURES);
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("{}", listener.local_addr()?);
    tokio::spawn(async move {
        for tick in 1.. {
            let closed = synthetic::closed_time(&mut numbers, tick, FIRST + (tick - 1) * MORE, MORE);
            if let Err(error) = view.apply(&closed).and_then(|()| sink.apply(&closed)) {
                metrics.sinks.failed("view", &error);
                return error;
            }
            report(&metrics, tick);
            tokio::time::sleep(TICK).await;
        }
        unreachable!("ticks do not end")
    });
    let config = ServerConfig::new(Hosts::new(listener.local_addr()?, &[])?, 256, state.metrics.http.clone());
    serve(listener, router(state), config, tokio::time::sleep(Duration::from_secs(seconds))).await?;
    Ok(())
}

/// What a dataflow would report.
fn report(metrics: &Metrics, tick: u64) {
    let records = FIRST + tick * MORE;
    let engine = &metrics.engine;
    engine.read(MORE + 1);
    engine.accepted(MORE);
    engine.reused(2);
    for (language, bytes) in [("rust", 9_000), ("python", 4_000), ("typescript", 6_000)] {
        engine.parsed(language, bytes, tick.is_multiple_of(20));
    }
    engine.set_bound(tick + 1);
    engine.set_frontier(tick);
    engine.set_lag(tick % 7, (tick % 7) as f64 * 0.01);
    for partition in 0..2 {
        engine.set_log_end(partition, records / 2);
    }
    engine.observe_reflected(0.002 + (tick % 11) as f64 * 0.001);
    if tick % 40 == 1 {
        engine.observe_training(0.8);
    }
    for (stage, share) in [("parse", 0.04), ("history", 0.01), ("score", 0.005)] {
        engine.set_stage_cpu(stage, tick as f64 * share);
    }
    for (collection, bytes) in [("vectors", 240), ("line_origins", 900)] {
        engine.set_state(collection, records, records * bytes);
    }
    engine.set_queue("source", tick % 50);
    metrics.repositories.show([("acme/payments", true), ("tools", !tick.is_multiple_of(40))]);
    metrics.sinks.applied("view");
    metrics.sinks.applied("metrics");
    if tick.is_multiple_of(25) {
        let error = SinkError::Unreachable { sink: "kafka".to_owned(), reason: "made up".to_owned() };
        metrics.sinks.failed("kafka", &error);
    }
    metrics.webhook.attempt(if tick.is_multiple_of(5) { "retried" } else { "delivered" });
    metrics.webhook.set_waiting("receiver", (tick % 3) as usize, 0);
}
