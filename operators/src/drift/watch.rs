//! Reference and current window of one repository as integer counts, slid by one change at a time and back again.
//!
//! The counts of a column are always those of its newest rows in `recent`, at most a window of them, that came after its
//! reference: how many follows from `slid` and `since`, so sliding back needs only the row that fell out.

use super::DriftConfig;
use super::bins::{Bins, Counts};
use super::finding::Statistic;
use super::hysteresis::{Track, drifts};
use super::statistics::{
    benjamini_hochberg, chi_square, jensen_shannon_distance, population_stability_index, to_fixed,
};
use driftline_schema::Fixed;
use std::collections::VecDeque;
use std::sync::Arc;

/// The values of one change, shared with the fold's own row.
pub(super) type Row = Arc<[Fixed]>;

/// Windows of all columns.
pub(super) struct Watch {
    /// The newest rows, at most a window of them, oldest first.
    recent: VecDeque<Row>,
    /// Rows that came since the first reference was complete.
    slid: u64,
    pub(super) columns: Box<[Column]>,
}

/// One feature: its frozen reference, its current counts and its alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    bins: Bins,
    reference: Counts,
    reference_rows: u32,
    current: Counts,
    /// Value of `slid` when the reference was frozen; rows before it are not in the current window.
    since: u64,
    version: u32,
    pub(super) track: Track,
}

impl Column {
    fn freeze(mut values: Vec<Fixed>, since: u64, version: u32) -> Self {
        values.sort_unstable();
        let bins = Bins::deciles(&values);
        let reference_rows = values.len() as u32;
        let reference = bins.histogram(values);
        Self { bins, reference, reference_rows, current: Counts::default(), since, version, track: Track::default() }
    }

    fn current_rows(&self, slid: u64, window: u32) -> u32 {
        u64::from(window).min(slid - self.since) as u32
    }

    /// Whether a row that falls out of a full `recent` after `slid` rows was part of this column's window.
    fn held_oldest(&self, slid: u64, window: u32) -> bool {
        self.current_rows(slid, window) == window
    }
}

impl Watch {
    /// Freezes `reference` as version 0 of every column.
    pub(super) fn new(reference: &[Row]) -> Self {
        let columns = reference.first().map_or(0, |row| row.len());
        let column = |i: usize| Column::freeze(reference.iter().map(|row| row[i]).collect(), 0, 0);
        Self { recent: VecDeque::new(), slid: 0, columns: (0..columns).map(column).collect() }
    }

    /// Takes `row` in and returns the one that fell out.
    pub(super) fn slide(&mut self, row: Row, window: u32) -> Option<Row> {
        let fallen = if self.recent.len() == window as usize { self.recent.pop_front() } else { None };
        for (i, column) in self.columns.iter_mut().enumerate() {
            if let Some(fallen) = fallen.as_ref().filter(|_| column.held_oldest(self.slid, window)) {
                column.current[column.bins.of(fallen[i])] -= 1;
            }
            column.current[column.bins.of(row[i])] += 1;
        }
        self.recent.push_back(row);
        self.slid += 1;
        fallen
    }

    /// Takes the newest row out and the one that fell out for it in again.
    pub(super) fn slide_back(&mut self, fallen: Option<Row>, window: u32) {
        let row = self.recent.pop_back().expect("a row slid back was slid in before");
        self.slid -= 1;
        for (i, column) in self.columns.iter_mut().enumerate() {
            column.current[column.bins.of(row[i])] -= 1;
            if let Some(fallen) = fallen.as_ref().filter(|_| column.held_oldest(self.slid, window)) {
                column.current[column.bins.of(fallen[i])] += 1;
            }
        }
        if let Some(fallen) = fallen {
            self.recent.push_front(fallen);
        }
    }

    /// Makes the current window of column `i` its reference; returns the column as it was.
    pub(super) fn adopt(&mut self, i: usize, window: u32) -> Column {
        let column = &mut self.columns[i];
        let rows = column.current_rows(self.slid, window) as usize;
        let values = self.recent.iter().rev().take(rows).map(|row| row[i]).collect();
        let next = Column::freeze(values, self.slid, column.version + 1);
        std::mem::replace(column, next)
    }

