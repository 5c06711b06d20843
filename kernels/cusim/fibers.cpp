// The machine of the stand-in: blocks run one after another, the threads of a block as fibers that take turns.
#include "cusim.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#if defined(__x86_64__) && !defined(CUSIM_UCONTEXT)
// Saves the registers that a call must keep, and continues where the other stack stopped.
extern "C" void cusim_switch(void** save, void* resume);
asm(R"(
.text
.globl cusim_switch
.hidden cusim_switch
.type cusim_switch, @function
cusim_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size cusim_switch, .-cusim_switch
)");
#else
#include <ucontext.h>
#define CUSIM_PORTABLE
#endif

namespace cusim {

Index thread_index, block_index, block_size, grid_size;

namespace {

const size_t STACK_BYTES = 64 << 10;
const int POISON = 0xcd;

enum class State { ready, at_barrier, at_warp, done };

struct Fiber {
    State state;
    // Where it waits.
    int line;
    unsigned mask;
    // How many warp operations it has begun; two sets of values are enough, because no lane can be two ahead of another.
    unsigned operations;
    std::unique_ptr<char[]> stack;
#ifdef CUSIM_PORTABLE
    ucontext_t context;
#else
    void* pointer;
#endif
};

struct Warp {
    uint64_t values[2][32];
    // Lanes that wait at a warp operation, and lanes that have returned.
    unsigned waiting, gone;
};

std::vector<Fiber> fibers;
std::vector<Warp> warps;
unsigned current, threads;
// Threads of the block that wait at a barrier, and threads that have returned.
unsigned at_barrier, gone;
const Kernel* kernel;
void** kernel_arguments;
std::unique_ptr<char[]> shared_memory;
uint64_t fuzz_seed, fuzz_state;
std::string fault_text;

#ifdef CUSIM_PORTABLE
ucontext_t scheduler;
#else
void* scheduler;
#endif

std::map<std::string, Kernel>& kernels() {
    static std::map<std::string, Kernel> table;
    return table;
}

uint64_t draw() {
    fuzz_state ^= fuzz_state << 13;
    fuzz_state ^= fuzz_state >> 7;
    fuzz_state ^= fuzz_state << 17;
    return fuzz_state;
}

void shuffle(std::vector<unsigned>& order) {
    for (size_t i = order.size(); i > 1; i--) std::swap(order[i - 1], order[draw() % i]);
}

void leave() {
    Fiber& fiber = fibers[current];
#ifdef CUSIM_PORTABLE
    swapcontext(&fiber.context, &scheduler);
#else
    cusim_switch(&fiber.pointer, scheduler);
#endif
}

void run_thread() {
    kernel->call(kernel_arguments);
    fibers[current].state = State::done;
    warps[current / 32].gone++;
    gone++;
    for (;;) leave();
}

void prepare(Fiber& fiber) {
    if (!fiber.stack) fiber.stack.reset(new char[STACK_BYTES]);
#ifdef __SANITIZE_ADDRESS__
    // The thread that had the stack before never returned from its first function, so its marks are still there.
    __asan_unpoison_memory_region(fiber.stack.get(), STACK_BYTES);
#endif
    fiber.state = State::ready;
    fiber.operations = 0;
#ifdef CUSIM_PORTABLE
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = STACK_BYTES;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, run_thread, 0);
#else
    uintptr_t top = reinterpret_cast<uintptr_t>(fiber.stack.get() + STACK_BYTES) & ~uintptr_t(15);
    void** pointer = reinterpret_cast<void**>(top);
    *--pointer = nullptr;
    *--pointer = reinterpret_cast<void*>(run_thread);
    for (int saved = 0; saved < 6; saved++) *--pointer = nullptr;
    fiber.pointer = pointer;
#endif
}

void enter(unsigned index) {
    current = index;
    thread_index = {index % block_size.x, index / block_size.x % block_size.y, index / (block_size.x * block_size.y)};
#ifdef CUSIM_PORTABLE
    swapcontext(&scheduler, &fibers[index].context);
#else
    cusim_switch(&scheduler, fibers[index].pointer);
#endif
}

bool fault(const std::string& text) {
    fault_text = text + " in block " + std::to_string(block_index.x);
    return false;
}

bool wait_at_one_line(unsigned first, unsigned end) {
    for (unsigned i = first; i < end; i++) {
        if (fibers[i].line != fibers[first].line) return false;
    }
    return true;
}

void release(unsigned first, unsigned end) {
    for (unsigned i = first; i < end; i++) fibers[i].state = State::ready;
}

// Lets a warp go on whose lanes have all reached a warp operation.
bool release_warp(unsigned index, bool& released) {
    Warp& warp = warps[index];
    const unsigned first = index * 32, end = std::min(first + 32, threads);
    if (warp.waiting == 0 || warp.waiting + warp.gone < end - first) return true;
    if (warp.gone > 0) return fault("a warp operation names lanes that have returned");
    if (!wait_at_one_line(first, end)) return fault("lanes of a warp wait at different warp operations");
    for (unsigned i = first; i < end; i++) {
        if (fibers[i].mask != 0xffffffffu) return fault("a warp operation does not name all lanes");
    }
    if (end - first < 32) return fault("a warp operation in a warp that is not full");
    release(first, end);
    warp.waiting = 0;
    released = true;
    return true;
}

bool release_barrier(bool& released) {
    if (at_barrier == 0 || at_barrier + gone < threads) return true;
    if (gone > 0) return fault("a divergent barrier: " + std::to_string(gone) + " threads have returned");
    if (!wait_at_one_line(0, threads)) return fault("a divergent barrier: threads wait at different lines");
    release(0, threads);
    at_barrier = 0;
    released = true;
    return true;
}

// A turn for the ready threads of about half of the warps, in an order of the seed: warps get far ahead of each other.
bool run_shuffled(std::vector<unsigned>& order, bool& moved) {
    shuffle(order);
    const uint64_t asleep = draw();
    for (unsigned i : order) {
        if (fibers[i].state != State::ready) continue;
        moved = true;
        if (asleep >> (i / 32) & 1) continue;
        enter(i);
    }
    for (unsigned warp = 0; warp < warps.size(); warp++) {
        if (!release_warp(warp, moved)) return false;
    }
    return true;
}

// Every warp as far as it can go, one after another.
bool run_in_order(bool& moved) {
    for (unsigned warp = 0; warp < warps.size(); warp++) {
        for (bool is_released = true; is_released;) {
            for (unsigned i = warp * 32; i < std::min(warp * 32 + 32, threads); i++) {
                if (fibers[i].state != State::ready) continue;
                moved = true;
                enter(i);
            }
            is_released = false;
            if (!release_warp(warp, is_released)) return false;
        }
    }
    return true;
}

extern "C" char __start_cusim_shared[] __attribute__((weak));
extern "C" char __stop_cusim_shared[] __attribute__((weak));

bool run_block(size_t shared_bytes) {
    if (__start_cusim_shared) memset(__start_cusim_shared, POISON, __stop_cusim_shared - __start_cusim_shared);
    // Memory of its own for each block and of the very size asked for, so that a sanitizer sees its ends.
    shared_memory.reset(new char[shared_bytes]);
    memset(shared_memory.get(), POISON, shared_bytes);
    if (fibers.size() < threads) fibers.resize(threads);
    warps.assign((threads + 31) / 32, Warp());
    at_barrier = gone = 0;
    std::vector<unsigned> order(threads);
    for (unsigned i = 0; i < threads; i++) {
        prepare(fibers[i]);
        order[i] = i;
    }
    while (gone < threads) {
        bool moved = false;
        if (!(fuzz_seed == 0 ? run_in_order(moved) : run_shuffled(order, moved))) return false;
        if (!release_barrier(moved)) return false;
        if (!moved) return fault("a divergent barrier: some threads wait for others that wait elsewhere");
    }
    return true;
}

}  // namespace

