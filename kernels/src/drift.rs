//! What two windows of rows are compared by: counts in order of value, and sums of a kernel over pairs of rows.
//!
//! Everything that is summed is an integer, so a row that is retracted takes out exactly what it put in. The last step, from
//! sums to a statistic, is the caller's: the population stability index needs the counts of [`crate::Backend::count_bins`]
//! for both windows and nothing else, the Kolmogorov-Smirnov distance is [`Comparison::ks_numerator`] over the product of
//! both sizes, and [`MmdSums`] holds the maximum mean discrepancy.

use crate::KernelError;
use crate::exact::COLUMNS_MAX;
use crate::rows::Rows;

/// Rows of a window at most: a product of two such numbers stays within 62 bits, a sum of that many kernel values within 63.
pub const WINDOW_ROWS_MAX: u64 = 1 << 30;
/// The widest kernel parameter, 2^20 as a Q32 number.
const GAMMA_Q32_MAX: u64 = 1 << 52;

/// Two windows counted over the same cells, which stand in increasing order of value: the bins of a column, or its distinct
/// values.
#[derive(Clone, Copy, Debug)]
pub struct CompareTask<'a> {
    /// Rows of the reference window in each cell.
    pub reference: &'a [u64],
    /// Rows of the current window in each cell.
    pub current: &'a [u64],
}

/// How far two windows are apart in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Comparison {
    /// Rows of the reference window.
    pub reference: u64,
    /// Rows of the current window.
    pub current: u64,
    /// The largest difference of the two shares of rows up to a cell, times the product of both numbers of rows: an integer,
    /// because shares are compared by cross-multiplication. Zero where a window is empty.
    pub ks_numerator: u64,
}

/// Asks for the kernel between every row of `rows` and all of `others`.
///
/// Rows should be scaled by the caller: the kernel is e^(-gamma d^2) with d the Euclidean distance. Infinities count as the
/// largest finite value. A missing value is a zero in a place of its own, one unit away from all values of its column, so
/// that a change of what is missing shows and the kernel stays positive definite.
#[derive(Clone, Copy, Debug)]
pub struct KernelSumTask<'a> {
    /// One sum is made for each of these rows.
    pub rows: Rows<'a>,
    /// The rows a sum runs over, as wide; at most [`WINDOW_ROWS_MAX`].
    pub others: Rows<'a>,
    /// gamma in Q32, from 1 to 2^52.
    pub gamma_q32: u64,
}

impl CompareTask<'_> {
    /// Numbers of rows of both windows, if the cells are the same and the numbers are not too large.
    pub(crate) fn totals(&self) -> Result<[u64; 2], KernelError> {
        let (found, expected) = (self.current.len(), self.reference.len());
        if found != expected {
            return Err(KernelError::Shape { part: "current counts", found, expected });
        }
        let total = |counts: &[u64]| {
            let total = counts.iter().fold(0u64, |sum, &count| sum.saturating_add(count));
            within_window(total as usize).map(|()| total)
        };
        Ok([total(self.reference)?, total(self.current)?])
    }
}

impl KernelSumTask<'_> {
    /// Refuses torn or too many rows and parameters out of range.
    pub(crate) fn check(&self) -> Result<(), KernelError> {
        let columns = self.rows.columns;
        if !(1..=COLUMNS_MAX).contains(&columns) {
            return Err(KernelError::ColumnCount { columns, max: COLUMNS_MAX });
        }
        self.rows.check(columns)?;
        self.others.check(columns)?;
        within_window(self.rows.count())?;
        within_window(self.others.count())?;
        if (1..=GAMMA_Q32_MAX).contains(&self.gamma_q32) {
            return Ok(());
        }
        Err(KernelError::Parameter { name: "gamma_q32", value: self.gamma_q32, min: 1, max: GAMMA_Q32_MAX })
    }

    /// gamma, exactly.
    pub(crate) fn gamma(&self) -> f64 {
        self.gamma_q32 as f64 / (1u64 << 32) as f64
    }
}

fn within_window(rows: usize) -> Result<(), KernelError> {
    let max = WINDOW_ROWS_MAX as usize;
    if rows <= max { Ok(()) } else { Err(KernelError::TooManyRows { rows, max }) }
}

