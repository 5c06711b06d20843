#!/usr/bin/env bash
# Law 3: kill at any point and restart; the answer equals that of an undisturbed run.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/common.sh
binary=$(realpath "$1")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
export DRIFTLINE_AUTHOR_KEY_FILE=$work/author.key
make_history "$work/repo" 1200
up() { "$binary" up --repo "$work/repo" --data "$1" --listen 127.0.0.1:0 --exit-when-idle --json 2>>"$work/log"; }
expected=$(up "$work/undisturbed" | tail -n 1)
digest=$(field '["digest"]' <<<"$expected")
check "an undisturbed run has models" test "$(field '["models"]' <<<"$expected")" -gt 0
for delay in 0.15 0.4 0.8 1.3 2.0; do
  data=$work/killed-$delay
  "$binary" up --repo "$work/repo" --data "$data" --listen 127.0.0.1:0 --exit-when-idle --json >/dev/null 2>&1 &
  pid=$!
  sleep "$delay"
  kill -9 "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  again=$(up "$data" | tail -n 1)
  check "killed after $delay s, then restarted: the same digest" test "$(field '["digest"]' <<<"$again")" = "$digest"
done
# Killed twice: once while importing, once while replaying.
data=$work/killed-twice
for delay in 0.5 0.3; do
  "$binary" up --repo "$work/repo" --data "$data" --listen 127.0.0.1:0 --exit-when-idle --json >/dev/null 2>&1 &
  pid=$!; sleep "$delay"; kill -9 "$pid" 2>/dev/null; wait "$pid" 2>/dev/null
done
check "killed twice: the same digest" test "$(up "$data" | tail -n 1 | field '["digest"]')" = "$digest"
finish
