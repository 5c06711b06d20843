// Uses of hashed tokens by bucket and class.
#include "exact.cuh"

#define TOKEN_THREADS 256u
#define TOKEN_USES 4096u

struct TokenUse {
    u64 token;
    i32 weight;
    u32 is_defective;
};

struct TokenTask {
    const TokenUse* uses;
    // Clean and defective of each bucket, zero before.
    i64* counts;
    u32 count;
    // A bucket is what is left of the hash behind this shift.
    u32 shift;
};

// Part p of a task: uses from p * TOKEN_USES.
KERNEL(count_tokens, TOKEN_THREADS, const TokenTask* tasks, const Block* blocks) {
    const Block block = blocks[blockIdx.x];
    const TokenTask task = tasks[block.task];
    const u32 first = block.part * TOKEN_USES;
    const u32 end = smaller(first + TOKEN_USES, task.count);
    for (u32 i = first + threadIdx.x; i < end; i += TOKEN_THREADS) {
        const TokenUse use = global(task.uses)[i];
        const u64 bucket = mix(use.token) >> task.shift;
        add(&task.counts[2 * bucket + use.is_defective], use.weight);
    }
}
