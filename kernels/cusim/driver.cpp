// A stand-in for the CUDA driver: the calls that the backend makes, on host memory, with the kernels on fibers.
//
// Stricter than the driver where that finds faults: copies must lie within one allocation, a thread must have made its
// context current, fresh memory is poisoned, a stream that captures takes kernels and nothing else. CUSIM_FUZZ seeds the
// schedules, CUSIM_DEVICES and CUSIM_DRIVER_VERSION say what the machine is to look like, CUSIM_MEMORY how much memory it
// has, CUSIM_GRAPHS=0 that it has no graphs.
#include "cusim.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

typedef int Result;
typedef uint64_t Pointer;

namespace {

const Result INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_DEVICE = 101, INVALID_IMAGE = 200,
             INVALID_CONTEXT = 201, NOT_FOUND = 500, LAUNCH_FAILED = 719, CAPTURE_UNSUPPORTED = 900, ILLEGAL_STATE = 401,
             NOT_SUPPORTED = 801;
const int SHARED_MEMORY_PER_BLOCK = 49152;

std::recursive_mutex driver_mutex;
std::map<Pointer, size_t> allocations;
size_t allocated_bytes;
thread_local void* current_context;
int the_context, the_module;

// A launch that a graph keeps, with copies of its arguments.
struct Recorded {
    const cusim::Kernel* kernel;
    cusim::Index grid, block;
    unsigned shared_bytes;
    std::vector<std::vector<char>> arguments;
};

typedef std::vector<Recorded> Graph;

struct Stream {
    // What is captured; null when nothing is.
    Graph* capture;
};

uint64_t setting(const char* name, uint64_t otherwise) {
    const char* text = getenv(name);
    return text ? strtoull(text, nullptr, 10) : otherwise;
}

// Says why a call fails, once per fault, because the driver itself has numbers only.
Result refuse(Result result, const char* why) {
    fprintf(stderr, "cusim: %s\n", why);
    return result;
}

bool is_current() { return current_context == &the_context; }

bool is_allocated(Pointer pointer, size_t bytes) {
    auto after = allocations.upper_bound(pointer);
    if (after == allocations.begin()) return false;
    auto holder = std::prev(after);
    return pointer + bytes <= holder->first + holder->second;
}

Result check_stream(void* stream) {
    if (!is_current()) return refuse(INVALID_CONTEXT, "no context is current in this thread");
    if (static_cast<Stream*>(stream)->capture) return refuse(CAPTURE_UNSUPPORTED, "a capture holds more than kernels");
    return 0;
}

Result check(Pointer pointer, size_t bytes) {
    if (!is_current()) return refuse(INVALID_CONTEXT, "no context is current in this thread");
    if (!is_allocated(pointer, bytes)) return refuse(INVALID_VALUE, "a copy leaves its allocation");
    return 0;
}

}  // namespace

#define API extern "C" __attribute__((visibility("default"))) Result

API cuInit(unsigned) { return setting("CUSIM_DEVICES", 1) == 0 ? NO_DEVICE : 0; }
API cuDriverGetVersion(int* version) {
    *version = int(setting("CUSIM_DRIVER_VERSION", 13000));
    return 0;
}
API cuDeviceGetCount(int* count) {
    *count = int(setting("CUSIM_DEVICES", 1));
    return 0;
}
API cuDeviceGet(int* device, int ordinal) {
    *device = ordinal;
    return ordinal == 0 ? 0 : INVALID_DEVICE;
}
API cuDeviceGetName(char* name, int bytes, int) {
    snprintf(name, size_t(bytes), "cusim");
    return 0;
}
API cuDeviceTotalMem_v2(size_t* bytes, int) {
    *bytes = setting("CUSIM_MEMORY", size_t(4) << 30);
    return 0;
}
API cuDeviceGetAttribute(int* value, int attribute, int) {
    switch (attribute) {
        case 8: *value = SHARED_MEMORY_PER_BLOCK; break;
        case 16: *value = 2; break;  // Multiprocessors.
        case 75: *value = 9; break;  // Compute capability 9.0.
        case 115: *value = 1; break;  // Memory pools.
        default: *value = 0;
    }
    return 0;
}
API cuDevicePrimaryCtxRetain(void** context, int) {
    *context = &the_context;
    return 0;
}
API cuDevicePrimaryCtxRelease_v2(int) { return 0; }
API cuCtxGetCurrent(void** context) {
    *context = current_context;
    return 0;
}
API cuCtxSetCurrent(void* context) {
    current_context = context;
    return 0;
}
API cuCtxSynchronize() { return is_current() ? 0 : INVALID_CONTEXT; }

