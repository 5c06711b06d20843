//! Edges and bins of one training set, laid out for a core's cache.
//!
//! Bins stand twice: row by row in tiles of sixteen columns for histograms, column by column for partitions. Edges come from
//! sorted counts, so they do not depend on the order of rows.

use super::paths::Path;
use super::radix;
use super::search::{ColumnEdges, code_bins, codes};
use crate::KernelError;
use crate::backend::Summary;
use crate::edges::{Edges, edges_of};
use crate::exact::PACKED_WEIGHT_MAX;
use crate::rows::TrainSet;
use rayon::prelude::*;
use std::sync::Arc;

/// Columns of a histogram tile: sixteen times 256 words of 8 bytes are 32 KiB, the first-level cache of a core.
pub(super) const TILE: usize = 16;
/// Bytes of a cache line: a row begins with one, so that no visit of a row touches one more than it needs.
const LINE: usize = 64;
/// Values of this many rows and columns together are worth the other cores.
const PARALLEL_VALUES: usize = 1 << 16;
/// Columns whose values are read in one pass over the rows: they share a cache line.
const GROUP: usize = 16;
/// Rows whose values are read before they are turned into codes, and that are written to tiles together.
const BLOCK: usize = 256;
/// Bytes that may be read behind the last bin of the last column: bins are fetched in words of four.
pub(super) const COLUMN_PADDING: usize = 3;

/// A binned data set in host memory.
#[derive(Clone, Debug)]
pub struct CpuDataset(Arc<Binned>);

/// What a choice of rows shares with its set is counted, the weights are its own.
#[derive(Debug)]
pub(super) struct Binned {
    pub(super) summary: Summary,
    /// Row-major bins, each row padded with zeros; the first row begins with a cache line.
    pub(super) tiles: Arc<Vec<u8>>,
    pub(super) first_tile: usize,
    /// Tiles from one row to the next.
    pub(super) row_tiles: usize,
    /// Column-major bins, and [`COLUMN_PADDING`].
    pub(super) columns: Arc<Vec<u8>>,
    pub(super) keys: Arc<Vec<u64>>,
    pub(super) labels: Arc<Vec<bool>>,
    pub(super) weights: Vec<u32>,
    pub(super) weight_max: u32,
}

impl Binned {
    /// Bins of one column, row by row, and at least [`COLUMN_PADDING`] bytes that do not belong to it.
    pub(super) fn column(&self, column: usize) -> &[u8] {
        &self.columns[column * self.keys.len()..]
    }

    /// Bins of all rows; a row has `row_tiles` of these, the last ones perhaps of zeros.
    pub(super) fn tiles(&self) -> &[[u8; TILE]] {
        self.tiles[self.first_tile..].as_chunks().0
    }

    /// Columns of the set.
    pub(super) fn width(&self) -> usize {
        self.summary.edges.count()
    }

    /// Whether some row counts other than once.
    pub(super) fn is_weighted(&self) -> bool {
        self.weight_max > 1 || self.weights.contains(&0)
    }

    /// Rows whose sums a packed word can hold.
    pub(super) fn packed_rows_max(&self) -> usize {
        (PACKED_WEIGHT_MAX / u64::from(self.weight_max)) as usize
    }
}

