//! The engine: sources, clock, graph, workers and the command line.

pub mod collect;
