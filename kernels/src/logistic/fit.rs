//! Fits the logistic regression by Newton steps with a ridge penalty.
//!
//! The rows are taken in their canonical order and summed in chunks of a fixed size that are added in order, so the same
//! multiset of rows gives the same bits for any order of rows and any number of threads. The logistic function is the integer
//! table of `exact`, the logarithm the one of fixed operations: no library takes part.

use super::{Logistic, Slope};
use crate::exact::{ONE_Q24, ONE_Q30, natural_logarithm, probability_q30, signed_log_q32};
use crate::params::LogisticParams;
use crate::rows::TrainSet;
use rayon::prelude::*;

/// Rows whose sums are taken together; part of the format of a model.
const CHUNK: usize = 1024;
/// Steps smaller than this, in standard deviations, end the search.
const STEP_MIN: f64 = 1e-7;
/// A step that does not lower the loss is halved this often before the search ends.
const HALVINGS_MAX: u32 = 12;
const ONE_Q32: f64 = (1u64 << 32) as f64;

/// Standardised rows: a leading one for the intercept, then each feature in standard deviations from its mean.
struct Design {
    width: usize,
    values: Vec<f64>,
    labels: Vec<bool>,
    weights: Vec<f64>,
}

/// Loss, gradient and Hessian (upper triangle in full rows) at one point.
struct Slice {
    loss: f64,
    gradient: Vec<f64>,
    hessian: Vec<f64>,
}

/// Mean and deviation of one column of signed logarithms.
#[derive(Clone, Copy)]
struct Scale {
    mean_q32: i64,
    /// Zero for a column that does not vary.
    deviation: f64,
}

/// Fits a model to a set that has been checked.
pub(crate) fn fit(set: &TrainSet, params: &LogisticParams) -> Logistic {
    let rows = set.canonical();
    let classes = set.class_weights();
    let (clean, defective) = (classes.clean as f64, classes.defective as f64);
    let scales: Vec<Scale> = (0..set.columns).map(|column| scale(set, &rows, column)).collect();
    let mut design = design(set, &rows, &scales);
    if params.balance_classes {
        let total = clean + defective;
        for (weight, &label) in design.weights.iter_mut().zip(&design.labels) {
            *weight *= total / (2.0 * if label { defective } else { clean });
        }
    }
    let found = newton(&design, params);
    // Balanced classes have even odds; the true ones are put back.
    let prior = if params.balance_classes { natural_logarithm(defective / clean) } else { 0.0 };
    let slopes = scales.iter().zip(&found[1..]).map(|(scale, coefficient)| {
        let slope = if scale.deviation > 0.0 { coefficient / scale.deviation } else { 0.0 };
        Slope { mean_q32: scale.mean_q32, slope_q32: (slope * ONE_Q32).round_ties_even() as i64 }
    });
    Logistic {
        intercept_q24: ((found[0] + prior) * ONE_Q24 as f64).round_ties_even().clamp(-1e12, 1e12) as i64,
        slopes: slopes.collect(),
    }
}

fn scale(set: &TrainSet, rows: &[(usize, u64)], column: usize) -> Scale {
    let value = |row: usize| set.features[row * set.columns + column];
    let present = || rows.iter().filter(|&&(row, _)| !value(row).is_nan());
    let weight: u64 = present().map(|&(_, weight)| weight).sum();
    if weight == 0 {
        return Scale { mean_q32: 0, deviation: 0.0 };
    }
    let sum: i128 = present().map(|&(row, weight)| i128::from(signed_log_q32(value(row))) * i128::from(weight)).sum();
    let mean_q32 = sum.div_euclid(i128::from(weight)) as i64;
    let squares: f64 = present()
        .map(|&(row, weight)| {
            let distance = (signed_log_q32(value(row)) - mean_q32) as f64 / ONE_Q32;
            distance * distance * weight as f64
        })
        .sum();
    let deviation = (squares / weight as f64).sqrt();
    Scale { mean_q32, deviation: if deviation > 1e-6 { deviation } else { 0.0 } }
}

fn design(set: &TrainSet, rows: &[(usize, u64)], scales: &[Scale]) -> Design {
    let width = set.columns + 1;
    let mut values = Vec::with_capacity(rows.len() * width);
    for &(row, _) in rows {
        values.push(1.0);
        values.extend(set.row(row).iter().zip(scales).map(|(&value, scale)| {
            if value.is_nan() || scale.deviation == 0.0 {
                return 0.0;
            }
            (signed_log_q32(value) - scale.mean_q32) as f64 / ONE_Q32 / scale.deviation
        }));
    }
    Design {
        width,
        values,
        labels: rows.iter().map(|&(row, _)| set.labels[row]).collect(),
        weights: rows.iter().map(|&(_, weight)| weight as f64).collect(),
    }
}

/// The minimum of the penalised loss; every accepted step lowers it.
fn newton(design: &Design, params: &LogisticParams) -> Vec<f64> {
    let ridge = f64::from(params.ridge_milli) / 1000.0;
    let mut point = vec![0.0; design.width];
    let mut here = evaluate(design, &point, ridge);
    for _ in 0..params.steps_max {
        let mut step = solve(&here, design.width);
        let mut halvings = 0;
        loop {
            let next: Vec<f64> = point.iter().zip(&step).map(|(value, step)| value - step).collect();
            let there = evaluate(design, &next, ridge);
            if there.loss < here.loss {
                (point, here) = (next, there);
                break;
            }
            if halvings == HALVINGS_MAX {
                return point;
            }
            halvings += 1;
            step.iter_mut().for_each(|step| *step /= 2.0);
        }
        if step.iter().all(|step| step.abs() < STEP_MIN) {
            break;
        }
    }
    point
}

