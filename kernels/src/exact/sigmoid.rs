//! The logistic function and its inverse from one integer table.
//!
//! The table is computed from integers at compile time: no mathematical library, whose last bit differs between machines,
//! takes part. Between table points the value is interpolated; the error is below 2^-22 everywhere.

use super::{ONE_Q24, ONE_Q30};

/// Table points per unit of the argument.
const STEPS: u128 = 256;
/// Beyond this argument the value is that of the bound.
const ARGUMENT_MAX: i64 = 16;
/// One point more than [0, 16] needs, so that the last interval has an end.
const POINTS: usize = (ARGUMENT_MAX as usize) * 256 + 2;

/// 1 / (1 + e^-x) in Q30 at x = i / 256.
static SIGMOID_Q30: [u32; POINTS] = table();

/// e^(-1/256) in Q62, from the alternating exponential series in Q120.
const fn step_q62() -> u128 {
    let one: u128 = 1 << 120;
    let (mut sum, mut term, mut k) = (one, one, 1);
    while term > 0 {
        term /= STEPS * k;
        if k % 2 == 1 {
            sum -= term;
        } else {
            sum += term;
        }
        k += 1;
    }
    (sum + (1 << 57)) >> 58
}

const fn table() -> [u32; POINTS] {
    let step = step_q62();
    let mut table = [0; POINTS];
    let (mut power, mut index) = (1u128 << 62, 0);
    while index < POINTS {
        let denominator = (1u128 << 62) + power;
        table[index] = (((1u128 << 92) + denominator / 2) / denominator) as u32;
        power = (power * step + (1 << 61)) >> 62;
        index += 1;
    }
    table
}

/// The table, for devices that interpolate on their own.
pub(crate) fn sigmoid_table_q30() -> &'static [u32] {
    &SIGMOID_Q30
}

/// The probability of log-odds given in Q24, in Q30 (0 to 2^30).
pub fn probability_q30(log_odds_q24: i64) -> u32 {
    let magnitude = log_odds_q24.unsigned_abs().min((ARGUMENT_MAX * ONE_Q24) as u64 - 1);
    let (index, fraction) = ((magnitude >> 16) as usize, magnitude & 0xffff);
    let (low, high) = (SIGMOID_Q30[index], SIGMOID_Q30[index + 1]);
    let value = low + ((u64::from(high - low) * fraction + 0x8000) >> 16) as u32;
    if log_odds_q24 >= 0 { value } else { ONE_Q30 as u32 - value }
}

/// The log-odds, in Q24, of `part` in `whole`: the smallest whose table probability reaches it. `part <= whole`, `whole > 0`.
pub(crate) fn logit_q24(part: u64, whole: u64) -> i64 {
    assert!(part <= whole && whole > 0, "a share needs a part of a whole");
    if 2 * u128::from(part) < u128::from(whole) {
        return -logit_q24(whole - part, whole);
    }
    let scaled = u128::from(part) << 30;
    let wanted = ((scaled + u128::from(whole) / 2) / u128::from(whole)) as u32;
    let (mut low, mut high) = (0, ARGUMENT_MAX * ONE_Q24 - 1);
    while low < high {
        let middle = (low + high) / 2;
        if probability_q30(middle) >= wanted {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    #[test]
    fn table_is_the_rounded_function() {
        for (index, &value) in SIGMOID_Q30.iter().enumerate() {
            let exact = reference(index as f64 / 256.0) * ONE_Q30 as f64;
            assert!((f64::from(value) - exact).abs() < 0.5001, "point {index}: {value} for {exact}");
        }
        // Pinned to a computation with fifty decimal digits: a change of the table is a change of the format.
        let sum: u64 = SIGMOID_Q30.iter().map(|&value| u64::from(value)).sum();
        let mixed = SIGMOID_Q30.iter().fold(0u64, |hash, &value| crate::exact::mix(hash ^ u64::from(value)));
        assert_eq!((SIGMOID_Q30[0], SIGMOID_Q30[256], SIGMOID_Q30[4096]), (1 << 29, 784_968_172, 1_073_741_703));
        assert_eq!((sum, mixed), (PINNED_SUM, PINNED_HASH));
    }

    const PINNED_SUM: u64 = 4_209_394_656_486;
    const PINNED_HASH: u64 = 6_482_701_984_307_788_865;

    #[test]
    fn error_is_below_two_to_the_minus_22() {
        let mut worst = 0f64;
        for step in 0..400_000i64 {
            let x = (step * 7_919 * 131) % (40 * ONE_Q24) - 20 * ONE_Q24;
            let exact = reference(x as f64 / ONE_Q24 as f64);
            worst = worst.max((f64::from(probability_q30(x)) / ONE_Q30 as f64 - exact).abs());
        }
        assert!(worst < 2f64.powi(-22), "{worst:e}");
    }

    #[test]
    fn monotone_symmetric_and_bounded() {
        let mut last = 0;
        for x in (-17 * 256..=17 * 256).map(|x| i64::from(x) << 16) {
            let value = probability_q30(x);
            assert!(value >= last);
            assert_eq!(u64::from(value) + u64::from(probability_q30(-x)), 1 << 30);
            last = value;
        }
        assert_eq!(probability_q30(i64::MIN), probability_q30(-17 << 24));
        assert_eq!(probability_q30(i64::MAX), probability_q30(17 << 24));
    }

    #[test]
    fn logit_is_the_inverse() {
        assert_eq!(logit_q24(1, 2), 0);
        assert_eq!(logit_q24(1, 10), -logit_q24(9, 10));
        for (part, whole) in [(1u64, 3u64), (2, 3), (15, 100), (1, 1000), (999_999, 1_000_000)] {
            let exact = (part as f64 / (whole - part) as f64).ln();
            assert!((logit_q24(part, whole) as f64 / ONE_Q24 as f64 - exact).abs() < 2e-3, "{part} of {whole}");
        }
        // Beyond the table both ends are held.
        assert_eq!(logit_q24(0, 5), -(16 * ONE_Q24 - 1));
        assert_eq!(logit_q24(u64::MAX, u64::MAX), 16 * ONE_Q24 - 1);
    }
}
