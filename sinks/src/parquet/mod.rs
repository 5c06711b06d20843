//! Vectors, labels and predictions as a Parquet file that pandas, DuckDB and Spark read directly.
//!
//! Features are `decimal(18, 6)`: exactly the fixed-point numbers of the records, stored as 64-bit integers; `DOUBLE` would
//! round large ones. A file is complete or absent: it is written beside its name and renamed. The same view gives the same
//! bytes. The footer says what the file reflects (`driftline.as_of`) and which features table its columns follow.

mod encode;
mod export;

pub use encode::FeatureTable;
pub use export::{ExportError, write_to};
