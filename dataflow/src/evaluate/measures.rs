//! Measures of a ranking and of a cut, after their usual definitions.
//!
//! Ties are treated as ties: AUC gives them half, precision and recall move over a tied group at once. A measure that does
//! not exist, such as the AUC of one class, is none.

use serde::Serialize;

/// Tested changes: one entry per change in each slice.
#[derive(Clone, Copy, Debug)]
pub struct Tested<'a> {
    /// Whether the change was defective.
    pub labels: &'a [bool],
    /// What changes are ranked by, not below zero.
    pub scores: &'a [f64],
    /// Predicted probability; the scores themselves where they are one.
    pub probabilities: &'a [f64],
    /// Whether the change was predicted to be defective.
    pub flags: &'a [bool],
    /// Lines to inspect, at least one.
    pub efforts: &'a [f64],
}

/// The measures of one model on one set of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Measures {
    /// Probability that a defective change is ranked above a clean one.
    pub auc: Option<f64>,
    /// Average precision.
    pub pr_auc: Option<f64>,
    /// Matthews correlation of the cut; zero when a class is never predicted.
    pub mcc: f64,
    /// Harmonic mean of precision and recall of the cut.
    pub f1: f64,
    /// Geometric mean of the recalls of both classes.
    pub g_mean: f64,
    /// Mean squared distance of the probability from the label.
    pub brier: Option<f64>,
    /// Recall when a fifth of all lines is inspected, densest predictions first.
    pub recall_at_20_effort: Option<f64>,
    /// Area under recall by effort, densest first, between the worst (0) and the best order (1).
    pub popt: Option<f64>,
}

/// Changes by label and prediction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Confusion {
    hits: f64,
    false_alarms: f64,
    misses: f64,
    rejections: f64,
}

impl Confusion {
    fn of(labels: &[bool], flags: &[bool]) -> Self {
        let mut counts = Self::default();
        for pair in labels.iter().zip(flags) {
            *match pair {
                (true, true) => &mut counts.hits,
                (false, true) => &mut counts.false_alarms,
                (true, false) => &mut counts.misses,
                (false, false) => &mut counts.rejections,
            } += 1.0;
        }
        counts
    }

    fn recall(&self) -> f64 {
        share(self.hits, self.hits + self.misses)
    }

    fn specificity(&self) -> f64 {
        share(self.rejections, self.rejections + self.false_alarms)
    }

    fn f1(&self) -> f64 {
        share(2.0 * self.hits, 2.0 * self.hits + self.false_alarms + self.misses)
    }

