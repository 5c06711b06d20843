//! Statistics of two count vectors over the same bins: the last pure functions, the only ones that see floats.
//!
//! Counts are integers, so the order in which records came and went cannot change an answer; sums run in bin order and
//! use [`elementary`](super::elementary), so the bits are the same on every platform.

use super::elementary::{exp, ln, ln_gamma_of_halves};
use driftline_schema::Fixed;

/// Added to every bin before shares are taken, so that an empty bin gives a finite index.
const SMOOTHING: f64 = 0.5;

/// A statistic as a record carries it: millionths, rounded half away from zero, zero for NaN.
pub fn to_fixed(value: f64) -> Fixed {
    Fixed((value * Fixed::ONE as f64).round() as i64)
}

fn total(counts: &[u64]) -> u64 {
    counts.iter().sum()
}

/// Population stability index: the sum of (p - q) ln(p / q) over the bins, with 0.5 added to each count.
///
/// It has no common definition: other smoothing rules give other numbers on the same data, so an answer is comparable
/// only with answers of the same bins and this rule.
pub fn population_stability_index(reference: &[u64], current: &[u64]) -> f64 {
    let smoothed_total = |counts: &[u64]| total(counts) as f64 + SMOOTHING * counts.len() as f64;
    let (reference_total, current_total) = (smoothed_total(reference), smoothed_total(current));
    reference
        .iter()
        .zip(current)
        .map(|(&a, &b)| {
            let (p, q) = ((a as f64 + SMOOTHING) / reference_total, (b as f64 + SMOOTHING) / current_total);
            (p - q) * ln(p / q)
        })
        .sum()
}

/// The chi-square test of homogeneity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChiSquare {
    /// The statistic, at least zero.
    pub statistic: f64,
    /// Degrees of freedom: non-empty bins less one; zero when there is nothing to compare.
    pub freedom: u32,
}

impl ChiSquare {
    /// Chance of a statistic at least this large when both windows come from one distribution; 1 without freedom.
    pub fn p_value(self) -> f64 {
        chi_square_tail(self.statistic, self.freedom)
    }
}

/// Two-sample chi-square over the bins: both windows are random, no continuity correction, bins empty in both are left out.
///
/// A test that takes the reference shares as exact would give far too small p-values.
pub fn chi_square(reference: &[u64], current: &[u64]) -> ChiSquare {
    let (n, m) = (total(reference), total(current));
    if n == 0 || m == 0 {
        return ChiSquare { statistic: 0.0, freedom: 0 };
    }
    let scale = n as f64 * m as f64;
    let (mut statistic, mut bins) = (0.0, 0);
    for (&a, &b) in reference.iter().zip(current).filter(|&(a, b)| a + b > 0) {
        // The sum of (observed - expected)^2 / expected of both cells is d^2 / (n m (a + b)) with an integer d.
        let difference = (i128::from(a) * i128::from(m) - i128::from(b) * i128::from(n)) as f64;
        statistic += difference / scale * difference / (a + b) as f64;
        bins += 1;
    }
    ChiSquare { statistic, freedom: bins - 1 }
}

/// Upper tail of the chi-square distribution: the regularised incomplete gamma Q(freedom / 2, statistic / 2).
pub fn chi_square_tail(statistic: f64, freedom: u32) -> f64 {
    if freedom == 0 || statistic <= 0.0 {
        return 1.0;
    }
    let (a, x) = (f64::from(freedom) / 2.0, statistic / 2.0);
    let front = exp(a * ln(x) - x - ln_gamma_of_halves(freedom));
    if x < a + 1.0 { 1.0 - front * lower_series(a, x) } else { front * upper_fraction(a, x) }
}

/// Enough for any argument on either side of `x = a + 1` with a below a million.
const TERMS_MAX: u32 = 10_000;

/// The sum of x^k / (a (a+1) ... (a+k)) over k; converges fast for x below a + 1.
fn lower_series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum) = (1.0 / a, 1.0 / a);
    for k in 1..TERMS_MAX {
        term *= x / (a + f64::from(k));
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum
}

