// Sums of gradients and Hessians per column and bin, in two planes of 32-bit words in shared memory.
//
// A 64-bit add in shared memory is a loop of compare-and-swap; two 32-bit adds are native. A plane is flushed with 64-bit
// adds to global memory before the weight of its rows can exceed 65,535, which is what 32 bits hold. The bin that most rows
// of a column have is left out, because all lanes of a warp would queue for it, and recovered as the rest of the total.
#include "exact.cuh"

#define HISTOGRAM_THREADS 256u
// Columns of a block: two planes of sixteen times 256 words are 32 KiB.
#define GROUP_COLUMNS 16u
#define GROUP_WORDS (GROUP_COLUMNS / WORD_COLUMNS)
#define RESTORE_WARPS (HISTOGRAM_THREADS / WARP)
#define PLANE (GROUP_COLUMNS * BINS)

struct HistogramTask {
    const Job* job;
    // 256 entries a column, zero before.
    Sums* histogram;
    // Totals of the rows, zero before.
    Sums* total;
    u32 start;
    u32 end;
    // Rows of a block of threads.
    u32 rows_per_block;
    // Rows whose sums 32 bits can hold.
    u32 rows_per_flush;
};

// Part p of a task: columns from p % groups * 16, rows from p / groups * rows_per_block.
KERNEL(fill_histograms, HISTOGRAM_THREADS, const HistogramTask* tasks, const Block* blocks) {
    DYN_SHARED(planes);
    const Block block = blocks[blockIdx.x];
    if (block.task == IDLE) return;
    const HistogramTask task = tasks[block.task];
    const Job* job = global(task.job);
    const u32* order = global(job->order);
    const Pair* pairs = global(job->pairs);
    const u32 rows = job->rows;
    const u32 groups = (job->columns + GROUP_COLUMNS - 1) / GROUP_COLUMNS;
    const u32 group = block.part % groups;
    const u32 first_column = group * GROUP_COLUMNS;
    const u32 columns = smaller(job->columns - first_column, GROUP_COLUMNS);
    const u32* words = global(job->words) + (u64)group * GROUP_WORDS * rows;
    const u8* hot = global(job->hot) + first_column;
    const u32 first = task.start + block.part / groups * task.rows_per_block;
    const u32 end = smaller(first + task.rows_per_block, task.end);
    Sums sum = {0, 0};
    for (u32 i = threadIdx.x; i < 2 * PLANE; i += HISTOGRAM_THREADS) planes[i] = 0;
    for (u32 from = first; from < end; from += task.rows_per_flush) {
        __syncthreads();
        const u32 to = smaller(from + task.rows_per_flush, end);
        for (u32 i = from + threadIdx.x; i < to; i += HISTOGRAM_THREADS) {
            const u32 row = order[i];
            const Pair pair = pairs[row];
            sum.gradient += pair.gradient;
            sum.hessian += pair.hessian;
            // A Hessian of zero marks a row that the tree does not see.
            if (pair.hessian == 0) continue;
            for (u32 word = 0; word * WORD_COLUMNS < columns; word++) {
                const u32 bins = words[(u64)word * rows + row];
                const u32 within = smaller(columns - word * WORD_COLUMNS, WORD_COLUMNS);
                for (u32 column = 0; column < within; column++) {
                    const u32 bin = bin_of(bins, column);
                    if (bin == hot[word * WORD_COLUMNS + column]) continue;
                    const u32 at = (word * WORD_COLUMNS + column) * BINS + bin;
                    atomicAdd(&planes[at], (u32)pair.gradient);
                    atomicAdd(&planes[PLANE + at], (u32)pair.hessian);
                }
            }
        }
        __syncthreads();
        Sums* out = global(task.histogram) + (u64)first_column * BINS;
        for (u32 i = threadIdx.x; i < columns * BINS; i += HISTOGRAM_THREADS) {
            const u32 hessian = planes[PLANE + i];
            if (hessian != 0) {
                add(&out[i].gradient, (i32)planes[i]);
                add(&out[i].hessian, hessian);
                planes[i] = 0;
                planes[PLANE + i] = 0;
            }
        }
    }
    if (group == 0) {
        sum.gradient = warp_sum(sum.gradient);
        sum.hessian = warp_sum(sum.hessian);
        if (lane() == 0) {
            add(&task.total->gradient, sum.gradient);
            add(&task.total->hessian, sum.hessian);
        }
    }
}

// Part p of a task: columns from p * RESTORE_WARPS, one warp each. The bin left out is the total less all others.
KERNEL(restore_hot_bins, HISTOGRAM_THREADS, const HistogramTask* tasks, const Block* blocks) {
    const Block block = blocks[blockIdx.x];
    if (block.task == IDLE) return;
    const HistogramTask task = tasks[block.task];
    const u32 column = block.part * RESTORE_WARPS + threadIdx.x / WARP;
    if (column >= task.job->columns) return;
    Sums* bins = global(task.histogram) + (u64)column * BINS;
    Sums sum = {0, 0};
    for (u32 bin = lane(); bin < BINS; bin += WARP) {
        sum.gradient += bins[bin].gradient;
        sum.hessian += bins[bin].hessian;
    }
    sum.gradient = warp_sum(sum.gradient);
    sum.hessian = warp_sum(sum.hessian);
    if (lane() == 0) {
        const Sums rest = {task.total->gradient - sum.gradient, task.total->hessian - sum.hessian};
        bins[task.job->hot[column]] = rest;
    }
}

struct SubtractTask {
    Sums* from;
    const Sums* minus;
    u32 entries;
    u32 unused;
};

#define SUBTRACT_ENTRIES 1024u

// Part p of a task: entries from p * SUBTRACT_ENTRIES.
KERNEL(subtract_histograms, HISTOGRAM_THREADS, const SubtractTask* tasks, const Block* blocks) {
    const Block block = blocks[blockIdx.x];
    if (block.task == IDLE) return;
    const SubtractTask task = tasks[block.task];
    const u32 first = block.part * SUBTRACT_ENTRIES;
    const u32 end = smaller(first + SUBTRACT_ENTRIES, task.entries);
    Sums* from = global(task.from);
    const Sums* minus = global(task.minus);
    for (u32 i = first + threadIdx.x; i < end; i += HISTOGRAM_THREADS) {
        const Sums less = minus[i];
        from[i].gradient -= less.gradient;
        from[i].hessian -= less.hessian;
    }
}

// Part p of a task: entries of `from` from p * SUBTRACT_ENTRIES are set to zero.
KERNEL(clear_histograms, HISTOGRAM_THREADS, const SubtractTask* tasks, const Block* blocks) {
    const Block block = blocks[blockIdx.x];
    if (block.task == IDLE) return;
    const SubtractTask task = tasks[block.task];
    const u32 first = block.part * SUBTRACT_ENTRIES;
    const u32 end = smaller(first + SUBTRACT_ENTRIES, task.entries);
    for (u32 i = first + threadIdx.x; i < end; i += HISTOGRAM_THREADS) {
        const Sums zero = {0, 0};
        global(task.from)[i] = zero;
    }
}
