//! `driftline replay --verify`: everything is computed once more from the log, in other ways, and must come out the same.

use super::data::{DataArgs, DataError, Local, require};
use crate::capture::Reflected;
use crate::clock::ClockConfig;
use crate::config::BackendChoice;
use crate::engine::EngineConfig;
use crate::terminal::say;
use clap::Args;
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
    let mut first: Option<Reflected> = None;
    for way in ways {
        let reflected = replay(&args.data, way)?;
        if !args.json {
            say!("{}  {}", reflected.digests.combined(), way.name);
        }
        match &first {
            None => first = Some(reflected),
            Some(expected) if expected.digests == reflected.digests => {}
            Some(expected) => return Err(difference(expected, &reflected, way)),
        }
    }
    let first = first.expect("at least one way was run");
    if args.json {
        let ways: Vec<&str> = ways.iter().map(|way| way.name).collect();
        let (digest, collections) = (first.digests.combined(), first.digests.parts());
        let result = serde_json::json!({
            "digest": digest, "as_of": first.as_of, "ways": ways, "equal": true, "collections": collections,
        });
        say!("{result}");
    } else if args.verify {
        say!("equal in {} ways, as of {:?}", ways.len(), first.as_of);
    }
    Ok(())
}

/// Runs over the log with bindings and models of its own, in a folder that goes away.
fn replay(data: &DataArgs, way: &Way) -> Result<Reflected, DataError> {
    let count = |number: u32| NonZeroU32::new(number).expect("no way has a zero");
    let workers = NonZeroUsize::new(way.workers).expect("no way has a zero");
    let clock = ClockConfig { records_per_binding_max: count(way.records_per_binding), ..ClockConfig::default() };
    let config = EngineConfig { clock, workers, backend: way.backend, announce: false, ..EngineConfig::default() };
    let local = Local::scratch(data, &config)?;
    local.engine.wait_until_idle()?;
    let reflected = local.engine.reflected();
    local.stop()?;
    Ok(reflected)
}

fn difference(expected: &Reflected, found: &Reflected, way: &Way) -> DataError {
    let (expected, found) = (expected.digests.parts(), found.digests.parts());
    let parted: Vec<&str> =
        expected.keys().chain(found.keys()).filter(|name| expected.get(**name) != found.get(**name)).copied().collect();
    DataError::Differs(format!("replay \"{}\" differs in: {}", way.name, parted.join(", ")))
}
