//! Which control records are the engine's own: one pure rule over a record and the key of the log.
//!
//! A control record is sealed with the key and numbered. What is not sealed, sealed by another key or numbered no higher
//! than its forerunner in the partition is an ordinary record that nobody waits for, and a reject. So who may write to
//! the topic can neither hold a partition nor cut, erase or put models in force.

mod folder;

pub use folder::{ControlError, ControlKeyArgs, Folder, open_controls};
pub(crate) use folder::{change_key, check_key_file, read_controls};

use crate::source::Record;
use driftline_schema::{Control, ControlAction, ControlKey, Event, Limits, Position, Seal, wire};

/// Numbers that a record on trust may bear at most: a larger one could use up all that follow.
const TRUSTED_NUMBER_MAX: u64 = 1 << 40;

/// Tells the engine's own control records from everything else.
#[derive(Clone, Debug)]
pub struct ControlRule {
    key: ControlKey,
    trusted_until: Vec<u64>,
}

/// A control record of the engine's own, as far as one record can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// What it says.
    pub control: Control,
    /// Its number; those from before there were seals have none.
    pub sequence: Option<u64>,
    /// Partitions it was written to, all that the log had; 0 for those from before there were seals.
    pub partitions: u32,
}

/// What a record turns out to be that claims to be a control record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The engine's own.
    Own(Own),
    /// Sealed, but not with this key: forged, or of an installation whose key was another.
    Foreign,
    /// No control record at all.
    No,
}

impl ControlRule {
    /// The rule of a key. Control records before these offsets are taken on trust, sealed or not: they stood there
    /// before the key did.
    pub fn new(key: ControlKey, trusted_until: Vec<u64>) -> Self {
        Self { key, trusted_until }
    }

    /// A rule under a key that nobody has, for a log that nobody reads again.
    pub fn of_this_run() -> Self {
        let mut secret = [0; 32];
        let read = std::fs::File::open("/dev/urandom").and_then(|mut file| {
            std::io::Read::read_exact(&mut file, &mut secret)?;
            Ok(())
        });
        read.expect("the operating system gives random bytes");
        Self::new(ControlKey::of_log(&secret, "this run"), Vec::new())
    }

    /// Seals a control record for a log of so many partitions.
    pub fn seal(&self, control: Control, sequence: u64, partitions: u32) -> Event {
        let seal = self.key.seal(&control, sequence, partitions);
        Event::of_sealed(control, seal)
    }

    /// What a record is that was appended as a control record.
    pub fn read(&self, position: Position, payload: &[u8]) -> Reading {
        let Ok(decoded) = wire::decode(payload, &Limits::default()) else { return Reading::No };
        let Event { control: Some(control), seal, .. } = decoded.event else { return Reading::No };
        let trusted = self.trusted_until.get(position.partition as usize).is_some_and(|end| position.offset < *end);
        if trusted && is_plausible(&control, seal.as_ref()) {
            // A seal that nobody can verify opens no partitions.
            return Reading::Own(Own { control, sequence: seal.map(|seal| seal.sequence), partitions: 0 });
        }
        match seal {
            Some(seal) if self.key.verifies(&control, &seal) => {
                Reading::Own(Own { control, sequence: Some(seal.sequence), partitions: seal.partitions })
            }
            Some(_) => Reading::Foreign,
            None => Reading::No,
        }
    }

    /// The same for a record, whatever it claims.
    pub(crate) fn own(&self, record: &Record) -> Option<Own> {
        if !record.control {
            return None;
        }
        match self.read(record.position, &record.payload) {
            Reading::Own(own) => Some(own),
            Reading::Foreign | Reading::No => None,
        }
    }
}

/// Whether a record on trust bears numbers that the engine could have given.
fn is_plausible(control: &Control, seal: Option<&Seal>) -> bool {
    let number = match &control.action {
        ControlAction::Cut { cut } | ControlAction::ModelReady { cut, .. } => *cut,
        ControlAction::Tick { .. } | ControlAction::Erase { .. } | ControlAction::Threshold { .. } => 0,
    };
    number.max(seal.map_or(0, |seal| seal.sequence)) <= TRUSTED_NUMBER_MAX
}

#[cfg(test)]
pub(crate) mod testing {
    //! One key for all tests.

    use super::{ControlKey, ControlRule};

    /// The rule that tests seal and read by.
    pub(crate) fn rule() -> ControlRule {
        ControlRule::new(ControlKey::of_log(b"the key of the tests", "list"), Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::testing::rule;
    use super::*;
    use driftline_schema::ControlId;

    fn cut(cut: u64) -> Control {
        Control { id: ControlId::of("cut", cut), action: ControlAction::Cut { cut } }
    }

    #[test]
    fn only_what_this_key_sealed_is_the_engines_own() {
        let at = Position { partition: 1, offset: 5 };
        let sealed = wire::encode(&rule().seal(cut(1), 4, 2));
        assert_eq!(rule().read(at, &sealed), Reading::Own(Own { control: cut(1), sequence: Some(4), partitions: 2 }));
        let other = ControlRule::of_this_run();
        assert_eq!(other.read(at, &sealed), Reading::Foreign);
        let bare = wire::encode(&Event::of_control(cut(1)));
        assert_eq!(rule().read(at, &bare), Reading::No);
        assert_eq!(rule().read(at, b"garbage"), Reading::No);
    }

    #[test]
    fn what_stood_there_before_the_key_is_taken_on_trust_if_it_can_be() {
        let bare = wire::encode(&Event::of_control(cut(1)));
        let absurd = wire::encode(&Event::of_control(cut(u64::MAX)));
        let foreign = wire::encode(&ControlRule::of_this_run().seal(cut(2), 9, 2));
        let rule = ControlRule { trusted_until: vec![0, 5], ..rule() };
        let (before, after) = (Position { partition: 1, offset: 4 }, Position { partition: 1, offset: 5 });
        assert_eq!(rule.read(before, &bare), Reading::Own(Own { control: cut(1), sequence: None, partitions: 0 }));
        assert_eq!(
            rule.read(before, &foreign),
            Reading::Own(Own { control: cut(2), sequence: Some(9), partitions: 0 })
        );
        assert_eq!(rule.read(before, &absurd), Reading::No);
        assert_eq!(rule.read(after, &bare), Reading::No);
        assert_eq!(rule.read(after, &foreign), Reading::Foreign);
        assert_eq!(rule.read(Position { partition: 0, offset: 0 }, &bare), Reading::No);
        assert_eq!(rule.read(Position { partition: 7, offset: 0 }, &bare), Reading::No);
    }
}
