// Scores of binned rows: a chunk of trees in shared memory, one thread a row, leaf values summed as integers.
#include "exact.cuh"

#define SCORE_THREADS 128u

struct TreeSpan {
    // Index of the root among the nodes of the forest.
    u32 first;
    u32 depth;
};

// Trees that fit into shared memory together.
struct TreeChunk {
    u32 first_tree;
    u32 end_tree;
    u32 first_node;
    u32 nodes;
};

struct ScoreTask {
    // Bins of the rows, four columns a word, word-major.
    const u32* words;
    // Left child in the high twelve bits, column in the next twelve, bin in the low eight; leaves lead to themselves.
    const u32* nodes;
    const i32* values;
    const TreeSpan* trees;
    const TreeChunk* chunks;
    // Zero before; the host adds the base score.
    i64* scores;
    u32 rows;
    u32 words_per_row;
    u32 chunk_count;
    // Rows of a block of threads, a divisor of the number of threads; what is left over divides the trees.
    u32 rows_per_block;
};

// Part p of a task: chunk p % chunk_count of the trees, rows from p / chunk_count * rows_per_block.
KERNEL(score_rows, SCORE_THREADS, const ScoreTask* tasks, const Block* blocks) {
    DYN_SHARED(shared);
    const Block block = blocks[blockIdx.x];
    if (block.task == IDLE) return;
    const ScoreTask task = tasks[block.task];
    const TreeChunk chunk = global(task.chunks)[block.part % task.chunk_count];
    const u32 first = block.part / task.chunk_count * task.rows_per_block;
    const u32 rows = smaller(task.rows - first, task.rows_per_block);
    u32* nodes = shared;
    u32* values = nodes + chunk.nodes;
    u32* bins = values + chunk.nodes;
    for (u32 i = threadIdx.x; i < chunk.nodes; i += SCORE_THREADS) {
        nodes[i] = global(task.nodes)[chunk.first_node + i];
        values[i] = (u32)global(task.values)[chunk.first_node + i];
    }
    const u32 own = threadIdx.x % task.rows_per_block;
    const u32 share = threadIdx.x / task.rows_per_block;
    const u32 shares = SCORE_THREADS / task.rows_per_block;
    if (own < rows) {
        for (u32 word = share; word < task.words_per_row; word += shares) {
            bins[word * task.rows_per_block + own] = global(task.words)[(u64)word * task.rows + first + own];
        }
    }
    __syncthreads();
    if (own >= rows) return;
    i64 sum = 0;
    for (u32 tree = chunk.first_tree + share; tree < chunk.end_tree; tree += shares) {
        const TreeSpan span = global(task.trees)[tree];
        const u32 root = span.first - chunk.first_node;
        u32 at = root;
        for (u32 depth = 0; depth < span.depth; depth++) {
            const u32 node = nodes[at];
            const u32 column = node >> 8 & 0xfffu;
            const u32 bin = bin_of(bins[column / WORD_COLUMNS * task.rows_per_block + own], column % WORD_COLUMNS);
            at = root + (node >> 20) + (bin > (node & 255u) ? 1 : 0);
        }
        sum += (i32)values[at];
    }
    add(&task.scores[first + own], sum);
}
