// Sums of a Gaussian kernel over pairs of rows, in Q32: a thread a row, four others at a time.
//
// Each distance is one chain of additions in the order of the columns, as on the CPU; sums are integers.
#include "exact.cuh"

#define PAIR_THREADS 128u
// Others of a block of threads, and how many of them are in shared memory together.
#define PAIR_OTHERS 4096u
#define PAIR_LANES 4u

struct PairTask {
    // Row r of column c at c * row_count + r: a value, or zero where there is none.
    const float* rows;
    // Which columns a row has no value in: word w of row r at w * row_count + r.
    const u32* row_missing;
    // Row after row.
    const float* others;
    const u32* other_missing;
    // One a row, zero before.
    i64* sums;
    double gamma;
    u32 row_count;
    u32 other_count;
    u32 columns;
    u32 words;
};

// 1.5 * 2^52: added to a number below 2^51 it rounds it to an integer, which then stands in the lowest bits.
#define TO_INTEGER 6755399441055744.0

// e^-x in Q32; every step is the CPU's.
static __device__ __forceinline__ i64 decay_q32(double x) {
    if (!(x < 30.0)) x = 30.0;
    const double shifted = __dadd_rn(__dmul_rn(x, 1.44269504088896340736), TO_INTEGER);
    const double halvings = __dsub_rn(shifted, TO_INTEGER);
    const double high = __dsub_rn(__dmul_rn(halvings, 0.6931471803691238), x);
    const double rest = __dadd_rn(high, __dmul_rn(halvings, 1.9082149292705877e-10));
    double sum = 1.0 / 3628800.0;
    sum = __dadd_rn(__dmul_rn(sum, rest), 1.0 / 362880.0);
    sum = __dadd_rn(__dmul_rn(sum, rest), 1.0 / 40320.0);
    sum = __dadd_rn(__dmul_rn(sum, rest), 1.0 / 5040.0);
    sum = __dadd_rn(__dmul_rn(sum, rest), 1.0 / 720.0);
    sum = __dadd_rn(__dmul_rn(sum, rest), 1.0 / 120.0);
    sum = __dadd_rn(__dmul_rn(sum, rest), 1.0 / 24.0);
    sum = __dadd_rn(__dmul_rn(sum, rest), 1.0 / 6.0);
    sum = __dadd_rn(__dmul_rn(sum, rest), 0.5);
    sum = __dadd_rn(__dmul_rn(sum, rest), 1.0);
    sum = __dadd_rn(__dmul_rn(sum, rest), 1.0);
    const double scale = __longlong_as_double((i64)((1055ull - (u64)__double_as_longlong(shifted)) << 52));
    return __double_as_longlong(__dadd_rn(__dmul_rn(sum, scale), TO_INTEGER)) - __double_as_longlong(TO_INTEGER);
}

// Part p of a task: rows from p % groups * PAIR_THREADS, others from p / groups * PAIR_OTHERS.
KERNEL(kernel_sums, PAIR_THREADS, const PairTask* tasks, const Block* blocks) {
    DYN_SHARED(points);
    const Block block = blocks[blockIdx.x];
    const PairTask task = tasks[block.task];
    const u32 groups = (task.row_count + PAIR_THREADS - 1) / PAIR_THREADS;
    const u32 row = block.part % groups * PAIR_THREADS + threadIdx.x;
    const u32 first = block.part / groups * PAIR_OTHERS;
    const u32 end = smaller(first + PAIR_OTHERS, task.other_count);
    // Column by column, so that a thread reads the values of all lanes together.
    double* places = (double*)points;
    u32* missing = points + 2 * PAIR_LANES * task.columns;
    const float* others = global(task.others);
    const float* rows = global(task.rows);
    i64 sum = 0;
    for (u32 from = first; from < end; from += PAIR_LANES) {
        const u32 count = smaller(end - from, PAIR_LANES);
        __syncthreads();
        for (u32 i = threadIdx.x; i < PAIR_LANES * task.columns; i += PAIR_THREADS) {
            const u32 lane = i / task.columns;
            const u32 column = i % task.columns;
            places[column * PAIR_LANES + lane] =
                lane < count ? (double)others[(u64)(from + lane) * task.columns + column] : 0.0;
        }
        for (u32 i = threadIdx.x; i < count * task.words; i += PAIR_THREADS) {
            missing[i] = global(task.other_missing)[(u64)from * task.words + i];
        }
        __syncthreads();
        // Threads without a row wait at the barriers.
        if (row >= task.row_count) continue;
        double squares[PAIR_LANES] = {0.0, 0.0, 0.0, 0.0};
        for (u32 column = 0; column < task.columns; column++) {
            const double place = rows[(u64)column * task.row_count + row];
            for (u32 lane = 0; lane < PAIR_LANES; lane++) {
                const double gap = __dsub_rn(place, places[column * PAIR_LANES + lane]);
                squares[lane] = __dadd_rn(squares[lane], __dmul_rn(gap, gap));
            }
        }
        for (u32 lane = 0; lane < PAIR_LANES; lane++) {
            if (lane >= count) continue;
            u32 apart = 0;
            for (u32 word = 0; word < task.words; word++) {
                const u32 own = global(task.row_missing)[(u64)word * task.row_count + row];
                apart += __popc(own ^ missing[lane * task.words + word]);
            }
            sum += decay_q32(__dmul_rn(__dadd_rn(squares[lane], (double)apart), task.gamma));
        }
    }
    if (row < task.row_count) add(&task.sums[row], sum);
}
