//! How widely a change is spread: subsystems, directories, files, entropy (`NS`, `ND`, `NF`, `Entropy`).
//!
//! A function of the change alone: retracting the change retracts its part. The logarithm is computed in integers, so
//! that the entropy has the same bits on every machine.

use crate::Records;
use crate::features::{Part, Parts, count};
use driftline_schema::{ChangeRow, FeatureGroup, Fixed};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The part of the group `diffusion` for each change.
pub fn diffusion<'scope>(changes: Records<'scope, Arc<ChangeRow>>) -> Parts<'scope> {
    changes.map(|row| (row.key, Part { group: FeatureGroup::Diffusion, time: row.time, values: diffusion_of(&row) }))
}

/// The subsystem of a path: its first segment, or nothing for a file at the root.
pub(crate) fn subsystem(path: &str) -> &str {
    path.split_once('/').map_or("", |(first, _)| first)
}

/// The directory of a path; nothing for a file at the root.
fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// The values, in the order of the features table.
fn diffusion_of(row: &ChangeRow) -> Box<[Fixed]> {
    let files = &row.files;
    let subsystems: BTreeSet<&str> = files.iter().map(|file| subsystem(&file.path)).collect();
    let directories: BTreeSet<&str> = files.iter().map(|file| directory(&file.path)).collect();
    let languages: BTreeSet<_> = files.iter().filter_map(|file| file.language).collect();
    Box::new([
        count(subsystems.len()),
        count(directories.len()),
        count(row.files_changed()),
        entropy(files.iter().map(|file| u64::from(file.added) + u64::from(file.removed))),
        count(languages.len()),
    ])
}

/// Bits after the binary point of [`log2`].
const LOG_BITS: u32 = 32;

/// The binary logarithm of `n >= 1` with 32 bits after the point, cut off.
///
/// Squaring a number in [1, 2) doubles its logarithm; each time it passes 2, the next bit is one.
fn log2(n: u64) -> u64 {
    let whole = n.ilog2();
    let mut mantissa = n << (63 - whole);
    let mut bits = u64::from(whole);
    for _ in 0..LOG_BITS {
        let square = u128::from(mantissa) * u128::from(mantissa);
        let carry = square >> 127;
        mantissa = (square >> (63 + carry)) as u64;
        bits = bits << 1 | carry as u64;
    }
    bits
}

/// Shannon entropy in bits of how a total is shared: `log2(total) - sum(n log2(n)) / total`.
fn entropy(shares: impl Iterator<Item = u64>) -> Fixed {
    let (mut total, mut weighted) = (0u64, 0u128);
    for share in shares.filter(|share| *share > 0) {
        total += share;
        weighted += u128::from(share) * u128::from(log2(share));
    }
    if total == 0 {
        return Fixed::ZERO;
    }
    let bits = (u128::from(total) * u128::from(log2(total))).saturating_sub(weighted);
    let micro = bits * Fixed::ONE as u128 / u128::from(total);
    Fixed(((micro + (1 << (LOG_BITS - 1))) >> LOG_BITS) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::sample;
    use crate::testing::{assert_matches_batch, updates};
    use driftline_schema::{ChangeKey, LeftOut};
    use proptest::prelude::*;

    #[test]
    fn equal_shares_have_the_entropy_of_their_number() {
        assert_eq!(entropy([5; 8].into_iter()), Fixed::from_int(3));
        assert_eq!(entropy([7, 0, 0].into_iter()), Fixed::ZERO);
        assert_eq!(entropy([].into_iter()), Fixed::ZERO);
        assert_eq!(entropy([1, 2].into_iter()), Fixed(918_296), "log2(3) - 2/3");
        assert_eq!(log2(1 << 63), 63 << LOG_BITS);
    }

    #[test]
    fn files_that_were_left_out_count_all_the_same() {
        let mut row = sample::change(1, 1);
        row.files = vec![sample::file(&row, "a.rs")];
        row.left_out = Some(LeftOut { files: 9, ..LeftOut::default() });
        assert_eq!(diffusion_of(&row)[2], Fixed::from_int(10));
    }

    /// The definition: sets of prefixes found segment by segment.
    fn batch(rows: &[Arc<ChangeRow>]) -> Vec<(ChangeKey, Part)> {
        let part = |row: &Arc<ChangeRow>| {
            let (mut first, mut folders, mut languages) = (Vec::new(), Vec::new(), Vec::new());
            for file in &row.files {
                let segments: Vec<&str> = file.path.split('/').collect();
                let folder = &segments[..segments.len() - 1];
                first.push(folder.first().copied());
                folders.push(folder.join("/"));
                languages.extend(file.language);
            }
            first.sort();
            first.dedup();
            folders.sort();
            folders.dedup();
            languages.sort();
            languages.dedup();
            let lines =
                row.files.iter().map(|file| file.hunks.iter().map(|h| u64::from(h.old_lines + h.new_lines)).sum());
            let values = [
                count(first.len()),
                count(folders.len()),
                count(row.files.len()),
                entropy(lines),
                count(languages.len()),
            ];
            (row.key, Part { group: FeatureGroup::Diffusion, time: row.time, values: values.into() })
        };
        rows.iter().map(part).collect()
    }

    proptest! {
        #[test]
        fn entropy_is_that_of_the_formula(shares in proptest::collection::vec(0..100_000u64, 0..30)) {
            let total: u64 = shares.iter().sum();
            let term = |n: u64| if n == 0 { 0.0 } else { -(n as f64 / total as f64) * (n as f64 / total as f64).log2() };
            let expected: f64 = shares.iter().map(|n| term(*n)).sum();
            prop_assert!((entropy(shares.iter().copied()).to_f64() - expected).abs() < 2e-6);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn equals_the_counts_of_prefixes(updates in updates(sample::any_change(), 20)) {
            assert_matches_batch(&updates, diffusion, batch);
        }
    }
}
