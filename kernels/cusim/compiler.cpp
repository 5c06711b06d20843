// A stand-in for NVRTC: its "CUBIN" is a mark that the stand-in driver loads, because the kernels are compiled already.
//
// It checks what the real compiler would be given: the program must be the very text that the stand-in was built from, and
// the options must be the ones that keep arithmetic exact. CUSIM_COMPILER_FAILS makes it refuse the program.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

enum { OUT_OF_ORDER = 9, COMPILATION = 6, INVALID_OPTION = 5 };

struct Program {
    uint64_t hash;
    bool is_compiled;
    std::string log;
};

// FNV-1a of all names and texts, ends included.
void take(uint64_t& hash, const char* text) {
    do {
        hash = (hash ^ uint8_t(*text)) * 0x100000001b3u;
    } while (*text++ != 0);
}

const char IMAGE[] = "cusim";

}  // namespace

#define API extern "C" __attribute__((visibility("default"))) int

API nvrtcVersion(int* major, int* minor) {
    *major = 13;
    *minor = 0;
    return 0;
}
API nvrtcCreateProgram(void** program, const char* source, const char* name, int headers, const char* const* texts,
                       const char* const* names) {
    uint64_t hash = 0xcbf29ce484222325u;
    take(hash, name);
    take(hash, source);
    for (int i = 0; i < headers; i++) {
        take(hash, names[i]);
        take(hash, texts[i]);
    }
    *program = new Program{hash, false, ""};
    return 0;
}
API nvrtcCompileProgram(void* handle, int count, const char* const* options) {
    Program& program = *static_cast<Program*>(handle);
    bool is_exact = false, is_real = false;
    for (int i = 0; i < count; i++) {
        is_exact |= strcmp(options[i], "--fmad=false") == 0;
        is_real |= strcmp(options[i], "--gpu-architecture=sm_90") == 0;
        if (strncmp(options[i], "--", 2) != 0) return INVALID_OPTION;
    }
    if (!is_exact || !is_real) program.log = "the options must name sm_90 and keep arithmetic exact";
    if (program.hash != CUSIM_SOURCE_HASH) program.log = "the program is not the one the stand-in was built from";
    if (getenv("CUSIM_COMPILER_FAILS")) program.log = "kernels.cu(1): error: asked to fail";
    program.is_compiled = program.log.empty();
    return program.is_compiled ? 0 : COMPILATION;
}
API nvrtcGetProgramLogSize(void* handle, size_t* bytes) {
    *bytes = static_cast<Program*>(handle)->log.size() + 1;
    return 0;
}
API nvrtcGetProgramLog(void* handle, char* log) {
    strcpy(log, static_cast<Program*>(handle)->log.c_str());
    return 0;
}
API nvrtcGetCUBINSize(void* handle, size_t* bytes) {
    *bytes = sizeof IMAGE;
    return static_cast<Program*>(handle)->is_compiled ? 0 : OUT_OF_ORDER;
}
API nvrtcGetCUBIN(void*, char* image) {
    memcpy(image, IMAGE, sizeof IMAGE);
    return 0;
}
API nvrtcDestroyProgram(void** program) {
    delete static_cast<Program*>(*program);
    *program = nullptr;
    return 0;
}
