// How far two windows that were counted over the same cells are apart in order, in integers.
#include "exact.cuh"

#define COMPARE_THREADS 256u
#define COMPARE_WARPS (COMPARE_THREADS / WARP)

struct CompareTask {
    // Rows of both windows in each cell, in increasing order of value.
    const u32* reference;
    const u32* current;
    u64* ks_numerator;
    // Rows of both windows, at most 2^30: products and their sums stay within 62 bits.
    u32 reference_rows;
    u32 current_rows;
    u32 cells;
    u32 unused;
};

// The sum of the values of this lane and of those before it.
static __device__ __forceinline__ i64 up_to_lane(i64 value) {
    for (u32 distance = 1; distance < WARP; distance *= 2) {
        const i64 other = __shfl_up_sync(ALL_LANES, value, distance);
        if (lane() >= distance) value += other;
    }
    return value;
}

// Part 0 of a task: one block goes through all cells, COMPARE_THREADS at a time.
KERNEL(compare_counts, COMPARE_THREADS, const CompareTask* tasks, const Block* blocks) {
    __shared__ i64 sums[COMPARE_WARPS];
    const CompareTask task = tasks[blocks[blockIdx.x].task];
    const u32 warp = threadIdx.x / WARP;
    i64 before = 0;
    i64 most = 0;
    for (u32 first = 0; first < task.cells; first += COMPARE_THREADS) {
        const u32 cell = first + threadIdx.x;
        i64 apart = 0;
        if (cell < task.cells) {
            apart = (i64)((u64)global(task.reference)[cell] * task.current_rows) -
                    (i64)((u64)global(task.current)[cell] * task.reference_rows);
        }
        apart = up_to_lane(apart);
        if (lane() == WARP - 1) sums[warp] = apart;
        __syncthreads();
        i64 all = 0;
        for (u32 i = 0; i < COMPARE_WARPS; i++) {
            if (i < warp) apart += sums[i];
            all += sums[i];
        }
        apart += before;
        before += all;
        const i64 distance = apart < 0 ? -apart : apart;
        if (distance > most) most = distance;
        __syncthreads();
    }
    for (u32 distance = WARP / 2; distance > 0; distance /= 2) {
        const i64 other = __shfl_xor_sync(ALL_LANES, most, distance);
        if (other > most) most = other;
    }
    if (lane() == 0) sums[warp] = most;
    __syncthreads();
    if (threadIdx.x == 0) {
        for (u32 i = 1; i < COMPARE_WARPS; i++) {
            if (sums[i] > most) most = sums[i];
        }
        *global(task.ks_numerator) = (u64)most;
    }
}
