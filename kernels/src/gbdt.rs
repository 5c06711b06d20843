//! A model of boosted trees: edges, trees and a base score, all integers.
//!
//! The score of a row is the base plus one leaf value per tree, so it is exact in any order. A node's cover is the Hessian
//! sum of the training rows that reached it; covers add up from leaf to root, which the explanation relies on.

use crate::KernelError;
use crate::bytes::{Reader, Writer};
use crate::edges::Edges;
use crate::exact::{BINS, COLUMNS_MAX, EDGES_MAX};
use crate::params::{DEPTH_MAX, LEAVES_MAX, TREES_MAX};

/// Nodes of a tree at most.
const NODES_MAX: usize = 2 * LEAVES_MAX as usize - 1;

/// One node. Children stand behind their parent, the right one directly behind the left one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Node {
    /// Index of the left child; 0 marks a leaf, because no child is the root.
    pub left: u16,
    /// Column that decides at an inner node.
    pub column: u16,
    /// Rows whose bin is at most this go left; missing values have bin 0 and always do.
    pub bin: u8,
    /// Value of a leaf in Q24.
    pub value_q24: i32,
    /// Hessian sum of the training rows here, in units of 2^-15, at least one.
    pub cover: u64,
}

impl Node {
    /// Whether the node has no children.
    pub fn is_leaf(&self) -> bool {
        self.left == 0
    }

    /// The two children of an inner node.
    pub(crate) fn children(&self) -> [usize; 2] {
        [usize::from(self.left), usize::from(self.left) + 1]
    }
}

/// One tree; the root is node 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tree {
    /// Nodes, parents before children.
    pub nodes: Vec<Node>,
}

impl Tree {
    /// Depth of every node, the root at 0.
    pub(crate) fn depths(&self) -> Vec<u32> {
        let mut depths = vec![0; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate().filter(|(_, node)| !node.is_leaf()) {
            for child in node.children() {
                depths[child] = depths[index] + 1;
            }
        }
        depths
    }

    /// What is wrong with the tree, if anything: it must be a tree over `columns` whose covers add up.
    fn fault(&self, columns: usize) -> Option<&'static str> {
        if !(1..=NODES_MAX).contains(&self.nodes.len()) {
            return Some("a tree has no nodes or too many");
        }
        let mut parents = vec![0u8; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            if node.cover == 0 || node.cover > 1 << 52 {
                return Some("a node's cover is out of range");
            }
            if node.is_leaf() {
                continue;
            }
            let [left, right] = node.children();
            if left <= index || right >= self.nodes.len() {
                return Some("a child does not stand behind its parent");
            }
            if usize::from(node.column) >= columns || usize::from(node.bin) >= BINS - 1 {
                return Some("a node asks for a column or bin that does not exist");
            }
            // Each cover is bounded above, so the sum cannot overflow.
            if self.nodes[left].cover.saturating_add(self.nodes[right].cover) != node.cover {
                return Some("the covers of children do not add up");
            }
            parents[left] += 1;
            parents[right] += 1;
            if parents[left] > 1 || parents[right] > 1 {
                return Some("a node has two parents");
            }
        }
        if parents[1..].contains(&0) {
            return Some("a node has no parent");
        }
        self.depths().iter().any(|&depth| depth > DEPTH_MAX).then_some("a tree is too deep")
    }
}

/// Boosted trees.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gbdt {
    pub(crate) base_q24: i64,
    pub(crate) edges: Edges,
    pub(crate) trees: Vec<Tree>,
}

impl Gbdt {
    /// Features per row.
    pub fn columns(&self) -> usize {
        self.edges.count()
    }

    /// The score before any tree: log-odds of the share of defective rows, in Q24.
    pub fn base_q24(&self) -> i64 {
        self.base_q24
    }

    /// Where the bins of each column end.
    pub fn edges(&self) -> &Edges {
        &self.edges
    }

