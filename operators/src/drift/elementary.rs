//! Logarithm, exponential and log-gamma from additions, multiplications, divisions and square roots alone.
//!
//! The standard library's versions come from each platform's C library and differ in the last bit between them; these
//! do not, because the four operations and the square root are exactly rounded everywhere. Errors are a few units in
//! the last place, far below the millionths that reach a record.

/// ln 2 in two parts: the first has trailing zeros, so that its product with an exponent is exact.
const LN_2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN_2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);

/// 2^`exponent`, for exponents of normal numbers.
fn power_of_two(exponent: i64) -> f64 {
    debug_assert!((-1022..=1023).contains(&exponent));
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// Natural logarithm; minus infinity at zero, NaN below.
pub fn ln(x: f64) -> f64 {
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x == f64::INFINITY {
        return x;
    }
    // A subnormal number has no exponent of its own to read.
    let (x, shift) = if x < f64::MIN_POSITIVE { (x * power_of_two(54), -54) } else { (x, 0) };
    let bits = x.to_bits();
    let mut exponent = (bits >> 52) as i64 - 1023 + shift;
    let mut mantissa = f64::from_bits(bits & 0x000f_ffff_ffff_ffff | 0x3ff0_0000_0000_0000);
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa /= 2.0;
        exponent += 1;
    }
    // ln m = 2 artanh s with s = (m - 1) / (m + 1), |s| <= 0.172: twelve odd terms reach the last place.
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let series = (1..=12).rev().fold(0.0, |sum, term| (sum + 1.0 / f64::from(2 * term + 1)) * square);
    let exponent = exponent as f64;
    exponent * LN_2_HIGH + (2.0 * s + (2.0 * s * series + exponent * LN_2_LOW))
}

/// e to the power of `x`; zero and infinity beyond the range of numbers.
pub fn exp(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x > 709.782 {
        return f64::INFINITY;
    }
    if x < -745.2 {
        return 0.0;
    }
    let exponent = (x / std::f64::consts::LN_2).round();
    let rest = (x - exponent * LN_2_HIGH) - exponent * LN_2_LOW;
    // |rest| <= 0.347: the Taylor series to the thirteenth power reaches the last place.
    let series = (1..=13).rev().fold(1.0, |sum, term| 1.0 + sum * rest / f64::from(term));
    let exponent = exponent as i64;
    // In two steps, because the power alone may lie beyond the normal numbers where the product does not.
    series * power_of_two(exponent / 2) * power_of_two(exponent - exponent / 2)
}

/// ln of Gamma(`halves` / 2), for `halves` of at least 1.
pub fn ln_gamma_of_halves(halves: u32) -> f64 {
    let (mut product, mut sum) = (1.0, 0.0);
    let mut factor = f64::from(halves) / 2.0 - 1.0;
    while factor > 0.0 {
        product *= factor;
        // The logarithm is taken only where the product would leave the range of numbers.
        if product > 1e280 {
            sum += ln(product);
            product = 1.0;
        }
        factor -= 1.0;
    }
    if halves % 2 == 1 {
        product *= std::f64::consts::PI.sqrt();
    }
    sum + ln(product)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(got: f64, expected: f64, what: f64) {
        assert!((got - expected).abs() <= 4e-16 * expected.abs().max(1e-300), "{what}: {got} and {expected}");
    }

    #[test]
    fn ln_agrees_with_the_platform_to_a_few_units_in_the_last_place() {
        for exponent in -1070..1020 {
            for step in 0..7 {
                let x = (f64::from(exponent) / 2.0).exp2() * (1.0 + f64::from(step) * 0.13);
                assert_close(ln(x), x.ln(), x);
            }
        }
        assert_eq!(ln(1.0), 0.0);
        assert_eq!(ln(0.0), f64::NEG_INFINITY);
        assert_close(ln(5e-324), 5e-324f64.ln(), 5e-324);
        assert!(ln(-1.0).is_nan());
    }

    #[test]
    fn exp_agrees_with_the_platform_to_a_few_units_in_the_last_place() {
        for step in -7000..7000 {
            let x = f64::from(step) * 0.101;
            assert_close(exp(x), x.exp(), x);
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-1e9), 0.0);
        assert_eq!(exp(1e9), f64::INFINITY);
        assert!(exp(-745.0) > 0.0, "subnormal, not zero");
    }

    #[test]
    fn the_last_bit_is_the_same_on_every_platform() {
        // Bits written down once; a platform that rounds otherwise would show here.
        let bits: Vec<u64> = [ln(0.3), ln(7.5), exp(-1.7), exp(2.5), ln_gamma_of_halves(9)].map(f64::to_bits).into();
        assert_eq!(
            bits,
            [
                0xbff3_4378_fcbd_a721,
                0x4000_1e85_798e_b9a3,
                0x3fc7_622c_78a9_8a07,
                0x4028_5d6f_d931_e0bb,
                0x4003_a140_a3a6_23ca
            ]
        );
    }

    #[test]
    fn gamma_of_halves_is_the_factorial_and_its_half_steps() {
        assert_eq!(ln_gamma_of_halves(2), 0.0);
        assert_close(ln_gamma_of_halves(1), std::f64::consts::PI.sqrt().ln(), 0.5);
        assert_close(ln_gamma_of_halves(10), 24f64.ln(), 5.0);
        assert_close(ln_gamma_of_halves(5), (0.75 * std::f64::consts::PI.sqrt()).ln(), 2.5);
        // Gamma(200) = 199!, beyond the range of f64.
        let factorial: f64 = (1..200).map(|n| f64::from(n).ln()).sum();
        assert!((ln_gamma_of_halves(400) - factorial).abs() < 1e-10);
    }
}
