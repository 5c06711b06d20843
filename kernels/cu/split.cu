// The best split of a node: a scan over each column's bins, then the best of its columns.
//
// The largest gain wins; ties go to the lowest column, then to the lowest bin.
#include "exact.cuh"

#define SCAN_THREADS BINS
#define SCAN_WARPS (SCAN_THREADS / WARP)

struct Candidate {
    // Zero: no split gains.
    double gain;
    Sums left;
    u32 column;
    u32 bin;
};

struct SplitTask {
    const Sums* histogram;
    const u16* columns;
    // One per column.
    Candidate* candidates;
    // Zero before.
    Candidate* best;
    Sums total;
    double lambda;
    i64 min_hessian;
    u32 column_count;
    u32 unused;
};

static __device__ __forceinline__ bool wins(double gain, u32 place, double other_gain, u32 other_place) {
    return gain > other_gain || (gain == other_gain && place < other_place);
}

// The best (gain, lowest place) of a warp, in every lane.
static __device__ __forceinline__ void warp_best(double* gain, u32* place) {
    for (u32 distance = WARP / 2; distance > 0; distance /= 2) {
        const double other_gain = __shfl_xor_sync(ALL_LANES, *gain, distance);
        const u32 other_place = __shfl_xor_sync(ALL_LANES, *place, distance);
        if (wins(other_gain, other_place, *gain, *place)) {
            *gain = other_gain;
            *place = other_place;
        }
    }
}

// The sums of this bin and all bins before it; one thread a bin.
static __device__ __forceinline__ Sums prefix_sums(Sums sums, Sums* warps) {
    for (u32 distance = 1; distance < WARP; distance *= 2) {
        const i64 gradient = __shfl_up_sync(ALL_LANES, sums.gradient, distance);
        const i64 hessian = __shfl_up_sync(ALL_LANES, sums.hessian, distance);
        if (lane() >= distance) {
            sums.gradient += gradient;
            sums.hessian += hessian;
        }
    }
    if (lane() == WARP - 1) warps[threadIdx.x / WARP] = sums;
    __syncthreads();
    for (u32 warp = 0; warp < threadIdx.x / WARP; warp++) {
        sums.gradient += warps[warp].gradient;
        sums.hessian += warps[warp].hessian;
    }
    return sums;
}

// Part p of a task: the p-th of its columns; one thread a bin.
KERNEL(scan_columns, SCAN_THREADS, const SplitTask* tasks, const Block* blocks) {
    __shared__ Sums warps[SCAN_WARPS];
    __shared__ double gains[SCAN_WARPS];
    __shared__ u32 bins[SCAN_WARPS];
    const Block block = blocks[blockIdx.x];
    const SplitTask task = tasks[block.task];
    const u32 column = task.columns[block.part];
    const Sums own = task.histogram[(u64)column * BINS + threadIdx.x];
    const Sums left = prefix_sums(own, warps);
    const Sums right = {task.total.gradient - left.gradient, task.total.hessian - left.hessian};
    double gain = 0;
    if (own.hessian != 0 && left.hessian >= task.min_hessian && right.hessian >= task.min_hessian) {
        const double parts = __dadd_rn(strength(left, task.lambda), strength(right, task.lambda));
        gain = __dsub_rn(parts, strength(task.total, task.lambda));
    }
    double best_gain = gain;
    u32 best_bin = threadIdx.x;
    warp_best(&best_gain, &best_bin);
    if (lane() == 0) {
        gains[threadIdx.x / WARP] = best_gain;
        bins[threadIdx.x / WARP] = best_bin;
    }
    __syncthreads();
    for (u32 warp = 0; warp < SCAN_WARPS; warp++) {
        if (wins(gains[warp], bins[warp], best_gain, best_bin)) {
            best_gain = gains[warp];
            best_bin = bins[warp];
        }
    }
    // Gains below zero lose to the zero of a bin that cannot split, the last one at least.
    if (threadIdx.x == best_bin) {
        const Candidate found = {best_gain > 0 ? best_gain : 0, left, column, best_bin};
        task.candidates[block.part] = found;
    }
}

// Part 0 of a task: one warp takes the best of the candidates, which stand in the order of their columns.
KERNEL(pick_splits, WARP, const SplitTask* tasks, const Block* blocks) {
    const SplitTask task = tasks[blocks[blockIdx.x].task];
    double gain = 0;
    u32 place = ~0u;
    for (u32 i = threadIdx.x; i < task.column_count; i += WARP) {
        const double other = task.candidates[i].gain;
        if (wins(other, i, gain, place)) {
            gain = other;
            place = i;
        }
    }
    warp_best(&gain, &place);
    // Without columns the answer stays the zeros it was before.
    if (threadIdx.x == 0 && place != ~0u) *task.best = task.candidates[place];
}
