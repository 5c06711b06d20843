//! Edges and bins of one training set, laid out for a core's cache.
//!
//! Bins stand twice: row by row in tiles of sixteen columns for histograms, column by column for partitions. Edges come from
//! sorted counts, so they do not depend on the order of rows.

use crate::KernelError;
use crate::backend::Summary;
use crate::edges::{Edges, edges_of};
use crate::exact::{PACKED_WEIGHT_MAX, ordered};
use crate::rows::TrainSet;
use rayon::prelude::*;
use std::sync::Arc;

/// Columns of a histogram tile: sixteen times 256 words of 8 bytes are 32 KiB, the first-level cache of a core.
pub(super) const TILE: usize = 16;
/// Values of this many rows and columns together are worth the other cores.
const PARALLEL_VALUES: usize = 1 << 16;

/// A binned data set in host memory.
#[derive(Clone, Debug)]
pub struct CpuDataset(Arc<Binned>);

/// What a choice of rows shares with its set is counted, the weights are its own.
#[derive(Debug)]
pub(super) struct Binned {
    pub(super) summary: Summary,
    /// Row-major bins, each row padded with zeros to whole tiles.
    pub(super) tiles: Arc<Vec<u8>>,
    /// Bytes of a padded row.
    pub(super) stride: usize,
    /// Column-major bins.
    pub(super) columns: Arc<Vec<u8>>,
    pub(super) keys: Arc<Vec<u64>>,
    pub(super) labels: Arc<Vec<bool>>,
    pub(super) weights: Vec<u32>,
    pub(super) weight_max: u32,
}

impl Binned {
    /// Bins of one column, row by row.
    pub(super) fn column(&self, column: usize) -> &[u8] {
        let rows = self.keys.len();
        &self.columns[column * rows..(column + 1) * rows]
    }

    /// Rows whose sums a packed word can hold.
    pub(super) fn packed_rows_max(&self) -> usize {
        (PACKED_WEIGHT_MAX / u64::from(self.weight_max)) as usize
    }
}

impl CpuDataset {
    pub(super) fn load(set: &TrainSet) -> Result<Self, KernelError> {
        set.check()?;
        let live: Vec<usize> = (0..set.rows()).filter(|&row| set.weights[row] > 0).collect();
        let columns = set.columns;
        let binned = |column: usize| bin_column(set, &live, column);
        let made: Vec<(Vec<u32>, Vec<u8>)> = if live.len() * columns < PARALLEL_VALUES {
            (0..columns).map(binned).collect()
        } else {
            (0..columns).into_par_iter().map(binned).collect()
        };
        let (edges, columns): (Vec<Vec<u32>>, Vec<Vec<u8>>) = made.into_iter().unzip();
        let (tiles, stride) = tiles(&columns, live.len());
        let weights: Vec<u32> = live.iter().map(|&row| set.weights[row]).collect();
        Ok(Self(Arc::new(Binned {
            summary: Summary {
                rows: live.len() as u32,
                classes: set.class_weights(),
                edges: Arc::new(Edges::new(edges).expect("edges of sorted values increase and are few")),
            },
            tiles: Arc::new(tiles),
            stride,
            columns: Arc::new(columns.concat()),
            keys: Arc::new(live.iter().map(|&row| set.keys[row]).collect()),
            labels: Arc::new(live.iter().map(|&row| set.labels[row]).collect()),
            weight_max: weights.iter().copied().max().unwrap_or(1),
            weights,
        })))
    }

    pub(super) fn new(binned: Binned) -> Self {
        Self(Arc::new(binned))
    }

    pub(super) fn summary(&self) -> &Summary {
        &self.0.summary
    }

    pub(super) fn binned(&self) -> &Arc<Binned> {
        &self.0
    }
}

/// Edges of one column and the bin of each live row.
fn bin_column(set: &TrainSet, live: &[usize], column: usize) -> (Vec<u32>, Vec<u8>) {
    let (edges, codes) = column_edges(set, live, column);
    let bin = |code: &Option<u32>| code.map_or(0, |code| 1 + edges.partition_point(|&edge| edge < code) as u8);
    let bins = codes.iter().map(bin).collect();
    (edges, bins)
}

/// Edges of one column, and the code of each live row's value.
pub(crate) fn column_edges(set: &TrainSet, live: &[usize], column: usize) -> (Vec<u32>, Vec<Option<u32>>) {
    let codes: Vec<Option<u32>> = live.iter().map(|&row| ordered(set.features[row * set.columns + column])).collect();
    // Code and weight share a word, so that one sort of integers orders the values and keeps their weights.
    let present = codes.iter().zip(live);
    let mut sorted: Vec<u64> = present
        .filter_map(|(code, &row)| code.map(|code| u64::from(code) << 32 | u64::from(set.weights[row])))
        .collect();
    sorted.sort_unstable();
    let mut values: Vec<(u32, u64)> = Vec::new();
    for word in sorted {
        let (code, weight) = ((word >> 32) as u32, word & 0xffff_ffff);
        match values.last_mut() {
            Some((last, sum)) if *last == code => *sum += weight,
            _ => values.push((code, weight)),
        }
    }
    (edges_of(&values), codes)
}

/// Turns columns into padded rows; blocks of rows keep the strided writes in the cache.
fn tiles(columns: &[Vec<u8>], rows: usize) -> (Vec<u8>, usize) {
    const BLOCK: usize = 256;
    let stride = columns.len().div_ceil(TILE) * TILE;
    let mut tiles = vec![0; rows * stride];
    for (index, block) in tiles.chunks_mut(BLOCK * stride).enumerate() {
        for (column, bins) in columns.iter().enumerate() {
            for (row, &bin) in block.chunks_exact_mut(stride).zip(&bins[index * BLOCK..]) {
                row[column] = bin;
            }
        }
    }
    (tiles, stride)
}
