//! driftline on the jobs of the comparison; prints the same lines as `peer.py`, and a hash of every model it trains.
//!
//! usage: peers FOLDER driftline JOB THREADS [portable] [shuffled]; `run.sh` calls it beside the peers.

mod common;

use common::{Table, auc, best, cpu_s, log_loss, say};
use driftline_kernels::backend::{Backend, ForestTask};
use driftline_kernels::{
    CpuBackend, CpuDataset, Gbdt, GbdtParams, KernelError, Rows, TrainJob, TrainSet, probability_q30, train_forests,
};
use std::hint::black_box;
use std::time::Instant;

const BATCH_MODELS: usize = 200;
const BATCH_ROWS: usize = 11_000;

/// What every job is told.
struct Job<'a> {
    folder: &'a str,
    name: String,
    backend: CpuBackend,
    is_shuffled: bool,
}

/// The peers' parameters: every row and column, no ridge, leaves of about twenty undecided rows.
fn params(leaves_max: u32, depth_max: u32) -> GbdtParams {
    GbdtParams {
        leaves_max,
        depth_max,
        learning_rate_milli: 100,
        lambda_milli: 0,
        min_child_hessian_milli: 3000,
        rows_per_tree_milli: 1000,
        columns_per_tree_milli: 1000,
        ..GbdtParams::default()
    }
}

/// Rows `rows` of the table as a training set, in an order of their own when shuffled.
fn train_set(table: &Table, rows: std::ops::Range<usize>, is_shuffled: bool) -> TrainSet {
    let mut order: Vec<usize> = rows.collect();
    if is_shuffled {
        order.sort_unstable_by_key(|&row| (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }
    let mut set = TrainSet::new(table.width);
    for row in order {
        set.push(row as u64, &table.rows[row * table.width..(row + 1) * table.width], table.labels[row] > 0.5, 1);
    }
    set
}

fn fit(backend: &CpuBackend, sets: &[&TrainSet], params: &GbdtParams) -> Result<Vec<Gbdt>, KernelError> {
    let loaded = backend.load(sets).into_iter().collect::<Result<Vec<CpuDataset>, _>>()?;
    let jobs: Vec<_> = loaded.iter().map(|dataset| TrainJob { dataset, params }).collect();
    train_forests(backend, &jobs).into_iter().collect()
}

/// FNV-1a of everything a model consists of.
fn hash(models: &[Gbdt]) -> u64 {
    let text = format!("{models:?}");
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn scores(backend: &CpuBackend, model: &Gbdt, table: &Table) -> Result<Vec<i64>, KernelError> {
    let forests = backend.forests(&[model])?;
    let task = ForestTask { forest: &forests[0], rows: Rows { columns: table.width, features: &table.rows } };
    Ok(backend.score(&[task])?.swap_remove(0))
}

fn train(job: &Job<'_>, name: &str) -> Result<(), KernelError> {
    let set = {
        let table = Table::read(job.folder, name, "train");
        train_set(&table, 0..table.labels.len(), job.is_shuffled)
    };
    let (cpu, wall) = (cpu_s(), Instant::now());
    let models = fit(&job.backend, &[&set], &params(63, 32))?;
    say("driftline", &job.name, "cpu_s", cpu_s() - cpu);
    say("driftline", &job.name, "wall_s", wall.elapsed().as_secs_f64());
    eprintln!("driftline {}: model {:016x}", job.name, hash(&models));
    let test = Table::read(job.folder, name, "test");
    let made = scores(&job.backend, &models[0], &test)?;
    let guess: Vec<f64> = made.iter().map(|&score| f64::from(probability_q30(score)) / f64::from(1 << 30)).collect();
    say("driftline", &job.name, "auc", auc(&guess, &test.labels));
    say("driftline", &job.name, "log_loss", log_loss(&guess, &test.labels));
    Ok(())
}

fn train_batch(job: &Job<'_>) -> Result<(), KernelError> {
    let table = Table::read(job.folder, "batch", "train");
    let part = |model: usize| train_set(&table, model * BATCH_ROWS..(model + 1) * BATCH_ROWS, job.is_shuffled);
    let sets: Vec<TrainSet> = (0..BATCH_MODELS).map(part).collect();
    let (cpu, wall) = (cpu_s(), Instant::now());
    let models = fit(&job.backend, &sets.iter().collect::<Vec<_>>(), &params(31, 32))?;
    say("driftline", &job.name, "cpu_s", cpu_s() - cpu);
    say("driftline", &job.name, "wall_s", wall.elapsed().as_secs_f64());
    eprintln!("driftline {}: models {:016x}", job.name, hash(&models));
    Ok(())
}

fn depth_6(job: &Job<'_>) -> Result<Gbdt, KernelError> {
    let table = Table::read(job.folder, "100k", "train");
    let set = train_set(&table, 0..table.labels.len(), false);
    Ok(fit(&job.backend, &[&set], &params(64, 6))?.swap_remove(0))
}

fn score(job: &Job<'_>) -> Result<(), KernelError> {
    let forests = job.backend.forests(&[&depth_6(job)?])?;
    let test = Table::read(job.folder, "100k", "test");
    let rows = test.rows.repeat(5);
    for (batch, times, repeat) in [(1, 200, 100), (64, 200, 20), (1_000_000, 3, 1)] {
        let part = Rows { columns: test.width, features: &rows[..batch * test.width] };
        let task = [ForestTask { forest: &forests[0], rows: part }];
        let seconds = best(times, || (0..repeat).for_each(|_| drop(black_box(job.backend.score(&task)))));
        say("driftline", &job.name, &format!("batch_{batch}_us"), seconds / f64::from(repeat) * 1e6);
    }
    Ok(())
}

fn explain(job: &Job<'_>) -> Result<(), KernelError> {
    const ROWS: usize = 10_000;
    let forests = job.backend.forests(&[&depth_6(job)?])?;
    let test = Table::read(job.folder, "100k", "test");
    let part = Rows { columns: test.width, features: &test.rows[..ROWS * test.width] };
    let task = [ForestTask { forest: &forests[0], rows: part }];
    say("driftline", &job.name, "rows_per_s", ROWS as f64 / best(3, || job.backend.explain(&task)));
    Ok(())
}

fn main() -> Result<(), KernelError> {
    let words: Vec<String> = std::env::args().filter(|word| !word.starts_with("--")).collect();
    let [_, folder, _, name, threads, options @ ..] = words.as_slice() else {
        println!("SKIPPED: the comparison with peers needs data and peers; kernels/benches/peers/run.sh brings both");
        return Ok(());
    };
    let count: usize = threads.parse().expect("the number of threads is a number");
    rayon::ThreadPoolBuilder::new().num_threads(count).build_global().expect("the pool is built once");
    let has = |option: &str| options.iter().any(|word| word == option);
    let job = Job {
        folder,
        name: if count == 1 { name.clone() } else { format!("{name}-{count}") },
        backend: if has("portable") { CpuBackend::portable() } else { CpuBackend::new() },
        is_shuffled: has("shuffled"),
    };
    match name.as_str() {
        "train-100k" => train(&job, "100k"),
        "train-1m" => train(&job, "1m"),
        "train-batch" => train_batch(&job),
        "score" => score(&job),
        "explain" => explain(&job),
        _ => panic!("{name} is not a job"),
    }
}
