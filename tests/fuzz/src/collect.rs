//! `dataflow/src/collect` without its command and its way to Kafka, from its own sources: the crate it belongs to brings Kafka,
//! Parquet and a web server, which take longer to build than all the rest and of which no object reader needs anything.
//!
//! A file that the collector comes to need is named here too; the build says which.

#![allow(dead_code, unused_imports, missing_docs)]

#[path = "../../../dataflow/src/collect/author_key.rs"]
mod author_key;
#[path = "../../../dataflow/src/collect/blobs.rs"]
mod blobs;
#[path = "../../../dataflow/src/collect/branches.rs"]
mod branches;
#[path = "../../../dataflow/src/collect/budget.rs"]
mod budget;
#[path = "../../../dataflow/src/collect/change.rs"]
mod change;
#[path = "../../../dataflow/src/collect/difference.rs"]
mod difference;
#[path = "../../../dataflow/src/collect/effort.rs"]
mod effort;
#[path = "../../../dataflow/src/collect/error.rs"]
mod error;
#[path = "../../../dataflow/src/collect/graph.rs"]
mod graph;
#[path = "../../../dataflow/src/collect/history.rs"]
mod history;
#[path = "../../../dataflow/src/collect/lines.rs"]
mod lines;
#[path = "../../../dataflow/src/collect/locate.rs"]
mod locate;
#[path = "../../../dataflow/src/collect/objects.rs"]
mod objects;
#[path = "../../../dataflow/src/collect/pipeline.rs"]
mod pipeline;
#[path = "../../../dataflow/src/collect/regular.rs"]
mod regular;
#[path = "../../../dataflow/src/collect/rename.rs"]
mod rename;
#[path = "../../../dataflow/src/collect/selection.rs"]
mod selection;
#[path = "../../../dataflow/src/collect/signature.rs"]
mod signature;
#[path = "../../../dataflow/src/collect/similarity.rs"]
mod similarity;
#[path = "../../../dataflow/src/collect/slide.rs"]
mod slide;
#[path = "../../../dataflow/src/collect/stats.rs"]
mod stats;
#[path = "../../../dataflow/src/collect/text.rs"]
mod text;
#[path = "../../../dataflow/src/collect/tree_diff.rs"]
mod tree_diff;

pub(crate) use author_key::AuthorKey;
pub(crate) use history::{CollectOptions, GitHistory};