/// The place of a value on its column's axis; a missing value stands at zero, on an axis of its own.
pub(crate) fn place(value: f32) -> f32 {
    if value.is_nan() { 0.0 } else { value.clamp(f32::MIN, f32::MAX) }
}

/// Which of the two windows a change is made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// The rows that are compared with.
    Reference,
    /// The rows that are watched.
    Current,
}

/// The sums behind a maximum mean discrepancy: kernel values in Q32 over all ordered pairs, within each window and across.
///
/// A function of the two multisets of rows alone: rows may be inserted and retracted in any order, many at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MmdSums {
    reference_q32: i128,
    current_q32: i128,
    across_q32: i128,
    reference: u64,
    current: u64,
}

/// Rows that enter or leave a window, and the rows that stay.
#[derive(Clone, Copy, Debug)]
pub struct WindowChange<'a> {
    /// The window that changes.
    pub window: Window,
    /// The rows that enter or leave.
    pub rows: Rows<'a>,
    /// The rows of the same window without them.
    pub rest: Rows<'a>,
    /// The rows of the other window.
    pub other: Rows<'a>,
    /// gamma in Q32; the same for every change of one state.
    pub gamma_q32: u64,
}

impl MmdSums {
    /// Adds rows to a window.
    pub fn insert<B: crate::Backend>(&mut self, backend: &B, change: WindowChange<'_>) -> Result<(), KernelError> {
        self.apply(backend, change, 1)
    }

    /// Takes rows out of a window: what is left is what it would have been without them, bit for bit. Panics when the window
    /// does not hold as many: that is a fault of the calling code.
    pub fn retract<B: crate::Backend>(&mut self, backend: &B, change: WindowChange<'_>) -> Result<(), KernelError> {
        self.apply(backend, change, -1)
    }

    fn apply<B: crate::Backend>(
        &mut self,
        backend: &B,
        change: WindowChange<'_>,
        sign: i128,
    ) -> Result<(), KernelError> {
        let WindowChange { window, rows, rest, other, gamma_q32 } = change;
        let tasks = [rows, rest, other].map(|others| KernelSumTask { rows, others, gamma_q32 });
        let sums = backend.kernel_sums(&tasks)?;
        let total = |index: usize| -> i128 { sums[index].iter().map(|&sum| i128::from(sum)).sum() };
        let (own, count) = match window {
            Window::Reference => (&mut self.reference_q32, &mut self.reference),
            Window::Current => (&mut self.current_q32, &mut self.current),
        };
        // A pair of a changed row and one that stays counts twice, once in each order.
        *own += sign * (total(0) + 2 * total(1));
        self.across_q32 += sign * total(2);
        let changed = count.checked_add_signed(sign as i64 * rows.count() as i64);
        *count = changed.expect("a window holds the rows that are taken out");
        Ok(())
    }

    /// Rows of both windows.
    pub fn rows(&self) -> [u64; 2] {
        [self.reference, self.current]
    }

    /// The squared discrepancy with every row paired with itself as well, which is never below zero but for rounding; `None`
    /// where a window is empty.
    pub fn biased(&self) -> Option<f64> {
        let [m, n] = self.rows();
        self.squared([m * m, n * n], [0, 0])
    }

    /// The squared discrepancy without such pairs, whose mean is zero when the windows are alike; `None` where a window has
    /// fewer than two rows.
    pub fn unbiased(&self) -> Option<f64> {
        let [m, n] = self.rows();
        // A row's kernel with itself is one.
        self.squared([m * m.saturating_sub(1), n * n.saturating_sub(1)], [m, n])
    }

    fn squared(&self, pairs: [u64; 2], selves: [u64; 2]) -> Option<f64> {
        let mean = |sum: i128, selves: u64, pairs: u64| {
            (pairs > 0).then(|| (sum - (i128::from(selves) << 32)) as f64 / pairs as f64 / (1u64 << 32) as f64)
        };
        let across = mean(self.across_q32, 0, self.reference * self.current)?;
        let within = mean(self.reference_q32, selves[0], pairs[0])? + mean(self.current_q32, selves[1], pairs[1])?;
        Some(within - 2.0 * across)
    }
}
