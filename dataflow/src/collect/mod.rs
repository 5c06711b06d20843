//! Git histories as change events.
//!
//! The events are a function of the commit graph, the author key and the options: neither the machine's git
//! configuration, nor clocks, nor the number of threads changes a byte of them.

mod author_key;
mod blobs;
mod branches;
mod budget;
mod change;
mod command;
mod difference;
mod effort;
mod error;
mod follow;
mod graph;
mod history;
mod kafka;
mod lines;
mod locate;
mod objects;
mod pipeline;
mod range;
mod regular;
mod rename;
mod selection;
mod signature;
mod similarity;
mod slide;
mod stats;
#[cfg(test)]
mod tests;
mod text;
mod tracked;
mod tree_diff;

pub use author_key::{AuthorKey, author_key, default_author_key};
pub use command::{CollectArgs, CollectSource, CollectSummary, GitArgs, run};
pub use error::CollectError;
pub use follow::{Follower, News};
pub use history::{CollectOptions, GitHistory, Heads};
pub use kafka::KafkaTarget;
pub use locate::{Located, parse_name};
pub use pipeline::Events;
pub use range::RangeError;
pub use stats::CollectStats;
pub(crate) use text::text_of;
