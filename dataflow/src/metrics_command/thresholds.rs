//! The thresholds of smells: the usual ones, then those of a file, then those of the command line.

use crate::plain_file;
use driftline_operators::syntax::smells::{Ratio, Thresholds};
use std::io;
use std::path::{Path, PathBuf};

/// One threshold from the command line: `NAME=VALUE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    name: String,
    value: Ratio,
}

/// Why a file of thresholds cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ThresholdsError {
    /// It cannot be read.
    #[error("the thresholds in {path} cannot be read; --thresholds FILE names a TOML file of lines NAME = VALUE")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It says something else than thresholds.
    #[error("the thresholds in {path} cannot be understood; a line is NAME = VALUE, as `long_method_ploc = 80`")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<toml::de::Error>,
    },
}

impl Setting {
    /// Reads `NAME=VALUE`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("a threshold is written NAME=VALUE")?;
        let setting = Self { name: name.to_owned(), value: value.parse()? };
        let mut table = toml::Table::new();
        setting.enter(&mut table);
        table.try_into::<Thresholds>().map_err(|error| error.message().to_owned())?;
        Ok(setting)
    }

    fn enter(&self, table: &mut toml::Table) {
        let value = match self.value.denominator() {
            1 => toml::Value::Integer(self.value.numerator().into()),
            _ => toml::Value::String(self.value.to_string()),
        };
        table.insert(self.name.clone(), value);
    }
}

/// The thresholds of `file` with `settings` in their place.
pub(super) fn read(file: Option<&Path>, settings: &[Setting]) -> Result<Thresholds, ThresholdsError> {
    let mut table = toml::Table::new();
    let path = file.map(Path::to_path_buf).unwrap_or_default();
    let malformed = |source| ThresholdsError::Malformed { path: path.clone(), source: Box::new(source) };
    if let Some(file) = file {
        let text = plain_file::read_text(file)
            .map_err(|source| ThresholdsError::Unreadable { path: file.to_owned(), source })?;
        // Read as thresholds first: only so does an error tell the line.
        toml::from_str::<Thresholds>(&text).map_err(malformed)?;
        table = text.parse().map_err(malformed)?;
    }
    settings.iter().for_each(|setting| setting.enter(&mut table));
    table.try_into().map_err(malformed)
}
