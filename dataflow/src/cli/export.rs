//! `driftline export`: vectors, labels and predictions as a Parquet file, as of the end of the log.

use super::ask::{Answering, Running, own_or_running};
use super::data::{DataArgs, DataError, Local, require};
use super::repositories::shown_path;
use crate::engine::EngineConfig;
use crate::plain_file::{self, Replacement};
use crate::terminal::{self, say};
use clap::Args;
use driftline_operators::features::{FEATURES, FEATURES_VERSION};
use driftline_sinks::parquet::{FeatureTable, write_to};
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde::Deserialize;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

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
    outside(&out, &args.data).map_err(refuse)?;
    let config = EngineConfig { announce: false, ..EngineConfig::default() };
    let exported = match own_or_running(&args.data.data, || Local::start(&args.data, &config, Vec::new()))? {
        Answering::Own(local) => {
            local.engine.wait_until_idle()?;
            let written = write(&local, &out);
            local.stop()?;
            written?
        }
        Answering::Running(engine) => download(&engine, &out)?,
    };
    if args.json {
        let (rows, bytes, as_of) = (exported.rows, exported.bytes, &exported.offsets);
        let result = serde_json::json!({"file": args.out, "rows": rows, "bytes": bytes, "as_of": as_of});
        say!("{}", terminal::json(&result));
    } else {
        say!("{}: {} rows, {} bytes", shown_path(&args.out), exported.rows, exported.bytes);
    }
    Ok(())
}

/// Refuses a file inside the data folder, also of one that has no lock yet, and whatever else is nobody's to replace.
fn outside(out: &Path, data: &DataArgs) -> io::Result<()> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.canonicalize()?.starts_with(data.data.canonicalize()?) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, plain_file::IN_DATA_FOLDER));
    }
    plain_file::may_be_written(out, data.author_key_file.as_deref())
}

/// What the file holds.
struct Written {
    rows: u64,
    bytes: u64,
    offsets: Vec<u64>,
}

/// Writes the file from an engine of its own.
fn write(local: &Local, out: &Path) -> Result<Written, DataError> {
    let refuse = |source| DataError::Output { path: out.to_owned(), source };
    let table = FeatureTable { version: FEATURES_VERSION, features: FEATURES };
    let mut buffered = BufWriter::new(Replacement::begin(out).map_err(refuse)?);
    let (as_of, rows) = write_to(local.engine.view(), table, &mut buffered)?;
    let bytes = place(buffered).map_err(refuse)?;
    Ok(Written { rows, bytes, offsets: as_of.offsets.clone() })
}

/// Fetches the file from the engine that holds the data folder. It takes the place of an older one only when it is whole.
fn download(engine: &Running, out: &Path) -> Result<Written, DataError> {
    let refuse = |source| DataError::Output { path: out.to_owned(), source };
    let mut buffered = BufWriter::new(Replacement::begin(out).map_err(refuse)?);
    engine.export(&mut buffered)?;
    buffered.flush().map_err(refuse)?;
    let written = footer(buffered.get_ref().file(), engine)?;
    let bytes = place(buffered).map_err(refuse)?;
    Ok(Written { bytes, ..written })
}

/// Gives what was written its name; its size in bytes.
fn place(buffered: BufWriter<Replacement>) -> io::Result<u64> {
    let file = buffered.into_inner().map_err(io::IntoInnerError::into_error)?;
    let bytes = file.file().metadata()?.len();
    file.place()?;
    Ok(bytes)
}

/// What the end of a Parquet file says of it, which a file that broke off does not have.
fn footer(file: &File, engine: &Running) -> Result<Written, DataError> {
    #[derive(Deserialize)]
    struct AsOf {
        offsets: Vec<u64>,
    }
    let broken = |reason: String| DataError::NotFound(format!("the export of {} broke off: {reason}", engine.words()));
    let copy = file.try_clone().map_err(|error| broken(error.to_string()))?;
    let reader = SerializedFileReader::new(copy).map_err(|error| broken(error.to_string()))?;
    let metadata = reader.metadata().file_metadata();
    let pairs = metadata.key_value_metadata().into_iter().flatten();
    let as_of = pairs.filter(|pair| pair.key == "driftline.as_of").find_map(|pair| pair.value.as_deref());
    let as_of: AsOf = serde_json::from_str(as_of.unwrap_or_default()).map_err(|error| broken(error.to_string()))?;
    Ok(Written { rows: metadata.num_rows() as u64, bytes: 0, offsets: as_of.offsets })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BackendChoice;
    use crate::controls::ControlKeyArgs;
    use std::num::NonZeroUsize;

    #[test]
    fn nothing_is_exported_into_the_data_folder() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        std::fs::create_dir_all(data.join("code-events")).expect("is made");
        std::fs::write(data.join("control.json"), b"{}").expect("is written");
        std::os::unix::fs::symlink(data.join("control.json"), folder.path().join("link")).expect("is linked");
        std::os::unix::fs::symlink(&data, folder.path().join("alias")).expect("is linked");
        let args = DataArgs {
            data,
            workers: NonZeroUsize::MIN,
            backend: BackendChoice::Cpu,
            control: ControlKeyArgs::default(),
            author_key_file: None,
        };
        for name in ["data/control.json", "data/new", "data/code-events/new", "data/../data/new", "link", "alias/new"] {
            let out = plain_file::output(&folder.path().join(name)).expect("is a file or none");
            let error = outside(&out, &args).expect_err(name).to_string();
            assert!(error.contains("lies in the data folder"), "{name}: {error}");
        }
        outside(&folder.path().join("data.parquet"), &args).expect("lies beside it");
        for name in ["HEAD", "objects/", "refs/"] {
            let path = folder.path().join(name);
            if name.ends_with('/') { std::fs::create_dir(path) } else { std::fs::write(path, b"") }.expect("is made");
        }
        let error = outside(&folder.path().join("HEAD"), &args).expect_err("is git's").to_string();
        assert!(error.contains("lies in a git folder"), "{error}");
    }
}