API cuModuleLoadData(void** module, const void* image) {
    *module = &the_module;
    return memcmp(image, "cusim", 6) == 0 ? 0 : refuse(INVALID_IMAGE, "the image is not of the stand-in compiler");
}
API cuModuleUnload(void*) { return 0; }
API cuModuleGetFunction(void** function, void*, const char* name) {
    *function = const_cast<cusim::Kernel*>(cusim::find_kernel(name));
    return *function ? 0 : NOT_FOUND;
}
API cuFuncSetAttribute(void*, int, int) { return 0; }

API cuMemAlloc_v2(Pointer* pointer, size_t bytes) {
    std::lock_guard<std::recursive_mutex> lock(driver_mutex);
    if (!is_current()) return refuse(INVALID_CONTEXT, "no context is current in this thread");
    if (bytes == 0) return INVALID_VALUE;
    if (allocated_bytes + bytes > setting("CUSIM_MEMORY", size_t(4) << 30)) return OUT_OF_MEMORY;
    void* memory = malloc(bytes);
    memset(memory, 0xa5, bytes);
    *pointer = reinterpret_cast<Pointer>(memory);
    allocations[*pointer] = bytes;
    allocated_bytes += bytes;
    return 0;
}
API cuMemFree_v2(Pointer pointer) {
    std::lock_guard<std::recursive_mutex> lock(driver_mutex);
    if (!is_current()) return refuse(INVALID_CONTEXT, "memory is freed in a thread without a context");
    auto found = allocations.find(pointer);
    if (found == allocations.end()) return refuse(INVALID_VALUE, "memory is freed that was not allocated");
    allocated_bytes -= found->second;
    allocations.erase(found);
    free(reinterpret_cast<void*>(pointer));
    return 0;
}
API cuMemAllocAsync(Pointer* pointer, size_t bytes, void* stream) {
    if (Result fault = check_stream(stream)) return fault;
    return cuMemAlloc_v2(pointer, bytes);
}
API cuMemFreeAsync(Pointer pointer, void* stream) {
    if (Result fault = check_stream(stream)) return fault;
    return cuMemFree_v2(pointer);
}
API cuMemHostAlloc(void** memory, size_t bytes, unsigned) {
    if (!is_current()) return refuse(INVALID_CONTEXT, "no context is current in this thread");
    if (bytes == 0) return INVALID_VALUE;
    *memory = malloc(bytes);
    memset(*memory, 0xa5, bytes);
    return 0;
}
API cuMemFreeHost(void* memory) {
    if (!is_current()) return refuse(INVALID_CONTEXT, "memory is freed in a thread without a context");
    free(memory);
    return 0;
}

API cuMemcpyHtoDAsync_v2(Pointer to, const void* from, size_t bytes, void* stream) {
    std::lock_guard<std::recursive_mutex> lock(driver_mutex);
    if (Result fault = check_stream(stream)) return fault;
    if (Result fault = check(to, bytes)) return fault;
    memcpy(reinterpret_cast<void*>(to), from, bytes);
    return 0;
}
API cuMemcpyDtoHAsync_v2(void* to, Pointer from, size_t bytes, void* stream) {
    std::lock_guard<std::recursive_mutex> lock(driver_mutex);
    if (Result fault = check_stream(stream)) return fault;
    if (Result fault = check(from, bytes)) return fault;
    memcpy(to, reinterpret_cast<void*>(from), bytes);
    return 0;
}
API cuMemcpyDtoDAsync_v2(Pointer to, Pointer from, size_t bytes, void* stream) {
    std::lock_guard<std::recursive_mutex> lock(driver_mutex);
    if (Result fault = check_stream(stream)) return fault;
    if (Result fault = check(to, bytes)) return fault;
    if (Result fault = check(from, bytes)) return fault;
    memcpy(reinterpret_cast<void*>(to), reinterpret_cast<void*>(from), bytes);
    return 0;
}
API cuMemsetD8Async(Pointer to, unsigned char value, size_t bytes, void* stream) {
    std::lock_guard<std::recursive_mutex> lock(driver_mutex);
    if (Result fault = check_stream(stream)) return fault;
    if (Result fault = check(to, bytes)) return fault;
    memset(reinterpret_cast<void*>(to), value, bytes);
    return 0;
}

API cuStreamCreate(void** stream, unsigned) {
    *stream = new Stream{nullptr};
    return 0;
}
API cuStreamDestroy_v2(void* stream) {
    delete static_cast<Stream*>(stream);
    return 0;
}
API cuStreamSynchronize(void* stream) { return check_stream(stream); }
API cuStreamWaitEvent(void* stream, void*, unsigned) { return check_stream(stream); }

