#!/usr/bin/env bash
# Inputs on which driftline once gave a wrong answer, stalled or ended: each folder here is one, run as a user would.
# Usage: tests/cases/run.sh BINARY [NAME...]; the last line counts passed, failed and skipped.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
DRIFTLINE=$(realpath "$1"); shift
export ROOT DRIFTLINE
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0 skipped=0
[ $# -gt 0 ] || set -- $(cd "$ROOT/tests/cases" && ls -d -- */ | tr -d /)
for name in "$@"; do
  mkdir -p "$scratch/$name"
  status=0 start=$SECONDS
  # A case that hangs is a failure, not a stall of the suite.
  WORK="$scratch/$name" timeout --kill-after=10 600 bash "$ROOT/tests/cases/$name/case.sh" >"$scratch/$name.out" 2>&1 || status=$?
  case $status in
    0) passed=$((passed + 1)); echo "passed   $name ($((SECONDS - start)) s)" ;;
    77) skipped=$((skipped + 1)); echo "SKIPPED  $name: $(tail -n 1 "$scratch/$name.out")" ;;
    *) failed=$((failed + 1)); echo "FAILED   $name: status $status"; sed 's/^/    /' "$scratch/$name.out" | tail -n 40 ;;
  esac
  rm -rf "${scratch:?}/$name"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
