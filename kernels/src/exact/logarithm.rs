//! A natural logarithm of fixed operations, because libraries differ in its last bit from machine to machine.
//!
//! Only add, subtract, multiply and divide of `f64` are used, in the order written; the error is below two units in the last
//! place.

use std::f64::consts::SQRT_2;

/// ln 2 split in two, so that a multiple of the first part is exact.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// ln of a finite positive normal number.
pub fn natural_logarithm(value: f64) -> f64 {
    assert!(value.is_normal() && value > 0.0, "the logarithm is taken of positive normal numbers");
    let bits = value.to_bits();
    let mut exponent = (bits >> 52) as i64 - 1023;
    let mut fraction = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    if fraction > SQRT_2 {
        fraction /= 2.0;
        exponent += 1;
    }
    // ln f = 2 atanh s with s = (f - 1) / (f + 1), and |s| < 0.172: eleven terms are enough.
    let s = (fraction - 1.0) / (fraction + 1.0);
    let z = s * s;
    let mut series = 0.0;
    for odd in [21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0] {
        series = (series + 1.0 / odd) * z;
    }
    let exponent = exponent as f64;
    exponent * LN_2_HIGH + (exponent * LN_2_LOW + 2.0 * s * series + 2.0 * s)
}

/// sign(x) ln(1 + |x|) in Q32, half to even: counts of lines and changes are spread over decades, deltas have a sign.
pub(crate) fn signed_log_q32(value: f32) -> i64 {
    let magnitude = f64::from(value.clamp(f32::MIN, f32::MAX)).abs();
    let scaled = (natural_logarithm(1.0 + magnitude) * (1u64 << 32) as f64).round_ties_even() as i64;
    if value < 0.0 { -scaled } else { scaled }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_library_to_the_last_places() {
        let mut value = 1e-300;
        while value < 1e300 {
            let (own, library) = (natural_logarithm(value), value.ln());
            assert!((own - library).abs() <= 4e-16 * library.abs().max(0.05), "ln {value}: {own} {library}");
            value *= 1.7;
        }
        for step in 0..10_000 {
            let value = 0.5 + f64::from(step) * 2e-4;
            assert!((natural_logarithm(value) - value.ln()).abs() < 4e-16, "ln {value}");
        }
        assert_eq!(natural_logarithm(1.0), 0.0);
    }

    #[test]
    fn bits_are_pinned() {
        let bits: Vec<u64> = [2.0, 3.0, 10.0, 0.1, 12_345.0].iter().map(|&x| natural_logarithm(x).to_bits()).collect();
        assert_eq!(bits, PINNED);
    }

    const PINNED: [u64; 5] = [
        4_604_418_534_313_441_775,
        4_607_626_529_066_517_259,
        4_612_367_379_483_415_830,
        13_835_739_416_338_191_637,
        4_621_493_173_169_821_928,
    ];

    #[test]
    fn the_signed_logarithm_is_odd_and_bounded() {
        assert_eq!(signed_log_q32(0.0), 0);
        assert_eq!(signed_log_q32(-9.0), -signed_log_q32(9.0));
        assert_eq!(signed_log_q32(f32::INFINITY), signed_log_q32(f32::MAX));
        assert!(signed_log_q32(f32::MAX) < 89 << 32);
        assert!((signed_log_q32(1.0) as f64 / (1u64 << 32) as f64 - std::f64::consts::LN_2).abs() < 1e-9);
    }
}
