// Gradients and Hessians of the logistic loss at the present scores, zero for rows the tree does not see.
#include "exact.cuh"

#define GRADIENT_THREADS 256u
#define GRADIENT_ROWS 2048u

struct GradientTask {
    const Job* job;
    Sums* total;
    // Seed and tree, mixed: the stream of row hashes.
    u64 stream;
};

struct StartTask {
    const Job* job;
    i64 score_q24;
};

// The probability of log-odds given in Q24, in Q30, by linear interpolation in the table of [0, 16].
static __device__ __forceinline__ i64 probability_q30(i64 score, const u32* table) {
    const u64 end = (16ull << 24) - 1;
    u64 magnitude = score < 0 ? 0 - (u64)score : (u64)score;
    if (magnitude > end) magnitude = end;
    const u32 low = table[magnitude >> 16];
    const u32 high = table[(magnitude >> 16) + 1];
    const i64 value = low + (u32)(((u64)(high - low) * (magnitude & 0xffff) + 0x8000) >> 16);
    return score >= 0 ? value : (1ll << 30) - value;
}

// Q30 times a class factor in Q16, in units of 2^-15, half up.
static __device__ __forceinline__ i64 to_units(i64 q30, u32 factor) { return (q30 * (i64)factor + (1ll << 30)) >> 31; }

// Sets every score of a job to its start.
KERNEL(start_scores, GRADIENT_THREADS, const StartTask* tasks, const Block* blocks) {
    const Block block = blocks[blockIdx.x];
    const StartTask task = tasks[block.task];
    const u32 first = block.part * GRADIENT_ROWS;
    const u32 end = smaller(first + GRADIENT_ROWS, global(task.job)->rows);
    i64* scores = global(global(task.job)->scores);
    for (u32 row = first + threadIdx.x; row < end; row += GRADIENT_THREADS) scores[row] = task.score_q24;
}

// Part p of a task: rows from p * GRADIENT_ROWS. Also puts the rows back into their first order.
KERNEL(gradients, GRADIENT_THREADS, const GradientTask* tasks, const Block* blocks) {
    __shared__ Sums warps[GRADIENT_THREADS / WARP];
    const Block block = blocks[blockIdx.x];
    if (block.task == IDLE) return;
    const GradientTask task = tasks[block.task];
    const Job job = *global(task.job);
    const u32 first = block.part * GRADIENT_ROWS;
    const u32 end = smaller(first + GRADIENT_ROWS, job.rows);
    Sums sum = {0, 0};
    for (u32 row = first + threadIdx.x; row < end; row += GRADIENT_THREADS) {
        Pair pair = {0, 0};
        if (mix(global(job.keys)[row] ^ task.stream) >> 32 < job.row_hash_below) {
            const u32 mark = global(job.marks)[row];
            const i64 weight = mark >> 1;
            const i64 probability = probability_q30(global(job.scores)[row], global(job.sigmoid_q30));
            const u32 factor = mark & 1 ? job.defective_q16 : job.clean_q16;
            const i64 target = mark & 1 ? 1ll << 30 : 0;
            // At least one unit: a row that no longer moves must not make its leaf's denominator vanish.
            const i64 hessian = to_units((probability * ((1ll << 30) - probability)) >> 30, factor);
            pair.gradient = (i32)(to_units(probability - target, factor) * weight);
            pair.hessian = (i32)((hessian > 1 ? hessian : 1) * weight);
        }
        global(job.pairs)[row] = pair;
        global(job.order)[row] = row;
        sum.gradient += pair.gradient;
        sum.hessian += pair.hessian;
    }
    sum.gradient = warp_sum(sum.gradient);
    sum.hessian = warp_sum(sum.hessian);
    if (lane() == 0) warps[threadIdx.x / WARP] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        for (u32 warp = 1; warp < GRADIENT_THREADS / WARP; warp++) {
            sum.gradient += warps[warp].gradient;
            sum.hessian += warps[warp].hessian;
        }
        add(&task.total->gradient, sum.gradient);
        add(&task.total->hessian, sum.hessian);
    }
}
