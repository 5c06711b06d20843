#!/usr/bin/env bash
# A shallow clone that is deepened later: what was taken for "everything added" is taken back, whoever deepened it and when.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
init whole
for i in $(seq 1 30); do
  { echo "def f(a):"; for k in $(seq 1 $((20 + i))); do echo "    if a > $((k * (i % 7 + 1))): return $k"; done; } >whole/m.py
  commit whole "Change $i" $((1300000000 + i * 1000))
done
head=$(git -C whole rev-parse HEAD) first=$(git -C whole rev-parse HEAD~4)
git clone -q --depth 5 "file://$PWD/whole" shallow
# What the engine knows of a commit, without what depends on when it was told.
vector() { "$DRIFTLINE" explain "$1" --data "$2" --json | python3 -c '
import json, sys
print(json.dumps(json.load(sys.stdin)["features"], sort_keys=True))'; }
import r=whole reference >/dev/null 2>&1
import r=shallow data >out 2>said || fail "up ends with $?: $(cat said)"
expect_in "a shallow clone" "git fetch --unshallow" "$(cat said)"
[ "$(vector "$first" data)" != "$(vector "$first" reference)" ] || fail "the case shows nothing: a shallow clone knows as much"
git -C shallow fetch -q --unshallow
import r=shallow data >out 2>said || fail "up ends with $?: $(cat said)"
expect_in "a deepened clone" "the log lacks ancestors" "$(cat said)"
expect "predictions" 30 "$(tail -n 1 out | python3 -c 'import json,sys; print(json.load(sys.stdin)["predictions"])')"
for commit in "$head" "$first"; do expect "what is known of $commit" "$(vector "$commit" reference)" "$(vector "$commit" data)"; done
import r=shallow data >out 2>said
expect "told once" 0 "$(grep -c 'the log lacks ancestors' said || true)"

# The same while it is followed.
git clone -q --depth 5 "file://$PWD/whole" other
"$DRIFTLINE" up --repo r=other --data followed --listen 127.0.0.1:0 >log 2>&1 & pid=$!
trap 'kill $pid 2>/dev/null || true' EXIT
for _ in $(seq 1 100); do address=$(sed -n 's/.*listens on //p' log); [ -z "$address" ] || break; sleep 0.1; done
await() { for _ in $(seq 1 100); do curl -sf "$address/v1/predictions/r/$1" >/dev/null && return 0; sleep 0.2; done; return 1; }
await "$head" || fail "the shallow clone is not followed: $(cat log)"
git -C other fetch -q --unshallow
await "$(git -C whole rev-parse HEAD~29)" || fail "the deepened clone is not brought in: $(tail -n 5 log)"
sleep 1
kill -TERM $pid; wait $pid || fail "up ends with $?"
for commit in "$head" "$first"; do expect "what is known of $commit" "$(vector "$commit" reference)" "$(vector "$commit" followed)"; done
