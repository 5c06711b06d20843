//! Where a score becomes a prediction: cuts chosen on labelled scores of the past.
//!
//! Candidates are quantiles of the scores, so a cut is found on a rank scale and does not care how scores are spread.

use super::measures::g_mean;
use std::collections::VecDeque;

/// Candidates: the quantiles from 2 % to 98 %.
const CANDIDATES: usize = 97;
/// Labelled scores of each class that an adaptive cut remembers.
const REMEMBERED: usize = 600;
/// Labels between two choices of an adaptive cut.
const LABELS_PER_CHOICE: u64 = 100;
/// Labelled scores of each class before the first choice.
const CLASS_MIN: usize = 20;

fn sorted(scores: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = scores.collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Evenly spaced quantiles of sorted scores, between neighbours linearly.
fn candidates(sorted: &[f64]) -> Vec<f64> {
    let last = sorted.len() - 1;
    (0..CANDIDATES)
        .map(|index| {
            let place = (0.02 + 0.01 * index as f64) * last as f64;
            let low = place as usize;
            let (a, b) = (sorted[low], sorted[(low + 1).min(last)]);
            a + (b - a) * (place - low as f64)
        })
        .collect()
}

/// The first of the candidates with the largest value.
fn best(candidates: Vec<f64>, value: impl Fn(f64) -> f64) -> f64 {
    let mut found = (candidates[0], value(candidates[0]));
    for &candidate in &candidates[1..] {
        let value = value(candidate);
        if value > found.1 {
            found = (candidate, value);
        }
    }
    found.0
}

/// The cut with the best geometric mean of both recalls; `None` without scores.
pub(super) fn by_g_mean(labels: &[bool], scores: &[f64]) -> Option<f64> {
    let sorted = sorted(scores.iter().copied());
    if sorted.is_empty() {
        return None;
    }
    let value = |cut: f64| g_mean(labels, &scores.iter().map(|score| *score >= cut).collect::<Vec<_>>());
    Some(best(candidates(&sorted), value))
}

/// A cut that is chosen again and again from the latest labelled scores of each class.
#[derive(Debug)]
pub(super) struct AdaptiveCut {
    clean: VecDeque<f64>,
    defective: VecDeque<f64>,
    labels: u64,
    cut: Option<f64>,
}

impl AdaptiveCut {
    pub(super) fn new() -> Self {
        Self { clean: VecDeque::new(), defective: VecDeque::new(), labels: 0, cut: None }
    }

    /// The present cut; `None` before there are enough labels.
    pub(super) fn get(&self) -> Option<f64> {
        self.cut
    }

    /// Learns the label of a change that had this score when it was predicted.
    pub(super) fn learn(&mut self, score: f64, label: bool) {
        let scores = if label { &mut self.defective } else { &mut self.clean };
        if scores.len() == REMEMBERED {
            scores.pop_front();
        }
        scores.push_back(score);
        self.labels += 1;
        let is_ready = self.clean.len() >= CLASS_MIN && self.defective.len() >= CLASS_MIN;
        if self.labels.is_multiple_of(LABELS_PER_CHOICE) && is_ready {
            self.cut = Some(self.choose());
        }
    }

    /// The cut at which the smaller of both recalls is largest, with a little credit for the other one.
    fn choose(&self) -> f64 {
        let (clean, defective) = (sorted(self.clean.iter().copied()), sorted(self.defective.iter().copied()));
        let all = sorted(clean.iter().chain(&defective).copied());
        let below =
            |scores: &[f64], cut: f64| scores.partition_point(|score| *score < cut) as f64 / scores.len() as f64;
        best(candidates(&all), |cut| {
            let (specificity, recall) = (below(&clean, cut), 1.0 - below(&defective, cut));
            specificity.min(recall) + 0.25 * (specificity * recall).sqrt()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cut_separates_what_can_be_separated() {
        let scores: Vec<f64> = (0..200).map(f64::from).collect();
        let labels: Vec<bool> = (0..200).map(|index| index >= 150).collect();
        let cut = by_g_mean(&labels, &scores).unwrap();
        assert!((147.0..=151.0).contains(&cut), "{cut}");
        assert_eq!(by_g_mean(&[], &[]), None);
        assert_eq!(by_g_mean(&[true], &[0.3]), Some(0.3));
    }

    #[test]
    fn candidates_are_linear_quantiles() {
        let found = candidates(&[0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(found.len(), 97);
        assert!((found[0] - 0.08).abs() < 1e-12 && (found[48] - 2.0).abs() < 1e-12 && (found[96] - 3.92).abs() < 1e-12);
    }

    #[test]
    fn an_adaptive_cut_follows_the_scores() {
        let mut cut = AdaptiveCut::new();
        (0..99).for_each(|index| cut.learn(f64::from(index % 10), index % 10 >= 6));
        assert_eq!(cut.get(), None);
        cut.learn(9.0, true);
        assert!((5.0..=6.0).contains(&cut.get().unwrap()), "{:?}", cut.get());
        (0..2_000).for_each(|index| cut.learn(100.0 + f64::from(index % 10), index % 10 >= 6));
        assert!((105.0..=106.0).contains(&cut.get().unwrap()), "{:?}", cut.get());
    }
}
