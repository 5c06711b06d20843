//! hessboost on the jobs of the comparison; prints the same lines as `peer.py`.
//!
//! usage: peer-hessboost FOLDER hessboost JOB THREADS

use hessboost::config::GrowPolicy;
use hessboost::prelude::*;
use std::error::Error;
use std::hint::black_box;

#[path = "../../common.rs"]
mod common;
use common::{Table, auc, best, cpu_s, log_loss, say};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn fit(rows: &[f32], labels: &[f32], width: usize, leaves: usize, depth: usize, threads: usize) -> Outcome<BoostedModel> {
    let data = DMatrix::from_dense(rows, labels.len(), width)?.with_labels(labels)?;
    let params = TrainingParams::builder()
        .objective(Objective::BinaryLogistic(RegLoss::default()))
        .tree_method(TreeMethod::Hist)
        .grow_policy(GrowPolicy::LossGuide)
        .max_leaves(leaves)
        .eta(0.1)
        .max_bin(256)
        .nthread(threads);
    let params = if depth == 0 { params.unlimited_depth() } else { params.max_depth(depth) };
    Ok(hessboost::prelude::train(&params.build()?, &data, 100)?)
}

fn train(folder: &str, name: &str, job: &str, threads: usize) -> Outcome<()> {
    let table = Table::read(folder, name, "train");
    let (cpu, wall) = (cpu_s(), std::time::Instant::now());
    let model = fit(&table.rows, &table.labels, table.width, 63, 0, threads)?;
    say("hessboost", job, "cpu_s", cpu_s() - cpu);
    say("hessboost", job, "wall_s", wall.elapsed().as_secs_f64());
    let test = Table::read(folder, name, "test");
    let data = DMatrix::from_dense(&test.rows, test.labels.len(), test.width)?;
    let made = model.predict(&data, Iterations::Best)?;
    let guess: Vec<f64> = (0..test.labels.len()).map(|row| f64::from(*made.get(row, 0).unwrap_or(&0.5))).collect();
    say("hessboost", job, "auc", auc(&guess, &test.labels));
    say("hessboost", job, "log_loss", log_loss(&guess, &test.labels));
    Ok(())
}

fn score(folder: &str) -> Outcome<()> {
    let table = Table::read(folder, "100k", "train");
    let model = fit(&table.rows, &table.labels, table.width, 64, 6, 1)?;
    let rows = Table::read(folder, "100k", "test").rows.repeat(5);
    let row = &rows[..table.width];
    let one = best(2_000, || model.predict_margin_row(row, Iterations::Best).map(black_box).is_ok());
    say("hessboost", "score", "batch_1_us", one * 1e6);
    for (batch, times) in [(64, 1_000), (1_000_000, 2)] {
        let part = &rows[..batch * table.width];
        let whole = || -> Outcome<()> {
            let data = DMatrix::from_dense(part, batch, table.width)?;
            black_box(model.predict(&data, Iterations::Best)?);
            Ok(())
        };
        whole()?;
        say("hessboost", "score", &format!("batch_{batch}_us"), best(times, || whole().is_ok()) * 1e6);
    }
    Ok(())
}

fn train_batch(folder: &str) -> Outcome<()> {
    let table = Table::read(folder, "batch", "train");
    let start = cpu_s();
    for model in 0..20 {
        let rows = &table.rows[model * 11_000 * table.width..(model + 1) * 11_000 * table.width];
        black_box(fit(rows, &table.labels[model * 11_000..(model + 1) * 11_000], table.width, 31, 0, 1)?);
    }
    say("hessboost", "train-batch", "cpu_s", (cpu_s() - start) * 10.0);
    Ok(())
}

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().collect();
    let [_, folder, _, job, threads] = words.as_slice() else { return Err("four arguments are needed".into()) };
    let threads: usize = threads.parse()?;
    let named = if threads == 1 { job.clone() } else { format!("{job}-{threads}") };
    match job.as_str() {
        "train-batch" => train_batch(folder),
        "score" => score(folder),
        _ => train(folder, job.trim_start_matches("train-"), &named, threads),
    }
}
