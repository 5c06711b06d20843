//! Canonical bytes: little-endian integers, lengths first, and a SHA-256 of everything at the end.
//!
//! The same model always has the same bytes, so their hash is its name. Reading checks the hash first and every bound
//! after it: bytes that are not a model end in an error that says where.

use crate::KernelError;
use sha2::{Digest, Sha256};

const HASH_BYTES: usize = 32;

/// Collects canonical bytes.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

macro_rules! integers {
    ($($name:ident: $type:ty),*) => {
        impl Writer {
            $(pub(crate) fn $name(&mut self, value: $type) {
                self.0.extend_from_slice(&value.to_le_bytes());
            })*
        }
        impl Reader<'_> {
            $(pub(crate) fn $name(&mut self) -> Result<$type, KernelError> {
                Ok(<$type>::from_le_bytes(self.take()?))
            })*
        }
    };
}
integers!(u8: u8, u16: u16, u32: u32, u64: u64, i32: i32, i64: i64);

impl Writer {
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The bytes with their hash appended.
    pub(crate) fn sealed(mut self) -> Vec<u8> {
        let hash = Sha256::digest(&self.0);
        self.0.extend_from_slice(&hash);
        self.0
    }
}

/// Reads canonical bytes back; nothing it returns is larger than the bytes themselves.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Checks the hash at the end; what follows reads the bytes before it.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, KernelError> {
        let Some(end) = bytes.len().checked_sub(HASH_BYTES) else {
            return Err(KernelError::Corrupt { at: bytes.len(), reason: "the bytes end before the hash" });
        };
        let (body, hash) = bytes.split_at(end);
        if Sha256::digest(body).as_slice() != hash {
            return Err(KernelError::Corrupt { at: end, reason: "the hash is not that of the bytes" });
        }
        Ok(Self { bytes: body, at: 0 })
    }

    /// An error at the present place.
    pub(crate) fn fault(&self, reason: &'static str) -> KernelError {
        KernelError::Corrupt { at: self.at, reason }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], KernelError> {
        let (head, _) = self.bytes[self.at..].split_first_chunk::<N>().ok_or(self.fault("the bytes end too early"))?;
        self.at += N;
        Ok(*head)
    }

    /// Expects these bytes.
    pub(crate) fn expect(&mut self, wanted: &[u8], reason: &'static str) -> Result<(), KernelError> {
        if !self.bytes[self.at..].starts_with(wanted) {
            return Err(self.fault(reason));
        }
        self.at += wanted.len();
        Ok(())
    }

    /// A length from `min` to `max`.
    pub(crate) fn length(&mut self, min: usize, max: usize) -> Result<usize, KernelError> {
        let length = self.u32()? as usize;
        if (min..=max).contains(&length) { Ok(length) } else { Err(self.fault("a length is out of range")) }
    }

    /// Nothing may be left over.
    pub(crate) fn end(&self) -> Result<(), KernelError> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.fault("bytes are left over")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut writer = Writer::default();
        writer.raw(b"abc");
        writer.u16(7);
        writer.i64(-5);
        writer.u32(9);
        let bytes = writer.sealed();
        let mut reader = Reader::open(&bytes).unwrap();
        reader.expect(b"abc", "magic").unwrap();
        assert_eq!((reader.u16(), reader.i64(), reader.length(1, 9)), (Ok(7), Ok(-5), Ok(9)));
        assert_eq!(reader.end(), Ok(()));
        assert_eq!(reader.u8(), Err(KernelError::Corrupt { at: 17, reason: "the bytes end too early" }));
    }

    #[test]
    fn faults_are_found() {
        assert!(Reader::open(b"short").is_err());
        let mut bytes = Writer::default().sealed();
        bytes[3] ^= 1;
        assert!(matches!(Reader::open(&bytes), Err(KernelError::Corrupt { at: 0, .. })));
        let mut writer = Writer::default();
        writer.u32(9);
        let bytes = writer.sealed();
        assert!(Reader::open(&bytes).unwrap().length(1, 8).is_err());
        assert!(Reader::open(&bytes).unwrap().expect(b"x", "magic").is_err());
        assert!(Reader::open(&bytes).unwrap().end().is_err());
    }
}
