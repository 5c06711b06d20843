// Path-dependent Shapley values: one thread takes one row through one tree, in the CPU's order of operations.
//
// One pass down multiplies the factors of a node's path at every quadrature point, one pass up adds the leaves and leaves
// each edge's share behind. Shares are rounded to Q40 and summed as integers, so the order of trees is free.
#include "exact.cuh"

#define EXPLAIN_THREADS 64u
// Adding and removing it rounds a number below 2^51 to the nearest integer, half to even, into the low bits.
#define ROUND 6755399441055744.0

// The edge into a node.
struct PathEdge {
    u32 parent;
    // The node whose edge asked for the same column before; 0 for none.
    u32 previous;
    u16 column;
    // The row stays on the path while its bin is within both.
    u8 low;
    u8 high;
};

struct PathTree {
    // Where the tree's quadrature weights, then three multipliers and three shares per edge, each with one number per
    // point, stand among the factors.
    u64 first_factor;
    // Where its edges and, less one per tree before, its nodes stand.
    u32 first_edge;
    u32 first_value;
    u32 nodes;
    u32 points;
};

struct ExplainTask {
    const u32* words;
    const PathTree* trees;
    const PathEdge* edges;
    const double* factors;
    // Value of each node in Q40; zero for inner nodes.
    const double* values;
    // One per row and column, zero before.
    i64* totals_q40;
    // Room for the products and the marks of every block of threads.
    double* products;
    u8* is_known;
    u64 products_per_block;
    u64 marks_per_block;
    u32 rows;
    u32 columns;
    u32 tree_count;
    // Parts that earlier launches did.
    u32 first_part;
};

// Part p of a task, with p counted from first_part: tree p % tree_count, rows from p / tree_count * EXPLAIN_THREADS.
KERNEL(explain_rows, EXPLAIN_THREADS, const ExplainTask* tasks, const Block* blocks) {
    const Block block = blocks[blockIdx.x];
    const ExplainTask task = tasks[block.task];
    const u32 part = task.first_part + block.part;
    const PathTree tree = global(task.trees)[part % task.tree_count];
    const u32 row = part / task.tree_count * EXPLAIN_THREADS + threadIdx.x;
    if (row >= task.rows) return;
    const u32 points = tree.points;
    const double* weights = global(task.factors) + tree.first_factor;
    const double* factors = weights + points;
    const PathEdge* edges = global(task.edges) + tree.first_edge;
    const double* values = global(task.values) + tree.first_value;
    // Neighbouring threads have neighbouring numbers.
    double* products = global(task.products) + blockIdx.x * task.products_per_block + threadIdx.x;
    u8* is_known = global(task.is_known) + blockIdx.x * task.marks_per_block + threadIdx.x;
    is_known[0] = 1;
    for (u32 q = 0; q < points; q++) products[q * EXPLAIN_THREADS] = weights[q];
    for (u32 node = 1; node < tree.nodes; node++) {
        const PathEdge edge = edges[node - 1];
        const u32 bin = bin_of(global(task.words)[(u64)(edge.column / WORD_COLUMNS) * task.rows + row], edge.column % WORD_COLUMNS);
        const u8 known = edge.low <= bin && bin <= edge.high;
        is_known[node * EXPLAIN_THREADS] = known;
        const u32 state = is_known[edge.previous * EXPLAIN_THREADS] + known;
        const double* multipliers = factors + ((u64)(node - 1) * 6 + state) * points;
        const double* from = products + (u64)edge.parent * points * EXPLAIN_THREADS;
        double* to = products + (u64)node * points * EXPLAIN_THREADS;
        for (u32 q = 0; q < points; q++) {
            to[q * EXPLAIN_THREADS] = __dmul_rn(from[q * EXPLAIN_THREADS], multipliers[q]);
        }
    }
    // Upwards a node's entry becomes the sum of its leaves' products, so inner nodes start from zero.
    for (u32 node = 0; node < tree.nodes; node++) {
        double* own = products + (u64)node * points * EXPLAIN_THREADS;
        for (u32 q = 0; q < points; q++) own[q * EXPLAIN_THREADS] = __dmul_rn(own[q * EXPLAIN_THREADS], values[node]);
    }
    i64* totals = global(task.totals_q40) + (u64)row * task.columns;
    for (u32 node = tree.nodes - 1; node > 0; node--) {
        const PathEdge edge = edges[node - 1];
        const u32 state = is_known[edge.previous * EXPLAIN_THREADS] + is_known[node * EXPLAIN_THREADS];
        const double* shares = factors + ((u64)(node - 1) * 6 + 3 + state) * points;
        const double* own = products + (u64)node * points * EXPLAIN_THREADS;
        double* parent = products + (u64)edge.parent * points * EXPLAIN_THREADS;
        double share = 0;
        for (u32 q = 0; q < points; q++) {
            const double sum = own[q * EXPLAIN_THREADS];
            share = __dadd_rn(share, __dmul_rn(sum, shares[q]));
            parent[q * EXPLAIN_THREADS] = __dadd_rn(parent[q * EXPLAIN_THREADS], sum);
        }
        const i64 rounded = __double_as_longlong(__dadd_rn(share, ROUND)) - __double_as_longlong(ROUND);
        add(&totals[edge.column], rounded);
    }
}