/// 1/(x+1-a- 1(1-a)/(x+3-a- 2(2-a)/(x+5-a- ...))), from the front; converges fast for x above a + 1.
fn upper_fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    // The ratios of successive numerators and denominators; the first numerator ratio is infinite.
    let (mut c, mut d) = (f64::INFINITY, 1.0 / b);
    let mut fraction = d;
    for k in 1..TERMS_MAX {
        let k = f64::from(k);
        let numerator = -k * (k - a);
        b += 2.0;
        d = 1.0 / (numerator * d + b);
        c = b + numerator / c;
        fraction *= c * d;
        if (c * d - 1.0).abs() < 1e-16 {
            break;
        }
    }
    fraction
}

/// Jensen-Shannon divergence in bits, 0 to 1; zero when a window is empty.
pub fn jensen_shannon_divergence(reference: &[u64], current: &[u64]) -> f64 {
    let (n, m) = (total(reference) as f64, total(current) as f64);
    if n == 0.0 || m == 0.0 {
        return 0.0;
    }
    // An empty bin contributes nothing: x ln x goes to zero with x.
    let part = |share: f64, middle: f64| if share > 0.0 { share * ln(share / middle) } else { 0.0 };
    let sum: f64 = reference
        .iter()
        .zip(current)
        .map(|(&a, &b)| {
            let (p, q) = (a as f64 / n, b as f64 / m);
            part(p, (p + q) / 2.0) + part(q, (p + q) / 2.0)
        })
        .sum();
    (sum / (2.0 * std::f64::consts::LN_2)).max(0.0)
}

/// Jensen-Shannon distance: the square root of the divergence in bits, 0 to 1.
pub fn jensen_shannon_distance(reference: &[u64], current: &[u64]) -> f64 {
    jensen_shannon_divergence(reference, current).sqrt()
}

/// Kolmogorov-Smirnov numerator over ordered bins: the largest |A m - B n| of the cumulated counts A and B.
///
/// With one bin for each distinct value this is the exact two-sample statistic times n m.
pub fn kolmogorov_smirnov_numerator(reference: &[u64], current: &[u64]) -> u128 {
    let (n, m) = (i128::from(total(reference)), i128::from(total(current)));
    let (mut run, mut largest) = (0i128, 0);
    for (&a, &b) in reference.iter().zip(current) {
        run += i128::from(a) * m - i128::from(b) * n;
        largest = largest.max(run.unsigned_abs());
    }
    largest
}

/// p-value of a two-sample Kolmogorov-Smirnov numerator by Kolmogorov's limit, for windows of `n` and `m` rows.
pub fn kolmogorov_smirnov_p(numerator: u128, n: u64, m: u64) -> f64 {
    let (n, m) = (n as f64, m as f64);
    if n == 0.0 || m == 0.0 {
        return 1.0;
    }
    kolmogorov_tail((n * m / (n + m)).sqrt() * (numerator as f64 / (n * m)))
}

/// Upper tail of the Kolmogorov distribution; below 1.18 by the theta form, which converges there.
pub fn kolmogorov_tail(lambda: f64) -> f64 {
    if lambda <= 0.0 {
        return 1.0;
    }
    if lambda < 1.18 {
        let pi = std::f64::consts::PI;
        let v = exp(-pi * pi / (8.0 * lambda * lambda));
        let sum = v + power(v, 9) + power(v, 25) + power(v, 49);
        return 1.0 - (2.0 * pi).sqrt() / lambda * sum;
    }
    let t = exp(-2.0 * lambda * lambda);
    2.0 * (t - power(t, 4) + power(t, 9) - power(t, 16))
}

/// `base` to the power of `exponent` by squaring; the standard library leaves the order of its products open.
fn power(base: f64, exponent: u32) -> f64 {
    match exponent {
        0 => 1.0,
        odd if odd % 2 == 1 => base * power(base, odd - 1),
        even => power(base * base, even / 2),
    }
}

/// p-values adjusted by Benjamini and Hochberg: rejecting those at most alpha keeps the false discovery rate at alpha.
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&i, &j| p_values[i].total_cmp(&p_values[j]).then(i.cmp(&j)));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut smallest: f64 = 1.0;
    for (rank, &i) in order.iter().enumerate().rev() {
        smallest = smallest.min(p_values[i] * p_values.len() as f64 / (rank + 1) as f64);
        adjusted[i] = smallest;
    }
    adjusted
}

#[cfg(test)]
#[path = "statistics_tests.rs"]
mod tests;
