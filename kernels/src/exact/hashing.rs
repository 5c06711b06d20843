//! Deterministic choice: which rows and columns a tree sees is a hash of names, never a random stream.
//!
//! A row's fate in a tree depends on its own key, the tree and the seed alone, so it does not change when other rows come
//! or go, nor with the order of rows.

/// A bijection of 64-bit words whose every output bit depends on every input bit (the finalizer of SplitMix64).
pub(crate) const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// The hash of `key` in tree `tree` of a model with `seed`, spread evenly over 32 bits.
pub(crate) fn row_hash(seed: u64, tree: u32, key: u64) -> u32 {
    (mix(key ^ row_stream(seed, tree)) >> 32) as u32
}

/// What tells the hashes of one tree from those of another.
pub(crate) fn row_stream(seed: u64, tree: u32) -> u64 {
    mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(2 * u64::from(tree) + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_even_even_for_consecutive_keys() {
        for tree in 0..20 {
            let kept = (0..10_000).filter(|&key| row_hash(7, tree, key) < (1 << 31)).count();
            assert!((4_700..5_300).contains(&kept), "tree {tree} keeps {kept}");
        }
    }

    #[test]
    fn trees_and_seeds_choose_differently() {
        let choice = |seed, tree| {
            (0..64).map(|key| row_hash(seed, tree, key) >> 31).fold(0u64, |set, bit| set << 1 | u64::from(bit))
        };
        assert_ne!(choice(1, 0), choice(1, 1));
        assert_ne!(choice(1, 0), choice(2, 0));
        assert_ne!(choice(0, 0), choice(0, 1));
    }
}
