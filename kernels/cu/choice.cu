// Choices of rows by the hash of their keys: the weights of a set that shares everything else with another.
#include "exact.cuh"

#define CHOICE_THREADS 256u
#define CHOICE_ROWS 2048u
#define CHOICE_STEPS 8u
#define WEIGHT_MAX 4096u

struct ChoiceTask {
    const u64* keys;
    // Weight of the row in the high bits, its label in the lowest.
    const u32* marks;
    u32* made;
    // Weight of clean and of defective rows, zero before.
    i64* classes;
    // The seed, mixed: the stream of row hashes.
    u64 stream;
    // Copies change by turns[i] where the hash reaches steps[i].
    u64 steps[CHOICE_STEPS];
    i32 turns[CHOICE_STEPS];
    u32 rows;
    i32 start;
};

// Part p of a task: rows from p * CHOICE_ROWS.
KERNEL(choose_rows, CHOICE_THREADS, const ChoiceTask* tasks, const Block* blocks) {
    const Block block = blocks[blockIdx.x];
    const ChoiceTask* task = &tasks[block.task];
    const u64* keys = global(task->keys);
    const u32* marks = global(task->marks);
    u32* made = global(task->made);
    const u32 first = block.part * CHOICE_ROWS;
    const u32 end = smaller(first + CHOICE_ROWS, task->rows);
    i64 clean = 0;
    i64 defective = 0;
    for (u32 row = first + threadIdx.x; row < end; row += CHOICE_THREADS) {
        const u64 hash = mix(keys[row] ^ task->stream) >> 32;
        i32 copies = task->start;
        for (u32 i = 0; i < CHOICE_STEPS; i++) {
            if (hash >= task->steps[i]) copies += task->turns[i];
        }
        const u32 mark = marks[row];
        const u32 weight = smaller((mark >> 1) * (u32)copies, WEIGHT_MAX);
        made[row] = weight << 1 | (mark & 1u);
        if (mark & 1u) {
            defective += weight;
        } else {
            clean += weight;
        }
    }
    clean = warp_sum(clean);
    defective = warp_sum(defective);
    if (lane() == 0) {
        add(&task->classes[0], clean);
        add(&task->classes[1], defective);
    }
}