    /// The trees, in the order they were grown.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// The score of one row, node by node: the definition that every backend must agree with.
    pub fn score_row(&self, row: &[f32]) -> i64 {
        let value = |tree: &Tree| {
            let mut node = tree.nodes[0];
            while !node.is_leaf() {
                let column = usize::from(node.column);
                let goes_right = self.edges.bin(column, row[column]) > node.bin;
                node = tree.nodes[node.children()[usize::from(goes_right)]];
            }
            i64::from(node.value_q24)
        };
        self.base_q24 + self.trees.iter().map(value).sum::<i64>()
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.i64(self.base_q24);
        writer.u32(self.columns() as u32);
        for column in 0..self.columns() {
            let edges = self.edges.column(column);
            writer.u32(edges.len() as u32);
            edges.iter().for_each(|&edge| writer.u32(edge));
        }
        writer.u32(self.trees.len() as u32);
        for tree in &self.trees {
            writer.u32(tree.nodes.len() as u32);
            for node in &tree.nodes {
                writer.u16(node.left);
                writer.u16(node.column);
                writer.u8(node.bin);
                writer.i32(node.value_q24);
                writer.u64(node.cover);
            }
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, KernelError> {
        let base_q24 = reader.i64()?;
        if base_q24.unsigned_abs() > 1 << 40 {
            return Err(reader.fault("the base score is out of range"));
        }
        let mut columns = Vec::new();
        for _ in 0..reader.length(1, COLUMNS_MAX)? {
            let count = reader.length(0, EDGES_MAX)?;
            columns.push((0..count).map(|_| reader.u32()).collect::<Result<Vec<u32>, _>>()?);
        }
        let edges = Edges::new(columns).ok_or(reader.fault("the edges of a column do not increase"))?;
        let mut trees = Vec::new();
        for _ in 0..reader.length(1, TREES_MAX as usize)? {
            let tree = Tree { nodes: read_nodes(reader)? };
            if let Some(reason) = tree.fault(edges.count()) {
                return Err(reader.fault(reason));
            }
            trees.push(tree);
        }
        Ok(Self { base_q24, edges, trees })
    }
}

fn read_nodes(reader: &mut Reader<'_>) -> Result<Vec<Node>, KernelError> {
    (0..reader.length(1, NODES_MAX)?)
        .map(|_| {
            Ok(Node {
                left: reader.u16()?,
                column: reader.u16()?,
                bin: reader.u8()?,
                value_q24: reader.i32()?,
                cover: reader.u64()?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::ordered;

    fn leaf(value_q24: i32, cover: u64) -> Node {
        Node { value_q24, cover, ..Node::default() }
    }

    fn model() -> Gbdt {
        let nodes = vec![Node { left: 1, column: 1, bin: 1, value_q24: 0, cover: 7 }, leaf(-5, 3), leaf(9, 4)];
        let edges = Edges::new(vec![vec![], vec![ordered(2.0).unwrap()]]).unwrap();
        Gbdt { base_q24: 100, edges, trees: vec![Tree { nodes }] }
    }

    fn written(model: &Gbdt) -> Vec<u8> {
        let mut writer = Writer::default();
        model.write(&mut writer);
        writer.sealed()
    }

    fn read(bytes: &[u8]) -> Result<Gbdt, KernelError> {
        Gbdt::read(&mut Reader::open(bytes)?)
    }

    #[test]
    fn a_model_scores_and_survives_its_bytes() {
        let model = model();
        assert_eq!(model.score_row(&[0.0, 2.0]), 95);
        assert_eq!(model.score_row(&[0.0, 2.1]), 109);
        assert_eq!(model.score_row(&[0.0, f32::NAN]), 95);
        assert_eq!(read(&written(&model)), Ok(model));
    }

    #[test]
    fn sealed_nonsense_is_refused() {
        type Fault = fn(&mut Gbdt);
        let faults: [Fault; 9] = [
            |m| m.trees.clear(),
            |m| m.trees[0].nodes.clear(),
            |m| m.trees[0].nodes[0].left = 2,
            |m| m.trees[0].nodes[1].left = 1,
            |m| m.trees[0].nodes[0].column = 2,
            |m| m.trees[0].nodes[0].bin = 255,
            |m| m.trees[0].nodes[1].cover = 0,
            |m| m.trees[0].nodes[2].cover = 5,
            |m| m.trees[0].nodes.push(leaf(1, 1)),
        ];
        for (index, fault) in faults.iter().enumerate() {
            let mut broken = model();
            fault(&mut broken);
            assert!(matches!(read(&written(&broken)), Err(KernelError::Corrupt { .. })), "fault {index}");
        }
    }
}
