"""Compiles the CUDA kernels with NVRTC, with no GPU, and checks what the compiler made of them.

Fails on a spill, on local memory, on more registers than `registers.txt` allows, and on a compare-and-swap loop in a
histogram kernel. Usage: compile.py LIBNVRTC [--nvdisasm PATH] [--record].
"""

import argparse
import ctypes
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNELS = ROOT / "kernels" / "cu"
CEILINGS = pathlib.Path(__file__).with_name("registers.txt")
ARCHITECTURES = ["sm_80", "sm_90"]
# Kernels that sum with many atomics: a compare-and-swap loop there would cost an order of magnitude.
NO_SWAP_LOOPS = {"fill_histograms", "count_bins", "choose_rows", "count_tokens", "kernel_sums"}


def exact_options():
    """The options the backend compiles with, read from its source so that there is one list."""
    source = (ROOT / "kernels/src/cuda/compiler.rs").read_text()
    found = re.search(r"const EXACT: \[&str; \d+\] =\s*\[(.*?)\];", source, re.S)
    return re.findall(r'"(--[^"]+)"', found.group(1))


def compile_for(nvrtc, architecture):
    """The CUBIN and the compiler's report."""
    parts = sorted(path for path in KERNELS.iterdir() if path.name != "kernels.cu")
    names = (ctypes.c_char_p * len(parts))(*[path.name.encode() for path in parts])
    texts = (ctypes.c_char_p * len(parts))(*[path.read_bytes() for path in parts])
    root = (KERNELS / "kernels.cu").read_bytes()
    program = ctypes.c_void_p()
    status = nvrtc.nvrtcCreateProgram(ctypes.byref(program), root, b"kernels.cu", len(parts), texts, names)
    assert status == 0, f"nvrtcCreateProgram gives {status}"
    options = [f"--gpu-architecture={architecture}", *exact_options(), "--ptxas-options=-v"]
    array = (ctypes.c_char_p * len(options))(*[option.encode() for option in options])
    status = nvrtc.nvrtcCompileProgram(program, len(options), array)
    size = ctypes.c_size_t()
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    report = log.value.decode()
    if status != 0:
        sys.exit(f"{architecture}: the kernels do not compile\n{report}")
    assert nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size)) == 0, "there is no CUBIN"
    cubin = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetCUBIN(program, cubin)
    return cubin.raw, report


def properties(report):
    """Registers, stack and spilled bytes of each kernel."""
    found = {}
    entry = re.compile(
        r"Compiling entry function '(\w+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads"
        r".*?Used (\d+) registers",
        re.S,
    )
    for name, stack, stores, loads, registers in entry.findall(report):
        found[name] = {"registers": int(registers), "stack": int(stack), "spills": int(stores) + int(loads)}
    return found


def ceilings():
    """Registers allowed, by (architecture, kernel)."""
    lines = [line.split() for line in CEILINGS.read_text().splitlines() if line and not line.startswith("#")]
    return {(architecture, kernel): int(registers) for architecture, kernel, registers in lines}


def faults_of(architecture, found, allowed):
    """What is wrong with the kernels, in words."""
    declared = set(re.findall(r"^KERNEL\((\w+),", "".join(p.read_text() for p in KERNELS.glob("*.cu")), re.M))
    faults = [f"{architecture} {name}: not in the compiler's report" for name in declared - set(found)]
    for name, has in sorted(found.items()):
        ceiling = allowed.get((architecture, name), 0)
        print(f"{architecture} {name:20} {has['registers']:3} registers of {ceiling:3}, stack {has['stack']}, spills {has['spills']}")
        if has["stack"] or has["spills"]:
            faults.append(f"{architecture} {name}: {has['stack']} bytes of stack, {has['spills']} of spills")
        if has["registers"] > ceiling:
            faults.append(f"{architecture} {name}: {has['registers']} registers, {ceiling} are allowed")
    return faults


def swap_loops(nvdisasm, cubin, architecture):
    """Histogram kernels whose machine code holds a compare-and-swap."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        text = subprocess.run([nvdisasm, "-c", file.name], check=True, capture_output=True, text=True).stdout
    faults, seen = [], set()
    for section in re.split(r"^\s*\.section\s+", text, flags=re.M):
        name = re.match(r"\.text\.(\w+)", section)
        if name and name.group(1) in NO_SWAP_LOOPS:
            seen.add(name.group(1))
            words = sorted(set(re.findall(r"\b(?:ATOMS?|RED|REDG|ATOMG)\.[\w.]+", section)))
            print(f"{architecture} {name.group(1):20} atomics: {' '.join(words)}")
            faults += [f"{architecture} {name.group(1)}: {word}" for word in words if "CAS" in word]
    faults += [f"{architecture} {name}: not disassembled" for name in NO_SWAP_LOOPS - seen]
    return faults


def main():
    """Compiles for every architecture and exits with what is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("--nvdisasm")
    parser.add_argument("--record", action="store_true")
    arguments = parser.parse_args()
    nvrtc = ctypes.CDLL(arguments.library)
    made = {architecture: compile_for(nvrtc, architecture) for architecture in ARCHITECTURES}
    found = {architecture: properties(report) for architecture, (_, report) in made.items()}
    if arguments.record:
        lines = [f"{a} {name} {has['registers']}" for a, kernels in found.items() for name, has in sorted(kernels.items())]
        head = "# Registers a thread of each kernel may use; `compile.sh --record` writes what NVRTC 13.0 uses now.\n"
        CEILINGS.write_text(head + "\n".join(lines) + "\n")
    faults = [fault for a in ARCHITECTURES for fault in faults_of(a, found[a], ceilings())]
    if arguments.nvdisasm:
        faults += [fault for a in ARCHITECTURES for fault in swap_loops(arguments.nvdisasm, made[a][0], a)]
    else:
        print("SKIPPED: no nvdisasm, the machine code was not read for compare-and-swap loops", file=sys.stderr)
    sys.exit("\n".join(faults) if faults else 0)


if __name__ == "__main__":
    main()
