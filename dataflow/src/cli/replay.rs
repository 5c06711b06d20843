//! `driftline replay --verify`: everything is computed once more from the log, in other ways, and must come out the same.

use super::ask::{Answering, RunningDigests, own_or_running};
use super::data::{DataArgs, DataError, Local, require};
use crate::capture::Reflected;
use crate::clock::ClockConfig;
use crate::config::BackendChoice;
use crate::engine::EngineConfig;
use crate::log::DataDir;
use crate::terminal::say;
use clap::Args;
use std::collections::BTreeSet;
use std::num::{NonZeroU32, NonZeroUsize};

/// Arguments of `replay`.
#[derive(Debug, Args)]
#[command(after_help = "Example: driftline replay --verify --data .driftline")]
pub struct ReplayArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Replay in several ways (one and two workers, small and large bindings) and compare the digests.
    #[arg(long)]
    verify: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// One way to run over the log.
struct Way {
    name: &'static str,
    workers: usize,
    records_per_binding: u32,
    backend: BackendChoice,
}

const WAYS: [Way; 3] = [
    Way {
        name: "one worker, 2,000 records a binding, any backend",
        workers: 1,
        records_per_binding: 2_000,
        backend: BackendChoice::Auto,
    },
    Way {
        name: "two workers, 7 records a binding, on the CPU",
        workers: 2,
        records_per_binding: 7,
        backend: BackendChoice::Cpu,
    },
    Way {
        name: "two workers, 100 records a binding, any backend",
        workers: 2,
        records_per_binding: 100,
        backend: BackendChoice::Auto,
    },
];

/// Runs the command.
pub fn run(args: ReplayArgs) -> Result<(), DataError> {
    require(&args.data)?;
    let ways = if args.verify { &WAYS[..] } else { &WAYS[..1] };
    let running = match own_or_running(&args.data.data, || Ok(DataDir::open(&args.data.data)?))? {
        // Each replay opens the folder for itself.
        Answering::Own(dir) => {
            drop(dir);
            None
        }
        Answering::Running(engine) => {
            let (digests, words) = (engine.digests()?, engine.words());
            if digests.as_of.offsets.is_empty() {
                return Err(DataError::NotFound(format!("{words} has not read its log yet; ask again in a moment")));
            }
            Some((digests, words))
        }
    };
    let mut first: Option<Reflected> = None;
    for way in ways {
        let reflected = replay(&args.data, way, running.as_ref().map(|(digests, _)| &digests.as_of.offsets))?;
        if !args.json {
            say!("{}  {}", reflected.digests.combined(), way.name);
        }
        match &first {
            None => first = Some(reflected),
            // A collection that holds nothing any more may be missing in one of them.
            Some(expected) if expected.digests.combined() == reflected.digests.combined() => {}
            Some(expected) => return Err(difference(expected, &reflected, way)),
        }
    }
    let first = first.expect("at least one way was run");
    let mut names: Vec<&str> = ways.iter().map(|way| way.name).collect();
    if let Some((digests, words)) = &running {
        names.push(words);
        if !args.json {
            say!("{}  {words}", digests.digest);
        }
        compare(&first, digests, words)?;
    }
    if args.json {
        let (digest, collections) = (first.digests.combined(), first.digests.parts());
        let result = serde_json::json!({
            "digest": digest, "as_of": first.as_of, "ways": names, "equal": true, "collections": collections,
        });
        say!("{result}");
    } else if args.verify || running.is_some() {
        say!("equal in {} ways, as of {:?}", names.len(), first.as_of);
    }
    Ok(())
}

/// Runs over the log with bindings and models of its own, in a folder that goes away; up to `ends` where another process
/// writes it.
fn replay(data: &DataArgs, way: &Way, ends: Option<&Vec<u64>>) -> Result<Reflected, DataError> {
    let count = |number: u32| NonZeroU32::new(number).expect("no way has a zero");
    let workers = NonZeroUsize::new(way.workers).expect("no way has a zero");
    let clock = ClockConfig { records_per_binding_max: count(way.records_per_binding), ..ClockConfig::default() };
    let config = EngineConfig { clock, workers, backend: way.backend, announce: false, ..EngineConfig::default() };
    if let Some(ends) = ends {
        return Local::beside(data, &config, ends);
    }
    let local = Local::scratch(data, &config)?;
    local.engine.wait_until_idle()?;
    let reflected = local.engine.reflected();
    local.stop()?;
    Ok(reflected)
}

/// What the running engine says against what its log gives.
fn compare(replayed: &Reflected, running: &RunningDigests, words: &str) -> Result<(), DataError> {
    let parts = replayed.digests.parts();
    let of = |name: &str| (parts.get(name), running.collections.get(name));
    let names = parts.keys().copied().chain(running.collections.keys().map(String::as_str));
    // A collection that holds nothing may be missing on one side.
    let parted: BTreeSet<&str> =
        names.filter(|name| matches!(of(name), (Some(one), Some(other)) if one != other)).collect();
    if replayed.digests.combined() == running.digest {
        return Ok(());
    }
    let parted: Vec<&str> = parted.into_iter().collect();
    Err(DataError::Differs(format!("{words} differs from its log in: {}", parted.join(", "))))
}

fn difference(expected: &Reflected, found: &Reflected, way: &Way) -> DataError {
    let (expected, found) = (expected.digests.parts(), found.digests.parts());
    let parted: Vec<&str> =
        expected.keys().chain(found.keys()).filter(|name| expected.get(**name) != found.get(**name)).copied().collect();
    DataError::Differs(format!("replay \"{}\" differs in: {}", way.name, parted.join(", ")))
}
