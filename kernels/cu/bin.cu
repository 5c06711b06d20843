// Bins of rows: each value's place among the edges of its column.
#include "exact.cuh"

#define BIN_THREADS 256u
#define BIN_ROWS 1024u

struct BinTask {
    // Bits of the features, row after row.
    const u32* features;
    // 256 codes a column: the edges, increasing, then the largest code.
    const u32* edges;
    u32* words;
    u32 rows;
    u32 columns;
};

// A feature value as an order-preserving integer; 0, which no value has, for "missing".
static __device__ __forceinline__ u32 ordered(u32 bits) {
    const u32 infinity = 0x7f800000u;
    u32 magnitude = bits & 0x7fffffffu;
    if (magnitude > infinity) return 0;
    // Infinities are the largest finite value, minus zero is zero.
    if (magnitude == infinity) bits -= 1;
    if (magnitude == 0) bits = 0;
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

// Part p of a task: word p % words, rows from p / words * BIN_ROWS.
KERNEL(bin_rows, BIN_THREADS, const BinTask* tasks, const Block* blocks) {
    __shared__ u32 edges[WORD_COLUMNS * BINS];
    const Block block = blocks[blockIdx.x];
    if (block.task == IDLE) return;
    const BinTask task = tasks[block.task];
    const u32 words = (task.columns + WORD_COLUMNS - 1) / WORD_COLUMNS;
    const u32 word = block.part % words;
    const u32 first = block.part / words * BIN_ROWS;
    const u32 columns = smaller(task.columns - word * WORD_COLUMNS, WORD_COLUMNS);
    for (u32 i = threadIdx.x; i < columns * BINS; i += BIN_THREADS) {
        edges[i] = global(task.edges)[(u64)word * WORD_COLUMNS * BINS + i];
    }
    __syncthreads();
    const u32 end = smaller(first + BIN_ROWS, task.rows);
    for (u32 row = first + threadIdx.x; row < end; row += BIN_THREADS) {
        u32 bins = 0;
        for (u32 column = 0; column < columns; column++) {
            u32 code = ordered(global(task.features)[(u64)row * task.columns + word * WORD_COLUMNS + column]);
            const u32* own = edges + column * BINS;
            // Eight halvings count the edges below the code; the padding is above every code.
            u32 below = 0;
            for (u32 step = BINS / 2; step > 0; step /= 2) {
                if (own[below + step - 1] < code) below += step;
            }
            bins |= (code == 0 ? 0 : below + 1) << (8 * column);
        }
        global(task.words)[(u64)word * task.rows + row] = bins;
    }
}
