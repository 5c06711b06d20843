//! Tokens counted by hash and class: how often each of 2^k buckets was seen in clean and in defective changes.
//!
//! A retraction is the same tokens with the opposite weight, so counts depend on the multiset of what is left alone.

use crate::KernelError;
use crate::exact::{ROWS_MAX, mix};

/// Bits of a bucket's number at most: a table of 2^20 buckets and two classes is 16 MiB.
pub const BUCKET_BITS_MAX: u32 = 20;

/// One occurrence of a token, or its retraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenUse {
    /// Name of the token; it is hashed again, so any naming will do.
    pub token: u64,
    /// How often it was used; negative takes uses back.
    pub weight: i32,
    /// Whether the change was defective.
    pub is_defective: bool,
}

/// Tokens to be counted.
#[derive(Clone, Copy, Debug)]
pub struct TokenTask<'a> {
    /// The occurrences, in any order.
    pub uses: &'a [TokenUse],
    /// There are two to the power of this many buckets; 1 to [`BUCKET_BITS_MAX`].
    pub bucket_bits: u32,
}

/// Uses of each bucket by class.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenCounts {
    /// Uses in clean and in defective changes, by bucket.
    pub buckets: Vec<[i64; 2]>,
}

/// The bucket of a token among 2^`bucket_bits`, for 1 to 63 bits.
pub fn token_bucket(token: u64, bucket_bits: u32) -> usize {
    (mix(token) >> (64 - bucket_bits)) as usize
}

impl TokenTask<'_> {
    /// Refuses a number of buckets out of range and more uses than a sum is prepared for.
    pub(crate) fn check(&self) -> Result<(), KernelError> {
        if !(1..=BUCKET_BITS_MAX).contains(&self.bucket_bits) {
            let (value, max) = (self.bucket_bits.into(), BUCKET_BITS_MAX.into());
            return Err(KernelError::Parameter { name: "bucket_bits", value, min: 1, max });
        }
        // Weights below 2^31 in magnitude then stay below 2^62 together.
        if self.uses.len() > ROWS_MAX {
            return Err(KernelError::TooManyRows { rows: self.uses.len(), max: ROWS_MAX });
        }
        Ok(())
    }
}

impl TokenCounts {
    /// No uses in any of 2^`bucket_bits` buckets.
    pub fn zeros(bucket_bits: u32) -> Self {
        Self { buckets: vec![[0; 2]; 1 << bucket_bits] }
    }

    /// Adds other counts. Panics when they have another number of buckets: that is a fault of the calling code.
    pub fn add(&mut self, other: &Self) {
        assert_eq!(self.buckets.len(), other.buckets.len(), "counts of the same buckets are added");
        for (own, other) in self.buckets.iter_mut().flatten().zip(other.buckets.iter().flatten()) {
            *own += other;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_even_even_for_consecutive_names() {
        let mut counts = [0u32; 16];
        (0..16_000).for_each(|token| counts[token_bucket(token, 4)] += 1);
        assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
        assert!((0..1000).all(|token| token_bucket(token, 1) < 2 && token_bucket(token, 20) < 1 << 20));
    }
}
