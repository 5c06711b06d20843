// CUDA's words for a C++ compiler: the kernels of `cu/` run on a CPU, every CUDA thread of a block as a fiber.
//
// Threads switch only at barriers, warp operations and atomics, in an order that a seed can shuffle; memory a kernel has not
// written is poisoned. What a kernel gets wrong in synchronising is reported as a failed launch, with a line that says why.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

namespace cusim {

struct Index {
    unsigned x, y, z;
};

extern Index thread_index, block_index, block_size, grid_size;

// A barrier of the block; `line` tells one barrier of a kernel from another.
void barrier(int line);
// Offers `value` to the other lanes of the warp; gives the values of all 32, indexed by lane.
const uint64_t* exchange(int line, unsigned mask, uint64_t value);
// An atomic operation is about to happen: another thread may come first.
void atomic_point();
// The dynamic shared memory of the block.
void* dynamic_shared();

struct Kernel {
    unsigned threads_max;
    std::function<void(void**)> call;
    // Bytes of each argument: a graph keeps their values.
    std::vector<size_t> argument_bytes;
};

// Makes a kernel known to the driver by its name.
struct Registration {
    template <class... A> Registration(const char* name, unsigned threads_max, void (*kernel)(A...)) {
        add(name, {threads_max,
                   [kernel](void** arguments) { apply(kernel, arguments, std::index_sequence_for<A...>{}); },
                   {sizeof(A)...}});
    }
    template <class... A, size_t... I>
    static void apply(void (*kernel)(A...), void** arguments, std::index_sequence<I...>) {
        kernel(*static_cast<A*>(arguments[I])...);
    }
    static void add(const char* name, Kernel kernel);
};

const Kernel* find_kernel(const char* name);

// Runs a grid; gives nullptr, or what the kernel did wrong.
const char* run_grid(const Kernel& kernel, void** arguments, Index grid, Index block, size_t shared_bytes, uint64_t seed);

template <class T> uint64_t to_bits(T value) {
    uint64_t bits = 0;
    static_assert(sizeof(T) <= sizeof bits, "warp operations exchange words of up to 64 bits");
    std::memcpy(&bits, &value, sizeof value);
    return bits;
}

template <class T> T from_bits(uint64_t bits) {
    T value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

inline unsigned lane() { return thread_index.x % 32; }

template <class T> T shuffle_xor(int line, unsigned mask, T value, unsigned distance) {
    const uint64_t* values = exchange(line, mask, to_bits(value));
    return from_bits<T>(values[(lane() ^ distance) % 32]);
}

template <class T> T shuffle_up(int line, unsigned mask, T value, unsigned distance) {
    const uint64_t* values = exchange(line, mask, to_bits(value));
    return from_bits<T>(values[lane() >= distance ? lane() - distance : lane()]);
}

inline unsigned ballot(int line, unsigned mask, bool vote) {
    const uint64_t* values = exchange(line, mask, vote);
    unsigned votes = 0;
    for (unsigned other = 0; other < 32; other++) votes |= unsigned(values[other] != 0) << other;
    return votes;
}

}  // namespace cusim

#define KERNEL(name, threads, ...)                                            \
    extern "C" void name(__VA_ARGS__);                                        \
    static const cusim::Registration registered_##name(#name, threads, name); \
    extern "C" void name(__VA_ARGS__)

#define threadIdx cusim::thread_index
#define blockIdx cusim::block_index
#define blockDim cusim::block_size
#define gridDim cusim::grid_size
#define __device__
#define __forceinline__ inline
// One section holds all static shared memory, so that it can be poisoned before each block.
#define __shared__ static __attribute__((section("cusim_shared")))
#define DYN_SHARED(name) unsigned* name = static_cast<unsigned*>(cusim::dynamic_shared())
#define IS_GLOBAL(pointer) static_cast<void>(pointer)

#define __syncthreads() cusim::barrier(__LINE__)
#define __shfl_xor_sync(mask, value, distance) cusim::shuffle_xor(__LINE__, mask, value, distance)
#define __shfl_up_sync(mask, value, distance) cusim::shuffle_up(__LINE__, mask, value, distance)
#define __ballot_sync(mask, vote) cusim::ballot(__LINE__, mask, vote)

template <class T> T atomicAdd(T* place, T value) {
    cusim::atomic_point();
    T before = *place;
    *place = before + value;
    return before;
}

inline int __popc(unsigned word) { return __builtin_popcount(word); }
inline double __longlong_as_double(long long word) { return cusim::from_bits<double>(cusim::to_bits(word)); }
inline long long __double_as_longlong(double value) { return cusim::from_bits<long long>(cusim::to_bits(value)); }

// Single operations of IEEE arithmetic, because the file is compiled with -ffp-contract=off.
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