    fn mcc(&self) -> f64 {
        let Self { hits, false_alarms, misses, rejections } = *self;
        let product = (hits + false_alarms) * (hits + misses) * (rejections + false_alarms) * (rejections + misses);
        share(hits * rejections - false_alarms * misses, product.sqrt())
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

/// Geometric mean of both recalls.
pub(super) fn g_mean(labels: &[bool], flags: &[bool]) -> f64 {
    let counts = Confusion::of(labels, flags);
    (counts.recall() * counts.specificity()).sqrt()
}

impl Measures {
    /// Measures a model.
    pub fn of(tested: Tested<'_>) -> Self {
        let Tested { labels, scores, probabilities, flags, efforts } = tested;
        let counts = Confusion::of(labels, flags);
        let density: Vec<f64> = scores.iter().zip(efforts).map(|(score, effort)| score / effort).collect();
        let inspected = Curve::of(labels, efforts, &descending(&density));
        let distance = |(&label, probability): (&bool, &f64)| probability - f64::from(u8::from(label));
        let squares = labels.iter().zip(probabilities).map(|pair| distance(pair).powi(2));
        Self {
            auc: auc(labels, scores),
            pr_auc: average_precision(labels, scores),
            mcc: counts.mcc(),
            f1: counts.f1(),
            g_mean: (counts.recall() * counts.specificity()).sqrt(),
            brier: (!labels.is_empty()).then(|| squares.sum::<f64>() / labels.len() as f64),
            recall_at_20_effort: inspected.as_ref().map(|curve| curve.recall_at(0.2)),
            popt: inspected.and_then(|curve| popt(labels, efforts, &curve)),
        }
    }
}

/// Twice the number of pairs in which the defective change is ranked higher, ties counting one, and the number of pairs.
fn pairs_won(labels: &[bool], scores: &[f64]) -> (u64, u64) {
    let (mut won, mut clean_below, mut defective) = (0, 0, 0);
    for group in tied_groups(scores).rev() {
        let hits = group.iter().filter(|&&index| labels[index]).count() as u64;
        let others = group.len() as u64 - hits;
        won += hits * (2 * clean_below + others);
        clean_below += others;
        defective += hits;
    }
    (won, clean_below * defective)
}

/// Area under the receiver operating characteristic.
pub(super) fn auc(labels: &[bool], scores: &[f64]) -> Option<f64> {
    let (won, pairs) = pairs_won(labels, scores);
    (pairs > 0).then(|| won as f64 / (2 * pairs) as f64)
}

/// Sum over recall levels of the gain in recall times the precision there.
fn average_precision(labels: &[bool], scores: &[f64]) -> Option<f64> {
    let defective = labels.iter().filter(|label| **label).count();
    let (mut seen, mut hits, mut sum) = (0, 0, 0.0);
    for group in tied_groups(scores) {
        let new = group.iter().filter(|&&index| labels[index]).count();
        seen += group.len();
        hits += new;
        sum += new as f64 * hits as f64 / seen as f64;
    }
    (defective > 0).then(|| sum / defective as f64)
}

/// Indices in order of falling score, equal scores in their own order.
fn descending(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    order
}

/// Groups of equal score, highest first.
fn tied_groups(scores: &[f64]) -> std::vec::IntoIter<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for index in descending(scores) {
        match groups.last_mut() {
            Some(group) if scores[group[0]] == scores[index] => group.push(index),
            _ => groups.push(vec![index]),
        }
    }
    groups.into_iter()
}

/// Recall by share of effort, in one order of inspection.
struct Curve {
    points: Vec<(f64, f64)>,
    area: f64,
}

impl Curve {
    fn of(labels: &[bool], efforts: &[f64], order: &[usize]) -> Option<Self> {
        let effort: f64 = efforts.iter().sum();
        let defective = labels.iter().filter(|label| **label).count() as f64;
        if defective == 0.0 {
            return None;
        }
        let mut points = vec![(0.0, 0.0)];
        let (mut spent, mut found, mut area) = (0.0, 0.0, 0.0);
        for &index in order {
            let before = (spent / effort, found / defective);
            spent += efforts[index];
            found += f64::from(u8::from(labels[index]));
            let after = (spent / effort, found / defective);
            area += (after.0 - before.0) * (after.1 + before.1) / 2.0;
            points.push(after);
        }
        Some(Self { points, area })
    }

    /// Recall of the changes that fit wholly into this share of the effort.
    fn recall_at(&self, share: f64) -> f64 {
        let fitting = self.points.partition_point(|(effort, _)| *effort <= share);
        self.points[fitting - 1].1
    }
}

fn popt(labels: &[bool], efforts: &[f64], inspected: &Curve) -> Option<f64> {
    let area = |first: bool, sign: f64| {
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by(|&a, &b| {
            (labels[a] != first).cmp(&(labels[b] != first)).then((sign * efforts[a]).total_cmp(&(sign * efforts[b])))
        });
        Curve::of(labels, efforts, &order).map(|curve| curve.area)
    };
    // Best: defective changes first, small ones first. Worst: clean changes first, large ones first.
    let (best, worst) = (area(true, 1.0)?, area(false, -1.0)?);
    (best > worst).then(|| 1.0 - (best - inspected.area) / (best - worst))
}

#[cfg(test)]
mod tests;
