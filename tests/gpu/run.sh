#!/usr/bin/env bash
# On a machine with an NVIDIA GPU: proves that CUDA gives the CPU's bits (every primitive, whole models), runs the kernels under
# compute-sanitizer where it is installed, and prints medians by CUDA events beside the limits measured in the same run.
# Exit status 77: there is no device, driver or run-time compiler. Nothing is claimed for what was skipped.
#
# XGBoost trains on the same device as peer where Python has its wheel (PEER_PYTHON, else python3).
#
#   tests/gpu/run.sh [ROWS]      NVRTC comes from the system, or from the wheel that tests/gpu/compile.sh put into NVRTC_VENV.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/common.sh
rows=${1:-1000000}
if [ -n "${NVRTC_VENV:-}" ]; then
  library=$(find "$NVRTC_VENV" -name 'libnvrtc.so.13' -print -quit)
  [ -n "$library" ] && export LD_LIBRARY_PATH=$(dirname "$library")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
log=$(mktemp); trap 'rm -f "$log"' EXIT
cargo test --release -p driftline-kernels --lib --no-run || exit 1
binary=$(cargo test --release -p driftline-kernels --lib --no-run 2>&1 | sed -n 's/.*Executable unittests.*(\(.*\))/\1/p')
[ -x "$binary" ] || { echo "FAILED: the tests do not build" >&2; exit 1; }
# test NAME [WRAPPER...]: runs one test and keeps what it prints.
run_test() { local name=$1; shift; "$@" "$binary" --exact "conformance::cusim::$name" --nocapture >"$log" 2>&1; }
run_test a_device_agrees
if grep -q SKIPPED "$log"; then grep SKIPPED "$log" >&2; exit 77; fi
date -u +%F
command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
check "models, scores, explanations and counts have the CPU's bits" run_test a_device_agrees
check "every primitive and whole models agree with the definitions" run_test a_device_conforms
[ "$failed" -eq 0 ] || tail -n 20 "$log"
for tool in memcheck racecheck synccheck; do
  if command -v compute-sanitizer >/dev/null; then
    check "compute-sanitizer $tool finds nothing" run_test a_device_agrees compute-sanitizer --tool "$tool" --error-exitcode 1
  else
    skipped=$((skipped + 1)); echo "SKIPPED: compute-sanitizer is not installed, no $tool" >&2
  fi
done
cargo bench -p driftline-kernels --bench cuda -- "$rows"
check "every primitive was measured" test $? -eq 0
python=${PEER_PYTHON:-python3}
if "$python" -c 'import xgboost' 2>/dev/null; then
  check "XGBoost was measured on the same device" "$python" tests/gpu/xgboost_peer.py "$rows" 64
else
  skipped=$((skipped + 1)); echo "SKIPPED: XGBoost is not installed for $python, no peer on the device" >&2
fi
finish
