//! The naive trainer: what a model is, written without any of the means that make training fast.

use crate::choice::RowChoice;
use crate::edges::Edges;
use crate::exact::{mix, ordered, probability_q30, row_hash};
use crate::gbdt::{Gbdt, Node, Tree};
use crate::params::{GbdtParams, Growth};
use crate::rows::TrainSet;
use std::collections::BTreeMap;

type Pair = (i128, i128);

struct Row {
    key: u64,
    label: bool,
    weight: i128,
    bins: Vec<u8>,
    score: i128,
}

struct Leaf {
    rows: Vec<usize>,
    depth: u32,
    place: usize,
    total: Pair,
    split: Option<(f64, usize, u8)>,
}

/// Trains one model by definition.
pub(super) fn train(set: &TrainSet, params: &GbdtParams) -> Gbdt {
    train_binned(set, &bin_edges(set), params)
}

/// The same on chosen rows: bins are those of all rows, each weight is that of its copies.
pub(super) fn train_chosen(set: &TrainSet, choice: RowChoice, params: &GbdtParams) -> Gbdt {
    let mut chosen = set.clone();
    for (weight, &key) in chosen.weights.iter_mut().zip(&set.keys) {
        *weight = (*weight * choice.copies(key)).min(4096);
    }
    train_binned(&chosen, &bin_edges(set), params)
}

fn bin_edges(set: &TrainSet) -> Vec<Vec<u32>> {
    let live: Vec<usize> = (0..set.rows()).filter(|&row| set.weights[row] > 0).collect();
    (0..set.columns).map(|column| edges(set, &live, column)).collect()
}

fn train_binned(set: &TrainSet, edges: &[Vec<u32>], params: &GbdtParams) -> Gbdt {
    let live: Vec<usize> = (0..set.rows()).filter(|&row| set.weights[row] > 0).collect();
    let weight_of = |label: bool| -> u64 {
        live.iter().filter(|&&row| set.labels[row] == label).map(|&row| u64::from(set.weights[row])).sum()
    };
    let (clean, defective) = (weight_of(false), weight_of(true));
    let base = crate::exact::logit_q24(defective, clean + defective);
    let start = if params.balance_classes { 0 } else { base };
    let bin = |row: usize, column: usize| match ordered(set.row(row)[column]) {
        None => 0,
        Some(code) => 1 + edges[column].iter().filter(|&&edge| edge < code).count() as u8,
    };
    let mut rows: Vec<Row> = live
        .iter()
        .map(|&row| Row {
            key: set.keys[row],
            label: set.labels[row],
            weight: i128::from(set.weights[row]),
            bins: (0..set.columns).map(|column| bin(row, column)).collect(),
            score: i128::from(start),
        })
        .collect();
    let factors = if params.balance_classes { balance(clean, defective) } else { (65_536, 65_536) };
    let trees = (0..params.trees).map(|tree| grow(&mut rows, params, tree, factors)).collect();
    Gbdt { base_q24: base, edges: Edges::new(edges.to_vec()).unwrap(), trees }
}

/// Factors of clean and defective rows in Q16: the major class is scaled to the minor one.
fn balance(clean: u64, defective: u64) -> (i128, i128) {
    let (minor, major) = (clean.min(defective), clean.max(defective));
    let scaled = i128::from(((minor << 17) / major).div_ceil(2).clamp(1, 65_536));
    if clean > defective { (scaled, 65_536) } else { (65_536, scaled) }
}

fn edges(set: &TrainSet, live: &[usize], column: usize) -> Vec<u32> {
    let mut counts: BTreeMap<u32, u128> = BTreeMap::new();
    for &row in live {
        if let Some(code) = ordered(set.row(row)[column]) {
            *counts.entry(code).or_default() += u128::from(set.weights[row]);
        }
    }
    let last = counts.keys().next_back().copied();
    if counts.len() <= 255 {
        return counts.into_keys().filter(|&code| Some(code) != last).collect();
    }
    let mut edges = Vec::new();
    let (mut left, mut held) = (counts.values().sum::<u128>(), 0);
    for (&code, &count) in counts.iter().filter(|&(&code, _)| Some(code) != last) {
        held += count;
        let bins_left = 255 - edges.len() as u128;
        if bins_left > 1 && held * bins_left >= left {
            edges.push(code);
            left -= held;
            held = 0;
        }
    }
    edges
}

fn gradient(row: &Row, factors: (i128, i128)) -> Pair {
    let probability = i128::from(probability_q30(row.score as i64));
    let (target, factor) = if row.label { (1 << 30, factors.1) } else { (0, factors.0) };
    let round = |value: i128| (value * factor + (1 << 30)).div_euclid(1 << 31);
    let hessian = round((probability * ((1 << 30) - probability)) >> 30).max(1);
    (round(probability - target) * row.weight, hessian * row.weight)
}