    /// The statistics of all columns that have their minimum sample, those that are not `quiet` adjusted together.
    pub(super) fn statistics(&self, config: &DriftConfig, quiet: impl Fn(usize) -> bool) -> Box<[Statistic]> {
        let window = config.window_changes.get();
        let mut statistics = Vec::new();
        let mut tested = Vec::new();
        for (i, column) in self.columns.iter().enumerate() {
            let current_rows = column.current_rows(self.slid, window);
            if current_rows.min(column.reference_rows) < config.sample_min {
                continue;
            }
            let (statistic, p_value) = measure(i as u32, column, current_rows);
            tested.extend(p_value.filter(|_| !quiet(i)).map(|p_value| (statistics.len(), p_value)));
            statistics.push(statistic);
        }
        let p_values: Vec<f64> = tested.iter().map(|(_, p_value)| *p_value).collect();
        for ((i, _), p_adjusted) in tested.iter().zip(benjamini_hochberg(&p_values)) {
            let statistic: &mut Statistic = &mut statistics[*i];
            statistic.p_adjusted = to_fixed(p_adjusted);
            statistic.drifting = drifts(statistic.psi, statistic.p_adjusted, config);
        }
        statistics.into()
    }
}

/// The statistics of one column before adjustment, and its p-value.
///
/// A column with all rows of both windows in one bin tests nothing: it must not make the adjustment of the others harder.
fn measure(i: u32, column: &Column, current_rows: u32) -> (Statistic, Option<f64>) {
    let bins = column.bins.bin_count();
    let (reference, current) = (&column.reference[..bins], &column.current[..bins]);
    let test = chi_square(reference, current);
    let p_value = (test.freedom > 0).then(|| test.p_value());
    let statistic = Statistic {
        column: i,
        bins_version: column.version,
        reference_rows: column.reference_rows,
        current_rows,
        psi: to_fixed(population_stability_index(reference, current)),
        chi_square: to_fixed(test.statistic),
        js_distance: to_fixed(jensen_shannon_distance(reference, current)),
        p_value: to_fixed(p_value.unwrap_or(1.0)),
        p_adjusted: Fixed::from_int(1),
        drifting: false,
    };
    (statistic, p_value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::split_mix::SplitMix64;

    fn row(random: &mut SplitMix64) -> Row {
        (0..3).map(|column| Fixed((random.next() % (2 << (2 * column))) as i64)).collect()
    }

    fn recount(watch: &Watch, window: u32) -> Vec<Counts> {
        let count = |(i, column): (usize, &Column)| {
            let rows = column.current_rows(watch.slid, window) as usize;
            column.bins.histogram(watch.recent.iter().rev().take(rows).map(|row| row[i]))
        };
        watch.columns.iter().enumerate().map(count).collect()
    }

    #[test]
    fn counts_are_those_of_the_window_while_it_slides_adopts_and_slides_back() {
        let mut random = SplitMix64(7);
        let reference: Vec<Row> = (0..40).map(|_| row(&mut random)).collect();
        let mut watch = Watch::new(&reference);
        let mut steps = Vec::new();
        for step in 0..100 {
            let before: Vec<Column> = watch.columns.to_vec();
            let fallen = watch.slide(row(&mut random), 10);
            let adopted = (step % 33 == 20).then(|| watch.adopt(step % 3, 10));
            assert_eq!(watch.columns.iter().map(|c| c.current).collect::<Vec<_>>(), recount(&watch, 10), "{step}");
            steps.push((before, fallen, step % 3, adopted));
        }
        for (before, fallen, i, adopted) in steps.into_iter().rev() {
            if let Some(column) = adopted {
                watch.columns[i] = column;
            }
            watch.slide_back(fallen, 10);
            assert_eq!(watch.columns.to_vec(), before);
        }
        assert!(watch.recent.is_empty());
    }

    #[test]
    fn a_constant_feature_is_left_out_of_the_test_until_it_changes() {
        let config =
            DriftConfig { window_changes: 20.try_into().expect("not zero"), sample_min: 20, ..DriftConfig::default() };
        let zeros: Vec<Row> = vec![Arc::from([Fixed::ZERO]); 30];
        let mut watch = Watch::new(&zeros);
        zeros.iter().for_each(|row| drop(watch.slide(row.clone(), 20)));
        let constant = &watch.statistics(&config, |_| false)[0];
        assert_eq!(
            (constant.p_value, constant.p_adjusted, constant.drifting),
            (Fixed(1_000_000), Fixed(1_000_000), false)
        );
        (0..10).for_each(|_| drop(watch.slide(Arc::from([Fixed(1)]), 20)));
        let changed = &watch.statistics(&config, |_| false)[0];
        assert!(changed.drifting, "{changed:?}");
        let quiet = &watch.statistics(&config, |column| column == 0)[0];
        assert!(!quiet.drifting && quiet.psi == changed.psi, "seen, and no reason for an alert: {quiet:?}");
    }
}
