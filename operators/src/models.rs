//! From labelled examples to predictions: training at cuts, scoring by the model in force, rank, and the whole answer.
//!
//! Training is asked for and never waited for: a model is in force from its model-ready record on, which is part of the
//! log, so an answer depends on the log alone and not on how long training took.

mod answer;
mod observed;
mod scoring;
mod shelf;
mod training;

pub use answer::{AnswerPart, MODEL_UNAVAILABLE, SPLIT_REPOSITORY, answer, answer_parts, percentile};
pub use observed::observe;
pub use scoring::{Scored, score};
pub use shelf::{ModelShelf, Opinion, ShelfError, TrainRequest};
pub use training::{Lesson, TrainConfig, lessons, train};
