//! Trees too deep for brute force: their Shapley values from polynomial coefficients instead of quadrature.

use super::scoring::{contributions_add_up, scores_are_the_walk};
use crate::backend::{Backend, ForestTask};
use crate::edges::Edges;
use crate::exact::{mix, ordered};
use crate::gbdt::{Gbdt, Node, Tree};
use crate::rows::Rows;

/// Columns on the longest path: more than the middle quadrature integrates.
const DEPTH: u16 = 20;

/// A vine asks for a new column at every node: node 2l, at level l, has the leaf 2l + 1 and the next level 2l + 2 as children.
fn vine() -> Gbdt {
    let mut nodes = Vec::new();
    for level in 0..DEPTH {
        let leaf = (i32::from(level) - 7) << 20;
        nodes.push(Node { left: 2 * level + 1, column: level, bin: 1, value_q24: 0, cover: 1 << (40 - level) });
        nodes.push(Node { value_q24: leaf, cover: 1 << (39 - level), ..Node::default() });
    }
    nodes.push(Node { value_q24: 5 << 24, cover: 1 << (40 - DEPTH), ..Node::default() });
    let edge = ordered(0.0).unwrap();
    let edges = Edges::new(vec![vec![edge]; usize::from(DEPTH)]).unwrap();
    Gbdt { base_q24: 3, edges, trees: vec![Tree { nodes }] }
}

pub(super) fn deep_trees_are_explained<B: Backend>(backend: &B) {
    let (model, columns) = (vine(), usize::from(DEPTH));
    let drawn = |index: u64| if mix(index).is_multiple_of(8) { -1.0 } else { 1.0 };
    let features: Vec<f32> = (0..9 * u64::from(DEPTH)).map(drawn).chain(vec![1.0; columns]).collect();
    let rows = Rows { columns, features: &features };
    scores_are_the_walk(backend, &model, rows, "vine");
    contributions_add_up(backend, &model, rows, "vine");
    let forest = backend.forests(&[&model]).unwrap().pop().unwrap();
    let made = backend.explain(&[ForestTask { forest: &forest, rows }]).unwrap().pop().unwrap();
    for (row, made) in features.chunks_exact(columns).zip(made) {
        for (found, exact) in made.features_q24.iter().zip(product_game(&model.trees()[0], row)) {
            assert!((*found as f64 - exact).abs() <= 12.0, "{found} for {exact}");
        }
    }
}

/// Shapley values of a tree whose paths ask for each column once, by polynomial coefficients instead of quadrature.
fn product_game(tree: &Tree, row: &[f32]) -> Vec<f64> {
    let mut values = vec![0.0; row.len()];
    let mut path: Vec<(usize, f64, f64)> = Vec::new();
    let mut at = 0;
    loop {
        let node = tree.nodes[at];
        let [left, right] = node.children();
        let share = |child: usize| tree.nodes[child].cover as f64 / node.cover as f64;
        let column = usize::from(node.column);
        let known = f64::from(u8::from(row[column] > 0.0));
        path.push((column, share(left), 1.0 - known));
        add_product(&path, f64::from(tree.nodes[left].value_q24), &mut values);
        path.pop();
        path.push((column, share(right), known));
        if tree.nodes[right].is_leaf() {
            add_product(&path, f64::from(tree.nodes[right].value_q24), &mut values);
            return values;
        }
        at = right;
    }
}

fn add_product(path: &[(usize, f64, f64)], value: f64, values: &mut [f64]) {
    let count = path.len();
    for (skip, &(column, share, known)) in path.iter().enumerate() {
        // Coefficient k: the sum over sets of k known columns of the product of all factors.
        let mut coefficients = vec![1.0];
        for (_, &(_, share, known)) in path.iter().enumerate().filter(|(index, _)| *index != skip) {
            let mut next = vec![0.0; coefficients.len() + 1];
            for (power, coefficient) in coefficients.iter().enumerate() {
                next[power] += coefficient * share;
                next[power + 1] += coefficient * known;
            }
            coefficients = next;
        }
        let mut weight = 1.0 / count as f64;
        let mut sum = 0.0;
        for (size, coefficient) in coefficients.iter().enumerate() {
            sum += weight * coefficient;
            weight *= (size + 1) as f64 / (count - 1 - size).max(1) as f64;
        }
        values[column] += value * (known - share) * sum;
    }
}
