//! The seal of a control record: a signature that only the installation can make, and a number that is used once.
//!
//! The signature covers the log, the number, the number of partitions and what the record says. A copy of a genuine record
//! is told by its number, which is not larger than the one before it in its partition.

use crate::event::Control;
use crate::ids::to_hex;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt;

/// What stands beside a control record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seal {
    /// Larger than that of every control record before it in the log; counts from 1, with gaps where an append failed.
    pub sequence: u64,
    /// Partitions the record was written to.
    pub partitions: u32,
    /// HMAC-SHA256 under the key of the log.
    pub signature: Signature,
}

/// 32 bytes, as hex on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature(pub [u8; 32]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({}...)", to_hex(&self.0[..4]))
    }
}

impl Serialize for Signature {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::ids::ModelId(self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::ids::ModelId::deserialize(deserializer).map(|bytes| Self(bytes.0))
    }
}

/// The key that seals the control records of one log; its bytes are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ControlKey([u8; 32]);

impl fmt::Debug for ControlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ControlKey(..)")
    }
}

impl ControlKey {
    /// The key of the log called `log`, derived from the installation's secret: a control record of one log is none in
    /// another.
    pub fn of_log(secret: &[u8], log: &str) -> Self {
        Self(code(secret, &[b"driftline control key 1", log.as_bytes()]).finalize().into_bytes().into())
    }

    /// Tells keys apart without telling the key.
    pub fn fingerprint(&self) -> String {
        let digest: [u8; 32] = code(&self.0, &[b"fingerprint"]).finalize().into_bytes().into();
        to_hex(&digest[..16])
    }

    /// Seals a control record.
    pub fn seal(&self, control: &Control, sequence: u64, partitions: u32) -> Seal {
        let signature = Signature(self.code(control, sequence, partitions).finalize().into_bytes().into());
        Seal { sequence, partitions, signature }
    }

    /// Whether this key made the seal for this very record.
    pub fn verifies(&self, control: &Control, seal: &Seal) -> bool {
        self.code(control, seal.sequence, seal.partitions).verify_slice(&seal.signature.0).is_ok()
    }

    fn code(&self, control: &Control, sequence: u64, partitions: u32) -> Hmac<Sha256> {
        let said = serde_json::to_vec(control).expect("a control record is plain data");
        code(&self.0, &[b"control", &sequence.to_be_bytes(), &partitions.to_be_bytes(), &said])
    }
}

/// The code of length-prefixed parts, so that they cannot run into each other.
fn code(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut code = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        code.update(&(part.len() as u64).to_be_bytes());
        code.update(part);
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ControlAction;
    use crate::ids::ControlId;

    #[test]
    fn a_seal_holds_for_one_record_of_one_log_only() {
        let control = |cut| Control { id: ControlId::of("cut", cut), action: ControlAction::Cut { cut } };
        let key = ControlKey::of_log(b"a secret of the installation", "kafka:code-events");
        let seal = key.seal(&control(1), 7, 3);
        assert!(key.verifies(&control(1), &seal));
        assert!(!key.verifies(&control(2), &seal));
        assert!(!key.verifies(&control(1), &Seal { sequence: 8, ..seal }));
        assert!(!key.verifies(&control(1), &Seal { partitions: 4, ..seal }));
        assert!(!key.verifies(&Control { id: ControlId(5), ..control(1) }, &seal));
        let elsewhere = ControlKey::of_log(b"a secret of the installation", "kafka:other");
        assert!(!elsewhere.verifies(&control(1), &seal));
        assert_ne!(key.fingerprint(), elsewhere.fingerprint());
        assert_eq!(format!("{key:?}"), "ControlKey(..)");
    }

    #[test]
    fn a_seal_is_read_back_from_json() {
        let control = Control { id: ControlId(1), action: ControlAction::Tick { time: 3 } };
        let seal = ControlKey::of_log(b"secret", "log").seal(&control, u64::MAX, 4);
        let json = serde_json::to_string(&seal).expect("serialises");
        assert_eq!(serde_json::from_str::<Seal>(&json).expect("reads back"), seal);
        assert!(json.starts_with("{\"sequence\":18446744073709551615,\"partitions\":4,\"signature\":\""), "{json}");
    }
}
