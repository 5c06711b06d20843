// What all kernels share: words of fixed width, the tables that a launch reads, and sums within a warp.
//
// Every launch has one block of threads per entry of a table of blocks; the entry names a task and the part of it that the
// block does. One launch so serves any number of jobs, nodes and columns. Sums are integers. Floating point uses the _rn
// intrinsics, which no compiler fuses, in the order of the CPU's definition.
#ifndef DRIFTLINE_EXACT
#define DRIFTLINE_EXACT

#ifdef CUSIM
#include "cusim.h"
#else
// The launch bound lets the compiler plan registers; the stand-in checks it.
#define KERNEL(name, threads, ...) extern "C" __global__ void __launch_bounds__(threads) name(__VA_ARGS__)
// Aligned for words of 64 bits as well.
#define DYN_SHARED(name) extern __shared__ __align__(8) u32 name[]
// Pointers that come from a table could lead anywhere; told that they lead to global memory, the compiler uses its
// instructions instead of ones that look first, and no loop for atomics.
#define IS_GLOBAL(pointer) __builtin_assume(__isGlobal(pointer))
#endif

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;
typedef long long i64;

#define BINS 256u
#define WARP 32u
#define ALL_LANES 0xffffffffu
// Columns of a word of bins.
#define WORD_COLUMNS 4u

// Which task a block of threads works on, and on which part of it.
struct Block {
    u32 task;
    u32 part;
};

// The task of a block that only fills its grid up to the size that a graph has.
#define IDLE 0xffffffffu

// Sums of gradients and Hessians, in units of 2^-15.
struct Sums {
    i64 gradient;
    i64 hessian;
};

// Gradient and Hessian of one row: a weight of 4,096 keeps both below 2^28.
struct Pair {
    i32 gradient;
    i32 hessian;
};

// What a job in training keeps on the device.
struct Job {
    // Bins of four columns a word, word-major: word w of row r is words[w * rows + r].
    const u32* words;
    const u64* keys;
    // Weight of the row in the high bits, its label in the lowest.
    const u32* marks;
    const u32* sigmoid_q30;
    // The bin of each column that most rows have; histograms leave it out until the end.
    const u8* hot;
    i64* scores;
    Pair* pairs;
    // Row indices; the rows of a node are a range of it.
    u32* order;
    u32* aside;
    u64 row_hash_below;
    u32 rows;
    u32 columns;
    u32 clean_q16;
    u32 defective_q16;
};

static __device__ __forceinline__ u32 smaller(u32 a, u32 b) { return a < b ? a : b; }

static __device__ __forceinline__ u32 lane() { return threadIdx.x % WARP; }

// The bin of `column` in a word.
static __device__ __forceinline__ u32 bin_of(u32 word, u32 column) { return word >> (8 * column) & 255u; }

// A bijection of 64-bit words whose every output bit depends on every input bit.
static __device__ __forceinline__ u64 mix(u64 word) {
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9ull;
    word = (word ^ (word >> 27)) * 0x94d049bb133111ebull;
    return word ^ (word >> 31);
}

// The sum over the lanes of a warp, in every lane.
static __device__ __forceinline__ i64 warp_sum(i64 value) {
    for (u32 distance = WARP / 2; distance > 0; distance /= 2) {
        value += __shfl_xor_sync(ALL_LANES, value, distance);
    }
    return value;
}

// The same pointer, known to lead to global memory.
template <class T> static __device__ __forceinline__ T* global(T* pointer) {
    IS_GLOBAL(pointer);
    return pointer;
}

static __device__ __forceinline__ void add(i64* sum, i64 value) { atomicAdd((u64*)global(sum), (u64)value); }

// How much loss rows with these sums can lose with one common leaf: G^2 / (H + lambda).
static __device__ __forceinline__ double strength(Sums sums, double lambda) {
    double gradient = (double)sums.gradient;
    return __ddiv_rn(__dmul_rn(gradient, gradient), __dadd_rn((double)sums.hessian, lambda));
}

#endif
