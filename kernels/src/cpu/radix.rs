//! Sorts the codes of a column by their digits, which takes a fraction of the time of a sort by comparisons.
//!
//! A sorted list is the same whoever sorts it, so how it is done is free to change.

/// Bits of a digit: three of them cover a code, and the counts of all three fit in a core's first-level cache.
const DIGIT_BITS: u32 = 11;
const DIGITS: usize = 1 << DIGIT_BITS;
const PASSES: usize = 32u32.div_ceil(DIGIT_BITS) as usize;
/// Below this many values the counts cost more than comparisons.
const VALUES_MIN: usize = 1 << 11;

/// Something with a code to sort by.
pub(super) trait Coded: Copy + Default + Ord {
    /// What is sorted by.
    fn code(self) -> u32;
}

impl Coded for u32 {
    fn code(self) -> u32 {
        self
    }
}

/// Code in the high half, weight in the low half.
impl Coded for u64 {
    fn code(self) -> u32 {
        (self >> 32) as u32
    }
}

fn digit(code: u32, pass: usize) -> usize {
    (code >> (DIGIT_BITS * pass as u32)) as usize & (DIGITS - 1)
}

/// Sorts by code; values of the same code stay in their order.
pub(super) fn sort<T: Coded>(values: &mut Vec<T>) {
    if values.len() < VALUES_MIN {
        return values.sort_unstable();
    }
    let mut counts = [[0u32; DIGITS]; PASSES];
    for value in values.iter() {
        for (pass, counts) in counts.iter_mut().enumerate() {
            counts[digit(value.code(), pass)] += 1;
        }
    }
    let mut sorted = vec![T::default(); values.len()];
    for (pass, places) in counts.iter_mut().enumerate() {
        // Nothing moves where all values agree.
        if places.iter().any(|&count| count as usize == values.len()) {
            continue;
        }
        let mut next = 0;
        for place in places.iter_mut() {
            next += std::mem::replace(place, next);
        }
        for &value in values.iter() {
            let place = &mut places[digit(value.code(), pass)];
            sorted[*place as usize] = value;
            *place += 1;
        }
        std::mem::swap(values, &mut sorted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::mix;

    #[test]
    fn digits_sort_as_comparisons_do() {
        for (count, mask) in [(0, 0), (100, u32::MAX), (5_000, u32::MAX), (5_000, 0xff00_0000), (5_000, 3), (5_000, 0)]
        {
            let mut codes: Vec<u32> = (0..count).map(|row| mix(row) as u32 & mask).collect();
            let mut words: Vec<u64> = codes.iter().map(|&code| u64::from(code) << 32 | 7).collect();
            let mut expected = codes.clone();
            expected.sort_unstable();
            sort(&mut codes);
            sort(&mut words);
            assert!(codes == expected, "{count} codes under {mask:x}");
            assert!(words.iter().map(|word| word.code()).eq(expected), "{count} words under {mask:x}");
        }
    }
}
