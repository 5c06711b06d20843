//! Windows of fifty tokens by class, some of them chosen so that equal stretches of code choose equal windows.
//!
//! Winnowing (Schleimer, Wilkerson and Aiken 2003): of every [`SPAN`] windows in a row the one with the smallest hash is
//! kept, so that two places that agree in `TOKENS + SPAN - 1` tokens share a window, and about one window in thirteen
//! tokens is kept. Which is kept depends on the tokens alone and, among equal ones, on their order.

use driftline_schema::Window;

/// Tokens of a window.
const TOKENS: usize = 50;
/// Windows of which one is kept.
const SPAN: usize = 25;
/// Places for the hashes of a span: a power of two, so that finding one costs no division.
const PLACES: usize = 32;
/// Odd multipliers of the two rolling hashes: digits of e and of pi.
const BASE: u64 = 0xb7e1_5162_8aed_2a6b;
const CHECK_BASE: u64 = 0xa409_3822_299f_31d1;

const fn power(base: u64, exponent: usize) -> u64 {
    let (mut result, mut count) = (1u64, 0);
    while count < exponent {
        result = result.wrapping_mul(base);
        count += 1;
    }
    result
}

/// Spreads the bits of a rolling hash, whose low ones follow the low bits of its tokens.
fn spread(hash: u64) -> u64 {
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// A polynomial hash of the last [`TOKENS`] tokens.
struct Rolling {
    hash: u64,
    base: u64,
    /// What a token weighs that leaves.
    leaving: u64,
    /// By how many bits a token's class is rotated, so that two hashes see different words.
    rotation: u32,
}

impl Rolling {
    fn word(&self, code: u32) -> u64 {
        (u64::from(code.rotate_left(self.rotation)) + 1).wrapping_mul(self.base)
    }

    fn enter(&mut self, code: u32) {
        self.hash = self.hash.wrapping_mul(self.base).wrapping_add(self.word(code));
    }

    fn leave(&mut self, code: u32) {
        self.hash = self.hash.wrapping_sub(self.word(code).wrapping_mul(self.leaving));
    }
}

/// The two hashes of a window: one to choose and find windows by, one to tell equal from alike.
fn rolling() -> (Rolling, Rolling) {
    const LEAVING: u64 = power(BASE, TOKENS);
    const CHECK_LEAVING: u64 = power(CHECK_BASE, TOKENS);
    let hash = Rolling { hash: 0, base: BASE, leaving: LEAVING, rotation: 0 };
    (hash, Rolling { hash: 0, base: CHECK_BASE, leaving: CHECK_LEAVING, rotation: 13 })
}

/// The windows kept of `tokens` (class, place in bytes); `starts` holds the place of each line.
pub(super) fn winnow(tokens: &[(u32, u32)], starts: &[u32]) -> Vec<Window> {
    let mut kept = Vec::with_capacity(tokens.len() / 12);
    let (mut hashes, mut checks) = ([u64::MAX; PLACES], [0; PLACES]);
    let (mut hash, mut check) = rolling();
    let (mut least, mut last_kept) = (usize::MAX, usize::MAX);
    let mut line = 0;
    for (index, (code, _)) in tokens.iter().enumerate() {
        hash.enter(*code);
        check.enter(*code);
        let Some(at) = (index + 1).checked_sub(TOKENS) else { continue };
        if at > 0 {
            hash.leave(tokens[at - 1].0);
            check.leave(tokens[at - 1].0);
        }
        let hash = spread(hash.hash);
        hashes[at % PLACES] = hash;
        checks[at % PLACES] = check.hash;
        if least == usize::MAX || at - least >= SPAN {
            // The smallest left the span: of equal ones the latest, which stays longest.
            let from = (at + 1).saturating_sub(SPAN);
            least = (from..=at).rev().min_by_key(|other| hashes[other % PLACES]).unwrap_or(at);
        } else if hash < hashes[least % PLACES] {
            least = at;
        }
        if at + 1 >= SPAN && least != last_kept {
            last_kept = least;
            let (first, last) = (tokens[least].1, tokens[least + TOKENS - 1].1);
            while starts.get(line + 1).is_some_and(|start| *start <= first) {
                line += 1;
            }
            let end = line + starts[line..].partition_point(|start| *start <= last).max(1);
            kept.push(Window {
                start_line: line as u32 + 1,
                end_line: end as u32,
                hash: hashes[least % PLACES],
                check: spread(checks[least % PLACES]),
            });
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn places(codes: &[u32]) -> Vec<(u32, u32)> {
        codes.iter().enumerate().map(|(at, code)| (*code, at as u32)).collect()
    }

    /// The definition: every window by itself, the smallest of every span.
    fn batch(tokens: &[(u32, u32)]) -> Vec<u64> {
        let hash = |window: &[(u32, u32)]| {
            let (mut hash, _) = rolling();
            window.iter().for_each(|(code, _)| hash.enter(*code));
            spread(hash.hash)
        };
        let all: Vec<u64> = tokens.windows(TOKENS).map(hash).collect();
        let mut kept = Vec::new();
        for span in all.windows(SPAN) {
            kept.push(*span.iter().min().expect("a span is not empty"));
        }
        kept.dedup();
        kept
    }

    proptest! {
        #[test]
        fn keeps_the_smallest_of_every_span(codes in prop::collection::vec(0..900u32, 0..400)) {
            let tokens = places(&codes);
            let starts: Vec<u32> = (0..400).step_by(10).collect();
            let kept: Vec<u64> = winnow(&tokens, &starts).iter().map(|window| window.hash).collect();
            let mut distinct = kept.clone();
            distinct.dedup();
            prop_assert_eq!(distinct, batch(&tokens));
            prop_assert!(kept.len() * 12 <= tokens.len() + 12 * TOKENS);
        }

        #[test]
        fn a_copy_shares_a_window_with_its_original(
            copy in prop::collection::vec(0..900u32, 74..120),
            before in prop::collection::vec(0..900u32, 0..60),
            after in prop::collection::vec(0..900u32, 0..60),
        ) {
            let starts = [0];
            let kept = |codes: &[u32]| -> std::collections::BTreeSet<(u64, u64)> {
                winnow(&places(codes), &starts).iter().map(|window| (window.hash, window.check)).collect()
            };
            let other = kept(&[before, copy.clone(), after].concat());
            prop_assert!(kept(&copy).intersection(&other).next().is_some());
        }
    }

    #[test]
    fn a_window_stands_from_its_first_to_its_last_token() {
        let tokens = places(&(0..80).map(|n| n * 7919 % 83).collect::<Vec<_>>());
        let starts: Vec<u32> = (0..80).step_by(5).collect();
        let windows = winnow(&tokens, &starts);
        assert!(!windows.is_empty());
        for window in windows {
            assert!((10..=11).contains(&(window.end_line - window.start_line + 1)), "{window:?}");
        }
    }

    #[test]
    fn a_long_run_of_one_token_keeps_few_windows() {
        let windows = winnow(&places(&vec![1; 10_000]), &[0]);
        assert!(windows.len() <= 10_000 / 12, "{}", windows.len());
    }
}
