//! A digest of a collection that follows every insertion and retraction: the sum of its records' hashes.
//!
//! Addition forgets order, so the digest is a function of the multiset of records alone: equal for any number of
//! workers, any cut into batches and any history of corrections that ends in the same records.

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// The sum of the hashes of a multiset of records, modulo 2^256 in four independent 64-bit lanes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MultisetDigest([u64; 4]);

impl MultisetDigest {
    /// Adds `record` `diff` times; a negative `diff` takes it out.
    pub fn update<D: Serialize>(&mut self, record: &D, diff: isize) {
        let bytes = bincode::serialize(record).expect("records are made of types bincode can write");
        let hash = Sha256::digest(&bytes);
        for (lane, chunk) in self.0.iter_mut().zip(hash.chunks_exact(8)) {
            let part = u64::from_le_bytes(chunk.try_into().expect("chunks have eight bytes"));
            *lane = lane.wrapping_add(part.wrapping_mul(diff as u64));
        }
    }
    /// Adds everything `other` holds.
    pub fn merge(&mut self, other: &Self) {
        for (lane, part) in self.0.iter_mut().zip(other.0) {
            *lane = lane.wrapping_add(part);
        }
    }
    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }
    fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, lane) in bytes.chunks_exact_mut(8).zip(self.0) {
            chunk.copy_from_slice(&lane.to_le_bytes());
        }
        bytes
    }
}

/// The digests of named collections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests(BTreeMap<&'static str, MultisetDigest>);

impl Digests {
    /// Notes a difference of the collection called `name`.
    pub fn update<D: Serialize>(&mut self, name: &'static str, record: &D, diff: isize) {
        self.0.entry(name).or_default().update(record, diff);
    }
    /// Adds everything `other` holds.
    pub fn merge(&mut self, other: &Self) {
        for (name, digest) in &other.0 {
            self.0.entry(name).or_default().merge(digest);
        }
    }
    /// One hex digest over all collections that hold something, by name.
    pub fn combined(&self) -> String {
        let mut hasher = Sha256::new();
        for (name, digest) in self.0.iter().filter(|(_, digest)| !digest.is_empty()) {
            hasher.update((name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
            hasher.update(digest.bytes());
        }
        driftline_schema::ids::to_hex(&hasher.finalize())
    }
    /// The digest of each collection that holds something, in hex, by name; tells where two runs parted.
    pub fn parts(&self) -> BTreeMap<&'static str, String> {
        let held = self.0.iter().filter(|(_, digest)| !digest.is_empty());
        held.map(|(name, digest)| (*name, driftline_schema::ids::to_hex(&digest.bytes()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_history_do_not_matter_but_every_record_does() {
        let (mut one, mut other) = (Digests::default(), Digests::default());
        for record in [3u64, 1, 2] {
            one.update("rows", &record, 1);
        }
        other.update("rows", &9u64, 1);
        for record in [1u64, 2, 3] {
            other.update("rows", &record, 1);
        }
        assert_ne!(one.combined(), other.combined());
        other.update("rows", &9u64, -1);
        assert_eq!(one.combined(), other.combined());
        other.update("rows", &3u64, 1);
        assert_ne!(one.combined(), other.combined(), "multiplicity counts");
    }

    #[test]
    fn an_emptied_collection_leaves_no_trace() {
        let mut digests = Digests::default();
        digests.update("rows", &1u8, 1);
        digests.update("rows", &1u8, -1);
        assert_eq!(digests.combined(), Digests::default().combined());
    }

    #[test]
    fn digests_of_two_workers_add_up() {
        let (mut whole, mut left, mut right) = (Digests::default(), Digests::default(), Digests::default());
        for record in 0..10u64 {
            whole.update("rows", &record, 1);
            if record % 3 == 0 { &mut left } else { &mut right }.update("rows", &record, 1);
        }
        left.merge(&right);
        assert_eq!(left, whole);
    }
}
