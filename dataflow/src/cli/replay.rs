//! `driftline replay --verify`: everything is computed once more from the log, in other ways, and must come out the same.

use super::data::{DataArgs, DataError, Local};
use crate::capture::Reflected;
use crate::clock::ClockConfig;
use crate::engine::EngineConfig;
use clap::Args;
use std::num::NonZeroUsize;

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
    records_per_binding: Option<usize>,
}

const WAYS: [Way; 3] = [
    Way { name: "as recorded", workers: 1, records_per_binding: None },
    Way { name: "two workers, 7 records a binding", workers: 2, records_per_binding: Some(7) },
    Way { name: "one worker, 5,000 records a binding", workers: 1, records_per_binding: Some(5_000) },
];

/// Runs the command.
pub fn run(args: ReplayArgs) -> Result<(), DataError> {
    let ways = if args.verify { &WAYS[..] } else { &WAYS[..1] };
    let mut first: Option<Reflected> = None;
    for way in ways {
        let reflected = replay(&args.data, way)?;
        if !args.json {
            println!("{}  {}", reflected.digests.combined(), way.name);
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
        println!("{result}");
    } else if args.verify {
        println!("equal in {} ways, as of {:?}", ways.len(), first.as_of);
    }
    Ok(())
}

fn replay(data: &DataArgs, way: &Way) -> Result<Reflected, DataError> {
    let workers = NonZeroUsize::new(way.workers).expect("no way has zero workers");
    let clock = ClockConfig { replay_records: way.records_per_binding, ..ClockConfig::default() };
    let config = EngineConfig { clock, announce: false, ..EngineConfig::default() };
    let data = DataArgs { data: data.data.clone(), workers };
    let local = Local::start(&data, &config, Vec::new())?;
    local.engine.wait_until_idle()?;
    let reflected = local.engine.reflected();
    local.engine.stop()?;
    Ok(reflected)
}

fn difference(expected: &Reflected, found: &Reflected, way: &Way) -> DataError {
    let (expected, found) = (expected.digests.parts(), found.digests.parts());
    let parted: Vec<&str> = expected
        .keys()
        .chain(found.keys())
        .filter(|name| expected.get(**name) != found.get(**name))
        .copied()
        .collect();
    DataError::Differs(format!("replay \"{}\" differs in: {}", way.name, parted.join(", ")))
}
