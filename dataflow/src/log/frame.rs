//! One record as bytes of a segment: a header of forty bytes, the key, the payload.
//!
//! The checksum covers everything after itself. Each header repeats the record's offset, so bytes of another place
//! never pass for a record, and says how much of the segment was durable when it was written, so that damage to durable
//! bytes can be told from a write that a crash cut short.

/// Bytes before the key.
pub(super) const HEADER_BYTES: usize = 40;

/// Key and payload together; the same as `message.max.bytes` of the Kafka topic. Larger than the limit on an event, so
/// that an event that is too large is read and rejected like any other.
pub const RECORD_BYTES_MAX: usize = 20 << 20;

const FLAG_CONTROL: u16 = 1;

/// What stands before key and payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The record's offset in its partition.
    pub offset: u64,
    /// When it was appended, milliseconds since 1970.
    pub append_time_ms: i64,
    /// Control records in this partition up to and including this record.
    pub controls: u64,
    /// Bytes of this segment that were durable when the record was appended.
    pub durable: u32,
    /// Whether it is a control record.
    pub control: bool,
    /// Size of the key.
    pub key_bytes: u16,
    /// Size of the payload.
    pub payload_bytes: u32,
}

impl Header {
    /// Size of the whole record.
    pub(super) fn record_bytes(&self) -> usize {
        HEADER_BYTES + self.key_bytes as usize + self.payload_bytes as usize
    }
}

/// Whether the log takes a record of these sizes.
pub(super) fn fits(key_bytes: usize, payload_bytes: usize) -> bool {
    key_bytes <= u16::MAX as usize && key_bytes.saturating_add(payload_bytes) <= RECORD_BYTES_MAX
}

/// Appends the record to `out`. The header's sizes must be those of `key` and `payload`.
pub(super) fn encode(header: &Header, key: &[u8], payload: &[u8], out: &mut Vec<u8>) {
    debug_assert_eq!(header.record_bytes(), HEADER_BYTES + key.len() + payload.len());
    let start = out.len();
    out.reserve(header.record_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&header.payload_bytes.to_le_bytes());
    out.extend_from_slice(&header.key_bytes.to_le_bytes());
    out.extend_from_slice(&(if header.control { FLAG_CONTROL } else { 0 }).to_le_bytes());
    out.extend_from_slice(&header.durable.to_le_bytes());
    out.extend_from_slice(&header.offset.to_le_bytes());
    out.extend_from_slice(&header.append_time_ms.to_le_bytes());
    out.extend_from_slice(&header.controls.to_le_bytes());
    out.extend_from_slice(key);
    out.extend_from_slice(payload);
    let checksum = crc32fast::hash(&out[start + 4..]);
    out[start..start + 4].copy_from_slice(&checksum.to_le_bytes());
}

/// Reads a header; the checksum is not looked at, because the rest of the record may not be in memory yet.
pub(super) fn decode_header(bytes: &[u8]) -> Result<Header, &'static str> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    let half = |at: usize| u16::from_le_bytes(bytes[at..at + 2].try_into().expect("two bytes"));
    let header = Header {
        payload_bytes: word(4),
        key_bytes: half(8),
        control: half(10) & FLAG_CONTROL != 0,
        durable: word(12),
        offset: long(16),
        append_time_ms: long(24) as i64,
        controls: long(32),
    };
    if half(10) & !FLAG_CONTROL != 0 {
        return Err("it has unknown flags");
    }
    if !fits(header.key_bytes as usize, header.payload_bytes as usize) {
        return Err("its length is over the limit");
    }
    Ok(header)
}

/// Whether the checksum of a whole record is right.
pub(super) fn is_whole(record: &[u8]) -> bool {
    let (checksum, rest) = record.split_at(4);
    checksum == crc32fast::hash(rest).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_record_is_read_back_and_any_flipped_bit_is_noticed(
            key in proptest::collection::vec(any::<u8>(), 0..20),
            payload in proptest::collection::vec(any::<u8>(), 0..50),
            (offset, append_time_ms, controls, durable, control) in any::<(u64, i64, u64, u32, bool)>(),
            flip in any::<proptest::sample::Index>(),
        ) {
            let header = Header {
                offset, append_time_ms, controls, durable, control,
                key_bytes: key.len() as u16,
                payload_bytes: payload.len() as u32,
            };
            let mut bytes = Vec::new();
            encode(&header, &key, &payload, &mut bytes);
            prop_assert_eq!(decode_header(&bytes), Ok(header));
            prop_assert!(is_whole(&bytes));
            let bit = flip.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!is_whole(&bytes));
        }
    }

    #[test]
    fn zeros_are_no_record() {
        assert!(!is_whole(&[0; HEADER_BYTES]));
    }
}
