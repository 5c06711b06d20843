//! Counts of hashed tokens against counting in `i128`, one use after another.

use crate::KernelError;
use crate::backend::Backend;
use crate::exact::mix;
use crate::tokens::{BUCKET_BITS_MAX, TokenCounts, TokenTask, TokenUse};

fn uses(count: u64, token: impl Fn(u64) -> u64, weight: impl Fn(u64) -> i32) -> Vec<TokenUse> {
    let one =
        |index| TokenUse { token: token(index), weight: weight(index), is_defective: mix(index).is_multiple_of(3) };
    (0..count).map(one).collect()
}

/// Empty, one, odd sizes, one hot token, both bounds of a weight, and random uses and retractions.
fn cases() -> Vec<(String, Vec<TokenUse>, u32)> {
    let mut cases = vec![
        ("no uses".to_owned(), vec![], 1),
        ("one use".to_owned(), uses(1, |_| 7, |_| 1), BUCKET_BITS_MAX),
        ("one hot token".to_owned(), uses(5_000, |_| u64::MAX, |_| 1), 12),
        ("largest weights".to_owned(), uses(4_097, |_| 0, |_| i32::MAX), 1),
        ("smallest weights".to_owned(), uses(4_095, |_| 0, |_| i32::MIN), 1),
        ("all weights zero".to_owned(), uses(300, mix, |_| 0), 8),
    ];
    for count in [2, 31, 32, 33, 255, 257, 4_096, 8_193] {
        let weight = move |index: u64| (mix(index ^ count) % 9) as i32 - 4;
        cases.push((format!("{count} uses"), uses(count, move |index| mix(index) % (count / 2 + 1), weight), 9));
    }
    for bits in [1, 2, 5, 11, 16] {
        cases.push((format!("{bits} bits"), uses(3_000, move |index| index * bits % 701, |_| 3), bits as u32));
    }
    cases
}

/// Counts by definition; hashing is written out once more.
fn counted(uses: &[TokenUse], bits: u32) -> Vec<[i128; 2]> {
    let mut counts = vec![[0; 2]; 1 << bits];
    for one in uses {
        let mut word = one.token;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        counts[(word / (1 << (64 - bits))) as usize][usize::from(one.is_defective)] += i128::from(one.weight);
    }
    counts
}

pub(super) fn run<B: Backend>(backend: &B) {
    let cases = cases();
    let tasks: Vec<TokenTask<'_>> =
        cases.iter().map(|(_, uses, bucket_bits)| TokenTask { uses, bucket_bits: *bucket_bits }).collect();
    // One call for all, as a batch.
    let made = backend.count_tokens(&tasks).unwrap();
    assert_eq!(made.len(), cases.len());
    for (made, (name, uses, bits)) in made.iter().zip(&cases) {
        let found: Vec<[i128; 2]> = made.buckets.iter().map(|counts| counts.map(i128::from)).collect();
        assert!(found == counted(uses, *bits), "{name}");
    }
    retracted_uses_leave_nothing(backend);
    assert_eq!(backend.count_tokens(&[]), Ok(vec![]));
    for bucket_bits in [0, BUCKET_BITS_MAX + 1, 64] {
        let made = backend.count_tokens(&[TokenTask { uses: &[], bucket_bits }]);
        assert!(matches!(made, Err(KernelError::Parameter { name: "bucket_bits", .. })), "{bucket_bits} bits");
    }
}

/// Uses and their retractions, in another order and in parts, leave zeros.
fn retracted_uses_leave_nothing<B: Backend>(backend: &B) {
    let made = uses(2_000, |index| mix(index) % 77, |index| 1 + (index % 5) as i32);
    let mut back: Vec<TokenUse> = made.iter().map(|one| TokenUse { weight: -one.weight, ..*one }).collect();
    back.sort_by_key(|one| mix(one.token ^ one.weight as u64));
    let parts = [&made[..900], &back[..1_100], &made[900..], &back[1_100..]];
    let counts = backend.count_tokens(&parts.map(|uses| TokenTask { uses, bucket_bits: 6 })).unwrap();
    let mut sum = TokenCounts::zeros(6);
    counts.iter().for_each(|part| sum.add(part));
    assert_eq!(sum, TokenCounts::zeros(6));
    let whole: Vec<TokenUse> = made.into_iter().chain(back).collect();
    assert_eq!(backend.count_tokens(&[TokenTask { uses: &whole, bucket_bits: 6 }]), Ok(vec![sum]));
}
