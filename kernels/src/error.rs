//! What can go wrong, split by what the caller will do about it.
//!
//! Bad rows, parameters and bytes end in one of these, never in a panic; each names the place and the cause.

/// Why training, scoring or reading a model failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KernelError {
    /// No row of weight above zero: there is nothing to learn from yet.
    #[error("the training set has no row of weight above zero")]
    EmptySet,
    /// All rows have the same label: there is nothing to tell apart yet.
    #[error("all rows of the training set have the label {label}")]
    OneClass {
        /// The only label.
        label: bool,
    },
    /// The parts of a set or of rows do not fit together.
    #[error("{part} has {found} entries, {expected} are expected")]
    Shape {
        /// Which part.
        part: &'static str,
        /// Entries found.
        found: usize,
        /// Entries expected.
        expected: usize,
    },
    /// More rows than a row index can name.
    #[error("{rows} rows are more than the {max} a model can be trained on")]
    TooManyRows {
        /// Rows found.
        rows: usize,
        /// Rows at most.
        max: usize,
    },
    /// No column, or more than a tree node can name.
    #[error("{columns} columns are outside 1 to {max}")]
    ColumnCount {
        /// Columns found.
        columns: usize,
        /// Columns at most.
        max: usize,
    },
    /// A row weighs more than a sum is prepared for.
    #[error("row {row} weighs {weight}, at most {max} is allowed")]
    Weight {
        /// Index of the row.
        row: usize,
        /// Its weight.
        weight: u32,
        /// Weight at most.
        max: u32,
    },
    /// All rows together weigh more than a sum is prepared for.
    #[error("the rows weigh {total} together, at most {max} is allowed")]
    TotalWeight {
        /// Weight of all rows.
        total: u64,
        /// Weight at most.
        max: u64,
    },
    /// A training parameter is out of its range.
    #[error("parameter {name} is {value}, allowed is {min} to {max}")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// Value found.
        value: u64,
        /// Smallest value allowed.
        min: u64,
        /// Largest value allowed.
        max: u64,
    },
    /// Rows of another width than the model was trained on.
    #[error("rows of {found} columns were given to a model of {expected}")]
    Columns {
        /// Columns of the rows.
        found: usize,
        /// Columns of the model.
        expected: usize,
    },
    /// Bytes that are not a model this version wrote.
    #[error("not a model at byte {at}: {reason}")]
    Corrupt {
        /// Offset of the fault.
        at: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// The device refused or failed; the CPU gives the same bits.
    #[error("the device failed: {reason}")]
    Device {
        /// What the driver said.
        reason: String,
    },
}
