//! `driftline export`: vectors, labels and predictions as a Parquet file, as of the end of the log.

use super::data::{DataArgs, DataError, Local, require};
use super::repositories::shown_path;
use crate::engine::EngineConfig;
use crate::plain_file;
use crate::terminal::{self, say};
use clap::Args;
use driftline_operators::features::{FEATURES, FEATURES_VERSION};
use driftline_sinks::parquet::{FeatureTable, export};
use std::path::PathBuf;

/// Arguments of `export`.
#[derive(Debug, Args)]
#[command(after_help = "Example: driftline export --data .driftline --out vectors.parquet")]
pub struct ExportArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The file to write; it is replaced whole or not at all.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: ExportArgs) -> Result<(), DataError> {
    require(&args.data)?;
    let refuse = |source| DataError::Output { path: args.out.clone(), source };
    let out = plain_file::output(&args.out).map_err(refuse)?;
    let config = EngineConfig { announce: false, ..EngineConfig::default() };
    let local = Local::start(&args.data, &config, Vec::new())?;
    local.engine.wait_until_idle()?;
    let table = FeatureTable { version: FEATURES_VERSION, features: FEATURES };
    let exported = export(local.engine.view(), table, &out);
    local.stop()?;
    let exported = exported?;
    if args.json {
        let (rows, bytes, as_of) = (exported.rows, exported.bytes, &exported.as_of.offsets);
        let result = serde_json::json!({"file": args.out, "rows": rows, "bytes": bytes, "as_of": as_of});
        say!("{}", terminal::json(&result));
    } else {
        say!("{}: {} rows, {} bytes", shown_path(&args.out), exported.rows, exported.bytes);
    }
    Ok(())
}
