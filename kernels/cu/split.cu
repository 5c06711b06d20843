// The best split of a node: a scan over each column's bins, then the best of its columns.
//
// The largest gain wins; ties go to the lowest column, then to the lowest bin.
#include "exact.cuh"

#define SCAN_THREADS 128u
#define SCAN_WARPS (SCAN_THREADS / WARP)
// Bins of a lane when a warp takes a column.
#define LANE_BINS (BINS / WARP)

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

// The sums of the lanes before this one.
static __device__ __forceinline__ Sums before_lane(Sums own) {
    Sums sums = own;
    for (u32 distance = 1; distance < WARP; distance *= 2) {
        const i64 gradient = __shfl_up_sync(ALL_LANES, sums.gradient, distance);
        const i64 hessian = __shfl_up_sync(ALL_LANES, sums.hessian, distance);
        if (lane() >= distance) {
            sums.gradient += gradient;
            sums.hessian += hessian;
        }
    }
    sums.gradient -= own.gradient;
    sums.hessian -= own.hessian;
    return sums;
}

// Part p of a task: columns from p * SCAN_WARPS, one warp each; a lane takes eight bins in a row.
KERNEL(scan_columns, SCAN_THREADS, const SplitTask* tasks, const Block* blocks) {
    const Block block = blocks[blockIdx.x];
    if (block.task == IDLE) return;
    const SplitTask task = tasks[block.task];
    const u32 index = block.part * SCAN_WARPS + threadIdx.x / WARP;
    if (index >= task.column_count) return;
    const u32 column = global(task.columns)[index];
    const u32 first = lane() * LANE_BINS;
    const Sums* bins = global(task.histogram) + (u64)column * BINS + first;
    Sums own = {0, 0};
    for (u32 i = 0; i < LANE_BINS; i++) {
        own.gradient += bins[i].gradient;
        own.hessian += bins[i].hessian;
    }
    const double root = strength(task.total, task.lambda);
    Sums left = before_lane(own);
    Sums best_left = {0, 0};
    double best_gain = 0;
    u32 best_bin = BINS;
    for (u32 i = 0; i < LANE_BINS; i++) {
        const Sums bin = bins[i];
        left.gradient += bin.gradient;
        left.hessian += bin.hessian;
        const Sums right = {task.total.gradient - left.gradient, task.total.hessian - left.hessian};
        if (bin.hessian == 0 || left.hessian < task.min_hessian || right.hessian < task.min_hessian) continue;
        const double parts = __dadd_rn(strength(left, task.lambda), strength(right, task.lambda));
        const double gain = __dsub_rn(parts, root);
        if (gain > best_gain) {
            best_gain = gain;
            best_bin = first + i;
            best_left = left;
        }
    }
    double gain = best_gain;
    u32 bin = best_bin;
    warp_best(&gain, &bin);
    // Where nothing gains, the first lane says so.
    if (bin == BINS ? lane() == 0 : bin == best_bin) {
        const Candidate found = {gain, best_left, column, bin};
        global(task.candidates)[index] = found;
    }
}

// Part 0 of a task: one warp takes the best of the candidates, which stand in the order of their columns.
KERNEL(pick_splits, WARP, const SplitTask* tasks, const Block* blocks) {
    const Block block = blocks[blockIdx.x];
    if (block.task == IDLE) return;
    const SplitTask task = tasks[block.task];
    double gain = 0;
    u32 place = ~0u;
    for (u32 i = threadIdx.x; i < task.column_count; i += WARP) {
        const double other = global(task.candidates)[i].gain;
        if (wins(other, i, gain, place)) {
            gain = other;
            place = i;
        }
    }
    warp_best(&gain, &place);
    // Without columns the answer stays the zeros it was before.
    if (threadIdx.x == 0 && place != ~0u) *global(task.best) = global(task.candidates)[place];
}
