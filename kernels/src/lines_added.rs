//! The simplest expert: the more lines a change adds, the riskier it is.
//!
//! It has nothing to learn, hence nothing that drifts; every other expert must beat it.

use crate::KernelError;
use crate::bytes::{Reader, Writer};
use crate::exact::{COLUMNS_MAX, value_q24};

/// The score of a row whose size is missing: below every other.
pub const MISSING_SIZE_Q24: i64 = i64::MIN >> 1;

/// Ranks rows by one feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinesAdded {
    column: u32,
}

impl LinesAdded {
    pub(crate) fn new(column: u32) -> Self {
        Self { column }
    }

    /// Index of the feature.
    pub fn column(&self) -> usize {
        self.column as usize
    }

    /// The feature itself, in Q24.
    pub fn score_row(&self, row: &[f32]) -> i64 {
        let value = row[self.column()];
        if value.is_nan() { MISSING_SIZE_Q24 } else { value_q24(value) }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.u32(self.column);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, KernelError> {
        Ok(Self { column: reader.length(0, COLUMNS_MAX - 1)? as u32 })
    }
}
