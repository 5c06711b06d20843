// Measures the device, not the data: how many adds to shared memory it does.
#include "exact.cuh"

#define ROOFLINE_THREADS 256u
#define ROOFLINE_WORDS 4096u

struct RooflineTask {
    // Keeps the compiler from leaving the work out.
    u32* result;
    // Adds of each thread.
    u32 adds;
    u32 unused;
};

// Part p of a task: one block of threads, each adding to words that a linear congruence spreads.
KERNEL(add_in_shared, ROOFLINE_THREADS, const RooflineTask* tasks, const Block* blocks) {
    DYN_SHARED(plane);
    const RooflineTask task = tasks[blocks[blockIdx.x].task];
    for (u32 i = threadIdx.x; i < ROOFLINE_WORDS; i += ROOFLINE_THREADS) plane[i] = 0;
    __syncthreads();
    u32 state = blockIdx.x * ROOFLINE_THREADS + threadIdx.x;
    for (u32 i = 0; i < task.adds; i++) {
        state = state * 1664525u + 1013904223u;
        // The step differs, so that the adds are not merged into one instruction that counts.
        atomicAdd(&plane[state >> 20], state & 3u);
    }
    __syncthreads();
    u32 sum = 0;
    for (u32 i = threadIdx.x; i < ROOFLINE_WORDS; i += ROOFLINE_THREADS) sum += plane[i];
    atomicAdd(global(task.result), sum);
}