impl CpuDataset {
    pub(super) fn load(path: Path, set: &TrainSet) -> Result<Self, KernelError> {
        set.check()?;
        let live = live_rows(set);
        let rows = live.len();
        let mut columns = vec![0; rows * set.columns + COLUMN_PADDING];
        let fill = |(group, bins): (usize, &mut [u8])| bin_group(path, set, &live, group * GROUP, bins);
        let bins = &mut columns[..rows * set.columns];
        let edges: Vec<Vec<u32>> = if rows * set.columns < PARALLEL_VALUES {
            bins.chunks_mut(rows * GROUP).enumerate().flat_map(fill).collect()
        } else {
            bins.par_chunks_mut(rows * GROUP).enumerate().flat_map_iter(fill).collect()
        };
        let (tiles, first_tile, row_tiles) = tiles(&columns, rows, set.columns);
        let weights: Vec<u32> = live.iter().map(|&row| set.weights[row]).collect();
        Ok(Self(Arc::new(Binned {
            summary: Summary {
                rows: rows as u32,
                classes: set.class_weights(),
                edges: Arc::new(Edges::new(edges).expect("edges of sorted values increase and are few")),
            },
            tiles: Arc::new(tiles),
            first_tile,
            row_tiles,
            columns: Arc::new(columns),
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

fn live_rows(set: &TrainSet) -> Vec<usize> {
    (0..set.rows()).filter(|&row| set.weights[row] > 0).collect()
}

/// Edges of up to [`GROUP`] columns from `first` on, and the bins of the live rows, column after column.
fn bin_group(path: Path, set: &TrainSet, live: &[usize], first: usize, bins: &mut [u8]) -> Vec<Vec<u32>> {
    let mut group = vec![0; bins.len()];
    read_codes(path, set, live, first, &mut group);
    let one = |(bins, codes): (&mut [u8], &[u32])| {
        let edges = edges_of(&counted(set, live, codes));
        code_bins(path, &ColumnEdges::new(&edges), codes, bins);
        edges
    };
    let rows = live.len();
    if bins.len() < PARALLEL_VALUES {
        return bins.chunks_mut(rows).zip(group.chunks(rows)).map(one).collect();
    }
    bins.par_chunks_mut(rows).zip(group.par_chunks(rows)).map(one).collect()
}

/// Codes of the live rows, column after column: as many columns from `first` on as `group` has room for.
fn read_codes(path: Path, set: &TrainSet, live: &[usize], first: usize, group: &mut [u32]) {
    let mut values = [0.0; BLOCK];
    for (index, block) in live.chunks(BLOCK).enumerate() {
        for (column, made) in group.chunks_exact_mut(live.len()).enumerate() {
            for (value, &row) in values.iter_mut().zip(block) {
                *value = set.features[row * set.columns + first + column];
            }
            codes(path, &values[..block.len()], &mut made[index * BLOCK..index * BLOCK + block.len()]);
        }
    }
}

/// Edges of one column.
pub(crate) fn column_edges(set: &TrainSet, live: &[usize], column: usize) -> (Vec<u32>, Vec<u32>) {
    let mut codes = vec![0; live.len()];
    read_codes(Path::Portable, set, live, column, &mut codes);
    (edges_of(&counted(set, live, &codes)), codes)
}

/// The distinct values of a column in order, and the weight of each.
fn counted(set: &TrainSet, live: &[usize], codes: &[u32]) -> Vec<(u32, u64)> {
    // No value has the code zero.
    let present = |code: &u32| *code > 0;
    if live.iter().all(|&row| set.weights[row] == 1) {
        let mut sorted: Vec<u32> = codes.iter().copied().filter(present).collect();
        radix::sort(&mut sorted);
        return sorted.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u64)).collect();
    }
    // Code and weight share a word, so that one sort orders the values and keeps their weights.
    let word = |(&code, &row): (&u32, &usize)| u64::from(code) << 32 | u64::from(set.weights[row]);
    let mut sorted: Vec<u64> = codes.iter().zip(live).filter(|(code, _)| present(code)).map(word).collect();
    radix::sort(&mut sorted);
    let weight = |run: &[u64]| run.iter().map(|word| word & 0xffff_ffff).sum();
    sorted.chunk_by(|a, b| a >> 32 == b >> 32).map(|run| ((run[0] >> 32) as u32, weight(run))).collect()
}

/// Turns columns into padded rows of whole tiles; blocks of rows keep the strided writes in the cache.
fn tiles(columns: &[u8], rows: usize, width: usize) -> (Vec<u8>, usize, usize) {
    let needed = width.div_ceil(TILE);
    let line = LINE / TILE;
    // Rows of one or two tiles do not cross a line; wider ones begin with one.
    let row_tiles = if needed < line { needed.next_power_of_two() } else { needed.next_multiple_of(line) };
    let stride = row_tiles * TILE;
    let mut tiles = vec![0u8; rows * stride + LINE];
    let first_tile = tiles.as_ptr().align_offset(LINE).min(LINE);
    let fill = |(index, block): (usize, &mut [u8])| {
        for (column, bins) in columns.chunks_exact(rows).take(width).enumerate() {
            for (row, &bin) in block.chunks_exact_mut(stride).zip(&bins[index * BLOCK..]) {
                row[column] = bin;
            }
        }
    };
    let room = &mut tiles[first_tile..first_tile + rows * stride];
    if rows * width < PARALLEL_VALUES {
        room.chunks_mut(BLOCK * stride).enumerate().for_each(fill);
    } else {
        room.par_chunks_mut(BLOCK * stride).enumerate().for_each(fill);
    }
    (tiles, first_tile, row_tiles)
}
