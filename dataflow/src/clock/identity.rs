//! Remembers which log the bindings belong to, beyond its name.
//!
//! A Kafka topic that was deleted and made anew has its old name, and may have grown past the old offsets: only its id
//! tells that the bindings mean nothing there.

use super::ClockError;
use crate::log::write_whole;
use serde::{Deserialize, Serialize};
use std::path::Path;

const FILE: &str = "topic-id";

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    source: String,
    id: String,
}

/// Refuses a log of another identity than the one that was bound in `folder`; the first one is remembered. A log that
/// has no identity cannot be told apart and is taken as it is.
pub(super) fn check(folder: &Path, source: &str, id: Option<String>) -> Result<(), ClockError> {
    let Some(id) = id else { return Ok(()) };
    let path = folder.join(FILE);
    let found = Identity { source: source.to_owned(), id };
    let bytes = match crate::plain_file::read(&path, crate::plain_file::TEXT_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let json = serde_json::to_vec(&found).expect("two texts are written as JSON");
            return write_whole(&path, &json).map_err(ClockError::Data);
        }
        Err(error) => return Err(ClockError::bindings(&path, error)),
    };
    let remembered: Identity = serde_json::from_slice(&bytes).map_err(|error| ClockError::Damaged {
        path: path.clone(),
        byte: 0,
        reason: format!("{error}; remove the file if the topic is the one that was bound"),
    })?;
    if remembered == found {
        return Ok(());
    }
    let reason = format!(
        "{source} was deleted and made anew: its id was {} and is {} now. Offsets of the old topic mean nothing in the new \
         one. To start over with the new topic, name another, empty data folder",
        remembered.id, found.id
    );
    Err(ClockError::Mismatch { path, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_made_anew_under_its_old_name_is_refused() {
        let dir = crate::log::scratch();
        let check = |id: Option<&str>| check(dir.path(), "kafka:code-events", id.map(str::to_owned));
        check(None).expect("a log without an id is taken");
        check(Some("first")).expect("the first is remembered");
        check(Some("first")).expect("it is the same");
        check(None).expect("an older broker does not tell");
        let error = check(Some("second")).expect_err("it is another").to_string();
        assert!(error.contains("made anew") && error.contains("data folder"), "{error}");
    }
}