fn evaluate(design: &Design, point: &[f64], ridge: f64) -> Slice {
    let width = design.width;
    let chunks = design.labels.len().div_ceil(CHUNK);
    let parts: Vec<Slice> = (0..chunks).into_par_iter().map(|chunk| evaluate_chunk(design, point, chunk)).collect();
    let mut sum = Slice { loss: 0.0, gradient: vec![0.0; width], hessian: vec![0.0; width * width] };
    for part in &parts {
        sum.loss += part.loss;
        sum.gradient.iter_mut().zip(&part.gradient).for_each(|(sum, part)| *sum += part);
        sum.hessian.iter_mut().zip(&part.hessian).for_each(|(sum, part)| *sum += part);
    }
    // The intercept is not penalised.
    for (index, &value) in point.iter().enumerate().skip(1) {
        sum.loss += ridge * value * value / 2.0;
        sum.gradient[index] += ridge * value;
        sum.hessian[index * width + index] += ridge;
    }
    sum
}

fn evaluate_chunk(design: &Design, point: &[f64], chunk: usize) -> Slice {
    let width = design.width;
    let mut part = Slice { loss: 0.0, gradient: vec![0.0; width], hessian: vec![0.0; width * width] };
    for row in chunk * CHUNK..design.labels.len().min((chunk + 1) * CHUNK) {
        let values = &design.values[row * width..(row + 1) * width];
        let mut log_odds = 0.0;
        for (value, coefficient) in values.iter().zip(point) {
            log_odds += value * coefficient;
        }
        let (weight, label) = (design.weights[row], design.labels[row]);
        let probability = f64::from(probability_q30((log_odds * ONE_Q24 as f64) as i64)) / ONE_Q30 as f64;
        part.loss -= weight * natural_logarithm(if label { probability } else { 1.0 - probability });
        let pull = weight * (probability - f64::from(u8::from(label)));
        let curve = weight * probability * (1.0 - probability);
        for (index, value) in values.iter().enumerate() {
            part.gradient[index] += pull * value;
            let scaled = curve * value;
            let line = &mut part.hessian[index * width + index..(index + 1) * width];
            line.iter_mut().zip(&values[index..]).for_each(|(sum, other)| *sum += scaled * other);
        }
    }
    part
}

/// Solves Hessian times step = gradient by Cholesky's decomposition. The ridge keeps pivots positive; the floor only guards
/// the intercept of a loss that is flat to the last bit.
fn solve(slice: &Slice, width: usize) -> Vec<f64> {
    let mut root = vec![0.0; width * width];
    for column in 0..width {
        for row in column..width {
            let mut sum = slice.hessian[column * width + row];
            for k in 0..column {
                sum -= root[row * width + k] * root[column * width + k];
            }
            root[row * width + column] =
                if row == column { sum.max(1e-12).sqrt() } else { sum / root[column * width + column] };
        }
    }
    let mut step = slice.gradient.clone();
    for row in 0..width {
        for k in 0..row {
            step[row] -= root[row * width + k] * step[k];
        }
        step[row] /= root[row * width + row];
    }
    for row in (0..width).rev() {
        for k in row + 1..width {
            step[row] -= root[k * width + row] * step[k];
        }
        step[row] /= root[row * width + row];
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::mix;

    /// Rows whose log-odds are 1.5 ln(1 + a) - 2, with a second column of noise and a constant third one.
    fn set(rows: u64) -> TrainSet {
        let mut set = TrainSet::new(3);
        for key in 0..rows {
            let a = (mix(key) % 30) as f32;
            let log_odds = 1.5 * f64::from(a).ln_1p() - 2.0;
            let draw = (mix(key + 1_000_000) >> 11) as f64 / (1u64 << 53) as f64;
            set.push(key, &[a, (mix(key ^ 55) % 7) as f32, 4.0], draw < 1.0 / (1.0 + (-log_odds).exp()), 1);
        }
        set
    }

    #[test]
    fn the_truth_is_found() {
        let set = set(20_000);
        for balance_classes in [false, true] {
            let params = LogisticParams { balance_classes, ..LogisticParams::default() };
            let model = fit(&set, &params);
            let log_odds = |a: f32| model.score_row(&[a, 3.0, 4.0]) as f64 / ONE_Q24 as f64;
            assert!((log_odds(0.0) + 2.0).abs() < 0.15, "{}", log_odds(0.0));
            assert!((log_odds(20.0) - (1.5 * 21f64.ln() - 2.0)).abs() < 0.15, "{}", log_odds(20.0));
            assert_eq!(model.slopes[2].slope_q32, 0);
            assert!(model.slopes[1].slope_q32.abs() < 1 << 28);
        }
    }

    #[test]
    fn the_gradient_vanishes_at_the_solution() {
        let set = set(3_000);
        let rows = set.canonical();
        let scales: Vec<Scale> = (0..3).map(|column| scale(&set, &rows, column)).collect();
        let design = design(&set, &rows, &scales);
        let point = newton(&design, &LogisticParams::default());
        let slice = evaluate(&design, &point, 1.0);
        assert!(slice.gradient.iter().all(|gradient| gradient.abs() < 1e-2), "{:?}", slice.gradient);
    }

    #[test]
    fn separable_rows_stay_finite() {
        let mut set = TrainSet::new(2);
        (0..50).for_each(|key| set.push(key, &[if key < 25 { 0.0 } else { 1e30 }, f32::NAN], key >= 25, 1));
        let model = fit(&set, &LogisticParams { ridge_milli: 1, ..LogisticParams::default() });
        assert!(model.score_row(&[1e30, 0.0]) > 0 && model.score_row(&[0.0, 0.0]) < 0);
    }
}
