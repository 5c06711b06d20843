//! e^-x as a fixed-point number, from additions and multiplications of `f64` in a fixed order.
//!
//! A library's exponential differs in its last bit from machine to machine. This one rounds to Q32, half to even, so a sum of
//! its values is a sum of integers and any value can be taken out of it again.

use std::f64::consts::LOG2_E;

/// ln 2 split in two, so that a multiple of the first part is exact.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// 1.5 x 2^52: added to a number below 2^51 it rounds it to an integer, half to even, which then stands in the lowest bits.
const TO_INTEGER: f64 = 6_755_399_441_055_744.0;

/// From here on e^-x is zero in Q32; larger arguments are brought here, so that no step can overflow.
const END: f64 = 30.0;

/// 1 / k! for k from 10 down to 0: on half an octave the rest of the series is below 2^-42.
const SERIES: [f64; 11] = [
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
    1.0,
    1.0,
];

/// e^-x in Q32 for x >= 0, half to even: 2^32 at zero, never negative, zero from about 22.9 on. The error before rounding is
/// below 2^-8 of a unit.
#[inline(always)]
pub(crate) fn decay_q32(x: f64) -> i64 {
    let x = if x < END { x } else { END };
    // e^-x = 2^-halvings e^-rest with |rest| at most half of ln 2.
    let shifted = x * LOG2_E + TO_INTEGER;
    let halvings = shifted - TO_INTEGER;
    let rest = halvings * LN_2_HIGH - x + halvings * LN_2_LOW;
    let mut sum = SERIES[0];
    for coefficient in &SERIES[1..] {
        sum = sum * rest + coefficient;
    }
    // The number of halvings stands in the lowest bits, so this is 2^(32 - halvings).
    let scale = f64::from_bits(1055u64.wrapping_sub(shifted.to_bits()) << 52);
    (sum * scale + TO_INTEGER).to_bits() as i64 - TO_INTEGER.to_bits() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_library_to_the_rounding() {
        let one = (1u64 << 32) as f64;
        for step in 0..400_000 {
            let x = f64::from(step) * 7.3e-5;
            let exact = (-x).exp() * one;
            assert!((decay_q32(x) as f64 - exact).abs() < 0.505, "e^-{x}: {} for {exact}", decay_q32(x));
        }
    }

    #[test]
    fn falls_from_one_to_zero() {
        assert_eq!(decay_q32(0.0), 1 << 32);
        assert_eq!([22.8, 22.9, 30.0, 1e77, f64::MAX].map(decay_q32), [1, 0, 0, 0, 0]);
        let mut last = i64::MAX;
        for step in 0..300_000 {
            let value = decay_q32(f64::from(step) * 1e-4);
            assert!((0..=last).contains(&value));
            last = value;
        }
    }

    #[test]
    fn bits_are_pinned() {
        let hash = (0..100_000).fold(0u64, |hash, step| {
            crate::exact::mix(hash ^ decay_q32(f64::from(step) * f64::from(step) * 2.5e-9) as u64)
        });
        assert_eq!(hash, PINNED);
    }

    const PINNED: u64 = 10_890_713_761_314_924_655;
}
