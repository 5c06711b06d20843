// How many rows fall into each bin, and which bin most rows of a column have.
#include "exact.cuh"

#define COUNT_THREADS 256u
#define COUNT_ROWS 16384u

struct CountTask {
    const u32* words;
    // 256 a column, zero before.
    i64* counts;
    // One a column; null where nobody asks.
    u8* hot;
    u32 rows;
    u32 columns;
};

// Part p of a task: word p % words, rows from p / words * COUNT_ROWS.
KERNEL(count_bins, COUNT_THREADS, const CountTask* tasks, const Block* blocks) {
    __shared__ u32 counts[WORD_COLUMNS * BINS];
    const Block block = blocks[blockIdx.x];
    const CountTask task = tasks[block.task];
    const u32 words = (task.columns + WORD_COLUMNS - 1) / WORD_COLUMNS;
    const u32 word = block.part % words;
    const u32 first = block.part / words * COUNT_ROWS;
    const u32 end = smaller(first + COUNT_ROWS, task.rows);
    const u32 columns = smaller(task.columns - word * WORD_COLUMNS, WORD_COLUMNS);
    const u32* own = global(task.words) + (u64)word * task.rows;
    i64* sums = global(task.counts) + (u64)word * WORD_COLUMNS * BINS;
    for (u32 i = threadIdx.x; i < WORD_COLUMNS * BINS; i += COUNT_THREADS) counts[i] = 0;
    __syncthreads();
    for (u32 row = first + threadIdx.x; row < end; row += COUNT_THREADS) {
        const u32 bins = own[row];
        for (u32 column = 0; column < columns; column++) {
            atomicAdd(&counts[column * BINS + bin_of(bins, column)], 1u);
        }
    }
    __syncthreads();
    for (u32 i = threadIdx.x; i < columns * BINS; i += COUNT_THREADS) {
        if (counts[i] != 0) add(&sums[i], counts[i]);
    }
}

// Part p of a task: column p. Ties go to the lowest bin, though any choice gives the same sums.
KERNEL(find_hot_bins, WARP, const CountTask* tasks, const Block* blocks) {
    const Block block = blocks[blockIdx.x];
    const CountTask task = tasks[block.task];
    const i64* counts = global(task.counts) + (u64)block.part * BINS;
    i64 most = 0;
    u32 bin = BINS;
    for (u32 i = threadIdx.x; i < BINS; i += WARP) {
        if (counts[i] > most) {
            most = counts[i];
            bin = i;
        }
    }
    for (u32 distance = WARP / 2; distance > 0; distance /= 2) {
        const i64 other = __shfl_xor_sync(ALL_LANES, most, distance);
        const u32 other_bin = __shfl_xor_sync(ALL_LANES, bin, distance);
        if (other > most || (other == most && other_bin < bin)) {
            most = other;
            bin = other_bin;
        }
    }
    if (threadIdx.x == 0) global(task.hot)[block.part] = (u8)bin;
}
