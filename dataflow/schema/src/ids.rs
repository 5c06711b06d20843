//! Identifiers as newtypes, so that a file can never be passed where an author is meant.
//!
//! Ids that stand for a name are hashes of the name, never counters: a counter would depend on which worker saw the
//! name first. Truncated SHA-256 keeps collisions below 1 in 10^7 for a million names of one kind.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::fmt;

/// First eight bytes of the SHA-256 of length-prefixed parts, big endian.
fn short_hash(parts: &[&[u8]]) -> u64 {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    u64::from_be_bytes(digest[..8].try_into().expect("a SHA-256 digest has 32 bytes"))
}

macro_rules! short_id {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u64);
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:016x})", stringify!($name), self.0)
            }
        }
    };
}
short_id!(RepoId, "A repository: hash of its name, which is also the key of its events.");
short_id!(FileId, "A path in a repository: hash of (repository, path).");
short_id!(ControlId, "A control record: the same in every partition it stands in.");

impl RepoId {
    /// The id of the repository called `name`.
    pub fn of(name: &str) -> Self {
        Self(short_hash(&[b"repo", name.as_bytes()]))
    }
}
impl FileId {
    /// The id of `path` in `repo`.
    pub fn of(repo: RepoId, path: &str) -> Self {
        Self(short_hash(&[b"file", &repo.0.to_be_bytes(), path.as_bytes()]))
    }
}
impl ControlId {
    /// The id of the control record with this serial number and purpose.
    pub fn of(purpose: &str, serial: u64) -> Self {
        Self(short_hash(&[b"control", purpose.as_bytes(), &serial.to_be_bytes()]))
    }
}

/// Lower-case hex of `bytes`.
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [DIGITS[(b >> 4) as usize] as char, DIGITS[(b & 15) as usize] as char]).collect()
}

/// Bytes of lower- or upper-case hex; `None` when a character is no hex digit or the length is odd.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| (c as char).to_digit(16).map(|d| d as u8);
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    bytes.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// Writes hex where people read (JSON) and raw bytes where only machines do.
fn serialize_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        serializer.serialize_str(&to_hex(bytes))
    } else {
        serializer.serialize_bytes(bytes)
    }
}

struct BytesVisitor;
impl serde::de::Visitor<'_> for BytesVisitor {
    type Value = Vec<u8>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a hex string or bytes")
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
        from_hex(text).ok_or_else(|| E::custom(format_args!("`{}` is not hex", text.escape_debug())))
    }
    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }
}

fn deserialize_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    if deserializer.is_human_readable() {
        deserializer.deserialize_str(BytesVisitor)
    } else {
        deserializer.deserialize_bytes(BytesVisitor)
    }
}

macro_rules! object_id {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            bytes: [u8; 32],
            len: u8,
        }
        impl $name {
            /// From 20 bytes (SHA-1) or 32 bytes (SHA-256); `None` for any other length.
            pub fn from_bytes(raw: &[u8]) -> Option<Self> {
                if raw.len() != 20 && raw.len() != 32 {
                    return None;
                }
                let mut bytes = [0; 32];
                bytes[..raw.len()].copy_from_slice(raw);
                Some(Self { bytes, len: raw.len() as u8 })
            }
            /// From 40 or 64 hex digits.
            pub fn from_hex(text: &str) -> Option<Self> {
                Self::from_bytes(&from_hex(text)?)
            }
            /// The 20 or 32 bytes of the id.
            pub fn as_bytes(&self) -> &[u8] {
                &self.bytes[..self.len as usize]
            }
            /// Whether the hex form begins with `prefix` (hex digits, any case).
            pub fn has_prefix(&self, prefix: &str) -> bool {
                self.to_string().starts_with(&prefix.to_ascii_lowercase())
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&to_hex(self.as_bytes()))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serialize_bytes(self.as_bytes(), serializer)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let bytes = deserialize_bytes(deserializer)?;
                Self::from_bytes(&bytes).ok_or_else(|| {
                    D::Error::custom(format_args!("an object id has 20 or 32 bytes, not {}", bytes.len()))
                })
            }
        }
    };
}
object_id!(CommitId, "A commit: its object id in git.");
object_id!(BlobId, "A file's content: its object id in git.");

macro_rules! wide_id {
    ($name:ident, $len:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&to_hex(&self.0))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serialize_bytes(&self.0, serializer)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let bytes = deserialize_bytes(deserializer)?;
                let length = bytes.len();
                bytes.try_into().map(Self).map_err(|_| {
                    D::Error::custom(format_args!("{} has {} bytes, not {length}", stringify!($name), $len))
                })
            }
        }
    };
}
wide_id!(
    AuthorId,
    16,
    "A person's pseudonym: keyed hash of the normalised e-mail address, which itself is never stored."
);
wide_id!(ModelId, 32, "A trained model: hash of what it was trained on and how.");

impl AuthorId {
    /// HMAC-SHA256 of the trimmed, lower-cased e-mail address under `key`, cut to 128 bits.
    pub fn of(key: &[u8], email: &str) -> Self {
        use hmac::{Hmac, KeyInit, Mac};
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
        mac.update(email.trim().to_lowercase().as_bytes());
        Self(mac.finalize().into_bytes()[..16].try_into().expect("a SHA-256 code has 32 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_ids_keep_their_length_in_json_and_in_bytes() {
        for hex in ["ab".repeat(20), "01".repeat(32)] {
            let id = CommitId::from_hex(&hex).expect("valid hex");
            assert_eq!(id.to_string(), hex);
            let json = serde_json::to_string(&id).expect("serialises");
            assert_eq!(json, format!("\"{hex}\""));
            assert_eq!(serde_json::from_str::<CommitId>(&json).expect("reads back"), id);
            let bytes = bincode::serialize(&id).expect("serialises");
            assert_eq!(bincode::deserialize::<CommitId>(&bytes).expect("reads back"), id);
        }
        assert!(CommitId::from_hex("abc").is_none());
        assert!(serde_json::from_str::<CommitId>("\"zz\"").is_err());
    }

    #[test]
    fn an_author_is_the_same_person_whatever_the_case_of_the_address() {
        assert_eq!(AuthorId::of(b"k", " Ada@Example.org "), AuthorId::of(b"k", "ada@example.org"));
        assert_ne!(AuthorId::of(b"k", "ada@example.org"), AuthorId::of(b"other", "ada@example.org"));
    }

    #[test]
    fn parts_of_a_hashed_name_cannot_run_into_each_other() {
        assert_ne!(short_hash(&[b"ab", b"c"]), short_hash(&[b"a", b"bc"]));
    }
}