API cuStreamBeginCapture_v2(void* stream, int) {
    std::lock_guard<std::recursive_mutex> lock(driver_mutex);
    if (Result fault = check_stream(stream)) return fault;
    if (setting("CUSIM_GRAPHS", 1) == 0) return NOT_SUPPORTED;
    static_cast<Stream*>(stream)->capture = new Graph;
    return 0;
}
API cuStreamEndCapture(void* stream, void** graph) {
    std::lock_guard<std::recursive_mutex> lock(driver_mutex);
    Stream& own = *static_cast<Stream*>(stream);
    if (!own.capture) return refuse(ILLEGAL_STATE, "a capture ends that did not begin");
    *graph = own.capture;
    own.capture = nullptr;
    return 0;
}
API cuGraphInstantiateWithFlags(void** exec, void* graph, unsigned long long) {
    *exec = new Graph(*static_cast<Graph*>(graph));
    return 0;
}
API cuGraphDestroy(void* graph) {
    delete static_cast<Graph*>(graph);
    return is_current() ? 0 : refuse(INVALID_CONTEXT, "a graph is destroyed in a thread without a context");
}
API cuGraphExecDestroy(void* exec) { return cuGraphDestroy(exec); }

// An event is the time it was recorded, in microseconds: launches are over when they return.
API cuEventCreate(void** event, unsigned) {
    *event = new int64_t(0);
    return 0;
}
API cuEventRecord(void* event, void* stream) {
    if (Result fault = check_stream(stream)) return fault;
    auto now = std::chrono::steady_clock::now().time_since_epoch();
    *static_cast<int64_t*>(event) = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    return 0;
}
API cuEventQuery(void*) { return 0; }
API cuEventSynchronize(void*) { return 0; }
API cuEventDestroy_v2(void* event) {
    delete static_cast<int64_t*>(event);
    return 0;
}
API cuEventElapsedTime_v2(float* milliseconds, void* start, void* end) {
    *milliseconds = float(*static_cast<int64_t*>(end) - *static_cast<int64_t*>(start)) / 1000;
    return 0;
}

API cuGetErrorName(Result, const char** text) {
    *text = "CUSIM_ERROR";
    return 0;
}
API cuGetErrorString(Result, const char** text) {
    *text = "the stand-in driver refused";
    return 0;
}

namespace {

Result launch(const cusim::Kernel& kernel, cusim::Index grid, cusim::Index block, unsigned shared_bytes, void** arguments) {
    // Every launch has a schedule of its own.
    static uint64_t launches;
    const uint64_t seed = setting("CUSIM_FUZZ", 0);
    const uint64_t own_seed = seed == 0 ? 0 : seed * 1000003 + ++launches;
    const char* fault = cusim::run_grid(kernel, arguments, grid, block, shared_bytes, own_seed);
    return fault ? refuse(LAUNCH_FAILED, fault) : 0;
}

}  // namespace

API cuLaunchKernel(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
                   unsigned block_z, unsigned shared_bytes, void* stream, void** arguments, void**) {
    std::lock_guard<std::recursive_mutex> lock(driver_mutex);
    if (!is_current()) return refuse(INVALID_CONTEXT, "no context is current in this thread");
    const cusim::Kernel& kernel = *static_cast<cusim::Kernel*>(function);
    const size_t threads = size_t(block_x) * block_y * block_z;
    const size_t blocks = size_t(grid_x) * grid_y * grid_z;
    if (blocks == 0 || threads == 0) return refuse(INVALID_VALUE, "a launch is empty");
    if (threads > kernel.threads_max) return refuse(INVALID_VALUE, "a launch exceeds the kernel's launch bound");
    if (shared_bytes > unsigned(SHARED_MEMORY_PER_BLOCK)) return refuse(INVALID_VALUE, "too much shared memory");
    const cusim::Index grid = {grid_x, grid_y, grid_z}, block = {block_x, block_y, block_z};
    Graph* capture = static_cast<Stream*>(stream)->capture;
    if (!capture) return launch(kernel, grid, block, shared_bytes, arguments);
    Recorded recorded = {&kernel, grid, block, shared_bytes, {}};
    for (size_t i = 0; i < kernel.argument_bytes.size(); i++) {
        const char* bytes = static_cast<const char*>(arguments[i]);
        recorded.arguments.emplace_back(bytes, bytes + kernel.argument_bytes[i]);
    }
    capture->push_back(recorded);
    return 0;
}
API cuGraphLaunch(void* exec, void* stream) {
    std::lock_guard<std::recursive_mutex> lock(driver_mutex);
    if (Result fault = check_stream(stream)) return fault;
    for (Recorded& recorded : *static_cast<Graph*>(exec)) {
        std::vector<void*> arguments;
        for (std::vector<char>& argument : recorded.arguments) arguments.push_back(argument.data());
        const Result fault =
            launch(*recorded.kernel, recorded.grid, recorded.block, recorded.shared_bytes, arguments.data());
        if (fault) return fault;
    }
    return 0;
}