void Registration::add(const char* name, Kernel added) { kernels()[name] = std::move(added); }

const Kernel* find_kernel(const char* name) {
    auto found = kernels().find(name);
    return found == kernels().end() ? nullptr : &found->second;
}

void barrier(int line) {
    fibers[current].state = State::at_barrier;
    at_barrier++;
    fibers[current].line = line;
    leave();
}

const uint64_t* exchange(int line, unsigned mask, uint64_t value) {
    Fiber& fiber = fibers[current];
    Warp& warp = warps[current / 32];
    uint64_t* values = warp.values[fiber.operations++ % 2];
    warp.waiting++;
    values[current % 32] = value;
    fiber.state = State::at_warp;
    fiber.line = line;
    fiber.mask = mask;
    leave();
    return values;
}

void atomic_point() {
    // The thread stays ready and comes back in the next round.
    if (fuzz_seed != 0 && draw() % 64 == 0) leave();
}

void* dynamic_shared() { return shared_memory.get(); }

const char* run_grid(const Kernel& run, void** arguments, Index grid, Index block, size_t shared_bytes, uint64_t seed) {
    kernel = &run;
    kernel_arguments = arguments;
    grid_size = grid;
    block_size = block;
    threads = block.x * block.y * block.z;
    fuzz_seed = seed;
    fuzz_state = seed * 0x9e3779b97f4a7c15u + 1;
    std::vector<unsigned> order(size_t(grid.x) * grid.y * grid.z);
    for (size_t i = 0; i < order.size(); i++) order[i] = unsigned(i);
    if (fuzz_seed != 0) shuffle(order);
    for (unsigned i : order) {
        block_index = {i % grid.x, i / grid.x % grid.y, i / (grid.x * grid.y)};
        if (!run_block(shared_bytes)) return fault_text.c_str();
    }
    return nullptr;
}

}  // namespace cusim
