//! The engine: sources, clock, graph, workers, and the command line over it.
//!
//! The log is the only input; everything published is a function of it.

pub mod capture;
pub mod cli;
pub mod clock;
pub mod collect;
pub mod conductor;
pub mod config;
pub mod controls;
pub mod cpu;
pub mod delivery;
pub mod descriptors;
pub mod engine;
pub mod evaluate;
pub mod graph;
pub mod importer;
pub mod log;
pub mod memory;
pub mod metrics_command;
pub mod outlets;
pub mod plain_file;
pub mod plan;
pub mod reject_lines;
pub mod source;
pub mod standing;
pub mod telemetry;
pub mod terminal;
pub mod trainer;
pub mod wall_clock;
pub mod worker;
