#!/usr/bin/env bash
# Builds the fuzz targets, replays the kept corpus and fuzzes each target for a while.
# Usage: tests/fuzz/run.sh [SECONDS] [TARGET...]; the last line counts passed, failed and skipped.
# The compiler's own coverage counters and the fuzzer's library are all it needs, on a stable compiler and without any tool to install;
# `cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none TARGET` works as well. What is found lies in target/fuzz/found.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}; shift || true
[ $# -gt 0 ] || set -- parser event objects
# As deep as a worker's thread, not as the main one.
ulimit -s 2048
host=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_TARGET_DIR="$PWD/target/fuzz"
counters="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
counters="$counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
passed=0 failed=0 skipped=0
ok() { passed=$((passed + 1)); echo "ok: $1"; }
bad() { failed=$((failed + 1)); echo "FAILED: $1"; }
build() {
  RUSTFLAGS="--cfg fuzzing $counters" cargo build --release --locked --manifest-path tests/fuzz/Cargo.toml --target "$host" 2>"$CARGO_TARGET_DIR/build.log"
}
mkdir -p "$CARGO_TARGET_DIR/found"
if ! build; then
  tail -n 20 "$CARGO_TARGET_DIR/build.log"
  # Without the registry there is nothing to be said of the targets; anything else is a fault of theirs.
  if grep -qE 'failed to (download|fetch|get)|Could not resolve host' "$CARGO_TARGET_DIR/build.log"; then
    echo "SKIPPED: THE FUZZ TARGETS COULD NOT BE BUILT, AS THE FUZZER'S LIBRARY COULD NOT BE FETCHED"
    echo "0 passed, 0 failed, $# skipped"; exit 77
  fi
  echo "0 passed, $# failed, 0 skipped"; exit 1
fi
for target in "$@"; do
  binary="$CARGO_TARGET_DIR/$host/release/$target"
  common=(-rss_limit_mb=1024 -malloc_limit_mb=512 -timeout=20 -artifact_prefix="$CARGO_TARGET_DIR/found/$target-" -print_final_stats=0)
  # A seed that is given draws the same inputs on every run, so that a finding belongs to the change.
  [ -z "${FUZZ_SEED:-}" ] || common+=("-seed=$FUZZ_SEED")
  log="$CARGO_TARGET_DIR/$target.log"
  if "$binary" "${common[@]}" "tests/fuzz/corpus/$target"/* >"$log" 2>&1; then
    ok "$target: the kept corpus of $(find "tests/fuzz/corpus/$target" -type f | wc -l) inputs"
  else
    bad "$target: the kept corpus"; tail -n 30 "$log"; continue
  fi
  [ "$seconds" -gt 0 ] || continue
  # What is found on the way is kept beside the build, so that a later run goes on from there.
  mkdir -p "$CARGO_TARGET_DIR/corpus/$target"
  if "$binary" "${common[@]}" -max_total_time="$seconds" -max_len=16384 -len_control=20 \
    "$CARGO_TARGET_DIR/corpus/$target" "tests/fuzz/corpus/$target" >"$log" 2>&1; then
    ok "$target: $seconds s, $(sed -n 's/^#\([0-9]*\).*DONE.*/\1/p' "$log") inputs"
  else
    bad "$target: see $CARGO_TARGET_DIR/found"; tail -n 40 "$log"
  fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
