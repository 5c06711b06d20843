#!/usr/bin/env bash
# Compiles the CUDA kernels with NVRTC 13.0.88 from its wheel, with no GPU: no spills, no local memory, no more registers than
# registers.txt allows, no compare-and-swap loop in a histogram kernel. Exit status 77: the compiler could not be had.
#
#   tests/gpu/compile.sh [--record]      NVRTC_VENV=FOLDER keeps the wheels (100 MB) for the next time.
set -uo pipefail
cd "$(dirname "$0")/../.."
folder=${NVRTC_VENV:-}
if [ -z "$folder" ]; then folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; fi
skip() { echo "SKIPPED: $1; the CUDA kernels were not compiled for a GPU" >&2; exit 77; }
if [ ! -e "$folder/bin/pip" ]; then
  python3 -m venv "$folder" || skip "no Python with venv"
fi
"$folder/bin/pip" install -q nvidia-cuda-nvrtc==13.0.88 nvidia-cuda-nvdisasm==13.5.37 ||
  skip "the wheels of NVRTC cannot be had"
library=$(find "$folder" -name 'libnvrtc.so.13' -print -quit)
disassembler=$(find "$folder" -name nvdisasm -type f -print -quit)
[ -n "$library" ] && [ -n "$disassembler" ] || skip "the wheels hold no compiler for this machine"
chmod +x "$disassembler"
# The compiler looks for its built-in headers along the library path.
LD_LIBRARY_PATH=$(dirname "$library") python3 tests/gpu/compile.py "$library" --nvdisasm "$disassembler" "$@"
