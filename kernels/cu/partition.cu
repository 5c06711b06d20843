// Divides a node's rows into those that go left and those that go right, and adds leaf values to scores.
//
// The order within each side is that in which blocks of threads take their places, so it differs from run to run; integer
// sums do not see it.
#include "exact.cuh"

#define PARTITION_THREADS 256u
#define PARTITION_WARPS (PARTITION_THREADS / WARP)
#define PARTITION_ROWS 2048u

struct PartitionTask {
    const Job* job;
    // Places taken on the left and on the right, zero before.
    u32* taken;
    u32 start;
    u32 end;
    u32 column;
    u32 bin;
};

struct LeafTask {
    const Job* job;
    u32 start;
    u32 end;
    i64 value_q24;
};

// Part p of a task: rows from p * PARTITION_ROWS. Left rows fill `aside` from the front, right rows from the back.
KERNEL(divide_rows, PARTITION_THREADS, const PartitionTask* tasks, const Block* blocks) {
    __shared__ u32 lefts[PARTITION_WARPS];
    __shared__ u32 rights[PARTITION_WARPS];
    __shared__ u32 places[2];
    const Block block = blocks[blockIdx.x];
    if (block.task == IDLE) return;
    const PartitionTask task = tasks[block.task];
    const Job* job = global(task.job);
    u32* aside = global(job->aside);
    const u32* order = global(job->order);
    const u32* words = global(job->words) + (u64)(task.column / WORD_COLUMNS) * job->rows;
    const u32 warp = threadIdx.x / WARP;
    const u32 before = (1u << lane()) - 1;
    const u32 first = task.start + block.part * PARTITION_ROWS;
    const u32 end = smaller(first + PARTITION_ROWS, task.end);
    for (u32 from = first; from < end; from += PARTITION_THREADS) {
        const u32 at = from + threadIdx.x;
        const u32 row = at < end ? order[at] : 0;
        const bool is_left = at < end && bin_of(words[row], task.column % WORD_COLUMNS) <= task.bin;
        const bool is_right = at < end && !is_left;
        const u32 left = __ballot_sync(ALL_LANES, is_left);
        const u32 right = __ballot_sync(ALL_LANES, is_right);
        if (lane() == 0) {
            lefts[warp] = __popc(left);
            rights[warp] = __popc(right);
        }
        __syncthreads();
        if (threadIdx.x < 2) {
            u32* counts = threadIdx.x == 0 ? lefts : rights;
            u32 sum = 0;
            for (u32 i = 0; i < PARTITION_WARPS; i++) {
                const u32 count = counts[i];
                counts[i] = sum;
                sum += count;
            }
            places[threadIdx.x] = atomicAdd(global(task.taken) + threadIdx.x, sum);
        }
        __syncthreads();
        // No barrier is needed behind these: a warp's counts are its own until the first barrier of the next round, and
        // `places` is written after it.
        if (is_left) aside[task.start + places[0] + lefts[warp] + __popc(left & before)] = row;
        if (is_right) aside[task.end - 1 - places[1] - rights[warp] - __popc(right & before)] = row;
    }
}

// Part p of a task: rows from p * PARTITION_ROWS return from `aside`.
KERNEL(return_rows, PARTITION_THREADS, const PartitionTask* tasks, const Block* blocks) {
    const Block block = blocks[blockIdx.x];
    if (block.task == IDLE) return;
    const PartitionTask task = tasks[block.task];
    const u32 first = task.start + block.part * PARTITION_ROWS;
    const u32 end = smaller(first + PARTITION_ROWS, task.end);
    u32* order = global(global(task.job)->order);
    const u32* aside = global(global(task.job)->aside);
    for (u32 at = first + threadIdx.x; at < end; at += PARTITION_THREADS) order[at] = aside[at];
}

// Part p of a task: rows from p * PARTITION_ROWS.
KERNEL(add_leaves, PARTITION_THREADS, const LeafTask* tasks, const Block* blocks) {
    const Block block = blocks[blockIdx.x];
    if (block.task == IDLE) return;
    const LeafTask task = tasks[block.task];
    const u32 first = task.start + block.part * PARTITION_ROWS;
    const u32 end = smaller(first + PARTITION_ROWS, task.end);
    const u32* order = global(global(task.job)->order);
    i64* scores = global(global(task.job)->scores);
    for (u32 at = first + threadIdx.x; at < end; at += PARTITION_THREADS) scores[order[at]] += task.value_q24;
}