fn grow(rows: &mut [Row], params: &GbdtParams, tree: u32, factors: (i128, i128)) -> Tree {
    let threshold = (u64::from(params.rows_per_tree_milli) << 32) / 1000;
    let seen = |row: &Row| u64::from(row_hash(params.seed, tree, row.key)) < threshold;
    let pairs: Vec<Pair> = rows.iter().map(|row| if seen(row) { gradient(row, factors) } else { (0, 0) }).collect();
    let columns = columns(rows[0].bins.len(), params, tree);
    let sum = |of: &[usize]| of.iter().fold((0, 0), |sum: Pair, &row| (sum.0 + pairs[row].0, sum.1 + pairs[row].1));
    let min = (i128::from(params.min_child_hessian_milli) * 32_768 / 1000).max(1);
    let lambda = f64::from(params.lambda_milli) * 32_768.0 / 1000.0;
    let look = |among: &[Row], of: &[usize]| best(among, &pairs, of, &columns, (lambda, min));
    let all: Vec<usize> = (0..rows.len()).collect();
    let root = Leaf { depth: 0, place: 0, total: sum(&all), split: look(rows, &all), rows: all };
    let mut nodes = vec![Node { cover: root.total.1.max(1) as u64, ..Node::default() }];
    let mut leaves = vec![root];
    loop {
        let room = params.leaves_max as usize - leaves.len();
        let mut order: Vec<usize> = (0..leaves.len())
            .filter(|&leaf| leaves[leaf].split.is_some() && leaves[leaf].depth < params.depth_max)
            .collect();
        let gain = |leaf: &Leaf| leaf.split.map_or(0.0, |split| split.0);
        order.sort_by(|&a, &b| {
            gain(&leaves[b]).total_cmp(&gain(&leaves[a])).then(leaves[a].place.cmp(&leaves[b].place))
        });
        order.truncate(if params.growth == Growth::Leaves { room.min(1) } else { room });
        if order.is_empty() {
            break;
        }
        for index in order {
            let parent = &leaves[index];
            let (_, column, bin) = parent.split.unwrap();
            let (left, right): (Vec<usize>, Vec<usize>) =
                parent.rows.iter().partition(|&&row| rows[row].bins[column] <= bin);
            let (place, depth) = (nodes.len(), parent.depth + 1);
            let old = &mut nodes[parent.place];
            (old.left, old.column, old.bin) = (place as u16, column as u16, bin);
            let mut children = [left, right].into_iter().zip(place..).map(|(of, place)| {
                let total = sum(&of);
                nodes.push(Node { cover: total.1 as u64, ..Node::default() });
                Leaf { depth, place, total, split: look(rows, &of), rows: of }
            });
            let (first, second) = (children.next().unwrap(), children.next().unwrap());
            drop(children);
            leaves[index] = first;
            leaves.push(second);
        }
    }
    for leaf in leaves {
        let value = value_q24(leaf.total, lambda, f64::from(params.learning_rate_milli) / 1000.0);
        nodes[leaf.place].value_q24 = value;
        leaf.rows.iter().for_each(|&row| rows[row].score += i128::from(value));
    }
    Tree { nodes }
}

fn columns(count: usize, params: &GbdtParams, tree: u32) -> Vec<usize> {
    let stream = mix(params.seed ^ 0x636f_6c75_6d6e_7331).wrapping_add(u64::from(tree) << 16);
    let mut columns: Vec<usize> = (0..count).collect();
    columns.sort_by_key(|&column| mix(stream.wrapping_add(column as u64)));
    columns.truncate((count * params.columns_per_tree_milli as usize).div_ceil(1000));
    columns.sort_unstable();
    columns
}

/// The largest gain above zero over all columns and bins; the first found wins ties.
fn best(
    rows: &[Row],
    pairs: &[Pair],
    of: &[usize],
    columns: &[usize],
    limits: (f64, i128),
) -> Option<(f64, usize, u8)> {
    let (lambda, min) = limits;
    let strength = |pair: Pair| pair.0 as f64 * pair.0 as f64 / (pair.1 as f64 + lambda);
    let total = of.iter().fold((0, 0), |sum: Pair, &row| (sum.0 + pairs[row].0, sum.1 + pairs[row].1));
    let mut found: Option<(f64, usize, u8)> = None;
    for &column in columns {
        for bin in 0..255u8 {
            let mut left: Pair = (0, 0);
            for &row in of.iter().filter(|&&row| rows[row].bins[column] <= bin) {
                left = (left.0 + pairs[row].0, left.1 + pairs[row].1);
            }
            let right = (total.0 - left.0, total.1 - left.1);
            if left.1 < min {
                continue;
            }
            if right.1 < min {
                break;
            }
            let gain = strength(left) + strength(right) - strength(total);
            if gain > found.map_or(0.0, |found| found.0) {
                found = Some((gain, column, bin));
            }
        }
    }
    found
}

fn value_q24(total: Pair, lambda: f64, rate: f64) -> i32 {
    if total.1 == 0 {
        return 0;
    }
    let value = -(total.0 as f64) / (total.1 as f64 + lambda) * rate * 16_777_216.0;
    value.round_ties_even().clamp(-2_147_483_647.0, 2_147_483_647.0) as i32
}
